/* Why a build has not started yet, in words. */
#include "queue/why.h"

#include "nix/path.h"
#include "queue/order.h"

#include <inttypes.h>

enum { MAX_NAMED = 5 };

static const char *
state_word(const struct item *it)
{
	static const char *const words[] = {
	    [ITEM_WAITING] = "waits, too",
	    [ITEM_POSTPONED] = "put back for a while",
	    [ITEM_READY] = "may start",
	    [ITEM_BUILDING] = "is being built",
	};

	return words[it->state];
}

static void
say_span(struct buf *out, int64_t ms)
{
	if (ms < 60 * 1000)
		buf_printf(out, "%" PRId64 " s", (ms + 999) / 1000);
	else
		buf_printf(out, "%" PRId64 " min", ms / 60000);
}

static void
explain_waiting(const struct item *it, struct buf *out)
{
	buf_printf(out, "waits for %zu %s:\n", it->inputs.n, it->inputs.n == 1 ? "input" : "inputs");
	for (size_t i = 0; i < it->inputs.n && i < MAX_NAMED; i++)
		buf_printf(out, "  %s (%s)\n", nix_path_base(it->inputs.p[i]->drv), state_word(it->inputs.p[i]));
	if (it->inputs.n > MAX_NAMED)
		buf_printf(out, "  and %zu more\n", it->inputs.n - MAX_NAMED);
}

static void
explain_machines(const struct queue *q, const struct item *it, int64_t now, struct buf *out)
{
	for (size_t i = 0; i < it->class->fits.n && i < MAX_NAMED; i++) {
		const struct machine *m = &q->machines[it->class->fits.p[i]];
		const struct queue_machine_state *s = &q->machine_states[it->class->fits.p[i]];
		buf_printf(out, "  %s: %" PRId64 " of %" PRId64 " slots in use", m->uri != NULL ? m->uri : "this machine",
		    s->running, m->max_jobs);
		if (s->out_until > now) {
			buf_puts(out, ", out of service for another ");
			say_span(out, s->out_until - now);
		}
		buf_putc(out, '\n');
	}
}

/* Plays the choices to come until this one; names the first before it and the rule that put them there. */
static void
explain_place(struct queue *q, const struct item *it, int64_t now, struct buf *out)
{
	AUTO(buf_release) struct buf others;
	size_t before = 0, machine;
	struct queue_lane *l, *own;
	struct item *other;

	buf_init(&others, 4096);
	q->roomy = true;
	while ((l = order_choose(q, now, &machine, &other)) != NULL && other != it) {
		own = NULL;
		for (size_t i = 0; i < it->class->lanes.n && own == NULL; i++)
			if (item_owned_by(it, it->class->lanes.p[i]->pull))
				own = it->class->lanes.p[i];
		if (before < MAX_NAMED && own != NULL)
			buf_printf(&others, "  %s: %s\n", nix_path_base(other->drv),
			    own->pull == l->pull && own != l ? "same pull request"
			    : own == l                       ? "critical path, dependents or age"
			                                     : order_reason(l, own));
		before++;
		queue_started(q, other->id, machine, now);
	}
	buf_printf(out, "may start: %zu before it of %zu that may start\n", before, before + q->n_ready);
	buf_str(out, buf_get(&others));
	if (before > MAX_NAMED)
		buf_printf(out, "  and %zu more\n", before - MAX_NAMED);
}

static bool
is_of(const struct item *it, int64_t repository, int64_t number)
{
	for (size_t i = 0; i < it->owners.n; i++)
		if (it->owners.p[i]->pull->repository == repository && it->owners.p[i]->pull->number == number)
			return true;
	return false;
}

int64_t
queue_before(struct queue *q, int64_t repository, int64_t number, int64_t now, int64_t max)
{
	struct item *next;
	size_t machine;

	q->roomy = true;
	for (int64_t before = 0; order_choose(q, now, &machine, &next) != NULL; before++) {
		if (before >= max || is_of(next, repository, number))
			return before;
		queue_started(q, next->id, machine, now);
	}
	return -1;
}

void
queue_explain(struct queue *q, int64_t id, int64_t now, struct buf *out)
{
	const struct item *it = item_get(q, id);
	struct arena a = {0};

	if (it == NULL || it->dropped) {
		buf_puts(out, "is not in the queue\n");
		return;
	}
	if (it->state == ITEM_BUILDING) {
		buf_puts(out, "is being built\n");
		return;
	}
	if (it->owners.n == 0)
		buf_puts(out, "no run wants it any more\n");
	const char *none = machines_why_not(&a, q->machines, q->n_machines, it->class->system, it->class->features);
	if (none != NULL)
		buf_printf(out, "%s\n", none);
	if (it->reason != NULL)
		buf_printf(out, "was put back: %s\n", it->reason);
	if (it->state == ITEM_WAITING) {
		explain_waiting(it, out);
	} else if (it->not_before > now) {
		buf_puts(out, "may start in ");
		say_span(out, it->not_before - now);
		buf_putc(out, '\n');
	} else if (none == NULL && it->owners.n > 0) {
		explain_machines(q, it, now, out);
		explain_place(q, it, now, out);
	}
	buf_puts(out, "expected to take ");
	say_span(out, it->expected_ms);
	buf_puts(out, ", with all that waits for it ");
	say_span(out, it->path_ms);
	buf_putc(out, '\n');
	arena_release(&a);
}
