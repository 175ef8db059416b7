/*
 * cgroup - a program and everything below it, limited and ended as one by the kernel (control groups, version 2).
 *
 * The group that this process was started in is ours to divide when the system gave it away, as systemd does with
 * Delegate=: it has the controllers memory and pids, we may write to it, and nobody else is in it. Then
 *
 *   GROUP/          no process of its own any more; version 2 hands controllers on only from such
 *   GROUP/bot/      we, and our workers
 *   GROUP/eval-PID/ what the worker PID runs
 *
 * Nothing here starts a process: struct child has a member for the group to begin in. Paths of the hierarchy are arguments;
 * on a plain folder the same files are written, which is how it is tested where the kernel delegates nothing.
 */
#ifndef EKACI_SUPPORT_OS_CGROUP_H
#define EKACI_SUPPORT_OS_CGROUP_H

#include "support/base/err.h"
#include "support/base/str.h"

#define CGROUP_ROOT "/sys/fs/cgroup"
#define CGROUP_SELF "/proc/self/cgroup"

/* The group of this process (self: its /proc/.../cgroup) in the hierarchy at root, a folder, in a. ERR_ABSENT with the
 * reason when it is not ours to divide. Changes nothing. */
must_check int cgroup_find(struct arena *a, const char *root, const char *self, const char **ret, struct err *e);
/* Moves this process to GROUP/bot and hands the controllers on. On failure everything is as it was. */
must_check int cgroup_take(const char *group, struct err *e);

/* No swap; over memory_mb all of it is killed. tasks: processes and threads. */
struct cgroup_limits {
	int64_t memory_mb, tasks;
};
/* A fresh group for what this process is about to run, *ret in a. Groups of workers that are gone are removed first. */
must_check int cgroup_make(struct arena *a, const char *group, const struct cgroup_limits *limits, const char **ret,
    struct err *e);
/* Moves the calling process there; -1 with errno. */
int cgroup_enter(const char *path);
/* What came of the limits so far. */
struct cgroup_hits {
	bool memory, tasks;
};
struct cgroup_hits cgroup_hits(const char *path);
/* Kills whatever is in it, waits for that and removes it. */
must_check int cgroup_remove(const char *path, struct err *e);
/* Removes what workers that are gone have left in GROUP. */
void cgroup_sweep(const char *group);

#endif
