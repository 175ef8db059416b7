/* What whose change may, as a table. */
#include "walk/trust.h"

#include "changeset/changeset.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static const char head[] = "1111111111111111111111111111111111111111";

static void
everybody_may_what_the_table_says(void **state)
{
	static const struct {
		int64_t number;
		bool fork;
		const char *author, *association, *approved;
		bool wide;
		const char *forks, *refs;
		/* */
		enum trust trust;
		bool evaluated, built, shared;
	} t[] = {
	    /* the branch and the merge queue, whatever the settings */
	    {0, false, NULL, NULL, NULL, false, "approve", "branches", TRUST_OWN, true, true, true},
	    {0, false, NULL, NULL, NULL, true, "build", "branches", TRUST_OWN, true, false, true},
	    {-7, false, NULL, NULL, NULL, false, "approve", "branches", TRUST_MEMBERS, true, true, true},
	    /* a branch of the repository, and a member's fork */
	    {7, false, "a", "NONE", NULL, false, "approve", "branches", TRUST_MEMBERS, true, true, false},
	    {7, true, "a", "MEMBER", NULL, false, "approve", "members", TRUST_MEMBERS, true, true, true},
	    {7, true, "a", "COLLABORATOR", NULL, true, "build", "members", TRUST_MEMBERS, true, false, true},
	    {7, true, "Friend", "NONE", NULL, false, "approve", "members", TRUST_MEMBERS, true, true, true},
	    /* an outsider */
	    {7, true, "a", "CONTRIBUTOR", NULL, false, "approve", "members", TRUST_NOBODY, false, false, false},
	    {7, true, "a", "NONE", NULL, false, "evaluate", "members", TRUST_NOBODY, true, false, false},
	    {7, true, "a", "NONE", NULL, false, "build", "members", TRUST_NOBODY, true, true, false},
	    {7, true, NULL, NULL, NULL, false, "evaluate", "members", TRUST_NOBODY, true, false, false},
	    /* approved: this head, not another; and still nothing for the caches */
	    {7, true, "a", "NONE", head, true, "approve", "members", TRUST_MEMBERS, true, true, false},
	    {7, true, "a", "NONE", "2222", false, "approve", "members", TRUST_NOBODY, false, false, false},
	};
	struct settings c = {.build = {.enabled = true, .branches = true}};
	const char *friends[] = {"friend"};

	(void)state;
	c.trust.authors = (struct texts){friends, 1};
	for (size_t i = 0; i < COUNT(t); i++) {
		struct run r = {.number = t[i].number, .head = head, .wide = t[i].wide};
		struct pull_request pr = {.fork = t[i].fork,
		    .author = t[i].author,
		    .association = t[i].association,
		    .head_owner = t[i].author,
		    .approved = t[i].approved};
		c.trust.forks = t[i].forks;
		c.cache.refs = t[i].refs;
		if (trust_of(&c, &r, &pr) != t[i].trust || (trust_holds_evaluation(&c, &r, &pr) == NULL) != t[i].evaluated ||
		    (trust_holds_builds(&c, &r, &pr) == NULL) != t[i].built || trust_shares(&c, &r, &pr) != t[i].shared)
			fail_msg("row %zu", i);
	}
	struct run branch = {.head = head}, ours = {.number = 1, .head = head};
	struct pull_request none = {0};
	c.build.branches = false;
	assert_non_null(trust_holds_builds(&c, &branch, &none));
	assert_null(trust_holds_builds(&c, &ours, &none));
	c.build.enabled = false;
	assert_non_null(trust_holds_builds(&c, &ours, &none));
}

