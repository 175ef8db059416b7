/* jansson with limits, defaults and places. */
#include "support/text/json.h"

#include "support/os/files.h"
#include "support/text/jscan.h"

#include <string.h>

void
json_drop(json_t **j)
{
	json_decref(*j);
	*j = NULL;
}

int
json_read(struct str text, const char *what, json_t **ret, struct err *e)
{
	json_error_t je;
	/* jansson itself stops at a depth of 2048. */
	json_t *j = json_loadb(text.p, text.n, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &je);

	if (j == NULL)
		return fail(e, ERR_INPUT, "%s:%d:%d: %s", what, je.line, je.column, je.text);
	*ret = j;
	return 0;
}

int
json_read_maybe(const char *text, json_t **ret, struct err *e)
{
	*ret = NULL;
	return text != NULL ? json_read(str_of(text), "record", ret, e) : 0;
}

int
json_read_file(const char *path, size_t max_bytes, json_t **ret, struct err *e)
{
	struct arena a = {0};
	struct str text;
	int rc = files_read(&a, path, max_bytes, &text, e);

	if (rc == 0)
		rc = json_read(text, path, ret, e);
	arena_release(&a);
	return rc;
}

const char *
json_str(const json_t *obj, const char *key, const char *otherwise)
{
	const char *s = json_string_value(json_object_get(obj, key));

	return s != NULL ? s : otherwise;
}

struct str
json_text(const json_t *obj, const char *key)
{
	const json_t *s = json_object_get(obj, key);

	if (!json_is_string(s))
		return (struct str){"", 0};
	return (struct str){json_string_value(s), json_string_length(s)};
}

int64_t
json_int(const json_t *obj, const char *key, int64_t otherwise)
{
	const json_t *v = json_object_get(obj, key);

	return json_is_integer(v) ? json_integer_value(v) : otherwise;
}

bool
json_flag(const json_t *obj, const char *key, bool otherwise)
{
	const json_t *v = json_object_get(obj, key);

	return json_is_boolean(v) ? json_is_true(v) : otherwise;
}

const json_t *
json_at(const json_t *obj, const char *dotted)
{
	struct str rest = str_of(dotted);

	while (rest.p != NULL && obj != NULL) {
		char key[128];
		struct str part = str_cut(rest, '.', &rest);
		if (part.n >= sizeof(key))
			return NULL;
		memcpy(key, part.p, part.n);
		key[part.n] = '\0';
		obj = json_object_get(obj, key);
	}
	return obj;
}

const char *
json_str_at(const json_t *obj, const char *dotted, const char *otherwise)
{
	const char *s = json_string_value(json_at(obj, dotted));

	return s != NULL ? s : otherwise;
}

int
json_need_str(const json_t *obj, const char *key, const char **ret, struct err *e)
{
	const char *s = json_str(obj, key, NULL);

	if (s == NULL)
		return fail(e, ERR_INPUT, "the member \"%s\" is missing or no text", key);
	*ret = s;
	return 0;
}

int
json_need_int(const json_t *obj, const char *key, int64_t *ret, struct err *e)
{
	const json_t *v = json_object_get(obj, key);

	if (!json_is_integer(v))
		return fail(e, ERR_INPUT, "the member \"%s\" is missing or no whole number", key);
	*ret = json_integer_value(v);
	return 0;
}

json_t *
json_any_string(struct str s)
{
	if (str_utf8_ok(s) && (s.n == 0 || memchr(s.p, '\0', s.n) == NULL))
		return json_stringn(s.p, s.n);
	AUTO(buf_release) struct buf b;
	buf_init(&b, s.n * 3 + 1);
	buf_clean(&b, s);
	return json_stringn(b.p, b.n);
}

/* A string at s->at, quotes included. */
static void
compact_string(struct jscan *s, struct buf *out)
{
	struct arena a = {0};
	size_t from = s->at;
	struct str raw;
	bool escaped;

	if (jscan_raw_string(s, &raw, &escaped) != 0) { /* no JSON: as it is */
		s->at = s->n;
		buf_add(out, s->p + from, s->n - from);
	} else if (!escaped) {
		buf_add(out, s->p + from, s->at - from);
	} else {
		s->at = from;
		if (jscan_string(s, &a, &raw) == 0)
			json_quote(raw, out);
		arena_release(&a);
	}
}

void
json_compact(struct str text, struct buf *out)
{
	struct jscan s = {text.p, text.n, 0};

	while (jscan_peek(&s) != '\0') {
		size_t from = s.at;
		while (s.at < s.n && s.p[s.at] != '"' && strchr(" \t\r\n", s.p[s.at]) == NULL)
			s.at++;
		buf_add(out, s.p + from, s.at - from);
		if (s.at < s.n && s.p[s.at] == '"')
			compact_string(&s, out);
	}
}

/* How many bytes from p on stand in a JSON string as they are; eight at a time. */
static size_t
plain_bytes(const char *p, size_t n)
{
	const uint64_t ones = 0x0101010101010101u, tops = 0x8080808080808080u;
	size_t i = 0;

	for (; i + 8 <= n; i += 8) {
		uint64_t w, quote, slash;
		memcpy(&w, p + i, 8);
		/* A byte of zero borrows from its top bit; those with the top bit set are no ASCII and fine. */
		quote = w ^ (ones * '"');
		slash = w ^ (ones * '\\');
		if (((w - ones * 0x20) | (quote - ones) | (slash - ones)) & ~w & tops)
			break;
	}
	while (i < n && (unsigned char)p[i] >= 0x20 && p[i] != '"' && p[i] != '\\')
		i++;
	return i;
}

