/* Rows of measures become lines of points, and those pictures. */
#include "web/history.h"

#include "store/measure.h"
#include "web/measures.h"
#include "web/page_data.h"
#include "web/plot.h"
#include "web/show.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

enum { MAX_RUNS = 60, MAX_LINES = 30, LEAST_PLACES = 24 };

/* The runs that were met: those that may be seen have a time. */
struct met {
	struct view_run run;
	bool seen;
};

static int
meet(struct page *p, int64_t run, int64_t repository, struct met *to, struct err *e)
{
	*to = (struct met){.seen = false};
	if (view_run(p->w->s, p->a, run, &to->run, e) != 0) {
		to->run.id = run;
		return e->kind == ERR_ABSENT ? 0 : -1;
	}
	to->seen = to->run.repository.id == repository && page_may_see(p, &to->run);
	return 0;
}

static struct measure_line *
line_of(struct page *p, struct measure_lines *lines, const struct measured *m)
{
	for (size_t i = 0; i < lines->n; i++)
		if (strcmp(lines->p[i].what, m->what) == 0 && strcmp(lines->p[i].unit, m->unit) == 0)
			return &lines->p[i];
	if (lines->n == MAX_LINES)
		return NULL;
	struct measure_line *line = &lines->p[lines->n++];
	*line = (struct measure_line){.what = m->what, .unit = m->unit};
	line->points.p = arena_alloc(p->a, MAX_RUNS * sizeof(*line->points.p));
	return line;
}

/* They come newest first: another of the same run is another attribute's that is called so. */
static void
add_point(struct measure_line *line, const struct met *met, const struct measured *m)
{
	const struct view_run *r = &met->run;

	if (line == NULL || line->points.n == MAX_RUNS ||
	    (line->points.n > 0 && line->points.p[line->points.n - 1].run == r->id))
		return;
	line->points.p[line->points.n++] = (struct measure_point){r->id, r->number, r->ended_ms, m->base, m->head};
}

static void
turn(struct measure_points *points)
{
	for (size_t i = 0, k = points->n; i + 1 < k; i++) {
		struct measure_point one = points->p[i];
		points->p[i] = points->p[--k];
		points->p[k] = one;
	}
}

int
history_read(struct page *p, int64_t repository, struct measure_lines *ret, struct err *e)
{
	struct met met = {0};
	struct measured *rows = NULL;
	size_t n = 0, runs = 0;

	*ret = (struct measure_lines){arena_alloc(p->a, MAX_LINES * sizeof(*ret->p)), 0};
	if (p->build.id == 0)
		return 0;
	if (measure_read(p->w->s, p->a, p->build.id, &rows, &n, e) != 0)
		return -1;
	for (size_t i = 0; i < n && runs <= MAX_RUNS; i++) {
		if (rows[i].run != met.run.id) {
			if (meet(p, rows[i].run, repository, &met, e) != 0)
				return -1;
			runs++;
		}
		if (met.seen && runs <= MAX_RUNS)
			add_point(line_of(p, ret, &rows[i]), &met, &rows[i]);
	}
	for (size_t i = 0; i < ret->n; i++)
		turn(&ret->p[i].points);
	return 0;
}

/* Four digits, so that small steps of large things are seen. */
static const char *
exact(struct arena *a, double n, const char *unit)
{
	static const char *const units[] = {"bytes", "kB", "MB", "GB", "TB"};
	size_t i = 0;

	if (isnan(n) || strcmp(unit, "bytes") != 0)
		return measures_value(a, n, unit);
	for (; n >= 1000 && i + 1 < COUNT(units); i++)
		n /= 1000;
	return arena_printf(a, "%.4g %s", n, units[i]);
}

static const char *
title_of(const struct measure_line *line)
{
	if (strcmp(line->what, "output") == 0)
		return "Outputs";
	return strcmp(line->what, "closure") == 0 ? "All it needs to run" : line->what + strlen("metric ");
}

