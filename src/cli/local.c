/* A run of its own in the bot's walk: stage after stage, progress on the terminal, the report on standard output. */
#include "cli/local.h"

#include "changeset/changeset.h"
#include "changeset/pulled.h"
#include "cli/durations.h"
#include "cli/ownnix.h"
#include "cli/progress.h"
#include "cli/shell.h"
#include "cli/sides.h"
#include "cli/watch.h"
#include "nix/access.h"
#include "records/all.h"
#include "records/array.h"
#include "records/failure.h"
#include "records/first.h"
#include "report/explanation.h"
#include "report/first_told.h"
#include "support/base/clock.h"
#include "support/base/log.h"
#include "support/os/child.h"
#include "support/os/files.h"
#include "support/text/escape.h"
#include "walk/jobs.h"
#include "walk/table.h"
#include "worker/call.h"
#include "worker/pool.h"

#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

enum { COULD_NOT_TELL = 2 };
enum {
	TICK_MS = 1000,
	YOUNG_MS = 60 * 1000,               /* a folder of a run may be there and not held yet */
	THE_ONLY = 1,                       /* installation, repository and pull request of its store */
	MAX_ROOTS_BYTES = 256 * 1024 * 1024 /* all that Nix keeps, a line each */
};

struct local {
	struct arena a;
	struct settings settings;
	struct command_line q;
	struct sides sides;
	struct progress_line line;
	struct own_run own;
	struct own_nix nix; /* the user's; read before the first evaluation */
	struct walk walk;
	const char *cache, *run_dir;
	int held; /* run_dir, locked while we are at work in it */
	bool colour;
	int64_t run;
	/* of the build, when it is asked for */
	struct loop *loop;
	struct loop_timer *tick;
	int64_t total;
	int interrupted; /* the signal that ended the builds, or 0 */
};

/* --- stages ------------------------------------------------------------------------------------------------------------ */

struct heard {
	struct local *l;
	struct arena *a;
	VEC(struct record) records;
};

static int
on_record(void *ctx, struct str line, struct err *e)
{
	struct heard *h = ctx;
	struct record rec;

	if (record_read(h->a, line, &rec, e) != 0)
		return -1;
	if (rec.of == &progress_fields)
		progress_show(&h->l->line, rec.is);
	else
		vec_push(&h->records, rec);
	return 0;
}

/* Runs one stage; its records are in a. */
static int
stage(struct local *l, struct arena *a, const char *name, const char *doing, const struct job *job, struct records *ret,
    struct err *e)
{
	struct heard h = {.l = l, .a = a};
	char *line;

	progress_doing(&l->line, doing);
	if (fields_line(job->of, a, job->is, &line, e) != 0)
		return fail_in(e, "stage %s", name);
	int rc = worker_call(name, str_of(line), on_record, &h, e);
	*ret = (struct records){arena_dup(a, h.records.p, h.records.n * sizeof(*h.records.p)), h.records.n};
	vec_release(&h.records);
	return rc;
}

/* --- the walk ---------------------------------------------------------------------------------------------------------- */

/* The trees with their submodules, where a job takes them. */
static int
take_submodules(struct local *l, struct mirrored *m, struct err *e)
{
	struct records records;

	if (!changeset_wants_submodules(l->sides.git_dir, m->base_tree, m->head_tree, l->q.jobs, l->q.submodules))
		return 0;
	const struct submodules_job job = {.git_dir = l->sides.git_dir,
	    .cache = arena_printf(&l->a, "%s/submodules", l->settings.state.dir),
	    .base_tree = m->base_tree,
	    .head_tree = m->head_tree};
	const struct job asks = {.of = &submodules_job_fields, .is = &job};
	if (stage(l, &l->a, "submodules", "looking for submodules", &asks, &records, e) != 0)
		return -1;
	m->submodules = (struct whole_trees *)(uintptr_t)record_find(&records, &submodules_fields);
	return m->submodules != NULL ? 0 : fail(e, ERR_BUG, "the stage submodules gave no record");
}

