/* log_page - a build's log as a page: a window of lines at a time, found by the log's index, never all of it. */
#ifndef EKACI_WEB_LOG_PAGE_H
#define EKACI_WEB_LOG_PAGE_H

#include "web/page.h"

/*
 * GET /log/HASH-NAME, by what is asked for (page_form): the page; its text, followed while the build runs; events while it runs; JSON;
 * Markdown. ?raw=1 is the file as it is, whole or a range of bytes. Of the page:
 *   from=N  lines from N on (or `end`)         fold=1,3  these phases are closed (absent: those before the failure)
 *   to=N    not line N and what follows        wrap=off  long lines go on to the right
 *   find=T  lines that hold T, from line find_from on    part=rows, part=found  only these, for the script
 */
page_fn page_log;

#endif
