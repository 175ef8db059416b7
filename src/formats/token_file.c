/* Tokens, a line each. */
#include "formats/token_file.h"

#include "support/os/files.h"

#include <openssl/rand.h>
#include <openssl/sha.h>

#include <inttypes.h>
#include <sys/stat.h>
#include <unistd.h>

bool
token_name_ok(struct str name)
{
	for (size_t i = 0; i < name.n; i++) {
		char c = name.p[i];
		if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
		        (c != '\0' && strchr("._@-", c) != NULL)))
			return false;
	}
	return name.n > 0 && name.n <= TOKEN_NAME && name.p[0] != '-';
}

void
token_hash(struct str text, unsigned char ret[TOKEN_HASH])
{
	SHA256((const unsigned char *)text.p, text.n, ret);
}

int
token_make(char ret[TOKEN_TEXT], unsigned char hash[TOKEN_HASH], struct err *e)
{
	unsigned char bytes[TOKEN_BYTES];

	if (RAND_bytes(bytes, sizeof(bytes)) != 1)
		return fail(e, ERR_SYSTEM, "OpenSSL has no random bytes");
	memcpy(ret, TOKEN_PREFIX, strlen(TOKEN_PREFIX));
	str_hex(bytes, sizeof(bytes), ret + strlen(TOKEN_PREFIX));
	explicit_bzero(bytes, sizeof(bytes));
	token_hash(str_of(ret), hash);
	return 0;
}

static int
digit(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool
read_line(struct str line, struct operator_token *ret)
{
	struct str right, made, hex, name = str_cut(line, ' ', &right);

	right = str_cut(right, ' ', &made);
	made = str_cut(made, ' ', &hex);
	*ret = (struct operator_token){.may_act = str_is(right, "act")};
	if (!token_name_ok(name) || (!ret->may_act && !str_is(right, "read")) || str_to_i64(made, &ret->made_ms) != 0 ||
	    hex.p == NULL || hex.n != 2 * TOKEN_HASH)
		return false;
	memcpy(ret->name, name.p, name.n);
	for (size_t i = 0; i < TOKEN_HASH; i++) {
		int high = digit(hex.p[2 * i]), low = digit(hex.p[2 * i + 1]);
		if (high < 0 || low < 0)
			return false;
		ret->hash[i] = (unsigned char)(high * 16 + low);
	}
	return true;
}

int
token_file_read(struct arena *a, const char *dir, struct token_list *ret, struct err *e)
{
	const char *path = arena_printf(a, "%s/" TOKEN_FILE, dir);
	struct token_list all = {arena_alloc(a, TOKEN_MAX * sizeof(*all.p)), 0};
	struct str rest;
	size_t number = 0;

	*ret = (struct token_list){0};
	if (files_read(a, path, TOKEN_FILE_MAX, &rest, e) != 0)
		return e->kind == ERR_ABSENT ? 0 : -1;
	while (rest.n > 0) {
		struct str line = str_cut(rest, '\n', &rest);
		number++;
		if (all.n == TOKEN_MAX || !read_line(line, &all.p[all.n++]))
			return fail(e, ERR_INPUT, "%s:%zu: this is no token, or one too many", path, number);
	}
	*ret = all;
	return 0;
}

int
token_file_write(const char *dir, const struct token_list *all, struct err *e)
{
	AUTO(arena_release) struct arena a = {0};
	AUTO(buf_release) struct buf text;
	const char *path = arena_printf(&a, "%s/" TOKEN_FILE, dir), *beside = arena_printf(&a, "%s.new", path);
	char hex[2 * TOKEN_HASH + 1];
	struct stat st;

	buf_init(&text, TOKEN_FILE_MAX);
	for (size_t i = 0; i < all->n; i++) {
		const struct operator_token *t = &all->p[i];
		str_hex(t->hash, TOKEN_HASH, hex);
		buf_printf(&text, "%s %s %" PRId64 " %s\n", t->name, t->may_act ? "act" : "read", t->made_ms, hex);
	}
	if (text.over)
		return fail(e, ERR_LIMIT, "%s would be too large", path);
	if (stat(dir, &st) != 0)
		return fail_sys(e, "%s", dir);
	if (files_write(beside, buf_get(&text), 0600, FILES_SYNC, e) != 0)
		return -1;
	/* root must leave nothing that the bot may not read. */
	if ((geteuid() == 0 && chown(beside, st.st_uid, st.st_gid) != 0) || rename(beside, path) != 0) {
		(void)fail_sys(e, "cannot write %s", path);
		unlink(beside);
		return -1;
	}
	return 0;
}
