/* Where the library is that old Nix is started with. */
#include "nix/preload.h"

#include "support/base/str.h"
#include "support/os/child.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

const char *
nix_preload(struct arena *a)
{
	static const char *const places[] = {"nixlines.so", "../lib/ekaci/nixlines.so"};
	const char *nix = child_find(a, "nix");
	char real[PATH_MAX], self[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);

	if (nix == NULL || realpath(nix, real) == NULL || !str_starts(str_of(real), STR("/usr/")) || n <= 0)
		return NULL;
	self[n] = '\0';
	*strrchr(self, '/') = '\0';
	for (size_t i = 0; i < COUNT(places); i++)
		if (realpath(arena_printf(a, "%s/%s", self, places[i]), real) != NULL)
			return arena_strdup(a, real);
	return NULL;
}
