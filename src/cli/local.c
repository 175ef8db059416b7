/* The pipeline by hand: one stage after the other, progress on the terminal, the report on standard output. */
#include "cli/local.h"

#include "changeset/changeset.h"
#include "changeset/worktree.h"
#include "cli/ownnix.h"
#include "evaluate/sandbox.h"
#include "nix/access.h"
#include "nix/drv.h"
#include "queue/schedule.h"
#include "report/explanation.h"
#include "support/base/clock.h"
#include "support/base/log.h"
#include "support/os/child.h"
#include "support/os/files.h"
#include "walk/jobs.h"
#include "walk/table.h"
#include "walk/worker.h"

#include <getopt.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { COULD_NOT_TELL = 2 };
enum {
	TICK_MS = 1000,
	SAY_FIRST_MS =
	    10 * 1000, /* without a terminal: until builds are mentioned for the first time, and then between two lines */
	SAY_MS = 60 * 1000,
	MAX_ROOTS_BYTES = 256 * 1024 * 1024 /* all that Nix keeps, a line each */
};

/* The head that is no commit, as reports name it. */
#define THE_FILES "working tree"

struct local {
	struct arena a;
	struct settings settings;
	const char *repo, *base, *head, *format, *job_name; /* head: a name, NULL, or THE_FILES */
	bool three_dots;                                    /* BASE...HEAD: from where they parted */
	const char *attr;                                   /* to be explained, or NULL */
	json_t *cli_jobs;                                   /* of --file or --flake, or NULL */
	bool build, again, merge, colour, terminal, ignore_rules, submodules, restricted;
	json_t *own; /* the user's own Nix */
	const char *git_dir, *run_dir, *roots_dir;
	json_t *mirrored, *plan, *evaluations, *query, *builds, *failure;
	const char *difference;
	const char *doing;
	int64_t begun_ms;
	size_t shown; /* columns of the progress line that stands there */
	/* the build, when asked for */
	struct loop *loop;
	struct store *store;
	struct schedule *schedule;
	struct loop_timer *tick;
	int64_t run, total;
	int64_t said_ms; /* when a line was last written to what is no terminal */
	const char *why; /* what waits waits for, as it was last said, or NULL */
};

static bool
is_files(const struct local *l)
{
	return l->head != NULL && strcmp(l->head, THE_FILES) == 0;
}

/* --- progress ------------------------------------------------------------------------------------------------------ */

static void
show(struct local *l, const char *text)
{
	size_t n = strlen(text);

	if (!l->terminal)
		return;
	fprintf(stderr, "\r%s%*s", text, n < l->shown ? (int)(l->shown - n) : 0, "");
	fflush(stderr);
	l->shown = n;
}

static void
show_progress(struct local *l, const json_t *rec)
{
	char bar[24], line[160];
	int64_t done = json_int(rec, "done", 0), total = json_int(rec, "total", -1);
	int64_t ms = clock_mono_ms() - l->begun_ms;
	double rate = ms > 0 ? (double)done * 1000.0 / (double)ms : 0;

	if (total > 0 && done <= total) {
		size_t full = (size_t)(done * 20 / total);
		for (size_t i = 0; i < 20; i++)
			bar[i] = i < full ? '#' : '.';
		bar[20] = '\0';
		snprintf(line, sizeof(line), "%s [%s] %" PRId64 " of %" PRId64 ", %.0f/s, %.0f s left", l->doing, bar, done,
		    total, rate, rate > 0 ? (double)(total - done) / rate : 0.0);
	} else {
		snprintf(line, sizeof(line), "%s: %" PRId64 ", %.0f/s", l->doing, done, rate);
	}
	show(l, line);
}

struct heard {
	struct local *l;
	json_t *records;
};

static int
on_record(void *ctx, struct str line, struct err *e)
{
	struct heard *h = ctx;
	AUTO(json_drop) json_t *rec = NULL;

	if (json_read(line, "record", &rec, e) != 0)
		return -1;
	if (strcmp(json_str(rec, "type", ""), "progress") == 0)
		show_progress(h->l, rec);
	else
		json_array_append(h->records, rec);
	return 0;
}

/* Runs one stage; its records but the last. */
static int
stage(struct local *l, const char *name, const char *doing, const json_t *job, json_t **ret, struct err *e)
{
	struct heard h = {l, json_array()};
	struct arena a = {0};

	l->doing = doing;
	l->begun_ms = clock_mono_ms();
	show(l, doing);
	int rc = worker_call(name, str_of(json_line(&a, job)), on_record, &h, e);
	arena_release(&a);
	if (rc != 0) {
		json_decref(h.records);
		return -1;
	}
	*ret = h.records;
	return 0;
}

