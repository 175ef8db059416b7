/* What an evaluator could not tell: the words of every Nix that was recorded. */
#include "nix/unknown.h"

#include "support/base/err.h"
#include "support/os/files.h"
#include "support/text/json.h"

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define SAMPLES "fixtures/nix"

/* The text as it stands in a row that was not decoded. */
static struct str
as_row(struct arena *a, struct str text)
{
	AUTO(json_drop) json_t *row = json_pack("{s:[s],s:o}", "attrPath", "sample", "error", json_any_string(text));

	return str_of(json_line(a, row));
}

/* Looks at one sample; its name begins with the kind's word. */
static void
look_at(struct arena *a, const char *version, const char *name, size_t seen[UNKNOWN_KINDS])
{
	const char *file = arena_printf(a, SAMPLES "/%s/unknown/%s", version, name);
	struct str text, rest, word = str_cut(str_of(name), '-', &rest);
	struct unknown u, raw;
	struct err e;

	assert_int_equal(files_read(a, file, 1 << 20, &text, &e), 0);
	bool found = unknown_of(text, &u), found_raw = unknown_of(as_row(a, text), &raw);
	if (!str_is(word, unknown_kind_name(u.kind)) || found != (u.kind != UNKNOWN_NOT))
		fail_msg("%s is taken for: %s", file, unknown_kind_name(u.kind));
	if (found_raw != found || raw.kind != u.kind)
		fail_msg("%s is taken for %s when it is not decoded", file, unknown_kind_name(raw.kind));
	seen[u.kind]++;
	if (!found)
		return;
	assert_true(u.name[0] != '\0');
	assert_true(str_starts(str_of(u.words), STR("error: ")));
	assert_null(strchr(u.words, '\n'));
	assert_null(strstr(u.words, "while")); /* no frames, no source code */
	assert_null(strstr(u.words, "/repository/"));
}

static void
every_kind_is_recognised_in_every_version(void **state)
{
	static const char *const versions[] = {"2.8.0", "2.26.3", "2.34.8"};
	struct arena a = {0};

	(void)state;
	for (size_t i = 0; i < COUNT(versions); i++) {
		size_t seen[UNKNOWN_KINDS] = {0};
		DIR *d = opendir(arena_printf(&a, SAMPLES "/%s/unknown", versions[i]));
		struct dirent *one;
		assert_non_null(d);
		while ((one = readdir(d)) != NULL)
			if (one->d_name[0] != '.')
				look_at(&a, versions[i], one->d_name, seen);
		closedir(d);
		for (size_t k = 0; k < UNKNOWN_KINDS; k++)
			if (k != UNKNOWN_CONFIG && k != UNKNOWN_SUBMODULE && k != UNKNOWN_DEPTH && k != UNKNOWN_DAEMON &&
			    seen[k] == 0) /* ours, or any */
				fail_msg("no sample of %s of Nix %s", unknown_kind_name(k), versions[i]);
	}
	arena_release(&a);
}

static enum unknown_kind
kind_of(const char *text)
{
	struct unknown u;

	(void)unknown_of(str_of(text), &u);
	return u.kind;
}

