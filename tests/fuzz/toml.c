/* ekaci.toml: as a document, and as settings. */
#include "support/text/toml.h"
#include "config/config.h"
#include "fuzz/fuzz.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct str text = {(const char *)data, n};
	struct arena a = {0};
	struct toml_node *top;
	struct settings settings;
	struct mistakes m;
	struct err e = {0};

	if (toml_read(&a, text, "ekaci.toml", &top, &e) == 0) {
		FUZZ_CHECK(top->type == TOML_TABLE);
		(void)toml_get(top, "web");
	} else {
		FUZZ_CHECK(e.kind == ERR_INPUT);
	}
	if (config_check(&a, fuzz_file(&a, "ekaci.toml", text), &settings, &m, &e) == 0)
		arena_release(&a);
	return 0;
}
