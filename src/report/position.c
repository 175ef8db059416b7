/* Places in the repository, found in what evaluators say. */
#include "report/checks.h"

#include <string.h>

enum { MAX_PATH = 1024 };

/* Bytes that end a path in a message. Blanks may stand in paths, but not in those of package sets. */
static bool
ends_path(char c)
{
	return (unsigned char)c <= ' ' || c == ':' || c == '"' || c == '\'' || c == '`' || c == '(' || c == ')' || c == 0x7f;
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
	if (dir_n == 0)
		return false;
	for (const char *s = strchr(text, '/'); s != NULL; s = strchr(s + 1, '/')) {
		if (strncmp(s, checkout_dir, dir_n) != 0 || s[dir_n] != '/')
			continue;
		struct str path = {s + dir_n + 1, 0}, line;
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
