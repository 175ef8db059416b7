/* Pull requests beside each other, and in order. */
#include "web/pulls.h"

#include "store/overlapped.h"
#include "support/text/template.h"
#include "web/page_data.h"
#include "web/show.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum {
	MAX_PULLS = 300,
	MAX_NAMED = 12, /* pull requests of a group that are named one by one */
	MAX_GROUPS = 20,
	MAX_QUERY = 200
};

/* "21,400" */
static const char *
grouped(struct arena *a, int64_t n)
{
	const char *digits = arena_printf(a, "%" PRId64, n);
	size_t length = strlen(digits), at = 0;
	char *ret = arena_alloc(a, length * 2 + 1);

	for (size_t i = 0; i < length; i++) {
		if (i > 0 && (length - i) % 3 == 0)
			ret[at++] = ',';
		ret[at++] = digits[i];
	}
	ret[at] = '\0';
	return ret;
}

static const char *
rebuilds(struct arena *a, int64_t n)
{
	return arena_printf(a, "%s %s", grouped(a, n), n == 1 ? "rebuild" : "rebuilds");
}

static const char *
pull_path(struct page *p, const struct view_repository *repo, int64_t number)
{
	return arena_printf(p->a, "/%s/%s/pull/%" PRId64 "%s", repo->owner, repo->name, number, page_suffix(p, repo, number));
}

/* 1: there is nothing. What an older or newer program wrote otherwise is nothing, too. */
static int
read_told(struct page *p, int64_t repository, int64_t number, const struct fields *of, void *ret, struct err *e)
{
	const char *text = NULL;
	int rc = store_overlap_get(p->w->s, p->a, repository, number, &text, e);

	if (rc == 0 && fields_read(of, p->a, str_of(text), "overlap", ret, e) != 0)
		return 1;
	return rc;
}

/* --- a repository's ------------------------------------------------------------------------------------------------ */

static void
add_group(struct page *p, const struct view_repository *repo, const struct overlap_group *g, struct value_list *list)
{
	struct arena *a = p->a;
	struct values *o = values_new(a);
	struct value_list *named = value_list_new(a);

	for (size_t i = 0; i < g->pulls.n && i < MAX_NAMED; i++) {
		struct values *one = values_new(a);
		values_number(one, "n", g->pulls.p[i]);
		page_set(one, "before", i > 0 ? ", " : "");
		page_set(one, "path", pull_path(p, repo, g->pulls.p[i]));
		value_list_group(named, one);
	}
	values_list(o, "named", named);
	page_set(o, "rest", g->pulls.n > MAX_NAMED ? arena_printf(a, " and %zu more", g->pulls.n - MAX_NAMED) : "");
	page_set(o, "together", rebuilds(a, g->together));
	page_set(o, "apart", g->apart != g->together ? grouped(a, g->apart) : "");
	page_set(o, "first", g->first != 0 ? arena_printf(a, "%" PRId64, g->first) : "");
	page_set(o, "first_path", g->first != 0 ? pull_path(p, repo, g->first) : "");
	page_set(o, "again", rebuilds(a, g->again));
	value_list_group(list, o);
}

int
pulls_beside_each_other(struct page *p, const struct view_repository *repo, struct values *data, struct overlaps_told **ret,
    struct err *e)
{
	struct overlaps_told *told = arena_alloc(p->a, sizeof(*told));
	int rc = read_told(p, repo->id, 0, &overlaps_told_fields, told, e);

