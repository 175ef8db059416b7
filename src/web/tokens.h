/*
 * tokens - who asks with a token of an operator's (formats/token_file.h): the header "Authorization: Bearer ekaci_...".
 *
 * The file is read again whenever it has changed, so a token that is revoked opens nothing from the next request on. Tokens are compared
 * by their hashes, all of them and in constant time. What is no token of ours by its beginning is somebody else's (a proxy's), and
 * nothing is made of it.
 */
#ifndef EKACI_WEB_TOKENS_H
#define EKACI_WEB_TOKENS_H

#include "formats/token_file.h"

#include <microhttpd.h>

enum {
	TOKENS_WRONG_A_MINUTE = 30, /* of all askers together; then 429, and no line of the log any more */
	TOKENS_ORDERS_A_MINUTE = 30 /* of one token */
};

struct token_book;
/* state_dir must outlive it. */
struct token_book *token_book_new(const char *state_dir);
void token_book_free(struct token_book *t); /* NULL is fine */

/* TOKENS_GOOD: *ret is it, until the next call. */
enum tokens_is { TOKENS_NONE, TOKENS_GOOD, TOKENS_WRONG, TOKENS_TOO_MANY };
enum tokens_is tokens_ask(struct token_book *t, struct MHD_Connection *mhd, const struct operator_token **ret);
/* The one of that hash, if it still is; until the next call. */
const struct operator_token *tokens_still(struct token_book *t, const unsigned char hash[TOKEN_HASH]);
/* Whether this token may give another order now; counts it. */
bool tokens_may_order(struct token_book *t, const struct operator_token *of);

#endif