/* Who waits, for all that [trust] approval can be. What is not trusted stays so, and its builds go to no cache, also where nobody waits. */
static void
approval_says_who_waits(void **state)
{
	enum { NEVER = 1, FIRST_TIME = 2, OUTSIDE = 4 };
	static const char *const whose[] = {"never", "first-time", "outside"};
	static const struct {
		const char *association, *owner;
		bool in_team;
		int waits; /* under which */
		enum trust trust;
	} t[] = {
	    {"OWNER", "a", false, 0, TRUST_MEMBERS},
	    {"MEMBER", "A", false, 0, TRUST_MEMBERS},
	    {"MEMBER", NULL, false, FIRST_TIME | OUTSIDE, TRUST_NOBODY},
	    {"MEMBER", "stranger", false, FIRST_TIME | OUTSIDE, TRUST_NOBODY},
	    {"MEMBER", "friend", false, 0, TRUST_MEMBERS},
	    {"CONTRIBUTOR", "a", false, OUTSIDE, TRUST_NOBODY},
	    {"CONTRIBUTOR", "stranger", false, FIRST_TIME | OUTSIDE, TRUST_NOBODY},
	    {"FIRST_TIME_CONTRIBUTOR", "a", false, FIRST_TIME | OUTSIDE, TRUST_NOBODY},
	    {"FIRST_TIMER", "a", false, FIRST_TIME | OUTSIDE, TRUST_NOBODY},
	    {"MANNEQUIN", "a", false, FIRST_TIME | OUTSIDE, TRUST_NOBODY},
	    {"NONE", "a", false, FIRST_TIME | OUTSIDE, TRUST_NOBODY},
	    {NULL, "a", false, FIRST_TIME | OUTSIDE, TRUST_NOBODY},
	    {"NONE", "a", true, 0, TRUST_MEMBERS},
	    {"NONE", "stranger", true, FIRST_TIME | OUTSIDE, TRUST_NOBODY},
	};
	const char *friends[] = {"friend"}, *teams[] = {"org/nix"};
	struct settings c = {.build = {.enabled = true}};

	(void)state;
	c.trust.authors = (struct texts){friends, 1};
	c.trust.teams = (struct texts){teams, 1};
	c.trust.forks = "approve";
	c.cache.refs = "members";
	for (size_t i = 0; i < COUNT(t); i++) {
		struct run r = {.number = 7, .head = head};
		struct pull_request pr = {.fork = true,
		    .author = "a",
		    .association = t[i].association,
		    .head_owner = t[i].owner,
		    .in_team = t[i].in_team};
		for (size_t k = 0; k < COUNT(whose); k++) {
			bool waits = (t[i].waits & 1 << k) != 0;
			c.trust.approval = whose[k];
			if ((trust_holds_evaluation(&c, &r, &pr) != NULL) != waits ||
			    (trust_holds_builds(&c, &r, &pr) != NULL) != waits || trust_of(&c, &r, &pr) != t[i].trust ||
			    trust_shares(&c, &r, &pr) != (t[i].trust == TRUST_MEMBERS))
				fail_msg("row %zu, %s", i, whose[k]);
		}
	}
	/* Only who is not trusted anyway is asked for, and a team that is not named any more is none. */
	struct pull_request pr = {.fork = true, .author = "a", .association = "NONE", .head_owner = "a", .in_team = true};
	struct run r = {.number = 7, .head = head};
	assert_true(trust_asks_teams(&c, &pr));
	pr.association = "MEMBER";
	assert_false(trust_asks_teams(&c, &pr));
	pr.association = "NONE";
	c.trust.teams.n = 0;
	assert_false(trust_asks_teams(&c, &pr));
	assert_int_equal(trust_of(&c, &r, &pr), TRUST_NOBODY);
}

static void
drafts_and_strange_branches_wait(void **state)
{
	const char *patterns[] = {"main", "release-*", "{lts,old}/**"};
	struct settings c = {.pull_requests = {.drafts = "wait"}};
	struct pull_request pr = {.base_ref = "main"};
	static const struct {
		const char *branch;
		bool waits;
	} t[] = {{"main", false}, {"release-1.2", false}, {"lts/a/b", false}, {"mainly", true}, {"release-a/b", true},
	    {"x/main", true}, {"Main", true}};

	(void)state;
	assert_null(trust_waits(&c, &pr));
	pr.draft = true;
	assert_non_null(trust_waits(&c, &pr));
	c.pull_requests.drafts = "report";
	assert_null(trust_waits(&c, &pr));
	c.pull_requests.branches = (struct texts){patterns, COUNT(patterns)};
	for (size_t i = 0; i < COUNT(t); i++) {
		pr.base_ref = t[i].branch;
		if ((trust_waits(&c, &pr) != NULL) != t[i].waits)
			fail_msg("%s", t[i].branch);
	}
}

static void
what_says_skip_is_skipped_until_somebody_asks(void **state)
{
	struct settings c = {.pull_requests = {.skip_words = true}};
	struct pull_request plain = {.title = "hello: 1 -> 2"}, asks = {.title = "wip [skip ci]"};
	struct run r = {.number = 7}, forced = {.number = 7, .force = true}, queued = {.number = -7}, branch = {0};
	struct arena a = {0};

	(void)state;
	assert_null(trust_unwanted(&a, &c, &r, &plain, NULL));
	assert_string_equal(trust_unwanted(&a, &c, &r, &asks, NULL), "[skip ci] in the title");
	assert_string_equal(trust_unwanted(&a, &c, &r, &plain, "[no ci]"), "[no ci] in the head's message");
	assert_null(trust_unwanted(&a, &c, &forced, &asks, "[no ci]"));
	assert_null(trust_unwanted(&a, &c, &queued, &asks, "[no ci]"));
	assert_null(trust_unwanted(&a, &c, &branch, &plain, "[no ci]"));
	c.pull_requests.skip_words = false;
	assert_null(trust_unwanted(&a, &c, &r, &asks, "[no ci]"));
	assert_null(changeset_skip_word(STR("skip ci, [skip  ci] [skip-ci] [skip")));
	assert_string_equal(changeset_skip_word(STR("a\n\n[ci skip]")), "[ci skip]");
	arena_release(&a);
}

