/* Changed paths, where attributes are defined, and how folders are called. */
#include "evaluate/named.h"

#include "changeset/repository.h"
#include "evaluate/reads.h"
#include "formats/rows.h"
#include "records/list.h"
#include "support/text/jscan.h"
#include "support/text/json.h"

#include <string.h>

enum { LEAST_ALIKE = 4 /* folders that are called like their attribute make a custom */ };

struct path_change {
	struct str path;
	bool new; /* or gone: seen by whoever lists the folder */
};

/* A row of the base that says where it is defined. */
struct defined_at {
	struct str attr; /* as struct row */
	struct str drv;  /* empty: it fails */
	struct str file; /* from the top of the tree */
};

struct namer {
	struct arena *a;
	const struct evaluate_job *job;
	const struct evaluation *base;
	VEC(struct path_change) changes;
	VEC(struct defined_at) places;
	struct map attrs; /* of all rows: path -> place of its derivation in drvs, plus one; 0: it fails */
	struct map drvs;
	struct map customs; /* "FOLDER" NUL "PATH OF A SET": how many folders in it are called like an attribute of the set */
	struct map named;   /* attributes, in order */
	struct map taken;   /* their derivations */
	const char *reason;
};

static struct str
folder_of(struct str path)
{
	const char *slash = path.n > 0 ? memrchr(path.p, '/', path.n) : NULL;

	return slash != NULL ? (struct str){path.p, (size_t)(slash - path.p)} : STR("");
}

static struct str
last_of(struct str path)
{
	struct str folder = folder_of(path);

	return str_from(path, folder.n > 0 ? folder.n + 1 : 0);
}

static bool
is_below(struct str path, struct str folder)
{
	return path.n > folder.n && str_starts(path, folder) && (folder.n == 0 || path.p[folder.n] == '/');
}

/* --- what changed ------------------------------------------------------------------------------------------------------- */

static void
add_change(struct namer *n, const char *path, bool new)
{
	struct path_change one = {str_of(arena_strdup(n->a, path)), new};

	vec_push(&n->changes, one);
}

static int
read_changes(struct namer *n, struct err *e)
{
	AUTO(repo_free) git_repository *repo = NULL;
	AUTO(tree_free) git_tree *base = NULL;
	AUTO(tree_free) git_tree *head = NULL;
	AUTO(diff_free) git_diff *diff = NULL;
	git_diff_options options;

	(void)git_diff_options_init(&options, GIT_DIFF_OPTIONS_VERSION);
	options.flags = GIT_DIFF_INCLUDE_TYPECHANGE;
	if (repository_open(n->job->git_dir, &repo, e) != 0 || repository_tree(repo, n->job->base_tree, &base, e) != 0 ||
	    repository_tree(repo, n->job->tree, &head, e) != 0)
		return -1;
	int rc = git_diff_tree_to_tree(&diff, repo, base, head, &options);
	if (rc != 0)
		return fail_git(e, rc, "cannot compare the trees");
	for (size_t i = 0; i < git_diff_num_deltas(diff); i++) {
		const git_diff_delta *d = git_diff_get_delta(diff, i);
		bool new = d->status == GIT_DELTA_ADDED || d->status == GIT_DELTA_DELETED;
		add_change(n, d->status == GIT_DELTA_ADDED ? d->new_file.path : d->old_file.path, new);
	}
	return 0;
}

static unsigned
flags_of(const struct reads *r, struct str path)
{
	const struct map_entry *at = map_get(&r->paths, path);

	return at != NULL ? (unsigned)at->value : 0;
}

/* Whether base's evaluation would see the change: what is new or gone also by a list of the nearest folder it looked at. */
static bool
was_seen(const struct reads *r, const struct path_change *c)
{
	struct str folder = c->path;

	if (flags_of(r, c->path) != 0)
		return true;
	while (c->new &&folder.n > 0) {
		folder = folder_of(folder);
		if (flags_of(r, folder) != 0)
			return (flags_of(r, folder) & READS_LISTED) != 0;
	}
	return false;
}

/* Drops what nobody looked at, where that is known. */
static void
keep_seen(struct namer *n)
{
	struct reads r;
	struct err ignored;
	size_t kept = 0;

	if (reads_read(reads_file(n->a, n->job->evals_dir, n->base->key), &r, &ignored) != 0)
		return;
	for (size_t i = 0; i < n->changes.n; i++)
		if (was_seen(&r, &n->changes.p[i]))
			n->changes.p[kept++] = n->changes.p[i];
	n->changes.n = kept;
	reads_release(&r);
}

/* --- where attributes are --------------------------------------------------------------------------------------------- */

/* "/build/source/pkgs/curl/default.nix:12" as "pkgs/curl/default.nix"; a flake's tree stands in the store. Empty: elsewhere. */
static struct str
file_of(const struct namer *n, struct str position)
{
	struct str source = str_of(n->base->source), store = STR("/nix/store/"), rest = {0};
	const char *colon = position.n > 0 ? memrchr(position.p, ':', position.n) : NULL;

	if (colon != NULL)
		position.n = (size_t)(colon - position.p);
	if (n->job->job.flake != NULL && str_starts(position, store)) {
		(void)str_cut(str_from(position, store.n), '/', &rest);
		return rest;
	}
	return source.n > 0 && is_below(position, source) ? str_from(position, source.n + 1) : STR("");
}

