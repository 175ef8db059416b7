/* show - how pages say things: times, sizes, words, addresses of other pages. Texts are in the request's arena, or constants. */
#ifndef EKACI_WEB_SHOW_H
#define EKACI_WEB_SHOW_H

#include "support/text/values.h"
#include "web/page.h"

const char *show_utc(struct arena *a, int64_t ms);      /* "2024-05-01 12:00:00 UTC"; "" of 0 */
const char *show_duration(struct arena *a, int64_t ms); /* "1 min 5 s"; "" of 0 and less */
const char *show_bytes(struct arena *a, int64_t n);     /* "1.5 MB" */
/* "timed_out" and "EVALUATED" as people write them. */
const char *show_words(struct arena *a, const char *s);
/* What kind of news a verdict or state is: the class of a tag. */
const char *show_tone(const char *word);
/* A member of a template's data: "" for NULL, so that a template does not look for it further out; cleaned (fields_clean). */
void show_text(struct values *o, const char *key, const char *value);
/* Text that may be written as JSON; NULL stays NULL. */
const char *show_clean(struct arena *a, const char *text);

/* Whether the asker may see what belongs to a pull request of a repository (0: the repository itself). */
bool show_may_see(struct page *p, const struct view_repository *repo, int64_t number);
/* Whether the asker's link once opened it, and was revoked. */
bool show_was_revoked(struct page *p, const struct view_repository *repo, int64_t number);
/* What stands behind an address of it: "?key=..." where one is needed. */
const char *show_suffix(struct page *p, const struct view_repository *repo, int64_t number);
/* path with that of a run. */
const char *show_path(struct page *p, const struct view_run *r, const char *path);
/* "#5", "#5 in the merge queue", "main". */
const char *show_of(struct arena *a, const struct view_run *r);
/* "/nix/store/HASH-NAME.drv" as it stands in addresses: HASH-NAME. */
const char *show_stem(struct arena *a, const char *drv);

#endif
