/* Budgets applied, and estimates held against what came. */
#include "report/cost.h"

#include "report/how.h"
#include "report/words.h"

#include <stdlib.h>
#include <string.h>

enum { MUCH = 4, MAX_NAMED = 3, MAX_NAME = 60 }; /* named is what makes at least a quarter */

/* The place of the step that so much fits: up_to.n is `above`. */
static size_t
step_of(const struct branch_budget *b, int64_t ms)
{
	size_t i = 0;

	while (i < b->up_to.n && ms > b->up_to.p[i].ms)
		i++;
	return i;
}

static const char *
branch_of(const struct branch_budget *b, size_t step)
{
	return step < b->up_to.n ? b->up_to.p[step].branch : b->above;
}

/* What stands between so much and the branch before, for people: "up to 2 h: main; above: staging". */
static const char *
terms(struct model *m, const struct branch_budget *b)
{
	AUTO(buf_release) struct buf text;

	buf_init(&text, 64 * 1024);
	for (size_t i = 0; i < b->up_to.n; i++)
		buf_printf(&text, "up to %s: %s; ", words_duration(&m->a, b->up_to.p[i].ms), b->up_to.p[i].branch);
	buf_printf(&text, "above: %s", b->above);
	return str_dup(&m->a, buf_get(&text));
}

bool
cost_advice(struct model *m, struct report_advice *ret)
{
	const struct branch_budget *b = how_budget(m);
	const struct change_cost *c = m->facts.query != NULL ? m->facts.query->cost : NULL;

	if (m->outcome != OUTCOME_COMPARED || b == NULL || b->up_to.n == 0 || c == NULL || c->builds == 0 || m->untold > 0 ||
	    (m->facts.run.id != 0 && m->facts.run.number <= 0)) /* where a branch or a merge group belongs is decided */
		return false;
	bool whole = c->known == c->builds;
	size_t usual = step_of(b, c->ms), low = step_of(b, c->low_ms), high = step_of(b, c->high_ms);
	*ret = (struct report_advice){.builds = c->builds,
	    .known = c->known,
	    .ms = c->ms,
	    .low_ms = c->low_ms,
	    .high_ms = c->high_ms,
	    .budget = terms(m, b),
	    .against = m->facts.run.base_ref};
	/* What is not known can only add to it; what is known is taken at its least. */
	if (whole || low == b->up_to.n)
		ret->branch = branch_of(b, whole ? usual : low);
	else
		ret->at_least = branch_of(b, low);
	ret->near = whole && low != high;
	if (ret->near)
		ret->other = branch_of(b, high != usual ? high : low);
	return true;
}

bool
cost_estimated(const struct model *m, struct report_estimated *ret)
{
	struct report_estimated sum = {0};

	for (size_t i = 0; i < m->facts.builds.n && m->job->phase == PHASE_DONE; i++) {
		const struct build_told *b = &m->facts.builds.p[i].told;
		if (b->before || (enum build_state)b->state != BUILD_BUILT || b->wall_ms <= 0)
			continue;
		sum.builds++;
		if (b->expected_ms < 0)
			continue;
		sum.known++;
		sum.expected_ms += b->expected_ms;
		sum.took_ms += b->wall_ms;
		sum.off_ms += llabs(b->wall_ms - b->expected_ms);
	}
	*ret = sum;
	return sum.known > 0;
}

const char *
cost_dearest(struct model *m, const struct change_cost *cost)
{
	AUTO(buf_release) struct buf text;
	size_t n = 0;

	buf_init(&text, 4096);
	while (n < cost->dearest.n && n < MAX_NAMED && cost->known > 1 && cost->dearest.p[n].ms >= cost->ms / MUCH &&
	       cost->dearest.p[n].ms > 0)
		n++;
	for (size_t i = 0; i < n; i++)
		buf_printf(&text, "%s%s %s",
		    i == 0       ? ""
		    : i + 1 == n ? " and "
		                 : ", ",
		    words_cut(&m->a, cost->dearest.p[i].name, MAX_NAME), words_duration(&m->a, cost->dearest.p[i].ms));
	return n > 0 ? str_dup(&m->a, buf_get(&text)) : NULL;
}
