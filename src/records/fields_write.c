/* A struct becomes JSON. */
#include "records/fields.h"

#include "support/text/json.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

enum { MAX_PLACE = 300 };

/* Where in the document we are, for errors: each step points at the one around it. */
struct place {
	const struct place *in;
	const char *name; /* a member, or NULL: an element */
	size_t index;
	enum fields_escapes escapes; /* of the outermost one: how the document is written */
};

static size_t
place_text(const struct place *at, char *out, size_t room)
{
	size_t n = at->in != NULL ? place_text(at->in, out, room) : 0;
	int more = at->name != NULL ? snprintf(out + n, room - n, "%s%s", at->in != NULL ? "." : "", at->name)
	                            : snprintf(out + n, room - n, "[%zu]", at->index);

	return more < 0 || (size_t)more >= room - n ? room - 1 : n + (size_t)more;
}

static int
bad(struct err *e, enum err_kind kind, const struct place *at, const char *why)
{
	char text[MAX_PLACE];

	place_text(at, text, sizeof(text));
	return fail(e, kind, "%s: %s", text, why);
}

static int
quote(struct str s, const struct place *at, struct buf *out)
{
	if (!str_utf8_ok(s))
		return -1;
	while (at->in != NULL)
		at = at->in;
	if (at->escapes == FIELDS_NUMBERED)
		json_quote_numbered(s, out);
	else
		json_quote(s, out);
	return 0;
}

static int
write_text(const char *text, const struct place *at, struct buf *out, struct err *e)
{
	if (text == NULL) {
		buf_puts(out, "null");
		return 0;
	}
	return quote(str_of(text), at, out) == 0 ? 0 : bad(e, ERR_INPUT, at, "text that is not UTF-8");
}

static int
write_texts(const struct texts *list, const struct place *at, struct buf *out, struct err *e)
{
	if (list->p == NULL) {
		buf_puts(out, "null");
		return 0;
	}
	buf_putc(out, '[');
	for (size_t i = 0; i < list->n; i++) {
		const struct place here = {.in = at, .index = i};
		if (i > 0)
			buf_putc(out, ',');
		if (write_text(list->p[i], &here, out, e) != 0)
			return -1;
	}
	buf_putc(out, ']');
	return 0;
}

static int
write_ints(const struct numbers *list, struct buf *out)
{
	if (list->p == NULL) {
		buf_puts(out, "null");
		return 0;
	}
	buf_putc(out, '[');
	for (size_t i = 0; i < list->n; i++)
		buf_printf(out, "%s%" PRId64, i > 0 ? "," : "", list->p[i]);
	buf_putc(out, ']');
	return 0;
}

static int
write_paths(const struct paths *list, const struct place *at, struct buf *out, struct err *e)
{
	if (list->p == NULL) {
		buf_puts(out, "null");
		return 0;
	}
	buf_putc(out, '[');
	for (size_t i = 0; i < list->n; i++) {
		const struct place here = {.in = at, .index = i};
		if (i > 0)
			buf_putc(out, ',');
		if (write_texts(&list->p[i], &here, out, e) != 0)
			return -1;
	}
	buf_putc(out, ']');
	return 0;
}

/* The name of a member, with what stands before it. */
static int
write_name(const char *name, bool first, const struct place *at, struct buf *out, struct err *e)
{
	if (!first)
		buf_putc(out, ',');
	if (name == NULL || quote(str_of(name), at, out) != 0)
		return bad(e, ERR_INPUT, at, "a name that is not UTF-8");
	buf_putc(out, ':');
	return 0;
}

static int
write_options(const struct named_texts *list, const struct place *at, struct buf *out, struct err *e)
{
	if (list->p == NULL) {
		buf_puts(out, "null");
		return 0;
	}
	buf_putc(out, '{');
	for (size_t i = 0; i < list->n; i++) {
		const struct place here = {.in = at, .name = list->p[i].name};
		if (write_name(list->p[i].name, i == 0, at, out, e) != 0 || write_text(list->p[i].text, &here, out, e) != 0)
			return -1;
	}
	buf_putc(out, '}');
	return 0;
}

static int
write_numbers(const struct named_numbers *list, const struct place *at, struct buf *out, struct err *e)
{
	if (list->p == NULL) {
		buf_puts(out, "null");
		return 0;
	}
	buf_putc(out, '{');
	for (size_t i = 0; i < list->n; i++) {
		if (write_name(list->p[i].name, i == 0, at, out, e) != 0)
			return -1;
		buf_printf(out, "%" PRId64, list->p[i].number);
	}
	buf_putc(out, '}');
	return 0;
}

