/* The stage `plan`: changed paths and rules become a decision. */
#include "changeset/changeset.h"

#include "changeset/commits.h"
#include "changeset/paths.h"
#include "changeset/rules.h"
#include "changeset/untold.h"
#include "records/list.h"
#include "support/os/files.h"
#include "support/text/json.h"

#include <string.h>

enum {
	MAX_PATHS = 100,         /* listed in the record */
	MAX_EXAMPLES = 5,        /* of paths per rule */
	MAX_FLAKE = 1024 * 1024, /* of a flake.nix that is looked into; people write some kilobytes */
	MAX_SCOPE = 200          /* attribute prefixes of a job; more is the whole job */
};

/* What a rule, a pattern of skip_paths, or their absence has decided so far. */
struct decided {
	int64_t paths;
	struct texts examples;
};

struct planner {
	struct arena *a;
	const struct plan_job *job;
	git_repository *repo;
	git_tree *base, *head;
	struct rules rules;           /* of base, or empty */
	struct glob_set skip;         /* pattern i is skip_paths[i] */
	struct changed_paths plain;   /* as git has the trees */
	struct changed_paths changed; /* with submodules, where a job takes them */
	struct decided *by_rule, *by_skip, unmatched;
	bool full, scoped;         /* a full-rebuild, a rebuild-only rule has matched */
	struct job_defs head_jobs; /* when base names no jobs and head's file is good */
	struct err head_wrong;     /* head's file has a mistake */
	struct job_defs jobs;      /* without scope; the record's are those to be evaluated */
	struct plan rec;
};

static void
planner_release(struct planner *p)
{
	git_tree_free(p->base);
	git_tree_free(p->head);
	git_repository_free(p->repo);
}

static int
open_trees(struct planner *p, struct err *e)
{
	if (repository_open(p->job->git_dir, &p->repo, e) != 0 || repository_tree(p->repo, p->job->base_tree, &p->base, e) != 0)
		return -1;
	return repository_tree(p->repo, p->job->head_tree, &p->head, e);
}

/* The rules of a tree: 0, 1 when there is no file, -1 with the first mistake. */
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
	return mistakes_none(m, e);
}

static bool
same_file(const struct planner *p, const char *path)
{
	AUTO(entry_free) git_tree_entry *b = NULL;
	AUTO(entry_free) git_tree_entry *h = NULL;
	bool have_b = git_tree_entry_bypath(&b, p->base, path) == 0, have_h = git_tree_entry_bypath(&h, p->head, path) == 0;

	return have_b == have_h && (!have_b || (git_oid_equal(git_tree_entry_id(b), git_tree_entry_id(h)) &&
	                                           git_tree_entry_filemode(b) == git_tree_entry_filemode(h)));
}

/* The file as head has it, where that differs from base: what would change, and jobs for a base without any. */
static int
look_at_edit(struct planner *p, struct err *e)
{
	struct config_edit *edit = arena_alloc(p->a, sizeof(*edit));
	struct rules head;

	if (same_file(p, RULES_PATH))
		return 0;
	p->rec.config_edit = edit;
	edit->valid = true;
	list_clear(p->a, &edit->changes);
	int rc = read_rules(p, p->head, &head, &p->head_wrong);
	if (rc == 0) {
		edit->changes = rules_changes(p->a, &p->rules, &head);
		if (p->rules.jobs.n == 0)
			p->head_jobs = head.jobs;
	} else if (rc > 0) {
		list_add(p->a, &edit->changes, "the file is removed");
	} else if (p->head_wrong.kind == ERR_INPUT) {
		edit->valid = false;
		edit->error = fields_clean(p->a, str_of(p->head_wrong.msg));
	} else {
		*e = p->head_wrong;
		return -1;
	}
	return 0;
}

static int
read_skip_paths(struct planner *p, struct err *e)
{
	p->skip.a = p->a;
	for (size_t i = 0; i < p->job->skip_paths.n; i++) {
		struct str pattern = str_of(p->job->skip_paths.p[i]);
		if (glob_set_add(&p->skip, pattern, e) != 0)
			return fail_in(e, "skip_paths \"" STR_FMT "\"", STR_ARG(str_utf8_head(pattern, 200)));
	}
	return 0;
}

