/* From the state of a run to what should stand at GitHub. */
#include "bot/reports.h"

#include "queue/capacity.h"
#include "store/desired.h"
#include "support/base/clock.h"
#include "support/base/log.h"
#include "support/os/files.h"
#include "support/text/escape.h"
#include "walk/jobs.h"
#include "walk/table.h"

#include <inttypes.h>
#include <string.h>

enum {
	MAX_RUNS = 256,
	PACE_MS = 4000,
	RETRY_MS = 5000,
	FIRST_MS = 400 /* a run that is over by then is reported once, as over: most documentation changes are */
};

/* A report under way, or the memory of the last one of a live run. */
struct paced {
	struct reports *rs;
	struct paced *next;
	int64_t run, change, last_ms, progress_ms;
	struct arena a;
	struct progress *progress; /* the last one heard, in a; or NULL */
	json_t *records;
	bool busy;
};

struct reports {
	struct bot_parts p;
	struct loop_timer *timer;
	struct paced *paced;
	int busy;
	bool closing;
};

static struct paced *
paced_of(struct reports *rs, int64_t run)
{
	struct paced *p = rs->paced;

	while (p != NULL && p->run != run)
		p = p->next;
	if (p == NULL) {
		p = mem_alloc(sizeof(*p));
		*p = (struct paced){.rs = rs, .next = rs->paced, .run = run};
		rs->paced = p;
	}
	return p;
}

static void
forget(struct paced *p)
{
	struct paced **at = &p->rs->paced;

	while (*at != p)
		at = &(*at)->next;
	*at = p->next;
	arena_release(&p->a);
	json_decref(p->records);
	mem_free(&p);
}

/* --- what a report says becomes what we want --------------------------------------------------------------------- */

static const char *
page_of(struct reports *rs, struct arena *a, const struct run *r, const struct repository *repo)
{
	return web_link(a, rs->p.web, repo->id, r->number, repo->is_private, "/run/%" PRId64, r->id);
}

static int
want_check(struct reports *rs, struct arena *a, const struct run *r, const struct repository *repo,
    const struct desired_repository *to, const json_t *rec, struct err *e)
{
	struct wish_check wanted;

	if (fields_read(&wish_check_fields, a, str_of(json_line(a, rec)), "check_run", &wanted, e) != 0)
		return -1;
	wanted.head = r->head;
	wanted.restart = r->id;
	wanted.external_id = arena_printf(a, "run/%" PRId64 "/%s", r->id, wanted.name);
	wanted.started_at = r->created;
	wanted.completed_at = r->ended;
	wanted.details_url = page_of(rs, a, r, repo);
	return store_want_check(rs->p.store, to, &wanted, e);
}

/* A comment notifies people once, when it is posted: so it is posted when there is something to say. Later it is
 * edited, also to say that there is nothing. */
static int
want_comment(struct reports *rs, const struct run *r, const struct desired_repository *to, const json_t *rec, struct err *e)
{
	bool something = r->difference != NULL || r->state == RUN_FAILED, there = false;

	if (!rs->p.settings->report.comment || r->state < RUN_DIFFED)
		return 0;
	if (!something && store_comment_wanted(rs->p.store, r->repository, r->number, &there, e) != 0)
		return -1;
	if (!something && !there)
		return 0;
	return store_want_comment(rs->p.store, to, r->number, json_str(rec, "marker", ""), json_text(rec, "body"), e);
}

