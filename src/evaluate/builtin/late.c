/* What can be said of rows only when all of them are there. */
#include "evaluate/builtin/late.h"

#include "evaluate/builtin/aggregate.h"
#include "nix/drvfile.h"
#include "nix/dry_run.h"
#include "support/base/map.h"
#include "support/text/json.h"

#include <stdio.h>
#include <string.h>

enum { MAX_NEEDED = 100000 /* derivations in one row's neededBuilds */ };

struct late {
	struct arena a;
	const struct eval_jobs *o;
	struct found found;
	json_t *aggregates;   /* rows, held back */
	struct dry_run store; /* value of build: index in files, + 1 */
	VEC(json_t *) files;  /* of derivations that must be built: {"inputs":..} as they were read */
};

/* --- the store's answer ------------------------------------------------------------------------------------------- */

/* Of the words for Nix only settings mean anything to nix-store. */
static int
ask_store(struct late *l, struct err *e)
{
	AUTO(mem_free) const char **words = mem_alloc((l->o->n_nix + 1) * sizeof(*words));
	struct texts drvs = {.p = arena_alloc(&l->a, (l->found.drvs.n + 1) * sizeof(*drvs.p))};
	size_t n = 0;

	for (size_t i = 0; i + 2 < l->o->n_nix; i++)
		if (strcmp(l->o->nix[i], "--option") == 0) {
			memcpy(&words[n], &l->o->nix[i], 3 * sizeof(*words));
			n += 3;
			i += 2;
		}
	for (size_t i = 0; i < l->found.drvs.n; i++)
		drvs.p[drvs.n++] = l->found.drvs.p[i].drv.p;
	return dry_run_ask(&l->store, &drvs, words, n, e);
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

	if (l->store.fetch.n == 0)
		return 0;
	if (drvfile_read(drv, &inputs, &outputs, e) != 0)
		return -1;
	json_array_foreach(wanted, i, name) {
		struct str path = json_text(outputs, json_string_value(name));
		const struct map_entry *fetched = path.n > 0 ? map_get(&l->store.fetch, path) : NULL;
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
	struct map_entry *first = map_get(&l->store.build, drv);
	int rc = 0;

	if (first != NULL)
		vec_push(&stack, (size_t)(first - l->store.build.p));
	while (rc == 0 && stack.n > 0) {
		struct map_entry *at = &l->store.build.p[stack.p[stack.n - 1]];
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
			struct map_entry *next = map_get(&l->store.build, str_of(input));
			if (next == NULL)
				rc = rc == 0 ? add_fetched(l, input, names, &seen, fetches, e) : rc;
			else if (map_get(&entered, next->key) == NULL)
				vec_push(&stack, (size_t)(next - l->store.build.p));
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
	if (map_get(&l->store.build, drv) != NULL)
		status = "notBuilt";
	json_object_foreach(json_object_get(row, "outputs"), name, path) {
		if (!json_is_string(path) || map_get(&l->store.fetch, str_of(json_string_value(path))) == NULL)
			continue;
		if (strcmp(status, "local") == 0)
			status = "cached";
		json_array_append(fetches, path);
	}
	json_object_set_new(row, "cacheStatus", json_string(status));
	json_object_set_new(row, "isCached", json_boolean(strcmp(status, "notBuilt") != 0));
	return add_needed(l, drv, builds, fetches, e);
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

static struct str
first_output(struct arena *a, const json_t *row)
{
	const char *name, *first = NULL;
	json_t *path;

	json_object_foreach(json_object_get(row, "outputs"), name, path)
		if (first == NULL || strcmp(name, first) < 0)
			first = name;
	return str_of(arena_strdup(a, first != NULL ? first : "out"));
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
			map_add(&l->found.failed, attr, NULL);
			continue;
		}
		struct found_drv one = {.drv = {str_dup(&l->a, drv), drv.n}, .output = first_output(&l->a, row)};
		map_add(&l->found.attrs, attr, NULL)->value = l->found.drvs.n;
		vec_push(&l->found.drvs, one);
		if (is_aggregate(row))
			json_array_append(l->aggregates, row);
	}
	return 0;
}

static int
print_all(struct late *l, const struct str *lines, size_t n, struct err *e)
{
	json_t *aggregate;
	size_t i;

	for (i = 0; i < n; i++) {
		AUTO(json_drop) json_t *row = NULL;
		if (json_read(lines[i], "row", &row, e) != 0)
			return -1;
		if (is_aggregate(row))
			continue;
		bool asked = l->o->check_cache_status && json_object_get(row, "drvPath") != NULL;
		if ((asked && add_status(l, row, e) != 0) || print(row, e) != 0)
			return -1;
	}
	json_array_foreach(l->aggregates, i, aggregate)
		if ((l->o->check_cache_status && add_status(l, aggregate, e) != 0) || print(aggregate, e) != 0)
			return -1;
	return fflush(stdout) == 0 ? 0 : fail_sys(e, "cannot print a row");
}

int
late_print(const struct eval_jobs *o, const struct str *lines, size_t n, const struct aggregate_rewriter *by, struct err *e)
{
	struct late l = {.o = o, .aggregates = json_array()};

	l.store.a = &l.a;
	int rc = collect(&l, lines, n, e);
	if (rc == 0)
		rc = aggregate_all(&l.found, l.aggregates, by, e);
	if (rc == 0 && o->check_cache_status)
		rc = ask_store(&l, e);
	if (rc == 0)
		rc = print_all(&l, lines, n, e);
	for (size_t i = 0; i < l.files.n; i++)
		json_decref(l.files.p[i]);
	vec_release(&l.files);
	json_decref(l.aggregates);
	vec_release(&l.found.drvs);
	map_release(&l.found.attrs);
	map_release(&l.found.failed);
	dry_run_release(&l.store);
	arena_release(&l.a);
	return rc;
}
