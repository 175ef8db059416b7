/*
 * costs - what evaluating cost on both sides, by name, and which warnings are new.
 *
 * Rows say how many bytes were allocated for them (stats.allocBytes: newer nix-eval-jobs by themselves, ours with --stats). Work that
 * several share is billed to whoever forced it first in its worker, so one row says little: what is compared are sums, of all and by
 * set, of two evaluations by as many workers. Nothing is said (never 0) where either side was stored without figures or is a part taken
 * out of a whole, where the numbers of workers differ, or where a row that is a derivation does not say its cost, as after a worker
 * was replaced: then what is shared was paid twice.
 *
 * Where the difference is: from the top downwards, each set that has at least 80 % of the whole difference below it, as far as there is
 * one; the last is an attribute where one has that much.
 *
 * The built-in evaluator gives each worker the same attributes in the same order on both sides (builtin/coordinator.c), so its sums are
 * those of the code: two runs of one tree of 12,565 attributes differ by 0.001 %. nix-eval-jobs gives the next one to whoever is free: there,
 * what is shared is paid by as many workers as happen to need it, and with more than one the sums of one tree differ by some percent.
 *
 * A warning is new when base gave none of the same words (store paths in it taken out), whatever attribute it was heard in, for that
 * is only who came first.
 */
#ifndef EKACI_GRAPH_COSTS_H
#define EKACI_GRAPH_COSTS_H

#include "graph/result.h"

enum {
	COSTS_MAX_SETS = 10,
	COSTS_MAX_DEPTH = 8,
	COSTS_MAX_WARNINGS = 20,
	COSTS_SHARE = 80,  /* percent */
	COSTS_LEAST = 1000 /* what differs by less than this part of the whole has no name: memory is counted in pages */
};

/* Fills d->costs: an element for each job that both sides have and of which anything is known. */
must_check int costs_find(struct difference *d, const struct diff_job *job, struct err *e);

#endif
