/*
 * build_state - the states of a build: the one list of them, and what each means to whoever asks.
 *
 * Every state stands in one of the lists below. The enum, names, words, predicates and the sets that SQL names
 * (store/build_sets.h) are made from these lists, so a new state is one line here. The database has a CHECK with the names, too:
 * it wants a migration, and tests/unit/store.c says so.
 *
 * A line is X(SYMBOL, name, words, tone, rank). The first one of a list is FIRST(...), because a list in SQL has a comma before
 * every element but the first. A line has:
 *   name   in the database, in records and in reports
 *   words  for people: "build failed"
 *   tone   what kind of news it is, a CSS class of pages: good bad warn busy calm
 *   rank   where it stands in a list for people, what is wrong first
 */
#ifndef EKACI_RECORDS_BUILD_STATE_H
#define EKACI_RECORDS_BUILD_STATE_H

#include <stdbool.h>

#define BUILD_WAITING_LIST(FIRST, X) FIRST(WAITING, "waiting", "waiting for what it needs", "calm", 6)
#define BUILD_QUEUED_LIST(FIRST, X)  FIRST(QUEUED, "queued", "waiting to be built", "calm", 5)
#define BUILD_AT_WORK_LIST(FIRST, X) FIRST(BUILDING, "building", "building", "busy", 4)
/* Its outputs are there, or will be when fetched. */
#define BUILD_GOOD_LIST(FIRST, X)                 \
	FIRST(BUILT, "built", "built", "good", 7) \
	X(CACHED, "cached", "already built", "good", 7)
/* The derivation's own failure. */
#define BUILD_FAILED_ITSELF_LIST(FIRST, X)                                      \
	FIRST(FAILED, "failed", "build failed", "bad", 0)                       \
	X(TIMED_OUT, "timed_out", "build took longer than the limit", "bad", 0) \
	X(SILENT, "silent", "build printed nothing for too long", "bad", 0)     \
	X(LOG_LIMIT, "log_limit", "build log grew over the limit", "bad", 0)
/* The failure of something it needs; the row says whose. */
#define BUILD_FAILED_BELOW_LIST(FIRST, X) FIRST(DEPENDENCY_FAILED, "dependency_failed", "a dependency failed", "bad", 2)
/* It ended, and nothing is known of the derivation: retried in vain; nobody wants it any more; no machine builds its system or
 * has its features. */
#define BUILD_NO_ANSWER_LIST(FIRST, X)                                                                 \
	FIRST(INFRASTRUCTURE, "infrastructure", "could not be built: the machinery failed", "warn", 1) \
	X(CANCELLED, "cancelled", "build was cancelled", "calm", 7)                                    \
	X(UNSUPPORTED, "unsupported", "not built: no machine here can do it", "warn", 3)

#define BUILD_STATE_LIST(X)            \
	BUILD_WAITING_LIST(X, X)       \
	BUILD_QUEUED_LIST(X, X)        \
	BUILD_AT_WORK_LIST(X, X)       \
	BUILD_GOOD_LIST(X, X)          \
	BUILD_FAILED_ITSELF_LIST(X, X) \
	BUILD_FAILED_BELOW_LIST(X, X)  \
	BUILD_NO_ANSWER_LIST(X, X)

#define BUILD_STATE_SYMBOL(symbol, name, words, tone, rank) BUILD_##symbol,
enum build_state {
	BUILD_NONE, /* nobody wanted it built; in no database */
	BUILD_STATE_LIST(BUILD_STATE_SYMBOL) BUILD_STATES
};
#undef BUILD_STATE_SYMBOL

/* By value, "" for BUILD_NONE, NULL at the end: the words of a FIELD_WORD. */
extern const char *const build_state_names[];

const char *build_state_name(enum build_state s);
const char *build_state_words(enum build_state s);
const char *build_state_tone(enum build_state s);
/* A name that is no state's, and NULL, is BUILD_INFRASTRUCTURE: what proves nothing. */
enum build_state build_state_of(const char *name);

/* A state is open, or good, or failed, or without an answer; BUILD_NONE is nothing of that. */
bool build_state_is_open(enum build_state s);
bool build_state_is_good(enum build_state s);
bool build_state_has_failed(enum build_state s); /* itself, or for what it needs: it cannot be built as it is */
bool build_state_has_failed_itself(enum build_state s);
bool build_state_has_ended(enum build_state s); /* good, failed or without an answer */

/* The reason of one that has failed by its own word: it was built, and an output says that it failed (nix-support/failed). */
#define BUILD_MARKED "it was built, and marks itself as failed: nix-support/failed"

#endif
