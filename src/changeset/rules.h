/*
 * rules - .ekaci/config.json: what to evaluate, and which changed paths can rebuild what.
 *
 *   { "jobs": { NAME: { "file": "ci.nix" | "flake": ".#checks", "attr_path": "a.b" | ["a","b"], "systems": [..],
 *                       "allow_eval_failures": false, "submodules": false } },
 *     "change_sets": [ { "name", "kind", "paths": [globs], "attrs": [attribute paths], "jobs": [names] } ],
 *     "package_change_summary": { "enabled": true, "max_packages_listed": 100, "include_rebuild_only": false },
 *     "rebuild_impact": { "enabled": true, "max_top_blast_radius": 5 },
 *     "evaluation_cost": { "enabled": true, "warn_above_percent": 10 },
 *     "report": { "comment", "labels", "review_requests", "attribute_checks" },
 *     "budget": { "up_to": [ { "machine_hours", "branch" } ], "above" } }
 *
 * Every part may be missing. A file is a path in the repository (a leading "/" is its root); a flake is "." or a folder
 * below it, with "#attributes". Attribute paths are text with dots (parts with dots in quotes) or arrays of text. A job
 * with submodules sees them as a clone that has them would, others see empty folders; a flake with "?submodules=1", as Nix
 * has it, is such a job, too.
 * attrs and jobs belong to kind rebuild-only, which needs at least one of them: attrs are prefixes of attribute paths
 * as the report shows them, in every job or, with jobs, in those; jobs alone are whole jobs.
 *
 * The file is hostile. A mistake is collected with line and column; an unknown key inside jobs or change_sets is one,
 * because misspelt it would change what a rule means. Unknown keys elsewhere, and those of Eka CI that ekaci does not
 * use (caches, size_check), are warnings.
 */
#ifndef EKACI_CHANGESET_RULES_H
#define EKACI_CHANGESET_RULES_H

#include "changeset/glob.h"
#include "records/plan.h"
#include "support/text/mistakes.h"

#define RULES_PATH ".ekaci/config.json"

enum {
	RULES_MAX_BYTES = 256 * 1024,
	RULES_MAX_JOBS = 64,
	RULES_MAX_RULES = 500,
	RULES_MAX_ALTERNATIVES = 20000 /* of all patterns; each is compared with each changed path */
};

enum rule_kind { RULE_DOCS_ONLY, RULE_NO_OP, RULE_FULL_REBUILD, RULE_REBUILD_ONLY };
const char *rule_kind_name(enum rule_kind kind);

struct rule {
	const char *name;
	enum rule_kind kind;
	const char *place;  /* ".ekaci/config.json:8:5" */
	struct texts paths; /* patterns, as they are written */
	struct paths attrs; /* of kind rebuild-only */
	struct texts jobs;  /* names */
};

/* All of it lives in the arena that it was read into. */
struct rules {
	struct rule *p;
	size_t n;
	struct glob_set globs;
	size_t *owners;       /* pattern -> rule */
	struct job_defs jobs; /* in the order of the file, without scope */
	struct report_wishes report;
	struct texts warnings;
};

/* Reads text; what is wrong goes to m (initialised by the caller), and then ret is not to be used. */
void rules_read(struct arena *a, struct str text, struct rules *ret, struct mistakes *m);
/* No file: no rules, no jobs, report settings at their defaults. */
void rules_empty(struct arena *a, struct rules *ret);

/* The first rule with a pattern that matches path, or NULL. */
const struct rule *rules_first(const struct rules *r, struct str path);

/* Jobs of the command line: a JSON array of objects {name, ...}, where "expr" is allowed besides. ERR_INPUT with the first
 * mistake, or when there is none. */
must_check int rules_jobs(struct arena *a, struct str json, struct job_defs *ret, struct err *e);
bool rules_take_submodules(const struct job_defs *jobs);

/* How head's rules, jobs and settings differ from base's, for people. */
struct texts rules_changes(struct arena *a, const struct rules *base, const struct rules *head);

#endif
