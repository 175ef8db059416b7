/* .ekaci/config.json: what is right differs in nothing from itself. */
#include "changeset/rules.h"
#include "fuzz/fuzz.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct arena a = {0};
	struct rules rules;
	struct mistakes m;

	mistakes_init(&m, &a, RULES_PATH);
	rules_read(&a, (struct str){(const char *)data, n}, &rules, &m);
	mistakes_sort(&m);
	for (size_t i = 0; i < m.n; i++)
		FUZZ_CHECK(mistakes_text(&m, i)[0] != '\0');
	if (m.n == 0) {
		FUZZ_CHECK(rules_changes(&a, &rules, &rules).n == 1); /* "nothing that ekaci uses" */
		(void)rules_first(&rules, STR("pkgs/a/default.nix"));
	}
	arena_release(&a);
	return 0;
}
