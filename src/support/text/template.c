/* Mustache: a template becomes a tree of nodes, and that is walked with the values. */
#include "support/text/template.h"

enum { MAX_DEPTH = 64 }; /* of sections and partials within each other; a partial may name itself */

enum node_kind { NODE_TEXT, NODE_VALUE, NODE_RAW, NODE_SECTION, NODE_UNLESS, NODE_PARTIAL };

struct template_node {
	enum node_kind kind;
	struct str s;                      /* the text, or the name of the value or partial */
	const struct template_node *inner; /* of a section */
	const struct partial *where;       /* of a partial: where its nodes are, or will be once it is read */
	const struct template_node *next;
};

/* Each partial is read once, even one that names itself. */
struct partial {
	const char *name;
	const struct template_node *nodes;
	struct partial *next;
};

struct parser {
	struct arena *a;
	template_loader *load;
	void *ctx;
	struct partial *partials;
};

/* A template as far as it was read. */
struct template_source {
	struct str all, rest;
};

struct tag {
	char kind; /* one of # ^ / > ! & {, or 0: a value */
	struct str name;
	struct str before; /* the text in front of it */
};

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

/* The tag from..end, as offsets in all, stands alone on its line. *line: where that begins, *next: where the next one does. */
static bool
stands_alone(struct str all, size_t from, size_t end, size_t *line, size_t *next)
{
	while (from > 0 && is_blank(all.p[from - 1]))
		from--;
	while (end < all.n && is_blank(all.p[end]))
		end++;
	if ((from > 0 && all.p[from - 1] != '\n') || (end < all.n && all.p[end] != '\n'))
		return false;
	*line = from;
	*next = end < all.n ? end + 1 : end;
	return true;
}

/* The next tag, with the text in front of it; 1 when there is none, and before is the rest. */
static int
next_tag(struct template_source *s, struct tag *t, struct err *e)
{
	ptrdiff_t at = str_find(s->rest, STR("{{")), n;
	size_t begin = s->all.n - s->rest.n, line, next;

	*t = (struct tag){.before = s->rest};
	if (at < 0)
		return 1;
	struct str inside = str_from(s->rest, (size_t)at + 2);
	bool braces = inside.n > 0 && inside.p[0] == '{';
	struct str end = braces ? STR("}}}") : STR("}}");
	if ((n = str_find(inside, end)) < 0)
		return fail(e, ERR_BUG, "template: a tag that does not end: " STR_FMT, STR_ARG(str_utf8_head(inside, 40)));
	t->before.n = (size_t)at;
	t->name = (struct str){inside.p, (size_t)n};
	s->rest = str_from(inside, (size_t)n + end.n);
	if (t->name.n > 0 && strchr("#^/>!&{", t->name.p[0]) != NULL) {
		t->kind = t->name.p[0];
		t->name = str_from(t->name, 1);
	}
	t->name = str_trim(t->name);
	bool shows = t->kind == 0 || t->kind == '&' || t->kind == '{';
	if (!shows && stands_alone(s->all, begin + (size_t)at, s->all.n - s->rest.n, &line, &next)) {
		t->before.n = line - begin;
		s->rest = str_from(s->all, next);
	}
	return 0;
}

static int parse(struct parser *p, struct template_source *s, struct str section, const struct template_node **ret,
    struct err *e);

static int
find_partial(struct parser *p, struct str name, const struct partial **ret, struct err *e)
{
	for (const struct partial *one = p->partials; one != NULL; one = one->next) {
		if (str_is(name, one->name)) {
			*ret = one;
			return 0;
		}
	}
	struct partial *new = arena_alloc(p->a, sizeof(*new));
	*new = (struct partial){.name = str_dup(p->a, name), .next = p->partials};
	struct str text = p->load(p->ctx, new->name);
	if (text.p == NULL)
		return fail(e, ERR_BUG, "template: no such partial: %s", new->name);
	p->partials = new;
	*ret = new;
	return parse(p, &(struct template_source){text, text}, (struct str){0}, &new->nodes, e);
}

/* Reads what belongs to a tag that is no end and no comment. */
static int
parse_tag(struct parser *p, struct template_source *s, const struct tag *t, struct template_node *node, struct err *e)
{
	node->s = t->name;
	switch (t->kind) {
	case '#':
	case '^': node->kind = t->kind == '#' ? NODE_SECTION : NODE_UNLESS; return parse(p, s, t->name, &node->inner, e);
	case '>': node->kind = NODE_PARTIAL; return find_partial(p, t->name, &node->where, e);
	default: node->kind = t->kind == 0 ? NODE_VALUE : NODE_RAW; return 0;
	}
}

static struct template_node *
append(struct parser *p, const struct template_node ***end)
{
	struct template_node *node = arena_alloc(p->a, sizeof(*node));

	**end = node;
	*end = &node->next;
	return node;
}

/* The nodes up to the end of the section of that name, or up to the end of the template where .p is NULL. */
static int
parse(struct parser *p, struct template_source *s, struct str section, const struct template_node **ret, struct err *e)
{
	const struct template_node **end = ret;
	struct tag t;
	int rc;

	while ((rc = next_tag(s, &t, e)) == 0) {
		if (t.before.n > 0)
			append(p, &end)->s = t.before;
		if (t.kind == '/' && section.p != NULL && str_eq(t.name, section))
			return 0;
		if (t.kind == '/')
			return fail(e, ERR_BUG, "template: %s ends where it has not begun", str_dup(p->a, t.name));
		if (t.kind != '!' && parse_tag(p, s, &t, append(p, &end), e) != 0)
			return -1;
	}
	if (rc < 0)
		return -1;
	if (section.p != NULL)
		return fail(e, ERR_BUG, "template: the section %s does not end", str_dup(p->a, section));
	append(p, &end)->s = t.before;
	return 0;
}

