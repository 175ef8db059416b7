/*
 * fetchrepo - the git repositories that Nix from 2.20 on keeps fetched sources in, lent and kept.
 *
 * Below a fetcher cache: tarball-cache/ (what tarballs unpack to, as git trees) and gitv3/HASH/ (a clone a repository). They are
 * lent as empty repositories whose alternates name the kept ones' objects: nothing is copied but names, and who has the loan can
 * write nothing but its own folder (gitrepository-layout(5), "objects/info/alternates"). To keep what was fetched, its objects
 * are moved; objects are named by their contents, so that is safe while others read.
 */
#ifndef EKACI_EVALUATE_FETCHREPO_H
#define EKACI_EVALUATE_FETCHREPO_H

#include "support/base/err.h"

#include <stdint.h>

/* Lends all repositories of `kept` to `cache`, both fetcher caches. shown: where `kept` will be seen by who uses them. */
must_check int fetchrepo_lend(const char *kept, const char *cache, const char *shown, struct err *e);
/* Moves what cache's repositories have into those of `kept`, on the same disk. 1: nothing was kept and all of `kept` is removed,
 * because it took more than max_mb. */
must_check int fetchrepo_keep(const char *cache, const char *kept, int64_t max_mb, struct err *e);

#endif
