/*
 * rules - .ekaci/config.json: what to evaluate, and which changed paths can rebuild what.
 *
 *   { "jobs": { NAME: { "file": "ci.nix" | "flake": ".#checks", "attr_path": "a.b" | ["a","b"], "systems": [..],
 *                       "allow_eval_failures": false, "submodules": false } },
 *     "change_sets": [ { "name", "kind", "paths": [globs], "attrs": [attribute paths], "jobs": [names] } ],
 *     "package_change_summary": { "enabled": true, "max_packages_listed": 100, "include_rebuild_only": false },
 *     "rebuild_impact": { "enabled": true, "max_top_blast_radius": 5 } }
 *
 * Every part may be missing. A file is a path in the repository (a leading "/" is its root); a flake is "." or a folder
 * below it, with "#attributes". Attribute paths are text with dots (parts with dots in quotes) or arrays of text. A job
 * with submodules sees them as a clone that has them would, others see empty folders; the member is in rules.jobs only
 * where it is true, and a flake with "?submodules=1", as Nix has it, gives it, too.
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
#include "support/text/mistakes.h"

#include <jansson.h>

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
	const char *place;   /* ".ekaci/config.json:8:5" */
	const json_t *paths; /* borrowed from rules.doc */
	json_t *attrs;       /* array of arrays of text; may be empty */
	json_t *jobs;        /* array of names; may be empty */
};

struct rules {
	json_t *doc;
	struct rule *p;
	size_t n;
	struct glob_set globs;
	size_t *owners;   /* pattern -> rule */
	json_t *jobs;     /* array of job objects, filled in; in the order of the file */
	json_t *report;   /* {"package_change_summary", "rebuild_impact"}, filled in */
	json_t *warnings; /* array of text */
};

/* Reads text; what is wrong goes to m (initialised by the caller), and then ret is not to be used but to be released.
 */
void rules_read(struct arena *a, struct str text, struct rules *ret, struct mistakes *m);
/* No file: no rules, no jobs, report settings at their defaults. */
void rules_empty(struct arena *a, struct rules *ret);
void rules_release(struct rules *r);

/* The first rule with a pattern that matches path, or NULL. */
const struct rule *rules_first(const struct rules *r, struct str path);

/* One job object {name, ...} from the command line, where "expr" is allowed too; ret as in rules.jobs. */
must_check int rules_job(struct arena *a, json_t *job, json_t **ret, struct err *e);

/* How head's rules, jobs and settings differ from base's: an array of text. */
json_t *rules_changes(struct arena *a, const struct rules *base, const struct rules *head);

#endif
