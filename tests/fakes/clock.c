/*
 * A clock that runs fast, for a program under test and for it alone: preloaded, with EKACI_TEST_CLOCK="RATE REAL_MS MONO_MS".
 *
 * From the two moments on (milliseconds of CLOCK_REALTIME and CLOCK_MONOTONIC) a second is RATE seconds to the program, and
 * what it waits for takes a RATE-th of what it asks. GitHub's delays (a second between writes, eleven until a lost answer is
 * settled, an hour between sweeps) then pass in the time of a test, each as long beside the others as ever. The stand-in's
 * clock goes at the same rate (its action `clock`), so JWTs and limits fit.
 *
 * Children run on the true clock: LD_PRELOAD is taken out of the environment at once.
 */
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static int64_t rate = 1, real_from, mono_from;

static int64_t
true_ns(clockid_t id)
{
	struct timespec t;

	syscall(SYS_clock_gettime, id, &t);
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

__attribute__((constructor)) static void
begin(void)
{
	const char *text = getenv("EKACI_TEST_CLOCK");
	long long by, real_ms, mono_ms;

	unsetenv("LD_PRELOAD");
	if (text == NULL || sscanf(text, "%lld %lld %lld", &by, &real_ms, &mono_ms) != 3 || by < 1)
		return;
	unsetenv("EKACI_TEST_CLOCK");
	rate = by;
	real_from = real_ms * 1000000;
	mono_from = mono_ms * 1000000;
}

static int64_t
fast_ns(clockid_t id)
{
	int64_t now = true_ns(id);

	switch (id) {
	case CLOCK_REALTIME:
	case CLOCK_REALTIME_COARSE: return real_from + (now - real_from) * rate;
	case CLOCK_MONOTONIC:
	case CLOCK_MONOTONIC_RAW:
	case CLOCK_MONOTONIC_COARSE:
	case CLOCK_BOOTTIME: return mono_from + (now - mono_from) * rate;
	default: return now;
	}
}

/* Milliseconds to wait, rounded up: never early, and never none for some. */
static int
scaled(int ms)
{
	return ms <= 0 ? ms : (int)((ms + rate - 1) / rate);
}

int
clock_gettime(clockid_t id, struct timespec *t)
{
	int64_t ns;

	if (rate == 1)
		return (int)syscall(SYS_clock_gettime, id, t);
	ns = fast_ns(id);
	*t = (struct timespec){.tv_sec = ns / 1000000000, .tv_nsec = ns % 1000000000};
	return 0;
}

int
gettimeofday(struct timeval *restrict tv, void *restrict zone)
{
	int64_t ns = rate == 1 ? true_ns(CLOCK_REALTIME) : fast_ns(CLOCK_REALTIME);

	(void)zone;
	*tv = (struct timeval){.tv_sec = ns / 1000000000, .tv_usec = ns % 1000000000 / 1000};
	return 0;
}

time_t
time(time_t *ret)
{
	time_t now = (rate == 1 ? true_ns(CLOCK_REALTIME) : fast_ns(CLOCK_REALTIME)) / 1000000000;

	if (ret != NULL)
		*ret = now;
	return now;
}

int
epoll_pwait(int fd, struct epoll_event *events, int n, int ms, const sigset_t *mask)
{
	return (int)syscall(SYS_epoll_pwait, fd, events, n, scaled(ms), mask, 8L);
}

int
epoll_wait(int fd, struct epoll_event *events, int n, int ms)
{
	return epoll_pwait(fd, events, n, ms, NULL);
}

int
poll(struct pollfd *fds, nfds_t n, int ms)
{
	struct timespec t = {.tv_sec = scaled(ms) / 1000, .tv_nsec = scaled(ms) % 1000 * 1000000L};

	return ppoll(fds, n, ms < 0 ? NULL : &t, NULL);
}
