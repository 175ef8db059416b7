/* A line with the name of GitHub's event, then its body; signed as GitHub signs it, the body is read as a form's, too. */
#include "forge/event.h"
#include "forge/github/payload.h"
#include "forge/github/webhook.h"
#include "fuzz/fuzz.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>

static void
check_repository(const struct event_repository *r)
{
	if (r->id == 0)
		return;
	FUZZ_CHECK(strchr(r->owner, '/') == NULL && strchr(r->name, '/') == NULL);
	FUZZ_CHECK(strcmp(r->name, "..") != 0 && strcmp(r->owner, "..") != 0);
}

static void
read_form(struct arena *a, struct str body)
{
	static struct signature_keys *keys;
	struct forge_delivery d = {.form = true};
	AUTO(signature_check_free) struct signature_check *check = NULL;
	unsigned char mac[EVP_MAX_MD_SIZE];
	unsigned n = 0;
	char *copy = arena_strn(a, body.p, body.n), hex[2 * SIGNATURE_BYTES + 1];
	struct str payload;
	struct err e = {0};

	if (keys == NULL)
		fuzz_must(signature_keys_new(STR("s"), STR(""), &keys, &e), &e);
	fuzz_must(signature_check_new(keys, &check, &e), &e);
	signature_check_add(check, body);
	HMAC(EVP_sha256(), "s", 1, (const unsigned char *)body.p, body.n, mac, &n);
	str_hex(mac, SIGNATURE_BYTES, hex);
	snprintf(d.signature, sizeof(d.signature), "sha256=%s", hex);
	enum forge_fault fault = webhook_end(&d, check, copy, body.n, &payload);
	FUZZ_CHECK(fault == FORGE_GOOD || fault == FORGE_FORM);
	if (fault == FORGE_GOOD)
		FUZZ_CHECK(payload.p >= copy && payload.p + payload.n <= copy + body.n);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct str text = {(const char *)data, n};
	struct arena a = {0};
	struct event event = {0};
	struct err e = {0};
	const char *name = str_dup(&a, fuzz_line(&text));

	if (payload_event(&a, name, text, &event, &e) == 0) {
		check_repository(&event.repository);
		for (size_t i = 0; i < event.n_repositories; i++)
			check_repository(&event.repositories[i]);
	} else {
		FUZZ_CHECK(e.kind == ERR_INPUT);
	}
	read_form(&a, text);
	arena_release(&a);
	return 0;
}
