/* The tables. Read this file to know the flow. */
#include "walk/table.h"

#include "build/build.h"
#include "changeset/changeset.h"
#include "evaluate/evaluate.h"
#include "graph/graph.h"
#include "overlap/spaces.h"
#include "records/difference.h"
#include "records/first.h"
#include "report/explanation.h"
#include "report/report.h"
#include "support/base/mem.h"
#include "walk/early.h"
#include "walk/means.h"
#include "walk/sweep.h"

#include <string.h>

/* In flow order: each stage's records are (part of) the next one's job. */
static const struct stage stages[] = {
    {"mirror", &mirror_job_fields, changeset_mirror, NULL},
    {"submodules", &submodules_job_fields, changeset_submodules, NULL}, /* of `ekaci diff`; the mirror does the bot's */
    {"plan", &plan_job_fields, changeset_plan, NULL},
    {"evaluate", &evaluate_job_fields, stage_evaluate, NULL},
    {"first", &first_job_fields, first_stage, NULL}, /* before a head is evaluated, in the same state of its run */
    {"diff", &diff_job_fields, graph_stage_diff, NULL},
    {"report", &report_job_fields, report_stage, NULL},
    {"query", &query_job_fields, build_stage_query, NULL},
    {"build", &build_job_fields, build_stage_build, build_stage_close},
    {"push", &push_job_fields, build_stage_push, NULL},
    {"explain", &explain_job_fields, explain_stage, NULL},
    {"overlap", &overlap_job_fields, overlap_stage, NULL},
    {"means", &means_job_fields, means_stage, NULL}, /* once, when the bot has started */
    {"sweep", &sweep_job_fields, sweep_stage, NULL},
};

/* An hour of a GitHub that answers 500 is survived by git's twelve attempts. */
static const struct step steps[] = {
    {RUN_ACCEPTED, "mirror", LANE_GIT, 12, 5000, true, NULL, steps_mirror_job, steps_mirror_done},
    {RUN_MIRRORED, "plan", LANE_CPU, 3, 1000, false, NULL, steps_plan_job, steps_plan_done},
    {RUN_PLANNED, "evaluate", LANE_EVALUATE, 3, 5000, false, steps_planned, steps_evaluate_job, steps_evaluate_done},
    {RUN_EVALUATED, "diff", LANE_CPU, 3, 1000, false, NULL, steps_diff_job, steps_diff_done},
    {RUN_DIFFED, "query", LANE_CPU, 5, 5000, false, NULL, steps_query_job, steps_query_done},
    {RUN_QUERIED, NULL, LANE_CPU, 0, 0, false, steps_queried, NULL, NULL},
    {RUN_BUILDING, NULL, LANE_CPU, 0, 0, false, steps_building, NULL, NULL},
    {RUN_BUILT, "query", LANE_CPU, 5, 5000, false, NULL, steps_judge_job, steps_judge_done},
    {RUN_JUDGING, NULL, LANE_CPU, 0, 0, false, steps_judging, NULL, NULL},
};

static const int lane_room[LANES] = {[LANE_GIT] = 4, [LANE_CPU] = 2, [LANE_EVALUATE] = 1, [LANE_REPORT] = 2};

const struct stage *
pipeline_stage(const char *name)
{
	for (size_t i = 0; i < COUNT(stages); i++)
		if (strcmp(stages[i].name, name) == 0)
			return &stages[i];
	return NULL;
}

const struct step *
pipeline_step(enum run_state from)
{
	for (size_t i = 0; i < COUNT(steps); i++)
		if (steps[i].from == from)
			return &steps[i];
	return NULL;
}

int
pipeline_lane_room(enum work_lane lane)
{
	return lane_room[lane];
}
