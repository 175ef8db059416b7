/*
 * means - what this machine has to work with: how Nix is set here, and whether evaluations can have a sandbox.
 *
 * Programs have to be run for that, which take some tenths of a second. The daemon is ready before: it takes deliveries and answers, and
 * runs and builds begin when this stage has told (flow_begin). Whoever is no daemon runs those programs where the answer is needed.
 */
#ifndef EKACI_WALK_MEANS_H
#define EKACI_WALK_MEANS_H

#include "records/means_told.h"
#include "records/record.h"

stage_fn means_stage; /* of a struct means_job: a struct means_told */

#endif
