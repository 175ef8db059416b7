/* Figures as bars. */
#include "web/plots.h"

#include "store/figures.h"
#include "support/base/clock.h"
#include "web/page_data.h"
#include "web/plot.h"
#include "web/show.h"

#include <inttypes.h>
#include <math.h>

enum { HOUR_MS = 3600 * 1000, DAY_MS = 24 * HOUR_MS, HOURS = 24, DAYS = 30 };

struct series {
	struct figure_sum *p;
	size_t n;
	int64_t width, first; /* of a place, and when the first begins */
	int64_t places;
	enum figure_span span;
};

static const char *const names[FIGURES] = {"evaluation", "rebuilds", "build", "wait", "verdict"};

static int
read_series(struct page *p, int64_t repository, enum figure_span span, struct series *ret, struct figure_lines *told,
    struct err *e)
{
	int64_t now = clock_now_ms();

	*ret = (struct series){.span = span,
	    .width = span == FIGURE_HOUR ? HOUR_MS : DAY_MS,
	    .places = span == FIGURE_HOUR ? HOURS : DAYS};
	ret->first = now - now % ret->width - (ret->places - 1) * ret->width;
	if (figure_read(p->w->s, p->a, repository, span, ret->first, &ret->p, &ret->n, e) != 0)
		return -1;
	told->p = arena_alloc(p->a, (ret->n + 1) * sizeof(*told->p));
	for (size_t i = 0; i < ret->n; i++)
		told->p[told->n++] = (struct figure_line){names[ret->p[i].what], ret->p[i].at, ret->p[i].n, ret->p[i].total};
	return 0;
}

/* What a sum says: its mean, its total, or a share in hundredths. */
static int64_t
value(enum figure what, int64_t n, int64_t total)
{
	if (what == FIGURE_BUILD)
		return total;
	return n == 0 ? 0 : what == FIGURE_VERDICT ? 100 * total / n : total / n;
}

static const char *
words(struct arena *a, enum figure what, int64_t v)
{
	switch (what) {
	case FIGURE_EVALUATION:
	case FIGURE_WAIT: return v > 0 ? page_duration(a, v) : "0 s";
	case FIGURE_BUILD: return arena_printf(a, "%s min", show_number(a, (v + 59999) / 60000));
	case FIGURE_VERDICT: return arena_printf(a, "%" PRId64 " %%", v);
	case FIGURE_REBUILDS:
	case FIGURES: break;
	}
	return arena_printf(a, "%s attribute%s", show_number(a, v), v == 1 ? "" : "s");
}

static const char *
place_words(struct arena *a, const struct series *s, int64_t at)
{
	const char *utc = page_utc(a, at);

	return s->span == FIGURE_HOUR ? arena_printf(a, "%.13s:00 UTC", utc) : arena_printf(a, "%.10s", utc);
}

/* One picture: its bars, and in words what they come to. */
static struct values *
picture(struct page *p, const struct series *s, enum figure what, const char *title, const char *about)
{
	struct values *o = values_new(p->a);
	struct plot_mark *marks = arena_alloc(p->a, (s->n + 1) * sizeof(*marks));
	int64_t most = 1, n = 0, total = 0;
	size_t n_marks = 0;

	for (size_t i = 0; i < s->n; i++) {
		if (s->p[i].what != what)
			continue;
		int64_t v = value(what, s->p[i].n, s->p[i].total);
		most = v > most ? v : most;
		n += s->p[i].n;
		total += s->p[i].total;
		marks[n_marks++] = (struct plot_mark){(s->p[i].at - s->first) / s->width, (double)v, (double)NAN,
		    what == FIGURE_VERDICT && v < 50,
		    arena_printf(p->a, "%s: %s", place_words(p->a, s, s->p[i].at), words(p->a, what, v))};
	}
	most = what == FIGURE_VERDICT ? 100 : most;
	const char *span = s->span == FIGURE_HOUR ? "24 hours" : "30 days";
	const char *says = n > 0 ? words(p->a, what, value(what, n, total)) : "";
	const struct plot plot = {.id = arena_printf(p->a, "plot-%s-%s", names[what], s->span == FIGURE_HOUR ? "day" : "month"),
	    .title = arena_printf(p->a, "%s %s, the last %s", title, about, span),
	    .says = n > 0 ? says : "nothing",
	    .places = s->places,
	    .high = (double)most,
	    .marks = marks,
	    .n = n_marks};
	plot_put(o, &plot);
	values_flag(o, "any", n > 0);
	values_text(o, "says", says);
	values_text(o, "most", what == FIGURE_VERDICT || n == 0 ? "" : words(p->a, what, most));
	values_text(o, "span", span);
	values_text(o, "place", s->span == FIGURE_HOUR ? "an hour" : "a day");
	return o;
}

int
plots_add(struct page *p, int64_t repository, struct values *data, struct figure_lines *hours, struct figure_lines *days,
    struct err *e)
{
	static const struct {
		enum figure what;
		const char *title, *about;
	} plots[] = {
	    {FIGURE_VERDICT, "Success", "of pull requests' runs"},
	    {FIGURE_REBUILDS, "Rebuilds", "for each pull request"},
	    {FIGURE_EVALUATION, "Evaluation", "on average"},
	    {FIGURE_WAIT, "Wait for a builder", "on average"},
	    {FIGURE_BUILD, "Build time", "in all"},
	};
	struct value_list *list = value_list_new(p->a);
	struct series hour, day;

	if (read_series(p, repository, FIGURE_HOUR, &hour, hours, e) != 0 ||
	    read_series(p, repository, FIGURE_DAY, &day, days, e) != 0)
		return -1;
	for (size_t i = 0; i < COUNT(plots); i++) {
		struct values *o = values_new(p->a);
		struct value_list *both = value_list_new(p->a);
		values_text(o, "title", plots[i].title);
		values_text(o, "about", plots[i].about);
		value_list_group(both, picture(p, &hour, plots[i].what, plots[i].title, plots[i].about));
		value_list_group(both, picture(p, &day, plots[i].what, plots[i].title, plots[i].about));
		values_list(o, "pictures", both);
		value_list_group(list, o);
	}
	values_list(data, "plots", list);
	values_flag(data, "has_plots", hour.n > 0 || day.n > 0);
	return 0;
}
