/* Which Nix there is. */
#include "nix/version.h"

#include "support/os/child.h"

#include <ctype.h>

static size_t
digits(struct str s)
{
	size_t n = 0;

	while (n < s.n && n < 9 && isdigit((unsigned char)s.p[n]))
		n++;
	return n;
}

int
nix_version_read(struct str text, struct nix_version *ret, struct err *e)
{
	struct str line = str_trim(str_cut(str_trim(text), '\n', &text)), rest = line;

	while (rest.n > 0) {
		struct str word = str_cut(rest, ' ', &rest);
		size_t n = digits(word);
		if (n == 0 || n >= word.n || word.p[n] != '.')
			continue;
		struct str minor = str_from(word, n + 1);
		size_t m = digits(minor);
		if (m == 0)
			continue;
		*ret = (struct nix_version){.lix = str_find(line, STR("Lix")) >= 0};
		if (str_to_i64((struct str){word.p, n}, &ret->major) == 0 &&
		    str_to_i64((struct str){minor.p, m}, &ret->minor) == 0)
			return 0;
	}
	return fail(e, ERR_INPUT, "nix does not say which version it is: " STR_FMT, STR_ARG(str_utf8_head(line, 100)));
}

int
nix_version_ask(struct nix_version *ret, struct err *e)
{
	static const char *const argv[] = {"nix", "--version", NULL};
	static struct nix_version known;
	AUTO(buf_release) struct buf out = {0};

	if (known.major == 0) {
		buf_init(&out, 4096);
		if (child_output(argv, &out, e) != 0 || nix_version_read(buf_get(&out), &known, e) != 0)
			return -1;
	}
	*ret = known;
	return 0;
}

static bool
at_least(const struct nix_version *v, int64_t minor)
{
	return v->major > 2 || (v->major == 2 && v->minor >= minor);
}

bool
nix_repl_is_pure(const struct nix_version *v)
{
	return at_least(v, 10);
}

bool
nix_repl_takes_texts(const struct nix_version *v)
{
	return at_least(v, 26);
}

bool
nix_reads_bytes(const struct nix_version *v)
{
	return !at_least(v, 14);
}

bool
nix_shows_traces(const struct nix_version *v)
{
	return at_least(v, 20);
}

bool
nix_knows_folders_of_flakes(const struct nix_version *v)
{
	return !v->lix && at_least(v, 26);
}