/* The value of a section and what is around it. */
struct scope {
	const struct value *is;
	const struct scope *outer;
	int depth;
};

static const struct value *
find_below(const struct value *v, struct str name)
{
	for (struct str part = str_cut(name, '.', &name); v != NULL; part = str_cut(name, '.', &name)) {
		v = v->kind == VALUE_GROUP ? values_find(v->group, part) : NULL;
		if (name.p == NULL)
			break;
	}
	return v;
}

static const struct value *
find(const struct scope *scope, struct str name)
{
	const struct value *v = NULL;

	if (str_is(name, "."))
		return scope->is;
	for (; scope != NULL && v == NULL; scope = scope->outer)
		v = find_below(scope->is, name);
	return v;
}

static bool
is_true(const struct value *v)
{
	switch (v != NULL ? v->kind : VALUE_FLAG) {
	case VALUE_FLAG: return v != NULL && v->flag;
	case VALUE_TEXT: return *v->text != '\0';
	case VALUE_LIST: return v->list->n > 0;
	case VALUE_NUMBER:
	case VALUE_GROUP: break;
	}
	return true;
}

struct renderer {
	enum escape kind;
	struct buf *out;
};

static void
show(const struct renderer *r, const struct value *v, bool raw)
{
	if (v == NULL)
		return;
	if (v->kind == VALUE_NUMBER)
		buf_printf(r->out, "%lld", (long long)v->number);
	else if (v->kind == VALUE_TEXT && raw)
		buf_puts(r->out, v->text);
	else if (v->kind == VALUE_TEXT)
		escape_add(r->out, r->kind, str_of(v->text));
}

static int render(const struct renderer *r, const struct template_node *nodes, const struct scope *scope, struct err *e);

static int
render_section(const struct renderer *r, const struct template_node *node, const struct value *v, const struct scope *scope,
    struct err *e)
{
	struct scope inner = {.is = v, .outer = scope, .depth = scope->depth + 1};

	if (v->kind != VALUE_LIST)
		return render(r, node->inner, &inner, e);
	for (inner.is = v->list->first; inner.is != NULL; inner.is = inner.is->next)
		if (render(r, node->inner, &inner, e) != 0)
			return -1;
	return 0;
}

static int
render_node(const struct renderer *r, const struct template_node *node, const struct scope *scope, struct err *e)
{
	const struct scope deeper = {.is = scope->is, .outer = scope->outer, .depth = scope->depth + 1};
	const struct value *v;

	switch (node->kind) {
	case NODE_TEXT: buf_str(r->out, node->s); break;
	case NODE_VALUE:
	case NODE_RAW: show(r, find(scope, node->s), node->kind == NODE_RAW); break;
	case NODE_SECTION: v = find(scope, node->s); return is_true(v) ? render_section(r, node, v, scope, e) : 0;
	case NODE_UNLESS: return is_true(find(scope, node->s)) ? 0 : render(r, node->inner, scope, e);
	case NODE_PARTIAL: return render(r, node->where->nodes, &deeper, e);
	}
	return 0;
}

static int
render(const struct renderer *r, const struct template_node *nodes, const struct scope *scope, struct err *e)
{
	if (scope->depth > MAX_DEPTH)
		return fail(e, ERR_BUG, "template: more than %d levels", MAX_DEPTH);
	for (; nodes != NULL && !r->out->over; nodes = nodes->next)
		if (render_node(r, nodes, scope, e) != 0)
			return -1;
	return 0;
}

struct str
template_find(const char *name)
{
	for (size_t i = 0; i < template_count; i++)
		if (strcmp(name, template_files[i].name) == 0)
			return template_files[i].text;
	return (struct str){0};
}

static struct str
load_file(void *ctx, const char *name)
{
	(void)ctx;
	return template_find(name);
}

int
template_render_text(struct str text, const struct values *data, enum escape kind, template_loader *load, void *ctx,
    struct buf *out, struct err *e)
{
	struct arena a = {0};
	struct parser p = {.a = &a, .load = load != NULL ? load : load_file, .ctx = ctx};
	const struct value root = {.kind = VALUE_GROUP, .group = (struct values *)(uintptr_t)data};
	const struct template_node *nodes = NULL;

	int rc = parse(&p, &(struct template_source){text, text}, (struct str){0}, &nodes, e);
	if (rc == 0)
		rc = render(&(struct renderer){kind, out}, nodes, &(struct scope){.is = &root}, e);
	arena_release(&a);
	if (rc == 0 && out->over)
		return fail(e, ERR_LIMIT, "a rendered template of more than %zu bytes", out->max);
	return rc;
}

int
template_render(const char *name, const struct values *data, struct buf *out, struct err *e)
{
	struct str source = template_find(name), n = str_of(name);
	enum escape kind = str_ends(n, STR(".html")) ? ESCAPE_HTML
	                   : str_ends(n, STR(".md")) ? ESCAPE_MARKDOWN
	                                             : ESCAPE_TERMINAL;

	if (source.p == NULL)
		return fail(e, ERR_BUG, "no such template: %s", name);
	if (template_render_text(source, data, kind, NULL, NULL, out, e) != 0)
		return fail_in(e, "%s", name);
	return 0;
}
