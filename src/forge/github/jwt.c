/* Signing the App's token with OpenSSL. */
#include "forge/github/jwt.h"

#include "support/base/log.h"
#include "support/os/files.h"
#include "support/text/json.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <string.h>
#include <sys/stat.h>

enum {
	MAX_KEY_BYTES = 64 * 1024, /* a 4096 bit key in PEM has 3.2 KB */
	MIN_KEY_BITS = 2048,
	DRIFT_S = 60, /* clocks differ: GitHub refuses a token from the future */
	LIFE_S = 540  /* GitHub takes ten minutes at most, by its own clock */
};

struct jwt_key {
	EVP_PKEY *pkey;
};

static int
no_passphrase(char *out, int size, int writing, void *ctx)
{
	(void)out;
	(void)size;
	(void)writing;
	(void)ctx;
	return -1;
}

static int
check_mode(const char *path, struct err *e)
{
	struct stat st;

	if (stat(path, &st) != 0)
		return fail_sys(e, "cannot read the App's private key %s", path);
	if ((st.st_mode & (S_IROTH | S_IWOTH)) != 0)
		return fail(e, ERR_DENIED, "everybody may read or write the App's private key %s: chmod 600 it", path);
	if ((st.st_mode & (S_IRGRP | S_IWGRP)) != 0)
		log_warn("the App's private key %s may be read by its group", path);
	return 0;
}

int
jwt_key_read(const char *path, struct jwt_key **ret, struct err *e)
{
	struct arena a = {0};
	struct str pem;

	if (check_mode(path, e) != 0)
		return -1;
	if (files_read(&a, path, MAX_KEY_BYTES, &pem, e) != 0) {
		arena_release(&a);
		return fail_in(e, "the App's private key");
	}
	BIO *bio = BIO_new_mem_buf(pem.p, (int)pem.n);
	EVP_PKEY *pkey = bio != NULL ? PEM_read_bio_PrivateKey(bio, NULL, no_passphrase, NULL) : NULL;
	BIO_free(bio);
	OPENSSL_cleanse((char *)(uintptr_t)pem.p, pem.n);
	arena_release(&a);
	ERR_clear_error();
	if (pkey == NULL)
		return fail(e, ERR_INPUT, "%s holds no private key in PEM (or one with a passphrase)", path);
	if (EVP_PKEY_get_base_id(pkey) != EVP_PKEY_RSA || EVP_PKEY_get_bits(pkey) < MIN_KEY_BITS) {
		EVP_PKEY_free(pkey);
		return fail(e, ERR_INPUT, "%s holds no RSA key of %d bits or more", path, MIN_KEY_BITS);
	}
	*ret = mem_alloc(sizeof(**ret));
	(*ret)->pkey = pkey;
	return 0;
}

void
jwt_key_free(struct jwt_key *k)
{
	if (k == NULL)
		return;
	EVP_PKEY_free(k->pkey);
	mem_free(&k);
}

char *
jwt_base64(struct arena *a, const void *p, size_t n)
{
	unsigned char *out = arena_alloc(a, (n + 2) / 3 * 4 + 1);

	EVP_EncodeBlock(out, p, (int)n);
	return (char *)out;
}

char *
jwt_base64url(struct arena *a, const void *p, size_t n)
{
	char *s = jwt_base64(a, p, n);

	for (char *c = s; *c != '\0'; c++) {
		if (*c == '+')
			*c = '-';
		else if (*c == '/')
			*c = '_';
		else if (*c == '=')
			*c = '\0';
	}
	return s;
}

static char *
claims(struct arena *a, const char *app_id, int64_t now_s)
{
	int64_t number;
	bool is_number = str_to_i64(str_of(app_id), &number) == 0;
	AUTO(json_drop)
	json_t *j = json_pack("{s:I,s:I,s:o}", "iat", (json_int_t)(now_s - DRIFT_S), "exp", (json_int_t)(now_s + LIFE_S), "iss",
	    is_number ? json_integer(number) : json_any_string(str_of(app_id)));

	return json_line(a, j);
}

int
jwt_sign(struct arena *a, const struct jwt_key *k, const char *app_id, int64_t now_s, const char **ret, struct err *e)
{
	static const char header[] = "{\"alg\":\"RS256\",\"typ\":\"JWT\"}";
	const char *body = claims(a, app_id, now_s);
	const char *text =
	    arena_printf(a, "%s.%s", jwt_base64url(a, header, sizeof(header) - 1), jwt_base64url(a, body, strlen(body)));
	EVP_MD_CTX *md = EVP_MD_CTX_new();
	size_t n = (size_t)EVP_PKEY_get_size(k->pkey);
	unsigned char *signature = arena_alloc(a, n);
	bool ok = md != NULL && EVP_DigestSignInit(md, NULL, EVP_sha256(), NULL, k->pkey) == 1 &&
	          EVP_DigestSign(md, signature, &n, (const unsigned char *)text, strlen(text)) == 1;

	EVP_MD_CTX_free(md);
	ERR_clear_error();
	if (!ok)
		return fail(e, ERR_SYSTEM, "cannot sign with the App's private key");
	*ret = arena_printf(a, "%s.%s", text, jwt_base64url(a, signature, n));
	return 0;
}