static bool
names(const struct untold_paths *one, const char *job)
{
	for (size_t i = 0; one != NULL && i < one->jobs.n; i++)
		if (strcmp(one->jobs.p[i], job) == 0)
			return true;
	return false;
}

/* What cannot be told of other jobs than the one asked for is of no interest. */
static void
forget_untold(struct plan *plan, const char *job)
{
	struct untold_changes *u = plan->untold;

	if (u == NULL)
		return;
	u->submodules = names(u->submodules, job) ? u->submodules : NULL;
	u->unnamed = names(u->unnamed, job) ? u->unnamed : NULL;
	u->lfs = names(u->lfs, job) ? u->lfs : NULL;
	if (u->submodules == NULL && u->unnamed == NULL && u->lfs == NULL)
		plan->untold = NULL;
}

static int
choose(void *ctx, struct plan *plan, struct err *e)
{
	struct local *l = ctx;
	size_t n = 0;

	if (l->q.job_name == NULL)
		return 0;
	for (size_t i = 0; i < plan->jobs.n; i++)
		if (strcmp(plan->jobs.p[i].name, l->q.job_name) == 0)
			plan->jobs.p[n++] = plan->jobs.p[i];
	plan->jobs.n = n;
	forget_untold(plan, l->q.job_name);
	if (n == 0 && strcmp(plan->decision, "evaluate") == 0)
		return fail(e, ERR_ABSENT, "there is no job %s to evaluate", l->q.job_name);
	return 0;
}

/* What evaluations need of this machine, when there will be one. */
static int
read_nix(struct local *l, struct err *e)
{
	if (l->own.nix != NULL)
		return 0;
	if (nixstore_access(e) == NULL || ownnix_read(&l->a, &l->nix, e) != 0)
		return -1;
	l->nix.restricted = l->q.restricted;
	l->own.nix = &l->nix;
	return 0;
}

static const char *
doing_of(enum run_state s, const struct job *job)
{
	if (job->stage != NULL)
		return "evaluating what is edited";
	if (s == RUN_PLANNED)
		return ((const struct evaluate_job *)job->is)->side == SIDE_BASE ? "evaluating base" : "evaluating head";
	return run_state_doing(s == RUN_BUILT ? RUN_DIFFED : s); /* both ask the store */
}

static int
end_incomplete(struct local *l, struct arena *a, const struct run *r, const char *stage_name, const char *why, struct err *e)
{
	const struct run_failure failure = {stage_name, "incomplete", why};
	char *text;

	if (fields_line(&run_failure_fields, a, &failure, &text, e) != 0 ||
	    store_run_set(l->walk.store, r->id, "failure", text, e) != 0)
		return -1;
	return store_run_move(l->walk.store, r->id, r->state, RUN_FAILED, why, e);
}

static int
run_step(struct local *l, struct arena *a, const struct step *step, const struct run *r, struct err *e)
{
	const char *incomplete = NULL;
	struct records records;
	struct job job;

	if (r->state == RUN_PLANNED && read_nix(l, e) != 0)
		return -1;
	if (step->job(&l->walk, a, r, NULL, &job, e) != 0 ||
	    stage(l, a, job.stage != NULL ? job.stage : step->stage, doing_of(r->state, &job), &job, &records, e) != 0 ||
	    store_begin(l->walk.store, e) != 0)
		return -1;
	int rc = step->done(&l->walk, a, r, &records, &incomplete, e);
	if (rc == 0 && incomplete != NULL)
		rc = end_incomplete(l, a, r, step->stage, incomplete, e);
	return store_end(l->walk.store, rc, e);
}

/* --- building ---------------------------------------------------------------------------------------------------------- */

static void
on_build(void *ctx, int64_t run)
{
	struct local *l = ctx;
	struct err e;
	int64_t open;

	(void)run;
	if (store_run_builds_open(l->walk.store, l->run, &open, &e) != 0 || loop_signal(l->loop) != 0)
		return;
	progress_builds(&l->line, l->walk.schedule, open, l->total);
	if (open == 0)
		loop_stop(l->loop);
}

