/* The stage plan on real repositories: each kind of rule, each kind of change, and where the rules come from. */
#include "changeset_repo.h"

#include "changeset/paths.h"

#include <setjmp.h>
#include <stdarg.h>
/* cmocka comes last. */
#include <cmocka.h>

static const char config[] =
    "{ \"jobs\": { \"core\": { \"file\": \"default.nix\" }, \"games\": { \"file\": \"games.nix\" } },\n"
    "  \"change_sets\": [\n"
    "    { \"name\": \"docs\", \"kind\": \"docs-only\", \"paths\": [\"**/*.md\", \"doc/**\"] },\n"
    "    { \"name\": \"ci\", \"kind\": \"no-op\", \"paths\": [\".github/**\"] },\n"
    "    { \"name\": \"pins\", \"kind\": \"full-rebuild\", \"paths\": [\"flake.lock\"] },\n"
    "    { \"name\": \"leaf\", \"kind\": \"rebuild-only\", \"paths\": [\"leaf/**\"], \"attrs\": [\"leaf\"] },\n"
    "    { \"name\": \"leaf x\", \"kind\": \"rebuild-only\", \"paths\": [\"x/**\"], \"attrs\": [\"leaf.x\", \"x.y\"],\n"
    "      \"jobs\": [\"core\"] },\n"
    "    { \"name\": \"whole job\", \"kind\": \"rebuild-only\", \"paths\": [\"games/**\"], \"jobs\": [\"games\"] } ] "
    "}\n";

static const char *
tree_of(struct repo *r, const char *commit)
{
	return GIT(r, "rev-parse", arena_printf(&r->a, "%s^{tree}", commit));
}

static json_t *
job_for(struct repo *r, const char *base, const char *head)
{
	return json_pack("{s:s,s:s,s:s,s:b,s:[s],s:n,s:b}", "git_dir", arena_printf(&r->a, "%s/.git", r->src), "base_tree",
	    tree_of(r, base), "head_tree", tree_of(r, head), "conflict", 0, "skip_paths", "skipped/**", "jobs", "ignore_rules",
	    0);
}

static json_t *
plan_of(struct repo *r, const char *base, const char *head)
{
	struct err e = {0};
	json_t *rec;

	if (run_stage("plan", job_for(r, base, head), "plan", &rec, &e) != 0)
		fail_msg("plan: %s", e.msg);
	assert_non_null(rec);
	return rec;
}

/* A repository with the rules above and some files. */
static const char *
start(struct repo *r)
{
	static const char *const files[] = {"default.nix", "flake.lock", "README.md", "doc/a", "leaf/a.nix", "x/a.nix",
	    "games/a.nix", "skipped/a", ".github/ci.yml", "other.nix"};

	repo_init(r);
	repo_write(r, ".ekaci/config.json", config);
	for (size_t i = 0; i < COUNT(files); i++)
		repo_write(r, files[i], arena_printf(&r->a, "the file %s\nhas\nsome\nlines\n", files[i]));
	return repo_commit(r);
}

static const char *
rule_names(struct arena *a, const json_t *plan)
{
	json_t *rule;
	size_t i;
	const char *all = "";

	json_array_foreach(json_object_get(plan, "rules"), i, rule)
		all = arena_printf(a, "%s%s%s", all, i > 0 ? ", " : "", json_str(rule, "name", "?"));
	return all;
}

