/*
 * difference_file - the difference file, written and read element by element (records/difference.h has the elements).
 *
 * A wide change is a file of hundreds of megabytes, so neither side has all of it as a tree: the writer is given one element
 * after the other and appends its text; the reader walks the file, which is mapped and given back behind it, and makes a struct
 * of what the caller wants, in an arena that the caller may clear between elements.
 *
 * The same elements give the same bytes: each on a line of its own, in the order of the parts.
 */
#ifndef EKACI_FORMATS_DIFFERENCE_FILE_H
#define EKACI_FORMATS_DIFFERENCE_FILE_H

#include "records/difference.h"

enum { DIFFERENCE_MAX_BYTES = 1024 * 1024 * 1024 }; /* 100,000 changed attributes with meta are 0.3 GB */

/* In the order of the file. */
enum difference_part {
	DIFFERENCE_COUNTS,
	DIFFERENCE_ATTRIBUTES,
	DIFFERENCE_META_CHANGED,
	DIFFERENCE_META_ERRORS,
	DIFFERENCE_ROOTS,
	DIFFERENCE_TARGETS,
	DIFFERENCE_KNOWN,
	DIFFERENCE_NEEDED,
	DIFFERENCE_DISTANCES,
	DIFFERENCE_COSTS,
	DIFFERENCE_PARTS
};

/* One element of a list, or all of counts, meta_errors or distances. */
struct difference_element {
	enum difference_part part;
	size_t index; /* its place in the list: what difference_cause.roots means */
	union {
		const struct difference_counts *counts;
		const struct difference_attribute *attribute;
		const struct meta_change *meta_change;
		const struct meta_errors *meta_errors;
		const struct difference_root *root;
		const struct difference_target *target; /* of `known`, too */
		const struct difference_needed *needed;
		const struct difference_distances *distances;
		const struct evaluation_cost *cost;
		const void *is;
	};
	struct str text; /* its JSON, in the mapped file: until difference_close */
};

struct difference_reader;
/* wanted: the parts that are given, a bit 1u << part each; the others are stepped over. ERR_ABSENT when there is no such file,
 * ERR_LIMIT when it is larger than DIFFERENCE_MAX_BYTES. */
must_check int difference_open(const char *path, unsigned wanted, struct difference_reader **ret, struct err *e);
/* 1 with the next element, all of it in a; 0 at the end. ERR_INPUT, with file and place, when the file is not of version 1, is cut
 * short, or an element is not as its table says; then elements before it were given already. */
must_check int difference_next(struct difference_reader *r, struct arena *a, struct difference_element *ret, struct err *e);
/* The JSON of a part that was gone through, a whole list too, as long; .p is NULL when the file does not have it. */
struct str difference_text(const struct difference_reader *r, enum difference_part part);
void difference_close(struct difference_reader **r); /* for AUTO(difference_close) */
/* The counts alone, in a. Reads no further than they stand. */
must_check int difference_read_counts(struct arena *a, const char *path, struct difference_counts *ret, struct err *e);

/* Appends to out, a buffer of the caller's. */
struct difference_writer {
	struct buf *out;
	enum difference_part part; /* where it is */
	size_t n;                  /* elements of it so far */
};
void difference_begin(struct difference_writer *w, struct buf *out);
/* one is the struct of the part. Parts come in their order; counts, meta_errors and distances must be given, lists may have no element. */
must_check int difference_put(struct difference_writer *w, enum difference_part part, const void *one, struct err *e);
must_check int difference_end(struct difference_writer *w, struct err *e);

#endif
