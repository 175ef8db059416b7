/* What a worker of the built-in evaluator is told first: the walker and its arguments, as Nix text. */
#include "evaluate/builtin/preamble.h"

#include "evaluate/builtin/walker.h"
#include "evaluate/flake.h"
#include "nix/quote.h"
#include "nix/saying.h"
#include "support/os/child.h"
#include "support/os/files.h"
#include "support/text/json.h"

#include <ctype.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
	MAX_EXPR = 100 * 1024, /* what one argument of a program can be, and a little less */
	MAX_LOCK = 8 * 1024 * 1024,
	PREAMBLE_BYTES = 16 * 1024 * 1024
};

/* An expression that is not whole (an open quote) would swallow all the repl is told later: nix parses it first, with
 * the settings it is to be evaluated with. */
static int
check_syntax(const struct eval_jobs *o, const char *text, struct err *e)
{
	AUTO(mem_free) const char **argv = mem_alloc((o->n_nix + 5) * sizeof(*argv));
	AUTO(buf_release) struct buf out = {0};
	size_t n = 0;

	argv[n++] = "nix-instantiate";
	argv[n++] = "--parse";
	for (size_t i = 0; i + 2 < o->n_nix; i++)
		if (strcmp(o->nix[i], "--option") == 0)
			for (size_t last = i + 2; i <= last; i++)
				argv[n++] = o->nix[i];
	argv[n++] = "--expr";
	argv[n++] = text;
	argv[n] = NULL;
	buf_init(&out, 16 * MAX_EXPR);
	return child_output(argv, &out, e);
}

/* What somebody wrote, in parentheses. One line without a comment goes as it is; any other by the way that this Nix has for
 * texts of several lines. Before 2.26 its repl takes a line that is not whole for the first of several. */
static int
add_expr(const struct eval_jobs *o, struct preamble *s, const char *text, struct err *e)
{
	struct str all = str_of(text);

	if (all.n > MAX_EXPR)
		return fail(e, ERR_LIMIT, "an expression of more than %d bytes", MAX_EXPR);
	if (check_syntax(o, text, e) != 0)
		return -1;
	if (nix_is_plain(all, false) && memchr(text, '#', all.n) == NULL) {
		buf_printf(&s->line, "(%s)", text);
	} else if (nix_repl_takes_texts(&s->nix)) {
		buf_printf(&s->line, "ekaciText%zu", s->n_texts);
		buf_printf(&s->texts, "ekaciText%zu = (%s\n); ", s->n_texts++, text);
	} else if (nix_is_plain(all, true)) {
		buf_printf(&s->line, "(%s\n)", text);
	} else {
		buf_puts(&s->line, "(import (builtins.toFile \"expression.nix\" ");
		if (nix_quote(all, &s->line, e) != 0)
			return -1;
		buf_puts(&s->line, "))");
	}
	return 0;
}

/* A text of ours. Where errors come with a trace, and that with lines of code, it lies in a file of the store, by itself:
 * the repl's line would be a long one, and shown for each step. An older Nix has no such traces, and may not read such a file
 * when it is restricted; its repl reads a line at a time. */
static int
add_text(struct preamble *s, const char *file, const char *text, struct err *e)
{
	buf_putc(&s->line, '(');
	if (nix_shows_traces(&s->nix)) {
		buf_printf(&s->line, "import (builtins.toFile \"%s\" ", file);
		if (nix_quote(str_of(text), &s->line, e) != 0)
			return -1;
		buf_putc(&s->line, ')');
	} else {
		for (; *text != '\0'; text++)
			buf_putc(&s->line, *text == '\n' ? ' ' : *text);
	}
	buf_putc(&s->line, ')');
	return 0;
}

static int
hex_digit(char c)
{
	return isdigit((unsigned char)c) ? c - '0' : isxdigit((unsigned char)c) ? tolower((unsigned char)c) - 'a' + 10 : -1;
}

/* --- flakes -------------------------------------------------------------------------------------------------------- */

/* A flake on this machine, named by a path. */
struct local_flake {
	struct flake_tree tree;
	struct flake_self self; /* rev NULL: nobody says whose it is */
	const char *dir;        /* below the tree; "" */
	const char *folder;     /* where it can be read */
};

