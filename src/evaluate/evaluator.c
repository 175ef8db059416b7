/* Which evaluator, and what to tell it. */
#include "evaluate/evaluator.h"

#include "evaluate/program.h"
#include "nix/quote.h"
#include "nix/unknown.h"
#include "records/list.h"
#include "support/base/log.h"
#include "support/os/child.h"
#include "support/os/files.h"

#include <ctype.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { HELP_BYTES = 4 * 1024 * 1024, EXPR_BYTES = 100 * 1024 };

/* What our walker's rows mean; raise it when rows of the same tree would differ from what it printed before. */
static const char walker_version[] = "3";

typedef VEC(const char *) words;

/* Whether the option stands in the help as a word of its own. */
static bool
offers(struct str help, const char *option)
{
	struct str name = str_of(option);
	ptrdiff_t at;

	while ((at = str_find(help, name)) >= 0) {
		help = str_from(help, (size_t)at + name.n);
		if (help.n == 0 || !(isalnum((unsigned char)help.p[0]) || help.p[0] == '-'))
			return true;
	}
	return false;
}

/* nix-eval-jobs has no --version (it refuses it); in a store its path tells: /nix/store/HASH-nix-eval-jobs-2.33.1/... */
static const char *
version_in_path(struct arena *a, const char *path)
{
	struct str rest = str_of(path), name = STR("nix-eval-jobs-");
	ptrdiff_t at;

	while ((at = str_find(rest, name)) >= 0) {
		rest = str_from(rest, (size_t)at + name.n);
		size_t n = 0;
		while (n < rest.n && (isalnum((unsigned char)rest.p[n]) || strchr(".-+_", rest.p[n]) != NULL))
			n++;
		if (n > 0 && isdigit((unsigned char)rest.p[0]))
			return arena_strn(a, rest.p, n);
	}
	return NULL;
}

/* Where nothing tells it: the build stands for it, and Nix' own libraries tell theirs (libnixstore.so.2.34.8). */
static const char *
unknown_version(struct arena *a, const struct program *p)
{
	static const struct str library = {"/libnixstore.so.", 16};

	for (size_t i = 0; p->needs[i] != NULL; i++) {
		AUTO(mem_free) char *real = realpath(p->needs[i], NULL);
		ptrdiff_t at = real != NULL ? str_find(str_of(real), library) : -1;
		if (at >= 0)
			return arena_printf(a, "unknown (Nix %.40s, build %.12s)", real + at + library.n, p->build);
	}
	return arena_printf(a, "unknown (build %.12s)", p->build);
}

/* What a program says of itself when asked so: kept in folder/NAME.says while its file is the same. */
static int
ask(struct arena *a, const char *program, const char *question, const char *folder, struct buf *ret, struct err *e)
{
	const char *argv[] = {program, question, NULL}, *found = child_find(a, program), *name = strrchr(program, '/');
	const char *kept = arena_printf(a, "%s/%s.says", folder, name != NULL ? name + 1 : program);
	char real[PATH_MAX];
	struct stat st;
	struct str text;
	struct err late;

	if (found == NULL || realpath(found, real) == NULL || stat(real, &st) != 0)
		return child_output(argv, ret, e); /* in whose words it is absent */
	char *mark = arena_printf(a, "%s %s %llu %lld %lld.%09ld", real, question, (unsigned long long)st.st_ino,
	    (long long)st.st_size, (long long)st.st_mtim.tv_sec, st.st_mtim.tv_nsec);
	if (files_read(a, kept, HELP_BYTES + PATH_MAX + 200, &text, &late) == 0 && str_is(str_cut(text, '\n', &text), mark)) {
		buf_str(ret, text);
		return 0;
	}
	if (child_output(argv, ret, e) != 0)
		return -1;
	if (files_write(kept, str_of(arena_printf(a, "%s\n%s", mark, ret->p)), 0600, FILES_NO_SYNC, &late) != 0)
		log_warn("%s", late.msg); /* asked again next time */
	return 0;
}