static int
want_one(struct reports *rs, struct arena *a, const struct run *r, const struct repository *repo, bool newest,
    const json_t *rec, struct err *e)
{
	const char *type = json_str(rec, "type", "");
	const struct settings *c = rs->p.settings;
	const struct desired_repository at = {repo->installation, repo->id, repo->owner, repo->name}, *to = &at;

	if (strcmp(type, "check_run") == 0)
		return want_check(rs, a, r, repo, to, rec, e);
	if (strcmp(type, "verdict") == 0) {
		if (store_run_set(rs->p.store, r->id, "title", json_str(rec, "title", NULL), e) != 0)
			return -1;
		return store_run_set(rs->p.store, r->id, "verdict", json_str(rec, "conclusion", NULL), e);
	}
	/* What belongs to the pull request as a whole is its newest run's to say; a branch and the merge queue have checks only. */
	if (!newest || r->number <= 0)
		return 0;
	if (strcmp(type, "comment") == 0)
		return want_comment(rs, r, to, rec, e);
	if (strcmp(type, "labels") == 0 && c->report.labels) {
		struct wish_labels wanted;
		if (fields_read(&wish_labels_fields, a, str_of(json_line(a, rec)), "labels", &wanted, e) != 0)
			return -1;
		wanted.number = r->number;
		return store_want_labels(rs->p.store, to, &wanted, e);
	}
	return 0;
}

static int
apply(struct reports *rs, struct arena *a, const struct paced *p, struct err *e)
{
	struct run r, newest;
	struct repository repo;
	const json_t *rec;
	size_t i;
	int rc;

	if (store_run_get(rs->p.store, a, p->run, &r, e) != 0 ||
	    store_repository_get(rs->p.store, a, r.repository, &repo, e) != 0 ||
	    store_run_of(rs->p.store, a, r.repository, r.number, false, &newest, e) != 0)
		return -1;
	bool is_newest = newest.id == r.id;
	bool hidden = !is_newest && strcmp(newest.head, r.head) == 0; /* its checks are the newer run's by now */
	if (store_begin(rs->p.store, e) != 0)
		return -1;
	rc = store_run_reported(rs->p.store, p->run, p->change, e);
	json_array_foreach(p->records, i, rec) {
		if (rc == 0 && !hidden)
			rc = want_one(rs, a, &r, &repo, is_newest, rec, e);
	}
	return store_end(rs->p.store, rc, e);
}

/* --- making one --------------------------------------------------------------------------------------------------- */

static void
on_record(void *ctx, struct str line)
{
	struct paced *p = ctx;
	json_t *rec;
	struct err e;

	if (json_read(line, "record", &rec, &e) == 0)
		json_array_append_new(p->records, rec);
	else
		log_err(LOG_WARN, "report", &e);
}

/* A report that cannot be made must not keep a check open: say so in plain words instead. */
static void
say_plainly(struct paced *p, const struct err *why)
{
	static const char *const names[] = {"ekaci / evaluation", "ekaci / rebuilds"};

	json_array_clear(p->records);
	for (size_t i = 0; i < COUNT(names); i++)
		json_array_append_new(p->records,
		    json_pack("{s:s,s:s,s:s,s:s,s:s,s:s}", "type", "check_run", "name", names[i], "status", "completed",
		        "conclusion", "failure", "title", "The report could not be made", "summary", why->msg));
}

static void
on_end(void *ctx, const struct err *end, int64_t outside_ms)
{
	struct paced *p = ctx;
	struct reports *rs = p->rs;
	struct arena a = {0};
	struct err e = {0};

	(void)outside_ms;
	rs->busy--;
	p->busy = false;
	p->last_ms = clock_mono_ms();
	if (rs->closing || end->kind == ERR_BUSY) {
		forget(p);
		return;
	}
	if (end->kind != ERR_NONE) {
		log_err(LOG_ERROR, "report", end);
		say_plainly(p, end);
	}
	struct run r = {0};
	bool applied = apply(rs, &a, p, &e) == 0;
	if (!applied) {
		log_err(LOG_ERROR, "report", &e);
		loop_timer_set(rs->timer, RETRY_MS);
	} else {
		send_kick(rs->p.sender);
		if (store_run_get(rs->p.store, &a, p->run, &r, &e) == 0 && r.ended != 0 && r.reported >= r.changes)
			forget(p);
		loop_timer_set(rs->timer, 0);
	}
	arena_release(&a);
}