static void
on_tick(void *ctx)
{
	struct local *l = ctx;

	on_build(l, l->run);
	loop_timer_set(l->tick, TICK_MS);
}

/* The terminal is gone. */
static void
on_hangup(void *ctx)
{
	struct local *l = ctx;

	l->interrupted = SIGHUP;
	loop_stop(l->loop);
}

/* The bot's own queue, in a state of this run alone. */
static int
open_queue(struct local *l, struct err *e)
{
	l->settings.state.dir = l->run_dir;
	if (loop_new(&l->loop, e) != 0 ||
	    schedule_new(l->loop, l->walk.store, &l->settings, on_build, l, &l->walk.schedule, e) != 0)
		return -1;
	loop_on_hangup(l->loop, on_hangup, l);
	l->tick = loop_timer_new(l->loop, "progress", on_tick, l);
	return 0;
}

static void
close_queue(struct local *l)
{
	loop_timer_free(l->tick);
	schedule_free(l->walk.schedule);
	loop_free(l->loop);
	if (l->loop != NULL)
		child_catch_term(); /* the loop gave the signals back; a second ctrl-C leaves nothing lying about */
	store_close(l->walk.store);
}

/* Until all builds that the run wants by now have ended. */
static int
wait_for_builds(struct local *l, enum run_state state, struct err *e)
{
	if (store_run_builds_open(l->walk.store, l->run, &l->total, e) != 0)
		return -1;
	progress_building(&l->line, run_state_doing(state));
	loop_timer_set(l->tick, TICK_MS);
	schedule_kick(l->walk.schedule);
	loop_run(l->loop);
	loop_timer_set(l->tick, -1);
	workers_end(l->loop);
	l->interrupted = l->interrupted != 0 ? l->interrupted : loop_signal(l->loop);
	return store_run_builds_open(l->walk.store, l->run, &l->total, e) != 0 || l->total == 0
	           ? 0
	           : fail(e, ERR_BUSY, "interrupted with %" PRId64 " builds to go", l->total);
}

/* --- from the first step to the last ----------------------------------------------------------------------------------- */

/* A store of this run alone, which is where the mirror of the bot would be at its end. */
static int
begin(struct local *l, struct err *e)
{
	const struct sides *s = &l->sides;
	struct repository repo = {.id = THE_ONLY,
	    .installation = THE_ONLY,
	    .owner = "local",
	    .name = "local",
	    .clone_url = s->git_dir,
	    .default_branch = "HEAD"};
	struct pull_request pr =
	    {.repository = THE_ONLY, .number = THE_ONLY, .open = true, .head = s->head, .base_ref = s->base, .title = ""};
	struct run r = {.repository = THE_ONLY,
	    .number = THE_ONLY,
	    .head = s->head,
	    .base_ref = s->base,
	    .reason = "ekaci diff",
	    .force = true,
	    .again = l->q.again,
	    .ignore_rules = l->q.ignore_rules,
	    .approved = true};
	char *mirrored;

	if (store_open(":memory:", &l->walk.store, e) != 0 ||
	    store_installation_put(l->walk.store, THE_ONLY, NULL, "active", e) != 0 ||
	    store_repository_put(l->walk.store, &repo, e) != 0 || store_pull_put(l->walk.store, &pr, e) != 0 ||
	    store_run_add(l->walk.store, &r, &l->run, e) != 0 || take_submodules(l, &l->sides.mirrored, e) != 0 ||
	    fields_line(&mirrored_fields, &l->a, &s->mirrored, &mirrored, e) != 0 ||
	    store_run_set(l->walk.store, l->run, "mirrored", mirrored, e) != 0)
		return -1;
	return store_run_move(l->walk.store, l->run, RUN_ACCEPTED, RUN_MIRRORED, "it is here", e);
}

