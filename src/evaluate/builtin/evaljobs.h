/*
 * evaljobs - the built-in evaluator: `ekaci eval-jobs`, nix-eval-jobs' command line and JSON lines over stock Nix.
 *
 * How: a few `nix repl` processes (Nix from 2.8, Lix) are fed the walker (walker.h) and then, by their standard input,
 * batches of attribute paths; what they find comes back on their standard error. A failing attribute - throw, assert,
 * abort, a type error, a missing argument, infinite recursion - costs nothing: the repl prints Nix's own message and
 * goes on with all it has evaluated. Only a stack overflow or a kill for memory costs a process; the attribute that
 * was being evaluated then gets its own row (after one more try alone, when it was memory), and a new process goes on
 * with the rest.
 *
 * Exit code as nix-eval-jobs': 0 however many attributes failed; 1 when the root failed or a limit cut the walk short
 * (rows so far are valid but not all); 2 for a wrong command line; 130 when it was interrupted.
 */
#ifndef EKACI_EVALUATE_BUILTIN_EVALJOBS_H
#define EKACI_EVALUATE_BUILTIN_EVALJOBS_H

#include "support/base/err.h"
#include "support/base/str.h"
#include "support/text/usage.h"

enum eval_source { EVAL_FILE, EVAL_EXPR, EVAL_FLAKE };

struct eval_arg {
	const char *name;
	const char *value;
	bool is_expr; /* --arg; else a string, --argstr */
};

struct eval_override {
	const char *input; /* its path, e.g. "nixpkgs" or "home-manager/nixpkgs" */
	const char *ref;
};

struct eval_jobs {
	enum eval_source source;
	const char *what;   /* the path, the expression, or the flake reference with its fragment */
	const char *select; /* an expression, or NULL */
	const char *apply;  /* an expression, or NULL */
	const char *roots_dir;
	const char *systems; /* of a flake's outputs, names with blanks between; NULL: all */
	bool only_locked;    /* where a flake is evaluated restricted: nothing is fetched but what its lock file names */
	bool absent_ok;      /* a flake's attribute path that is not there is an empty set */
	struct eval_arg *args;
	size_t n_args;
	struct eval_override *overrides; /* of a flake's inputs */
	size_t n_overrides;
	const char **nix; /* options handed to nix as they are */
	size_t n_nix;
	bool meta, force_recurse, show_input_drvs, impure;
	bool stats;                            /* rows say what they cost, and the warnings behind them */
	bool one_root;                         /* no link for each derivation beside the root that keeps them all */
	bool check_cache_status, constituents; /* either: rows are printed when all are there */
	int64_t workers;
	int64_t max_memory_mb; /* of each worker; times workers is the budget of all */
	int64_t max_depth, max_rows, max_seconds;
};

extern const struct usage_option eval_jobs_options[];
extern const char eval_jobs_words[];
/* The command; argv[0] is "eval-jobs". Gives the exit code. */
int eval_jobs_main(int argc, char **argv);

/* Walks everything o asks for and prints rows to standard output. Returns 0, or 1 when the walk is not complete, with
 * the reason in e. */
must_check int walk_run(const struct eval_jobs *o, struct err *e);

#endif
