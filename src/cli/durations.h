/*
 * durations - how long builds took here, kept in the cache from one `ekaci diff --build` to the next: what an estimate is made of.
 *
 * The file `durations.json` in the cache folder is a JSON array of struct package_durations, the last DURATION_SAMPLES of each name and system. A bot
 * has its own in its database. A file that cannot be read is told on standard error and taken for none: nothing but estimates hangs on it.
 */
#ifndef EKACI_CLI_DURATIONS_H
#define EKACI_CLI_DURATIONS_H

#include "records/building.h"
#include "store/store.h"

/* Puts what is known into the run's own store. */
void durations_load(const char *cache, struct store *s);
/* Adds what was built for this run; of what stands in the file nothing is lost when another run does so at the same time. */
void durations_keep(const char *cache, const struct builds_told *builds);

#endif
