/* Whose evaluation begins next. */
#include "walk/turns.h"

#include <string.h>

int
turns_room(int64_t told, int64_t memory_mb, int64_t workers, int64_t max_memory_mb, bool sandboxed)
{
	int64_t each = (workers > 0 ? workers : 1) * (max_memory_mb > 0 ? max_memory_mb : 1);
	int64_t n = told > 0 ? told : memory_mb / each;

	if (!sandboxed || n < 1)
		return 1;
	return (int)(told > 0 || n < TURNS_MOST ? n : TURNS_MOST);
}

/* Two that want the same tree make it once: the second finds what the first has stored. */
static bool
is_under_way(const struct turn *busy, size_t n, const struct turn *w)
{
	for (size_t i = 0; i < n; i++)
		if (!busy[i].ending && busy[i].repository == w->repository && busy[i].tree != NULL && w->tree != NULL &&
		    strcmp(busy[i].tree, w->tree) == 0)
			return true;
	return false;
}

static size_t
count_of(const struct turn *busy, size_t n, int64_t repository)
{
	size_t ret = 0;

	for (size_t i = 0; i < n; i++)
		ret += busy[i].repository == repository;
	return ret;
}

static bool
goes_before(const struct turns *t, const struct turn *a, const struct turn *b)
{
	size_t of_a = count_of(t->busy, t->n_busy, a->repository), of_b = count_of(t->busy, t->n_busy, b->repository);

	if (a->outside != b->outside)
		return t->passed >= TURNS_PASSED ? a->outside : b->outside;
	if (a->branch != b->branch)
		return b->branch;
	if (a->bot != b->bot)
		return b->bot;
	if (of_a != of_b)
		return of_a < of_b;
	return a->served < b->served;
}

/* Whether one may be stopped for somebody trusted who waits. */
static bool
gives_way(const struct turn *holder, const struct turn *w, int room)
{
	if (holder->ending || w->outside)
		return false;
	if (holder->outside)
		return room == 1 && !holder->kept;
	return !w->branch && (holder->branch || (holder->bot && !holder->gave_way && !w->bot));
}

static ptrdiff_t
who_stops(const struct turn *busy, size_t n, const struct turn *w, int room)
{
	ptrdiff_t ret = -1;

	for (size_t i = 0; i < n; i++) {
		if (busy[i].ending)
			return -1; /* somebody's room will be free in a moment */
		if (gives_way(&busy[i], w, room) && (ret < 0 || (busy[i].outside && !busy[ret].outside)))
			ret = (ptrdiff_t)i;
	}
	return ret;
}

ptrdiff_t
turns_choose(const struct turns *t, ptrdiff_t *ret_stop)
{
	int outsiders = 0, for_outsiders = t->room > 1 ? t->room / 2 : 1;
	ptrdiff_t first = -1;

	*ret_stop = -1;
	for (size_t i = 0; i < t->n_busy; i++)
		outsiders += t->busy[i].outside;
	for (size_t i = 0; i < t->n_waiting; i++) {
		const struct turn *w = &t->waiting[i];
		if (is_under_way(t->busy, t->n_busy, w) || (w->outside && outsiders >= for_outsiders))
			continue;
		if (first < 0 || goes_before(t, w, &t->waiting[first]))
			first = (ptrdiff_t)i;
	}
	if (first < 0 || (int)t->n_busy < t->room)
		return first;
	*ret_stop = who_stops(t->busy, t->n_busy, &t->waiting[first], t->room);
	return -1;
}

bool
turns_keeps(const struct turns *t, const struct turn *begins)
{
	return begins->outside && t->passed >= TURNS_PASSED;
}

int64_t
turns_passed(const struct turns *t, const struct turn *begins)
{
	bool waits = false;

	if (begins->outside)
		return t->room > 1 || turns_keeps(t, begins) ? 0 : t->passed;
	for (size_t i = 0; i < t->n_waiting; i++)
		waits |= t->waiting[i].outside;
	return waits ? t->passed + 1 : t->passed;
}
