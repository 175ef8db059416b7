/* Two derivations, masked and compared. */
#include "graph/compare.h"

#include "graph/pairing.h"
#include "support/text/json.h"

#include <stdlib.h>
#include <string.h>

enum { HASH_CHARS = 32, PLACEHOLDER_CHARS = 52 };

bool
compare_same_outputs(const struct closure *g, uint32_t base, uint32_t head)
{
	uint32_t b = g->out_off.p[base], h = g->out_off.p[head], n = g->out_off.p[base + 1] - b;

	if (n != g->out_off.p[head + 1] - h)
		return false;
	for (uint32_t i = 0; i < n; i++)
		if (g->outputs.p[b + i].path.n == 0 || !str_eq(g->outputs.p[b + i].path, g->outputs.p[h + i].path) ||
		    !str_eq(g->outputs.p[b + i].name, g->outputs.p[h + i].name))
			return false;
	return true;
}

/* ---- reading a side ---- */

static int
compare_variables(const void *a, const void *b)
{
	const struct variable *x = a, *y = b;

	return str_cmp(x->name, y->name);
}

/* The members of __json beside the plain variables. Text stands as it is, anything else as JSON. */
static int
add_structured(struct arena *a, struct drv_side *s, struct str text, struct err *e)
{
	AUTO(json_drop) json_t *attrs = NULL;
	const char *key;
	json_t *value;

	if (json_read(text, "__json", &attrs, e) != 0)
		return -1;
	struct variable *vars = arena_alloc(a, (s->n_vars + json_object_size(attrs)) * sizeof(*vars));
	if (s->n_vars != 0)
		memcpy(vars, s->vars, s->n_vars * sizeof(*vars));
	s->vars = vars;
	json_object_foreach(attrs, key, value) {
		struct variable *v = &s->vars[s->n_vars++];
		v->name = str_of(arena_strdup(a, key));
		if (json_is_string(value))
			v->value = (struct str){arena_strn(a, json_string_value(value), json_string_length(value)),
			    json_string_length(value)};
		else {
			char *line = json_dumps(value, JSON_COMPACT | JSON_SORT_KEYS | JSON_ENCODE_ANY);
			v->value = str_of(arena_strdup(a, line != NULL ? line : ""));
			free(line);
		}
	}
	return 0;
}

static int
read_variables(struct arena *a, struct drv_side *s, struct err *e)
{
	struct str json = {NULL, 0};

	s->vars = arena_alloc(a, s->d.n_env * sizeof(*s->vars));
	for (size_t i = 0; i < s->d.n_env; i++)
		if (str_is(s->d.env[i].name, "__json"))
			json = s->d.env[i].value;
		else
			s->vars[s->n_vars++] = (struct variable){s->d.env[i].name, s->d.env[i].value};
	if (json.p != NULL && add_structured(a, s, json, e) != 0)
		return -1;
	qsort(s->vars, s->n_vars, sizeof(*s->vars), compare_variables);
	return 0;
}

static void
add_ref(struct drv_side *s, struct str file, struct ref ref)
{
	bool added;

	if (file.n < HASH_CHARS)
		return;
	file.n = HASH_CHARS;
	struct map_entry *entry = map_add(&s->refs, file, &added);
	if (!added)
		return;
	entry->value = s->refs.n - 1;
	s->ref[entry->value] = ref;
}

static void
add_refs(struct arena *a, struct drv_side *s)
{
	const struct closure *g = s->g;
	size_t n = s->d.n_outputs + s->d.n_sources;
	struct str file;

	for (size_t i = 0; i < s->n_in; i++)
		n += g->out_off.p[s->in[i] + 1] - g->out_off.p[s->in[i]];
	s->ref = arena_alloc(a, n * sizeof(*s->ref));
	for (size_t i = 0; i < s->d.n_outputs; i++)
		if (closure_file_of(g, s->d.outputs[i].path, &file) == 0)
			add_ref(s, file, (struct ref){REF_SELF, 0, s->d.outputs[i].name});
	for (size_t i = 0; i < s->n_in; i++)
		for (uint32_t k = g->out_off.p[s->in[i]]; k < g->out_off.p[s->in[i] + 1]; k++)
			add_ref(s, g->outputs.p[k].path, (struct ref){REF_INPUT, (uint32_t)i, g->outputs.p[k].name});
	for (size_t i = 0; i < s->d.n_sources; i++)
		if (closure_file_of(g, s->d.sources[i], &file) == 0)
			add_ref(s, file, (struct ref){REF_SOURCE, 0, {"", 0}});
}

