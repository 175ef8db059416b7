/*
 * setup - what a worker of the built-in evaluator is told first: the definition of `ekaci`, the walker applied to
 * what the command line asked for. Everything from outside is quoted; nothing of it can become a command of the repl.
 */
#ifndef EKACI_EVALUATE_SETUP_H
#define EKACI_EVALUATE_SETUP_H

#include "evaluate/evaljobs.h"

/* Appends the text, whole lines, to out. mark is hexadecimal. Hashing a local flake runs nix: call it before any
 * worker is started. */
must_check int setup_text(const struct eval_jobs *o, const char *mark, struct buf *out, struct err *e);

/* Nix text for things from outside, for a repl's input line: printable ASCII, no newline, no tab. */
must_check int walk_nix_string(struct str s, struct buf *out, struct err *e);
/* An expression in parentheses. One line of printable ASCII keeps its relative paths; any other goes through a file in
 * the store, where relative paths mean the store. */
must_check int walk_nix_expr(const char *text, struct buf *out, struct err *e);
/* The library that makes an old Nix show errors faster (nixlines.c), or NULL: only for the distribution's own nix, which
 * has our C library, and only where it lies beside the program or in ../lib/ekaci. */
const char *setup_preload(struct arena *a);

#endif
