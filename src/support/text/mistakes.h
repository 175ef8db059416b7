/*
 * mistakes - what is wrong in a file that somebody wrote by hand: all of it, with places, and what was meant.
 *
 * A list holds at most MISTAKES_MAX entries; more are counted, not kept. Everything lives in the arena.
 */
#ifndef EKACI_SUPPORT_TEXT_MISTAKES_H
#define EKACI_SUPPORT_TEXT_MISTAKES_H

#include "support/base/err.h"
#include "support/base/str.h"

enum { MISTAKES_MAX = 50 };

struct mistake {
	size_t line, column; /* from 1; 0: the text names its place itself */
	const char *text;
};

struct mistakes {
	struct arena *a;
	const char *file; /* as it is to be named */
	struct mistake p[MISTAKES_MAX];
	size_t n;
	size_t more; /* not kept */
};

void mistakes_init(struct mistakes *m, struct arena *a, const char *file);
void mistakes_add(struct mistakes *m, size_t line, size_t column, const char *fmt, ...) __attribute__((format(printf, 4, 5)));
/* Puts them in the order of the file. */
void mistakes_sort(struct mistakes *m);
/* "FILE:LINE:COLUMN: text" */
const char *mistakes_text(const struct mistakes *m, size_t i);
/* 0 when there are none; else ERR_INPUT with the first in the order of the file and how many more there are. */
must_check int mistakes_none(struct mistakes *m, struct err *e);

/* What was meant by a word that is none of ours: try every candidate, then ask for the hint. */
struct near {
	struct str word;
	const char *best;
	size_t distance;
};

void near_try(struct near *n, const char *candidate);
/* " (did you mean X?)", or "" when nothing is near. */
const char *near_hint(struct arena *a, const struct near *n);

#endif
