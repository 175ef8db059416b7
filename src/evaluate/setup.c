/* What a worker of the built-in evaluator is told first: the walker and its arguments, as Nix text. */
#include "evaluate/setup.h"

#include "evaluate/walker.h"
#include "support/os/child.h"
#include "support/text/json.h"

#include <ctype.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MAX_EXPR = 100 * 1024 /* what one argument of a program can be, and a little less */ };

static bool
is_plain(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] < 0x20 || s.p[i] > 0x7e)
			return false;
	return true;
}

int
walk_nix_string(struct str s, struct buf *out, struct err *e)
{
	if (is_plain(s)) {
		buf_putc(out, '"');
		for (size_t i = 0; i < s.n; i++) {
			if (s.p[i] == '"' || s.p[i] == '\\' || s.p[i] == '$')
				buf_putc(out, '\\');
			buf_putc(out, s.p[i]);
		}
		buf_putc(out, '"');
		return 0;
	}
	if (!str_utf8_ok(s))
		return fail(e, ERR_INPUT, "text that is not UTF-8 cannot be handed to nix");
	/* JSON inside a Nix string: \uXXXX is the one escape for letters that Nix has. */
	AUTO(json_drop) json_t *value = json_stringn(s.p, s.n);
	char *json = json_dumps(value, JSON_ENCODE_ANY | JSON_ENSURE_ASCII);
	buf_puts(out, "(builtins.fromJSON ");
	int rc = json != NULL ? walk_nix_string(str_of(json), out, e) : fail(e, ERR_BUG, "text that JSON refuses");
	buf_puts(out, ")");
	free(json);
	return rc;
}

/* An expression that is not whole (an open quote) would swallow all the repl is told later: nix parses it first. */
static int
check_syntax(const char *text, struct err *e)
{
	const char *argv[] = {"nix-instantiate", "--parse", "--expr", text, NULL};
	AUTO(buf_release) struct buf out = {0};

	buf_init(&out, 16 * MAX_EXPR);
	return child_output(argv, &out, e);
}

int
walk_nix_expr(const char *text, struct buf *out, struct err *e)
{
	struct str s = str_of(text);

	if (s.n > MAX_EXPR)
		return fail(e, ERR_LIMIT, "an expression of more than %d bytes", MAX_EXPR);
	if (check_syntax(text, e) != 0)
		return -1;
	if (is_plain(s)) {
		/* A comment at its end must not swallow what follows. */
		buf_printf(out, "(%s\n)", text);
		return 0;
	}
	buf_puts(out, "(import (builtins.toFile \"expression.nix\" ");
	if (walk_nix_string(s, out, e) != 0)
		return -1;
	buf_puts(out, "))");
	return 0;
}

static void
add_url(struct buf *out, const char *p)
{
	for (; *p != '\0'; p++) {
		if (isalnum((unsigned char)*p) || strchr("-._~/:", *p) != NULL)
			buf_putc(out, *p);
		else
			buf_printf(out, "%%%02X", (unsigned char)*p);
	}
}

/* Text of walker.h: the repl reads a line at a time. */
static void
add_on_one_line(const char *text, struct buf *out)
{
	for (; *text != '\0'; text++)
		buf_putc(out, *text == '\n' ? ' ' : *text);
}

/* The folder that a reference names on this machine, in a, or NULL. */
static const char *
local_flake(struct arena *a, struct str ref)
{
	char full[PATH_MAX];
	struct stat st;

	if (str_starts(ref, STR("path:")) && str_find(ref, STR("?")) < 0)
		ref = str_from(ref, 5);
	const char *path = ref.n == 0 ? "." : str_dup(a, ref);
	return stat(path, &st) == 0 && realpath(path, full) != NULL ? arena_strdup(a, full) : NULL;
}

static int
hash_of(struct arena *a, const char *path, struct str *ret, struct err *e)
{
	const char *argv[] = {"nix", "--extra-experimental-features", "nix-command", "hash", "path", path, NULL};
	AUTO(buf_release) struct buf hash = {0};

	buf_init(&hash, 4096);
	if (child_output(argv, &hash, e) != 0)
		return -1;
	*ret = str_of(str_dup(a, str_trim(buf_get(&hash))));
	return 0;
}