/* What the query of a path: reference says; what it does not know is left alone. */
static int
read_query(struct arena *a, struct str query, struct local_flake *f, struct err *e)
{
	f->self.rev_count = f->self.last_modified = -1;
	while (query.n > 0) {
		struct str value, name = str_cut(str_cut(query, '&', &query), '=', &value);
		AUTO(buf_release) struct buf text = {0};
		buf_init(&text, MAX_EXPR);
		for (size_t i = 0; i < value.n; i++) {
			int hi = i + 2 < value.n ? hex_digit(value.p[i + 1]) : -1,
			    lo = i + 2 < value.n ? hex_digit(value.p[i + 2]) : -1;
			bool escaped = value.p[i] == '%' && hi >= 0 && lo >= 0;
			buf_putc(&text, escaped ? (char)(hi * 16 + lo) : value.p[i]);
			i += escaped ? 2 : 0;
		}
		const char *copy = arena_strn(a, text.p, text.n);
		if (str_is(name, "narHash"))
			f->tree.hash = copy;
		else if (str_is(name, "dir"))
			f->dir = copy;
		else if (str_is(name, "rev"))
			f->self.rev = copy;
		else if ((str_is(name, "revCount") && str_to_i64(str_of(copy), &f->self.rev_count) != 0) ||
		         (str_is(name, "lastModified") && str_to_i64(str_of(copy), &f->self.last_modified) != 0))
			return fail(e, ERR_INPUT, "the flake reference has no number where %s should be", copy);
	}
	return 0;
}

/* 1: ref names nothing on this machine. */
static int
find_local(struct arena *a, struct str ref, struct local_flake *f, struct err *e)
{
	char full[PATH_MAX];
	struct stat st;
	struct str query;

	*f = (struct local_flake){.dir = ""};
	if (str_starts(ref, STR("path:")))
		ref = str_from(ref, 5);
	const char *path = str_dup(a, str_cut(ref, '?', &query));
	if (path[0] == '\0')
		path = ".";
	if (stat(path, &st) != 0 || realpath(path, full) == NULL)
		return 1;
	if (read_query(a, query, f, e) != 0)
		return -1;
	f->tree.path = arena_strdup(a, full);
	if (f->tree.hash == NULL) {
		const struct flake_self self = f->self;
		if (flake_store(a, full, &f->tree, e) != 0)
			return -1;
		if (self.last_modified < 0)
			f->self.last_modified = f->tree.last_modified;
	}
	f->folder = f->dir[0] != '\0' ? arena_printf(a, "%s/%s", f->tree.path, f->dir) : f->tree.path;
	return 0;
}

/* NULL: flake.h's default, the newest file's time. */
static const struct flake_self *
self_of(const struct local_flake *f)
{
	return f->self.rev != NULL ? &f->self : NULL;
}

static const char *
ref_of(struct arena *a, const struct local_flake *f)
{
	struct flake_tree tree = f->tree;

	if (f->self.last_modified >= 0)
		tree.last_modified = f->self.last_modified;
	return flake_ref(a, &tree, f->dir, self_of(f));
}

static int
read_in(struct arena *a, const struct local_flake *f, const char *name, struct str *ret)
{
	struct err absent;

	*ret = STR("");
	return files_read(a, arena_printf(a, "%s/%s", f->folder, name), MAX_LOCK, ret, &absent);
}

/* What getFlake wants. */
static int
add_reference(struct arena *a, struct str ref, struct buf *out, struct err *e)
{
	struct local_flake f;
	int rc = find_local(a, ref, &f, e);

	if (rc < 0)
		return -1;
	return nix_quote(rc == 0 ? str_of(ref_of(a, &f)) : ref, out, e);
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
	return nix_quote(buf_get(&text), out, e);
}

static int
add_override(struct arena *a, const struct eval_override *o, struct buf *out, struct err *e)
{
	struct local_flake f;
	int rc = find_local(a, str_of(o->ref), &f, e);

	buf_puts(out, "${");
	if (rc < 0 || add_input_path(o->input, out, e) != 0)
		return -1;
	buf_puts(out, "} = { flake = ");
	if (nix_quote(str_of(rc == 0 ? ref_of(a, &f) : o->ref), out, e) != 0)
		return -1;
	buf_puts(out, "; tree = ");
	if (rc == 0)
		flake_fetch_tree(&f.tree, self_of(&f), out);
	else if (nix_quote(str_of(o->ref), out, e) != 0)
		return -1;
	buf_puts(out, "; }; ");
	return 0;
}

/* The locks that Nix makes of a flake that has inputs and no lock file; nothing is written. */
static int
make_locks(struct arena *a, const struct local_flake *f, struct buf *out, struct err *e)
{
	AUTO(buf_release) struct buf said = {0};
	AUTO(json_drop) json_t *all = NULL;
	const char *argv[] = {"nix", "--extra-experimental-features", "nix-command flakes", "flake", "metadata", "--json",
	    "--no-write-lock-file", "--option", "accept-flake-config", "false",
	    f->dir[0] != '\0' ? arena_printf(a, "path:%s", f->folder) : ref_of(a, f), NULL};

	buf_init(&said, MAX_LOCK);
	if (child_output(argv, &said, e) != 0)
		return fail_in(e, "the flake has inputs and no lock file, and nix cannot lock them");
	if (json_read(buf_get(&said), "nix flake metadata", &all, e) != 0)
		return -1;
	AUTO(buf_release) struct buf text = {0};
	buf_init(&text, MAX_LOCK);
	json_write(json_object_get(all, "locks"), &text);
	buf_puts(out, "builtins.fromJSON ");
	return nix_quote(buf_get(&text), out, e);
}

