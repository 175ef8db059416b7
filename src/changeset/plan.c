/* The stage `plan`: changed paths and rules become a decision. */
#include "changeset/changeset.h"

#include "changeset/paths.h"
#include "changeset/rules.h"
#include "changeset/untold.h"
#include "support/os/files.h"

#include <string.h>

enum {
	MAX_PATHS = 100,         /* listed in the record */
	MAX_EXAMPLES = 5,        /* of paths per rule */
	MAX_FLAKE = 1024 * 1024, /* of a flake.nix that is looked into; people write some kilobytes */
	MAX_SCOPE = 200          /* attribute prefixes of a job; more is the whole job */
};

/* What a rule, a pattern of skip_paths, or their absence has decided so far. */
struct tally {
	size_t paths;
	json_t *examples;
};

struct planner {
	struct arena *a;
	const json_t *job;
	git_repository *repo;
	git_tree *base, *head;
	struct rules rules; /* of base, or empty */
	bool ignore_rules;
	struct glob_set skip; /* pattern i is skip_paths[i] */
	const json_t *skip_paths;
	struct changed_paths plain;   /* as git has the trees */
	struct changed_paths changed; /* with submodules, where a job takes them */
	struct tally *by_rule, *by_skip, unmatched;
	bool full, scoped; /* a full-rebuild, a rebuild-only rule has matched */
	json_t *paths;
	json_t *config_edit;
	json_t *head_jobs;     /* when base names no jobs and head's file is good */
	struct err head_wrong; /* head's file has a mistake */
	const char *config;    /* where the jobs are from */
	json_t *jobs;          /* without scope */
	const json_t *whole;   /* the trees with submodules, or why there are none (submodules.h); or NULL */
	json_t *left_out;
};

static void
planner_release(struct planner *p)
{
	for (size_t i = 0; p->by_rule != NULL && i < p->rules.n; i++)
		json_drop(&p->by_rule[i].examples);
	for (size_t i = 0; p->by_skip != NULL && i < p->skip.patterns; i++)
		json_drop(&p->by_skip[i].examples);
	json_drop(&p->unmatched.examples);
	json_drop(&p->paths);
	json_drop(&p->config_edit);
	json_drop(&p->head_jobs);
	json_drop(&p->jobs);
	json_drop(&p->left_out);
	rules_release(&p->rules);
	git_tree_free(p->base);
	git_tree_free(p->head);
	git_repository_free(p->repo);
}

static int
open_trees(struct planner *p, struct err *e)
{
	const char *git_dir, *base, *head;

	if (json_need_str(p->job, "git_dir", &git_dir, e) != 0 || json_need_str(p->job, "base_tree", &base, e) != 0 ||
	    json_need_str(p->job, "head_tree", &head, e) != 0)
		return -1;
	if (repository_open(git_dir, &p->repo, e) != 0 || repository_tree(p->repo, base, &p->base, e) != 0)
		return -1;
	return repository_tree(p->repo, head, &p->head, e);
}

/* The rules of a tree: 0, 1 when there is no file, -1 with the first mistake. ret is to be released when 0. */
static int
read_rules(struct planner *p, const git_tree *tree, struct rules *ret, struct err *e)
{
	struct mistakes *m = arena_alloc(p->a, sizeof(*m));
	struct str text;
	int rc = repository_file(p->a, p->repo, tree, RULES_PATH, RULES_MAX_BYTES, &text, e);

	if (rc != 0)
		return rc;
	mistakes_init(m, p->a, RULES_PATH);
	rules_read(p->a, text, ret, m);
	rc = mistakes_none(m, e);
	if (rc != 0)
		rules_release(ret);
	return rc;
}

static bool
same_file(const struct planner *p, const char *path)
{
	git_tree_entry *b = NULL, *h = NULL;
	int have_b = git_tree_entry_bypath(&b, p->base, path) == 0, have_h = git_tree_entry_bypath(&h, p->head, path) == 0;
	bool same = have_b == have_h && (!have_b || (git_oid_equal(git_tree_entry_id(b), git_tree_entry_id(h)) &&
	                                                git_tree_entry_filemode(b) == git_tree_entry_filemode(h)));

	git_tree_entry_free(b);
	git_tree_entry_free(h);
	return same;
}

