/* What must be built: the store is asked once, the graph is read from the .drv files. */
#include "build/build.h"

#include "build/sizes.h"
#include "nix/build_words.h"
#include "nix/settings.h"

#include "nix/drv.h"
#include "report/model.h"
#include "support/base/log.h"
#include "support/base/map.h"
#include "support/os/child.h"

#include <string.h>

enum {
	CHUNK = 8000, /* derivations in one command line; a path has about 100 bytes, the limit is 2 MB */
	MAX_LISTED_BYTES = 512 * 1024 * 1024
};

static const char store_dir[] = "/nix/store";

/* What the dry run said. Paths are copied to the arena. */
struct answer {
	struct arena *a;
	struct map build; /* derivations that will be built */
	size_t fetch;     /* paths that will be fetched */
	enum { NOWHERE, TO_BUILD, TO_FETCH } section;
	struct buf tail;
};

static int
on_line(void *ctx, int fd, struct str line, struct err *e)
{
	struct answer *w = ctx;

	(void)e;
	if (fd != 2)
		return 0;
	if (str_starts(line, STR("  /"))) {
		struct str path = str_trim(line);
		if (w->section == TO_BUILD) {
			struct str kept = {str_dup(w->a, path), path.n};
			map_add(&w->build, kept, NULL);
		}
		w->fetch += w->section == TO_FETCH;
		return 0;
	}
	/* "these 3 derivations will be built:", "this path will be fetched (1.2 MiB download, ...):" */
	w->section = NOWHERE;
	if (nixwords_say(line, NIXWORD_WILL_BUILD))
		w->section = TO_BUILD;
	else if (nixwords_say(line, NIXWORD_WILL_FETCH))
		w->section = TO_FETCH;
	if (w->tail.n + line.n > 2000)
		buf_drop(&w->tail, w->tail.n);
	buf_str(&w->tail, str_utf8_head(line, 1000));
	buf_putc(&w->tail, '\n');
	return 0;
}

static int
ask_store(struct answer *w, const json_t *drvs, const json_t *options, struct err *e)
{
	for (size_t from = 0; from < json_array_size(drvs); from += CHUNK) {
		struct arena a = {0};
		struct nix_argv argv = {0};
		struct child_result r = {0};

		vec_push(&argv.v, "nix-store");
		vec_push(&argv.v, "--realise");
		vec_push(&argv.v, "--dry-run");
		nix_argv_options(&argv, &a, options);
		for (size_t i = from; i < json_array_size(drvs) && i < from + CHUNK; i++)
			vec_push(&argv.v, json_string_value(json_array_get(drvs, i)));
		vec_push(&argv.v, NULL);
		struct child c = {.argv = argv.v.p,
		    .on_line = on_line,
		    .ctx = w,
		    .wall_ms = 10 * 60 * 1000,
		    .max_out_bytes = MAX_LISTED_BYTES};
		int rc = child_run(&c, &r, e);
		vec_release(&argv.v);
		arena_release(&a);
		if (rc != 0)
			return -1;
		if (r.end != CHILD_EXITED || r.code != 0) {
			struct str words = str_trim(buf_get(&w->tail));
			if (words.n > 350)
				words = str_from(words, words.n - 350);
			return fail(e, r.end == CHILD_CANCELLED ? ERR_BUSY : ERR_SYSTEM,
			    "nix-store --realise --dry-run ended with %d: " STR_FMT, r.code, STR_ARG(words));
		}
	}
	return 0;
}

/* A derivation that must be built, on its way into the records. */
struct node {
	struct str drv;
	json_t *rec;
	struct str *inputs; /* those among the builds */
	size_t n_inputs;
	bool target, entered, left;
};

struct listing {
	struct arena *a;
	struct answer *w;
	struct node *nodes;  /* as in w->build */
	const json_t *bases; /* target -> the base's derivation; NULL on the base's side */
	const json_t *asked; /* targets that were named, or NULL: all */
	bool naming;         /* what is emitted now is of those */
	struct record_out *out;
};

