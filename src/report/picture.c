/* A Mermaid picture of causes. */
#include "report/picture.h"

#include "report/words.h"
#include "support/base/map.h"
#include "support/text/escape.h"

#include <stdlib.h>
#include <string.h>

enum { MAX_ROOTS = 4, MAX_ROOTS_LOOKED_AT = 40, MAX_LABEL_BYTES = 40, MAX_CHAIN = 5, MAX_NODES = 64 };

struct picture {
	struct model *m;
	struct map nodes; /* derivation name -> node, which is the entry's place */
	struct map edges;
	size_t max_nodes;
	struct buf labels, lines, classes;
};

struct follower {
	const struct changed_attr *at;
	int64_t radius;
	size_t order;
};
typedef VEC(struct follower) followers_t;

static const char *
label(struct picture *p, const char *name, const struct changed_attr *at)
{
	AUTO(buf_release) struct buf b = {0};

	buf_init(&b, 4096);
	escape_mermaid(&b, str_of(words_cut(&p->m->a, name, MAX_LABEL_BYTES)));
	if (at != NULL && at->version_old != NULL && *at->version_old != '\0' && *at->version_new != '\0') {
		buf_putc(&b, ' ');
		escape_mermaid(&b, str_of(words_cut(&p->m->a, at->version_old, 20)));
		buf_puts(&b, " \xe2\x86\x92 ");
		escape_mermaid(&b, str_of(words_cut(&p->m->a, at->version_new, 20)));
	}
	return str_dup(&p->m->a, buf_get(&b));
}

/* The node of a derivation name; -1 when it is new and there is no room. */
static ptrdiff_t
node(struct picture *p, const char *key, const char *name, const struct changed_attr *at)
{
	struct map_entry *e = map_get(&p->nodes, str_of(key));
	bool added;

	if (e != NULL)
		return e - p->nodes.p;
	if (p->nodes.n >= p->max_nodes)
		return -1;
	e = map_add(&p->nodes, str_of(key), &added);
	ptrdiff_t id = e - p->nodes.p;
	buf_printf(&p->labels, "  n%td[\"%s\"]\n", id, label(p, name, at));
	if (at != NULL && at->blame == BLAME_NEWLY)
		buf_printf(&p->classes, "  class n%td broke\n", id);
	return id;
}

static void
edge(struct picture *p, ptrdiff_t from, ptrdiff_t to, const char *arrow)
{
	bool added;

	if (from == to)
		return;
	map_add(&p->edges, str_of(arena_printf(&p->m->a, "%td %td", from, to)), &added);
	if (added)
		buf_printf(&p->lines, "  n%td %s n%td\n", from, arrow, to);
}

/*
 * Draws root -> ... -> follower along the follower's chain, which is told from its end: the follower first, the nearest
 * root last. Where that is another root, or where there is no room for all of it, a dotted arrow stands for the way.
 */
static bool
draw_chain(struct picture *p, const char *root_key, ptrdiff_t root, const struct changed_attr *at)
{
	const struct texts chain = at->is->cause->chain;
	const char *key = at->is->name != NULL ? at->is->name : at->name;
	size_t n = chain.n;
	const char *end = n > 0 ? chain.p[n - 1] : NULL;
	ptrdiff_t last = root;

	if (p->nodes.n >= p->max_nodes)
		return false;
	if (end != NULL && strcmp(end, root_key) == 0 && n <= MAX_CHAIN && p->nodes.n + n <= p->max_nodes) {
		for (size_t i = n - 1; i-- > 1;) {
			ptrdiff_t next = node(p, chain.p[i], chain.p[i], NULL);
			if (next < 0)
				continue;
			edge(p, last, next, "-->");
			last = next;
		}
		edge(p, last, node(p, key, at->name, at), "-->");
		return true;
	}
	ptrdiff_t to = node(p, key, at->name, at);
	if (to >= 0)
		edge(p, last, to, n == 2 ? "-->" : "-.->");
	return to >= 0;
}

static int
by_radius(const void *a, const void *b)
{
	const struct follower *x = a, *y = b;

	if (x->radius != y->radius)
		return x->radius < y->radius ? 1 : -1;
	return x->order < y->order ? -1 : 1;
}

