/*
 * version - which Nix is on PATH, for the few things that cannot be found out by trying.
 *
 * Nix counts 2.8, 2.26, 2.34; Lix, which began as Nix 2.18, counts 2.90 and on. What differs stands in ARCHITECTURE.md.
 */
#ifndef EKACI_NIX_VERSION_H
#define EKACI_NIX_VERSION_H

#include "support/base/err.h"
#include "support/base/str.h"

struct nix_version {
	int64_t major, minor;
	bool lix;
};

/* From what `nix --version` prints, "nix (Nix) 2.26.3" and its like; ERR_INPUT when there is no version in it. */
must_check int nix_version_read(struct str text, struct nix_version *ret, struct err *e);
/* Runs a program the first time; whoever asks again in this process gets the same answer. */
must_check int nix_version_ask(struct nix_version *ret, struct err *e);

/* Whether `nix repl --option pure-eval true` evaluates purely; before 2.10 it never does. */
bool nix_repl_is_pure(const struct nix_version *v);
/* Whether the repl is to be given text of several lines with --expr; before, its input may be continued. */
bool nix_repl_takes_texts(const struct nix_version *v);
/* Whether it reads a file a byte at a time to show a line of it (nixlines.c). */
bool nix_reads_bytes(const struct nix_version *v);
/* Whether an error comes with a trace that shows lines of code. */
bool nix_shows_traces(const struct nix_version *v);
/* Whether a flake's inputs may be folders of its own, locked with "parent", and the reference path:... may have a dir. */
bool nix_knows_folders_of_flakes(const struct nix_version *v);

#endif
