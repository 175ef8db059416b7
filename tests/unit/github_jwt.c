/* The App's token, checked with the public key. */
#include "forge/github/jwt.h"
#include "support/os/files.h"
#include "support/text/json.h"

#include <stdarg.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum form { PKCS1, PKCS8, PASSPHRASE };

static char dir[64];
static EVP_PKEY *pair;

static const char *
in_dir(struct arena *a, const char *name)
{
	return arena_printf(a, "%s/%s", dir, name);
}

static const char *
write_key(struct arena *a, EVP_PKEY *key, enum form form)
{
	const char *path = in_dir(a, "key.pem");
	BIO *out = BIO_new_file(path, "w");

	assert_non_null(out);
	if (form == PKCS1)
		assert_int_equal(PEM_write_bio_PrivateKey_traditional(out, key, NULL, NULL, 0, NULL, NULL), 1);
	else if (form == PKCS8)
		assert_int_equal(PEM_write_bio_PKCS8PrivateKey(out, key, NULL, NULL, 0, NULL, NULL), 1);
	else
		assert_int_equal(PEM_write_bio_PrivateKey(out, key, EVP_aes_128_cbc(), (unsigned char *)(uintptr_t) "pw", 2,
		                     NULL, NULL),
		    1);
	BIO_free(out);
	assert_int_equal(chmod(path, 0600), 0);
	return path;
}

/* Undoes base64url with OpenSSL's decoder; gives the length. */
static size_t
decode(struct arena *a, struct str s, unsigned char **ret)
{
	size_t padded = (s.n + 3) / 4 * 4;
	char *text = arena_alloc(a, padded + 1);

	memset(text, '=', padded);
	for (size_t i = 0; i < s.n; i++) {
		assert_non_null(memchr("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_", s.p[i], 64));
		text[i] = s.p[i] == '-' ? '+' : s.p[i] == '_' ? '/' : s.p[i];
	}
	*ret = arena_alloc(a, padded);
	int n = EVP_DecodeBlock(*ret, (unsigned char *)text, (int)padded);
	assert_true(n >= 0);
	return (size_t)n - (padded - s.n);
}

static void
check_token(struct arena *a, const char *jwt, const char *iss_json, EVP_PKEY *key)
{
	struct str claims, signature, all = str_of(jwt), head = str_cut(all, '.', &claims);
	unsigned char *bytes, *sig;
	AUTO(json_drop) json_t *j = NULL;
	AUTO(json_drop) json_t *iss = NULL;
	struct err e;

	claims = str_cut(claims, '.', &signature);
	assert_non_null(signature.p);
	size_t n = decode(a, head, &bytes);
	assert_string_equal(arena_strn(a, (char *)bytes, n), "{\"alg\":\"RS256\",\"typ\":\"JWT\"}");
	n = decode(a, claims, &bytes);
	assert_int_equal(json_read((struct str){(char *)bytes, n}, "claims", &j, &e), 0);
	assert_int_equal(json_int(j, "iat", 0), 1000000 - 60);
	assert_int_equal(json_int(j, "exp", 0), 1000000 + 540);
	assert_int_equal(json_read(str_of(iss_json), "iss", &iss, &e), 0);
	assert_true(json_equal(json_object_get(j, "iss"), iss));
	n = decode(a, signature, &sig);
	EVP_MD_CTX *md = EVP_MD_CTX_new();
	assert_int_equal(EVP_DigestVerifyInit(md, NULL, EVP_sha256(), NULL, key), 1);
	size_t signed_n = all.n - signature.n - 1;
	assert_int_equal(EVP_DigestVerify(md, sig, n, (const unsigned char *)jwt, signed_n), 1);
	EVP_MD_CTX_free(md);
}

static void
token_is_signed_by_the_key_in_either_form(void **state)
{
	static const struct {
		enum form form;
		const char *app_id, *iss;
	} cases[] = {{PKCS1, "12345", "12345"}, {PKCS8, "Iv23liABCDEF", "\"Iv23liABCDEF\""},
	    {PKCS8, "99999999999999999999", "\"99999999999999999999\""}, {PKCS1, "a\"b", "\"a\\\"b\""}};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct arena a = {0};
		struct jwt_key *k;
		struct err e;
		const char *jwt;
		assert_int_equal(jwt_key_read(write_key(&a, pair, cases[i].form), &k, &e), 0);
		assert_int_equal(jwt_sign(&a, k, cases[i].app_id, 1000000, &jwt, &e), 0);
		check_token(&a, jwt, cases[i].iss, pair);
		jwt_key_free(k);
		arena_release(&a);
	}
}

static void
expect_refused(const char *path, enum err_kind kind, const char *words)
{
	struct jwt_key *k;
	struct err e;

	assert_int_equal(jwt_key_read(path, &k, &e), -1);
	assert_int_equal(e.kind, kind);
	if (strstr(e.msg, words) == NULL)
		fail_msg("no \"%s\" in: %s", words, e.msg);
}

static void
key_that_cannot_be_used_is_refused_in_words(void **state)
{
	struct arena a = {0};
	struct err e;
	const char *path = in_dir(&a, "key.pem");

	(void)state;
	expect_refused(in_dir(&a, "nothing"), ERR_ABSENT, "private key");
	assert_int_equal(files_write(path, STR("-----BEGIN RSA PRIVATE KEY-----\nAAAA\n"), 0600, FILES_NO_SYNC, &e), 0);
	expect_refused(path, ERR_INPUT, "no private key");
	assert_int_equal(files_write(path, STR(""), 0600, FILES_NO_SYNC, &e), 0);
	expect_refused(path, ERR_INPUT, "no private key");
	expect_refused(write_key(&a, pair, PASSPHRASE), ERR_INPUT, "passphrase");
	(void)write_key(&a, pair, PKCS1);
	assert_int_equal(chmod(path, 0604), 0);
	expect_refused(path, ERR_DENIED, "chmod 600");
	assert_int_equal(chmod(path, 0602), 0);
	expect_refused(path, ERR_DENIED, "chmod 600");
	EVP_PKEY *ec = EVP_EC_gen("P-256");
	expect_refused(write_key(&a, ec, PKCS8), ERR_INPUT, "no RSA key");
	EVP_PKEY_free(ec);
	arena_release(&a);
}

static int
set_up(void **state)
{
	(void)state;
	snprintf(dir, sizeof(dir), "/tmp/ekaci-jwt-XXXXXX");
	pair = EVP_RSA_gen(2048);
	return mkdtemp(dir) == NULL || pair == NULL;
}

static int
tear_down(void **state)
{
	struct err e;

	(void)state;
	EVP_PKEY_free(pair);
	return files_remove_tree(dir, &e);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(token_is_signed_by_the_key_in_either_form),
	    cmocka_unit_test(key_that_cannot_be_used_is_refused_in_words),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
