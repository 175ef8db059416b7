/*
 * call - a stage in a worker, for whoever has nothing to do meanwhile.
 */
#ifndef EKACI_WORKER_CALL_H
#define EKACI_WORKER_CALL_H

#include "support/base/err.h"
#include "support/base/str.h"

/* Runs a stage in a worker and waits. on_record gets each record but the last; it returns 0, or -1 with e filled to
 * stop. The stage's own error comes back as e. */
must_check int worker_call(const char *stage, struct str job, int (*on_record)(void *ctx, struct str line, struct err *e),
    void *ctx, struct err *e);

#endif
