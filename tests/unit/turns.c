/* Whose evaluation begins next. */
#include "walk/turns.h"

#include "support/base/mem.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define TRUSTED(id, repo)                         \
	{                                         \
		.run = (id), .repository = (repo) \
	}
#define OUTSIDE(id, repo)                                          \
	{                                                          \
		.run = (id), .repository = (repo), .outside = true \
	}
#define BRANCH(id, repo)                                          \
	{                                                         \
		.run = (id), .repository = (repo), .branch = true \
	}
#define STOPPED(id, repo)                                                          \
	{                                                                          \
		.run = (id), .repository = (repo), .outside = true, .ending = true \
	}
#define KEPT(id, repo)                                                           \
	{                                                                        \
		.run = (id), .repository = (repo), .outside = true, .kept = true \
	}
#define SERVED(id, repo, at)                                      \
	{                                                         \
		.run = (id), .repository = (repo), .served = (at) \
	}
#define OF_TREE(id, repo, t)                                   \
	{                                                      \
		.run = (id), .repository = (repo), .tree = (t) \
	}

static void
who_waits_gets_what_the_table_says(void **state)
{
	static const struct {
		const char *what;
		int room, passed;
		struct turn busy[4], waiting[4];
		int64_t begins, stops; /* runs; 0: none */
	} t[] = {
	    {"nobody else", 1, 0, {{0}}, {TRUSTED(1, 1)}, 1, 0},
	    {"the trusted first, whoever came first", 1, 0, {{0}}, {OUTSIDE(1, 1), BRANCH(2, 1), TRUSTED(3, 1)}, 3, 0},
	    {"a branch before an outsider", 1, 0, {{0}}, {OUTSIDE(1, 1), BRANCH(2, 1)}, 2, 0},
	    {"half the room is nobody's who is not trusted", 4, 0, {OUTSIDE(1, 1), OUTSIDE(2, 2)}, {OUTSIDE(3, 3)}, 0, 0},
	    {"and is there for the trusted", 2, 0, {OUTSIDE(1, 1)}, {OUTSIDE(2, 1), TRUSTED(3, 1)}, 3, 0},
	    {"an outsider waits for nobody else's half", 2, 0, {TRUSTED(1, 1)}, {OUTSIDE(2, 1)}, 2, 0},
	    {"where there is one room only it is taken from an outsider", 1, 0, {OUTSIDE(1, 1)}, {TRUSTED(2, 2)}, 0, 1},
	    {"by a branch, too", 1, 0, {OUTSIDE(1, 1)}, {BRANCH(2, 2)}, 0, 1},
	    {"once", 1, 0, {STOPPED(1, 1)}, {TRUSTED(2, 2)}, 0, 0},
	    {"and from a branch by a pull request", 2, 0, {TRUSTED(1, 1), BRANCH(2, 1)}, {TRUSTED(3, 2)}, 0, 2},
	    {"not by an outsider's", 1, 0, {BRANCH(1, 1)}, {OUTSIDE(2, 1)}, 0, 0},
	    {"nor from somebody who is trusted", 1, 0, {TRUSTED(1, 1)}, {TRUSTED(2, 2)}, 0, 0},
	    {"the repository of which fewest are under way", 4, 0, {TRUSTED(1, 1), TRUSTED(2, 1)},
	        {TRUSTED(3, 1), TRUSTED(4, 2)}, 4, 0},
	    {"an outsider's that was passed over so often", 1, 8, {{0}}, {TRUSTED(1, 1), OUTSIDE(2, 1)}, 2, 0},
	    {"and not before", 1, 7, {{0}}, {TRUSTED(1, 1), OUTSIDE(2, 1)}, 1, 0},
	    {"comes to its end", 1, 0, {KEPT(1, 1)}, {TRUSTED(2, 2)}, 0, 0},
	    {"but waits for the end of who is trusted", 1, 8, {TRUSTED(1, 1)}, {TRUSTED(2, 1), OUTSIDE(3, 1)}, 0, 0},
	    {"and has no more than half of the room", 2, 8, {OUTSIDE(1, 1)}, {TRUSTED(2, 1), OUTSIDE(3, 1)}, 2, 0},
	    {"then the one whose turn is longest ago", 2, 0, {{0}}, {SERVED(1, 1, 7), SERVED(2, 2, 5), SERVED(3, 3, 6)}, 2, 0},
	    {"what is made just now is not made twice", 2, 0, {OF_TREE(1, 1, "t")}, {OF_TREE(2, 1, "t")}, 0, 0},
	    {"of another repository it is", 2, 0, {OF_TREE(1, 1, "t")}, {OF_TREE(2, 2, "t")}, 2, 0},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(t); i++) {
		size_t busy = 0, waiting = 0;
		ptrdiff_t stop, begins;
		while (busy < 4 && t[i].busy[busy].run != 0)
			busy++;
		while (waiting < 4 && t[i].waiting[waiting].run != 0)
			waiting++;
		const struct turns of = {t[i].busy, t[i].waiting, busy, waiting, t[i].room, t[i].passed};
		begins = turns_choose(&of, &stop);
		if ((begins < 0 ? 0 : t[i].waiting[begins].run) != t[i].begins ||
		    (stop < 0 ? 0 : t[i].busy[stop].run) != t[i].stops)
			fail_msg("%s: %td begins, %td stops", t[i].what, begins, stop);
	}
}

/* Trusted people push all day where there is room for one: of the outsiders that wait each has its turn, one of nine. */
static void
nobody_waits_for_ever(void **state)
{
	const struct turn trusted[] = {TRUSTED(1, 1), OUTSIDE(2, 1), OUTSIDE(3, 2)};
	struct turns t = {.waiting = trusted, .n_waiting = 3, .room = 1};
	int64_t served[2] = {0};
	ptrdiff_t stop;

	(void)state;
	for (int i = 0; i < 90; i++) {
		const ptrdiff_t begins = turns_choose(&t, &stop);
		assert_true(begins >= 0);
		assert_int_equal(turns_keeps(&t, &trusted[begins]), begins > 0);
		t.passed = turns_passed(&t, &trusted[begins]);
		served[begins > 0]++;
	}
	assert_int_equal(served[1], 10);
	/* One that begins and may be stopped has not had its turn. */
	t = (struct turns){.waiting = trusted + 1, .n_waiting = 2, .room = 1, .passed = 5};
	assert_int_equal(turns_passed(&t, &trusted[1]), 5);
	assert_false(turns_keeps(&t, &trusted[1]));
}

static void
room_is_what_the_memory_holds(void **state)
{
	(void)state;
	assert_int_equal(turns_room(0, 24000, 2, 4096, true), 2);
	assert_int_equal(turns_room(0, 8000, 2, 4096, true), 1);
	assert_int_equal(turns_room(0, 1 << 20, 2, 4096, true), TURNS_MOST);
	assert_int_equal(turns_room(12, 8000, 2, 4096, true), 12);
	assert_int_equal(turns_room(12, 8000, 2, 4096, false), 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(who_waits_gets_what_the_table_says),
	    cmocka_unit_test(nobody_waits_for_ever),
	    cmocka_unit_test(room_is_what_the_memory_holds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
