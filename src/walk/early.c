/* Which attributes, what they are now, and who needs them. */
#include "walk/early.h"

#include "evaluate/evaluate.h"
#include "evaluate/named.h"
#include "graph/reach.h"
#include "records/first.h"
#include "support/base/clock.h"

#include <string.h>

enum { MAX_MS = 60 * 1000 /* of an evaluation: what takes longer is no first word */ };

/* The named attributes of one side, evaluated; of the base they are taken from what is stored. 1: ret->reason says why not. */
static int
evaluate_part(struct arena *a, const struct first_job *job, const struct named *named, int side, struct evaluation *part,
    struct first_answer *ret, struct err *e)
{
	struct evaluate_job one = job->evaluate;

	one.job.scope = named->attrs;
	one.wall_ms = one.wall_ms < MAX_MS ? one.wall_ms : MAX_MS;
	one.expected_rows = -1;
	if (side == SIDE_BASE) {
		one.tree = one.base_tree;
		one.base_tree = NULL;
		one.side = SIDE_BASE;
	}
	if (evaluate_some(a, &one, part, e) != 0)
		return -1;
	if (part->complete)
		return 0;
	ret->reason = arena_printf(a, "the changed files' attributes alone did not evaluate: %s",
	    part->reason != NULL ? part->reason : "the evaluator gave no reason");
	return 1;
}

static int
answer(struct arena *a, const struct first_job *job, struct first_answer *ret, struct err *e)
{
	struct evaluation base, head;
	struct named named;
	bool known = false;

	if (!job->always && evaluate_is_known(a, &job->evaluate, &known, e) != 0)
		return -1;
	ret->needless = known;
	if (known)
		return 0;
	if (named_look(a, &job->evaluate, &job->base, &named, e) != 0)
		return -1;
	ret->reason = named.reason;
	if (named.reason != NULL)
		return 0;
	ret->evaluated = (int64_t)named.attrs.n;
	int rc = evaluate_part(a, job, &named, SIDE_BASE, &base, ret, e);
	if (rc == 0)
		rc = evaluate_part(a, job, &named, SIDE_HEAD, &head, ret, e);
	if (rc != 0)
		return rc < 0 ? -1 : 0;
	const struct first_files files = {job->evaluate.job.name, base.file, head.file, job->base.file, job->graph_dir};
	return first_spread(a, &files, job->list, ret, e);
}

int
first_stage(struct arena *a, const void *of_job, struct record_out *out, struct err *e)
{
	const struct first_job *job = of_job;
	struct first_answer ret = {.job = job->evaluate.job.name};
	int64_t began_ms = clock_mono_ms();
	struct err why = {0};

	if (answer(a, job, &ret, &why) != 0) {
		if (why.kind == ERR_BUSY) {
			*e = why;
			return -1;
		}
		ret = (struct first_answer){.job = ret.job, .reason = fields_clean(a, str_of(arena_strdup(a, why.msg)))};
	}
	ret.wall_ms = clock_mono_ms() - began_ms;
	return record_put(out, &first_answer_fields, &ret, e);
}
