/*
 * document - the whole report for programs: report.json, version 1.
 *
 *   ekaci_report   1
 *   run            as in the job: id, url, repo, number, head, base, conflict, ...
 *   phase, outcome "running" "skipped" "failed" "incomplete" "nothing" (no attribute on either side) "compared" "superseded" "cancelled"
 *                  "held" "unwanted"
 *   verdict        {conclusion: null or GitHub's word, title, exit}
 *   checks         {evaluation, rebuilds}: {status, conclusion, title}
 *   plan           as in the job (decision, rules, jobs, ...), or null
 *   evaluations    as in the job; `untold` of one says what of it could not be told, and what to set
 *   failure        as in the job, or null
 *   counts         as in the difference file; null unless compared, and so are the next eight
 *   builds         {total, ended, targets, built, cached, newly_failing, newly_failing_dependency, still_failing,
 *                  still_failing_dependency, unknown, infrastructure, cancelled, unsupported, not_asked_for}: total and ended count
 *                  all builds, the others wanted derivations
 *   roots          as in the difference file
 *   meta_changed   as in the difference file: attributes of which only licence or marks differ
 *   meta_errors    as in the difference file: meta that does not evaluate, in numbers, and the new ones
 *   distances      as in the difference file: how many must be rebuilt at which number of steps from what differs by itself
 *   evaluation_costs  as `costs` in the difference file: what evaluating each job cost on both sides, where, and its new warnings
 *   query          as in the job, with the estimate and the sizes; or null
 *   advice         which branch it belongs on by what it costs, or null where there is no budget (report/cost.h)
 *   estimated      how good the estimate was, once all is built, or null
 *   attributes     as in the difference file, also of class "untold", whose other side nobody knows (base and head with `meta`: version, description, homepage, position, license,
 *                  maintainers, broken, insecure, unfree, each where known), each with `build`: null, or {state, blame, log_url, tail, wall_ms,
 *                  propagated_from, reason, phase, flaky (true: built unchanged after it had failed), deterministic (what building
 *                  it once more has shown), was ({state, phase, reason}: how its derivation at the base is known to fail)}
 *   labels         names that should be on the pull request
 *   empty          jobs of which neither side has an attribute: {job, below: what it names, nothing: the evaluation's own
 *                  sentence when that is as it should be, else null}
 *
 * Members may be added within a version; none changes its meaning.
 */
#ifndef EKACI_REPORT_DOCUMENT_H
#define EKACI_REPORT_DOCUMENT_H

#include "report/verdict.h"

/* labels: NULL when it is not known which. Appends one line of JSON to out. */
void document_json(struct model *m, const struct verdict *v, const struct texts *labels, struct buf *out);

#endif
