/* What can be said of rows only when all of them are there. */
#include "evaluate/late.h"

#include "evaluate/drvfile.h"
#include "evaluate/roots.h"
#include "support/base/map.h"
#include "support/os/child.h"
#include "support/text/json.h"

#include <fnmatch.h>
#include <stdio.h>
#include <string.h>

enum {
	CHUNK = 10000,          /* derivations a question: a command line has room for 2 MB */
	WALL_MS = 20 * 60 * 1000,
	MAX_ANSWER = 512 * 1024 * 1024,
	MAX_NEEDED = 100000     /* derivations in one row's neededBuilds */
};
enum section { NOWHERE, TO_BUILD, TO_FETCH };

struct late {
	struct arena a;
	const struct eval_jobs *o;
	struct map attrs;      /* of rows with a derivation; value: index in drvs */
	VEC(struct str) drvs;
	struct map failed;     /* attr of rows with an error */
	struct map build;      /* value: index in files, + 1 */
	struct map fetch;
	VEC(json_t *) files;   /* of derivations that must be built: {"inputs":..} as they were read */
	enum section section;
	struct buf words;
};

/* --- the store's answer ------------------------------------------------------------------------------------------- */

static int
on_line(void *ctx, int fd, struct str line, struct err *e)
{
	struct late *l = ctx;

	(void)fd;
	(void)e;
	if (l->section != NOWHERE && str_starts(line, STR("  /"))) {
		struct str path = str_trim(line);
		if (l->section == TO_BUILD ? roots_is_drv(path) : path.n < 300)
			map_add(l->section == TO_BUILD ? &l->build : &l->fetch, (struct str){str_dup(&l->a, path), path.n}, NULL);
		return 0;
	}
	/* "these 3 derivations will be built:", "this path will be fetched (1.2 MiB download, ...):" */
	l->section = NOWHERE;
	if (str_find(line, STR("will be built")) >= 0)
		l->section = TO_BUILD;
	else if (str_find(line, STR("will be fetched")) >= 0)
		l->section = TO_FETCH;
	else if (l->words.n < 2000)
		buf_printf(&l->words, STR_FMT "\n", STR_ARG(str_utf8_head(line, 400)));
	return 0;
}

static int
ask_store(struct late *l, struct err *e)
{
	AUTO(mem_free) const char **argv = mem_alloc((CHUNK + l->o->n_nix + 8) * sizeof(*argv));

	for (size_t from = 0; from < l->drvs.n; from += CHUNK) {
		struct child_result r = {0};
		size_t n = 0;
		argv[n++] = "nix-store";
		argv[n++] = "--realise";
		argv[n++] = "--dry-run";
		for (size_t i = 0; i < l->o->n_nix; i++)
			if (strcmp(l->o->nix[i], "--option") == 0 && i + 2 < l->o->n_nix)
				for (size_t last = i + 2; i <= last; i++)
					argv[n++] = l->o->nix[i];
		for (size_t i = from; i < l->drvs.n && i < from + CHUNK; i++)
			argv[n++] = l->drvs.p[i].p;
		argv[n] = NULL;
		struct child c = {.argv = argv, .on_line = on_line, .ctx = l, .wall_ms = WALL_MS, .max_out_bytes = MAX_ANSWER};
		if (child_run(&c, &r, e) != 0)
			return -1;
		if (r.end == CHILD_CANCELLED)
			return fail(e, ERR_BUSY, "cancelled");
		if (r.end != CHILD_EXITED || r.code != 0)
			return fail(e, ERR_SYSTEM, "the store cannot be asked what must be built: " STR_FMT,
			    STR_ARG(str_trim(buf_get(&l->words))));
	}
	return 0;
}

/* Inputs of a derivation that must be built; read once. */
static int
inputs_of(struct late *l, struct map_entry *drv, const json_t **ret, struct err *e)
{
	json_t *inputs;

	if (drv->value == 0) {
		if (drvfile_read(drv->key.p, &inputs, NULL, e) != 0)
			return -1;
		vec_push(&l->files, inputs);
		drv->value = l->files.n;
	}
	*ret = l->files.p[drv->value - 1];
	return 0;
}

/* An input's outputs that are fetched. */
static int
add_fetched(struct late *l, const char *drv, const json_t *wanted, struct map *seen, json_t *to, struct err *e)
{
	AUTO(json_drop) json_t *inputs = NULL;
	AUTO(json_drop) json_t *outputs = NULL;
	const json_t *name;
	size_t i;

	if (l->fetch.n == 0)
		return 0;
	if (drvfile_read(drv, &inputs, &outputs, e) != 0)
		return -1;
	json_array_foreach(wanted, i, name) {
		struct str path = json_text(outputs, json_string_value(name));
		const struct map_entry *fetched = path.n > 0 ? map_get(&l->fetch, path) : NULL;
		bool added = false;
		if (fetched != NULL)
			map_add(seen, fetched->key, &added);
		if (added)
			json_array_append_new(to, json_any_string(path));
	}
	return 0;
}

