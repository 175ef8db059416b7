/* Pages as JSON. */
#include "records/page_told.h"

#define OF struct log_phase_told
static const struct field log_phase_members[] = {{TEXT(name)}, {INT(line), .about = "the first, from 1"}};
#undef OF
static const struct fields log_phase_fields = FIELDS("phase of a log", NULL, struct log_phase_told, log_phase_members);

#define OF struct log_line_told
static const struct field log_line_members[] = {
    {INT(line), .about = "from 1; 0: only the last lines are left"},
    {TEXT(text)},
    {FLAG(cut), .about = "its rest is left out"},
};
#undef OF
static const struct fields log_line_fields = FIELDS("line of a log", NULL, struct log_line_told, log_line_members);

#define OF struct log_told
static const struct field log_members[] = {
    {TEXT(name)},
    {TEXT(system)},
    {TEXT(drv)},
    {TEXT(state), .about = "as in `build of a run`"},
    {TEXT(reason)},
    {FLAG(live), .about = "more may come"},
    {INT(lines)},
    {INT(bytes), .otherwise = -1, .null = true},
    {INT(error), .about = "the line of the error; 0: none is known"},
    {LIST_OF(phases, log_phase_told, log_phase_fields)},
    {LIST_OF(text, log_line_told, log_line_fields)},
    {INT(next), .about = "from where to ask for more; 0: that is all"},
};
#undef OF
const struct fields log_told_fields = FIELDS("log of a build", NULL, struct log_told, log_members);

#define OF struct run_line
static const struct field run_line_members[] = {
    {INT(id)},
    {INT(number), .about = "of the pull request; 0: a branch; less: of one in the merge queue"},
    {TEXT(path)},
    {TEXT(repository)},
    {TEXT(title)},
    {TEXT(author)},
    {TEXT(head), .about = "commit"},
    {TEXT(base), .about = "commit"},
    {TEXT(base_ref)},
    {TEXT(state)},
    {TEXT(verdict)},
    {TEXT(result), .about = "the verdict in a line"},
    {TEXT(reason), .about = "why it was begun"},
    {TEXT(waiting), .about = "why it does not go on"},
    {INT(superseded_by), .about = "a run; 0: none"},
    {INT(created)},
    {INT(ended)},
};
#undef OF
static const struct fields run_line_fields = FIELDS("run of a page", NULL, struct run_line, run_line_members);

#define OF struct build_line
static const struct field build_line_members[] = {
    {TEXT(drv)},
    {TEXT(name)},
    {TEXT(system)},
    {TEXT(state)},
    {TEXT(reason)},
    {TEXT(builder), .about = "where it was begun the last time; null: not known"},
    {TEXT(path)},
    {TEXT(log), .about = "path; null: there is none"},
    {INT(started)},
    {INT(ended)},
    {INT(wall_ms)},
};
#undef OF
static const struct fields build_line_fields = FIELDS("build of a page", NULL, struct build_line, build_line_members);

#define OF struct machine_line
static const struct field machine_line_members[] = {
    {TEXT(name)},
    {TEXT(systems)},
    {INT(running)},
    {INT(slots)},
    {INT(out_ms), .about = "for how long it is out of service still"},
};
#undef OF
static const struct fields machine_line_fields = FIELDS("machine of a page", NULL, struct machine_line, machine_line_members);

#define OF struct repository_line
static const struct field repository_line_members[] = {
    {TEXT(name)},
    {TEXT(path)},
    {TEXT(verdict), .about = "of its default branch"},
};
#undef OF
static const struct fields repository_line_fields =
    FIELDS("repository of a page", NULL, struct repository_line, repository_line_members);

#define OF struct figure_line
static const struct field figure_line_members[] = {
    {TEXT(what), .about = "evaluation, build, wait (ms), rebuilds, verdict (successes)"},
    {INT(at), .about = "when its hour or day begins"},
    {INT(n)},
    {INT(total)},
};
#undef OF
static const struct fields figure_line_fields = FIELDS("figure of a page", NULL, struct figure_line, figure_line_members);

