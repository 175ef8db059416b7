/*
 * path_info - sizes and references of store paths, wherever they are: in the store, or in a cache that Nix is told to use.
 *
 * Nix is asked about many paths at once, never about one: the store by `nix-store --check-validity` and `nix path-info -r`,
 * each cache (substituters of nix.conf and of the options) by `nix path-info --store URL`. Nothing is fetched. A cache that
 * does not answer in time is noted in the log, and what only it has is unknown.
 */
#ifndef EKACI_NIX_PATH_INFO_H
#define EKACI_NIX_PATH_INFO_H

#include "support/base/map.h"
#include "support/text/json.h"

enum { INFOS_MAX_CACHES = 16 };

struct infos {
	struct arena a;
	const json_t *options; /* of Nix, as in ekaci.toml; borrowed */
	struct map asked;      /* path -> an enum infos_place, or that of a cache */
	json_t *by_name;       /* file name -> {narSize, references: [file names]} */
	json_t *caches;        /* URLs, once asked for */
	struct buf text;
	enum { INFOS_MAYBE, INFOS_YES, INFOS_NO } has_format; /* nix path-info knows --json-format, as it does from 2.34 on */
};

enum infos_place { INFOS_NOWHERE, INFOS_STORE, INFOS_CACHE /* and the following: the cache of that number */ };

void infos_init(struct infos *q, const json_t *options);
void infos_release(struct infos *q);

/* Finds out where paths (text, below /nix/store) are. ERR_SYSTEM when the store cannot be asked. */
must_check int infos_find(struct infos *q, const json_t *paths, struct err *e);
enum infos_place infos_where(const struct infos *q, const char *path);

/* Reads what all that paths need; paths that are nowhere are left out. */
must_check int infos_closures(struct infos *q, const json_t *paths, struct err *e);
/* Bytes of a path of such a closure, and of all it needs, itself too; -1 when some of it is nowhere. */
int64_t infos_size(const struct infos *q, const char *path);
int64_t infos_closure_size(const struct infos *q, const char *path);

/* Sizes and references out of what `nix path-info --json` printed, in any of its shapes (2.8: an array; 2.19: an object by
 * path, which is --json-format 1; --json-format 2: the same in "info", by file name): file name -> {narSize, references: [file names]}. */
must_check int infos_read(struct str text, json_t *into, struct err *e);

#endif
