/* What runs now and how it went. */
#include "web/dashboard.h"

#include "records/build_state.h"
#include "records/difference.h"
#include "support/base/clock.h"
#include "support/text/template.h"
#include "web/activity.h"
#include "web/page_data.h"
#include "web/plots.h"
#include "web/pulls.h"
#include "web/show.h"
#include "web/since.h"

#include <inttypes.h>
#include <string.h>

enum {
	MAX_LIVE = 30,
	MAX_BUILDING = 40,
	MAX_PUT_BACK = 10,
	MAX_PULLS = 40,
	MAX_NEWEST = 300, /* runs among which the recent pull requests are */
	MAX_REPOSITORIES = 100,
	MAX_BRANCH = 10,
	MAX_RUNS = 50
};

struct run_line
dashboard_run(struct page *p, const struct view_run *r)
{
	struct arena *a = p->a;

	return (struct run_line){.id = r->id,
	    .number = r->number,
	    .path = show_path(p, r, arena_printf(a, "/run/%" PRId64, r->id)),
	    .repository = show_clean(a, arena_printf(a, "%s/%s", r->repository.owner, r->repository.name)),
	    .title = show_clean(a, r->pr_title),
	    .author = show_clean(a, r->author),
	    .head = r->head,
	    .base = r->base,
	    .base_ref = show_clean(a, r->base_ref),
	    .state = r->state,
	    .verdict = r->verdict,
	    .result = show_clean(a, r->title),
	    .reason = show_clean(a, r->reason),
	    .waiting = show_clean(a, r->waiting),
	    .superseded_by = r->superseded_by,
	    .created = r->created_ms,
	    .ended = r->ended_ms};
}

struct run_lines
dashboard_runs(struct page *p, const struct view_run *runs, size_t n)
{
	struct run_lines all = {arena_alloc(p->a, (n + 1) * sizeof(*all.p)), n};

	for (size_t i = 0; i < n; i++)
		all.p[i] = dashboard_run(p, &runs[i]);
	return all;
}

struct build_line
dashboard_build(struct page *p, const struct view_build *b, const char *suffix)
{
	const char *stem = escape_dup(p->a, ESCAPE_URL, str_of(page_drv_stem(p->a, b->drv)));
	bool has_log = b->log != NULL || b->tail != NULL || build_state_of(b->state) == BUILD_BUILDING;

	return (struct build_line){.drv = b->drv,
	    .name = show_clean(p->a, b->name),
	    .system = show_clean(p->a, b->system),
	    .state = b->state,
	    .reason = show_clean(p->a, b->reason),
	    .builder = show_clean(p->a, b->builder),
	    .path = arena_printf(p->a, "/drv/%s%s", stem, suffix),
	    .log = has_log ? arena_printf(p->a, "/log/%s%s", stem, suffix) : NULL,
	    .started = b->started_ms,
	    .ended = b->ended_ms,
	    .wall_ms = b->wall_ms};
}

static struct build_lines
builds_told(struct page *p, const struct view_build *builds, size_t n)
{
	struct build_lines all = {arena_alloc(p->a, (n + 1) * sizeof(*all.p)), n};

	for (size_t i = 0; i < n; i++)
		all.p[i] = dashboard_build(p, &builds[i], "");
	return all;
}

static struct value_list *
building_data(struct page *p, const struct view_build *builds, size_t n)
{
	struct value_list *list = value_list_new(p->a);
	int64_t now = clock_now_ms();

	for (size_t i = 0; i < n; i++) {
		struct values *o = page_build_data(p, &builds[i], "");
		page_set(o, "since", page_duration(p->a, now - builds[i].started_ms));
		value_list_group(list, o);
	}
	return list;
}

/* The newest run of each pull request among the newest runs. */
static int
recent_pulls(struct page *p, struct view_run **ret, size_t *ret_n, struct err *e)
{
	struct view_run *all, *kept;
	size_t n, n_kept = 0;

	if (view_runs_newest(p->w->s, p->a, p->token != NULL, MAX_NEWEST, &all, &n, e) != 0)
		return -1;
	kept = arena_alloc(p->a, (n + 1) * sizeof(*kept));
	for (size_t i = 0; i < n && n_kept < MAX_PULLS; i++) {
		bool known = all[i].number <= 0;
		for (size_t k = 0; k < n_kept && !known; k++)
			known = kept[k].number == all[i].number && kept[k].repository.id == all[i].repository.id;
		if (!known)
			kept[n_kept++] = all[i];
	}
	*ret = kept;
	*ret_n = n_kept;
	return 0;
}

/* What a machine builds for those who show it; of the rest only how many. */
static void
set_machine_builds(struct page *p, const struct web_machine *m, const struct view_build *builds, size_t n, struct values *o)
{
	struct value_list *list = value_list_new(p->a);
	int64_t shown = 0;

	for (size_t i = 0; i < n; i++) {
		if (!str_same(builds[i].builder, m->name))
			continue;
		struct values *build = page_build_data(p, &builds[i], "");
		page_set(build, "since", page_duration(p->a, clock_now_ms() - builds[i].started_ms));
		value_list_group(list, build);
		shown++;
	}
	values_list(o, "builds", list);
	if (shown > 0 && m->running > shown)
		values_number(o, "others", m->running - shown);
}

