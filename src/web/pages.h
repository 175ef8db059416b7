/* pages - pages of rows: each the handler of a route (web.c), and who may see what. */
#ifndef EKACI_WEB_PAGES_H
#define EKACI_WEB_PAGES_H

#include "web/page.h"

/* What the parameters name, when its asker may see it: p->runs[0]; p->runs; p->build and the runs that want it and may be seen;
 * p->repository, whose badge is asked for with the key of pull request 0. */
page_fn may_see_run, may_see_pull, may_see_build, may_see_repository;

page_fn page_run, page_drv, page_badge;
page_fn page_row, page_why, page_run_file, page_asset, page_health, page_ready;
hangs_on_fn hangs_on_run; /* the files of the run */

#endif
