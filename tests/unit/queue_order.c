/* The choice of the next build, and machines as Nix' setting describes them. */
#include "queue/why.h"

#include <stdarg.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *const linux_only[] = {"x86_64-linux", "builtin", NULL};
static const char *const arm_only[] = {"aarch64-linux", NULL};
static const char *const none[] = {NULL};
static const char *const kvm[] = {"kvm", NULL};
static const struct machine two[] = {
    {.systems = linux_only, .features = none, .mandatory = none, .max_jobs = 2, .speed = 1},
    {.uri = "ssh://arm", .systems = arm_only, .features = kvm, .mandatory = none, .max_jobs = 1, .speed = 1},
};

struct spec {
	int64_t id, expected_ms, number, priority;
	const char *system, *features;
	int64_t inputs[4];
};

static void
put(struct queue *q, const struct spec *s)
{
	char drv[32];

	snprintf(drv, sizeof(drv), "/nix/store/%d.drv", (int)s->id);
	struct queue_build b = {.id = s->id,
	    .drv = drv,
	    .system = s->system != NULL ? s->system : "x86_64-linux",
	    .features = s->features != NULL ? s->features : "[]",
	    .expected_ms = s->expected_ms};
	struct queue_owner o = {.run = s->number, .repository = 1, .number = s->number, .priority = s->priority};
	queue_add(q, &b);
	for (size_t i = 0; i < 4 && s->inputs[i] != 0; i++)
		queue_link(q, s->id, s->inputs[i]);
	queue_own(q, s->id, &o, 1);
}

static struct queue *
filled(const struct spec *s, size_t n)
{
	struct queue *q = queue_new(0);

	queue_machines(q, two, COUNT(two));
	for (size_t i = 0; i < n; i++)
		put(q, &s[i]);
	queue_settle(q);
	return q;
}

/* The next choice, started; 0 when there is none. */
static int64_t
next(struct queue *q, int64_t now)
{
	struct queue_choice c;

	if (queue_next(q, now, &c) != 0)
		return 0;
	queue_started(q, c.id, c.machine, now);
	return c.id;
}

static void
test_leaves_first_by_path(void **state)
{
	static const struct spec s[] = {
	    {1, 100, 7, 0, NULL, NULL, {0}},
	    {2, 500, 7, 0, NULL, NULL, {0}},
	    {3, 1000, 7, 0, NULL, NULL, {1}}, /* so 1 is on a chain of 1100 */
	    {4, 10, 7, 0, NULL, NULL, {2, 3}},
	};
	struct queue *q = filled(s, COUNT(s));

	(void)state;
	assert_int_equal(next(q, 0), 1);
	assert_int_equal(next(q, 0), 2);
	assert_int_equal(next(q, 0), 0); /* no slot, and nothing else is ready */
	queue_ended(q, 2, QUEUE_GOOD, false, 500, 0, NULL, 500);
	assert_int_equal(next(q, 500), 0);
	queue_ended(q, 1, QUEUE_GOOD, false, 600, 0, NULL, 600);
	assert_int_equal(next(q, 600), 3);
	queue_ended(q, 3, QUEUE_GOOD, false, 10, 0, NULL, 700);
	assert_int_equal(next(q, 700), 4);
	queue_ended(q, 4, QUEUE_GOOD, false, 10, 0, NULL, 800);
	assert_int_equal(queue_figures(q).open, 0);
	assert_int_equal(queue_run_open(q, 7), 0);
	queue_free(q);
}

static void
test_priority_then_share_then_age(void **state)
{
	static const struct spec s[] = {
	    {1, 100, 1, 0, NULL, NULL, {0}},
	    {2, 100, 1, 0, NULL, NULL, {0}},
	    {3, 100, 1, 0, NULL, NULL, {0}},
	    {4, 100, 2, 0, NULL, NULL, {0}},
	    {5, 900, 3, 0, NULL, NULL, {0}},
	    {6, 1, 4, 9, NULL, NULL, {0}},
	};
	struct queue *q = filled(s, COUNT(s));
	int64_t order[6], want[6] = {6, 4, 1, 2, 3, 5};

	(void)state;
	queue_charge(q, 1, 3, 1000000, 0); /* pull request 3 has built a lot */
	queue_charge(q, 1, 1, 150, 0);
	for (int i = 0; i < 6; i++) {
		order[i] = next(q, 0);
		queue_ended(q, order[i], QUEUE_GOOD, false, 100, 0, NULL, 0);
	}
	assert_memory_equal(order, want, sizeof(want));
	queue_free(q);
}