/* Every changed file of a row takes what the row says. */
static void
each_kind_of_rule_decides(void **state)
{
	static const struct {
		const char *files[3];
		const char *decision, *rules, *scopes; /* scopes: job=scope, ... */
	} rows[] = {
	    {{"README.md"}, "skip", "docs", ""},
	    {{"doc/x/y"}, "skip", "docs", ""},
	    {{".github/ci.yml", "doc/a"}, "skip", "docs, ci", ""},
	    {{"skipped/a"}, "skip", "skipped/**", ""},
	    {{"skipped/a", "README.md"}, "skip", "docs, skipped/**", ""},
	    {{"other.nix"}, "evaluate", "", "core=null games=null"},
	    {{"README.md", "other.nix"}, "evaluate", "docs", "core=null games=null"},
	    {{"flake.lock"}, "evaluate", "pins", "core=null games=null"},
	    {{"flake.lock", "leaf/a.nix"}, "evaluate", "pins, leaf", "core=null games=null"},
	    {{"leaf/a.nix"}, "evaluate", "leaf", "core=[[\"leaf\"]] games=[[\"leaf\"]]"},
	    {{"leaf/a.nix", "README.md", "skipped/a"}, "evaluate", "docs, leaf, skipped/**",
	        "core=[[\"leaf\"]] games=[[\"leaf\"]]"},
	    {{"leaf/a.nix", "other.nix"}, "evaluate", "leaf", "core=null games=null"},
	    {{"x/a.nix"}, "evaluate", "leaf x", "core=[[\"leaf\",\"x\"],[\"x\",\"y\"]] -games"},
	    {{"x/a.nix", "leaf/a.nix"}, "evaluate", "leaf, leaf x", "core=[[\"leaf\"],[\"x\",\"y\"]] games=[[\"leaf\"]]"},
	    {{"games/a.nix"}, "evaluate", "whole job", "games=null -core"},
	    {{"games/a.nix", "leaf/a.nix"}, "evaluate", "leaf, whole job", "core=[[\"leaf\"]] games=null"},
	};
	struct repo r;
	const char *base = start(&r);

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		json_t *job, *name;
		size_t k;
		GIT(&r, "reset", "--quiet", "--hard", base);
		for (k = 0; k < 3 && rows[i].files[k] != NULL; k++)
			repo_write(&r, rows[i].files[k], "changed\n");
		json_t *plan = plan_of(&r, base, repo_commit(&r));
		assert_string_equal(json_str(plan, "decision", ""), rows[i].decision);
		assert_string_equal(rule_names(&r.a, plan), rows[i].rules);
		const char *scopes = "";
		json_array_foreach(json_object_get(plan, "jobs"), k, job)
			scopes = arena_printf(&r.a, "%s%s%s=%s", scopes, k > 0 ? " " : "", json_str(job, "name", "?"),
			    json_line(&r.a, json_object_get(job, "scope")));
		json_array_foreach(json_object_get(plan, "jobs_left_out"), k, name)
			scopes = arena_printf(&r.a, "%s -%s", scopes, json_string_value(name));
		assert_string_equal(scopes, rows[i].scopes);
		assert_string_equal(json_str(plan, "config", ""), "file");
		json_decref(plan);
	}
	repo_release(&r);
}

static void
both_names_of_a_rename_count(void **state)
{
	struct repo r;
	const char *base = start(&r);

	(void)state;
	GIT(&r, "mv", "other.nix", "doc/other.nix");
	json_t *plan = plan_of(&r, base, repo_commit(&r)), *row = json_array_get(json_object_get(plan, "paths"), 0);
	assert_string_equal(json_str(plan, "decision", ""), "evaluate");
	assert_int_equal(json_int(plan, "changed_paths", 0), 1);
	assert_string_equal(json_str(row, "path", ""), "doc/other.nix");
	assert_string_equal(json_str(row, "old", ""), "other.nix");
	assert_string_equal(json_str(row, "status", ""), "renamed");
	assert_string_equal(json_str(row, "rule", ""), "docs");
	assert_true(json_is_null(json_object_get(row, "old_rule")));
	assert_int_equal(json_int(json_object_get(plan, "unmatched"), "paths", 0), 1);
	json_decref(plan);
	/* The other way round, too: out of the documentation into the sources. */
	const char *moved = GIT(&r, "rev-parse", "HEAD");
	GIT(&r, "mv", "doc/other.nix", "again.nix");
	plan = plan_of(&r, moved, repo_commit(&r));
	assert_string_equal(json_str(plan, "decision", ""), "evaluate");
	json_decref(plan);
	repo_release(&r);
}

static void
large_files_are_renamed_only_when_they_are_the_same(void **state)
{
	struct repo r;
	const char *base = start(&r), *large;
	char *text = arena_alloc(&r.a, PATHS_MAX_COMPARED + 2);

	(void)state;
	memset(text, 'x', PATHS_MAX_COMPARED + 1);
	repo_write(&r, "large", text);
	large = repo_commit(&r);
	GIT(&r, "mv", "large", "same");
	json_t *plan = plan_of(&r, large, repo_commit(&r));
	assert_string_equal(json_str(json_array_get(json_object_get(plan, "paths"), 0), "status", ""), "renamed");
	json_decref(plan);
	text[5] = '\n';
	repo_write(&r, "same", text);
	plan = plan_of(&r, large, repo_commit(&r));
	assert_int_equal(json_int(plan, "changed_paths", 0), 2);
	json_decref(plan);
	/* Small ones may differ a little. */
	GIT(&r, "reset", "--quiet", "--hard", base);
	GIT(&r, "mv", "other.nix", "moved.nix");
	repo_write(&r, "moved.nix", "the file other.nix\nhas\nsome\nother lines\n");
	plan = plan_of(&r, base, repo_commit(&r));
	assert_int_equal(json_int(plan, "changed_paths", 0), 1);
	json_decref(plan);
	repo_release(&r);
}

