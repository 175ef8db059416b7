/* What an output says of itself in nix-support: Hydra's metrics and build products. */
#include "build/sizes.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { MAX_FILE = 64 * 1024, MAX_LINES = 200, MAX_WORD = 200, MAX_PATH = 1024 };

/* A path of the store, opened below it without following any link. */
static int
open_below(const char *store_dir, const char *path, int flags)
{
	struct open_how how = {.flags = (uint64_t)(flags | O_CLOEXEC), .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS};
	size_t n = strlen(store_dir);

	if (strncmp(path, store_dir, n) != 0 || path[n] != '/')
		return -1;
	AUTO(fd_close) int dir = open(store_dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	return dir < 0 ? -1 : (int)syscall(SYS_openat2, dir, path + n + 1, &how, sizeof(how));
}

/* A small plain file of an output; empty when it is none. */
static struct str
read_small(struct arena *a, const char *store_dir, const char *output, const char *name)
{
	AUTO(fd_close)
	int fd = open_below(store_dir, arena_printf(a, "%s/nix-support/%s", output, name), O_RDONLY | O_NONBLOCK);
	struct str none = {"", 0};
	struct stat st;

	if (fd < 0 || fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))
		return none;
	char *p = arena_alloc(a, MAX_FILE);
	ssize_t n = pread(fd, p, MAX_FILE, 0);
	return n > 0 ? (struct str){p, (size_t)n} : none;
}

bool
sizes_marked_failed(const char *store_dir, const char *output)
{
	struct arena a = {0};
	AUTO(fd_close) int fd = open_below(store_dir, arena_printf(&a, "%s/nix-support/failed", output), O_PATH);

	arena_release(&a);
	return fd >= 0;
}

/* The next word of a line; quoted, it may have blanks. n == 0 at the end or when it is no word. */
static struct str
word(struct str *line)
{
	struct str w;

	while (line->n > 0 && (*line->p == ' ' || *line->p == '\t'))
		*line = str_from(*line, 1);
	if (line->n > 0 && *line->p == '"') {
		*line = str_from(*line, 1);
		w = (struct str){line->p, 0};
		while (w.n < line->n && w.p[w.n] != '"')
			w.n++;
		if (w.n == line->n) /* the quote does not end */
			w.n = 0;
		*line = str_from(*line, w.n == 0 ? line->n : w.n + 1);
		return w;
	}
	w = (struct str){line->p, 0};
	while (w.n < line->n && w.p[w.n] != ' ' && w.p[w.n] != '\t')
		w.n++;
	*line = str_from(*line, w.n);
	return w;
}

/* Letters, digits and what else Hydra takes in names, the whole word. */
static bool
plain(struct str w, const char *also)
{
	if (w.n == 0 || w.n > MAX_WORD)
		return false;
	for (size_t i = 0; i < w.n; i++) {
		char c = w.p[i];
		if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || strchr(also, c) != NULL) ||
		    c == '\0')
			return false;
	}
	return true;
}

/* Digits with at most one dot, maybe an exponent; the whole word. */
static bool
number(struct str w, double *ret)
{
	char text[64], *end;

	if (w.n == 0 || w.n >= sizeof(text) || !plain(w, ".+-") || strchr("0123456789.+-", w.p[0]) == NULL)
		return false;
	for (size_t i = 0; i < w.n; i++)
		if (strchr("0123456789.+-eE", w.p[i]) == NULL) /* no hexadecimals, infinities, locales */
			return false;
	memcpy(text, w.p, w.n);
	text[w.n] = '\0';
	*ret = strtod(text, &end);
	return *end == '\0' && isfinite(*ret);
}

static json_t *
member(json_t *list, size_t i, const char *side, json_t *value)
{
	json_object_set_new(json_array_get(list, i), side, value);
	return list;
}

/* The line of list with the same name and unit, made when there is none. */
static size_t
metric_at(json_t *list, struct str name, struct str unit)
{
	size_t i, n = json_array_size(list);

	for (i = 0; i < n; i++) {
		const json_t *j = json_array_get(list, i);
		if (str_is(name, json_str(j, "name", "")) && str_is(unit, json_str(j, "unit", "")))
			return i;
	}
	json_array_append_new(list,
	    json_pack("{s:o,s:o,s:n,s:n}", "name", json_any_string(name), "unit", json_any_string(unit), "base", "head"));
	return i;
}