/* One step: 0 when it moved, 1 at the end. */
static int
advance(struct local *l, struct arena *a, struct err *e)
{
	struct run r;
	int rc = 1;

	if (store_run_get(l->walk.store, a, l->run, &r, e) != 0)
		return -1;
	const struct step *step = pipeline_step(r.state);
	bool asks = l->q.build || l->q.cost;
	if (step == NULL || (r.state == RUN_DIFFED && !asks) || (r.state == RUN_QUERIED && !l->q.build) ||
	    (l->q.first && r.first != NULL))
		return 1;
	if (r.state == RUN_DIFFED && asks)
		durations_load(l->cache, l->walk.store);
	if (r.state == RUN_DIFFED && l->q.build && l->loop == NULL && open_queue(l, e) != 0)
		return -1;
	if (step->pass != NULL)
		rc = step->pass(&l->walk, a, &r, e);
	if (rc <= 0)
		return rc;
	return step->stage != NULL ? run_step(l, a, step, &r, e) : wait_for_builds(l, r.state, e);
}

static int
walk(struct local *l, struct err *e)
{
	int rc = begin(l, e);

	while (rc == 0) {
		struct arena a = {0};
		rc = advance(l, &a, e);
		arena_release(&a);
	}
	return rc < 0 ? -1 : 0;
}

/* --- what is said of it ------------------------------------------------------------------------------------------------ */

static void
print_document(const struct report_document *rec)
{
	struct str body = str_of(rec->body);

	fwrite(body.p, 1, body.n, stdout);
	if (body.n > 0 && body.p[body.n - 1] != '\n')
		putchar('\n');
}

static int
make_report_job(struct local *l, const struct run *r, struct report_job *ret, struct err *e)
{
	const struct sides *s = &l->sides;
	const struct jobs_telling how = {.told = {.url = "",
	                                     .repo = l->q.repo,
	                                     .head = s->of_files ? SIDES_FILES : s->mirrored.head,
	                                     .title = arena_printf(&l->a, "%s..%s", s->base, s->head),
	                                     .state = run_state_name(r->state == RUN_FAILED ? RUN_FAILED : RUN_DONE)},
	    .told_as = &run_told_local_fields,
	    .merged = s->merged,
	    .formats = {arena_dup(&l->a, &l->q.format, sizeof(l->q.format)), 1}};
	struct builds_told builds;

	if (jobs_report(&l->a, &l->settings, r, &how, ret, e) != 0)
		return -1;
	if (r->query != NULL && l->q.build &&
	    (store_run_builds(l->walk.store, &l->a, r->id, &builds, e) != 0 ||
	        jobs_builds(&l->a, &builds, &ret->builds, e) != 0))
		return -1;
	if (ret->builds != NULL)
		durations_keep(l->cache, &builds);
	ret->phase = PHASE_DONE; /* without --build it is not, and is over all the same */
	ret->git_dir = s->git_dir;
	ret->colour = l->colour;
	return 0;
}

static int
report(struct local *l, const struct run *r, int *ret_exit, struct err *e)
{
	struct report_job job;
	const struct job asks = {.of = &report_job_fields, .is = &job};
	const struct report_document *document;
	struct records records;
	size_t at = 0;

	if (make_report_job(l, r, &job, e) != 0 || stage(l, &l->a, "report", "writing the report", &asks, &records, e) != 0)
		return -1;
	progress_clear(&l->line);
	while ((document = record_next(&records, &report_document_fields, &at)) != NULL)
		print_document(document);
	const struct report_verdict *verdict = record_find(&records, &report_verdict_fields);
	if (verdict != NULL)
		*ret_exit = (int)verdict->exit;
	return fflush(stdout) == 0 ? 0 : fail_sys(e, "cannot write the report");
}

