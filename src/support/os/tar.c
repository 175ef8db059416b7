/* tar within zstd, written and read as streams. */
#include "support/os/tar.h"

#include "support/os/files.h"
#include "support/os/zstream.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zstd.h>

enum {
	BLOCK = 512,
	CHUNK = 64 * 1024,
	MAX_PAX = 64 * 1024 /* of one file's extended header */
};
#define MAX_OCTAL INT64_C(077777777777)

/* A header's fields (POSIX): offsets and lengths. */
enum {
	AT_NAME = 0,
	AT_MODE = 100,
	AT_UID = 108,
	AT_GID = 116,
	AT_SIZE = 124,
	AT_TIME = 136,
	AT_SUM = 148,
	AT_TYPE = 156,
	AT_MAGIC = 257
};

/* --- writing ------------------------------------------------------------------------------------------------------- */

struct tar_out {
	struct zstream *z;
	int64_t bytes;
};

int
tar_out_new(int fd, struct tar_out **ret, struct err *e)
{
	struct tar_out *t = mem_alloc(sizeof(*t));

	if (zstream_new(fd, "the archive", &t->z, e) != 0) {
		tar_out_free(t);
		return -1;
	}
	*ret = t;
	return 0;
}

static int
put_padding(struct tar_out *t, int64_t size, struct err *e)
{
	static const char zeros[BLOCK];
	size_t over = (size_t)(size % BLOCK);

	return over == 0 ? 0 : zstream_add(t->z, (struct str){zeros, BLOCK - over}, e);
}

static unsigned
sum_of(const char *header)
{
	unsigned sum = 0;

	for (int i = 0; i < BLOCK; i++)
		sum += i >= AT_SUM && i < AT_SUM + 8 ? ' ' : (unsigned char)header[i];
	return sum;
}

static int
put_header(struct tar_out *t, char type, const char *name, int64_t size, struct err *e)
{
	char h[BLOCK] = {0};

	memcpy(h + AT_NAME, name, strnlen(name, 100));
	snprintf(h + AT_MODE, 8, "%07o", 0640);
	snprintf(h + AT_UID, 8, "%07o", 0);
	snprintf(h + AT_GID, 8, "%07o", 0);
	snprintf(h + AT_SIZE, 12, "%011llo", (unsigned long long)(size <= MAX_OCTAL ? size : 0));
	snprintf(h + AT_TIME, 12, "%011o", 0);
	h[AT_TYPE] = type;
	memcpy(h + AT_MAGIC, "ustar\00000", 8);
	snprintf(h + AT_SUM, 8, "%06o", sum_of(h));
	h[AT_SUM + 7] = ' ';
	return zstream_add(t->z, (struct str){h, BLOCK}, e);
}

/* "LENGTH KEY=VALUE\n", where LENGTH counts itself. */
static void
add_pax(struct buf *out, const char *key, const char *value)
{
	size_t rest = strlen(key) + strlen(value) + 3, n = rest + 1;
	char digits[24];

	while ((size_t)snprintf(digits, sizeof(digits), "%zu", n) + rest != n)
		n++;
	buf_printf(out, "%zu %s=%s\n", n, key, value);
}

/* A name or a size that the old header has no room for stands in a header of its own before it. */
static int
begin_file(struct tar_out *t, const char *name, int64_t size, struct err *e)
{
	AUTO(buf_release) struct buf pax;
	char number[24];

	buf_init(&pax, MAX_PAX);
	if (strlen(name) > 100)
		add_pax(&pax, "path", name);
	snprintf(number, sizeof(number), "%lld", (long long)size);
	if (size > MAX_OCTAL)
		add_pax(&pax, "size", number);
	if (pax.n > 0 && (put_header(t, 'x', "pax", (int64_t)pax.n, e) != 0 || zstream_add(t->z, buf_get(&pax), e) != 0 ||
	                     put_padding(t, (int64_t)pax.n, e) != 0))
		return -1;
	return put_header(t, '0', name, size, e);
}

int
tar_out_text(struct tar_out *t, const char *name, struct str text, struct err *e)
{
	if (begin_file(t, name, (int64_t)text.n, e) != 0 || zstream_add(t->z, text, e) != 0)
		return -1;
	return put_padding(t, (int64_t)text.n, e);
}

int
tar_out_file(struct tar_out *t, const char *name, const char *path, struct err *e)
{
	AUTO(fd_close) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	AUTO(mem_free) char *chunk = mem_alloc(CHUNK);
	struct stat st;

	if (fd < 0 && (errno == ENOENT || errno == ELOOP))
		return 1;
	if (fd < 0 || fstat(fd, &st) != 0)
		return fail_sys(e, "cannot read %s", path);
	if (!S_ISREG(st.st_mode))
		return 1;
	if (begin_file(t, name, st.st_size, e) != 0)
		return -1;
	for (int64_t left = st.st_size; left > 0;) {
		ssize_t got = read(fd, chunk, left < CHUNK ? (size_t)left : CHUNK);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return fail_sys(e, "cannot read %s", path);
		if (got == 0) { /* it was cut meanwhile: the header has promised so many */
			memset(chunk, 0, CHUNK);
			got = left < CHUNK ? (ssize_t)left : CHUNK;
		}
		if (zstream_add(t->z, (struct str){chunk, (size_t)got}, e) != 0)
			return -1;
		left -= got;
	}
	t->bytes += st.st_size;
	return put_padding(t, st.st_size, e);
}