static void
set_machines(struct page *p, struct index_told *told, const struct view_build *building, size_t n_building, struct values *data)
{
	struct value_list *list = value_list_new(p->a);
	struct web_now now = {0};

	if (p->w->now != NULL)
		p->w->now(p->w->hooks_ctx, p->a, &now);
	told->machines.p = arena_alloc(p->a, (now.n_machines + 1) * sizeof(*told->machines.p));
	for (size_t i = 0; i < now.n_machines; i++) {
		const struct web_machine *m = &now.machines[i];
		struct values *o = values_new(p->a);
		told->machines.p[told->machines.n++] = (struct machine_line){show_clean(p->a, m->name),
		    show_clean(p->a, m->systems), m->running, m->slots, m->out_ms};
		page_set(o, "name", m->name);
		page_set(o, "systems", m->systems);
		values_number(o, "running", m->running);
		values_number(o, "slots", m->slots);
		values_number(o, "share", m->slots > 0 ? 100 * m->running / m->slots : 0);
		page_set(o, "out", page_duration(p->a, m->out_ms));
		set_machine_builds(p, m, building, n_building, o);
		value_list_group(list, o);
	}
	values_list(data, "machines", list);
	values_flag(data, "has_machines", now.n_machines > 0);
	told->open = now.open;
	told->ready = now.ready;
	told->at_work = now.building;
	told->why = show_clean(p->a, now.why);
	values_number(data, "open", now.open);
	values_number(data, "ready", now.ready);
	values_number(data, "at_work", now.building);
	int64_t rest = now.open - now.ready - now.building;
	values_number(data, "blocked", rest > 0 ? rest : 0);
	page_set(data, "why", now.why);
}

/* By system: what is at work, and what might begin. */
static int
set_queues(struct page *p, struct values *data, struct err *e)
{
	struct value_list *list = value_list_new(p->a);
	struct view_count *rows;
	size_t n;

	if (view_counts(p->w->s, p->a, VIEW_OPEN_BUILDS, &rows, &n, e) != 0)
		return -1;
	for (size_t i = 0; i < n; i++) {
		struct values *o = values_new(p->a);
		page_set(o, "system", rows[i].more);
		page_set(o, "state", strcmp(rows[i].name, "building") == 0 ? "being built" : "may start");
		values_number(o, "n", rows[i].n);
		value_list_group(list, o);
	}
	values_list(data, "queues", list);
	return 0;
}

static int
set_repositories(struct page *p, struct index_told *told, struct values *data, struct err *e)
{
	struct value_list *list = value_list_new(p->a);
	struct view_repository *all;
	size_t n;

	if (view_repositories(p->w->s, p->a, p->token != NULL, MAX_REPOSITORIES, &all, &n, &told->has_private, e) != 0)
		return -1;
	told->repositories.p = arena_alloc(p->a, (n + 1) * sizeof(*told->repositories.p));
	for (size_t i = 0; i < n; i++) {
		const char *verdict, *name = show_clean(p->a, arena_printf(p->a, "%s/%s", all[i].owner, all[i].name));
		struct values *o = values_new(p->a);
		if (view_branch_verdict(p->w->s, p->a, all[i].id, all[i].default_branch, &verdict, e) != 0)
			return -1;
		const char *path = arena_printf(p->a, "/%s", name);
		told->repositories.p[told->repositories.n++] = (struct repository_line){name, path, verdict};
		page_set(o, "name", name);
		page_set(o, "path", path);
		page_set(o, "branch", all[i].default_branch);
		page_set(o, "word", verdict != NULL ? page_words(p->a, verdict) : "no runs yet");
		page_set(o, "tone", page_tone(verdict));
		value_list_group(list, o);
	}
	values_list(data, "repositories", list);
	values_flag(data, "none", n == 0 && !told->has_private);
	values_flag(data, "private_only", n == 0 && told->has_private);
	return 0;
}

/* In the form that was asked for. */
static int
answer(struct page *p, const char *name, const struct values *data, const struct fields *of, const void *told, struct err *e)
{
	switch (page_form(p, PAGE_HTML)) {
	case PAGE_JSON: return page_json(p, of, told, e);
	case PAGE_TEXT:
	case PAGE_MARKDOWN: return page_markdown(p, arena_printf(p->a, "pages/%s.md", name), data, e);
	case PAGE_HTML:
	case PAGE_EVENTS: break;
	}
	return template_render(arena_printf(p->a, "%s.html", name), data, &p->body, e);
}