static void
a_bot_is_obeyed_when_it_is_named(void **state)
{
	const char *authors[] = {"other[bot]"}, *bots[] = {"helper[bot]"};
	struct settings c = {.trust = {.authors = {authors, 1}, .bots = {bots, 1}}};

	(void)state;
	assert_true(trust_obeys_bot(&c, 1, "Helper[bot]"));
	assert_false(trust_obeys_bot(&c, 1, "helper"));
	assert_false(trust_obeys_bot(&c, 1, "other[bot]"));
	assert_false(trust_obeys_bot(&c, 1, NULL));
}

static void
an_approval_is_of_what_could_be_seen(void **state)
{
	enum { T = 1000000 }; /* when the head was pushed */
	static const char other[] = "2222222222222222222222222222222222222222";
	static const struct {
		const char *named, *word;
		int64_t said, since, told;
		enum approval_is is;
	} t[] = {
	    /* a button, and the operator */
	    {head, NULL, 0, T, 0, APPROVAL_GOOD},
	    {other, NULL, 0, 0, T, APPROVAL_OTHER},
	    /* a comment: the first head, also when GitHub tells no times */
	    {NULL, NULL, 0, 0, 0, APPROVAL_GOOD},
	    /* written before the push, within its second, just after it, and after a look */
	    {NULL, NULL, T - 60000, T, 0, APPROVAL_UNSEEN},
	    {NULL, NULL, 0, T, T, APPROVAL_UNSEEN},
	    {NULL, NULL, T, T, T, APPROVAL_UNSEEN},
	    {NULL, NULL, T + TRUST_LOOK_MS - 1000, T, 0, APPROVAL_UNSEEN},
	    {NULL, NULL, T + TRUST_LOOK_MS, T, 0, APPROVAL_GOOD},
	    /* the checks have come: after the comment, within its second, before it */
	    {NULL, NULL, T + 2000, T, T + 3000, APPROVAL_UNSEEN},
	    {NULL, NULL, T + 2000, T, T + 2700, APPROVAL_UNSEEN},
	    {NULL, NULL, T + 2000, T, T + 1000, APPROVAL_GOOD},
	    /* by name */
	    {NULL, head, T - 60000, T, 0, APPROVAL_GOOD},
	    {NULL, "1111111", T - 1000, T, T, APPROVAL_UNSEEN},
	    {NULL, "1111111", T, T, 0, APPROVAL_UNSEEN},
	    {NULL, "1111111", T + TRUST_LOOK_MS - 1000, T, 0, APPROVAL_UNSEEN},
	    {NULL, "1111111", T + TRUST_LOOK_MS, T, 0, APPROVAL_GOOD},
	    {NULL, "1111111", T, 0, 0, APPROVAL_GOOD},
	    {NULL, "111111", T + 60000, T, T, APPROVAL_NONSENSE},
	    {NULL, "0000000000", T + 60000, 0, T, APPROVAL_OTHER},
	    {NULL, "please,", T + 60000, 0, T, APPROVAL_NONSENSE},
	    {NULL, "11111111111111111111111111111111111111111", T + 60000, 0, T, APPROVAL_NONSENSE},
	    {NULL, "", T + 60000, 0, T, APPROVAL_NONSENSE},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(t); i++) {
		struct pull_request pr = {.head = head, .head_since = t[i].since};
		struct approval a = {t[i].named, t[i].word, t[i].said};
		if (trust_approval(&a, &pr, t[i].told) != t[i].is)
			fail_msg("row %zu", i);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(everybody_may_what_the_table_says),
	    cmocka_unit_test(approval_says_who_waits),
	    cmocka_unit_test(drafts_and_strange_branches_wait),
	    cmocka_unit_test(what_says_skip_is_skipped_until_somebody_asks),
	    cmocka_unit_test(a_bot_is_obeyed_when_it_is_named),
	    cmocka_unit_test(an_approval_is_of_what_could_be_seen),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
