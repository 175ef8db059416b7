/* From settings and records to the next stage's job. */
#include "walk/jobs.h"

#include "evaluate/evalconf.h"
#include "records/array.h"
#include "records/list.h"
#include "support/text/json.h"

#include <string.h>

enum { MIRROR_MS = 20 * 60 * 1000 };

struct mirror_job
jobs_mirror(const struct run *r, const struct repository *repo, const char *mirror, const char *authorization, enum trust trust)
{
	return (struct mirror_job){.mirror = mirror,
	    .url = repo->clone_url,
	    .authorization = authorization,
	    .number = r->number > 0 ? r->number : -1,
	    .head = r->head,
	    .head_ref = r->head_ref,
	    .base_ref = r->base_ref,
	    .base = r->base,
	    .trusted = trust != TRUST_NOBODY,
	    .wall_ms = MIRROR_MS};
}

struct plan_job
jobs_plan(const struct settings *c, const char *git_dir, const struct mirrored *mirrored)
{
	return (struct plan_job){.git_dir = git_dir,
	    .base_tree = mirrored->base_tree,
	    .head_tree = mirrored->head_tree,
	    .base = mirrored->base,
	    .head = mirrored->head,
	    .submodules = mirrored->submodules,
	    .conflict = mirrored->conflict,
	    .skip_paths = c->rebuild.skip_paths};
}

static const struct evaluation *
find_done(const struct evaluations *done, enum side side, const char *job)
{
	for (size_t i = 0; i < done->n; i++)
		if (done->p[i].side == (int)side && strcmp(done->p[i].job, job) == 0)
			return &done->p[i];
	return NULL;
}

static struct evaluate_job
evaluate_job(struct arena *a, const struct settings *c, const struct jobs_trees *trees, const struct job_def *job,
    enum side side, enum trust trust)
{
	bool must = trust == TRUST_NOBODY && strcmp(c->evaluate.sandbox, "auto") == 0;
	const struct mirrored *m = trees->mirrored;
	const struct whole_trees *whole = m->submodules;
	bool takes = job->submodules && whole != NULL && whole->git_dir != NULL;
	struct evaluate_job j;

	fields_init(&evaluate_job_fields, &j);
	j.git_dir = takes ? whole->git_dir : trees->git_dir;
	j.tree = side == SIDE_BASE ? (takes ? whole->base_tree : m->base_tree) : (takes ? whole->head_tree : m->head_tree);
	j.base_tree = side == SIDE_HEAD ? (takes ? whole->base_tree : m->base_tree) : NULL;
	j.proof = c->evaluate.proof;
	j.job = *job;
	j.side = side;
	j.commit = trees->as_head ? m->head : m->base;
	j.evals_dir = arena_printf(a, "%s/evals", c->state.dir);
	j.checkout_dir = arena_printf(a, "%s/checkouts", c->state.dir);
	j.roots_dir = trees->roots_dir;
	j.evaluator = c->evaluate.evaluator;
	j.workers = c->evaluate.workers;
	j.max_memory_mb = c->evaluate.max_memory_mb;
	j.wall_ms = c->evaluate.timeout_s * 1000;
	j.sandbox = must ? "require" : c->evaluate.sandbox;
	j.allow_import_from_derivation = c->evaluate.allow_import_from_derivation;
	j.allow_network = c->evaluate.allow_network;
	j.fetch_cache_dir = c->evaluate.fetch_cache_dir;
	j.allowed_uris = c->evaluate.allowed_uris;
	j.experimental_features = c->evaluate.experimental_features;
	j.nix_options = c->evaluate.nix_options;
	j.systems = c->evaluate.systems;
	j.max_rows = c->evaluate.max_rows;
	j.max_depth = c->evaluate.max_depth;
	return j;
}

bool
jobs_evaluate(struct arena *a, const struct settings *c, const struct jobs_trees *trees, const struct plan *plan,
    const struct evaluations *done, enum trust trust, struct evaluate_job *ret)
{
	for (size_t i = 0; i < plan->jobs.n; i++) {
		const struct job_def *job = &plan->jobs.p[i];
		const struct evaluation *base = find_done(done, SIDE_BASE, job->name);
		if (base != NULL && find_done(done, SIDE_HEAD, job->name) != NULL)
			continue;
		*ret = evaluate_job(a, c, trees, job, base == NULL ? SIDE_BASE : SIDE_HEAD, trust);
		if (base != NULL && base->complete)
			ret->expected_rows = base->rows;
		if (ret->side == SIDE_HEAD && ret->proof && ret->git_dir == trees->git_dir && plan->commits.n > 1)
			for (size_t k = 0; k < plan->commits.n; k++)
				list_add(a, &ret->commits, plan->commits.p[k].id);
		return true;
	}
	return false;
}

const char *
jobs_stopped(const struct evaluations *done)
{
	for (size_t i = 0; i < done->n; i++) {
		const struct evaluation *one = &done->p[i];
		if (!one->complete && (one->side == SIDE_HEAD || find_done(done, SIDE_HEAD, one->job) != NULL))
			return one->reason != NULL ? one->reason : "the evaluator gave no reason";
	}
	return NULL;
}

/* Without a file of its own at base, the head says what of the base is evaluated: that is the head's code. */
static bool
is_base_alone(const struct evaluate_job *job, const struct plan *plan)
{
	return job->side == SIDE_BASE && strcmp(plan->config, "head file") != 0;
}

