/* Writes are counted a second longer than GitHub does: it had them before we knew. */
#include "forge/github/budget.h"

enum { MINUTE_MS = 61 * 1000, HOUR_MS = 3601 * 1000, BY = 100 /* writes that make the pause notably longer */ };

void
budget_spend(struct budget *b, int64_t now_ms)
{
	b->at[b->n++ % BUDGET_AN_HOUR] = now_ms;
}

int64_t
budget_oldest_ms(int64_t now_ms)
{
	return now_ms - HOUR_MS;
}

size_t
budget_used(const struct budget *b, int64_t now_ms)
{
	size_t used = 0;

	while (used < b->n && used < BUDGET_AN_HOUR && b->at[(b->n - 1 - used) % BUDGET_AN_HOUR] > now_ms - HOUR_MS)
		used++;
	return used;
}

/* Until fewer than max writes are in the last window_ms. A clock that was set back makes nobody wait for longer than that. */
static int64_t
wait_ms(const struct budget *b, size_t max, int64_t window_ms, int64_t now_ms)
{
	if (max == 0 || b->n < max)
		return 0;
	int64_t ms = b->at[(b->n - max) % BUDGET_AN_HOUR] + window_ms - now_ms;
	return ms < 0 ? 0 : ms < window_ms ? ms : window_ms;
}

/* Of an hour's writes: the rest is kept for what people wait for. */
static size_t
progress_an_hour(const struct budget *b)
{
	return b->an_hour * 3 / 5;
}

int64_t
budget_room(const struct budget *b, int64_t now_ms)
{
	int64_t room = (int64_t)progress_an_hour(b) - (int64_t)budget_used(b, now_ms);

	return b->an_hour == 0 ? INT64_MAX : room > 0 ? room : 0;
}

int64_t
budget_wait_ms(const struct budget *b, bool progress, int64_t now_ms)
{
	/* Progress: half of a minute's, three fifths of an hour's. */
	int64_t minute = wait_ms(b, progress ? b->a_minute / 2 : b->a_minute, MINUTE_MS, now_ms);
	int64_t hour = wait_ms(b, progress ? progress_an_hour(b) : b->an_hour, HOUR_MS, now_ms);

	return minute > hour ? minute : hour;
}

int64_t
budget_quiet_ms(const struct budget *b, int64_t first_ms, int64_t now_ms)
{
	int64_t used = (int64_t)budget_used(b, now_ms);

	return first_ms + first_ms * used * used / (BY * BY);
}