static void
deletions_modes_types_and_submodules_count(void **state)
{
	static const char *const wanted[] = {"deleted", "mode", "type", "submodule"};
	struct repo r;
	const char *base = start(&r), *heads[4];

	(void)state;
	GIT(&r, "rm", "--quiet", "other.nix");
	heads[0] = repo_commit(&r);
	GIT(&r, "reset", "--quiet", "--hard", base);
	GIT(&r, "update-index", "--chmod=+x", "other.nix");
	GIT(&r, "commit", "--quiet", "-m", "mode");
	heads[1] = GIT(&r, "rev-parse", "HEAD");
	GIT(&r, "reset", "--quiet", "--hard", base);
	GIT(&r, "update-index", "--cacheinfo",
	    arena_printf(&r.a, "120000,%s,other.nix", GIT(&r, "rev-parse", "HEAD:other.nix")));
	GIT(&r, "commit", "--quiet", "-m", "link");
	heads[2] = GIT(&r, "rev-parse", "HEAD");
	GIT(&r, "reset", "--quiet", "--hard", base);
	GIT(&r, "update-index", "--add", "--cacheinfo", arena_printf(&r.a, "160000,%s,sub", base));
	GIT(&r, "commit", "--quiet", "-m", "submodule");
	const char *with_sub = GIT(&r, "rev-parse", "HEAD");
	GIT(&r, "update-index", "--add", "--cacheinfo", arena_printf(&r.a, "160000,%s,sub", heads[0]));
	GIT(&r, "commit", "--quiet", "-m", "submodule");
	heads[3] = GIT(&r, "rev-parse", "HEAD");
	for (size_t i = 0; i < COUNT(heads); i++) {
		json_t *plan = plan_of(&r, i == 3 ? with_sub : base, heads[i]);
		assert_int_equal(json_int(plan, "changed_paths", 0), 1);
		assert_string_equal(json_str(json_array_get(json_object_get(plan, "paths"), 0), "status", ""), wanted[i]);
		assert_string_equal(json_str(plan, "decision", ""), "evaluate");
		json_decref(plan);
	}
	repo_release(&r);
}

static void
the_same_tree_is_skipped(void **state)
{
	struct repo r;
	const char *base = start(&r);

	(void)state;
	json_t *plan = plan_of(&r, base, repo_commit(&r));
	assert_string_equal(json_str(plan, "decision", ""), "skip");
	assert_string_equal(rule_names(&r.a, plan), "nothing changed");
	json_decref(plan);
	repo_release(&r);
}

static void
a_pull_request_cannot_exempt_itself(void **state)
{
	struct repo r;
	const char *base = start(&r);

	(void)state;
	repo_write(&r, ".ekaci/config.json",
	    "{\"jobs\": {\"core\": {\"file\": \"default.nix\"}, \"games\": {\"file\": "
	    "\"games.nix\"}},\n \"change_sets\": [{\"name\": \"all\", \"kind\": \"no-op\", "
	    "\"paths\": [\"**\"]}]}");
	repo_write(&r, "README.md", "changed");
	json_t *plan = plan_of(&r, base, repo_commit(&r)), *edit = json_object_get(plan, "config_edit");
	assert_string_equal(json_str(plan, "decision", ""), "evaluate");
	assert_true(json_is_null(json_object_get(json_array_get(json_object_get(plan, "jobs"), 0), "scope")));
	assert_true(json_flag(edit, "valid", false));
	assert_non_null(strstr(json_line(&r.a, edit), "rule \\\"all\\\" (no-op) added"));
	assert_non_null(strstr(json_line(&r.a, edit), "rule \\\"docs\\\" (docs-only) removed"));
	json_decref(plan);
	/* A broken one is said to be broken, and base's rules are still there. */
	repo_write(&r, ".ekaci/config.json", "{\"jobs\": 3}");
	plan = plan_of(&r, base, repo_commit(&r));
	edit = json_object_get(plan, "config_edit");
	assert_string_equal(json_str(plan, "decision", ""), "evaluate");
	assert_false(json_flag(edit, "valid", true));
	assert_non_null(strstr(json_str(edit, "error", ""), ".ekaci/config.json:1:10: jobs"));
	assert_int_equal(json_array_size(json_object_get(plan, "jobs")), 2);
	json_decref(plan);
	GIT(&r, "rm", "--quiet", ".ekaci/config.json");
	plan = plan_of(&r, base, repo_commit(&r));
	assert_string_equal(json_str(plan, "decision", ""), "evaluate");
	assert_non_null(strstr(json_line(&r.a, json_object_get(plan, "config_edit")), "removed"));
	json_decref(plan);
	repo_release(&r);
}

