/* A derivation file, whole and as the graph reads it. */
#include "nix/drv.h"
#include "fuzz/fuzz.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct str bytes = {(const char *)data, n};
	struct arena a = {0};
	struct drv all = {0}, graph = {0};
	const struct str *features;
	size_t n_features;
	struct err e = {0};

	if (drv_parse(&a, bytes, DRV_ALL, &all, &e) == 0) {
		fuzz_must(drv_parse(&a, bytes, DRV_GRAPH, &graph, &e), &e);
		FUZZ_CHECK(all.n_outputs > 0 && all.n_outputs == graph.n_outputs && all.n_inputs == graph.n_inputs);
		FUZZ_CHECK(str_eq(all.system, graph.system));
		(void)drv_fixed_output(&all);
		(void)!drv_features(&a, &all, &features, &n_features, &e);
		for (size_t i = 0; i < all.n_inputs; i++)
			(void)drv_name(all.inputs[i].path);
	}
	arena_release(&a);
	return 0;
}
