/* A run and a derivation, in the form that is asked for. */
#include "web/forms.h"

#include "records/page_told.h"
#include "support/os/files.h"
#include "support/text/escape.h"
#include "web/dashboard.h"
#include "web/history.h"
#include "web/live.h"
#include "web/page_data.h"
#include "web/pages.h"
#include "web/show.h"

#include <inttypes.h>

enum { MAX_BUILDS = 500 };

/* Documents of a run, as they stand in its folder. */
static struct texts
documents(struct page *p, const struct view_run *r)
{
	static const char *const names[] = {"report.json", "report.md", "changed-paths.json", "failures.json"};
	struct texts all = {arena_alloc(p->a, COUNT(names) * sizeof(*all.p)), 0};

	for (size_t i = 0; i < COUNT(names); i++)
		if (files_exist(arena_printf(p->a, "%s/runs/%" PRId64 "/%s", p->w->state_dir, r->id, names[i])))
			all.p[all.n++] = show_path(p, r, arena_printf(p->a, "/run/%" PRId64 "/%s", r->id, names[i]));
	return all;
}

static int
run_json(struct page *p, const struct view_run *r, struct err *e)
{
	const char *suffix = page_suffix(p, &r->repository, r->number);
	struct run_page_told told = {.run = dashboard_run(p, r), .counts = r->counts, .documents = documents(p, r)};
	struct view_build *builds;
	size_t n;

	if (view_run_builds(p->w->s, p->a, r->id, MAX_BUILDS, &builds, &n, &told.builds_total, e) != 0)
		return -1;
	told.builds.p = arena_alloc(p->a, (n + 1) * sizeof(*told.builds.p));
	for (size_t i = 0; i < n; i++)
		told.builds.p[told.builds.n++] = dashboard_build(p, &builds[i], suffix);
	return page_json(p, &run_page_fields, &told, e);
}

static int
run_markdown(struct page *p, const struct view_run *r, struct err *e)
{
	struct values *data = page_run_data(p, r);
	struct value_list *list = value_list_new(p->a);
	struct texts all = documents(p, r);

	for (size_t i = 0; i < all.n; i++)
		value_list_text(list, all.p[i]);
	values_list(data, "documents", list);
	values_list(data, "counts", page_counts_data(p->a, r->counts));
	page_set(data, "failures_path", show_path(p, r, arena_printf(p->a, "/run/%" PRId64 "/failures.md", r->id)));
	return page_markdown(p, "pages/run.md", data, e);
}

int
forms_run(struct page *p, struct err *e)
{
	switch (page_form(p, PAGE_HTML)) {
	case PAGE_JSON: return run_json(p, &p->runs[0], e);
	case PAGE_TEXT:
	case PAGE_MARKDOWN: return run_markdown(p, &p->runs[0], e);
	case PAGE_EVENTS: return live_run(p, e);
	case PAGE_HTML: break;
	}
	return page_run(p, e);
}

/* What stands behind addresses of a build: the key of the run by which it may be seen. */
static const char *
suffix_of_build(struct page *p)
{
	for (size_t i = 0; i < p->n_runs; i++)
		if (p->runs[i].repository.private)
			return page_suffix(p, &p->runs[i].repository, p->runs[i].number);
	return "";
}

static int
drv_json(struct page *p, struct err *e)
{
	const struct view_build *b = &p->build;
	struct build_page_told told = {.build = dashboard_build(p, b, suffix_of_build(p)),
	    .attempts = b->attempts,
	    .tail = show_clean(p->a, b->tail),
	    .propagated_from = b->propagated_from,
	    .runs = dashboard_runs(p, p->runs, p->n_runs)};

	if (history_read(p, p->runs[0].repository.id, &told.measures, e) != 0)
		return -1;
	return page_json(p, &build_page_fields, &told, e);
}

static int
drv_markdown(struct page *p, struct err *e)
{
	struct values *data = page_build_data(p, &p->build, suffix_of_build(p));
	AUTO(buf_release) struct buf block = {0};

	buf_init(&block, PAGE_MAX_BYTES);
	if (p->build.tail != NULL)
		escape_block(&block, str_of(p->build.tail), "");
	values_text(data, "tail_md", str_dup(p->a, buf_get(&block)));
	values_list(data, "runs", page_runs_data(p, p->runs, p->n_runs));
	if (history_put(p, &p->runs[0].repository, data, e) != 0)
		return -1;
	return page_markdown(p, "pages/drv.md", data, e);
}

int
forms_drv(struct page *p, struct err *e)
{
	switch (page_form(p, PAGE_HTML)) {
	case PAGE_JSON: return drv_json(p, e);
	case PAGE_TEXT:
	case PAGE_MARKDOWN: return drv_markdown(p, e);
	case PAGE_HTML:
	case PAGE_EVENTS: break;
	}
	return page_drv(p, e);
}