static int
read_configuration(struct planner *p, struct err *e)
{
	int rc = read_rules(p, p->base, &p->rules, e);

	if (rc < 0) {
		/* Who names the jobs by hand and wants no rules has no use for the file. */
		if (e->kind != ERR_INPUT || !p->job->ignore_rules || p->job->jobs == NULL)
			return -1;
	}
	if (rc != 0)
		rules_empty(p->a, &p->rules);
	if (look_at_edit(p, e) != 0 || read_skip_paths(p, e) != 0)
		return -1;
	p->by_rule = arena_alloc(p->a, (p->rules.n + 1) * sizeof(*p->by_rule));
	p->by_skip = arena_alloc(p->a, (p->skip.patterns + 1) * sizeof(*p->by_skip));
	return 0;
}

static void
count(struct planner *p, struct decided *t, struct str path)
{
	t->paths++;
	if (t->examples.n < MAX_EXAMPLES)
		list_add(p->a, &t->examples, fields_clean(p->a, path));
}

/* The tally of what decides about one name; *ret_name is how the record calls it, NULL: nothing does. */
static struct decided *
decide(struct planner *p, struct str path, const char **ret_name)
{
	bool rules = !p->job->ignore_rules;
	const struct rule *rule = rules ? rules_first(&p->rules, path) : NULL;
	ptrdiff_t pattern = rule == NULL && rules ? glob_set_first(&p->skip, path) : GLOB_NONE;

	*ret_name = NULL;
	if (rule != NULL) {
		*ret_name = rule->name;
		p->full = p->full || rule->kind == RULE_FULL_REBUILD;
		p->scoped = p->scoped || rule->kind == RULE_REBUILD_ONLY;
		return &p->by_rule[rule - p->rules.p];
	}
	if (pattern != GLOB_NONE) {
		*ret_name = p->job->skip_paths.p[pattern];
		return &p->by_skip[pattern];
	}
	return &p->unmatched;
}

static const char *
text_or_null(struct arena *a, const char *text)
{
	AUTO(buf_release) struct buf out = {0};

	if (text == NULL)
		return "null";
	buf_init(&out, SIZE_MAX / 4);
	json_quote(str_of(text), &out);
	return arena_strn(a, out.p, out.n);
}

static void
decide_all(struct planner *p)
{
	list_clear(p->a, &p->rec.paths);
	for (size_t i = 0; i < p->changed.n; i++) {
		const struct changed_path *c = &p->changed.p[i];
		const char *name, *old_name = NULL;
		struct decided *t = decide(p, c->path, &name);
		struct decided *old = c->old.p != NULL ? decide(p, c->old, &old_name) : t;
		count(p, t, c->path);
		if (old != t)
			count(p, old, c->old);
		if (i >= MAX_PATHS)
			continue;
		struct plan_path row = {.path = fields_clean(p->a, c->path), .status = c->status, .rule = name};
		if (c->old.p != NULL)
			row.old = fields_clean(p->a, c->old);
		if (old != t)
			row.old_rule = text_or_null(p->a, old_name);
		list_add(p->a, &p->rec.paths, row);
	}
}

static void
add_decider(struct planner *p, const char *name, const char *kind, const char *place, const struct decided *t)
{
	const struct plan_rule rule = {name, kind, place, t->paths, t->examples};

	if (t->paths > 0)
		list_add(p->a, &p->rec.rules, rule);
}

/* What decided, each with what it decided about. */
static void
tell_deciders(struct planner *p)
{
	struct plan_rule nothing = {.name = "nothing changed", .kind = "no-op", .place = "the two trees are the same"};

	list_clear(p->a, &p->rec.rules);
	if (p->changed.n == 0) {
		list_clear(p->a, &nothing.examples);
		list_add(p->a, &p->rec.rules, nothing);
	}
	for (size_t i = 0; i < p->rules.n; i++)
		add_decider(p, p->rules.p[i].name, rule_kind_name(p->rules.p[i].kind), p->rules.p[i].place, &p->by_rule[i]);
	for (size_t i = 0; i < p->skip.patterns; i++)
		add_decider(p, p->job->skip_paths.p[i], "skip_paths", "ekaci.toml [rebuild] skip_paths", &p->by_skip[i]);
	p->rec.unmatched = (struct plan_unmatched){p->unmatched.paths, p->unmatched.examples};
	if (p->unmatched.examples.n == 0)
		list_clear(p->a, &p->rec.unmatched.examples);
}

static bool
has_file(const git_tree *tree, const char *path)
{
	AUTO(entry_free) git_tree_entry *entry = NULL;

	return git_tree_entry_bypath(&entry, tree, path) == 0;
}

/* By which file a tree is evaluated when nothing is said, or NULL. Beside a flake a default.nix is mostly a shim of it. */
static const char *
convention_of(const git_tree *tree)
{
	return has_file(tree, "flake.nix") ? "flake.nix" : has_file(tree, "default.nix") ? "default.nix" : NULL;
}

