/*
 * turns - whose evaluation begins next; pure functions.
 *
 * The machine has room for so many at once. Outsiders have at most half of it, and where there is room for one only, somebody
 * trusted takes it from them. Nobody trusted waits for an outsider's code, but for one: when TURNS_PASSED of others had their turn while an
 * outsider's waited, that one is next and comes to its end, so that who pushes all day keeps nobody waiting for ever. A branch's own gives it to a trusted pull request,
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
	bool kept;        /* only of what is under way: an outsider's that is stopped for nobody */
	bool ending;      /* only of what is under way: it was stopped, and takes its room until it is gone */
	const char *tree; /* that is evaluated; of what waits: its base's. Or NULL */
	int64_t served;   /* a number that grows: when the repository last had its turn; 0: never */
};

/* How many the machine has room for: as told, or (0) as many as its memory holds with workers of so much each, at most
 * TURNS_MOST. One where there is no sandbox, for there all trees are shown under one path of the machine. */
enum { TURNS_MOST = 8 };
int turns_room(int64_t told, int64_t memory_mb, int64_t workers, int64_t max_memory_mb, bool sandboxed);

/* What there is to choose from. passed: as turns_passed says; 0 at first. */
struct turns {
	const struct turn *busy, *waiting;
	size_t n_busy, n_waiting;
	int room;
	int64_t passed;
};
enum { TURNS_PASSED = 8 };

/* Which of waiting begins, -1: none. Then *ret_stop is who under way has to stop for one of them, -1: nobody. */
ptrdiff_t turns_choose(const struct turns *t, ptrdiff_t *ret_stop);
/* The one of waiting that begins is kept when it is an outsider's whose turn was due. */
bool turns_keeps(const struct turns *t, const struct turn *begins);
/* How many had their turn while outsiders' waited, since one of these had its own that nobody takes away: after this one began. */
int64_t turns_passed(const struct turns *t, const struct turn *begins);

#endif