void
jobs_may_fetch(const struct settings *c, struct evaluate_job *job, const char *fetches, const struct plan *plan,
    enum trust trust)
{
	if (!c->evaluate.fetch_trusted || c->evaluate.allow_network)
		return;
	job->fetches = fetches;
	job->fetch = is_base_alone(job, plan) || trust == TRUST_OWN ? "keep" : trust == TRUST_MEMBERS ? "once" : "never";
}

void
jobs_withhold(struct arena *a, struct evaluate_job *job, const struct plan *plan)
{
	if (!is_base_alone(job, plan))
		job->nix_options = evalconf_without_secrets(a, &job->nix_options, EVALCONF_WITHOUT_DOORS);
}

struct diff_job
jobs_diff(struct arena *a, const struct settings *c, const struct evaluations *evaluations, const char *out)
{
	struct diff_job job = {.out = out, .graph_dir = arena_printf(a, "%s/graphs", c->state.dir), .store_dir = "/nix/store"};

	job.base.p = arena_alloc(a, (evaluations->n + 1) * sizeof(*job.base.p));
	job.head.p = arena_alloc(a, (evaluations->n + 1) * sizeof(*job.head.p));
	for (size_t i = 0; i < evaluations->n; i++) {
		const struct evaluation *one = &evaluations->p[i];
		const struct evaluation_file file = {one->job, one->file};
		if (one->side == SIDE_BASE)
			job.base.p[job.base.n++] = file;
		else
			job.head.p[job.head.n++] = file;
		if (one->commit != NULL) /* of flakes: both sides were evaluated as this one */
			job.commit = one->commit;
	}
	return job;
}

struct query_job
jobs_query(const struct settings *c, const char *difference, enum side side)
{
	return (struct query_job){.difference = difference,
	    .side = side,
	    .options = c->build.nix_options,
	    .sizes = side == SIDE_BASE};
}

size_t
jobs_wants(const struct records *records, enum jobs_which which, struct build_want *wants)
{
	const struct build_needed *rec;
	size_t at = 0, n = 0;

	while ((rec = record_next(records, &build_needed_fields, &at)) != NULL) {
		if (which == JOBS_WANTS_ASKED && !rec->asked)
			continue;
		wants[n++] = (struct build_want){.drv = rec->drv,
		    .name = rec->name,
		    .system = rec->system,
		    .features = rec->features,
		    .inputs = rec->inputs,
		    .fixed_output = rec->fixed_output,
		    .target = rec->target,
		    .base_drv = rec->base,
		    .base = which == JOBS_WANTS_BASE,
		    .asked = rec->asked,
		    .cached = rec->cached,
		    .marked = rec->marked};
	}
	return n;
}

/* --- the report's ------------------------------------------------------------------------------------------------------ */

/* The members of what is told of the run that stand in the record `mirrored`. */
static int
tell_sides(struct arena *a, const struct mirrored *m, bool merged, struct run_told *ret, struct err *e)
{
	ret->base = m->base;
	ret->conflict = m->conflict;
	if (!merged || m->conflicts.p == NULL) {
		ret->conflicts = merged ? "null" : NULL;
		return 0;
	}
	return array_write_texts(a, &m->conflicts, &ret->conflicts, e);
}

int
jobs_report(struct arena *a, const struct settings *c, const struct run *r, const struct jobs_telling *how,
    struct report_job *ret, struct err *e)
{
	struct run_told told = how->told;
	struct evaluations evaluations = {0};
	struct mirrored mirrored = {0};
	char *run;

	if (r->evaluations != NULL &&
	    array_read_records(&evaluation_fields, a, r->evaluations, "evaluations", &evaluations, e) != 0)
		return -1;
	if (r->mirrored != NULL && (fields_read(&mirrored_fields, a, str_of(r->mirrored), "mirrored", &mirrored, e) != 0 ||
	                               tell_sides(a, &mirrored, how->merged, &told, e) != 0))
		return -1;
	if (fields_line(how->told_as, a, &told, &run, e) != 0)
		return -1;
	fields_init(&report_job_fields, ret);
	ret->run = run;
	ret->plan = r->plan;
	ret->evaluations = r->evaluations;
	ret->query = r->query;
	ret->failure = r->failure;
	ret->first = r->first;
	ret->difference = r->difference;
	ret->head_tree = mirrored.head_tree;
	/* Base and head stood under one path; it turns positions in error texts into places of the diff. */
	ret->checkout_dir = evaluations.n > 0 ? evaluations.p[0].source : NULL;
	ret->phase = (int)run_state_phase(r->state);
	ret->formats = how->formats;
	ret->settings = (struct report_settings){.max_packages_listed = c->report.max_packages_listed,
	    .label_prefix = c->report.label_prefix,
	    .label_has_prefix = c->report.label_has_prefix,
	    .comment = c->report.comment,
	    .labels = c->report.labels,
	    .review_requests = c->report.review_requests,
	    .attribute_checks = c->report.attribute_checks,
	    .repositories_decide = c->report.repositories_decide};
	return 0;
}

int
jobs_builds(struct arena *a, const struct builds_told *builds, const char **ret, struct err *e)
{
	AUTO(buf_release) struct buf line;

	buf_init(&line, SIZE_MAX / 4);
	buf_putc(&line, '{');
	for (size_t i = 0; i < builds->n; i++) {
		if (i > 0)
			buf_putc(&line, ',');
		json_quote(str_of(builds->p[i].drv), &line);
		buf_putc(&line, ':');
		if (fields_write(&build_told_fields, &builds->p[i].told, &line, e) != 0)
			return -1;
	}
	buf_putc(&line, '}');
	*ret = str_dup(a, buf_get(&line));
	return 0;
}