static const char *
change_words(struct arena *a, const struct measure_point *pt, const char *unit)
{
	double by = pt->head - pt->base;

	if (isnan(by))
		return "";
	if (by == 0)
		return "the same";
	const char *words = exact(a, fabs(by), unit), *sign = by > 0 ? "+" : "\xe2\x88\x92";
	return pt->base != 0 ? arena_printf(a, "%s%s (%s%.2g %%)", sign, words, sign, 100 * fabs(by / pt->base))
	                     : arena_printf(a, "%s%s", sign, words);
}

struct drawing {
	struct page *p;
	const struct view_repository *repository;
	const struct measure_line *line;
	struct plot_mark *marks;
	struct value_list *rows;
	double low, high;
};

static void
reach(struct drawing *d, double v)
{
	if (isnan(v))
		return;
	d->low = isnan(d->low) || v < d->low ? v : d->low;
	d->high = isnan(d->high) || v > d->high ? v : d->high;
}

static void
draw_point(struct drawing *d, size_t i)
{
	const struct measure_point *pt = &d->line->points.p[i];
	struct arena *a = d->p->a;
	struct values *o = values_new(a);
	const struct view_run run = {.number = pt->number, .base_ref = d->repository->default_branch};
	const char *of = page_run_of(a, &run), *unit = d->line->unit;
	const char *base = exact(a, pt->base, unit), *head = exact(a, pt->head, unit);

	page_set(o, "point_of", of);
	page_set(o, "point_path", arena_printf(a, "/run/%" PRId64 "%s", pt->run, page_suffix(d->p, d->repository, pt->number)));
	page_set(o, "point_at", page_utc(a, pt->at));
	page_set(o, "point_base", base);
	page_set(o, "point_head", head);
	page_set(o, "point_change", change_words(a, pt, unit));
	value_list_group(d->rows, o);
	/* Where there was none before, the line begins where it ends. */
	double before = isnan(pt->base) ? pt->head : pt->base;
	d->marks[i] = (struct plot_mark){.place = (int64_t)i,
	    .value = pt->head,
	    .before = before,
	    .says = arena_printf(a, "%s, run %" PRId64 ": %s \xe2\x86\x92 %s", of, pt->run, base, head)};
	reach(d, pt->base);
	reach(d, pt->head);
}

static struct values *
draw(struct page *p, const struct view_repository *repository, const struct measure_line *line, size_t nth)
{
	size_t n = line->points.n;
	struct drawing d = {p, repository, line, arena_alloc(p->a, (n + 1) * sizeof(*d.marks)), value_list_new(p->a),
	    (double)NAN, (double)NAN};
	struct values *o = values_new(p->a);

	for (size_t i = 0; i < n; i++)
		draw_point(&d, i);
	const char *low = exact(p->a, d.low, line->unit), *high = exact(p->a, d.high, line->unit);
	const char *last = exact(p->a, line->points.p[n - 1].head, line->unit);
	const char *title = fields_clean(p->a, str_of(title_of(line)));
	const struct plot plot = {.id = arena_printf(p->a, "history-%zu", nth),
	    .title = arena_printf(p->a, "%s in the last %zu runs that measured it", title, n),
	    .says = arena_printf(p->a, "Oldest first: at least %s, at most %s, in the newest %s.", low, high, last),
	    .places = (int64_t)(n > LEAST_PLACES ? n : LEAST_PLACES),
	    .low = d.low,
	    .high = d.high,
	    .marks = d.marks,
	    .n = n};
	plot_put(o, &plot);
	page_set(o, "history_title", title);
	page_set(o, "history_last", last);
	page_set(o, "history_low", low);
	page_set(o, "history_high", high);
	values_flag(o, "history_flat", d.low == d.high);
	values_number(o, "history_n", (int64_t)n);
	values_list(o, "points", d.rows);
	return o;
}

int
history_put(struct page *p, const struct view_repository *repository, struct values *data, struct err *e)
{
	struct value_list *list = value_list_new(p->a);
	struct measure_lines lines;

	if (history_read(p, repository->id, &lines, e) != 0)
		return -1;
	for (size_t i = 0; i < lines.n; i++)
		if (lines.p[i].points.n > 1)
			value_list_group(list, draw(p, repository, &lines.p[i], i));
	values_list(data, "histories", list);
	values_flag(data, "has_histories", list->n > 0);
	return 0;
}
