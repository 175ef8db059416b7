/*
 * run_told - what a report's job says of its run. It stands in report.json as it was said, so the tables have the order of
 * earlier versions; what the report itself reads of it is struct report_run (report.h).
 */
#ifndef EKACI_RECORDS_RUN_TOLD_H
#define EKACI_RECORDS_RUN_TOLD_H

#include "records/fields.h"

struct run_told {
	int64_t id;
	const char *url, *base_url; /* of the run's page, of all pages */
	const char *repo;
	int64_t number; /* of the pull request; 0 and less: none */
	const char *head, *base, *title;
	bool conflict;
	const char *reason, *state, *base_ref;
	int64_t superseded_by, created, ended; /* 0: not */
	const char *conflicts;                 /* JSON, a list of paths or null; NULL: nobody merged */
};
extern const struct fields run_told_fields;       /* of the bot */
extern const struct fields run_told_local_fields; /* of `ekaci diff` */

#endif
