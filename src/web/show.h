/* show - how pages say sizes, and who may see what is not public. Beside page_data.h. Texts are in the request's arena. */
#ifndef EKACI_WEB_SHOW_H
#define EKACI_WEB_SHOW_H

#include "web/page.h"

const char *show_number(struct arena *a, int64_t n); /* "19,600" */
const char *show_bytes(struct arena *a, int64_t n);  /* "1.5 MB" */
/* Text that may be written as JSON; NULL stays NULL. */
const char *show_clean(struct arena *a, const char *text);
/* Whether the asker's link once opened what belongs to a pull request of a repository (0: the repository itself), and was revoked. */
bool show_was_revoked(struct page *p, const struct view_repository *repo, int64_t number);
/* path with what stands behind an address of a run: its key, where one is needed. */
const char *show_path(struct page *p, const struct view_run *r, const char *path);

#endif
