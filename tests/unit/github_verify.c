/* Signatures: GitHub's own vector, two secrets, hostile headers. */
#include "forge/github/accept.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define DIGEST "757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"

static void
free_keys(struct accept_keys **k)
{
	accept_keys_free(*k);
}

static struct accept_keys *
keys(const char *current, const char *previous)
{
	struct accept_keys *k = NULL;
	struct err e;

	assert_int_equal(accept_keys_new(str_of(current), str_of(previous), &k, &e), 0);
	return k;
}

static void
test_vector(void **state)
{
	AUTO(free_keys) struct accept_keys *k = keys("It's a Secret to Everybody", "");

	(void)state;
	assert_true(accept_verify(k, STR("Hello, World!"), STR("sha256=" DIGEST)));
	assert_false(accept_verify(k, STR("Hello, World?"), STR("sha256=" DIGEST)));
	assert_false(accept_verify(k, STR(""), STR("sha256=" DIGEST)));
}

static void
test_hostile_headers(void **state)
{
	AUTO(free_keys) struct accept_keys *k = keys("It's a Secret to Everybody", "");
	static const char *const bad[] = {"", "sha256=", "sha256", DIGEST, "sha1=" DIGEST, "SHA256=" DIGEST,
	    "sha256=" DIGEST "00", "sha256= " DIGEST, "sha256=" DIGEST " ",
	    "sha256=x57107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17",
	    "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e1",
	    "sha256=0000000000000000000000000000000000000000000000000000000000000000"};

	(void)state;
	for (size_t i = 0; i < COUNT(bad); i++)
		assert_false(accept_verify(k, STR("Hello, World!"), str_of(bad[i])));
}

static void
test_two_secrets_while_changing(void **state)
{
	AUTO(free_keys) struct accept_keys *both = keys("the new one", "It's a Secret to Everybody");
	AUTO(free_keys) struct accept_keys *only_new = keys("the new one", "");

	(void)state;
	assert_true(accept_verify(both, STR("Hello, World!"), STR("sha256=" DIGEST)));
	assert_false(accept_verify(only_new, STR("Hello, World!"), STR("sha256=" DIGEST)));
}

static void
test_bytes_as_they_come(void **state)
{
	AUTO(free_keys) struct accept_keys *k = keys("It's a Secret to Everybody", "an older one");
	AUTO(accept_check_free) struct accept_check *c = NULL;
	struct err e;

	(void)state;
	assert_int_equal(accept_check_new(k, &c, &e), 0);
	for (const char *p = "Hello, World!"; *p != '\0'; p++)
		accept_check_add(c, (struct str){p, 1});
	assert_true(accept_check_ok(c, STR("sha256=" DIGEST)));
}

static void
test_no_secret_is_refused(void **state)
{
	struct accept_keys *k = NULL;
	struct err e = {0};

	(void)state;
	assert_int_equal(accept_keys_new(STR(""), STR("previous"), &k, &e), -1);
	assert_int_equal(e.kind, ERR_INPUT);
	assert_null(k);
}

static void
test_derived_keys_differ_by_purpose_and_secret(void **state)
{
	AUTO(free_keys) struct accept_keys *k = keys("one", "two"), *single = keys("one", "");
	unsigned char a[ACCEPT_KEY_BYTES], b[ACCEPT_KEY_BYTES], c[ACCEPT_KEY_BYTES];

	(void)state;
	assert_true(accept_derive(k, false, "links", a));
	assert_true(accept_derive(k, false, "other", b));
	assert_true(accept_derive(k, true, "links", c));
	assert_memory_not_equal(a, b, sizeof(a));
	assert_memory_not_equal(a, c, sizeof(a));
	assert_true(accept_derive(single, false, "links", b));
	assert_memory_equal(a, b, sizeof(a));
	assert_false(accept_derive(single, true, "links", b));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_vector),
	    cmocka_unit_test(test_hostile_headers),
	    cmocka_unit_test(test_two_secrets_while_changing),
	    cmocka_unit_test(test_bytes_as_they_come),
	    cmocka_unit_test(test_no_secret_is_refused),
	    cmocka_unit_test(test_derived_keys_differ_by_purpose_and_secret),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
