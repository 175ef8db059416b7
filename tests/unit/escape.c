/* Escaping, judged by a real GitHub-flavoured Markdown renderer: hostile text must come out as text and nothing else. */
#include "support/text/escape.h"
#include "support/os/child.h"

#include <regex.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static const char *const hostile[] = {"@octocat", "hi @octo-cat/team, @x", "mail a.b@example.com", "user@example", "#1",
    "see #123.", "fixes owner/repo#7", "GH-12 gh-3", "owner/repo@0123456789abcdef0123456789abcdef01234567", "deadbeef",
    "0123456", "0123456789abcdef0123456789abcdef01234567", "https://example.com/a?b=c", "HTTP://EXAMPLE.COM", "ftp://x.y",
    "www.example.com", "WWW.example.com", "mailto:a@b.example", "xmpp:a@b.example/c", ":tada: a:+1:b", "$x^2$ and $$y$$",
    "[a](javascript:alert(1))", "![a](https://example.com/a.png)", "[^1]", "[a]: https://example.com", "<script>x</script>",
    "<img src=x onerror=alert(1)>", "<!-- hidden", "--> <b>", "<https://example.com>", "&lt;b&gt; &amp; &#64;x", "a|b|c",
    "a\\|b", "\\", "\\\\|", "`a`", "``a", "a`", "```", "~~~", "~~gone~~", "*a* **b** _c_ __d__", "# heading", "- item",
    "+ item", "* item", "1. item", "2) item", "> quote", "---", "===", "***", "___", "| a | b |", ":-:", ":--|--:", "    code",
    "\tcode", "a\nb", "a\n\n# b", "a\r\nb\rc", "a  \nb", "- [x] done", "<details>", "</summary></details>",
    "\x1b[31mred\x1b[0m", "\x1b]8;;https://example.com\x07link\x1b]8;;\x07",
    "a\x1b"
    "b",
    "a\x07\x08"
    "b",
    "\xe2\x80\xaetxt.exe", "zero\xe2\x80\x8bwidth", "\xef\xbb\xbfmark", "\xe6\x97\xa5\xe6\x9c\xac\xe8\xaa\x9e", "\xff\xfe bad",
    "cut \xe6\x97", "\xed\xa0\x80", "\xf0\x9f\x92\xa9", "\xf3\xa0\x81\x81tag", "a & b", "\"quoted\" 'x'", "%0A%0D",
    "{{x}} {{{y}}}", "a\\\nb", "!important", "x^y", "C:\\dir", "it's 12:30:45", "a<b>c", "foo_bar_baz", "https:\n//example.com",
    "@\noctocat", "#\n1", "w\xe2\x80\x8bww.x.y"};

/* What a reader must see: the HTML escape without its references, on one line. */
static char *
plain(struct arena *a, const char *s)
{
	static const struct {
		const char *ref;
		char c;
	} refs[] = {{"&amp;", '&'}, {"&lt;", '<'}, {"&gt;", '>'}, {"&quot;", '"'}, {"&#39;", '\''}};
	AUTO(buf_release) struct buf html, out;

	buf_init(&html, 100000);
	buf_init(&out, 100000);
	escape_add(&html, ESCAPE_HTML, str_of(s));
	for (size_t i = 0; i < html.n;) {
		size_t k = 0;
		while (k < COUNT(refs) && !str_starts(str_from(buf_get(&html), i), str_of(refs[k].ref)))
			k++;
		char c = k < COUNT(refs) ? refs[k].c : html.p[i];
		buf_putc(&out, c == '\n' || c == '\t' || c == '\r' ? ' ' : c);
		i += k < COUNT(refs) ? strlen(refs[k].ref) : 1;
	}
	return str_dup(a, str_trim(buf_get(&out)));
}

static int
collect(void *ctx, int fd, struct str line, struct err *e)
{
	(void)e;
	if (fd == 1) {
		buf_str(ctx, line);
		buf_putc(ctx, '\n');
	}
	return 0;
}

