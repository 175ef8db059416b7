/*
 * The scheduler alone: choices a second, makespan against the lower bound, fairness, wanting and restarting at scale.
 * One line a figure: name, value, unit. Simulated time; no build is made.
 */
#include "queue/replica.h"
#include "store/builds.h"
#include "store/run.h"
#include "support/base/clock.h"
#include "support/os/files.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static const char *const linux_only[] = {"x86_64-linux", "builtin", NULL};
static const char *const none[] = {NULL};

static uint64_t seed = 88172645463325252u;

static double
uniform(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return ((double)(seed >> 11) + 0.5) / 9007199254740992.0;
}

/* Log-normal, as build times are: median 25 s, mean 66 s, one in a thousand takes 24 minutes; at most two hours. */
static int64_t
duration(void)
{
	double z = sqrt(-2 * log(uniform())) * cos(6.283185307179586 * uniform());
	double ms = 25000 * exp(1.4 * z);

	return ms < 200 ? 200 : ms > 7200000 ? 7200000 : (int64_t)ms;
}

struct end {
	int64_t at, id;
};
struct ends {
	struct end *p;
	size_t n;
};

static void
push(struct ends *h, struct end x)
{
	size_t i = h->n++;

	for (; i > 0 && x.at < h->p[(i - 1) / 2].at; i = (i - 1) / 2)
		h->p[i] = h->p[(i - 1) / 2];
	h->p[i] = x;
}

static struct end
pop(struct ends *h)
{
	struct end top = h->p[0], x = h->p[--h->n];
	size_t i = 0;

	for (size_t c; (c = 2 * i + 1) < h->n; i = c) {
		if (c + 1 < h->n && h->p[c + 1].at < h->p[c].at)
			c++;
		if (h->p[c].at >= x.at)
			break;
		h->p[i] = h->p[c];
	}
	h->p[i] = x;
	return top;
}

static void
add(struct queue *q, int64_t id, int64_t ms, int64_t run)
{
	char drv[80];

	snprintf(drv, sizeof(drv), "/nix/store/00000000000000000000000000000000-package-%" PRId64 ".drv", id);
	struct queue_build b = {.id = id, .drv = drv, .system = "x86_64-linux", .features = "[]", .expected_ms = ms};
	queue_add(q, &b);
	struct queue_owner o = {run, 1, run, 0};
	queue_own(q, id, &o, 1);
}

static int64_t *durations;

static int64_t
play(struct queue *q, struct ends *h, int64_t now, int64_t *decisions, int64_t *started)
{
	struct queue_choice c;

	for (;;) {
		while (queue_next(q, now, &c) == 0) {
			queue_started(q, c.id, c.machine, now);
			if (started != NULL)
				started[c.id] = now;
			push(h, (struct end){now + durations[c.id], c.id});
			++*decisions;
		}
		if (h->n == 0)
			return now;
		struct end x = pop(h);
		now = x.at;
		queue_ended(q, x.id, QUEUE_GOOD, false, durations[x.id], 0, NULL, now);
	}
}

/* 10^5 derivations, 1,000 slots: inputs are chosen among the earlier ones, more often the near ones. */
static void
bench_decisions(const char *shape, int max_inputs, int64_t width)
{
	enum { N = 100000, SLOTS = 1000 };
	static const struct machine m = {.systems = linux_only,
	    .features = none,
	    .mandatory = none,
	    .max_jobs = SLOTS,
	    .speed = 1};
	struct queue *q = queue_new(0);
	struct ends h = {mem_alloc(2 * SLOTS * sizeof(struct end)), 0};
	int64_t *path = mem_alloc((N + 1) * sizeof(*path)), work = 0, longest = 0, decisions = 0;

	durations = mem_alloc((N + 1) * sizeof(*durations));
	queue_machines(q, &m, 1);
	int64_t begun = clock_mono_ns();
	for (int64_t id = 1; id <= N; id++) {
		durations[id] = duration();
		add(q, id, durations[id], 1 + id % 40);
		work += durations[id];
		for (int k = (int)(uniform() * max_inputs); k > 0 && id > width + 1; k--) {
			int64_t in = id - width - (int64_t)(uniform() * uniform() * (double)(id - width - 1));
			queue_link(q, id, in);
			if (path[in] > path[id])
				path[id] = path[in];
		}
		path[id] += durations[id];
		longest = path[id] > longest ? path[id] : longest;
	}
	queue_settle(q);
	int64_t filled = clock_mono_ns();
	int64_t makespan = play(q, &h, 0, &decisions, NULL);
	int64_t done = clock_mono_ns();
	double bound = (double)work / SLOTS > (double)longest ? (double)work / SLOTS : (double)longest;
	printf("scheduler_%s_fill_ms %.0f ms\n", shape, (double)(filled - begun) / 1e6);
	printf("scheduler_%s_decisions_per_s %.0f 1/s\n", shape, (double)decisions * 1e9 / (double)(done - filled));
	printf("scheduler_%s_makespan_ratio %.4f x (critical path %.0f s, work over slots %.0f s)\n", shape,
	    (double)makespan / bound, (double)longest / 1000, (double)work / SLOTS / 1000);
	queue_free(q);
	mem_free(&h.p);
	mem_free(&path);
	mem_free(&durations);
}

