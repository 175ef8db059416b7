/*
 * sizes - how large what was rebuilt is, base beside head, where both sides are in the store or in a cache.
 *
 * Gives a record `sizes` (records/building.h), whose packages are those of the compared ones with anything to tell: another size,
 * metrics, products. Metrics and products are read where both sides are in the store; nothing is fetched for them. How Nix is
 * asked: nix/path_info.h.
 *
 * What was built is hostile: its files are opened without following a link, read up to a limit, and a line that is not
 * as Hydra writes it is left out.
 */
#ifndef EKACI_BUILD_SIZES_H
#define EKACI_BUILD_SIZES_H

#include "records/building.h"

enum { SIZES_MAX_PACKAGES = 2000 };

/* A rebuilt attribute: its outputs, name to path, on each side; one whose path is not known before the build is left out. */
struct sized_package {
	struct texts path;
	const char *job, *system, *name, *drv; /* drv: head's */
	struct named_texts base, head;
};
struct sized_list {
	struct sized_package *p;
	size_t n;
	int64_t left_out; /* rebuilt ones over SIZES_MAX_PACKAGES */
};
must_check int sizes_measure(struct arena *a, const struct sized_list *list, const struct named_texts *options,
    struct sizes *ret, struct err *e);

/* The metrics and products of two outputs (products.c), in a; store_dir is where the store is. */
void sizes_files(struct arena *a, const char *store_dir, const char *base, const char *head, struct metrics *ret_metrics,
    struct products *ret_products);

/* Whether an output says of itself that its build failed: nix-support/failed is there, as Hydra has it. */
bool sizes_marked_failed(const char *store_dir, const char *output);

#endif
