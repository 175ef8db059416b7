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

#include <openssl/evp.h>
#include <openssl/sha.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

enum {
	MAX_RUNS = 50, /* of a list */
	MAX_EVENTS = 200,
	HASH_PREFIX = 33, /* of the name of a store path: the hash and a dash */
	MAX_BUILDS = 500, /* of a run's page; the rest is counted */
	MAX_WANTS = 200
};

static const char *
utc(struct arena *a, int64_t ms)
{
	time_t t = (time_t)(ms / 1000);
	struct tm tm;
	char text[64];

	if (ms <= 0 || gmtime_r(&t, &tm) == NULL || strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S UTC", &tm) == 0)
		return "";
	return arena_strdup(a, text);
}

static const char *
duration(struct arena *a, int64_t ms)
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
static void
set(struct values *o, const char *key, const char *value)
{
	values_text(o, key, value != NULL ? fields_clean(o->a, str_of(value)) : "");
}

/* Colours: what kind of news a word is. */
static const char *
tone(const char *word)
{
	static const struct {
		const char *word, *tone;
	} tones[] = {{"success", "good"}, {"failure", "bad"}, {"FAILED", "bad"}, {"action_required", "warn"}};

	for (size_t i = 0; word != NULL && i < COUNT(tones); i++)
		if (strcmp(tones[i].word, word) == 0)
			return tones[i].tone;
	return "calm";
}

/* "timed_out" and "EVALUATED" as people write them. */
static const char *
words(struct arena *a, const char *s)
{
	char *t = arena_strdup(a, s != NULL ? s : "");

	for (char *c = t; *c != '\0'; c++)
		*c = *c == '_' ? ' ' : *c >= 'A' && *c <= 'Z' ? (char)(*c + 32) : *c;
	return t;
}

/* Behind the address of what belongs to a pull request: its key, where one is needed. */
static const char *
suffix_of(struct page *p, const struct view_repository *repo, int64_t number)
{
	const struct link_of of = {repo->id, repo->links, number};

	return repo->private ? link_suffix(p->a, p->w->links, &of) : "";
}

static bool
may_see_of(struct page *p, const struct view_repository *repo, int64_t number)
{
	const struct link_of of = {repo->id, repo->links, number};

	return !repo->gone && (!repo->private || link_ok(p->w->links, &of, p->key));
}

static const char *
page_path(struct arena *a, struct page *p, const struct view_run *r, const char *path)
{
	return arena_printf(a, "%s%s", path, suffix_of(p, &r->repository, r->number));
}

static bool
may_see(struct page *p, const struct view_run *r)
{
	return may_see_of(p, &r->repository, r->number);
}

/* What the run is of: a pull request, also in the merge queue, or a branch by itself. */
static const char *
run_of(struct arena *a, const struct view_run *r)
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
	set(o, "failure_stage", failure.stage);
	set(o, "failure_message", unread ? "no reason was recorded" : failure.message);
}

static struct values *
run_data(struct page *p, const struct view_run *r)
{
	struct arena *a = p->a;
	struct values *o = values_new(a);

	values_number(o, "id", r->id);
	values_number(o, "number", r->number);
	set(o, "of", run_of(a, r));
	set(o, "owner", r->repository.owner);
	set(o, "repo", r->repository.name);
	set(o, "run_path", page_path(a, p, r, arena_printf(a, "/run/%lld", (long long)r->id)));
	const char *pull = arena_printf(a, "/%s/%s/pull/%lld", r->repository.owner, r->repository.name, (long long)r->number);
	set(o, "pull_path", page_path(a, p, r, r->number > 0 ? pull : "/"));
	set(o, "pull_url", p->w->forge->pull_url(a, r->repository.clone_url, r->number));
	set(o, "pr_title", r->pr_title);
	set(o, "author", r->author);
	set(o, "head", r->head);
	set(o, "head_short", arena_strn(a, r->head, strnlen(r->head, 10)));
	set(o, "base_ref", r->base_ref);
	set(o, "base_short", r->base != NULL ? arena_strn(a, r->base, strnlen(r->base, 10)) : NULL);
	set(o, "state", words(a, r->state));
	set(o, "verdict", r->verdict != NULL ? words(a, r->verdict) : NULL);
	set(o, "tone", tone(r->verdict != NULL ? r->verdict : r->state));
	set(o, "word", words(a, r->verdict != NULL ? r->verdict : r->state));
	set(o, "result", r->title);
	set(o, "reason", r->reason);
	set(o, "waiting", r->waiting);
	set(o, "created", utc(a, r->created_ms));
	set(o, "ended", utc(a, r->ended_ms));
	set(o, "took", duration(a, (r->ended_ms != 0 ? r->ended_ms : clock_now_ms()) - r->created_ms));
	values_flag(o, "fork", r->fork);
	const char *newer = arena_printf(a, "/run/%lld", (long long)r->superseded_by);
	set(o, "newer_path", r->superseded_by != 0 ? page_path(a, p, r, newer) : NULL);
	set_failure(o, r->failure);
	return o;
}