/* The file as head has it, where that differs from base: what would change, and jobs for a base without any. */
static int
look_at_edit(struct planner *p, struct err *e)
{
	struct rules head;

	if (same_file(p, RULES_PATH))
		return 0;
	p->config_edit = json_pack("{s:b,s:n,s:[]}", "valid", 1, "error", "changes");
	json_t *changes = json_object_get(p->config_edit, "changes");
	int rc = read_rules(p, p->head, &head, &p->head_wrong);
	if (rc == 0) {
		json_object_set_new(p->config_edit, "changes", rules_changes(p->a, &p->rules, &head));
		if (json_array_size(p->rules.jobs) == 0)
			p->head_jobs = json_incref(head.jobs);
		rules_release(&head);
	} else if (rc > 0) {
		json_array_append_new(changes, json_string("the file is removed"));
	} else if (p->head_wrong.kind == ERR_INPUT) {
		json_object_set_new(p->config_edit, "valid", json_false());
		json_object_set_new(p->config_edit, "error", json_any_string(str_of(p->head_wrong.msg)));
	} else {
		*e = p->head_wrong;
		return -1;
	}
	return 0;
}

static int
read_configuration(struct planner *p, struct err *e)
{
	int rc = read_rules(p, p->base, &p->rules, e);
	json_t *pattern;
	size_t i;

	if (rc < 0) {
		/* Who names the jobs by hand and wants no rules has no use for the file. */
		if (e->kind != ERR_INPUT || !p->ignore_rules || !json_is_array(json_object_get(p->job, "jobs")))
			return -1;
	}
	if (rc != 0)
		rules_empty(p->a, &p->rules);
	if (look_at_edit(p, e) != 0)
		return -1;
	p->skip.a = p->a;
	p->skip_paths = json_object_get(p->job, "skip_paths");
	json_array_foreach(p->skip_paths, i, pattern) {
		struct str s = {json_string_value(pattern), json_string_length(pattern)};
		if (glob_set_add(&p->skip, s, e) != 0)
			return fail_in(e, "skip_paths \"" STR_FMT "\"", STR_ARG(str_utf8_head(s, 200)));
	}
	p->by_rule = arena_alloc(p->a, (p->rules.n + 1) * sizeof(*p->by_rule));
	p->by_skip = arena_alloc(p->a, (p->skip.patterns + 1) * sizeof(*p->by_skip));
	return 0;
}

static void
count(struct tally *t, struct str path)
{
	t->paths++;
	if (t->examples == NULL)
		t->examples = json_array();
	if (json_array_size(t->examples) < MAX_EXAMPLES)
		json_array_append_new(t->examples, json_any_string(path));
}

/* The tally of what decides about one name; *ret_name is how the record calls it, NULL: nothing does. */
static struct tally *
decide(struct planner *p, struct str path, const char **ret_name)
{
	const struct rule *rule = p->ignore_rules ? NULL : rules_first(&p->rules, path);
	ptrdiff_t pattern = rule == NULL && !p->ignore_rules ? glob_set_first(&p->skip, path) : GLOB_NONE;

	*ret_name = NULL;
	if (rule != NULL) {
		*ret_name = rule->name;
		p->full = p->full || rule->kind == RULE_FULL_REBUILD;
		p->scoped = p->scoped || rule->kind == RULE_REBUILD_ONLY;
		return &p->by_rule[rule - p->rules.p];
	}
	if (pattern != GLOB_NONE) {
		*ret_name = json_string_value(json_array_get(p->skip_paths, (size_t)pattern));
		return &p->by_skip[pattern];
	}
	return &p->unmatched;
}

static void
decide_all(struct planner *p)
{
	p->paths = json_array();
	for (size_t i = 0; i < p->changed.n; i++) {
		const struct changed_path *c = &p->changed.p[i];
		const char *name, *old_name = NULL;
		struct tally *t = decide(p, c->path, &name);
		struct tally *old = c->old.p != NULL ? decide(p, c->old, &old_name) : t;
		count(t, c->path);
		if (old != t)
			count(old, c->old);
		if (i >= MAX_PATHS)
			continue;
		json_t *row = json_pack("{s:o,s:s,s:s?}", "path", json_any_string(c->path), "status", c->status, "rule", name);
		if (c->old.p != NULL)
			json_object_set_new(row, "old", json_any_string(c->old));
		if (old != t)
			json_object_set_new(row, "old_rule", old_name != NULL ? json_string(old_name) : json_null());
		json_array_append_new(p->paths, row);
	}
}

