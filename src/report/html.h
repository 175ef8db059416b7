/*
 * html - the report as one file that needs nothing else: the page of a run (run_page.h), with its rows within it.
 *
 * It needs no network. Without scripts it shows the first rows; with one it has all of them, some hundred at a time, as the bot's page
 * does: both are made of the same templates, style and script.
 */
#ifndef EKACI_REPORT_HTML_H
#define EKACI_REPORT_HTML_H

#include "report/view.h"

must_check int html_report(struct model *m, const struct verdict *v, struct buf *out, struct err *e);

#endif
