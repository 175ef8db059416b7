/* From the state of a run to what should stand at GitHub. */
#include "bot/reports.h"

#include "bot/standing.h"
#include "queue/capacity.h"
#include "records/all.h"
#include "records/list.h"
#include "store/desired.h"
#include "store/run_check.h"
#include "support/base/clock.h"
#include "support/base/log.h"
#include "support/base/map.h"
#include "support/os/files.h"
#include "support/text/escape.h"
#include "walk/flow.h"
#include "walk/jobs.h"
#include "walk/table.h"
#include "worker/pool.h"

#include <inttypes.h>
#include <string.h>
#include <strings.h>

enum {
	MAX_RUNS = 256,
	PACE_MS = 4000,
	RETRY_MS = 5000,
	MAX_DEATHS = 3, /* of workers, before the report says so */
	FIRST_MS = 400  /* a run that is over by then is reported once, as over: most documentation changes are */
};

/* A report under way, or the memory of the last one of a live run. */
struct paced {
	struct reports *rs;
	struct paced *next;
	int64_t run, change, last_ms, progress_ms;
	struct arena heard;
	struct progress *progress; /* the last one heard, in heard; or NULL */
	struct arena said;
	VEC(struct record) records; /* of the report, in said */
	bool plainly;               /* it could not be made: these are say_plainly's */
	bool broken;                /* one could not be read: why says what is wrong */
	struct err why;
	int deaths; /* in a row: workers that were killed, or could not begin */
	bool busy;
	bool news;       /* this report is the one that tells it */
	bool told_first; /* what a run knows before all is evaluated waits for nothing, once */
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
	vec_release(&p->records);
	arena_release(&p->said);
	arena_release(&p->heard);
	mem_free(&p);
}

/* --- what a report says becomes what we want --------------------------------------------------------------------- */

static const char *
page_of(struct reports *rs, struct arena *a, const struct run *r, const struct repository *repo)
{
	return web_link(a, rs->p.web, repo, r->number, "/run/%" PRId64, r->id);
}

/* The name of a derivation's page; NULL: it has none. */
static const char *
stem_of(struct arena *a, const char *drv, bool with_end)
{
	const char *slash = drv != NULL ? strrchr(drv, '/') : NULL;
	struct str stem = str_of(slash != NULL ? slash + 1 : NULL);

	if (slash == NULL)
		return NULL;
	if (!with_end && str_ends(stem, STR(".drv")))
		stem.n -= 4;
	return escape_dup(a, ESCAPE_URL, stem);
}

static void
copy_annotations(struct arena *a, const struct check_run *rec, struct wish_check *wanted)
{
	wanted->annotations.p = arena_alloc(a, (rec->annotations.n + 1) * sizeof(*wanted->annotations.p));
	wanted->annotations.n = rec->annotations.n;
	for (size_t i = 0; i < rec->annotations.n; i++) {
		const struct annotation *one = &rec->annotations.p[i];
		wanted->annotations.p[i] = (struct wish_annotation){.path = one->path,
		    .start_line = one->start_line,
		    .end_line = one->end_line,
		    .annotation_level = one->annotation_level,
		    .message = one->message,
		    .title = one->title};
	}
}

static void
copy_actions(struct arena *a, const struct check_run *rec, struct wish_check *wanted)
{
	wanted->actions.p = arena_alloc(a, (rec->actions.n + 1) * sizeof(*wanted->actions.p));
	wanted->actions.n = rec->actions.n;
	for (size_t i = 0; i < rec->actions.n; i++)
		wanted->actions.p[i] =
		    (struct wish_action){rec->actions.p[i].label, rec->actions.p[i].description, rec->actions.p[i].identifier};
}

/* Where a check leads: to the run, or to what was built. */
static const char *
details_of(struct reports *rs, struct arena *a, const struct run *r, const struct repository *repo, const struct check_run *rec)
{
	const char *stem = rec->drv != NULL ? stem_of(a, rec->drv, false) : NULL;

	return stem != NULL ? web_link(a, rs->p.web, repo, r->number, "/drv/%s", stem) : page_of(rs, a, r, repo);
}

