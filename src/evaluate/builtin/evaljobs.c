/* The command line of the built-in evaluator. */
#include "evaluate/builtin/evaljobs.h"

#include "support/os/child.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

enum means {
	EXPR,
	FLAKE,
	ARG,
	ARGSTR,
	WORKERS,
	MEMORY,
	ROOTS,
	META,
	FORCE,
	INPUTS,
	APPLY,
	SELECT,
	IMPURE,
	DEPTH,
	ROWS,
	SECONDS,
	ONE_ROOT,
	STATS,
	CACHE,
	CONSTITUENTS,
	OVERRIDE,
	SYSTEMS,
	ABSENT_OK,
	ONLY_LOCKED,
	NIX,
	NOT_DONE
};

const struct usage_option eval_jobs_options[] = {
    {"--expr", NULL, .what = "the argument is an expression, not a file", .alias = "-E", .means = EXPR},
    {"--flake", NULL, .what = "the argument is a flake reference, REF[#ATTR]", .means = FLAKE},
    {"--arg", "NAME EXPR", .what = "an argument for functions, as an expression", .means = ARG},
    {"--argstr", "NAME STRING", .what = "an argument for functions, as a string", .means = ARGSTR},
    {"--workers", "N", .what = "how many processes evaluate side by side (1)", .means = WORKERS},
    {"--max-memory-size", "MIB", .what = "memory of a worker; workers x this is the budget of all (4096)", .means = MEMORY},
    {"--gc-roots-dir", "DIR", .what = "links to the derivations, and one root that keeps them all", .means = ROOTS},
    {"--one-gc-root", NULL, .what = "with --gc-roots-dir: only the root that keeps them all (not in nix-eval-jobs)",
        .means = ONE_ROOT},
    {"--meta", NULL, .what = "with each derivation's meta", .means = META},
    {"--stats", NULL,
        .what = "with what each row cost (stats.allocBytes, where libgc is a shared library) and the warnings behind it "
                "(not in nix-eval-jobs, whose newer versions always say so)",
        .means = STATS},
    {"--force-recurse", NULL, .what = "enter sets without recurseForDerivations too", .means = FORCE},
    {"--show-input-drvs", NULL, .what = "with each derivation's input derivations", .means = INPUTS},
    {"--apply", "EXPR", .what = "a function of each derivation; its result becomes extraValue", .means = APPLY},
    {"--select", "EXPR", .what = "a function of the root; its result is walked", .means = SELECT},
    {"--override-input", "PATH REF",
        .what = "another flake for an input (PATH: nixpkgs, or a/nixpkgs), also for whom follows it", .means = OVERRIDE},
    {"--systems", "LIST", .what = "of a flake's outputs only those of these systems (not in nix-eval-jobs)", .means = SYSTEMS},
    {"--absent-ok", NULL, .what = "a flake's ATTR that is not there is an empty set (not in nix-eval-jobs)",
        .means = ABSENT_OK},
    {"--only-locked", NULL,
        .what = "before Nix 2.10, whose flakes are not evaluated purely: fetch nothing but what the "
                "lock file names, not what the flake's code asks for by itself (not in nix-eval-jobs)",
        .means = ONLY_LOCKED},
    {"--impure", NULL, .what = "a flake may read the environment and unlocked inputs", .means = IMPURE},
    {"--check-cache-status", NULL,
        .what = "whether each derivation is local, cached or notBuilt, and what it needs; "
                "one question to the store, so rows come at the end; neededSubstitutes is what builds need directly",
        .means = CACHE},
    {"--constituents", NULL,
        .what = "an aggregate's constituents, also by name and glob, become its inputs, with "
                "errors for those that are not there; rows come at the end",
        .means = CONSTITUENTS},
    {"--max-depth", "N", .what = "sets nested deeper are an error row (64; not in nix-eval-jobs)", .means = DEPTH},
    {"--max-rows", "N", .what = "stop after so many rows, with exit 1 (1000000; not in nix-eval-jobs)", .means = ROWS},
    {"--max-seconds", "N", .what = "stop after so long, with exit 1 (no limit; not in nix-eval-jobs)", .means = SECONDS},
    {"-I", "PATH", .what = "handed to nix", .means = NIX},
    {"--option", "NAME VALUE", .what = "handed to nix", .means = NIX},
    {"--eval-store", "URL", .what = "handed to nix", .means = NIX},
    {"--show-trace", NULL, .what = "handed to nix", .means = NIX},
    {"--override-flake", "REF REF", .what = "stock Nix has no such thing for an expression",
        .group = "Options of nix-eval-jobs that are refused here, each with the reason", .means = NOT_DONE},
    {"--reference-lock-file", "FILE", .what = "same", .means = NOT_DONE},
    {"--no-instantiate", NULL, .what = "stock Nix's repl always writes derivations", .means = NOT_DONE},
    {"--log-format", "FORMAT", .what = "messages are plain text", .means = NOT_DONE},
    {"--repair", NULL, .what = "stock Nix has no such thing for an expression", .means = NOT_DONE},
    {0},
};

