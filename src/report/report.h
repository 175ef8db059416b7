/*
 * report - one run's facts become what people and programs read.
 *
 * The stage's job and records are those of ARCHITECTURE.md ("report"). Members of the job beyond those, all optional:
 *   progress      {what, done, total}: shown while evaluating
 *   wide          true as long as nobody approved
 *   waiting       true: builds wait for approval (not because there are many); without a difference, the evaluation does
 *   elapsed_ms    shown in the footer
 *   query         {to_build, cached, to_fetch, estimate?, sizes?}: the record of the stage query; estimate is that of
 *                 queue/estimate.h, {SYSTEM: {total_ms, critical_path_ms, known, unknown, finish_ms?, finish_low_ms?,
 *                 finish_high_ms?}}; sizes is the record of build/sizes.h, its packages with page_url where they have
 *                 a page
 *   checkout_dir  where the tree stood while it was evaluated, so that error positions become annotations
 *   git_dir, head_tree  the repository as it was evaluated: only its files are annotated (position.h)
 *   documents_dir  a folder: documents become files there (report.txt, .md, .json, .html, changed-paths.json), named in their
 *                 records by `file` in place of body
 *   run.conflicts paths that conflict
 *   phase         also "superseded" and "cancelled"
 *   settings      max_packages_listed, label_prefix, label_has_prefix
 *   plan          also warnings and jobs_left_out
 *
 * Records, in this order, as far as formats asks for them: check_run (twice: "ekaci / evaluation", "ekaci / rebuilds"),
 * comment, document (formats text, markdown, json, html, changed-paths), labels, verdict. Labels and changed-paths are
 * left out unless base and head were compared. Check run and comment texts are under GitHub's limits; the other
 * documents hold everything. What conclusions mean: verdict.h. The JSON document: document.h.
 */
#ifndef EKACI_REPORT_REPORT_H
#define EKACI_REPORT_REPORT_H

#include "records/record.h"

json_stage_fn report_stage;

#endif
