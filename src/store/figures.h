/*
 * figures - sums by hour and by day, for plots: how long evaluations, builds and their waiting took, what pull requests rebuild, how
 * their runs ended.
 *
 * Each is added in the transaction of what it counts, so reading them costs what is shown, not what has happened. Hours are kept for
 * three days, days for 400.
 */
#ifndef EKACI_STORE_FIGURES_H
#define EKACI_STORE_FIGURES_H

#include "store/store.h"

enum figure { FIGURE_EVALUATION, FIGURE_REBUILDS, FIGURE_BUILD, FIGURE_WAIT, FIGURE_VERDICT, FIGURES };
enum figure_span { FIGURE_HOUR, FIGURE_DAY };

/* total of one more thing, of now. */
must_check int figure_add(struct store *s, int64_t repository, enum figure what, int64_t total, struct err *e);
/* The same of a build, for the repository of the newest run that wants it; nothing where none does. */
must_check int figure_add_build(struct store *s, int64_t build, enum figure what, int64_t total, struct err *e);

struct figure_sum {
	enum figure what;
	int64_t at; /* milliseconds since 1970: when its hour or day begins */
	int64_t n, total;
};
/* Those since a time, oldest first, in a: of a repository, or of all that are public (0). */
must_check int figure_read(struct store *s, struct arena *a, int64_t repository, enum figure_span span, int64_t since,
    struct figure_sum **ret, size_t *ret_n, struct err *e);

#endif