static struct value_list *
runs_data(struct page *p, const struct view_run *runs, size_t n)
{
	struct value_list *list = value_list_new(p->a);

	for (size_t i = 0; i < n; i++)
		value_list_group(list, run_data(p, &runs[i]));
	return list;
}

int
page_index(struct page *p, struct err *e)
{
	struct view_run *runs;
	size_t n;

	if (view_runs_public(p->w->s, p->a, MAX_RUNS, &runs, &n, e) != 0)
		return -1;
	struct values *data = values_new(p->a);
	set(data, "title", "Runs");
	values_list(data, "runs", runs_data(p, runs, n));
	return template_render("index.html", data, &p->body, e);
}

int
may_see_pull(struct page *p, struct err *e)
{
	struct view_repository repo;
	int64_t number;

	if (str_to_i64(p->params[2], &number) != 0 || number <= 0)
		return fail(e, ERR_ABSENT, "no such pull request");
	if (view_repository(p->w->s, p->a, str_dup(p->a, p->params[0]), str_dup(p->a, p->params[1]), &repo, e) != 0 ||
	    view_runs_of(p->w->s, p->a, repo.id, number, MAX_RUNS, &p->runs, &p->n_runs, e) != 0)
		return -1;
	return p->n_runs > 0 && may_see(p, &p->runs[0]) ? 0 : fail(e, ERR_ABSENT, "no such pull request");
}

int
page_pull(struct page *p, struct err *e)
{
	const struct view_run *newest = &p->runs[0];
	struct values *data = run_data(p, newest);

	set(data, "title",
	    arena_printf(p->a, "%s/%s #%lld", newest->repository.owner, newest->repository.name, (long long)newest->number));
	values_list(data, "runs", runs_data(p, p->runs, p->n_runs));
	if (newest->ended_ms == 0)
		p->refresh = "10";
	return template_render("pull.html", data, &p->body, e);
}

int
may_see_run(struct page *p, struct err *e)
{
	int64_t id;

	if (str_to_i64(p->params[0], &id) != 0)
		return fail(e, ERR_ABSENT, "no such run");
	p->runs = arena_alloc(p->a, sizeof(*p->runs));
	p->n_runs = 1;
	if (view_run(p->w->s, p->a, id, &p->runs[0], e) != 0)
		return -1;
	return may_see(p, &p->runs[0]) ? 0 : fail(e, ERR_ABSENT, "no such run");
}

/* "/nix/store/HASH-NAME.drv" as it stands in addresses: HASH-NAME. */
static const char *
drv_stem(struct arena *a, const char *drv)
{
	const char *slash = strrchr(drv, '/');
	struct str s = str_of(slash != NULL ? slash + 1 : drv);

	if (str_ends(s, STR(".drv")))
		s.n -= 4;
	return str_dup(a, s);
}