int
tar_out_end(struct tar_out *t, struct err *e)
{
	static const char zeros[2 * BLOCK];

	return zstream_add(t->z, (struct str){zeros, sizeof(zeros)}, e) == 0 ? zstream_end(t->z, e) : -1;
}

int64_t
tar_out_bytes(const struct tar_out *t)
{
	return t->bytes;
}

void
tar_out_free(struct tar_out *t)
{
	if (t == NULL)
		return;
	zstream_free(&t->z);
	mem_free(&t);
}

/* --- reading ------------------------------------------------------------------------------------------------------- */

struct tar_in {
	int fd;
	ZSTD_DCtx *z;
	ZSTD_inBuffer in;
	size_t frame; /* 0: the frame is at its end */
	bool begun;
	int64_t left, padding; /* of the present file */
	char name[TAR_MAX_NAME + 1];
	char bytes[CHUNK];
};

int
tar_in_new(int fd, struct tar_in **ret, struct err *e)
{
	struct tar_in *t = mem_alloc(sizeof(*t));

	t->fd = fd;
	t->z = ZSTD_createDCtx();
	if (t->z == NULL) {
		tar_in_free(t);
		return fail(e, ERR_SYSTEM, "no memory for an archive");
	}
	ZSTD_DCtx_setParameter(t->z, ZSTD_d_windowLogMax, 27);
	*ret = t;
	return 0;
}

static int
refill(struct tar_in *t, struct err *e)
{
	ssize_t got;

	while ((got = read(t->fd, t->bytes, sizeof(t->bytes))) < 0 && errno == EINTR)
		;
	if (got < 0)
		return fail_sys(e, "cannot read the archive");
	if (got == 0)
		return fail(e, ERR_INPUT, "the archive ends before its end");
	t->in = (ZSTD_inBuffer){t->bytes, (size_t)got, 0};
	return 0;
}

/* Exactly n bytes. */
static int
take(struct tar_in *t, void *to, size_t n, struct err *e)
{
	ZSTD_outBuffer out = {to, n, 0};

	while (out.pos < out.size) {
		if (t->begun && t->frame == 0)
			return fail(e, ERR_INPUT, "the archive ends before its end");
		size_t before = out.pos, from = t->in.pos;
		t->frame = ZSTD_decompressStream(t->z, &out, &t->in);
		t->begun = true;
		if (ZSTD_isError(t->frame))
			return fail(e, ERR_INPUT, "this is no archive of ekaci, or it is broken: zstd: %s",
			    ZSTD_getErrorName(t->frame));
		if (out.pos == before && t->in.pos == from && refill(t, e) != 0)
			return -1;
	}
	return 0;
}

static int
pass_over(struct tar_in *t, int64_t n, struct err *e)
{
	AUTO(mem_free) char *chunk = mem_alloc(CHUNK);

	for (; n > 0; n -= n < CHUNK ? n : CHUNK)
		if (take(t, chunk, n < CHUNK ? (size_t)n : CHUNK, e) != 0)
			return -1;
	return 0;
}

static int64_t
octal(const char *p, size_t n)
{
	int64_t value = 0;

	for (size_t i = 0; i < n && p[i] != '\0' && p[i] != ' '; i++) {
		if (p[i] < '0' || p[i] > '7')
			return -1;
		value = value * 8 + (p[i] - '0');
	}
	return value;
}

/* Every part of it is a name. */
static bool
name_ok(const char *name)
{
	struct str rest = str_of(name);

	if (rest.n == 0 || rest.n > TAR_MAX_NAME)
		return false;
	while (rest.p != NULL) {
		struct str part = str_cut(rest, '/', &rest);
		if (part.n == 0 || str_is(part, ".") || str_is(part, ".."))
			return false;
	}
	return true;
}