static int
side_read(struct arena *a, const struct closure *g, int dir_fd, uint32_t node, struct drv_side *s, struct err *e)
{
	struct str bytes;

	s->g = g;
	s->node = node;
	s->in = g->targets.p + g->off.p[node];
	s->n_in = g->off.p[node + 1] - g->off.p[node];
	if (s->n_in > COMPARE_MAX_INPUTS)
		return fail(e, ERR_LIMIT, "a derivation with more than %d inputs", COMPARE_MAX_INPUTS);
	s->pair = arena_alloc(a, s->n_in * sizeof(*s->pair));
	for (size_t i = 0; i < s->n_in; i++)
		s->pair[i] = -1;
	if (drv_read_bytes(a, dir_fd, g->nodes.p[node].key, &bytes, e) != 0)
		return -1;
	if (drv_parse(a, bytes, DRV_ALL, &s->d, e) != 0 || read_variables(a, s, e) != 0)
		return fail_in(e, STR_FMT, STR_ARG(g->nodes.p[node].key));
	add_refs(a, s);
	return 0;
}

/* ---- masking ---- */

/* Whether inputs that are not paired leave their paths in the text, or vanish with what follows up to a space. */
enum strip { KEEP_UNPAIRED, STRIP_UNPAIRED };

struct masker {
	const struct drv_side *s;
	bool is_base;
	enum strip strip;
};

/* An input that is content: its path says what it is, so it is never masked. */
static bool
is_content(const struct masker *m, uint32_t input)
{
	return m->s->g->flags.p[m->s->in[input]] & CLOSURE_FIXED;
}

static bool
name_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '+' || c == '-' || c == '.' ||
	       c == '_' || c == '?' || c == '=';
}

static bool
ends_word(char c)
{
	return c == ' ' || c == '\n' || c == '\t' || c == '"' || c == '\'' || c == ':' || c == ';' || c == ',' || c == '\\';
}

/* Appends what stands for the path at start..*at; may move *at over what vanishes with it. */
static void
mask_ref(const struct masker *m, struct str text, size_t start, size_t *at, const struct ref *ref, struct buf *out)
{
	if (ref == NULL) {
		buf_puts(out, "\1?");
		return;
	}
	if (ref->kind == REF_SELF) {
		buf_puts(out, "\1self:");
		buf_str(out, ref->output);
		goto name;
	}
	if (ref->kind == REF_INPUT && m->s->pair[ref->input] >= 0 && !is_content(m, ref->input)) {
		size_t pair = m->is_base ? (size_t)m->s->pair[ref->input] : ref->input;
		buf_printf(out, "\1%zu:", pair);
		buf_str(out, ref->output);
		goto name;
	}
	if (ref->kind == REF_INPUT && m->s->pair[ref->input] < 0 && m->strip == STRIP_UNPAIRED) {
		while (*at < text.n && !ends_word(text.p[*at]))
			++*at;
		return;
	}
	buf_add(out, text.p + start, *at - start);
	return;
name:
	/* The rest of the path's own name, "-NAME", belongs to what was masked. */
	while (*at < text.n && name_char(text.p[*at]))
		++*at;
}

/* "/" and 52 base-32 digits: the place of an output whose path is not known yet. */
static size_t
placeholder(struct str text, size_t at)
{
	size_t n = 0;

	if (text.p[at] != '/' || text.n - at < PLACEHOLDER_CHARS + 1)
		return 0;
	while (n < PLACEHOLDER_CHARS && strchr("0123456789abcdfghijklmnpqrsvwxyz", text.p[at + 1 + n]) != NULL &&
	       text.p[at + 1 + n] != '\0')
		n++;
	return n == PLACEHOLDER_CHARS ? n + 1 : 0;
}

