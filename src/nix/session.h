/*
 * session - a conversation with Nix that outlives one build: `nix-daemon --stdio`, in its worker protocol (wire.h has the bytes).
 *
 * Protocol 1.34 is spoken (Nix 2.8 and newer, Lix): a build answers with a status, so its end is not guessed from words. One request
 * at a time. Every length read is bounded; a peer that breaks the protocol, dies or passes a limit ends the session, and session_close
 * kills all it started. For stages: it blocks, until SIGTERM at the latest.
 *
 * Where this user may write the store, that program serves it by itself. Elsewhere we talk to the machine's daemon directly, because
 * nix-daemon, which would pass the conversation on, drops the settings in it from 2.24 or so on, limits too. The daemon gets, as
 * from any client, what the user has set otherwise than by default, and obeys what it lets that user set.
 *
 * Facts: src/libstore/{worker-protocol.hh,daemon.cc,build-result.hh} of Nix.
 */
#ifndef EKACI_NIX_SESSION_H
#define EKACI_NIX_SESSION_H

#include "records/fields.h"

struct session;

/* What Nix says of a build; the numbers are the protocol's. */
enum nix_status {
	NIX_BUILT,
	NIX_SUBSTITUTED,
	NIX_ALREADY_VALID,
	NIX_PERMANENT_FAILURE,
	NIX_INPUT_REJECTED,
	NIX_OUTPUT_REJECTED,
	NIX_TRANSIENT_FAILURE,
	NIX_CACHED_FAILURE,
	NIX_TIMED_OUT,
	NIX_MISC_FAILURE,
	NIX_DEPENDENCY_FAILED,
	NIX_LOG_LIMIT_EXCEEDED,
	NIX_NOT_DETERMINISTIC,
	NIX_RESOLVES_TO_ALREADY_VALID,
	NIX_NO_SUBSTITUTERS
};

enum session_end {
	SESSION_ANSWERED,
	SESSION_REFUSED,
	SESSION_DIED,
	SESSION_SILENT,
	SESSION_TIMED_OUT,
	SESSION_LOG_LIMIT,
	SESSION_CANCELLED
};

struct session_job {
	const char *drv, *root; /* root: GC root to make, or NULL; other outputs than out get -NAME */
	int64_t silent_s, wall_s;
	size_t max_log_bytes;
	const char *builders;   /* NULL: Nix' own */
	const char *local_hook; /* a build hook that declines, for builds that no other machine can do; or NULL */
	bool elsewhere;         /* one of builders, never this machine */
	bool again;             /* its outputs are there: build it once more and compare */
	bool builders_use_substitutes;
	const struct named_texts *options;
	/* What the log says, whole lines, as the builder printed them, colours too. 0 to go on, 1 over the limit, -1 with e. */
	int (*on_log)(void *ctx, struct str text, struct err *e);
	/* A phase of the builder begins. As above. */
	int (*on_phase)(void *ctx, const char *phase, struct err *e);
	void *ctx;
};
struct session_result {
	enum session_end end;
	enum nix_status status;     /* when answered */
	char *message;              /* Nix' words when it did not succeed, or NULL; in the arena. They are not in the log */
	char *phase;                /* the last that the builder announced, or NULL; in the arena */
	bool begun;                 /* its builder was started; what Nix could not begin, no builder has failed */
	bool dependency_begun;      /* and that of something it needs, which Nix found missing */
	const char *const *outputs; /* paths, NULL-terminated, when it succeeded; in the arena */
	char *machine;              /* where, or NULL: on this machine; in the arena */
	int64_t building_ms;        /* since it was begun */
};

/* ERR_ABSENT: there is no nix-daemon, or none that speaks the protocol. */
must_check int session_open(struct session **ret, struct err *e);
/* -1 when the log or the GC root cannot be written. The session lives on only after SESSION_ANSWERED and
 * SESSION_REFUSED; after this only where no builder had begun, for some errors end Nix' side, too. */
must_check int session_build(struct session *s, struct arena *a, const struct session_job *job, struct session_result *ret,
    struct err *e);
/* Appends text without its escape sequences and carriage returns, as Nix prints to anything that is no terminal. */
void session_plain(struct buf *out, struct str text);
/* Ends it with everything it started; *s may be NULL. */
void session_close(struct session **s);

#endif
