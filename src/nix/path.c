/* Names in the store. */
#include "nix/path.h"

#include <ctype.h>
#include <string.h>

enum { HASH_LENGTH = 32, MIN_PATH = 10, MAX_PATH = 300 };

bool
nix_path_is_drv(struct str path)
{
	if (path.n > MAX_PATH || path.n < MIN_PATH || path.p[0] != '/' || !str_ends(path, STR(".drv")))
		return false;
	for (size_t i = 0; i < path.n; i++)
		if (!isalnum((unsigned char)path.p[i]) && memchr("/+-._?=", path.p[i], 7) == NULL)
			return false;
	return str_find(path, STR("/../")) < 0;
}

const char *
nix_path_base(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash != NULL ? slash + 1 : path;
}

struct str
nix_path_name(struct str path)
{
	for (size_t i = path.n; i > 0; i--)
		if (path.p[i - 1] == '/') {
			path = str_from(path, i);
			break;
		}
	if (path.n > HASH_LENGTH + 1 && path.p[HASH_LENGTH] == '-')
		path = str_from(path, HASH_LENGTH + 1);
	if (str_ends(path, STR(".drv")))
		path.n -= 4;
	return path;
}
