/* A strict JSON scanner without memory of its own. */
#include "support/text/jscan.h"

#include <string.h>

char
jscan_peek(struct jscan *s)
{
	while (s->at < s->n && (s->p[s->at] == ' ' || s->p[s->at] == '\t' || s->p[s->at] == '\n' || s->p[s->at] == '\r'))
		s->at++;
	return s->at < s->n ? s->p[s->at] : '\0';
}

static int
hex4(const char *p, unsigned *ret)
{
	unsigned v = 0;

	for (int i = 0; i < 4; i++) {
		char c = p[i];
		unsigned digit = c >= '0' && c <= '9'   ? (unsigned)(c - '0')
		                 : c >= 'a' && c <= 'f' ? (unsigned)(c - 'a' + 10)
		                 : c >= 'A' && c <= 'F' ? (unsigned)(c - 'A' + 10)
		                                        : 16;
		if (digit == 16)
			return -1;
		v = v << 4 | digit;
	}
	*ret = v;
	return 0;
}

/* True when one of the eight bytes is a quote, a backslash or a control character (or, rarely, merely might be). */
static bool
eight_special(const char *p)
{
	const uint64_t ones = 0x0101010101010101u, high = 0x8080808080808080u;
	uint64_t w, quote, slash;

	memcpy(&w, p, 8);
	quote = w ^ (ones * '"');
	slash = w ^ (ones * '\\');
	return (((quote - ones) & ~quote) | ((slash - ones) & ~slash) | ((w - ones * 0x20) & ~w)) & high;
}

int
jscan_raw_string(struct jscan *s, struct str *raw, bool *escaped)
{
	if (jscan_peek(s) != '"')
		return -1;
	size_t i = s->at + 1, from = i;
	*escaped = false;
	for (;;) {
		while (s->n - i >= 8 && !eight_special(s->p + i))
			i += 8;
		if (i >= s->n) {
			s->at = s->n;
			return -1;
		}
		unsigned char c = (unsigned char)s->p[i];
		if (c == '"')
			break;
		if (c < 0x20) {
			s->at = i;
			return -1;
		}
		i++;
		if (c != '\\')
			continue;
		unsigned unused;
		*escaped = true;
		s->at = i;
		if (i >= s->n || s->p[i] == '\0' || strchr("\"\\/bfnrtu", s->p[i]) == NULL)
			return -1;
		if (s->p[i] == 'u' && (s->n - i < 5 || hex4(s->p + i + 1, &unused) != 0))
			return -1;
		i++;
	}
	*raw = (struct str){s->p + from, i - from};
	s->at = i + 1;
	return 0;
}

static size_t
utf8_put(char *out, unsigned c)
{
	if (c < 0x80) {
		out[0] = (char)c;
		return 1;
	}
	if (c < 0x800) {
		out[0] = (char)(0xc0 | c >> 6);
		out[1] = (char)(0x80 | (c & 0x3f));
		return 2;
	}
	if (c < 0x10000) {
		out[0] = (char)(0xe0 | c >> 12);
		out[1] = (char)(0x80 | (c >> 6 & 0x3f));
		out[2] = (char)(0x80 | (c & 0x3f));
		return 3;
	}
	out[0] = (char)(0xf0 | c >> 18);
	out[1] = (char)(0x80 | (c >> 12 & 0x3f));
	out[2] = (char)(0x80 | (c >> 6 & 0x3f));
	out[3] = (char)(0x80 | (c & 0x3f));
	return 4;
}

/* The code point of \uXXXX at p (after the 'u'); half a pair of surrogates becomes U+FFFD. */
static size_t
code_point(const char *p, size_t n, unsigned *ret)
{
	unsigned high, low;

	if (hex4(p, &high) != 0)
		high = 0xfffd;
	*ret = high >= 0xd800 && high < 0xe000 ? 0xfffd : high;
	if (high >= 0xd800 && high < 0xdc00 && n >= 10 && p[4] == '\\' && p[5] == 'u' && hex4(p + 6, &low) == 0 &&
	    low >= 0xdc00 && low < 0xe000) {
		*ret = 0x10000 + ((high - 0xd800) << 10 | (low - 0xdc00));
		return 10;
	}
	return 4;
}

