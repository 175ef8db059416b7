/*
 * outlay - what the rows of one worker cost, and which warnings stand behind them.
 *
 * A worker with the library nix/nixcost.c says in front of each of its answers how many bytes it has allocated so far. What an
 * answer took since the one before is the next row's; sets have no row, so theirs goes to what follows them in the same worker. What is shared
 * is billed to whoever forced it first, so one row says little, and sums are compared (graph/costs.h). A warning of the evaluated code
 * comes while an attribute is evaluated, and once in each worker: lines that say so, "warning: " behind "trace: " and colours.
 */
#ifndef EKACI_EVALUATE_BUILTIN_OUTLAY_H
#define EKACI_EVALUATE_BUILTIN_OUTLAY_H

#include "support/base/mem.h"
#include "support/base/str.h"

struct outlay {
	bool known;          /* the worker says so */
	int64_t total, paid; /* bytes that are allocated; of these, what is in rows already */
	struct buf warnings; /* JSON texts with commas between */
	struct buf members;
};

void outlay_init(struct outlay *s);
void outlay_release(struct outlay *s);
/* The text behind the mark: a number. */
void outlay_count(struct outlay *s, struct str text);
/* A line of the evaluated code, without colours. */
void outlay_hear(struct outlay *s, struct str line);
/* What the row at hand is to have beside its members, without_cost only the warnings; lives until the next call. Empty when nothing is
 * known. */
struct str outlay_of_row(struct outlay *s, bool without_cost);
/* That row was printed. */
void outlay_paid(struct outlay *s);

#endif
