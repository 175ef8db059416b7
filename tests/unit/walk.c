/* The walk: every state has its step, a job that cannot be made is an error, and each step moves where it should. */
#include "records/all.h"
#include "records/array.h"
#include "records/evaluation.h"
#include "support/os/files.h"
#include "walk/table.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct fixture {
	struct arena a;
	struct err e;
	char dir[32];
	struct settings settings;
	struct walk walk;
	int64_t run;
};

static int
set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	struct repository repo = {1, 1, "o", "r", "https://example.org/o/r.git", "main", false};
	struct pull_request pr = {.repository = 1, .number = 7, .open = true, .head = "h", .base_ref = "main", .title = "t"};
	struct run r = {.repository = 1, .number = 7, .head = "h", .base_ref = "main", .reason = "x"};

	strcpy(f->dir, "/tmp/ekaci-walk-XXXXXX");
	if (mkdtemp(f->dir) == NULL)
		return -1;
	config_defaults(&f->a, &f->settings);
	f->settings.state.dir = f->dir;
	f->walk.settings = &f->settings;
	*state = f;
	if (store_open(":memory:", &f->walk.store, &f->e) != 0 ||
	    store_installation_put(f->walk.store, 1, NULL, "active", &f->e) != 0 ||
	    store_repository_put(f->walk.store, &repo, &f->e) != 0 || store_pull_put(f->walk.store, &pr, &f->e) != 0)
		return -1;
	return store_run_add(f->walk.store, &r, &f->run, &f->e);
}

static int
tear_down(void **state)
{
	struct fixture *f = *state;

	store_close(f->walk.store);
	int rc = files_remove_tree(f->dir, &f->e);
	arena_release(&f->a);
	free(f);
	return rc;
}

static struct run
run_of(struct fixture *f)
{
	struct run r;

	assert_int_equal(store_run_get(f->walk.store, &f->a, f->run, &r, &f->e), 0);
	return r;
}

/* Brings the run to a state that is no end, as if it had walked there. */
static void
walk_to(struct fixture *f, enum run_state to)
{
	for (int s = RUN_ACCEPTED; s < (int)to; s++)
		assert_int_equal(store_run_move(f->walk.store, f->run, (enum run_state)s, (enum run_state)(s + 1), "x", &f->e),
		    0);
}

static void
set(struct fixture *f, const char *column, const char *text)
{
	assert_int_equal(store_run_set(f->walk.store, f->run, column, text, &f->e), 0);
}

static int
job_of(struct fixture *f, struct job *ret)
{
	struct run r = run_of(f);

	return pipeline_step(r.state)->job(&f->walk, &f->a, &r, NULL, ret, &f->e);
}

/* What the records, a line each, do to the run. */
static int
done(struct fixture *f, const char *const *lines, size_t n)
{
	struct record *all = arena_alloc(&f->a, (n + 1) * sizeof(*all));
	const struct records records = {all, n};
	const char *incomplete = NULL;
	struct run r = run_of(f);

	for (size_t i = 0; i < n; i++)
		assert_int_equal(record_read(&f->a, str_of(lines[i]), &all[i], &f->e), 0);
	int rc = pipeline_step(r.state)->done(&f->walk, &f->a, &r, &records, &incomplete, &f->e);
	assert_null(incomplete);
	return rc;
}

#define MIRRORED                                                                                                        \
	"{\"type\":\"mirrored\",\"head\":\"h\",\"base\":\"b\",\"merge_base\":\"b\",\"base_tree\":\"bt\",\"head_tree\":" \
	"\"ht\",\"conflict\":false,\"unrelated\":false,\"conflicts\":null,\"base_sha_at_tip\":\"b\"}"
#define PLAN(decision) \
	"{\"decision\":\"" decision "\",\"config\":\"file\",\"jobs\":[{\"name\":\"j\",\"file\":\"default.nix\"}]}"
#define EVALUATION(side)                            \
	"{\"type\":\"evaluation\",\"side\":\"" side \
	"\",\"job\":\"j\",\"key\":\"k\",\"file\":\"/e\",\"complete\":true,\"rows\":3}"

