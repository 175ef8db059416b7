/*
 * path_info - sizes and references of store paths, wherever they are: in the store, or in a cache that Nix is told to use.
 *
 * Nix is asked about many paths at once, never about one: the store by `nix-store --check-validity` and `nix path-info -r`,
 * each cache (substituters of nix.conf and of the options) by `nix path-info --store URL`. Nothing is fetched. A cache that
 * does not answer in time is noted in the log, and what only it has is unknown.
 */
#ifndef EKACI_NIX_PATH_INFO_H
#define EKACI_NIX_PATH_INFO_H

#include "records/fields.h"
#include "support/base/map.h"

enum { INFOS_MAX_CACHES = 16 };

struct path_info {
	int64_t size;            /* bytes of its NAR */
	struct texts references; /* names in the store, its own among them when it refers to itself */
};

struct infos {
	struct arena a;
	const struct named_texts *options; /* of Nix, as in ekaci.toml; borrowed */
	struct map asked;                  /* path -> an enum infos_place, or that of a cache */
	struct map by_name;                /* name in the store -> place in known */
	VEC(struct path_info) known;
	struct texts caches; /* URLs; p NULL: not asked for yet */
	struct buf text;
	enum { INFOS_MAYBE, INFOS_YES, INFOS_NO } has_format; /* nix path-info knows --json-format, as it does from 2.34 on */
};

enum infos_place { INFOS_NOWHERE, INFOS_STORE, INFOS_CACHE /* and the following: the cache of that number */ };

void infos_init(struct infos *q, const struct named_texts *options);
void infos_release(struct infos *q);

/* Finds out where paths (below /nix/store) are. ERR_SYSTEM when the store cannot be asked. */
must_check int infos_find(struct infos *q, const struct texts *paths, struct err *e);
enum infos_place infos_where(const struct infos *q, const char *path);

/* Reads what all that paths need; paths that are nowhere are left out. */
must_check int infos_closures(struct infos *q, const struct texts *paths, struct err *e);
/* Bytes of a path of such a closure, and of all it needs, itself too; -1 when some of it is nowhere. */
int64_t infos_size(const struct infos *q, const char *path);
int64_t infos_closure_size(const struct infos *q, const char *path);

/* Adds what `nix path-info --json` printed, in any of its shapes (2.8: an array; 2.19: an object by path, which is
 * --json-format 1; --json-format 2: the same in "info", by name). What is not valid (null) is left out. */
must_check int infos_read(struct infos *q, struct str text, struct err *e);
/* What was read of a name in the store, or NULL; valid until more is read. */
const struct path_info *infos_get(const struct infos *q, struct str name);

#endif
