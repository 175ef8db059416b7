/* Evaluation files. */
#include "evaluate/stored.h"

#include "nix/path.h"
#include "support/base/clock.h"
#include "support/base/map.h"
#include "support/os/child.h"
#include "support/os/files.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include <zstd.h>

enum {
	LEVEL = 3,
	MAX_FILE = 2000 * 1024 * 1024, /* compressed; 100,000 rows are 10 MB */
	MAX_ROW_LINE = 64 * 1024 * 1024
};

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

/* Whether the locked file is still the one of that name: an old one may have been removed between open and lock. */
static bool
is_at(int fd, const char *path)
{
	struct stat mine, there;

	return fstat(fd, &mine) == 0 && stat(path, &there) == 0 && mine.st_ino == there.st_ino && mine.st_dev == there.st_dev;
}

static int
open_lock(const char *path, int *ret_fd, struct err *e)
{
	*ret_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	return *ret_fd >= 0 ? 0 : fail_sys(e, "%s", path);
}

int
stored_lock(const char *dir, const char *key, int64_t wait_ms, int *ret_fd, struct err *e)
{
	int64_t until = clock_mono_ms() + wait_ms;
	struct arena a = {0};
	char *path = arena_printf(&a, "%s/%s.lock", dir, key);
	int fd = -1;
	int rc = open_lock(path, &fd, e);

	while (rc == 0) {
		struct timespec pause = {0, 50 * 1000 * 1000};
		if (flock(fd, LOCK_EX | LOCK_NB) == 0) {
			if (is_at(fd, path))
				break;
			fd_close(&fd);
			rc = open_lock(path, &fd, e);
		} else if (errno != EWOULDBLOCK && errno != EINTR)
			rc = fail_sys(e, "%s", path);
		else if (child_cancelled())
			rc = fail(e, ERR_BUSY, "cancelled");
		else if (clock_mono_ms() > until)
			rc = fail(e, ERR_BUSY, "another evaluation of the same took too long");
		else
			nanosleep(&pause, NULL);
	}
	if (rc == 0) {
		(void)futimens(fd, NULL);
		*ret_fd = fd;
	} else {
		fd_close(&fd);
	}
	arena_release(&a);
	return rc;
}

void
stored_used(const char *path)
{
	(void)utimensat(AT_FDCWD, path, NULL, 0); /* else it goes earlier, and is made again */
}

/* zstd to a file, a buffer at a time. */
struct packer {
	ZSTD_CCtx *z;
	FILE *to;
	char *chunk;
	size_t size;
};

static int
pack(struct packer *k, struct str text, ZSTD_EndDirective how, struct err *e)
{
	ZSTD_inBuffer in = {text.p, text.n, 0};
	size_t left;

	do {
		ZSTD_outBuffer out = {k->chunk, k->size, 0};
		left = ZSTD_compressStream2(k->z, &out, &in, how);
		if (ZSTD_isError(left))
			return fail(e, ERR_SYSTEM, "zstd: %s", ZSTD_getErrorName(left));
		if (fwrite(k->chunk, 1, out.pos, k->to) != out.pos)
			return fail_sys(e, "cannot write an evaluation");
	} while (how == ZSTD_e_end ? left > 0 : in.pos < in.size);
	return 0;
}

static int
pack_all(struct packer *k, const struct evaluation_header *header, const struct rows *rows, struct err *e)
{
	AUTO(buf_release) struct buf text;

	buf_init(&text, MAX_ROW_LINE);
	if (fields_write(&evaluation_header_fields, header, &text, e) != 0)
		return -1;
	buf_putc(&text, '\n');
	ZSTD_CCtx_setParameter(k->z, ZSTD_c_compressionLevel, LEVEL);
	ZSTD_CCtx_setParameter(k->z, ZSTD_c_checksumFlag, 1);
	int rc = pack(k, buf_get(&text), ZSTD_e_continue, e);
	for (size_t i = 0; rc == 0 && i < rows->all.n; i++) {
		rc = pack(k, rows->all.p[i].line, ZSTD_e_continue, e);
		if (rc == 0)
			rc = pack(k, STR("\n"), ZSTD_e_continue, e);
	}
	buf_drop(&text, text.n);
	buf_printf(&text, "{\"end\":%zu}\n", rows->all.n);
	return rc == 0 ? pack(k, buf_get(&text), ZSTD_e_end, e) : rc;
}

int
stored_write(const char *path, struct evaluation_header *header, const struct rows *rows, struct err *e)
{
	struct arena a = {0};
	char *temporary = arena_printf(&a, "%s.new", path); /* whoever writes holds the key's lock */
	struct packer k = {.z = ZSTD_createCCtx(), .to = fopen(temporary, "we"), .size = ZSTD_CStreamOutSize()};

	header->ekaci_evaluation = STORED_FORMAT;
	header->rows = (int64_t)rows->all.n;
	header->errors = (int64_t)rows->errors;
	header->derivations = (int64_t)rows->derivations;
	k.chunk = arena_alloc(&a, k.size);
	int rc = k.to != NULL ? 0 : fail_sys(e, "%s", temporary);
	if (rc == 0)
		rc = pack_all(&k, header, rows, e);
	if (rc == 0 && (fflush(k.to) != 0 || fsync(fileno(k.to)) != 0))
		rc = fail_sys(e, "%s", temporary);
	if (k.to != NULL && fclose(k.to) != 0 && rc == 0)
		rc = fail_sys(e, "%s", temporary);
	if (rc == 0 && rename(temporary, path) != 0)
		rc = fail_sys(e, "%s", path);
	if (rc != 0)
		unlink(temporary);
	ZSTD_freeCCtx(k.z);
	arena_release(&a);
	return rc;
}

