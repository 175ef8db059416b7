/* Evaluation files. */
#include "evaluate/stored.h"

#include "formats/stored_file.h"
#include "nix/path.h"
#include "support/base/clock.h"
#include "support/base/map.h"
#include "support/os/files.h"
#include "support/os/lock.h"

#include <fcntl.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

void
stored_key(struct str what, char ret[65])
{
	unsigned char hash[EVP_MAX_MD_SIZE];
	unsigned n = 0;

	EVP_Digest(what.p, what.n, hash, &n, EVP_sha256(), NULL);
	str_hex(hash, 32, ret);
}

char *
stored_path(struct arena *a, const char *dir, const char *key)
{
	return arena_printf(a, "%s/%s.jsonl.zst", dir, key);
}

char *
stored_partial_path(struct arena *a, const char *dir, const char *key)
{
	return arena_printf(a, "%s/%s.partial.jsonl.zst", dir, key);
}

int
stored_lock(const char *dir, const char *key, int64_t wait_ms, int *ret_fd, struct err *e)
{
	struct arena a = {0};
	const char *path = arena_printf(&a, "%s/%s.lock", dir, key);
	int rc = lock_wait(path, clock_mono_ms() + wait_ms, "another evaluation of the same took too long", ret_fd, e);

	if (rc == 0)
		(void)futimens(*ret_fd, NULL); /* as old as its last use: retention goes by it */
	arena_release(&a);
	return rc;
}

void
stored_used(const char *path)
{
	(void)utimensat(AT_FDCWD, path, NULL, 0); /* else it goes earlier, and is made again */
}

int
stored_write(const char *path, struct evaluation_header *header, const struct eval_rows *rows, struct err *e)
{
	AUTO(stored_drop) struct stored_writer *w = NULL;

	header->rows = (int64_t)rows->all.n;
	header->errors = (int64_t)rows->errors;
	header->derivations = (int64_t)rows->derivations;
	int rc = stored_begin(path, header, &w, e);
	for (size_t i = 0; rc == 0 && i < rows->all.n; i++)
		rc = stored_line(w, rows->all.p[i].line, e);
	return rc == 0 ? stored_end(w, rows->all.n, e) : rc;
}

struct stored_reading {
	struct arena *a;
	const char *key;
	struct stored *s;
	int (*on_drv)(void *ctx, struct str drv);
	int (*on_row)(void *ctx, struct str line, struct err *e);
	void *ctx;
	size_t lines;
	struct map drvs;
	struct err *e;
};

static int
on_header(struct stored_reading *r, const struct evaluation_header *h)
{
	if (h->key == NULL || strcmp(h->key, r->key) != 0 || !h->complete || h->partial)
		return fail(r->e, ERR_INPUT, "its header is not that of this evaluation");
	r->s->rows = (size_t)h->rows;
	r->s->errors = (size_t)h->errors;
	r->s->derivations = (size_t)h->derivations;
	snprintf(r->s->evaluator, sizeof(r->s->evaluator), "%s", h->evaluator != NULL ? h->evaluator : "");
	snprintf(r->s->version, sizeof(r->s->version), "%s", h->version != NULL ? h->version : "");
	return 0;
}

/* The derivation of a row, for the first time that it is seen. */
static int
take_row(struct stored_reading *r, struct str line)
{
	static const char name[] = "\"drvPath\":\"";
	struct str ignored, drv;
	bool added;

	if (r->on_row != NULL)
		return r->on_row(r->ctx, line, r->e);
	ptrdiff_t at = str_find(line, str_of(name));
	if (at < 0)
		return 0;
	drv = str_cut(str_from(line, (size_t)at + strlen(name)), '"', &ignored);
	if (!nix_path_is_drv(drv) || map_get(&r->drvs, drv) != NULL)
		return 0; /* of what is none: an output of that name, in a row that is an error */
	map_add(&r->drvs, (struct str){str_dup(r->a, drv), drv.n}, &added);
	return r->on_drv != NULL ? r->on_drv(r->ctx, r->drvs.p[r->drvs.n - 1].key) : 0;
}

/* At the last line: it must count what there was, and be the last. */
static int
on_end(struct stored_reading *r, struct stored_reader *file, struct str line)
{
	struct str last = line;
	int64_t n;

	if (!str_starts(last, STR("{\"end\":")) || !str_ends(last, STR("}")) ||
	    str_to_i64((struct str){last.p + 7, last.n - 8}, &n) != 0 || n != (int64_t)r->lines || r->lines != r->s->rows)
		return fail(r->e, ERR_INPUT, "its end does not count what it has");
	int more = stored_next(file, &line, r->e);
	return more == 1 ? fail(r->e, ERR_INPUT, "it goes on behind its end") : more;
}

static int
read_lines(struct stored_reading *r, const char *path)
{
	AUTO(stored_close) struct stored_reader *file = NULL;
	struct evaluation_header header;
	struct str line;

	if (stored_open(path, &file, &header, r->e) != 0 || on_header(r, &header) != 0)
		return -1;
	for (;;) {
		int more = stored_next(file, &line, r->e);
		if (more <= 0)
			return more < 0 ? -1 : fail(r->e, ERR_INPUT, "it is cut short");
		if (str_starts(line, STR("{\"end\":")))
			return on_end(r, file, line);
		r->lines++;
		if (take_row(r, line) != 0)
			return -1;
	}
}

static int
read_all(struct stored_reading *r, const char *path)
{
	int rc = read_lines(r, path);

	map_release(&r->drvs);
	if (rc == 0)
		return 0;
	return r->e->kind == ERR_SYSTEM || r->e->kind == ERR_DENIED ? -1 : 1;
}

int
stored_read(struct arena *a, const char *path, const char *key, struct stored *ret, int (*on_drv)(void *ctx, struct str drv),
    void *ctx, struct err *e)
{
	struct stored_reading r = {.a = a, .key = key, .s = ret, .on_drv = on_drv, .ctx = ctx, .e = e};

	*ret = (struct stored){0};
	return read_all(&r, path);
}

int
stored_read_rows(struct arena *a, const char *path, const char *key, int (*on_row)(void *ctx, struct str line, struct err *e),
    void *ctx, struct err *e)
{
	struct stored ignored = {0};
	struct stored_reading r = {.a = a, .key = key, .s = &ignored, .on_row = on_row, .ctx = ctx, .e = e};

	return read_all(&r, path);
}
