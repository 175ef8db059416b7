/*
 * gitcmd - the git program, for what the network and locks are needed.
 *
 * It sees no configuration but ours, given by its environment: nothing of the system, the user or HOME; no prompts,
 * hooks, credential helpers or submodules; only the protocol of the address it was made for. The authorization goes to
 * that address's host alone. Of our own environment it gets PATH and what names proxies and certificates.
 *
 * With of_user it is somebody's own git, as they would run it themselves: their HOME, configuration, keys and credential
 * helpers; still without prompts, hooks, and protocols other than https, http and ssh (and files, where the address is one).
 */
#ifndef EKACI_CHANGESET_GITCMD_H
#define EKACI_CHANGESET_GITCMD_H

#include "support/base/err.h"
#include "support/base/str.h"

enum {
	GITCMD_LOW_SPEED_BYTES = 1000, /* a second; slower than this ... */
	GITCMD_LOW_SPEED_S = 30        /* ... for so long is a dead connection */
};

struct gitcmd {
	struct arena *a;
	const char *dir;           /* the git folder */
	const char *url;           /* NULL: nothing over the network */
	const char *authorization; /* value of the header, or NULL */
	int64_t deadline_ms;       /* by clock_mono_ms; 0: none */
	bool of_user;
};

/* What a failure was, beyond the kind of its error. */
enum gitcmd_trouble {
	GITCMD_OTHER,
	GITCMD_NO_REF, /* the other side does not have the ref or the commit asked for */
	GITCMD_LOCKED, /* a lock file is in the way */
	GITCMD_CORRUPT /* the folder here is damaged */
};

/* http://, https://, file:// or an absolute path, without user, control characters and options in disguise. */
must_check int gitcmd_url_check(const char *url, struct err *e);

/* A folder's path, or file://. */
bool gitcmd_is_local(const char *url);
/* Whether two http or https addresses have the same scheme, host and port. */
bool gitcmd_same_origin(const char *a, const char *b);

/* Runs `git --git-dir=DIR ARGS...` (args end in NULL). -1: ERR_DENIED, ERR_ABSENT, ERR_BUSY (network, time), ERR_SYSTEM
 * (disk, everything else) with git's last words; *ret_trouble (may be NULL) says more. */
must_check int gitcmd_run(const struct gitcmd *g, const char *const *args, enum gitcmd_trouble *ret_trouble, struct err *e);

/* The same; what it prints to standard output, at most max_bytes (ERR_LIMIT), goes to *ret, in g->a. */
must_check int gitcmd_read(const struct gitcmd *g, const char *const *args, size_t max_bytes, struct str *ret, struct err *e);

/* The kind and trouble that git's words on standard error mean; for tests. */
enum err_kind gitcmd_classify(struct str words, enum gitcmd_trouble *ret_trouble);

#endif
