/*
 * pulls - open pull requests beside each other, and in the order in which somebody looks at them in the morning.
 *
 * What is compared stands in store/overlapped.h; overlap/spaces.h says what the numbers mean.
 */
#ifndef EKACI_WEB_PULLS_H
#define EKACI_WEB_PULLS_H

#include "records/page_told.h"
#include "web/page.h"

/* For the page of a repository: *ret, and the same in data as `beside`; NULL where nothing was compared yet. */
must_check int pulls_beside_each_other(struct page *p, const struct view_repository *repo, struct values *data,
    struct overlaps_told **ret, struct err *e);
/* For the page of a pull request. NULL also for who may see this one alone: what others rebuild is not theirs to see. */
must_check int pulls_beside_one(struct page *p, const struct view_run *of, struct values *data, struct overlap_told **ret,
    struct err *e);

page_fn page_pulls; /* /OWNER/REPO/pulls?who=people|bots&state=green|other&max=REBUILDS&q=WORDS */

#endif