static void
mask_plain(struct str text, size_t from, size_t to, struct buf *out)
{
	for (size_t i = from; i < to;) {
		const char *slash = memchr(text.p + i, '/', to - i);
		size_t at = slash != NULL ? (size_t)(slash - text.p) : to, skip;
		buf_add(out, text.p + i, at - i);
		if (at == to)
			return;
		skip = placeholder((struct str){text.p, to}, at);
		if (skip != 0)
			buf_puts(out, "\1place");
		else
			buf_putc(out, '/');
		i = at + (skip != 0 ? skip : 1);
	}
}

/* Spaces side by side become one, empty members of lists go: what stripping leaves behind. */
static void
tidy(struct buf *b)
{
	size_t n = 0;

	for (size_t i = 0; i < b->n; i++) {
		char c = b->p[i] == '\n' || b->p[i] == '\t' ? ' ' : b->p[i];
		if (c == ' ' && (n == 0 || b->p[n - 1] == ' ' || i + 1 == b->n))
			continue;
		if (i + 2 < b->n && memcmp(b->p + i, "\"\",", 3) == 0) {
			i += 2;
			continue;
		}
		if (i + 2 < b->n && memcmp(b->p + i, ",\"\"", 3) == 0) {
			i += 2;
			continue;
		}
		b->p[n++] = c;
	}
	while (n > 0 && b->p[n - 1] == ' ')
		n--;
	b->n = n;
}

static void
mask(const struct masker *m, struct str text, struct buf *out)
{
	const struct ref *ref;
	size_t at = 0, done = 0, start;

	buf_drop(out, out->n);
	while (side_next_ref(m->s, text, &at, &start, &ref)) {
		mask_plain(text, done, start, out);
		mask_ref(m, text, start, &at, ref, out);
		done = at;
	}
	mask_plain(text, done, text.n, out);
	if (m->strip == STRIP_UNPAIRED)
		tidy(out);
}

/* ---- comparing ---- */

struct compare {
	struct arena *a;
	struct drv_side base, head;
	bool unpaired;       /* an input was added or is gone */
	struct buf old, new; /* masked texts */
	VEC(struct compare_item) items;
	VEC(struct compare_pair) pairs;
};

static bool
same_text(struct compare *c, struct str old, struct str new)
{
	struct masker b = {&c->base, true, KEEP_UNPAIRED}, h = {&c->head, false, KEEP_UNPAIRED};

	if (str_eq(old, new))
		return true;
	mask(&b, old, &c->old);
	mask(&h, new, &c->new);
	if (str_eq(buf_get(&c->old), buf_get(&c->new)))
		return true;
	if (!c->unpaired)
		return false;
	b.strip = h.strip = STRIP_UNPAIRED;
	mask(&b, old, &c->old);
	mask(&h, new, &c->new);
	return str_eq(buf_get(&c->old), buf_get(&c->new));
}

static struct str
clip(struct str s)
{
	return str_utf8_head(s, COMPARE_MAX_NAME);
}

static void
item(struct compare *c, const char *what, struct str name, struct str old, struct str new)
{
	name = clip(name);
	char *text = arena_printf(c->a, "%s" STR_FMT, what, STR_ARG(name));
	struct compare_item it = {str_of(text), old, new};

	vec_push(&c->items, it);
}

static void
item_change(struct compare *c, const char *what, struct str old, struct str new)
{
	struct str o = clip(old), n = clip(new);
	char *text = arena_printf(c->a, "%s " STR_FMT " -> " STR_FMT, what, STR_ARG(o), STR_ARG(n));
	struct compare_item it = {str_of(text), old, new};

	vec_push(&c->items, it);
}

static struct str
variable(const struct drv_side *s, const char *name)
{
	struct variable key = {.name = str_of(name)};
	const struct variable *v = s->n_vars != 0 ? bsearch(&key, s->vars, s->n_vars, sizeof(key), compare_variables) : NULL;

	return v != NULL ? v->value : (struct str){NULL, 0};
}

/* Version and name: "version A -> B" says it all where the name differs only so. */
static void
compare_names(struct compare *c)
{
	struct str old = closure_name(c->base.g, c->base.node), new = closure_name(c->head.g, c->head.node);
	struct str old_stem, new_stem, old_version, new_version;
	struct str old_var = variable(&c->base, "version"), new_var = variable(&c->head, "version");

	drv_split_name(old, &old_stem, &old_version);
	drv_split_name(new, &new_stem, &new_version);
	if (old_var.n != 0 && new_var.n != 0) {
		if (!str_eq(old_var, new_var))
			item_change(c, "version", old_var, new_var);
	} else if (str_eq(old_stem, new_stem) && !str_eq(old_version, new_version))
		item_change(c, "version", old_version, new_version);
	if (!str_eq(old_stem, new_stem))
		item_change(c, "name", old, new);
}