struct reader {
	struct arena *a;
	const char *key;
	struct stored *s;
	int (*on_drv)(void *ctx, struct str drv);
	int (*on_row)(void *ctx, struct str line, struct err *e);
	void *ctx;
	size_t lines, errors;
	struct map drvs;
	bool begun, ended;
	struct err *e;
};

static int
on_header(struct reader *r, const json_t *h)
{
	if (json_int(h, "ekaci_evaluation", 0) != STORED_FORMAT || strcmp(json_str(h, "key", ""), r->key) != 0 ||
	    !json_flag(h, "complete", false) || json_flag(h, "partial", false))
		return fail(r->e, ERR_INPUT, "its header is not that of this evaluation");
	r->s->rows = (size_t)json_int(h, "rows", -1);
	r->s->errors = (size_t)json_int(h, "errors", -1);
	r->s->derivations = (size_t)json_int(h, "derivations", -1);
	snprintf(r->s->evaluator, sizeof(r->s->evaluator), "%s", json_str(h, "evaluator", ""));
	snprintf(r->s->version, sizeof(r->s->version), "%s", json_str(h, "version", ""));
	r->begun = true;
	return 0;
}

static int
on_stored_line(struct reader *r, struct str line)
{
	AUTO(json_drop) json_t *j = NULL;

	if (r->ended)
		return fail(r->e, ERR_INPUT, "it goes on behind its end");
	if (!r->begun || str_starts(line, STR("{\"end\":"))) {
		if (json_read(line, "evaluation", &j, r->e) != 0)
			return -1;
		if (!r->begun)
			return on_header(r, j);
		r->ended = true;
		if (json_int(j, "end", -1) != (int64_t)r->lines || r->lines != r->s->rows)
			return fail(r->e, ERR_INPUT, "its end does not count what it has");
		return 0;
	}
	r->lines++;
	if (r->on_row != NULL)
		return r->on_row(r->ctx, line, r->e);
	ptrdiff_t at = str_find(line, STR("\"drvPath\":\""));
	struct str ignored, drv;
	if (at < 0)
		return 0;
	drv = str_cut(str_from(line, (size_t)at + sizeof("\"drvPath\":\"") - 1), '"', &ignored);
	if (!nix_path_is_drv(drv))
		return 0; /* an output of that name, in a row that is an error */
	bool added;
	if (map_get(&r->drvs, drv) != NULL)
		return 0;
	map_add(&r->drvs, (struct str){str_dup(r->a, drv), drv.n}, &added);
	return r->on_drv != NULL ? r->on_drv(r->ctx, r->drvs.p[r->drvs.n - 1].key) : 0;
}

static int
unpack(struct reader *r, struct str file)
{
	ZSTD_DCtx *z = ZSTD_createDCtx();
	ZSTD_inBuffer in = {file.p, file.n, 0};
	AUTO(buf_release) struct buf text = {0};
	size_t left = 1, size = ZSTD_DStreamOutSize();
	AUTO(mem_free) char *chunk = mem_alloc(size);
	int rc = 0;

	buf_init(&text, MAX_ROW_LINE);
	while (rc == 0 && in.pos < in.size) {
		ZSTD_outBuffer out = {chunk, size, 0};
		left = ZSTD_decompressStream(z, &out, &in);
		if (ZSTD_isError(left)) {
			rc = fail(r->e, ERR_INPUT, "%s", ZSTD_getErrorName(left));
			break;
		}
		buf_add(&text, chunk, out.pos);
		size_t used = 0;
		const char *nl;
		while (rc == 0 && (nl = memchr(text.p + used, '\n', text.n - used)) != NULL) {
			rc = on_stored_line(r, (struct str){text.p + used, (size_t)(nl - text.p) - used});
			used = (size_t)(nl - text.p) + 1;
		}
		buf_drop(&text, used);
	}
	if (rc == 0 && (left != 0 || !r->ended || text.n > 0 || text.over))
		rc = fail(r->e, ERR_INPUT, "it is cut short");
	ZSTD_freeDCtx(z);
	return rc;
}

static int
read_all(struct reader *r, const char *path)
{
	struct str file;

	if (files_read(r->a, path, MAX_FILE, &file, r->e) != 0)
		return r->e->kind == ERR_ABSENT || r->e->kind == ERR_LIMIT ? 1 : -1;
	int rc = unpack(r, file);
	map_release(&r->drvs);
	return rc == 0 ? 0 : 1;
}

int
stored_read(struct arena *a, const char *path, const char *key, struct stored *ret, int (*on_drv)(void *ctx, struct str drv),
    void *ctx, struct err *e)
{
	struct reader r = {.a = a, .key = key, .s = ret, .on_drv = on_drv, .ctx = ctx, .e = e};

	*ret = (struct stored){0};
	return read_all(&r, path);
}

int
stored_read_rows(struct arena *a, const char *path, const char *key, int (*on_row)(void *ctx, struct str line, struct err *e),
    void *ctx, struct err *e)
{
	struct stored ignored = {0};
	struct reader r = {.a = a, .key = key, .s = &ignored, .on_row = on_row, .ctx = ctx, .e = e};

	return read_all(&r, path);
}