static void
put_base(json_t *rec, const json_t *bases, struct str drv)
{
	json_t *base = json_object_getn(bases, drv.p, drv.n);

	if (bases != NULL)
		json_object_set_new(rec, "base", base != NULL ? json_incref(base) : json_string(""));
}

static int
load_node(struct listing *l, struct node *n, struct err *e)
{
	struct arena scratch = {0};
	const struct str *features;
	size_t n_features = 0, k = 0;
	struct drv d;
	int rc = drv_read(&scratch, store_dir, n->drv, &d, e);

	if (rc == 0)
		rc = drv_features(&scratch, &d, &features, &n_features, e);
	if (rc != 0) {
		arena_release(&scratch);
		return -1;
	}
	json_t *list = json_array(), *inputs = json_array();
	for (size_t i = 0; i < n_features; i++)
		json_array_append_new(list, json_any_string(features[i]));
	n->inputs = arena_alloc(l->a, d.n_inputs * sizeof(*n->inputs));
	for (size_t i = 0; i < d.n_inputs; i++) {
		const struct map_entry *at = map_get(&l->w->build, d.inputs[i].path);
		if (at == NULL)
			continue;
		n->inputs[k++] = at->key;
		json_array_append_new(inputs, json_any_string(at->key));
	}
	n->n_inputs = k;
	n->rec = json_pack("{s:s,s:o,s:o,s:o,s:o,s:o,s:b,s:b,s:b}", "type", "build", "drv", json_any_string(n->drv), "name",
	    json_any_string(drv_name(n->drv)), "system", json_any_string(d.system), "features", list, "inputs", inputs,
	    "target", n->target, "fixed_output", drv_fixed_output(&d), "asked", l->naming);
	arena_release(&scratch);
	if (n->rec != NULL && n->target)
		put_base(n->rec, l->bases, n->drv);
	return n->rec != NULL ? 0 : fail(e, ERR_BUG, "a build cannot be described");
}

/* Dependencies first, without recursion: a stack of node indices, each seen twice. */
static int
emit_from(struct listing *l, size_t start, struct err *e)
{
	VEC(size_t) stack = {0};
	int rc = 0;

	vec_push(&stack, start);
	while (rc == 0 && stack.n > 0) {
		struct node *n = &l->nodes[stack.p[stack.n - 1]];
		if (n->left) {
			stack.n--;
		} else if (n->entered) {
			n->left = true;
			stack.n--;
			record_emit(l->out, n->rec);
			n->rec = NULL;
		} else {
			n->entered = true;
			rc = load_node(l, n, e);
			for (size_t i = 0; rc == 0 && i < n->n_inputs; i++) {
				size_t at = (size_t)(map_get(&l->w->build, n->inputs[i]) - l->w->build.p);
				if (!l->nodes[at].entered)
					vec_push(&stack, at);
			}
		}
	}
	vec_release(&stack);
	return rc;
}

static bool
is_asked(const struct listing *l, struct str drv)
{
	return l->asked == NULL || json_object_getn(l->asked, drv.p, drv.n) != NULL;
}

/* Of outputs that are in the store; of one that would be fetched nothing is known. */
static bool
marked_failed(const char *drv)
{
	struct arena a = {0};
	struct drv d;
	struct err ignored;
	bool found = false;

	if (drv_read(&a, store_dir, str_of(drv), &d, &ignored) == 0)
		for (size_t i = 0; i < d.n_outputs && !found; i++)
			found = sizes_marked_failed(store_dir, str_dup(&a, d.outputs[i].path));
	arena_release(&a);
	return found;
}

static void
emit_cached(struct listing *l, const char *drv, const char *system)
{
	json_t *rec = json_pack("{s:b,s:s,s:s,s:o,s:s,s:[],s:[],s:b,s:b,s:b,s:b}", "marked", marked_failed(drv), "type",
	    "build", "drv", drv, "name", json_any_string(drv_name(str_of(drv))), "system", system, "features", "inputs",
	    "target", 1, "fixed_output", 0, "cached", 1, "asked", is_asked(l, str_of(drv)));

	put_base(rec, l->bases, str_of(drv));
	record_emit(l->out, rec);
}