int
jscan_string(struct jscan *s, struct arena *a, struct str *ret)
{
	struct str raw;
	bool escaped;

	if (jscan_raw_string(s, &raw, &escaped) != 0)
		return -1;
	if (!escaped) {
		*ret = raw;
		return 0;
	}
	char *out = arena_alloc(a, raw.n + 1);
	size_t n = 0;
	for (size_t i = 0; i < raw.n; i++) {
		char c = raw.p[i];
		if (c != '\\') {
			out[n++] = c;
			continue;
		}
		c = raw.p[++i];
		if (c == 'u') {
			unsigned point;
			i += code_point(raw.p + i + 1, raw.n - i - 1, &point);
			n += utf8_put(out + n, point);
		} else {
			static const char from[] = "bfnrt", to[] = "\b\f\n\r\t";
			const char *at = strchr(from, c);
			out[n++] = at != NULL ? to[at - from] : c;
		}
	}
	*ret = (struct str){out, n};
	return 0;
}

static int
number(struct jscan *s)
{
	const char *p = s->p, *end = s->p + s->n, *q = p + s->at;
	size_t digits;

	if (q < end && *q == '-')
		q++;
	const char *first = q;
	for (digits = 0; q < end && *q >= '0' && *q <= '9'; q++)
		digits++;
	bool ok = digits != 0 && (digits == 1 || *first != '0');
	if (ok && q < end && *q == '.') {
		for (q++, digits = 0; q < end && *q >= '0' && *q <= '9'; q++)
			digits++;
		ok = digits != 0;
	}
	if (ok && q < end && (*q == 'e' || *q == 'E')) {
		q++;
		if (q < end && (*q == '+' || *q == '-'))
			q++;
		for (digits = 0; q < end && *q >= '0' && *q <= '9'; q++)
			digits++;
		ok = digits != 0;
	}
	s->at = (size_t)(q - p);
	return ok ? 0 : -1;
}

static int
word(struct jscan *s, const char *w)
{
	size_t n = strlen(w);

	if (s->n - s->at < n || memcmp(s->p + s->at, w, n) != 0)
		return -1;
	s->at += n;
	return 0;
}

static int
scalar(struct jscan *s, char c)
{
	struct str raw;
	bool escaped;

	switch (c) {
	case '"': return jscan_raw_string(s, &raw, &escaped);
	case 't': return word(s, "true");
	case 'f': return word(s, "false");
	case 'n': return word(s, "null");
	default: return number(s);
	}
}

/* Nesting is kept as a stack of brackets, not as calls, so that a deep line costs no stack. */
int
jscan_value(struct jscan *s, struct str *raw)
{
	char open[JSCAN_MAX_DEPTH];
	size_t depth = 0, from;
	bool first = true; /* just after an opening bracket */
	char c = jscan_peek(s);

	from = s->at;
	for (;;) {
		c = jscan_peek(s);
		if (depth > 0 && first && c == open[depth - 1]) {
			s->at++;
			depth--;
			goto closed;
		}
		/* cppcheck-suppress uninitvar ; what is below depth was set */
		if (depth > 0 && open[depth - 1] == '}') {
			struct str key;
			bool escaped;
			if (jscan_raw_string(s, &key, &escaped) != 0 || jscan_colon(s) != 0)
				return -1;
			c = jscan_peek(s);
		}
		if (c == '{' || c == '[') {
			if (depth == JSCAN_MAX_DEPTH)
				return -1;
			open[depth++] = c == '{' ? '}' : ']';
			first = true;
			s->at++;
			continue;
		}
		if (scalar(s, c) != 0)
			return -1;
	closed:
		first = false;
		while (depth > 0 && (c = jscan_peek(s)) == open[depth - 1]) {
			s->at++;
			depth--;
		}
		if (depth == 0)
			break;
		if (c != ',')
			return -1;
		s->at++;
	}
	*raw = (struct str){s->p + from, s->at - from};
	return 0;
}

int
jscan_int(struct jscan *s, int64_t *ret)
{
	struct str raw;

	jscan_peek(s);
	if (jscan_value(s, &raw) != 0)
		return -1;
	return str_to_i64(raw, ret);
}

int
jscan_open(struct jscan *s, char bracket)
{
	if (jscan_peek(s) != bracket)
		return -1;
	s->at++;
	return 0;
}

int
jscan_more(struct jscan *s, char closing, size_t *count)
{
	char c = jscan_peek(s);

	if (c == closing) {
		s->at++;
		return 0;
	}
	if (*count != 0) {
		if (c != ',')
			return -1;
		s->at++;
	}
	++*count;
	return 1;
}

int
jscan_colon(struct jscan *s)
{
	if (jscan_peek(s) != ':')
		return -1;
	s->at++;
	return 0;
}

int
jscan_end(struct jscan *s)
{
	jscan_peek(s);
	return s->at == s->n ? 0 : -1;
}
