/* Aggregates, those that hold no other first. */
#include "evaluate/builtin/aggregate.h"

#include "evaluate/builtin/drvinputs.h"

#include <fnmatch.h>

enum { MAX_LOOKED = 20 /* aggregates that are looked at for the names of a circle */ };

struct one {
	json_t *row;
	struct str attr;           /* NUL-terminated */
	size_t index;              /* in found.drvs */
	VEC(size_t) members;       /* that were named, indices too */
	VEC(size_t) held, holders; /* aggregates it holds, and that hold it */
	size_t waits;              /* of held, those that are not done */
	bool done;
};

struct all {
	struct found *f;
	const struct aggregate_rewriter *by;
	struct one *p;
	size_t n;
	size_t *of_drv; /* by index in found.drvs: which aggregate, + 1 */
	size_t *mark;   /* by the same: the last that took it as a member, + 1 */
};

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
add_member(struct all *all, size_t k, size_t index)
{
	struct one *one = &all->p[k];

	if (all->mark[index] == k + 1)
		return;
	all->mark[index] = k + 1;
	vec_push(&one->members, index);
	if (all->of_drv[index] == 0)
		return;
	vec_push(&one->held, all->of_drv[index] - 1);
	vec_push(&all->p[all->of_drv[index] - 1].holders, k);
	one->waits++;
}

/* What it names becomes members; what is not there is the row's error. */
static void
resolve(struct all *all, size_t k)
{
	struct one *one = &all->p[k];
	const struct found *f = all->f;
	const json_t *named = json_object_get(one->row, "namedConstituents"), *text;
	bool globs = json_flag(one->row, "globConstituents", false);
	size_t i;

	json_array_foreach(named, i, text) {
		const char *name = json_string_value(text);
		const struct map_entry *at = map_get(&f->attrs, str_of(name));
		bool any = at != NULL;
		if (at != NULL)
			add_member(all, k, at->value);
		for (size_t j = 0; globs && at == NULL && j < f->attrs.n; j++)
			if (fnmatch(name, f->attrs.p[j].key.p, 0) == 0 && !str_eq(f->attrs.p[j].key, one->attr)) {
				add_member(all, k, f->attrs.p[j].value);
				any = true;
			}
		if (any)
			continue;
		if (map_get(&f->failed, str_of(name)) != NULL)
			add_error(one->row, name, "does not evaluate");
		else
			add_error(one->row, name, globs ? "constituent glob pattern had no matches" : "does not exist");
	}
}

static int
rewrite(struct all *all, struct one *one, struct err *e)
{
	AUTO(json_drop) json_t *inputs = json_object();
	AUTO(json_drop) json_t *ret = NULL;
	struct found_drv *drvs = all->f->drvs.p;

	for (size_t i = 0; i < one->members.n; i++) {
		const struct found_drv *m = &drvs[one->members.p[i]];
		json_object_set_new(inputs, m->drv.p, json_pack("[s%]", m->output.p, m->output.n));
	}
	if (all->by->rewrite(all->by->ctx, json_object_get(one->row, "attrPath"), inputs, &ret, e) != 0)
		return -1;
	if (json_object_get(ret, "error") != NULL) {
		add_error(one->row, "it cannot depend on its constituents", json_str(ret, "error", ""));
		return 0;
	}
	json_object_update(one->row, ret);
	drvs[one->index].drv = json_text(one->row, "drvPath");
	if (json_object_get(one->row, "inputDrvs") == NULL)
		return 0;
	json_t *now = NULL;
	int rc = drvinputs_read(drvs[one->index].drv.p, &now, NULL, e);
	if (rc == 0)
		json_object_set_new(one->row, "inputDrvs", now);
	return rc;
}

/* Called when every constituent of the aggregate has its derivation, or has failed and will not get one. */
static int
finish(struct all *all, struct one *one, struct err *e)
{
	json_t *list = json_object_get(one->row, "constituents"), *text;
	struct map have = {0};
	size_t i;
	int rc = 0;

	if (json_object_get(one->row, "error") == NULL && one->members.n > 0)
		rc = rewrite(all, one, e);
	json_array_foreach(list, i, text)
		map_add(&have, str_of(json_string_value(text)), NULL);
	for (i = 0; i < one->members.n; i++) {
		bool added;
		struct str drv = all->f->drvs.p[one->members.p[i]].drv;
		map_add(&have, drv, &added);
		if (added)
			json_array_append_new(list, json_any_string(drv));
	}
	map_release(&have);
	if (json_object_get(one->row, "error") == NULL)
		json_object_del(one->row, "namedConstituents");
	one->done = true;
	return rc;
}