/* First the targets that were named and all they need, then the rest: what is emitted first belongs to them. */
static int
emit_builds(struct listing *l, struct err *e)
{
	int rc = 0;

	l->naming = true;
	for (size_t i = 0; rc == 0 && i < l->w->build.n; i++)
		if (l->nodes[i].target && is_asked(l, l->nodes[i].drv))
			rc = emit_from(l, i, e);
	l->naming = l->asked == NULL;
	for (size_t i = 0; rc == 0 && i < l->w->build.n; i++)
		rc = emit_from(l, i, e);
	return rc;
}

/* targets: drv -> system; bases: drv -> the base's, or NULL; asked: those of them that were named, or NULL. */
static int
list_builds(struct arena *a, const json_t *targets, const json_t *bases, const json_t *asked, const json_t *unknown,
    const json_t *options, struct record_out *out, struct err *e)
{
	AUTO(json_drop) json_t *drvs = json_array();
	struct answer w = {.a = a};
	struct listing l = {.a = a, .w = &w, .out = out, .bases = bases, .asked = asked};
	const char *drv;
	json_t *system;
	size_t cached = 0;

	buf_init(&w.tail, 4096);
	json_object_foreach((json_t *)(uintptr_t)targets, drv, system)
		json_array_append_new(drvs, json_string(drv));
	int rc = ask_store(&w, drvs, options, e);
	l.nodes = arena_alloc(a, (w.build.n + 1) * sizeof(*l.nodes));
	for (size_t i = 0; i < w.build.n; i++) {
		l.nodes[i].drv = w.build.p[i].key;
		l.nodes[i].target = json_object_getn(targets, w.build.p[i].key.p, w.build.p[i].key.n) != NULL;
	}
	if (rc == 0)
		rc = emit_builds(&l, e);
	json_object_foreach((json_t *)(uintptr_t)targets, drv, system) {
		if (rc == 0 && map_get(&w.build, str_of(drv)) == NULL) {
			cached++;
			emit_cached(&l, drv, json_string_value(system));
		}
	}
	if (rc == 0)
		record_emit(out, json_pack("{s:O?,s:s,s:I,s:I,s:I,s:I}", "unknown", unknown, "type", "query", "targets",
		                     (json_int_t)json_object_size(targets), "cached", (json_int_t)cached, "to_build",
		                     (json_int_t)w.build.n, "to_fetch", (json_int_t)w.fetch));
	map_release(&w.build);
	buf_release(&w.tail);
	return rc;
}

/* The base's derivation of each failed one, by the attributes that have it at head. */
static json_t *
base_targets(const json_t *difference, const json_t *failed, struct record_out *out)
{
	json_t *targets = json_object(), *item, *drv;
	AUTO(json_drop) json_t *base = json_object();
	size_t i;

	json_array_foreach(failed, i, drv)
		json_object_set_new(base, json_string_value(drv), json_string(""));
	json_array_foreach(json_object_get(difference, "attributes"), i, item) {
		const char *head_drv = json_str_at(item, "head.drv", NULL), *base_drv = json_str_at(item, "base.drv", NULL);
		if (head_drv == NULL || base_drv == NULL || json_object_get(base, head_drv) == NULL)
			continue;
		json_object_set_new(base, head_drv, json_string(base_drv));
		json_object_set_new(targets, base_drv, json_string(json_str(item, "system", "")));
	}
	json_array_foreach(failed, i, drv)
		record_emit(out, json_pack("{s:s,s:O,s:O}", "type", "base_of", "head", drv, "base",
		                     json_object_get(base, json_string_value(drv))));
	return targets;
}

