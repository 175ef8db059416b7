/* Optimal string alignment over three rows. */
#include "support/text/nearest.h"

enum { MAX_WORD = 48 }; /* longer ones are no slips of a finger */

static size_t
smaller(size_t a, size_t b)
{
	return a < b ? a : b;
}

static size_t
distance(struct str a, struct str b)
{
	size_t rows[3][MAX_WORD + 1];
	size_t *before = rows[0], *last = rows[1], *now = rows[2];

	for (size_t j = 0; j <= b.n; j++)
		last[j] = j;
	for (size_t i = 1; i <= a.n; i++) {
		now[0] = i;
		for (size_t j = 1; j <= b.n; j++) {
			bool same = a.p[i - 1] == b.p[j - 1];
			now[j] = smaller(smaller(last[j], now[j - 1]) + 1, last[j - 1] + !same);
			if (i > 1 && j > 1 && a.p[i - 1] == b.p[j - 2] && a.p[i - 2] == b.p[j - 1])
				now[j] = smaller(now[j], before[j - 2] + 1);
		}
		size_t *free_row = before;
		before = last;
		last = now;
		now = free_row;
	}
	return last[b.n];
}

void
nearest_offer(struct nearest *n, const char *word)
{
	struct str meant = str_of(n->meant), one = str_of(word);

	if (meant.n == 0 || meant.n > MAX_WORD || one.n > MAX_WORD)
		return;
	size_t d = distance(meant, one), most = smaller(meant.n, one.n) / 3;
	if (meant.n >= 3 && str_starts(one, meant))
		d = smaller(d, 1);
	if (d <= (most > 0 ? most : 1) && d < one.n && (n->found == NULL || d < n->distance)) {
		n->found = word;
		n->distance = d;
	}
}
