/* What the built-in evaluator has found, and its rows. */
#include "evaluate/attrtree.h"

#include "evaluate/drvfile.h"
#include "evaluate/roots.h"
#include "support/os/peer.h"
#include "support/text/json.h"

#include <stdio.h>
#include <string.h>

enum { HELD_BYTES = 512 * 1024 * 1024 }; /* rows of a set on trial; nixpkgs has 100 MB in one set, with meta */
enum { SAID_NOTHING = 1, SAID_ERROR = 2, SAID_REST = 3 };

size_t
attrtree_path(const struct attrtree *tree, uint32_t id, struct str *path, uint32_t *indices, size_t max)
{
	size_t n = tree->all.p[id].depth < max ? tree->all.p[id].depth : max;

	for (size_t i = n; i > 0; i--) {
		path[i - 1] = tree->all.p[id].name;
		indices[i - 1] = tree->all.p[id].index;
		id = tree->all.p[id].parent;
	}
	return n;
}

uint32_t
attrtree_find(const struct attrtree *tree, const json_t *path)
{
	const json_t *part;
	uint32_t id = 0;
	size_t i;

	json_array_foreach(path, i, part) {
		const struct attr *set = &tree->all.p[id];
		struct str name = {json_string_value(part), json_string_length(part)};
		for (uint32_t k = 0; k < set->n; k++)
			if (str_eq(tree->all.p[set->first + k].name, name)) {
				id = set->first + k;
				break;
			}
	}
	return id;
}

static bool
is_identifier(struct str s)
{
	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];
		bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
		if (!letter && (i == 0 || !((c >= '0' && c <= '9') || c == '-' || c == '\'')))
			return false;
	}
	return s.n > 0;
}

/* The attribute path as nix-eval-jobs prints it: what is not an identifier is quoted. */
static void
render(const struct str *path, size_t n, struct buf *out)
{
	for (size_t i = 0; i < n; i++) {
		if (i > 0)
			buf_putc(out, '.');
		if (is_identifier(path[i])) {
			buf_str(out, path[i]);
			continue;
		}
		buf_putc(out, '"');
		for (size_t k = 0; k < path[i].n; k++) {
			char c = path[i].p[k];
			if (c == '"' || c == '\\' || (c == '$' && k + 1 < path[i].n && path[i].p[k + 1] == '{'))
				buf_putc(out, '\\');
			buf_putc(out, c);
		}
		buf_putc(out, '"');
	}
}

/* {"attr":...,"attrPath":[...] of an attribute, without the closing brace. */
static void
row_head(const struct attrtree *tree, uint32_t id, struct buf *out)
{
	size_t max = (size_t)tree->o->max_depth + 2;
	AUTO(mem_free) struct str *path = mem_alloc(max * sizeof(*path));
	AUTO(mem_free) uint32_t *indices = mem_alloc(max * sizeof(*indices));
	AUTO(buf_release) struct buf attr = {0};
	AUTO(json_drop) json_t *head = json_object();
	json_t *list = json_array();
	size_t n = attrtree_path(tree, id, path, indices, max);

	buf_init(&attr, SIZE_MAX / 4);
	render(path, n, &attr);
	for (size_t i = 0; i < n; i++)
		json_array_append_new(list, json_any_string(path[i]));
	json_object_set_new(head, "attr", json_any_string(buf_get(&attr)));
	json_object_set_new(head, "attrPath", list);
	json_write(head, out);
	out->p[--out->n] = '\0';
}

void
attrtree_name(const struct attrtree *tree, uint32_t id, struct buf *out)
{
	AUTO(buf_release) struct buf head = {0};

	buf_init(&head, SIZE_MAX / 4);
	row_head(tree, id, &head);
	struct str s = str_utf8_head(buf_get(&head), 300);
	ptrdiff_t at = str_find(s, STR(",\"attrPath\":"));
	buf_str(out, str_from(at > 0 ? (struct str){s.p, (size_t)at} : s, sizeof("{\"attr\":") - 1));
}

