/* A log on standard output. */
#include "cli/printlog.h"

#include "cli/place.h"
#include "store/overview.h"
#include "support/os/packed.h"
#include "support/text/escape.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { PIECE = 64 * 1024, MAX_LINE = 1 << 20 /* a longer one is shown in parts */ };

const char *
log_stem(struct arena *a, const char *drv)
{
	const char *slash = strrchr(drv, '/');
	struct str s = str_of(slash != NULL ? slash + 1 : drv);

	if (str_ends(s, STR(".drv")))
		s.n -= 4;
	for (size_t i = 0; i < s.n; i++)
		if (strchr("+-._?=", s.p[i]) == NULL && !((s.p[i] | 32) >= 'a' && (s.p[i] | 32) <= 'z') &&
		    !(s.p[i] >= '0' && s.p[i] <= '9'))
			return NULL;
	return s.n > 33 && s.p[32] == '-' ? str_dup(a, s) : NULL;
}

static void
put_line(struct log_out *o, bool ends)
{
	AUTO(buf_release) struct buf plain;
	AUTO(buf_release) struct buf safe;
	struct str rest, line;

	buf_init(&plain, 2 * MAX_LINE);
	buf_init(&safe, 16 * MAX_LINE);
	escape_plain(&plain, buf_get(&o->line));
	for (rest = buf_get(&plain); rest.p != NULL;) {
		line = str_cut(rest, '\t', &rest);
		escape_add(&safe, ESCAPE_TERMINAL, line);
		if (rest.p != NULL)
			buf_putc(&safe, '\t');
	}
	fwrite(safe.p, 1, safe.n, stdout);
	if (ends)
		putchar('\n');
	buf_drop(&o->line, o->line.n);
}

void
log_put(struct log_out *o, struct str bytes)
{
	if (!o->begun) {
		o->begun = true;
		o->terminal = isatty(STDOUT_FILENO);
		buf_init(&o->line, 2 * MAX_LINE);
	}
	if (!o->terminal) {
		fwrite(bytes.p, 1, bytes.n, stdout);
		return;
	}
	while (bytes.n > 0) {
		const char *end = memchr(bytes.p, '\n', bytes.n);
		size_t n = end != NULL ? (size_t)(end - bytes.p) : bytes.n;
		if (n > MAX_LINE)
			n = MAX_LINE;
		buf_add(&o->line, bytes.p, n);
		bool ends = end != NULL && bytes.p + n == end;
		if (ends || o->line.n >= MAX_LINE)
			put_line(o, ends);
		bytes = str_from(bytes, n + ends);
	}
	fflush(stdout);
}

void
log_end(struct log_out *o)
{
	if (o->begun && o->line.n > 0)
		put_line(o, true);
	if (o->begun)
		buf_release(&o->line);
	fflush(stdout);
}

static int
print_file(const char *path, struct err *e)
{
	struct log_out out = {0};
	struct packed *f;
	char *piece = mem_alloc(PIECE);
	ssize_t n = -1;

	int rc = packed_open(path, &f, e);
	if (rc == 0) {
		while ((n = packed_read(f, piece, PIECE)) > 0 && !ferror(stdout))
			log_put(&out, (struct str){piece, (size_t)n});
		packed_close(&f);
		log_end(&out);
		if (n < 0)
			rc = fail(e, ERR_SYSTEM, "%s cannot be read to its end", path);
	}
	mem_free(&piece);
	return rc;
}

static int
print(struct arena *a, const struct bot_place *place, const char *stem, struct err *e)
{
	struct store *s = NULL;
	struct view_build b;

	if (store_open_to_look(place->db, &s, e) != 0)
		return -1;
	int rc = view_build(s, a, arena_printf(a, "/nix/store/%s.drv", stem), &b, e);
	if (rc == 0 && b.log != NULL && (rc = print_file(b.log, e)) != 0 && e->kind == ERR_ABSENT && b.tail != NULL)
		b.log = NULL; /* swept: the lines that matter are left */
	if (rc != 0 && b.log == NULL && b.tail != NULL)
		rc = 0;
	if (rc == 0 && b.log == NULL && b.tail != NULL) {
		struct log_out out = {0};
		fputs("Only the last lines of this log are left.\n", stderr);
		log_put(&out, str_of(b.tail));
		log_put(&out, STR("\n"));
		log_end(&out);
	} else if (rc == 0 && b.log == NULL) {
		rc = fail(e, ERR_ABSENT, "%s has no log: it is %s", stem, b.state);
	} else if (rc != 0 && e->kind == ERR_ABSENT) {
		rc = fail(e, ERR_ABSENT, "no run wanted %s built, or its log is gone", stem);
	}
	store_close(s);
	return rc;
}

int
log_main(int argc, char **argv)
{
	const char *file = NULL, *drv = NULL, *stem = NULL;
	struct bot_place place = {0};
	struct arena a = {0};
	struct err e = {0};
	bool good = true;

	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--config") == 0 && i + 1 < argc)
			file = argv[++i];
		else if (drv == NULL && argv[i][0] != '-')
			drv = argv[i];
		else
			good = false;
	}
	if (!good || drv == NULL || (stem = log_stem(&a, drv)) == NULL) {
		fputs("usage: ekaci log [--config FILE] DRV, a path or a name in the store: HASH-NAME.drv\n", stderr);
		arena_release(&a);
		return 2;
	}
	int rc = place_find(&a, file, argv, &place, &e);
	int code = rc > 0 ? place.code : 0;
	if (rc < 0 || (rc == 0 && print(&a, &place, stem, &e) != 0)) {
		fprintf(stderr, "ekaci: %s\n", e.msg);
		code = e.kind == ERR_ABSENT && place.db != NULL ? 1 : 2;
	}
	arena_release(&a);
	return code;
}