static struct values *
build_data(struct page *p, const struct view_build *b, const char *suffix)
{
	struct arena *a = p->a;
	const char *stem = drv_stem(a, b->drv);
	struct values *o = values_new(a);

	set(o, "drv", b->drv);
	set(o, "name", b->name);
	set(o, "system", b->system);
	set(o, "state", words(a, b->state));
	set(o, "tone", build_state_tone(build_state_of(b->state)));
	set(o, "reason", b->reason);
	set(o, "tail", b->tail);
	set(o, "drv_path", arena_printf(a, "/drv/%s%s", escape_dup(a, ESCAPE_URL, str_of(stem)), suffix));
	bool has_log = b->log != NULL || b->tail != NULL || build_state_of(b->state) == BUILD_BUILDING;
	const char *log_path = arena_printf(a, "/log/%s%s", escape_dup(a, ESCAPE_URL, str_of(stem)), suffix);
	set(o, "log_path", has_log ? log_path : NULL);
	const char *from = b->propagated_from != NULL ? drv_stem(a, b->propagated_from) : "";
	set(o, "from", strlen(from) > HASH_PREFIX ? from + HASH_PREFIX : from);
	set(o, "from_path", arena_printf(a, "/drv/%s%s", escape_dup(a, ESCAPE_URL, str_of(from)), suffix));
	set(o, "took", duration(a, b->wall_ms));
	set(o, "started", utc(a, b->started_ms));
	set(o, "ended", utc(a, b->ended_ms));
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
static struct value_list *
counts_data(struct arena *a, const char *text)
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

static int
run_lists(struct page *p, const struct view_run *r, struct values *data, struct err *e)
{
	const char *suffix = suffix_of(p, &r->repository, r->number);
	struct view_event *events;
	struct view_build *builds;
	size_t n_events, n_builds;
	int64_t total;

	if (view_run_events(p->w->s, p->a, r->id, MAX_EVENTS, &events, &n_events, e) != 0 ||
	    view_run_builds(p->w->s, p->a, r->id, MAX_BUILDS, &builds, &n_builds, &total, e) != 0)
		return -1;
	struct value_list *list = value_list_new(p->a);
	for (size_t i = 0; i < n_events; i++) {
		struct values *o = values_new(p->a);
		set(o, "at", utc(p->a, events[i].at_ms));
		set(o, "to", words(p->a, events[i].to));
		set(o, "why", events[i].why);
		value_list_group(list, o);
	}
	values_list(data, "events", list);
	list = value_list_new(p->a);
	for (size_t i = 0; i < n_builds; i++)
		value_list_group(list, build_data(p, &builds[i], suffix));
	values_flag(data, "has_builds", n_builds > 0);
	values_list(data, "builds", list);
	values_number(data, "builds_total", total);
	if (total > (int64_t)n_builds)
		values_number(data, "builds_left_out", total - (int64_t)n_builds);
	return 0;
}

/* The documents of a run: STATE/runs/ID/NAME. */
static const struct {
	const char *name, *type;
} run_files[] = {
    {"report.html", "text/html; charset=utf-8"},
    {"report.md", "text/markdown; charset=utf-8"},
    {"report.json", "application/json"},
    {"changed-paths.json", "application/json"},
};

static const char *
run_file(struct page *p, int64_t id, const char *name)
{
	return arena_printf(p->a, "%s/runs/%lld/%s", p->w->state_dir, (long long)id, name);
}

int
page_run(struct page *p, struct err *e)
{
	const struct view_run r = p->runs[0];
	struct values *data = run_data(p, &r);
	struct value_list *documents = value_list_new(p->a);

	set(data, "title",
	    arena_printf(p->a, "%s/%s %s, run %lld", r.repository.owner, r.repository.name, run_of(p->a, &r), (long long)r.id));
	for (size_t i = 0; i < COUNT(run_files); i++) {
		if (!files_exist(run_file(p, r.id, run_files[i].name)))
			continue;
		const char *path =
		    page_path(p->a, p, &r, arena_printf(p->a, "/run/%lld/%s", (long long)r.id, run_files[i].name));
		struct values *document = values_new(p->a);
		set(document, "name", run_files[i].name);
		set(document, "path", path);
		value_list_group(documents, document);
	}
	values_flag(data, "has_documents", documents->n > 0);
	values_list(data, "documents", documents);
	values_list(data, "counts", counts_data(p->a, r.counts));
	if (run_lists(p, &r, data, e) != 0)
		return -1;
	if (r.ended_ms == 0)
		p->refresh = "5";
	return template_render("run.html", data, &p->body, e);
}

/*
 * A document by itself carries its style and its script within it. Of scripts only ours may run, known by its hash as it
 * stands in templates/report.html; it gets no network, no storage and an origin of its own.
 */
static const char *
document_csp(struct arena *a)
{
	struct str script = template_find("report.js");
	unsigned char digest[SHA256_DIGEST_LENGTH], text[64];

	if (script.p == NULL)
		script = STR("");
	const char *inside = arena_printf(a, "\n" STR_FMT "\n", STR_ARG(script));
	SHA256((const unsigned char *)inside, strlen(inside), digest);
	EVP_EncodeBlock(text, digest, sizeof(digest));
	return arena_printf(a,
	    "default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-%s'; base-uri 'none';"
	    " form-action 'none'; frame-ancestors 'none'; sandbox allow-scripts",
	    text);
}

/* libmicrohttpd sends the file from its descriptor, as fast as the reader takes it. */
static int
send_file(struct page *p, const char *path, struct err *e)
{
	AUTO(fd_close) int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;

	if (fd < 0)
		return errno == ENOENT ? fail(e, ERR_ABSENT, "no such document") : fail_sys(e, "%s", path);
	if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))
		return fail(e, ERR_SYSTEM, "%s is no file", path);
	p->response = MHD_create_response_from_fd((size_t)st.st_size, fd);
	if (p->response == NULL)
		return fail(e, ERR_SYSTEM, "libmicrohttpd cannot make a response");
	fd = -1;
	return 0;
}