/* More rows than allowed: the attribute of the first level with most of what is known below it is the offender. */
static int
too_many(const struct attrtree *tree, struct err *e)
{
	AUTO(mem_free) uint32_t *below = mem_alloc(tree->all.n * sizeof(*below));
	AUTO(mem_free) uint32_t *top = mem_alloc(tree->all.n * sizeof(*top));
	AUTO(buf_release) struct buf name = {0};
	uint32_t worst = 0;

	/* A parent stands before its children, so one pass in order carries the first level down. */
	for (uint32_t id = 1; id < tree->all.n; id++) {
		top[id] = tree->all.p[id].depth <= 1 ? id : top[tree->all.p[id].parent];
		below[top[id]]++;
		if (below[top[id]] > below[worst])
			worst = top[id];
	}
	buf_init(&name, 1024);
	attrtree_name(tree, worst, &name);
	return fail(e, ERR_LIMIT, "more than %lld rows; most attributes (%u) are below " STR_FMT, (long long)tree->o->max_rows,
	    below[worst], STR_ARG(buf_get(&name)));
}

static int
print_rows(struct attrtree *tree, struct str rows, size_t n, struct err *e)
{
	if (tree->o->check_cache_status || tree->o->constituents) {
		const char *nl;
		for (; (nl = memchr(rows.p, '\n', rows.n)) != NULL; rows = str_from(rows, (size_t)(nl - rows.p) + 1)) {
			size_t length = (size_t)(nl - rows.p) + 1;
			struct str line = {arena_strn(&tree->names, rows.p, length), length};
			vec_push(&tree->late, line);
		}
	} else if (fwrite(rows.p, 1, rows.n, stdout) != rows.n || fflush(stdout) != 0) {
		return fail_sys(e, "cannot print a row");
	}
	tree->rows += n;
	return tree->rows > (size_t)tree->o->max_rows ? too_many(tree, e) : 0;
}

static struct trial *
trial_of(struct attrtree *tree, uint32_t set)
{
	for (size_t i = 0; tree->all.p[set].on_trial && i < tree->trials.n; i++)
		if (tree->trials.p[i].set == set)
			return &tree->trials.p[i];
	return NULL;
}

static int
print_row(struct attrtree *tree, uint32_t id, struct buf *row, struct err *e)
{
	struct trial *t = id != 0 ? trial_of(tree, tree->all.p[id].parent) : NULL;

	buf_puts(row, "}\n");
	if (row->over)
		return fail(e, ERR_LIMIT, "a row is too long");
	if (t == NULL)
		return print_rows(tree, buf_get(row), 1, e);
	buf_str(&t->rows, buf_get(row));
	t->n_rows++;
	return t->rows.over ? fail(e, ERR_LIMIT, "the rows of a set are too long") : 0;
}

/* An attribute has answered. */
static void
note(struct attrtree *tree, uint32_t id, uint64_t said)
{
	if (tree->all.p[id].said == 0 && id != 0)
		tree->all.p[tree->all.p[id].parent].open--;
	tree->all.p[id].said = said;
}

static uint64_t
fingerprint(struct str s)
{
	uint64_t h = 14695981039346656037u;

	for (size_t i = 0; i < s.n; i++)
		h = (h ^ (unsigned char)s.p[i]) * 1099511628211u;
	return h < SAID_REST ? SAID_REST : h;
}

