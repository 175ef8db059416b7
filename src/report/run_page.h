/*
 * run_page - what the page of a run is made of, as files in the job's documents_dir; web/page_run.c puts them together.
 *
 *   above.html   what stands above the table: why nothing was compared, what newly fails, counts, causes
 *   below.html   what stands below it: marks, licences, sizes, products, rules
 *   table.bin    the rows (formats/table_file.h)
 *   rows.json    the rows for the page's script, with .zst and .gz; does not change while builds go on
 *   states.txt   their version on the first line, and a character a row: '0' + what table_state says
 *
 * The self-contained page (html.h) is made of the same parts.
 */
#ifndef EKACI_REPORT_RUN_PAGE_H
#define EKACI_REPORT_RUN_PAGE_H

#include "formats/table_file.h"
#include "report/verdict.h"

struct view; /* view_part.h */
#include "report/view.h"

/* Limits of what such a page quotes; the table has everything. */
struct limits run_page_limits(void);
/* Adds to a view what only pages show: the causes as a picture that opens. */
void run_page_causes(struct model *m, struct values *obj);
/* A follower's roots; of a root, what differs in it; or NULL. */
const char *run_page_because(const struct view *v, const struct changed_attr *at);
/* How far evaluation or builds are. */
void run_page_progress(struct model *m, struct values *obj);
/* The rows in three forms; each buf may be NULL. Nothing where nothing was compared. */
must_check int run_page_rows(struct model *m, struct buf *table, struct buf *json, struct buf *states, char ret_version[17],
    struct err *e);
must_check int run_page_write(struct model *m, const struct verdict *v, struct err *e);

#endif
