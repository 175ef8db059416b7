/*
 * preamble - what a worker of the built-in evaluator is told first: the definition of `ekaci`, the walker applied to
 * what the command line asked for. Everything from outside is quoted; nothing of it can become a command of the repl.
 */
#ifndef EKACI_EVALUATE_BUILTIN_PREAMBLE_H
#define EKACI_EVALUATE_BUILTIN_PREAMBLE_H

#include "evaluate/builtin/evaljobs.h"
#include "nix/version.h"

struct preamble {
	struct nix_version nix;
	struct buf line;  /* the definition, for the repl's standard input */
	struct buf texts; /* a set of the expressions that do not fit on a line, for its --expr */
	size_t n_texts;
	struct buf uris; /* what a flake has locked, for restricted evaluation, each with a blank in front */
};

/* mark is hexadecimal. It runs nix: to be called before any worker is started. s is to be released however it ends. */
must_check int preamble_make(const struct eval_jobs *o, const char *mark, struct preamble *s, struct err *e);
/* The command of a worker, at most o->n_nix + PREAMBLE_WORDS words; gives how many. */
enum { PREAMBLE_WORDS = 24 };
size_t preamble_command(struct arena *a, const struct eval_jobs *o, const struct preamble *s, const char **argv);
void preamble_release(struct preamble *s);

#endif
