/*
 * measure - sizes and metrics of what was built, kept by run: how they went over pull requests and base. They go with their run.
 */
#ifndef EKACI_STORE_MEASURE_H
#define EKACI_STORE_MEASURE_H

#include "records/building.h"
#include "store/store.h"

enum {
	MEASURE_MAX_ROWS = 4000,  /* that a run may leave: some 20 ms of writing */
	MEASURE_MAX_METRICS = 20, /* of one derivation */
	MEASURE_MAX_READ = 2000   /* rows that a page looks at */
};

/* What a run has measured, instead of what it had measured before. What is more than the limits is not kept. */
must_check int measure_put(struct store *s, int64_t run, const struct sizes *of, struct err *e);

struct measured {
	int64_t run;
	const char *what;  /* "output", "closure", "metric NAME" */
	const char *unit;  /* "bytes", or the metric's own; may be "" */
	double base, head; /* NaN: that side has none */
};
/* Of builds called as this one is, without its version, on the same system: the newest runs first, in a. */
must_check int measure_read(struct store *s, struct arena *a, int64_t build, struct measured **ret, size_t *ret_n,
    struct err *e);

#endif
