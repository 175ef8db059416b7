/*
 * serve - the whole life of a worker: one stage in one short-lived process.
 *
 * `ekaci worker STAGE` narrows itself (new session, limits, no new privileges, ends with its parent), reads one job
 * document from standard input, runs the stage and writes its records to descriptor 3. The daemon starts workers
 * through pool.h; the command line calls call.h. A stage that keeps something between jobs (stage.h: close)
 * reads job after job, a line each, until the end of its input. Without a STAGE the first line of the input names it: so a
 * process can be started before anybody knows what for.
 */
#ifndef EKACI_WORKER_SERVE_H
#define EKACI_WORKER_SERVE_H

#include "worker/stage.h"

/* stage: NULL when its input says it. Gives the exit code (0 end, 1 error, 2 usage). */
int worker_serve(stages_fn *find, const char *stage);

#endif