/* --- the stages ------------------------------------------------------------------------------------------------------ */

/* The trees with their submodules, where a job takes them. */
static int
take_submodules(struct local *l, struct err *e)
{
	AUTO(json_drop) json_t *records = NULL;

	if (!changeset_wants_submodules(l->git_dir, l->mirrored, l->cli_jobs, l->submodules))
		return 0;
	AUTO(json_drop)
	json_t *job = json_pack("{s:s,s:s,s:O,s:O}", "git_dir", l->git_dir, "cache",
	    arena_printf(&l->a, "%s/submodules", l->settings.state.dir), "base_tree", json_object_get(l->mirrored, "base_tree"),
	    "head_tree", json_object_get(l->mirrored, "head_tree"));
	if (stage(l, "submodules", "looking for submodules", job, &records, e) != 0)
		return -1;
	return json_object_set(l->mirrored, "submodules", json_array_get(records, 0));
}

/* What cannot be told of other jobs than the one asked for. */
static void
forget_untold(struct local *l)
{
	json_t *untold = json_object_get(l->plan, "untold"), *one, *name;
	const char *kind;
	void *next;
	size_t i;

	json_object_foreach_safe(untold, next, kind, one) {
		bool asked = false;
		json_array_foreach(json_object_get(one, "jobs"), i, name)
			asked = asked || strcmp(json_string_value(name), l->job_name) == 0;
		if (!asked)
			json_object_del(untold, kind);
	}
	if (json_object_size(untold) == 0)
		json_object_set_new(l->plan, "untold", json_null());
}

static int
plan(struct local *l, struct err *e)
{
	AUTO(json_drop) json_t *records = NULL;
	json_t *one;
	size_t i;

	if (take_submodules(l, e) != 0)
		return -1;
	AUTO(json_drop) json_t *job = jobs_plan(&l->settings, l->git_dir, l->mirrored, l->cli_jobs, l->ignore_rules);
	json_object_set_new(job, "all_submodules", json_boolean(l->submodules));
	if (stage(l, "plan", "reading the change", job, &records, e) != 0)
		return -1;
	l->plan = json_incref(json_array_get(records, 0));
	if (l->job_name == NULL)
		return 0;
	json_t *jobs = json_object_get(l->plan, "jobs");
	for (i = json_array_size(jobs); i-- > 0;) {
		one = json_array_get(jobs, i);
		if (strcmp(json_str(one, "name", ""), l->job_name) != 0)
			json_array_remove(jobs, i);
	}
	forget_untold(l);
	if (json_array_size(jobs) == 0 && strcmp(json_str(l->plan, "decision", ""), "evaluate") == 0)
		return fail(e, ERR_ABSENT, "there is no job %s to evaluate", l->job_name);
	return 0;
}

/* 1 when an evaluation is incomplete: l->failure says why. */
static int
evaluate(struct local *l, struct err *e)
{
	l->evaluations = json_array();
	if (ownnix_read(&l->a, &l->own, e) != 0)
		return -1;
	json_object_set_new(l->own, "restricted", json_boolean(l->restricted));
	l->settings.evaluate.own = l->own;
	for (;;) {
		AUTO(json_drop)
		json_t *job =
		    jobs_evaluate(&l->settings, l->git_dir, l->roots_dir, l->mirrored, l->plan, l->evaluations, TRUST_MEMBERS);
		AUTO(json_drop) json_t *records = NULL;
		const char *side;

		if (job == NULL)
			return 0;
		side = strcmp(json_str(job, "side", ""), "base") == 0 ? "evaluating base" : "evaluating head";
		if (stage(l, "evaluate", side, job, &records, e) != 0)
			return -1;
		json_array_append(l->evaluations, json_array_get(records, 0));
		const char *why = jobs_stopped(l->evaluations);
		if (why != NULL) {
			l->failure = json_pack("{s:s,s:s,s:s}", "stage", "evaluate", "kind", "incomplete", "message", why);
			return 1;
		}
	}
}

static int
compare(struct local *l, struct err *e)
{
	const char *out = arena_printf(&l->a, "%s/difference.json", l->run_dir);
	AUTO(json_drop) json_t *job = jobs_diff(&l->settings, l->evaluations, out);
	AUTO(json_drop) json_t *records = NULL;

	if (stage(l, "diff", "comparing", job, &records, e) != 0)
		return -1;
	l->difference = out;
	return 0;
}