static struct str
position_of(struct namer *n, const struct row *row)
{
	struct jscan s = {row->meta.p, row->meta.n, 0};
	struct str key, value;
	size_t k = 0;
	bool escaped;

	if (row->meta.n == 0 || jscan_open(&s, '{') != 0)
		return STR("");
	while (jscan_more(&s, '}', &k) == 1 && jscan_raw_string(&s, &key, &escaped) == 0 && jscan_colon(&s) == 0 &&
	       jscan_value(&s, &value) == 0)
		if (str_is(key, "position") && value.n >= 2 && value.p[0] == '"' && memchr(value.p, '\\', value.n) == NULL)
			return (struct str){arena_strn(n->a, value.p + 1, value.n - 2), value.n - 2};
	return STR("");
}

/* The last element of a row's path, without its NUL. */
static struct str
element_of(struct str attr)
{
	const char *nul = attr.n > 1 ? memrchr(attr.p, '\0', attr.n - 1) : NULL;
	size_t skip = nul != NULL ? (size_t)(nul - attr.p) + 1 : 0;

	return attr.n > 0 ? (struct str){attr.p + skip, attr.n - skip - 1} : STR("");
}

/* Where folders of packages stand: above "pkgs/curl" that is "pkgs", above "by-name/cu/curl" it is "by-name". */
static struct str
shelf_of(struct str folder)
{
	struct str up = folder_of(folder), two = folder_of(up);

	return str_is(last_of(two), "by-name") ? two : up;
}

static struct str
custom_key(struct arena *a, struct str shelf, struct str set)
{
	char *key = arena_alloc(a, shelf.n + 1 + set.n + 1);

	memcpy(key, shelf.p, shelf.n);
	key[shelf.n] = '\0';
	if (set.n > 0)
		memcpy(key + shelf.n + 1, set.p, set.n);
	return (struct str){key, shelf.n + 1 + set.n};
}

static void
add_row(struct namer *n, const struct row *row)
{
	struct str attr = {arena_strn(n->a, row->path.p, row->path.n), row->path.n}, drv = STR("");
	struct map_entry *entry = map_add(&n->attrs, attr, NULL);

	if (!row->failed) {
		bool added;
		struct map_entry *d = map_add(&n->drvs, row->drv, &added);
		if (added)
			d->key.p = arena_strn(n->a, row->drv.p, row->drv.n);
		drv = d->key;
		entry->value = (size_t)(d - n->drvs.p) + 1;
	}
	struct defined_at one = {attr, drv, file_of(n, position_of(n, row))};
	if (one.file.n == 0)
		return;
	vec_push(&n->places, one);
	struct str folder = folder_of(one.file), name = element_of(attr);
	if (name.n > 0 && str_eq(last_of(folder), name))
		map_add(&n->customs, custom_key(n->a, shelf_of(folder), (struct str){attr.p, attr.n - name.n - 1}), NULL)
		    ->value++;
}

static int
read_rows(struct namer *n, struct err *e)
{
	AUTO(rows_close) struct rows *rows = NULL;
	struct row row;
	int have = 0;

	if (rows_open(n->base->file, &rows, e) != 0)
		return -1;
	while ((have = rows_next(rows, NULL, &row, e)) == 1)
		add_row(n, &row);
	return have;
}

/* --- the two together -------------------------------------------------------------------------------------------------- */

static void
name_it(struct namer *n, struct str attr, struct str drv)
{
	bool added = true;

	if (drv.n > 0)
		map_add(&n->taken, drv, &added);
	if (added) /* another name of the same derivation follows it */
		map_add(&n->named, attr, NULL);
}

/* What everything is made with is no package, even where something in it says so. */
static bool
is_common(struct str folder)
{
	static const char *const names[] = {"lib", "stdenv", "build-support", "top-level", "hooks", "overlays"};

	while (folder.n > 0) {
		struct str one = str_cut(folder, '/', &folder);
		for (size_t i = 0; i < COUNT(names); i++)
			if (str_is(one, names[i]))
				return true;
	}
	return false;
}

/* The nearest folder above path in which an attribute is defined, the top left out; and whether one is defined in path itself. */
static struct str
home_of(const struct namer *n, struct str path, bool *ret_exact)
{
	struct str best = STR("");

	*ret_exact = false;
	for (size_t i = 0; i < n->places.n; i++) {
		struct str folder = folder_of(n->places.p[i].file);
		if (folder.n > best.n && is_below(path, folder))
			best = folder;
		*ret_exact = *ret_exact || str_eq(n->places.p[i].file, path);
	}
	return best;
}