const char eval_jobs_words[] =
    "Prints one JSON object a line for each derivation found below the root, or for each attribute that fails, like "
    "nix-eval-jobs, with nothing but stock Nix (from 2.8) or Lix.\n\n"
    "From version to version nix-eval-jobs differs; of its output this program has attr, attrPath, name, system, "
    "drvPath, outputs, requiredSystemFeatures, meta (or metaError, why it does not evaluate: the row is "
    "good all the same), inputDrvs, extraValue, error, "
    "cacheStatus, isCached, neededBuilds, neededSubstitutes, constituents, namedConstituents. A set that says the "
    "same as one above it - all names and derivations below, without an end - is an error row: a set within itself. A flake is walked by "
    "its schema, marked or not: all its checks, packages, devShells, formatter, hydraJobs and configurations, or those "
    "below ATTR. A local one is read as path:, that is all its files, not only those git knows; without --impure it is "
    "locked by the hash of its contents and evaluated purely. Before Nix 2.26 an expression with tabs or letters "
    "beyond ASCII is read from the store, where its relative paths mean nothing, and before 2.10 a flake is evaluated "
    "restricted: it sees builtins.currentSystem, but no file of the machine and no environment.";

static int
wrong_words(const char *what)
{
	fprintf(stderr, "ekaci eval-jobs: %s\nsee ekaci eval-jobs --help\n", what);
	return 2;
}

static int
wrong(const char *what, const char *arg)
{
	fprintf(stderr, "ekaci eval-jobs: %s: %s\nsee ekaci eval-jobs --help\n", arg, what);
	return 2;
}

static int
number(const char *text, int64_t max, int64_t *ret)
{
	return str_to_i64(str_of(text), ret) == 0 && *ret > 0 && *ret <= max ? 0 : -1;
}

static int
take(struct eval_jobs *o, const struct usage_option *opt, char **v)
{
	switch ((enum means)opt->means) {
	case EXPR: o->source = EVAL_EXPR; return 0;
	case FLAKE: o->source = EVAL_FLAKE; return 0;
	case ARG:
	case ARGSTR: o->args[o->n_args++] = (struct eval_arg){v[0], v[1], opt->means == ARG}; return 0;
	case WORKERS: return number(v[0], 1024, &o->workers);
	case MEMORY: return number(v[0], INT64_MAX >> 24, &o->max_memory_mb);
	case DEPTH: return number(v[0], 10000, &o->max_depth);
	case ROWS: return number(v[0], UINT32_MAX / 4, &o->max_rows);
	case SECONDS: return number(v[0], INT32_MAX, &o->max_seconds);
	case ROOTS: o->roots_dir = v[0]; return 0;
	case META: o->meta = true; return 0;
	case FORCE: o->force_recurse = true; return 0;
	case INPUTS: o->show_input_drvs = true; return 0;
	case APPLY: o->apply = v[0]; return 0;
	case SELECT: o->select = v[0]; return 0;
	case ONE_ROOT: o->one_root = true; return 0;
	case STATS: o->stats = true; return 0;
	case CACHE: o->check_cache_status = true; return 0;
	case OVERRIDE: o->overrides[o->n_overrides++] = (struct eval_override){v[0], v[1]}; return 0;
	case CONSTITUENTS: o->constituents = true; return 0;
	case SYSTEMS: o->systems = v[0]; return 0;
	case ONLY_LOCKED: o->only_locked = true; return 0;
	case ABSENT_OK: o->absent_ok = true; return 0;
	case IMPURE: o->impure = true; return 0;
	case NIX:
		o->nix[o->n_nix++] = opt->name;
		for (int i = 0; i < usage_values(opt); i++)
			o->nix[o->n_nix++] = v[i];
		return 0;
	case NOT_DONE: break;
	}
	return -1;
}

static int
parse(int argc, char **argv, struct eval_jobs *o)
{
	const struct usage u = {.name = "eval-jobs", .options = eval_jobs_options};
	struct usage_reader r = {.u = &u, .argc = argc, .argv = argv, .at = 1};
	struct err e;
	int is;

	while ((is = usage_next(&r, &e)) != USAGE_END) {
		if (is < 0)
			return wrong_words(e.msg);
		if (is == USAGE_WORD) {
			if (o->what != NULL)
				return wrong("one file, expression or flake at a time", r.values[0]);
			o->what = r.values[0];
		} else if (r.option->means == NOT_DONE) {
			return wrong(r.option->what, r.option->name);
		} else if (take(o, r.option, r.values) != 0) {
			return wrong("not a number in range", r.option->name);
		}
	}
	if (o->n_overrides > 0 && o->source != EVAL_FLAKE)
		return wrong("only a flake has inputs", "--override-input");
	return o->what != NULL ? 0 : wrong_words("a file, an expression or a flake is missing");
}

enum { KILLED = 128 + SIGKILL }; /* as a shell says it: nobody's attribute is at fault, and it may be tried again */

int
eval_jobs_main(int argc, char **argv)
{
	struct arena a = {0};
	struct eval_jobs o = {.workers = 1, .max_memory_mb = 4096, .max_depth = 64, .max_rows = 1000000};
	struct err e = {0};

	o.args = arena_alloc(&a, (size_t)argc * sizeof(*o.args));
	o.overrides = arena_alloc(&a, (size_t)argc * sizeof(*o.overrides));
	o.nix = arena_alloc(&a, (size_t)argc * sizeof(*o.nix));
	int rc = parse(argc, argv, &o);
	if (rc == 0) {
		child_catch_term();
		rc = walk_run(&o, &e) == 0 ? 0 : child_cancelled() ? child_cancelled_code() : e.kind == ERR_BUSY ? KILLED : 1;
		if (rc != 0)
			fprintf(stderr, "ekaci eval-jobs: %s\n", e.msg); /* what Nix said, with its "error:", stands above */
	}
	arena_release(&a);
	return rc;
}
