/*
 * online - `ekaci check-config --online`: whether GitHub and the settings mean the same App, and what it lacks.
 *
 * Asks GitHub for the App, its webhook, the last deliveries and the installations, and changes nothing.
 */
#ifndef EKACI_FORGE_GITHUB_ONLINE_H
#define EKACI_FORGE_GITHUB_ONLINE_H

#include "config/config.h"

struct online {
	const char *app;    /* "NAME (NUMBER)", or NULL when GitHub did not say */
	struct texts wrong; /* each a sentence with what mends it; GitHub's words are in some */
	struct texts notes; /* what may be meant so */
};

/* folder: where the settings' file stands; a credential of systemd that is not there is looked for there, as `ekaci setup` writes it.
 * -1 only when nothing could be begun. Texts in a; not for a terminal before they are escaped. */
must_check int online_check(struct arena *a, const struct settings *s, const char *folder, struct online *ret, struct err *e);

#endif
