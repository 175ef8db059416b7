/* NIX_PATH, as Nix reads it, and what tells two states of it apart. */
#include "evaluate/searchpath.h"

#include "support/base/err.h"
#include "support/os/files.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void
entries_are_cut_as_nix_does(void **state)
{
	static const char text[] =
	    "nixpkgs=/srv/a:/plain:x=y=/z:t=https://example.org/t.tar.gz:f=flake:nixpkgs:rel::channel:nixos-24.05";
	static const struct {
		const char *name, *where;
		bool path;
	} want[] = {
	    {"nixpkgs", "/srv/a", true},
	    {"", "/plain", true},
	    {"x=y", "/z", true},
	    {"t", "https://example.org/t.tar.gz", false},
	    {"f", "flake:nixpkgs", false},
	    {"", "rel", true},
	    {"", "", true},
	    {"", "channel:nixos-24.05", false},
	};
	struct str rest = str_of(text), name;

	(void)state;
	for (size_t i = 0; i < COUNT(want); i++) {
		struct str where = searchpath_next(&rest, &name);
		assert_true(str_is(name, want[i].name));
		assert_true(str_is(where, want[i].where));
		assert_int_equal(searchpath_is_path(where), want[i].path);
		assert_int_equal(rest.p == NULL, i + 1 == COUNT(want));
	}
}

static void
a_folder_is_another_when_a_file_of_it_is(void **state)
{
	struct arena a = {0};
	char dir[] = "/tmp/ekaci-unit-XXXXXX";
	struct err e;

	(void)state;
	assert_non_null(mkdtemp(dir));
	const char *text = arena_printf(&a, "p=%s/p:q=%s/q", dir, dir);
	const char *files[] = {"p/default.nix", "p/sub/a.nix", "p/.git/index"};
	for (size_t i = 0; i < COUNT(files); i++) {
		char *file = arena_printf(&a, "%s/%s", dir, files[i]);
		assert_int_equal(files_mkdirs(arena_printf(&a, "%.*s", (int)(strrchr(file, '/') - file), file), 0755, &e), 0);
		assert_int_equal(files_write(file, STR("1"), 0644, FILES_NO_SYNC, &e), 0);
	}
	const char *first = searchpath_mark(&a, text), *now;
	assert_non_null(strstr(first, "/q is absent"));
	assert_string_equal(searchpath_mark(&a, text), first);
	assert_int_equal(files_write(arena_printf(&a, "%s/p/.git/index", dir), STR("22"), 0644, FILES_NO_SYNC, &e), 0);
	assert_string_equal(searchpath_mark(&a, text), first);
	assert_int_equal(files_write(arena_printf(&a, "%s/p/sub/a.nix", dir), STR("22"), 0644, FILES_NO_SYNC, &e), 0);
	now = searchpath_mark(&a, text);
	assert_string_not_equal(now, first);
	assert_int_equal(files_write(arena_printf(&a, "%s/p/new.nix", dir), STR("1"), 0644, FILES_NO_SYNC, &e), 0);
	assert_string_not_equal(searchpath_mark(&a, text), now);
	/* Addresses are taken to stay for an hour. */
	assert_non_null(strstr(searchpath_mark(&a, "n=https://example.org/x"), "n=https://example.org/x "));
	assert_int_equal(files_remove_tree(dir, &e), 0);
	arena_release(&a);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(entries_are_cut_as_nix_does),
	    cmocka_unit_test(a_folder_is_another_when_a_file_of_it_is),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
