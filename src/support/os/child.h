/*
 * child - run one program to its end, and leave nothing of it behind.
 *
 * For stages (short-lived worker processes), which may block; the daemon itself uses loop.h. The program is found on
 * PATH; arguments are passed as they are, never through a shell. It gets a session of its own, /dev/null or the given
 * bytes as standard input, pipes for standard output and error, and no other descriptor of ours.
 *
 * Ends: by itself, after wall_ms, after silence_ms without output, when on_line says stop, or when this process gets
 * SIGTERM or SIGINT. However it ends, every descendant is then killed and reaped: the calling process makes itself their
 * subreaper, so that even one that left its process group is found. So only one child_run at a time, and no other
 * children, in a process; children_run below runs several side by side.
 */
#ifndef EKACI_SUPPORT_OS_CHILD_H
#define EKACI_SUPPORT_OS_CHILD_H

#include "support/base/err.h"
#include "support/base/str.h"

#include <sys/types.h>

enum {
	CHILD_MAX_LINE = 64 * 1024 * 1024, /* an evaluator's row with all its inputs; longer is hostile */
	CHILD_GRACE_MS = 2000,             /* between SIGTERM and SIGKILL */
	CHILD_WATCH_MS = 500
};

struct child {
	const char *const *argv; /* NULL-terminated; argv[0] is the program */
	const char *const *env;  /* NULL-terminated NAME=VALUE: added to ours, or all there is with env_clear */
	bool env_clear;
	const char *dir;         /* working directory, or NULL for ours */
	struct str in;           /* standard input */
	int64_t wall_ms;         /* 0: no limit */
	int64_t silence_ms;      /* 0: no limit */
	size_t max_out_bytes;    /* of standard output, and of error; 0: no limit. Over it the child is killed: ERR_LIMIT */
	uint64_t max_file_bytes; /* RLIMIT_FSIZE, 0: no limit */
	const char *cgroup;      /* the control group it begins in (cgroup.h), or NULL for ours */
	bool expendable;         /* when the machine's memory ends it is the first to go, with all it starts, and not we */
	bool talk;               /* standard input is a pipe, though `in` is empty; child_talk_start sets it */
	bool channel;            /* descriptor 3 is a third pipe to us */
	/* Called per line without its newline, fd 1, 2 or 3; the bytes live for the call. Return 0 to go on, 1 to stop
	 * the child (reported as stopped), -1 with e filled to give up. NULL: output is read and dropped. */
	int (*on_line)(void *ctx, int fd, struct str line, struct err *e);
	/* As on_line but as the bytes come; used instead of on_line for the fds where it is wanted. */
	int (*on_bytes)(void *ctx, int fd, struct str bytes, struct err *e);
	/* Called every CHILD_WATCH_MS while the program runs. Return 0 to go on, 1 to kill it at once (reported as
	 * stopped). NULL: nobody looks. */
	int (*on_watch)(void *ctx);
	void *ctx;
};

enum child_end { CHILD_EXITED, CHILD_SIGNALED, CHILD_TIMED_OUT, CHILD_SILENT, CHILD_STOPPED, CHILD_CANCELLED };

struct child_result {
	enum child_end end;
	int code; /* exit code when CHILD_EXITED, signal number when CHILD_SIGNALED */
	int64_t wall_ms;
	int64_t max_rss_kb; /* of the program itself */
};

/* Runs c. -1 only when it could not be started (ERR_ABSENT: no such program), a limit was broken or a callback gave
 * up; any way the program itself ends is a result. */
must_check int child_run(const struct child *c, struct child_result *ret, struct err *e);

/* Runs up to n_at_once of n children side by side until all have ended; results[i] belongs to children[i]. When one
 * gives -1 the others are killed. */
must_check int child_run_all(const struct child *children, size_t n, size_t n_at_once, struct child_result *results,
    struct err *e);

/*
 * A program to talk to, started as above but left running; its pipes do not block. It dies with this process; whoever is
 * through with it closes them and calls child_kill_descendants. While it runs, no child_run.
 */
struct child_talk {
	int in, out, err; /* to its standard input, from its output and error */
};
must_check int child_talk_start(const char *const *argv, struct child_talk *ret, struct err *e);

/* Wall clock that programs run here have taken so far, side by side counted once. */
int64_t child_spent_ms(void);

/* Convenience: runs argv, everything it prints to standard output goes to out (bounded by out->max), the last 2 KB of
 * standard error into e when it does not exit 0 (ERR_SYSTEM; ERR_BUSY when somebody killed it). */
must_check int child_output(const char *const *argv, struct buf *out, struct err *e);

/*
 * A program that has our terminal and our standard descriptors, such as a shell: started, and waited for. While it runs, no
 * child_run. env: NAME=VALUE, added to ours, or NULL; dir: its folder, or NULL for ours.
 */
must_check int child_foreground_start(const char *const *argv, const char *const *env, const char *dir, pid_t *ret,
    struct err *e);
/* Its exit code, 128 and the signal's number when it was ended by one. An interrupt is the program's own business; SIGTERM is
 * handed on. */
int child_foreground_wait(pid_t pid);

/* True when this process was asked to end by SIGTERM, or by SIGINT or SIGHUP from its terminal (child_catch_term was called and the
 * signal came); the exit code that says so: 130 for an interrupt, 143. */
bool child_cancelled(void);
int child_cancelled_code(void);
void child_catch_term(void);

/* What all descendants of this process use at this moment: how many they are, and memory that is theirs alone. */
struct child_load {
	size_t processes;
	int64_t memory_kb;
};
struct child_load child_load_now(void);

/* Kills (SIGKILL) and reaps every descendant of this process. */
void child_kill_descendants(void);

/* Where a program is on PATH (arena copy), or NULL. */
const char *child_find(struct arena *a, const char *program);

#endif
