/*
 * rows - a stored evaluation, one row after the other.
 *
 * The file (stored_file.h) was written by the evaluate stage, but what stands in it came from the repository. It is refused (ERR_INPUT) when it does not end, when
 * N is not the number of rows, when it says it is incomplete, when anything follows, when a line is malformed, and when
 * rows are not in order (attribute path by bytes, element by element, then system) or repeat.
 *
 * An attribute path is kept as one string, each element followed by a NUL byte. So [] is "", [""] is "\0"; the order of
 * these strings by bytes is the order of the paths, and a path stands above another when it is its prefix.
 */
#ifndef EKACI_FORMATS_ROWS_H
#define EKACI_FORMATS_ROWS_H

#include "support/base/err.h"
#include "support/base/str.h"

/* How the last member of a row begins, where there is one: what it cost. No text within the row can hold this. */
#define ROWS_STATS ",\"stats\":{"

enum { ROWS_MAX = 4 * 1000 * 1000 }; /* rows of one file; forty times the largest package set */

struct row {
	struct str path;   /* as above */
	struct str system; /* empty when the row does not say */
	struct str name;
	struct str drv;      /* store path; empty when there is none */
	struct str error;    /* the evaluator's words */
	struct str outputs;  /* raw JSON object; empty when absent or null */
	struct str meta;     /* raw JSON; empty when absent or null */
	struct str bad_meta; /* why there is none: the evaluator's words */
	bool failed;         /* it has an error, or nothing to build */
	bool unknown;        /* that error says nothing about the repository (nix/unknown.h) */
};

struct rows;

/* Opens file and reads its header. Slices of a row live until the next call of rows_next. */
must_check int rows_open(const char *file, struct rows **ret, struct err *e);
/* 1 with the next row, 0 at the end. like (may be NULL) is another evaluation whose row at hand is probably the same to
 * the byte, but for what it cost: then that row is given, and its slices live until the next call for either. */
must_check int rows_next(struct rows *r, const struct rows *like, struct row *ret, struct err *e);
void rows_close(struct rows **r); /* for AUTO(rows_close) */

/* Of the header; evaluators of two files that are compared must be equal. */
const char *rows_evaluator(const struct rows *r);
const char *rows_version(const struct rows *r);

/* The JSON array of a path, appended to out, and the dotted text for messages ("a.b", "(root)"). */
void rows_write_path(struct str path, struct buf *out);
const char *rows_path_text(struct arena *a, struct str path);
/* A JSON string; bytes that are not UTF-8 become U+FFFD. */
void rows_write_string(struct str s, struct buf *out);

/* Whether a stored evaluation has an attribute of that name ("a.b", elements joined by dots), failing or not. */
must_check int rows_has_attribute(const char *file, const char *name, bool *ret, struct err *e);

#endif
