/* `ekaci explain A.drv B.drv`: what differs, inputs followed as far as they matter. */
#include "formats/rows.h"
#include "graph/compare.h"
#include "graph/graph.h"
#include "graph/options.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { SHOWN_LINES = 12, SHOWN_BYTES = 400 };

struct explained {
	uint32_t base, head;
	bool same_outputs;
	struct comparison cmp;
};

struct explain {
	struct arena a;
	struct closure g;
	int dir_fd;
	uint32_t *twin;
	VEC(struct explained) list; /* breadth first, from the two asked about */
};

static void
add_pair(struct explain *x, uint32_t base, uint32_t head)
{
	struct explained one = {.base = base, .head = head, .same_outputs = compare_same_outputs(&x->g, base, head)};

	x->twin[head] = base;
	vec_push(&x->list, one);
}

static int
explain(struct explain *x, const char *base, const char *head, struct err *e)
{
	uint32_t b, h;

	if (closure_root(&x->g, str_of(base), &b, e) != 0 || closure_root(&x->g, str_of(head), &h, e) != 0 ||
	    closure_load(&x->g, e) != 0)
		return -1;
	x->dir_fd = open(x->g.real_dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (x->dir_fd < 0)
		return fail_sys(e, "cannot open the store %s", x->g.real_dir);
	x->twin = arena_alloc(&x->a, x->g.loaded * sizeof(*x->twin));
	memset(x->twin, 0xff, x->g.loaded * sizeof(*x->twin));
	if (b == h)
		return 0;
	add_pair(x, b, h);
	for (size_t i = 0; i < x->list.n; i++) {
		struct comparison cmp;
		if (compare_nodes(&x->a, &x->g, x->dir_fd, x->list.p[i].base, x->list.p[i].head, x->twin, &cmp, e) != 0)
			return -1;
		x->list.p[i].cmp = cmp;
		/* What has the same outputs as before makes no difference above, so its inputs do not either. */
		for (size_t k = 0; k < cmp.n_pairs && !x->list.p[i].same_outputs; k++)
			if (x->twin[cmp.pairs[k].head] == NO_NODE)
				add_pair(x, cmp.pairs[k].base, cmp.pairs[k].head);
	}
	return 0;
}

/* Text from a derivation onto a terminal: nothing in it drives the terminal. */
static void
print_text(struct str s)
{
	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];
		if (c < 0x20 || c == 0x7f)
			printf("\\x%02x", c);
		else
			putchar(c);
	}
}

static void
print_lines(const char *mark, struct str s)
{
	struct str rest = s;

	for (int n = 0; rest.p != NULL && rest.n != 0; n++) {
		struct str line = str_cut(rest, '\n', &rest);
		printf("      %s ", mark);
		if (n == SHOWN_LINES) {
			puts("...");
			return;
		}
		print_text(str_utf8_head(line, SHOWN_BYTES));
		puts(line.n > SHOWN_BYTES ? "..." : "");
	}
}

/* Leaves away the lines that both texts begin and end with. */
static void
print_change(struct str old, struct str new)
{
	size_t head = 0, tail = 0, least = old.n < new.n ? old.n : new.n;

	for (size_t i = 0; i < least && old.p[i] == new.p[i]; i++)
		if (old.p[i] == '\n')
			head = i + 1;
	for (size_t i = 0; i < least - head && old.p[old.n - 1 - i] == new.p[new.n - 1 - i]; i++)
		if (old.p[old.n - 1 - i] == '\n')
			tail = i;
	print_lines("-", (struct str){old.p + head, old.n - head - tail});
	print_lines("+", (struct str){new.p + head, new.n - head - tail});
}

static void
print_one(const struct explain *x, const struct explained *one)
{
	struct str none = {"", 0};

	printf("%s\n%s\n", closure_path(&((struct explain *)x)->a, &x->g, one->base),
	    closure_path(&((struct explain *)x)->a, &x->g, one->head));
	for (size_t i = 0; i < one->cmp.n_items; i++) {
		const struct compare_item *it = &one->cmp.items[i];
		bool told = str_starts(it->what, STR("version ")) || str_starts(it->what, STR("name ")) ||
		            str_starts(it->what, STR("input ")) || str_starts(it->what, STR("system "));
		printf("    ");
		print_text(it->what);
		putchar('\n');
		if (!told)
			print_change(it->old.p != NULL ? it->old : none, it->new.p != NULL ? it->new : none);
	}
	for (size_t i = 0; i < one->cmp.n_pairs; i++) {
		struct compare_pair p = one->cmp.pairs[i];
		printf("    follows ");
		print_text(closure_name(&x->g, p.head));
		puts(compare_same_outputs(&x->g, p.base, p.head) ? " (its output stays)" : "");
	}
	if (one->same_outputs)
		puts("    the outputs stay the same: nothing is rebuilt for this");
	putchar('\n');
}

