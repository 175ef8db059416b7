/*
 * sizes - how large what was rebuilt is, base beside head, where both sides are in the store or in a cache.
 *
 * One record `sizes`: compared (packages with both sides there), left_out (rebuilt ones over the limit, not looked at), and
 * packages, those of the compared with anything to tell (another size, metrics, products), in the difference's order:
 *   path, job, system, name, drv (head's)
 *   output    [base, head]: bytes of the outputs that both sides have
 *   closure   [base, head]: bytes of all that `out` (else the first output) needs to run, itself too; null when some of it
 *             is nowhere
 *   metrics   [{name, unit, base, head}]: of nix-support/hydra-metrics; a number is null where a side has none
 *   products  [{type, subtype, name, store_path, base, head}]: of nix-support/hydra-build-products; bytes of a file, null
 *             where a side has none or it is a folder; store_path is head's, else base's
 * Metrics and products are read where both sides are in the store; nothing is fetched for them. How Nix is asked: infos.h.
 *
 * What was built is hostile: its files are opened without following a link, read up to a limit, and a line that is not
 * as Hydra writes it is left out.
 */
#ifndef EKACI_BUILD_SIZES_H
#define EKACI_BUILD_SIZES_H

#include "records/record.h"

enum { SIZES_MAX_PACKAGES = 2000 };

must_check int sizes_emit(const json_t *difference, const json_t *options, struct record_out *out, struct err *e);

/* The metrics and products of two outputs (products.c); store_dir is where the store is. New references. */
void sizes_files(const char *store_dir, const char *base, const char *head, json_t **ret_metrics, json_t **ret_products);

/* Whether an output says of itself that its build failed: nix-support/failed is there, as Hydra has it. */
bool sizes_marked_failed(const char *store_dir, const char *output);

#endif
