/*
 * progress - the line on standard error that says what `ekaci diff` is doing.
 *
 * On a terminal one line is written over and over. What is no terminal (a CI's log) gets lines that stay, about builds
 * alone: the first after ten seconds, then one a minute.
 */
#ifndef EKACI_CLI_PROGRESS_H
#define EKACI_CLI_PROGRESS_H

#include "queue/schedule.h"
#include "records/record.h"

struct progress_line {
	bool terminal;
	const char *doing;
	int64_t begun_ms;
	size_t shown;    /* columns of the line that stands there */
	int64_t said_ms; /* when a line that stays was last written */
	char *why;       /* what waits waits for, as it was last said, or NULL */
};

/* Something else is being done, from now on. */
void progress_doing(struct progress_line *p, const char *doing);
/* The same for builds, of which there are `total`; progress_builds says how far they are. */
void progress_building(struct progress_line *p, const char *doing);
void progress_builds(struct progress_line *p, const struct schedule *q, int64_t open, int64_t total);
/* What the stage says of itself. */
void progress_show(struct progress_line *p, const struct progress *is);
/* Takes the line away: the cursor stands where it began. */
void progress_clear(struct progress_line *p);
void progress_release(struct progress_line *p);

#endif
