/* The tables of evaluation.h. */
#include "records/evaluation.h"

const char *const side_words[] = {[SIDE_BASE] = "base", [SIDE_HEAD] = "head", NULL};

#define OF struct own_nix
static const struct field own_nix_members[] = {
    {OPTIONS(env), .about = "what decides what comes out: NIX_PATH, NIX_*, NIXPKGS_*, HOME, ..."},
    {OPTIONS(means), .about = "by which it comes out: PATH, proxies, certificates, ssh, git, ..."},
    {TEXT(settings), .about = "a hash of all of Nix' settings"},
    {TEXT(search), .about = "what <name> is looked up in, as NIX_PATH has it"},
    {TEXT(reads), .about = "further folders and files that nixpkgs reads"},
    {FLAG(restricted), .left_out = true},
};
const struct fields own_nix_fields = FIELDS("own", NULL, struct own_nix, own_nix_members);
#undef OF

#define OF struct evaluate_job
static const struct field evaluate_job_members[] = {
    {TEXT(git_dir), .required = true},
    {TEXT(tree), .required = true},
    {TEXT(base_tree), .left_out = true, .about = "of a head: by whose evaluation this one may be proved"},
    {FLAG(proof), .left_out = true, .about = "note what is read, and spare what is proved (evaluate/reads.h)"},
    {TEXTS(commits), .left_out = true, .about = "of a head: of which it is asked whether they rebuild nothing"},
    {RECORD(job, job_def, job_def_fields), .required = true, .about = "from the plan"},
    {WORD(side, side_words), .required = true},
    {TEXT(commit), .left_out = true, .about = "whose commit a flake's tree is said to be"},
    {TEXT(evals_dir), .required = true},
    {TEXT(checkout_dir), .required = true, .about = "the tree appears under one and the same path for base and head"},
    {TEXT(roots_dir), .about = "of garbage collector roots"},
    {TEXT(evaluator), .about = "as in ekaci.toml"},
    {INT(workers)},
    {INT(max_memory_mb), .otherwise = 4096, .about = "of each worker"},
    {INT(wall_ms), .otherwise = 3600 * 1000},
    {TEXT(sandbox), .about = "\"auto\" | \"require\" | \"off\""},
    {FLAG(sandbox_works), .left_out = true, .about = "whoever made the job has tried it"},
    {TEXT(cgroup), .left_out = true, .about = "our control group, to make one in (support/os/cgroup.h)"},
    {FLAG(allow_import_from_derivation)},
    {FLAG(allow_network)},
    {TEXT(fetches), .left_out = true, .about = "where the repository's fetched sources are noted (evaluate/fetches.h)"},
    {TEXT(fetch), .left_out = true, .about = "\"never\" | \"once\" | \"keep\""},
    {TEXT(fetch_cache_dir), .left_out = true, .about = "kept between evaluations for Nix' fetchers"},
    {TEXTS(allowed_uris)},
    {TEXTS(experimental_features)},
    {OPTIONS(nix_options), .about = "lines of its nix.conf (evaluate/evalconf.h)"},
    {MAYBE(own, own_nix, own_nix_fields), .left_out = true, .about = "`ekaci diff` alone: whose Nix it is"},
    {TEXTS(systems)},
    {INT(max_rows), .otherwise = 1000000},
    {INT(max_depth), .otherwise = 64},
    {INT(expected_rows), .otherwise = -1, .left_out = true, .about = "for progress"},
    {INT(max_processes), .otherwise = 256, .left_out = true, .about = "besides two a worker"},
    {INT(min_free_mb), .otherwise = 1024, .left_out = true, .about = "of the store's disk"},
};
const struct fields evaluate_job_fields = FIELDS("evaluate job", NULL, struct evaluate_job, evaluate_job_members);
#undef OF

#define OF struct commit_name
static const struct field commit_name_members[] = {
    {TEXT(rev), .required = true},
    {INT(time), .about = "seconds since 1970"},
};
const struct fields commit_name_fields = FIELDS("commit", NULL, struct commit_name, commit_name_members);
#undef OF

#define OF struct untold_attrs
static const struct field untold_attrs_members[] = {
    {INT(count)},
    {TEXTS(names), .about = "at most 5"},
    {TEXT(words), .about = "of the first"},
    {TEXT(advice), .about = "what to set"},
};
static const struct fields untold_attrs_fields = FIELDS("untold", NULL, struct untold_attrs, untold_attrs_members);
#undef OF

#define OF struct evaluation
static const struct field evaluation_members[] = {
    {WORD(side, side_words), .required = true},
    {TEXT(job), .required = true},
    {TEXT(key), .required = true},
    {TEXT(file), .about = "null when it is incomplete"},
    {FLAG(reused)},
    {FLAG(complete)},
    {INT(proved), .otherwise = -1, .left_out = true,
        .about = "not evaluated: of so many paths that base's evaluation looked at, none looks otherwise here"},
    {TEXT(unproved), .left_out = true, .about = "of a head that was evaluated, why it is not proved to be base's"},
    {TEXTS(idle), .left_out = true, .about = "of the change's commits those that touch nothing of what was evaluated"},
    {TEXT(reason), .about = "why it is not complete, in the evaluator's own words"},
    {FLAG(unknown), .left_out = true,
        .about = "incomplete for what this machine could not have or does not allow (nix/unknown.h)"},
    {MAYBE(untold, untold_attrs, untold_attrs_fields), .left_out = true,
        .about = "complete but for so many attributes, of which that is so"},
    {MAYBE(commit, commit_name, commit_name_fields), .left_out = true, .about = "that a flake was evaluated as"},
    {TEXT(nothing), .left_out = true, .about = "with no rows, why that is as it should be"},
    {INT(rows)},
    {INT(errors)},
    {INT(derivations)},
    {TEXT(evaluator)},
    {TEXT(version)},
    {TEXT(source), .about = "the path that the tree had"},
    {TEXT(sandbox), .about = "\"bubblewrap\" | \"none\""},
    {INT(wall_ms)},
    {INT(max_rss_kb)},
};
const struct fields evaluation_fields = FIELDS("evaluation", "evaluation", struct evaluation, evaluation_members);
#undef OF

#define OF struct evaluation_header
static const struct field evaluation_header_members[] = {
    {INT(ekaci_evaluation), .required = true, .about = "the format: 1"},
    {TEXT(key), .required = true},
    {TEXT(tree)},
    {RECORD(job, job_def, job_def_fields)},
    {MAYBE(commit, commit_name, commit_name_fields), .left_out = true},
    {TEXT(evaluator)},
    {TEXT(version)},
    {TEXT(source)},
    {FLAG(complete)},
    {FLAG(partial), .left_out = true, .about = "but for rows that are marked unknown"},
    {INT(workers), .left_out = true,
        .about = "how many there were, of which rows say what they cost; 0: rows say nothing of it"},
    {INT(rows), .otherwise = -1},
    {INT(errors), .otherwise = -1},
    {INT(derivations), .otherwise = -1},
};
const struct fields evaluation_header_fields =
    FIELDS("evaluation header", NULL, struct evaluation_header, evaluation_header_members);
#undef OF