/* What an extended header says of the file behind it. */
static int
read_pax(struct tar_in *t, int64_t size, char *path, int64_t *ret_size, struct err *e)
{
	AUTO(mem_free) char *text = mem_alloc(MAX_PAX);

	if (size < 0 || size > MAX_PAX || take(t, text, (size_t)size, e) != 0)
		return size < 0 || size > MAX_PAX
		           ? fail(e, ERR_INPUT, "the archive is broken: an extended header of %lld bytes", (long long)size)
		           : -1;
	for (struct str rest = {text, (size_t)size}; rest.p != NULL && rest.n > 0;) {
		struct str line = str_cut(rest, '\n', &rest), value, key;
		(void)str_cut(line, ' ', &line);
		key = str_cut(line, '=', &value);
		if (str_is(key, "path") && value.n <= TAR_MAX_NAME) {
			memcpy(path, value.p, value.n);
			path[value.n] = '\0';
		} else if (str_is(key, "size") && str_to_i64(value, ret_size) != 0) {
			return fail(e, ERR_INPUT, "the archive is broken: a size that is no number");
		}
	}
	return pass_over(t, (BLOCK - size % BLOCK) % BLOCK, e);
}

static bool
is_zero(const char *block)
{
	for (int i = 0; i < BLOCK; i++)
		if (block[i] != '\0')
			return false;
	return true;
}

/* Two blocks of zeros end it, and more may stand behind them (tar writes records of twenty); then the frame must end, too, whose sum
 * is looked at there. */
static int
at_end(struct tar_in *t, struct err *e)
{
	char block[BLOCK];

	if (take(t, block, BLOCK, e) != 0)
		return -1;
	while (is_zero(block)) {
		ZSTD_outBuffer out = {block, BLOCK, 0};
		size_t from = t->in.pos;
		memset(block, 0, BLOCK);
		if (t->frame == 0)
			return 1;
		t->frame = ZSTD_decompressStream(t->z, &out, &t->in);
		if (ZSTD_isError(t->frame))
			return fail(e, ERR_INPUT, "the archive is broken: zstd: %s", ZSTD_getErrorName(t->frame));
		if (t->frame != 0 && out.pos == 0 && t->in.pos == from && refill(t, e) != 0)
			return -1;
	}
	return fail(e, ERR_INPUT, "the archive is broken: something stands behind its end");
}

int
tar_in_next(struct tar_in *t, const char **ret_name, int64_t *ret_size, struct err *e)
{
	int64_t size_said = -1;
	char h[BLOCK];

	t->name[0] = '\0';
	if (pass_over(t, t->left + t->padding, e) != 0)
		return -1;
	t->left = t->padding = 0;
	for (;;) {
		if (take(t, h, BLOCK, e) != 0)
			return -1;
		if (is_zero(h))
			return at_end(t, e);
		int64_t size = octal(h + AT_SIZE, 12);
		if (size < 0 || octal(h + AT_SUM, 8) != (int64_t)sum_of(h))
			return fail(e, ERR_INPUT, "the archive is broken: a header's sum is wrong");
		if (h[AT_TYPE] == 'x') {
			if (read_pax(t, size, t->name, &size_said, e) != 0)
				return -1;
			continue;
		}
		if (h[AT_TYPE] == '5') { /* folders are made with what is in them */
			t->name[0] = '\0';
			continue;
		}
		if (h[AT_TYPE] != '0' && h[AT_TYPE] != '\0')
			return fail(e, ERR_INPUT, "the archive holds something that is no plain file");
		if (t->name[0] == '\0') {
			memcpy(t->name, h + AT_NAME, 100);
			t->name[100] = '\0';
		}
		if (!name_ok(t->name))
			return fail(e, ERR_INPUT, "the archive holds a file with a name that leads elsewhere");
		t->left = size_said >= 0 ? size_said : size;
		t->padding = (BLOCK - t->left % BLOCK) % BLOCK;
		*ret_name = t->name;
		*ret_size = t->left;
		return 0;
	}
}

int
tar_in_save(struct tar_in *t, const char *path, struct err *e)
{
	AUTO(fd_close) int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0640);
	AUTO(mem_free) char *chunk = mem_alloc(CHUNK);

	if (fd < 0)
		return fail_sys(e, "cannot make %s", path);
	while (t->left > 0) {
		size_t n = t->left < CHUNK ? (size_t)t->left : CHUNK;
		if (take(t, chunk, n, e) != 0 ||
		    (files_put(fd, (struct str){chunk, n}) != 0 && fail_sys(e, "cannot write the archive") != 0))
			return fail_in(e, "%s", path);
		t->left -= (int64_t)n;
	}
	return fsync(fd) == 0 ? 0 : fail_sys(e, "cannot write %s", path);
}

int
tar_in_text(struct tar_in *t, struct arena *a, size_t max, struct str *ret, struct err *e)
{
	if (t->left > (int64_t)max)
		return fail(e, ERR_LIMIT, "the archive's %s has more than %zu bytes", t->name, max);
	size_t n = (size_t)t->left;
	char *text = arena_alloc(a, n + 1);
	if (take(t, text, n, e) != 0)
		return -1;
	text[n] = '\0';
	t->left = 0;
	*ret = (struct str){text, n};
	return 0;
}

void
tar_in_free(struct tar_in *t)
{
	if (t == NULL)
		return;
	ZSTD_freeDCtx(t->z);
	mem_free(&t);
}
