/* inotify around child processes. */
#include "cli/watch.h"

#include "changeset/pulled.h"
#include "changeset/worktree.h"
#include "cli/sides.h"
#include "support/base/clock.h"
#include "support/os/child.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/pidfd.h>
#include <unistd.h>

enum {
	SETTLE_MS = 150, /* an editor's writes and renames of one save */
	MOST_MS = 2000,  /* longer than that nobody waits for quiet */
	EVENTS = IN_CLOSE_WRITE | IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO | IN_ATTRIB | IN_ONLYDIR,
	COULD_NOT_WATCH = 2
};

struct file_watch {
	const struct command_line *q;
	const char *index; /* for the working tree's index */
	const char **argv; /* of the command, without --watch */
	int fd;
	char *seen; /* what was compared last */
};

/* --- looking ----------------------------------------------------------------------------------------------------------- */

/* The folders as they are now are watched; one that was watched already stays so. */
static int
add_folders(struct file_watch *w, struct err *e)
{
	struct arena a = {0};
	struct texts list;
	int rc = worktree_folders(&a, w->q->repo, &list, e);

	for (size_t i = 0; rc == 0 && i < list.n; i++)
		if (inotify_add_watch(w->fd, list.p[i], EVENTS) < 0 && errno == ENOSPC)
			rc = fail(e, ERR_LIMIT,
			    "more folders than the kernel watches for one user (sysctl fs.inotify.max_user_watches)");
	arena_release(&a);
	return rc;
}

/* What would be compared now: true when it is other than last time, or cannot be told. */
static bool
differs(struct file_watch *w)
{
	struct arena a = {0};
	struct sides s = {0};
	struct err e;
	const char *now = "?";

	if (sides_find(&a, w->q, w->index, &s, &e) == 0)
		now = arena_printf(&a, "%s %s %s", s.mirrored.base, s.mirrored.base_tree, s.mirrored.head_tree);
	bool other = w->seen == NULL || strcmp(w->seen, now) != 0;
	mem_free(&w->seen);
	w->seen = mem_strdup(now);
	arena_release(&a);
	return other;
}

/* Whether something came within the time; it is read away. */
static bool
events_within(struct file_watch *w, int ms)
{
	struct pollfd p = {.fd = w->fd, .events = POLLIN};
	char bytes[16384];
	bool some = false;

	while (poll(&p, 1, some ? 0 : ms) > 0 && read(w->fd, bytes, sizeof(bytes)) > 0)
		some = true;
	return some;
}

static void
settle(struct file_watch *w)
{
	int64_t begun = clock_mono_ms();

	while (!child_cancelled() && events_within(w, SETTLE_MS) && clock_mono_ms() - begun < MOST_MS)
		;
}

/* --- doing ------------------------------------------------------------------------------------------------------------- */

/* Runs the command; it is ended when something is saved meanwhile (true), or this process is to end. */
static bool
run_once(struct file_watch *w, struct err *e, bool *ret_failed)
{
	bool saved = false;
	pid_t pid;

	*ret_failed = child_foreground_start(w->argv, NULL, NULL, &pid, e) != 0;
	if (*ret_failed)
		return false;
	int end = pidfd_open(pid, 0);
	struct pollfd p[2] = {{.fd = end, .events = POLLIN}, {.fd = w->fd, .events = POLLIN}};
	while (
	    end >= 0 && !child_cancelled() && !saved && (poll(p, 2, -1) >= 0 || errno == EINTR) && !(p[0].revents & POLLIN)) {
		saved = (p[1].revents & POLLIN) != 0;
		p[0].revents = p[1].revents = 0;
	}
	if (saved || child_cancelled())
		kill(pid, SIGTERM);
	(void)child_foreground_wait(pid);
	if (end >= 0)
		close(end);
	return saved;
}

static int
go_round(struct file_watch *w, struct err *e)
{
	bool saved, failed;

	while (!child_cancelled()) {
		if (add_folders(w, e) != 0)
			return -1;
		saved = run_once(w, e, &failed);
		if (failed)
			return -1;
		if (!saved && !child_cancelled())
			fputs("ekaci: watching; ctrl-C ends\n", stderr);
		while (!child_cancelled() && !saved) {
			while (!child_cancelled() && !events_within(w, -1))
				;
			settle(w);
			saved = !child_cancelled() && differs(w);
		}
		settle(w);
		if (!child_cancelled())
			(void)differs(w);
	}
	return 0;
}

int
watch_run(const struct command_line *q, const char *scratch, int argc, char **argv)
{
	struct arena a = {0};
	struct file_watch w = {.q = q, .index = scratch, .argv = arena_alloc(&a, (size_t)(argc + 2) * sizeof(*w.argv))};
	struct err e = {0};
	size_t n = 0;

	w.argv[n++] = "/proc/self/exe";
	for (int i = 0; i < argc; i++)
		if (strcmp(argv[i], "--watch") != 0)
			w.argv[n++] = argv[i];
	w.argv[n] = NULL;
	w.fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	int rc = w.fd < 0 ? fail_sys(&e, "cannot watch files") : 0;
	if (rc == 0) {
		(void)differs(&w);
		rc = go_round(&w, &e);
	}
	if (rc != 0)
		fprintf(stderr, "ekaci: %s\n", e.msg);
	if (w.fd >= 0)
		close(w.fd);
	mem_free(&w.seen);
	arena_release(&a);
	return rc != 0 ? COULD_NOT_WATCH : child_cancelled_code();
}
