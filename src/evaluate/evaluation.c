/* One run of an evaluator. */
#include "evaluate/evaluation.h"

#include "evaluate/checkout.h"
#include "evaluate/evalconf.h"
#include "evaluate/gitlinks.h"
#include "evaluate/sandbox.h"
#include "evaluate/searchpath.h"
#include "nix/preload.h"
#include "nix/saying.h"
#include "records/list.h"
#include "support/base/clock.h"
#include "support/base/log.h"
#include "support/os/cgroup.h"
#include "support/os/child.h"
#include "support/os/files.h"
#include "support/text/escape.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

#define INSIDE   "/build/source"
#define PROGRAMS "/run/ekaci"
#define FETCHES  PROGRAMS "/fetches"

enum {
	TAIL_BYTES = 4096,       /* of standard error, kept for the reason */
	SHOWN_NAMES = 5,         /* of attributes that could not be told, */
	NAME_BYTES = 1000,       /* each cut here */
	ERROR_LINES = 20,        /* the first lines with "error:" are kept too */
	SCOPE_BYTES = 30 * 1024, /* of paths of attributes in an argument, which also quotes them */
	LEAST_MS = 1000,         /* is left for asking again */
	GRACE_MS = 5000,         /* our own evaluator is told to end before we end it */
	SLACK_MB = 512,          /* of memory, for what does not evaluate */
	THREADS = 32             /* of one worker: Nix' collector has up to 16 */
};
static const uint64_t max_file = 8ull << 30; /* an evaluated expression may not fill the disk with one file */

struct hearing {
	struct run *r;
	struct rows *rows;
	struct buf tail, errors, plain; /* plain: a line without its colours */
	size_t n_errors;
	bool false_alarm;   /* the last line said so */
	bool one_attribute; /* it said that it ended because of one (evaluator_gave_up) */
	const char *disk;   /* a folder on the disk that is written to */
	int64_t disk_mb;    /* what was free there when the evaluation began */
	const char *group;  /* the control group it is in, or NULL: then its memory and processes are watched from here */
};

static int64_t
free_mb(const char *folder)
{
	struct statvfs st;

	return statvfs(folder, &st) == 0 ? (int64_t)(st.f_bavail * (st.f_frsize / 1024) / 1024) : INT64_MAX;
}

static void
hearing_init(struct hearing *h)
{
	h->disk_mb = free_mb(h->disk);
	buf_init(&h->tail, TAIL_BYTES * 2);
	buf_init(&h->plain, TAIL_BYTES);
	buf_init(&h->errors, (size_t)ERROR_LINES * (TAIL_BYTES / 4 + 2));
}

static void
hearing_release(struct hearing *h)
{
	buf_release(&h->tail);
	buf_release(&h->plain);
	buf_release(&h->errors);
}

/* nix-eval-jobs before 2.35.3 may reach twice its budget in good faith. */
static int64_t
most_mb(const struct run *r)
{
	return 2 * r->job.workers * r->job.max_memory_mb + SLACK_MB;
}

/* The words for an evaluation over a limit are the same, whoever noticed. */
static void
over_memory(struct hearing *h)
{
	rows_incomplete(h->rows, "stopped: the evaluation used more than %lld MiB of memory, twice the budget of %lld workers",
	    (long long)most_mb(h->r), (long long)h->r->job.workers);
}

/* What no evaluator limits by itself: processes, the memory of all of them, and the disk, which toFile in a loop fills. */
static int
on_watch(void *ctx)
{
	struct hearing *h = ctx;
	const struct run *r = h->r;
	struct child_load load = h->group == NULL ? child_load_now() : (struct child_load){0};
	int64_t left_mb = free_mb(h->disk);

	if (load.processes > (size_t)(r->max_processes + 2 * r->job.workers))
		rows_incomplete(h->rows, "stopped: the evaluation ran %zu processes at once", load.processes);
	else if (load.memory_kb / 1024 > most_mb(r))
		over_memory(h);
	else if (left_mb < r->min_free_mb && left_mb < h->disk_mb)
		rows_incomplete(h->rows,
		    "stopped: only %lld MiB are free on the store's disk, %lld fewer than when the "
		    "evaluation began",
		    (long long)left_mb, (long long)(h->disk_mb - left_mb));
	else
		return 0;
	return 1;
}

