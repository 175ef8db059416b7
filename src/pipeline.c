/* The tables. Read this file to know the flow. */
#include "pipeline.h"

#include "report/report.h"
#include "support/base/mem.h"

#include <string.h>

/* In flow order: each stage's records are (part of) the next one's job. */
static const struct stage stages[] = {
    {"report", report_stage},
};

const struct stage *
pipeline_stage(const char *name)
{
	for (size_t i = 0; i < COUNT(stages); i++)
		if (strcmp(stages[i].name, name) == 0 && stages[i].run != NULL)
			return &stages[i];
	return NULL;
}