static size_t
count_in(struct namer *n, struct str home, struct str only)
{
	struct map seen = {0};

	for (size_t i = 0; i < n->places.n; i++)
		if (only.n > 0 ? str_eq(n->places.p[i].file, only) : is_below(n->places.p[i].file, home))
			map_add(&seen, n->places.p[i].drv, NULL);
	size_t count = seen.n;
	map_release(&seen);
	return count;
}

/* All that is defined in the folder; where that is too much, what is defined in the very file. */
static bool
name_home(struct namer *n, struct str path)
{
	bool exact;
	struct str home = home_of(n, path, &exact), only = STR("");

	if (home.n == 0 && exact)
		only = path;
	if ((home.n == 0 && !exact) || is_common(folder_of(path)) || is_common(home))
		return false;
	if (home.n > 0 && exact && count_in(n, home, only) > NAMED_MAX)
		only = path;
	size_t count = count_in(n, home, only);
	if (count > NAMED_MAX) {
		n->reason = arena_printf(n->a, STR_FMT " is about %zu derivations", STR_ARG(path), count);
		return true;
	}
	for (size_t i = 0; i < n->places.n; i++)
		if (only.n > 0 ? str_eq(n->places.p[i].file, only) : is_below(n->places.p[i].file, home))
			name_it(n, n->places.p[i].attr, n->places.p[i].drv);
	return true;
}

/* SET.NAME for each set whose attributes are called like their folders on this shelf. */
static bool
name_by_custom(struct namer *n, struct str folder)
{
	struct str shelf = shelf_of(folder), name = last_of(folder);
	size_t most = 0;

	for (size_t i = 0; i < n->customs.n; i++) {
		struct str key = n->customs.p[i].key;
		if (key.n > shelf.n && key.p[shelf.n] == '\0' && str_starts(key, shelf) && n->customs.p[i].value > most)
			most = n->customs.p[i].value;
	}
	if (most < LEAST_ALIKE || is_common(folder))
		return false;
	for (size_t i = 0; i < n->customs.n; i++) {
		struct str key = n->customs.p[i].key;
		if (key.n <= shelf.n || key.p[shelf.n] != '\0' || !str_starts(key, shelf) ||
		    n->customs.p[i].value < (most + 1) / 2)
			continue;
		struct str set = str_from(key, shelf.n + 1);
		char *attr = arena_alloc(n->a, set.n + name.n + 2);
		if (set.n > 0)
			memcpy(attr, set.p, set.n);
		memcpy(attr + set.n, name.p, name.n);
		struct str path = {attr, set.n + name.n + 1};
		const struct map_entry *at = map_get(&n->attrs, path);
		name_it(n, path, at != NULL && at->value > 0 ? n->drvs.p[at->value - 1].key : STR(""));
	}
	return true;
}

static void
name_path(struct namer *n, struct str path)
{
	bool found = name_home(n, path);

	for (struct str folder = folder_of(path); folder.n > 0 && n->reason == NULL; folder = folder_of(folder))
		if (name_by_custom(n, folder)) {
			found = true;
			break;
		}
	if (!found)
		n->reason = arena_printf(n->a, STR_FMT " belongs to no package, so it may be about anything", STR_ARG(path));
}

static void
name_all(struct namer *n)
{
	if (n->changes.n > NAMED_MAX_PATHS)
		n->reason = arena_printf(n->a, "%zu files that were read have changed", n->changes.n);
	for (size_t i = 0; i < n->changes.n && n->reason == NULL; i++)
		name_path(n, n->changes.p[i].path);
	if (n->reason == NULL && n->named.n > NAMED_MAX)
		n->reason = arena_printf(n->a, "the changed files are about %zu derivations", n->named.n);
	if (n->reason == NULL && n->named.n == 0)
		n->reason = "the changed files are about no attribute";
}

static struct texts
elements_of(struct arena *a, struct str attr)
{
	struct texts ret = {0};

	list_clear(a, &ret);
	while (attr.n > 0) {
		struct str one = str_cut(attr, '\0', &attr);
		list_add(a, &ret, str_dup(a, one));
	}
	return ret;
}

int
named_look(struct arena *a, const struct evaluate_job *head, const struct evaluation *base, struct named *ret, struct err *e)
{
	struct namer n = {.a = a, .job = head, .base = base};
	int rc = read_changes(&n, e);

	*ret = (struct named){0};
	if (rc == 0) {
		keep_seen(&n);
		rc = read_rows(&n, e);
	}
	if (rc == 0) {
		name_all(&n);
		ret->reason = n.reason != NULL ? fields_clean(a, str_of(n.reason)) : NULL;
		list_clear(a, &ret->attrs);
		for (size_t i = 0; i < n.named.n && ret->reason == NULL; i++)
			list_add(a, &ret->attrs, elements_of(a, n.named.p[i].key));
	}
	vec_release(&n.changes);
	vec_release(&n.places);
	map_release(&n.attrs);
	map_release(&n.drvs);
	map_release(&n.customs);
	map_release(&n.named);
	map_release(&n.taken);
	return rc;
}