/* Markdown to HTML as GitHub's renderer does it, before its own sanitising, which would hide mistakes of ours. */
static char *
render(struct arena *a, struct str md)
{
	const char *argv[] = {"cmark-gfm", "-e", "table", "-e", "autolink", "-e", "strikethrough", "-e", "tagfilter", "-e",
	    "footnotes", "-e", "tasklist", "--unsafe", NULL};
	AUTO(buf_release) struct buf out;
	struct err e = {0};
	struct child_result r = {0};
	struct child c = {.argv = argv, .in = md, .wall_ms = 20000, .on_line = collect, .ctx = &out};

	buf_init(&out, 64 << 20);
	if (child_run(&c, &r, &e) != 0 || r.end != CHILD_EXITED || r.code != 0)
		fail_msg("cmark-gfm: %s (%d)", e.msg, r.code);
	return str_dup(a, buf_get(&out));
}

/* s without the invisible breaks we put in. */
static char *
unbroken(struct arena *a, const char *s)
{
	AUTO(buf_release) struct buf out;

	buf_init(&out, 64 << 20);
	for (; *s != '\0'; s++) {
		if (strncmp(s, "\xe2\x80\x8b", 3) == 0)
			s += 2;
		else
			buf_putc(&out, *s);
	}
	return str_dup(a, buf_get(&out));
}

/* As the renderer writes text. */
static void
add_text(struct buf *out, const char *s)
{
	for (; *s != '\0'; s++) {
		const char *ref = *s == '&' ? "&amp;" : *s == '<' ? "&lt;" : *s == '>' ? "&gt;" : *s == '"' ? "&quot;" : NULL;
		ref != NULL ? buf_puts(out, ref) : buf_putc(out, *s);
	}
}

static void
compare(const char *got, const char *want, const char *what, const char *source)
{
	if (strcmp(got, want) != 0)
		fail_msg("%s of \"%s\":\n%s--- wanted\n%s", what, source, got, want);
}

static void
add_all(struct buf *b, const char *before, const char *inside, const char *after)
{
	buf_puts(b, before);
	buf_puts(b, inside);
	buf_puts(b, after);
}

/* What GitHub looks for in the finished text, outside of code. */
static void
assert_nothing_refers(const char *html, const char *source)
{
	static const char *const finds[] = {"@[A-Za-z0-9]", "#[0-9]", "[Gg][Hh]-[0-9]", "://", "www[.]",
	    ":[a-z0-9_+-]+:", "(^|[^A-Za-z0-9_])[0-9a-fA-F]{7,40}($|[^A-Za-z0-9_])", "<a "};

	for (size_t i = 0; i < COUNT(finds); i++) {
		regex_t re;
		assert_int_equal(regcomp(&re, finds[i], REG_EXTENDED | REG_ICASE), 0);
		int found = regexec(&re, html, 0, NULL, 0);
		regfree(&re);
		if (found == 0)
			fail_msg("GitHub would find %s in what \"%s\" became:\n%s", finds[i], source, html);
	}
}

static void
check_inline(struct arena *a, const char *source)
{
	static const struct {
		const char *md_before, *md_after, *html_before, *html_after;
	} places[] = {
	    {"", "\n", "<p>", "</p>\n"},
	    {"two\n", "\nlines\n", "<p>two\n", "\nlines</p>\n"},
	    {"x **", "** y\n", "<p>x <strong>", "</strong> y</p>\n"},
	    {"### ", "\n", "<h3>", "</h3>\n"},
	    {"- ", "\n", "<ul>\n<li>", "</li>\n</ul>\n"},
	    {"| a | b |\n|---|---|\n| ", " | x |\n",
	        "<table>\n<thead>\n<tr>\n<th>a</th>\n<th>b</th>\n</tr>\n</thead>\n<tbody>\n<tr>\n<td>",
	        "</td>\n<td>x</td>\n</tr>\n</tbody>\n</table>\n"},
	};
	const char *seen = plain(a, source), *text = escape_dup(a, ESCAPE_MARKDOWN, str_of(source));

	for (size_t i = 0; i < COUNT(places); i++) {
		AUTO(buf_release) struct buf md, want;
		buf_init(&md, 1 << 20);
		buf_init(&want, 1 << 20);
		add_all(&md, places[i].md_before, text, places[i].md_after);
		buf_puts(&want, places[i].html_before);
		add_text(&want, seen);
		buf_puts(&want, places[i].html_after);
		char *html = render(a, buf_get(&md));
		if (i == 2 && strlen(seen) != strcspn(seen, " \\*`~$!\"'()[]{}<>#|&^_-+=:.@%/"))
			continue; /* emphasis beside punctuation follows rules of its own; the text is judged elsewhere */
		compare(unbroken(a, html), want.p, places[i].md_before, source);
		assert_nothing_refers(html, source);
	}
}

