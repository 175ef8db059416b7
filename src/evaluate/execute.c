/* One evaluation: checkout, evaluator, rows. */
#include "evaluate/execute.h"

#include "evaluate/checkout.h"
#include "evaluate/doubts.h"
#include "evaluate/surroundings.h"
#include "evaluate/treefs.h"
#include "support/base/clock.h"
#include "support/base/log.h"
#include "support/os/files.h"
#include "support/os/lock.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/resource.h>

enum {
	SCOPE_BYTES = 30 * 1024, /* of paths of attributes in an argument, which also quotes them */
	LEAST_MS = 1000          /* is left for asking again */
};

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

/* Its errors once more, without meta (execute.h); all of it, where naming them would be too long for a command line. */
static int
ask_without_meta(struct evaluating *r, struct arena *a, const char *work, struct eval_rows *rows, struct err *e)
{
	struct paths failed = eval_rows_failed(rows);
	struct job_def job = *r->job.job;
	struct eval_rows again = {.max_rows = rows->max_rows, .max_depth = rows->max_depth, .scope = &failed, .external = true};
	struct evaluating second = *r;
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
	hearing_begin(&h);
	int rc = surroundings_run(&second, a, work, &h, &end, e);
	r->took_ms += end.wall_ms;
	if (rc == 0 && end.end == CHILD_CANCELLED)
		rc = fail(e, ERR_BUSY, "cancelled");
	if (rc == 0)
		hearing_judge(&h, &end);
	if (rc == 0 && again.incomplete)
		eval_rows_incomplete(rows, "asked once more without meta: %.900s", again.reason);
	rows->ask_own = rows->ask_own || again.ask_own;
	if (rc == 0 && !again.incomplete)
		eval_rows_mend(rows, &again);
	hearing_release(&h);
	eval_rows_release(&again);
	return rc;
}

/* Without a sandbox there is one path for everybody: one at a time. */
static int
lock_source(struct arena *a, const char *dir, int64_t wait_ms, int *ret_fd, struct err *e)
{
	const char *path = arena_printf(a, "%s/source.lock", dir);

	return lock_wait(path, wait_ms != 0 ? clock_mono_ms() + wait_ms : 0,
	    arena_printf(a, "another evaluation holds %s", path), ret_fd, e);
}

/* The flake's source into the store, under the name of the commit it is said to be. */
static int
prepare_flake(struct evaluating *r, struct arena *a, const char *tree, struct err *e)
{
	struct flake_tree *flake = arena_alloc(a, sizeof(*flake));

	if (flake_store(a, tree, flake, e) != 0)
		return -1;
	r->job.flake = flake;
	r->job.flake_self = r->self.rev != NULL ? &r->self : NULL;
	return r->self.rev != NULL ? flake_count_commits(r->git_dir, &r->self, e) : 0;
}

/* By somebody else: what goes over its limits is told in the rows. A sandbox tells the end of what is in it as a shell does. */
static bool
was_killed(const struct child_result *end)
{
	return (end->end == CHILD_SIGNALED && end->code == SIGKILL) || (end->end == CHILD_EXITED && end->code == 128 + SIGKILL);
}

/* The tree on disk, in dir; or served, where what is read of it is to be known and that can be had here. */
static int
provide_tree(struct evaluating *r, const char *dir, struct treefs **ret, struct err *e)
{
	struct err why;

	if (r->tree == NULL)
		return files_mkdirs(dir, 0755, e);
	/* A flake is copied to the store as a whole before anything of it is read. */
	if (r->notes_reads && r->sandbox && !evaluator_wants_flake(r->job.job)) {
		if (files_mkdirs(dir, 0755, e) != 0)
			return -1;
		if (treefs_mount(r->git_dir, r->tree, dir, ret, &why) == 0)
			return 0;
		log_debug("what is read is not noted: %s", why.msg);
	}
	return checkout_tree(r->git_dir, r->tree, dir, e);
}

