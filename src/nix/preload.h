/*
 * preload - libraries that Nix is started with: one makes an old one show errors faster (nixlines.c), one tells what an evaluation
 * allocates (nixcost.c).
 */
#ifndef EKACI_NIX_PRELOAD_H
#define EKACI_NIX_PRELOAD_H

#include "support/base/mem.h"

#define PRELOAD_LINES "nixlines.so"
#define PRELOAD_COST  "nixcost.so"

/* The path of the library of that name, or NULL: only for the distribution's own nix, which has our C library, and only where it lies beside the program
 * or in ../lib/ekaci. */
const char *nix_preload(struct arena *a, const char *name);

#endif