static void
every_state_has_its_step_and_every_step_its_stage(void **state)
{
	(void)state;
	for (int s = 0; s < RUN_STATES; s++) {
		const struct step *step = pipeline_step((enum run_state)s);
		assert_int_equal(step == NULL, run_state_is_end((enum run_state)s));
		if (step == NULL)
			continue;
		assert_int_equal(step->stage != NULL, step->job != NULL);
		assert_int_equal(step->stage != NULL, step->done != NULL);
		assert_true(step->stage != NULL || step->pass != NULL);
		if (step->stage != NULL) {
			assert_non_null(pipeline_stage(step->stage));
			assert_true(step->attempts > 0 && step->first_delay_ms > 0);
		}
	}
	assert_null(pipeline_stage("nothing"));
}

/* Each state's job is a struct of the very table that its stage reads. */
static void
jobs_are_of_the_table_of_their_stage(void **state)
{
	struct fixture *f = *state;
	char *line;

	for (int s = RUN_ACCEPTED; s <= RUN_JUDGING; s++) {
		const struct step *step = pipeline_step((enum run_state)s);
		struct job job;
		if (s > RUN_ACCEPTED)
			assert_int_equal(store_run_move(f->walk.store, f->run, (enum run_state)(s - 1), (enum run_state)s, "x",
			                     &f->e),
			    0);
		set(f, "mirrored", MIRRORED);
		set(f, "plan", PLAN("evaluate"));
		set(f, "difference", "/d");
		if (step->job == NULL)
			continue;
		assert_int_equal(job_of(f, &job), 0);
		assert_ptr_equal(job.of, pipeline_stage(step->stage)->job);
		assert_int_equal(fields_line(job.of, &f->a, job.is, &line, &f->e), 0);
	}
}

/* It was read as "nothing left to do". */
static void
a_job_that_cannot_be_made_is_an_error(void **state)
{
	struct fixture *f = *state;
	struct job job;

	walk_to(f, RUN_PLANNED);
	set(f, "mirrored", "{\"head\":\"h\"}");
	set(f, "plan", PLAN("evaluate"));
	assert_int_equal(job_of(f, &job), -1);
	assert_int_equal(f->e.kind, ERR_INPUT);
	struct run r = run_of(f);
	assert_int_equal(pipeline_step(RUN_PLANNED)->pass(&f->walk, &f->a, &r, &f->e), -1);
	assert_int_equal(run_of(f).state, RUN_PLANNED);
	/* With nothing left the stage is not asked either. */
	set(f, "mirrored", MIRRORED);
	set(f, "evaluations", "[" EVALUATION("base") "," EVALUATION("head") "]");
	assert_int_equal(job_of(f, &job), -1);
	assert_int_equal(f->e.kind, ERR_BUG);
}

static void
a_stage_without_its_record_is_an_error(void **state)
{
	struct fixture *f = *state;
	const enum run_state states[] = {RUN_ACCEPTED, RUN_MIRRORED, RUN_PLANNED, RUN_EVALUATED, RUN_DIFFED};

	for (size_t i = 0; i < COUNT(states); i++) {
		f->e = (struct err){0};
		assert_int_equal(done(f, NULL, 0), -1);
		assert_int_equal(f->e.kind, ERR_BUG);
		assert_int_equal(run_of(f).state, states[i]);
		assert_int_equal(store_run_move(f->walk.store, f->run, states[i], states[i] + 1, "x", &f->e), 0);
	}
}

static void
records_become_columns_as_they_were_written(void **state)
{
	struct fixture *f = *state;
	const char *lines[] = {MIRRORED};

	assert_int_equal(done(f, lines, 1), 0);
	struct run r = run_of(f);
	assert_int_equal(r.state, RUN_MIRRORED);
	assert_string_equal(r.mirrored, MIRRORED);
}

