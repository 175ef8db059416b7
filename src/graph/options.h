/*
 * options - what the commands of this folder have in common on their command line. Private.
 */
#ifndef EKACI_GRAPH_OPTIONS_H
#define EKACI_GRAPH_OPTIONS_H

#include "support/base/err.h"
#include "support/base/str.h"

struct graph_options {
	bool json;             /* --json */
	const char *store_dir; /* --store, for stores with another name */
	const char *real_dir;  /* --real-store, for stores that are not where they say; NULL: store_dir */
	const char **drvs;     /* the rest */
	size_t n;
};

/* -1 when the arguments are wrong; the list lives in a. */
must_check int graph_read_options(struct arena *a, int argc, char **argv, struct graph_options *ret);

#endif
