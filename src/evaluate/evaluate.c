/* The stage `evaluate`: reuse, or run and store. */
#include "evaluate/evaluate.h"

#include "changeset/repository.h"
#include "evaluate/evalconf.h"
#include "evaluate/execute.h"
#include "evaluate/idle.h"
#include "evaluate/key.h"
#include "evaluate/reads.h"
#include "evaluate/sandbox.h"
#include "evaluate/searchpath.h"
#include "evaluate/stored.h"
#include "nix/roots.h"
#include "records/list.h"
#include "support/base/clock.h"
#include "support/base/log.h"
#include "support/os/files.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

struct wish {
	struct arena *a;
	const struct evaluate_job *job;
	const struct texts *systems;
	struct evaluator ev;
	struct evaluating run;
	enum sandbox_mode mode;
	struct key_nix nix_key;
	char key[65];
	const char *file;
	int64_t began_ms;
	int64_t proved;       /* how many paths base's evaluation looked at, of which none looks otherwise here; -1: no proof */
	const char *unproved; /* of a head, where a proof was sought: why there is none */
	struct evaluation *told; /* where the record goes instead of out, or NULL */
};

static int
read_flake(struct wish *w, struct err *e)
{
	if (w->job->commit == NULL || !evaluator_wants_flake(&w->job->job))
		return 0;
	return flake_self_of(w->a, w->job->git_dir, w->job->commit, &w->run.self, e);
}

static int
read_wish(struct wish *w, struct err *e)
{
	const struct evaluate_job *job = w->job;
	struct evaluating *r = &w->run;

	if (read_flake(w, e) != 0 || fetches_mode_of(job->fetch != NULL ? job->fetch : "never", &r->fetch, e) != 0)
		return -1;
	r->git_dir = job->git_dir;
	r->tree = job->tree;
	r->checkout_dir = job->checkout_dir;
	r->fetch_cache_dir = job->fetch_cache_dir;
	r->fetches = job->fetches;
	r->own = job->own;
	r->notes_reads = job->proof;
	r->nix_options = job->nix_options;
	r->features = job->experimental_features;
	r->cgroup = job->cgroup;
	r->wall_ms = job->wall_ms;
	r->max_processes = job->max_processes;
	r->min_free_mb = job->min_free_mb;
	r->expected_rows = job->expected_rows;
	w->systems = job->job.systems.n > 0 ? &job->job.systems : &job->systems;
	r->job = (struct evaluator_job){.job = &job->job,
	    .systems = w->systems,
	    .workers = job->workers > 0 ? job->workers : sysconf(_SC_NPROCESSORS_ONLN),
	    .max_memory_mb = job->max_memory_mb,
	    .max_rows = job->max_rows,
	    .max_depth = job->max_depth,
	    .import_from_derivation = job->allow_import_from_derivation,
	    .network = job->allow_network,
	    .own = job->own != NULL,
	    .restricted = job->own != NULL ? job->own->restricted : named_find(&job->nix_options, "restrict-eval") == NULL,
	    .allowed_uris = &job->allowed_uris};
	if (job->max_memory_mb <= 0 || job->max_rows <= 0 || job->max_depth <= 0 || job->wall_ms <= 0)
		return fail(e, ERR_INPUT, "the limits of an evaluation must be positive");
	return sandbox_mode_of(job->sandbox != NULL ? job->sandbox : "auto", &w->mode, e);
}

/* What the folders of a search path hold, as text that can be hashed. */
static const char *
mark_of(struct wish *w, const char *path)
{
	return fields_clean(w->a, str_of(searchpath_mark(w->a, path != NULL ? path : "")));
}

static struct key_nix
key_of_nix(struct wish *w)
{
	const struct evaluating *r = &w->run;
	struct key_nix key = {.restricted = r->job.restricted,
	    .features = r->features,
	    .options = evalconf_without_secrets(w->a, &r->nix_options, EVALCONF_AS_IT_IS)};
	const char *path = named_find(&r->nix_options, "nix-path");

	if (r->own != NULL) {
		key.env = r->own->env;
		key.settings = r->own->settings;
		key.search = mark_of(w, r->own->search);
		key.reads = mark_of(w, r->own->reads);
	} else if (path != NULL) {
		key.search = mark_of(w, searchpath_of_setting(w->a, path));
	}
	return key;
}

enum { KEY_OF_WHOLE = 1, KEY_OF_ANY_TREE = 2, KEY_OF_BASE = 4 };