static void
check_code(struct arena *a, const char *source)
{
	AUTO(buf_release) struct buf md, want, code;
	const char *seen = plain(a, source);

	buf_init(&md, 1 << 20);
	buf_init(&want, 1 << 20);
	buf_init(&code, 1 << 20);
	escape_code(&code, str_trim(str_of(source)));
	add_all(&md, "a ", code.p, " b\n\n| a | b |\n|---|---|\n| ");
	add_all(&md, code.p, " | x |", "\n");
	buf_puts(&want, "<p>a <code>");
	add_text(&want, seen);
	buf_puts(&want,
	    "</code> b</p>\n<table>\n<thead>\n<tr>\n<th>a</th>\n<th>b</th>\n</tr>\n</thead>\n<tbody>\n<tr>\n<td><code>");
	add_text(&want, seen);
	buf_puts(&want, "</code></td>\n<td>x</td>\n</tr>\n</tbody>\n</table>\n");
	compare(unbroken(a, render(a, buf_get(&md))), want.p, "code", source);
}

static void
check_block(struct arena *a, const char *source)
{
	AUTO(buf_release) struct buf md;

	buf_init(&md, 1 << 20);
	escape_block(&md, str_of(source), "");
	buf_puts(&md, "\nafter\n");
	const char *html = render(a, buf_get(&md));
	const char *end = strstr(html, "</code></pre>\n<p>after</p>\n");
	if (!str_starts(str_of(html), STR("<pre><code>")) || end == NULL ||
	    end[strlen("</code></pre>\n<p>after</p>\n")] != '\0')
		fail_msg("block of \"%s\":\n%s", source, html);
	if (memchr(html, '<', 5) == NULL || strchr(html + strlen("<pre><code>"), '<') != end)
		fail_msg("block of \"%s\" holds markup:\n%s", source, html);
}

static void
check_summary(struct arena *a, const char *source)
{
	AUTO(buf_release) struct buf md;
	const char *text = escape_dup(a, ESCAPE_MARKDOWN, str_of(source));

	buf_init(&md, 1 << 20);
	add_all(&md, "<details><summary>", text, "</summary>\n\nx\n\n</details>\n");
	const char *html = render(a, buf_get(&md));
	AUTO(buf_release) struct buf want;
	buf_init(&want, 1 << 20);
	add_all(&want, "<details><summary>", text, "</summary>\n<p>x</p>\n</details>\n");
	compare(html, want.p, "summary", source);
}

static void
test_hostile_text_stays_text(void **state)
{
	struct arena a = {0};

	(void)state;
	for (size_t i = 0; i < COUNT(hostile); i++) {
		check_inline(&a, hostile[i]);
		check_code(&a, hostile[i]);
		check_block(&a, hostile[i]);
		check_summary(&a, hostile[i]);
	}
	arena_release(&a);
}

