/* libzstd, one way of using it. */
#include "support/os/zstream.h"

#include "support/os/files.h"

#include <zstd.h>

enum { CHUNK = 128 * 1024, LEVEL = 3 };

struct zstream {
	int fd;
	const char *what;
	ZSTD_CCtx *ctx;
	char out[CHUNK];
};

int
zstream_new(int fd, const char *what, struct zstream **ret, struct err *e)
{
	AUTO(zstream_free) struct zstream *z = mem_alloc(sizeof(*z));

	z->fd = fd;
	z->what = what;
	z->ctx = ZSTD_createCCtx();
	if (z->ctx == NULL)
		return fail(e, ERR_SYSTEM, "no memory to compress %s", what);
	ZSTD_CCtx_setParameter(z->ctx, ZSTD_c_compressionLevel, LEVEL);
	ZSTD_CCtx_setParameter(z->ctx, ZSTD_c_checksumFlag, 1);
	*ret = z;
	z = NULL;
	return 0;
}

void
zstream_free(struct zstream **at)
{
	if (*at != NULL)
		ZSTD_freeCCtx((*at)->ctx);
	mem_free(at);
}

static int
pack(struct zstream *z, struct str bytes, ZSTD_EndDirective how, struct err *e)
{
	ZSTD_inBuffer in = {bytes.p, bytes.n, 0};
	size_t left;

	do {
		ZSTD_outBuffer out = {z->out, sizeof(z->out), 0};
		left = ZSTD_compressStream2(z->ctx, &out, &in, how);
		if (ZSTD_isError(left))
			return fail(e, ERR_SYSTEM, "zstd: %s", ZSTD_getErrorName(left));
		if (files_put(z->fd, (struct str){z->out, out.pos}) != 0)
			return fail_sys(e, "cannot write %s", z->what);
	} while (how == ZSTD_e_end ? left > 0 : in.pos < in.size);
	return 0;
}

int
zstream_add(struct zstream *z, struct str bytes, struct err *e)
{
	return pack(z, bytes, ZSTD_e_continue, e);
}

int
zstream_end(struct zstream *z, struct err *e)
{
	return pack(z, STR(""), ZSTD_e_end, e);
}

bool
zstream_unpack(struct arena *a, struct str packed, size_t max, struct str *ret)
{
	unsigned long long n = packed.p != NULL ? ZSTD_getFrameContentSize(packed.p, packed.n) : ZSTD_CONTENTSIZE_ERROR;

	if (n > max) /* also the two values that are errors */
		return false;
	char *out = arena_alloc(a, (size_t)n + 1);
	size_t got = ZSTD_decompress(out, (size_t)n, packed.p, packed.n);
	if (ZSTD_isError(got) || got != n)
		return false;
	*ret = (struct str){out, (size_t)n};
	return true;
}
