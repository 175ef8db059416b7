/* The command line of the built-in evaluator. */
#include "evaluate/builtin/evaljobs.h"

#include "support/os/child.h"

#include <stdio.h>
#include <string.h>

enum takes { NOTHING, ONE, TWO };
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
	CACHE,
	CONSTITUENTS,
	OVERRIDE,
	SYSTEMS,
	ABSENT_OK,
	ONLY_LOCKED,
	NIX,
	NOT_DONE,
	HELP
};

struct option {
	const char *name, *alias;
	enum takes takes;
	enum means means;
	const char *args, *what;
};

static const struct option options[] = {
    {"--expr", "-E", NOTHING, EXPR, "", "the argument is an expression, not a file"},
    {"--flake", NULL, NOTHING, FLAKE, "", "the argument is a flake reference, REF[#ATTR]"},
    {"--arg", NULL, TWO, ARG, "NAME EXPR", "an argument for functions, as an expression"},
    {"--argstr", NULL, TWO, ARGSTR, "NAME STRING", "an argument for functions, as a string"},
    {"--workers", NULL, ONE, WORKERS, "N", "how many processes evaluate side by side (1)"},
    {"--max-memory-size", NULL, ONE, MEMORY, "MIB", "memory of a worker; workers x this is the budget of all (4096)"},
    {"--gc-roots-dir", NULL, ONE, ROOTS, "DIR", "links to the derivations, and one root that keeps them all"},
    {"--one-gc-root", NULL, NOTHING, ONE_ROOT, "",
        "with --gc-roots-dir: only the root that keeps them all (not in nix-eval-jobs)"},
    {"--meta", NULL, NOTHING, META, "", "with each derivation's meta"},
    {"--force-recurse", NULL, NOTHING, FORCE, "", "enter sets without recurseForDerivations too"},
    {"--show-input-drvs", NULL, NOTHING, INPUTS, "", "with each derivation's input derivations"},
    {"--apply", NULL, ONE, APPLY, "EXPR", "a function of each derivation; its result becomes extraValue"},
    {"--select", NULL, ONE, SELECT, "EXPR", "a function of the root; its result is walked"},
    {"--override-input", NULL, TWO, OVERRIDE, "PATH REF",
        "another flake for an input (PATH: nixpkgs, or a/nixpkgs), also for whom follows it"},
    {"--systems", NULL, ONE, SYSTEMS, "LIST", "of a flake's outputs only those of these systems (not in nix-eval-jobs)"},
    {"--absent-ok", NULL, NOTHING, ABSENT_OK, "", "a flake's ATTR that is not there is an empty set (not in nix-eval-jobs)"},
    {"--only-locked", NULL, NOTHING, ONLY_LOCKED, "",
        "before Nix 2.10, whose flakes are not evaluated purely: fetch nothing but what the "
        "lock file names, not what the flake's code asks for by itself (not in nix-eval-jobs)"},
    {"--impure", NULL, NOTHING, IMPURE, "", "a flake may read the environment and unlocked inputs"},
    {"--check-cache-status", NULL, NOTHING, CACHE, "",
        "whether each derivation is local, cached or notBuilt, and what it needs; "
        "one question to the store, so rows come at the end; neededSubstitutes is what builds need directly"},
    {"--constituents", NULL, NOTHING, CONSTITUENTS, "",
        "an aggregate's constituents, also by name and glob, become its inputs, with "
        "errors for those that are not there; rows come at the end"},
    {"--max-depth", NULL, ONE, DEPTH, "N", "sets nested deeper are an error row (64; not in nix-eval-jobs)"},
    {"--max-rows", NULL, ONE, ROWS, "N", "stop after so many rows, with exit 1 (1000000; not in nix-eval-jobs)"},
    {"--max-seconds", NULL, ONE, SECONDS, "N", "stop after so long, with exit 1 (no limit; not in nix-eval-jobs)"},
    {"-I", NULL, ONE, NIX, "PATH", "handed to nix"},
    {"--option", NULL, TWO, NIX, "NAME VALUE", "handed to nix"},
    {"--eval-store", NULL, ONE, NIX, "URL", "handed to nix"},
    {"--show-trace", NULL, NOTHING, NIX, "", "handed to nix"},
    {"--help", "-h", NOTHING, HELP, "", "this text"},
    {"--override-flake", NULL, TWO, NOT_DONE, "REF REF", "stock Nix has no such thing for an expression"},
    {"--reference-lock-file", NULL, ONE, NOT_DONE, "FILE", "same"},
    {"--no-instantiate", NULL, NOTHING, NOT_DONE, "", "stock Nix's repl always writes derivations"},
    {"--log-format", NULL, ONE, NOT_DONE, "FORMAT", "messages are plain text"},
    {"--repair", NULL, NOTHING, NOT_DONE, "", "stock Nix has no such thing for an expression"},
};