static int
explain(struct local *l, const struct run *r, int *ret_exit, struct err *e)
{
	struct evaluations evaluations = {0};
	struct run_failure failure;
	struct plan plan;

	progress_clear(&l->line);
	if (r->failure != NULL)
		return fields_read(&run_failure_fields, &l->a, str_of(r->failure), "failure", &failure, e) != 0
		           ? -1
		           : fail(e, ERR_INPUT, "an evaluation did not complete: %s", failure.message);
	if (fields_read(&plan_fields, &l->a, str_of(r->plan), "plan", &plan, e) != 0)
		return -1;
	bool unseen = plan.untold != NULL && (plan.untold->submodules != NULL || plan.untold->unnamed != NULL);
	if (unseen)
		fprintf(stderr, "ekaci: a submodule changed that is not looked into (--submodules takes them)\n");
	if (r->difference == NULL) {
		puts(plan.changed_paths == 0 ? "nothing changed, so nothing rebuilds"
		                             : "the rules say that nothing rebuilds (--all evaluates all the same)");
		*ret_exit = 0;
		return 0;
	}
	if (r->evaluations != NULL &&
	    array_read_records(&evaluation_fields, &l->a, r->evaluations, "evaluations", &evaluations, e) != 0)
		return -1;
	const struct explain_question q = {{(const char *[]){l->q.attr}, 1}, r->difference, evaluations,
	    strcmp(l->q.format, "json") == 0, NULL};
	if (explain_attributes(&q, ret_exit, e) != 0)
		return -1;
	/* What is the same may differ in what nobody looked into. */
	if (*ret_exit == 0 && unseen)
		*ret_exit = COULD_NOT_TELL;
	return 0;
}

/* The report goes into the shell's folder, in short onto the terminal. */
static int
open_shell(struct local *l, const struct run *r, int *ret_exit, struct err *e)
{
	static const char *const formats[] = {"json", "markdown", "text"};
	const char *body[COUNT(formats)] = {0};
	const struct report_document *document;
	struct report_job job;
	const struct job asks = {.of = &report_job_fields, .is = &job};
	struct records records;
	size_t at = 0;

	if (make_report_job(l, r, &job, e) != 0)
		return -1;
	job.formats = (struct texts){(const char **)arena_dup(&l->a, formats, sizeof(formats)), COUNT(formats)};
	if (stage(l, &l->a, "report", "writing the report", &asks, &records, e) != 0)
		return -1;
	progress_clear(&l->line);
	while ((document = record_next(&records, &report_document_fields, &at)) != NULL)
		for (size_t i = 0; i < COUNT(formats); i++)
			if (strcmp(document->format, formats[i]) == 0)
				body[i] = document->body;
	if (l->q.run == NULL && body[2] != NULL)
		fputs(body[2], stderr);
	if (r->failure != NULL || body[0] == NULL || body[1] == NULL)
		return fail(e, ERR_INPUT, "it was not compared: there is nothing to open a shell with");
	char repo[PATH_MAX];
	const struct shell_wish wish = {.dir = arena_printf(&l->a, "%s/shell", l->run_dir),
	    .repo = realpath(l->q.repo, repo) != NULL ? repo : l->q.repo,
	    .report = body[0],
	    .markdown = body[1],
	    .run = l->q.run};
	return shell_open(&l->a, &wish, ret_exit, e);
}

/* The record, with the derivations of its list in its place: the file goes with the run. */
static int
print_first(struct local *l, const struct first_answer *is, struct err *e)
{
	struct first_answer bare = *is;
	AUTO(buf_release) struct buf text;
	struct str list = {0};
	const char *separator = "";

	buf_init(&text, MAX_ROOTS_BYTES);
	bare.list = NULL;
	if ((is->list != NULL && files_read(&l->a, is->list, MAX_ROOTS_BYTES, &list, e) != 0) ||
	    fields_write(&first_answer_fields, &bare, &text, e) != 0)
		return -1;
	fwrite(text.p, 1, text.n - 1, stdout); /* without its brace */
	fputs(",\"derivations\":[", stdout);
	while (list.n > 0) {
		struct str drv = str_cut(list, '\n', &list);
		printf("%s\"" STR_FMT "\"", separator, STR_ARG(drv)); /* of the store: nothing in it is to be quoted */
		separator = ",";
	}
	puts("]}");
	return fflush(stdout) == 0 ? 0 : fail_sys(e, "cannot write the answer");
}