static int write_struct(const struct fields *of, const void *value, const struct place *at, struct buf *out, struct err *e);

static int
write_list(const struct field *f, const void *from, const struct place *at, struct buf *out, struct err *e)
{
	const LIST(char) *list = from;
	bool keyed = f->type == FIELD_KEYED;

	if (list->p == NULL) {
		buf_puts(out, "null");
		return 0;
	}
	buf_putc(out, keyed ? '{' : '[');
	for (size_t i = 0; i < list->n; i++) {
		const char *one = list->p + i * (keyed ? f->element : f->of->size);
		const struct place here = {.in = at,
		    .name = keyed ? *(const char *const *)(const void *)one : NULL,
		    .index = i};
		if (keyed ? write_name(here.name, i == 0, at, out, e) != 0 : false)
			return -1;
		if (!keyed)
			buf_puts(out, &(f->lines ? ",\n" : ",")[i == 0]);
		if (write_struct(f->of, one + f->value, &here, out, e) != 0)
			return -1;
	}
	buf_putc(out, keyed ? '}' : ']');
	return 0;
}

/* As short as it can be and still be read as the same number, and always seen to be no whole one. */
static int
write_real(double x, const struct place *at, struct buf *out, struct err *e)
{
	char text[40];

	if (isnan(x)) {
		buf_puts(out, "null");
		return 0;
	}
	if (!isfinite(x))
		return bad(e, ERR_INPUT, at, "a number that JSON cannot hold");
	snprintf(text, sizeof(text), "%.17g", x);
	struct str rest;
	buf_str(out, str_cut(str_of(text), 'e', &rest));
	if (rest.p == NULL) {
		buf_puts(out, strchr(text, '.') == NULL ? ".0" : "");
		return 0;
	}
	/* "e-07" and "e+21" have always been e-7 and e21 in our files. */
	buf_puts(out, rest.p[0] == '-' ? "e-" : "e");
	for (rest = str_from(rest, 1); rest.n > 1 && rest.p[0] == '0';)
		rest = str_from(rest, 1);
	buf_str(out, rest);
	return 0;
}

static int
write_word(const struct field *f, int value, const struct place *at, struct buf *out, struct err *e)
{
	int n = 0;

	while (f->words[n] != NULL)
		n++;
	if (value < -1 || value >= n)
		return bad(e, ERR_BUG, at, "a value that has no word");
	return write_text(value == -1 ? NULL : f->words[value], at, out, e);
}

/* What stands in the same struct as JSON already. */
static const char *
raw_of(const struct field *f, const void *from)
{
	return *(const char *const *)(const void *)((const char *)from - f->offset + f->raw);
}

static int
write_member(const struct field *f, const void *from, const struct place *at, struct buf *out, struct err *e)
{
	switch (f->type) {
	case FIELD_TEXT:
		if (f->required && *(const char *const *)from == NULL)
			return bad(e, ERR_BUG, at, "is not set");
		return write_text(*(const char *const *)from, at, out, e);
	case FIELD_INT:
		if (f->null && *(const int64_t *)from == f->otherwise)
			buf_puts(out, "null");
		else
			buf_printf(out, "%" PRId64, *(const int64_t *)from);
		return 0;
	case FIELD_FLAG: buf_puts(out, *(const bool *)from ? "true" : "false"); return 0;
	case FIELD_REAL: return write_real(*(const double *)from, at, out, e);
	case FIELD_MAYBE_FLAG:
		buf_puts(out, *(const int *)from < 0 ? "null" : *(const int *)from != 0 ? "true" : "false");
		return 0;
	case FIELD_INTS: return write_ints(from, out);
	case FIELD_WORD: return write_word(f, *(const int *)from, at, out, e);
	case FIELD_TEXTS:
	case FIELD_PATH: return write_texts(from, at, out, e);
	case FIELD_PATHS: return write_paths(from, at, out, e);
	case FIELD_OPTIONS: return write_options(from, at, out, e);
	case FIELD_NUMBERS: return write_numbers(from, at, out, e);
	case FIELD_RECORD: return write_struct(f->of, from, at, out, e);
	case FIELD_MAYBE:
		if (f->raw != 0 && raw_of(f, from) != NULL)
			buf_puts(out, raw_of(f, from));
		else if (*(const void *const *)from != NULL)
			return write_struct(f->of, *(const void *const *)from, at, out, e);
		else
			buf_puts(out, "null");
		return 0;
	case FIELD_LIST:
	case FIELD_KEYED: return write_list(f, from, at, out, e);
	case FIELD_RAW: {
		const char *raw = *(const char *const *)from;
		buf_puts(out, raw != NULL ? raw : "null");
		return 0;
	}
	}
	return bad(e, ERR_BUG, at, "a type that nobody knows");
}