/* Words below 80 columns, each line after so many blanks. */
static void
print_words(const char *text, int indent)
{
	int column = 0;

	for (struct str rest = str_of(text); rest.p != NULL && rest.n > 0;) {
		struct str word = str_cut(rest, ' ', &rest);
		bool fits = column > 0 && column + 1 + (int)word.n <= 80;
		if (fits)
			putchar(' ');
		else
			printf("%s%*s", column > 0 ? "\n" : "", indent, "");
		column = fits ? column + 1 + (int)word.n : indent + (int)word.n;
		fwrite(word.p, 1, word.n, stdout);
	}
	putchar('\n');
}

static void
help(void)
{
	puts("usage: ekaci eval-jobs [OPTION...] FILE\n"
	     "       ekaci eval-jobs [OPTION...] --expr EXPR | --flake REF[#ATTR]\n\n"
	     "Prints one JSON object a line for each derivation found below the root, or for\n"
	     "each attribute that fails, like nix-eval-jobs, with nothing but stock Nix (from\n"
	     "2.8) or Lix.\n");
	for (int done = 1; done >= 0; done--) {
		if (!done)
			puts("\nOptions of nix-eval-jobs that are refused here, each with the reason:");
		for (size_t i = 0; i < COUNT(options); i++)
			if ((options[i].means != NOT_DONE) == done) {
				printf("  %s%s%s\n", options[i].name, *options[i].args != '\0' ? " " : "", options[i].args);
				print_words(options[i].what, 8);
			}
	}
	putchar('\n');
	print_words(
	    "From version to version nix-eval-jobs differs; of its output this program has attr, attrPath, name, system, "
	    "drvPath, outputs, requiredSystemFeatures, meta (or metaError, why it does not evaluate: the row is "
	    "good all the same), inputDrvs, extraValue, error, "
	    "cacheStatus, isCached, neededBuilds, neededSubstitutes, constituents, namedConstituents. A set that says the "
	    "same as one above it - all names and derivations below, without an end - is an error row: a set within itself. A flake is walked by "
	    "its schema, marked or not: all its checks, packages, devShells, formatter, hydraJobs and configurations, or those "
	    "below ATTR. A local one is read as path:, that is all its files, not only those git knows; without --impure it is "
	    "locked by the hash of its contents and evaluated purely. Before Nix 2.26 an expression with tabs or letters "
	    "beyond ASCII is read from the store, where its relative paths mean nothing, and before 2.10 a flake is evaluated "
	    "restricted: it sees builtins.currentSystem, but no file of the machine and no environment.",
	    0);
}

static int
wrong(const char *what, const char *arg)
{
	fprintf(stderr, "ekaci eval-jobs: %s: %s (see ekaci eval-jobs --help)\n", arg, what);
	return 2;
}

static int
number(const char *text, int64_t max, int64_t *ret)
{
	return str_to_i64(str_of(text), ret) == 0 && *ret > 0 && *ret <= max ? 0 : -1;
}

static const struct option *
find(const char *name)
{
	for (size_t i = 0; i < COUNT(options); i++)
		if (strcmp(options[i].name, name) == 0 || (options[i].alias != NULL && strcmp(options[i].alias, name) == 0))
			return &options[i];
	return NULL;
}