/* Of the whole: without its scope. Of any tree: the same wish of the repository, whatever its contents. Of base: for its tree. */
static int
make_key(struct wish *w, unsigned what, char ret[65], struct err *e)
{
	const struct evaluator_job *j = &w->run.job;
	const struct paths everything = {0};
	bool any_tree = (what & KEY_OF_ANY_TREE) != 0;
	struct evaluation_key key = {.format = STORED_FORMAT,
	    .meaning = STORED_MEANING,
	    .tree = any_tree                    ? w->run.git_dir
	            : (what & KEY_OF_BASE) != 0 ? w->job->base_tree
	                                        : w->run.tree,
	    .job = {.file = j->job->file,
	        .flake = j->job->flake,
	        .expr = j->job->expr,
	        .attr_path = j->job->attr_path,
	        .scope = (what & KEY_OF_WHOLE) != 0 ? everything : j->job->scope,
	        .may_be_absent = j->job->may_be_absent ? 1 : -1},
	    .commit = any_tree ? NULL : w->run.self.rev,
	    .evaluator = w->ev.name,
	    .version = fields_clean(w->a, str_of(w->ev.version)),
	    .build = w->ev.build,
	    .source = evaluating_source(w->a, &w->run),
	    .nix = w->nix_key,
	    .ifd = j->import_from_derivation,
	    .network = j->network,
	    .unproved = !w->job->proof,
	    .max_depth = j->max_depth,
	    .uris = *j->allowed_uris,
	    .systems = *w->systems};

	return evaluation_key_hash(&key, ret, e);
}

/* The commit that the tree was said to be of, or NULL. */
static struct commit_name *
commit_of(const struct wish *w)
{
	const struct commit_name name = {w->run.self.rev, w->run.self.last_modified};

	return name.rev != NULL ? arena_dup(w->a, &name, sizeof(name)) : NULL;
}

/* A flake of which everything is taken, for every system, and which has nothing: that is so with many, and no mistake. */
static bool
has_nothing(const struct wish *w, const struct stored *s)
{
	const struct job_def *job = w->run.job.job;

	return s->rows == 0 && evaluator_takes_whole_flake(job) && job->scope.p == NULL && w->systems->n == 0;
}

/* A partial one is for this run alone: what could not be had may be there the next time. */
static const char *
file_of(struct wish *w)
{
	return w->run.untold != NULL ? stored_partial_path(w->a, w->job->evals_dir, w->key) : w->file;
}

static const char nothing_known[] = "the flake has no checks, packages, devShells, formatter, hydraJobs "
                                    "or configurations; what else it has can be named by a job of .ekaci/config.json, such as "
                                    "{\"flake\": \".#legacyPackages\"}";

/* Of the change's commits those that rebuild nothing, as far as it is known what was read. */
static struct texts
find_idle(struct wish *w)
{
	struct texts found = {0};
	struct reads reads;
	struct err why;

	list_clear(w->a, &found);
	if (w->job->commits.n == 0 || reads_read(reads_file(w->a, w->job->evals_dir, w->key), &reads, &why) != 0)
		return found;
	found = idle_commits(w->a, &reads, w->job->git_dir, &w->job->commits);
	reads_release(&reads);
	return found;
}