static void
write_text(struct str s, struct buf *b)
{
	if (s.p == NULL)
		buf_puts(b, "null");
	else
		rows_write_string(s, b);
}

static void
write_one(const struct explain *x, const struct explained *one, struct buf *b)
{
	buf_puts(b, "{\"base\":\"");
	closure_write_path(&x->g, one->base, b);
	buf_puts(b, "\",\"head\":\"");
	closure_write_path(&x->g, one->head, b);
	buf_printf(b, "\",\"kind\":\"%s\",\"same_outputs\":%s,\"differences\":[", one->cmp.n_items != 0 ? "root" : "follower",
	    one->same_outputs ? "true" : "false");
	for (size_t i = 0; i < one->cmp.n_items; i++) {
		buf_puts(b, i != 0 ? ",{\"what\":" : "{\"what\":");
		write_text(one->cmp.items[i].what, b);
		buf_puts(b, ",\"base\":");
		write_text(one->cmp.items[i].old, b);
		buf_puts(b, ",\"head\":");
		write_text(one->cmp.items[i].new, b);
		buf_putc(b, '}');
	}
	buf_puts(b, "],\"inputs\":[");
	for (size_t i = 0; i < one->cmp.n_pairs; i++) {
		buf_puts(b, i != 0 ? ",{\"base\":\"" : "{\"base\":\"");
		closure_write_path(&x->g, one->cmp.pairs[i].base, b);
		buf_puts(b, "\",\"head\":\"");
		closure_write_path(&x->g, one->cmp.pairs[i].head, b);
		buf_puts(b, "\"}");
	}
	buf_puts(b, "]}");
}

/* What it comes down to: the derivations that differ by themselves and make a difference. */
static void
print_roots(const struct explain *x)
{
	bool any = false;

	for (size_t i = 0; i < x->list.n; i++) {
		const struct explained *one = &x->list.p[i];
		bool content = x->g.flags.p[one->head] & CLOSURE_FIXED;
		/* A changed source is said by whoever is made from it. */
		if (one->cmp.n_items == 0 || one->same_outputs || (content && i != 0))
			continue;
		printf("because of ");
		print_text(closure_name(&x->g, one->head));
		printf(": ");
		for (size_t k = 0; k < one->cmp.n_items && k < COMPARE_MAX_WHAT; k++) {
			fputs(k != 0 ? ", " : "", stdout);
			print_text(one->cmp.items[k].what);
		}
		puts(one->cmp.n_items > COMPARE_MAX_WHAT ? ", ..." : "");
		any = true;
	}
	if (any)
		putchar('\n');
}

static void
print_all(const struct explain *x)
{
	if (x->list.n != 0)
		print_roots(x);
	for (size_t i = 0; i < x->list.n; i++)
		print_one(x, &x->list.p[i]);
	if (x->list.n == 0)
		puts("the same derivation");
}

static void
write_all(const struct explain *x, struct buf *b)
{
	buf_putc(b, '[');
	for (size_t i = 0; i < x->list.n; i++) {
		buf_puts(b, i != 0 ? ",\n" : "\n");
		write_one(x, &x->list.p[i], b);
	}
	buf_putc(b, ']');
}

static int
explain_in(const struct graph_options *o, const char *base, const char *head, struct buf *json, bool *ret_differs,
    struct err *e)
{
	struct explain x = {.dir_fd = -1};

	closure_init(&x.g, o->store_dir, o->real_dir);
	int rc = explain(&x, base, head, e);
	if (rc == 0 && json != NULL)
		write_all(&x, json);
	else if (rc == 0)
		print_all(&x);
	*ret_differs = x.list.n != 0;
	closure_release(&x.g);
	fd_close(&x.dir_fd);
	vec_release(&x.list);
	arena_release(&x.a);
	return rc;
}

int
graph_explain(const char *base, const char *head, struct buf *json, bool *ret_differs, struct err *e)
{
	struct graph_options o = {.store_dir = "/nix/store"};

	return explain_in(&o, base, head, json, ret_differs, e);
}

int
graph_command_explain(int argc, char **argv)
{
	AUTO(buf_release) struct buf json = {0};
	struct arena a = {0};
	struct graph_options o;
	struct err e = {0};
	bool differs;
	int rc = 2;

	buf_init(&json, SIZE_MAX / 4);
	if (graph_read_options(&a, argc, argv, &o) != 0 || o.n != 2)
		fputs("ekaci explain: a derivation is explained beside another one: A.drv B.drv\nsee ekaci explain --help\n",
		    stderr);
	else if (explain_in(&o, o.drvs[0], o.drvs[1], o.json ? &json : NULL, &differs, &e) != 0)
		fprintf(stderr, "ekaci explain: %s\n", e.msg);
	else {
		if (o.json)
			printf("{\"derivations\":%s}\n", json.p);
		rc = differs;
	}
	arena_release(&a);
	return rc;
}
