/* Text from outside as Nix text. */
#include "nix/quote.h"

#include "support/text/json.h"

#include <stdlib.h>

enum { MAX_NAME = 100 * 1024 }; /* of one name in a fragment: more does not fit on a command line */

bool
nix_is_plain(struct str s, bool lines)
{
	for (size_t i = 0; i < s.n; i++)
		if ((s.p[i] < 0x20 || s.p[i] > 0x7e) && !(lines && s.p[i] == '\n'))
			return false;
	return true;
}

int
nix_quote(struct str s, struct buf *out, struct err *e)
{
	if (nix_is_plain(s, false)) {
		buf_putc(out, '"');
		for (size_t i = 0; i < s.n; i++) {
			if (s.p[i] == '"' || s.p[i] == '\\' || s.p[i] == '$')
				buf_putc(out, '\\');
			buf_putc(out, s.p[i]);
		}
		buf_putc(out, '"');
		return 0;
	}
	if (!str_utf8_ok(s))
		return fail(e, ERR_INPUT, "text that is not UTF-8 cannot be handed to nix");
	/* JSON inside a Nix string: \uXXXX is the one escape for letters that Nix has. */
	AUTO(json_drop) json_t *value = json_stringn(s.p, s.n);
	char *json = json_dumps(value, JSON_ENCODE_ANY | JSON_ENSURE_ASCII);
	buf_puts(out, "(builtins.fromJSON ");
	int rc = json != NULL ? nix_quote(str_of(json), out, e) : fail(e, ERR_BUG, "text that JSON refuses");
	buf_puts(out, ")");
	free(json);
	return rc;
}

/* The fragment of a flake reference, a.b."c.d", as a list of strings. */
int
nix_quote_fragment(struct str path, struct buf *out, struct err *e)
{
	AUTO(buf_release) struct buf part = {0};
	bool quoted = false;

	buf_init(&part, MAX_NAME);
	buf_puts(out, "[ ");
	for (size_t i = 0; path.n > 0 && i <= path.n; i++) {
		if (i == path.n || (!quoted && path.p[i] == '.')) {
			if (nix_quote(buf_get(&part), out, e) != 0)
				return -1;
			buf_putc(out, ' ');
			buf_drop(&part, part.n);
		} else if (path.p[i] == '"') {
			quoted = !quoted;
		} else {
			buf_putc(&part, path.p[i]);
		}
	}
	buf_puts(out, "]");
	return quoted ? fail(e, ERR_INPUT, "a quote in the flake's attribute path is not closed") : 0;
}
