/* Sums and chains of recorded durations. */
#include "queue/estimate.h"

#include "queue/queue.h"
#include "store/duration.h"
#include "support/base/map.h"

#include <stdlib.h>
#include <string.h>

enum { MAX_DEAREST = 5 };

enum { USUAL, LOW, HIGH, BOUNDS };

struct bounds {
	int64_t ms[BOUNDS];
};

struct guess {
	struct bounds took;
	bool known;
};

struct totals {
	const char *system;
	int64_t builds, known, unknown;
	struct bounds work, path;
};

/* What was asked of the database; the arena has the keys of the map. */
struct estimator {
	struct store *s;
	struct arena a;
	struct map names;
	VEC(struct guess) guesses; /* as in names */
};

struct estimator *
estimator_new(struct store *s)
{
	struct estimator *ret = mem_alloc(sizeof(*ret));

	ret->s = s;
	return ret;
}

void
estimator_free(struct estimator **xp)
{
	struct estimator *x = *xp;

	*xp = NULL;
	if (x == NULL)
		return;
	map_release(&x->names);
	vec_release(&x->guesses);
	arena_release(&x->a);
	mem_free(&x);
}

/* What one estimate is made of; the arena has all but the vectors and maps. */
struct estimate {
	struct arena a;
	struct map ids, systems;
	VEC(struct totals) totals; /* as in systems */
	struct bounds *path;       /* of each wanted build: the longest chain that ends in it */
};

/* The expected duration, asked of the database once a name and system. */
static int
expected(struct estimator *x, const char *name, const char *system, struct guess *ret, struct err *e)
{
	struct str pname = duration_name(str_of(name));
	struct str key = str_of(arena_printf(&x->a, STR_FMT " %s", STR_ARG(pname), system));
	int64_t median = QUEUE_UNKNOWN_MS, spread = 0;
	bool added;
	struct map_entry *at = map_add(&x->names, key, &added);

	if (added) {
		int rc = duration_get(x->s, pname, system, &median, &spread, e);
		if (rc < 0)
			return -1;
		at->value = x->guesses.n;
		struct guess g = {{{median, median > spread ? median - spread : 0, median + spread}}, rc == 0};
		vec_push(&x->guesses, g);
	}
	*ret = x->guesses.p[at->value];
	return 0;
}

static struct totals *
totals_of(struct estimate *x, const char *system)
{
	bool added;
	struct map_entry *at = map_add(&x->systems, str_of(system), &added);

	if (added) {
		at->value = x->totals.n;
		struct totals t = {.system = system};
		vec_push(&x->totals, t);
	}
	return &x->totals.p[at->value];
}

static void
longer(struct bounds *to, const struct bounds *than)
{
	for (int b = 0; b < BOUNDS; b++)
		if (than->ms[b] > to->ms[b])
			to->ms[b] = than->ms[b];
}

static int
add_build(struct estimator *known, struct estimate *x, const struct build_want *w, size_t i, struct err *e)
{
	struct bounds *path = &x->path[i];
	struct guess g;

	if (expected(known, w->name, w->system, &g, e) != 0)
		return -1;
	struct totals *t = totals_of(x, w->system);
	for (size_t k = 0; k < w->inputs.n; k++) {
		const struct map_entry *at = map_get(&x->ids, str_of(w->inputs.p[k]));
		if (at != NULL)
			longer(path, &x->path[at->value]);
	}
	for (int b = 0; b < BOUNDS; b++) {
		path->ms[b] += g.took.ms[b];
		t->work.ms[b] += g.took.ms[b];
	}
	map_add(&x->ids, str_of(w->drv), NULL)->value = i;
	longer(&t->path, path);
	t->builds++;
	t->known += g.known;
	t->unknown += !g.known;
	return 0;
}

static void
share_work(struct bounds *finish, const struct bounds *work, int64_t slots)
{
	struct bounds shared;

	for (int b = 0; b < BOUNDS; b++)
		shared.ms[b] = (work->ms[b] + slots - 1) / slots;
	longer(finish, &shared);
}

/* *ret stays as it is where no machine builds for the system. */
static void
finish_of(const struct estimate *x, const struct totals *t, const struct machine *machines, size_t n, struct bounds *ret)
{
	struct bounds work = {{0}};
	int64_t own = 0, all = 0;

	for (size_t i = 0; i < n; i++)
		own += machine_slots(&machines[i], t->system);
	if (own == 0)
		return;
	*ret = t->path;
	share_work(ret, &t->work, own);
	/* The systems that share a machine with this one, itself included, and all machines of theirs. */
	bool *counted = mem_alloc(n * sizeof(*counted));
	memset(counted, 0, n * sizeof(*counted));
	for (size_t k = 0; k < x->totals.n; k++) {
		const struct totals *other = &x->totals.p[k];
		bool shares = false;
		for (size_t i = 0; i < n; i++)
			shares = shares ||
			         (machine_slots(&machines[i], t->system) > 0 && machine_slots(&machines[i], other->system) > 0);
		for (int b = 0; shares && b < BOUNDS; b++)
			work.ms[b] += other->work.ms[b];
		for (size_t i = 0; shares && i < n; i++) {
			all += counted[i] ? 0 : machine_slots(&machines[i], other->system);
			counted[i] = counted[i] || machine_slots(&machines[i], other->system) > 0;
		}
	}
	mem_free(&counted);
	if (all > 0)
		share_work(ret, &work, all);
}

