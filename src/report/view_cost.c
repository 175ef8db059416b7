/* What building takes, what a change costs, and where it belongs because of that. */
#include "report/view_part.h"

#include "report/cost.h"
#include "report/words.h"

#include <string.h>

/* All that was spent on building for this run, once it is over; 0 when nothing was built or nobody took the time. */
static int64_t
spent_ms(const struct model *m)
{
	int64_t ms = 0;

	for (size_t i = 0; i < m->facts.builds.n && m->job->phase == PHASE_DONE; i++) {
		const struct build_told *b = &m->facts.builds.p[i].told;
		ms += b->wall_ms > 0 && !b->before ? b->wall_ms : 0;
	}
	return ms;
}

static int64_t
most(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

/* All systems as one: they do not wait for each other. */
static struct estimate_of
sum_estimates(const struct query *query)
{
	struct estimate_of sum = {0};

	for (size_t i = 0; i < query->estimate.n; i++) {
		const struct estimate_of *one = &query->estimate.p[i].of;
		sum.total_ms += one->total_ms;
		sum.critical_path_ms = most(sum.critical_path_ms, one->critical_path_ms);
		sum.finish_ms = most(sum.finish_ms, one->finish_ms);
		sum.finish_low_ms = most(sum.finish_low_ms, one->finish_low_ms);
		sum.finish_high_ms = most(sum.finish_high_ms, one->finish_high_ms);
		sum.known += one->known;
		sum.unknown += one->unknown;
	}
	return sum;
}

/* "6 % more": what came, by what was thought. */
static const char *
compared(struct arena *a, int64_t took, int64_t expected)
{
	int64_t percent = expected > 0 ? (took - expected) * 100 / expected : 0;

	if (percent == 0)
		return "right";
	if (percent > 400)
		return arena_printf(a, "%s times as much", words_number(a, took / expected));
	return arena_printf(a, "%lld %% %s", (long long)(percent > 0 ? percent : -percent), percent > 0 ? "more" : "less");
}

/* What it took beside what it was thought to take. */
static void
view_estimated(const struct view *v, struct values *item)
{
	struct arena *a = &v->m->a;
	struct values *good = values_new(a);
	struct report_estimated was;

	if (!cost_estimated(v->m, &was))
		return;
	const char *builds = words_count(a, was.builds, "build that succeeded", "builds that succeeded");
	values_text(good, "known",
	    was.known == was.builds ? builds : arena_printf(a, "%s of %s", words_number(a, was.known), builds));
	values_text(good, "expected", words_duration(a, was.expected_ms));
	values_text(good, "really", words_duration(a, was.took_ms));
	values_text(good, "compared", compared(a, was.took_ms, was.expected_ms));
	if (was.known > 1 && was.expected_ms > 0)
		put_number(v, good, "off", was.off_ms * 100 / was.expected_ms);
	values_group(item, "good", good);
}

/* From recorded durations: what building will take, before it is over. */
static void
view_estimate(const struct view *v, struct values *item)
{
	struct arena *a = &v->m->a;
	const struct estimate_of sum = sum_estimates(v->m->facts.query);
	const char *low = words_duration(a, sum.finish_low_ms), *high = words_duration(a, sum.finish_high_ms);

	if (sum.known == 0)
		return;
	values_text(item, "total", words_duration(a, sum.total_ms));
	if (sum.critical_path_ms > 0)
		values_text(item, "path", words_duration(a, sum.critical_path_ms));
	if (sum.finish_ms > 0) {
		values_text(item, "done", words_duration(a, sum.finish_ms));
		if (strcmp(low, high) != 0) {
			values_text(item, "low", low);
			values_text(item, "high", high);
		}
	}
	if (sum.unknown > 0)
		put_number(v, item, "unknown", sum.unknown);
}

/* What all of the change costs, whatever of it is there by now. */
static void
view_cost(const struct view *v, struct values *item, const struct change_cost *c)
{
	struct arena *a = &v->m->a;
	struct values *cost = values_new(a);
	const char *low = words_duration(a, c->low_ms), *high = words_duration(a, c->high_ms), *dearest = cost_dearest(v->m, c);

	if (c->builds == 0 || c->known == 0)
		return;
	values_text(cost, "derivations", words_count(a, c->builds, "derivation", "derivations"));
	values_text(cost, "time", words_duration(a, c->ms));
	if (strcmp(low, high) != 0) {
		values_text(cost, "cost_low", low);
		values_text(cost, "cost_high", high);
	}
	if (dearest != NULL) {
		put_code(v, cost, "dearest", dearest);
		values_text(cost, "of_which", dearest);
	}
	if (c->known < c->builds)
		put_number(v, cost, "known", c->known);
	if (c->cached_ms > 0)
		values_text(cost, "there", words_duration(a, c->cached_ms));
	values_group(item, "cost", cost);
}

static void
view_advice(const struct view *v, struct values *obj)
{
	struct arena *a = &v->m->a;
	struct values *item = values_new(a);
	struct report_advice advice;

	if (!cost_advice(v->m, &advice))
		return;
	if (advice.branch != NULL)
		put_code(v, item, "branch", advice.branch);
	else
		put_code(v, item, "at_least", advice.at_least);
	if (advice.near)
		put_code(v, item, "other", advice.other);
	if (advice.against != NULL && *advice.against != '\0')
		put_code(v, item, "against", advice.against);
	values_flag(item, "as_made",
	    advice.branch != NULL && advice.against != NULL && strcmp(advice.branch, advice.against) == 0);
	put_code(v, item, "budget", advice.budget);
	values_flag(item, "none_known", advice.known == 0);
	put_number(v, item, "known", advice.known);
	values_text(item, "builds", words_number(a, advice.builds));
	values_text(item, "time", words_duration(a, advice.ms));
	values_text(item, "least", words_duration(a, advice.low_ms));
	values_group(obj, "advice", item);
}

/* What the store and the recorded durations say about the builds, where somebody asked them. */
void
view_work(const struct view *v, struct values *obj)
{
	const struct query *query = v->m->facts.query;
	struct values *item = values_new(&v->m->a);

	if (v->m->outcome != OUTCOME_COMPARED || query == NULL)
		return;
	values_text(item, "to_build",
	    query->to_build == 0 ? "Nothing" : words_count(&v->m->a, query->to_build, "derivation", "derivations"));
	if (query->cached > 0)
		put_number(v, item, "cached", query->cached);
	if (query->to_fetch > 0)
		put_number(v, item, "fetched", query->to_fetch);
	int64_t spent = spent_ms(v->m);
	bool over = v->m->job->phase == PHASE_DONE && v->m->facts.builds.n > 0; /* with none it waits for an approval */
	if (spent > 0) {
		values_text(item, "took", words_duration(&v->m->a, spent));
		view_estimated(v, item);
	} else if (!over) {
		view_estimate(v, item);
	}
	if (query->cost != NULL)
		view_cost(v, item, query->cost);
	values_group(obj, "work", item);
	view_advice(v, obj);
}