static void
a_mistake_in_base_is_told_with_its_place(void **state)
{
	struct repo r;
	struct err e = {0};
	json_t *rec;

	(void)state;
	repo_init(&r);
	repo_write(&r, ".ekaci/config.json", "{\"change_sets\": [\n {\"kind\": \"no-op\", \"paths\": [\"!x\"]}]}");
	const char *base = repo_commit(&r);
	repo_write(&r, "default.nix", "{}");
	const char *head = repo_commit(&r);
	assert_int_equal(run_stage("plan", job_for(&r, base, head), "plan", &rec, &e), -1);
	assert_int_equal(e.kind, ERR_INPUT);
	assert_ptr_equal(strstr(e.msg, ".ekaci/config.json:2:30: change_sets[0].paths[0] \"!x\""), e.msg);
	/* A link in its place is followed by nobody. */
	GIT(&r, "rm", "--quiet", ".ekaci/config.json");
	if (symlink("/etc/passwd", arena_printf(&r.a, "%s/.ekaci-link", r.src)) != 0)
		fail_msg("symlink");
	must(files_mkdirs(arena_printf(&r.a, "%s/.ekaci", r.src), 0700, &e), &e);
	rename(arena_printf(&r.a, "%s/.ekaci-link", r.src), arena_printf(&r.a, "%s/.ekaci/config.json", r.src));
	const char *link = repo_commit(&r);
	assert_int_equal(run_stage("plan", job_for(&r, link, head), "plan", &rec, &e), -1);
	assert_non_null(strstr(e.msg, "no regular file"));
	repo_release(&r);
}

static void
without_a_file_there_is_a_convention_or_an_explanation(void **state)
{
	struct repo r;
	struct err e = {0};
	json_t *plan, *rec;

	(void)state;
	repo_init(&r);
	repo_write(&r, "a", "a");
	const char *bare = repo_commit(&r);
	repo_write(&r, "a", "b");
	const char *still = repo_commit(&r);
	assert_int_equal(run_stage("plan", job_for(&r, bare, still), "plan", &rec, &e), -1);
	assert_int_equal(e.kind, ERR_ABSENT);
	assert_non_null(strstr(e.msg, "add .ekaci/config.json"));
	repo_write(&r, "flake.nix", "{}");
	const char *flake = repo_commit(&r);
	plan = plan_of(&r, still, flake);
	assert_string_equal(json_str(plan, "config", ""), "convention");
	assert_string_equal(json_str(json_array_get(json_object_get(plan, "jobs"), 0), "flake", ""), ".");
	json_decref(plan);
	/* Beside a flake a default.nix is mostly a shim of it. */
	repo_write(&r, "default.nix", "{}");
	const char *both = repo_commit(&r);
	plan = plan_of(&r, both, still);
	assert_string_equal(json_str(json_array_get(json_object_get(plan, "jobs"), 0), "flake", ""), ".");
	json_decref(plan);
	GIT(&r, "rm", "--quiet", "flake.nix");
	plan = plan_of(&r, repo_commit(&r), still);
	assert_string_equal(json_str(json_array_get(json_object_get(plan, "jobs"), 0), "file", ""), "default.nix");
	json_decref(plan);
	/* A head that brings a flake is compared by what either side has. */
	plan = plan_of(&r, repo_commit(&r), both);
	assert_int_equal(json_array_size(json_object_get(plan, "jobs")), 2);
	assert_string_equal(json_str(json_array_get(json_object_get(plan, "jobs"), 0), "file", ""), "default.nix");
	assert_string_equal(json_str(json_array_get(json_object_get(plan, "jobs"), 1), "flake", ""), ".");
	assert_true(json_flag(json_array_get(json_object_get(plan, "jobs"), 1), "may_be_absent", false));
	json_decref(plan);
	/* Head brings the file: its jobs count, its rules do not. */
	GIT(&r, "reset", "--quiet", "--hard", still);
	repo_write(&r, ".ekaci/config.json", config);
	repo_write(&r, "README.md", "x");
	plan = plan_of(&r, still, repo_commit(&r));
	assert_string_equal(json_str(plan, "config", ""), "head file");
	assert_string_equal(json_str(plan, "decision", ""), "evaluate");
	assert_int_equal(json_array_size(json_object_get(plan, "jobs")), 2);
	assert_string_equal(rule_names(&r.a, plan), "");
	assert_int_equal(json_int(json_object_get(plan, "unmatched"), "paths", 0), 2);
	json_decref(plan);
	/* Head brings a broken one, and nothing else says what to evaluate. */
	repo_write(&r, ".ekaci/config.json", "{");
	assert_int_equal(run_stage("plan", job_for(&r, still, repo_commit(&r)), "plan", &rec, &e), -1);
	assert_int_equal(e.kind, ERR_INPUT);
	assert_non_null(strstr(e.msg, ".ekaci/config.json:1:"));
	repo_release(&r);
}

