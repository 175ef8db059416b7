/* dashboard - what runs now and how it went: the first page, a repository's, a pull request's; each as HTML, JSON and Markdown. */
#ifndef EKACI_WEB_DASHBOARD_H
#define EKACI_WEB_DASHBOARD_H

#include "records/page_told.h"
#include "web/page.h"

page_fn page_index, page_repository, page_pull;

/* Rows as programs read them. */
struct run_line dashboard_run(struct page *p, const struct view_run *r);
struct run_lines dashboard_runs(struct page *p, const struct view_run *runs, size_t n);
struct build_line dashboard_build(struct page *p, const struct view_build *b, const char *suffix);

#endif