/* As Nix text, what getFlake wants, and fetchTree too if tree is not NULL. A flake on this machine, named by a path, is
 * read as path:, and for pure evaluation locked by its hash; any other reference is Nix' own business. */
static int
flake_ref(struct str ref, bool pure, struct buf *flake, struct buf *tree, struct err *e)
{
	AUTO(buf_release) struct buf url = {0};
	struct arena a = {0};
	struct str hash = {0};
	const char *path = local_flake(&a, ref);
	int rc = path != NULL && pure ? hash_of(&a, path, &hash, e) : 0;

	buf_init(&url, MAX_EXPR);
	if (path == NULL) {
		buf_str(&url, ref);
	} else {
		buf_puts(&url, "path:");
		add_url(&url, path);
	}
	if (hash.n > 0) {
		buf_puts(&url, "?narHash=");
		add_url(&url, hash.p);
	}
	if (rc == 0)
		rc = walk_nix_string(buf_get(&url), flake, e);
	if (rc == 0 && tree != NULL && path == NULL)
		rc = walk_nix_string(buf_get(&url), tree, e);
	if (rc == 0 && tree != NULL && path != NULL) {
		/* Restricted evaluation, as with Nix 2.8, refuses the same as an URL. */
		buf_puts(tree, "{ type = \"path\"; path = ");
		rc = walk_nix_string(str_of(path), tree, e);
		buf_printf(tree, hash.n > 0 ? "; narHash = \"%s\"; }" : "; }", hash.p);
	}
	arena_release(&a);
	return rc;
}

/* The fragment of a flake reference, a.b."c.d", as .${"a"}.${"b"}... */
static int
add_selection(struct str path, struct buf *out, struct err *e)
{
	AUTO(buf_release) struct buf part = {0};
	bool quoted = false;

	buf_init(&part, MAX_EXPR);
	for (size_t i = 0; path.n > 0 && i <= path.n; i++) {
		if (i == path.n || (!quoted && path.p[i] == '.')) {
			buf_puts(out, ".${");
			if (walk_nix_string(buf_get(&part), out, e) != 0)
				return -1;
			buf_puts(out, "}");
			buf_drop(&part, part.n);
		} else if (path.p[i] == '"') {
			quoted = !quoted;
		} else {
			buf_putc(&part, path.p[i]);
		}
	}
	return quoted ? fail(e, ERR_INPUT, "a quote in the flake's attribute path is not closed") : 0;
}

static int
add_flake(const struct eval_jobs *o, struct str ref, struct buf *out, struct err *e)
{
	buf_puts(out, "(builtins.getFlake ");
	int rc = flake_ref(ref, !o->impure, out, NULL, e);
	buf_putc(out, ')');
	return rc;
}

/* The path of an input, a/b, as the JSON of a list. */
static int
add_input_path(const char *input, struct buf *out, struct err *e)
{
	AUTO(json_drop) json_t *path = json_array();
	AUTO(buf_release) struct buf text = {0};
	struct str rest = str_of(input);

	buf_init(&text, MAX_EXPR);
	while (rest.p != NULL)
		json_array_append_new(path, json_any_string(str_cut(rest, '/', &rest)));
	json_write(path, &text);
	return walk_nix_string(buf_get(&text), out, e);
}

static int
add_overridden(const struct eval_jobs *o, struct str ref, struct buf *out, struct err *e)
{
	buf_puts(out, "((");
	add_on_one_line(overrides_text, out);
	buf_puts(out, ") { flake = ");
	if (add_flake(o, ref, out, e) != 0)
		return -1;
	buf_puts(out, "; override = { ");
	for (size_t i = 0; i < o->n_overrides; i++) {
		buf_puts(out, "${");
		if (add_input_path(o->overrides[i].input, out, e) != 0)
			return -1;
		AUTO(buf_release) struct buf tree = {0};
		buf_init(&tree, MAX_EXPR);
		buf_puts(out, "} = { flake = ");
		if (flake_ref(str_of(o->overrides[i].ref), !o->impure, out, &tree, e) != 0)
			return -1;
		buf_puts(out, "; tree = ");
		buf_str(out, buf_get(&tree));
		buf_puts(out, "; }; ");
	}
	buf_puts(out, "}; })");
	return 0;
}