static void
test_failure_takes_what_is_above(void **state)
{
	static const struct spec s[] = {
	    {1, 1, 7, 0, NULL, NULL, {0}},
	    {2, 1, 7, 0, NULL, NULL, {1}},
	    {3, 1, 7, 0, NULL, NULL, {2}},
	    {4, 1, 7, 0, NULL, NULL, {0}},
	    {5, 1, 7, 0, NULL, NULL, {4, 3}},
	};
	struct queue *q = filled(s, COUNT(s));

	(void)state;
	assert_int_equal(queue_run_open(q, 7), 5);
	assert_int_equal(next(q, 0), 1);
	queue_ended(q, 1, QUEUE_BAD, false, 1, 0, NULL, 1);
	assert_int_equal(queue_run_open(q, 7), 1);
	assert_false(queue_has(q, 5));
	assert_int_equal(next(q, 1), 4);
	queue_free(q);
}

static void
test_put_back_until_its_time(void **state)
{
	static const struct spec s[] = {{1, 1, 7, 0, NULL, NULL, {0}}};
	struct queue *q = filled(s, COUNT(s));
	struct buf out;

	(void)state;
	assert_int_equal(next(q, 0), 1);
	queue_ended(q, 1, QUEUE_AGAIN, false, 1, 60000, "the disk was full", 1);
	assert_int_equal(next(q, 59999), 0);
	assert_int_equal(queue_wake(q, 1), 60000);
	buf_init(&out, 1000);
	queue_explain(q, 1, 1, &out);
	assert_non_null(strstr(out.p, "was put back: the disk was full"));
	buf_release(&out);
	assert_int_equal(next(q, 60000), 1);
	queue_free(q);
}

static void
test_systems_do_not_wait_for_each_other(void **state)
{
	static const struct spec s[] = {
	    {1, 1, 7, 0, NULL, NULL, {0}},
	    {2, 1, 7, 0, NULL, NULL, {0}},
	    {3, 1, 7, 0, NULL, NULL, {0}},
	    {4, 1, 7, 0, "aarch64-linux", NULL, {0}},
	    {5, 1, 7, 0, "riscv64-linux", NULL, {0}},
	    {6, 1, 7, 0, NULL, "[\"kvm\"]", {0}},
	    {7, 1, 7, 0, "aarch64-linux", "[\"kvm\"]", {0}},
	};
	struct queue *q = filled(s, COUNT(s));
	struct arena a = {0};
	const char *why;
	int64_t id, seen = 0;

	(void)state;
	for (int i = 0; i < 3; i++)
		seen |= 1 << next(q, 0);
	assert_int_equal(seen & (1 << 4), 1 << 4); /* the only one for arm, beside two of the first three */
	assert_int_equal(next(q, 0), 0);
	assert_int_equal(queue_unsupported(q, &a, &id, &why), 0);
	assert_int_equal(id, 5);
	assert_string_equal(why, "no machine for riscv64-linux");
	queue_refuse(q, 5);
	assert_int_equal(queue_unsupported(q, &a, &id, &why), 0);
	assert_int_equal(id, 6);
	assert_string_equal(why, "no machine for x86_64-linux offers the feature kvm");
	queue_refuse(q, 6);
	assert_int_equal(queue_unsupported(q, &a, &id, &why), 1);
	queue_ended(q, 4, QUEUE_GOOD, false, 1, 0, NULL, 0);
	assert_int_equal(next(q, 0), 7);
	arena_release(&a);
	queue_free(q);
}

static void
test_machine_rests_after_three_failures(void **state)
{
	static const struct spec s[] = {{1, 1, 7, 0, "aarch64-linux", NULL, {0}}};
	struct queue *q = filled(s, COUNT(s));
	int64_t now = 1000, first;

	(void)state;
	for (int i = 0; i < 3; i++) {
		assert_int_equal(next(q, now), 1);
		queue_ended(q, 1, QUEUE_AGAIN, true, 1, 0, "cannot connect", ++now);
	}
	first = queue_machine_state(q, 1).out_until;
	assert_int_equal(first, now + QUEUE_OUT_FIRST_MS);
	assert_int_equal(next(q, now), 0);
	assert_int_equal(queue_wake(q, now), first);
	assert_int_equal(next(q, first), 1);
	queue_ended(q, 1, QUEUE_AGAIN, true, 1, 0, "cannot connect", first + 5);
	assert_int_equal(queue_machine_state(q, 1).out_until, first + 5 + 2 * QUEUE_OUT_FIRST_MS);
	assert_int_equal(next(q, first + 5 + 2 * QUEUE_OUT_FIRST_MS), 1);
	queue_ended(q, 1, QUEUE_GOOD, false, 1, 0, NULL, first + 900000);
	assert_int_equal(queue_machine_state(q, 1).strikes, 0);
	queue_free(q);
}

