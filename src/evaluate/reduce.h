/*
 * reduce - of an evaluator's row, the members that are read; fast.
 *
 * Rows with meta come by the hundred megabytes, and nine tenths of them nobody looks at. simdjson reads the line and
 * what matters of it is written out again, as JSON, for the careful reader in eval_rows.c: attrPath, system, name, drvPath,
 * outputs, error, fatal, requiredSystemFeatures, metaError, warnings, stats, and of meta what meta.h keeps. Where a name stands twice the first one
 * counts. No exception leaves this file.
 */
#ifndef EKACI_EVALUATE_REDUCE_H
#define EKACI_EVALUATE_REDUCE_H

#include "support/base/str.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Appends the reduced row to out and gives true; false when the line is not a JSON object for simdjson (then out is as
 * it was, and the line is for eval_rows.c to judge). */
bool reduce_row(struct str line, struct buf *out);

/*
 * The short way for nearly all rows: one with a derivation, no error, nothing unusual and a path of at most max_depth
 * parts becomes the stored line in out and the sort key in key at once (both emptied first), exactly as eval_rows.c would
 * write them. *drv is its derivation, within out. False, and nothing promised, for any other row.
 */
bool reduce_good_row(struct str line, size_t max_depth, struct buf *key, struct buf *out, struct str *drv, size_t *depth);

#ifdef __cplusplus
}
#endif

#endif