/* The attributes that follow root number index; one of each derivation name. */
static void
find_followers(struct model *m, size_t index, followers_t *ret)
{
	struct map seen = {0};

	for (size_t i = 0; i < m->n_attrs; i++) {
		const struct changed_attr *at = &m->attrs[i];
		bool follows = false, added = false;
		if (at->alias || !model_is_follower(at))
			continue;
		for (size_t k = 0; k < at->is->cause->roots.n && !follows; k++)
			follows = at->is->cause->roots.p[k] == (int64_t)index;
		if (follows)
			map_add(&seen, str_of(at->is->name != NULL ? at->is->name : at->name), &added);
		if (added)
			vec_push(ret, ((struct follower){at, at->is->radius != NULL ? at->is->radius->derivations : 0, i}));
	}
	map_release(&seen);
	if (ret->n > 1)
		qsort(ret->p, ret->n, sizeof(*ret->p), by_radius);
}

static const struct changed_attr *
attr_of_root(const struct model *m, const struct difference_root *root)
{
	for (size_t i = 0; i < m->n_attrs; i++)
		if (m->attrs[i].drv != NULL && strcmp(m->attrs[i].drv, root->drv) == 0)
			return &m->attrs[i];
	return NULL;
}

/* A root that has followers, drawn with at most room nodes and one for the rest. */
static void
draw_root(struct picture *p, const struct difference_root *root, size_t index, const followers_t *f, size_t room)
{
	const struct changed_attr *at = attr_of_root(p->m, root);
	const char *key = root->name != NULL ? root->name : "?";
	const size_t limit = p->max_nodes;
	size_t shown = 0;

	p->max_nodes = p->nodes.n + room < limit ? p->nodes.n + room : limit;
	ptrdiff_t from = node(p, key, at != NULL ? at->name : key, at);
	if (from >= 0)
		buf_printf(&p->classes, "  class n%td source\n", from);
	while (from >= 0 && shown < f->n && draw_chain(p, key, from, f->p[shown].at))
		shown++;
	p->max_nodes = limit + MAX_ROOTS; /* the node of the rest is not counted */
	if (from >= 0 && shown < f->n) {
		const char *rest = arena_printf(&p->m->a, "\n%zu", index); /* no name of a derivation */
		const char *text = arena_printf(&p->m->a, "%s more", words_number(&p->m->a, (int64_t)(f->n - shown)));
		edge(p, from, node(p, rest, text, NULL), "-->");
	}
	p->max_nodes = limit;
}

/* The widest roots that something follows; one of each name, for the picture does not tell systems apart. */
static size_t
choose_roots(struct model *m, size_t *chosen, followers_t *followers)
{
	struct map seen = {0};
	size_t n = 0;
	bool added;

	for (size_t i = 0; i < m->roots.n && i < MAX_ROOTS_LOOKED_AT && n < MAX_ROOTS; i++) {
		map_add(&seen, str_of(m->roots.p[i]->name), &added);
		if (!added)
			continue;
		find_followers(m, i, &followers[n]);
		if (followers[n].n != 0)
			chosen[n++] = i;
	}
	map_release(&seen);
	return n;
}

char *
picture_mermaid(struct model *m, size_t max_nodes)
{
	struct picture p = {.m = m, .max_nodes = max_nodes < MAX_NODES ? max_nodes : MAX_NODES};
	followers_t followers[MAX_ROOTS] = {0};
	size_t chosen[MAX_ROOTS];
	char *ret = NULL;

	size_t n = choose_roots(m, chosen, followers);
	buf_init(&p.labels, 1 << 16);
	buf_init(&p.lines, 1 << 16);
	buf_init(&p.classes, 1 << 16);
	for (size_t i = 0; i < n; i++) {
		size_t left = p.max_nodes > p.nodes.n ? p.max_nodes - p.nodes.n : 0;
		draw_root(&p, m->roots.p[chosen[i]], chosen[i], &followers[i], left / (n - i));
	}
	for (size_t i = 0; i < MAX_ROOTS; i++)
		vec_release(&followers[i]);
	if (p.lines.n != 0)
		ret = arena_printf(&m->a,
		    "```mermaid\nflowchart LR\n%s%s  classDef source stroke-width:3px\n  classDef broke stroke:#d1242f\n%s```\n",
		    p.labels.p, p.lines.p, p.classes.p);
	buf_release(&p.labels);
	buf_release(&p.lines);
	buf_release(&p.classes);
	map_release(&p.nodes);
	map_release(&p.edges);
	return ret;
}