static int
want_check(struct reports *rs, struct arena *a, const struct run *r, const struct repository *repo,
    const struct desired_repository *to, const struct check_run *rec, struct err *e)
{
	/* When it was concluded is GitHub's to note: one that is concluded before its run ends is not written again for that. */
	struct wish_check wanted = {.head = r->head,
	    .name = rec->name,
	    .status = rec->status,
	    .conclusion = rec->conclusion,
	    .title = rec->title,
	    .summary = rec->summary,
	    .text = rec->text,
	    .details_url = details_of(rs, a, r, repo, rec),
	    .external_id = arena_printf(a, "run/%" PRId64 "/%s", r->id, rec->name),
	    .started_at = r->created,
	    .restart = r->id};

	if (rec->annotations.n > 0)
		copy_annotations(a, rec, &wanted);
	if (rec->actions.n > 0)
		copy_actions(a, rec, &wanted);
	return standing_told(&rs->p, to, r->id, &wanted, e);
}

/* Whether more is to be said of a comparison than "no rebuilds". */
static int
changes_something(struct arena *a, const struct run *r, const struct report_verdict *verdict, bool *ret, struct err *e)
{
	struct difference_counts counts;
	int64_t n = 0;

	*ret = false;
	if (r->difference == NULL || r->counts == NULL)
		return 0;
	if (fields_read(&difference_counts_fields, a, str_of(r->counts), "counts", &counts, e) != 0)
		return -1;
	for (int class = 0; class < CLASSES; class ++)
		if (class != CLASS_UNCHANGED && class != CLASS_DERIVATION_ONLY && class != CLASS_STILL_FAILING)
			n += counts.total.of[class];
	*ret = n > 0 || (verdict->conclusion != NULL && strcmp(verdict->conclusion, "success") != 0);
	return 0;
}

/* What a report says of itself, for whoever posts it. */
struct said {
	const struct report_verdict *verdict; /* NULL: it could not be made */
	const struct report_how *how;
};

/* Whether a comment is to be posted for this. */
static int
is_worth_a_comment(struct arena *a, const struct run *r, const struct said *said, bool *ret, struct err *e)
{
	const struct report_verdict *verdict = said->verdict;
	const char *mode = said->how != NULL ? said->how->comment : "never";

	*ret = false;
	if (strcmp(mode, "never") == 0 || verdict == NULL)
		return 0;
	if (strcmp(mode, "failures") == 0) {
		*ret = verdict->exit == 1 || (verdict->conclusion != NULL && strcmp(verdict->conclusion, "failure") == 0);
		return 0;
	}
	*ret = r->difference != NULL || r->state == RUN_FAILED;
	if (strcmp(mode, "changes") != 0 || r->state == RUN_FAILED)
		return 0;
	return changes_something(a, r, verdict, ret, e);
}

/* What a report begins with (report/view.c), by which it is found again and told from other replies of ours. Without the repository's
 * name behind it, which may change. */
static const char *
marker_of(const struct report_comment *rec)
{
	static const char marker[] = "<!-- ekaci:report ";

	return str_starts(str_of(rec->body), str_of(marker)) ? marker : "";
}

/* A comment notifies people once, when it is posted: so it is posted when there is something to say. Later it is
 * edited, also to say that there is nothing, and whatever the settings have become: it must not be left false. */
static int
want_comment(struct reports *rs, struct arena *a, const struct run *r, const struct desired_repository *to,
    const struct report_comment *rec, const struct said *said, struct err *e)
{
	bool something = false, there = false;

	if (r->state < RUN_DIFFED)
		return 0;
	if (is_worth_a_comment(a, r, said, &something, e) != 0)
		return -1;
	if (!something && store_comment_wanted(rs->p.store, r->repository, r->number, &there, e) != 0)
		return -1;
	if (!something && !there)
		return 0;
	if (r->ended != 0)
		return store_want_last_comment(rs->p.store, to, r->number, marker_of(rec), str_of(rec->body), e);
	return store_want_comment(rs->p.store, to, r->number, marker_of(rec), str_of(rec->body), e);
}

static void
log_verdict(struct reports *rs, const struct run *r, const struct report_verdict *rec)
{
	struct arena a = {0};
	struct repository repo = {0};
	struct err e;

	if (store_repository_get(rs->p.store, &a, r->repository, &repo, &e) == 0)
		log_event(LOG_INFO, "verdict", LOG_NUMBER("run", r->id),
		    LOG_TEXT("repo", arena_printf(&a, "%s/%s", repo.owner, repo.name)),
		    LOG_TEXT("of", flow_whose(&a, r->number)), LOG_TEXT("head", r->head), LOG_TEXT("verdict", rec->conclusion),
		    LOG_TEXT("title", rec->title),
		    LOG_MS("duration_s", (r->ended > 0 ? r->ended : clock_now_ms()) - r->created));
	arena_release(&a);
}

