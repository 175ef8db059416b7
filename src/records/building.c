/* The tables of building.h. */
#include "records/building.h"

#include "records/evaluation.h"

#define OF struct query_job
static const struct field query_job_members[] = {
    {TEXT(difference), .required = true, .about = "the difference file"},
    {WORD(side, side_words), .otherwise = SIDE_HEAD, .about = "\"base\": of what failed, and for sizes"},
    {TEXTS(failed), .about = "base: head derivations whose base is asked for"},
    {TEXTS(asked), .about = "attributes, or sets of them, that somebody named"},
    {OPTIONS(options), .about = "Nix settings"},
    {FLAG(sizes)},
};
const struct fields query_job_fields = FIELDS("query job", NULL, struct query_job, query_job_members);
#undef OF

#define OF struct build_needed
static const struct field build_needed_members[] = {
    {TEXT(drv), .required = true},
    {TEXT(name), .required = true},
    {TEXT(system), .required = true},
    {TEXTS(features), .about = "that its machine must have"},
    {TEXTS(inputs), .about = "drv paths among the records before it"},
    {FLAG(target)},
    {FLAG(fixed_output)},
    {FLAG(cached), .left_out = true, .about = "a target that is there or can be fetched: nothing to do"},
    {FLAG(marked), .left_out = true, .about = "cached, and an output in the store says of itself that it failed"},
    {FLAG(asked), .otherwise = true, .about = "of, or needed by, one of those named; true when none was named"},
    {TEXT(base), .left_out = true, .about = "of a target: its derivation at the base, \"\" when there is none"},
    {FLAG(changed), .left_out = true, .about = "the change is why: it must be rebuilt, or is new"},
};
const struct fields build_needed_fields = FIELDS("build", "build", struct build_needed, build_needed_members);
#undef OF

#define OF struct base_of
static const struct field base_of_members[] = {
    {TEXT(head), .required = true},
    {TEXT(base), .required = true, .about = "\"\" when the base has no such attribute"},
};
const struct fields base_of_fields = FIELDS("base_of", "base_of", struct base_of, base_of_members);
#undef OF

#define OF struct needed_there
static const struct field needed_there_members[] = {
    {TEXT(name), .required = true},
    {TEXT(system), .required = true},
};
const struct fields needed_there_fields = FIELDS("there", "there", struct needed_there, needed_there_members);
#undef OF

#define OF struct estimate_of
static const struct field estimate_of_members[] = {
    {INT(builds)},
    {INT(total_ms)},
    {INT(critical_path_ms)},
    {INT(known), .about = "builds whose duration was recorded"},
    {INT(unknown)},
    {INT(finish_ms), .otherwise = -1, .left_out = true},
    {INT(finish_low_ms), .otherwise = -1, .left_out = true},
    {INT(finish_high_ms), .otherwise = -1, .left_out = true},
};
static const struct fields estimate_of_fields = FIELDS("estimate", NULL, struct estimate_of, estimate_of_members);
#undef OF

#define OF struct dear_package
static const struct field dear_package_members[] = {
    {TEXT(name), .required = true, .about = "without version"},
    {INT(builds)},
    {INT(ms)},
};
static const struct fields dear_package_fields = FIELDS("package that costs", NULL, struct dear_package, dear_package_members);
#undef OF

#define OF struct change_cost
static const struct field change_cost_members[] = {
    {INT(builds), .about = "all that must be rebuilt or is new, whether it is there by now or not"},
    {INT(known), .about = "of these how many have a recorded duration; the numbers below are of them"},
    {INT(ms), .about = "one after the other, by medians"},
    {INT(low_ms), .about = "with each one's usual spread shorter"},
    {INT(high_ms), .about = "and longer"},
    {INT(cached), .about = "of builds: there already, or to be fetched"},
    {INT(cached_known)},
    {INT(cached_ms)},
    {LIST_OF(dearest, dear_package, dear_package_fields), .about = "the five that take most"},
};
static const struct fields change_cost_fields = FIELDS("cost of a change", NULL, struct change_cost, change_cost_members);
#undef OF

#define OF struct metric
static const struct field metric_members[] = {
    {TEXT(name), .required = true},
    {TEXT(unit), .required = true},
    {REAL(base), .about = "null: that side has none"},
    {REAL(head)},
};
static const struct fields metric_fields = FIELDS("metric", NULL, struct metric, metric_members);
#undef OF

#define OF struct product
static const struct field product_members[] = {
    {TEXT(type), .required = true},
    {TEXT(subtype), .required = true},
    {INT(base), .otherwise = -1, .null = true, .about = "bytes of a file; null: none, or a folder"},
    {TEXT(name)},
    {TEXT(store_path), .about = "head's, else base's"},
    {INT(head), .otherwise = -1, .null = true},
};
static const struct fields product_fields = FIELDS("product", NULL, struct product, product_members);
#undef OF

#define OF struct package_sizes
static const struct field package_sizes_members[] = {
    {PATH(path), .required = true},
    {TEXT(job)},
    {TEXT(system)},
    {TEXT(name)},
    {TEXT(drv), .about = "head's"},
    {INTS(output), .about = "[base, head]: bytes of the outputs that both sides have"},
    {INTS(closure),
        .about =
            "[base, head]: bytes of all that `out` (else the first output) needs to run, itself too; null when some of it is nowhere"},
    {LIST_OF(metrics, metric, metric_fields), .about = "of nix-support/hydra-metrics"},
    {LIST_OF(products, product, product_fields), .about = "of nix-support/hydra-build-products"},
    {TEXT(page_url), .left_out = true, .about = "added by whoever has pages"},
};
static const struct fields package_sizes_fields = FIELDS("package", NULL, struct package_sizes, package_sizes_members);
#undef OF