static int
describe(struct reports *rs, struct arena *a, const struct run *r, json_t **ret, struct err *e)
{
	struct repository repo;
	struct pull_request pr = {0};

	if (store_repository_get(rs->p.store, a, r->repository, &repo, e) != 0 ||
	    store_pull_get(rs->p.store, a, r->repository, r->number, &pr, e) < 0)
		return -1;
	const char *full = arena_printf(a, "%s/%s", repo.owner, repo.name);
	*ret = json_pack("{s:I,s:s,s:s,s:s,s:I,s:s,s:s?,s:s,s:s,s:s,s:I,s:I,s:I}", "id", (json_int_t)r->id, "url",
	    page_of(rs, a, r, &repo), "base_url", web_url(rs->p.web), "repo", full, "number", (json_int_t)r->number, "head",
	    r->head, "title", pr.title, "reason", r->reason, "state", run_state_name(r->state), "base_ref", r->base_ref,
	    "superseded_by", (json_int_t)r->superseded_by, "created", (json_int_t)r->created, "ended", (json_int_t)r->ended);
	if (*ret == NULL)
		return fail(e, ERR_BUG, "run %" PRId64 " cannot be described", r->id);
	return 0;
}

/* Logs are shown by address, never by file. */
static void
link_logs(struct reports *rs, struct arena *a, const struct repository *repo, int64_t number, json_t *builds)
{
	const char *drv;
	json_t *b;

	json_object_foreach(builds, drv, b) {
		const char *log = json_str(b, "log", NULL);
		const char *slash = strrchr(drv, '/');
		if (log != NULL && slash != NULL)
			json_object_set_new(b, "log_url",
			    json_string(web_link(a, rs->p.web, repo->id, number, repo->is_private, "/log/%s",
			        escape_dup(a, ESCAPE_URL, str_of(slash + 1)))));
		json_object_del(b, "log");
	}
}

/* The packages with sizes get page_url, where what was built and its log are shown; a derivation this run has not asked for
 * has no page that its readers may see. */
static void
link_packages(struct reports *rs, struct arena *a, const struct repository *repo, int64_t number, const json_t *builds,
    json_t *packages)
{
	json_t *p;
	size_t i;

	json_array_foreach(packages, i, p) {
		const char *drv = json_str(p, "drv", NULL), *slash = drv != NULL ? strrchr(drv, '/') : NULL;
		if (slash == NULL || json_object_get(builds, drv) == NULL)
			continue;
		struct str stem = str_of(slash + 1);
		if (str_ends(stem, STR(".drv")))
			stem.n -= 4;
		json_object_set_new(p, "page_url",
		    json_string(web_link(a, rs->p.web, repo->id, number, repo->is_private, "/drv/%s",
		        escape_dup(a, ESCAPE_URL, stem))));
	}
}

static int
make_job(struct reports *rs, struct arena *a, const struct run *r, const struct paced *p, json_t **ret, struct err *e)
{
	AUTO(json_drop) json_t *run = NULL;
	AUTO(json_drop) json_t *builds = NULL;
	AUTO(json_drop) json_t *formats = json_pack("[s,s,s]", "checks", "comment", "labels");
	struct repository repo;

	if (describe(rs, a, r, &run, e) != 0 || store_repository_get(rs->p.store, a, r->repository, &repo, e) != 0)
		return -1;
	if (r->state >= RUN_QUERIED && jobs_builds(rs->p.store, r->id, &builds, e) != 0)
		return -1;
	link_logs(rs, a, &repo, r->number, builds);
	if (r->ended != 0) {
		static const char *const documents[] = {"markdown", "json", "html", "changed-paths"};
		for (size_t i = 0; i < COUNT(documents); i++)
			json_array_append_new(formats, json_string(documents[i]));
	}
	/* Builds that are switched off wait for nobody, nor does a branch. */
	bool held = r->held != NULL && r->number != RUN_OF_BRANCH && (rs->p.settings->build.enabled || r->difference == NULL);
	struct jobs_report what = {.describes = run,
	    .run = r,
	    .phase = run_state_phase(r->state),
	    .git_dir = arena_printf(a, "%s/mirrors/%" PRId64 ".git", rs->p.settings->state.dir, r->repository),
	    .documents_dir = arena_printf(a, "%s/runs/%" PRId64, rs->p.settings->state.dir, r->id),
	    .builds = builds,
	    .progress = p->progress,
	    .stalled = r->state == RUN_BUILDING || r->state == RUN_JUDGING ? capacity_no_room(a, rs->p.settings) : NULL,
	    .wide = held && r->wide,
	    .waiting = held && !r->wide,
	    .formats = formats};
	if (jobs_report(a, rs->p.settings, &what, ret, e) != 0)
		return -1;
	link_packages(rs, a, &repo, r->number, builds,
	    json_object_get(json_object_get(json_object_get(*ret, "query"), "sizes"), "packages"));
	return 0;
}

