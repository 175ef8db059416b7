/* A difference file, read for what must be built. */
#include "build/facts.h"

#include "report/model.h"
#include "support/text/json.h"

#include <string.h>

enum { MAX_DIFFERENCE_BYTES = MODEL_MAX_DIFFERENCE_BYTES };

/* A name that fits an attribute: to be counted when the attribute's derivation is a target. */
struct fitting {
	const char *drv;
	size_t name; /* of the job's asked */
};

struct reading {
	struct arena *a;
	const struct query_job *job;
	struct facts *f;
	struct map bases; /* head's drv -> place in base_drvs */
	VEC(const char *) base_drvs;
	VEC(struct facts_target) targets;
	VEC(struct fitting) fitting;
	VEC(struct sized) sized;
};

static const char *
text(struct arena *a, const json_t *of, const char *dotted)
{
	const char *s = json_str_at(of, dotted, NULL);

	return s != NULL ? arena_strdup(a, s) : NULL;
}

static void
add_target(struct reading *r, const char *drv, const char *system)
{
	bool added;
	struct map_entry *at = map_add(&r->f->by_drv, str_of(drv), &added);
	const struct facts_target t = {.drv = drv, .system = system, .asked = r->job->asked.n == 0};

	if (added) {
		at->value = r->targets.n;
		vec_push(&r->targets, t);
	} else {
		r->targets.p[at->value].system = system;
	}
}

/* --- attributes ---------------------------------------------------------------------------------------------------- */

static void
take_failed(struct reading *r, const char *head, const char *base, const char *system)
{
	struct map_entry *at = head != NULL ? map_get(&r->bases, str_of(head)) : NULL;

	if (at == NULL || base == NULL)
		return;
	r->base_drvs.p[at->value] = base;
	add_target(r, base, system);
}

/* What a derivation of the head was at the base: the first of the attributes that have it says. */
static void
take_base(struct reading *r, const char *head, const char *base)
{
	bool added;

	if (head == NULL || base == NULL)
		return;
	struct map_entry *at = map_add(&r->bases, str_of(head), &added);
	if (added) {
		at->value = r->base_drvs.n;
		vec_push(&r->base_drvs, base);
	}
}

static void
take_names(struct reading *r, const char *head, const json_t *path)
{
	struct arena scratch = {0};

	for (size_t i = 0; head != NULL && i < r->job->asked.n; i++) {
		const char *name = r->job->asked.p[i];
		struct fitting fits = {head, i};
		if (model_attr_is(&scratch, path, name) || model_attr_below(&scratch, path, name))
			vec_push(&r->fitting, fits);
	}
	arena_release(&scratch);
}

static struct named_texts
outputs(struct arena *a, const json_t *of)
{
	struct named_texts all = {.p = arena_alloc(a, (json_object_size(of) + 1) * sizeof(*all.p))};
	const char *name;
	json_t *path;

	json_object_foreach((json_t *)(uintptr_t)of, name, path)
		if (json_is_string(path))
			all.p[all.n++] = (struct named_text){arena_strdup(a, name), arena_strdup(a, json_string_value(path))};
	return all;
}

static struct texts
path_of(struct arena *a, const json_t *path)
{
	struct texts all = {.p = arena_alloc(a, (json_array_size(path) + 1) * sizeof(*all.p))};
	const json_t *name;
	size_t i;

	json_array_foreach(path, i, name)
		all.p[all.n++] = arena_strdup(a, json_string_value(name));
	return all;
}

static void
take_sized(struct reading *r, const json_t *item)
{
	const json_t *base = json_at(item, "base.outputs"), *head = json_at(item, "head.outputs");

	if (strcmp(json_str(item, "class", ""), "rebuild") != 0 || json_is_array(json_object_get(item, "alias_of")) ||
	    !json_is_object(base) || !json_is_object(head))
		return;
	if (r->sized.n >= SIZES_MAX_PACKAGES) {
		r->f->sized.left_out++;
		return;
	}
	struct sized one = {.path = path_of(r->a, json_object_get(item, "path")),
	    .job = text(r->a, item, "job"),
	    .system = text(r->a, item, "system"),
	    .name = text(r->a, item, "name"),
	    .drv = text(r->a, item, "head.drv"),
	    .base = outputs(r->a, base),
	    .head = outputs(r->a, head)};
	vec_push(&r->sized, one);
}

