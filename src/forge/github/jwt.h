/*
 * jwt - the App's own credential: a JSON web token signed with its private key (RS256, RFC 7515 and 7519).
 *
 * The key file is read once, PKCS#1 or PKCS#8 in PEM. A file that everybody may read is refused: whoever reads it is
 * the App. Neither the key nor a token is ever logged.
 */
#ifndef EKACI_FORGE_GITHUB_JWT_H
#define EKACI_FORGE_GITHUB_JWT_H

#include "support/base/err.h"
#include "support/base/str.h"

struct jwt_key;

must_check int jwt_key_read(const char *path, struct jwt_key **ret, struct err *e);
void jwt_key_free(struct jwt_key *k);

/* A token for app_id (a client ID, or the App's number), good from a minute before now_s until nine minutes after. In
 * a. */
must_check int jwt_sign(struct arena *a, const struct jwt_key *k, const char *app_id, int64_t now_s, const char **ret,
    struct err *e);

/* Unpadded base64url of bytes, and padded base64; in a. */
char *jwt_base64url(struct arena *a, const void *p, size_t n);
char *jwt_base64(struct arena *a, const void *p, size_t n);

#endif
