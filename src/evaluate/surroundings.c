/* An evaluator in its sandbox, or without one. */
#include "evaluate/surroundings.h"

#include "evaluate/evalconf.h"
#include "evaluate/sandbox.h"
#include "evaluate/searchpath.h"
#include "nix/preload.h"
#include "records/list.h"
#include "support/base/log.h"
#include "support/os/cgroup.h"
#include "support/os/files.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
	GRACE_MS = 5000, /* our own evaluator is told to end before we end it */
	THREADS = 32     /* of one worker: Nix' collector has up to 16 */
};
static const uint64_t max_file = 8ull << 30; /* an evaluated expression may not fill the disk with one file */

typedef VEC(struct sandbox_bind) binds;

static void
binds_release(binds *b)
{
	vec_release(b);
}

/* Our own program, when it lies where the sandbox has nothing, is shown in it under another path. */
static const char *
show_own(struct arena *a, const char *program, binds *b)
{
	char real[PATH_MAX];

	if (realpath(program, real) == NULL)
		return program;
	if (str_starts(str_of(real), STR("/usr/")) || str_starts(str_of(real), STR("/nix/store/")))
		return arena_strdup(a, real);
	struct sandbox_bind one = {.from = arena_strdup(a, real),
	    .to = arena_printf(a, SURROUNDINGS_PROGRAMS "%s", strrchr(real, '/'))};
	vec_push(b, one);
	return one.to;
}

/* Another's, and what it needs, are shown where they are: its loader may look for libraries relative to the program. */
static const char *
show_program(struct arena *a, const struct evaluator *ev, binds *b)
{
	char real[PATH_MAX];
	const char *program = realpath(ev->program, real) != NULL ? arena_strdup(a, real) : ev->program;
	const char *const nothing[] = {NULL}, *const *needs = ev->needs != NULL ? ev->needs : nothing;

	for (const char *file = program; file != NULL; file = *needs++) {
		struct sandbox_bind one = {.from = sandbox_lacks(a, file)};
		if (one.from != NULL)
			vec_push(b, one);
	}
	return program;
}

/* Where nix itself is, when it is not where programs usually are. */
static const char *
nix_folder(struct arena *a)
{
	const char *nix = child_find(a, "nix-instantiate");
	char real[PATH_MAX];

	if (nix == NULL || realpath(nix, real) == NULL)
		return "/usr/bin";
	*strrchr(real, '/') = '\0';
	return arena_strdup(a, real);
}

/* Runs c in a control group of its own where we may make one. */
static int
run_limited(struct evaluating *r, struct arena *a, struct child *c, struct hearing *h, struct child_result *end, struct err *e)
{
	struct cgroup_limits limits = {.memory_mb = hearing_most_mb(r), .tasks = r->max_processes + THREADS * r->job.workers};
	struct err late;

	if (r->cgroup != NULL && cgroup_make(a, r->cgroup, &limits, &h->group, e) != 0)
		return -1;
	c->cgroup = h->group;
	int rc = child_run(c, end, e);
	if (h->group == NULL)
		return rc;
	struct cgroup_hits hits = cgroup_hits(h->group);
	bool well = rc == 0 && end->end == CHILD_EXITED && end->code == 0;
	if (!well && hits.memory)
		hearing_over_memory(h);
	else if (!well && hits.tasks)
		eval_rows_incomplete(h->rows, "the evaluation wanted more than %lld processes and threads at once: " STR_FMT,
		    (long long)limits.tasks, STR_ARG(str_utf8_head(hearing_words(h), 700)));
	if (cgroup_remove(h->group, &late) != 0)
		log_err(LOG_WARN, "control group", &late);
	return rc;
}

/* What it is run with outside of the sandbox: the user's own environment, or the little the bot gives. */
static const char *const *
own_environment(struct arena *a, const struct own_nix *own)
{
	const struct named_texts *const parts[] = {&own->env, &own->means};
	const char **env = arena_alloc(a, (own->env.n + own->means.n + 2) * sizeof(*env));
	size_t n = 0;

	for (size_t i = 0; i < COUNT(parts); i++)
		for (size_t k = 0; k < parts[i]->n; k++)
			env[n++] = arena_printf(a, "%s=%s", parts[i]->p[k].name, parts[i]->p[k].text);
	env[n++] = "TMPDIR=/tmp";
	return env;
}

/* The bot's NIX_PATH, whose folders are shown in the sandbox. */
static const char *
search_path(struct arena *a, const struct evaluating *r, binds *b)
{
	const char *set = named_find(&r->nix_options, "nix-path"), *text = searchpath_of_setting(a, set != NULL ? set : "");
	struct str rest = str_of(text), name;

	while (rest.p != NULL && rest.n > 0) {
		struct str where = searchpath_next(&rest, &name);
		struct sandbox_bind one = {
		    .from = where.n > 0 && where.p[0] == '/' ? sandbox_lacks(a, str_dup(a, where)) : NULL};
		if (one.from != NULL && files_exist(one.from))
			vec_push(b, one);
	}
	return text;
}