	*ret = rc == 0 ? told : NULL;
	if (rc != 0 || told->groups.n + told->alone.n + told->unread.n < 2)
		return rc < 0 ? -1 : 0;
	struct values *beside = values_new(p->a);
	struct value_list *list = value_list_new(p->a);
	for (size_t i = 0; i < told->groups.n && i < MAX_GROUPS; i++)
		add_group(p, repo, &told->groups.p[i], list);
	values_list(beside, "groups", list);
	values_flag(beside, "has_groups", told->groups.n > 0);
	page_set(beside, "more", told->groups.n > MAX_GROUPS ? grouped(p->a, (int64_t)(told->groups.n - MAX_GROUPS)) : "");
	page_set(beside, "alone", told->alone.n > 0 ? grouped(p->a, (int64_t)told->alone.n) : "");
	values_flag(beside, "one_alone", told->alone.n == 1);
	page_set(beside, "unread", told->unread.n > 0 ? grouped(p->a, (int64_t)told->unread.n) : "");
	values_group(data, "beside", beside);
	return 0;
}

/* --- one pull request's -------------------------------------------------------------------------------------------- */

static int
add_with(struct page *p, const struct view_repository *repo, const struct overlap_with *w, struct value_list *list,
    struct err *e)
{
	struct arena *a = p->a;
	struct values *o = values_new(a);
	struct value_list *roots = value_list_new(a);
	struct view_run *runs;
	size_t n;

	if (view_runs_of(p->w->s, a, repo->id, w->number, 1, &runs, &n, e) != 0)
		return -1;
	values_number(o, "n", w->number);
	page_set(o, "path", pull_path(p, repo, w->number));
	page_set(o, "pr_title", n > 0 ? runs[0].pr_title : NULL);
	page_set(o, "shared", grouped(a, w->shared));
	page_set(o, "same", w->same > 0 ? grouped(a, w->same) : "");
	page_set(o, "together", grouped(a, w->together));
	page_set(o, "apart", w->apart != w->together ? grouped(a, w->apart) : "");
	for (size_t i = 0; i < w->roots.n; i++) {
		struct values *root = values_new(a);
		page_set(root, "root", w->roots.p[i]);
		value_list_group(roots, root);
	}
	values_list(o, "roots", roots);
	values_flag(o, "has_roots", w->roots.n > 0);
	int64_t more = w->roots_total - (int64_t)w->roots.n;
	page_set(o, "more_roots", more > 0 ? grouped(a, more) : "");
	value_list_group(list, o);
	return 0;
}

int
pulls_beside_one(struct page *p, const struct view_run *of, struct values *data, struct overlap_told **ret, struct err *e)
{
	const struct view_run repository = {.repository = of->repository};
	struct overlap_told *told = arena_alloc(p->a, sizeof(*told));

	*ret = NULL;
	if (!page_may_see(p, &repository))
		return 0;
	int rc = read_told(p, of->repository.id, of->number, &overlap_told_fields, told, e);
	if (rc != 0)
		return rc < 0 ? -1 : 0;
	*ret = told;
	struct values *beside = values_new(p->a);
	struct value_list *list = value_list_new(p->a);
	for (size_t i = 0; i < told->with.n; i++)
		if (add_with(p, &of->repository, &told->with.p[i], list, e) != 0)
			return -1;
	values_list(beside, "with", list);
	values_flag(beside, "has_with", told->with.n > 0);
	page_set(beside, "rebuilds", rebuilds(p->a, told->rebuilds));
	page_set(beside, "shared", grouped(p->a, told->shared));
	page_set(beside, "others", grouped(p->a, told->others));
	values_flag(beside, "one_other", told->others == 1);
	int64_t more = told->others - (int64_t)told->with.n;
	page_set(beside, "more", more > 0 ? grouped(p->a, more) : "");
	page_set(beside, "older", told->run != of->id ? arena_printf(p->a, "%" PRId64, told->run) : "");
	values_group(data, "beside", beside);
	return 0;
}

/* --- the order of the morning -------------------------------------------------------------------------------------- */

struct pulls_asked {
	const char *who, *state, *q;
	int64_t max; /* -1: any */
	const char *mistake;
};

static bool
one_of(const char *word, const char *x, const char *y)
{
	return *word == '\0' || strcmp(word, x) == 0 || strcmp(word, y) == 0;
}

