/*
 * eval_rows - what an evaluator printed, read with suspicion.
 *
 * A line is a row of any nix-eval-jobs from 2.16 on, of Lix's, or of ekaci eval-jobs. It is keyed by the array
 * attrPath and by system; `attr` is never looked at, for versions render it differently. Members that are not known
 * are ignored, optional ones may miss. A line that is not such a row makes the whole evaluation incomplete: a hole in
 * it would look like a removed attribute. So does a row with "fatal": true, one for the root, two different ones for
 * the same attribute, and more rows or deeper paths than allowed. A row with an error is none of this: it is a result -
 * unless it does not say whose. After any of these there is no sense in reading on, for the first reason is the best one;
 * only a line that is no row waits for the next one, for the last line of a program that dies is cut, and why it died
 * is the better reason.
 *
 * What this evaluator cannot do, and ours can, sets `ask_own` too: nix-eval-jobs before 2.19 prints errors that are no EvalError
 * (a file that is not there, an undefined variable) without attrPath, and a set within itself is walked for ever.
 *
 * Each row is kept as the line of the stored file (ARCHITECTURE.md, evaluate): meta reduced to what is shown, the
 * error's text cut at 4 KB. metaError says why a good row has no meta; stats and warnings, of newer nix-eval-jobs, are kept.
 * `"unknown":true` is ours alone: no evaluator's row brings it in.
 */
#ifndef EKACI_EVALUATE_EVAL_ROWS_H
#define EKACI_EVALUATE_EVAL_ROWS_H

#include "nix/unknown.h"
#include "records/fields.h"
#include "support/base/map.h"

struct eval_row {
	struct str key;  /* the path's elements, each followed by a NUL, then the system: sorts as the file does */
	struct str line; /* without its newline */
	struct str drv;  /* within line; empty when there is none */
	uint16_t depth;
	bool error, unwanted;
	bool unknown; /* the error says nothing about the repository: unknown.h */
};

struct eval_rows {
	struct arena a;
	VEC(struct eval_row) all;
	size_t max_rows, max_depth; /* 0: no limit; rows: of all lines, kept or not */
	size_t errors, derivations; /* rows with an error, distinct derivations; after eval_rows_finish */
	/* Only rows below one of these paths are kept; NULL, or one without a place: all. */
	const struct paths *scope;
	/* Only rows of these systems are kept; NULL or empty: all. Rows without a system (errors) are kept unless a part
	 * of their path is the name of a system that is not wanted. */
	const struct texts *systems;
	struct buf small, key; /* the line that is stored of the row at hand; its sort key */
	bool external;         /* not our own evaluator's, which sees for itself that a set is within itself */
	struct map levels;     /* of such sets: what repeats at how many levels */
	size_t lines;          /* all that were given, for max_rows */
	bool incomplete, ask_own;
	char reason[1024];   /* the first one */
	struct unknown root; /* what the root's error is, when it says nothing about the repository */
	char no_row[160];    /* the reason there will be when the last line was not the last */
};

/* Takes one line. Never fails: what is wrong with it goes to r->incomplete and r->reason. Returns false when there is no
 * sense in reading on. */
bool eval_rows_add(struct eval_rows *r, struct str line);
/* Takes a line of a stored evaluation; of it, too, only what is in the scope is kept. ERR_INPUT when it is no row. */
must_check int eval_rows_add_stored(struct eval_rows *r, struct str line, struct err *e);
/* Says that the evaluation is incomplete; the first reason stays. */
void eval_rows_incomplete(struct eval_rows *r, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* The paths of the rows that are an error and nothing else, in r->a. */
struct paths eval_rows_failed(struct eval_rows *r);
/* Of an evaluation without meta, what is no error there: it takes the place of the error, whose words are why there is no
 * meta. Neither is finished yet. */
void eval_rows_mend(struct eval_rows *r, const struct eval_rows *without_meta);
/* Sorts, drops exact repetitions, counts. */
void eval_rows_finish(struct eval_rows *r);
/* The error of row i is no fact: its line says so, as the first member. */
void eval_rows_mark_unknown(struct eval_rows *r, size_t i);
void eval_rows_release(struct eval_rows *r);

#endif
