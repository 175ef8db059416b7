/* Packages: version changes, added, removed, rebuilt; one entry an attribute, whatever its systems and other names. */
#include "report/view_part.h"

#include "report/words.h"
#include "support/text/escape.h"

#include <string.h>

enum { MAX_SYSTEMS_TEXT = 200 };

/* Whether b, the attribute behind a in the file's order, is the same thing on another system. */
static bool
same_package(const struct changed_attr *a, const struct changed_attr *b)
{
	return a->class == b->class && strcmp(a->name, b->name) == 0 && strcmp(a->job, b->job) == 0 &&
	       str_same(a->version_old, b->version_old) && str_same(a->version_new, b->version_new);
}

static void
put_version(const struct view *v, struct values *item, const char *key, const char *version)
{
	if (*version != '\0')
		put_code(v, item, key, words_cut(&v->m->a, version, 80));
}

/* Of the attributes first..end-1, which are one package; first is no alias. */
static struct values *
package_item(const struct view *v, const struct changed_attr *first, const struct changed_attr *end, bool one_cause)
{
	struct model *m = v->m;
	AUTO(buf_release) struct buf systems = {0};
	struct values *item = values_new(&v->m->a);

	buf_init(&systems, MAX_SYSTEMS_TEXT);
	for (const struct changed_attr *at = first; at < end; at++)
		if (!at->alias)
			buf_printf(&systems, "%s%s", systems.n != 0 ? ", " : "", at->system);
	put_code(v, item, "name", first->name);
	put_name(v, item, "systems", systems.p);
	if (m->many_jobs)
		put_code(v, item, "job", first->job);
	if (first->version_old != NULL) {
		put_version(v, item, "old", first->version_old);
		put_version(v, item, "new", first->version_new);
	}
	put_names(v, item, "also", first->is->aliases, 0);
	if (first->is->renamed_from.p != NULL)
		put_code(v, item, "renamed", model_attr_name(&m->a, first->is->renamed_from));
	if (!one_cause) {
		values_text(item, "because_md", view_because(v, first, true));
		values_text(item, "because", view_because(v, first, false));
	}
	const char *broken = first->blame == BLAME_NEWLY ? "newly fails to build" : NULL;
	values_text(item, "note", broken);
	return item;
}

/* Which list an attribute belongs to. */
enum package_list { LIST_VERSIONS, LIST_ADDED, LIST_REMOVED, LIST_SWITCHED, LIST_REBUILT, LIST_SAME_OUTPUT, LISTS, LIST_NONE };

static enum package_list
list_of(const struct changed_attr *at)
{
	switch (at->class) {
	case CLASS_ADDED: return LIST_ADDED;
	case CLASS_REMOVED: return LIST_REMOVED;
	case CLASS_REBUILD: return at->version_old != NULL ? LIST_VERSIONS : LIST_REBUILT;
	case CLASS_SWITCHED: return LIST_SWITCHED;
	case CLASS_DERIVATION_ONLY: return LIST_SAME_OUTPUT;
	case CLASS_UNCHANGED:
	case CLASS_NEWLY_FAILING:
	case CLASS_FIXED:
	case CLASS_STILL_FAILING:
	case CLASS_ADDED_FAILING:
	case CLASS_REMOVED_FAILING:
	case CLASS_UNTOLD:
	case CLASSES: break;
	}
	return LIST_NONE;
}

/* Attributes, as everywhere; and how many lines of a list they are, where that is less. */
static void
put_counts(const struct view *v, struct values *list, int64_t attributes, size_t packages)
{
	put_number(v, list, "count", attributes);
	if (attributes != (int64_t)packages)
		values_text(list, "packages", words_count(&v->m->a, (int64_t)packages, "package", "packages"));
}

void
view_packages(const struct view *v, struct values *obj)
{
	static const char *const keys[LISTS] = {"versions", "added", "removed", "switched", "rebuilt", "same_output"};
	struct model *m = v->m;
	const struct package_change_summary *summary = &m->wishes.package_change_summary;
	struct value_list *items[LISTS];
	size_t totals[LISTS] = {0}, end;
	int64_t counts[LISTS] = {0};
	bool one_cause = view_one_cause(m);

	if (v->limits->packages_elsewhere || (!summary->enabled && !v->limits->followers))
		return;
	for (int i = 0; i < LISTS; i++)
		items[i] = value_list_new(&v->m->a);
	for (size_t i = 0; i < m->n_attrs; i = end) {
		enum package_list list = list_of(&m->attrs[i]);
		const struct changed_attr *first = NULL;
		for (end = i; end < m->n_attrs && (end == i || same_package(&m->attrs[i], &m->attrs[end])); end++) {
			first = first == NULL && !m->attrs[end].alias ? &m->attrs[end] : first;
			counts[list < LISTS ? list : 0] += list < LISTS && !m->attrs[end].alias;
		}
		if (list == LIST_NONE || first == NULL)
			continue;
		totals[list]++;
		if (items[list]->n < v->limits->listed)
			value_list_group(items[list], package_item(v, first, &m->attrs[end], one_cause));
	}
	/* Packages that rebuild without a change of their own are counted, and listed when the configuration or the document
	 * wants it. */
	if (!summary->include_rebuild_only && !v->limits->followers && totals[LIST_REBUILT] != 0) {
		struct values *hidden = values_new(&v->m->a);
		put_counts(v, hidden, counts[LIST_REBUILT], totals[LIST_REBUILT]);
		values_group(obj, "rebuilt_hidden", hidden);
		items[LIST_REBUILT] = value_list_new(&v->m->a);
		totals[LIST_REBUILT] = 0;
		counts[LIST_REBUILT] = 0;
	}
	for (int i = 0; i < LISTS; i++) {
		struct values *list = put_list(v, obj, keys[i], items[i], totals[i], counts[i]);
		if (totals[i] > 0)
			put_counts(v, list, counts[i], totals[i]);
	}
}
