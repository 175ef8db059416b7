/*
 * schedule - a difference becomes builds: in order, fairly, within capacity.
 *
 * The queue is rows (store/build.h); this module starts what may start and writes down how it ended. A build is a
 * worker running the stage `build`. Every system has a queue and slots of its own, so that no architecture waits for
 * another. Infrastructure failures go back to the queue with growing delay; build failures are final.
 */
#ifndef EKACI_SCHEDULE_SCHEDULE_H
#define EKACI_SCHEDULE_SCHEDULE_H

#include "config.h"
#include "store/build.h"
#include "support/os/loop.h"

struct schedule;

/* changed is called with a run's id whenever a build it wants has started or ended. */
must_check int schedule_new(struct loop *l, struct store *s, const struct settings *settings,
    void (*changed)(void *ctx, int64_t run), void *ctx, struct schedule **ret, struct err *e);
/* There may be something to start. */
void schedule_kick(struct schedule *q);
/* Ends the workers of these builds; their rows are already cancelled. */
void schedule_cancel(struct schedule *q, const int64_t *builds, size_t n);
/* True when this machine or its builders build for the system. */
bool schedule_supports(const struct settings *settings, const char *system);
void schedule_free(struct schedule *q);

struct schedule_figures {
	int64_t running, started, built, failed, retried;
};
struct schedule_figures schedule_figures(const struct schedule *q);

#endif