static int
probe_external(struct arena *a, const char *program, const char *folder, struct evaluator *ret, struct err *e)
{
	AUTO(buf_release) struct buf help = {0};
	struct program p;

	buf_init(&help, HELP_BYTES);
	if (ask(a, program, "--help", folder, &help, e) != 0)
		return fail_in(e, "asking the evaluator for its options");
	if (!offers(buf_get(&help), "--max-memory-size") || !offers(buf_get(&help), "--meta"))
		return fail(e, ERR_INPUT, "%s does not look like nix-eval-jobs", program);
	if (program_read(a, program, folder, &p, e) != 0)
		return -1;
	*ret = (struct evaluator){.program = program,
	    .name = strstr(p.path, "lix") != NULL ? "lix-eval-jobs" : "nix-eval-jobs",
	    .build = p.build,
	    .needs = p.needs};
	ret->version = version_in_path(a, p.path);
	if (ret->version == NULL)
		ret->version = unknown_version(a, &p);
	ret->has_select = offers(buf_get(&help), "--select");
	ret->has_max_depth = offers(buf_get(&help), "--max-depth");
	return 0;
}

static int
probe_own(struct arena *a, const char *folder, struct evaluator *ret, struct err *e)
{
	AUTO(buf_release) struct buf out = {0};
	char self[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);

	buf_init(&out, 4096);
	if (n < 0)
		return fail_sys(e, "cannot find ourselves");
	if (ask(a, "nix", "--version", folder, &out, e) != 0)
		return fail_in(e, "the built-in evaluator needs nix");
	struct str version = str_trim(buf_get(&out)), ignored;
	version = str_cut(version, '\n', &ignored);
	*ret = (struct evaluator){.program = arena_strn(a, self, (size_t)n),
	    .built_in = true,
	    .name = "ekaci",
	    .has_select = true,
	    .has_max_depth = true};
	ret->version = arena_printf(a, "%s, " STR_FMT, walker_version, STR_ARG(str_utf8_head(version, 100)));
	return 0;
}

int
evaluator_find(struct arena *a, const char *setting, const char *folder, struct evaluator *ret, struct err *e)
{
	const char *found;

	if (strcmp(setting, "built-in") == 0)
		return probe_own(a, folder, ret, e);
	if (strcmp(setting, "auto") == 0) {
		found = child_find(a, "nix-eval-jobs");
		return found != NULL ? probe_external(a, found, folder, ret, e) : probe_own(a, folder, ret, e);
	}
	found = child_find(a, setting);
	if (found == NULL)
		return fail(e, ERR_ABSENT, "there is no evaluator %.200s", setting);
	return probe_external(a, found, folder, ret, e);
}

/* A path within the tree, with or without a slash in front; no part of it may be "..". */
static int
path_within(struct arena *a, const char *source, const char *file, const char **ret, struct err *e)
{
	struct str rest = str_of(file);

	while (rest.p != NULL)
		if (str_is(str_cut(rest, '/', &rest), ".."))
			return fail(e, ERR_INPUT, "a job's path must stay within the repository: %.200s", file);
	while (*file == '/')
		file++;
	*ret = arena_printf(a, "%s/%s", source, file);
	return 0;
}

static int
add_path_list(const struct texts *path, struct buf *out, struct err *e)
{
	buf_puts(out, "[ ");
	for (size_t i = 0; i < path->n; i++) {
		if (nix_quote(str_of(path->p[i]), out, e) != 0)
			return -1;
		buf_putc(out, ' ');
	}
	buf_puts(out, "] ");
	return 0;
}

/* A path as people write it: a."b.c". */
static void
add_path_name(const struct texts *path, struct buf *out)
{
	for (size_t i = 0; i < path->n; i++) {
		const char *quote = strchr(path->p[i], '.') != NULL ? "\"" : "";
		buf_printf(out, "%s%s%s%s", i > 0 ? "." : "", quote, path->p[i], quote);
	}
}

/*
 * What to walk when it is not the whole file: a function of the file's value that goes to attr_path and keeps of it
 * only what the scope names. The sets above a kept attribute keep their recurseForDerivations, so that an attribute is
 * found below exactly the paths where a whole evaluation finds it; what is not there is left out. Functions on the way are
 * called as nix-build -A calls them. An attr_path that is not there is a mistake of the configuration, and said as such
 * (unknown.h).
 */
