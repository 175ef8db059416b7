/* Patterns for paths: a table of what matches, what is refused and why, and time on hostile ones. */
#include "changeset/glob.h"

#include "support/base/clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
/* cmocka comes last. */
#include <cmocka.h>

static bool
matches(const char *pattern, const char *path)
{
	struct arena a = {0};
	struct glob_set set = {.a = &a};
	struct err e = {0};

	if (glob_set_add(&set, str_of(pattern), &e) != 0)
		fail_msg("%s is refused: %s", pattern, e.msg);
	bool yes = glob_set_first(&set, str_of(path)) == 0;
	arena_release(&a);
	return yes;
}

static void
a_pattern_matches_what_the_table_says(void **state)
{
	static const struct {
		const char *pattern, *path;
		bool yes;
	} rows[] = {
	    /* Anchored at the root. */
	    {"README.md", "README.md", true},
	    {"README.md", "doc/README.md", false},
	    {"README.md", "README.mdx", false},
	    {"README.md", "xREADME.md", false},
	    {"/README.md", "README.md", true},
	    {"readme.md", "README.md", false},
	    /* One star stays in its segment. */
	    {"*", "a", true},
	    {"*", "a/b", false},
	    {"*.md", "a.md", true},
	    {"*.md", ".md", true},
	    {"*.md", "doc/a.md", false},
	    {"doc/*.md", "doc/a.md", true},
	    {"doc/*.md", "doc/x/a.md", false},
	    {"a*b*c", "abc", true},
	    {"a*b*c", "aXbYc", true},
	    {"a*b*c", "aXbYcZ", false},
	    {"a*b*c", "abcbc", true},
	    {"a**b", "aXXb", true},
	    {"a**b", "a/b", false},
	    /* Two stars are any folders, also none. */
	    {"**", "a", true},
	    {"**", "a/b/c", true},
	    {"**/x", "x", true},
	    {"**/x", "a/x", true},
	    {"**/x", "a/b/x", true},
	    {"**/x", "a/b/xx", false},
	    {"**/x", "ax", false},
	    {"**/*.md", "a.md", true},
	    {"**/*.md", "a/b/c.md", true},
	    {"**/CHANGELOG.md", "CHANGELOG.md", true},
	    {"**/CHANGELOG.md", "oldCHANGELOG.md", false},
	    {"doc/**", "doc/a", true},
	    {"doc/**", "doc/a/b", true},
	    {"doc/**", "doc", false},
	    {"doc/**", "docs/a", false},
	    {"doc/**/*.md", "doc/a.md", true},
	    {"doc/**/*.md", "doc/x/y/a.md", true},
	    {"doc/**/*.md", "doc/x/y/a.nix", false},
	    {"a/**/b/**/c", "a/b/c", true},
	    {"a/**/b/**/c", "a/x/b/y/z/c", true},
	    {"a/**/b/**/c", "a/b/x/b/c/c", true},
	    {"a/**/b/**/c", "a/x/c", false},
	    {"a/**/**/b", "a/b", true},
	    {"**/a/**", "x/a/y", true},
	    {"**/a/**", "x/a", false},
	    {"**/a/**", "a/x", true},
	    /* One byte. */
	    {"?", "a", true},
	    {"?", "/", false},
	    {"a?c", "a/c", false},
	    {"a?c", "abc", true},
	    {"a?c", "ac", false},
	    {"caf??", "caf\xc3\xa9", true},
	    /* Sets. */
	    {"[abc]x", "bx", true},
	    {"[abc]x", "dx", false},
	    {"[a-f]x", "ex", true},
	    {"[!a-f]x", "ex", false},
	    {"[!a-f]x", "zx", true},
	    {"[^a-f]x", "zx", true},
	    {"a[!x]b", "a/b", false},
	    {"[]]", "]", true},
	    {"[!]]", "]", false},
	    {"[a-]", "-", true},
	    {"[\\]]", "]", true},
	    {"[\\!a]", "!", true},
	    {"[{},]", ",", true},
	    {"v[0-9]*.nix", "v12.nix", true},
	    /* Alternatives. */
	    {"{a,b}", "a", true},
	    {"{a,b}", "b", true},
	    {"{a,b}", "c", false},
	    {"{doc,man/**}/*.md", "man/x/y/z.md", true},
	    {"{a,b/{c,d}}.x", "b/d.x", true},
	    {"{a,b/{c,d}}.x", "b/a.x", false},
	    {"x{,.bak}", "x", true},
	    {"x{,.bak}", "x.bak", true},
	    {"{a}", "a", true},
	    {"*.{md,txt,[ab]}", "x.b", true},
	    {"{a,b}{c,d}{e,f}", "bdf", true},
	    {"{*,a}*/x", "q/x", true},
	    /* Written out first, so this says "**". */
	    {"{*,a}{*,b}", "a/b", true},
	    {"a,b", "a,b", true},
	    /* Escapes. */
	    {"\\*", "*", true},
	    {"\\*", "a", false},
	    {"\\!x", "!x", true},
	    {"\\{a\\}", "{a}", true},
	    {"{a\\,b,c}", "a,b", true},
	    {"\\[a]", "[a]", true},
	    {"a\\b", "ab", true},
	    /* Longer than the fixed eight bytes at both ends. */
	    {"pkgs/development/**/default.nix", "pkgs/development/x/default.nix", true},
	    {"pkgs/development/**/default.nix", "pkgs/development/default.nix", true},
	    {"pkgs/development/**/default.nix", "pkgs/developmenT/x/default.nix", false},
	    {"pkgs/development/**/default.nix", "pkgs/development/x/defaulT.nix", false},
	    {"abcdefgh", "abcdefgh", true},
	    {"abcdefghi", "abcdefgh", false},
	    {"abcdefgh", "abcdefghi", false},
	    {"ab*ab", "ab", false},
	    {"ab*ab", "abab", true},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++)
		if (matches(rows[i].pattern, rows[i].path) != rows[i].yes)
			fail_msg("%s %s %s", rows[i].pattern, rows[i].yes ? "does not match" : "matches", rows[i].path);
}