bool
json_quote(struct str s, struct buf *out)
{
	static const char escaped[] = "\"\\\n\t\r\b\f", letters[] = "\"\\ntrbf";
	bool whole = true;

	buf_putc(out, '"');
	for (size_t at = 0;; at++) {
		size_t n = plain_bytes(s.p + at, s.n - at);
		buf_add(out, s.p + at, n);
		at += n;
		if (at == s.n)
			break;
		whole = whole && s.p[at] != '\0';
		const char *letter = s.p[at] != '\0' ? strchr(escaped, s.p[at]) : NULL;
		if (letter != NULL)
			buf_printf(out, "\\%c", letters[letter - escaped]);
		else
			buf_printf(out, "\\u%04X", (unsigned)s.p[at]);
	}
	buf_putc(out, '"');
	return whole;
}

void
json_quote_numbered(struct str s, struct buf *out)
{
	if (s.p == NULL)
		s = STR("");
	buf_putc(out, '"');
	for (size_t i = 0, from = 0; i <= s.n; i++) {
		unsigned char c = i < s.n ? (unsigned char)s.p[i] : '"';
		if (c >= 0x20 && c != '"' && c != '\\' && c != 0x7f)
			continue;
		buf_add(out, s.p + from, i - from);
		from = i + 1;
		if (i == s.n)
			break;
		if (c == '"' || c == '\\')
			buf_printf(out, "\\%c", c);
		else if (c == '\n')
			buf_puts(out, "\\n");
		else
			buf_printf(out, "\\u%04x", c);
	}
	buf_putc(out, '"');
}

static void
write_integer(json_int_t value, struct buf *out)
{
	char digits[24];
	size_t at = sizeof(digits);
	unsigned long long left = value < 0 ? 0 - (unsigned long long)value : (unsigned long long)value;

	do
		digits[--at] = (char)('0' + left % 10);
	while ((left /= 10) > 0);
	if (value < 0)
		digits[--at] = '-';
	buf_add(out, digits + at, sizeof(digits) - at);
}

static void
write_real(const json_t *j, struct buf *out)
{
	char text[64];
	size_t n = json_dumpb(j, text, sizeof(text), JSON_ENCODE_ANY);

	buf_add(out, text, n < sizeof(text) ? n : 0);
}

void
json_write(const json_t *j, struct buf *out)
{
	const char *key;
	json_t *value;
	bool first = true;
	size_t n;

	switch (json_typeof(j)) {
	case JSON_OBJECT:
		buf_putc(out, '{');
		json_object_keylen_foreach((json_t *)(uintptr_t)j, key, n, value)
		{
			if (!first)
				buf_putc(out, ',');
			first = false;
			json_quote((struct str){key, n}, out);
			buf_putc(out, ':');
			json_write(value, out);
		}
		buf_putc(out, '}');
		return;
	case JSON_ARRAY:
		buf_putc(out, '[');
		for (size_t i = 0; i < json_array_size(j); i++) {
			if (i > 0)
				buf_putc(out, ',');
			json_write(json_array_get(j, i), out);
		}
		buf_putc(out, ']');
		return;
	case JSON_STRING: json_quote((struct str){json_string_value(j), json_string_length(j)}, out); return;
	case JSON_INTEGER: write_integer(json_integer_value(j), out); return;
	case JSON_REAL: write_real(j, out); return;
	case JSON_TRUE: buf_puts(out, "true"); return;
	case JSON_FALSE: buf_puts(out, "false"); return;
	case JSON_NULL: buf_puts(out, "null"); return;
	}
}

char *
json_line(struct arena *a, const json_t *j)
{
	AUTO(buf_release) struct buf b;

	buf_init(&b, SIZE_MAX / 4);
	json_write(j, &b);
	return arena_strn(a, b.p, b.n);
}

/* Moves into member or element `step` of the value at s; *ret_key is where its key or the element begins. */
static bool
enter(struct jscan *s, struct arena *a, struct json_step step, size_t *ret_key)
{
	bool object = step.name != NULL;
	struct str key, ignored;
	size_t count = 0;

	if (jscan_open(s, object ? '{' : '[') != 0)
		return false;
	while (jscan_more(s, object ? '}' : ']', &count) == 1) {
		jscan_peek(s);
		*ret_key = s->at;
		if (object && (jscan_string(s, a, &key) != 0 || jscan_colon(s) != 0))
			return false;
		if (object ? str_is(key, step.name) : count - 1 == step.index)
			return true;
		if (jscan_value(s, &ignored) != 0)
			return false;
	}
	return false;
}

bool
json_locate(struct str text, const struct json_step *path, size_t n, bool at_key, size_t *ret_line, size_t *ret_column)
{
	struct jscan s = {text.p, text.n, 0};
	struct arena a = {0};
	size_t line = 1, column = 1, key = 0, steps = 0;

	while (steps < n && enter(&s, &a, path[steps], &key))
		steps++;
	arena_release(&a);
	if (steps < n)
		return false;
	jscan_peek(&s);
	for (const char *p = text.p; p < text.p + (at_key && n > 0 ? key : s.at); p++) {
		column = *p == '\n' ? 1 : column + 1;
		line += *p == '\n';
	}
	*ret_line = line;
	*ret_column = column;
	return true;
}
