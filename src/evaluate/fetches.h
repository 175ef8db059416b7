/*
 * fetches - what Nix' fetchers know of a repository, from evaluation to evaluation.
 *
 * There is a folder for each repository. DIR/fetcher-cache-vN.sqlite is the table by which fetchTree, fetchGit and fetchTarball
 * find what was fetched before, in the store or, from Nix 2.20 on, in git repositories beside the table (fetchrepo.h). Only
 * evaluations of the base branch, which may use the network, fill it. Every evaluation gets a copy of its own, which goes with
 * it: a fork's neither writes here nor needs the network for what base has fetched. What was fetched lies in the store, named
 * by its contents.
 *
 * The garbage collector may take it. An evaluation without network then finds nothing; the folder is forgotten, and the
 * next evaluation of base, though stored, is made again and fetches: fetches_are_there says whether that is due.
 */
#ifndef EKACI_EVALUATE_FETCHES_H
#define EKACI_EVALUATE_FETCHES_H

#include "support/base/err.h"
#include "support/base/str.h"

enum fetch_mode {
	FETCH_NEVER, /* no network */
	FETCH_ONCE,  /* it may fetch, for itself: a head that is trusted */
	FETCH_KEEP   /* it may fetch, and what it has fetched is kept: the base */
};
/* "never", "once", "keep"; anything else is ERR_INPUT. */
must_check int fetches_mode_of(const char *word, enum fetch_mode *ret, struct err *e);

bool fetches_are_there(const char *dir);
/* Lends dir's tables and repositories, if any, to cache/nix, where Nix looks for them with XDG_CACHE_HOME=cache. shown: where
 * dir will be seen by who evaluates; it need not be writable there. */
must_check int fetches_lend(const char *dir, const char *cache, const char *shown, struct err *e);
/* The other way round: tables are copied whole, repositories moved. A table that Nix was writing when it ended is left out. dir is
 * there afterwards, even if empty. */
must_check int fetches_keep(const char *cache, const char *dir, struct err *e);
/* After an evaluation without network that missed something (unknown.h): forgets dir, so that base fetches once more. At most
 * once an hour, as a change from outside may name what can never be fetched. */
void fetches_forget(const char *dir);

#endif
