/* Slices, bounded buffers, checked numbers. */
#include "support/base/str.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct str
str_of(const char *cstr)
{
	return (struct str){cstr != NULL ? cstr : "", cstr != NULL ? strlen(cstr) : 0};
}

bool
str_eq(struct str a, struct str b)
{
	return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

bool
str_same(const char *a, const char *b)
{
	return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

bool
str_is(struct str a, const char *cstr)
{
	return str_eq(a, str_of(cstr));
}

int
str_cmp(struct str a, struct str b)
{
	size_t n = a.n < b.n ? a.n : b.n;
	int c = n != 0 ? memcmp(a.p, b.p, n) : 0;

	if (c != 0)
		return c;
	return a.n < b.n ? -1 : a.n > b.n;
}

bool
str_starts(struct str s, struct str prefix)
{
	return s.n >= prefix.n && (prefix.n == 0 || memcmp(s.p, prefix.p, prefix.n) == 0);
}

bool
str_ends(struct str s, struct str suffix)
{
	return s.n >= suffix.n && (suffix.n == 0 || memcmp(s.p + s.n - suffix.n, suffix.p, suffix.n) == 0);
}

struct str
str_from(struct str s, size_t skip)
{
	if (skip > s.n)
		skip = s.n;
	return (struct str){s.p + skip, s.n - skip};
}

static bool
is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

struct str
str_trim(struct str s)
{
	while (s.n > 0 && is_space(s.p[0]))
		s = str_from(s, 1);
	while (s.n > 0 && is_space(s.p[s.n - 1]))
		s.n--;
	return s;
}

struct str
str_cut(struct str s, char c, struct str *rest)
{
	const char *at = s.n != 0 ? memchr(s.p, c, s.n) : NULL;

	if (at == NULL) {
		*rest = (struct str){NULL, 0};
		return s;
	}
	size_t n = (size_t)(at - s.p);
	*rest = str_from(s, n + 1);
	return (struct str){s.p, n};
}

ptrdiff_t
str_find(struct str s, struct str what)
{
	const char *at = s.n != 0 ? memmem(s.p, s.n, what.p, what.n) : NULL;

	return at != NULL ? at - s.p : -1;
}

void
str_hex(const unsigned char *bytes, size_t n, char *ret)
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < n; i++) {
		ret[2 * i] = digits[bytes[i] >> 4];
		ret[2 * i + 1] = digits[bytes[i] & 15];
	}
	ret[2 * n] = '\0';
}

char *
str_dup(struct arena *a, struct str s)
{
	return arena_strn(a, s.p, s.n);
}

int
str_to_i64(struct str s, int64_t *ret)
{
	bool minus = s.n > 0 && s.p[0] == '-';
	int64_t v = 0;

	if (minus)
		s = str_from(s, 1);
	if (s.n == 0)
		return -1;
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] < '0' || s.p[i] > '9')
			return -1;
		if (__builtin_mul_overflow(v, 10, &v) || __builtin_sub_overflow(v, s.p[i] - '0', &v))
			return -1;
	}
	/* Counted downwards, because the least number has no positive twin. */
	if (!minus && __builtin_sub_overflow(0, v, &v))
		return -1;
	*ret = v;
	return 0;
}

/* Length of the valid UTF-8 sequence at the front of s, or 0. */
static size_t
utf8_step(struct str s)
{
	const unsigned char *p = (const unsigned char *)s.p;
	size_t n;

	if (p[0] < 0x80)
		return 1;
	if (p[0] >= 0xc2 && p[0] <= 0xdf)
		n = 2;
	else if ((p[0] & 0xf0) == 0xe0)
		n = 3;
	else if (p[0] >= 0xf0 && p[0] <= 0xf4)
		n = 4;
	else
		return 0;
	if (s.n < n)
		return 0;
	for (size_t i = 1; i < n; i++)
		if ((p[i] & 0xc0) != 0x80)
			return 0;
	if ((p[0] == 0xe0 && p[1] < 0xa0) || (p[0] == 0xed && p[1] > 0x9f) || (p[0] == 0xf0 && p[1] < 0x90) ||
	    (p[0] == 0xf4 && p[1] > 0x8f))
		return 0;
	return n;
}

bool
str_utf8_ok(struct str s)
{
	while (s.n > 0) {
		size_t n = utf8_step(s);
		if (n == 0)
			return false;
		s = str_from(s, n);
	}
	return true;
}

struct str
str_utf8_head(struct str s, size_t max)
{
	if (s.n <= max)
		return s;
	while (max > 0 && ((unsigned char)s.p[max] & 0xc0) == 0x80)
		max--;
	return (struct str){s.p, max};
}

void
buf_init(struct buf *b, size_t max)
{
	*b = (struct buf){.max = max, .cap = 64};
	b->p = mem_alloc(b->cap);
}

char *
buf_room(struct buf *b, size_t n)
{
	if (b->over || n > b->max - b->n) {
		b->over = true;
		return NULL;
	}
	if (b->n + n + 1 > b->cap) {
		size_t cap = b->cap * 2 > b->n + n + 1 ? b->cap * 2 : b->n + n + 1;
		b->p = mem_realloc(b->p, cap, 1);
		b->cap = cap;
	}
	return b->p + b->n;
}

void
buf_add_slowly(struct buf *b, const void *p, size_t n)
{
	char *to = buf_room(b, n);

	if (to == NULL)
		return;
	if (n != 0)
		memcpy(to, p, n);
	buf_grew(b, n);
}

void
buf_printf(struct buf *b, const char *fmt, ...)
{
	char small[256];
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(small, sizeof(small), fmt, ap);
	va_end(ap);
	if (n < 0)
		return;
	if ((size_t)n < sizeof(small)) {
		buf_add(b, small, (size_t)n);
		return;
	}
	AUTO(mem_free) char *big = mem_alloc((size_t)n + 1);
	va_start(ap, fmt);
	vsnprintf(big, (size_t)n + 1, fmt, ap);
	va_end(ap);
	buf_add(b, big, (size_t)n);
}

void
buf_clean(struct buf *b, struct str s)
{
	for (size_t i = 0; i < s.n;) {
		size_t n = 1;
		while (n < 4 && i + n < s.n && ((unsigned char)s.p[i + n] & 0xc0) == 0x80)
			n++;
		struct str one = {s.p + i, n};
		buf_str(b, one.p[0] != '\0' && str_utf8_ok(one) ? one : STR("\xef\xbf\xbd"));
		i += n;
	}
}

void
buf_drop(struct buf *b, size_t n)
{
	memmove(b->p, b->p + n, b->n - n + 1);
	b->n -= n;
}

struct str
buf_get(const struct buf *b)
{
	return (struct str){b->p, b->n};
}

void
buf_release(struct buf *b)
{
	free(b->p);
	*b = (struct buf){0};
}
