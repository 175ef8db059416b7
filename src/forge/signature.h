/*
 * signature - HMAC-SHA256 with the webhook's secret and, while secrets are being changed, the previous one.
 *
 * A body is hashed as its bytes come; nothing is parsed before its signature is known to be good. Where a signature stands in
 * a request, and how it is written, is the forge's.
 */
#ifndef EKACI_FORGE_SIGNATURE_H
#define EKACI_FORGE_SIGNATURE_H

#include "support/base/err.h"
#include "support/base/str.h"

enum { SIGNATURE_BYTES = 32 };

/* Made once. An empty current secret is ERR_INPUT: a bot that accepts unsigned deliveries does not exist. An empty previous
 * one: none. */
struct signature_keys;
must_check int signature_keys_new(struct str current, struct str previous, struct signature_keys **ret, struct err *e);
void signature_keys_free(struct signature_keys *k);

/* One body on its way. signature_check_is compares in constant time and may be called once. */
struct signature_check;
must_check int signature_check_new(const struct signature_keys *k, struct signature_check **ret, struct err *e);
void signature_check_add(struct signature_check *c, struct str bytes);
bool signature_check_is(struct signature_check *c, const unsigned char digest[SIGNATURE_BYTES]);
void signature_check_free(struct signature_check **c); /* NULL is fine; for AUTO */

/* HMAC-SHA256(current or previous secret, purpose): a key for another purpose, from which the secret cannot be had.
 * False when there is no such secret. */
bool signature_derive(const struct signature_keys *k, bool previous, const char *purpose, unsigned char ret[SIGNATURE_BYTES]);

#endif
