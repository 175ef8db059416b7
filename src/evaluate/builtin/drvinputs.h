/*
 * drvinputs - the inputs and outputs of a .drv file as JSON, as rows of nix-eval-jobs have them.
 *
 * For --show-input-drvs and --check-cache-status alone; who wants more of a derivation reads it with nix/drv.h.
 */
#ifndef EKACI_EVALUATE_BUILTIN_DRVINPUTS_H
#define EKACI_EVALUATE_BUILTIN_DRVINPUTS_H

#include "support/text/json.h"

/* {"/nix/store/...drv": ["out"], ...}; and, unless ret_outputs is NULL, name -> path (empty when it is not known before the
 * build). New references. path is that of the file, as it lies on the disk. */
must_check int drvinputs_read(const char *path, json_t **ret_inputs, json_t **ret_outputs, struct err *e);

#endif