/* Put together by us. unlocked: it has inputs and no lock file. */
static int
add_called(struct arena *a, const struct eval_jobs *o, const struct local_flake *f, bool unlocked, struct preamble *s,
    struct err *e)
{
	struct buf *out = &s->line;

	buf_putc(out, '(');
	if (add_text(s, FLAKE_FILE, flake_call_text, e) != 0)
		return -1;
	buf_puts(out, " { tree = ");
	flake_fetch_tree(&f->tree, self_of(f), out);
	buf_puts(out, "; dir = ");
	if (nix_quote(str_of(f->dir), out, e) != 0)
		return -1;
	buf_puts(out, "; lock = ");
	if (!unlocked)
		buf_puts(out, "null");
	else if (make_locks(a, f, out, e) != 0)
		return -1;
	buf_puts(out, "; override = { ");
	for (size_t i = 0; i < o->n_overrides; i++)
		if (add_override(a, &o->overrides[i], out, e) != 0)
			return -1;
	buf_puts(out, "}; })");
	return 0;
}

static int
add_flake(struct arena *a, const struct eval_jobs *o, struct str ref, struct preamble *s, struct err *e)
{
	struct local_flake f;
	struct str lock, text;
	int rc = find_local(a, ref, &f, e);

	if (rc < 0)
		return -1;
	if (rc > 0 && o->n_overrides > 0)
		return fail(e, ERR_INPUT, "--override-input is for a flake on this machine, named by its path");
	if (rc > 0) {
		buf_puts(&s->line, "(builtins.getFlake ");
		rc = add_reference(a, ref, &s->line, e);
		buf_putc(&s->line, ')');
		return rc;
	}
	(void)read_in(a, &f, "flake.lock", &lock);
	flake_lock_uris(lock, !o->only_locked, &s->uris);
	/* A flake without inputs needs no lock file. */
	bool unlocked =
	    lock.n == 0 && !o->impure && read_in(a, &f, "flake.nix", &text) == 0 && str_find(text, STR("inputs")) >= 0;
	bool folders = (f.dir[0] != '\0' || str_find(lock, STR("\"parent\"")) >= 0) && !nix_knows_folders_of_flakes(&s->nix);
	if (o->n_overrides > 0 || unlocked || folders)
		return add_called(a, o, &f, unlocked, s, e);
	buf_puts(&s->line, "(builtins.getFlake ");
	rc = nix_quote(str_of(ref_of(a, &f)), &s->line, e);
	buf_putc(&s->line, ')');
	return rc;
}

static int
add_systems(const char *systems, struct buf *out, struct err *e)
{
	struct str rest = str_of(systems != NULL ? systems : "");

	buf_puts(out, "[ ");
	while (rest.n > 0) {
		struct str one = str_cut(rest, ' ', &rest);
		if (one.n > 0 && nix_quote(one, out, e) != 0)
			return -1;
		buf_putc(out, ' ');
	}
	buf_puts(out, "]");
	return 0;
}

static int
add_flake_root(const struct eval_jobs *o, struct preamble *s, struct err *e)
{
	struct arena a = {0};
	struct str attr, ref = str_cut(str_of(o->what), '#', &attr);

	buf_putc(&s->line, '(');
	int rc = add_text(s, FLAKE_FILE, flake_schema_text, e);
	buf_puts(&s->line, " { flake = ");
	if (rc == 0)
		rc = add_flake(&a, o, ref, s, e);
	buf_puts(&s->line, "; path = ");
	if (rc == 0)
		rc = nix_quote_fragment(attr, &s->line, e);
	buf_puts(&s->line, "; systems = ");
	if (rc == 0)
		rc = add_systems(o->systems, &s->line, e);
	buf_printf(&s->line, "; absentOk = %s; })", o->absent_ok ? "true" : "false");
	arena_release(&a);
	return rc;
}

/* --- all of it ----------------------------------------------------------------------------------------------------- */

static int
add_root(const struct eval_jobs *o, struct preamble *s, struct err *e)
{
	AUTO(buf_release) struct buf text = {0};
	char full[PATH_MAX];

	buf_init(&text, MAX_EXPR);
	switch (o->source) {
	case EVAL_EXPR: return add_expr(o, s, o->what, e);
	case EVAL_FILE:
		if (o->what[0] == '<' && o->what[strlen(o->what) - 1] == '>') {
			buf_printf(&text, "import %s", o->what);
			return add_expr(o, s, text.p, e);
		}
		if (realpath(o->what, full) == NULL)
			return fail_sys(e, "%s", o->what);
		buf_puts(&s->line, "(import ");
		if (nix_quote(str_of(full), &s->line, e) != 0)
			return -1;
		buf_puts(&s->line, ")");
		return 0;
	case EVAL_FLAKE: return add_flake_root(o, s, e);
	}
	return fail(e, ERR_BUG, "no such source");
}

