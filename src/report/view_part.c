/* Members of a view: what stands in it, and how it is escaped. */
#include "report/view_part.h"

#include "report/words.h"
#include "support/text/escape.h"

#include <string.h>

enum { MAX_URL_BYTES = 1000, MAX_NAMES = 3 };

void
put_text(json_t *obj, const char *key, const char *s)
{
	if (s != NULL)
		json_object_set_new(obj, key, json_any_string(str_of(s)));
}

void
put_name(const struct view *v, json_t *obj, const char *key, const char *s)
{
	put_text(obj, key, words_cut(&v->m->a, s, v->limits->name_bytes));
}

void
put_code(const struct view *v, json_t *obj, const char *key, const char *s)
{
	AUTO(buf_release) struct buf b = {0};
	const char *cut = words_cut(&v->m->a, s, v->limits->name_bytes);

	buf_init(&b, 1 << 20);
	escape_code(&b, str_of(cut));
	put_text(obj, key, cut);
	put_text(obj, arena_printf(&v->m->a, "%s_md", key), b.p);
}

void
put_names(const struct view *v, json_t *obj, const char *key, const json_t *paths, size_t first)
{
	AUTO(buf_release) struct buf plain = {0}, code = {0};
	size_t n = json_array_size(paths), end = n < first + MAX_NAMES ? n : first + MAX_NAMES;

	buf_init(&plain, 1 << 20);
	buf_init(&code, 1 << 20);
	for (size_t i = first; i < end; i++) {
		const char *name =
		    words_cut(&v->m->a, model_attr_name(&v->m->a, json_array_get(paths, i)), v->limits->name_bytes);
		buf_printf(&plain, "%s%s", i > first ? ", " : "", name);
		buf_puts(&code, i > first ? ", " : "");
		escape_code(&code, str_of(name));
	}
	if (end < n) {
		const char *more = words_count(&v->m->a, (int64_t)(n - end), "more name", "more names");
		buf_printf(&plain, " and %s", more);
		buf_printf(&code, " and %s", more);
	}
	if (plain.n == 0)
		return;
	put_text(obj, key, plain.p);
	put_text(obj, arena_printf(&v->m->a, "%s_md", key), code.p);
}

void
put_system(const struct view *v, json_t *obj, const char *system)
{
	if (v->m->n_systems > 1)
		put_name(v, obj, "system", system);
}

static const char *
without_trailing_blanks(struct arena *a, const char *s)
{
	AUTO(buf_release) struct buf b;

	buf_init(&b, SIZE_MAX / 4);
	for (struct str rest = str_of(s); rest.n != 0;) {
		struct str line = str_cut(rest, '\n', &rest);
		while (line.n > 0 && (line.p[line.n - 1] == ' ' || line.p[line.n - 1] == '\t' || line.p[line.n - 1] == '\r'))
			line.n--;
		buf_str(&b, line);
		if (rest.p != NULL)
			buf_putc(&b, '\n');
	}
	return arena_strn(a, b.n != 0 ? b.p : "", b.n);
}

void
put_block(const struct view *v, json_t *obj, const char *key, const char *s)
{
	AUTO(buf_release) struct buf block = {0}, indented = {0};
	struct str rest;

	buf_init(&block, 4 << 20);
	buf_init(&indented, 8 << 20);
	s = without_trailing_blanks(&v->m->a, s);
	escape_block(&block, str_of(s), "");
	for (rest = buf_get(&block); rest.n != 0;) {
		struct str line = str_cut(rest, '\n', &rest);
		if (line.n != 0)
			buf_puts(&indented, "  ");
		buf_str(&indented, line);
		buf_putc(&indented, '\n');
	}
	json_t *lines = json_array();
	for (rest = str_of(s); rest.n != 0;)
		json_array_append_new(lines, json_any_string(str_cut(rest, '\n', &rest)));
	json_object_set_new(obj, arena_printf(&v->m->a, "%s_lines", key), lines);
	put_text(obj, key, s);
	put_text(obj, arena_printf(&v->m->a, "%s_md", key), indented.p);
}

void
put_link(const struct view *v, json_t *obj, const char *key, const char *words, const char *url)
{
	struct arena *a = &v->m->a;

	if (!escape_link_ok(str_of(url)) || strlen(url) > MAX_URL_BYTES)
		return;
	put_text(obj, arena_printf(a, "%s_url", key), url);
	put_text(obj, arena_printf(a, "%s_md", key), arena_printf(a, "[%s](%s)", words, url));
}

void
put_number(const struct view *v, json_t *obj, const char *key, int64_t n)
{
	put_text(obj, key, words_number(&v->m->a, n));
}

void
put_list(const struct view *v, json_t *obj, const char *key, json_t *items, size_t total, int64_t count)
{
	size_t shown = json_array_size(items);
	json_t *list = json_object();

	put_number(v, list, "count", count);
	if (count == 1)
		json_object_set_new(list, "one", json_true());
	if (total > shown)
		put_number(v, list, "more", (int64_t)(total - shown));
	if (shown > 0 && json_is_object(json_array_get(items, shown - 1)))
		json_object_set_new(json_array_get(items, shown - 1), "last", json_true());
	json_object_set_new(list, "items", items);
	json_object_set_new(obj, key, count > 0 || total > 0 ? list : json_false());
	if (count <= 0 && total == 0)
		json_decref(list);
}
