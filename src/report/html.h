/*
 * html - the report as one file that needs nothing else: a table to search and sort, and a picture of the impact.
 *
 * It works without scripts (everything is in the page) and without a network. The page's words are templates/report.html;
 * the rows, of which there may be a hundred thousand, and the picture are written here.
 */
#ifndef EKACI_REPORT_HTML_H
#define EKACI_REPORT_HTML_H

#include "report/view.h"

must_check int html_report(struct model *m, const struct verdict *v, struct buf *out, struct err *e);

#endif