/* reason: why it is incomplete, or NULL. */
static int
tell(struct wish *w, struct record_out *out, bool reused, const char *reason, const struct stored *s, struct err *e)
{
	bool complete = reason == NULL;
	const struct evaluation rec = {.side = w->job->side,
	    .job = w->job->job.name,
	    .key = w->key,
	    .file = complete ? file_of(w) : NULL,
	    .reused = reused,
	    .complete = complete,
	    .proved = w->proved,
	    .unproved = reused || w->unproved == NULL ? NULL : fields_clean(w->a, str_of(w->unproved)),
	    .idle = complete ? find_idle(w) : (struct texts){0},
	    .reason = complete ? NULL : fields_clean(w->a, str_of(reason)),
	    .unknown = !complete && w->run.unknown,
	    .untold = complete ? w->run.untold : NULL,
	    .commit = commit_of(w),
	    .nothing = complete && has_nothing(w, s) ? nothing_known : NULL,
	    .rows = (int64_t)s->rows,
	    .errors = (int64_t)s->errors,
	    .derivations = (int64_t)s->derivations,
	    .evaluator = w->ev.name,
	    .version = fields_clean(w->a, str_of(w->ev.version)),
	    .source = evaluating_source(w->a, &w->run),
	    .sandbox = w->run.sandbox ? "bubblewrap" : "none",
	    .wall_ms = clock_mono_ms() - w->began_ms,
	    .max_rss_kb = w->run.max_rss_kb};

	if (w->told == NULL)
		return record_put(out, &evaluation_fields, &rec, e);
	*w->told = rec;
	w->told->key = arena_strdup(w->a, rec.key);
	w->told->reason = rec.reason != NULL ? arena_strdup(w->a, rec.reason) : NULL;
	if (rec.untold != NULL) {
		*w->told = (struct evaluation){.job = rec.job, .proved = -1, .unknown = true};
		w->told->reason = arena_strdup(w->a, "not all of it can be told here");
	}
	return 0;
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
	int rc = stored_read(w->a, w->file, w->key, s, on_drv, &d, &why);
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
static int
rows_file(struct wish *w, const char **ret, struct err *e)
{
	char key[65];

	if (make_key(w, KEY_OF_ANY_TREE, key, e) != 0)
		return -1;
	*ret = arena_printf(w->a, "%s/%s.rows", w->job->evals_dir, key);
	return 0;
}

static void
note_rows(struct wish *w, size_t n)
{
	struct str text = str_of(arena_printf(w->a, "%zu", n));
	const char *file;
	struct err e;

	if (rows_file(w, &file, &e) != 0 || files_write(file, text, 0600, FILES_NO_SYNC, &e) != 0)
		log_warn("%s", e.msg); /* the next progress has no total */
}

/* For progress, where nothing nearer (a head's base) is known. */
static void
expect_rows(struct wish *w)
{
	const char *file;
	struct str text;
	struct err e;

	if (w->run.expected_rows < 0 && rows_file(w, &file, &e) == 0 && files_read(w->a, file, 32, &text, &e) == 0)
		(void)str_to_i64(text, &w->run.expected_rows);
}

/* workers: what the rows' costs are of (struct evaluation_header). */
static int
store(struct wish *w, const struct eval_rows *rows, int64_t workers, struct err *e)
{
	struct evaluation_header h = {.key = w->key,
	    .tree = w->run.tree,
	    .job = w->job->job,
	    .commit = commit_of(w),
	    .evaluator = w->ev.name,
	    .version = fields_clean(w->a, str_of(w->ev.version)),
	    .source = evaluating_source(w->a, &w->run),
	    .complete = true,
	    .partial = w->run.untold != NULL,
	    .workers = workers};

	return stored_write(file_of(w), &h, rows, e);
}

/* Without it there is no proof the next time, which is no reason to fail. */
static void
keep_reads(struct wish *w, const struct reads *reads)
{
	struct err e;

	if (reads_write(reads_file(w->a, w->job->evals_dir, w->key), reads, &e) != 0)
		log_err(LOG_WARN, "what was read is not kept", &e);
}

static int
on_stored_row(void *ctx, struct str line, struct err *e)
{
	return eval_rows_add_stored(ctx, line, e);
}

/* Of the stored evaluation in file. */
static int64_t
workers_of(const char *file)
{
	AUTO(stored_close) struct stored_reader *r = NULL;
	struct evaluation_header h;
	struct err e;

	return stored_open(file, &r, &h, &e) == 0 ? h.workers : 0;
}

/* What is stored under another key, or its part that is in the scope, is this evaluation. 0: it is stored by itself now; 1: there is
 * nothing to take. What a part cost in a whole is not what it costs alone. */
static int
take_from(struct wish *w, const char *key, const struct eval_rows *like, struct err *e)
{
	const char *file = stored_path(w->a, w->job->evals_dir, key);
	struct eval_rows rows = *like;
	struct err why = {0};
	int rc = stored_read_rows(w->a, file, key, on_stored_row, &rows, &why);

	if (rc < 0)
		*e = why;
	if (rc == 0) {
		stored_used(file);
		eval_rows_finish(&rows);
		rc = store(w, &rows, like->scope->p == NULL ? workers_of(file) : 0, e);
	}
	eval_rows_release(&rows);
	return rc;
}

/* A scope of a tree that was evaluated as a whole, as the default branch is, is a part of what is stored. As take_from. */
static int
take_from_whole(struct wish *w, const struct eval_rows *like, struct err *e)
{
	char key[65];

	if (like->scope->p == NULL)
		return 1;
	return make_key(w, KEY_OF_WHOLE, key, e) == 0 ? take_from(w, key, like, e) : -1;
}

/* What base's evaluation read; 1: it is not known, and w->unproved says why. */
static int
reads_of_base(struct wish *w, const char *key, struct reads *ret)
{
	struct err why;

	if (reads_read(reads_file(w->a, w->job->evals_dir, key), ret, &why) == 0)
		return 0;
	if (why.kind != ERR_ABSENT)
		log_err(LOG_WARN, "what base's evaluation read", &why);
	w->unproved = w->run.sandbox ? "what the base's evaluation read was not noted"
	                             : "what an evaluation reads cannot be noted without a sandbox";
	return 1;
}

/*
 * Nothing that base's evaluation read looks otherwise in this tree: then this evaluation is base's (reads.h). 0: it is stored, and
 * w->proved says so; 1: it must be evaluated, as always when anything is not known, and w->unproved says why.
 */
static int
prove(struct wish *w, const struct eval_rows *like, struct err *e)
{
	struct reads reads;
	char key[65];

	if (!w->job->proof || w->job->base_tree == NULL || strcmp(w->job->base_tree, w->run.tree) == 0)
		return 1;
	if (evaluator_wants_flake(w->run.job.job)) {
		w->unproved = "a flake is copied whole, and what it gives may depend on any of its files, by its hash";
		return 1;
	}
	if (make_key(w, KEY_OF_BASE, key, e) != 0)
		return -1;
	if (reads_of_base(w, key, &reads) != 0)
		return 1;
	int rc = reads_hold(w->a, &reads, w->run.git_dir, w->job->base_tree, w->run.tree, &w->unproved, e);
	if (rc == 0)
		rc = w->unproved == NULL ? take_from(w, key, like, e) : 1;
	if (rc == 0) {
		keep_reads(w, &reads);
		w->proved = (int64_t)reads.paths.n;
	}
	reads_release(&reads);
	return rc;
}

/* What stands for this evaluation in the store. */
static int
identify(struct wish *w, struct err *e)
{
	if (make_key(w, 0, w->key, e) != 0)
		return -1;
	w->file = stored_path(w->a, w->job->evals_dir, w->key);
	if (w->job->roots_dir != NULL)
		w->run.roots_dir = arena_printf(w->a, "%s/%.16s", w->job->roots_dir, w->key);
	return 0;
}

/*
 * One root for all derivations that another's evaluator left in the store. Its workers' temporary roots ended with them, so a
 * garbage collector may have taken some meanwhile; but once the root is made all are there and stay, for Nix writes the root's
 * own derivation only while everything it refers to is valid, and takes nothing that is referred to. A root that cannot be
 * made is an incomplete evaluation, and our own evaluator, which makes it while its workers live, is asked.
 */
static void
keep_roots(struct wish *w, struct eval_rows *rows)
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
		eval_rows_incomplete(rows, "what was evaluated is not in the store any more: %s", e.msg);
	}
	vec_release(&all);
	map_release(&drvs);
}