#define OF struct index_told
static const struct field index_members[] = {
    {LIST_OF(running, run_line, run_line_fields)},
    {LIST_OF(building, build_line, build_line_fields)},
    {LIST_OF(put_back, build_line, build_line_fields), .about = "that wait, with the reason"},
    {LIST_OF(machines, machine_line, machine_line_fields)},
    {INT(open), .about = "builds, of private repositories, too"},
    {INT(ready)},
    {INT(at_work)},
    {TEXT(why), .about = "nothing is begun, or waits"},
    {LIST_OF(pulls, run_line, run_line_fields)},
    {LIST_OF(repositories, repository_line, repository_line_fields)},
    {FLAG(has_private)},
    {LIST_OF(hours, figure_line, figure_line_fields)},
    {LIST_OF(days, figure_line, figure_line_fields)},
};
#undef OF
const struct fields index_told_fields = FIELDS("first page", NULL, struct index_told, index_members);

#define OF struct repository_told
static const struct field repository_members[] = {
    {TEXT(name)},
    {TEXT(default_branch)},
    {TEXT(verdict), .about = "of its default branch"},
    {TEXT(badge), .about = "path"},
    {LIST_OF(pulls, run_line, run_line_fields), .about = "the newest run of each that is open"},
    {LIST_OF(branch, run_line, run_line_fields)},
    {MAYBE(beside, overlaps_told, overlaps_told_fields)},
    {LIST_OF(hours, figure_line, figure_line_fields)},
    {LIST_OF(days, figure_line, figure_line_fields)},
};
#undef OF
const struct fields repository_told_fields = FIELDS("page of a repository", NULL, struct repository_told, repository_members);

#define OF struct pull_line
static const struct field pull_line_members[] = {
    {INT(number)},
    {TEXT(path)},
    {TEXT(title)},
    {TEXT(author)},
    {FLAG(security), .about = "its title names a CVE or GHSA number, or security"},
    {FLAG(bot), .about = "its author is an App"},
    {FLAG(green), .about = "its verdict is success"},
    {TEXT(verdict)},
    {TEXT(result), .about = "the verdict in a line"},
    {INT(rebuilds), .otherwise = -1, .null = true, .about = "null: not compared yet"},
    {INT(cost_ms), .otherwise = -1, .null = true, .about = "time of builds that its estimate knows of; null: there is none"},
    {INT(opened), .about = "when its first run was begun"},
    {INT(others), .otherwise = -1, .null = true,
        .about = "open pull requests that rebuild some of the same; null: not compared"},
};
#undef OF
static const struct fields pull_line_fields =
    FIELDS("pull request in the order of the morning", NULL, struct pull_line, pull_line_members);

#define OF struct pulls_told
static const struct field pulls_members[] = {
    {TEXT(repository)},
    {LIST_OF(pulls, pull_line, pull_line_fields),
        .about = "security first, then people before bots, then what is green, small, cheap, old"},
    {INT(left_out), .about = "that the filter leaves out"},
    {TEXT(mistake), .about = "what of the filter is not understood, and left aside"},
    {MAYBE(beside, overlaps_told, overlaps_told_fields)},
};
#undef OF
const struct fields pulls_told_fields = FIELDS("page of open pull requests", NULL, struct pulls_told, pulls_members);

#define OF struct failing_line
static const struct field failing_line_members[] = {
    {TEXT(name)},
    {TEXT(system)},
    {TEXT(what), .about = "evaluation or build"},
};
#undef OF
static const struct fields failing_line_fields = FIELDS("failing target", NULL, struct failing_line, failing_line_members);

#define OF struct count_line
static const struct field count_line_members[] = {{TEXT(what), .about = "a class"}, {INT(before)}, {INT(now)}};
#undef OF
static const struct fields count_line_fields = FIELDS("count before and now", NULL, struct count_line, count_line_members);

#define OF struct since_told
static const struct field since_members[] = {
    {TEXT(before), .about = "commit"},
    {TEXT(now), .about = "commit"},
    {LIST_OF(counts, count_line, count_line_fields), .about = "that differ"},
    {LIST_OF(fails_now, failing_line, failing_line_fields)},
    {LIST_OF(fails_no_more, failing_line, failing_line_fields)},
};
#undef OF
static const struct fields since_fields = FIELDS("between two heads", NULL, struct since_told, since_members);

