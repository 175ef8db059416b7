/*
 * overlap - job and records of the stage `overlap`: open pull requests of a repository beside each other (overlap/spaces.h says what
 * the numbers mean).
 */
#ifndef EKACI_RECORDS_OVERLAP_H
#define EKACI_RECORDS_OVERLAP_H

#include "records/fields.h"

/* The newest run of an open pull request that was compared with its base. */
struct overlap_pull {
	int64_t number, run;
	bool green;             /* its verdict is success */
	const char *difference; /* the file of the run */
	const char *space;      /* what is kept of it for the next time; made when it is not there */
};
struct overlap_job {
	LIST(struct overlap_pull) pulls;
};
extern const struct fields overlap_job_fields;

/* Another one that rebuilds some of the same. */
struct overlap_with {
	int64_t number, shared, same, together, apart;
	struct texts roots;
	int64_t roots_total;
};
struct overlap_with_list {
	struct overlap_with *p;
	size_t n;
};
struct overlap_told { /* of one pull request */
	int64_t number, run, rebuilds, shared, others;
	struct overlap_with_list with;
};
extern const struct fields overlap_told_fields;

struct overlap_group {
	struct numbers pulls;
	int64_t together, apart, first, again;
};
struct overlap_groups {
	struct overlap_group *p;
	size_t n;
};
struct overlaps_told { /* of a repository */
	struct overlap_groups groups;
	struct numbers alone, unread;
};
extern const struct fields overlaps_told_fields;

#endif