/* 1: the job is one that a tree may be without (changeset/planning.c), and this one is. */
static int
is_absent(const struct wish *w, struct err *e)
{
	const struct job_def *job = w->run.job.job;
	AUTO(repo_free) git_repository *repo = NULL;
	AUTO(tree_free) git_tree *tree = NULL;
	AUTO(entry_free) git_tree_entry *entry = NULL;

	if (!job->may_be_absent)
		return 0;
	if (repository_open(w->run.git_dir, &repo, e) != 0 || repository_tree(repo, w->run.tree, &tree, e) != 0)
		return -1;
	return git_tree_entry_bypath(&entry, tree, job->file != NULL ? job->file : "flake.nix") != 0;
}

/* Evaluates, and stores what is complete. */
static int
make_rows(struct wish *w, struct eval_rows *rows, struct err *e)
{
	expect_rows(w);
	int rc = is_absent(w, e);
	if (rc < 0 || (rc == 0 && execute_evaluation(&w->run, rows, e) != 0)) /* absent: no rows, and that is all */
		return -1;
	if (!rows->incomplete && !w->ev.built_in && w->run.roots_dir != NULL)
		keep_roots(w, rows);
	if (rows->incomplete)
		return 0;
	if (store(w, rows, w->run.job.workers, e) != 0)
		return -1;
	if (w->run.knows_reads && w->run.untold == NULL)
		keep_reads(w, &w->run.reads);
	note_rows(w, rows->all.n);
	return 0;
}

enum { ASK_OWN = 1 };

