/*
 * first - job and record of the stage `first`: what a change rebuilds, before all of it is evaluated.
 *
 * From the changed files and the base's stored rows follows which attributes are edited; these alone are evaluated, compared with the
 * base's, and who depends on them is read from the base's graph. It is never final: the evaluation of everything confirms or corrects it.
 */
#ifndef EKACI_RECORDS_FIRST_H
#define EKACI_RECORDS_FIRST_H

#include "records/evaluation.h"

struct first_job {
	struct evaluate_job evaluate; /* of the head; its scope is narrowed further */
	struct evaluation base;       /* complete */
	bool always;                  /* also where the whole answer is there as fast */
	const char *graph_dir;        /* of the comparison, whose graph of the base is taken */
	const char *list;             /* the file that gets what is thought to be built: derivations, a line each */
};
extern const struct fields first_job_fields;

struct first_answer {
	const char *job;
	bool known;         /* there is an answer */
	bool needless;      /* there is none because the whole answer is there as fast */
	const char *reason; /* why there is none; NULL with needless */
	const char *what;   /* "curl 8.1 -> 8.2, zlib (src) and 3 more" */
	int64_t evaluated;  /* attributes, each derivation once */
	int64_t edited;     /* derivations that differ by themselves */
	int64_t rebuilds;   /* attributes, as a difference counts rebuilt and added ones: each derivation once */
	int64_t wall_ms;
	const char *list; /* the file, NULL when there is no answer */
};
extern const struct fields first_answer_fields;
/* The column `first` of a run, one for each job that was asked. */
struct first_answers {
	struct first_answer *p;
	size_t n;
};

#endif
