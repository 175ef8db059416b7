/* Numbers become rectangles. */
#include "web/plot.h"

#include <math.h>

enum { BAR = 7, LEAST = 2, DASH = 3, LINE = 2 };

static void
add_part(struct value_list *list, const struct plot_mark *m, double x, double y, double wide, double high, const char *tone)
{
	struct values *o = values_new(list->a);

	values_text(o, "part_x", arena_printf(list->a, "%g", x));
	values_text(o, "part_y", arena_printf(list->a, "%.4g", y));
	values_text(o, "part_wide", arena_printf(list->a, "%g", wide));
	values_text(o, "part_high", arena_printf(list->a, "%.4g", high));
	values_text(o, "part_tone", tone);
	values_text(o, "part_says", m->says);
	value_list_group(list, o);
}

/* How far from the top a value stands, at least as far as its mark is high. */
static double
down(const struct plot *of, double v)
{
	double part = of->high > of->low ? (v - of->low) / (of->high - of->low) : 0.5;

	return (double)(PLOT_HIGH - DASH) * (1 - fmin(fmax(part, 0), 1));
}

static void
add_mark(struct value_list *list, const struct plot *of, const struct plot_mark *m)
{
	const char *tone = m->poor ? "bad" : "";
	double x = (double)(m->place * PLOT_STEP);

	if (isnan(m->before) && of->low == 0) {
		double high = fmin(fmax((double)(PLOT_HIGH - LEAST) * m->value / of->high, 0) + LEAST, PLOT_HIGH);
		add_part(list, m, x, PLOT_HIGH - high, BAR, high, tone);
		return;
	}
	double from = down(of, isnan(m->before) ? m->value : m->before), to = down(of, isnan(m->value) ? m->before : m->value);
	if (from != to)
		add_part(list, m, x + (double)(BAR - LINE) / 2, fmin(from, to) + 1, LINE, fabs(from - to), tone);
	if (!isnan(m->before))
		add_part(list, m, x, from, BAR, DASH, "was");
	if (!isnan(m->value))
		add_part(list, m, x, to, BAR, DASH, tone);
}

void
plot_put(struct values *to, const struct plot *of)
{
	struct value_list *parts = value_list_new(to->a);

	for (size_t i = 0; i < of->n; i++)
		add_mark(parts, of, &of->marks[i]);
	values_text(to, "plot_id", of->id);
	values_text(to, "plot_title", of->title);
	values_text(to, "plot_says", of->says);
	values_number(to, "plot_wide", of->places * PLOT_STEP);
	values_list(to, "plot_parts", parts);
}
