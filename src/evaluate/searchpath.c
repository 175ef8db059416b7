/* NIX_PATH. */
#include "evaluate/searchpath.h"

#include "support/base/clock.h"

#include <ctype.h>
#include <fts.h>
#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum {
	MARK_BYTES = 256 * 1024,
	MAX_FILES = 500 * 1000, /* of one folder; nixpkgs has 70,000 */
	SAME_MS = 3600 * 1000
};

bool
searchpath_is_path(struct str where)
{
	size_t i = 0;

	if (str_starts(where, STR("flake:")) || str_starts(where, STR("channel:")))
		return false;
	while (i < where.n && (isalnum((unsigned char)where.p[i]) || where.p[i] == '+'))
		i++;
	return i == 0 || !str_starts(str_from(where, i), STR("://"));
}

struct str
searchpath_next(struct str *text, struct str *ret_name)
{
	struct str all = *text, rest, where;
	size_t start = 0, n;

	/* The last equals sign before the colon, as Nix has it. */
	for (n = 0; n < all.n && all.p[n] != ':'; n++)
		if (all.p[n] == '=')
			start = n + 1;
	where = str_from(all, start);
	if (n < all.n && !searchpath_is_path(where)) /* its colon is its own */
		for (n++; n < all.n && all.p[n] != ':'; n++)
			;
	rest = n < all.n ? str_from(all, n + 1) : (struct str){NULL, 0};
	*ret_name = (struct str){all.p, start > 0 ? start - 1 : 0};
	*text = rest;
	return (struct str){where.p, n - start};
}

const char *
searchpath_of_setting(struct arena *a, const char *value)
{
	char *text = arena_strdup(a, str_dup(a, str_trim(str_of(value))));

	for (char *p = text; *p != '\0'; p++)
		if (*p == ' ')
			*p = ':';
	return text;
}

static uint64_t
mix(uint64_t h, const void *bytes, size_t n)
{
	const unsigned char *p = bytes;

	for (size_t i = 0; i < n; i++)
		h = (h ^ p[i]) * 1099511628211u;
	return h;
}

/* All files of a folder together, in whatever order they come. */
static void
mark_folder(const char *path, struct buf *out)
{
	char *const roots[] = {(char *)(uintptr_t)path, NULL};
	FTS *walk = fts_open(roots, FTS_PHYSICAL | FTS_NOCHDIR, NULL);
	FTSENT *one;
	uint64_t sum = 0, n = 0;

	while (walk != NULL && n < MAX_FILES && (one = fts_read(walk)) != NULL) {
		if (one->fts_info == FTS_DP)
			continue;
		if (one->fts_info == FTS_D && strcmp(one->fts_name, ".git") == 0) {
			(void)fts_set(walk, one, FTS_SKIP);
			continue;
		}
		const struct stat *st = one->fts_statp;
		uint64_t h = mix(1469598103934665603u, one->fts_path, one->fts_pathlen);
		/* A folder's own time changes with files that do not matter. */
		if (one->fts_info != FTS_D && one->fts_info != FTS_NS) {
			h = mix(h, &st->st_size, sizeof(st->st_size));
			h = mix(h, &st->st_mtim, sizeof(st->st_mtim));
			h = mix(h, &st->st_mode, sizeof(st->st_mode));
		}
		sum += h;
		n++;
	}
	if (walk != NULL)
		fts_close(walk);
	buf_printf(out, "%s %016" PRIx64 " %" PRIu64, path, sum, n);
	if (n >= MAX_FILES)
		buf_printf(out, " %" PRId64, clock_now_ms()); /* never the same */
}

const char *
searchpath_mark(struct arena *a, const char *text)
{
	struct str rest = str_of(text), name, where;
	AUTO(buf_release) struct buf out = {0};
	char real[PATH_MAX];

	buf_init(&out, MARK_BYTES);
	while (rest.n > 0) {
		where = searchpath_next(&rest, &name);
		buf_printf(&out, STR_FMT "=", STR_ARG(name));
		if (!searchpath_is_path(where))
			buf_printf(&out, STR_FMT " %" PRId64, STR_ARG(where), clock_now_ms() / SAME_MS);
		else if (realpath(str_dup(a, where), real) == NULL)
			buf_printf(&out, STR_FMT " is absent", STR_ARG(where));
		else if (str_starts(str_of(real), STR("/nix/store/")))
			buf_puts(&out, real);
		else
			mark_folder(real, &out);
		buf_putc(&out, '\n');
	}
	return arena_strn(a, out.p, out.n);
}
