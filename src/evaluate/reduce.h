/*
 * reduce - of an evaluator's row, the members that are read; fast.
 *
 * Rows with meta come by the hundred megabytes, and nine tenths of them nobody looks at. simdjson reads the line; what a row must
 * be is judged in eval_rows.c, and what is stored of it is written here at once. Of members whose name stands twice the first
 * one counts, and one of another type than expected is as if it were not there. No exception leaves this file.
 *
 * Of meta is kept what a report shows: version (of meta, else what follows the name as builtins.parseDrvName splits it),
 * description, homepage, position (at most 2,000 bytes each; of a list the first), license (array of SPDX ids, else short names,
 * else full names), maintainers (array of GitHub handles, else names, else addresses; at most 100), broken, insecure, unfree
 * (only when true).
 */
#ifndef EKACI_EVALUATE_REDUCE_H
#define EKACI_EVALUATE_REDUCE_H

#include "support/base/str.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { REDUCE_ERROR_BYTES = 4096 }; /* of an error, a warning, and what is wrong with meta */

/* A row as it was printed. Texts live until the next line is read; p is NULL where there is none. */
struct printed_row {
	bool has_path;          /* attrPath is there, and not null */
	const struct str *path; /* its parts; NULL when it is no array of texts */
	size_t depth;           /* how many there are */
	struct str system, drv, error;
	bool has_fatal, fatal; /* it is there; it is true */
	bool good_outputs;     /* an object of absolute paths and nulls */
};

/* Reads a line; false when it is no JSON object, or a part of the path holds a NUL. */
bool reduce_read(struct str line, struct printed_row *ret);
/* Appends the line that is stored of the row read last, which has a path and, when it has a derivation, a true one and good
 * outputs. *ret_drv is where the derivation begins in out. False when a text in it holds a NUL. */
bool reduce_write(const struct printed_row *row, struct buf *out, size_t *ret_drv);

#ifdef __cplusplus
}
#endif

#endif
