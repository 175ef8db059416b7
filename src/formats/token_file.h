/*
 * token_file - the tokens of operators who are not on the bot's machine: the file `tokens` in the state folder.
 *
 * A line each: NAME RIGHT MADE HASH. RIGHT is "act" or "read", MADE milliseconds since 1970, HASH the token's SHA-256 as hexadecimal
 * digits; a token has 256 random bits, so nothing slower is needed, and the token itself is nowhere but with who was given it.
 * `ekaci token` writes it (cli/operator_token.c), the bot reads it (web/tokens.h) when it has changed.
 */
#ifndef EKACI_FORMATS_TOKEN_FILE_H
#define EKACI_FORMATS_TOKEN_FILE_H

#include "support/base/err.h"
#include "support/base/str.h"

#define TOKEN_FILE   "tokens"
#define TOKEN_PREFIX "ekaci_" /* by which scanners of secrets know one */
enum {
	TOKEN_HASH = 32,
	TOKEN_BYTES = 32,
	TOKEN_TEXT = sizeof(TOKEN_PREFIX) + 2 * TOKEN_BYTES, /* with its NUL */
	TOKEN_NAME = 64,                                     /* [A-Za-z0-9._@-] */
	TOKEN_MAX = 200,
	TOKEN_FILE_MAX = 64 * 1024
};

struct operator_token {
	char name[TOKEN_NAME + 1];
	bool may_act; /* else it only reads, what is private, too */
	int64_t made_ms;
	unsigned char hash[TOKEN_HASH];
};
struct token_list {
	struct operator_token *p;
	size_t n;
};

bool token_name_ok(struct str name);
/* A new one: its text for who asked, and its hash. */
must_check int token_make(char ret[TOKEN_TEXT], unsigned char hash[TOKEN_HASH], struct err *e);
void token_hash(struct str text, unsigned char ret[TOKEN_HASH]);

/* Those of DIR/tokens, in a; none when there is no such file. ERR_INPUT with the line that is none, and then none count. */
must_check int token_file_read(struct arena *a, const char *dir, struct token_list *ret, struct err *e);
/* Whole or not at all, for whom the folder belongs to alone. */
must_check int token_file_write(const char *dir, const struct token_list *all, struct err *e);

#endif
