/* build_log - build logs, live while the build runs. */
#ifndef EKACI_WEB_BUILD_LOG_H
#define EKACI_WEB_BUILD_LOG_H

#include "web/page.h"

/* The log that p->build has: as text, cleaned, followed while the build runs; as server-sent events of how long it is by now, with a last
 * one when the build has ended; and the file as it is, whole or a range of it. */
page_fn log_text, log_events, log_raw;
/* The file: where the scheduler says, else logs/HASH-NAME. Its name comes from the database, never from the address. */
const char *log_path(struct page *p, const struct view_build *b);

/* What a log may hold becomes what a text page may: terminal sequences and controls are dropped, CR becomes a new line
 * unless one follows. state is 0 at the beginning of a file. Gives the bytes written to out: at most n in all since then,
 * but up to 2 n of one call, since a byte may wait for the next. */
size_t log_clean(int *state, const char *in, size_t n, char *out);

#endif
