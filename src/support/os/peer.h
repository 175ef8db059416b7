/*
 * peer - a child that one talks with: lines to its standard input, lines from its standard error.
 *
 * For a coordinator with several long-lived helpers (the built-in evaluator and its nix processes). Standard output of
 * the child is dropped. The caller polls peer.err together with whatever else it waits for and calls peer_read when it
 * is readable. A peer ends with this process (parent-death signal). Nothing blocks: what is said must fit the pipe
 * (64 KB unread), which a dialogue of short questions and answers does.
 *
 * Life: peer_start, peer_say and peer_read in turn, peer_end. A zeroed struct peer is a valid ended one.
 */
#ifndef EKACI_SUPPORT_OS_PEER_H
#define EKACI_SUPPORT_OS_PEER_H

#include "support/base/err.h"
#include "support/base/str.h"

#include <sys/types.h>

enum { PEER_MAX_LINE = 64 * 1024 * 1024 }; /* one row with all its meta; longer is hostile */

struct peer {
	pid_t pid; /* 0: there is none */
	int in, err;
	struct buf text;    /* what came and is not yet a whole line */
	int64_t max_rss_kb; /* after peer_end */
};

/* argv[0] is found on PATH; env is added to the environment as it is. */
must_check int peer_start(const char *const *argv, const char *const *env, struct peer *ret, struct err *e);
/* To one that has ended: nothing, for that is what is read of it. ERR_SYSTEM when a child does not read any more. */
must_check int peer_say(struct peer *p, struct str text, struct err *e);
/* Reads what is there and hands each whole line, without its newline, to on_line (0: go on, -1: give up with e).
 * Returns 1 when the child closed its standard error, having handed on what was left; ERR_LIMIT on an endless line. */
must_check int peer_read(struct peer *p, int (*on_line)(void *ctx, struct str line, struct err *e), void *ctx, struct err *e);
/* Resident memory now, in KiB; 0 when it cannot be read. */
int64_t peer_rss_kb(const struct peer *p);
/* Kills the child if it still runs, reaps it, frees everything; gives its wait status as waitpid does. */
int peer_end(struct peer *p);

#endif