const char *
run_source(struct arena *a, const struct run *r)
{
	return r->sandbox ? INSIDE : arena_printf(a, "%s/source", r->checkout_dir);
}

static int
on_line(void *ctx, int fd, struct str line, struct err *e)
{
	struct hearing *h = ctx;

	(void)e;
	if (fd == 1) {
		bool go_on = rows_add(h->rows, line);
		if (h->r->out != NULL)
			record_progress(h->r->out, "attributes", (int64_t)h->rows->all.n, h->r->expected_rows);
		return go_on ? 0 : 1;
	}
	if (str_trim(line).n == 0)
		return 0;
	buf_drop(&h->plain, h->plain.n);
	escape_plain(&h->plain, str_utf8_head(line, TAIL_BYTES / 4));
	line = buf_get(&h->plain);
	h->false_alarm = str_find(line, STR(EVALUATOR_FALSE_ALARM)) >= 0;
	h->one_attribute |= evaluator_gave_up(line);
	if (h->tail.n + line.n + 1 > TAIL_BYTES)
		buf_drop(&h->tail, h->tail.n + line.n + 1 - TAIL_BYTES);
	buf_str(&h->tail, line);
	buf_putc(&h->tail, '\n');
	if (str_find(line, STR("error:")) >= 0 && h->n_errors++ < ERROR_LINES) {
		buf_str(&h->errors, line);
		buf_putc(&h->errors, '\n');
	}
	return 0;
}

/* The evaluator's own words: what ours says last of a limit; else the last error, else the first ones, else the end. */
static struct str
words_of(const struct hearing *h)
{
	static const char own[] = "\nekaci eval-jobs: ", root[] = "the root does not evaluate";
	struct str tail = str_trim(buf_get(&h->tail)), last = saying_last(tail), rest = tail;
	ptrdiff_t at;

	while ((at = str_find(rest, str_of(own))) >= 0)
		rest = str_from(rest, (size_t)at + sizeof(own) - 1);
	if (rest.p != tail.p && !str_starts(rest, str_of(root)))
		return rest;
	if (str_starts(last, STR("error:")))
		return last;
	return h->errors.n > 0 ? str_trim(buf_get(&h->errors)) : tail;
}

static void
judge(struct hearing *h, const struct child_result *end)
{
	struct run *r = h->r;
	struct str words = str_utf8_head(words_of(h), 900);
	size_t n = h->rows->all.n;
	bool ok = end->end == CHILD_EXITED && end->code == 0;

	if (end->end == CHILD_EXITED && h->false_alarm && evaluator_false_alarm(r->ev, end->code) && n > 0)
		ok = true;
	switch (end->end) {
	case CHILD_TIMED_OUT:
		rows_incomplete(h->rows, "not done after %lld s (%zu attributes so far)", (long long)(r->wall_ms / 1000), n);
		break;
	case CHILD_SIGNALED:
		rows_incomplete(h->rows, "the evaluator was killed by signal %d: " STR_FMT, end->code, STR_ARG(words));
		break;
	case CHILD_EXITED:
		if (!ok) {
			if (!h->rows->incomplete)
				(void)unknown_of(words, &h->rows->root);
			h->rows->ask_own |= h->one_attribute && !h->rows->incomplete && !r->ev->built_in;
			rows_incomplete(h->rows, STR_FMT "%sexit code %d", STR_ARG(words), words.n > 0 ? "\n" : "", end->code);
		}
		break;
	case CHILD_SILENT:
	case CHILD_STOPPED:
	case CHILD_CANCELLED: rows_incomplete(h->rows, "stopped"); break;
	}
}

static void
add_row_name(struct str key, size_t depth, struct buf *out)
{
	for (size_t i = 0; i < depth; i++) {
		struct str part = str_cut(key, '\0', &key);
		bool quote = part.n == 0 || memchr(part.p, '.', part.n) != NULL;
		buf_printf(out, "%s%s" STR_FMT "%s", i > 0 ? "." : "", quote ? "\"" : "", STR_ARG(str_utf8_head(part, 100)),
		    quote ? "\"" : "");
	}
}

