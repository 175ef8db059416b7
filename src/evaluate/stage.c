/* The stage `evaluate`: reuse, or run and store. */
#include "evaluate/evaluate.h"

#include "changeset/repository.h"
#include "evaluate/evalconf.h"
#include "evaluate/evaluation.h"
#include "evaluate/sandbox.h"
#include "evaluate/searchpath.h"
#include "evaluate/stored.h"
#include "nix/roots.h"
#include "support/base/clock.h"
#include "support/base/log.h"
#include "support/os/files.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum {
	DEFAULT_WALL_MS = 3600 * 1000,
	DEFAULT_ROWS = 1000000,
	DEFAULT_DEPTH = 64,
	DEFAULT_MEMORY_MB = 4096,
	DEFAULT_PROCESSES = 256,
	DEFAULT_FREE_MB = 1024
};

struct wish {
	struct arena a;
	const json_t *job; /* the stage's */
	const json_t *systems;
	const char *evals_dir, *roots_root;
	struct evaluator ev;
	struct run run;
	enum sandbox_mode mode;
	json_t *nix_key; /* key_of_nix */
	char key[65];
	const char *file;
	int64_t began_ms;
};

static int
read_wish(struct wish *w, struct err *e)
{
	const json_t *job = w->job, *inner = json_object_get(job, "job");
	struct run *r = &w->run;

	if (!json_is_object(inner))
		return fail(e, ERR_INPUT, "member \"job\" is missing");
	if (json_need_str(job, "git_dir", &r->git_dir, e) != 0 || json_need_str(job, "tree", &r->tree, e) != 0 ||
	    json_need_str(job, "evals_dir", &w->evals_dir, e) != 0 ||
	    json_need_str(job, "checkout_dir", &r->checkout_dir, e) != 0)
		return -1;
	const char *commit = evaluator_wants_flake(inner) ? json_str(job, "commit", NULL) : NULL;
	if (commit != NULL && flake_self_of(&w->a, r->git_dir, commit, &r->self, e) != 0)
		return -1;
	w->roots_root = json_str(job, "roots_dir", NULL);
	r->fetch_cache_dir = json_str(job, "fetch_cache_dir", NULL);
	r->fetches = json_str(job, "fetches", NULL);
	if (fetches_mode_of(json_str(job, "fetch", "never"), &r->fetch, e) != 0)
		return -1;
	r->own = json_object_get(job, "own");
	r->own = json_is_object(r->own) ? r->own : NULL;
	r->nix_options = json_object_get(job, "nix_options");
	r->features = json_object_get(job, "experimental_features");
	r->cgroup = json_str(job, "cgroup", NULL);
	r->wall_ms = json_int(job, "wall_ms", DEFAULT_WALL_MS);
	r->max_processes = json_int(job, "max_processes", DEFAULT_PROCESSES);
	r->min_free_mb = json_int(job, "min_free_mb", DEFAULT_FREE_MB);
	r->expected_rows = json_int(job, "expected_rows", -1);
	r->job = (struct evaluator_job){.job = inner,
	    .workers = json_int(job, "workers", 0),
	    .max_memory_mb = json_int(job, "max_memory_mb", DEFAULT_MEMORY_MB),
	    .max_rows = json_int(job, "max_rows", DEFAULT_ROWS),
	    .max_depth = json_int(job, "max_depth", DEFAULT_DEPTH),
	    .import_from_derivation = json_flag(job, "allow_import_from_derivation", false),
	    .network = json_flag(job, "allow_network", false),
	    .own = r->own != NULL,
	    .restricted = r->own != NULL ? json_flag(r->own, "restricted", false)
	                                 : json_str(r->nix_options, "restrict-eval", NULL) == NULL,
	    .allowed_uris = json_object_get(job, "allowed_uris")};
	if (r->job.workers <= 0)
		r->job.workers = sysconf(_SC_NPROCESSORS_ONLN);
	if (r->job.max_memory_mb <= 0 || r->job.max_rows <= 0 || r->job.max_depth <= 0 || r->wall_ms <= 0)
		return fail(e, ERR_INPUT, "the limits of an evaluation must be positive");
	w->systems = json_object_get(inner, "systems");
	if (json_array_size(w->systems) == 0)
		w->systems = json_object_get(job, "systems");
	r->job.systems = w->systems;
	return sandbox_mode_of(json_str(job, "sandbox", "auto"), &w->mode, e);
}