/* The aggregates that can be reached from one, among those that are not done. */
static void
reach(const struct all *all, size_t from, bool *ret)
{
	VEC(size_t) stack = {0};

	vec_push(&stack, from);
	while (stack.n > 0) {
		const struct one *at = &all->p[stack.p[--stack.n]];
		for (size_t i = 0; i < at->held.n; i++)
			if (!all->p[at->held.p[i]].done && !ret[at->held.p[i]]) {
				ret[at->held.p[i]] = true;
				vec_push(&stack, at->held.p[i]);
			}
	}
	vec_release(&stack);
}

/* One that waits for itself is in a circle, and names those that it shares it with; another waits for somebody who is. */
static void
name_circle(const struct all *all, size_t k)
{
	AUTO(mem_free) bool *forth = mem_alloc(all->n * sizeof(*forth));
	AUTO(buf_release) struct buf text = {0};
	struct one *one = &all->p[k];
	size_t looked = 0, first = all->n;

	reach(all, k, forth);
	buf_init(&text, 64 * 1024);
	buf_str(&text, one->attr);
	for (size_t i = 0; i < all->n && looked < MAX_LOOKED; i++) {
		if (!forth[i] || i == k)
			continue;
		AUTO(mem_free) bool *back = mem_alloc(all->n * sizeof(*back));
		reach(all, i, back);
		if (back[i] && first == all->n)
			first = i;
		if (forth[k] && back[k])
			buf_printf(&text, " <-> " STR_FMT, STR_ARG(all->p[i].attr));
		looked++;
	}
	if (forth[k])
		add_error(one->row, "Dependency cycle", text.p);
	else
		add_error(one->row, first < all->n ? all->p[first].attr.p : "a constituent", "is in a dependency cycle");
}

static void
release(struct all *all)
{
	for (size_t k = 0; k < all->n; k++) {
		vec_release(&all->p[k].members);
		vec_release(&all->p[k].held);
		vec_release(&all->p[k].holders);
	}
	mem_free(&all->p);
	mem_free(&all->of_drv);
	mem_free(&all->mark);
}

int
aggregate_all(struct found *f, json_t *rows, const struct aggregate_rewriter *by, struct err *e)
{
	size_t n = json_array_size(rows), k;
	struct all all = {.f = f,
	    .by = by,
	    .n = n,
	    .p = mem_alloc((n + 1) * sizeof(*all.p)),
	    .of_drv = mem_alloc((f->drvs.n + 1) * sizeof(*all.of_drv)),
	    .mark = mem_alloc((f->drvs.n + 1) * sizeof(*all.mark))};
	VEC(size_t) ready = {0};
	json_t *row;
	int rc = 0;

	json_array_foreach(rows, k, row) {
		const struct map_entry *at = map_get(&f->attrs, json_text(row, "attr"));
		if (at == NULL) {
			rc = fail(e, ERR_BUG, "an aggregate that is no row");
			break;
		}
		all.p[k] = (struct one){.row = row, .attr = at->key, .index = at->value};
		all.of_drv[at->value] = k + 1;
	}
	for (k = 0; rc == 0 && k < n; k++)
		resolve(&all, k);
	for (k = 0; rc == 0 && k < n; k++)
		if (all.p[k].waits == 0)
			vec_push(&ready, k);
	for (size_t next = 0; rc == 0 && next < ready.n; next++) {
		struct one *one = &all.p[ready.p[next]];
		rc = finish(&all, one, e);
		for (size_t i = 0; i < one->holders.n; i++)
			if (--all.p[one->holders.p[i]].waits == 0)
				vec_push(&ready, one->holders.p[i]);
	}
	for (k = 0; rc == 0 && k < n; k++)
		if (!all.p[k].done)
			name_circle(&all, k);
	for (k = 0; rc == 0 && k < n; k++)
		if (!all.p[k].done)
			rc = finish(&all, &all.p[k], e);
	vec_release(&ready);
	release(&all);
	return rc;
}