static int
want_verdict(struct reports *rs, const struct run *r, const struct report_verdict *rec, struct err *e)
{
	if (rec->conclusion != NULL && !str_same(rec->conclusion, r->verdict))
		log_verdict(rs, r, rec);
	if (store_run_set(rs->p.store, r->id, "title", rec->title, e) != 0)
		return -1;
	return store_run_set(rs->p.store, r->id, "verdict", rec->conclusion, e);
}

static int
want_labels(struct reports *rs, const struct run *r, const struct desired_repository *to, const struct report_labels *rec,
    const struct said *said, struct err *e)
{
	const struct wish_labels wanted = {.number = r->number, .wanted = rec->wanted, .known = rec->known};

	return said->how != NULL && said->how->labels ? store_want_labels(rs->p.store, to, &wanted, e) : 0;
}

/* A login, as forges have them: what a maintainer is called elsewhere is not one. */
static bool
is_login(const char *s)
{
	size_t n = strlen(s);

	return n > 0 && n <= EVENT_MAX_NAME &&
	       strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_") == n;
}

/* People are bothered when there is something good for them to look at: it is done, nobody has to approve it, and nothing newly fails. */
static int
want_reviewers(struct reports *rs, struct arena *a, const struct run *r, const struct desired_repository *to,
    const struct report_reviewers *rec, const struct said *said, struct err *e)
{
	struct wish_reviewers wanted = {.number = r->number, .max = said->how != NULL ? said->how->review_requests : 0};
	struct pull_request pr;

	if (wanted.max == 0 || rec->roots > rs->p.settings->report.review_max_roots || r->state != RUN_DONE ||
	    r->held != NULL || said->verdict == NULL || said->verdict->exit != 0)
		return 0;
	int rc = store_pull_get(rs->p.store, a, r->repository, r->number, &pr, e);
	if (rc != 0 || !pr.open || pr.draft || strcmp(pr.head, r->head) != 0)
		return rc < 0 ? -1 : 0;
	for (size_t i = 0; i < rec->logins.n; i++)
		if (is_login(rec->logins.p[i]) && (pr.author == NULL || strcasecmp(pr.author, rec->logins.p[i]) != 0))
			list_add(a, &wanted.logins, rec->logins.p[i]);
	return wanted.logins.n > 0 ? store_want_reviewers(rs->p.store, to, &wanted, e) : 0;
}

static int
want_one(struct reports *rs, struct arena *a, const struct run *r, const struct repository *repo, bool newest,
    const struct record *rec, const struct said *said, struct err *e)
{
	const struct desired_repository at = {repo->installation, repo->id, repo->owner, repo->name}, *to = &at;

	if (rec->of == &check_run_fields)
		return want_check(rs, a, r, repo, to, rec->is, e);
	if (rec->of == &report_verdict_fields)
		return want_verdict(rs, r, rec->is, e);
	/* What belongs to the pull request as a whole is its newest run's to say; a branch and the merge queue have checks only. */
	if (!newest || r->number <= 0)
		return 0;
	if (rec->of == &report_comment_fields)
		return want_comment(rs, a, r, to, rec->is, said, e);
	if (rec->of == &report_reviewers_fields)
		return want_reviewers(rs, a, r, to, rec->is, said, e);
	return rec->of == &report_labels_fields ? want_labels(rs, r, to, rec->is, said, e) : 0;
}

/* Checks of attributes of which this report says nothing, though it would if there were something to say. */
static int
leave_attributes(struct reports *rs, struct arena *a, const struct paced *p, const struct run *r, const struct repository *repo,
    struct err *e)
{
	const struct desired_repository to = {repo->installation, repo->id, repo->owner, repo->name};
	bool stopped = r->state == RUN_SUPERSEDED || r->state == RUN_CANCELLED;
	const struct wish_check last = {.conclusion = stopped ? "cancelled" : "neutral",
	    .title = r->state == RUN_SUPERSEDED ? "superseded by a newer push"
	             : stopped                  ? "cancelled"
	                                        : STANDING_NO_MORE,
	    .summary = stopped ? "What it was for is not built any more." : STANDING_NO_MORE_WORDS,
	    .details_url = page_of(rs, a, r, repo),
	    .started_at = r->created};
	struct texts told = {0};

