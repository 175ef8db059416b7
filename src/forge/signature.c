/* HMAC-SHA256 over bodies, with a current and a previous secret; and what a body of the other content type holds. */
#include "forge/github/accept.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/params.h>

#include <string.h>

enum { N_SECRETS = 2, DIGEST = 32 };

/* Each secret as a MAC that was keyed once; a body's own is a copy of it. NULL: no such secret. */
struct accept_keys {
	EVP_MAC_CTX *keyed[N_SECRETS];
};

struct accept_check {
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
accept_keys_new(struct str current, struct str previous, struct accept_keys **ret, struct err *e)
{
	struct accept_keys *k;

	if (current.n == 0)
		return fail(e, ERR_INPUT, "the webhook secret is empty: unsigned deliveries are not accepted");
	k = mem_alloc(sizeof(*k));
	if (keyed_new(current, &k->keyed[0], e) != 0 || (previous.n > 0 && keyed_new(previous, &k->keyed[1], e) != 0)) {
		accept_keys_free(k);
		return -1;
	}
	*ret = k;
	return 0;
}

void
accept_keys_free(struct accept_keys *k)
{
	if (k == NULL)
		return;
	for (int i = 0; i < N_SECRETS; i++)
		EVP_MAC_CTX_free(k->keyed[i]);
	mem_free(&k);
}

int
accept_check_new(const struct accept_keys *k, struct accept_check **ret, struct err *e)
{
	struct accept_check *c = mem_alloc(sizeof(*c));

	for (int i = 0; i < N_SECRETS; i++) {
		if (k->keyed[i] == NULL)
			continue;
		c->mac[i] = EVP_MAC_CTX_dup(k->keyed[i]);
		if (c->mac[i] == NULL) {
			accept_check_free(&c);
			return fail(e, ERR_SYSTEM, "OpenSSL cannot copy an HMAC");
		}
	}
	*ret = c;
	return 0;
}

void
accept_check_add(struct accept_check *c, struct str bytes)
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

/* The digest named by the header; false when it is not of the right form. The form is no secret. */
static bool
read_header(struct str header, unsigned char ret[DIGEST])
{
	struct str prefix = STR("sha256=");

	if (header.n != prefix.n + 2 * DIGEST || !str_starts(header, prefix))
		return false;
	for (size_t i = 0; i < DIGEST; i++) {
		int hi = OPENSSL_hexchar2int((unsigned char)header.p[prefix.n + 2 * i]);
		int lo = OPENSSL_hexchar2int((unsigned char)header.p[prefix.n + 2 * i + 1]);
		if (hi < 0 || lo < 0)
			return false;
		ret[i] = (unsigned char)(hi << 4 | lo);
	}
	return true;
}

bool
accept_check_ok(struct accept_check *c, struct str header)
{
	unsigned char want[DIGEST], got[DIGEST];
	bool ok = false;

	if (!read_header(header, want))
		return false;
	for (int i = 0; i < N_SECRETS; i++) {
		size_t n = 0;
		if (c->mac[i] != NULL && EVP_MAC_final(c->mac[i], got, &n, sizeof(got)) == 1 && n == DIGEST)
			ok |= CRYPTO_memcmp(got, want, DIGEST) == 0;
	}
	return ok;
}

void
accept_check_free(struct accept_check **c)
{
	if (*c == NULL)
		return;
	for (int i = 0; i < N_SECRETS; i++)
		EVP_MAC_CTX_free((*c)->mac[i]);
	mem_free(c);
}

bool
accept_verify(const struct accept_keys *k, struct str body, struct str header)
{
	AUTO(accept_check_free) struct accept_check *c = NULL;
	struct err e;

	if (accept_check_new(k, &c, &e) != 0)
		return false;
	accept_check_add(c, body);
	return accept_check_ok(c, header);
}

/* Decodes field in place; false when a "%" is not followed by two hex digits. */
static bool
decode(char *field, size_t n, size_t *ret_n)
{
	size_t out = 0;

	for (size_t i = 0; i < n; i++) {
		char c = field[i] == '+' ? ' ' : field[i];
		if (c == '%') {
			int hi = i + 2 < n ? OPENSSL_hexchar2int((unsigned char)field[i + 1]) : -1;
			int lo = i + 2 < n ? OPENSSL_hexchar2int((unsigned char)field[i + 2]) : -1;
			if (hi < 0 || lo < 0)
				return false;
			c = (char)(hi << 4 | lo);
			i += 2;
		}
		field[out++] = c;
	}
	*ret_n = out;
	return true;
}

bool
accept_form(char *body, size_t n, struct str *ret)
{
	struct str rest = {body, n}, name = STR("payload=");

	while (rest.p != NULL) {
		struct str field = str_cut(rest, '&', &rest);
		if (!str_starts(field, name))
			continue;
		char *value = body + (field.p - body) + name.n;
		ret->p = value;
		return decode(value, field.n - name.n, &ret->n);
	}
	return false;
}

bool
accept_derive(const struct accept_keys *k, bool previous, const char *purpose, unsigned char ret[ACCEPT_KEY_BYTES])
{
	EVP_MAC_CTX *mac = k->keyed[previous] != NULL ? EVP_MAC_CTX_dup(k->keyed[previous]) : NULL;
	size_t n = 0;
	bool ok = mac != NULL && EVP_MAC_update(mac, (const unsigned char *)purpose, strlen(purpose)) == 1 &&
	          EVP_MAC_final(mac, ret, &n, ACCEPT_KEY_BYTES) == 1 && n == ACCEPT_KEY_BYTES;

	EVP_MAC_CTX_free(mac);
	return ok;
}