static void
only_nix_own_message_counts(void **state)
{
	(void)state;
	assert_int_equal(kind_of(""), UNKNOWN_NOT);
	assert_int_equal(kind_of("error: "), UNKNOWN_NOT);
	assert_int_equal(kind_of("error: unable to download 'x"), UNKNOWN_NOT); /* cut */
	assert_int_equal(kind_of("error: unable to download 'x'"), UNKNOWN_FETCH);
	assert_int_equal(kind_of("unable to download 'x'"), UNKNOWN_NOT);
	assert_int_equal(kind_of("warning: error: unable to download 'x'; retrying"), UNKNOWN_NOT);
	assert_int_equal(kind_of("error: cannot: unable to download 'x'"), UNKNOWN_NOT);
	assert_int_equal(kind_of("error:\n  4| error: unable to download 'x'\n  error: oh"), UNKNOWN_NOT);
	assert_int_equal(
	    kind_of("error:\n       \xe2\x80\xa6 while calling the 'seq' builtin\n\n       error: unable to download 'x': no"),
	    UNKNOWN_FETCH);
	/* Where the trace shows who speaks. */
	assert_int_equal(
	    kind_of(
	        "error:\n       \xe2\x80\xa6 while calling the 'seq' builtin\n       \xe2\x80\xa6 while calling the 'throw' builtin\n"
	        "         at /x.nix:1:2:\n\n       error: unable to download 'x'"),
	    UNKNOWN_NOT);
	assert_int_equal(
	    kind_of(
	        "error:\n       \xe2\x80\xa6 while calling the 'throw' builtin\n       \xe2\x80\xa6 while calling the 'fetchurl' builtin\n"
	        "\n       error: unable to download 'x'"),
	    UNKNOWN_FETCH);
	assert_int_equal(kind_of("error: attribute 'fetchCl' missing"), UNKNOWN_NOT);
	/* The path of an attribute can say anything: who looks through raw rows looks at the error itself afterwards. */
	assert_int_equal(kind_of("{\"attrPath\":[\"error: unable to download 'x'\"],\"error\":\"error: no\"}"), UNKNOWN_FETCH);
	assert_int_equal(kind_of("{\"attrPath\":[\"\\\"error: unable to download 'x'\"],\"error\":\"error: no\"}"),
	    UNKNOWN_FETCH);
}

static void
pure_evaluation_refuses_by_itself(void **state)
{
	static const struct {
		const char *text;
		bool restricted, pure;
	} cases[] = {
	    {"error: access to absolute path '/etc/passwd' is forbidden in restricted mode", true, false},
	    {"error: access to absolute path '/nix/store/x' is forbidden in restricted mode", true, true},
	    {"error: access to absolute path '/etc' is forbidden in pure evaluation mode (use '--impure' to override)", false,
	        false},
	    {"error: file 'nixpkgs' was not found in the Nix search path (add it using $NIX_PATH or -I)", true, false},
	    {"error: cannot look up '<nixpkgs>' in pure evaluation mode (use '--impure' to override)", false, false},
	    {"error: access to URI 'x' is forbidden in restricted mode", true, true},
	    {"error: oh", false, false},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct unknown u;
		(void)unknown_of(str_of(cases[i].text), &u);
		assert_int_equal(unknown_counts(&u, false), cases[i].restricted);
		assert_int_equal(unknown_counts(&u, true), cases[i].pure);
	}
}

static void
advice_names_what_to_set(void **state)
{
	static const struct {
		const char *text, *bot, *user;
	} cases[] = {
	    {"error: experimental Nix feature 'pipe-operators' is disabled; x", "experimental_features = [\"pipe-operators\"]",
	        "extra-experimental-features = pipe-operators"},
	    {"error: access to URI 'https://x/y' is forbidden in restricted mode", "allowed_uris = [\"https://x/y\"]",
	        "--allowed-uris"},
	    {"error: file 'nixpkgs/lib' was not found in the Nix search path", "nix-path = \"nixpkgs=", "NIX_PATH=nixpkgs="},
	    {"error: cannot build 'x' during evaluation because the option 'allow-import-from-derivation' is disabled",
	        "allow_import_from_derivation = true", "--allow-import-from-derivation"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		AUTO(buf_release) struct buf bot = {0}, user = {0};
		struct unknown u;
		buf_init(&bot, 1000);
		buf_init(&user, 1000);
		assert_true(unknown_of(str_of(cases[i].text), &u));
		unknown_advice(&u, UNKNOWN_FOR_BOT, &bot);
		unknown_advice(&u, UNKNOWN_FOR_USER, &user);
		assert_non_null(strstr(bot.p, cases[i].bot));
		assert_non_null(strstr(user.p, cases[i].user));
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(every_kind_is_recognised_in_every_version),
	    cmocka_unit_test(only_nix_own_message_counts),
	    cmocka_unit_test(pure_evaluation_refuses_by_itself),
	    cmocka_unit_test(advice_names_what_to_set),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