	if (r->ended == 0 && (r->state < RUN_BUILDING || p->plainly))
		return 0;
	for (size_t i = 0; i < p->records.n; i++)
		if (p->records.p[i].of == &check_run_fields)
			list_add(a, &told, ((const struct check_run *)p->records.p[i].is)->name);
	const struct standing_last is = {r->id, r->head, &told, !stopped && !p->plainly, &last};
	return standing_left(&rs->p, &to, &is, e);
}

static int
apply(struct reports *rs, struct arena *a, const struct paced *p, struct err *e)
{
	const struct records all = {p->records.p, p->records.n};
	const struct said said = {record_find(&all, &report_verdict_fields), record_find(&all, &report_how_fields)};
	struct run r, newest;
	struct repository repo;
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
	for (size_t i = 0; i < p->records.n && rc == 0 && !hidden; i++)
		rc = want_one(rs, a, &r, &repo, is_newest, &p->records.p[i], &said, e);
	if (rc == 0 && !hidden && p->news)
		rc = store_check_news(rs->p.store, r.repository, r.head, "ekaci / evaluation", e);
	if (rc == 0 && !hidden)
		rc = leave_attributes(rs, a, p, &r, &repo, e);
	return store_end(rs->p.store, rc, e);
}

/* --- making one --------------------------------------------------------------------------------------------------- */

static void
on_record(void *ctx, struct str line)
{
	struct paced *p = ctx;
	struct record rec;

	if (record_read(&p->said, line, &rec, &p->why) == 0)
		vec_push(&p->records, rec);
	else
		p->broken = true;
}

