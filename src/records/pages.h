/*
 * pages - what pages are as JSON, for programs. deploy/openapi.json describes them for others; tests hold real answers against it.
 */
#ifndef EKACI_RECORDS_PAGES_H
#define EKACI_RECORDS_PAGES_H

#include "records/fields.h"

struct log_phase_told {
	const char *name;
	int64_t line;
};
struct log_line_told {
	int64_t line; /* from 1; 0: only the last lines are left */
	const char *text;
	bool cut;
};
struct log_told {
	const char *name, *system, *drv, *state, *reason;
	bool live;
	int64_t lines, bytes, error, next; /* bytes -1: not known */
	LIST(struct log_phase_told) phases;
	LIST(struct log_line_told) text;
};
extern const struct fields log_told_fields;

#endif
