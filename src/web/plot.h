/*
 * plot - one picture of numbers in a row: SVG from templates/plot.html, no script, with a title and what it comes to in words.
 *
 * A mark is a bar from the bottom, or, where there are two numbers, a line from the one before to the one now. Marks are drawn where
 * their place is, STEP wide; the picture is as wide as the page lets it be.
 */
#ifndef EKACI_WEB_PLOT_H
#define EKACI_WEB_PLOT_H

#include "support/text/values.h"

enum { PLOT_HIGH = 48, PLOT_STEP = 10 };

struct plot_mark {
	int64_t place;        /* from 0 */
	double value, before; /* before: NaN: a bar; else where the line begins. value NaN: nothing is there any more */
	bool poor;
	const char *says;
};
struct plot {
	const char *id; /* of this picture on its page */
	const char *title, *says;
	int64_t places;
	double low, high; /* what stands at the bottom and at the top */
	const struct plot_mark *marks;
	size_t n;
};

/* Adds what templates/plot.html shows: plot_id, plot_title, plot_says, plot_wide, plot_parts. */
void plot_put(struct values *to, const struct plot *of);

#endif