/* A fork's evaluation has no network. What base fetches it would have. */
static bool
base_would_have(const struct run *r, const struct unknown *u)
{
	return r->fetches != NULL && r->fetch == FETCH_NEVER && (u->kind == UNKNOWN_FETCH || u->kind == UNKNOWN_STORE);
}

static void
put_advice(const struct run *r, const struct unknown *u, struct buf *out)
{
	if (base_would_have(r, u))
		buf_puts(out, "the base branch has not fetched it, and only an approved change may");
	else
		unknown_advice(u, r->own != NULL ? UNKNOWN_FOR_USER : UNKNOWN_FOR_BOT, out);
}

/* What text says, when it is something that may not or cannot be had here. */
static bool
is_unknown(const struct gitlinks *g, struct str text, bool pure, struct unknown *ret)
{
	if (unknown_of(text, ret) && unknown_counts(ret, pure))
		return true;
	const char *path = gitlinks_in(g, text);
	if (path == NULL)
		return false;
	struct str words = saying_last(text), rest;
	*ret = (struct unknown){.kind = UNKNOWN_SUBMODULE};
	snprintf(ret->name, sizeof(ret->name), "%.150s", path);
	snprintf(ret->words, sizeof(ret->words), STR_FMT, STR_ARG(str_utf8_head(str_trim(str_cut(words, '\n', &rest)), 400)));
	return true;
}

/* Where the root itself cannot be had nothing is known: incomplete, whatever was said before. */
static bool
judge_root(struct run *r, const struct gitlinks *g, bool pure, struct rows *rows)
{
	AUTO(buf_release) struct buf advice = {0};
	struct unknown *u = &rows->root;

	if (!unknown_counts(u, pure) && !is_unknown(g, str_of(rows->reason), pure, u))
		return false;
	buf_init(&advice, 1024);
	put_advice(r, u, &advice);
	r->unknown = true;
	rows->incomplete = false;
	rows_incomplete(rows, "the root does not evaluate: %s\n" STR_FMT, u->words, STR_ARG(buf_get(&advice)));
	return base_would_have(r, u);
}

/* Rows of which it could not be told here what they are: marked, counted, and the first one's words kept. */
static bool
judge_rows(struct run *r, const struct gitlinks *g, bool pure, struct rows *rows)
{
	AUTO(buf_release) struct buf advice = {0};
	struct untold_attrs *untold = arena_alloc(&rows->a, sizeof(*untold));
	struct unknown u, first = {.kind = UNKNOWN_NOT};
	bool missed = false;
	size_t n = 0;

	for (size_t i = 0; i < rows->all.n; i++) {
		const struct row *one = &rows->all.p[i];
		AUTO(json_drop) json_t *row = NULL;
		AUTO(buf_release) struct buf name = {0};
		struct err ignored;
		/* The line as it stands is cheap to look through. */
		if (!one->error || !is_unknown(g, one->line, pure, &u) || json_read(one->line, "row", &row, &ignored) != 0 ||
		    !is_unknown(g, json_text(row, "error"), pure, &u))
			continue;
		if (n++ == 0)
			first = u;
		missed = missed || base_would_have(r, &u);
		rows_mark_unknown(rows, i);
		if (n > SHOWN_NAMES)
			continue;
		buf_init(&name, NAME_BYTES);
		add_row_name(one->key, one->depth, &name);
		list_add(&rows->a, &untold->names, fields_clean(&rows->a, buf_get(&name)));
	}
	if (n == 0)
		return false;
	buf_init(&advice, 1024);
	put_advice(r, &first, &advice);
	untold->count = (int64_t)n;
	untold->words = fields_clean(&rows->a, str_of(first.words));
	untold->advice = fields_clean(&rows->a, buf_get(&advice));
	r->untold = untold;
	return missed;
}

