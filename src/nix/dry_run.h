/*
 * dry_run - what the store says must be built or fetched for derivations: `nix-store --realise --dry-run`.
 *
 * All derivations are asked for together, some thousands in one program. Nothing is built or fetched, but caches are asked what
 * they have.
 */
#ifndef EKACI_NIX_DRY_RUN_H
#define EKACI_NIX_DRY_RUN_H

#include "records/fields.h"
#include "support/base/map.h"

struct dry_run {
	struct arena *a;  /* of the keys; the caller's */
	struct map build; /* derivations that must be built; values are the caller's, 0 at first */
	struct map fetch; /* paths that would be fetched */
};

/* Adds to *d what drvs need. words: n further words for the program, as "--option" NAME VALUE. ERR_SYSTEM with Nix' words when
 * the store does not answer; ERR_BUSY when it was cancelled. */
must_check int dry_run_ask(struct dry_run *d, const struct texts *drvs, const char *const *words, size_t n, struct err *e);
void dry_run_release(struct dry_run *d);

#endif
