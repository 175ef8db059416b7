/*
 * access - how this process may reach the Nix store.
 *
 * By a daemon's socket, or, without one, by writing the store and Nix' database itself (a single user's Nix).
 * The paths are Nix' own defaults (but for NIX_STATE_DIR, where roots are forgotten); where the environment points Nix elsewhere (NIX_REMOTE, NIX_STATE_DIR,
 * NIX_STORE_DIR) that is left to Nix.
 */
#ifndef EKACI_NIX_ACCESS_H
#define EKACI_NIX_ACCESS_H

#include "support/base/err.h"

#include <stdbool.h>

/* Whether a daemon answers at the socket. One without anybody behind it is left over from another life. */
bool nixstore_daemon_listens(void);

/* Whether a daemon does what is asked of the store, because this process may not write it itself. */
bool nixstore_is_the_daemons(void);
/* A connection to that daemon, not blocking, close-on-exec; -1: it does not listen, or will not have us. */
must_check int nixstore_connect(void);

/* In words, static: "by Nix' daemon", "as its only user" and the like; NULL and *e (ERR_DENIED, with what
 * to do about it) when nothing could be evaluated or built. */
const char *nixstore_access(struct err *e);

/*
 * For each root that is made somewhere else Nix keeps a link in gcroots/auto, and takes it back when it collects garbage after the
 * root is gone. Takes back at once those of roots that were in dir, which is gone (an absolute path). 1: there are some that only
 * Nix' daemon may take back, which it does when it is asked for all roots.
 */
int nixstore_forget_roots(const char *dir);

#endif