/* A report that cannot be made must not keep a check open: say so in plain words instead. */
static void
say_plainly(struct paced *p, const struct err *why)
{
	static const char *const names[] = {"ekaci / evaluation", "ekaci / rebuilds"};
	const char *summary = fields_clean(&p->said, str_of(why->msg));

	p->records.n = 0;
	p->plainly = true;
	for (size_t i = 0; i < COUNT(names); i++) {
		const struct check_run check = {.name = names[i],
		    .status = "completed",
		    .conclusion = "failure",
		    .title = "The report could not be made",
		    .summary = summary};
		const struct record rec = {&check_run_fields, arena_dup(&p->said, &check, sizeof(check))};
		vec_push(&p->records, rec);
	}
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
	const struct err *why = end->kind == ERR_NONE && p->broken ? &p->why : end;
	if (end->kind == ERR_SYSTEM && ++p->deaths < MAX_DEATHS) {
		log_err(LOG_WARN, "report", end);
		loop_timer_set(rs->timer, RETRY_MS);
		return;
	}
	p->deaths = 0;
	if (why->kind != ERR_NONE) {
		log_err(LOG_ERROR, "report", why);
		say_plainly(p, why);
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
describe(struct reports *rs, struct arena *a, const struct run *r, const struct repository *repo, struct run_told *ret,
    struct err *e)
{
	struct pull_request pr = {0};

	if (store_pull_get(rs->p.store, a, r->repository, r->number, &pr, e) < 0)
		return -1;
	*ret = (struct run_told){.id = r->id,
	    .url = page_of(rs, a, r, repo),
	    .base_url = web_url(rs->p.web),
	    .repo = arena_printf(a, "%s/%s", repo->owner, repo->name),
	    .number = r->number,
	    .head = r->head,
	    .title = pr.title,
	    .reason = r->reason,
	    .state = run_state_name(r->state),
	    .base_ref = r->base_ref,
	    .superseded_by = r->superseded_by,
	    .created = r->created,
	    .ended = r->ended};
	return 0;
}

/* Logs are shown by address, never by file. */
static void
link_logs(struct reports *rs, struct arena *a, const struct repository *repo, int64_t number, struct builds_told *builds)
{
	for (size_t i = 0; i < builds->n; i++) {
		struct build_told *b = &builds->p[i].told;
		const char *stem = stem_of(a, builds->p[i].drv, true);
		if (b->log != NULL && stem != NULL)
			b->log_url = web_link(a, rs->p.web, repo, number, "/log/%s", stem);
		b->log = NULL;
	}
}

static void
note_drvs(const struct builds_told *builds, struct map *ret)
{
	for (size_t i = 0; i < builds->n; i++)
		(void)map_add(ret, str_of(builds->p[i].drv), NULL);
}

/* The packages with sizes get page_url, where what was built and its log are shown; a derivation this run has not asked for
 * has no page that its readers may see. */
static int
link_packages(struct reports *rs, struct arena *a, const struct repository *repo, const struct run *r,
    const struct builds_told *builds, const char **ret, struct err *e)
{
	struct query query;
	struct map asked = {0};
	char *line;

	if (r->query == NULL)
		return 0;
	if (fields_read(&query_fields, a, str_of(r->query), "query", &query, e) != 0)
		return -1;
	if (query.sizes == NULL)
		return 0;
	note_drvs(builds, &asked);
	for (size_t i = 0; i < query.sizes->packages.n; i++) {
		struct package_sizes *p = &query.sizes->packages.p[i];
		const char *stem = stem_of(a, p->drv, false);
		if (stem != NULL && map_get(&asked, str_of(p->drv)) != NULL)
			p->page_url = web_link(a, rs->p.web, repo, r->number, "/drv/%s", stem);
	}
	map_release(&asked);
	int rc = fields_line(&query_fields, a, &query, &line, e);
	if (rc == 0)
		*ret = line;
	return rc;
}

static struct texts
formats_of(struct arena *a, const struct run *r)
{
	static const char *const all[] = {"page", "failures", "checks", "how", "comment", "labels", "markdown", "json",
	    "changed-paths", "reviewers"};
	enum { WHILE_IT_RUNS = 6 };
	struct texts ret = {arena_dup(a, all, sizeof(all)), r->ended != 0 ? COUNT(all) : WHILE_IT_RUNS};

	return ret;
}

/* Which builds there are is known when the store was asked. */
static int
tell_builds(struct reports *rs, struct arena *a, const struct run *r, const struct repository *repo, struct report_job *ret,
    struct err *e)
{
	struct builds_told builds = {0};

	if (r->state >= RUN_QUERIED && store_run_builds(rs->p.store, a, r->id, &builds, e) != 0)
		return -1;
	link_logs(rs, a, repo, r->number, &builds);
	if (r->state >= RUN_QUERIED && jobs_builds(a, &builds, &ret->builds, e) != 0)
		return -1;
	return link_packages(rs, a, repo, r, &builds, &ret->query, e);
}

/* What a check of an attribute costs: it is made, and concluded. Those that a run has are concluded in any case. */
static int
room_for_attributes(struct reports *rs, const struct run *r, const struct repository *repo, int64_t *ret, struct err *e)
{
	enum { WHOLES = 2, WRITES = 2 };
	int64_t has = 0, room = send_room(rs->p.sender, repo->installation) / WRITES;

	if (store_run_checks(rs->p.store, r->id, &has, e) != 0)
		return -1;
	*ret = has > WHOLES || room > REPORT_MAX_ATTRIBUTE_CHECKS ? REPORT_MAX_ATTRIBUTE_CHECKS : room;
	return 0;
}

static int
make_job(struct reports *rs, struct arena *a, const struct run *r, const struct paced *p, struct report_job *ret, struct err *e)
{
	const struct settings *c = rs->p.settings;
	struct jobs_telling how = {.told_as = &run_told_fields, .merged = true, .formats = formats_of(a, r)};
	struct repository repo;

	if (store_repository_get(rs->p.store, a, r->repository, &repo, e) != 0 ||
	    describe(rs, a, r, &repo, &how.told, e) != 0 || jobs_report(a, c, r, &how, ret, e) != 0 ||
	    tell_builds(rs, a, r, &repo, ret, e) != 0 ||
	    room_for_attributes(rs, r, &repo, &ret->settings.attribute_room, e) != 0)
		return -1;
	ret->git_dir = arena_printf(a, "%s/mirrors/%" PRId64 ".git", c->state.dir, r->repository);
	ret->documents_dir = arena_printf(a, "%s/runs/%" PRId64, c->state.dir, r->id);
	ret->progress = p->progress;
	if (r->state == RUN_BUILDING || r->state == RUN_JUDGING)
		ret->stalled = capacity_no_room(a, c);
	/* Builds that are switched off wait for nobody, nor does a branch. */
	bool held = r->held != NULL && r->number != RUN_OF_BRANCH && (c->build.enabled || r->difference == NULL);
	ret->wide = held && r->wide;
	ret->waiting = held && !r->wide;
	return 0;
}

static int
begin(struct reports *rs, struct arena *a, const struct run *r, struct paced *p, struct err *e)
{
	struct worker_events events = {on_record, on_end, p};
	struct report_job job;
	struct worker *w;
	char *line;

	if (make_job(rs, a, r, p, &job, e) != 0 || fields_line(&report_job_fields, a, &job, &line, e) != 0 ||
	    files_mkdirs(job.documents_dir, 0750, e) != 0)
		return -1;
	p->records.n = 0;
	arena_clear(&p->said);
	p->broken = p->plainly = false;
	p->change = r->changes;
	p->news = r->first != NULL && !p->told_first;
	p->told_first = r->first != NULL;
	if (worker_start(rs->p.loop, "report", str_of(line), &events, &w, e) != 0)
		return -1;
	p->busy = true;
	rs->busy++;
	return 0;
}

/* What a run has to say: nothing while it is not known whether its repository is one of Nix, unless that is known of the branch
 * that it is for; and nothing ever when it is none, unless something was said before that was known. What was stopped because
 * nothing may be written there is made anew, and goes on in the checks that it has. */
enum telling { TELL, TELL_LATER, TELL_NOTHING };

static int
telling_of(struct reports *rs, struct arena *a, const struct run *r, enum telling *ret, struct err *e)
{
	struct repository repo;
	int64_t told = 0;
	bool is_nix = false;

	*ret = TELL;
	if (store_repository_get(rs->p.store, a, r->repository, &repo, e) != 0)
		return -1;
	if (r->stopped && !repo.served)
		*ret = TELL_NOTHING;
	if (*ret != TELL || r->nix == RUN_NIX)
		return 0;
	if (store_run_checks(rs->p.store, r->id, &told, e) != 0 || told > 0)
		return told > 0 ? 0 : -1;
	/* A branch's own head is known as soon as it is read. */
	if (r->nix == RUN_NIX_UNKNOWN && r->number != RUN_OF_BRANCH &&
	    store_branch_is_nix(rs->p.store, r->repository, r->base_ref, &is_nix, e) != 0)
		return -1;
	if (!is_nix)
		*ret = r->nix == RUN_NIX_NONE || r->ended != 0 ? TELL_NOTHING : TELL_LATER;
	return 0;
}

/* Who else has the commit waited for it. */
static int
tell_nothing(struct reports *rs, struct arena *a, const struct run *r, struct err *e)
{
	struct repository repo;

	if (store_repository_get(rs->p.store, a, r->repository, &repo, e) != 0 || store_begin(rs->p.store, e) != 0)
		return -1;
	const struct desired_repository to = {repo.installation, repo.id, repo.owner, repo.name};
	int rc = store_run_reported(rs->p.store, r->id, r->changes, e);
	if (rc == 0)
		rc = standing_changed(&rs->p, &to, r->head, e);
	return store_end(rs->p.store, rc, e);
}

/* Begins the report of one run; when it is too early, *wake is when it is not. */
static int
look_at(struct reports *rs, struct arena *a, const struct run *r, struct paced *p, int64_t *wake, struct err *e)
{
	int64_t now = clock_mono_ms();
	int64_t due = p->last_ms != 0 ? p->last_ms + PACE_MS : now + r->created + FIRST_MS - clock_now_ms();
	enum telling telling;

	if (r->first != NULL && !p->told_first)
		due = now;
	if (telling_of(rs, a, r, &telling, e) != 0)
		return -1;
	if (telling == TELL_NOTHING)
		return tell_nothing(rs, a, r, e);
	if (telling == TELL_LATER)
		return 0;
	if (due > now && r->ended == 0) {
		*wake = due < *wake ? due : *wake;
		return 0;
	}
	return begin(rs, a, r, p, e);
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
		if (got && look_at(rs, &a, &r, p, &wake, &e) != 0) {
			log_err(LOG_ERROR, "report", &e);
			wake = now + RETRY_MS;
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

	arena_clear(&p->heard);
	p->progress = progress_copy(&p->heard, is);
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