static void
jobs_by_hand_and_rules_ignored(void **state)
{
	struct repo r;
	struct err e = {0};
	json_t *plan, *job;
	const char *base = start(&r);

	(void)state;
	repo_write(&r, "README.md", "changed");
	const char *docs = repo_commit(&r);
	job = job_for(&r, base, docs);
	json_object_set_new(job, "ignore_rules", json_true());
	json_object_set_new(job, "jobs", json_pack("[{s:s,s:s}]", "name", "mine", "expr", "{}"));
	must(run_stage("plan", job, "plan", &plan, &e), &e);
	assert_string_equal(json_str(plan, "decision", ""), "evaluate");
	assert_string_equal(json_str(plan, "config", ""), "command line");
	assert_string_equal(json_str(json_array_get(json_object_get(plan, "jobs"), 0), "expr", ""), "{}");
	json_decref(plan);
	/* A rule that names only other jobs says nothing about this one: all of it is evaluated. */
	GIT(&r, "reset", "--quiet", "--hard", base);
	repo_write(&r, "games/a.nix", "changed");
	job = job_for(&r, base, repo_commit(&r));
	json_object_set_new(job, "jobs", json_pack("[{s:s,s:s}]", "name", "mine", "file", "x.nix"));
	must(run_stage("plan", job, "plan", &plan, &e), &e);
	assert_int_equal(json_array_size(json_object_get(plan, "jobs")), 1);
	assert_true(json_is_null(json_object_get(json_array_get(json_object_get(plan, "jobs"), 0), "scope")));
	json_decref(plan);
	job = job_for(&r, base, docs);
	json_object_set_new(job, "jobs", json_array());
	assert_int_equal(run_stage("plan", job, "plan", &plan, &e), -1);
	assert_int_equal(e.kind, ERR_INPUT);
	repo_release(&r);
}

static void
names_of_any_bytes_are_listed_and_counts_are_whole(void **state)
{
	struct repo r;
	const char *base = start(&r);

	(void)state;
	for (int i = 0; i < 250; i++)
		repo_write(&r, arena_printf(&r.a, "many/%03d", i), "x");
	repo_write(&r, "bad\xff\nname", "x");
	json_t *plan = plan_of(&r, base, repo_commit(&r));
	assert_int_equal(json_int(plan, "changed_paths", 0), 251);
	assert_int_equal(json_array_size(json_object_get(plan, "paths")), 100);
	assert_int_equal(json_int(json_object_get(plan, "unmatched"), "paths", 0), 251);
	assert_string_equal(json_str(json_array_get(json_object_get(plan, "paths"), 0), "path", ""), "bad\xef\xbf\xbd\nname");
	json_decref(plan);
	repo_release(&r);
}

