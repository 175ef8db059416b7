/* results/, PATH, and the shell. */
#include "cli/shell.h"

#include "config/config.h"
#include "records/list.h"
#include "support/os/child.h"
#include "support/os/files.h"
#include "support/text/json.h"

#include <signal.h>
#include <stdio.h>
#include <unistd.h>

enum {
	AT_ONCE = 2000, /* store paths of one nix-store */
	MAX_WORDS = 64 * 1024,
	MAX_FOLDERS =
	    96 *
	    1024 /* bytes in a variable: Linux starts no program with one of 128 KiB, and there is what stood in it before */
};

/* An output of what was added or rebuilt. */
struct shell_output {
	const char *link; /* its name in results/ */
	const char *path; /* in the store */
};

struct shell {
	struct arena *a;
	const struct shell_wish *w;
	VEC(struct shell_output) list;
	size_t failed; /* attributes that are not there because they did not build */
};

/* --- what there is ----------------------------------------------------------------------------------------------------- */

/* The parts of an attribute's path with dots between them; no part leads out of the folder. */
static const char *
link_name(struct arena *a, const json_t *path, const char *output)
{
	AUTO(buf_release) struct buf b;
	const json_t *part;
	size_t i;

	buf_init(&b, SIZE_MAX / 4);
	json_array_foreach(path, i, part) {
		buf_printf(&b, "%s%s", i > 0 ? "." : "", json_string_value(part) != NULL ? json_string_value(part) : "_");
	}
	if (strcmp(output, "out") != 0)
		buf_printf(&b, ".%s", output);
	for (size_t k = 0; k < b.n; k++)
		if (b.p[k] == '/')
			b.p[k] = '_';
	const char *mark = b.n == 0 || b.p[0] == '.' ? "_" : "";
	return arena_printf(a, "%s" STR_FMT, mark, STR_ARG(str_utf8_head(buf_get(&b), 200)));
}

static bool
is_wanted(const json_t *attribute)
{
	const char *class = json_str(attribute, "class", "");

	return strcmp(class, "added") == 0 || strcmp(class, "rebuild") == 0 || strcmp(class, "fixed") == 0;
}

/* Whether it may be there: built, in the store or to be fetched. */
static bool
may_be_there(const json_t *attribute)
{
	const char *state = json_str_at(attribute, "build.state", NULL);

	return state == NULL || strcmp(state, "built") == 0 || strcmp(state, "cached") == 0;
}

static void
take_attribute(struct shell *s, const json_t *attribute)
{
	json_t *outputs = (json_t *)(uintptr_t)json_at(attribute, "head.outputs"), *path;
	const char *name;

	if (!is_wanted(attribute))
		return;
	if (!may_be_there(attribute)) {
		s->failed++;
		return;
	}
	json_object_foreach(outputs, name, path) {
		const char *at = json_string_value(path);
		if (at != NULL && at[0] == '/') {
			const struct shell_output one = {link_name(s->a, json_object_get(attribute, "path"), name),
			    arena_strdup(s->a, at)};
			vec_push(&s->list, one);
		}
	}
}

/* Those that are not in the store are fetched, and all are kept there by links below roots/. What cannot be had is left out. */
static int
keep(struct shell *s, size_t from, size_t n, struct err *e)
{
	const char *argv[AT_ONCE + 8] = {"nix-store", "--realise", "--keep-going", "--add-root",
	    arena_printf(s->a, "%s/roots/%zu", s->w->dir, from), "--indirect"};
	AUTO(buf_release) struct buf out;

	buf_init(&out, MAX_WORDS + AT_ONCE * 300);
	for (size_t i = 0; i < n; i++)
		argv[6 + i] = s->list.p[from + i].path;
	argv[6 + n] = NULL;
	if (child_output(argv, &out, e) == 0)
		return 0;
	if (child_cancelled())
		return -1;
	fprintf(stderr, "ekaci: not all of it can be had: %s\n", e->msg);
	return 0;
}

static int
make_links(struct shell *s, size_t *ret_there, struct err *e)
{
	*ret_there = 0;
	for (size_t i = 0; i < s->list.n; i++) {
		const char *link = arena_printf(s->a, "%s/results/%s", s->w->dir, s->list.p[i].link);
		if (!files_exist(s->list.p[i].path))
			continue;
		++*ret_there;
		if (symlink(s->list.p[i].path, link) != 0 && !files_exist(link))
			return fail_sys(e, "cannot make %s", link);
	}
	return 0;
}