int
page_index(struct page *p, struct err *e)
{
	struct index_told told = {0};
	struct values *data = values_new(p->a);
	struct view_run *live, *pulls;
	struct view_build *building, *put_back;
	size_t n_live, n_pulls, n_building, n_put_back;

	(void)page_without_ending(p, str_of(p->pattern));
	if (view_runs_live(p->w->s, p->a, p->token != NULL, MAX_LIVE, &live, &n_live, e) != 0 ||
	    recent_pulls(p, &pulls, &n_pulls, e) != 0 ||
	    view_building(p->w->s, p->a, p->token != NULL, MAX_BUILDING, &building, &n_building, e) != 0 ||
	    view_put_back(p->w->s, p->a, p->token != NULL, MAX_PUT_BACK, &put_back, &n_put_back, e) != 0 ||
	    set_repositories(p, &told, data, e) != 0 || set_queues(p, data, e) != 0 ||
	    plots_add(p, 0, data, &told.hours, &told.days, e) != 0)
		return -1;
	set_machines(p, &told, building, n_building, data);
	told.running = dashboard_runs(p, live, n_live);
	told.pulls = dashboard_runs(p, pulls, n_pulls);
	told.building = builds_told(p, building, n_building);
	told.put_back = builds_told(p, put_back, n_put_back);
	values_list(data, "put_back", building_data(p, put_back, n_put_back));
	page_set(data, "title", "What runs now");
	page_set(data, "again", "30");
	values_list(data, "live", page_runs_data(p, live, n_live));
	values_flag(data, "has_live", n_live > 0);
	values_list(data, "pulls", page_runs_data(p, pulls, n_pulls));
	values_flag(data, "has_pulls", n_pulls > 0);
	values_list(data, "building", building_data(p, building, n_building));
	values_flag(data, "has_building", n_building > 0);
	return answer(p, "index", data, &index_told_fields, &told, e);
}

int
page_repository(struct page *p, struct err *e)
{
	const struct view_repository *repo = &p->repository;
	struct repository_told told = {0};
	struct values *data = values_new(p->a);
	struct view_run *pulls, *branch;
	size_t n_pulls, n_branch;

	if (view_runs_of_pulls(p->w->s, p->a, repo->id, MAX_PULLS, &pulls, &n_pulls, e) != 0 ||
	    view_runs_of(p->w->s, p->a, repo->id, 0, MAX_BRANCH, &branch, &n_branch, e) != 0 ||
	    view_branch_verdict(p->w->s, p->a, repo->id, repo->default_branch, &told.verdict, e) != 0 ||
	    plots_add(p, repo->id, data, &told.hours, &told.days, e) != 0 ||
	    pulls_beside_each_other(p, repo, data, &told.beside, e) != 0)
		return -1;
	const char *suffix = page_suffix(p, repo, 0);
	told.name = show_clean(p->a, arena_printf(p->a, "%s/%s", repo->owner, repo->name));
	told.default_branch = show_clean(p->a, repo->default_branch);
	told.badge = arena_printf(p->a, "/badge/%s.svg%s", told.name, suffix);
	told.pulls = dashboard_runs(p, pulls, n_pulls);
	told.branch = dashboard_runs(p, branch, n_branch);
	page_set(data, "title", told.name);
	page_set(data, "name", told.name);
	page_set(data, "url", repo->clone_url);
	page_set(data, "branch_name", told.default_branch);
	page_set(data, "word", told.verdict != NULL ? page_words(p->a, told.verdict) : "no runs yet");
	page_set(data, "tone", page_tone(told.verdict));
	page_set(data, "badge", told.badge);
	page_set(data, "pulls_path", arena_printf(p->a, "/%s/pulls%s", told.name, suffix));
	values_list(data, "pulls", page_runs_data(p, pulls, n_pulls));
	values_flag(data, "has_pulls", n_pulls > 0);
	values_list(data, "runs", page_runs_data(p, branch, n_branch));
	values_flag(data, "has_runs", n_branch > 0);
	return answer(p, "repository", data, &repository_told_fields, &told, e);
}

int
page_pull(struct page *p, struct err *e)
{
	const struct view_run *newest = &p->runs[0];
	struct values *data = page_run_data(p, newest);
	struct pull_told told = {.number = newest->number,
	    .title = show_clean(p->a, newest->pr_title),
	    .author = show_clean(p->a, newest->author)};
	struct since_told since = {0};

	told.repository = show_clean(p->a, arena_printf(p->a, "%s/%s", newest->repository.owner, newest->repository.name));
	told.runs = dashboard_runs(p, p->runs, p->n_runs);
	int has = since_last_head(p, data, &since, e);
	if (has < 0 || pulls_beside_one(p, newest, data, &told.beside, e) != 0)
		return -1;
	told.since = has > 0 ? &since : NULL;
	page_set(data, "title", arena_printf(p->a, "%s #%" PRId64, told.repository, newest->number));
	page_set(data, "failures_path", show_path(p, newest, arena_printf(p->a, "/run/%" PRId64 "/failures", newest->id)));
	values_list(data, "runs", page_runs_data(p, p->runs, p->n_runs));
	if (newest->ended_ms == 0)
		page_set(data, "again", "10");
	return answer(p, "pull", data, &pull_told_fields, &told, e);
}