/* Pieces of the corpus glued together at random, in one document of paragraphs. */
static void
test_random_text_stays_text(void **state)
{
	struct arena a = {0};
	AUTO(buf_release) struct buf md, want;
	uint32_t r = 12345;

	(void)state;
	buf_init(&md, 4 << 20);
	buf_init(&want, 4 << 20);
	for (int n = 0; n < 1000; n++) {
		char source[400] = "";
		for (int k = 0; k < 4; k++) {
			r = r * 1664525u + 1013904223u;
			size_t used = strlen(source);
			snprintf(source + used, sizeof(source) - used, "%s", hostile[(r >> 8) % COUNT(hostile)]);
		}
		const char *seen = plain(&a, source);
		add_all(&md, "", escape_dup(&a, ESCAPE_MARKDOWN, str_of(source)), "\n\n");
		buf_puts(&want, "<p>");
		add_text(&want, seen);
		buf_puts(&want, "</p>\n");
	}
	char *html = render(&a, buf_get(&md)), *got = unbroken(&a, html);
	struct str g = str_of(got), w = buf_get(&want);
	while (w.n != 0 || g.n != 0) {
		struct str gl = str_cut(g, '\n', &g), wl = str_cut(w, '\n', &w);
		if (!str_eq(gl, wl))
			fail_msg("got " STR_FMT "\nwanted " STR_FMT, STR_ARG(gl), STR_ARG(wl));
	}
	assert_nothing_refers(html, "random text");
	arena_release(&a);
}

static void
test_tables_of_small_cases(void **state)
{
	static const struct {
		enum escape kind;
		const char *in, *want;
	} t[] = {
	    {ESCAPE_MARKDOWN, "curl 8.1 to 8.2", "curl 8.1 to 8.2"},
	    {ESCAPE_MARKDOWN, "a@b", "a@&#8203;b"},
	    {ESCAPE_HTML, "a\x1b[1;31mred\x1b[m\n\tb", "ared\n\tb"},
	    {ESCAPE_HTML, "\xe2\x80\xaex", "{U+202E}x"},
	    {ESCAPE_HTML, "\x01", "\xe2\x90\x81"},
	    {ESCAPE_HTML, "\xc2\x9b", "{U+009B}"},
	    {ESCAPE_HTML, "a\xff", "a\xef\xbf\xbd"},
	    {ESCAPE_HTML, "\xf0\x9f\x92\xa9", "\xf0\x9f\x92\xa9"},
	    {ESCAPE_TERMINAL, "a\nb\x07\x1b[2Jc\x1b", "a\\nb\\x07c\\x1b"},
	    {ESCAPE_URL, "a b/c?d#e%&\xc3\xa9", "a%20b%2Fc%3Fd%23e%25%26%C3%A9"},
	    {ESCAPE_URL, "..", "_"},
	    {ESCAPE_URL, "", "_"},
	};
	struct arena a = {0};

	(void)state;
	for (size_t i = 0; i < COUNT(t); i++)
		assert_string_equal(escape_dup(&a, t[i].kind, str_of(t[i].in)), t[i].want);
	assert_true(escape_link_ok(STR("https://ci.example.org/run/1?a=b&c=%20")));
	assert_false(escape_link_ok(STR("javascript:alert(1)")));
	assert_false(escape_link_ok(STR("https://x)](y")));
	assert_false(escape_link_ok(STR("https://x\"y")));
	assert_false(escape_link_ok(STR("//example.org")));
	arena_release(&a);
}

static void
test_mermaid_labels_hold_no_syntax(void **state)
{
	AUTO(buf_release) struct buf out;

	(void)state;
	buf_init(&out, 1000);
	escape_mermaid(&out, STR("a\"] --> b[\"<i>#quot;`x`\n%% {y}|click| \xc3\xa9"));
	for (size_t i = 0; i < out.n; i++)
		assert_null(out.p[i] == '\0' ? out.p : strchr("\"[]<>#;`\n%{}|", out.p[i]));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_tables_of_small_cases),
	    cmocka_unit_test(test_hostile_text_stays_text),
	    cmocka_unit_test(test_random_text_stays_text),
	    cmocka_unit_test(test_mermaid_labels_hold_no_syntax),
	};
	return cmocka_run_group_tests_name("escape", tests, NULL, NULL);
}
