/* Control groups, by the files of their hierarchy. */
#include "support/os/cgroup.h"

#include "support/base/clock.h"
#include "support/base/log.h"
#include "support/os/files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum {
	MAX_FILE = 64 * 1024, /* of the kernel's lists; those of many processes are longer and need not be read whole */
	EMPTY_MS = 2000,      /* killed processes are gone long before */
	EMPTY_LOOK_US = 1000,
	MAX_DEPTH = 16 /* of groups that a program outside a sandbox made in its own */
};
#define EVAL_PREFIX "eval-"

/* The kernel's files are there already; O_CREAT is for a plain folder. */
static int
put(const char *group, const char *file, const char *value)
{
	char path[600];

	snprintf(path, sizeof(path), "%s/%s", group, file);
	AUTO(fd_close) int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	return fd >= 0 && write(fd, value, strlen(value)) == (ssize_t)strlen(value) ? 0 : -1;
}

/* Empty when it cannot be read. */
static struct str
get(struct arena *a, const char *group, const char *file)
{
	struct str text = {"", 0};
	struct err ignored;

	return files_read(a, arena_printf(a, "%s/%s", group, file), MAX_FILE, &text, &ignored) == 0 ? str_trim(text) : STR("");
}

static bool
has_word(struct str list, const char *word)
{
	while (list.p != NULL)
		if (str_is(str_cut(list, ' ', &list), word))
			return true;
	return false;
}

/* The value of a key in a file of "KEY NUMBER" lines. */
static int64_t
count_of(struct str lines, const char *key)
{
	int64_t n;

	while (lines.p != NULL) {
		struct str value, name = str_cut(str_cut(lines, '\n', &lines), ' ', &value);
		if (str_is(name, key) && str_to_i64(value, &n) == 0)
			return n;
	}
	return 0;
}

/* Version 2 alone at root, or beside version 1. */
static const char *
hierarchy(struct arena *a, const char *root)
{
	const char *beside = arena_printf(a, "%s/unified", root);

	if (files_exist(arena_printf(a, "%s/cgroup.controllers", root)))
		return root;
	return files_exist(arena_printf(a, "%s/cgroup.controllers", beside)) ? beside : NULL;
}

static bool
may_write(struct arena *a, const char *group)
{
	return access(group, W_OK) == 0 && access(arena_printf(a, "%s/cgroup.procs", group), W_OK) == 0 &&
	       access(arena_printf(a, "%s/cgroup.subtree_control", group), W_OK) == 0;
}

int
cgroup_find(struct arena *a, const char *root, const char *self, const char **ret, struct err *e)
{
	const char *top = hierarchy(a, root), *group = NULL;
	struct str lines;

	if (top == NULL)
		return fail(e, ERR_ABSENT, "no control groups of version 2 at %s", root);
	if (files_read(a, self, MAX_FILE, &lines, e) != 0)
		return -1;
	for (lines = str_trim(lines); lines.p != NULL && group == NULL;) {
		struct str line = str_cut(lines, '\n', &lines);
		if (str_starts(line, STR("0::/")) && !str_starts(line, STR("0::/..")))
			group = arena_printf(a, "%s" STR_FMT, top, line.n == 4 ? 0 : (int)line.n - 3, line.p + 3);
	}
	if (group == NULL || !files_exist(group))
		return fail(e, ERR_ABSENT, "our own control group is not below %s", top);
	struct str controllers = get(a, group, "cgroup.controllers"), procs = get(a, group, "cgroup.procs");
	if (!has_word(controllers, "memory") || !has_word(controllers, "pids"))
		return fail(e, ERR_ABSENT, "the controllers memory and pids are not in %s", group);
	if (!may_write(a, group))
		return fail(e, ERR_ABSENT, "%s is not ours to write", group);
	if (!str_is(procs, arena_printf(a, "%d", (int)getpid())))
		return fail(e, ERR_ABSENT, "%s has other processes, too", group);
	*ret = group;
	return 0;
}