static void
a_pattern_that_means_nothing_is_refused_with_its_reason(void **state)
{
	static const struct {
		const char *pattern, *reason;
	} rows[] = {
	    {"", "it is empty"},
	    {"!doc/**", "cannot be negated"},
	    {"doc/", "doc/**"},
	    {"a//b", "empty segment"},
	    {"//a", "empty segment"},
	    {"./a", "segment \".\""},
	    {"a/../b", "segment \"..\""},
	    {"a[b", "without \"]\""},
	    {"a[]", "without \"]\""},
	    {"a{b", "without \"}\""},
	    {"a}b", "without \"{\""},
	    {"{a,{b}", "without \"}\""},
	    {"a\\", "escapes nothing"},
	    {"[z-a]", "is empty"},
	    {"[\xc3\xa9]", "outside ASCII"},
	    {"{,a}", "empty"},
	    {"{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}", "more than 64 alternatives"},
	    {"{{{{{{{{{a}}}}}}}}}", "more than 8 deep"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct err e = {0};
		if (glob_check(str_of(rows[i].pattern), &e) == 0)
			fail_msg("%s is taken", rows[i].pattern);
		assert_int_equal(e.kind, ERR_INPUT);
		if (strstr(e.msg, rows[i].reason) == NULL)
			fail_msg("%s is refused with: %s", rows[i].pattern, e.msg);
	}
	char longer[GLOB_MAX_BYTES + 2];
	struct err e = {0};
	memset(longer, 'a', sizeof(longer) - 1);
	longer[sizeof(longer) - 1] = '\0';
	assert_int_equal(glob_check(str_of(longer), &e), -1);
	longer[GLOB_MAX_BYTES] = '\0';
	assert_int_equal(glob_check(str_of(longer), &e), 0);
	assert_int_equal(glob_check((struct str){"a\0b", 3}, &e), -1);
}

static void
the_first_pattern_added_decides(void **state)
{
	static const char *const patterns[] = {"a/{x,y}", "a/**", "**/*.md", "**"};
	struct arena a = {0};
	struct glob_set set = {.a = &a};
	struct err e = {0};

	(void)state;
	for (size_t i = 0; i < COUNT(patterns); i++)
		assert_int_equal(glob_set_add(&set, str_of(patterns[i]), &e), 0);
	assert_int_equal(glob_set_add(&set, STR("!no"), &e), -1);
	assert_int_equal(set.patterns, COUNT(patterns));
	assert_int_equal(glob_set_first(&set, STR("a/y")), 0);
	assert_int_equal(glob_set_first(&set, STR("a/z.md")), 1);
	assert_int_equal(glob_set_first(&set, STR("b/z.md")), 2);
	assert_int_equal(glob_set_first(&set, STR("b")), 3);
	assert_int_equal(glob_set_first(&set, STR("")), GLOB_NONE);
	arena_release(&a);
}

/* The plain definition, exponential and obvious, to compare with: over tokens of one byte, no sets or braces. */
static bool
naive(const char *p, const char *s, bool at_start)
{
	if (at_start && strcmp(p, "**") == 0)
		return *s != '\0';
	if (at_start && strncmp(p, "**/", 3) == 0) {
		if (naive(p + 3, s, true))
			return true;
		const char *slash = strchr(s, '/');
		return slash != NULL && naive(p, slash + 1, true);
	}
	if (*p == '\0')
		return *s == '\0';
	if (*p == '*')
		return naive(p + 1, s, false) || (*s != '\0' && *s != '/' && naive(p, s + 1, false));
	if (*s == '\0' || (*p == '?' ? *s == '/' : *p != *s))
		return false;
	return naive(p + 1, s + 1, *p == '/');
}

static void
random_patterns_match_like_the_plain_definition(void **state)
{
	static const char *const parts[] = {"a", "b", "*", "?", "/", "**/", "ab", "/**/", "*a"};
	uint32_t seed = 12345;
	size_t compared = 0, yes = 0;

	(void)state;
	for (int round = 0; round < 20000; round++) {
		struct err e = {0};
		char pattern[64] = "", path[32] = "";
		size_t n = 0;
#define NEXT(m) ((seed = seed * 1664525u + 1013904223u), (seed >> 16) % (m))
		for (unsigned k = 1 + NEXT(6); k > 0; k--) {
			const char *part = parts[NEXT(COUNT(parts))];
			memcpy(pattern + n, part, strlen(part) + 1);
			n += strlen(part);
		}
		for (n = 0; n < 1 + NEXT(12); n++)
			path[n] = "aab/"[NEXT(4)];
		if (path[0] == '/' || strstr(path, "//") != NULL || path[n - 1] == '/' || pattern[0] == '/')
			continue;
		if (strstr(pattern, "a**") || strstr(pattern, "b**") || strstr(pattern, "?**") || strstr(pattern, "***") ||
		    strstr(pattern, "**a") || glob_check(str_of(pattern), &e) != 0)
			continue;
		compared++;
		bool want = naive(pattern, path, true);
		yes += want;
		if (matches(pattern, path) != want)
			fail_msg("%s and %s: %d expected", pattern, path, want);
	}
	assert_true(compared > 2000 && yes > 200);
}

static void
a_hostile_pattern_takes_no_time(void **state)
{
	static const char *const patterns[] = {
	    "**/**/**/a*a*a*a*b",
	    "**/a/**/a/**/a/**/a/**/b",
	    "**/*a*/**/*a*/**/*a*/**/*a*/**/*a*b",
	    "a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*b",
	    "{a*,*a}{a*,*a}{a*,*a}{a*,*a}{a*,*a}{a*,*a}b",
	};
	char deep[4096], flat[4096];

	(void)state;
	for (size_t i = 0; i < sizeof(deep) - 1; i++) {
		deep[i] = i % 2 == 0 ? 'a' : '/';
		flat[i] = 'a';
	}
	deep[sizeof(deep) - 1] = flat[sizeof(flat) - 1] = '\0';
	int64_t before = clock_mono_ms();
	for (size_t i = 0; i < COUNT(patterns); i++) {
		assert_false(matches(patterns[i], deep));
		assert_false(matches(patterns[i], flat));
	}
	assert_true(clock_mono_ms() - before < 2000);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_pattern_matches_what_the_table_says),
	    cmocka_unit_test(a_pattern_that_means_nothing_is_refused_with_its_reason),
	    cmocka_unit_test(the_first_pattern_added_decides),
	    cmocka_unit_test(random_patterns_match_like_the_plain_definition),
	    cmocka_unit_test(a_hostile_pattern_takes_no_time),
	};

	return cmocka_run_group_tests_name("changeset/glob", tests, NULL, NULL);
}
