/*
 * searchpath - NIX_PATH: what <name> stands for, and what of it decides an evaluation.
 *
 * Text as NIX_PATH has it, entries with colons between them, each "NAME=WHERE" or "WHERE"; WHERE is a path, an address or
 * "flake:...".
 */
#ifndef EKACI_EVALUATE_SEARCHPATH_H
#define EKACI_EVALUATE_SEARCHPATH_H

#include "support/base/str.h"

/* Cuts the first entry off *text, which then holds the rest (p NULL behind the last). *ret_name is empty where there is none. */
struct str searchpath_next(struct str *text, struct str *ret_name);
/* Whether where is a path, not an address. */
bool searchpath_is_path(struct str where);
/* The nix-path of nix.conf, whose entries have blanks between them, as NIX_PATH has it. */
const char *searchpath_of_setting(struct arena *a, const char *value);

/*
 * What tells two states of what text names apart, in a: store paths are themselves; of other folders all their files'
 * names, sizes and times of change (without .git) are taken together; what an address gives is taken to be the same for an
 * hour, as Nix does (tarball-ttl). It reads no file.
 */
const char *searchpath_mark(struct arena *a, const char *text);

#endif