static json_t *
tally_json(const char *name, const char *kind, const char *place, const struct tally *t)
{
	return json_pack("{s:s,s:s,s:s,s:I,s:O?}", "name", name, "kind", kind, "place", place, "paths", (json_int_t)t->paths,
	    "examples", t->examples);
}

static json_t *
rules_json(const struct planner *p)
{
	json_t *list = json_array();

	if (p->changed.n == 0)
		json_array_append_new(list, json_pack("{s:s,s:s,s:s,s:i,s:[]}", "name", "nothing changed", "kind", "no-op",
		                                "place", "the two trees are the same", "paths", 0, "examples"));
	for (size_t i = 0; i < p->rules.n; i++) {
		const struct rule *r = &p->rules.p[i];
		if (p->by_rule[i].paths > 0)
			json_array_append_new(list, tally_json(r->name, rule_kind_name(r->kind), r->place, &p->by_rule[i]));
	}
	for (size_t i = 0; i < p->skip.patterns; i++)
		if (p->by_skip[i].paths > 0)
			json_array_append_new(list, tally_json(json_string_value(json_array_get(p->skip_paths, i)),
			                                "skip_paths", "ekaci.toml [rebuild] skip_paths", &p->by_skip[i]));
	return list;
}

static bool
has_file(const git_tree *tree, const char *path)
{
	git_tree_entry *entry = NULL;
	bool found = git_tree_entry_bypath(&entry, tree, path) == 0;

	git_tree_entry_free(entry);
	return found;
}

/* By which file a tree is evaluated when nothing is said, or NULL. Beside a flake a default.nix is mostly a shim of it. */
static const char *
convention_of(const git_tree *tree)
{
	return has_file(tree, "flake.nix") ? "flake.nix" : has_file(tree, "default.nix") ? "default.nix" : NULL;
}

/* What either side would be evaluated by: a first flake.nix is compared with nothing, and one that goes, too. */
static json_t *
jobs_by_convention(const struct planner *p)
{
	const char *files[] = {convention_of(p->base), convention_of(p->head)};
	json_t *jobs = json_array();

	for (size_t i = 0; i < COUNT(files); i++) {
		if (files[i] == NULL || (i > 0 && files[0] != NULL && strcmp(files[0], files[i]) == 0))
			continue;
		bool flake = strcmp(files[i], "flake.nix") == 0;
		json_array_append_new(jobs,
		    json_pack("{s:s,s:s,s:[],s:[],s:b,s:b}", "name", flake ? "flake" : files[i], flake ? "flake" : "file",
		        flake ? "." : files[i], "attr_path", "systems", "allow_eval_failures", 0, "may_be_absent", 1));
	}
	return jobs;
}

static int
jobs_by_hand(struct planner *p, const json_t *wanted, struct err *e)
{
	json_t *job, *out;
	size_t i;

	p->jobs = json_array();
	json_array_foreach(wanted, i, job) {
		if (rules_job(p->a, job, &out, e) != 0)
			return -1;
		json_array_append_new(p->jobs, out);
	}
	if (i == 0)
		return fail(e, ERR_INPUT, "the list of jobs is empty");
	return 0;
}

/* Where the jobs come from. Nowhere is no error here: nothing may have to be evaluated. */
static int
choose_jobs(struct planner *p, struct err *e)
{
	const json_t *wanted = json_object_get(p->job, "jobs");
	json_t *job;
	size_t i;

	if (json_is_array(wanted)) {
		p->config = "command line";
		if (jobs_by_hand(p, wanted, e) != 0)
			return -1;
	} else if (json_array_size(p->rules.jobs) > 0) {
		p->config = "file";
		p->jobs = json_incref(p->rules.jobs);
	} else if (json_array_size(p->head_jobs) > 0) {
		p->config = "head file";
		p->jobs = json_incref(p->head_jobs);
	} else {
		p->config = "convention";
		p->jobs = jobs_by_convention(p);
	}
	if (json_flag(p->job, "all_submodules", false))
		json_array_foreach(p->jobs, i, job)
			json_object_set_new(job, "submodules", json_true());
	return 0;
}

