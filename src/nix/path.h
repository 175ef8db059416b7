/*
 * path - names in the Nix store: "/nix/store/HASH-NAME", where HASH is 32 letters and digits, and a derivation's NAME ends in
 * ".drv". Pure functions over text from outside: what is no such path comes back as it is.
 */
#ifndef EKACI_NIX_PATH_H
#define EKACI_NIX_PATH_H

#include "support/base/str.h"

#include <stdbool.h>

/* Where this machine's store is. A store elsewhere is left to Nix (nix/access.h). */
#define NIX_STORE_DIR "/nix/store"

/* Whether it is the path of a derivation, fit to stand in a Nix expression, on a command line and as a file name. */
bool nix_path_is_drv(struct str path);
/* "HASH-NAME": what stands behind the last slash, in path. */
const char *nix_path_base(const char *path);
/* "curl-8.1" of "/nix/store/HASH-curl-8.1.drv", in path. */
struct str nix_path_name(struct str path);

#endif