static struct pulls_asked
asked_of(struct page *p)
{
	struct pulls_asked q = {.who = page_argument(p, "who"), .state = page_argument(p, "state"), .max = -1};
	const char *max = page_argument(p, "max");

	q.q = str_dup(p->a, str_trim(str_utf8_head(str_of(page_argument(p, "q")), MAX_QUERY)));
	if (*max != '\0' && (str_to_i64(str_of(max), &q.max) != 0 || q.max < 0)) {
		q.mistake = "max is no number of rebuilds, and was left aside";
		q.max = -1;
	}
	if (!one_of(q.who, "people", "bots")) {
		q.mistake = "who is people or bots; something else was left aside";
		q.who = "";
	}
	if (!one_of(q.state, "green", "other")) {
		q.mistake = "state is green or other; something else was left aside";
		q.state = "";
	}
	return q;
}

static bool
has_word(const char *text, const char *word)
{
	return text != NULL && strcasestr(text, word) != NULL;
}

/* A title is its author's: it may say so of anything, and is then only looked at sooner. */
static bool
is_security(const char *title)
{
	const char *at = title != NULL ? strcasestr(title, "CVE-") : NULL;

	return (at != NULL && at[4] >= '0' && at[4] <= '9') || has_word(title, "GHSA-") || has_word(title, "security");
}

static struct pull_line
line_of(struct page *p, const struct view_pull *pull, int64_t others)
{
	const struct view_run *r = &pull->run;

	return (struct pull_line){.number = r->number,
	    .path = pull_path(p, &r->repository, r->number),
	    .title = show_clean(p->a, r->pr_title),
	    .author = show_clean(p->a, r->author),
	    .security = is_security(r->pr_title),
	    .bot = r->author != NULL && str_ends(str_of(r->author), STR("[bot]")),
	    .green = str_same(r->verdict, "success"),
	    .verdict = r->verdict,
	    .result = show_clean(p->a, r->title),
	    .rebuilds = pull->rebuilds,
	    .cost_ms = pull->cost_ms,
	    .opened = pull->opened_ms,
	    .others = others};
}

static bool
is_asked(const struct pulls_asked *q, const struct pull_line *l)
{
	if (*q->who != '\0' && (strcmp(q->who, "bots") == 0) != l->bot)
		return false;
	if (*q->state != '\0' && (strcmp(q->state, "green") == 0) != l->green)
		return false;
	if (q->max >= 0 && (l->rebuilds < 0 || l->rebuilds > q->max))
		return false;
	return *q->q == '\0' || has_word(l->title, q->q) || has_word(l->author, q->q);
}

/* Less is first; what is not known is last. */
static int
by_number(int64_t x, int64_t y)
{
	if (x == y)
		return 0;
	return x < 0 || (y >= 0 && y < x) ? 1 : -1;
}

static int
in_order(const void *a, const void *b)
{
	const struct pull_line *x = a, *y = b;
	const int order[] = {y->security - x->security, x->bot - y->bot, y->green - x->green,
	    by_number(x->rebuilds, y->rebuilds), by_number(x->cost_ms, y->cost_ms), by_number(x->opened, y->opened),
	    by_number(x->number, y->number)};

	for (size_t i = 0; i < COUNT(order); i++)
		if (order[i] != 0)
			return order[i];
	return 0;
}

/* How many others share with each, of those that overlap; the list of the repository says who is alone. */
static int
others_of(struct page *p, int64_t repository, int64_t number, int64_t *ret, struct err *e)
{
	struct overlap_told told;
	int rc = read_told(p, repository, number, &overlap_told_fields, &told, e);

	*ret = rc == 0 ? told.others : -1;
	return rc < 0 ? -1 : 0;
}