static void
evaluations_are_made_until_none_is_left(void **state)
{
	struct fixture *f = *state;
	const char *base[] = {EVALUATION("base")}, *head[] = {EVALUATION("head")};
	const struct step *step = pipeline_step(RUN_PLANNED);
	struct evaluations all;

	walk_to(f, RUN_PLANNED);
	set(f, "mirrored", MIRRORED);
	set(f, "plan", PLAN("evaluate"));
	struct run r = run_of(f);
	assert_int_equal(step->pass(&f->walk, &f->a, &r, &f->e), 1);
	assert_int_equal(done(f, base, 1), 0);
	r = run_of(f);
	assert_int_equal(step->pass(&f->walk, &f->a, &r, &f->e), 1);
	assert_int_equal(done(f, head, 1), 0);
	r = run_of(f);
	assert_int_equal(r.state, RUN_PLANNED);
	assert_int_equal(array_read_records(&evaluation_fields, &f->a, r.evaluations, "evaluations", &all, &f->e), 0);
	assert_int_equal(all.n, 2);
	assert_int_equal(step->pass(&f->walk, &f->a, &r, &f->e), 0);
	assert_int_equal(run_of(f).state, RUN_EVALUATED);
}

static void
a_change_that_cannot_rebuild_is_done(void **state)
{
	struct fixture *f = *state;

	walk_to(f, RUN_PLANNED);
	set(f, "plan", PLAN("skip"));
	struct run r = run_of(f);
	assert_int_equal(pipeline_step(RUN_PLANNED)->pass(&f->walk, &f->a, &r, &f->e), 0);
	r = run_of(f);
	assert_int_equal(r.state, RUN_DONE);
	assert_null(r.held);
}

/* What may not be built by itself is held where the store was asked, and ends so. */
static void
a_wide_change_is_held(void **state)
{
	struct fixture *f = *state;
	const char *lines[] = {
	    "{\"type\":\"query\",\"unknown\":null,\"targets\":1,\"cached\":0,\"to_build\":1,\"to_fetch\":0}"};

	walk_to(f, RUN_DIFFED);
	assert_int_equal(store_run_flags(f->walk.store, f->run, true, false, false, &f->e), 0);
	assert_int_equal(done(f, lines, 1), 0);
	struct run r = run_of(f);
	assert_int_equal(r.state, RUN_QUERIED);
	assert_string_equal(r.held, "wide: builds wait for approval");
	assert_null(r.waiting);
	assert_int_equal(pipeline_step(RUN_QUERIED)->pass(&f->walk, &f->a, &r, &f->e), 0);
	r = run_of(f);
	assert_int_equal(r.state, RUN_DONE);
	assert_string_equal(r.held, "wide: builds wait for approval");
}

/* Without builds that are open the rest is walked at once. */
static void
nothing_to_build_is_soon_done(void **state)
{
	struct fixture *f = *state;
	const char *lines[] = {
	    "{\"type\":\"query\",\"unknown\":null,\"targets\":1,\"cached\":1,\"to_build\":0,\"to_fetch\":0}"};

	walk_to(f, RUN_DIFFED);
	assert_int_equal(done(f, lines, 1), 0);
	for (int s = RUN_QUERIED; s <= RUN_BUILDING; s++) {
		struct run r = run_of(f);
		assert_int_equal(r.state, s);
		assert_int_equal(pipeline_step(r.state)->pass(&f->walk, &f->a, &r, &f->e), 0);
	}
	assert_int_equal(done(f, NULL, 0), 0);
	assert_int_equal(run_of(f).state, RUN_DONE);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(every_state_has_its_step_and_every_step_its_stage),
	    TEST(jobs_are_of_the_table_of_their_stage),
	    TEST(a_job_that_cannot_be_made_is_an_error),
	    TEST(a_stage_without_its_record_is_an_error),
	    TEST(records_become_columns_as_they_were_written),
	    TEST(evaluations_are_made_until_none_is_left),
	    TEST(a_change_that_cannot_rebuild_is_done),
	    TEST(a_wide_change_is_held),
	    TEST(nothing_to_build_is_soon_done),
	};
	return cmocka_run_group_tests_name("walk", tests, NULL, NULL);
}
