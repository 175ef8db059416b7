/*
 * hearing - what is heard of an evaluator while it runs: rows, words, what it uses of the machine, how it ends.
 *
 * Complete is an evaluation whose evaluator exited as its version does when it has said everything, printed no fatal row, and of
 * which every line was a row. Whatever else happens goes to eval_rows_incomplete, in the evaluator's own words where it has some.
 */
#ifndef EKACI_EVALUATE_HEARING_H
#define EKACI_EVALUATE_HEARING_H

#include "evaluate/evaluating.h"
#include "support/os/child.h"

struct hearing {
	struct evaluating *r;
	struct eval_rows *rows;
	struct buf tail, errors, plain; /* plain: a line without its colours */
	size_t n_errors;
	bool false_alarm;   /* the last line said so */
	bool one_attribute; /* it said that it ended because of one (evaluator_gave_up) */
	const char *disk;   /* a folder on the disk that is written to */
	int64_t disk_mb;    /* what was free there when the evaluation began */
	const char *group;  /* the control group it is in, or NULL: then its memory and processes are watched from here */
};

/* r, rows and disk are set by the caller. */
void hearing_begin(struct hearing *h);
void hearing_release(struct hearing *h);

/* For struct child, with the hearing as ctx. */
int hearing_on_line(void *ctx, int fd, struct str line, struct err *e);
int hearing_on_watch(void *ctx);

/* The budget of all workers and what they may exceed it by: nix-eval-jobs before 2.35.3 may reach twice of it in good faith. */
int64_t hearing_most_mb(const struct evaluating *r);
/* It went beyond that: the words are the same, whoever noticed. */
void hearing_over_memory(struct hearing *h);
/* The evaluator's own words on why it ended. */
struct str hearing_words(const struct hearing *h);
/* What its end means for the rows. */
void hearing_judge(struct hearing *h, const struct child_result *end);

#endif
