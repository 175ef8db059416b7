/* A pattern a line, then an empty line, then a path: a set refuses what the check refuses, and finds the first that matches alone. */
#include "changeset/glob.h"
#include "fuzz/fuzz.h"

enum { MAX_PATTERNS = 20 };

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct str rest = {(const char *)data, n}, pattern, patterns[MAX_PATTERNS];
	struct arena a = {0};
	struct glob_set set = {.a = &a};
	struct err e = {0};
	size_t kept = 0;

	while (kept < MAX_PATTERNS && rest.n > 0 && (pattern = fuzz_line(&rest)).n > 0) {
		int rc = glob_set_add(&set, pattern, &e);
		FUZZ_CHECK((rc == 0) == (glob_check(pattern, &e) == 0));
		if (rc == 0)
			patterns[kept++] = pattern;
	}
	ptrdiff_t first = glob_set_first(&set, rest), alone = GLOB_NONE;
	for (size_t i = 0; i < kept && alone == GLOB_NONE; i++) {
		struct glob_set one = {.a = &a};
		fuzz_must(glob_set_add(&one, patterns[i], &e), &e);
		if (glob_set_first(&one, rest) == 0)
			alone = (ptrdiff_t)i;
	}
	FUZZ_CHECK(first == alone);
	arena_release(&a);
	return 0;
}
