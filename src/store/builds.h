/*
 * builds - derivations that some run wants built, as rows: the durable part of the queue.
 *
 * A derivation has one row, however many runs want it. store/open.h reads what is open, for the scheduler. `blocked` counts its inputs (among the rows) that are not
 * there yet; at zero it is queued. A failure travels to everything that depends on it as dependency_failed with
 * propagated_from, in the same transaction, so that no state between can be seen or survive a crash; that no machine could be
 * found travels as itself: nothing has failed.
 */
#ifndef EKACI_STORE_BUILDS_H
#define EKACI_STORE_BUILDS_H

#include "records/building.h"
#include "store/store.h"

/* What a run wants, in the words of the stage query; inputs are drv paths among the same call. */
struct build_want {
	const char *drv, *name, *system;
	struct texts features, inputs;
	const char *base_drv; /* of a target: what it was at the base, "" nothing; NULL: not known */
	bool fixed_output, target, base, cached;
	bool marked; /* cached, and says of itself that it failed */
	bool asked;  /* somebody named it, or what needs it; not read here */
	bool retry;  /* a known failure does not stand */
	bool again;  /* what is there already is built once more and compared */
};

/*
 * Adds what is not there, joins what is, and links all to the run. A derivation known as built or cached that is wanted
 * again was found missing by the query and is built again. A known failure younger than known_since stands, unless
 * retried, or of a fixed output, which depends on what is outside. Dependencies come before their dependents in wants.
 */
must_check int store_builds_want(struct store *s, int64_t run, const struct build_want *wants, size_t n, int64_t known_since,
    struct err *e);

/* builder: where, as people call it. ret_again: it is built to compare with what is there. */
must_check int store_build_started(struct store *s, int64_t id, const char *log, const char *builder, bool *ret_again,
    struct err *e);
/* For whom a build is, for the log: the first live run that wants it, else the newest. Texts in a; zero when nobody does. */
struct build_for {
	int64_t run;
	const char *repository, *number; /* "org/demo", and "#7", "queue #7" or "branch" */
};
must_check int store_build_for(struct store *s, struct arena *a, int64_t id, struct build_for *ret, struct err *e);
/* What building it once more has shown. */
enum build_alike { BUILD_NOT_COMPARED, BUILD_ALIKE, BUILD_NOT_ALIKE };
struct build_end {
	enum build_state state;            /* an end, or BUILD_QUEUED: back to the queue until not_before */
	const char *reason, *tail, *phase; /* NULL: none */
	const char *log, *builder;         /* NULL: as it stands */
	int64_t wall_ms, not_before;
	enum build_alike alike;
	bool marked; /* BUILD_FAILED, but its outputs are there: what needs it goes on */
};
/* Dependents are released or failed. Of a build that is not open any more nothing is changed. */
must_check int store_build_end(struct store *s, int64_t id, const struct build_end *end, struct err *e);
/* Whatever was building when the daemon died is queued again; what no live run wants is cancelled. */
must_check int store_builds_recover(struct store *s, struct err *e);

/* How many builds of a run (base ones too) are still open. */
must_check int store_run_builds_open(struct store *s, int64_t run, int64_t *ret, struct err *e);
/* What a report is told of the head's builds; in a, in the order in which they were wanted first. */
must_check int store_run_builds(struct store *s, struct arena *a, int64_t run, struct builds_told *ret, struct err *e);
/* Of the builds that were made for a run, and whose duration was known before: how many, what they were thought to take, and did. */
struct build_estimated {
	int64_t builds, expected_ms, took_ms;
};
must_check int store_run_estimated(struct store *s, int64_t run, struct build_estimated *ret, struct err *e);
/* Failed targets of the head whose blame is open, in a. */
must_check int store_run_unjudged(struct store *s, struct arena *a, int64_t run, struct texts *ret, struct err *e);
/* The base's derivation of a failed target; "" when it has none. */
must_check int store_run_base_of(struct store *s, int64_t run, const char *drv, const char *base_drv, struct err *e);
/* Gives every failed target its blame, from what is known of the base's derivation. */
must_check int store_run_judge(struct store *s, int64_t run, struct err *e);
/* A run's wants go; builds that nobody wants any more are cancelled when open. Ids of those that were building are
 * given back, at most max: their workers must be ended. Where another run replaces it (kept), those go on until
 * store_run_drop_kept: it may want them. */
must_check int store_run_unwant(struct store *s, int64_t run, bool kept, int64_t *building, size_t max, size_t *ret_n,
    struct err *e);
/* What runs that this one replaced had begun, and neither it nor another live one wants: cancelled, and given back as there. To be
 * called when it is known what the run wants, or when it has ended. */
must_check int store_run_drop_kept(struct store *s, int64_t run, int64_t *building, size_t max, size_t *ret_n, struct err *e);

#endif
