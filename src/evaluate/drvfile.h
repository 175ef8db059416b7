/*
 * drvfile - the input derivations of a .drv file, and nothing else of it.
 *
 * For --show-input-drvs alone; the graph of derivations has its own reader.
 */
#ifndef EKACI_EVALUATE_DRVFILE_H
#define EKACI_EVALUATE_DRVFILE_H

#include "support/text/json.h"

/* {"/nix/store/...drv": ["out"], ...}, as nix-eval-jobs prints it. */
must_check int drvfile_inputs(const char *path, json_t **ret, struct err *e);

#endif
