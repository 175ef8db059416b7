/* What must be built: the store is asked once, the graph is read from the .drv files. */
#include "build/build.h"

#include "build/facts.h"
#include "build/sizes.h"
#include "nix/drv.h"
#include "nix/dry_run.h"
#include "nix/path.h"
#include "nix/settings.h"
#include "support/base/log.h"

/* A derivation that must be built, on its way into the records. */
struct needed {
	struct str drv;
	struct build_needed rec;
	const struct facts_target *target; /* NULL: only needed by one */
	struct arena a;                    /* of rec, until it is written */
	struct str *inputs;                /* those among the builds */
	size_t n_inputs;
	bool entered, left;
};

struct listing {
	struct arena *a;
	const struct facts *facts;
	struct dry_run store;
	struct needed *nodes; /* as in store.build */
	bool naming;          /* what is emitted now is of those that were named */
	struct record_out *out;
};

static const struct facts_target *
target_of(const struct facts *f, struct str drv)
{
	const struct map_entry *at = map_get(&f->by_drv, drv);

	return at != NULL ? &f->targets.p[at->value] : NULL;
}

static int
ask_store(struct listing *l, const struct named_texts *options, struct err *e)
{
	struct texts drvs = {.p = arena_alloc(l->a, (l->facts->targets.n + 1) * sizeof(*drvs.p))};
	struct nix_argv words = {0};

	for (size_t i = 0; i < l->facts->targets.n; i++)
		drvs.p[drvs.n++] = l->facts->targets.p[i].drv;
	nix_argv_options(&words, options);
	int rc = dry_run_ask(&l->store, &drvs, words.v.p, words.v.n, e);
	vec_release(&words.v);
	return rc;
}

static struct texts
features_of(struct arena *a, const struct drv *d, int *ret_rc, struct err *e)
{
	const struct str *features;
	size_t n = 0;
	struct texts list = {0};

	*ret_rc = drv_features(a, d, &features, &n, e);
	if (*ret_rc != 0)
		return list;
	list.p = arena_alloc(a, (n + 1) * sizeof(*list.p));
	for (size_t i = 0; i < n; i++)
		list.p[list.n++] = fields_clean(a, features[i]);
	return list;
}

/* The inputs that must be built, too; of the others nothing is to be known. */
static void
keep_inputs(struct listing *l, struct needed *n, const struct drv *d)
{
	struct texts *list = &n->rec.inputs;

	n->inputs = arena_alloc(l->a, d->n_inputs * sizeof(*n->inputs));
	list->p = arena_alloc(&n->a, (d->n_inputs + 1) * sizeof(*list->p));
	for (size_t i = 0; i < d->n_inputs; i++) {
		const struct map_entry *at = map_get(&l->store.build, d->inputs[i].path);
		if (at == NULL)
			continue;
		n->inputs[n->n_inputs++] = at->key;
		list->p[list->n++] = at->key.p; /* the map's keys are whole C strings */
	}
}

static int
load_node(struct listing *l, struct needed *n, struct err *e)
{
	struct arena scratch = {0};
	struct drv d;
	int rc = drv_read(&scratch, NIX_STORE_DIR, n->drv, &d, e);

	if (rc == 0) {
		n->rec = (struct build_needed){.drv = n->drv.p,
		    .name = fields_clean(&n->a, nix_path_name(n->drv)),
		    .system = fields_clean(&n->a, d.system),
		    .features = features_of(&n->a, &d, &rc, e),
		    .target = n->target != NULL,
		    .fixed_output = drv_fixed_output(&d),
		    .asked = l->naming,
		    .changed = map_get(&l->facts->changed, n->drv) != NULL,
		    .base = n->target != NULL ? n->target->base : NULL};
		keep_inputs(l, n, &d);
	}
	arena_release(&scratch);
	return rc;
}

static int
leave_node(struct listing *l, struct needed *n, struct err *e)
{
	int rc = record_put(l->out, &build_needed_fields, &n->rec, e);

	n->left = true;
	arena_release(&n->a);
	return rc;
}

/* Dependencies first, without recursion: a stack of node indices, each seen twice. */
static int
emit_from(struct listing *l, size_t start, struct err *e)
{
	VEC(size_t) stack = {0};
	int rc = 0;

	vec_push(&stack, start);
	while (rc == 0 && stack.n > 0) {
		struct needed *n = &l->nodes[stack.p[stack.n - 1]];
		if (n->left) {
			stack.n--;
		} else if (n->entered) {
			stack.n--;
			rc = leave_node(l, n, e);
		} else {
			n->entered = true;
			rc = load_node(l, n, e);
			for (size_t i = 0; rc == 0 && i < n->n_inputs; i++) {
				size_t at = (size_t)(map_get(&l->store.build, n->inputs[i]) - l->store.build.p);
				if (!l->nodes[at].entered)
					vec_push(&stack, at);
			}
		}
	}
	vec_release(&stack);
	return rc;
}