static int
add_picker(const struct job_def *job, struct buf *out, struct err *e)
{
	AUTO(buf_release) struct buf name = {0};

	buf_puts(out,
	    "(root: let inherit (builtins) any attrNames concatStringsSep elem elemAt filter foldl' genList head isFunction isAttrs "
	    "length listToAttrs map split tail toXML typeOf; "
	    "call = v: if isFunction v then (if length (split \"<attrspat\" (toXML v)) > 1 then v { } else v) "
	    "else if isAttrs v && v ? __functor && (v.type or null) != \"derivation\" then call (v.__functor v) else v; "
	    "pick = v: paths: if any (p: p == [ ]) paths || !isAttrs v then v else "
	    "(if v ? recurseForDerivations then { inherit (v) recurseForDerivations; } else { }) // "
	    "listToAttrs (map (n: { name = n; value = pick (call v.${n}) (map tail (filter (p: head p == n) paths)); }) "
	    "(filter (n: v ? ${n}) (map head paths))); "
	    "few = v: let names = attrNames v; n = length names; in concatStringsSep \", \" (genList (elemAt names) "
	    "(if n > 10 then 10 else n)) + (if n > 10 then \", ...\" else \"\"); "
	    "no = n: v: throw (" UNKNOWN_ATTR_PATH_NIX " + ");
	buf_init(&name, EXPR_BYTES);
	add_path_name(&job->attr_path, &name);
	if (nix_quote(buf_get(&name), out, e) != 0)
		return -1;
	buf_puts(out,
	    " + \" names nothing: there is no attribute '${n}'\" + (if !isAttrs v then \" in what is a ${typeOf v}\" else "
	    "\"; there are: ${few v}\")); "
	    "get = v: n: let s = call v; in if isAttrs s && s ? ${n} then s.${n} else no n s; "
	    "at = foldl' get root ");
	if (add_path_list(&job->attr_path, out, e) != 0)
		return -1;
	buf_puts(out, "; in ");
	if (job->scope.p == NULL) {
		buf_puts(out, "at)");
		return 0;
	}
	buf_puts(out, "pick (call at) [ ");
	for (size_t i = 0; i < job->scope.n; i++)
		if (add_path_list(&job->scope.p[i], out, e) != 0)
			return -1;
	buf_puts(out, "])");
	return 0;
}

/* The job's reference without its fragment: whether it is one of the tree, and then which folder and query. */
static bool
is_own_flake(struct str ref, struct str *ret_dir, struct str *ret_query)
{
	struct str path = str_cut(ref, '?', ret_query);

	while (str_starts(path, STR("./")))
		path = str_from(path, 2);
	*ret_dir = str_is(path, ".") ? STR("") : path;
	return path.n == 0 || str_is(path, ".") || str_starts(ref, STR("./"));
}

bool
evaluator_wants_flake(const struct job_def *job)
{
	struct str dir, query, fragment, ref = str_of(job->flake);

	return ref.n > 0 && is_own_flake(str_cut(ref, '#', &fragment), &dir, &query);
}

bool
evaluator_takes_whole_flake(const struct job_def *job)
{
	struct str fragment;

	(void)str_cut(str_of(job->flake), '#', &fragment);
	return evaluator_wants_flake(job) && fragment.n == 0 && job->attr_path.n == 0;
}

/* ?dir=sub says the same as ./sub; submodules are a matter of the checkout. */
static int
own_flake(struct arena *a, const struct evaluator_job *j, struct str ref, const char **ret, struct err *e)
{
	struct str dir, query;
	const char *below;

	(void)is_own_flake(ref, &dir, &query);
	while (query.n > 0) {
		struct str value, name = str_cut(str_cut(query, '&', &query), '=', &value);
		if (str_is(name, "dir"))
			dir = value;
	}
	if (path_within(a, "", str_dup(a, dir), &below, e) != 0)
		return -1;
	*ret = flake_ref(a, j->flake, below + 1, j->flake_self);
	return 0;
}

