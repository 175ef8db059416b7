/* clock - the only place that asks what time it is, and how long to wait. */
#ifndef EKACI_SUPPORT_BASE_CLOCK_H
#define EKACI_SUPPORT_BASE_CLOCK_H

#include <stdint.h>

int64_t clock_now_ms(void);  /* since 1970, UTC, milliseconds; what the database stores */
int64_t clock_mono_ms(void); /* never goes back; for deadlines and durations within one process */
int64_t clock_mono_ns(void);

/* How long to wait before trying again: first_ms, doubled so many times, and longest_ms at most. */
int64_t clock_backoff_ms(int64_t first_ms, int64_t longest_ms, int64_t times);

/* A time in UTC as RFC 3339 writes it, "2026-11-20T10:00:00Z", in milliseconds since 1970; 0 when it is none. */
int64_t clock_of_text(const char *text);

#endif
