/*
 * ownnix - the Nix of whoever runs `ekaci diff`, so that it evaluates what nix-build and nix build evaluate there.
 *
 * It is somebody's own checkout, so nothing is kept from it: their NIX_PATH, nix.conf and NIX_CONFIG with its features,
 * tokens and netrc, the files of the machine, the network unless they say otherwise. What of this decides what comes out goes
 * into the stored evaluation's key.
 */
#ifndef EKACI_CLI_OWNNIX_H
#define EKACI_CLI_OWNNIX_H

#include "records/evaluation.h"

/* The member `own` of the stage's job, not restricted; in a. Its search is the variable NIX_PATH, else nix.conf's nix-path, else
 * Nix' own default. What of the environment is no UTF-8 is left out (names) or cleaned (values). */
must_check int ownnix_read(struct arena *a, struct own_nix *ret, struct err *e);

#endif
