/* Signed links: who has one may see the pages of that pull request. */
#include "web/link.h"

#include "store/hosts.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <stdio.h>
#include <string.h>

enum { TAG_BYTES = 16, TAG_HEX = 2 * TAG_BYTES };

struct link_keys {
	int64_t host;
	unsigned char key[2][SIGNATURE_BYTES]; /* by the current secret, by the previous one */
	bool has[2];
};

struct links {
	VEC(struct link_keys) of;
};

struct links *
links_new(void)
{
	struct links *l = mem_alloc(sizeof(*l));

	*l = (struct links){0};
	return l;
}

int
links_add(struct links *l, int64_t host, const struct signature_keys *keys, struct err *e)
{
	struct link_keys k = {.host = host};

	for (int i = 0; i < 2; i++)
		k.has[i] = signature_derive(keys, i == 1, "ekaci: links to pages, 1", k.key[i]);
	if (k.has[0])
		vec_push(&l->of, k);
	explicit_bzero(&k, sizeof(k));
	return l->of.n > 0 && l->of.p[l->of.n - 1].host == host ? 0
	                                                        : fail(e, ERR_SYSTEM, "OpenSSL cannot derive the key of links");
}

void
links_free(struct links *l)
{
	if (l == NULL)
		return;
	if (l->of.n > 0)
		explicit_bzero(l->of.p, l->of.n * sizeof(*l->of.p));
	vec_release(&l->of);
	mem_free(&l);
}

static const struct link_keys *
keys_of(const struct links *l, const struct link_of *of)
{
	for (size_t i = 0; i < l->of.n; i++)
		if (l->of.p[i].host == host_of(of->repository))
			return &l->of.p[i];
	return NULL;
}

static void
tag(const struct link_keys *l, int which, const struct link_of *of, char ret[TAG_HEX + 1])
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
	const struct link_keys *k = keys_of(l, of);
	char hex[TAG_HEX + 1];

	if (k == NULL)
		return "";
	tag(k, 0, of, hex);
	return arena_printf(a, "?key=%s", hex);
}

bool
link_ok(const struct links *l, const struct link_of *of, const char *key)
{
	const struct link_keys *k = keys_of(l, of);
	char hex[TAG_HEX + 1];

	if (k == NULL || key == NULL || strlen(key) != TAG_HEX)
		return false;
	for (int i = 0; i < 2; i++) {
		if (!k->has[i])
			continue;
		tag(k, i, of, hex);
		if (CRYPTO_memcmp(hex, key, TAG_HEX) == 0)
			return true;
	}
	return false;
}
