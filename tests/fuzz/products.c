/* What an output says in nix-support: metrics up to a line "---", then build products. */
#include "build/sizes.h"
#include "fuzz/fuzz.h"

#define OUTPUT "00000000000000000000000000000000-x"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct str metrics = {(const char *)data, n}, products = {metrics.p + n, 0};
	ptrdiff_t at = str_find(metrics, STR("\n---\n"));
	struct arena a = {0};
	struct metrics found_metrics = {0};
	struct products found = {0};

	if (at >= 0) {
		products = str_from(metrics, (size_t)at + 5);
		metrics.n = (size_t)at;
	}
	(void)fuzz_file(&a, OUTPUT "/nix-support/hydra-metrics", metrics);
	(void)fuzz_file(&a, OUTPUT "/nix-support/hydra-build-products", products);
	const char *output = arena_printf(&a, "%s/" OUTPUT, fuzz_dir());
	sizes_files(&a, fuzz_dir(), output, output, &found_metrics, &found);
	for (size_t i = 0; i < found.n; i++) {
		const char *path = found.p[i].store_path;
		FUZZ_CHECK(strncmp(path, fuzz_dir(), strlen(fuzz_dir())) == 0 && strstr(path, "/../") == NULL);
	}
	FUZZ_CHECK(!sizes_marked_failed(fuzz_dir(), output));
	arena_release(&a);
	return 0;
}