static void
a_revision_is_found_from_anywhere_in_a_clone(void **state)
{
	struct repo r;
	struct err e = {0};
	char commit[CHANGESET_HEX + 1], tree[CHANGESET_HEX + 1];
	const char *base = start(&r), *git_dir;

	(void)state;
	GIT(&r, "worktree", "add", "--quiet", "../linked", "-b", "side");
	const char *dirs[] = {r.src, arena_printf(&r.a, "%s/leaf", r.src), arena_printf(&r.a, "%s/.git", r.src),
	    arena_printf(&r.a, "%s/linked/doc", r.dir)};
	for (size_t i = 0; i < COUNT(dirs); i++) {
		must(changeset_resolve(dirs[i], i == 3 ? "HEAD" : "main", commit, tree, &e), &e);
		assert_string_equal(commit, base);
		assert_string_equal(tree, tree_of(&r, base));
		must(changeset_git_dir(&r.a, dirs[i], &git_dir, &e), &e);
		assert_string_equal(git_dir, arena_printf(&r.a, "%s/.git", r.src));
	}
	assert_int_equal(changeset_resolve(r.src, "no-such", commit, tree, &e), -1);
	assert_int_equal(e.kind, ERR_ABSENT);
	assert_int_equal(changeset_resolve(r.src, "main^{tree}", commit, tree, &e), -1);
	assert_int_equal(e.kind, ERR_ABSENT);
	assert_int_equal(changeset_resolve("/proc", "main", commit, tree, &e), -1);
	assert_int_equal(e.kind, ERR_ABSENT);
	repo_release(&r);
}

static void
a_flake_that_wants_its_submodules_is_told_how_a_job_has_them(void **state)
{
	static const char *const flakes[] = {".#checks", ".?submodules=1#checks", "./sub#checks"};
	struct repo r;

	(void)state;
	for (size_t i = 0; i < COUNT(flakes); i++) {
		repo_init(&r);
		repo_write(&r, "flake.nix", "{ inputs.self.submodules = true; outputs = _: { }; }\n");
		repo_write(&r, ".ekaci/config.json",
		    arena_printf(&r.a, "{ \"jobs\": { \"all\": { \"flake\": \"%s\" } } }", flakes[i]));
		const char *base = repo_commit(&r);
		repo_write(&r, "x.nix", "1\n");
		json_t *plan = plan_of(&r, base, repo_commit(&r)), *warnings = json_object_get(plan, "warnings");
		assert_int_equal(json_array_size(warnings), i == 0);
		if (i == 0)
			assert_non_null(strstr(json_string_value(json_array_get(warnings, 0)), "job all takes none"));
		json_decref(plan);
		repo_release(&r);
	}
}

static const char *
untold_of(struct repo *r, const char *base, const char *head)
{
	json_t *plan = plan_of(r, base, head);
	const char *line = json_line(&r->a, json_object_get(plan, "untold"));

	json_decref(plan);
	return line;
}

/* A submodule as git notes it; the commit need not be there. */
static const char *
commit_link(struct repo *r, const char *path, char digit)
{
	char id[CHANGESET_HEX + 1];

	memset(id, digit, CHANGESET_HEX);
	id[CHANGESET_HEX] = '\0';
	GIT(r, "update-index", "--add", "--cacheinfo", arena_printf(&r->a, "160000,%s,%s", id, path));
	GIT(r, "commit", "--quiet", "-m", "test");
	return GIT(r, "rev-parse", "HEAD");
}