/* What each derivation of the head was at the base, by the attributes that have it. */
static json_t *
bases_of(const json_t *difference)
{
	json_t *bases = json_object(), *item;
	size_t i;

	json_array_foreach(json_object_get(difference, "attributes"), i, item) {
		const char *head_drv = json_str_at(item, "head.drv", NULL);
		json_t *base_drv = (json_t *)(uintptr_t)json_at(item, "base.drv");
		if (head_drv != NULL && json_is_string(base_drv) && json_object_get(bases, head_drv) == NULL)
			json_object_set(bases, head_drv, base_drv);
	}
	return bases;
}

static json_t *
head_targets(const json_t *difference)
{
	json_t *targets = json_object(), *item;
	size_t i;

	json_array_foreach(json_object_get(difference, "targets"), i, item)
		json_object_set_new(targets, json_str(item, "drv", ""), json_string(json_str(item, "system", "")));
	/* What base had under another name rebuilds nothing; whether it builds is to be known all the same. */
	json_array_foreach(json_object_get(difference, "known"), i, item)
		json_object_set_new(targets, json_str(item, "drv", ""), json_string(json_str(item, "system", "")));
	return targets;
}

static struct texts
path_of(struct arena *a, const json_t *path)
{
	struct texts ret = {arena_alloc(a, (json_array_size(path) + 1) * sizeof(*ret.p)), json_array_size(path)};

	for (size_t i = 0; i < ret.n; i++)
		ret.p[i] = json_string_value(json_array_get(path, i));
	return ret;
}

/* The targets of the attributes that were named, each also by the set it is in; NULL when none was. What names no target goes
 * into *ret_unknown. */
static json_t *
asked_targets(struct arena *a, const json_t *difference, const json_t *targets, const json_t *names, json_t **ret_unknown)
{
	json_t *asked = json_object(), *item, *name;
	AUTO(json_drop) json_t *found = json_object();
	size_t i, k;

	*ret_unknown = NULL;
	if (json_array_size(names) == 0) {
		json_decref(asked);
		return NULL;
	}
	json_array_foreach(json_object_get(difference, "attributes"), i, item) {
		const char *drv = json_str_at(item, "head.drv", NULL);
		if (drv == NULL || json_object_get(targets, drv) == NULL)
			continue;
		json_array_foreach(names, k, name) {
			const struct texts path = path_of(a, json_object_get(item, "path"));
			if (!model_attr_is(a, path, json_string_value(name)) &&
			    !model_attr_below(a, path, json_string_value(name)))
				continue;
			json_object_set_new(asked, drv, json_true());
			json_object_set_new(found, json_string_value(name), json_true());
		}
	}
	*ret_unknown = json_array();
	json_array_foreach(names, k, name) {
		if (json_object_get(found, json_string_value(name)) == NULL)
			json_array_append(*ret_unknown, name);
	}
	return asked;
}

int
schedule_query(const json_t *job, struct record_out *out, struct err *e)
{
	struct arena a = {0};
	AUTO(json_drop) json_t *difference = NULL;
	AUTO(json_drop) json_t *targets = NULL;
	AUTO(json_drop) json_t *asked = NULL;
	AUTO(json_drop) json_t *unknown = NULL;
	AUTO(json_drop) json_t *bases = NULL;
	struct err unmeasured = {0};
	const char *file;

	if (json_need_str(job, "difference", &file, e) != 0 || json_read_file(file, (size_t)2 << 30, &difference, e) != 0)
		return -1;
	if (strcmp(json_str(job, "side", "head"), "base") == 0)
		targets = base_targets(difference, json_object_get(job, "failed"), out);
	else {
		targets = head_targets(difference);
		bases = bases_of(difference);
	}
	asked = asked_targets(&a, difference, targets, json_object_get(job, "asked"), &unknown);
	int rc = list_builds(&a, targets, bases, asked, unknown, json_object_get(job, "options"), out, e);
	/* Sizes are worth a line in the log when they cannot be had, but not the run. */
	if (rc == 0 && json_flag(job, "sizes", false) &&
	    sizes_emit(difference, json_object_get(job, "options"), out, &unmeasured) != 0)
		log_err(LOG_WARN, "no sizes", &unmeasured);
	arena_release(&a);
	return rc;
}