static struct values *
line_data(struct page *p, const struct pull_line *l)
{
	struct values *o = values_new(p->a);

	values_number(o, "number", l->number);
	page_set(o, "path", l->path);
	page_set(o, "pr_title", l->title);
	page_set(o, "author", l->author);
	values_flag(o, "security", l->security);
	page_set(o, "word", l->verdict != NULL ? page_words(p->a, l->verdict) : "under way");
	page_set(o, "tone", page_tone(l->verdict));
	page_set(o, "rebuilds", l->rebuilds >= 0 ? rebuilds(p->a, l->rebuilds) : "");
	page_set(o, "cost", page_duration(p->a, l->cost_ms));
	page_set(o, "opened", page_utc(p->a, l->opened));
	page_set(o, "others", l->others > 0 ? grouped(p->a, l->others) : "");
	return o;
}

static int
gather(struct page *p, const struct pulls_asked *q, struct pulls_told *told, struct value_list *list, struct err *e)
{
	struct view_pull *pulls;
	size_t n;

	if (view_pulls(p->w->s, p->a, p->repository.id, MAX_PULLS, &pulls, &n, e) != 0)
		return -1;
	told->pulls.p = arena_alloc(p->a, (n + 1) * sizeof(*told->pulls.p));
	for (size_t i = 0; i < n; i++) {
		int64_t others;
		if (others_of(p, p->repository.id, pulls[i].run.number, &others, e) != 0)
			return -1;
		struct pull_line line = line_of(p, &pulls[i], others);
		if (is_asked(q, &line))
			told->pulls.p[told->pulls.n++] = line;
	}
	told->left_out = (int64_t)(n - told->pulls.n);
	if (told->pulls.n > 1)
		qsort(told->pulls.p, told->pulls.n, sizeof(*told->pulls.p), in_order);
	for (size_t i = 0; i < told->pulls.n; i++)
		value_list_group(list, line_data(p, &told->pulls.p[i]));
	return 0;
}

int
page_pulls(struct page *p, struct err *e)
{
	const struct view_repository *repo = &p->repository;
	struct pulls_told told = {.repository = show_clean(p->a, arena_printf(p->a, "%s/%s", repo->owner, repo->name))};
	const struct pulls_asked q = asked_of(p);
	struct values *data = values_new(p->a);
	struct value_list *list = value_list_new(p->a);

	(void)page_without_ending(p, str_of(p->pattern));
	if (gather(p, &q, &told, list, e) != 0 || pulls_beside_each_other(p, repo, data, &told.beside, e) != 0)
		return -1;
	told.mistake = q.mistake;
	page_set(data, "title", arena_printf(p->a, "Open pull requests of %s", told.repository));
	page_set(data, "name", told.repository);
	page_set(data, "repository_path", arena_printf(p->a, "/%s%s", told.repository, page_suffix(p, repo, 0)));
	page_set(data, "key", p->key);
	page_set(data, "q", q.q);
	page_set(data, "max", q.max >= 0 ? arena_printf(p->a, "%" PRId64, q.max) : "");
	values_flag(data, "people", strcmp(q.who, "people") == 0);
	values_flag(data, "bots", strcmp(q.who, "bots") == 0);
	values_flag(data, "green", strcmp(q.state, "green") == 0);
	values_flag(data, "other", strcmp(q.state, "other") == 0);
	page_set(data, "mistake", q.mistake);
	page_set(data, "left_out", told.left_out > 0 ? grouped(p->a, told.left_out) : "");
	values_list(data, "pulls", list);
	values_flag(data, "has_pulls", told.pulls.n > 0);
	switch (page_form(p, PAGE_HTML)) {
	case PAGE_JSON: return page_json(p, &pulls_told_fields, &told, e);
	case PAGE_TEXT:
	case PAGE_MARKDOWN: return page_markdown(p, "pages/pulls.md", data, e);
	case PAGE_HTML:
	case PAGE_EVENTS: break;
	}
	return template_render("pulls.html", data, &p->body, e);
}
