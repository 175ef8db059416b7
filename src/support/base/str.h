/*
 * str - slices of text, bounded growing text, checked numbers.
 *
 * A struct str is a pointer and a length; it owns nothing and need not end in NUL. Text from outside is bytes until
 * str_utf8_ok said otherwise.
 */
#ifndef EKACI_SUPPORT_BASE_STR_H
#define EKACI_SUPPORT_BASE_STR_H

#include "support/base/mem.h"

#include <stdbool.h>
#include <string.h>

struct str {
	const char *p;
	size_t n;
};

#define STR(literal) ((struct str){"" literal, sizeof(literal) - 1})
#define STR_FMT      "%.*s"
#define STR_ARG(s)   (int)(s).n, (s).p

struct str str_of(const char *cstr); /* NULL gives the empty slice */
bool str_eq(struct str a, struct str b);
bool str_is(struct str a, const char *cstr);
bool str_same(const char *a, const char *b); /* the same text, or both NULL */
int str_cmp(struct str a, struct str b);     /* by bytes, like memcmp */
bool str_starts(struct str s, struct str prefix);
bool str_ends(struct str s, struct str suffix);
struct str str_from(struct str s, size_t skip); /* s without its first skip bytes */
struct str str_trim(struct str s);              /* without spaces, tabs, CR and LF at both ends */
/* Cuts s at the first byte c: returns what is before it, *rest is what is after (both within s).
 * Without c the whole is returned and *rest is empty with p == NULL. */
struct str str_cut(struct str s, char c, struct str *rest);
ptrdiff_t str_find(struct str s, struct str what); /* offset, or -1 */
char *str_dup(struct arena *a, struct str s);      /* NUL-terminated copy */
/* n bytes as 2 n lower-case hexadecimal digits and a NUL. */
void str_hex(const unsigned char *bytes, size_t n, char *ret);
/* Whole-slice decimal numbers; -1 when it is not one or does not fit, *ret untouched. */
int str_to_i64(struct str s, int64_t *ret);
bool str_utf8_ok(struct str s);
/* The longest prefix of s of at most max bytes that does not cut a UTF-8 sequence. */
struct str str_utf8_head(struct str s, size_t max);

/*
 * A buffer that grows up to a ceiling given at birth. Once over, it stays over and drops what is added; the caller
 * looks at .over once at the end. The text is always NUL-terminated (at p[n]); p is never NULL after buf_init.
 */
struct buf {
	char *p;
	size_t n, cap, max;
	bool over;
};

void buf_init(struct buf *b, size_t max);
void buf_add_slowly(struct buf *b, const void *p, size_t n); /* what buf_add does when b must grow */
/* Makes room for n bytes at p + b->n and returns that place, or NULL when b is (now) over; they count from buf_grew on. */
char *buf_room(struct buf *b, size_t n);
static inline void
buf_grew(struct buf *b, size_t n)
{
	b->n += n;
	b->p[b->n] = '\0';
}
static inline void
buf_add(struct buf *b, const void *p, size_t n)
{
	if (n == 0 || b->over || n > b->max - b->n || n >= b->cap - b->n) {
		buf_add_slowly(b, p, n);
		return;
	}
	memcpy(b->p + b->n, p, n);
	buf_grew(b, n);
}
static inline void
buf_str(struct buf *b, struct str s)
{
	buf_add(b, s.p, s.n);
}
static inline void
buf_puts(struct buf *b, const char *s)
{
	buf_add(b, s, strlen(s));
}
static inline void
buf_putc(struct buf *b, char c)
{
	buf_add(b, &c, 1);
}
void buf_printf(struct buf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Appends s with every NUL and every sequence that is no UTF-8 as U+FFFD; at most three times as long. */
void buf_clean(struct buf *b, struct str s);
void buf_drop(struct buf *b, size_t n); /* removes the first n bytes */
struct str buf_get(const struct buf *b);
void buf_release(struct buf *b);

#endif
