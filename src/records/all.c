/* The list of tables, in the order of the flow. */
#include "records/all.h"

#include "records/building.h"
#include "records/difference.h"
#include "records/evaluation.h"
#include "records/failure.h"
#include "records/first.h"
#include "records/means_told.h"
#include "records/mirror.h"
#include "records/operator_order.h"
#include "records/overlap.h"
#include "records/page_told.h"
#include "records/plan.h"
#include "records/record.h"
#include "records/reporting.h"
#include "records/retention.h"
#include "records/run_told.h"
#include "records/wish.h"

const struct fields *const records_all[] = {
    &progress_fields,
    &stage_end_fields,
    &stage_error_fields,
    &means_job_fields,
    &means_fields,
    &mirror_job_fields,
    &mirrored_fields,
    &submodules_job_fields,
    &submodules_fields,
    &plan_job_fields,
    &plan_fields,
    &evaluate_job_fields,
    &evaluation_fields,
    &evaluation_header_fields,
    &first_job_fields,
    &first_answer_fields,
    &diff_job_fields,
    &difference_record_fields,
    &difference_attribute_fields,
    &meta_change_fields,
    &meta_errors_fields,
    &difference_root_fields,
    &difference_target_fields,
    &difference_needed_fields,
    &difference_distances_fields,
    &evaluation_cost_fields,
    &query_job_fields,
    &build_needed_fields,
    &needed_there_fields,
    &query_fields,
    &base_of_fields,
    &sizes_fields,
    &build_job_fields,
    &built_fields,
    &build_told_fields,
    &package_durations_fields,
    &push_job_fields,
    &pushed_fields,
    &run_failure_fields,
    &run_told_fields,
    &run_told_local_fields,
    &sweep_job_fields,
    &swept_fields,
    &report_job_fields,
    &report_facts_fields,
    &check_run_fields,
    &report_comment_fields,
    &report_document_fields,
    &report_labels_fields,
    &report_reviewers_fields,
    &report_how_fields,
    &report_advice_fields,
    &report_estimated_fields,
    &report_verdict_fields,
    &explain_job_fields,
    &explanation_fields,
    &overlap_job_fields,
    &overlap_told_fields,
    &overlaps_told_fields,
    &index_told_fields,
    &repository_told_fields,
    &pulls_told_fields,
    &pull_told_fields,
    &run_page_fields,
    &failures_told_fields,
    &build_page_fields,
    &log_told_fields,
    &order_body_fields,
    &order_given_fields,
    &wish_check_fields,
    &wish_comment_fields,
    &wish_labels_fields,
    &wish_reaction_fields,
    &wish_status_fields,
    &wish_reviewers_fields,
    NULL,
};

static const struct fields *
table_of_type(const char *type)
{
	for (size_t i = 0; records_all[i] != NULL; i++)
		if (records_all[i]->type != NULL && strcmp(records_all[i]->type, type) == 0)
			return records_all[i];
	return NULL;
}

int
record_read(struct arena *a, struct str line, struct record *ret, struct err *e)
{
	const char *type = fields_type(a, line);
	const struct fields *of = type != NULL ? table_of_type(type) : NULL;

	if (of == NULL)
		return fail(e, ERR_INPUT, "a record of an unknown type: %.200s", type != NULL ? type : "none");
	void *is = arena_alloc(a, of->size);
	*ret = (struct record){of, is};
	return fields_read(of, a, line, of->name, is, e);
}
