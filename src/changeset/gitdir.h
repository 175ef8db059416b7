/*
 * gitdir - bare repositories of ours: made, locked, fetched into, kept tidy.
 *
 * One process at a time works on one (a lock beside it, DIR.lock), so lock files inside are left over from a killed one, and
 * are removed when git stumbles over them. g->dir names it everywhere; all but gitdir_lock want the lock held.
 */
#ifndef EKACI_CHANGESET_GITDIR_H
#define EKACI_CHANGESET_GITDIR_H

#include "changeset/gitcmd.h"

/* Waits for it to be ours alone, until g->deadline_ms (then ERR_BUSY); the lock ends with the descriptor. The folder above
 * is made. */
must_check int gitdir_lock(const struct gitcmd *g, int *ret_fd, struct err *e);
/* An empty one, which appears whole or not at all; nothing when it is there. */
must_check int gitdir_make(const struct gitcmd *g, struct err *e);
/* Fetches what (refspecs, ending in NULL) from g->url, with one more option of git fetch or NULL. Lock files in the way are
 * removed and it is tried once more; words of git that mean nothing to us make us look whether the folder is damaged:
 * *ret_trouble is then GITCMD_CORRUPT. */
must_check int gitdir_fetch(const struct gitcmd *g, const char *option, const char *const *what,
    enum gitcmd_trouble *ret_trouble, struct err *e);
/* Whether git can read the configuration, the refs and what they point to; true, too, when there was no time to look. */
bool gitdir_is_sound(const struct gitcmd *g);
/* Many packs become few, in proportion to their sizes, and half-written ones of killed fetches go. What fails is tried at
 * the next fetch. */
void gitdir_maintain(const struct gitcmd *g);

#endif