/* What may not or cannot be had here is unknown, and no failure of the attribute. */
static void
judge_unknown(struct run *r, const struct gitlinks *g, struct rows *rows)
{
	bool pure = r->job.job->flake != NULL;
	bool missed = rows->incomplete ? judge_root(r, g, pure, rows) : judge_rows(r, g, pure, rows);

	if (missed)
		fetches_forget(r->fetches);
}

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
	struct sandbox_bind one = {.from = arena_strdup(a, real), .to = arena_printf(a, PROGRAMS "%s", strrchr(real, '/'))};
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
run_limited(struct run *r, struct arena *a, struct child *c, struct hearing *h, struct child_result *end, struct err *e)
{
	struct cgroup_limits limits = {.memory_mb = most_mb(r), .tasks = r->max_processes + THREADS * r->job.workers};
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
		over_memory(h);
	else if (!well && hits.tasks)
		rows_incomplete(h->rows, "the evaluation wanted more than %lld processes and threads at once: " STR_FMT,
		    (long long)limits.tasks, STR_ARG(str_utf8_head(words_of(h), 700)));
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
search_path(struct arena *a, const struct run *r, binds *b)
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

static int
run_child(struct run *r, struct arena *a, const char *work, struct hearing *h, struct child_result *end, struct err *e)
{
	struct evaluator ev = *r->ev;
	const char *cache = r->fetches != NULL ? arena_printf(a, "%s/cache", work) : r->fetch_cache_dir;
	const char *conf = evalconf_text(a, &r->nix_options, &r->features);
	AUTO(binds_release) binds b = {0};
	const char *const *argv;
	bool own = r->own != NULL;

	vec_push(&b, ((struct sandbox_bind){.from = arena_printf(a, "%s/source", work), .to = INSIDE}));
	if (r->sandbox && !own && !ev.built_in) {
		ev.program = show_program(a, &ev, &b);
	} else if (r->sandbox && !own) {
		const char *preload = nix_preload(a);
		ev.program = show_own(a, ev.program, &b);
		if (preload != NULL)
			(void)show_own(a, preload, &b);
	}
	r->job.source = run_source(a, r);
	r->job.roots_dir =
	    ev.built_in ? r->roots_dir : NULL; /* others make a link a derivation, which is what takes them longest */
	r->job.sandboxed = r->sandbox;
	r->job.seconds = r->wall_ms / 1000;
	if (evaluator_command(a, &ev, &r->job, &argv, e) != 0)
		return -1;
	struct child c = {.argv = argv,
	    .env_clear = true,
	    .dir = r->sandbox ? NULL : r->job.source,
	    .on_line = on_line,
	    .ctx = h,
	    .max_file_bytes = max_file,
	    .expendable = true,
	    .on_watch = on_watch,
	    .wall_ms = r->wall_ms != 0 ? r->wall_ms + GRACE_MS : 0};
	const char *env[] = {arena_printf(a, "NIX_PATH=%s", own ? "" : search_path(a, r, &b)),
	    arena_printf(a, "PATH=/usr/local/bin:/usr/bin:/bin:%s", nix_folder(a)),
	    r->fetches != NULL ? arena_printf(a, "XDG_CACHE_HOME=%s", r->sandbox ? SANDBOX_HOME "/.cache" : cache) : NULL, NULL,
	    NULL};
	if (!r->sandbox) {
		env[env[2] != NULL ? 3 : 2] = arena_printf(a, "NIX_CONFIG=%s", conf); /* in the sandbox it is a file */
		c.env = own ? own_environment(a, r->own) : sandbox_plain_env(a, env);
		return run_limited(r, a, &c, h, end, e);
	}
	if (r->fetches != NULL && files_exist(r->fetches))
		vec_push(&b, ((struct sandbox_bind){.from = r->fetches, .to = FETCHES}));
	if (r->job.roots_dir != NULL)
		vec_push(&b, ((struct sandbox_bind){.from = r->roots_dir, .writable = true}));
	if (cache != NULL)
		vec_push(&b,
		    ((struct sandbox_bind){.from = cache, .to = own ? NULL : SANDBOX_HOME "/.cache", .writable = true}));
	struct sandbox s = {.work_dir = work,
	    .binds = b.p,
	    .n_binds = b.n,
	    .env = env,
	    .dir = INSIDE,
	    .network = r->job.network || (r->fetches != NULL && r->fetch != FETCH_NEVER),
	    .nix = true,
	    .nix_conf = conf,
	    .whole = own};
	if (sandbox_command(a, &s, argv, &c.argv, e) != 0)
		return -1;
	c.env = own ? own_environment(a, r->own) : sandbox_plain_env(a, NULL);
	return run_limited(r, a, &c, h, end, e);
}

/* How long the paths are as words of a command line, about: each part in quotes with a blank, each path in brackets. */
static size_t
bytes_of_paths(const struct paths *all)
{
	size_t bytes = 0;

	for (size_t i = 0; i < all->n; i++) {
		bytes += 2;
		for (size_t k = 0; k < all->p[i].n; k++)
			bytes += strlen(all->p[i].p[k]) + 3;
	}
	return bytes;
}

/* Its errors once more, without meta (evaluation.h); all of it, where naming them would be too long for a command line. */
static int
ask_without_meta(struct run *r, struct arena *a, const char *work, struct rows *rows, struct err *e)
{
	struct paths failed = rows_failed(rows);
	struct job_def job = *r->job.job;
	struct rows again = {.max_rows = rows->max_rows, .max_depth = rows->max_depth, .scope = &failed, .external = true};
	struct run second = *r;
	struct hearing h = {.r = &second, .rows = &again, .disk = files_exist("/nix/store") ? "/nix/store" : work};
	struct child_result end = {0};

	if (r->ev->built_in || failed.n == 0)
		return 0;
	if (bytes_of_paths(&failed) < SCOPE_BYTES)
		job.scope = failed;
	second.job.job = &job;
	second.job.without_meta = true;
	second.out = NULL;
	if (r->wall_ms != 0)
		second.wall_ms = r->wall_ms - r->took_ms > LEAST_MS ? r->wall_ms - r->took_ms : LEAST_MS;
	hearing_init(&h);
	int rc = run_child(&second, a, work, &h, &end, e);
	r->took_ms += end.wall_ms;
	if (rc == 0 && end.end == CHILD_CANCELLED)
		rc = fail(e, ERR_BUSY, "cancelled");
	if (rc == 0)
		judge(&h, &end);
	if (rc == 0 && again.incomplete)
		rows_incomplete(rows, "asked once more without meta: %.900s", again.reason);
	rows->ask_own = rows->ask_own || again.ask_own;
	if (rc == 0 && !again.incomplete)
		rows_mend(rows, &again);
	hearing_release(&h);
	rows_release(&again);
	return rc;
}

/* Without a sandbox there is one path for everybody: one at a time. */
static int
lock_source(const char *dir, int64_t wait_ms, int *ret_fd, struct err *e)
{
	int64_t until = clock_mono_ms() + wait_ms;
	struct arena a = {0};
	char *path = arena_printf(&a, "%s/source.lock", dir);
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	int rc = fd >= 0 ? 0 : fail_sys(e, "%s", path);

	while (rc == 0 && flock(fd, LOCK_EX | LOCK_NB) != 0) {
		struct timespec pause = {0, 50 * 1000 * 1000};
		if (errno != EWOULDBLOCK && errno != EINTR)
			rc = fail_sys(e, "%s", path);
		else if (child_cancelled() || (wait_ms != 0 && clock_mono_ms() > until))
			rc = fail(e, ERR_BUSY, "another evaluation holds %s", path);
		else
			nanosleep(&pause, NULL);
	}
	if (rc == 0)
		*ret_fd = fd;
	else
		fd_close(&fd);
	arena_release(&a);
	return rc;
}

/* The flake's source into the store, under the name of the commit it is said to be. */
static int
prepare_flake(struct run *r, struct arena *a, const char *tree, struct err *e)
{
	struct flake_tree *flake = arena_alloc(a, sizeof(*flake));

	if (flake_store(a, tree, flake, e) != 0)
		return -1;
	r->job.flake = flake;
	r->job.flake_self = r->self.rev != NULL ? &r->self : NULL;
	return r->self.rev != NULL ? flake_count_commits(r->git_dir, &r->self, e) : 0;
}

static int
evaluate_in(struct run *r, struct arena *a, const char *work, struct rows *rows, struct err *e)
{
	AUTO(fd_close) int lock = -1;
	struct hearing h = {.r = r, .rows = rows};
	struct child_result end = {0};
	struct gitlinks *links = arena_alloc(a, sizeof(*links));
	struct rusage used = {0};

	h.disk = files_exist("/nix/store") ? "/nix/store" : work;
	if (!r->sandbox && lock_source(r->checkout_dir, 2 * r->wall_ms, &lock, e) != 0)
		return -1;
	const char *tree = arena_printf(a, "%s/source", r->sandbox ? work : r->checkout_dir);
	if (r->tree != NULL ? checkout_tree(r->git_dir, r->tree, tree, e) != 0 : files_mkdirs(tree, 0755, e) != 0)
		return -1;
	if (r->tree != NULL && !r->job.job->submodules && gitlinks_read(a, r->git_dir, r->tree, links, e) != 0)
		return -1;
	if (r->roots_dir != NULL && files_mkdirs(r->roots_dir, 0755, e) != 0)
		return -1;
	if (r->fetch_cache_dir != NULL && files_mkdirs(r->fetch_cache_dir, 0755, e) != 0)
		return -1;
	if (r->fetches != NULL &&
	    fetches_lend(r->fetches, arena_printf(a, "%s/cache", work), r->sandbox ? FETCHES : r->fetches, e) != 0)
		return -1;
	if (evaluator_wants_flake(r->job.job) && prepare_flake(r, a, tree, e) != 0)
		return -1;
	hearing_init(&h);
	int rc = run_child(r, a, work, &h, &end, e);
	getrusage(RUSAGE_CHILDREN, &used);
	r->max_rss_kb = used.ru_maxrss;
	r->took_ms = end.wall_ms;
	if (rc != 0 && e->kind == ERR_LIMIT) { /* a line without end: the evaluator's doing, not ours */
		rows_incomplete(rows, "%s", e->msg);
		rc = 0;
	} else if (rc == 0 && end.end == CHILD_CANCELLED) {
		rc = fail(e, ERR_BUSY, "cancelled");
	} else if (rc == 0) {
		judge(&h, &end);
		if (!rows->incomplete)
			rc = ask_without_meta(r, a, work, rows, e);
	}
	if (rc == 0) {
		rows_finish(rows);
		judge_unknown(r, links, rows);
	}
	if (rc == 0 && !rows->incomplete && r->fetches != NULL && r->fetch == FETCH_KEEP)
		rc = fetches_keep(arena_printf(a, "%s/cache", work), r->fetches, e);
	hearing_release(&h);
	if (!r->sandbox) {
		struct err late;
		if (files_remove_tree(tree, &late) != 0)
			log_err(LOG_WARN, "checkout", &late);
	}
	return rc;
}

/* Work folders whose owner is gone: a worker that was killed could not remove its own. Each owner holds a lock on its
 * folder; nobody makes or removes one without the lock on sweep_fd. */
static void
sweep(struct arena *a, const char *dir)
{
	DIR *d = opendir(dir);
	struct dirent *one;
	struct err late;

	while (d != NULL && (one = readdir(d)) != NULL) {
		if (strncmp(one->d_name, "work-", 5) != 0)
			continue;
		char *path = arena_printf(a, "%s/%s", dir, one->d_name);
		AUTO(fd_close) int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
		if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) == 0 && files_remove_tree(path, &late) != 0)
			log_err(LOG_WARN, "a work folder left behind", &late);
	}
	if (d != NULL)
		closedir(d);
}

/* A fresh work folder in path (a template), owned as long as *ret_fd is open. */
static int
make_work(struct arena *a, const char *dir, char *path, int *ret_fd, struct err *e)
{
	if (files_mkdirs(dir, 0755, e) != 0)
		return -1;
	AUTO(fd_close) int sweep_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (sweep_fd < 0 || flock(sweep_fd, LOCK_EX) != 0)
		return fail_sys(e, "%s", dir);
	sweep(a, dir);
	if (mkdtemp(path) == NULL || (*ret_fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) < 0 ||
	    flock(*ret_fd, LOCK_EX) != 0)
		return fail_sys(e, "%s", path);
	return 0;
}

int
run_evaluation(struct run *r, struct rows *rows, struct err *e)
{
	AUTO(fd_close) int owner = -1;
	struct arena a = {0};
	struct err late;
	char *work = arena_printf(&a, "%s/work-XXXXXX", r->checkout_dir);

	if (make_work(&a, r->checkout_dir, work, &owner, e) != 0) {
		arena_release(&a);
		return -1;
	}
	int rc = evaluate_in(r, &a, work, rows, e);
	if (files_remove_tree(work, &late) != 0)
		log_err(LOG_WARN, "work folder", &late);
	arena_release(&a);
	return rc;
}
