/* What Nix prints as JSON, in any of its shapes: path-info, derivation show; and a line of its builders setting. */
#include "fuzz/fuzz.h"
#include "nix/drvshow.h"
#include "nix/machines.h"
#include "nix/path_info.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct str text = {(const char *)data, n};
	struct arena a = {0};
	struct infos infos;
	const struct machine *machines;
	size_t n_machines;
	struct err e = {0};
	const char *dir = arena_printf(&a, "%s/drvs", fuzz_dir());

	infos_init(&infos, NULL);
	(void)!infos_read(&infos, text, &e);
	infos_release(&infos);
	fuzz_must(files_mkdirs(dir, 0700, &e), &e);
	(void)!drvshow_write("/nix/store", text, dir, &e);
	fuzz_must(files_remove_tree(dir, &e), &e);
	/* "@" would read other files. */
	if (n > 0 && memchr(data, '@', n) == NULL &&
	    machines_parse(&a, str_dup(&a, text), "x86_64-linux", &machines, &n_machines, &e) == 0)
		for (size_t i = 0; i < n_machines; i++)
			(void)machine_slots(&machines[i], "x86_64-linux");
	arena_release(&a);
	return 0;
}
