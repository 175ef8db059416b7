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
write_name(const char *name, const struct place *at, struct buf *out, struct err *e)
{
	if (name == NULL || quote(str_of(name), at, out) != 0)
		return bad(e, ERR_INPUT, at, "a name that is not UTF-8");
	buf_putc(out, ':');
	return 0;
}

static int write_struct(const struct fields *of, const void *value, const struct place *at, struct buf *out, struct err *e);

/* What a list's elements are. Those of an object begin with their names. */
struct elements {
	size_t size;
	bool keyed;
	int (*write)(const struct field *f, const void *one, const struct place *at, struct buf *out, struct err *e);
};

static int
write_each(const struct elements *are, const struct field *f, const void *from, const struct place *at, struct buf *out,
    struct err *e)
{
	const LIST(char) *list = from;

	if (list->p == NULL) {
		buf_puts(out, "null");
		return 0;
	}
	buf_putc(out, are->keyed ? '{' : '[');
	for (size_t i = 0; i < list->n; i++) {
		const void *one = list->p + i * are->size;
		const struct place here = {.in = at, .name = are->keyed ? *(const char *const *)one : NULL, .index = i};
		if (i > 0)
			buf_puts(out, f->lines ? ",\n" : ",");
		if ((are->keyed && write_name(here.name, at, out, e) != 0) || are->write(f, one, &here, out, e) != 0)
			return -1;
	}
	buf_putc(out, are->keyed ? '}' : ']');
	return 0;
}

static int
each_text(const struct field *f, const void *one, const struct place *at, struct buf *out, struct err *e)
{
	(void)f;
	return write_text(*(const char *const *)one, at, out, e);
}

static int
each_int(const struct field *f, const void *one, const struct place *at, struct buf *out, struct err *e)
{
	(void)f;
	(void)at;
	(void)e;
	buf_printf(out, "%" PRId64, *(const int64_t *)one);
	return 0;
}

static int
each_option(const struct field *f, const void *one, const struct place *at, struct buf *out, struct err *e)
{
	return each_text(f, &((const struct named_text *)one)->text, at, out, e);
}

static int
each_number(const struct field *f, const void *one, const struct place *at, struct buf *out, struct err *e)
{
	return each_int(f, &((const struct named_number *)one)->number, at, out, e);
}

static int
each_struct(const struct field *f, const void *one, const struct place *at, struct buf *out, struct err *e)
{
	return write_struct(f->of, (const char *)one + f->value, at, out, e);
}

#define TEXTS_ARE                                      \
	{                                              \
		sizeof(const char *), false, each_text \
	}

static int
each_texts(const struct field *f, const void *one, const struct place *at, struct buf *out, struct err *e)
{
	static const struct elements texts = TEXTS_ARE;

	return write_each(&texts, f, one, at, out, e);
}

static int
write_list(const struct field *f, const void *from, const struct place *at, struct buf *out, struct err *e)
{
	static const struct elements plain[] = {
	    [FIELD_TEXTS] = TEXTS_ARE,
	    [FIELD_PATH] = TEXTS_ARE,
	    [FIELD_INTS] = {sizeof(int64_t), false, each_int},
	    [FIELD_PATHS] = {sizeof(struct texts), false, each_texts},
	    [FIELD_OPTIONS] = {sizeof(struct named_text), true, each_option},
	    [FIELD_NUMBERS] = {sizeof(struct named_number), true, each_number},
	};
	const bool keyed = f->type == FIELD_KEYED;

	if (f->of == NULL)
		return write_each(&plain[f->type], f, from, at, out, e);
	const struct elements structs = {keyed ? f->element : f->of->size, keyed, each_struct};
	return write_each(&structs, f, from, at, out, e);
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
	case FIELD_WORD: return write_word(f, *(const int *)from, at, out, e);
	case FIELD_RECORD: return write_struct(f->of, from, at, out, e);
	case FIELD_MAYBE:
		if (f->raw != 0 && raw_of(f, from) != NULL)
			buf_puts(out, raw_of(f, from));
		else if (*(const void *const *)from != NULL)
			return write_struct(f->of, *(const void *const *)from, at, out, e);
		else
			buf_puts(out, "null");
		return 0;
	case FIELD_INTS:
	case FIELD_TEXTS:
	case FIELD_PATH:
	case FIELD_PATHS:
	case FIELD_OPTIONS:
	case FIELD_NUMBERS:
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
		if (!first)
			buf_putc(out, ',');
		if (write_name(f->name, &here, out, e) != 0 || write_member(f, from, &here, out, e) != 0)
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