/* 0: the record is out. ASK_OWN: this evaluator cannot tell, and ours could. */
static int
evaluate(struct wish *w, struct record_out *out, struct err *e)
{
	struct eval_rows rows = {.max_rows = (size_t)w->run.job.max_rows,
	    .max_depth = (size_t)w->run.job.max_depth,
	    .scope = &w->run.job.job->scope,
	    .systems = w->systems,
	    .external = !w->ev.built_in};
	AUTO(fd_close) int lock = -1;
	struct stored s = {0};

	if (stored_lock(w->job->evals_dir, w->key, 2 * w->run.wall_ms, &lock, e) != 0)
		return -1;
	int rc = reuse(w, &s, e);
	if (rc == 1 && ((rc = take_from_whole(w, &rows, e)) == 0 || (rc == 1 && (rc = prove(w, &rows, e)) == 0)))
		rc = reuse(w, &s, e);
	if (rc <= 0)
		return rc == 0 ? tell(w, out, true, NULL, &s, e) : -1;
	w->proved = -1; /* base's derivations are gone from the store */
	rc = make_rows(w, &rows, e);
	s = (struct stored){.rows = rows.all.n, .errors = rows.errors, .derivations = rows.derivations};
	if (rc == 0 && rows.ask_own && !w->ev.built_in) {
		log_info("%s %s cannot tell all, so the built-in evaluator is asked: %s", w->ev.name, w->ev.version,
		    rows.reason);
		w->run.untold = NULL;
		rc = ASK_OWN;
	} else if (rc == 0) {
		rc = tell(w, out, false, rows.incomplete ? rows.reason : NULL, &s, e);
	}
	eval_rows_release(&rows);
	return rc;
}

/* Whether the sandbox is used, as the operator set it and the machine has it. */
static int
choose_sandbox(struct wish *w, struct err *e)
{
	if (w->job->sandbox_works)
		sandbox_trust();
	int decided = sandbox_decide(w->mode, e);
	w->run.sandbox = decided > 0;
	return decided < 0 ? -1 : 0;
}

/* As far as its key. */
static int
begin(struct wish *w, struct record_out *out, struct err *e)
{
	const struct evaluate_job *job = w->job;
	const char *evaluator = job->evaluator != NULL ? job->evaluator : "auto";

	w->began_ms = clock_mono_ms();
	w->proved = -1;
	if (read_wish(w, e) != 0 || files_mkdirs(job->evals_dir, 0755, e) != 0 ||
	    evaluator_find(w->a, evaluator, job->evals_dir, &w->ev, e) != 0 || choose_sandbox(w, e) != 0)
		return -1;
	w->run.ev = &w->ev;
	w->run.out = out;
	w->nix_key = key_of_nix(w);
	return identify(w, e);
}

static int
run(struct wish *w, struct record_out *out, struct err *e)
{
	int rc = begin(w, out, e);

	if (rc == 0)
		rc = evaluate(w, out, e);
	if (rc == ASK_OWN) {
		rc = evaluator_find(w->a, "built-in", w->job->evals_dir, &w->ev, e) != 0 || identify(w, e) != 0 ? -1 : 0;
		if (rc == 0)
			rc = evaluate(w, out, e);
	}
	reads_release(&w->run.reads);
	return rc;
}

int
stage_evaluate(struct arena *a, const void *of_job, struct record_out *out, struct err *e)
{
	struct wish w = {.a = a, .job = of_job};

	return run(&w, out, e);
}

int
evaluate_some(struct arena *a, const struct evaluate_job *job, struct evaluation *ret, struct err *e)
{
	struct record_out nobody = {.fd = -1, .broken = true};
	struct wish w = {.a = a, .job = job, .told = ret};

	return run(&w, &nobody, e);
}

/* Whether nothing is to be evaluated for the job: it is stored, or proved to be base's. */
int
evaluate_is_known(struct arena *a, const struct evaluate_job *job, bool *ret, struct err *e)
{
	struct wish w = {.a = a, .job = job};
	struct reads reads;
	struct err ignored;
	const char *why;
	char key[65];

	if (begin(&w, NULL, e) != 0)
		return -1;
	*ret = files_exist(w.file);
	if (*ret || !job->proof || job->base_tree == NULL)
		return 0;
	if (make_key(&w, KEY_OF_BASE, key, e) != 0)
		return -1;
	if (reads_read(reads_file(a, job->evals_dir, key), &reads, &ignored) != 0)
		return 0;
	int rc = reads_hold(a, &reads, w.run.git_dir, job->base_tree, job->tree, &why, e);
	*ret = rc == 0 && why == NULL;
	reads_release(&reads);
	return rc;
}
