/* What the built-in evaluator has found, and its rows. */
#include "evaluate/builtin/attrtree.h"

#include "evaluate/builtin/drvinputs.h"
#include "nix/path.h"
#include "nix/roots.h"
#include "nix/unknown.h"
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
		const struct tree_attr *set = &tree->all.p[id];
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

/* The running trial that the answer of id belongs to, or NULL. */
static struct trial *
trial_of(struct attrtree *tree, uint32_t id)
{
	uint32_t below = tree->all.p[id].below;
	struct trial *t = below != 0 ? &tree->trials.p[below - 1] : NULL;

	return t != NULL && t->state == TRIAL_RUNS ? t : NULL;
}

static int
print_row(struct attrtree *tree, uint32_t id, struct buf *row, struct err *e)
{
	struct trial *t = trial_of(tree, id);

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
	struct trial *t = trial_of(tree, id);

	if (tree->all.p[id].said == 0 && t != NULL)
		t->open--;
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

/* Once. */
static void
add_beside(struct attrtree *tree, struct buf *row)
{
	buf_str(row, tree->beside);
	tree->beside = (struct str){0};
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
	add_beside(tree, &row);
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
	int rc = drvinputs_read(str_dup(&a, drv), &inputs, NULL, e);

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

/* ,"NAME":TEXT */
static void
add_text(struct buf *row, const char *name, struct str text)
{
	AUTO(json_drop) json_t *value = json_any_string(text);

	buf_printf(row, ",\"%s\":", name);
	json_write(value, row);
}

int
attrtree_derivation(struct attrtree *tree, uint32_t id, struct str json, struct str meta, struct str bad_meta, struct err *e)
{
	AUTO(buf_release) struct buf row = {0};
	struct str start = STR("{\"drvPath\":\"");

	if (!str_utf8_ok(json))
		return attrtree_error(tree, id, STR("the derivation's name holds bytes that are not UTF-8"), e);
	if (!str_starts(json, start))
		return fail(e, ERR_SYSTEM, "nix printed a row of an unknown form: " STR_FMT, STR_ARG(str_utf8_head(json, 80)));
	struct str ignored, drv = str_cut(str_from(json, start.n), '"', &ignored);
	if (!nix_path_is_drv(drv))
		return attrtree_error(tree, id, STR("the derivation's path is not one of the store"), e);
	buf_init(&row, PEER_MAX_LINE);
	row_head(tree, id, &row);
	buf_putc(&row, ',');
	buf_str(&row, (struct str){json.p + 1, json.n - 2});
	if (bad_meta.n == 0 && !str_utf8_ok(meta))
		bad_meta = STR("meta holds bytes that are not UTF-8");
	if (bad_meta.n > 0)
		add_text(&row, "metaError", str_trim(bad_meta));
	else if (meta.n > 0)
		buf_printf(&row, ",\"meta\":" STR_FMT, STR_ARG(meta));
	if (tree->o->show_input_drvs && add_inputs(drv, &row, e) != 0)
		return -1;
	if (attrtree_keep(tree, drv, e) != 0)
		return -1;
	add_beside(tree, &row);
	note(tree, id, fingerprint(drv));
	return print_row(tree, id, &row, e);
}

/* The children of a set are to be asked, and belong to the trial (its place + 1). */
static void
enter(struct attrtree *tree, uint32_t id, uint32_t trial)
{
	struct tree_attr *set = &tree->all.p[id];

	for (uint32_t i = 0; i < set->n; i++) {
		tree->all.p[set->first + i].below = trial;
		vec_push(&tree->queue, set->first + i);
	}
	if (trial != 0)
		tree->trials.p[trial - 1].open += set->n;
}

/* Two attributes, one below a set on trial and one at the same place below what that may be. */
enum likeness { LIKE, NOT_YET_KNOWN, UNLIKE };

static enum likeness
compare_children(const struct attrtree *tree, uint32_t a, uint32_t b)
{
	const struct tree_attr *x = &tree->all.p[a], *y = &tree->all.p[b];
	enum likeness all = x->said == y->said && x->n == y->n ? LIKE : UNLIKE;

	for (uint32_t i = 0; i < x->n && all != UNLIKE; i++) {
		const struct tree_attr *c = &tree->all.p[x->first + i], *d = &tree->all.p[y->first + i];
		enum likeness one = LIKE;
		if (c->said == 0 || d->said == 0)
			one = NOT_YET_KNOWN;
		else if (c->said != d->said)
			one = UNLIKE;
		else if (c->n > 0 && !c->may_be_above)
			one = d->may_be_above ? UNLIKE : compare_children(tree, x->first + i, y->first + i);
		if (one != LIKE)
			all = one;
	}
	return all;
}

/* The first of what it may be that it is: its place is *ret; LIKE, or NOT_YET_KNOWN, or UNLIKE each of them. */
static enum likeness
judge(const struct attrtree *tree, const struct trial *t, uint32_t *ret)
{
	for (uint32_t i = 0; i < t->n_like; i++) {
		enum likeness one = compare_children(tree, t->set, t->like[i]);
		*ret = t->like[i];
		if (one != UNLIKE)
			return one;
	}
	return UNLIKE;
}

static int
is_above(struct attrtree *tree, uint32_t set, uint32_t like, struct err *e)
{
	AUTO(buf_release) struct buf text = {0};

	buf_init(&text, 1024);
	buf_puts(&text, "a set within itself: it is the same as ");
	if (like == 0)
		buf_puts(&text, "the root");
	else
		attrtree_name(tree, like, &text);
	return attrtree_error(tree, set, buf_get(&text), e);
}

/* One step of a trial: 1 when its state is another one now. */
static int
go_on(struct attrtree *tree, size_t place, struct err *e)
{
	struct trial *t = &tree->trials.p[place];
	uint32_t like = 0;

	if (t->state == TRIAL_WAITS) {
		const struct trial *outer = t->within != 0 ? &tree->trials.p[t->within - 1] : NULL;
		if (outer != NULL && outer->state != TRIAL_ENDED)
			return 0;
		t->state = outer != NULL && outer->dropped ? TRIAL_ENDED : TRIAL_RUNS;
		t->dropped = t->state == TRIAL_ENDED;
		if (t->state == TRIAL_RUNS) {
			buf_init(&t->rows, HELD_BYTES);
			enter(tree, t->set, (uint32_t)place + 1);
		}
		return 1;
	}
	if (t->state == TRIAL_ENDED || t->open > 0)
		return 0;
	enum likeness verdict = judge(tree, t, &like);
	if (verdict == NOT_YET_KNOWN)
		return 0;
	t->state = TRIAL_ENDED;
	t->dropped = verdict == LIKE;
	int rc = t->dropped ? is_above(tree, t->set, like, e) : print_rows(tree, buf_get(&t->rows), t->n_rows, e);
	buf_release(&t->rows);
	return rc == 0 ? 1 : -1;
}

int
attrtree_settle(struct attrtree *tree, struct err *e)
{
	int moved = 1;

	while (moved) {
		moved = 0;
		for (size_t i = tree->first_trial; i < tree->trials.n; i++) {
			int rc = go_on(tree, i, e);
			if (rc < 0)
				return -1;
			moved |= rc;
		}
		while (tree->first_trial < tree->trials.n && tree->trials.p[tree->first_trial].state == TRIAL_ENDED)
			tree->first_trial++;
	}
	return 0;
}

int
attrtree_end(const struct attrtree *tree, struct err *e)
{
	return tree->first_trial == tree->trials.n ? 0 : fail(e, ERR_BUG, "rows of a set are held back at the end of the walk");
}

/* What the set may be, of those above it; false when none is. */
static bool
find_likes(const struct attrtree *tree, uint32_t id, const json_t *above, struct trial *t)
{
	const json_t *one;
	size_t i;

	json_array_foreach(above, i, one) {
		json_int_t depth = json_integer_value(one);
		uint32_t up = id;
		while (tree->all.p[up].depth > depth)
			up = tree->all.p[up].parent;
		if (json_is_integer(one) && depth >= 0 && up != id && t->n_like < TRIAL_LIKES)
			t->like[t->n_like++] = up;
	}
	return t->n_like > 0;
}

int
attrtree_set(struct attrtree *tree, uint32_t id, struct str json, struct str above, struct err *e)
{
	AUTO(json_drop) json_t *names = NULL;
	AUTO(json_drop) json_t *depths = NULL;
	struct trial trial = {.set = id, .within = trial_of(tree, id) != NULL ? tree->all.p[id].below : 0};
	struct err bad;
	json_t *name;
	size_t i;

	if (json_read(json, "attribute names", &names, &bad) != 0)
		return attrtree_error(tree, id, STR("the set has an attribute name that is not UTF-8"), e);
	if (above.n > 0 && json_read(above, "sets above", &depths, e) != 0)
		return -1;
	if (tree->all.p[id].depth >= tree->o->max_depth && json_array_size(names) > 0) {
		char text[100];
		snprintf(text, sizeof(text), "error: " UNKNOWN_DEPTH_WORDS "%lld here", (long long)tree->o->max_depth);
		return attrtree_error(tree, id, str_of(text), e);
	}
	uint32_t first = (uint32_t)tree->all.n;
	json_array_foreach(names, i, name) {
		struct str text = {json_string_value(name), json_string_length(name)};
		if (str_is(text, "recurseForDerivations"))
			continue;
		struct tree_attr n = {.parent = id, .index = (uint32_t)i, .depth = (uint16_t)(tree->all.p[id].depth + 1)};
		n.name = (struct str){arena_strn(&tree->names, text.p, text.n), text.n};
		if (tree->all.n >= UINT32_MAX / 2)
			return fail(e, ERR_LIMIT, "too many attributes");
		vec_push(&tree->all, n);
	}
	struct tree_attr *set = &tree->all.p[id];
	set->first = first;
	set->n = (uint32_t)tree->all.n - first;
	set->may_be_above = find_likes(tree, id, depths, &trial);
	if (set->may_be_above)
		vec_push(&tree->trials, trial);
	else
		enter(tree, id, trial.within);
	note(tree, id, fingerprint(json));
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
	vec_push(&tree->all, (struct tree_attr){0});
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
