/*
 * derivation - what stands around one build: what it needs, what needs it, and how builds of the same name went before. For its page;
 * nothing here changes anything. Texts are in the arena, as in overview.h.
 */
#ifndef EKACI_STORE_DERIVATION_H
#define EKACI_STORE_DERIVATION_H

#include "store/overview.h"

struct near_build {
	int64_t id;
	const char *drv, *name, *system, *state;
	int64_t ended_ms, wall_ms;
};
struct near_builds {
	struct near_build *p;
	size_t n; /* at most limit, what is wrong first */
	int64_t total;
};
enum near_which { NEAR_NEEDS, NEAR_NEEDED_BY };
/* Of those that the run wants, too: so nothing is told of what is another's. */
must_check int view_build_near(struct store *s, struct arena *a, int64_t build, int64_t run, enum near_which which,
    size_t limit, struct near_builds *ret, struct err *e);
/* Builds of the same name without its version, on the same system, newest first; total is not told. */
must_check int view_build_alike(struct store *s, struct arena *a, int64_t build, size_t limit, struct near_builds *ret,
    struct err *e);

#endif
