/* Places in the repository, found in what evaluators say. */
#include "report/checks.h"

#include <string.h>

enum { MAX_PATH = 1024, STORE_HASH = 32 };

/* Bytes that end a path in a message. Blanks may stand in paths, but not in those of package sets. */
static bool
ends_path(char c)
{
	return (unsigned char)c <= ' ' || c == ':' || c == '"' || c == '\'' || c == '`' || c == '(' || c == ')' || c == 0x7f;
}

/* The length of "/nix/store/HASH-source" at s, or 0. */
static size_t
store_source(const char *s)
{
	static const char store[] = "/nix/store/", source[] = "-source";
	size_t n = sizeof(store) - 1;

	if (strncmp(s, store, n) != 0 || strnlen(s + n, STORE_HASH) < STORE_HASH)
		return 0;
	n += STORE_HASH;
	if (strncmp(s + n, source, sizeof(source) - 1) != 0)
		return 0;
	return n + sizeof(source) - 1;
}

static bool
plain_path(struct str path)
{
	struct str rest = path;

	if (path.n == 0 || path.n > MAX_PATH || !str_utf8_ok(path))
		return false;
	while (rest.p != NULL) {
		struct str part = str_cut(rest, '/', &rest);
		if (part.n == 0 || str_is(part, ".") || str_is(part, "..") || str_is(part, ".git"))
			return false;
	}
	return true;
}

bool
checks_position(struct arena *a, const char *text, const char *checkout_dir, const char **ret_path, int64_t *ret_line)
{
	size_t dir_n = checkout_dir != NULL ? strlen(checkout_dir) : 0;
	bool found = false;

	while (dir_n > 0 && checkout_dir[dir_n - 1] == '/')
		dir_n--;
	for (const char *s = strchr(text, '/'); s != NULL; s = strchr(s + 1, '/')) {
		size_t n = dir_n > 0 && strncmp(s, checkout_dir, dir_n) == 0 ? dir_n : store_source(s);
		if (n == 0 || s[n] != '/')
			continue;
		struct str path = {s + n + 1, 0}, line;
		while (!ends_path(path.p[path.n]))
			path.n++;
		if (path.p[path.n] != ':' || !plain_path(path))
			continue;
		line = (struct str){path.p + path.n + 1, 0};
		while (line.p[line.n] >= '0' && line.p[line.n] <= '9')
			line.n++;
		int64_t number;
		if (str_to_i64(line, &number) != 0 || number < 1 || number > INT32_MAX)
			continue;
		*ret_path = str_dup(a, path);
		*ret_line = number;
		found = true;
	}
	return found;
}