static void
read_metrics(struct arena *a, const char *store_dir, const char *output, const char *side, json_t *list)
{
	struct str rest = read_small(a, store_dir, output, "hydra-metrics");
	double value;

	for (size_t lines = 0; rest.n != 0 && lines < MAX_LINES; lines++) {
		struct str line = str_trim(str_cut(rest, '\n', &rest));
		struct str name = word(&line), text = word(&line), unit = word(&line);
		if (line.n == 0 && plain(name, "._-") && number(text, &value) && (unit.n == 0 || plain(unit, "%/._-")))
			member(list, metric_at(list, name, unit), side, json_real(value));
	}
}

/* The bytes of a file in the store; null for a folder or what is not to be looked at. */
static json_t *
file_size(const char *store_dir, const char *path)
{
	AUTO(fd_close) int fd = open_below(store_dir, path, O_PATH);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))
		return json_null();
	return json_integer((json_int_t)st.st_size);
}

static bool
store_path(const char *store_dir, struct str path)
{
	struct str rest = path;

	if (path.n > MAX_PATH || !str_utf8_ok(path) || !str_starts(path, str_of(store_dir)) ||
	    path.n <= strlen(store_dir) + 1 || path.p[strlen(store_dir)] != '/')
		return false;
	while (rest.n != 0)
		if (str_is(str_cut(rest, '/', &rest), ".."))
			return false;
	for (size_t i = 0; i < path.n; i++)
		if ((unsigned char)path.p[i] < 0x20)
			return false;
	return true;
}

/* The one of that kind that this side has not told yet, in order; made when there is none. */
static size_t
product_at(json_t *list, struct str type, struct str subtype, const char *side)
{
	size_t i, n = json_array_size(list);

	for (i = 0; i < n; i++) {
		const json_t *j = json_array_get(list, i);
		if (str_is(type, json_str(j, "type", "")) && str_is(subtype, json_str(j, "subtype", "")) &&
		    json_object_get(j, side) == NULL)
			return i;
	}
	json_array_append_new(list, json_pack("{s:o,s:o}", "type", json_any_string(type), "subtype", json_any_string(subtype)));
	return i;
}

static void
read_products(struct arena *a, const char *store_dir, const char *output, const char *side, json_t *list)
{
	struct str rest = read_small(a, store_dir, output, "hydra-build-products");

	for (size_t lines = 0; rest.n != 0 && lines < MAX_LINES; lines++) {
		struct str line = str_trim(str_cut(rest, '\n', &rest));
		struct str type = word(&line), subtype = word(&line), path = word(&line), preset = word(&line);
		if (!plain(type, "_-") || !plain(subtype, "._-") || !store_path(store_dir, path) || line.n != 0 ||
		    (preset.n != 0 && !plain(preset, "/._-")))
			continue;
		const char *p = str_dup(a, path), *slash = strrchr(p, '/');
		size_t i = product_at(list, type, subtype, side);
		member(list, i, side, file_size(store_dir, p));
		member(list, i, "name", json_string(slash + 1));
		member(list, i, "store_path", json_string(p));
	}
}

void
sizes_files(const char *store_dir, const char *base, const char *head, json_t **ret_metrics, json_t **ret_products)
{
	const char *const sides[] = {"base", "head"}, *const outputs[] = {base, head};
	struct arena a = {0};
	json_t *one;
	size_t i;

	*ret_metrics = json_array();
	*ret_products = json_array();
	for (size_t k = 0; k < 2; k++) {
		read_metrics(&a, store_dir, outputs[k], sides[k], *ret_metrics);
		read_products(&a, store_dir, outputs[k], sides[k], *ret_products);
	}
	json_array_foreach(*ret_products, i, one)
		for (size_t k = 0; k < 2; k++)
			if (json_object_get(one, sides[k]) == NULL)
				json_object_set_new(one, sides[k], json_null());
	arena_release(&a);
}
