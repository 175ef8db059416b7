/*
 * stored - evaluations on disk, by the key of all that decided them.
 *
 * DIR/KEY.jsonl.zst is one of them (formats/stored_file.h; what its lines say: ARCHITECTURE.md, evaluate).
 * DIR/KEY.partial.jsonl.zst: the same of one that is complete but for rows that are marked unknown, with "partial": true in
 * its header. It is for the comparison of the run that made it, or of one that evaluates the same just then (it is replaced as
 * a whole); nobody reuses it, nor takes a scope from it.
 * Only complete evaluations are written, whole or not at all. A file that is cut, altered or for another key is as if
 * it were not there. DIR/KEY.lock is locked by whoever evaluates, so that two that want the same do it once; the lock
 * goes with the process. Both files are as old as their last use: who removes old ones removes them together.
 */
#ifndef EKACI_EVALUATE_STORED_H
#define EKACI_EVALUATE_STORED_H

#include "evaluate/eval_rows.h"
#include "formats/stored_file.h"

enum {
	STORED_FORMAT = STORED_VERSION,
	STORED_MEANING = 4 /* of rows, whoever made them: raise it when those of the same tree would say something else now */
};

/* What a stored evaluation says about itself. */
struct stored {
	size_t rows, errors, derivations;
	char evaluator[64], version[160];
};

/* SHA-256, in hexadecimal, of the text. */
void stored_key(struct str what, char ret[65]);
char *stored_path(struct arena *a, const char *dir, const char *key);
char *stored_partial_path(struct arena *a, const char *dir, const char *key);

/* Waits until nobody else evaluates key; *ret_fd holds the lock until closed. ERR_BUSY when cancelled meanwhile, or
 * after wait_ms. */
must_check int stored_lock(const char *dir, const char *key, int64_t wait_ms, int *ret_fd, struct err *e);

/* The header's format and counts are set here. */
must_check int stored_write(const char *path, struct evaluation_header *header, const struct eval_rows *rows, struct err *e);

/* The evaluation was of use. */
void stored_used(const char *path);

/* Reads the whole file. 0: intact, *ret filled, and each derivation in drvs (may be NULL; texts in a). 1: not there or
 * not usable, *e says why. -1: the system failed. */
must_check int stored_read(struct arena *a, const char *path, const char *key, struct stored *ret,
    int (*on_drv)(void *ctx, struct str drv), void *ctx, struct err *e);
/* The same with each row's line, which is gone after the call. That the file is intact is known only at its end. */
must_check int stored_read_rows(struct arena *a, const char *path, const char *key,
    int (*on_row)(void *ctx, struct str line, struct err *e), void *ctx, struct err *e);

#endif
