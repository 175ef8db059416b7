/* page_data - rows as templates show them: what several pages share. Texts are in the page's arena. */
#ifndef EKACI_WEB_PAGE_DATA_H
#define EKACI_WEB_PAGE_DATA_H

#include "support/text/values.h"
#include "web/page.h"

/* A text from outside, clean; NULL becomes empty, so that a template does not look for it further out. */
void page_set(struct values *o, const char *key, const char *value);
const char *page_utc(struct arena *a, int64_t ms);      /* "2026-01-31 12:00:00 UTC"; "" for 0 */
const char *page_duration(struct arena *a, int64_t ms); /* "3 min 20 s" */
const char *page_words(struct arena *a, const char *s); /* "timed out" of "timed_out" */
const char *page_tone(const char *word);                /* what kind of news a verdict is: the class of a tag */
/* "HASH-NAME" of "/nix/store/HASH-NAME.drv" */
const char *page_drv_stem(struct arena *a, const char *drv);
/* "?key=..." behind what belongs to a pull request of a private repository; else "". */
const char *page_suffix(struct page *p, const struct view_repository *repo, int64_t number);
bool page_may_see(struct page *p, const struct view_run *r);
/* What the run is of: "#12", "#12 in the merge queue", "main". */
const char *page_run_of(struct arena *a, const struct view_run *r);
struct values *page_run_data(struct page *p, const struct view_run *r);
struct value_list *page_runs_data(struct page *p, const struct view_run *runs, size_t n);
struct values *page_build_data(struct page *p, const struct view_build *b, const char *suffix);
/* Counts of a difference (JSON, or NULL), without what is zero. */
struct value_list *page_counts_data(struct arena *a, const char *counts);

#endif
