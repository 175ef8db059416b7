/*
 * outcome - what a build's end means, from how Nix ended and what stands at the end of the log.
 *
 * Pure functions over bytes that a builder wrote, so hostile. A builder can only talk itself into a failure of its own:
 * what Nix says about the machine counts only where no builder can have written (before the build began), or after the
 * last thing it can have written.
 */
#ifndef EKACI_SCHEDULE_OUTCOME_H
#define EKACI_SCHEDULE_OUTCOME_H

#include "schedule/session.h"

struct outcome_end {
	bool exited;      /* else: by a signal */
	int code;
	bool our_silence, our_wall, log_limit; /* a limit of ours ended it */
	const char *drv;
	const char *uri;  /* the machine, or NULL for this one */
};
struct outcome {
	const char *state;  /* a state of store/build.h */
	const char *reason; /* for people, or NULL; in the arena or constant */
	bool absent;        /* infrastructure: the machine could not be reached, nothing was begun */
	bool differs;       /* failed, because it was built before and came out differently */
};
/* tail: the end of the log, Nix' own words included. */
struct outcome outcome_of(struct arena *a, const struct outcome_end *end, struct str tail);

/* The same where Nix said how it ended, in its protocol; message: its words, or NULL. */
struct outcome outcome_of_status(struct arena *a, const struct outcome_end *end, enum nix_status status,
    const char *message, struct str tail);

/* The phase of stdenv that a log ended in ("buildPhase"), or NULL. */
const char *outcome_phase(struct arena *a, struct str tail);

/* The lines that matter, at most max_lines and max_bytes: the last ones; when the error stands further up, the lines around
 * it first, a line "[...]", and fewer of the last. Control characters go, but tabs, CR and ESC. whole: tail begins with a
 * whole line. */
struct str outcome_lines(struct arena *a, struct str tail, bool whole, size_t max_lines, size_t max_bytes);

#endif