/* The served tree goes, and what was read of it is kept with the rows. What of it could not be given is a fault of our repository,
 * whatever the evaluator made of that. */
static int
end_tree(struct evaluating *r, struct treefs **tree, struct err *e)
{
	struct err why;

	reads_release(&r->reads); /* of an evaluator before this one */
	r->knows_reads = *tree != NULL;
	return treefs_end(tree, &r->reads, &why) == 0 ? 0 : fail(e, why.kind, "the tree could not be read: %.900s", why.msg);
}

/* What is in dir, which is the tree. */
static int
evaluate_tree(struct evaluating *r, struct arena *a, const char *work, const char *tree, struct eval_rows *rows, struct err *e)
{
	struct hearing h = {.r = r, .rows = rows};
	struct child_result end = {0};
	struct gitlinks *links = arena_alloc(a, sizeof(*links));
	struct rusage used = {0};

	h.disk = files_exist("/nix/store") ? "/nix/store" : work;
	if (r->tree != NULL && !r->job.job->submodules && gitlinks_read(a, r->git_dir, r->tree, links, e) != 0)
		return -1;
	if (r->roots_dir != NULL && files_mkdirs(r->roots_dir, 0755, e) != 0)
		return -1;
	if (r->fetch_cache_dir != NULL && files_mkdirs(r->fetch_cache_dir, 0755, e) != 0)
		return -1;
	if (r->fetches != NULL &&
	    fetches_lend(r->fetches, arena_printf(a, "%s/cache", work), r->sandbox ? SURROUNDINGS_FETCHES : r->fetches, e) != 0)
		return -1;
	if (evaluator_wants_flake(r->job.job) && prepare_flake(r, a, tree, e) != 0)
		return -1;
	hearing_begin(&h);
	int rc = surroundings_run(r, a, work, &h, &end, e);
	getrusage(RUSAGE_CHILDREN, &used);
	r->max_rss_kb = used.ru_maxrss;
	r->took_ms = end.wall_ms;
	if (rc != 0 && e->kind == ERR_LIMIT) { /* a line without end: the evaluator's doing, not ours */
		eval_rows_incomplete(rows, "%s", e->msg);
		rc = 0;
	} else if (rc == 0 && end.end == CHILD_CANCELLED) {
		rc = fail(e, ERR_BUSY, "cancelled");
	} else if (rc == 0 && !rows->incomplete && was_killed(&end)) {
		rc = fail(e, ERR_SYSTEM, "the evaluator was killed, not by ekaci (did the machine run out of memory?)");
	} else if (rc == 0) {
		hearing_judge(&h, &end);
		if (!rows->incomplete)
			rc = ask_without_meta(r, a, work, rows, e);
	}
	if (rc == 0) {
		eval_rows_finish(rows);
		doubts_judge(r, links, rows);
	}
	if (rc == 0 && !rows->incomplete && r->fetches != NULL && r->fetch == FETCH_KEEP)
		rc = fetches_keep(arena_printf(a, "%s/cache", work), r->fetches, e);
	hearing_release(&h);
	return rc;
}

static int
evaluate_in(struct evaluating *r, struct arena *a, const char *work, struct eval_rows *rows, struct err *e)
{
	AUTO(fd_close) int lock = -1;
	struct treefs *served = NULL;
	struct err late;

	if (!r->sandbox && lock_source(a, r->checkout_dir, 2 * r->wall_ms, &lock, e) != 0)
		return -1;
	const char *tree = arena_printf(a, "%s/source", r->sandbox ? work : r->checkout_dir);
	if (provide_tree(r, tree, &served, e) != 0)
		return -1;
	int rc = evaluate_tree(r, a, work, tree, rows, e);
	if (end_tree(r, &served, rc == 0 ? e : &late) != 0)
		rc = -1;
	if (!r->sandbox && files_remove_tree(tree, &late) != 0)
		log_err(LOG_WARN, "checkout", &late);
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
execute_evaluation(struct evaluating *r, struct eval_rows *rows, struct err *e)
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