static void
take_attribute(struct reading *r, const json_t *item)
{
	const char *head = text(r->a, item, "head.drv"), *base = text(r->a, item, "base.drv");
	const char *system = text(r->a, item, "system");

	if (r->job->side == SIDE_BASE)
		take_failed(r, head, base, system != NULL ? system : "");
	else
		take_base(r, head, base);
	if (r->job->asked.n > 0)
		take_names(r, head, json_object_get(item, "path"));
	if (r->job->sizes)
		take_sized(r, item);
}

static void
take_targets(struct reading *r, const json_t *list)
{
	const json_t *item;
	size_t i;

	json_array_foreach(list, i, item)
		add_target(r, arena_strdup(r->a, json_str(item, "drv", "")), arena_strdup(r->a, json_str(item, "system", "")));
}

/* --- all of it ----------------------------------------------------------------------------------------------------- */

static void
begin_failed(struct reading *r)
{
	for (size_t i = 0; i < r->job->failed.n; i++) {
		map_add(&r->bases, str_of(r->job->failed.p[i]), NULL)->value = r->base_drvs.n;
		vec_push(&r->base_drvs, "");
	}
}

static void
end_bases(struct reading *r)
{
	struct facts *f = r->f;

	f->base_of.p = arena_alloc(r->a, (r->job->failed.n + 1) * sizeof(*f->base_of.p));
	for (size_t i = 0; r->job->side == SIDE_BASE && i < r->job->failed.n; i++) {
		const char *head = r->job->failed.p[i];
		f->base_of.p[f->base_of.n++] = (struct base_of){head, r->base_drvs.p[map_get(&r->bases, str_of(head))->value]};
	}
	for (size_t i = 0; r->job->side == SIDE_HEAD && i < r->targets.n; i++) {
		const struct map_entry *at = map_get(&r->bases, str_of(r->targets.p[i].drv));
		r->targets.p[i].base = at != NULL ? r->base_drvs.p[at->value] : "";
	}
}

/* A name counts when it is of a target. */
static void
end_names(struct reading *r)
{
	struct facts *f = r->f;
	size_t n = r->job->asked.n;
	bool *found = arena_alloc(r->a, (n + 1) * sizeof(*found));

	f->named = n > 0;
	memset(found, 0, n * sizeof(*found));
	for (size_t i = 0; i < r->fitting.n; i++) {
		const struct map_entry *at = map_get(&f->by_drv, str_of(r->fitting.p[i].drv));
		if (at == NULL)
			continue;
		r->targets.p[at->value].asked = true;
		found[r->fitting.p[i].name] = true;
	}
	if (!f->named)
		return;
	f->unknown.p = arena_alloc(r->a, n * sizeof(*f->unknown.p));
	for (size_t i = 0; i < n; i++)
		if (!found[i])
			f->unknown.p[f->unknown.n++] = r->job->asked.p[i];
}

static int
read_all(struct reading *r, struct err *e)
{
	AUTO(json_drop) json_t *difference = NULL;
	const json_t *item;
	size_t i;

	if (json_read_file(r->job->difference, MAX_DIFFERENCE_BYTES, &difference, e) != 0)
		return -1;
	if (r->job->side == SIDE_BASE)
		begin_failed(r);
	json_array_foreach(json_object_get(difference, "attributes"), i, item)
		take_attribute(r, item);
	if (r->job->side == SIDE_HEAD) {
		take_targets(r, json_object_get(difference, "targets"));
		/* What base had under another name rebuilds nothing; whether it builds is to be known all the same. */
		take_targets(r, json_object_get(difference, "known"));
	}
	end_names(r);
	end_bases(r);
	return 0;
}

int
facts_read(struct arena *a, const struct query_job *job, struct facts *ret, struct err *e)
{
	struct facts f = {0};
	struct reading r = {.a = a, .job = job, .f = &f};
	int rc = read_all(&r, e);

	if (rc == 0) {
		f.targets.p = arena_dup(a, r.targets.p, r.targets.n * sizeof(*r.targets.p));
		f.targets.n = r.targets.n;
		f.sized.p = arena_dup(a, r.sized.p, r.sized.n * sizeof(*r.sized.p));
		f.sized.n = r.sized.n;
		*ret = f;
	} else {
		facts_release(&f);
	}
	map_release(&r.bases);
	vec_release(&r.base_drvs);
	vec_release(&r.targets);
	vec_release(&r.fitting);
	vec_release(&r.sized);
	return rc;
}

void
facts_release(struct facts *f)
{
	map_release(&f->by_drv);
}
