/*
 * build_words - what is still read from Nix' English when something is built, in one table by version.
 *
 * A build's end is Nix' status (session.h), whether and where its builder was begun is in the fields of an activity, a limit
 * passed is told by the clock. Words are left for what Nix has no field for; each stands here once, with the versions that
 * say so. fixtures/nix/VERSION/builds has a recorded sample of every end in every version tried (tests/schedule/record.js), and
 * tests/unit/nix_build_words.c reads them all: a new version is recorded first.
 *
 * Lines of a builder in Nix' own messages stand behind "> ", so no builder can say these words at the beginning of a line.
 */
#ifndef EKACI_NIX_BUILD_WORDS_H
#define EKACI_NIX_BUILD_WORDS_H

#include "support/base/str.h"

enum nixword {
	NIXWORD_DISK_FULL,   /* the disk was nearly full when the builder failed */
	NIXWORD_LACKS,       /* this machine has not the system or a feature that is required */
	NIXWORD_NOT_ALLOWED, /* the settings of this machine forbid to build it */
	NIXWORD_HASH_MISMATCH,
	NIXWORD_TIMED_OUT,     /* one of the limits; which one the clock says */
	NIXWORD_NOT_SAME,      /* built once more it differs */
	NIXWORD_BUILDER_ENDED, /* the builder ended badly, or gave no output */
	NIXWORD_UNREACHABLE,   /* another machine could not be reached; why follows */
	NIXWORD_WILL_BUILD,    /* of a dry run: derivations follow, a line each */
	NIXWORD_WILL_FETCH,    /* paths follow */
	NIXWORD_BAD_LINE,      /* a line of the builder that begins with "@nix " is none of Nix' own, and Nix gave up with it */
	NIXWORD_SUMMARY        /* begins a line that sums up what the log has already */
};
struct nixword_row {
	enum nixword what;
	const char *since, *until; /* the first and the last of the versions tried that say so */
	const char *words;
};
extern const struct nixword_row nixword_rows[];
extern const size_t nixword_count;

/* Whether Nix says so somewhere in text. */
bool nixwords_say(struct str text, enum nixword what);
/* Whether text begins with it. */
bool nixwords_begin(struct str text, enum nixword what);
/* Where it is said for the first time; -1: nowhere. */
ptrdiff_t nixwords_find(struct str text, enum nixword what);
/* Whether a line below a summary repeats the log, or says how to see it. */
bool nixwords_repeats(struct str line);
/* Nix' message of a failed builder without the lines of the log that it repeats, and without how to see the whole log; in a. */
char *nixwords_without_log(struct arena *a, const char *message);

#endif