/* How Nix is told to behave, and what <name> is. */
static json_t *
key_of_nix(struct wish *w)
{
	const struct run *r = &w->run;
	json_t *key = json_object();

	json_object_set_new(key, "restricted", json_boolean(r->job.restricted));
	json_object_set(key, "features", r->features != NULL ? (json_t *)(uintptr_t)r->features : json_null());
	json_object_set_new(key, "options", evalconf_without_secrets(r->nix_options, EVALCONF_AS_IT_IS));
	if (r->own == NULL) {
		const char *path = json_str(r->nix_options, "nix-path", NULL);
		if (path != NULL)
			json_object_set_new(key, "search",
			    json_any_string(str_of(searchpath_mark(&w->a, searchpath_of_setting(&w->a, path)))));
		return key;
	}
	json_object_set(key, "env", json_object_get(r->own, "env"));
	json_object_set(key, "settings", json_object_get(r->own, "settings"));
	json_object_set_new(key, "search", json_any_string(str_of(searchpath_mark(&w->a, json_str(r->own, "search", "")))));
	json_object_set_new(key, "reads", json_any_string(str_of(searchpath_mark(&w->a, json_str(r->own, "reads", "")))));
	return key;
}

enum { KEY_OF_WHOLE = 1, KEY_OF_ANY_TREE = 2 };

/* Everything that decides what comes out; nothing that does not (how many workers, whose run). Of the whole: without
 * its scope. Of any tree: the same wish of the repository, whatever its contents. */
static void
make_key(struct wish *w, unsigned what, char ret[65])
{
	static const char *const parts[] = {"file", "flake", "expr", "attr_path", "scope", "may_be_absent"};
	AUTO(json_drop) json_t *all = json_object();
	json_t *def = json_object();
	const struct evaluator_job *j = &w->run.job;

	for (size_t i = 0; i < COUNT(parts); i++) {
		bool is_scope = strcmp(parts[i], "scope") == 0;
		json_t *part = is_scope && (what & KEY_OF_WHOLE) ? NULL : json_object_get(j->job, parts[i]);
		json_object_set(def, parts[i], part != NULL ? part : json_null());
	}
	json_object_set_new(all, "format", json_integer(STORED_FORMAT));
	json_object_set_new(all, "meaning", json_integer(STORED_MEANING));
	json_object_set_new(all, "tree", json_string(what & KEY_OF_ANY_TREE ? w->run.git_dir : w->run.tree));
	json_object_set_new(all, "job", def);
	json_object_set_new(all, "commit",
	    w->run.self.rev != NULL && !(what & KEY_OF_ANY_TREE) ? json_string(w->run.self.rev) : json_null());
	json_object_set_new(all, "evaluator", json_string(w->ev.name));
	json_object_set_new(all, "version", json_string(w->ev.version));
	json_object_set_new(all, "build", w->ev.build != NULL ? json_string(w->ev.build) : json_null());
	json_object_set_new(all, "source", json_string(run_source(&w->a, &w->run)));
	json_object_set(all, "nix", w->nix_key);
	json_object_set_new(all, "ifd", json_boolean(j->import_from_derivation));
	json_object_set_new(all, "network", json_boolean(j->network));
	json_object_set_new(all, "max_depth", json_integer(j->max_depth));
	json_object_set(all, "uris", j->allowed_uris != NULL ? (json_t *)(uintptr_t)j->allowed_uris : json_null());
	json_object_set(all, "systems", w->systems != NULL ? (json_t *)(uintptr_t)w->systems : json_null());
	stored_key(all, ret);
}

static json_t *
commit_json(const struct wish *w)
{
	return json_pack("{s:s,s:I}", "rev", w->run.self.rev, "time", (json_int_t)w->run.self.last_modified);
}

/* A flake of which everything is taken, for every system, and which has nothing: that is so with many, and no mistake. */
static bool
has_nothing(const struct wish *w, const struct stored *s)
{
	const json_t *job = w->run.job.job;

	return s->rows == 0 && evaluator_takes_whole_flake(job) && !json_is_array(json_object_get(job, "scope")) &&
	       json_array_size(w->systems) == 0;
}

