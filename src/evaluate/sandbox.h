/*
 * sandbox - a program in a world of its own, by bubblewrap.
 *
 * Inside: /usr and what belongs to it, the Nix store, a private /tmp and home, an /etc of four files that we write and
 * the loader's cache, new process, IPC, host-name and (unless asked otherwise) network namespaces, an empty environment but for what is
 * given, and the binds asked for. Everything ends with our process. Not inside: any other file of the machine.
 *
 * `whole` is for a user's own code (ekaci diff): it keeps nothing from them, and is there for one path for all trees, an end
 * with ours, and a home that nothing is written to. The environment then is that of bubblewrap itself, env is not looked
 * at: arguments can be read by everybody.
 *
 * The store: with a Nix daemon, /nix/store is read-only and only the daemon's socket is there beside it. Without one,
 * the program itself has to write .drv files and Nix's database, so /nix/store and /nix/var/nix are writable: what the
 * evaluated language can do with that is what Nix lets it do, add to the store.
 */
#ifndef EKACI_EVALUATE_SANDBOX_H
#define EKACI_EVALUATE_SANDBOX_H

#include "support/base/err.h"
#include "support/base/str.h"

enum sandbox_mode { SANDBOX_REQUIRE, SANDBOX_AUTO, SANDBOX_OFF };

struct sandbox_bind {
	const char *from, *to; /* to NULL: the same */
	bool writable;
};

struct sandbox {
	const char *work_dir; /* a folder of the caller's, outside; /etc is written here. Must live while it runs */
	const struct sandbox_bind *binds;
	size_t n_binds;
	const char *const *env; /* NULL-terminated NAME=VALUE; PATH, HOME, TMPDIR, LANG are set besides */
	const char *dir;        /* working directory inside */
	bool network;
	bool nix;             /* the store, and Nix's state or socket */
	const char *nix_conf; /* further lines of its nix.conf, or NULL */
	bool whole; /* the whole machine is seen, though read-only but for /tmp, and the environment is the caller's */
};

/* "require", "auto", "off"; anything else is ERR_INPUT. */
must_check int sandbox_mode_of(const char *word, enum sandbox_mode *ret, struct err *e);
/* Whether bubblewrap works here; tried once in a process. *why (static) says why not. */
bool sandbox_works(const char **why);
/* Somebody else has tried, and it works. Where it does not after all, what is run in it fails: nothing runs without it. */
void sandbox_trust(void);
/* 1: use it, 0: go without, -1: it is required and cannot be had (ERR_DENIED, with the reason). */
must_check int sandbox_decide(enum sandbox_mode mode, struct err *e);
/* The command that runs argv inside, in a. Run it with a cleared environment (sandbox_plain_env): bubblewrap's own
 * first process keeps what it was started with, and can be read by what runs inside. */
must_check int sandbox_command(struct arena *a, const struct sandbox *s, const char *const *argv, const char *const **ret,
    struct err *e);

/* What a bind must show so that path can be opened inside: path itself, or what a symbolic link of a folder that is
 * there leads to; NULL when it is there anyway. The folders of the system and the Nix store are. */
const char *sandbox_lacks(struct arena *a, const char *path);

/* What is left of our environment for a program that is not in a sandbox (or for bubblewrap itself): where programs
 * and Nix are, and extra (NULL-terminated, may be NULL). */
const char *const *sandbox_plain_env(struct arena *a, const char *const *extra);

#define SANDBOX_HOME "/tmp/home"

#endif