static void
add_option(words *w, const char *name, const char *value)
{
	vec_push(w, "--option");
	vec_push(w, name);
	vec_push(w, value);
}

/* nix-eval-jobs knows no schema of flakes and walks what it is given: an expression that has applied it. */
static int
add_flake_expr(struct arena *a, const struct evaluator_job *j, const char *ref, struct str fragment, struct buf *picker,
    words *w, struct err *e)
{
	AUTO(buf_release) struct buf text = {0};

	buf_init(&text, EXPR_BYTES);
	buf_str(&text, buf_get(picker));
	buf_printf(&text, " ((%s) { flake = builtins.getFlake ", flake_schema_text);
	if (nix_quote(str_of(ref), &text, e) != 0)
		return -1;
	buf_puts(&text, "; path = ");
	if (nix_quote_fragment(fragment, &text, e) != 0)
		return -1;
	buf_puts(&text, "; systems = [ ");
	for (size_t i = 0; i < j->systems->n; i++)
		if (nix_quote(str_of(j->systems->p[i]), &text, e) != 0)
			return -1;
	buf_puts(&text, " ]; absentOk = true; })");
	if (text.over)
		return fail(e, ERR_LIMIT, "a job's flake reference and scope are too long");
	add_option(w, "pure-eval", "true");
	vec_push(w, "--expr");
	vec_push(w, arena_strn(a, text.p, text.n));
	return 0;
}

static int
add_flake(struct arena *a, const struct evaluator *ev, const struct evaluator_job *j, struct buf *picker, words *w,
    struct err *e)
{
	struct str fragment, ref = str_cut(str_of(j->job->flake), '#', &fragment);
	const char *full = str_dup(a, ref);

	if (evaluator_wants_flake(j->job) && own_flake(a, j, ref, &full, e) != 0)
		return -1;
	if (!ev->built_in)
		return add_flake_expr(a, j, full, fragment, picker, w, e);
	vec_push(w, "--absent-ok");
	if (!j->sandboxed && !j->own)
		vec_push(w, "--only-locked");
	if (j->systems->n > 0) {
		vec_push(w, "--systems");
		vec_push(w, texts_join(a, j->systems, " "));
	}
	vec_push(w, "--flake");
	vec_push(w, arena_printf(a, "%s#" STR_FMT, full, STR_ARG(fragment)));
	if (picker->n > 0) {
		vec_push(w, "--select");
		vec_push(w, arena_strn(a, picker->p, picker->n));
	}
	return 0;
}

static int
add_what(struct arena *a, const struct evaluator *ev, const struct evaluator_job *j, words *w, struct err *e)
{
	const char *file = j->job->file, *expr = j->job->expr;
	bool picks = j->job->scope.p != NULL || j->job->attr_path.n > 0;
	AUTO(buf_release) struct buf text = {0};
	int rc = 0;

	buf_init(&text, EXPR_BYTES);
	if (picks && add_picker(j->job, &text, e) != 0)
		return -1;
	if (j->job->flake != NULL)
		return add_flake(a, ev, j, &text, w, e);
	if (file == NULL && expr == NULL)
		return fail(e, ERR_INPUT, "a job needs \"file\", \"flake\" or \"expr\"");
	const char *path = NULL;
	if (file != NULL && path_within(a, j->source, file, &path, e) != 0)
		return -1;
	if (!picks && file != NULL) {
		vec_push(w, path);
		return 0;
	}
	if (picks)
		buf_putc(&text, ' ');
	if (file != NULL) {
		buf_puts(&text, "(import ");
		rc = nix_quote(str_of(path), &text, e);
		buf_puts(&text, ")");
	} else {
		buf_printf(&text, picks ? "(%s\n)" : "%s", expr);
	}
	if (rc == 0 && text.over)
		rc = fail(e, ERR_LIMIT, "a job's expression and scope are too long");
	vec_push(w, "--expr");
	vec_push(w, arena_strn(a, text.p, text.n));
	return rc;
}

