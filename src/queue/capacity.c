/* Machines and disks. */
#include "queue/capacity.h"

#include "support/os/files.h"

#include <inttypes.h>

int
capacity_machines(struct arena *a, const struct settings *settings, const struct machine **ret, size_t *ret_n, struct err *e)
{
	const struct machines_said said = {.systems = settings->build.systems,
	    .features = settings->build.features,
	    .slots = settings->build.slots,
	    .builders = settings->build.builders};

	return machines_load(a, &said, ret, ret_n, e);
}

const char *
capacity_no_room(struct arena *a, const struct settings *settings)
{
	const struct {
		const char *what, *where;
		int64_t least;
	} disks[] = {
	    {"the Nix store", "/nix/store", settings->build.min_store_free_mb},
	    {"ekaci's own folder", settings->state.dir, settings->state.min_free_mb},
	};

	for (size_t i = 0; i < COUNT(disks); i++) {
		int64_t left = files_free_mb(disks[i].where);
		if (left < disks[i].least)
			return arena_printf(a, "%s has %" PRId64 " MiB left, less than %" PRId64, disks[i].what, left,
			    disks[i].least);
	}
	return NULL;
}
