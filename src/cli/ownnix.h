/*
 * ownnix - the Nix of whoever runs `ekaci diff`, so that it evaluates what nix-build and nix build evaluate there.
 *
 * It is somebody's own checkout, so nothing is kept from it: their NIX_PATH, nix.conf and NIX_CONFIG with its features,
 * tokens and netrc, the files of the machine, the network unless they say otherwise. What of this decides what comes out goes
 * into the stored evaluation's key.
 */
#ifndef EKACI_CLI_OWNNIX_H
#define EKACI_CLI_OWNNIX_H

#include "support/base/err.h"
#include "support/base/str.h"

#include <jansson.h>

/*
 * The member `own` of the stage's job:
 *   env       name -> value, what decides what comes out: NIX_PATH (its paths absolute), NIX_*, NIXPKGS_*, HOME, ...
 *   means     name -> value, by which it comes out: PATH, proxies, certificates, ssh, git, ...
 *   settings  a hash of all of Nix' settings
 *   search    what <name> is looked up in, as NIX_PATH has it: the variable, nix.conf's nix-path, else Nix' own default
 *   reads     further folders and files that nixpkgs reads, the same way
 */
must_check int ownnix_read(struct arena *a, json_t **ret, struct err *e);

#endif
