/* The file of tokens, kept while it stays as it is; and how often each is used. */
#include "web/tokens.h"

#include "support/base/clock.h"
#include "support/base/log.h"

#include <openssl/crypto.h>

#include <strings.h>
#include <sys/stat.h>

enum { MINUTE_MS = 60 * 1000 };

/* So many in the minute that began then. */
struct minute {
	int64_t began_ms, n;
};

struct token_book {
	const char *dir;
	struct arena a; /* of what was read */
	struct token_list all;
	struct stat read; /* of the file then; zeros: there is none */
	struct minute wrong;
	struct minute orders[TOKEN_MAX]; /* as all */
};

static bool
count(struct minute *m, int64_t most)
{
	int64_t now = clock_mono_ms();

	if (m->began_ms == 0 || now - m->began_ms >= MINUTE_MS)
		*m = (struct minute){now, 0};
	return m->n++ < most;
}

struct token_book *
token_book_new(const char *state_dir)
{
	struct token_book *t = mem_alloc(sizeof(*t));

	*t = (struct token_book){.dir = state_dir};
	return t;
}

void
token_book_free(struct token_book *t)
{
	if (t != NULL)
		arena_release(&t->a);
	mem_free(&t);
}

static bool
is_as_read(const struct token_book *t, const struct stat *now)
{
	return now->st_ino == t->read.st_ino && now->st_size == t->read.st_size &&
	       now->st_mtim.tv_sec == t->read.st_mtim.tv_sec && now->st_mtim.tv_nsec == t->read.st_mtim.tv_nsec;
}

static void
read_again(struct token_book *t)
{
	AUTO(arena_release) struct arena a = {0};
	struct stat now = {0};
	struct err e;

	if (t->dir == NULL || stat(arena_printf(&a, "%s/" TOKEN_FILE, t->dir), &now) != 0)
		now = (struct stat){0};
	if (is_as_read(t, &now))
		return;
	arena_release(&t->a);
	t->a = (struct arena){0};
	t->all = (struct token_list){0};
	memset(t->orders, 0, sizeof(t->orders));
	t->read = now;
	if (now.st_ino != 0 && token_file_read(&t->a, t->dir, &t->all, &e) != 0)
		log_err(LOG_ERROR, "tokens: none is taken", &e);
}

/* What follows "Bearer", when it is one of ours by its beginning. */
static struct str
given(struct MHD_Connection *mhd)
{
	const char *header = MHD_lookup_connection_value(mhd, MHD_HEADER_KIND, "Authorization");

	if (header == NULL || strncasecmp(header, "Bearer ", 7) != 0)
		return (struct str){0};
	struct str text = str_trim(str_of(header + 7));
	return str_starts(text, STR(TOKEN_PREFIX)) ? text : (struct str){0};
}

const struct operator_token *
tokens_still(struct token_book *t, const unsigned char hash[TOKEN_HASH])
{
	const struct operator_token *found = NULL;

	read_again(t);
	for (size_t i = 0; i < t->all.n; i++)
		if (CRYPTO_memcmp(t->all.p[i].hash, hash, TOKEN_HASH) == 0)
			found = &t->all.p[i];
	return found;
}

enum tokens_is
tokens_ask(struct token_book *t, struct MHD_Connection *mhd, const struct operator_token **ret)
{
	struct str text = given(mhd);
	unsigned char hash[TOKEN_HASH];

	*ret = NULL;
	if (text.n == 0)
		return TOKENS_NONE;
	token_hash(text, hash);
	*ret = tokens_still(t, hash);
	if (*ret != NULL)
		return TOKENS_GOOD;
	if (!count(&t->wrong, TOKENS_WRONG_A_MINUTE))
		return TOKENS_TOO_MANY;
	log_warn("a token that is none of ours, or was revoked, was refused");
	return TOKENS_WRONG;
}

bool
tokens_may_order(struct token_book *t, const struct operator_token *of)
{
	return count(&t->orders[of - t->all.p], TOKENS_ORDERS_A_MINUTE);
}