/* A derivation behind those it needs: depth first, with a stack of our own, for closures are deep. */
static int
add_needed(struct late *l, struct str drv, json_t *builds, json_t *fetches, struct err *e)
{
	struct map entered = {0}, seen = {0};
	VEC(size_t) stack = {0}; /* entries of build; the second time an entry is met it is left */
	struct map_entry *first = map_get(&l->build, drv);
	int rc = 0;

	if (first != NULL)
		vec_push(&stack, (size_t)(first - l->build.p));
	while (rc == 0 && stack.n > 0) {
		struct map_entry *at = &l->build.p[stack.p[stack.n - 1]];
		bool added;
		struct map_entry *mark = map_add(&entered, at->key, &added);
		if (!added) {
			stack.n--;
			if (mark->value++ == 0)
				json_array_append_new(builds, json_any_string(at->key));
			continue;
		}
		const json_t *inputs = NULL;
		const char *input;
		json_t *names;
		rc = entered.n < MAX_NEEDED ? inputs_of(l, at, &inputs, e)
		                            : fail(e, ERR_LIMIT, "%s needs too many builds", drv.p);
		json_object_foreach((json_t *)(uintptr_t)inputs, input, names) {
			struct map_entry *next = map_get(&l->build, str_of(input));
			if (next == NULL)
				rc = rc == 0 ? add_fetched(l, input, names, &seen, fetches, e) : rc;
			else if (map_get(&entered, next->key) == NULL)
				vec_push(&stack, (size_t)(next - l->build.p));
		}
	}
	vec_release(&stack);
	map_release(&entered);
	map_release(&seen);
	return rc;
}

static int
add_status(struct late *l, json_t *row, struct err *e)
{
	struct str drv = json_text(row, "drvPath");
	json_t *builds = json_array(), *fetches = json_array();
	const char *status = "local", *name;
	json_t *path;

	json_object_set_new(row, "neededBuilds", builds);
	json_object_set_new(row, "neededSubstitutes", fetches);
	if (map_get(&l->build, drv) != NULL)
		status = "notBuilt";
	json_object_foreach(json_object_get(row, "outputs"), name, path) {
		if (!json_is_string(path) || map_get(&l->fetch, str_of(json_string_value(path))) == NULL)
			continue;
		if (strcmp(status, "local") == 0)
			status = "cached";
		json_array_append(fetches, path);
	}
	json_object_set_new(row, "cacheStatus", json_string(status));
	json_object_set_new(row, "isCached", json_boolean(strcmp(status, "notBuilt") != 0));
	return add_needed(l, drv, builds, fetches, e);
}

/* --- aggregates --------------------------------------------------------------------------------------------------- */

static void
add_error(json_t *row, const char *name, const char *what)
{
	AUTO(buf_release) struct buf text = {0};
	struct str old = json_text(row, "error");

	buf_init(&text, 1024 * 1024);
	buf_printf(&text, STR_FMT "%s%.500s: %s", STR_ARG(old), old.n > 0 ? "\n" : "", name, what);
	json_object_set_new(row, "error", json_any_string(buf_get(&text)));
}

static void
add_constituent(const struct late *l, const struct map_entry *attr, json_t *to)
{
	struct str drv = l->drvs.p[attr->value];
	const json_t *have;
	size_t i;

	json_array_foreach(to, i, have)
		if (str_eq(str_of(json_string_value(have)), drv))
			return;
	json_array_append_new(to, json_any_string(drv));
}

/* The constituents that are named become derivations; what is not there is the row's error. */
static void
resolve(const struct late *l, json_t *row)
{
	json_t *to = json_object_get(row, "constituents"), *one;
	AUTO(json_drop) json_t *named = json_incref(json_object_get(row, "namedConstituents"));
	bool globs = json_flag(row, "globConstituents", false);
	size_t i;

	json_array_foreach(named, i, one) {
		const char *name = json_string_value(one);
		const struct map_entry *at = map_get(&l->attrs, str_of(name));
		size_t found = at != NULL;
		if (at != NULL)
			add_constituent(l, at, to);
		for (size_t k = 0; globs && at == NULL && k < l->attrs.n; k++)
			if (fnmatch(name, l->attrs.p[k].key.p, 0) == 0 &&
			    !str_eq(l->attrs.p[k].key, json_text(row, "attr"))) {
				add_constituent(l, &l->attrs.p[k], to);
				found++;
			}
		if (found > 0)
			continue;
		if (map_get(&l->failed, str_of(name)) != NULL)
			add_error(row, name, "does not evaluate");
		else
			add_error(row, name, globs ? "constituent glob pattern had no matches" : "does not exist");
	}
	if (json_object_get(row, "error") == NULL)
		json_object_del(row, "namedConstituents");
}

struct aggregate {
	json_t *row;
	struct str drv;
	int state; /* 0 not looked at, 1 on the way, 2 done */
};