static int
take(struct eval_jobs *o, const struct option *opt, char **v)
{
	switch (opt->means) {
	case EXPR: o->source = EVAL_EXPR; return 0;
	case FLAKE: o->source = EVAL_FLAKE; return 0;
	case ARG:
	case ARGSTR: o->args[o->n_args++] = (struct eval_arg){v[1], v[2], opt->means == ARG}; return 0;
	case WORKERS: return number(v[1], 1024, &o->workers);
	case MEMORY: return number(v[1], INT64_MAX >> 24, &o->max_memory_mb);
	case DEPTH: return number(v[1], 10000, &o->max_depth);
	case ROWS: return number(v[1], UINT32_MAX / 4, &o->max_rows);
	case SECONDS: return number(v[1], INT32_MAX, &o->max_seconds);
	case ROOTS: o->roots_dir = v[1]; return 0;
	case META: o->meta = true; return 0;
	case FORCE: o->force_recurse = true; return 0;
	case INPUTS: o->show_input_drvs = true; return 0;
	case APPLY: o->apply = v[1]; return 0;
	case SELECT: o->select = v[1]; return 0;
	case ONE_ROOT: o->one_root = true; return 0;
	case CACHE: o->check_cache_status = true; return 0;
	case OVERRIDE: o->overrides[o->n_overrides++] = (struct eval_override){v[1], v[2]}; return 0;
	case CONSTITUENTS: o->constituents = true; return 0;
	case SYSTEMS: o->systems = v[1]; return 0;
	case ONLY_LOCKED: o->only_locked = true; return 0;
	case ABSENT_OK: o->absent_ok = true; return 0;
	case IMPURE: o->impure = true; return 0;
	case NIX:
		for (int i = 0; i <= (int)opt->takes; i++)
			o->nix[o->n_nix++] = v[i];
		return 0;
	case NOT_DONE:
	case HELP: break;
	}
	return -1;
}

static int
parse(int argc, char **argv, struct eval_jobs *o)
{
	for (int i = 1; i < argc; i++) {
		const struct option *opt = find(argv[i]);
		if (argv[i][0] != '-') {
			if (o->what != NULL)
				return wrong("one file, expression or flake at a time", argv[i]);
			o->what = argv[i];
			continue;
		}
		if (opt == NULL)
			return wrong("no such option", argv[i]);
		if (opt->means == NOT_DONE)
			return wrong(opt->what, argv[i]);
		if (i + (int)opt->takes >= argc)
			return wrong("wants more arguments", argv[i]);
		if (take(o, opt, argv + i) != 0)
			return wrong("not a number in range", argv[i]);
		i += (int)opt->takes;
	}
	if (o->n_overrides > 0 && o->source != EVAL_FLAKE)
		return wrong("only a flake has inputs", "--override-input");
	return o->what != NULL ? 0 : wrong("missing", "the file, expression or flake");
}

int
eval_jobs_main(int argc, char **argv)
{
	struct arena a = {0};
	struct eval_jobs o = {.workers = 1, .max_memory_mb = 4096, .max_depth = 64, .max_rows = 1000000};
	struct err e = {0};

	for (int i = 1; i < argc; i++)
		if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) {
			help();
			return 0;
		}
	o.args = arena_alloc(&a, (size_t)argc * sizeof(*o.args));
	o.overrides = arena_alloc(&a, (size_t)argc * sizeof(*o.overrides));
	o.nix = arena_alloc(&a, (size_t)argc * sizeof(*o.nix));
	int rc = parse(argc, argv, &o);
	if (rc == 0) {
		child_catch_term();
		rc = walk_run(&o, &e) == 0 ? 0 : 1;
		if (rc != 0)
			fprintf(stderr, "ekaci eval-jobs: %s\n", e.msg); /* what Nix said, with its "error:", stands above */
	}
	arena_release(&a);
	return rc;
}