int
attrtree_error(struct attrtree *tree, uint32_t id, struct str text, struct err *e)
{
	AUTO(buf_release) struct buf row = {0};
	AUTO(json_drop) json_t *rec = json_object();

	text = str_trim(text);
	if (id == 0) {
		fprintf(stderr, STR_FMT "\n", STR_ARG(text));
		return fail(e, ERR_INPUT, "the root does not evaluate, so there is nothing to walk");
	}
	buf_init(&row, PEER_MAX_LINE);
	row_head(tree, id, &row);
	json_object_set_new(rec, "error", json_any_string(text));
	buf_putc(&row, ',');
	size_t at = row.n;
	json_write(rec, &row);
	/* The braces of the second object go: the first one's is written last. */
	memmove(row.p + at, row.p + at + 1, row.n - at);
	row.n -= 2;
	row.p[row.n] = '\0';
	fprintf(stderr, STR_FMT "\n", STR_ARG(text));
	if (tree->all.p[id].said == 0) /* a set within itself keeps what it said: others are compared with it */
		note(tree, id, SAID_ERROR);
	return print_row(tree, id, &row, e);
}

static int
add_inputs(struct str drv, struct buf *row, struct err *e)
{
	struct arena a = {0};
	AUTO(json_drop) json_t *inputs = NULL;
	int rc = drvfile_read(str_dup(&a, drv), &inputs, NULL, e);

	if (rc == 0) {
		buf_puts(row, ",\"inputDrvs\":");
		json_write(inputs, row);
	}
	arena_release(&a);
	return rc;
}

int
attrtree_keep(struct attrtree *tree, struct str drv, struct err *e)
{
	if (tree->o->roots_dir == NULL)
		return 0;
	struct str copy = {str_dup(&tree->names, drv), drv.n};
	vec_push(&tree->drvs, copy);
	return tree->o->one_root ? 0 : roots_link(drv, tree->o->roots_dir, e);
}

int
attrtree_derivation(struct attrtree *tree, uint32_t id, struct str json, struct err *e)
{
	AUTO(buf_release) struct buf row = {0};
	struct str start = STR("{\"drvPath\":\"");

	if (!str_utf8_ok(json))
		return attrtree_error(tree, id, STR("the derivation's name or meta holds bytes that are not UTF-8"), e);
	if (!str_starts(json, start))
		return fail(e, ERR_SYSTEM, "nix printed a row of an unknown form: " STR_FMT, STR_ARG(str_utf8_head(json, 80)));
	struct str ignored, drv = str_cut(str_from(json, start.n), '"', &ignored);
	if (!roots_is_drv(drv))
		return attrtree_error(tree, id, STR("the derivation's path is not one of the store"), e);
	buf_init(&row, PEER_MAX_LINE);
	row_head(tree, id, &row);
	buf_putc(&row, ',');
	buf_str(&row, (struct str){json.p + 1, json.n - 2});
	if (tree->o->show_input_drvs && add_inputs(drv, &row, e) != 0)
		return -1;
	if (attrtree_keep(tree, drv, e) != 0)
		return -1;
	note(tree, id, fingerprint(drv));
	return print_row(tree, id, &row, e);
}

/* The children of a set are to be asked, for good or on trial. */
static void
enter(struct attrtree *tree, uint32_t id)
{
	struct attr *set = &tree->all.p[id];

	for (uint32_t up = id; up != 0 && !set->on_trial;) {
		up = tree->all.p[up].parent;
		if (tree->all.p[up].said != set->said)
			continue;
		struct trial t = {.set = id, .like = up};
		buf_init(&t.rows, HELD_BYTES);
		vec_push(&tree->trials, t);
		set->on_trial = true;
	}
	for (uint32_t i = 0; i < set->n; i++)
		vec_push(&tree->queue, set->first + i);
}

static bool
is_like(const struct attrtree *tree, const struct trial *t)
{
	const struct attr *set = &tree->all.p[t->set], *like = &tree->all.p[t->like];

	for (uint32_t i = 0; i < set->n; i++)
		if (tree->all.p[set->first + i].said != tree->all.p[like->first + i].said)
			return false;
	return set->n == like->n;
}

