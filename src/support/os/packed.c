/* Files that are compressed when they are whole. */
#include "support/os/packed.h"

#include "support/os/files.h"
#include "support/os/zstream.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zstd.h>

enum { CHUNK = 64 * 1024 };

struct packed {
	int fd;
	ZSTD_DCtx *z; /* NULL: plain */
	ZSTD_inBuffer in;
	size_t left; /* of the frame; 0: it is at its end */
	char bytes[CHUNK];
};

/* One frame: what is read of from, at most max bytes. ret_n: how many those were. */
static int
squeeze(struct zstream *to, int from, size_t max, size_t *ret_n, struct err *e)
{
	char in[CHUNK];
	size_t all = 0;

	for (bool end = false; !end;) {
		size_t want = max - all < sizeof(in) ? max - all : sizeof(in);
		ssize_t n = want > 0 ? read(from, in, want) : 0;
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return fail_sys(e, "cannot read a file to compress");
		if (zstream_add(to, (struct str){in, (size_t)n}, e) != 0)
			return -1;
		all += (size_t)n;
		end = n == 0;
	}
	*ret_n = all;
	return zstream_end(to, e);
}

static int
squeeze_blocks(struct zstream *z, int from, int to, const struct packed_blocks *blocks, struct err *e)
{
	size_t n = blocks->bytes;

	while (n == blocks->bytes) {
		off_t at = lseek(to, 0, SEEK_CUR);
		if (at < 0)
			return fail_sys(e, "cannot tell where a block begins");
		blocks->block(blocks->ctx, (int64_t)at);
		if (squeeze(z, from, blocks->bytes, &n, e) != 0)
			return -1;
	}
	return blocks->whole(blocks->ctx, e);
}

int
packed_pack_blocks(const char *path, const struct packed_blocks *blocks, struct err *e)
{
	struct arena a = {0};
	const char *fresh = arena_printf(&a, "%s.zst.new", path), *to = arena_printf(&a, "%s.zst", path);
	AUTO(fd_close) int in = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	AUTO(fd_close) int out = open(fresh, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0640);
	AUTO(zstream_free) struct zstream *z = NULL;
	size_t n;
	int rc;

	if (in < 0 || out < 0)
		rc = fail_sys(e, "cannot open %s", in < 0 ? path : fresh);
	else
		rc = zstream_new(out, "a compressed file", &z, e);
	if (rc == 0)
		rc = blocks != NULL ? squeeze_blocks(z, in, out, blocks, e) : squeeze(z, in, SIZE_MAX, &n, e);
	if (rc == 0 && rename(fresh, to) != 0)
		rc = fail_sys(e, "cannot name %s", to);
	(void)unlink(rc == 0 ? path : fresh);
	arena_release(&a);
	return rc;
}

int
packed_pack(const char *path, struct err *e)
{
	return packed_pack_blocks(path, NULL, e);
}

void
packed_remove(const char *path)
{
	struct arena a = {0};

	(void)unlink(path);
	(void)unlink(arena_printf(&a, "%s.zst", path));
	arena_release(&a);
}

static int
open_regular(const char *path)
{
	struct stat st;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);

	if (fd >= 0 && (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)))
		fd_close(&fd);
	return fd;
}

int
packed_open(const char *path, struct packed **ret, struct err *e)
{
	struct arena a = {0};
	ZSTD_DCtx *z = NULL;
	int fd = open_regular(path);

	if (fd < 0) {
		fd = open_regular(arena_printf(&a, "%s.zst", path));
		z = fd >= 0 ? ZSTD_createDCtx() : NULL;
	}
	arena_release(&a);
	if (fd < 0)
		return fail(e, ERR_ABSENT, "%s is not there", path);
	struct packed *p = mem_alloc(sizeof(*p));
	p->fd = fd;
	p->z = z;
	p->in = (ZSTD_inBuffer){p->bytes, 0, 0};
	p->left = 1;
	*ret = p;
	return 0;
}

ssize_t
packed_read(struct packed *p, char *out, size_t max)
{
	if (p->z == NULL)
		return read(p->fd, out, max);
	for (;;) {
		ZSTD_outBuffer ob = {out, max, 0};
		if (p->in.pos == p->in.size) {
			ssize_t n = read(p->fd, p->bytes, sizeof(p->bytes));
			if (n < 0 || (n == 0 && p->left != 0)) /* broken off */
				return -1;
			if (n == 0)
				return 0;
			p->in = (ZSTD_inBuffer){p->bytes, (size_t)n, 0};
		}
		p->left = ZSTD_decompressStream(p->z, &ob, &p->in);
		if (ZSTD_isError(p->left))
			return -1;
		if (ob.pos > 0)
			return (ssize_t)ob.pos;
	}
}

int
packed_seek(struct packed *p, int64_t at, struct err *e)
{
	if (lseek(p->fd, (off_t)at, SEEK_SET) < 0)
		return fail_sys(e, "cannot go to a place in a file");
	if (p->z != NULL)
		ZSTD_DCtx_reset(p->z, ZSTD_reset_session_only);
	p->in = (ZSTD_inBuffer){p->bytes, 0, 0};
	p->left = 1;
	return 0;
}

bool
packed_is_compressed(const struct packed *p)
{
	return p->z != NULL;
}

int
packed_fd(const struct packed *p)
{
	return p->fd;
}

void
packed_close(struct packed **at)
{
	struct packed *p = *at;

	if (p == NULL)
		return;
	fd_close(&p->fd);
	ZSTD_freeDCtx(p->z);
	mem_free(&p);
	*at = NULL;
}