#define OF struct pull_told
static const struct field pull_members[] = {
    {TEXT(repository)},
    {INT(number)},
    {TEXT(title)},
    {TEXT(author)},
    {LIST_OF(runs, run_line, run_line_fields), .about = "newest first"},
    {MAYBE(since, since_told, since_fields)},
    {MAYBE(beside, overlap_told, overlap_told_fields)},
};
#undef OF
const struct fields pull_told_fields = FIELDS("page of a pull request", NULL, struct pull_told, pull_members);

#define OF struct failure_told
static const struct field failure_members[] = {
    {TEXT(what), .about = "evaluation or build"},
    {TEXT(blame), .about = "newly_failing, still_failing or unknown"},
    {TEXT(name)},
    {TEXT(system)},
    {TEXT(job)},
    {TEXT(drv)},
    {TEXT(state)},
    {TEXT(phase)},
    {TEXT(reason)},
    {TEXT(log), .about = "URL"},
    {TEXT(lines), .about = "that matter; null: left out, as there are many"},
    {INT(blocked), .about = "wanted derivations that are not built because of it"},
};
#undef OF
static const struct fields failure_fields = FIELDS("failing one", NULL, struct failure_told, failure_members);

#define OF struct failures_told
static const struct field failures_members[] = {
    {INT(run)},
    {TEXT(repository)},
    {INT(number)},
    {TEXT(head), .about = "commit"},
    {TEXT(verdict)},
    {TEXT(title)},
    {TEXT(message), .about = "why nothing was compared"},
    {LIST_OF(failures, failure_told, failure_fields), .about = "what this change broke first"},
    {INT(left_out)},
};
#undef OF
const struct fields failures_told_fields = FIELDS("failures.json", NULL, struct failures_told, failures_members);

#define OF struct run_page_told
static const struct field run_page_members[] = {
    {RECORD(run, run_line, run_line_fields)},
    {RAW(counts)},
    {LIST_OF(builds, build_line, build_line_fields)},
    {INT(builds_total)},
    {TEXTS(documents), .about = "paths"},
};
#undef OF
const struct fields run_page_fields = FIELDS("page of a run", NULL, struct run_page_told, run_page_members);

#define OF struct measure_point
static const struct field measure_point_members[] = {
    {INT(run)},
    {INT(number), .about = "of the pull request; 0: of the branch itself"},
    {INT(at)},
    {REAL(base), .about = "null: that side has none"},
    {REAL(head)},
};
#undef OF
static const struct fields measure_point_fields =
    FIELDS("point of a measure", NULL, struct measure_point, measure_point_members);

#define OF struct measure_line
static const struct field measure_line_members[] = {
    {TEXT(what), .about = "output, closure, or metric and its name"},
    {TEXT(unit), .about = "bytes, or the metric's"},
    {LIST_OF(points, measure_point, measure_point_fields), .about = "oldest first"},
};
#undef OF
static const struct fields measure_line_fields = FIELDS("measure", NULL, struct measure_line, measure_line_members);

#define OF struct build_page_told
static const struct field build_page_members[] = {
    {RECORD(build, build_line, build_line_fields)},
    {INT(attempts)},
    {TEXT(tail), .about = "the lines of the log that matter"},
    {TEXT(propagated_from), .about = "the derivation whose failure this is"},
    {LIST_OF(measures, measure_line, measure_line_fields), .about = "over runs"},
    {LIST_OF(runs, run_line, run_line_fields)},
};
#undef OF
const struct fields build_page_fields = FIELDS("page of a derivation", NULL, struct build_page_told, build_page_members);

#define OF struct refusal_told
static const struct field refusal_members[] = {
    {TEXT(error)},
    {INT(status)},
    {TEXT(next), .about = "what to do next"},
};
#undef OF
const struct fields refusal_fields = FIELDS("refusal", NULL, struct refusal_told, refusal_members);