static int
add_args(const struct eval_jobs *o, struct preamble *s, struct err *e)
{
	for (size_t i = 0; i < o->n_args; i++) {
		const struct eval_arg *arg = &o->args[i];
		buf_puts(&s->line, "${");
		if (nix_quote(str_of(arg->name), &s->line, e) != 0)
			return -1;
		buf_puts(&s->line, "} = ");
		if ((arg->is_expr ? add_expr(o, s, arg->value, e) : nix_quote(str_of(arg->value), &s->line, e)) != 0)
			return -1;
		buf_puts(&s->line, "; ");
	}
	return 0;
}

static int
add_walker(const struct eval_jobs *o, const char *mark, struct preamble *s, struct err *e)
{
	buf_puts(&s->line, "walker = ");
	if (add_text(s, WALKER_FILE, walker_text, e) != 0)
		return -1;
	/* In two parts: an error may show this line, and that must not look like an answer. */
	buf_printf(&s->line,
	    "\nekaci = walker { mark = \"%.8s\" + \"%s\"; force = %s; meta = %s; constituents = %s; depth = %lld; apply = ",
	    mark, mark + 8, o->force_recurse ? "true" : "false", o->meta ? "true" : "false", o->constituents ? "true" : "false",
	    (long long)o->max_depth);
	if (o->apply == NULL)
		buf_puts(&s->line, "null");
	else if (add_expr(o, s, o->apply, e) != 0)
		return -1;
	buf_puts(&s->line, "; args = { ");
	if (add_args(o, s, e) != 0)
		return -1;
	buf_puts(&s->line, "}; root = ");
	if (o->select != NULL) {
		if (add_expr(o, s, o->select, e) != 0)
			return -1;
		buf_putc(&s->line, ' ');
	}
	if (add_root(o, s, e) != 0)
		return -1;
	buf_puts(&s->line, "; }\n");
	return 0;
}

int
preamble_make(const struct eval_jobs *o, const char *mark, struct preamble *s, struct err *e)
{
	*s = (struct preamble){0};
	buf_init(&s->line, PREAMBLE_BYTES);
	buf_init(&s->texts, MAX_EXPR);
	buf_init(&s->uris, MAX_EXPR);
	buf_puts(&s->texts, "{ ");
	if (nix_version_ask(&s->nix, e) != 0 || add_walker(o, mark, s, e) != 0)
		return -1;
	buf_puts(&s->texts, "}");
	return s->line.over || s->texts.over || s->uris.over
	           ? fail(e, ERR_LIMIT, "the expressions on the command line are too long")
	           : 0;
}

static const char *
option_among(const struct eval_jobs *o, const char *name)
{
	const char *value = "";

	for (size_t i = 0; i + 2 < o->n_nix; i++)
		if (strcmp(o->nix[i], "--option") == 0 && strcmp(o->nix[i + 1], name) == 0)
			value = o->nix[i + 2];
	return value;
}

size_t
preamble_command(struct arena *a, const struct eval_jobs *o, const struct preamble *s, const char **argv)
{
	bool pure = o->source == EVAL_FLAKE && !o->impure;
	size_t n = 0;

	argv[n++] = "nix";
	argv[n++] = "--extra-experimental-features";
	argv[n++] = "nix-command flakes";
	argv[n++] = "repl";
	for (size_t i = 0; i < o->n_nix; i++)
		argv[n++] = o->nix[i];
	if (o->source == EVAL_FLAKE) {
		argv[n++] = "--option";
		argv[n++] = "pure-eval";
		argv[n++] = pure ? "true" : "false";
		argv[n++] = "--option";
		argv[n++] = "accept-flake-config";
		argv[n++] = "false";
	}
	/* What comes nearest to pure evaluation where there is none. */
	if (pure && !nix_repl_is_pure(&s->nix)) {
		argv[n++] = "--option";
		argv[n++] = "restrict-eval";
		argv[n++] = "true";
		argv[n++] = "--option";
		argv[n++] = "allowed-uris";
		argv[n++] = arena_printf(a, "%s" STR_FMT, option_among(o, "allowed-uris"), STR_ARG(buf_get(&s->uris)));
	}
	if (s->n_texts > 0) {
		argv[n++] = "--expr";
		argv[n++] = s->texts.p;
	}
	return n;
}

void
preamble_release(struct preamble *s)
{
	buf_release(&s->line);
	buf_release(&s->texts);
	buf_release(&s->uris);
}
