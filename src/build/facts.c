/* A difference file, read for what must be built. */
#include "build/facts.h"

#include "formats/difference_file.h"
#include "records/array.h"
#include "report/model.h"

#include <string.h>

/* A name that fits an attribute: to be counted when the attribute's derivation is a target. */
struct fitting {
	const char *drv;
	size_t name; /* of the job's asked */
};

struct facts_reading {
	struct arena *a;
	const struct query_job *job;
	struct facts *f;
	struct map bases; /* head's drv -> place in base_drvs */
	VEC(const char *) base_drvs;
	VEC(struct facts_target) targets;
	VEC(struct fitting) fitting;
	VEC(struct sized_package) sized;
	VEC(struct facts_needed) needed;
};

static const char *
kept(struct arena *a, const char *text)
{
	return text != NULL ? arena_strdup(a, text) : NULL;
}

/* What is given here and below lives until the next element is read. */
static void
add_target(struct facts_reading *r, const char *drv, const char *system)
{
	struct map_entry *at = map_get(&r->f->by_drv, str_of(drv));
	const struct facts_target t = {.drv = kept(r->a, drv),
	    .system = kept(r->a, system != NULL ? system : ""),
	    .asked = r->job->asked.n == 0};

	if (at != NULL) {
		/* What the map names is in the list. NOLINTNEXTLINE(clang-analyzer-core.NullDereference) */
		r->targets.p[at->value].system = t.system;
		return;
	}
	map_add(&r->f->by_drv, str_of(t.drv), NULL)->value = r->targets.n;
	vec_push(&r->targets, t);
}

static void
add_needed(struct facts_reading *r, const struct difference_needed *is)
{
	const struct facts_needed one = {kept(r->a, is->drv), kept(r->a, is->system != NULL ? is->system : "")};
	bool added;
	struct map_entry *at = map_add(&r->f->changed, str_of(one.drv), &added);

	if (!added)
		return;
	vec_push(&r->needed, one);
	at->value = r->needed.n;
}

/* --- attributes ---------------------------------------------------------------------------------------------------- */

static void
take_failed(struct facts_reading *r, const char *head, const char *base, const char *system)
{
	struct map_entry *at = head != NULL ? map_get(&r->bases, str_of(head)) : NULL;

	if (at == NULL || base == NULL)
		return;
	/* The same of this map. NOLINTNEXTLINE(clang-analyzer-core.NullDereference) */
	r->base_drvs.p[at->value] = kept(r->a, base);
	add_target(r, base, system);
}

/* What a derivation of the head was at the base: the first of the attributes that have it says. */
static void
take_base(struct facts_reading *r, const char *head, const char *base)
{
	if (head == NULL || base == NULL || map_get(&r->bases, str_of(head)) != NULL)
		return;
	map_add(&r->bases, str_of(kept(r->a, head)), NULL)->value = r->base_drvs.n;
	vec_push(&r->base_drvs, kept(r->a, base));
}

static void
take_names(struct facts_reading *r, struct arena *element, const char *head, const struct texts *path)
{
	for (size_t i = 0; head != NULL && i < r->job->asked.n; i++) {
		const char *name = r->job->asked.p[i];
		if (!model_attr_is(element, *path, name) && !model_attr_below(element, *path, name))
			continue;
		struct fitting fits = {kept(r->a, head), i};
		vec_push(&r->fitting, fits);
	}
}

/* Outputs whose path is known before the build. */
static int
read_outputs(struct arena *a, const char *json, struct named_texts *ret, struct err *e)
{
	struct named_texts all;
	size_t n = 0;

	if (array_read_named(a, json, "outputs", &all, e) != 0)
		return -1;
	for (size_t i = 0; i < all.n; i++)
		if (all.p[i].text != NULL)
			all.p[n++] = all.p[i];
	all.n = n;
	*ret = all;
	return 0;
}

static struct texts
kept_path(struct arena *a, const struct texts *path)
{
	struct texts all = {arena_alloc(a, (path->n + 1) * sizeof(*all.p)), path->n};

	for (size_t i = 0; i < all.n; i++)
		all.p[i] = kept(a, path->p[i]);
	return all;
}

