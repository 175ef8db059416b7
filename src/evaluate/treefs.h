/*
 * treefs - a git tree as a folder, served by FUSE from the repository, that notes what is read of it.
 *
 * Nothing is written to disk: a tree of 50,000 files of which 2,000 are read costs 2,000. The kernel asks once for each name, folder and
 * file and keeps the answer, so an evaluation that reads a file twice pays once. What it asks for is what was read (reads.h); that holds
 * for any program, because it is no matter of how it was linked or which calls it makes.
 *
 * The folder is there for this process and its children alone: the first mount takes the process into a mount namespace of its own, and,
 * where it is not root, into a user namespace in which it is itself. The mount ends with the process at the latest.
 */
#ifndef EKACI_EVALUATE_TREEFS_H
#define EKACI_EVALUATE_TREEFS_H

#include "evaluate/reads.h"

struct treefs;

/* Mounts the tree on dir, an empty folder. Call while the process has one thread. ERR_DENIED, ERR_ABSENT or ERR_SYSTEM: it cannot be had
 * here (no /dev/fuse, no namespaces); the caller checks the tree out instead. */
must_check int treefs_mount(const char *git_dir, const char *tree, const char *dir, struct treefs **ret, struct err *e);
/*
 * Ends it. What was read is in *ret, which the caller releases. -1 when something that was asked for could not be given: what was evaluated
 * then is worth nothing. NULL is fine and reads nothing.
 */
must_check int treefs_end(struct treefs **t, struct reads *ret, struct err *e);

#endif