/* A partial one is for this run alone: what could not be had may be there the next time. */
static const char *
file_of(struct wish *w)
{
	return w->run.untold != NULL ? stored_partial_path(&w->a, w->evals_dir, w->key) : w->file;
}

static void
emit(struct wish *w, struct record_out *out, bool reused, const char *reason, const struct stored *s)
{
	json_t *rec = json_object();

	json_object_set_new(rec, "type", json_string("evaluation"));
	json_object_set_new(rec, "side", json_string(json_str(w->job, "side", "")));
	json_object_set_new(rec, "job", json_string(json_str(w->run.job.job, "name", "")));
	json_object_set_new(rec, "key", json_string(w->key));
	json_object_set_new(rec, "file", reason == NULL ? json_string(file_of(w)) : json_null());
	json_object_set_new(rec, "reused", json_boolean(reused));
	json_object_set_new(rec, "complete", json_boolean(reason == NULL));
	json_object_set_new(rec, "reason", reason != NULL ? json_any_string(str_of(reason)) : json_null());
	if (reason != NULL && w->run.unknown)
		json_object_set_new(rec, "unknown", json_true());
	if (reason == NULL && w->run.untold != NULL)
		json_object_set(rec, "untold", w->run.untold);
	if (w->run.self.rev != NULL)
		json_object_set_new(rec, "commit", commit_json(w));
	if (reason == NULL && has_nothing(w, s))
		json_object_set_new(rec, "nothing",
		    json_string("the flake has no checks, packages, devShells, formatter, hydraJobs "
		                "or configurations; what else it has can be named by a job of .ekaci/config.json, such as "
		                "{\"flake\": \".#legacyPackages\"}"));
	json_object_set_new(rec, "rows", json_integer((json_int_t)s->rows));
	json_object_set_new(rec, "errors", json_integer((json_int_t)s->errors));
	json_object_set_new(rec, "derivations", json_integer((json_int_t)s->derivations));
	json_object_set_new(rec, "evaluator", json_string(w->ev.name));
	json_object_set_new(rec, "version", json_any_string(str_of(w->ev.version)));
	json_object_set_new(rec, "source", json_string(run_source(&w->a, &w->run)));
	json_object_set_new(rec, "sandbox", json_string(w->run.sandbox ? "bubblewrap" : "none"));
	json_object_set_new(rec, "wall_ms", json_integer(clock_mono_ms() - w->began_ms));
	json_object_set_new(rec, "max_rss_kb", json_integer(w->run.max_rss_kb));
	record_emit(out, rec);
}

struct drvs {
	VEC(struct str) all;
	bool missing;
};

static int
on_drv(void *ctx, struct str drv)
{
	struct drvs *d = ctx;

	if (access(drv.p, F_OK) != 0) /* NUL-terminated by stored_read */
		d->missing = true;
	vec_push(&d->all, drv);
	return 0;
}

/* 0: the stored evaluation serves, and its derivations have a root; 1: evaluate. */
static int
reuse(struct wish *w, struct stored *s, struct err *e)
{
	struct drvs d = {0};
	struct err why = {0};
	int rc = stored_read(&w->a, w->file, w->key, s, on_drv, &d, &why);
	bool keeps = w->run.fetches != NULL && w->run.fetch == FETCH_KEEP;

	if (rc < 0)
		*e = why;
	if (rc > 0 && why.kind != ERR_ABSENT)
		log_warn("stored evaluation %.12s is damaged and made again: %s", w->key, why.msg);
	if (rc == 0 && d.missing)
		rc = 1; /* the store was cleaned since */
	if (rc == 0 && keeps && !fetches_are_there(w->run.fetches))
		rc = 1; /* what base fetches is needed beside its rows */
	if (rc == 0 && w->run.roots_dir != NULL && roots_keep(d.all.p, d.all.n, w->run.roots_dir, "ekaci-roots", &why) != 0) {
		log_warn("stored evaluation %.12s is made again: %s", w->key, why.msg);
		rc = 1;
	}
	if (rc == 0)
		stored_used(w->file);
	if (rc == 0 && keeps)
		stored_used(w->run.fetches);
	vec_release(&d.all);
	return rc;
}

