/* HMAC-SHA256 over bodies, with a current and a previous secret. */
#include "forge/signature.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/params.h>

#include <string.h>

enum { N_SECRETS = 2 };

/* Each secret as a MAC that was keyed once; a body's own is a copy of it. NULL: no such secret. */
struct signature_keys {
	EVP_MAC_CTX *keyed[N_SECRETS];
};

struct signature_check {
	EVP_MAC_CTX *mac[N_SECRETS];
};

static int
keyed_new(struct str secret, EVP_MAC_CTX **ret, struct err *e)
{
	char digest[] = "SHA256";
	OSSL_PARAM params[] = {OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0), OSSL_PARAM_construct_end()};
	EVP_MAC *mac = EVP_MAC_fetch(NULL, "HMAC", NULL);
	EVP_MAC_CTX *ctx = mac != NULL ? EVP_MAC_CTX_new(mac) : NULL;

	EVP_MAC_free(mac);
	if (ctx == NULL || EVP_MAC_init(ctx, (const unsigned char *)secret.p, secret.n, params) != 1) {
		EVP_MAC_CTX_free(ctx);
		return fail(e, ERR_SYSTEM, "OpenSSL cannot make an HMAC-SHA256");
	}
	*ret = ctx;
	return 0;
}

int
signature_keys_new(struct str current, struct str previous, struct signature_keys **ret, struct err *e)
{
	struct signature_keys *k;

	if (current.n == 0)
		return fail(e, ERR_INPUT, "the webhook secret is empty: unsigned deliveries are not accepted");
	k = mem_alloc(sizeof(*k));
	if (keyed_new(current, &k->keyed[0], e) != 0 || (previous.n > 0 && keyed_new(previous, &k->keyed[1], e) != 0)) {
		signature_keys_free(k);
		return -1;
	}
	*ret = k;
	return 0;
}

void
signature_keys_free(struct signature_keys *k)
{
	if (k == NULL)
		return;
	for (int i = 0; i < N_SECRETS; i++)
		EVP_MAC_CTX_free(k->keyed[i]);
	mem_free(&k);
}

int
signature_check_new(const struct signature_keys *k, struct signature_check **ret, struct err *e)
{
	struct signature_check *c = mem_alloc(sizeof(*c));

	for (int i = 0; i < N_SECRETS; i++) {
		if (k->keyed[i] == NULL)
			continue;
		c->mac[i] = EVP_MAC_CTX_dup(k->keyed[i]);
		if (c->mac[i] == NULL) {
			signature_check_free(&c);
			return fail(e, ERR_SYSTEM, "OpenSSL cannot copy an HMAC");
		}
	}
	*ret = c;
	return 0;
}

void
signature_check_add(struct signature_check *c, struct str bytes)
{
	for (int i = 0; i < N_SECRETS; i++) {
		if (c->mac[i] == NULL)
			continue;
		/* A hash over memory cannot fail; if it ever does, this body matches no signature. */
		if (EVP_MAC_update(c->mac[i], (const unsigned char *)bytes.p, bytes.n) != 1) {
			EVP_MAC_CTX_free(c->mac[i]);
			c->mac[i] = NULL;
		}
	}
}

bool
signature_check_is(struct signature_check *c, const unsigned char digest[SIGNATURE_BYTES])
{
	unsigned char got[SIGNATURE_BYTES];
	bool ok = false;

	for (int i = 0; i < N_SECRETS; i++) {
		size_t n = 0;
		if (c->mac[i] != NULL && EVP_MAC_final(c->mac[i], got, &n, sizeof(got)) == 1 && n == sizeof(got))
			ok |= CRYPTO_memcmp(got, digest, sizeof(got)) == 0;
	}
	return ok;
}

void
signature_check_free(struct signature_check **c)
{
	if (*c == NULL)
		return;
	for (int i = 0; i < N_SECRETS; i++)
		EVP_MAC_CTX_free((*c)->mac[i]);
	mem_free(c);
}

bool
signature_derive(const struct signature_keys *k, bool previous, const char *purpose, unsigned char ret[SIGNATURE_BYTES])
{
	EVP_MAC_CTX *mac = k->keyed[previous] != NULL ? EVP_MAC_CTX_dup(k->keyed[previous]) : NULL;
	size_t n = 0;
	bool ok = mac != NULL && EVP_MAC_update(mac, (const unsigned char *)purpose, strlen(purpose)) == 1 &&
	          EVP_MAC_final(mac, ret, &n, SIGNATURE_BYTES) == 1 && n == SIGNATURE_BYTES;

	EVP_MAC_CTX_free(mac);
	return ok;
}
