/* Who is told of changes, and not too often. */
#include "queue/tell.h"

enum { TELL_MS = 250 /* between two words to one run */ };

static void
note_run(void *ctx, int64_t run)
{
	struct tell *t = ctx;

	for (size_t i = 0; i < t->told.n; i++) {
		if (t->told.p[i].run == run) {
			t->told.p[i].waiting = true;
			return;
		}
	}
	struct told one = {.run = run, .waiting = true};
	vec_push(&t->told, one);
}

int64_t
tell_runs(struct tell *t, struct queue *q, int64_t now)
{
	int64_t next = INT64_MAX;

	queue_drain_touched(q, note_run, t);
	for (size_t i = 0; i < t->told.n; i++) {
		struct told *one = &t->told.p[i];
		bool done = queue_run_open(q, one->run) == 0;
		if (one->waiting && (done || now - one->at >= TELL_MS)) {
			one->waiting = false;
			one->at = now;
			t->changed(t->ctx, one->run);
		}
		if (one->waiting && one->at + TELL_MS < next)
			next = one->at + TELL_MS;
		if (!one->waiting && (done || now - one->at >= TELL_MS))
			t->told.p[i--] = t->told.p[--t->told.n];
	}
	return next;
}

void
tell_release(struct tell *t)
{
	vec_release(&t->told);
}
