/* Members of a view: what stands in it, and how it is escaped. */
#include "report/view_part.h"

#include "report/words.h"
#include "support/text/escape.h"

#include <string.h>

enum { MAX_URL_BYTES = 1000, MAX_NAMES = 3 };

const char *
joined_text(struct model *m, const struct texts *list, size_t max_bytes)
{
	AUTO(buf_release) struct buf b = {0};

	buf_init(&b, 1 << 20);
	for (size_t i = 0; i < list->n; i++)
		buf_printf(&b, "%s%s", b.n != 0 ? ", " : "", list->p[i]);
	return words_cut(&m->a, str_dup(&m->a, buf_get(&b)), max_bytes);
}

void
put_name(const struct view *v, struct values *obj, const char *key, const char *s)
{
	values_text(obj, key, words_cut(&v->m->a, s, v->limits->name_bytes));
}

void
put_code(const struct view *v, struct values *obj, const char *key, const char *s)
{
	AUTO(buf_release) struct buf b = {0};
	const char *cut = words_cut(&v->m->a, s, v->limits->name_bytes);

	buf_init(&b, 1 << 20);
	escape_code(&b, str_of(cut));
	values_text(obj, key, cut);
	values_text(obj, arena_printf(&v->m->a, "%s_md", key), str_dup(&v->m->a, buf_get(&b)));
}

void
put_names(const struct view *v, struct values *obj, const char *key, struct paths paths, size_t first)
{
	AUTO(buf_release) struct buf plain = {0}, code = {0};
	size_t n = paths.n, end = n < first + MAX_NAMES ? n : first + MAX_NAMES;

	buf_init(&plain, 1 << 20);
	buf_init(&code, 1 << 20);
	for (size_t i = first; i < end; i++) {
		const char *name = words_cut(&v->m->a, model_attr_name(&v->m->a, paths.p[i]), v->limits->name_bytes);
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
	values_text(obj, key, str_dup(&v->m->a, buf_get(&plain)));
	values_text(obj, arena_printf(&v->m->a, "%s_md", key), str_dup(&v->m->a, buf_get(&code)));
}

void
put_system(const struct view *v, struct values *obj, const char *system)
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
put_block(const struct view *v, struct values *obj, const char *key, const char *s)
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
	struct value_list *lines = value_list_new(&v->m->a);
	for (rest = str_of(s); rest.n != 0;)
		value_list_text(lines, str_dup(&v->m->a, str_cut(rest, '\n', &rest)));
	values_list(obj, arena_printf(&v->m->a, "%s_lines", key), lines);
	values_text(obj, key, s);
	values_text(obj, arena_printf(&v->m->a, "%s_md", key), str_dup(&v->m->a, buf_get(&indented)));
}

bool
put_link(const struct view *v, struct values *obj, const char *key, const char *words, const char *url)
{
	struct arena *a = &v->m->a;

	if (!escape_link_ok(str_of(url)) || strlen(url) > MAX_URL_BYTES)
		return false;
	values_text(obj, arena_printf(a, "%s_url", key), url);
	values_text(obj, arena_printf(a, "%s_md", key), arena_printf(a, "[%s](%s)", words, url));
	return true;
}

void
put_number(const struct view *v, struct values *obj, const char *key, int64_t n)
{
	values_text(obj, key, words_number(&v->m->a, n));
}

struct values *
put_list(const struct view *v, struct values *obj, const char *key, struct value_list *items, size_t total, int64_t count)
{
	struct values *list = values_new(&v->m->a);

	if (count <= 0 && total == 0) {
		values_flag(obj, key, false);
		return NULL;
	}
	put_number(v, list, "count", count);
	if (count == 1)
		values_flag(list, "one", true);
	if (total > items->n)
		put_number(v, list, "more", (int64_t)(total - items->n));
	if (items->n > 0)
		values_flag(items->last->group, "last", true);
	values_list(list, "items", items);
	values_group(obj, key, list);
	return list;
}

void
put_done(const struct view *v, struct values *obj, const char *key, int64_t done, const char *all_key, int64_t all)
{
	struct values *group = values_new(&v->m->a);

	put_number(v, group, "done", done);
	put_number(v, group, all_key, all);
	values_group(obj, key, group);
}

bool
view_has_pages(const struct model *m)
{
	return m->facts.run.url != NULL && m->facts.run.url[0] != '\0';
}

const char *
view_key(struct model *m)
{
	const char *query = m->facts.run.url != NULL ? strchr(m->facts.run.url, '?') : NULL;

	return query != NULL ? query + 1 : "";
}

void
put_page(const struct view *v, struct values *obj, const char *key, const struct changed_attr *at)
{
	struct model *m = v->m;
	const char *query = view_key(m);

	if (view_has_pages(m) && !at->alias)
		values_text(obj, key,
		    arena_printf(&m->a, "/run/%lld/row/%zu%s%s", (long long)m->facts.run.id, at->row, *query != '\0' ? "?" : "",
		        query));
}

void
put_drv_page(const struct view *v, struct values *obj, const char *key, const char *drv)
{
	struct model *m = v->m;
	const char *slash = strrchr(drv, '/'), *query = view_key(m);
	struct str stem = str_of(slash != NULL ? slash + 1 : drv);

	if (str_ends(stem, STR(".drv")))
		stem.n -= 4;
	if (view_has_pages(m))
		values_text(obj, key,
		    arena_printf(&m->a, "/drv/%s%s%s", escape_dup(&m->a, ESCAPE_URL, stem), *query != '\0' ? "?" : "", query));
}
