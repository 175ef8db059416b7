/*
 * shape - wishes become request bodies that GitHub takes.
 *
 * The report keeps to GitHub's limits by itself; this is the last fence, so that nothing is refused for its size: what
 * is too long is cut, and says so.
 */
#ifndef EKACI_FORGE_GITHUB_SHAPE_H
#define EKACI_FORGE_GITHUB_SHAPE_H

#include "records/wish.h"
#include "support/text/json.h"

enum {
	SHAPE_MAX_OUTPUT_BYTES = 65535,   /* summary and text of a check run */
	SHAPE_MAX_BODY_UNITS = 65536,     /* comment; in UTF-16 code units, the least that "character" can mean */
	SHAPE_MAX_DESCRIPTION = 140,      /* bytes of a status's, which GitHub counts in characters */
	SHAPE_MAX_ANNOTATIONS = 50,       /* a request */
	SHAPE_MAX_ANNOTATIONS_ALL = 1000, /* a check run, twenty requests; our own limit */
	SHAPE_HASH = 17                   /* 16 hex digits and NUL */
};

/* The body of POST or PATCH for a check run, with these annotations (array, may be NULL). */
enum shape_for { SHAPE_CREATE, SHAPE_UPDATE };
json_t *shape_check(const struct wish_check *wanted, const json_t *annotations, enum shape_for what);
/* The body of a commit status; its description is one line of at most 140 characters. */
json_t *shape_status(const struct wish_status *wanted);
/* {"body": ...}: holds the marker, whatever the body says. */
json_t *shape_comment(const struct wish_comment *wanted);

/* The annotations of wanted as GitHub takes them, without those it would refuse and without repetitions, at most
 * SHAPE_MAX_ANNOTATIONS_ALL; a new array. hashes gets an array of as many names for them, the same in every process. */
json_t *shape_annotations(const struct wish_check *wanted, json_t **hashes);

/* text of at most max_bytes bytes and max_units UTF-16 units, cut at a line where it can be, with words that say so;
 * an open fence is closed. In a. */
struct str shape_cut(struct arena *a, struct str text, size_t max_bytes, size_t max_units);

/* One segment of a path, percent-encoded. In a. */
char *shape_url(struct arena *a, const char *segment);

#endif