static bool
is_empty(const struct field *f, const void *from)
{
	switch (f->type) {
	case FIELD_INT: return *(const int64_t *)from == f->otherwise;
	case FIELD_FLAG: return *(const bool *)from == (f->otherwise != 0);
	case FIELD_WORD: return *(const int *)from == f->otherwise || *(const int *)from == -1;
	case FIELD_REAL: return isnan(*(const double *)from);
	case FIELD_MAYBE_FLAG: return *(const int *)from < 0;
	case FIELD_INTS:
	case FIELD_TEXT:
	case FIELD_TEXTS:
	case FIELD_PATH:
	case FIELD_PATHS:
	case FIELD_OPTIONS:
	case FIELD_NUMBERS:
	case FIELD_MAYBE:
	case FIELD_LIST:
	case FIELD_KEYED:
	case FIELD_RAW: return *(const void *const *)from == NULL; /* each begins with its pointer */
	case FIELD_RECORD: break;
	}
	return false;
}

static void
set_otherwise(const struct field *f, void *to)
{
	if (f->type == FIELD_INT)
		*(int64_t *)to = f->otherwise;
	else if (f->type == FIELD_FLAG)
		*(bool *)to = f->otherwise != 0;
	else if (f->type == FIELD_REAL)
		*(double *)to = NAN;
	else if (f->type == FIELD_MAYBE_FLAG)
		*(int *)to = -1;
	else if (f->type == FIELD_WORD)
		*(int *)to = f->required ? -1 : (int)f->otherwise;
	else if (f->type == FIELD_RECORD)
		fields_init(f->of, to);
}

void
fields_init(const struct fields *of, void *ret)
{
	memset(ret, 0, of->size);
	for (size_t i = 0; i < of->n; i++)
		set_otherwise(&of->members[i], (char *)ret + of->members[i].offset);
}

/* False: it has none. */
static bool
write_type(const struct fields *of, bool first, struct buf *out)
{
	if (of->type == NULL)
		return false;
	buf_printf(out, "%s\"type\":\"%s\"", first ? "" : ",", of->type);
	return true;
}

static int
write_struct(const struct fields *of, const void *value, const struct place *at, struct buf *out, struct err *e)
{
	bool first = true;

	buf_putc(out, '{');
	for (size_t i = 0; i < of->n; i++) {
		const struct field *f = &of->members[i];
		const void *from = (const char *)value + f->offset;
		const struct place here = {.in = at, .name = f->name};
		if (i == of->type_behind)
			first = !write_type(of, first, out) && first;
		if (f->left_out && is_empty(f, from))
			continue;
		if (write_name(f->name, first, &here, out, e) != 0 || write_member(f, from, &here, out, e) != 0)
			return -1;
		first = false;
	}
	if (of->n == 0)
		(void)write_type(of, first, out);
	buf_putc(out, '}');
	return 0;
}

int
fields_write_as(const struct fields *of, const void *value, enum fields_escapes escapes, struct buf *out, struct err *e)
{
	const struct place at = {.name = of->name, .escapes = escapes};

	if (write_struct(of, value, &at, out, e) != 0)
		return -1;
	return out->over ? fail(e, ERR_LIMIT, "%s is larger than %zu bytes", of->name, out->max) : 0;
}

int
fields_write(const struct fields *of, const void *value, struct buf *out, struct err *e)
{
	return fields_write_as(of, value, FIELDS_SHORT, out, e);
}

int
fields_line(const struct fields *of, struct arena *a, const void *value, char **ret, struct err *e)
{
	AUTO(buf_release) struct buf line;

	buf_init(&line, SIZE_MAX / 4);
	if (fields_write(of, value, &line, e) != 0)
		return -1;
	*ret = arena_strn(a, line.p, line.n);
	return 0;
}

const char *
fields_clean(struct arena *a, struct str s)
{
	AUTO(buf_release) struct buf b = {0};

	if (str_utf8_ok(s) && (s.n == 0 || memchr(s.p, '\0', s.n) == NULL))
		return str_dup(a, s);
	buf_init(&b, s.n * 3 + 1);
	buf_clean(&b, s);
	return arena_strn(a, b.p, b.n);
}
