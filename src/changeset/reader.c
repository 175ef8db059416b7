/* Places of mistakes in JSON. */
#include "changeset/reader.h"

#include <stdio.h>
#include <string.h>

enum { MAX_PARTS = 32 }; /* of an attribute path */

void
reader_enter_member(struct reader *r, const char *name)
{
	r->path[r->depth++] = (struct json_step){.name = name};
}

void
reader_enter_element(struct reader *r, size_t index)
{
	r->path[r->depth++] = (struct json_step){.index = index};
}

void
reader_leave(struct reader *r)
{
	r->depth--;
}

/* "change_sets[2].paths" */
static const char *
whereabouts(struct reader *r)
{
	AUTO(buf_release) struct buf b;

	buf_init(&b, 512);
	for (size_t i = 0; i < r->depth; i++) {
		if (r->path[i].name == NULL)
			buf_printf(&b, "[%zu]", r->path[i].index);
		else
			buf_printf(&b, "%s%.100s", i > 0 ? "." : "", r->path[i].name);
	}
	return arena_strn(r->a, b.p, b.n);
}

void
reader_wrong(struct reader *r, enum reader_at at, const char *fmt, ...)
{
	size_t line = 0, column = 0;
	char text[768];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (r->m->n == MISTAKES_MAX) {
		r->m->more++;
		return;
	}
	if (!json_locate(r->text, r->path, r->depth, at == AT_KEY, &line, &column))
		line = column = 0;
	mistakes_add(r->m, line, column, "%s %s", r->depth > 0 ? whereabouts(r) : "the file", text);
}

const char *
reader_type_name(const json_t *j)
{
	switch (json_typeof(j)) {
	case JSON_OBJECT: return "an object";
	case JSON_ARRAY: return "an array";
	case JSON_STRING: return "text";
	case JSON_INTEGER: return "a whole number";
	case JSON_REAL: return "a number with a fraction";
	case JSON_TRUE:
	case JSON_FALSE: return "true or false";
	case JSON_NULL: return "null";
	}
	return "unknown";
}

json_t *
reader_open(struct reader *r, const json_t *obj, const char *key)
{
	json_t *v = json_object_get(obj, key);

	if (v != NULL)
		reader_enter_member(r, key);
	return v;
}

void
reader_unknown(struct reader *r, const json_t *obj, const char *const *known, const char *const *foreign)
{
	const char *key;
	json_t *v;

	json_object_foreach((json_t *)(uintptr_t)obj, key, v) {
		struct near near = {.word = str_of(key)};
		bool found = false, warn = foreign == NULL;
		for (size_t i = 0; known[i] != NULL && !found; i++) {
			found = strcmp(known[i], key) == 0;
			near_try(&near, known[i]);
		}
		for (size_t i = 0; foreign != NULL && foreign[i] != NULL; i++)
			warn = warn || strcmp(foreign[i], key) == 0;
		if (found)
			continue;
		reader_enter_member(r, key);
		if (!warn) {
			reader_wrong(r, AT_KEY, "is an unknown key%s", near_hint(r->a, &near));
		} else if (r->warnings != NULL && r->warnings->n < MISTAKES_MAX) {
			size_t line = 0, column = 0;
			(void)json_locate(r->text, r->path, r->depth, true, &line, &column);
			const char *text = arena_printf(r->a, "%s:%zu:%zu: %s is not used by ekaci%s", r->m->file, line, column,
			    whereabouts(r), near_hint(r->a, &near));
			list_add(r->a, r->warnings, fields_clean(r->a, str_of(text)));
		}
		reader_leave(r);
	}
}

bool
reader_plain(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if ((unsigned char)s.p[i] < ' ' || s.p[i] == 0x7f)
			return false;
	return s.n > 0 && s.n <= READER_MAX_NAME;
}

