/*
 * token - the credentials of installations: minted with the App's JWT, kept while they are good.
 *
 * A token covers what its request needs, no more: one repository (by its number, which survives renames) and the permissions
 * of one of the purposes below. Each is kept and used for an hour, so that a write costs no request of its own: a repository
 * that is worked on mints four an hour. A token is renewed five minutes before it ends; it has no fixed length. While one is
 * being minted, everybody else who wants it waits for the same answer. A refused mint is not asked for again for a while, so
 * that a wrong key does not hammer GitHub.
 */
#ifndef EKACI_FORGE_GITHUB_TOKEN_H
#define EKACI_FORGE_GITHUB_TOKEN_H

#include "forge/github/http.h"
#include "forge/github/jwt.h"

struct tokens;

enum token_purpose {
	TOKEN_READ,   /* what stands there: contents and pull requests */
	TOKEN_CODE,   /* git: contents, read */
	TOKEN_CHECK,  /* checks, written */
	TOKEN_STATUS, /* commit statuses, written */
	TOKEN_REVIEW, /* who is asked for a review: pull requests, written */
	TOKEN_TEAM,   /* who is in a team: members of the organization, read; of no one repository */
	TOKEN_TALK    /* comments, reactions and labels: issues and pull requests, written, or that of the two which there is */
};
struct token_wanted {
	int64_t installation, repository; /* repository 0: all of the installation, which only lists need */
	enum token_purpose purpose;
};

/* api_url, app_id and key must outlive it. */
struct tokens *tokens_new(struct loop *l, struct http *h, const char *api_url, const char *app_id, const struct jwt_key *key);
/* Whoever still waits is told ERR_BUSY. */
void tokens_free(struct tokens *t);

/* Calls fn once from the loop, never before this returns, with a token (borrowed) and e NULL, or NULL and why not:
 * ERR_ABSENT there is no such installation, ERR_INPUT it does not have the repository or the permission, ERR_DENIED GitHub does
 * not accept us, ERR_BUSY or ERR_SYSTEM try later. */
typedef void token_fn(void *ctx, const char *token, const struct err *e);
void tokens_get(struct tokens *t, const struct token_wanted *wanted, token_fn *fn, void *ctx);
/* GitHub did not accept this token: the next tokens_get mints. A newer one stays. NULL: whichever there is. */
void tokens_drop(struct tokens *t, const struct token_wanted *wanted, const char *token);
/* All of an installation: a token has the permissions that there were when it was minted. A refusal is believed no longer. */
void tokens_drop_all(struct tokens *t, int64_t installation);

/* Who we are at GitHub (GET /app), asked once: fn gets kind ERR_NONE or why not; at once when it is known. */
void tokens_identify(struct tokens *t, void (*fn)(void *ctx, const struct err *e), void *ctx);
/* The value of an Authorization header of the App itself, good for some minutes. In a. */
must_check int tokens_app_authorization(const struct tokens *t, struct arena *a, const char **ret, struct err *e);
int64_t tokens_app_number(const struct tokens *t); /* 0: not known */
const char *tokens_app_slug(const struct tokens *t);
/* What the App as it is lacks, for people (needs.h); NULL: nothing, or not known. */
const char *tokens_app_lacks(const struct tokens *t);
/* It may have changed: the next tokens_identify asks. */
void tokens_forget_app(struct tokens *t);

int64_t tokens_minted(const struct tokens *t);
int64_t tokens_failed(const struct tokens *t);

#endif
