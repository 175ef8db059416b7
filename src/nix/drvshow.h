/*
 * drvshow - derivations that Nix knows but whose files cannot be read here: Nix is asked for them.
 *
 * `nix derivation show` (before 2.15: `nix show-derivation`) prints them as JSON, in one of four shapes so far; each becomes a
 * .drv file in a folder of ours, as the store would hold it, so that everything that reads derivations reads these:
 *   0, 1  {PATH: {outputs: {out: {path, hashAlgo: "r:sha256", hash}}, inputSrcs, inputDrvs: {PATH: [OUTPUT]}, ...}}
 *   2     hashAlgo without the "r:", method beside it; inputDrvs: {PATH: {outputs: [OUTPUT], dynamicOutputs}}; name
 *   3     paths are file names, without the store's folder
 *   4     {derivations: {FILE: {inputs: {drvs, srcs}, structuredAttrs, ...}}, version: 4}; a fixed output has no path, which
 *         is then taken from its variable
 * Hashes stay as they are printed, so files of this folder are compared with each other only.
 */
#ifndef EKACI_NIX_DRVSHOW_H
#define EKACI_NIX_DRVSHOW_H

#include "support/base/err.h"
#include "support/base/str.h"

/* Asks for n store paths of derivations and writes their files to dir. ERR_SYSTEM or ERR_ABSENT when Nix cannot tell. */
must_check int drvshow(const char *store_dir, const char *const *paths, size_t n, const char *dir, struct err *e);

/* What was printed, as files in dir. ERR_INPUT when it is none of the shapes. */
must_check int drvshow_write(const char *store_dir, struct str json, const char *dir, struct err *e);

#endif