/* Of the first job: the others come after its whole evaluation. */
static int
tell_first(struct local *l, const struct run *r, int *ret_exit, struct err *e)
{
	struct first_answers all = {0};

	if (array_read_records(&first_answer_fields, &l->a, r->first, "first", &all, e) != 0)
		return -1;
	progress_clear(&l->line);
	*ret_exit = all.n > 0 && all.p[0].known ? 0 : COULD_NOT_TELL;
	if (strcmp(l->q.format, "json") == 0)
		return print_first(l, &all.p[0], e);
	puts(escape_dup(&l->a, ESCAPE_TERMINAL, str_of(first_words(&l->a, &all))));
	return fflush(stdout) == 0 ? 0 : fail_sys(e, "cannot write the answer");
}

static int
tell(struct local *l, int *ret_exit, struct err *e)
{
	struct run r;

	if (store_run_get(l->walk.store, &l->a, l->run, &r, e) != 0)
		return -1;
	if (l->q.of == ASKS_SHELL)
		return open_shell(l, &r, ret_exit, e);
	if (l->q.first && r.first != NULL)
		return tell_first(l, &r, ret_exit, e);
	return l->q.attr != NULL ? explain(l, &r, ret_exit, e) : report(l, &r, ret_exit, e);
}

/* --- all of it --------------------------------------------------------------------------------------------------------- */

/* A folder of a run that was killed goes, and its roots: nobody holds it. One that is made right now is not held yet. */
static void
sweep_one(const char *all, const char *name)
{
	AUTO(arena_release) struct arena a = {0};
	const char *dir = arena_printf(&a, "%s/%s", all, name);
	struct str rest, pid = str_cut(str_of(name), '-', &rest);
	int64_t made_ms, number;
	struct err ignored;

	if (str_to_i64(pid, &number) != 0 || str_to_i64(rest, &made_ms) != 0 || clock_now_ms() - made_ms < YOUNG_MS)
		return;
	AUTO(fd_close) int fd = open(dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 || flock(fd, LOCK_EX | LOCK_NB) != 0)
		return;
	(void)!files_remove_tree(dir, &ignored);
	(void)!nixstore_forget_roots(dir);
}

static void
sweep(const char *all)
{
	DIR *dir = opendir(all);
	struct dirent *d;

	while (dir != NULL && (d = readdir(dir)) != NULL)
		sweep_one(all, d->d_name);
	if (dir != NULL)
		closedir(dir);
}

