/*
 * filter - the table of a run as one address asks for it: filtered, sorted, a page of it. It is one walk over the mapped file.
 *
 *   q          words, all of which a row has somewhere
 *   class, system, cause, state   a word of the row
 *   attention  1: only what newly fails, or of which nobody knows
 *   sort       a column; with a minus before it the other way round
 *   page       from 1
 */
#ifndef EKACI_WEB_FILTER_H
#define EKACI_WEB_FILTER_H

#include "formats/table_file.h"
#include "support/text/values.h"
#include "web/page.h"

enum { TABLE_PAGE = 100, TABLE_MAX_WORDS = 8, TABLE_MAX_QUERY_BYTES = 200 };

struct table_asked {
	const char *q, *class, *system, *cause, *state; /* as asked for; "": any */
	bool attention;
	int sort; /* enum table_column; -1: as evaluated */
	bool down;
	size_t page;
};
struct table_found {
	size_t total, first, n;
	uint32_t rows[TABLE_PAGE];
};

/* Of the request's query; what is no value of its kind is as if it was not there. */
struct table_asked table_asked(struct page *p);
struct table_found table_find(const struct table_map *t, const struct table_asked *asked);
/* Adds to data what templates/run-table.html shows. run_path is the page's own, suffix what a key adds to addresses. */
void table_data(struct page *p, const struct table_map *t, const struct table_asked *asked, int64_t run, struct values *data);
/* One row, as of that run, for the page of its derivation. */
void table_row_data(struct page *p, const struct table_map *t, uint32_t row, int64_t run, struct values *data);

#endif
