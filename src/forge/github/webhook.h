/*
 * webhook - a delivery as GitHub sends it, see struct forge_delivery.
 *
 * The signature is HMAC-SHA256 over the raw body, in X-Hub-Signature-256 ("sha256=" and 64 hex digits). The body is JSON, or a form
 * whose field payload is the JSON, URL-encoded, where the webhook's content type is "form".
 */
#ifndef EKACI_FORGE_GITHUB_WEBHOOK_H
#define EKACI_FORGE_GITHUB_WEBHOOK_H

#include "forge/forge.h"

enum forge_fault webhook_begin(struct forge_delivery *d, forge_header_fn *header, void *ctx);
enum forge_fault webhook_end(const struct forge_delivery *d, struct signature_check *check, char *body, size_t n,
    struct str *ret);

#endif