static void
test_dropped_and_wanted_again(void **state)
{
	static const struct spec s[] = {{1, 1, 7, 0, NULL, NULL, {0}}, {2, 1, 7, 0, NULL, NULL, {1}}};
	struct queue *q = filled(s, COUNT(s));

	(void)state;
	assert_int_equal(next(q, 0), 1);
	queue_drop(q, 2, 1);
	queue_drop(q, 1, 1);
	assert_false(queue_has(q, 1));
	assert_int_equal(queue_run_open(q, 7), 0);
	assert_int_equal(queue_machine_state(q, 0).running, 1); /* its worker is still ending */
	put(q, &s[0]);
	queue_settle(q);
	assert_int_equal(next(q, 2), 0);
	queue_ended(q, 1, QUEUE_AGAIN, false, 3, 0, NULL, 3);
	assert_int_equal(queue_machine_state(q, 0).running, 0);
	assert_int_equal(next(q, 3), 1);
	queue_free(q);
}

static void
test_explains_place(void **state)
{
	static const struct spec s[] = {
	    {1, 60000, 1, 0, NULL, NULL, {0}},
	    {2, 1000, 1, 0, NULL, NULL, {0}},
	    {3, 1000, 2, 5, NULL, NULL, {0}},
	    {4, 1000, 1, 0, NULL, NULL, {2}},
	};
	struct queue *q = filled(s, COUNT(s));
	struct buf out;

	(void)state;
	buf_init(&out, 4000);
	queue_explain(q, 4, 0, &out);
	assert_string_equal(out.p,
	    "waits for 1 input:\n  2.drv (may start)\nexpected to take 1 s, with all that waits for it 1 s\n");
	buf_drop(&out, out.n);
	queue_explain(q, 2, 0, &out);
	assert_string_equal(out.p, "  this machine: 0 of 2 slots in use\n"
	                           "may start: 2 before it of 3 that may start\n"
	                           "  3.drv: priority\n"
	                           "  1.drv: critical path, dependents or age\n"
	                           "expected to take 1 s, with all that waits for it 2 s\n");
	buf_release(&out);
	queue_free(q);
}

/* A naive oracle: the same rules by looking at everything, on random graphs with random ends. */
enum { N = 120 };
struct naive {
	struct spec s[N];
	int state[N]; /* 0 open, 1 building, 2 gone */
	int64_t path[N];
	double share[5];
	bool quick[N];
	int64_t n_path[5];
};

static bool
naive_ready(const struct naive *w, int i)
{
	if (w->state[i] != 0)
		return false;
	for (int k = 0; k < 4 && w->s[i].inputs[k] != 0; k++)
		if (w->state[w->s[i].inputs[k] - 1] != 2)
			return false;
	return true;
}

/* x before y; shortest: by duration instead of by path. */
static bool
naive_before(const struct naive *w, int i, int k, bool shortest)
{
	const struct spec *x = &w->s[i], *y = &w->s[k];
	int64_t d = 0, f = 0, p = shortest ? -x->expected_ms : w->path[i], r = shortest ? -y->expected_ms : w->path[k];

	for (int j = 0; j < N; j++)
		for (int n = 0; n < 4; n++) {
			d += w->state[j] != 2 && w->s[j].inputs[n] == x->id;
			f += w->state[j] != 2 && w->s[j].inputs[n] == y->id;
		}
	if (x->priority != y->priority)
		return x->priority > y->priority;
	if (w->share[x->number] != w->share[y->number])
		return w->share[x->number] < w->share[y->number];
	return p != r ? p > r : d != f ? d > f : i < k;
}