/* EVALS/KEY.rows: how many rows the newest evaluation of this wish had, of whatever tree. */
static const char *
rows_file(struct wish *w)
{
	char key[65];

	make_key(w, KEY_OF_ANY_TREE, key);
	return arena_printf(&w->a, "%s/%s.rows", w->evals_dir, key);
}

static void
note_rows(struct wish *w, size_t n)
{
	struct str text = str_of(arena_printf(&w->a, "%zu", n));
	struct err e;

	if (files_write(rows_file(w), text, 0600, FILES_NO_SYNC, &e) != 0)
		log_warn("%s", e.msg); /* the next progress has no total */
}

/* For progress, where nothing nearer (a head's base) is known. */
static void
expect_rows(struct wish *w)
{
	struct str text;
	struct err e;

	if (w->run.expected_rows < 0 && files_read(&w->a, rows_file(w), 32, &text, &e) == 0)
		(void)str_to_i64(text, &w->run.expected_rows);
}

static int
store(struct wish *w, const struct rows *rows, struct err *e)
{
	AUTO(json_drop) json_t *h = json_object();

	json_object_set_new(h, "ekaci_evaluation", json_integer(STORED_FORMAT));
	json_object_set_new(h, "key", json_string(w->key));
	json_object_set_new(h, "tree", json_string(w->run.tree));
	json_object_set(h, "job", (json_t *)(uintptr_t)w->run.job.job);
	if (w->run.self.rev != NULL)
		json_object_set_new(h, "commit", commit_json(w));
	json_object_set_new(h, "evaluator", json_string(w->ev.name));
	json_object_set_new(h, "version", json_any_string(str_of(w->ev.version)));
	json_object_set_new(h, "source", json_string(run_source(&w->a, &w->run)));
	json_object_set_new(h, "complete", json_true());
	if (w->run.untold != NULL)
		json_object_set_new(h, "partial", json_true());
	return stored_write(file_of(w), h, rows, e);
}

static int
on_whole_row(void *ctx, struct str line, struct err *e)
{
	return rows_add_stored(ctx, line, e);
}

/* A scope of a tree that was evaluated as a whole, as the default branch is, is a part of what is stored. 0: it is
 * stored by itself now; 1: there is nothing to take it from. */
static int
take_from_whole(struct wish *w, const struct rows *like, struct err *e)
{
	struct rows rows = *like;
	struct err why = {0};
	char key[65];

	if (!json_is_array(rows.scope))
		return 1;
	make_key(w, KEY_OF_WHOLE, key);
	const char *file = stored_path(&w->a, w->evals_dir, key);
	int rc = stored_read_rows(&w->a, file, key, on_whole_row, &rows, &why);
	if (rc < 0)
		*e = why;
	if (rc == 0) {
		stored_used(file);
		rows_finish(&rows);
		rc = store(w, &rows, e);
	}
	rows_release(&rows);
	return rc;
}

/* What stands for this evaluation in the store. */
static void
identify(struct wish *w)
{
	make_key(w, 0, w->key);
	w->file = stored_path(&w->a, w->evals_dir, w->key);
	if (w->roots_root != NULL)
		w->run.roots_dir = arena_printf(&w->a, "%s/%.16s", w->roots_root, w->key);
}

/*
 * One root for all derivations that another's evaluator left in the store. Its workers' temporary roots ended with them, so a
 * garbage collector may have taken some meanwhile; but once the root is made all are there and stay, for Nix writes the root's
 * own derivation only while everything it refers to is valid, and takes nothing that is referred to. A root that cannot be
 * made is an incomplete evaluation, and our own evaluator, which makes it while its workers live, is asked.
 */
static void
keep_roots(struct wish *w, struct rows *rows)
{
	struct map drvs = {0};
	VEC(struct str) all = {0};
	struct err e;

	for (size_t i = 0; i < rows->all.n; i++) {
		bool added = false;
		if (rows->all.p[i].drv.n > 0)
			map_add(&drvs, rows->all.p[i].drv, &added);
		if (added)
			vec_push(&all, rows->all.p[i].drv);
	}
	if (roots_keep(all.p, all.n, w->run.roots_dir, "ekaci-roots", &e) != 0) {
		rows->ask_own = true;
		rows_incomplete(rows, "what was evaluated is not in the store any more: %s", e.msg);
	}
	vec_release(&all);
	map_release(&drvs);
}

