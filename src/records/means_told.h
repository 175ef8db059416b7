/*
 * means_told - job and record of the stage `means`: what this machine has to work with (walk/means.h).
 */
#ifndef EKACI_RECORDS_MEANS_TOLD_H
#define EKACI_RECORDS_MEANS_TOLD_H

#include "records/fields.h"

struct means_job {
	bool sandbox;
};
extern const struct fields means_job_fields;

struct means_told {
	const char *settings, *settings_why;
	bool sandbox_works;
	const char *sandbox_why;
};
extern const struct fields means_fields;

#endif
