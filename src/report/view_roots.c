/* Roots: what differs by itself, how far that spreads, and a picture of it. */
#include "report/view_part.h"

#include "records/list.h"
#include "report/picture.h"
#include "report/words.h"
#include "support/base/map.h"
#include "support/text/escape.h"

#include <stdlib.h>
#include <string.h>

enum { MAX_WHAT_BYTES = 240, MAX_BECAUSE = 2 };

const char *
view_root_name(struct model *m, const struct difference_root *root)
{
	if (root->attributes.n > 0)
		return model_attr_name(&m->a, root->attributes.p[0]);
	return root->name != NULL ? root->name : "?";
}

static int
by_radius(const void *a, const void *b)
{
	const struct view_root *x = a, *y = b;

	if (x->attributes != y->attributes)
		return x->attributes < y->attributes ? 1 : -1;
	if (x->derivations != y->derivations)
		return x->derivations < y->derivations ? 1 : -1;
	return x->order < y->order ? -1 : x->order > y->order;
}

/* The names of a source: all of the first root's, and one of each other's; seen has those that are in a list. */
static void
merge_names(struct model *m, struct map *seen, struct view_root *into, const struct difference_root *root)
{
	size_t n = root == into->first ? root->attributes.n : root->attributes.n != 0;
	bool added;

	for (size_t i = 0; i < n; i++) {
		const struct texts *path = &root->attributes.p[i];
		map_add(seen, str_of(arena_printf(&m->a, "%zu %s", into->order, model_attr_name(&m->a, *path))), &added);
		if (added && path != &into->first->attributes.p[0])
			list_add(&m->a, &into->others, *path);
	}
}

static void
merge(struct model *m, struct map *names, struct view_root *into, const struct difference_root *root)
{
	const char *system = root->system != NULL ? root->system : "";

	if (into->systems == NULL)
		into->systems = system;
	else if (!str_ends(str_of(into->systems), str_of(system)) && strlen(into->systems) < 200)
		into->systems = arena_printf(&m->a, "%s, %s", into->systems, system);
	if (into->first->attributes.n != 0)
		merge_names(m, names, into, root);
	into->own += root->attributes.n != 0;
	into->alone = root->alone != NULL ? root->alone->attributes : -1;
	if (root->together != NULL) {
		into->attributes = root->together->attributes;
		into->derivations = root->together->derivations;
	} else {
		into->attributes += root->radius.attributes;
		into->derivations += root->radius.derivations;
	}
}

/* What roots must have in common to be one for people: their source, or, where an old file does not know it, name and difference. */
static struct str
source_key(struct model *m, const struct difference_root *root, const char *name, const char *what)
{
	if (root->source >= 0)
		return str_of(arena_printf(&m->a, "%lld", (long long)root->source));
	return str_of(arena_printf(&m->a, "%s\n%s", name, what));
}

size_t
view_collect_roots(struct model *m, struct view_root **ret)
{
	struct view_root *roots = arena_alloc(&m->a, (m->roots.n + 1) * sizeof(*roots));
	struct map seen = {0}, names = {0};
	bool added;

	for (size_t i = 0; i < m->roots.n; i++) {
		const struct difference_root *one = m->roots.p[i];
		const char *name = view_root_name(m, one), *what = joined_text(m, &one->what, MAX_WHAT_BYTES);
		struct map_entry *at = map_add(&seen, source_key(m, one, name, what), &added);
		struct view_root *r = &roots[at - seen.p];
		if (added)
			*r = (struct view_root){.first = one, .name = name, .what = what, .order = i};
		merge(m, &names, r, one);
	}
	size_t n = seen.n;
	map_release(&seen);
	map_release(&names);
	qsort(roots, n, sizeof(*roots), by_radius);
	*ret = roots;
	return n;
}

/* The folder, with its slash, of a file that by its name has a folder of its own; NULL for other files. */
static const char *
folder_of(struct arena *a, const char *path)
{
	const char *slash = strrchr(path, '/');

	if (slash == NULL || (strcmp(slash, "/default.nix") != 0 && strcmp(slash, "/package.nix") != 0))
		return NULL;
	return arena_strn(a, path, (size_t)(slash - path) + 1);
}

/* How near a commit comes to a file: 2 touches it, 1 something beside it in its folder (a patch), 0 neither. */
static int
nearness(const struct plan_commit *commit, const char *path, const char *folder)
{
	int found = 0;

	for (size_t i = 0; i < commit->paths.n; i++) {
		if (strcmp(commit->paths.p[i], path) == 0)
			return 2;
		if (folder != NULL && str_starts(str_of(commit->paths.p[i]), str_of(folder)))
			found = 1;
	}
	return found;
}

