/*
 * model - one run's facts, read once; every output derives from this and from nothing else.
 *
 * Counts are those of the difference file, which come from the whole set, never from the length of a list. Slices and
 * strings belong to the job, to the difference document or to the model's arena; all live until model_release. What
 * stands in them came from a repository, an evaluator or a build log: see support/text/escape.h for the way out.
 */
#ifndef EKACI_REPORT_MODEL_H
#define EKACI_REPORT_MODEL_H

#include "records/build_state.h"
#include "report/position.h"
#include "support/text/json.h"

enum { MODEL_MAX_DIFFERENCE_BYTES = 1024 * 1024 * 1024 }; /* 100,000 changed attributes with meta are 0.3 GB */

/* The classes of the difference, in its own words (see change_name). */
enum change {
	CHANGE_ADDED,
	CHANGE_REMOVED,
	CHANGE_REBUILD,
	CHANGE_DERIVATION_ONLY,
	CHANGE_UNCHANGED,
	CHANGE_NEWLY_FAILING,
	CHANGE_FIXED,
	CHANGE_STILL_FAILING,
	CHANGE_SWITCHED,      /* to another package, which base had already */
	CHANGE_ADDED_FAILING, /* new, and fails to evaluate */
	CHANGE_REMOVED_FAILING,
	CHANGE_UNTOLD, /* of one side it is not known what it is */
	CHANGES
};
const char *change_name(enum change c);

enum blame { BLAME_NONE, BLAME_NEWLY, BLAME_STILL, BLAME_UNKNOWN };

enum outcome {
	OUTCOME_RUNNING,    /* not compared yet */
	OUTCOME_SKIPPED,    /* rules decided that nothing can rebuild */
	OUTCOME_FAILED,     /* a stage up to the comparison gave an error */
	OUTCOME_INCOMPLETE, /* an evaluation is not known to be complete: nothing was compared */
	OUTCOME_NOTHING,    /* neither side of any job has a single attribute: nothing was compared */
	OUTCOME_COMPARED,
	OUTCOME_SUPERSEDED, /* a newer push took over */
	OUTCOME_CANCELLED,
	OUTCOME_HELD /* not even evaluated before somebody approves */
};

enum phase { PHASE_EVALUATING, PHASE_REPORTED, PHASE_BUILDING, PHASE_DONE, PHASE_SUPERSEDED, PHASE_CANCELLED };

struct attr {
	const json_t *json; /* the element of "attributes" */
	const char *name;   /* python3Packages."a.b", dotted, quoted where needed */
	const char *job, *system;
	enum change change;
	const char *drv;                       /* of head, or NULL */
	const char *version_old, *version_new; /* both or none; an empty one for "had none" */
	const json_t *build;                   /* NULL when not wanted */
	enum build_state state;
	enum blame blame;
	bool tolerated; /* its job allows evaluation failures */
	bool alias;     /* another name of an attribute that is here too: in no count and no list */
};

struct counts {
	const char *system; /* NULL in the total and in what has none */
	int64_t of[CHANGES];
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
	const json_t *job;  /* borrowed from the caller, who keeps it */
	json_t *difference; /* NULL unless compared */
	const json_t *run, *plan, *evaluations, *builds, *failure, *settings;
	enum phase phase;
	enum outcome outcome;
	bool wide, waiting; /* too many to build unasked; waits for somebody's approval */
	bool many_jobs;     /* so that names of jobs are worth showing */

	struct attr *attrs;
	size_t n_attrs;
	struct counts total, other, *systems; /* total is the sum of the rest; other: of no one system */
	size_t n_systems;
	int64_t aliases;      /* other names of attributes that are counted */
	int64_t carry_commit; /* attributes of head that carry the commit's id; 0 also when that is not known */
	struct empty_job *empty;
	size_t n_empty;
	size_t n_unsaid;            /* of these, without a sentence */
	enum incomplete incomplete; /* when that is the outcome */
	const char *dead;     /* the evaluator says that nothing of the head evaluates: "this change's default.nix does not
	                               evaluate any more"; NULL when an evaluation ended otherwise before its end */
	struct places places; /* of the repository, in what evaluators say */
	struct tally tally;
	int64_t untold;           /* attributes that could not be told */
	int64_t newly_evaluating; /* attributes that newly fail to evaluate or are new and fail, of jobs that do not allow it */
};

/*
 * Reads the job of the report stage (see ARCHITECTURE.md, "report") and its difference file. ERR_INPUT when a required
 * member is missing or of a wrong type. On error m holds nothing.
 */
must_check int model_init(struct model *m, const json_t *job, struct err *e);
void model_release(struct model *m);

/* The dotted name of an attribute path; "(root)" for the empty one. */
char *model_attr_name(struct arena *a, const json_t *path);
/* Whether an attribute is the one that somebody named, quoted as in reports or plainly joined by dots; or lies below it. */
bool model_attr_is(struct arena *a, const json_t *path, const char *name);
bool model_attr_below(struct arena *a, const json_t *path, const char *set);
/* "curl-8.1" of "/nix/store/HASH-curl-8.1.drv"; the text as it is when it is no such path. */
const char *model_drv_name(struct arena *a, const char *drv);
/* The attribute's first build that failed by itself: its own, or the one its failure came from; the key is a drv. */
const char *model_cause_drv(const struct attr *attr);

#endif