/* --- building -------------------------------------------------------------------------------------------------------- */

/* A line that stays, above the one that moves. */
static void
say(struct local *l, const char *text)
{
	show(l, "");
	fprintf(stderr, "%sekaci: %s\n", l->terminal ? "\r" : "", text);
	l->said_ms = clock_mono_ms();
}

static const char *
span(struct arena *a, int64_t ms)
{
	return ms < 60 * 1000 ? arena_printf(a, "%" PRId64 " s", (ms + 999) / 1000)
	                      : arena_printf(a, "%" PRId64 " min", ms / 60000);
}

/* How far the builds are, what is at work and what waits. Why something waits is said once, in a line of its own. */
static void
show_builds(struct local *l, int64_t open)
{
	struct arena a = {0};
	struct schedule_now now = schedule_now(l->schedule, &a);
	const char *line = arena_printf(&a, "%s: %" PRId64 " of %" PRId64 " to go", l->doing, open, l->total);

	if (now.waiting > 0 && now.why != NULL && (l->why == NULL || strcmp(l->why, now.why) != 0)) {
		l->why = arena_strdup(&l->a, now.why);
		say(l, arena_printf(&a, "%zu %s: %s", now.waiting, now.waiting == 1 ? "build waits" : "builds wait", now.why));
	}
	if (now.waiting > 0)
		line = arena_printf(&a, "%s, %zu waiting for another %s", line, now.waiting, span(&a, now.wait_ms));
	if (now.longest != NULL && now.longest_ms >= SAY_FIRST_MS)
		line = arena_printf(&a, "%s, " STR_FMT " for %s", line, STR_ARG(drv_name(str_of(now.longest))),
		    span(&a, now.longest_ms));
	if (l->terminal) {
		struct str head =
		    str_utf8_head(str_of(line), 79); /* more would begin a second line, which cannot be taken back */
		show(l, str_dup(&a, head));
	} else if (clock_mono_ms() - l->said_ms >= SAY_MS) {
		say(l, line);
	}
	arena_release(&a);
}