/* Folders of that name in what is there, with colons between them; of very many not all. */
static const char *
folders(struct shell *s, const char *name, const char *variable)
{
	AUTO(buf_release) struct buf b;
	size_t n = 0, over = 0;

	buf_init(&b, SIZE_MAX / 4);
	for (size_t i = 0; i < s->list.n; i++) {
		const char *folder = arena_printf(s->a, "%s/%s", s->list.p[i].path, name);
		if (!files_exist(folder))
			continue;
		if (b.n + strlen(folder) >= MAX_FOLDERS) {
			over++;
			continue;
		}
		buf_printf(&b, "%s%s", n++ > 0 ? ":" : "", folder);
	}
	if (over > 0)
		fprintf(stderr, "ekaci: %zu of %zu folders have no room in %s; all are in results/\n", over, n + over,
		    variable);
	return str_dup(s->a, buf_get(&b));
}

/* --- the shell --------------------------------------------------------------------------------------------------------- */

static int
run(struct shell *s, int *ret_code, struct err *e)
{
	const char *shell = config_shell();
	const char *const asks[] = {shell, NULL}, *const does[] = {"sh", "-c", s->w->run, NULL};
	const char *const env[] = {config_path_before(s->a, folders(s, "bin", "PATH")),
	    config_data_before(s->a, folders(s, "share", "XDG_DATA_DIRS")),
	    arena_printf(s->a, "EKACI_RESULTS=%s/results", s->w->dir), arena_printf(s->a, "EKACI_REPO=%s", s->w->repo), NULL};
	pid_t pid;

	if (child_foreground_start(s->w->run != NULL ? does : asks, env, s->w->dir, &pid, e) != 0)
		return -1;
	/* What is typed there is the shell's business, ctrl-C too. */
	signal(SIGINT, SIG_IGN);
	*ret_code = child_foreground_wait(pid);
	child_catch_term();
	return 0;
}

static int
open_it(struct shell *s, int *ret_code, struct err *e)
{
	size_t there;

	if (s->list.n == 0)
		return s->failed > 0
		           ? fail(e, ERR_ABSENT, "nothing of it builds: there is nothing to open a shell with")
		           : fail(e, ERR_ABSENT, "nothing is added or rebuilt: there is nothing to open a shell with");
	if (files_mkdirs(arena_printf(s->a, "%s/results", s->w->dir), 0755, e) != 0 ||
	    files_mkdirs(arena_printf(s->a, "%s/roots", s->w->dir), 0755, e) != 0 ||
	    files_write(arena_printf(s->a, "%s/report.md", s->w->dir), str_of(s->w->markdown), 0644, FILES_NO_SYNC, e) != 0)
		return -1;
	for (size_t i = 0; i < s->list.n; i += AT_ONCE)
		if (keep(s, i, s->list.n - i < AT_ONCE ? s->list.n - i : AT_ONCE, e) != 0)
			return -1;
	if (make_links(s, &there, e) != 0)
		return -1;
	if (there == 0)
		return fail(e, ERR_ABSENT, "nothing of it is there: there is nothing to open a shell with");
	if (s->failed > 0)
		fprintf(stderr, "ekaci: %zu attribute%s did not build\n", s->failed, s->failed == 1 ? "" : "s");
	if (s->w->run == NULL)
		fprintf(stderr, "ekaci: %zu output%s in results/, first on PATH; exit or ctrl-D ends the shell\n", there,
		    there == 1 ? "" : "s");
	return run(s, ret_code, e);
}

int
shell_open(struct arena *a, const struct shell_wish *w, int *ret_code, struct err *e)
{
	AUTO(json_drop) json_t *report = NULL;
	struct shell s = {.a = a, .w = w};
	const json_t *attribute;
	size_t i;

	if (json_read(str_of(w->report), "report.json", &report, e) != 0)
		return -1;
	json_array_foreach(json_object_get(report, "attributes"), i, attribute)
		take_attribute(&s, attribute);
	int rc = open_it(&s, ret_code, e);
	vec_release(&s.list);
	return rc;
}