static int
naive_next(struct naive *w, int running)
{
	int best = -1, quick = -1;
	int64_t work = 0;

	for (int i = 0; i < N && running < 2; i++)
		if (naive_ready(w, i) && (best < 0 || naive_before(w, i, best, false)))
			best = i;
	if (best < 0)
		return -1;
	int64_t number = w->s[best].number;
	for (int i = 0; i < N; i++)
		work += w->s[i].number == number && w->state[i] != 2 ? w->s[i].expected_ms : 0;
	w->quick[best] = false;
	if (w->n_path[number] < 1 || work / 2 < w->path[best] * 2)
		return best;
	for (int i = 0; i < N; i++)
		if (naive_ready(w, i) && w->s[i].number == number && (quick < 0 || naive_before(w, i, quick, true)))
			quick = i;
	w->quick[quick] = true;
	return quick;
}

static void
test_agrees_with_naive(void **state)
{
	int quick = 0;

	(void)state;
	for (unsigned seed = 1; seed <= 60; seed++) {
		struct naive w = {0};
		srandom(seed);
		for (int i = 0; i < N; i++) {
			int64_t number = 1 + random() % 4;
			w.s[i] = (struct spec){.id = i + 1,
			    .expected_ms = 1 + random() % 5,
			    .number = number,
			    .priority = number == 4};
			for (int k = 0, used = 0; k < 4 && i > 0 && random() % 3 > 0; k++) {
				int64_t in = 1 + random() % i;
				bool twice = false;
				for (int j = 0; j < used; j++)
					twice = twice || w.s[i].inputs[j] == in;
				if (!twice)
					w.s[i].inputs[used++] = in;
			}
		}
		for (int i = N; i-- > 0;) {
			w.path[i] += w.s[i].expected_ms;
			for (int k = 0; k < 4 && w.s[i].inputs[k] != 0; k++)
				if (w.path[w.s[i].inputs[k] - 1] < w.path[i])
					w.path[w.s[i].inputs[k] - 1] = w.path[i];
		}
		struct queue *q = filled(w.s, N);
		int building[2], running = 0;
		for (int step = 0; step < 4 * N; step++) {
			int want = naive_next(&w, running);
			int64_t got = next(q, 0);
			assert_int_equal(got, want + 1);
			if (want >= 0) {
				w.state[want] = 1;
				w.n_path[w.s[want].number] += !w.quick[want];
				w.share[w.s[want].number] += (double)w.s[want].expected_ms;
				building[running++] = want;
				quick += w.quick[want];
				continue;
			}
			if (running == 0)
				break;
			int at = (int)(random() % running), i = building[at];
			building[at] = building[--running];
			queue_ended(q, i + 1, QUEUE_GOOD, false, w.s[i].expected_ms, 0, NULL, 0);
			w.state[i] = 2;
			w.n_path[w.s[i].number] -= !w.quick[i];
		}
		assert_int_equal(queue_figures(q).open, 0);
		queue_free(q);
	}
	assert_true(quick > 500); /* the rule for much work was at work, too */
}

/* --- machines ------------------------------------------------------------------------------------------------------ */