static void
on_build(void *ctx, int64_t run)
{
	struct local *l = ctx;
	struct err e;
	int64_t open;

	(void)run;
	if (store_run_builds_open(l->store, l->run, &open, &e) != 0)
		return;
	show_builds(l, open);
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

static int
want(struct local *l, const json_t *records, bool base, struct err *e)
{
	AUTO(mem_free) struct build_want *wants = mem_alloc(json_array_size(records) * sizeof(*wants));
	size_t n = jobs_wants(&l->a, records, base ? JOBS_WANTS_BASE : JOBS_WANTS_ALL, wants);

	for (size_t i = 0; i < n; i++) {
		wants[i].retry = true;
		wants[i].again = l->again && wants[i].target && !base;
	}
	if (store_builds_want(l->store, l->run, wants, n, 0, e) != 0)
		return -1;
	return store_run_builds_open(l->store, l->run, &l->total, e);
}

static int
build_all(struct local *l, const char *side, const json_t *failed, struct err *e)
{
	AUTO(json_drop) json_t *job = jobs_query(&l->settings, l->difference, side, failed, NULL);
	AUTO(json_drop) json_t *records = NULL;
	const json_t *rec;
	size_t i;

	if (stage(l, "query", "asking the store", job, &records, e) != 0 || want(l, records, failed != NULL, e) != 0)
		return -1;
	json_array_foreach(records, i, rec) {
		if (strcmp(json_str(rec, "type", ""), "base_of") == 0 &&
		    store_run_base_of(l->store, l->run, json_str(rec, "head", ""), json_str(rec, "base", ""), e) != 0)
			return -1;
		if (strcmp(json_str(rec, "type", ""), "query") == 0 && failed == NULL)
			l->query = json_incref((json_t *)(uintptr_t)rec);
		if (strcmp(json_str(rec, "type", ""), "sizes") == 0)
			json_object_set(l->query, "sizes", (json_t *)(uintptr_t)rec);
	}
	if (l->total > 0) {
		l->doing = failed == NULL ? "building" : "building the base of what failed";
		l->said_ms = clock_mono_ms() - SAY_MS + SAY_FIRST_MS;
		loop_timer_set(l->tick, TICK_MS);
		schedule_kick(l->schedule);
		loop_run(l->loop);
		loop_timer_set(l->tick, -1);
		loop_end_workers(l->loop);
	}
	return store_run_builds_open(l->store, l->run, &l->total, e) != 0 || l->total == 0
	           ? 0
	           : fail(e, ERR_BUSY, "interrupted with %" PRId64 " builds to go", l->total);
}

/* The bot's own queue, on a database of this run alone. */
static int
open_queue(struct local *l, struct err *e)
{
	struct repository repo = {1, 1, "local", "local", l->git_dir, "HEAD", false};
	struct pull_request pr =
	    {.repository = 1, .number = 1, .open = true, .head = l->head, .base_ref = l->base, .title = ""};
	struct run r = {.repository = 1, .number = 1, .head = l->head, .base_ref = l->base, .reason = "ekaci diff"};

	l->settings.state.dir = l->run_dir;
	if (store_open(arena_printf(&l->a, "%s/ekaci.db", l->run_dir), &l->store, e) != 0 || loop_new(&l->loop, e) != 0 ||
	    schedule_new(l->loop, l->store, &l->settings, on_build, l, &l->schedule, e) != 0 ||
	    store_installation_put(l->store, 1, NULL, "active", e) != 0 || store_repository_put(l->store, &repo, e) != 0 ||
	    store_pull_put(l->store, &pr, e) != 0)
		return -1;
	l->tick = loop_timer_new(l->loop, "progress", on_tick, l);
	return store_run_add(l->store, &r, &l->run, e);
}

static int
build(struct local *l, struct err *e)
{
	AUTO(json_drop) json_t *failed = NULL;

	if (open_queue(l, e) != 0 || build_all(l, "head", NULL, e) != 0 ||
	    store_run_unjudged(l->store, l->run, &failed, e) != 0)
		return -1;
	if (build_all(l, "base", failed, e) != 0)
		return -1;
	if (json_array_size(failed) > 0 && store_run_judge(l->store, l->run, e) != 0)
		return -1;
	return store_run_builds_json(l->store, l->run, &l->builds, e);
}

static void
close_queue(struct local *l)
{
	loop_timer_free(l->tick);
	schedule_free(l->schedule);
	loop_free(l->loop);
	store_close(l->store);
}

/* --- the report ------------------------------------------------------------------------------------------------------ */

static int
report(struct local *l, int *ret_exit, struct err *e)
{
	AUTO(json_drop)
	json_t *run = json_pack("{s:i,s:s,s:s,s:i,s:s,s:s,s:s,s:s,s:b}", "id", 0, "url", "", "repo", l->repo, "number", 0,
	    "head", is_files(l) ? THE_FILES : json_str(l->mirrored, "head", ""), "base", json_str(l->mirrored, "base", ""),
	    "title", arena_printf(&l->a, "%s..%s", l->base, l->head), "state", l->failure != NULL ? "failed" : "done",
	    "conflict", json_flag(l->mirrored, "conflict", false));
	AUTO(json_drop) json_t *formats = json_pack("[s]", l->format);
	const json_t *conflicts = json_object_get(l->mirrored, "conflicts");
	if (conflicts != NULL)
		json_object_set(run, "conflicts", (json_t *)(uintptr_t)conflicts);
	struct jobs_report what = {.run = run,
	    .phase = "done",
	    .git_dir = l->git_dir,
	    .mirrored = l->mirrored,
	    .plan = l->plan,
	    .evaluations = l->evaluations,
	    .query = l->query,
	    .builds = l->builds,
	    .failure = l->failure,
	    .difference = l->difference,
	    .colour = l->colour,
	    .formats = formats};
	AUTO(json_drop) json_t *job = jobs_report(&l->settings, &what);
	AUTO(json_drop) json_t *records = NULL;
	const json_t *rec;
	size_t i;

	if (stage(l, "report", "writing the report", job, &records, e) != 0)
		return -1;
	show(l, "");
	if (l->terminal)
		fputs("\r", stderr);
	json_array_foreach(records, i, rec) {
		if (strcmp(json_str(rec, "type", ""), "document") == 0) {
			struct str body = json_text(rec, "body");
			fwrite(body.p, 1, body.n, stdout);
			if (body.n > 0 && body.p[body.n - 1] != '\n')
				putchar('\n');
		} else if (strcmp(json_str(rec, "type", ""), "verdict") == 0) {
			*ret_exit = (int)json_int(rec, "exit", COULD_NOT_TELL);
		}
	}
	if (fflush(stdout) != 0)
		return fail_sys(e, "cannot write the report");
	return 0;
}

static int
explain(struct local *l, int *ret_exit, struct err *e)
{
	show(l, "");
	if (l->terminal)
		fputs("\r", stderr);
	if (l->failure != NULL)
		return fail(e, ERR_INPUT, "an evaluation did not complete: %s", json_str(l->failure, "message", ""));
	const json_t *untold = json_object_get(l->plan, "untold");
	bool unseen = json_object_get(untold, "submodules") != NULL || json_object_get(untold, "unnamed") != NULL;
	if (unseen)
		fprintf(stderr, "ekaci: a submodule changed that is not looked into (--submodules takes them)\n");
	if (l->difference == NULL) {
		printf("the rules say that nothing rebuilds (--all evaluates all the same)\n");
		*ret_exit = 0;
		return 0;
	}
	AUTO(json_drop)
	json_t *facts =
	    json_pack("{s:[s],s:s,s:O}", "attrs", l->attr, "difference", l->difference, "evaluations", l->evaluations);
	struct explain_job job;
	if (fields_read(&explain_job_fields, &l->a, str_of(json_line(&l->a, facts)), "explain", &job, e) != 0)
		return -1;
	struct explain_question q = {job.attrs, job.difference, {job.evaluations.p, job.evaluations.n},
	    strcmp(l->format, "json") == 0};
	if (explain_attributes(&q, ret_exit, e) != 0)
		return -1;
	/* What is the same may differ in what nobody looked into. */
	if (*ret_exit == 0 && unseen)
		*ret_exit = COULD_NOT_TELL;
	return 0;
}

static int
walk(struct local *l, int *ret_exit, struct err *e)
{
	int rc = plan(l, e);

	if (rc == 0 && strcmp(json_str(l->plan, "decision", ""), "evaluate") == 0) {
		rc = nixstore_access(e) != NULL ? evaluate(l, e) : -1;
		if (rc == 0)
			rc = compare(l, e);
		if (rc == 0 && l->build)
			rc = build(l, e);
	}
	if (rc < 0)
		return -1;
	return l->attr != NULL ? explain(l, ret_exit, e) : report(l, ret_exit, e);
}

/* --- the command line -------------------------------------------------------------------------------------------------- */

const char local_diff_usage[] = "usage: ekaci diff [OPTIONS] [BASE HEAD | BASE..HEAD | BASE...HEAD | REVISION]\n\n"
                                "What rebuilds between two revisions of a Nix repository, and why.\n\n"
                                "  BASE HEAD, BASE..HEAD  these two commits\n"
                                "  BASE...HEAD            HEAD and the commit where it parted from BASE\n"
                                "  REVISION               one that the default branch does not have: as GitHub\n"
                                "                         would merge it; one that it has: with the working tree\n"
                                "  nothing                the working tree, with the commit where it parted from\n"
                                "                         the default branch (origin/HEAD, main, master)\n\n"
                                "The working tree is tracked files as they are now and new ones that are not\n"
                                "ignored; your index stays as it is.\n\n"
                                "What to evaluate (without: .ekaci/config.json of BASE, flake.nix or default.nix)\n"
                                "  --repo DIR           the repository; else the one you are in\n"
                                "  --file FILE          this file of it\n"
                                "  --flake REF          these outputs of its flake, as in \".#checks\"\n"
                                "  --job NAME           this job of its configuration alone\n"
                                "  --all                whatever its rules say about the changed paths\n"
                                "  --merge              BASE with HEAD merged into it, as GitHub would, so that\n"
                                "                       what BASE did meanwhile does not count\n"
                                "  --submodules         with submodules, also for jobs that do not take them\n\n"
                                "What to do besides\n"
                                "  --build              build it, and tell newly failing from still failing\n"
                                "  --check              build what is there already once more, too, and say what\n"
                                "                       comes out differently\n"
                                "  --format FORMAT      text, markdown, json or html\n\n"
                                "How: it is your own checkout, so with your NIX_PATH, nix.conf, NIX_CONFIG,\n"
                                "tokens, netrc and the network, as nix-build and nix build would.\n"
                                "  --offline            fetch nothing\n"
                                "  --allowed-uris LIST  fetch from addresses that begin so alone, and read only\n"
                                "                       the repository, NIX_PATH and the store\n"
                                "  --allow-import-from-derivation\n"
                                "                       let the evaluation build\n"
                                "  --sandbox MODE       require, auto or off\n"
                                "  --evaluator PROGRAM  auto, built-in, nix-eval-jobs, or such a program's path\n"
                                "  --workers N          processes that evaluate\n\n"
                                "Exit code: 0 nothing newly failing, 1 something is or is new and fails, 2 it\n"
                                "could not be told.\n";

const char local_explain_usage[] = "usage: ekaci explain [OPTIONS] ATTR [BASE HEAD | BASE..HEAD | ...]\n"
                                   "       ekaci explain A.drv B.drv [--json]\n\n"
                                   "Says in full why an attribute (as reports name it, e.g.\n"
                                   "python3Packages.numpy) differs between two revisions, or what differs between\n"
                                   "two derivations. Its last parts will do: agenix finds\n"
                                   "packages.x86_64-linux.agenix. Evaluations that are stored are not made again.\n\n"
                                   "  --json               as JSON\n\n"
                                   "Revisions and all other options are those of ekaci diff, but --build, --check\n"
                                   "and --format.\n\n"
                                   "Exit code: 0 it does not differ, or fails alike on both sides, 1 it does, 2 it\n"
                                   "could not be told.\n";

/* Addresses with blanks or commas between them. */
static void
restrict_to(struct local *l, const char *list)
{
	char *word, *rest = NULL;

	l->restricted = true;
	for (word = strtok_r(arena_strdup(&l->a, list), " ,\n", &rest); word != NULL; word = strtok_r(NULL, " ,\n", &rest))
		json_array_append_new(l->settings.evaluate.allowed_uris, json_any_string(str_of(word)));
}

/* BASE HEAD, BASE..HEAD, BASE...HEAD (either may be left out: HEAD), one revision, or none. */
static void
parse_revisions(struct local *l, int n, char **names)
{
	char *dots = n == 1 ? strstr(names[0], "..") : NULL;

	if (n > 0)
		l->base = names[0];
	if (n > 1)
		l->head = names[1];
	if (dots == NULL)
		return;
	l->three_dots = dots[2] == '.';
	l->base = dots == names[0] ? "HEAD" : arena_printf(&l->a, "%.*s", (int)(dots - names[0]), names[0]);
	l->head = dots[l->three_dots ? 3 : 2] == '\0' ? "HEAD" : dots + (l->three_dots ? 3 : 2);
}

/* What getopt_long has just refused: of short options it is not past the word yet when there are more in it. */
static const char *
refused(int argc, char **argv)
{
	bool within = optind < argc && argv[optind][0] == '-' && argv[optind][1] == optopt && optopt != 0;

	return argv[within ? optind : optind - 1];
}

static int
parse(struct local *l, bool explains, int argc, char **argv, struct err *e)
{
	static const struct option options[] = {
	    {"repo", required_argument, NULL, 'r'},
	    {"file", required_argument, NULL, 'f'},
	    {"flake", required_argument, NULL, 'F'},
	    {"job", required_argument, NULL, 'j'},
	    {"build", no_argument, NULL, 'b'},
	    {"check", no_argument, NULL, 'c'},
	    {"format", required_argument, NULL, 'o'},
	    {"evaluator", required_argument, NULL, 'e'},
	    {"workers", required_argument, NULL, 'w'},
	    {"sandbox", required_argument, NULL, 's'},
	    {"all", no_argument, NULL, 'a'},
	    {"merge", no_argument, NULL, 'm'},
	    {"submodules", no_argument, NULL, 'S'},
	    {"json", no_argument, NULL, 'J'},
	    {"offline", no_argument, NULL, 'O'},
	    {"allowed-uris", required_argument, NULL, 'u'},
	    {"allow-import-from-derivation", no_argument, NULL, 'I'},
	    {NULL, 0, NULL, 0},
	};
	static const char *const formats[] = {"text", "markdown", "json", "html"};
	enum sandbox_mode mode;
	bool known = false;
	int c;

	opterr = 0;
	l->repo = ".";
	l->format = "text";
	l->settings.evaluate.allow_network = true; /* as nix-build has it */
	while ((c = getopt_long(argc, argv, ":", options, NULL)) != -1) {
		if (c == 'r')
			l->repo = optarg;
		else if (c == 'f')
			l->cli_jobs = json_pack("[{s:s,s:s}]", "name", "default", "file", optarg);
		else if (c == 'F')
			l->cli_jobs = json_pack("[{s:s,s:s}]", "name", "default", "flake", optarg);
		else if (c == 'j')
			l->job_name = optarg;
		else if (c == 'b')
			l->build = true;
		else if (c == 'c')
			l->build = l->again = true;
		else if (c == 'o')
			l->format = optarg;
		else if (c == 'e')
			l->settings.evaluate.evaluator = optarg;
		else if (c == 's')
			l->settings.evaluate.sandbox = optarg;
		else if (c == 'a')
			l->ignore_rules = true;
		else if (c == 'm')
			l->merge = true;
		else if (c == 'S')
			l->submodules = true;
		else if (c == 'J')
			l->format = "json";
		else if (c == 'O')
			l->settings.evaluate.allow_network = false;
		else if (c == 'I')
			l->settings.evaluate.allow_import_from_derivation = true;
		else if (c == 'u')
			restrict_to(l, optarg);
		else if (c == 'w') {
			if (str_to_i64(str_of(optarg), &l->settings.evaluate.workers) != 0 || l->settings.evaluate.workers < 1)
				return fail(e, ERR_INPUT, "--workers %.60s: not a number from 1", optarg);
		} else if (c == ':')
			return fail(e, ERR_INPUT, "%.60s wants a value", argv[optind - 1]);
		else
			return fail(e, ERR_INPUT, "there is no option %.60s", refused(argc, argv));
	}
	for (size_t i = 0; i < COUNT(formats); i++)
		known = known || strcmp(formats[i], l->format) == 0;
	if (!known)
		return fail(e, ERR_INPUT, "--format %.60s: there are text, markdown, json and html", l->format);
	if (sandbox_mode_of(l->settings.evaluate.sandbox, &mode, e) != 0)
		return fail(e, ERR_INPUT, "--sandbox %.60s: there are require, auto and off", l->settings.evaluate.sandbox);
	if (explains && l->build)
		return fail(e, ERR_INPUT, "nothing is built to explain it: --build and --check are for ekaci diff");
	if (explains && argc == optind)
		return fail(e, ERR_INPUT, "an attribute is missing, or two derivations");
	if (argc - optind > (explains ? 3 : 2))
		return fail(e, ERR_INPUT, "one revision too many: %.100s", argv[optind + (explains ? 3 : 2)]);
	if (explains)
		l->attr = argv[optind++];
	parse_revisions(l, argc - optind, argv + optind);
	return 0;
}

/* --- what is compared -------------------------------------------------------------------------------------------------- */

struct one_side {
	char commit[CHANGESET_HEX + 1], tree[CHANGESET_HEX + 1];
};

static int
resolve(const struct local *l, const char *revision, struct one_side *ret, struct err *e)
{
	return changeset_resolve(l->repo, revision, ret->commit, ret->tree, e);
}

/*
 * Fewer than two revisions: the default branch and the working tree complete them. One that the default branch has already can
 * only be a base, for the files as they are; any other is a head, as GitHub would merge it. None: what was done since the
 * checkout parted from the default branch, committed or not.
 */
static int
complete(struct local *l, struct err *e)
{
	struct one_side tip, head, parted;
	const char *name;

	if (l->base != NULL && l->head != NULL)
		return 0;
	if (worktree_default_branch(&l->a, l->repo, &name, e) != 0 || resolve(l, name, &tip, e) != 0 ||
	    resolve(l, l->base != NULL ? l->base : "HEAD", &head, e) != 0 ||
	    worktree_merge_base(l->repo, tip.commit, head.commit, parted.commit, parted.tree, e) != 0)
		return -1;
	if (l->base == NULL) {
		l->base = arena_strdup(&l->a, parted.commit);
		l->head = THE_FILES;
	} else if (strcmp(parted.commit, head.commit) == 0) {
		l->head = THE_FILES;
	} else {
		l->head = l->base;
		l->base = name;
		l->merge = true;
	}
	return 0;
}

/* A line about what is not compared. */
static void
hint(struct local *l, const struct one_side *base, const struct one_side *head)
{
	struct one_side out;
	struct err e;

	if (!is_files(l) && (resolve(l, "HEAD", &out, &e) != 0 ||
	                        (strcmp(out.commit, base->commit) != 0 && strcmp(out.commit, head->commit) != 0)))
		return; /* the files are of another commit */
	struct worktree_state now = worktree_state(&l->a, l->repo);
	if (!is_files(l) && now.dirty)
		fputs("ekaci: uncommitted changes are not compared (see ekaci diff --help)\n", stderr);
	if (is_files(l) && now.submodules)
		fputs("ekaci: uncommitted changes inside of submodules are not compared\n", stderr);
}

static int
find_sides(struct local *l, struct err *e)
{
	struct one_side base, head;

	if (changeset_git_dir(&l->a, l->repo, &l->git_dir, e) != 0 || complete(l, e) != 0 ||
	    resolve(l, l->base, &base, e) != 0 || resolve(l, is_files(l) ? "HEAD" : l->head, &head, e) != 0)
		return -1;
	if (is_files(l) && l->merge)
		return fail(e, ERR_INPUT, "--merge merges commits: name a head, or commit first");
	if (is_files(l) && worktree_tree(&l->a, l->repo, arena_printf(&l->a, "%s/index", l->run_dir), head.tree, e) != 0)
		return -1;
	if (l->three_dots && worktree_merge_base(l->repo, base.commit, head.commit, base.commit, base.tree, e) != 0)
		return -1;
	hint(l, &base, &head);
	if (l->merge)
		return changeset_merge(l->git_dir, base.commit, head.commit, &l->mirrored, e);
	l->mirrored = json_pack("{s:s,s:s,s:s,s:s,s:b}", "base", base.commit, "head", head.commit, "base_tree", base.tree,
	    "head_tree", head.tree, "conflict", 0);
	return 0;
}

static int
prepare(struct local *l, struct err *e)
{
	const char *cache = config_cache_dir(&l->a);

	l->settings.state.dir = cache;
	l->settings.state.min_free_mb = 0; /* the user is there to see a full disk */
	l->settings.evaluate.fetch_cache_dir = config_user_cache_dir(&l->a);
	l->run_dir = arena_printf(&l->a, "%s/local/%d-%" PRId64, cache, (int)getpid(), clock_now_ms());
	l->roots_dir = arena_printf(&l->a, "%s/roots", l->run_dir);
	return files_mkdirs(l->roots_dir, 0750, e) == 0 ? find_sides(l, e) : -1;
}

/* What this run was for is told: its folder goes, and with it the roots, of which Nix has links. */
static void
forget(struct local *l)
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

/* What goes from stage to stage is JSON, which holds text only. */
static int
all_text(int argc, char **argv, struct err *e)
{
	char here[PATH_MAX];
	struct arena a = {0};
	const char *cache = config_cache_dir(&a);
	int rc = 0;

	for (int i = 0; i < argc && rc == 0; i++)
		if (!str_utf8_ok(str_of(argv[i])))
			rc = fail(e, ERR_INPUT, "an argument is not UTF-8: %.80s", argv[i]);
	if (rc == 0 && getcwd(here, sizeof(here)) != NULL && !str_utf8_ok(str_of(here)))
		rc = fail(e, ERR_INPUT, "the folder's path is not UTF-8, which is not supported: %.200s", here);
	if (rc == 0 && !str_utf8_ok(str_of(cache)))
		rc = fail(e, ERR_INPUT, "the cache's path is not UTF-8, which is not supported: %.200s", cache);
	arena_release(&a);
	return rc;
}

static int
run(bool explains, int argc, char **argv)
{
	struct local l = {.terminal = isatty(2) == 1 && config_smart_terminal(),
	    .colour = isatty(1) == 1 && config_wants_colour()};
	struct err e = {0};
	int code = COULD_NOT_TELL;

	config_defaults(&l.a, &l.settings);
	log_set_level(LOG_WARN);
	if (parse(&l, explains, argc, argv, &e) != 0) {
		fprintf(stderr, "ekaci %s: %s\nsee ekaci %s --help\n", argv[0], e.msg, argv[0]);
		config_release(&l.settings);
		arena_release(&l.a);
		return COULD_NOT_TELL;
	}
	child_catch_term();
	if (all_text(argc, argv, &e) != 0 || prepare(&l, &e) != 0 || walk(&l, &code, &e) != 0) {
		show(&l, "");
		fprintf(stderr, "%sekaci: %s\n", l.terminal ? "\r" : "", e.msg);
		code = COULD_NOT_TELL;
	}
	close_queue(&l);
	if (l.run_dir != NULL)
		forget(&l);
	json_t *all[] = {l.own, l.cli_jobs, l.mirrored, l.plan, l.evaluations, l.query, l.builds, l.failure};
	for (size_t i = 0; i < COUNT(all); i++)
		json_decref(all[i]);
	config_release(&l.settings);
	arena_release(&l.a);
	return code;
}

int
local_diff(int argc, char **argv)
{
	return run(false, argc, argv);
}

int
local_explain(int argc, char **argv)
{
	return run(true, argc, argv);
}