static bool
begins_with(const json_t *path, const json_t *prefix)
{
	json_t *part;
	size_t i;

	json_array_foreach(prefix, i, part)
		if (!json_equal(part, json_array_get(path, i)))
			return false;
	return true;
}

/* Adds prefix to a scope unless something in it already covers it; what it covers goes. */
static void
widen(json_t *scope, json_t *prefix)
{
	for (size_t i = json_array_size(scope); i-- > 0;) {
		json_t *there = json_array_get(scope, i);
		if (begins_with(prefix, there))
			return;
		if (begins_with(there, prefix))
			json_array_remove(scope, i);
	}
	json_array_append(scope, prefix);
}

/* What the rebuild-only rules that matched leave of a job: an array of prefixes, null for all of it, or NULL for
 * nothing. */
static json_t *
scope_of(const struct planner *p, const json_t *job)
{
	json_t *scope = json_array(), *prefix;
	size_t k;

	for (size_t i = 0; i < p->rules.n; i++) {
		const struct rule *r = &p->rules.p[i];
		bool named = json_array_size(r->jobs) == 0;
		if (p->by_rule[i].paths == 0 || r->kind != RULE_REBUILD_ONLY)
			continue;
		json_array_foreach(r->jobs, k, prefix)
			named = named || json_equal(prefix, json_object_get(job, "name"));
		if (!named)
			continue;
		json_array_foreach(r->attrs, k, prefix)
			widen(scope, prefix);
		if (json_array_size(r->attrs) == 0 || json_array_size(scope) > MAX_SCOPE) {
			json_decref(scope);
			return json_null();
		}
	}
	if (json_array_size(scope) > 0)
		return scope;
	json_decref(scope);
	return NULL;
}

static json_t *
jobs_json(struct planner *p, bool scoped)
{
	json_t *list = json_array(), *job;
	size_t i;

	json_array_foreach(p->jobs, i, job) {
		json_t *scope = scoped ? scope_of(p, job) : json_null(), *copy;
		if (scope == NULL) {
			json_array_append(p->left_out, json_object_get(job, "name"));
			continue;
		}
		copy = json_copy(job);
		json_object_set_new(copy, "scope", scope);
		json_array_append_new(list, copy);
	}
	/* Rules that name none of the jobs asked for say nothing about them. */
	if (scoped && json_array_size(list) == 0) {
		json_decref(list);
		json_array_clear(p->left_out);
		return jobs_json(p, false);
	}
	return list;
}

static json_t *
unmatched_json(const struct planner *p)
{
	json_t *examples = p->unmatched.examples != NULL ? json_incref(p->unmatched.examples) : json_array();

	return json_pack("{s:I,s:o}", "paths", (json_int_t)p->unmatched.paths, "examples", examples);
}

static int
no_jobs(const struct planner *p, struct err *e)
{
	if (p->head_wrong.kind != ERR_NONE) {
		*e = p->head_wrong;
		return -1;
	}
	return fail(e, ERR_ABSENT,
	    "nothing says what to evaluate: add " RULES_PATH ", for example "
	    "{\"jobs\": {\"packages\": {\"file\": \"default.nix\"}}}, or a flake.nix or default.nix at the top of the "
	    "repository");
}

static bool
takes_submodules(const json_t *jobs)
{
	const json_t *job;
	size_t i;

	json_array_foreach(jobs, i, job)
		if (json_flag(job, "submodules", false))
			return true;
	return false;
}

/* The changed paths, inside submodules, too, when a job takes them. */
static int
compare_trees(struct planner *p, struct err *e)
{
	const char *git_dir = json_str(p->whole, "git_dir", NULL);
	git_repository *repo = NULL;
	git_tree *base = NULL, *head = NULL;

	if (paths_changed(p->a, p->repo, p->base, p->head, &p->plain, e) != 0)
		return -1;
	p->changed = p->plain;
	if (git_dir == NULL || !takes_submodules(p->jobs))
		return 0;
	int rc = repository_open(git_dir, &repo, e);
	if (rc == 0)
		rc = repository_tree(repo, json_str(p->whole, "base_tree", ""), &base, e);
	if (rc == 0)
		rc = repository_tree(repo, json_str(p->whole, "head_tree", ""), &head, e);
	if (rc == 0)
		rc = paths_changed(p->a, repo, base, head, &p->changed, e);
	git_tree_free(base);
	git_tree_free(head);
	git_repository_free(repo);
	return rc;
}