static int
make_folder(struct local *l, struct err *e)
{
	const char *cache = config_cache_dir(&l->a);

	l->settings.state.dir = l->cache = cache;
	l->settings.state.min_free_mb = 0; /* the user is there to see a full disk */
	l->settings.evaluate.fetch_cache_dir = config_user_cache_dir(&l->a);
	l->run_dir = arena_printf(&l->a, "%s/local/%d-%" PRId64, cache, (int)getpid(), clock_now_ms());
	if (files_mkdirs(arena_printf(&l->a, "%s/roots", l->run_dir), 0750, e) != 0)
		return fail(e, e->kind, "%s; evaluations are kept there, and XDG_CACHE_HOME names another place",
		    arena_strdup(&l->a, e->msg));
	l->held = open(l->run_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (l->held >= 0)
		(void)!flock(l->held, LOCK_EX | LOCK_NB); /* where a file system has no locks, age is all there is */
	sweep(arena_printf(&l->a, "%s/local", cache));
	return 0;
}

static const char *
index_of(struct local *l)
{
	return arena_printf(&l->a, "%s/index", l->run_dir);
}

static int
prepare(struct local *l, struct err *e)
{
	l->own = (struct own_run){.run_dir = l->run_dir,
	    .roots_dir = arena_printf(&l->a, "%s/roots", l->run_dir),
	    .jobs = l->q.jobs,
	    .submodules = l->q.submodules,
	    .first = l->q.first,
	    .choose = choose,
	    .ctx = l};
	l->walk = (struct walk){.settings = &l->settings, .own = &l->own};
	if (l->q.pull != NULL)
		progress_doing(&l->line, "fetching the pull request");
	if (sides_find(&l->a, &l->q, index_of(l), &l->sides, e) != 0)
		return -1;
	l->own.git_dir = l->sides.git_dir;
	progress_clear(&l->line);
	fprintf(stderr, "ekaci: %s\n", l->sides.told);
	if (l->sides.hint != NULL)
		fprintf(stderr, "ekaci: %s\n", l->sides.hint);
	return 0;
}

/* What this run was for is told: its folder goes, and with it the roots, of which Nix has links. */
static void
forget(const struct local *l)
{
	static const char *const ask[] = {"nix-store", "--gc", "--print-roots", NULL};
	struct err ignored;

	(void)!files_remove_tree(l->run_dir, &ignored);
	if (nixstore_forget_roots(l->run_dir) != 0) {
		AUTO(buf_release) struct buf roots = {0};
		buf_init(&roots, MAX_ROOTS_BYTES);
		(void)!child_output(ask, &roots, &ignored);
	}
}

static void
release(struct local *l)
{
	close_queue(l);
	if (l->sides.fetched)
		pulled_forget(l->sides.git_dir);
	if (l->run_dir != NULL)
		forget(l);
	fd_close(&l->held);
	progress_release(&l->line);
	arena_release(&l->a);
}

/* What is said of an end that is none: nothing of an interrupt but that, since whoever did it knows. */
static int
tell_failure(struct local *l, const struct err *e)
{
	bool cancelled = child_cancelled();

	progress_clear(&l->line);
	if (!cancelled && l->interrupted == 0) {
		fprintf(stderr, "ekaci: %s\n", e->msg);
		return COULD_NOT_TELL;
	}
	if (l->total > 0)
		fprintf(stderr, "ekaci: interrupted with %" PRId64 " build%s to go\n", l->total, l->total == 1 ? "" : "s");
	else
		fputs("ekaci: interrupted\n", stderr);
	return cancelled ? child_cancelled_code() : 128 + l->interrupted;
}

static int
run(enum request_command of, int argc, char **argv)
{
	struct local l = {.held = -1,
	    .line = {.terminal = isatty(2) == 1 && config_smart_terminal()},
	    .colour = isatty(1) == 1 && config_wants_colour()};
	struct err e = {0};
	int code = COULD_NOT_TELL;

	config_defaults(&l.a, &l.settings);
	log_set_level(LOG_WARN);
	log_set_format(LOG_WORDS, false);
	if (request_read(&l.q, &l.a, &l.settings, of, argc, argv, &e) != 0) {
		fprintf(stderr, "ekaci %s: %s\nsee ekaci %s --help\n", argv[0], e.msg, argv[0]);
		release(&l);
		return COULD_NOT_TELL;
	}
	child_catch_term();
	int rc = request_all_text(argc, argv, &e);
	if (rc == 0)
		rc = make_folder(&l, &e);
	if (rc == 0 && l.q.watch)
		code = watch_run(&l.q, index_of(&l), argc, argv);
	else if (rc != 0 || prepare(&l, &e) != 0 || walk(&l, &e) != 0 || tell(&l, &code, &e) != 0)
		code = tell_failure(&l, &e);
	release(&l);
	return code;
}

int
local_diff(int argc, char **argv)
{
	return run(ASKS_DIFF, argc, argv);
}

int
local_pr(int argc, char **argv)
{
	return run(ASKS_PR, argc, argv);
}

int
local_explain(int argc, char **argv)
{
	return run(ASKS_EXPLAIN, argc, argv);
}

int
local_shell(int argc, char **argv)
{
	return run(ASKS_SHELL, argc, argv);
}
