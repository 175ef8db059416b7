/* Signatures: GitHub's own vector, two secrets, hostile headers. */
#include "forge/github/webhook.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define DIGEST "757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"

static void
free_keys(struct signature_keys **k)
{
	signature_keys_free(*k);
}

static struct signature_keys *
keys(const char *current, const char *previous)
{
	struct signature_keys *k = NULL;
	struct err e;

	assert_int_equal(signature_keys_new(str_of(current), str_of(previous), &k, &e), 0);
	return k;
}

/* The headers of a delivery whose signature is ctx. */
static const char *
header_of(void *ctx, const char *name)
{
	if (strcmp(name, "X-Hub-Signature-256") == 0)
		return ctx;
	return strcmp(name, "X-GitHub-Delivery") == 0 ? "72d3162e-cc78-11e3" : "push";
}

/* Whether a delivery of this body and header is taken, its bytes coming one by one. */
static bool
is_signed(const struct signature_keys *k, struct str body, struct str header)
{
	AUTO(signature_check_free) struct signature_check *c = NULL;
	struct arena a = {0};
	struct forge_delivery d = {0};
	char *text = str_dup(&a, body);
	struct str json;
	struct err e;

	bool ok = webhook_begin(&d, header_of, str_dup(&a, header)) == FORGE_GOOD;
	assert_int_equal(signature_check_new(k, &c, &e), 0);
	for (size_t i = 0; i < body.n; i++)
		signature_check_add(c, (struct str){body.p + i, 1});
	ok = ok && webhook_end(&d, c, text, body.n, &json) == FORGE_GOOD && str_eq(json, body);
	arena_release(&a);
	return ok;
}

static void
test_vector(void **state)
{
	AUTO(free_keys) struct signature_keys *k = keys("It's a Secret to Everybody", "");

	(void)state;
	assert_true(is_signed(k, STR("Hello, World!"), STR("sha256=" DIGEST)));
	assert_false(is_signed(k, STR("Hello, World?"), STR("sha256=" DIGEST)));
	assert_false(is_signed(k, STR(""), STR("sha256=" DIGEST)));
}

static void
test_hostile_headers(void **state)
{
	AUTO(free_keys) struct signature_keys *k = keys("It's a Secret to Everybody", "");
	static const char *const bad[] = {"", "sha256=", "sha256", DIGEST, "sha1=" DIGEST, "SHA256=" DIGEST,
	    "sha256=" DIGEST "00", "sha256= " DIGEST, "sha256=" DIGEST " ",
	    "sha256=x57107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17",
	    "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e1",
	    "sha256=0000000000000000000000000000000000000000000000000000000000000000"};

	(void)state;
	for (size_t i = 0; i < COUNT(bad); i++)
		assert_false(is_signed(k, STR("Hello, World!"), str_of(bad[i])));
}

static void
test_two_secrets_while_changing(void **state)
{
	AUTO(free_keys) struct signature_keys *both = keys("the new one", "It's a Secret to Everybody");
	AUTO(free_keys) struct signature_keys *only_new = keys("the new one", "");

	(void)state;
	assert_true(is_signed(both, STR("Hello, World!"), STR("sha256=" DIGEST)));
	assert_false(is_signed(only_new, STR("Hello, World!"), STR("sha256=" DIGEST)));
}

static void
test_no_secret_is_refused(void **state)
{
	struct signature_keys *k = NULL;
	struct err e = {0};

	(void)state;
	assert_int_equal(signature_keys_new(STR(""), STR("previous"), &k, &e), -1);
	assert_int_equal(e.kind, ERR_INPUT);
	assert_null(k);
}

static void
test_derived_keys_differ_by_purpose_and_secret(void **state)
{
	AUTO(free_keys) struct signature_keys *k = keys("one", "two"), *single = keys("one", "");
	unsigned char a[SIGNATURE_BYTES], b[SIGNATURE_BYTES], c[SIGNATURE_BYTES];

	(void)state;
	assert_true(signature_derive(k, false, "links", a));
	assert_true(signature_derive(k, false, "other", b));
	assert_true(signature_derive(k, true, "links", c));
	assert_memory_not_equal(a, b, sizeof(a));
	assert_memory_not_equal(a, c, sizeof(a));
	assert_true(signature_derive(single, false, "links", b));
	assert_memory_equal(a, b, sizeof(a));
	assert_false(signature_derive(single, true, "links", b));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_vector),
	    cmocka_unit_test(test_hostile_headers),
	    cmocka_unit_test(test_two_secrets_while_changing),
	    cmocka_unit_test(test_no_secret_is_refused),
	    cmocka_unit_test(test_derived_keys_differ_by_purpose_and_secret),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