/* Whether an aggregate leads back to `to` through aggregates. */
static bool
leads_to(struct aggregate *all, size_t n, size_t from, size_t to)
{
	const json_t *one, *list = json_object_get(all[from].row, "constituents");
	size_t i;

	json_array_foreach(list, i, one)
		for (size_t k = 0; k < n; k++) {
			if (!str_eq(all[k].drv, str_of(json_string_value(one))))
				continue;
			if (k == to)
				return true;
			if (all[k].state != 0)
				continue;
			all[k].state = 1;
			if (leads_to(all, n, k, to))
				return true;
		}
	return false;
}

/* Aggregates that contain each other: each names itself and the others. */
static void
find_cycles(struct aggregate *all, size_t n)
{
	AUTO(mem_free) bool *in_cycle = mem_alloc((n + 1) * sizeof(*in_cycle));

	for (size_t i = 0; i < n; i++) {
		AUTO(buf_release) struct buf text = {0};
		for (size_t k = 0; k < n; k++)
			all[k].state = 0;
		if (!leads_to(all, n, i, i))
			continue;
		buf_init(&text, 64 * 1024);
		buf_puts(&text, json_str(all[i].row, "attr", ""));
		for (size_t k = 0; k < n; k++) {
			if (k == i || all[k].state == 0)
				continue;
			for (size_t j = 0; j < n; j++)
				in_cycle[j] = all[j].state != 0, all[j].state = 0;
			bool back = leads_to(all, n, k, i);
			for (size_t j = 0; j < n; j++)
				all[j].state = in_cycle[j];
			if (back)
				buf_printf(&text, " <-> %s", json_str(all[k].row, "attr", ""));
		}
		add_error(all[i].row, "Dependency cycle", text.p);
	}
}

/* --- all rows ----------------------------------------------------------------------------------------------------- */

static int
print(const json_t *row, struct err *e)
{
	AUTO(buf_release) struct buf text = {0};

	buf_init(&text, SIZE_MAX / 4);
	json_write(row, &text);
	buf_putc(&text, '\n');
	return fwrite(text.p, 1, text.n, stdout) == text.n ? 0 : fail_sys(e, "cannot print a row");
}

static int
collect(struct late *l, const struct str *lines, size_t n, struct err *e)
{
	for (size_t i = 0; i < n; i++) {
		AUTO(json_drop) json_t *row = NULL;
		if (json_read(lines[i], "row", &row, e) != 0)
			return -1;
		struct str attr = json_text(row, "attr"), drv = json_text(row, "drvPath");
		attr = (struct str){str_dup(&l->a, attr), attr.n};
		if (drv.n == 0) {
			map_add(&l->failed, attr, NULL);
			continue;
		}
		struct str copy = {str_dup(&l->a, drv), drv.n};
		map_add(&l->attrs, attr, NULL)->value = l->drvs.n;
		vec_push(&l->drvs, copy);
	}
	return 0;
}

/* Its constituents become members of the row itself. */
static bool
is_aggregate(json_t *row)
{
	json_t *more = json_object_get(row, "hydraAggregate");

	if (more == NULL)
		return false;
	json_object_update(row, more);
	json_object_del(row, "hydraAggregate");
	return true;
}

static int
print_aggregates(struct late *l, json_t *list, struct err *e)
{
	size_t n = json_array_size(list), i;
	AUTO(mem_free) struct aggregate *all = mem_alloc((n + 1) * sizeof(*all));
	json_t *row;
	int rc = 0;

	json_array_foreach(list, i, row) {
		resolve(l, row);
		all[i] = (struct aggregate){.row = row, .drv = json_text(row, "drvPath")};
	}
	find_cycles(all, n);
	for (i = 0; rc == 0 && i < n; i++)
		rc = print(all[i].row, e);
	return rc;
}

static int
print_all(struct late *l, const struct str *lines, size_t n, struct err *e)
{
	AUTO(json_drop) json_t *aggregates = json_array();

	for (size_t i = 0; i < n; i++) {
		AUTO(json_drop) json_t *row = NULL;
		if (json_read(lines[i], "row", &row, e) != 0)
			return -1;
		bool good = json_object_get(row, "drvPath") != NULL;
		if (good && l->o->check_cache_status && add_status(l, row, e) != 0)
			return -1;
		if (good && is_aggregate(row))
			json_array_append(aggregates, row);
		else if (print(row, e) != 0)
			return -1;
	}
	if (print_aggregates(l, aggregates, e) != 0)
		return -1;
	return fflush(stdout) == 0 ? 0 : fail_sys(e, "cannot print a row");
}

int
late_print(const struct eval_jobs *o, const struct str *lines, size_t n, struct err *e)
{
	struct late l = {.o = o};

	buf_init(&l.words, 4096);
	int rc = collect(&l, lines, n, e);
	if (rc == 0 && o->check_cache_status)
		rc = ask_store(&l, e);
	if (rc == 0)
		rc = print_all(&l, lines, n, e);
	for (size_t i = 0; i < l.files.n; i++)
		json_decref(l.files.p[i]);
	vec_release(&l.files);
	vec_release(&l.drvs);
	map_release(&l.attrs);
	map_release(&l.failed);
	map_release(&l.build);
	map_release(&l.fetch);
	buf_release(&l.words);
	arena_release(&l.a);
	return rc;
}
