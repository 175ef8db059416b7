/*
 * pipeline - THE TABLES: the stages, and the states a run passes on its way.
 */
#ifndef EKACI_PIPELINE_H
#define EKACI_PIPELINE_H

#include "support/os/record.h"

/* A stage as the worker knows it. Its job and records are described in the header that declares its function. */
struct stage {
	const char *name;
	stage_fn *run;
};

const struct stage *pipeline_stage(const char *name); /* NULL when there is none */

#endif
