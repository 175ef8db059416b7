/*
 * model - one run's facts, read once; every output derives from this and from nothing else.
 *
 * Counts are those of the difference file, which come from the whole set, never from the length of a list. Everything lives in
 * the model's arena, in the mapped difference file or in the caller's job, until model_release. What stands in texts came from
 * a repository, an evaluator or a build log: see support/text/escape.h for the way out.
 */
#ifndef EKACI_REPORT_MODEL_H
#define EKACI_REPORT_MODEL_H

#include "formats/difference_file.h"
#include "records/reporting.h"
#include "report/position.h"

enum run_outcome {
	OUTCOME_RUNNING,    /* not compared yet */
	OUTCOME_SKIPPED,    /* rules decided that nothing can rebuild */
	OUTCOME_FAILED,     /* a stage up to the comparison gave an error */
	OUTCOME_INCOMPLETE, /* an evaluation is not known to be complete: nothing was compared */
	OUTCOME_NOTHING,    /* neither side of any job has a single attribute: nothing was compared */
	OUTCOME_COMPARED,
	OUTCOME_SUPERSEDED, /* a newer push took over */
	OUTCOME_CANCELLED,
	OUTCOME_HELD,    /* not even evaluated before somebody approves */
	OUTCOME_UNWANTED /* its people wrote that nothing is to be done */
};

/* An attribute that is not unchanged. */
struct changed_attr {
	const struct difference_attribute *is;
	struct str text;          /* the same as the difference file has it */
	const char *name;         /* python3Packages."a.b", dotted, quoted where needed */
	const char *job, *system; /* empty where the difference does not say it */
	enum attr_class class;
	const char *drv;                       /* of head, or NULL */
	const char *version_old, *version_new; /* both or none; an empty one for "had none" */
	const struct build_told *build;        /* NULL when not wanted */
	enum build_state state;
	enum blame blame;
	bool tolerated; /* its job allows evaluation failures */
	size_t row;     /* its place among those that are no alias */
	bool alias;     /* another name of an attribute that is here too: in no count and no list */
};

struct counts {
	const char *system; /* NULL in the total and in what has none */
	int64_t of[CLASSES];
	int64_t derivations;   /* distinct ones that rebuild or are new */
	int64_t changed_paths; /* changed .drv paths, rebuilds or not */
	int64_t failing;       /* what fails as on the base, whose row has no system, but whose path names this one */
};

/* Builds of wanted derivations (targets), each derivation once. */
struct tally {
	int64_t total, ended; /* of all builds, dependencies too */
	int64_t targets, built, cached;
	int64_t newly, newly_blocked; /* failed by themselves; failed because a dependency did */
	int64_t still, still_blocked;
	int64_t unknown; /* failed, and nobody knows whether base fails too */
	int64_t infrastructure, cancelled, unsupported;
	int64_t unasked; /* left out, because only some of a wide change were asked for */
};

/* A job of which neither side has a single attribute. */
struct empty_job {
	const char *name;
	const char *below;    /* what it evaluates, from the repository: "pkgs of default.nix" */
	const char *systems;  /* that it asks for, or NULL */
	const char *sentence; /* both evaluations say why that is as it should be; or NULL: it is a mistake somewhere */
	bool flake;           /* its sets are entered by a flake's schema */
	bool failing;         /* there are attributes, and every one fails, before and after */
	const char *words;    /* then the evaluator's, of the first; or NULL */
};

/* Whose doing it is that an evaluation did not complete. */
enum incomplete {
	INCOMPLETE_HEAD, /* the base evaluates, and the change does not */
	INCOMPLETE_BASE, /* only the base does not, or not any more */
	INCOMPLETE_BOTH,
	INCOMPLETE_UNKNOWN /* not the evaluated code's: something could not be had or is not allowed here */
};

struct model {
	struct arena a;
	const struct report_job *job; /* the caller's */
	struct report_facts facts;    /* what it says of the run */
	struct report_wishes wishes;  /* of the plan, or what holds without one */
	struct map builds;            /* derivation -> place in facts.builds */
	enum run_outcome outcome;
	bool many_jobs; /* so that names of jobs are worth showing */

	/* Of what was compared; nothing of this otherwise. */
	struct difference_reader *difference;
	struct changed_attr *attrs;
	size_t n_attrs;
	VEC(const struct difference_root *) roots; /* by the places that causes name */
	VEC(const struct meta_change *) meta_changed;
	VEC(const char *) targets; /* derivations to be built */
	struct meta_errors meta_errors;
	VEC(const struct evaluation_cost *) costs;    /* by job */
	const struct difference_distances *distances; /* NULL: the file does not say */
	struct counts total, other, *systems;         /* total is the sum of the rest; other: of no one system */
	size_t n_systems;
	int64_t aliases;      /* other names of attributes that are counted */
	int64_t carry_commit; /* attributes of head that carry the commit's id; 0 also when that is not known */
	struct tally tally;
	int64_t untold;           /* attributes that could not be told */
	int64_t newly_evaluating; /* attributes that newly fail to evaluate or are new and fail, of jobs that do not allow it */

	struct empty_job *empty;
	size_t n_empty;
	size_t n_unsaid;            /* of these, without a sentence of both evaluations */
	size_t n_failing;           /* of those, with attributes that all fail */
	enum incomplete incomplete; /* when that is the outcome */
	const char *dead;     /* the evaluator says that nothing of the head evaluates: "this change's default.nix does not
	                               evaluate any more"; NULL when an evaluation ended otherwise before its end */
	struct places places; /* of the repository, in what evaluators say */
};

/* Reads the facts of a job and its difference file. ERR_INPUT when something is missing or of a wrong type. On error m holds
 * nothing. */
must_check int model_init(struct model *m, const struct report_job *job, struct err *e);
void model_release(struct model *m);

/* The dotted name of an attribute path; "(root)" for the empty one. */
char *model_attr_name(struct arena *a, struct texts path);
/* Whether an attribute is the one that somebody named, quoted as in reports or plainly joined by dots; or lies below it. */
bool model_attr_is(struct arena *a, struct texts path, const char *name);
bool model_attr_below(struct arena *a, struct texts path, const char *set);
/* "curl-8.1" of "/nix/store/HASH-curl-8.1.drv"; the text as it is when it is no such path. */
const char *model_drv_name(struct arena *a, const char *drv);
/* The build of a derivation, or NULL. */
const struct build_told *model_build(const struct model *m, const char *drv);
/* The attribute's first build that failed by itself: its own, or the one its failure came from; the key is a drv. */
const char *model_cause_drv(const struct changed_attr *attr);
/* The words of an evaluator about one side; empty where that does not fail. */
const char *model_error(const struct difference_side *side);
/* What meta says of one side; NULL where there is none. */
const struct package_meta *model_meta(const struct difference_side *side);
bool model_is_follower(const struct changed_attr *attr); /* differs only through inputs */
bool model_is_root(const struct changed_attr *attr);     /* differs by itself */
/* The job of the plan of that name, or NULL. */
const struct job_def *model_job(const struct model *m, const char *name);

#endif