static int
add_root(const struct eval_jobs *o, struct buf *out, struct err *e)
{
	AUTO(buf_release) struct buf text = {0};
	struct str what = str_of(o->what), attr;
	char full[PATH_MAX];

	buf_init(&text, MAX_EXPR);
	switch (o->source) {
	case EVAL_EXPR:
		return walk_nix_expr(o->what, out, e);
	case EVAL_FILE:
		if (o->what[0] == '<' && o->what[what.n - 1] == '>') {
			buf_printf(&text, "import %s", o->what);
			return walk_nix_expr(text.p, out, e);
		}
		if (realpath(o->what, full) == NULL)
			return fail_sys(e, "%s", o->what);
		buf_puts(out, "(import ");
		if (walk_nix_string(str_of(full), out, e) != 0)
			return -1;
		buf_puts(out, ")");
		return 0;
	case EVAL_FLAKE:
		what = str_cut(what, '#', &attr);
		if ((o->n_overrides > 0 ? add_overridden(o, what, out, e) : add_flake(o, what, out, e)) != 0)
			return -1;
		return add_selection(attr, out, e);
	}
	return fail(e, ERR_BUG, "no such source");
}

static int
add_args(const struct eval_jobs *o, struct buf *out, struct err *e)
{
	for (size_t i = 0; i < o->n_args; i++) {
		const struct eval_arg *arg = &o->args[i];
		buf_puts(out, "${");
		if (walk_nix_string(str_of(arg->name), out, e) != 0)
			return -1;
		buf_puts(out, "} = ");
		if ((arg->is_expr ? walk_nix_expr(arg->value, out, e)
		                  : walk_nix_string(str_of(arg->value), out, e)) != 0)
			return -1;
		buf_puts(out, "; ");
	}
	return 0;
}

int
setup_text(const struct eval_jobs *o, const char *mark, struct buf *out, struct err *e)
{
	AUTO(buf_release) struct buf root = {0};

	buf_init(&root, 4 * MAX_EXPR);
	if (add_root(o, &root, e) != 0)
		return -1;
	/* Where errors come with a trace, and that with lines of code, in a file, by itself: this line would be a long one, and
	 * shown for each step. Nix 2.8 has no such traces, and may not read such a file when it is restricted. */
	buf_puts(out, "walker = if builtins ? convertHash then import (builtins.toFile \"" WALKER_FILE "\" ");
	if (walk_nix_string(str_of(walker_text), out, e) != 0)
		return -1;
	buf_puts(out, ") else (");
	add_on_one_line(walker_text, out);
	buf_puts(out, ")\n");
	/* In two parts: an error may show this line, and that must not look like an answer. */
	buf_printf(out, "ekaci = walker { mark = \"%.8s\" + \"%s\"; force = %s; meta = %s; constituents = %s; depth = %lld; apply = ", mark, mark + 8, o->force_recurse ? "true" : "false",
	    o->meta ? "true" : "false", o->constituents ? "true" : "false", (long long)o->max_depth);
	if (o->apply == NULL)
		buf_puts(out, "null");
	else if (walk_nix_expr(o->apply, out, e) != 0)
		return -1;
	buf_puts(out, "; args = { ");
	if (add_args(o, out, e) != 0)
		return -1;
	buf_puts(out, "}; root = ");
	if (o->select != NULL) {
		if (walk_nix_expr(o->select, out, e) != 0)
			return -1;
		buf_putc(out, ' ');
	}
	buf_str(out, buf_get(&root));
	buf_puts(out, "; }\n");
	return out->over || root.over ? fail(e, ERR_LIMIT, "the expressions on the command line are too long") : 0;
}

const char *
setup_preload(struct arena *a)
{
	static const char *const places[] = {"nixlines.so", "../lib/ekaci/nixlines.so"};
	const char *nix = child_find(a, "nix");
	char real[PATH_MAX], self[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);

	if (nix == NULL || realpath(nix, real) == NULL || !str_starts(str_of(real), STR("/usr/")) || n <= 0)
		return NULL;
	self[n] = '\0';
	*strrchr(self, '/') = '\0';
	for (size_t i = 0; i < COUNT(places); i++)
		if (realpath(arena_printf(a, "%s/%s", self, places[i]), real) != NULL)
			return arena_strdup(a, real);
	return NULL;
}