static void
a_changed_submodule_is_untold_for_the_jobs_that_no_rule_spares(void **state)
{
	static const struct {
		const char *path, *untold;
	} rows[] = {
	    {"dep", "{\"submodules\":{\"paths\":[\"dep\"],\"count\":1,\"jobs\":[\"core\",\"games\"]}}"},
	    {"leaf/dep", "{\"submodules\":{\"paths\":[\"leaf/dep\"],\"count\":1,\"jobs\":[\"core\",\"games\"]}}"},
	    {"games/dep", "{\"submodules\":{\"paths\":[\"games/dep\"],\"count\":1,\"jobs\":[\"games\"]}}"},
	    {"doc/theme", "null"}, /* a person said that this rebuilds nothing */
	    {"skipped/dep", "null"},
	};
	struct repo r;
	const char *base = start(&r);

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		GIT(&r, "reset", "--quiet", "--hard", base);
		const char *added = commit_link(&r, rows[i].path, '1'), *moved = commit_link(&r, rows[i].path, '2');
		assert_string_equal(untold_of(&r, base, added), rows[i].untold);
		assert_string_equal(untold_of(&r, added, moved), rows[i].untold);
		assert_string_equal(untold_of(&r, moved, base), rows[i].untold);
	}
	/* A folder becomes one, and the other way round. */
	GIT(&r, "reset", "--quiet", "--hard", base);
	GIT(&r, "rm", "--quiet", "-r", "games");
	const char *becomes = commit_link(&r, "games", '1');
	assert_string_equal(untold_of(&r, base, becomes),
	    "{\"submodules\":{\"paths\":[\"games\"],\"count\":1,\"jobs\":[\"core\",\"games\"]}}");
	assert_string_equal(untold_of(&r, becomes, base),
	    "{\"submodules\":{\"paths\":[\"games\"],\"count\":1,\"jobs\":[\"core\",\"games\"]}}");
	/* A submodule that is there, and stays as it is, is nothing to speak of. */
	GIT(&r, "reset", "--quiet", "--hard", base);
	const char *there = commit_link(&r, "dep", '1');
	GIT(&r, "checkout", "--quiet", "HEAD", "--", "other.nix");
	repo_write(&r, "other.nix", "changed\n");
	GIT(&r, "add", "other.nix");
	GIT(&r, "commit", "--quiet", "-m", "test");
	assert_string_equal(untold_of(&r, there, "HEAD"), "null");
	repo_release(&r);
}

static void
pointers_of_lfs_that_change_are_named(void **state)
{
	static const char format[] = "version https://git-lfs.github.com/spec/v1\noid sha256:%064d\nsize 12345\n";
	static const char core[] = "{\"lfs\":{\"paths\":[\"logo.png\"],\"count\":1,\"jobs\":[\"core\",\"games\"]}}";
	struct repo r;
	const char *base = start(&r);

	(void)state;
	repo_write(&r, "logo.png", arena_printf(&r.a, format, 1));
	const char *added = repo_commit(&r);
	assert_string_equal(untold_of(&r, base, added), core);
	repo_write(&r, "logo.png", arena_printf(&r.a, format, 2));
	const char *changed = repo_commit(&r);
	assert_string_equal(untold_of(&r, added, changed), core);
	repo_write(&r, "logo.png", "the picture itself");
	assert_string_equal(untold_of(&r, changed, repo_commit(&r)), core);
	/* Not: one that a rule spares, the specification quoted in a text, a file that is longer than pointers are. */
	GIT(&r, "reset", "--quiet", "--hard", base);
	repo_write(&r, "doc/logo.png", arena_printf(&r.a, format, 1));
	repo_write(&r, "text", arena_printf(&r.a, "A pointer is:\n%s", format));
	repo_write(&r, "long", arena_printf(&r.a, "version https://git-lfs.github.com/spec/v1\noid sha256:%02000d\n", 1));
	assert_string_equal(untold_of(&r, base, repo_commit(&r)), "null");
	repo_release(&r);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(each_kind_of_rule_decides),
	    cmocka_unit_test(both_names_of_a_rename_count),
	    cmocka_unit_test(large_files_are_renamed_only_when_they_are_the_same),
	    cmocka_unit_test(deletions_modes_types_and_submodules_count),
	    cmocka_unit_test(the_same_tree_is_skipped),
	    cmocka_unit_test(a_pull_request_cannot_exempt_itself),
	    cmocka_unit_test(a_mistake_in_base_is_told_with_its_place),
	    cmocka_unit_test(without_a_file_there_is_a_convention_or_an_explanation),
	    cmocka_unit_test(jobs_by_hand_and_rules_ignored),
	    cmocka_unit_test(names_of_any_bytes_are_listed_and_counts_are_whole),
	    cmocka_unit_test(a_revision_is_found_from_anywhere_in_a_clone),
	    cmocka_unit_test(a_flake_that_wants_its_submodules_is_told_how_a_job_has_them),
	    cmocka_unit_test(a_changed_submodule_is_untold_for_the_jobs_that_no_rule_spares),
	    cmocka_unit_test(pointers_of_lfs_that_change_are_named),
	};

	return cmocka_run_group_tests_name("changeset/plan", tests, NULL, NULL);
}
