/* Signed links: who has one may see the pages of that pull request. */
#include "web/server.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { TAG_BYTES = 16, TAG_HEX = 2 * TAG_BYTES };

int
link_start(struct web *w, struct err *e)
{
	for (int i = 0; i < 2; i++)
		w->has_link_key[i] = signature_derive(w->keys, i == 1, "ekaci: links to pages, 1", w->link_key[i]);
	return w->has_link_key[0] ? 0 : fail(e, ERR_SYSTEM, "OpenSSL cannot derive the key of links");
}

static void
tag(const struct web *w, int which, int64_t repository, int64_t number, char ret[TAG_HEX + 1])
{
	unsigned char mac[EVP_MAX_MD_SIZE];
	char scope[64];
	unsigned n = 0;

	snprintf(scope, sizeof(scope), "%lld/%lld", (long long)repository, (long long)number);
	HMAC(EVP_sha256(), w->link_key[which], SIGNATURE_BYTES, (const unsigned char *)scope, strlen(scope), mac, &n);
	str_hex(mac, TAG_BYTES, ret);
}

const char *
link_suffix(struct arena *a, const struct web *w, int64_t repository, int64_t number, bool is_private)
{
	char hex[TAG_HEX + 1];

	if (!is_private)
		return "";
	tag(w, 0, repository, number, hex);
	return arena_printf(a, "?key=%s", hex);
}

bool
link_ok(const struct web *w, int64_t repository, int64_t number, const char *key)
{
	char hex[TAG_HEX + 1];

	if (key == NULL || strlen(key) != TAG_HEX)
		return false;
	for (int i = 0; i < 2; i++) {
		if (!w->has_link_key[i])
			continue;
		tag(w, i, repository, number, hex);
		if (CRYPTO_memcmp(hex, key, TAG_HEX) == 0)
			return true;
	}
	return false;
}

char *
web_link(struct arena *a, const struct web *w, int64_t repository, int64_t number, bool is_private, const char *path_format,
    ...)
{
	char path[1024];
	va_list ap;

	va_start(ap, path_format);
	vsnprintf(path, sizeof(path), path_format, ap);
	va_end(ap);
	return arena_printf(a, "%s%s%s", web_url(w), path, link_suffix(a, w, repository, number, is_private));
}
