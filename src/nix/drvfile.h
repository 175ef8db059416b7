/*
 * drvfile - the outputs and the input derivations of a .drv file, and nothing else of it.
 *
 * For --show-input-drvs and --check-cache-status alone; the graph of derivations has its own reader.
 */
#ifndef EKACI_NIX_DRVFILE_H
#define EKACI_NIX_DRVFILE_H

#include "support/text/json.h"

/* {"/nix/store/...drv": ["out"], ...}, as nix-eval-jobs prints it; and, unless ret_outputs is NULL, name -> path (empty
 * when it is not known before the build). */
must_check int drvfile_read(const char *path, json_t **ret_inputs, json_t **ret_outputs, struct err *e);

#endif
