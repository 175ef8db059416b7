/* The tables. Read this file to know the flow. */
#include "walk/table.h"

#include "build/build.h"
#include "changeset/changeset.h"
#include "evaluate/evaluate.h"
#include "graph/graph.h"
#include "records/difference.h"
#include "report/explanation.h"
#include "report/report.h"
#include "support/base/mem.h"
#include "walk/sweep.h"

#include <string.h>

/* In flow order: each stage's records are (part of) the next one's job. */
static const struct stage stages[] = {
    {"mirror", .run_json = changeset_mirror, .close = NULL},
    {"submodules", .run_json = changeset_submodules, .close = NULL}, /* of `ekaci diff`; the mirror does the bot's */
    {"plan", .run_json = changeset_plan, .close = NULL},
    {"evaluate", .run_json = stage_evaluate, .close = NULL},
    {"diff", .job = &diff_job_fields, .run = graph_stage_diff, .close = NULL},
    {"report", .job = &report_job_fields, .run = report_stage, .close = NULL},
    {"query", .run_json = schedule_query, .close = NULL},
    {"build", .run_json = schedule_build, .close = schedule_build_close},
    {"push", .run_json = schedule_push, .close = NULL},
    {"explain", .job = &explain_job_fields, .run = explain_stage, .close = NULL},
    {"sweep", .run_json = sweep_stage, .close = NULL},
};

/* An hour of a GitHub that answers 500 is survived by git's twelve attempts. */
static const struct step steps[] = {
    /* state         stage       lane           attempts  delay  */
    {RUN_ACCEPTED, "mirror", LANE_GIT, 12, 5000, "fetching"},
    {RUN_MIRRORED, "plan", LANE_CPU, 3, 1000, "reading the change"},
    {RUN_PLANNED, "evaluate", LANE_EVALUATE, 3, 5000, "evaluating"},
    {RUN_EVALUATED, "diff", LANE_CPU, 3, 1000, "comparing"},
    {RUN_DIFFED, "query", LANE_CPU, 5, 5000, "asking the store"},
    {RUN_QUERIED, NULL, LANE_CPU, 0, 0, "queueing builds"},
    {RUN_BUILDING, NULL, LANE_CPU, 0, 0, "building"},
    {RUN_BUILT, "query", LANE_CPU, 5, 5000, "asking whose the failures are"},
    {RUN_JUDGING, NULL, LANE_CPU, 0, 0, "building the base of what failed"},
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
pipeline_lane_room(enum lane lane)
{
	return lane_room[lane];
}
