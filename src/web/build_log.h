/* log - build logs, live while the build runs. Private to this folder. */
#ifndef EKACI_WEB_BUILD_LOG_H
#define EKACI_WEB_BUILD_LOG_H

#include "web/server.h"

/* Wakes the answers that wait for more of a log. A loop_timer's callback; ctx is the struct web. */
void log_follow(void *ctx);
/* Lets go of all of them; they must not be suspended when the daemon stops. */
void log_stop(struct web *w);

/* What a log may hold becomes what a text page may: terminal sequences and controls are dropped, CR becomes a new line
 * unless one follows. state is 0 at the beginning of a file. Gives the bytes written to out: at most n in all since then,
 * but up to 2 n of one call, since a byte may wait for the next. */
size_t log_clean(int *state, const char *in, size_t n, char *out);

#endif