/* What either side would be evaluated by: a first flake.nix is compared with nothing, and one that goes, too. */
static struct job_defs
jobs_by_convention(const struct planner *p)
{
	const char *files[] = {convention_of(p->base), convention_of(p->head)};
	struct job_defs jobs = {0};

	for (size_t i = 0; i < COUNT(files); i++) {
		struct job_def job = {.may_be_absent = true};
		if (files[i] == NULL || (i > 0 && files[0] != NULL && strcmp(files[0], files[i]) == 0))
			continue;
		if (strcmp(files[i], "flake.nix") == 0) {
			job.name = "flake";
			job.flake = ".";
		} else {
			job.name = job.file = files[i];
		}
		list_clear(p->a, &job.attr_path);
		list_clear(p->a, &job.systems);
		list_add(p->a, &jobs, job);
	}
	return jobs;
}

/* Where the jobs come from. Nowhere is no error here: nothing may have to be evaluated. */
static int
choose_jobs(struct planner *p, struct err *e)
{
	if (p->job->jobs != NULL) {
		p->rec.config = "command line";
		if (rules_jobs(p->a, str_of(p->job->jobs), &p->jobs, e) != 0)
			return -1;
	} else if (p->rules.jobs.n > 0) {
		p->rec.config = "file";
		p->jobs = p->rules.jobs;
	} else if (p->head_jobs.n > 0) {
		p->rec.config = "head file";
		p->jobs = p->head_jobs;
	} else {
		p->rec.config = "convention";
		p->jobs = jobs_by_convention(p);
	}
	for (size_t i = 0; p->job->all_submodules && i < p->jobs.n; i++)
		p->jobs.p[i].submodules = true;
	return 0;
}

/* Adds prefix to a scope unless something in it already covers it; what it covers goes. */
static void
widen(struct arena *a, struct paths *scope, struct texts prefix)
{
	size_t n = 0;

	for (size_t i = 0; i < scope->n; i++)
		if (texts_begin(&prefix, &scope->p[i]))
			return;
	for (size_t i = 0; i < scope->n; i++)
		if (!texts_begin(&scope->p[i], &prefix))
			scope->p[n++] = scope->p[i];
	scope->n = n;
	list_add(a, scope, prefix);
}

/* Sets what the rebuild-only rules that matched leave of a job: its scope, without a place for all of it. False: nothing. */
static bool
set_scope(const struct planner *p, struct job_def *job)
{
	struct paths scope = {0};

	for (size_t i = 0; i < p->rules.n; i++) {
		const struct rule *r = &p->rules.p[i];
		if (p->by_rule[i].paths == 0 || r->kind != RULE_REBUILD_ONLY)
			continue;
		if (r->jobs.n > 0 && !texts_have(&r->jobs, job->name))
			continue;
		for (size_t k = 0; k < r->attrs.n; k++)
			widen(p->a, &scope, r->attrs.p[k]);
		if (r->attrs.n == 0 || scope.n > MAX_SCOPE)
			return true;
	}
	job->scope = scope;
	return scope.n > 0;
}

static void
choose_scopes(struct planner *p, bool scoped)
{
	for (size_t i = 0; i < p->jobs.n; i++) {
		struct job_def job = p->jobs.p[i];
		if (scoped && !set_scope(p, &job))
			list_add(p->a, &p->rec.jobs_left_out, job.name);
		else
			list_add(p->a, &p->rec.jobs, job);
	}
	/* Rules that name none of the jobs asked for say nothing about them. */
	if (scoped && p->rec.jobs.n == 0) {
		list_clear(p->a, &p->rec.jobs_left_out);
		choose_scopes(p, false);
	}
}

