/*
 * outcome - what a build's end means, from how Nix ended and what stands at the end of the log.
 *
 * Pure functions over bytes that a builder wrote, so hostile. A builder can only talk itself into a failure of its own:
 * what Nix says about the machine counts only where no builder can have written (before the build began), or after the
 * last thing it can have written.
 */
#ifndef EKACI_BUILD_OUTCOME_H
#define EKACI_BUILD_OUTCOME_H

#include "nix/session.h"
#include "records/build_state.h"

struct outcome_end {
	bool exited; /* else: by a signal */
	int code;
	bool our_silence, our_wall, log_limit; /* a limit of ours ended it */
	const char *drv;
	const char *uri; /* the machine that was chosen, or NULL for this one */
	/* Of a session: */
	const char *machine; /* where its builder was begun, or NULL: here, or nowhere */
	bool begun, dependency_begun;
	int64_t building_ms, wall_s; /* since it was begun, and how long it might take; 0: not known */
};
struct build_outcome {
	enum build_state state; /* one that has ended */
	const char *reason;     /* for people, or NULL; in the arena or constant */
	bool absent;            /* infrastructure: the machine could not be reached, nothing was begun */
	bool differs;           /* failed, because it was built before and came out differently */
	bool marked;            /* failed by its own word: its outputs are there */
	bool may_pass; /* failed, but Nix thinks that it may pass: what it fetches was perhaps not to be had just now */
};
/* tail: the end of the log, Nix' own words included. */
struct build_outcome outcome_of(struct arena *a, const struct outcome_end *end, struct str tail);

/* The same where Nix answered in its protocol: with a status, or (refused) with an error instead of one. message: its words, or
 * NULL; tail: the end of the log, without them. */
struct build_outcome outcome_of_status(struct arena *a, const struct outcome_end *end, enum nix_status status,
    const char *message, struct str tail);
struct build_outcome outcome_of_refusal(struct arena *a, const struct outcome_end *end, const char *message, struct str tail);

/* The phase of stdenv that a log ended in ("buildPhase"), or NULL. */
const char *outcome_phase(struct arena *a, struct str tail);

/* Whether a line looks like the cause of a failure. */
bool outcome_is_error(struct str line);

/* The lines that matter, at most max_lines and max_bytes: the last ones; when the error stands further up, the lines around
 * it first, a line "[...]", and fewer of the last. What Nix says at the end to sum it up is not taken for the error. Control
 * characters go, but tabs, CR and ESC. whole: tail begins with a whole line. */
struct str outcome_lines(struct arena *a, struct str tail, bool whole, size_t max_lines, size_t max_bytes);

#endif
