/* Every door text leaves by. What must not come out does not, wherever a log is cut in two on its way. */
#include "support/text/escape.h"
#include "fuzz/fuzz.h"
#include "web/build_log.h"
#include "web/log_html.h"

static bool
holds(struct str s, const char *bytes)
{
	return str_find(s, str_of(bytes)) >= 0;
}

/* No control but newline and tab, and none of U+0080 to U+009F. */
static bool
is_calm(struct str s)
{
	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i], next = i + 1 < s.n ? (unsigned char)s.p[i + 1] : 0;
		if ((c < ' ' && c != '\n' && c != '\t') || c == 0x7f || (c == 0xc2 && next >= 0x80 && next < 0xa0))
			return false;
	}
	return true;
}

static struct str
added(struct buf *out, enum escape kind, struct str s)
{
	buf_drop(out, out->n);
	escape_add(out, kind, s);
	FUZZ_CHECK(!out->over && str_utf8_ok(buf_get(out)));
	return buf_get(out);
}

static void
check_log(struct arena *a, struct str s)
{
	char *whole = arena_alloc(a, s.n + 1), *parts = arena_alloc(a, s.n + 1);
	int state = 0;
	size_t n = log_clean(&state, s.p, s.n, whole);

	FUZZ_CHECK(n <= s.n && is_calm((struct str){whole, n}));
	for (size_t cut = 0; cut <= s.n && cut < 200; cut++) {
		state = 0;
		size_t first = log_clean(&state, s.p, cut, parts);
		FUZZ_CHECK(first <= cut);
		size_t second = log_clean(&state, s.p + cut, s.n - cut, parts + first);
		FUZZ_CHECK(first + second == n && memcmp(whole, parts, n) == 0);
	}
}

/* A log's line as HTML: of tags only our spans, closed one by one, whatever colours go on. */
static void
check_log_line(struct str s, struct buf *out)
{
	struct log_colour shown = {0}, passed = {0};
	static const char open[] = "<span class=\"", close[] = "</span>";
	size_t depth = 0;

	buf_drop(out, out->n);
	log_html_line(&shown, s, out);
	log_html_line(&passed, s, NULL);
	FUZZ_CHECK(memcmp(&shown, &passed, sizeof(shown)) == 0 && shown.fore <= 16 && shown.back <= 16);
	FUZZ_CHECK(!out->over && str_utf8_ok(buf_get(out)) && is_calm(buf_get(out)));
	for (struct str rest = buf_get(out); rest.n > 0;) {
		const char *tag = memchr(rest.p, '<', rest.n);
		if (tag == NULL)
			break;
		rest = str_from(rest, (size_t)(tag - rest.p));
		bool opens = str_starts(rest, (struct str){open, sizeof(open) - 1}),
		     closes = str_starts(rest, (struct str){close, sizeof(close) - 1});
		FUZZ_CHECK(opens ? depth == 0 : closes && depth == 1);
		depth += opens ? 1 : (size_t)-1;
		rest = str_from(rest, opens ? sizeof(open) - 1 : sizeof(close) - 1);
	}
	FUZZ_CHECK(depth == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct str s = {(const char *)data, n}, is;
	struct arena a = {0};
	AUTO(buf_release) struct buf out;

	buf_init(&out, 64 << 20);
	check_log_line(s, &out);
	is = added(&out, ESCAPE_HTML, s);
	FUZZ_CHECK(is_calm(is) && !holds(is, "<") && !holds(is, ">") && !holds(is, "\"") && !holds(is, "'"));
	is = added(&out, ESCAPE_MARKDOWN, s);
	FUZZ_CHECK(is_calm(is) && !holds(is, "<") && !holds(is, "`") && !holds(is, "[") && !holds(is, "\n") && !holds(is, "|"));
	is = added(&out, ESCAPE_TERMINAL, s);
	FUZZ_CHECK(is_calm(is) && !holds(is, "\n") && !holds(is, "\t"));
	is = added(&out, ESCAPE_URL, s);
	FUZZ_CHECK(is_calm(is) && !holds(is, "/") && !holds(is, " ") && !str_is(is, ".."));
	buf_drop(&out, out.n);
	escape_code(&out, s);
	escape_code_html(&out, s);
	FUZZ_CHECK(!holds(buf_get(&out), "\n"));
	escape_block(&out, s, "");
	escape_mermaid(&out, s);
	escape_plain(&out, s);
	(void)escape_link_ok(s);
	check_log(&a, s);
	arena_release(&a);
	return 0;
}
