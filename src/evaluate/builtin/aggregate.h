/*
 * aggregate - Hydra's aggregates: what one holds becomes what it needs.
 *
 * An aggregate (_hydraAggregate) has constituents: derivations, which it needs anyway, and names or globs of attributes,
 * of which Nix knows nothing. Those are looked up among all rows, and the aggregate is evaluated once more with them as
 * inputs: the same environment, another derivation, which changes when a constituent does and fails with it.
 * The rule is nix-eval-jobs' (https://github.com/nix-community/nix-eval-jobs, --constituents).
 */
#ifndef EKACI_EVALUATE_BUILTIN_AGGREGATE_H
#define EKACI_EVALUATE_BUILTIN_AGGREGATE_H

#include "support/base/map.h"
#include "support/base/mem.h"
#include "support/text/json.h"

struct found_drv {
	struct str drv, output; /* output: its first by name */
};

/* All rows, for who looks a name up. Texts belong to the owner of the rows. */
struct found {
	struct map attrs; /* of rows with a derivation; value: index in drvs */
	VEC(struct found_drv) drvs;
	struct map failed; /* of rows with an error */
};

/* Evaluates the aggregate at attr_path once more, with inputs {DRV: [OUTPUT]} besides its own. *ret: {"drvPath",
 * "outputs"}, or {"error"} when that fails. -1 ends everything. */
struct aggregate_rewriter {
	int (*rewrite)(void *ctx, const json_t *attr_path, const json_t *inputs, json_t **ret, struct err *e);
	void *ctx;
};

/* rows: those of aggregates, with members constituents, namedConstituents, globConstituents as the walker gives them, in
 * any order. Changes them, and the drv of their entries of f, which others then see: derivations and outputs
 * become those that need the constituents, namedConstituents goes. What is not there, does not evaluate or is in a circle
 * becomes the row's error; it then keeps its derivation. */
must_check int aggregate_all(struct found *f, json_t *rows, const struct aggregate_rewriter *by, struct err *e);

#endif
