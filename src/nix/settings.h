/*
 * settings - what Nix here is set to, in Nix' own words: `nix config show --json` (until 2.19 `nix show-config --json`, since
 * then a deprecated name of it).
 *
 * It reads nix.conf, the user's, NIX_CONFIG and the options given, as any other command does. Numbers come as real ones:
 * Nix prints some that no 64 bits with a sign hold.
 */
#ifndef EKACI_NIX_SETTINGS_H
#define EKACI_NIX_SETTINGS_H

#include "records/fields.h"
#include "support/text/json.h"

/* An object of NAME: {"value", "defaultValue", ...}, Nix' own document; options as in ekaci.toml, or NULL. Runs a program. */
must_check int nixsettings_read(const struct named_texts *options, json_t **ret, struct err *e);
/* The value of a setting, or otherwise; in the object. */
const char *nixsettings_text(const json_t *conf, const char *name, const char *otherwise);
uint64_t nixsettings_number(const json_t *conf, const char *name, uint64_t otherwise); /* true is 1 */
const json_t *nixsettings_list(const json_t *conf, const char *name);                  /* NULL: none */
/* What is not as it is by default, as a client of Nix sends it to a daemon; in a. */
struct named_texts nixsettings_changed(struct arena *a, const json_t *conf);
/* Whether nobody has set it. */
bool nixsettings_is_default(const json_t *conf, const char *name);

/* Appends --option NAME VALUE for each of options to argv; strings live in options. */
struct nix_argv {
	VEC(const char *) v;
};
void nix_argv_options(struct nix_argv *argv, const struct named_texts *options);

#endif