static int
begin(struct reports *rs, struct arena *a, const struct run *r, struct paced *p, struct err *e)
{
	struct worker_events events = {on_record, on_end, p};
	AUTO(json_drop) json_t *job = NULL;
	struct worker *w;

	if (make_job(rs, a, r, p, &job, e) != 0 ||
	    files_mkdirs(arena_printf(a, "%s/runs/%" PRId64, rs->p.settings->state.dir, r->id), 0750, e) != 0)
		return -1;
	json_decref(p->records);
	p->records = json_array();
	p->change = r->changes;
	if (loop_worker_start(rs->p.loop, "report", str_of(json_line(a, job)), &events, &w, e) != 0)
		return -1;
	p->busy = true;
	rs->busy++;
	return 0;
}

static void
look(void *ctx)
{
	struct reports *rs = ctx;
	int64_t ids[MAX_RUNS], wake = INT64_MAX, now = clock_mono_ms();
	size_t n = 0;
	struct err e;

	if (rs->closing)
		return;
	if (store_runs_unreported(rs->p.store, ids, MAX_RUNS, &n, &e) != 0)
		log_err(LOG_ERROR, "report", &e);
	for (size_t i = 0; i < n && rs->busy < pipeline_lane_room(LANE_REPORT); i++) {
		struct paced *p = paced_of(rs, ids[i]);
		struct arena a = {0};
		struct run r;
		bool got = !p->busy && store_run_get(rs->p.store, &a, ids[i], &r, &e) == 0;
		if (got) {
			int64_t due = p->last_ms != 0 ? p->last_ms + PACE_MS : now + r.created + FIRST_MS - clock_now_ms();
			if (due > now && r.ended == 0) {
				if (due < wake)
					wake = due;
			} else if (begin(rs, &a, &r, p, &e) != 0) {
				log_err(LOG_ERROR, "report", &e);
				wake = now + RETRY_MS;
			}
		}
		arena_release(&a);
	}
	if (wake != INT64_MAX)
		loop_timer_set(rs->timer, wake - now);
}

void
reports_look(struct reports *rs)
{
	loop_timer_set(rs->timer, 0);
}

void
reports_progress(struct reports *rs, int64_t run, const struct progress *is)
{
	struct paced *p = paced_of(rs, run);
	struct err e;

	arena_clear(&p->a);
	p->progress = arena_dup(&p->a, is, sizeof(*is));
	p->progress->what = arena_strdup(&p->a, is->what);
	if (clock_mono_ms() - p->progress_ms < 15000) /* GitHub need not see every step */
		return;
	p->progress_ms = clock_mono_ms();
	if (store_run_changed(rs->p.store, run, &e) != 0)
		log_err(LOG_ERROR, "report", &e);
	reports_look(rs);
}

struct reports *
reports_new(const struct bot_parts *parts)
{
	struct reports *rs = mem_alloc(sizeof(*rs));

	*rs = (struct reports){.p = *parts};
	rs->timer = loop_timer_new(parts->loop, "report", look, rs);
	return rs;
}

static void
release(void *ctx)
{
	struct reports *rs = ctx;

	while (rs->paced != NULL)
		forget(rs->paced);
	mem_free(&rs);
}

void
reports_free(struct reports *rs)
{
	if (rs == NULL)
		return;
	rs->closing = true;
	loop_timer_free(rs->timer);
	loop_put_off(rs->p.loop, release, rs);
}
