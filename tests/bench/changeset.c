/*
 * Figures of changeset/, a line each: name value unit.
 *
 * The paths look like those of a large package set; the rules are a mixture of prefixes, suffixes, sets and
 * alternatives of which few match, so that most paths are compared with all of them. The hostile rules have nothing
 * fixed at either end.
 */
#include "changeset/rules.h"

#include "support/base/clock.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PATHS = 20000, RULES = 200, ROUNDS = 5 };

static const char *const ordinary[] = {"doc-%d/**", "**/*.md%d", "lib/part-%d/*.nix", "pkgs/by-name/z%d/**",
    "{maintainers,nixos}/x%d/**", "**/CHANGELOG-%d", ".github/w%d-[a-f]*.yml", "pkgs/**/fixtures-%d/*", "*.lock%d",
    "pkgs/t?%d/**"};
static const char *const hostile[] = {"**/*a*%d*/**", "**/[a-z]*%d[!x]*", "*/*/**/*e*%d*t*"};

static double
measure(struct arena *a, struct str *paths, const char *const *kinds, size_t n_kinds)
{
	struct glob_set set = {.a = a};
	struct err e = {0};
	int64_t best = INT64_MAX;
	size_t matched = 0;

	for (int i = 0; i < RULES; i++) {
		AUTO(buf_release) struct buf b;
		const char *kind = kinds[(size_t)i % n_kinds], *at = strchr(kind, '%');
		buf_init(&b, 256);
		buf_printf(&b, "%.*s%d%s", (int)(at - kind), kind, i, at + 2);
		if (glob_set_add(&set, (struct str){arena_strn(a, b.p, b.n), b.n}, &e) != 0) {
			fprintf(stderr, "%s\n", e.msg);
			exit(1);
		}
	}
	for (int round = 0; round < ROUNDS; round++) {
		int64_t before = clock_mono_ns();
		for (size_t i = 0; i < PATHS; i++)
			matched += glob_set_first(&set, paths[i]) != GLOB_NONE;
		int64_t took = clock_mono_ns() - before;
		best = took < best ? took : best;
	}
	fprintf(stderr, "# %zu of %d matched\n", matched / ROUNDS, PATHS);
	return (double)best / 1e6;
}

int
main(void)
{
	struct arena a = {0};
	struct str *paths = arena_alloc(&a, PATHS * sizeof(*paths));

	for (int i = 0; i < PATHS; i++)
		paths[i] =
		    str_of(i % 10 == 0 ? arena_printf(&a, "pkgs/by-name/z%d/package/default.nix", i % 400)
		                       : arena_printf(&a, "pkgs/development/libraries/part-%d/tool-%d/default.nix", i / 50, i));
	printf("changeset_20000_paths_200_rules %.2f ms\n", measure(&a, paths, ordinary, COUNT(ordinary)));
	printf("changeset_20000_paths_200_hostile_rules %.2f ms\n", measure(&a, paths, hostile, COUNT(hostile)));
	arena_release(&a);
	return 0;
}