int
cgroup_take(const char *group, struct err *e)
{
	struct arena a = {0};
	const char *bot = arena_printf(&a, "%s/bot", group);
	int rc = files_mkdirs(bot, 0755, e);

	if (rc == 0 && cgroup_enter(bot) != 0)
		rc = fail_sys(e, "cannot move to %s", bot);
	if (rc == 0 && put(group, "cgroup.subtree_control", "+memory +pids") != 0) {
		rc = fail_sys(e, "cannot hand the controllers of %s on", group);
		(void)cgroup_enter(group);
		(void)rmdir(bot);
	}
	arena_release(&a);
	return rc;
}

static int
set_limits(const char *path, const struct cgroup_limits *limits, struct err *e)
{
	char memory[32], tasks[32];

	snprintf(memory, sizeof(memory), "%" PRId64, limits->memory_mb * 1024 * 1024);
	snprintf(tasks, sizeof(tasks), "%" PRId64, limits->tasks);
	if (put(path, "memory.max", memory) != 0 || put(path, "memory.oom.group", "1") != 0 ||
	    put(path, "pids.max", tasks) != 0)
		return fail_sys(e, "cannot limit %s", path);
	(void)put(path, "memory.swap.max", "0"); /* a kernel without swap has no such file */
	return 0;
}

int
cgroup_make(struct arena *a, const char *group, const struct cgroup_limits *limits, const char **ret, struct err *e)
{
	const char *path = arena_printf(a, "%s/" EVAL_PREFIX "%d", group, (int)getpid());
	struct err late;

	cgroup_sweep(group);
	if (files_exist(path) && cgroup_remove(path, e) != 0) /* of a worker that had our number */
		return -1;
	if (files_mkdirs(path, 0755, e) != 0)
		return -1;
	if (set_limits(path, limits, e) != 0) {
		if (cgroup_remove(path, &late) != 0)
			log_err(LOG_WARN, "control group", &late);
		return -1;
	}
	*ret = path;
	return 0;
}

int
cgroup_enter(const char *path)
{
	return put(path, "cgroup.procs", "0");
}

struct cgroup_hits
cgroup_hits(const char *path)
{
	struct arena a = {0};
	struct cgroup_hits hits = {.memory = count_of(get(&a, path, "memory.events"), "oom_kill") > 0,
	    .tasks = count_of(get(&a, path, "pids.events"), "max") > 0};

	arena_release(&a);
	return hits;
}

/* With the groups below it; 0, or -1 with errno. */
static int
remove_groups(const char *path, int depth)
{
	struct dirent *one;
	char below[600];
	DIR *d = depth < MAX_DEPTH ? opendir(path) : NULL;

	while (d != NULL && (one = readdir(d)) != NULL)
		if (one->d_type == DT_DIR && one->d_name[0] != '.') {
			snprintf(below, sizeof(below), "%s/%s", path, one->d_name);
			(void)remove_groups(below, depth + 1);
		}
	if (d != NULL)
		closedir(d);
	return rmdir(path);
}

int
cgroup_remove(const char *path, struct err *e)
{
	int64_t until = clock_mono_ms() + EMPTY_MS;

	if (put(path, "cgroup.kill", "1") != 0)
		return fail_sys(e, "cannot end what is in %s", path);
	/* Busy until the last of the killed has gone. */
	while (remove_groups(path, 0) != 0) {
		if (errno != EBUSY || clock_mono_ms() > until)
			return fail_sys(e, "cannot remove %s", path);
		usleep(EMPTY_LOOK_US);
	}
	return 0;
}

void
cgroup_sweep(const char *group)
{
	struct dirent *one;
	struct arena a = {0};
	struct err e;
	DIR *d = opendir(group);
	int64_t pid;

	while (d != NULL && (one = readdir(d)) != NULL) {
		struct str name = str_of(one->d_name);
		if (!str_starts(name, STR(EVAL_PREFIX)) || str_to_i64(str_from(name, strlen(EVAL_PREFIX)), &pid) != 0 ||
		    pid <= 0 || kill((pid_t)pid, 0) == 0 || errno != ESRCH)
			continue;
		if (cgroup_remove(arena_printf(&a, "%s/%s", group, one->d_name), &e) != 0)
			log_err(LOG_WARN, "a control group left behind", &e);
	}
	if (d != NULL)
		closedir(d);
	arena_release(&a);
}