/* Of outputs that are in the store; of one that would be fetched nothing is known. */
static bool
marked_failed(const char *drv)
{
	struct arena a = {0};
	struct drv d;
	struct err ignored;
	bool found = false;

	if (drv_read(&a, NIX_STORE_DIR, str_of(drv), &d, &ignored) == 0)
		for (size_t i = 0; i < d.n_outputs && !found; i++)
			found = sizes_marked_failed(NIX_STORE_DIR, str_dup(&a, d.outputs[i].path));
	arena_release(&a);
	return found;
}

/* A target that is there or can be fetched. */
static int
emit_cached(struct listing *l, const struct facts_target *t, struct err *e)
{
	static const char *none[1];
	struct arena a = {0};
	const struct build_needed rec = {.drv = t->drv,
	    .name = fields_clean(&a, nix_path_name(str_of(t->drv))),
	    .system = t->system,
	    .features = {none, 0},
	    .inputs = {none, 0},
	    .target = true,
	    .cached = true,
	    .marked = marked_failed(t->drv),
	    .asked = t->asked,
	    .changed = map_get(&l->facts->changed, str_of(t->drv)) != NULL,
	    .base = t->base};
	int rc = record_put(l->out, &build_needed_fields, &rec, e);

	arena_release(&a);
	return rc;
}

/* First the targets that were named and all they need, then the rest: what is emitted first belongs to them. */
static int
emit_builds(struct listing *l, struct err *e)
{
	size_t n = l->store.build.n;
	int rc = 0;

	l->naming = true;
	for (size_t i = 0; rc == 0 && i < n; i++)
		if (l->nodes[i].target != NULL && l->nodes[i].target->asked)
			rc = emit_from(l, i, e);
	l->naming = !l->facts->named;
	for (size_t i = 0; rc == 0 && i < n; i++)
		rc = emit_from(l, i, e);
	return rc;
}

/* What the change remakes, nobody has as an attribute, and need not be built. */
static int
emit_there(struct listing *l, struct err *e)
{
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < l->facts->needed.n; i++) {
		const struct facts_needed *n = &l->facts->needed.p[i];
		AUTO(arena_release) struct arena a = {0};
		const struct needed_there rec = {fields_clean(&a, nix_path_name(str_of(n->drv))), n->system};
		if (map_get(&l->store.build, str_of(n->drv)) == NULL)
			rc = record_put(l->out, &needed_there_fields, &rec, e);
	}
	return rc;
}

static int
emit_all(struct listing *l, struct err *e)
{
	struct query q = {.unknown = l->facts->unknown,
	    .targets = (int64_t)l->facts->targets.n,
	    .to_build = (int64_t)l->store.build.n,
	    .to_fetch = (int64_t)l->store.fetch.n,
	    .changed = l->facts->knows_changed ? (int64_t)l->facts->changed.n : -1};

	if (emit_builds(l, e) != 0)
		return -1;
	for (size_t i = 0; i < l->facts->targets.n; i++) {
		const struct facts_target *t = &l->facts->targets.p[i];
		if (map_get(&l->store.build, str_of(t->drv)) != NULL)
			continue;
		q.cached++;
		if (emit_cached(l, t, e) != 0)
			return -1;
	}
	return emit_there(l, e) != 0 ? -1 : record_put(l->out, &query_fields, &q, e);
}

static int
list_builds(struct arena *a, const struct facts *f, const struct named_texts *options, struct record_out *out, struct err *e)
{
	struct listing l = {.a = a, .facts = f, .store.a = a, .out = out};
	int rc = ask_store(&l, options, e);

	if (rc == 0) {
		l.nodes = arena_alloc(a, (l.store.build.n + 1) * sizeof(*l.nodes));
		for (size_t i = 0; i < l.store.build.n; i++) {
			struct str drv = l.store.build.p[i].key;
			l.nodes[i] = (struct needed){.drv = drv, .target = target_of(f, drv)};
		}
		rc = emit_all(&l, e);
		for (size_t i = 0; i < l.store.build.n; i++)
			arena_release(&l.nodes[i].a);
	}
	dry_run_release(&l.store);
	return rc;
}

/* Sizes are worth a line in the log when they cannot be had, but not the run. */
static int
emit_sizes(struct arena *a, const struct facts *f, const struct named_texts *options, struct record_out *out, struct err *e)
{
	struct err unmeasured;
	struct sizes sizes;

	if (sizes_measure(a, &f->sized, options, &sizes, &unmeasured) != 0) {
		log_err(LOG_WARN, "no sizes", &unmeasured);
		return 0;
	}
	return record_put(out, &sizes_fields, &sizes, e);
}

int
build_stage_query(struct arena *a, const void *of, struct record_out *out, struct err *e)
{
	const struct query_job *job = of;
	struct facts f;
	int rc = 0;

	if (facts_read(a, job, &f, e) != 0)
		return -1;
	for (size_t i = 0; rc == 0 && i < f.base_of.n; i++)
		rc = record_put(out, &base_of_fields, &f.base_of.p[i], e);
	if (rc == 0)
		rc = list_builds(a, &f, &job->options, out, e);
	if (rc == 0 && job->sizes)
		rc = emit_sizes(a, &f, &job->options, out, e);
	facts_release(&f);
	return rc;
}