static int
take_sized(struct facts_reading *r, const struct difference_attribute *at, struct err *e)
{
	const struct difference_side *base = at->base, *head = at->head;

	if (at->class != CLASS_REBUILD || at->alias_of.p != NULL || base == NULL || head == NULL || base->outputs == NULL ||
	    head->outputs == NULL)
		return 0;
	if (r->sized.n >= SIZES_MAX_PACKAGES) {
		r->f->sized.left_out++;
		return 0;
	}
	struct sized_package one = {.path = kept_path(r->a, &at->path),
	    .job = kept(r->a, at->job),
	    .system = kept(r->a, at->system),
	    .name = kept(r->a, at->name),
	    .drv = kept(r->a, head->drv)};
	if (read_outputs(r->a, base->outputs, &one.base, e) != 0 || read_outputs(r->a, head->outputs, &one.head, e) != 0)
		return -1;
	vec_push(&r->sized, one);
	return 0;
}

static int
take_attribute(struct facts_reading *r, struct arena *element, const struct difference_attribute *at, struct err *e)
{
	const char *head = at->head != NULL ? at->head->drv : NULL, *base = at->base != NULL ? at->base->drv : NULL;

	if (r->job->side == SIDE_BASE)
		take_failed(r, head, base, at->system);
	else
		take_base(r, head, base);
	take_names(r, element, head, &at->path);
	return r->job->sizes ? take_sized(r, at, e) : 0;
}

static int
take(struct facts_reading *r, struct arena *element, const struct difference_element *one, struct err *e)
{
	if (one->part == DIFFERENCE_ATTRIBUTES)
		return take_attribute(r, element, one->attribute, e);
	if (one->part == DIFFERENCE_NEEDED) {
		add_needed(r, one->needed);
		return 0;
	}
	if (one->part == DIFFERENCE_TARGETS)
		map_add(&r->f->changed, str_of(kept(r->a, one->target->drv)), NULL);
	add_target(r, one->target->drv, one->target->system);
	return 0;
}

/* --- all of it ----------------------------------------------------------------------------------------------------- */

static void
begin_failed(struct facts_reading *r)
{
	for (size_t i = 0; i < r->job->failed.n; i++) {
		map_add(&r->bases, str_of(r->job->failed.p[i]), NULL)->value = r->base_drvs.n;
		vec_push(&r->base_drvs, "");
	}
}

static void
end_bases(struct facts_reading *r)
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

/* When the file is read: marks the targets that somebody asked for by name, and lists the names that are no target's (unknown). */
static void
end_names(struct facts_reading *r)
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
read_all(struct facts_reading *r, struct err *e)
{
	/* What base had under another name (`known`) rebuilds nothing; whether it builds is to be known all the same. */
	unsigned wanted = 1u << DIFFERENCE_ATTRIBUTES;
	AUTO(difference_close) struct difference_reader *in = NULL;
	struct difference_element one;
	struct arena element = {0};
	int rc;

	if (r->job->side == SIDE_HEAD)
		wanted |= 1u << DIFFERENCE_TARGETS | 1u << DIFFERENCE_KNOWN | 1u << DIFFERENCE_NEEDED;
	else
		begin_failed(r);
	if (difference_open(r->job->difference, wanted, &in, e) != 0)
		return -1;
	while ((rc = difference_next(in, &element, &one, e)) > 0) {
		rc = take(r, &element, &one, e);
		arena_clear(&element);
		if (rc != 0)
			break;
	}
	arena_release(&element);
	if (rc != 0)
		return -1;
	r->f->knows_changed = r->job->side == SIDE_HEAD && difference_text(in, DIFFERENCE_NEEDED).p != NULL;
	end_names(r);
	end_bases(r);
	return 0;
}

int
facts_read(struct arena *a, const struct query_job *job, struct facts *ret, struct err *e)
{
	struct facts f = {0};
	struct facts_reading r = {.a = a, .job = job, .f = &f};
	int rc = read_all(&r, e);

	if (rc == 0) {
		f.targets.p = arena_dup(a, r.targets.p, r.targets.n * sizeof(*r.targets.p));
		f.targets.n = r.targets.n;
		f.sized.p = arena_dup(a, r.sized.p, r.sized.n * sizeof(*r.sized.p));
		f.sized.n = r.sized.n;
		f.needed.p = arena_dup(a, r.needed.p, r.needed.n * sizeof(*r.needed.p));
		f.needed.n = r.needed.n;
		*ret = f;
	} else {
		facts_release(&f);
	}
	map_release(&r.bases);
	vec_release(&r.base_drvs);
	vec_release(&r.targets);
	vec_release(&r.fitting);
	vec_release(&r.sized);
	vec_release(&r.needed);
	return rc;
}

void
facts_release(struct facts *f)
{
	map_release(&f->by_drv);
	map_release(&f->changed);
}
