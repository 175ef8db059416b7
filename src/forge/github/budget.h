/*
 * budget - private to this folder: GitHub's limits on writes, counted by us.
 *
 * GitHub refuses an installation that creates content more than 80 times a minute or 500 times an hour, and names no header
 * by which one could see it coming. All writes count here. Progress may use a part of both; the rest is kept for what people
 * wait for.
 */
#ifndef EKACI_FORGE_GITHUB_BUDGET_H
#define EKACI_FORGE_GITHUB_BUDGET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	BUDGET_A_MINUTE = 78, /* below GitHub's by what was sent when we were killed, and is not written down */
	BUDGET_AN_HOUR = 490
};

struct budget {
	size_t a_minute, an_hour;   /* at most BUDGET_AN_HOUR; 0: no limit */
	int64_t at[BUDGET_AN_HOUR]; /* of the last writes, milliseconds since 1970; a ring */
	size_t n;                   /* ever */
};

void budget_spend(struct budget *b, int64_t now_ms);
/* How many of the last hour's writes are counted. */
size_t budget_used(const struct budget *b, int64_t now_ms);
/* How many more of the hour's writes are progress's to use. */
int64_t budget_room(const struct budget *b, int64_t now_ms);
/* In how many ms there is room for a write, 0: now. */
int64_t budget_wait_ms(const struct budget *b, bool progress, int64_t now_ms);
/* How long what was written is left as it is, before more progress of it is told: `first_ms`, and more the more is used. */
int64_t budget_quiet_ms(const struct budget *b, int64_t first_ms, int64_t now_ms);
/* Before that nothing is counted. */
int64_t budget_oldest_ms(int64_t now_ms);

#endif