/* 0: said elsewhere; 1: what the package is made from, named first; 2: the rest. */
static int
variable_rank(struct str name)
{
	static const char *const elsewhere[] = {"version", "name", "pname", "system", "builder", "args", "out"};
	static const char *const first[] = {"src", "srcs", "patches"};

	for (size_t i = 0; i < COUNT(elsewhere); i++)
		if (str_is(name, elsewhere[i]))
			return 0;
	for (size_t i = 0; i < COUNT(first); i++)
		if (str_is(name, first[i]))
			return 1;
	return 2;
}

static void
compare_variable(struct compare *c, struct str name, struct str old, struct str new, int rank)
{
	if (variable_rank(name) != rank || (old.p != NULL && new.p != NULL &&same_text(c, old, new)))
		return;
	/* A variable that is there on one side only, and empty but for unpaired inputs, says nothing of its own. */
	if ((old.p == NULL || new.p == NULL) && c->unpaired &&
	    same_text(c, old.p != NULL ? old : STR(""), new.p != NULL ? new : STR("")))
		return;
	item(c, rank == 1 ? "" : "env ", name, old, new);
}

static void
compare_all_variables(struct compare *c, int rank)
{
	const struct drv_side *base = &c->base, *head = &c->head;
	struct str none = {NULL, 0};

	for (size_t b = 0, h = 0; b < base->n_vars || h < head->n_vars;) {
		int order = b == base->n_vars ? 1 : h == head->n_vars ? -1 : str_cmp(base->vars[b].name, head->vars[h].name);
		struct str name = order <= 0 ? base->vars[b].name : head->vars[h].name;
		compare_variable(c, name, order <= 0 ? base->vars[b].value : none, order >= 0 ? head->vars[h].value : none,
		    rank);
		b += order <= 0;
		h += order >= 0;
	}
}

static struct str
join_strings(struct compare *c, const struct str *p, size_t n)
{
	struct buf b;

	buf_init(&b, DRV_MAX_BYTES);
	for (size_t i = 0; i < n; i++) {
		if (i != 0)
			buf_putc(&b, '\n');
		buf_str(&b, p[i]);
	}
	struct str s = {arena_strn(c->a, b.p, b.n), b.n};
	buf_release(&b);
	return s;
}

static void
compare_builder(struct compare *c)
{
	const struct drv *b = &c->base.d, *h = &c->head.d;

	if (!str_eq(b->system, h->system))
		item_change(c, "system", b->system, h->system);
	if (!same_text(c, b->builder, h->builder))
		item(c, "builder", STR(""), b->builder, h->builder);
	struct str old = join_strings(c, b->args, b->n_args), new = join_strings(c, h->args, h->n_args);
	if (b->n_args != h->n_args || !same_text(c, old, new))
		item(c, "args", STR(""), old, new);
}

/* Names and kinds of the outputs; the hash of a fixed one is a variable (outputHash) already. */
static struct str
outputs_text(struct compare *c, const struct drv *d)
{
	struct buf b;

	buf_init(&b, DRV_MAX_BYTES);
	for (size_t i = 0; i < d->n_outputs; i++) {
		buf_str(&b, d->outputs[i].name);
		buf_putc(&b, ' ');
		buf_str(&b, d->outputs[i].hash_algo);
		buf_puts(&b, d->outputs[i].hash.n != 0 ? " fixed\n" : d->outputs[i].path.n == 0 ? " floating\n" : "\n");
	}
	struct str s = {arena_strn(c->a, b.p, b.n), b.n};
	buf_release(&b);
	return s;
}

static void
compare_inputs(struct compare *c)
{
	const struct closure *g = c->base.g;
	struct str none = {NULL, 0};

	for (size_t h = 0; h < c->head.n_in; h++) {
		struct str name = closure_name(g, c->head.in[h]);
		if (c->head.pair[h] < 0)
			item(c, "input added: ", name, none, name);
		else if (c->base.in[c->head.pair[h]] != c->head.in[h]) {
			struct compare_pair pair = {c->base.in[c->head.pair[h]], c->head.in[h]};
			vec_push(&c->pairs, pair);
		}
	}
	for (size_t b = 0; b < c->base.n_in; b++)
		if (c->base.pair[b] < 0)
			item(c, "input gone: ", closure_name(g, c->base.in[b]), closure_name(g, c->base.in[b]), none);
}

