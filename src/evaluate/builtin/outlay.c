/* Bytes and warnings of one worker, by row. */
#include "evaluate/builtin/outlay.h"

#include "support/text/json.h"

enum {
	WARNING_BYTES = 2048,      /* of one that is kept */
	WARNINGS_BYTES = 32 * 1024 /* of all of one row */
};

void
outlay_init(struct outlay *s)
{
	*s = (struct outlay){0};
	buf_init(&s->warnings, 2 * WARNINGS_BYTES);
	buf_init(&s->members, 3 * WARNINGS_BYTES);
}

void
outlay_release(struct outlay *s)
{
	buf_release(&s->warnings);
	buf_release(&s->members);
}

void
outlay_count(struct outlay *s, struct str text)
{
	int64_t n;

	if (str_to_i64(text, &n) != 0 || n < s->total)
		return;
	s->known = true;
	s->total = n;
}

/* lib.warn of nixpkgs: "trace: warning: ...", newer "trace: evaluation warning: ..."; builtins.warn: "evaluation warning: ...". Nix' own
 * words about its settings begin with "warning:" and are nobody's attribute. */
static struct str
warning_in(struct str line)
{
	static const char *const begins[] = {"trace: evaluation warning: ", "evaluation warning: ", "trace: warning: "};

	for (size_t i = 0; i < COUNT(begins); i++)
		if (str_starts(line, str_of(begins[i])))
			return str_trim(str_from(line, strlen(begins[i])));
	return STR("");
}

void
outlay_hear(struct outlay *s, struct str line)
{
	struct str words = warning_in(line);

	if (words.n == 0 || s->warnings.n > WARNINGS_BYTES - 6 * WARNING_BYTES)
		return;
	AUTO(json_drop) json_t *text = json_any_string(str_utf8_head(words, WARNING_BYTES));
	if (s->warnings.n > 0)
		buf_putc(&s->warnings, ',');
	json_write(text, &s->warnings);
}

struct str
outlay_of_row(struct outlay *s, bool without_cost)
{
	buf_drop(&s->members, s->members.n);
	if (s->warnings.n > 0)
		buf_printf(&s->members, ",\"warnings\":[" STR_FMT "]", STR_ARG(buf_get(&s->warnings)));
	if (s->known && !without_cost)
		buf_printf(&s->members, ",\"stats\":{\"allocBytes\":%lld}", (long long)(s->total - s->paid));
	return buf_get(&s->members);
}

void
outlay_paid(struct outlay *s)
{
	s->paid = s->total;
	buf_drop(&s->warnings, s->warnings.n);
}
