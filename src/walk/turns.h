/*
 * turns - whose evaluation begins next; pure functions.
 *
 * The machine has room for so many at once. Outsiders have at most half of it, and where there is room for one only, somebody
 * trusted takes it from them: nobody trusted ever waits for an outsider's code. A branch's own gives it to a trusted pull request,
 * for which somebody waits. What was stopped so is made again. Among equals the repository goes first of which the fewest
 * are being evaluated, then the one whose turn is longest ago.
 */
#ifndef EKACI_WALK_TURNS_H
#define EKACI_WALK_TURNS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct turn {
	int64_t run, repository;
	bool outside;     /* a change that nobody trusted has made or approved */
	bool branch;      /* of no pull request */
	bool bot;         /* opened by an App: behind people's, and makes room for one once */
	bool gave_way;    /* it did */
	bool ending;      /* only of what is under way: it was stopped, and takes its room until it is gone */
	const char *tree; /* that is evaluated; of what waits: its base's. Or NULL */
	int64_t served;   /* a number that grows: when the repository last had its turn; 0: never */
};

/* How many the machine has room for: as told, or (0) as many as its memory holds with workers of so much each, at most
 * TURNS_MOST. One where there is no sandbox, for there all trees are shown under one path of the machine. */
enum { TURNS_MOST = 8 };
int turns_room(int64_t told, int64_t memory_mb, int64_t workers, int64_t max_memory_mb, bool sandboxed);

/* Which of waiting begins, -1: none. Then *ret_stop is who under way has to stop for one of them, -1: nobody. */
ptrdiff_t turns_choose(const struct turn *busy, size_t n_busy, const struct turn *waiting, size_t n_waiting, int room,
    ptrdiff_t *ret_stop);

#endif
