/*
 * trusted - whether Nix' daemon takes from a user where a build goes: its setting trusted-users, names and "@GROUP" and "*".
 *
 * To others it does not listen, and says so to nobody but its own log: what was to go to a builder is built here, or fails for want of a machine.
 */
#ifndef EKACI_NIX_TRUSTED_H
#define EKACI_NIX_TRUSTED_H

#include "records/fields.h"

/* trusted: the setting's words; groups: of the user. root is trusted whatever it says. */
bool nixtrust_has(const struct texts *trusted, const char *user, const struct texts *groups);
/* The user that this process is, and its groups, by name where they have one, else by number; in a. */
const char *nixtrust_user(struct arena *a, struct texts *ret_groups);

#endif
