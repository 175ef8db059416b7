/*
 * preload - a library that makes an old Nix show errors faster (nixlines.c).
 */
#ifndef EKACI_NIX_PRELOAD_H
#define EKACI_NIX_PRELOAD_H

#include "support/base/mem.h"

/* Its path, or NULL: only for the distribution's own nix, which has our C library, and only where it lies beside the program
 * or in ../lib/ekaci. */
const char *nix_preload(struct arena *a);

#endif