/* The bot is also installed where nothing is Nix. */
static bool
is_no_nix(const struct planner *p)
{
	const git_tree *trees[] = {p->base, p->head};

	for (size_t i = 0; i < COUNT(trees); i++)
		if (has_file(trees[i], RULES_PATH) || convention_of(trees[i]) != NULL)
			return false;
	return p->job->jobs == NULL;
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

/* The changed paths, inside submodules, too, when a job takes them. */
static int
compare_trees(struct planner *p, struct err *e)
{
	const struct whole_trees *whole = p->job->submodules;
	AUTO(repo_free) git_repository *repo = NULL;
	AUTO(tree_free) git_tree *base = NULL;
	AUTO(tree_free) git_tree *head = NULL;

	if (paths_changed(p->a, p->repo, p->base, p->head, &p->plain, e) != 0)
		return -1;
	p->changed = p->plain;
	if (whole == NULL || whole->git_dir == NULL || !rules_take_submodules(&p->jobs))
		return 0;
	if (whole->base_tree == NULL || whole->head_tree == NULL)
		return fail(e, ERR_INPUT, "the whole trees are not named");
	if (repository_open(whole->git_dir, &repo, e) != 0 || repository_tree(repo, whole->base_tree, &base, e) != 0 ||
	    repository_tree(repo, whole->head_tree, &head, e) != 0)
		return -1;
	return paths_changed(p->a, repo, base, head, &p->changed, e);
}

/* Nobody is to be told of empty folders what was asked of submodules. */
static int
need_whole(const struct planner *p, struct err *e)
{
	const struct whole_trees *whole = p->job->submodules;

	if (whole != NULL && whole->error != NULL)
		return fail(e, ERR_INPUT, "%s", whole->error);
	if (whole == NULL && (has_file(p->base, ".gitmodules") || has_file(p->head, ".gitmodules")))
		return fail(e, ERR_BUG, "a job takes submodules, and nobody looked for them");
	return 0;
}

/* A flake that has itself with its submodules (Nix 2.27 and later) is read without them by a job that takes none. */
static void
warn_of_flakes(struct planner *p)
{
	struct str text;
	struct err ignored;

	for (size_t i = 0; i < p->rec.jobs.n; i++) {
		const struct job_def *job = &p->rec.jobs.p[i];
		if (job->flake == NULL || job->submodules || strcspn(job->flake, "?#") != 1)
			continue;
		if (repository_file(p->a, p->repo, p->head, "flake.nix", MAX_FLAKE, &text, &ignored) == 0 &&
		    str_find(text, STR("self.submodules")) >= 0)
			list_add(p->a, &p->rules.warnings,
			    arena_printf(p->a,
			        "flake.nix speaks of self.submodules, and job %s takes none: write \"submodules\": true into it",
			        job->name));
	}
}

static int
plan(struct planner *p, struct err *e)
{
	if (open_trees(p, e) != 0 || read_configuration(p, e) != 0 || choose_jobs(p, e) != 0 || compare_trees(p, e) != 0)
		return -1;
	decide_all(p);
	bool all = p->unmatched.paths > 0 || p->full || p->rec.config_edit != NULL || p->job->ignore_rules;
	p->rec.no_nix = p->job->may_be_none && is_no_nix(p);
	bool unwanted = p->rec.no_nix || p->job->unwanted != NULL;
	bool evaluate = !unwanted && (p->job->all_jobs || (p->changed.n > 0 && (all || p->scoped)));
	if (evaluate && p->jobs.n == 0)
		return no_jobs(p, e);
	list_clear(p->a, &p->rec.jobs);
	list_clear(p->a, &p->rec.jobs_left_out);
	if (evaluate)
		choose_scopes(p, !all);
	if (rules_take_submodules(&p->rec.jobs) && need_whole(p, e) != 0)
		return -1;
	warn_of_flakes(p);
	struct untold untold = {&p->rules, &p->skip, p->job->ignore_rules, &p->plain, &p->changed};
	p->rec.untold = untold_find(p->a, &untold, &p->rec.jobs);
	p->rec.decision = evaluate ? "evaluate" : "skip";
	p->rec.unwanted = p->job->unwanted;
	p->rec.changed_paths = (int64_t)p->changed.n;
	p->rec.report = p->rules.report;
	p->rec.warnings = p->rules.warnings;
	if (p->rec.warnings.n == 0)
		list_clear(p->a, &p->rec.warnings);
	tell_deciders(p);
	if (evaluate && p->job->head != NULL && p->job->base != NULL)
		commits_read(p->a, p->repo, p->job->base, p->job->head, &p->rec.commits);
	return 0;
}

int
changeset_plan(struct arena *a, const void *job, struct record_out *out, struct err *e)
{
	struct planner p = {.a = a, .job = job};
	int rc = plan(&p, e);

	if (rc == 0)
		rc = record_put(out, &plan_fields, &p.rec, e);
	planner_release(&p);
	return rc;
}

int
changeset_check_config(struct arena *a, const char *path, struct mistakes *ret, struct texts *ret_warnings, struct err *e)
{
	struct rules rules;
	struct str text;

	mistakes_init(ret, a, path);
	if (files_read(a, path, RULES_MAX_BYTES, &text, e) != 0)
		return -1;
	rules_read(a, text, &rules, ret);
	*ret_warnings = rules.warnings;
	return 0;
}