static void
test_machine_lines(void **state)
{
	static const char text[] =
	    "# a comment\n"
	    "ssh://mac x86_64-darwin,aarch64-darwin\n"
	    "nix@scratchy.example  x86_64-linux - 8 1.5 kvm,benchmark kvm c3NoLWVkMjU1MTkgQUFBQQ== # behind it\n"
	    "ssh-ng://plain ; localhost - /etc/nix/key 3\n"
	    "\r\n"
	    "zero x86_64-linux - 0\n"
	    "@/nonexistent/machines\n";
	struct arena a = {0};
	const struct machine *m;
	struct err e = {0};
	size_t n;

	(void)state;
	assert_int_equal(machines_parse(&a, text, "x86_64-linux", &m, &n, &e), 0);
	assert_int_equal(n, 5);
	assert_string_equal(m[0].uri, "ssh://mac");
	assert_string_equal(m[0].systems[1], "aarch64-darwin");
	assert_null(m[0].systems[2]);
	assert_int_equal(m[0].max_jobs, 1);
	assert_string_equal(m[1].uri, "ssh://nix@scratchy.example");
	assert_int_equal(m[1].max_jobs, 8);
	assert_true(m[1].speed > 1.49 && m[1].speed < 1.51);
	assert_string_equal(m[1].features[1], "benchmark");
	assert_string_equal(m[1].mandatory[0], "kvm");
	assert_string_equal(m[1].host_key, "c3NoLWVkMjU1MTkgQUFBQQ==");
	assert_string_equal(m[1].line,
	    "ssh://nix@scratchy.example x86_64-linux - 8 1.5 kvm,benchmark kvm c3NoLWVkMjU1MTkgQUFBQQ==");
	assert_string_equal(m[2].uri, "ssh-ng://plain");
	assert_string_equal(m[2].systems[0], "x86_64-linux");
	assert_string_equal(m[3].key, "/etc/nix/key");
	assert_int_equal(m[3].max_jobs, 3);
	assert_false(machine_fits(&m[4], "x86_64-linux", none));
	/* kvm is offered by one alone, and that one takes nothing else. */
	assert_true(machine_fits(&m[1], "x86_64-linux", kvm));
	assert_false(machine_fits(&m[1], "x86_64-linux", none));
	assert_true(machine_fits(&m[2], "x86_64-linux", none));
	assert_false(machine_fits(&m[2], "x86_64-linux", kvm));
	assert_false(machine_fits(&m[2], "builtin", none));
	assert_string_equal(machines_why_not(&a, &m[1], 1, "x86_64-linux", none),
	    "every machine for x86_64-linux is kept for derivations that require its features");
	assert_int_equal(machines_parse(&a, "", "x86_64-linux", &m, &n, &e), 0);
	assert_int_equal(n, 0);
	arena_release(&a);
}

static void
test_machine_files(void **state)
{
	char dir[] = "/tmp/ekaci-machines-XXXXXX";
	struct arena a = {0};
	const struct machine *m;
	struct err e = {0};
	size_t n;

	(void)state;
	assert_non_null(mkdtemp(dir));
	const char *inner = arena_printf(&a, "%s/inner", dir), *loop = arena_printf(&a, "%s/loop", dir);
	FILE *f = fopen(inner, "w");
	fputs("one - - 2\n# two\nthree armv7l-linux\n", f);
	fclose(f);
	f = fopen(loop, "w");
	fprintf(f, "@%s\n", loop);
	fclose(f);
	assert_int_equal(machines_parse(&a, arena_printf(&a, "zero;@%s", inner), "i686-linux", &m, &n, &e), 0);
	assert_int_equal(n, 3);
	assert_string_equal(m[1].uri, "ssh://one");
	assert_string_equal(m[1].systems[0], "i686-linux");
	assert_string_equal(m[2].systems[0], "armv7l-linux");
	assert_int_equal(machines_parse(&a, arena_printf(&a, "@%s", loop), "i686-linux", &m, &n, &e), -1);
	assert_int_equal(e.kind, ERR_INPUT);
	unlink(inner);
	unlink(loop);
	rmdir(dir);
	arena_release(&a);
}

static void
test_machine_mistakes(void **state)
{
	static const char *const wrong[] = {
	    "- x86_64-linux",
	    "a x86_64-linux - eight",
	    "a x86_64-linux - -1",
	    "a x86_64-linux - 1 fast",
	    "a x86_64-linux - 1 0",
	    "a x86_64-linux - 1 nan",
	    "a x86_64-linux - 1 1 - - not*base64",
	    "a b c 1 1 f g aGk= more",
	};
	struct arena a = {0};
	const struct machine *m;
	size_t n;

	(void)state;
	for (size_t i = 0; i < COUNT(wrong); i++) {
		struct err e = {0};
		if (machines_parse(&a, wrong[i], "x86_64-linux", &m, &n, &e) != -1 || e.kind != ERR_INPUT)
			fail_msg("accepted: %s", wrong[i]);
	}
	arena_release(&a);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_leaves_first_by_path),
	    cmocka_unit_test(test_priority_then_share_then_age),
	    cmocka_unit_test(test_failure_takes_what_is_above),
	    cmocka_unit_test(test_put_back_until_its_time),
	    cmocka_unit_test(test_systems_do_not_wait_for_each_other),
	    cmocka_unit_test(test_machine_rests_after_three_failures),
	    cmocka_unit_test(test_dropped_and_wanted_again),
	    cmocka_unit_test(test_explains_place),
	    cmocka_unit_test(test_agrees_with_naive),
	    cmocka_unit_test(test_machine_lines),
	    cmocka_unit_test(test_machine_files),
	    cmocka_unit_test(test_machine_mistakes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