/* From Nix 2.20 on a repository's address is checked as git+https://; whoever allows a server allows its repositories. */
static const char *
uris_of(struct arena *a, const struct texts *list)
{
	AUTO(buf_release) struct buf text = {0};

	buf_init(&text, EXPR_BYTES);
	for (size_t i = 0; i < list->n; i++) {
		struct str uri = str_of(list->p[i]);
		buf_printf(&text, "%s" STR_FMT, text.n > 0 ? " " : "", STR_ARG(uri));
		if (str_starts(uri, STR("http://")) || str_starts(uri, STR("https://")) || str_starts(uri, STR("ssh://")) ||
		    str_starts(uri, STR("file://")))
			buf_printf(&text, " git+" STR_FMT, STR_ARG(uri));
	}
	return arena_strn(a, text.p, text.n);
}

int
evaluator_command(struct arena *a, const struct evaluator *ev, const struct evaluator_job *j, const char *const **ret,
    struct err *e)
{
	bool flake = j->job->flake != NULL;
	words w = {0};

	vec_push(&w, ev->program);
	if (ev->built_in)
		vec_push(&w, "eval-jobs");
	if (!j->without_meta)
		vec_push(&w, "--meta");
	vec_push(&w, "--workers");
	vec_push(&w, arena_printf(a, "%lld", (long long)j->workers));
	vec_push(&w, "--max-memory-size");
	vec_push(&w, arena_printf(a, "%lld", (long long)j->max_memory_mb));
	if (j->roots_dir != NULL) {
		vec_push(&w, "--gc-roots-dir");
		vec_push(&w, j->roots_dir);
	}
	if (ev->built_in) {
		vec_push(&w, "--stats");
		vec_push(&w, "--one-gc-root"); /* ten thousand links take seconds to make, and to remove */
		vec_push(&w, "--max-rows");
		vec_push(&w, arena_printf(a, "%lld", (long long)j->max_rows));
		vec_push(&w, "--max-depth");
		vec_push(&w, arena_printf(a, "%lld", (long long)j->max_depth));
		vec_push(&w, "--max-seconds");
		vec_push(&w, arena_printf(a, "%lld", (long long)(j->seconds > 0 ? j->seconds : 1)));
	}
	/* A flake is evaluated purely, which is stricter than restricted; the two together are not supported by Nix. */
	if (!flake && j->restricted) {
		add_option(&w, "restrict-eval", "true");
		vec_push(&w, "-I");
		vec_push(&w, arena_printf(a, "source=%s", j->source));
	}
	add_option(&w, "allow-import-from-derivation", j->import_from_derivation ? "true" : "false");
	if (j->allowed_uris->n > 0)
		add_option(&w, "allowed-uris", uris_of(a, j->allowed_uris));
	if (!j->network) {
		add_option(&w, "substitute", "false");
		add_option(&w, "download-attempts", "1");
		add_option(&w, "tarball-ttl", "4294967295"); /* what was fetched once will do, as with nix --offline */
	}
	if (flake)
		add_option(&w, "extra-experimental-features", "nix-command flakes");
	int rc = add_what(a, ev, j, &w, e);
	vec_push(&w, NULL);
	if (rc == 0)
		*ret = arena_dup(a, w.p, w.n * sizeof(*w.p));
	vec_release(&w);
	return rc;
}

bool
evaluator_false_alarm(const struct evaluator *ev, int code)
{
	return !ev->built_in && code == 1 &&
	       (strcmp(ev->version, "2.35.0") == 0 || str_starts(str_of(ev->version), STR("unknown")));
}

bool
evaluator_gave_up(struct str line)
{
	static const char *const endings[] = {
	    "[json.exception.type_error.316]",     /* of the library that writes JSON: invalid UTF-8 */
	    "while reading result for attrPath '", /* its worker died of that attribute; from 2.35.1 it is a row */
	    "evaluation worker exited with", "evaluation worker got killed by", /* older ones do not say of which */
	};

	for (size_t i = 0; i < COUNT(endings); i++)
		if (str_find(line, str_of(endings[i])) >= 0)
			return true;
	return false;
}
