/* The pages: rows become the data of templates. */
#include "web/pages.h"

#include "records/build_state.h"
#include "records/difference.h"
#include "records/failure.h"
#include "store/desired.h"
#include "store/overview.h"
#include "store/run.h"
#include "support/base/clock.h"
#include "support/os/files.h"
#include "support/text/template.h"
#include "web/page_data.h"
#include "web/show.h"

#include <openssl/evp.h>
#include <openssl/sha.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

enum {
	MAX_RUNS = 50,    /* of a list */
	HASH_PREFIX = 33, /* of the name of a store path: the hash and a dash */
	MAX_WANTS = 200
};

const char *
page_utc(struct arena *a, int64_t ms)
{
	time_t t = (time_t)(ms / 1000);
	struct tm tm;
	char text[64];

	if (ms <= 0 || gmtime_r(&t, &tm) == NULL || strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S UTC", &tm) == 0)
		return "";
	return arena_strdup(a, text);
}

const char *
page_duration(struct arena *a, int64_t ms)
{
	long long s = (long long)(ms / 1000);

	if (ms <= 0)
		return "";
	if (s < 60)
		return arena_printf(a, "%lld.%lld s", s, (long long)(ms % 1000) / 100);
	if (s < 3600)
		return arena_printf(a, "%lld min %lld s", s / 60, s % 60);
	return arena_printf(a, "%lld h %lld min", s / 3600, s % 3600 / 60);
}

/* What is not there is empty, so that a template does not look for it further out: a build has its own reason, or none,
 * never the run's. */
void
page_set(struct values *o, const char *key, const char *value)
{
	values_text(o, key, value != NULL ? fields_clean(o->a, str_of(value)) : "");
}

/* Colours: what kind of news a word is. */
const char *
page_tone(const char *word)
{
	static const struct {
		const char *word, *tone;
	} tones[] = {{"success", "good"}, {"failure", "bad"}, {"failed", "bad"}, {"action_required", "warn"}};

	for (size_t i = 0; word != NULL && i < COUNT(tones); i++)
		if (strcmp(tones[i].word, word) == 0)
			return tones[i].tone;
	return "calm";
}

/* "timed_out" and "EVALUATED" as people write them. */
const char *
page_words(struct arena *a, const char *s)
{
	char *t = arena_strdup(a, s != NULL ? s : "");

	for (char *c = t; *c != '\0'; c++)
		*c = *c == '_' ? ' ' : *c >= 'A' && *c <= 'Z' ? (char)(*c + 32) : *c;
	return t;
}

/* Behind the address of what belongs to a pull request: its key, where one is needed. */
const char *
page_suffix(struct page *p, const struct view_repository *repo, int64_t number)
{
	const struct link_of of = {repo->id, repo->links, number};

	return repo->private ? link_suffix(p->a, p->w->links, &of) : "";
}

static bool
may_see_of(struct page *p, const struct view_repository *repo, int64_t number)
{
	const struct link_of of = {repo->id, repo->links, number};

	return !repo->gone && (!repo->private || p->token != NULL || link_ok(p->w->links, &of, p->key));
}

static const char *
page_path(struct arena *a, struct page *p, const struct view_run *r, const char *path)
{
	return arena_printf(a, "%s%s", path, page_suffix(p, &r->repository, r->number));
}

bool
page_may_see(struct page *p, const struct view_run *r)
{
	return may_see_of(p, &r->repository, r->number);
}

/* What the run is of: a pull request, also in the merge queue, or a branch by itself. */
const char *
page_run_of(struct arena *a, const struct view_run *r)
{
	if (r->number == RUN_OF_BRANCH)
		return r->base_ref;
	return r->number > 0 ? arena_printf(a, "#%lld", (long long)r->number)
	                     : arena_printf(a, "#%lld in the merge queue", (long long)-r->number);
}

/* Where a run has failed, and why. */
static void
set_failure(struct values *o, const char *text)
{
	struct run_failure failure = {0};
	struct err e;

	bool unread = text != NULL && fields_read(&run_failure_fields, o->a, str_of(text), "failure", &failure, &e) != 0;
	page_set(o, "failure_stage", failure.stage);
	page_set(o, "failure_message", unread ? "no reason was recorded" : failure.message);
}

struct values *
page_run_data(struct page *p, const struct view_run *r)
{
	struct arena *a = p->a;
	struct values *o = values_new(a);

	values_number(o, "id", r->id);
	values_number(o, "number", r->number);
	page_set(o, "of", page_run_of(a, r));
	page_set(o, "owner", r->repository.owner);
	page_set(o, "repo", r->repository.name);
	page_set(o, "run_path", page_path(a, p, r, arena_printf(a, "/run/%lld", (long long)r->id)));
	const char *pull = arena_printf(a, "/%s/%s/pull/%lld", r->repository.owner, r->repository.name, (long long)r->number);
	/* Of a private repository only what belongs to a pull request has a key. */
	const char *repository =
	    r->repository.private ? "" : arena_printf(a, "/%s/%s", r->repository.owner, r->repository.name);
	page_set(o, "repository_path", repository);
	page_set(o, "pull_path", r->number > 0 ? page_path(a, p, r, pull) : r->repository.private ? "/" : repository);
	page_set(o, "pull_url", p->w->forge->pull_url(a, r->repository.clone_url, r->number));
	page_set(o, "pr_title", r->pr_title);
	page_set(o, "author", r->author);
	page_set(o, "head", r->head);
	page_set(o, "head_short", arena_strn(a, r->head, strnlen(r->head, 10)));
	page_set(o, "base_ref", r->base_ref);
	page_set(o, "base_short", r->base != NULL ? arena_strn(a, r->base, strnlen(r->base, 10)) : NULL);
	page_set(o, "state", page_words(a, r->state));
	page_set(o, "verdict", r->verdict != NULL ? page_words(a, r->verdict) : NULL);
	page_set(o, "tone", page_tone(r->verdict != NULL ? r->verdict : r->state));
	page_set(o, "word", page_words(a, r->verdict != NULL ? r->verdict : r->state));
	page_set(o, "result", r->title);
	page_set(o, "reason", r->reason);
	page_set(o, "waiting", r->waiting);
	page_set(o, "created", page_utc(a, r->created_ms));
	page_set(o, "ended", page_utc(a, r->ended_ms));
	page_set(o, "took", page_duration(a, (r->ended_ms != 0 ? r->ended_ms : clock_now_ms()) - r->created_ms));
	values_flag(o, "fork", r->fork);
	const char *newer = arena_printf(a, "/run/%lld", (long long)r->superseded_by);
	page_set(o, "newer_path", r->superseded_by != 0 ? page_path(a, p, r, newer) : NULL);
	page_set(o, "head_url", p->w->forge->commit_url(a, r->repository.clone_url, r->head));
	page_set(o, "base_url", p->w->forge->commit_url(a, r->repository.clone_url, r->base));
	set_failure(o, r->failure);
	return o;
}

struct value_list *
page_runs_data(struct page *p, const struct view_run *runs, size_t n)
{
	struct value_list *list = value_list_new(p->a);

	for (size_t i = 0; i < n; i++)
		value_list_group(list, page_run_data(p, &runs[i]));
	return list;
}

/* As if it were not there; whoever once had a link is told that it was revoked. */
static int
hidden(struct page *p, const struct view_repository *repo, int64_t number, struct err *e)
{
	return show_was_revoked(p, repo, number) ? fail(e, ERR_DENIED, "the link was revoked")
	                                         : fail(e, ERR_ABSENT, "not there");
}

int
may_see_pull(struct page *p, struct err *e)
{
	struct view_repository repo;
	int64_t number;

	if (str_to_i64(page_without_ending(p, p->params[2]), &number) != 0 || number <= 0)
		return fail(e, ERR_ABSENT, "no such pull request");
	if (view_repository(p->w->s, p->a, str_dup(p->a, p->params[0]), str_dup(p->a, p->params[1]), &repo, e) != 0 ||
	    view_runs_of(p->w->s, p->a, repo.id, number, MAX_RUNS, &p->runs, &p->n_runs, e) != 0)
		return -1;
	if (p->n_runs > 0 && page_may_see(p, &p->runs[0]))
		return 0;
	return hidden(p, &repo, number, e);
}

int
may_see_run(struct page *p, struct err *e)
{
	int64_t id;

	if (str_to_i64(page_without_ending(p, p->params[0]), &id) != 0)
		return fail(e, ERR_ABSENT, "no such run");
	p->runs = arena_alloc(p->a, sizeof(*p->runs));
	p->n_runs = 1;
	if (view_run(p->w->s, p->a, id, &p->runs[0], e) != 0)
		return -1;
	return page_may_see(p, &p->runs[0]) ? 0 : hidden(p, &p->runs[0].repository, p->runs[0].number, e);
}

/* "/nix/store/HASH-NAME.drv" as it stands in addresses: HASH-NAME. */
const char *
page_drv_stem(struct arena *a, const char *drv)
{
	const char *slash = strrchr(drv, '/');
	struct str s = str_of(slash != NULL ? slash + 1 : drv);

	if (str_ends(s, STR(".drv")))
		s.n -= 4;
	return str_dup(a, s);
}

struct values *
page_build_data(struct page *p, const struct view_build *b, const char *suffix)
{
	struct arena *a = p->a;
	const char *stem = page_drv_stem(a, b->drv);
	struct values *o = values_new(a);

	page_set(o, "drv", b->drv);
	page_set(o, "name", b->name);
	page_set(o, "system", b->system);
	page_set(o, "state", page_words(a, b->state));
	page_set(o, "tone", build_state_tone(build_state_of(b->state)));
	page_set(o, "reason", b->reason);
	page_set(o, "builder", b->builder);
	page_set(o, "tail", b->tail);
	page_set(o, "drv_path", arena_printf(a, "/drv/%s%s", escape_dup(a, ESCAPE_URL, str_of(stem)), suffix));
	bool has_log = b->log != NULL || b->tail != NULL || build_state_of(b->state) == BUILD_BUILDING;
	const char *log_path = arena_printf(a, "/log/%s%s", escape_dup(a, ESCAPE_URL, str_of(stem)), suffix);
	page_set(o, "log_path", has_log ? log_path : NULL);
	const char *from = b->propagated_from != NULL ? page_drv_stem(a, b->propagated_from) : "";
	page_set(o, "from", strlen(from) > HASH_PREFIX ? from + HASH_PREFIX : from);
	page_set(o, "from_path", arena_printf(a, "/drv/%s%s", escape_dup(a, ESCAPE_URL, str_of(from)), suffix));
	page_set(o, "took", page_duration(a, b->wall_ms));
	page_set(o, "started", page_utc(a, b->started_ms));
	page_set(o, "ended", page_utc(a, b->ended_ms));
	values_number(o, "attempts", b->attempts);
	return o;
}

static void
add_figure(struct value_list *list, int64_t n, const char *one, const char *many)
{
	if (n <= 0)
		return;
	struct values *figure = values_new(list->a);
	values_text(figure, "what", n == 1 ? one : many);
	values_number(figure, "n", n);
	value_list_group(list, figure);
}

static void
add_class(struct value_list *list, const struct class_counts *counts, enum attr_class class)
{
	add_figure(list, counts->of[class], class_words[class].figure, class_words[class].figures);
}

/* Counts of a difference, without what is zero; what is rebuilt comes first. */
struct value_list *
page_counts_data(struct arena *a, const char *text)
{
	struct value_list *list = value_list_new(a);
	struct difference_counts counts;
	struct err e;

	if (text == NULL || fields_read(&difference_counts_fields, a, str_of(text), "counts", &counts, &e) != 0)
		return list;
	const struct class_counts *total = &counts.total;
	add_class(list, total, CLASS_REBUILD);
	add_figure(list, total->rebuild_derivations, "derivation to build", "derivations to build");
	for (int class = 0; class < CLASSES; class ++)
		if (class != CLASS_REBUILD)
			add_class(list, total, class);
	add_figure(list, total->changed_drv_paths, "derivation differs", "derivations differ");
	add_figure(list, total->aliases, "alias, not counted", "aliases, not counted");
	return list;
}

/* A derivation may be called "x.json": it is looked for as it stands first, and without the ending then. */
static int
find_build(struct page *p, struct err *e)
{
	for (int bare = 0; bare < 2; bare++) {
		struct str stem = bare ? page_without_ending(p, p->params[0]) : p->params[0];
		if (str_ends(stem, STR(".drv")))
			stem.n -= 4;
		const char *drv = arena_printf(p->a, "%s/" STR_FMT ".drv", p->w->store_dir, STR_ARG(stem));
		if (view_build(p->w->s, p->a, drv, &p->build, e) == 0)
			return 0;
		if (e->kind != ERR_ABSENT)
			return -1;
	}
	return -1;
}

int
may_see_build(struct page *p, struct err *e)
{
	const struct view_run *revoked = NULL;
	size_t n;

	if (find_build(p, e) != 0 || view_build_runs(p->w->s, p->a, p->build.id, MAX_WANTS, &p->runs, &n, e) != 0)
		return -1;
	for (size_t i = 0; i < n; i++) {
		if (show_was_revoked(p, &p->runs[i].repository, p->runs[i].number))
			revoked = &p->runs[i];
		if (page_may_see(p, &p->runs[i]))
			p->runs[p->n_runs++] = p->runs[i];
	}
	if (p->n_runs > 0)
		return 0;
	return revoked != NULL ? fail(e, ERR_DENIED, "the link was revoked") : fail(e, ERR_ABSENT, "no such build");
}

int
may_see_repository(struct page *p, struct err *e)
{
	const char *owner = str_dup(p->a, p->params[0]), *name = str_dup(p->a, p->params[1]);

	/* A repository, too, may be called "x.json". */
	if (view_repository(p->w->s, p->a, owner, name, &p->repository, e) != 0) {
		name = str_dup(p->a, page_without_ending(p, p->params[1]));
		if (e->kind != ERR_ABSENT || view_repository(p->w->s, p->a, owner, name, &p->repository, e) != 0)
			return -1;
	}
	return may_see_of(p, &p->repository, 0) ? 0 : hidden(p, &p->repository, 0, e);
}

int
page_badge(struct page *p, struct err *e)
{
	const char *verdict;

	if (view_branch_verdict(p->w->s, p->a, p->repository.id, p->repository.default_branch, &verdict, e) != 0)
		return -1;
	p->type = "image/svg+xml";
	p->cache = "no-cache, max-age=60";
	struct values *data = values_new(p->a);
	page_set(data, "word", verdict != NULL ? page_words(p->a, verdict) : "no runs yet");
	page_set(data, "colour",
	    verdict == NULL                           ? "#6e7781"
	    : strcmp(page_tone(verdict), "good") == 0 ? "#1a7f37"
	    : strcmp(page_tone(verdict), "bad") == 0  ? "#b42318"
	                                              : "#8a5a00");
	return template_render("badge.svg.html", data, &p->body, e);
}

/* What pages are shown with, by its own address. */
int
page_asset(struct page *p, struct err *e)
{
	static const struct {
		const char *path, *file, *type;
	} assets[] = {
	    {"/style.css", "style.css", "text/css; charset=utf-8"},
	    {"/run.js", "run.js", "text/javascript; charset=utf-8"},
	    {"/log.js", "log.js", "text/javascript; charset=utf-8"},
	    {"/favicon.svg", "favicon.svg", "image/svg+xml"},
	    {"/favicon.ico", "favicon.svg", "image/svg+xml"},
	    {"/openapi.json", "openapi.json", "application/json"},
	    {"/llms.txt", "llms.txt", "text/plain; charset=utf-8"},
	};

	for (size_t i = 0; i < COUNT(assets); i++) {
		struct str text = {NULL, 0};
		if (strcmp(p->pattern, assets[i].path) == 0)
			text = template_find(assets[i].file);
		if (text.p == NULL)
			continue;
		p->type = assets[i].type;
		p->cache = "no-cache"; /* and an ETag: a new version of the program is seen at once */
		buf_str(&p->body, text);
		return 0;
	}
	return fail(e, ERR_BUG, "%s is not there", p->pattern);
}

int
page_health(struct page *p, struct err *e)
{
	(void)e;
	p->type = "text/plain; charset=utf-8";
	p->cache = "no-store";
	buf_puts(&p->body, "ok\n");
	return 0;
}

int
page_ready(struct page *p, struct err *e)
{
	struct desired_figures waits;
	struct view_count *rows;
	const char *why = NULL;
	size_t n;

	if (view_counts(p->w->s, p->a, VIEW_NEW_DELIVERIES, &rows, &n, e) != 0)
		why = "the database cannot be read";
	else if (p->w->not_ready != NULL)
		why = p->w->not_ready(p->w->hooks_ctx);
	p->type = "text/plain; charset=utf-8";
	p->cache = "no-store";
	p->status = why != NULL ? 503 : 200;
	buf_printf(&p->body, "%s\n", why != NULL ? why : "ready");
	/* Others may read this: which repository's it is, and why, says `ekaci status`. */
	if (why == NULL && store_desired_figures(p->w->s, &waits, e) == 0 && waits.parked > 0)
		buf_printf(&p->body, "parked, because the forge refuses it: %" PRId64 " (see ekaci status)\n", waits.parked);
	if (why == NULL && p->w->troubles != NULL)
		p->w->troubles(p->w->hooks_ctx, &p->body);
	return 0;
}
