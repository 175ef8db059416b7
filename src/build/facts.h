/*
 * facts - what the stage `query` takes from a difference file: whose derivations are asked for.
 */
#ifndef EKACI_BUILD_FACTS_H
#define EKACI_BUILD_FACTS_H

#include "build/sizes.h"
#include "records/building.h"
#include "records/evaluation.h"
#include "support/base/map.h"

struct facts_target {
	const char *drv, *system;
	const char *base; /* its derivation at the base, "" when there is none; NULL on the base's side */
	bool asked;       /* it is of one of those that somebody named; true when none was named */
};
struct facts_needed {
	const char *drv, *system;
};
struct facts {
	LIST(struct facts_target) targets; /* each derivation once, in the order of the file */
	struct map by_drv;                 /* drv -> place in targets */
	bool named;                        /* some were named */
	struct texts unknown;              /* names that are of no target */
	LIST(struct base_of) base_of;      /* on the base's side, as in the job's failed */
	struct sized_list sized;           /* where sizes are asked for */
	struct map changed; /* drvs that the change makes or remakes; value: place in needed plus one, 0: a target */
	LIST(struct facts_needed) needed; /* those that are no target */
	bool knows_changed;               /* the file says it */
};

/* On the head's side targets are those of the difference and what is known of them; on the base's side the base's derivations of
 * the failed ones. All but the maps lives in a. */
must_check int facts_read(struct arena *a, const struct query_job *job, struct facts *ret, struct err *e);
void facts_release(struct facts *f);

#endif