static int
end_trial(struct attrtree *tree, struct trial *t, struct err *e)
{
	AUTO(buf_release) struct buf text = {0};
	const struct attr *set = &tree->all.p[t->set];

	if (is_like(tree, t)) {
		buf_init(&text, 1024);
		buf_puts(&text, "a set within itself: it is the same as ");
		if (t->like == 0)
			buf_puts(&text, "the root");
		else
			attrtree_name(tree, t->like, &text);
		return attrtree_error(tree, t->set, buf_get(&text), e);
	}
	for (uint32_t i = 0; i < set->n; i++)
		if (tree->all.p[set->first + i].n > 0)
			enter(tree, set->first + i);
	return print_rows(tree, buf_get(&t->rows), t->n_rows, e);
}

int
attrtree_settle(struct attrtree *tree, struct err *e)
{
	for (size_t i = 0; i < tree->trials.n;) {
		struct trial t = tree->trials.p[i];
		if (tree->all.p[t.set].open > 0 || tree->all.p[t.like].open > 0) {
			i++;
			continue;
		}
		/* Out of the list first: its own row may be another trial's, and sets below it may be tried. */
		tree->trials.p[i] = tree->trials.p[--tree->trials.n];
		tree->all.p[t.set].on_trial = false;
		int rc = end_trial(tree, &t, e);
		buf_release(&t.rows);
		if (rc != 0)
			return -1;
	}
	return 0;
}

int
attrtree_set(struct attrtree *tree, uint32_t id, struct str json, struct err *e)
{
	AUTO(json_drop) json_t *names = NULL;
	struct err bad;
	json_t *name;
	size_t i;

	if (json_read(json, "attribute names", &names, &bad) != 0)
		return attrtree_error(tree, id, STR("the set has an attribute name that is not UTF-8"), e);
	if (tree->all.p[id].depth >= tree->o->max_depth && json_array_size(names) > 0) {
		char text[100];
		snprintf(text, sizeof(text), "sets are nested deeper than %lld here: a set within itself?",
		    (long long)tree->o->max_depth);
		return attrtree_error(tree, id, str_of(text), e);
	}
	uint32_t first = (uint32_t)tree->all.n;
	json_array_foreach(names, i, name) {
		struct str text = {json_string_value(name), json_string_length(name)};
		if (str_is(text, "recurseForDerivations"))
			continue;
		struct attr n = {.parent = id, .index = (uint32_t)i, .depth = (uint16_t)(tree->all.p[id].depth + 1)};
		n.name = (struct str){arena_strn(&tree->names, text.p, text.n), text.n};
		if (tree->all.n >= UINT32_MAX / 2)
			return fail(e, ERR_LIMIT, "too many attributes");
		vec_push(&tree->all, n);
	}
	note(tree, id, fingerprint(json));
	struct attr *set = &tree->all.p[id];
	set->first = first;
	set->n = set->open = (uint32_t)tree->all.n - first;
	if (id == 0 || !tree->all.p[set->parent].on_trial)
		enter(tree, id);
	return 0;
}

void
attrtree_nothing(struct attrtree *tree, uint32_t id)
{
	note(tree, id, SAID_NOTHING);
}

void
attrtree_ask_again(struct attrtree *tree, const uint32_t *ids, size_t n)
{
	if (tree->head < n) {
		vec_reserve(&tree->queue, tree->queue.n + n);
		memmove(tree->queue.p + n, tree->queue.p, tree->queue.n * sizeof(*tree->queue.p));
		tree->queue.n += n;
		tree->head += n;
	}
	tree->head -= n;
	memcpy(tree->queue.p + tree->head, ids, n * sizeof(*ids));
}

void
attrtree_init(struct attrtree *tree, const struct eval_jobs *o)
{
	*tree = (struct attrtree){.o = o};
	vec_push(&tree->all, (struct attr){0});
	vec_push(&tree->queue, 0);
}

void
attrtree_release(struct attrtree *tree)
{
	vec_release(&tree->late);
	vec_release(&tree->all);
	vec_release(&tree->queue);
	vec_release(&tree->drvs);
	for (size_t i = 0; i < tree->trials.n; i++)
		buf_release(&tree->trials.p[i].rows);
	vec_release(&tree->trials);
	arena_release(&tree->names);
}