/* Nobody is to be told of empty folders what was asked of submodules. */
static int
need_whole(const struct planner *p, struct err *e)
{
	const char *why = json_str(p->whole, "error", NULL);

	if (why != NULL)
		return fail(e, ERR_INPUT, "%s", why);
	if (p->whole == NULL && (has_file(p->base, ".gitmodules") || has_file(p->head, ".gitmodules")))
		return fail(e, ERR_BUG, "a job takes submodules, and nobody looked for them");
	return 0;
}

/* A flake that has itself with its submodules (Nix 2.27 and later) is read without them by a job that takes none. */
static void
warn_of_flakes(struct planner *p, const json_t *jobs)
{
	const json_t *job;
	struct str text;
	struct err ignored;
	size_t i;

	json_array_foreach(jobs, i, job) {
		const char *flake = json_str(job, "flake", NULL);
		if (flake == NULL || json_flag(job, "submodules", false) || strcspn(flake, "?#") != 1)
			continue;
		if (repository_file(p->a, p->repo, p->head, "flake.nix", MAX_FLAKE, &text, &ignored) == 0 &&
		    str_find(text, STR("self.submodules")) >= 0)
			json_array_append_new(p->rules.warnings,
			    json_any_string(str_of(arena_printf(p->a,
			        "flake.nix speaks of self.submodules, and job %s takes none: write \"submodules\": true into it",
			        json_str(job, "name", "?")))));
	}
}

static int
plan(struct planner *p, struct record_out *out, struct err *e)
{
	p->ignore_rules = json_flag(p->job, "ignore_rules", false);
	p->whole = json_object_get(p->job, "submodules");
	if (!json_is_object(p->whole))
		p->whole = NULL;
	if (open_trees(p, e) != 0 || read_configuration(p, e) != 0)
		return -1;
	if (choose_jobs(p, e) != 0 || compare_trees(p, e) != 0)
		return -1;
	decide_all(p);
	bool all = p->unmatched.paths > 0 || p->full || p->config_edit != NULL || p->ignore_rules;
	bool evaluate = json_flag(p->job, "all_jobs", false) || (p->changed.n > 0 && (all || p->scoped));
	if (evaluate && json_array_size(p->jobs) == 0)
		return no_jobs(p, e);
	json_t *jobs = evaluate ? jobs_json(p, !all) : json_array();
	if (takes_submodules(jobs) && need_whole(p, e) != 0) {
		json_decref(jobs);
		return -1;
	}
	warn_of_flakes(p, jobs);
	struct untold untold = {&p->rules, &p->skip, p->ignore_rules, &p->plain, &p->changed};
	record_emit(out, json_pack("{s:s,s:s,s:s,s:I,s:O,s:o,s:o,s:o,s:O,s:O,s:O?,s:O,s:o}", "type", "plan", "decision",
	                     evaluate ? "evaluate" : "skip", "config", p->config, "changed_paths", (json_int_t)p->changed.n,
	                     "paths", p->paths, "rules", rules_json(p), "unmatched", unmatched_json(p), "jobs", jobs,
	                     "jobs_left_out", p->left_out, "report", p->rules.report, "config_edit", p->config_edit, "warnings",
	                     p->rules.warnings, "untold", untold_json(&untold, jobs)));
	return 0;
}

int
changeset_plan(const json_t *job, struct record_out *out, struct err *e)
{
	struct arena a = {0};
	struct planner p = {.a = &a, .job = job, .left_out = json_array()};
	int rc = plan(&p, out, e);

	planner_release(&p);
	arena_release(&a);
	return rc;
}

int
changeset_check_config(struct arena *a, const char *path, struct mistakes *ret, json_t **ret_warnings, struct err *e)
{
	struct rules rules;
	struct str text;

	mistakes_init(ret, a, path);
	if (files_read(a, path, RULES_MAX_BYTES, &text, e) != 0)
		return -1;
	rules_read(a, text, &rules, ret);
	*ret_warnings = json_incref(rules.warnings);
	rules_release(&rules);
	return 0;
}
