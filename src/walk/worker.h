/*
 * worker - the child side of the pipeline: one stage in one short-lived process.
 *
 * `ekaci worker STAGE` narrows itself (new session, limits, no new privileges, ends with its parent), reads one job
 * document from standard input, runs the stage and writes its records to descriptor 3. The daemon starts workers
 * through the loop; the command line calls worker_call. A stage that keeps something between jobs (walk/table.h: close)
 * reads job after job, a line each, until the end of its input. Without a STAGE the first line of the input names it: so a
 * process can be started before anybody knows what for.
 */
#ifndef EKACI_WALK_WORKER_H
#define EKACI_WALK_WORKER_H

#include "records/record.h"

/* The whole life of a worker process (stage: NULL when its input says it); gives its exit code (0 end, 1 error, 2 usage). */
int worker_main(const char *stage);

/* Runs a stage in a worker and waits. on_record gets each record but the last; it returns 0, or -1 with e filled to
 * stop. The stage's own error comes back as e. */
must_check int worker_call(const char *stage, struct str job, int (*on_record)(void *ctx, struct str line, struct err *e),
    void *ctx, struct err *e);

#endif
