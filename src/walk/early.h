/*
 * early - the stage `first`: of a struct first_job, a struct first_answer.
 *
 * Where there is no answer the record says why; only being cancelled is an error, for nothing may fail because of a word in between.
 */
#ifndef EKACI_WALK_EARLY_H
#define EKACI_WALK_EARLY_H

#include "records/record.h"

stage_fn first_stage;

#endif