static int
compare(const void *a, const void *b)
{
	const double *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

/* Median time from being asked to the last start of 50 runs of 10, beside (or without) one run of 20,000 before. */
static double
small_runs(bool beside_large)
{
	enum { LARGE = 20000, RUNS = 50, EACH = 10, SLOTS = 64 };
	static const struct machine m = {.systems = linux_only,
	    .features = none,
	    .mandatory = none,
	    .max_jobs = SLOTS,
	    .speed = 1};
	struct queue *q = queue_new(0);
	struct ends h = {mem_alloc(2 * SLOTS * sizeof(struct end)), 0};
	int64_t *started = mem_alloc((LARGE + RUNS * EACH + 2) * sizeof(*started)), now = 0, decisions = 0;
	double waits[RUNS];
	struct queue_choice c;

	seed = 88172645463325252u;
	durations = mem_alloc((LARGE + RUNS * EACH + 2) * sizeof(*durations));
	for (int64_t id = 1; id <= LARGE + RUNS * EACH; id++)
		durations[id] = duration();
	queue_machines(q, &m, 1);
	if (beside_large)
		for (int64_t id = 1; id <= LARGE; id++)
			add(q, id, durations[id], 1);
	queue_settle(q);
	while (now < 600000) { /* the large one has had everything for ten minutes */
		while (queue_next(q, now, &c) == 0) {
			queue_started(q, c.id, c.machine, now);
			push(&h, (struct end){now + durations[c.id], c.id});
		}
		if (h.n == 0 || h.p[0].at > 600000)
			break;
		struct end x = pop(&h);
		now = x.at;
		queue_ended(q, x.id, QUEUE_GOOD, false, durations[x.id], 0, NULL, now);
	}
	now = 600000;
	for (int r = 0; r < RUNS; r++)
		for (int k = 0; k < EACH; k++)
			add(q, LARGE + 1 + r * EACH + k, durations[LARGE + 1 + r * EACH + k], 2 + r);
	queue_settle(q);
	play(q, &h, now, &decisions, started);
	for (int r = 0; r < RUNS; r++) {
		int64_t end = 0;
		for (int k = 0; k < EACH; k++) {
			int64_t id = LARGE + 1 + r * EACH + k;
			end = started[id] + durations[id] > end ? started[id] + durations[id] : end;
		}
		waits[r] = (double)(end - now);
	}
	qsort(waits, RUNS, sizeof(waits[0]), compare);
	queue_free(q);
	mem_free(&h.p);
	mem_free(&started);
	mem_free(&durations);
	return (waits[RUNS / 2] + waits[RUNS / 2 - 1]) / 2;
}

static void
bench_fairness(void)
{
	double beside = small_runs(true), alone = small_runs(false);

	printf("scheduler_fairness_ratio %.2f x (median %.0f s beside 20,000, %.0f s alone)\n", beside / alone, beside / 1000,
	    alone / 1000);
}

/* 20,000 builds wanted, a restart, and a second run that wants the same. */
static int
bench_store(struct err *e)
{
	enum { N = 20000 };
	struct arena a = {0};
	struct store *s;
	char dir[] = "/tmp/ekaci-bench-XXXXXX";
	struct repository repo = {.id = 1,
	    .installation = 1,
	    .owner = "o",
	    .name = "r",
	    .clone_url = "http://localhost/o/r.git",
	    .default_branch = "main"};
	static const char head[] = "1111111111111111111111111111111111111111";
	struct build_want *wants = mem_alloc(N * sizeof(*wants));
	int64_t edges = 0, begun, done;

	if (mkdtemp(dir) == NULL)
		return fail_sys(e, "mkdtemp");
	const char *path = arena_printf(&a, "%s/db", dir);
	if (store_open(path, &s, e) != 0 || store_installation_put(s, 1, "o", "active", e) != 0 ||
	    store_repository_put(s, &repo, e) != 0)
		return -1;
	for (int64_t i = 0; i < N; i++) {
		struct texts inputs = {.p = arena_alloc(&a, 11 * sizeof(*inputs.p))};
		for (int k = (int)(uniform() * 11); k > 0 && i > 100; k--) {
			int64_t in = (int64_t)(uniform() * (double)i);
			inputs.p[inputs.n++] = wants[in].drv;
			edges++;
		}
		wants[i] = (struct build_want){.drv = arena_printf(&a, "/nix/store/%032" PRIx64 "-package-%" PRId64 ".drv",
		                                   (uint64_t)i * 7919, i),
		    .name = arena_printf(&a, "package-%" PRId64, i),
		    .system = "x86_64-linux",
		    .inputs = inputs,
		    .target = true};
	}
	for (int64_t number = 1; number <= 2; number++) {
		struct pull_request pr =
		    {.repository = 1, .number = number, .open = true, .head = head, .base_ref = "main", .title = "t"};
		struct run r = {.repository = 1, .number = number, .head = head, .base_ref = "main", .reason = "bench"};
		int64_t run;
		if (store_pull_put(s, &pr, e) != 0 || store_run_add(s, &r, &run, e) != 0)
			return -1;
		clock_t cpu = clock();
		begun = clock_mono_ns();
		if (store_builds_want(s, run, wants, N, 0, e) != 0)
			return -1;
		done = clock_mono_ns();
		printf("builds_want_20000_%s_ms %.0f ms (%" PRId64 " edges, %.0f ms of processor)\n",
		    number == 1 ? "new" : "known", (double)(done - begun) / 1e6, edges,
		    (double)(clock() - cpu) * 1e3 / CLOCKS_PER_SEC);
	}
	store_close(s);
	static const struct machine m = {.systems = linux_only, .features = none, .mandatory = none, .max_jobs = 2, .speed = 1};
	struct queue_choice c;
	bool again;
	begun = clock_mono_ns();
	struct queue *q = queue_new(0);
	queue_machines(q, &m, 1);
	if (store_open(path, &s, e) != 0 || store_builds_recover(s, e) != 0 || replica_load(q, s, clock_now_ms(), e) != 0)
		return -1;
	if (queue_next(q, clock_now_ms(), &c) != 0 || store_build_started(s, c.id, "/log", "builder-1", &again, e) != 0)
		return fail(e, ERR_BUG, "nothing starts after a restart");
	done = clock_mono_ns();
	printf("restart_20000_first_start_ms %.0f ms\n", (double)(done - begun) / 1e6);
	begun = clock_mono_ns();
	struct build_end end = {.state = BUILD_FAILED, .wall_ms = 1};
	if (store_build_end(s, c.id, &end, e) != 0)
		return -1;
	done = clock_mono_ns();
	printf("failure_propagated_ms %.1f ms\n", (double)(done - begun) / 1e6);
	queue_free(q);
	store_close(s);
	mem_free(&wants);
	arena_release(&a);
	return files_remove_tree(dir, e);
}

int
main(void)
{
	struct err e = {0};

	bench_decisions("deep", 6, 1000);
	bench_decisions("wide", 4, 20000);
	bench_fairness();
	if (bench_store(&e) != 0) {
		fprintf(stderr, "schedule: %s (%s)\n", e.msg, e.at);
		return 1;
	}
	return 0;
}