static bool
has_network(const struct evaluating *r)
{
	return r->job.network || (r->fetches != NULL && r->fetch != FETCH_NEVER);
}

/* What the evaluator is told of the environment beside what every program is: a few entries and, where it may fetch, the way out. */
static const char **
bot_environment(struct evaluating *r, struct arena *a, const char *cache, const char *conf, binds *b)
{
	static const char *const way_out[] = {"http_proxy=", "https_proxy=", "HTTPS_PROXY=", "all_proxy=", "ALL_PROXY=",
	    "no_proxy=", "NO_PROXY="};
	const char **env = arena_alloc(a, (5 + COUNT(way_out)) * sizeof(*env));
	size_t n = 0;

	env[n++] = arena_printf(a, "NIX_PATH=%s", r->own != NULL ? "" : search_path(a, r, b));
	env[n++] = arena_printf(a, "PATH=/usr/local/bin:/usr/bin:/bin:%s", nix_folder(a));
	if (r->fetches != NULL)
		env[n++] = arena_printf(a, "XDG_CACHE_HOME=%s", r->sandbox ? SANDBOX_HOME "/.cache" : cache);
	if (!r->sandbox)
		env[n++] = arena_printf(a, "NIX_CONFIG=%s", conf); /* in the sandbox it is a file */
	for (size_t i = 0; has_network(r) && i < COUNT(way_out); i++)
		for (char **one = environ; *one != NULL; one++)
			if (str_starts(str_of(*one), str_of(way_out[i])) && n < 4 + COUNT(way_out))
				env[n++] = *one;
	return env;
}

/* The evaluator as it is to be started, and what of it must be shown in a sandbox. */
static struct evaluator
show_evaluator(struct evaluating *r, struct arena *a, binds *b)
{
	struct evaluator ev = *r->ev;

	if (!r->sandbox || r->own != NULL)
		return ev;
	if (!ev.built_in) {
		ev.program = show_program(a, &ev, b);
		return ev;
	}
	static const char *const libraries[] = {PRELOAD_LINES, PRELOAD_COST};
	ev.program = show_own(a, ev.program, b);
	for (size_t i = 0; i < COUNT(libraries); i++) {
		const char *preload = nix_preload(a, libraries[i]);
		if (preload != NULL)
			(void)show_own(a, preload, b);
	}
	return ev;
}

static void
show_caches(const struct evaluating *r, const char *cache, binds *b)
{
	if (r->fetches != NULL && files_exist(r->fetches))
		vec_push(b, ((struct sandbox_bind){.from = r->fetches, .to = SURROUNDINGS_FETCHES}));
	if (r->job.roots_dir != NULL)
		vec_push(b, ((struct sandbox_bind){.from = r->job.roots_dir, .writable = true}));
	if (cache != NULL)
		vec_push(b, ((struct sandbox_bind){.from = cache,
		                .to = r->own != NULL ? NULL : SANDBOX_HOME "/.cache",
		                .writable = true}));
}

int
surroundings_run(struct evaluating *r, struct arena *a, const char *work, struct hearing *h, struct child_result *end,
    struct err *e)
{
	const char *cache = r->fetches != NULL ? arena_printf(a, "%s/cache", work) : r->fetch_cache_dir;
	const char *conf = evalconf_text(a, &r->nix_options, &r->features);
	AUTO(binds_release) binds b = {0};
	const char *const *argv;
	bool own = r->own != NULL;

	vec_push(&b, ((struct sandbox_bind){.from = arena_printf(a, "%s/source", work), .to = EVALUATING_INSIDE}));
	const struct evaluator ev = show_evaluator(r, a, &b);
	r->job.source = evaluating_source(a, r);
	/* Others make a link a derivation, which is what takes them longest. */
	r->job.roots_dir = ev.built_in ? r->roots_dir : NULL;
	r->job.sandboxed = r->sandbox;
	r->job.seconds = r->wall_ms / 1000;
	if (evaluator_command(a, &ev, &r->job, &argv, e) != 0)
		return -1;
	const char **env = bot_environment(r, a, cache, conf, &b);
	struct child c = {.argv = argv,
	    .env = own ? own_environment(a, r->own) : sandbox_plain_env(a, r->sandbox ? NULL : env),
	    .env_clear = true,
	    .dir = r->sandbox ? NULL : r->job.source,
	    .on_line = hearing_on_line,
	    .ctx = h,
	    .max_file_bytes = max_file,
	    .expendable = true,
	    .on_watch = hearing_on_watch,
	    .wall_ms = r->wall_ms != 0 ? r->wall_ms + GRACE_MS : 0};
	if (!r->sandbox)
		return run_limited(r, a, &c, h, end, e);
	show_caches(r, cache, &b);
	const struct sandbox s = {.work_dir = work,
	    .binds = b.p,
	    .n_binds = b.n,
	    .env = env,
	    .dir = EVALUATING_INSIDE,
	    .network = has_network(r),
	    .nix = true,
	    .nix_conf = conf,
	    .whole = own};
	if (sandbox_command(a, &s, argv, &c.argv, e) != 0)
		return -1;
	return run_limited(r, a, &c, h, end, e);
}
