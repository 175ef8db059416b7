/* limits - how much a view of the model holds: what a configuration asks for, or everything. */
#ifndef EKACI_REPORT_LIMITS_H
#define EKACI_REPORT_LIMITS_H

#include "report/model.h"

/* How much a view holds. Steps of the ladder in ladder.c. */
struct limits {
	size_t listed; /* packages in each list */
	size_t roots;
	size_t failures;         /* builds and evaluations that newly fail */
	size_t folded;           /* of those that still fail or are fixed */
	size_t tail_lines;       /* of each log */
	size_t error_bytes;      /* of each evaluator's message */
	size_t name_bytes;       /* of each name */
	size_t nodes;            /* in the picture; 0: none */
	size_t rules;            /* rules, jobs and evaluations */
	bool packages_elsewhere; /* no lists of packages */
	bool followers;          /* what rebuilds with the same version is listed, whatever the configuration says */
};

/* Of what no configuration says anything: the most that is shown where there is a limit of size. */
#define LIMITS_SHOWN \
	.failures = 20, .folded = 50, .tail_lines = 20, .error_bytes = 1500, .name_bytes = 160, .nodes = 16, .rules = 30

/* What a configuration asks for at most (package_change_summary, rebuild_impact, settings). */
struct limits limits_asked(const struct model *m);
/* Everything, for documents that have no limit of size. */
struct limits limits_none(void);

#endif