static int
compare_strs(const void *a, const void *b)
{
	return str_cmp(*(const struct str *)a, *(const struct str *)b);
}

/* Content that no text names: sources, fixed outputs of inputs, other outputs of the same inputs. */
static void
compare_unnamed(struct compare *c)
{
	const struct drv *b = &c->base.d, *h = &c->head.d;
	struct str old, new;

	if (c->items.n != 0)
		return;
	for (size_t i = 0; i < c->pairs.n; i++) {
		struct compare_pair p = c->pairs.p[i];
		bool content = (c->base.g->flags.p[p.head] | c->base.g->flags.p[p.base]) & CLOSURE_FIXED;
		if (content && !compare_same_outputs(c->base.g, p.base, p.head))
			item(c, "source ", closure_name(c->base.g, p.head), closure_name(c->base.g, p.base),
			    closure_name(c->base.g, p.head));
	}
	struct str *mine = arena_dup(c->a, b->sources, b->n_sources * sizeof(*mine));
	struct str *theirs = arena_dup(c->a, h->sources, h->n_sources * sizeof(*theirs));
	qsort(mine, b->n_sources, sizeof(*mine), compare_strs);
	qsort(theirs, h->n_sources, sizeof(*theirs), compare_strs);
	old = join_strings(c, mine, b->n_sources);
	new = join_strings(c, theirs, h->n_sources);
	if (!str_eq(old, new))
		item(c, "sources", STR(""), old, new);
	for (size_t i = 0; i < c->head.n_in && c->items.n < COMPARE_MAX_WHAT; i++) {
		if (c->head.pair[i] < 0)
			continue;
		const struct drv_input *theirs_in = &h->inputs[i], *mine_in = &b->inputs[c->head.pair[i]];
		old = join_strings(c, mine_in->outputs, mine_in->n_outputs);
		new = join_strings(c, theirs_in->outputs, theirs_in->n_outputs);
		if (!str_eq(old, new))
			item(c, "other outputs of ", closure_name(c->base.g, c->head.in[i]), old, new);
	}
}

static void
compare_sides(struct compare *c, const uint32_t *twin)
{
	pairing_find(c->a, &c->base, &c->head, twin);
	for (size_t i = 0; i < c->base.n_in; i++)
		c->unpaired = c->unpaired || c->base.pair[i] < 0;
	for (size_t i = 0; i < c->head.n_in; i++)
		c->unpaired = c->unpaired || c->head.pair[i] < 0;
	compare_names(c);
	compare_all_variables(c, 1);
	compare_builder(c);
	struct str old = outputs_text(c, &c->base.d), new = outputs_text(c, &c->head.d);
	if (!str_eq(old, new))
		item(c, "outputs", STR(""), old, new);
	compare_inputs(c);
	compare_all_variables(c, 2);
	compare_unnamed(c);
}

int
compare_nodes(struct arena *a, const struct closure *g, int dir_fd, uint32_t base, uint32_t head, const uint32_t *twin,
    struct comparison *ret, struct err *e)
{
	struct compare c = {.a = a};
	int rc = side_read(a, g, dir_fd, base, &c.base, e);

	buf_init(&c.old, SIZE_MAX / 4);
	buf_init(&c.new, SIZE_MAX / 4);
	if (rc == 0)
		rc = side_read(a, g, dir_fd, head, &c.head, e);
	if (rc == 0) {
		compare_sides(&c, twin);
		ret->items = arena_dup(a, c.items.p, c.items.n * sizeof(*c.items.p));
		ret->n_items = c.items.n;
		ret->pairs = arena_dup(a, c.pairs.p, c.pairs.n * sizeof(*c.pairs.p));
		ret->n_pairs = c.pairs.n;
	}
	map_release(&c.base.refs);
	map_release(&c.head.refs);
	vec_release(&c.items);
	vec_release(&c.pairs);
	buf_release(&c.old);
	buf_release(&c.new);
	return rc;
}
