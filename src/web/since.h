/* since - what changed between the last two heads of a pull request. */
#ifndef EKACI_WEB_SINCE_H
#define EKACI_WEB_SINCE_H

#include "records/page_told.h"
#include "web/page.h"

/* Of p->runs, newest first. 1 with *ret, and the same in data as `since`; 0: there are no two heads that were compared with their base. */
must_check int since_last_head(struct page *p, struct values *data, struct since_told *ret, struct err *e);

#endif
