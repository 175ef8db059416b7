/* What an output says of itself in nix-support: Hydra's metrics and build products. */
#include "build/sizes.h"

#include "records/evaluation.h"

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

enum { NOT_TOLD = -2 }; /* of a product: no line of that side was this one */

struct found {
	struct arena *a;      /* of what is found */
	struct arena scratch; /* of the files it is found in */
	const char *store_dir;
	VEC(struct metric) metrics;
	VEC(struct product) products;
};

/* The metric of the same name and unit, made when there is none. */
static struct metric *
metric_at(struct found *f, struct str name, struct str unit)
{
	for (size_t i = 0; i < f->metrics.n; i++)
		if (str_is(name, f->metrics.p[i].name) && str_is(unit, f->metrics.p[i].unit))
			return &f->metrics.p[i];
	struct metric m = {str_dup(f->a, name), str_dup(f->a, unit), (double)NAN, (double)NAN};
	vec_push(&f->metrics, m);
	return &f->metrics.p[f->metrics.n - 1];
}

static void
read_metrics(struct found *f, const char *output, enum side side)
{
	struct str rest = read_small(&f->scratch, f->store_dir, output, "hydra-metrics");
	double value;

	for (size_t lines = 0; rest.n != 0 && lines < MAX_LINES; lines++) {
		struct str line = str_trim(str_cut(rest, '\n', &rest));
		struct str name = word(&line), text = word(&line), unit = word(&line);
		if (line.n != 0 || !plain(name, "._-") || !number(text, &value) || (unit.n != 0 && !plain(unit, "%/._-")))
			continue;
		struct metric *m = metric_at(f, name, unit);
		*(side == SIDE_BASE ? &m->base : &m->head) = value;
	}
}

/* The bytes of a file in the store; -1 for a folder or what is not to be looked at. */
static int64_t
file_size(const char *store_dir, const char *path)
{
	AUTO(fd_close) int fd = open_below(store_dir, path, O_PATH);
	struct stat st;

	return fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode) ? (int64_t)st.st_size : -1;
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

static int64_t *
bytes_of(struct product *p, enum side side)
{
	return side == SIDE_BASE ? &p->base : &p->head;
}

/* The one of that kind that this side has not told yet, in order; made when there is none. */
static struct product *
product_at(struct found *f, struct str type, struct str subtype, enum side side)
{
	for (size_t i = 0; i < f->products.n; i++) {
		struct product *p = &f->products.p[i];
		if (str_is(type, p->type) && str_is(subtype, p->subtype) && *bytes_of(p, side) == NOT_TOLD)
			return p;
	}
	struct product p = {str_dup(f->a, type), str_dup(f->a, subtype), .base = NOT_TOLD, .head = NOT_TOLD};
	vec_push(&f->products, p);
	return &f->products.p[f->products.n - 1];
}

static void
read_products(struct found *f, const char *output, enum side side)
{
	struct str rest = read_small(&f->scratch, f->store_dir, output, "hydra-build-products");

	for (size_t lines = 0; rest.n != 0 && lines < MAX_LINES; lines++) {
		struct str line = str_trim(str_cut(rest, '\n', &rest));
		struct str type = word(&line), subtype = word(&line), path = word(&line), preset = word(&line);
		if (!plain(type, "_-") || !plain(subtype, "._-") || !store_path(f->store_dir, path) || line.n != 0 ||
		    (preset.n != 0 && !plain(preset, "/._-")))
			continue;
		struct product *p = product_at(f, type, subtype, side);
		p->store_path = str_dup(f->a, path);
		p->name = strrchr(p->store_path, '/') + 1;
		*bytes_of(p, side) = file_size(f->store_dir, p->store_path);
	}
}

void
sizes_files(struct arena *a, const char *store_dir, const char *base, const char *head, struct metrics *ret_metrics,
    struct products *ret_products)
{
	struct found f = {.a = a, .store_dir = store_dir};

	read_metrics(&f, base, SIDE_BASE);
	read_products(&f, base, SIDE_BASE);
	read_metrics(&f, head, SIDE_HEAD);
	read_products(&f, head, SIDE_HEAD);
	for (size_t i = 0; i < f.products.n; i++) {
		struct product *p = &f.products.p[i];
		p->base = p->base == NOT_TOLD ? -1 : p->base;
		p->head = p->head == NOT_TOLD ? -1 : p->head;
	}
	*ret_metrics = (struct metrics){arena_dup(a, f.metrics.p, f.metrics.n * sizeof(*f.metrics.p)), f.metrics.n};
	*ret_products = (struct products){arena_dup(a, f.products.p, f.products.n * sizeof(*f.products.p)), f.products.n};
	vec_release(&f.metrics);
	vec_release(&f.products);
	arena_release(&f.scratch);
}
