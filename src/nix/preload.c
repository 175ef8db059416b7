/* Where the libraries are that Nix is started with. */
#include "nix/preload.h"

#include "support/base/str.h"
#include "support/os/child.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

const char *
nix_preload(struct arena *a, const char *name)
{
	static const char *const places[] = {"", "../lib/ekaci/"};
	const char *nix = child_find(a, "nix");
	char real[PATH_MAX], self[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);

	if (nix == NULL || realpath(nix, real) == NULL || !str_starts(str_of(real), STR("/usr/")) || n <= 0)
		return NULL;
	self[n] = '\0';
	*strrchr(self, '/') = '\0';
	for (size_t i = 0; i < COUNT(places); i++)
		if (realpath(arena_printf(a, "%s/%s%s", self, places[i], name), real) != NULL)
			return arena_strdup(a, real);
	return NULL;
}