/* One part of "a.b"; quotes keep dots. */
static int
attr_part(struct str *rest, struct buf *part, struct err *e)
{
	struct str s = *rest;
	size_t i = 0;

	buf_drop(part, part->n);
	if (s.n > 0 && s.p[0] == '"') {
		for (i = 1; i < s.n && s.p[i] != '"'; i++) {
			if (s.p[i] == '\\' && i + 1 < s.n)
				i++;
			buf_putc(part, s.p[i]);
		}
		if (i == s.n)
			return fail(e, ERR_INPUT, "a quote without its end");
		i++;
	} else {
		for (; i < s.n && s.p[i] != '.'; i++)
			buf_putc(part, s.p[i]);
		if (i == 0)
			return fail(e, ERR_INPUT, "an empty part");
	}
	if (i < s.n && s.p[i] != '.')
		return fail(e, ERR_INPUT, "something behind a quote that is no dot");
	if (i + 1 == s.n)
		return fail(e, ERR_INPUT, "a dot at the end");
	*rest = i < s.n ? str_from(s, i + 1) : (struct str){NULL, 0};
	return 0;
}

/* "a.b" and "a.\"b.c\"". */
static bool
path_of_text(struct reader *r, struct str rest, struct texts *ret)
{
	AUTO(buf_release) struct buf part;
	struct err e = {0};

	buf_init(&part, 4096);
	while (rest.p != NULL && (rest.n > 0 || ret->n > 0)) {
		if (attr_part(&rest, &part, &e) != 0 || part.over || ret->n >= MAX_PARTS) {
			reader_wrong(r, AT_VALUE, "is no attribute path: %s", e.kind != ERR_NONE ? e.msg : "it is too long");
			return false;
		}
		list_add(r->a, ret, arena_strn(r->a, part.p, part.n));
	}
	return true;
}

bool
reader_attr_path(struct reader *r, const json_t *v, struct texts *ret)
{
	const json_t *part;
	size_t i;

	list_clear(r->a, ret);
	if (json_is_string(v))
		return path_of_text(r, (struct str){json_string_value(v), json_string_length(v)}, ret);
	if (!json_is_array(v) || json_array_size(v) > MAX_PARTS) {
		reader_wrong(r, AT_VALUE, "must be an attribute path, as text (\"a.b\") or array of text");
		return false;
	}
	json_array_foreach(v, i, part) {
		if (!json_is_string(part) || json_string_length(part) == 0) {
			reader_wrong(r, AT_VALUE, "must hold nothing but text that is not empty");
			return false;
		}
		list_add(r->a, ret, arena_strdup(r->a, json_string_value(part)));
	}
	return true;
}

bool
reader_flag(struct reader *r, const json_t *obj, const char *key, bool otherwise)
{
	const json_t *v = reader_open(r, obj, key);

	if (v == NULL)
		return otherwise;
	if (!json_is_boolean(v))
		reader_wrong(r, AT_VALUE, "must be true or false, not %s", reader_type_name(v));
	reader_leave(r);
	return json_is_true(v);
}

int64_t
reader_number(struct reader *r, const json_t *obj, const char *key, int64_t otherwise, int64_t max)
{
	const json_t *v = reader_open(r, obj, key);

	if (v == NULL)
		return otherwise;
	if (!json_is_integer(v))
		reader_wrong(r, AT_VALUE, "must be a whole number, not %s", reader_type_name(v));
	else if (json_integer_value(v) < 0 || json_integer_value(v) > max)
		reader_wrong(r, AT_VALUE, "must be from 0 to %lld", (long long)max);
	reader_leave(r);
	return json_integer_value(v);
}

void
reader_list(struct reader *r, const json_t *obj, const char *key, void (*each)(struct reader *r, json_t *v, void *ctx),
    void *ctx)
{
	json_t *list = reader_open(r, obj, key), *v;
	size_t i;

	if (list == NULL)
		return;
	if (!json_is_array(list)) {
		reader_wrong(r, AT_VALUE, "must be an array, not %s", reader_type_name(list));
	} else if (json_array_size(list) > READER_MAX_LIST) {
		reader_wrong(r, AT_VALUE, "has more than %d entries", READER_MAX_LIST);
	} else {
		json_array_foreach(list, i, v) {
			reader_enter_element(r, i);
			each(r, v, ctx);
			reader_leave(r);
		}
	}
	reader_leave(r);
}
