/* Wall clock and monotonic clock. */
#include "support/base/clock.h"

#include <string.h>
#include <time.h>

static int64_t
read_ns(clockid_t id)
{
	struct timespec t;

	clock_gettime(id, &t);
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

int64_t
clock_now_ms(void)
{
	return read_ns(CLOCK_REALTIME) / 1000000;
}

int64_t
clock_mono_ns(void)
{
	return read_ns(CLOCK_MONOTONIC);
}

int64_t
clock_mono_ms(void)
{
	return clock_mono_ns() / 1000000;
}

int64_t
clock_backoff_ms(int64_t first_ms, int64_t longest_ms, int64_t times)
{
	int64_t ms = first_ms;

	for (int64_t i = 0; i < times && ms < longest_ms; i++)
		ms *= 2;
	return ms < longest_ms ? ms : longest_ms;
}

int64_t
clock_of_text(const char *text)
{
	struct tm tm = {0};
	const char *end = text != NULL ? strptime(text, "%Y-%m-%dT%H:%M:%S", &tm) : NULL;

	if (end == NULL || strcmp(end, "Z") != 0)
		return 0;
	int64_t s = (int64_t)timegm(&tm);
	return s > 0 ? s * 1000 : 0;
}