int
page_run_file(struct page *p, struct err *e)
{
	for (size_t i = 0; i < COUNT(run_files); i++) {
		if (!str_is(p->params[1], run_files[i].name))
			continue;
		p->type = run_files[i].type;
		p->csp = document_csp(p->a);
		return send_file(p, run_file(p, p->runs[0].id, run_files[i].name), e);
	}
	return fail(e, ERR_ABSENT, "no such document");
}

int
may_see_build(struct page *p, struct err *e)
{
	struct str stem = p->params[0];
	size_t n;

	if (str_ends(stem, STR(".drv")))
		stem.n -= 4;
	const char *drv = arena_printf(p->a, "%s/" STR_FMT ".drv", p->w->store_dir, STR_ARG(stem));
	if (view_build(p->w->s, p->a, drv, &p->build, e) != 0 ||
	    view_build_runs(p->w->s, p->a, p->build.id, MAX_WANTS, &p->runs, &n, e) != 0)
		return -1;
	for (size_t i = 0; i < n; i++)
		if (may_see(p, &p->runs[i]))
			p->runs[p->n_runs++] = p->runs[i];
	return p->n_runs > 0 ? 0 : fail(e, ERR_ABSENT, "no such build");
}

int
page_drv(struct page *p, struct err *e)
{
	const char *suffix = "";

	for (size_t i = 0; i < p->n_runs; i++)
		if (p->runs[i].repository.private)
			suffix = suffix_of(p, &p->runs[i].repository, p->runs[i].number);
	struct values *data = build_data(p, &p->build, suffix);
	set(data, "title", p->build.name);
	values_list(data, "runs", runs_data(p, p->runs, p->n_runs));
	return template_render("drv.html", data, &p->body, e);
}

int
may_see_repository(struct page *p, struct err *e)
{
	const char *owner = str_dup(p->a, p->params[0]), *name = str_dup(p->a, p->params[1]);

	if (view_repository(p->w->s, p->a, owner, name, &p->repository, e) != 0)
		return -1;
	if (!may_see_of(p, &p->repository, 0))
		return fail(e, ERR_ABSENT, "no such repository");
	return 0;
}

int
page_badge(struct page *p, struct err *e)
{
	const char *verdict;

	if (view_last_verdict(p->w->s, p->a, p->repository.id, &verdict, e) != 0)
		return -1;
	p->type = "image/svg+xml";
	p->cache = "no-cache, max-age=60";
	struct values *data = values_new(p->a);
	set(data, "word", verdict != NULL ? words(p->a, verdict) : "no runs yet");
	set(data, "colour",
	    verdict == NULL                      ? "#6e7781"
	    : strcmp(tone(verdict), "good") == 0 ? "#1a7f37"
	    : strcmp(tone(verdict), "bad") == 0  ? "#b42318"
	                                         : "#8a5a00");
	return template_render("badge.svg.html", data, &p->body, e);
}

int
page_style(struct page *p, struct err *e)
{
	struct str css = template_find("style.css");

	if (css.p == NULL)
		return fail(e, ERR_BUG, "there is no style sheet");
	p->type = "text/css; charset=utf-8";
	p->cache = "max-age=3600";
	buf_str(&p->body, css);
	return 0;
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
