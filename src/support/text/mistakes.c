/* Mistakes with places, and edit distance. */
#include "support/text/mistakes.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NEAR_MAX_BYTES = 40, NEAR_MAX_DISTANCE = 3 };

void
mistakes_init(struct mistakes *m, struct arena *a, const char *file)
{
	m->a = a;
	m->file = file;
	m->n = m->more = 0;
}

void
mistakes_add(struct mistakes *m, size_t line, size_t column, const char *fmt, ...)
{
	char text[1024];
	va_list ap;

	if (m->n == MISTAKES_MAX) {
		m->more++;
		return;
	}
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	struct str whole = str_utf8_head(str_of(text), sizeof(text));
	m->p[m->n++] = (struct mistake){line, column, str_dup(m->a, whole)};
}

static int
by_place(const void *a, const void *b)
{
	const struct mistake *x = a, *y = b;

	if (x->line != y->line)
		return x->line < y->line ? -1 : 1;
	if (x->column != y->column)
		return x->column < y->column ? -1 : 1;
	return strcmp(x->text, y->text);
}

void
mistakes_sort(struct mistakes *m)
{
	if (m->n > 1)
		qsort(m->p, m->n, sizeof(m->p[0]), by_place);
}

const char *
mistakes_text(const struct mistakes *m, size_t i)
{
	if (m->p[i].line == 0)
		return m->p[i].text;
	return arena_printf(m->a, "%s:%zu:%zu: %s", m->file, m->p[i].line, m->p[i].column, m->p[i].text);
}

int
mistakes_none(struct mistakes *m, struct err *e)
{
	size_t more = m->more + (m->n > 0 ? m->n - 1 : 0);

	if (m->n == 0)
		return 0;
	mistakes_sort(m);
	if (more == 0)
		return fail(e, ERR_INPUT, "%s", mistakes_text(m, 0));
	return fail(e, ERR_INPUT, "%s (and %zu more)", mistakes_text(m, 0), more);
}

/* Levenshtein's distance; both are at most NEAR_MAX_BYTES long. */
static size_t
distance(struct str a, struct str b)
{
	size_t row[NEAR_MAX_BYTES + 1];

	for (size_t k = 0; k <= b.n; k++)
		row[k] = k;
	for (size_t i = 0; i < a.n; i++) {
		size_t diagonal = row[0];
		row[0] = i + 1;
		for (size_t k = 0; k < b.n; k++) {
			size_t best = diagonal + (a.p[i] != b.p[k]);
			diagonal = row[k + 1];
			if (row[k] + 1 < best)
				best = row[k] + 1;
			if (diagonal + 1 < best)
				best = diagonal + 1;
			row[k + 1] = best;
		}
	}
	return row[b.n];
}

void
near_try(struct near *n, const char *candidate)
{
	struct str c = str_of(candidate);

	if (n->word.n == 0 || n->word.n > NEAR_MAX_BYTES || c.n > NEAR_MAX_BYTES)
		return;
	size_t d = distance(n->word, c);
	/* A third of the word may be wrong; more is another word. */
	if (d <= NEAR_MAX_DISTANCE && d * 3 <= c.n + 1 && (n->best == NULL || d < n->distance)) {
		n->best = candidate;
		n->distance = d;
	}
}

const char *
near_hint(struct arena *a, const struct near *n)
{
	return n->best != NULL ? arena_printf(a, " (did you mean %s?)", n->best) : "";
}
