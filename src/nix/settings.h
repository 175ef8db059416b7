/*
 * settings - what Nix here is set to, in Nix' own words: `nix config show --json` (until 2.19 `nix show-config --json`, since
 * then a deprecated name of it).
 *
 * It reads nix.conf, the user's, NIX_CONFIG and the options given, as any other command does.
 */
#ifndef EKACI_NIX_SETTINGS_H
#define EKACI_NIX_SETTINGS_H

#include "records/fields.h"

enum nix_setting_kind {
	NIX_SETTING_OTHER, /* of a shape that nothing here needs, e.g. sandbox-paths */
	NIX_SETTING_TEXT,
	NIX_SETTING_NUMBER, /* or yes and no */
	NIX_SETTING_LIST
};
struct nix_setting {
	const char *name, *text; /* text: as on a command line; NULL when it cannot be said there */
	struct texts list;       /* the texts of a list */
	double number;           /* real: Nix prints some that no 64 bits with a sign hold. Yes is 1; -1: none */
	enum nix_setting_kind kind;
	bool is_default; /* nobody has set it */
};
/* {0} is one of which nothing is known. */
struct nix_settings {
	struct nix_setting *p; /* in Nix' order */
	size_t n;
	const char *line; /* all of it, Nix' document on one line: two that are equal mean the same settings */
};

/* Runs a program; options as in ekaci.toml, or NULL. All is in a. */
must_check int nixsettings_read(struct arena *a, const struct named_texts *options, struct nix_settings *ret, struct err *e);
/* The same from what that program prints, an object of NAME: {"value", "defaultValue", ...}; else ERR_INPUT. */
must_check int nixsettings_parse(struct arena *a, struct str text, struct nix_settings *ret, struct err *e);

/* The value of a setting; otherwise, or a list with p NULL, where there is none of that kind. */
const char *nixsettings_text(const struct nix_settings *all, const char *name, const char *otherwise);
uint64_t nixsettings_number(const struct nix_settings *all, const char *name, uint64_t otherwise);
struct texts nixsettings_list(const struct nix_settings *all, const char *name);
bool nixsettings_is_default(const struct nix_settings *all, const char *name);
/* What is not as it is by default, as a client of Nix sends it to a daemon; the list is in a, its texts are the settings'. */
struct named_texts nixsettings_changed(struct arena *a, const struct nix_settings *all);

/* Appends --option NAME VALUE for each of options to argv; strings live in options. */
struct nix_argv {
	VEC(const char *) v;
};
void nix_argv_options(struct nix_argv *argv, const struct named_texts *options);

#endif
