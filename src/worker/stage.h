/*
 * stage - a stage as a worker knows it. walk/table.c lists them; ARCHITECTURE.md has their jobs and records.
 */
#ifndef EKACI_WORKER_STAGE_H
#define EKACI_WORKER_STAGE_H

#include "records/record.h"

struct stage {
	const char *name;
	const struct fields *job; /* the table of its job */
	stage_fn *run;
	void (*close)(void); /* set: the worker takes job after job, a line each, and calls this after the last */
};
/* The stage of a name, or NULL. */
typedef const struct stage *stages_fn(const char *name);

#endif