/* 1: the job is one that a tree may be without (changeset/plan.c), and this one is. */
static int
is_absent(const struct wish *w, struct err *e)
{
	const json_t *job = w->run.job.job;
	git_repository *repo = NULL;
	git_tree *tree = NULL;
	git_tree_entry *entry = NULL;
	int rc = -1;

	if (!json_flag(job, "may_be_absent", false))
		return 0;
	if (repository_open(w->run.git_dir, &repo, e) == 0 && repository_tree(repo, w->run.tree, &tree, e) == 0)
		rc = git_tree_entry_bypath(&entry, tree, json_str(job, "file", "flake.nix")) != 0;
	git_tree_entry_free(entry);
	git_tree_free(tree);
	git_repository_free(repo);
	return rc;
}

static int
evaluate(struct wish *w, struct record_out *out, struct err *e)
{
	struct rows rows = {.max_rows = (size_t)w->run.job.max_rows,
	    .max_depth = (size_t)w->run.job.max_depth,
	    .scope = json_object_get(w->run.job.job, "scope"),
	    .systems = w->systems,
	    .external = !w->ev.built_in};
	AUTO(fd_close) int lock = -1;
	struct stored s = {0};

	if (stored_lock(w->evals_dir, w->key, 2 * w->run.wall_ms, &lock, e) != 0)
		return -1;
	int rc = reuse(w, &s, e);
	if (rc == 1 && (rc = take_from_whole(w, &rows, e)) == 0)
		rc = reuse(w, &s, e);
	if (rc < 0)
		return -1;
	if (rc == 0) {
		emit(w, out, true, NULL, &s);
		return 0;
	}
	expect_rows(w);
	rc = is_absent(w, e);
	if (rc == 0)
		rc = run_evaluation(&w->run, &rows, e);
	else if (rc > 0)
		rc = 0; /* no rows, and that is all */
	if (rc == 0 && !rows.incomplete && !w->ev.built_in && w->run.roots_dir != NULL)
		keep_roots(w, &rows);
	s = (struct stored){.rows = rows.all.n, .errors = rows.errors, .derivations = rows.derivations};
	if (rc == 0 && !rows.incomplete) {
		rc = store(w, &rows, e);
		note_rows(w, rows.all.n);
	}
	bool ask_own = rc == 0 && rows.ask_own && !w->ev.built_in;
	if (rc == 0 && !ask_own)
		emit(w, out, false, rows.incomplete ? rows.reason : NULL, &s);
	if (ask_own)
		log_info("%s %s cannot tell all, so the built-in evaluator is asked: %s", w->ev.name, w->ev.version,
		    rows.reason);
	rows_release(&rows);
	if (!ask_own)
		return rc;
	fd_close(&lock);
	json_drop(&w->run.untold);
	if (evaluator_find(&w->a, "built-in", w->evals_dir, &w->ev, e) != 0)
		return -1;
	identify(w);
	return evaluate(w, out, e);
}

int
stage_evaluate(const json_t *job, struct record_out *out, struct err *e)
{
	struct wish w = {.job = job, .began_ms = clock_mono_ms()};
	int rc = read_wish(&w, e);

	if (rc == 0)
		rc = files_mkdirs(w.evals_dir, 0755, e);
	if (rc == 0)
		rc = evaluator_find(&w.a, json_str(job, "evaluator", "auto"), w.evals_dir, &w.ev, e);
	if (json_flag(job, "sandbox_works", false))
		sandbox_trust();
	if (rc == 0) {
		int decided = sandbox_decide(w.mode, e);
		w.run.sandbox = decided > 0;
		rc = decided < 0 ? -1 : 0;
	}
	if (rc == 0) {
		w.run.ev = &w.ev;
		w.run.out = out;
		w.nix_key = key_of_nix(&w);
		identify(&w);
	}
	if (rc == 0)
		rc = evaluate(&w, out, e);
	json_decref(w.nix_key);
	json_decref(w.run.untold);
	arena_release(&w.a);
	return rc;
}