#define OF struct sizes
static const struct field sizes_members[] = {
    {INT(compared), .about = "packages with both sides there"},
    {INT(left_out), .about = "rebuilt ones over the limit, not looked at"},
    {LIST_OF(packages, package_sizes, package_sizes_fields)},
};
const struct fields sizes_fields = FIELDS("sizes", "sizes", struct sizes, sizes_members);
#undef OF

#define OF struct query
static const struct field query_members[] = {
    {TEXTS(unknown), .about = "those of asked that are no target; null when none was asked"},
    {INT(targets)},
    {INT(cached)},
    {INT(to_build)},
    {INT(to_fetch)},
    {INT(changed), .otherwise = -1, .left_out = true, .about = "derivations that the change makes or remakes"},
    {KEYED(estimate, system_estimate, of, estimate_of_fields), .left_out = true, .about = "added by the daemon, by system"},
    {MAYBE(cost, change_cost, change_cost_fields), .left_out = true, .about = "likewise, of the whole change"},
    {MAYBE(sizes, sizes, sizes_fields), .left_out = true, .about = "added when the builds have ended"},
};
const struct fields query_fields = FIELDS_TYPED("query", "query", 1, struct query, query_members);
#undef OF

#define OF struct build_job
static const struct field build_job_members[] = {
    {TEXT(drv), .required = true},
    {TEXT(log), .required = true, .about = "a file, made anew"},
    {TEXT(root), .about = "a garbage collector's root to make, or null"},
    {INT(max_silent_s), .otherwise = 3600},
    {INT(timeout_s), .otherwise = 36000},
    {INT(max_log_bytes), .otherwise = 64 << 20},
    {OPTIONS(options)},
    {TEXT(builders), .about = "null: Nix' own setting"},
    {TEXT(uri), .about = "the machine of builders that was chosen, or null for this one"},
    {TEXT(local_hook), .about = "a build hook that declines (nix/session.h)"},
    {FLAG(builders_use_substitutes)},
    {FLAG(again), .left_out = true, .about = "once it is there, build it once more and compare"},
};
const struct fields build_job_fields = FIELDS("build job", NULL, struct build_job, build_job_members);
#undef OF

#define OF struct built
static const struct field built_members[] = {
    {WORD(outcome, build_state_names), .required = true,
        .about = "a state: built failed timed_out silent log_limit infrastructure unsupported"},
    {TEXT(reason)},
    {FLAG(absent), .about = "infrastructure: the machine was not reached"},
    {FLAG(may_pass), .about = "failed: worth one more try"},
    {FLAG(marked), .about = "failed by its own word: the outputs are there"},
    {TEXT(phase), .about = "in which it failed"},
    {TEXT(tail), .about = "the lines that matter, at most 4 KB"},
    {MAYBE_FLAG(deterministic), .about = "null: not compared"},
    {INT(wall_ms)},
    {TEXT(machine), .about = "where Nix began it; null: on the machine that was chosen"},
};
const struct fields built_fields = FIELDS("built", "built", struct built, built_members);
#undef OF

#define OF struct build_was
static const struct field build_was_members[] = {
    {WORD(state, build_state_names), .required = true},
    {TEXT(phase), .left_out = true},
    {TEXT(reason), .left_out = true},
};
static const struct fields build_was_fields = FIELDS("was", NULL, struct build_was, build_was_members);
#undef OF

#define OF struct build_told
static const struct field build_told_members[] = {
    {WORD(state, build_state_names), .required = true},
    {TEXT(reason), .left_out = true},
    {TEXT(tail), .left_out = true, .about = "the lines of its log that matter"},
    {TEXT(propagated_from), .left_out = true, .about = "the drv whose failure this is"},
    {TEXT(log), .left_out = true, .about = "a file"},
    {TEXT(blame), .left_out = true, .about = "of a failed one: newly_failing, still_failing or unknown"},
    {TEXT(name), .left_out = true},
    {TEXT(system), .left_out = true},
    {TEXT(phase), .left_out = true, .about = "in which it failed"},
    {FLAG(flaky), .left_out = true, .about = "it was built after it had failed, unchanged"},
    {MAYBE_FLAG(deterministic), .left_out = true, .about = "built once more it came out the same"},
    {INT(wall_ms), .otherwise = -1, .left_out = true},
    {INT(expected_ms), .otherwise = -1, .left_out = true, .about = "what it was thought to take when the run asked for it"},
    {FLAG(before), .left_out = true, .about = "it had ended before the run asked for it"},
    {MAYBE(was, build_was, build_was_fields), .left_out = true, .about = "how its derivation at the base is known to fail"},
    {FLAG(target)},
    {TEXT(log_url), .left_out = true, .about = "added by whoever has pages"},
};
const struct fields build_told_fields = FIELDS("build of a run", NULL, struct build_told, build_told_members);
#undef OF

#define OF struct package_durations
static const struct field package_durations_members[] = {
    {TEXT(name), .required = true, .about = "without version"},
    {TEXT(system), .required = true},
    {INTS(ms), .about = "oldest first"},
};
const struct fields package_durations_fields =
    FIELDS("durations of a package", NULL, struct package_durations, package_durations_members);
#undef OF

#define OF struct push_job
static const struct field push_job_members[] = {
    {TEXTS(drvs), .required = true},
    {TEXT(cache), .required = true, .about = "a store URL of Nix"},
    {OPTIONS(options)},
};
const struct fields push_job_fields = FIELDS("push job", NULL, struct push_job, push_job_members);
#undef OF

#define OF struct pushed
static const struct field pushed_members[] = {
    {INT(paths)},
};
const struct fields pushed_fields = FIELDS("pushed", "pushed", struct pushed, pushed_members);
#undef OF
