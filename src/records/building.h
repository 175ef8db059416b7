/*
 * building - jobs and records of the stages `query`, `build` and `push`: what must be built, and what came of it.
 */
#ifndef EKACI_RECORDS_BUILDING_H
#define EKACI_RECORDS_BUILDING_H

#include "records/build_state.h"
#include "records/fields.h"

struct query_job {
	const char *difference;
	int side; /* enum side */
	struct texts failed;
	struct texts asked;
	struct named_texts options;
	bool sizes;
};
extern const struct fields query_job_fields;

/* The record `build`: one that must be built, or a target that is there. */
struct build_needed {
	const char *drv, *name, *system;
	struct texts features, inputs;
	bool target, fixed_output, cached, marked, asked;
	bool changed;     /* the change is why: it must be rebuilt, or is new */
	const char *base; /* of a target: its derivation at the base, "" when there is none; NULL: not known */
};
extern const struct fields build_needed_fields;

struct base_of {
	const char *head, *base;
};
extern const struct fields base_of_fields;

/* The record `there`: no target, but rebuilt because of the change all the same, and there already or to be fetched. */
struct needed_there {
	const char *name, *system;
};
extern const struct fields needed_there_fields;

/* How long the builds of a system will take (queue/estimate.h). */
struct estimate_of {
	int64_t builds, total_ms, critical_path_ms, known, unknown;
	int64_t finish_ms, finish_low_ms, finish_high_ms; /* -1: nobody can tell */
};
struct system_estimate {
	const char *system;
	struct estimate_of of;
};

/* By system, in the order in which they were met. */
struct estimates {
	struct system_estimate *p;
	size_t n;
};

/* What all builds of one package take that a change needs. */
struct dear_package {
	const char *name; /* without version: "chromium" */
	int64_t builds, ms;
};

/*
 * What a change costs whoever builds all of it, whether some of it is there by now or not: all that must be rebuilt or is new. In
 * machine time, one build after the other; only of builds whose duration was recorded, so where known is less than builds it is
 * the least that it can be.
 */
struct change_cost {
	int64_t builds, known;
	int64_t ms, low_ms, high_ms; /* of the known ones: the median, and with each one's spread shorter and longer */
	int64_t cached, cached_known, cached_ms; /* of these what is there already or can be fetched */
	LIST(struct dear_package) dearest;       /* at most 5 */
};

struct metric {
	const char *name, *unit;
	double base, head; /* NaN: that side has none */
};
struct product {
	const char *type, *subtype, *name, *store_path;
	int64_t base, head; /* bytes; -1: none, or a folder */
};
struct metrics {
	struct metric *p;
	size_t n;
};
struct products {
	struct product *p;
	size_t n;
};
struct package_sizes {
	struct texts path;
	const char *job, *system, *name, *drv;
	struct numbers output; /* bytes at base, at head: of the outputs that both sides have */
	struct numbers
	    closure; /* the same of all that the main output needs to run, itself too; p NULL: some of it is nowhere */
	struct metrics metrics;
	struct products products;
	const char *page_url; /* added by whoever has pages */
};
struct sizes {
	int64_t compared, left_out;
	LIST(struct package_sizes) packages;
};
extern const struct fields sizes_fields;

struct query {
	struct texts unknown; /* those of asked that are no target */
	int64_t targets, cached, to_build, to_fetch;
	int64_t changed;           /* derivations that the change makes or remakes; -1: the difference does not say */
	struct estimates estimate; /* added by the daemon, by system */
	struct change_cost *cost;  /* likewise; NULL: not known */
	struct sizes *sizes;       /* added when the builds have ended */
};
extern const struct fields query_fields;

struct build_job {
	const char *drv, *log, *root;
	int64_t max_silent_s, timeout_s, max_log_bytes;
	struct named_texts options;
	const char *builders, *uri, *local_hook;
	bool builders_use_substitutes, again;
};
extern const struct fields build_job_fields;

struct built {
	int outcome; /* enum build_state */
	const char *reason;
	bool absent, may_pass, marked;
	const char *phase, *tail;
	int deterministic; /* 0, 1, or -1: not compared */
	int64_t wall_ms;
	const char *machine; /* as Nix names it; NULL: the one that was chosen */
};
extern const struct fields built_fields;

/* How the base's derivation of a target is known to fail. */
struct build_was {
	int state; /* enum build_state */
	const char *phase, *reason;
};
/* A build as a report is told of it. */
struct build_told {
	int state; /* enum build_state */
	const char *reason, *tail, *phase;
	const char *propagated_from; /* the drv whose failure this is, or NULL: its own */
	const char *log;             /* a file; taken out where somebody outside reads it */
	const char *log_url;         /* added by whoever has pages */
	const char *blame;           /* "newly_failing", "still_failing", "unknown"; NULL: not judged */
	const char *name, *system;
	bool flaky;          /* it was built after it had failed, unchanged */
	int deterministic;   /* built once more it came out the same; -1: not compared */
	int64_t wall_ms;     /* -1: not known */
	int64_t expected_ms; /* what it was thought to take when the run asked for it; -1: nobody knew */
	bool before;         /* it had ended before the run asked for it */
	struct build_was *was;
	bool target;
};
struct build_of_drv {
	const char *drv;
	struct build_told told;
};
/* The builds that a run wants for its head, as an object by drv. */
struct builds_told {
	struct build_of_drv *p;
	size_t n;
};
extern const struct fields build_told_fields;

/* How long builds of a package took, oldest first (cli/durations.h). */
struct package_durations {
	const char *name, *system; /* without version */
	struct numbers ms;
};
extern const struct fields package_durations_fields;

struct push_job {
	struct texts drvs;
	const char *cache;
	struct named_texts options;
};
extern const struct fields push_job_fields;
struct pushed {
	int64_t paths;
};
extern const struct fields pushed_fields;

#endif