static struct estimates
result(struct arena *a, const struct estimate *x, const struct machine *machines, size_t n)
{
	struct estimates all = {.p = arena_alloc(a, (x->totals.n + 1) * sizeof(*all.p)), .n = x->totals.n};

	for (size_t i = 0; i < all.n; i++) {
		const struct totals *t = &x->totals.p[i];
		struct bounds finish = {{-1, -1, -1}};
		finish_of(x, t, machines, n, &finish);
		all.p[i] = (struct system_estimate){arena_strdup(a, t->system), {.builds = t->builds,
		                                                                    .total_ms = t->work.ms[USUAL],
		                                                                    .critical_path_ms = t->path.ms[USUAL],
		                                                                    .known = t->known,
		                                                                    .unknown = t->unknown,
		                                                                    .finish_ms = finish.ms[USUAL],
		                                                                    .finish_low_ms = finish.ms[LOW],
		                                                                    .finish_high_ms = finish.ms[HIGH]}};
	}
	return all;
}

static void
release(struct estimate *x)
{
	map_release(&x->ids);
	map_release(&x->systems);
	vec_release(&x->totals);
	arena_release(&x->a);
}

int
estimate_builds(struct estimator *known, struct arena *a, const struct machine *machines, size_t n_machines,
    const struct build_want *wants, size_t n, struct estimates *ret, struct err *e)
{
	struct estimate x = {0};
	int rc = 0;

	x.path = arena_alloc(&x.a, (n + 1) * sizeof(*x.path));
	for (size_t i = 0; i < n && rc == 0; i++)
		if (!wants[i].cached)
			rc = add_build(known, &x, &wants[i], i, e);
	if (rc == 0)
		*ret = result(a, &x, machines, n_machines);
	release(&x);
	return rc;
}

/* --- what a change costs ------------------------------------------------------------------------------------------ */

struct costing {
	struct arena a;
	struct change_cost sum;
	struct map packages; /* pname -> place in dear */
	VEC(struct dear_package) dear;
};

static int
add_item(struct estimator *known, struct costing *c, const struct estimate_item *it, struct err *e)
{
	struct str pname = duration_name(str_of(it->name));
	struct guess g;
	bool added;

	c->sum.builds++;
	c->sum.cached += it->cached;
	if (expected(known, it->name, it->system, &g, e) != 0)
		return -1;
	if (!g.known)
		return 0;
	c->sum.known++;
	c->sum.ms += g.took.ms[USUAL];
	c->sum.low_ms += g.took.ms[LOW];
	c->sum.high_ms += g.took.ms[HIGH];
	c->sum.cached_known += it->cached;
	c->sum.cached_ms += it->cached ? g.took.ms[USUAL] : 0;
	struct map_entry *at = map_add(&c->packages, pname, &added);
	if (added) {
		struct dear_package one = {.name = str_dup(&c->a, pname)};
		at->value = c->dear.n;
		vec_push(&c->dear, one);
	}
	c->dear.p[at->value].builds++;
	c->dear.p[at->value].ms += g.took.ms[USUAL];
	return 0;
}

static int
dearer_first(const void *a, const void *b)
{
	const struct dear_package *x = a, *y = b;

	return x->ms != y->ms ? (x->ms < y->ms ? 1 : -1) : strcmp(x->name, y->name);
}

int
estimate_change(struct estimator *known, struct arena *a, const struct estimate_item *items, size_t n, struct change_cost *ret,
    struct err *e)
{
	struct costing c = {0};
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < n; i++)
		rc = add_item(known, &c, &items[i], e);
	if (rc == 0) {
		*ret = c.sum;
		if (c.dear.n > 0)
			qsort(c.dear.p, c.dear.n, sizeof(*c.dear.p), dearer_first);
		ret->dearest.n = c.dear.n < MAX_DEAREST ? c.dear.n : MAX_DEAREST;
		ret->dearest.p = arena_alloc(a, MAX_DEAREST * sizeof(*ret->dearest.p));
		for (size_t i = 0; i < ret->dearest.n; i++) {
			ret->dearest.p[i] = c.dear.p[i];
			ret->dearest.p[i].name = arena_strdup(a, c.dear.p[i].name);
		}
	}
	map_release(&c.packages);
	vec_release(&c.dear);
	arena_release(&c.a);
	return rc;
}
