/* Signed links: who has one may see the pages of that pull request. */
#include "web/link.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <stdio.h>
#include <string.h>

enum { TAG_BYTES = 16, TAG_HEX = 2 * TAG_BYTES };

struct links {
	unsigned char key[2][SIGNATURE_BYTES]; /* by the current secret, by the previous one */
	bool has[2];
};

int
links_new(const struct signature_keys *keys, struct links **ret, struct err *e)
{
	struct links *l = mem_alloc(sizeof(*l));

	for (int i = 0; i < 2; i++)
		l->has[i] = signature_derive(keys, i == 1, "ekaci: links to pages, 1", l->key[i]);
	if (!l->has[0]) {
		links_free(l);
		return fail(e, ERR_SYSTEM, "OpenSSL cannot derive the key of links");
	}
	*ret = l;
	return 0;
}

void
links_free(struct links *l)
{
	if (l != NULL)
		explicit_bzero(l, sizeof(*l));
	mem_free(&l);
}

static void
tag(const struct links *l, int which, const struct link_of *of, char ret[TAG_HEX + 1])
{
	unsigned char mac[EVP_MAX_MD_SIZE];
	char scope[64];
	unsigned n = 0;

	/* Links from before there were revocations have no third part. */
	if (of->revoked == 0)
		snprintf(scope, sizeof(scope), "%lld/%lld", (long long)of->repository, (long long)of->number);
	else
		snprintf(scope, sizeof(scope), "%lld/%lld/%lld", (long long)of->repository, (long long)of->number,
		    (long long)of->revoked);
	HMAC(EVP_sha256(), l->key[which], SIGNATURE_BYTES, (const unsigned char *)scope, strlen(scope), mac, &n);
	str_hex(mac, TAG_BYTES, ret);
}

const char *
link_suffix(struct arena *a, const struct links *l, const struct link_of *of)
{
	char hex[TAG_HEX + 1];

	tag(l, 0, of, hex);
	return arena_printf(a, "?key=%s", hex);
}

bool
link_ok(const struct links *l, const struct link_of *of, const char *key)
{
	char hex[TAG_HEX + 1];

	if (key == NULL || strlen(key) != TAG_HEX)
		return false;
	for (int i = 0; i < 2; i++) {
		if (!l->has[i])
			continue;
		tag(l, i, of, hex);
		if (CRYPTO_memcmp(hex, key, TAG_HEX) == 0)
			return true;
	}
	return false;
}