/* Which of the change's commits a root comes from, where there are several and its file is known. */
void
view_commits(const struct view *v, struct values *item, const struct difference_root *root)
{
	enum { SHORT = 8, MAX_NAMED = 3 };
	struct arena *a = &v->m->a;
	const struct plan *plan = v->m->facts.plan;
	struct texts named = {0};
	const char *path;
	int64_t line;
	int best = 1;

	if (plan == NULL || plan->commits.n < 2 || root->position == NULL ||
	    !places_find(&v->m->places, root->position, &path, &line))
		return;
	const char *folder = folder_of(a, path);
	for (size_t i = 0; i < plan->commits.n; i++) {
		int near = nearness(&plan->commits.p[i], path, folder);
		if (near < best)
			continue;
		if (near > best)
			list_clear(a, &named);
		best = near;
		if (named.n < MAX_NAMED)
			list_add(a, &named, arena_strn(a, plan->commits.p[i].id, SHORT));
	}
	if (named.n > 0)
		put_code(v, item, named.n > 1 ? "commits" : "commit", texts_join(a, &named, ", "));
}

static struct values *
root_item(const struct view *v, const struct view_root *r)
{
	struct values *item = values_new(&v->m->a);

	put_code(v, item, "name", r->name);
	values_text(item, "what", r->what);
	put_name(v, item, "systems", r->systems);
	put_number(v, item, "attributes", r->attributes);
	put_number(v, item, "derivations", r->derivations);
	if (r->attributes != r->derivations)
		values_flag(item, "differ", true);
	if (r->attributes != 0 || r->derivations != 0)
		values_flag(item, "spreads", true);
	put_names(v, item, "also", r->others, 0);
	if (r->alone >= 0)
		put_number(v, item, "alone", r->alone);
	view_commits(v, item, r->first);
	if (r->first->attributes.n == 0)
		values_flag(item, "inner", true);
	if (r->first->used_by.p != NULL)
		put_code(v, item, "user", model_attr_name(&v->m->a, r->first->used_by));
	return item;
}

/* A change that one cause makes wide: what would be left without it. */
static void
put_split(const struct view *v, struct values *obj, const struct view_root *roots, size_t n)
{
	enum { WORTH_SAYING = 20, HALF = 50 };
	int64_t total = v->m->total.of[CLASS_REBUILD];
	const struct view_root *most = &roots[0];

	for (size_t i = 1; i < n; i++)
		if (roots[i].alone + roots[i].own > most->alone + most->own)
			most = &roots[i];
	if (n < 2 || total < WORTH_SAYING || most->alone < 0)
		return;
	int64_t own = most->alone + most->own, percent = own * 100 / total;
	if (percent < HALF || own >= total)
		return;
	struct values *split = root_item(v, most);
	put_number(v, split, "percent", percent);
	put_number(v, split, "total", total);
	put_number(v, split, "left", total - own);
	values_group(obj, "split", split);
}

void
view_roots(const struct view *v, struct values *obj)
{
	struct view_root *roots;
	size_t n = view_collect_roots(v->m, &roots);
	struct value_list *items = value_list_new(&v->m->a);

	if (!v->m->wishes.rebuild_impact.enabled)
		return;
	values_flag(obj, "several_roots", n > 1 && roots[0].alone >= 0);
	if (n > 1)
		put_split(v, obj, roots, n);
	for (size_t i = 0; i < n && i < v->limits->roots; i++)
		value_list_group(items, root_item(v, &roots[i]));
	put_list(v, obj, "roots", items, n, (int64_t)n);
	if (v->limits->nodes > 0)
		values_text(obj, "picture_md", picture_mermaid(v->m, v->limits->nodes));
}

/* Whether two roots differ by system alone. */
static bool
same_root(const struct difference_root *a, const struct difference_root *b)
{
	return str_same(a->name, b->name) && paths_same(&a->attributes, &b->attributes);
}

bool
view_one_cause(const struct model *m)
{
	const struct difference_root *first = NULL;

	for (size_t i = 0; i < m->roots.n; i++) {
		if (m->roots.p[i]->radius.derivations == 0)
			continue;
		if (first != NULL && !same_root(first, m->roots.p[i]))
			return false;
		first = m->roots.p[i];
	}
	return first != NULL;
}

/* The name of the root at a place that a cause names. */
static const char *
cause_name(struct model *m, int64_t place)
{
	return place >= 0 && (uint64_t)place < m->roots.n ? view_root_name(m, m->roots.p[place]) : "?";
}

const char *
view_because(const struct view *v, const struct changed_attr *at, bool markdown)
{
	const struct difference_cause *cause = at->is->cause;
	AUTO(buf_release) struct buf b = {0};

	if (!model_is_follower(at) || cause->roots.n == 0)
		return NULL;
	size_t shown = cause->roots.n > MAX_BECAUSE ? MAX_BECAUSE : cause->roots.n;
	int64_t total = cause->roots_total >= 0 ? cause->roots_total : (int64_t)cause->roots.n;
	buf_init(&b, 1 << 16);
	for (size_t i = 0; i < shown; i++) {
		const char *name = words_cut(&v->m->a, cause_name(v->m, cause->roots.p[i]), v->limits->name_bytes);
		buf_puts(&b, i > 0 ? ", " : "");
		if (markdown)
			escape_code(&b, str_of(name));
		else
			buf_puts(&b, name);
	}
	if (total > (int64_t)shown)
		buf_printf(&b, " and %s more", words_number(&v->m->a, total - (int64_t)shown));
	return str_dup(&v->m->a, buf_get(&b));
}
