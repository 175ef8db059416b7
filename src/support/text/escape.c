/* Escaping by type of document, on top of one reader that hides nothing. */
#include "support/text/escape.h"

#include <stdio.h>
#include <string.h>

/* The next character of s from *at on, which moves behind it; a byte that is not UTF-8 is U+FFFD. */
static uint32_t
rune_next(struct str s, size_t *at)
{
	const unsigned char *p = (const unsigned char *)s.p + *at;
	size_t left = s.n - *at, n = p[0] < 0x80                   ? 1
	                             : p[0] >= 0xc2 && p[0] < 0xe0 ? 2
	                             : (p[0] & 0xf0) == 0xe0       ? 3
	                             : p[0] >= 0xf0 && p[0] < 0xf5 ? 4
	                                                           : 0;

	if (n == 0 || n > left || !str_utf8_ok((struct str){s.p + *at, n})) {
		*at += 1;
		return 0xfffd;
	}
	*at += n;
	if (n == 1)
		return p[0];
	uint32_t c = p[0] & (0x7fu >> n);
	for (size_t i = 1; i < n; i++)
		c = c << 6 | (p[i] & 0x3fu);
	return c;
}

static void
put_rune(struct buf *out, uint32_t c)
{
	char b[4];
	size_t n = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;

	if (n == 1) {
		buf_putc(out, (char)c);
		return;
	}
	for (size_t i = n; i-- > 1; c >>= 6)
		b[i] = (char)(0x80u | (c & 0x3fu));
	b[0] = (char)((0xf00u >> n & 0xf0u) | c);
	buf_add(out, b, n);
}

/* Ranges of characters that cannot be seen or that turn the direction of what follows. */
static bool
rune_hides(uint32_t c)
{
	static const uint32_t ranges[][2] = {{0xad, 0xad}, {0x34f, 0x34f}, {0x61c, 0x61c}, {0x115f, 0x1160}, {0x17b4, 0x17b5},
	    {0x180b, 0x180f}, {0x200b, 0x200f}, {0x2028, 0x202e}, {0x2060, 0x206f}, {0x3164, 0x3164}, {0xfe00, 0xfe0e},
	    {0xfeff, 0xfeff}, {0xffa0, 0xffa0}, {0xfff0, 0xfffb}, {0x1bca0, 0x1bca3}, {0x1d173, 0x1d17a}, {0xe0000, 0xe0fff}};

	for (size_t i = 0; i < COUNT(ranges); i++)
		if (c >= ranges[i][0] && c <= ranges[i][1])
			return true;
	return false;
}

/* The length of an ANSI sequence at the start of s: CSI ... final byte, OSC ... BEL or ST, or ESC and one byte; 0 when
 * there is none. One that never ends is not one. */
static size_t
ansi_length(struct str s)
{
	size_t i = 2;

	if (s.n < 2 || s.p[0] != 0x1b)
		return 0;
	if (s.p[1] == '[') {
		while (i < s.n && s.p[i] >= 0x20 && s.p[i] < 0x40)
			i++;
		return i < s.n && s.p[i] >= 0x40 && s.p[i] < 0x7f ? i + 1 : 0;
	}
	if (s.p[1] == ']') {
		while (i < s.n && s.p[i] != 0x07 && s.p[i] != 0x1b && s.p[i] != '\n')
			i++;
		if (i < s.n && s.p[i] == 0x07)
			return i + 1;
		return i + 1 < s.n && s.p[i] == 0x1b && s.p[i + 1] == '\\' ? i + 2 : 0;
	}
	return s.p[1] == '(' && s.n > 2 ? 3 : 0;
}

void
escape_plain(struct buf *out, struct str s)
{
	for (size_t at = 0; at < s.n;) {
		size_t skip = ansi_length(str_from(s, at));
		if (skip == 0)
			buf_putc(out, s.p[at]);
		at += skip > 0 ? skip : 1;
	}
}

void
escape_script(struct buf *out, struct str json)
{
	for (size_t at = 0; at < json.n;) {
		uint32_t c = rune_next(json, &at);
		if (c > 0xffff && rune_hides(c))
			buf_printf(out, "\\u%04x\\u%04x", (unsigned)(0xd7c0 + (c >> 10)), (unsigned)(0xdc00 | (c & 0x3ff)));
		else if (c == '<' || rune_hides(c) || (c >= 0x7f && c < 0xa0))
			buf_printf(out, "\\u%04x", (unsigned)c);
		else
			put_rune(out, c);
	}
}

/* Appends s to out with nothing hidden: what every kind but the URL starts from. Newlines and tabs stay; other controls
 * become pictures (U+2400...) or, for a terminal, \x07. */
static void
reveal(struct buf *out, struct str s, bool terminal)
{
	for (size_t at = 0; at < s.n;) {
		size_t skip = ansi_length(str_from(s, at));
		if (skip != 0) {
			at += skip;
			continue;
		}
		uint32_t c = rune_next(s, &at);
		if (c == '\r' && !terminal && at < s.n && s.p[at] == '\n')
			continue;
		if (c == '\n' || c == '\t')
			buf_putc(out, (char)c);
		else if (c < 0x20 || c == 0x7f)
			terminal ? buf_printf(out, "\\x%02x", (unsigned)c) : put_rune(out, c == 0x7f ? 0x2421 : 0x2400 + c);
		else if (rune_hides(c) || (c >= 0x80 && c < 0xa0))
			buf_printf(out, "{U+%04X}", (unsigned)c);
		else
			put_rune(out, c);
	}
}

static void
add_html(struct buf *out, struct str s)
{
	for (size_t i = 0; i < s.n; i++) {
		switch (s.p[i]) {
		case '&': buf_puts(out, "&amp;"); break;
		case '<': buf_puts(out, "&lt;"); break;
		case '>': buf_puts(out, "&gt;"); break;
		case '"': buf_puts(out, "&quot;"); break;
		case '\'': buf_puts(out, "&#39;"); break;
		default: buf_putc(out, s.p[i]);
		}
	}
}

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool
is_alpha(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool
is_hex(char c)
{
	return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

static char
at_or_nul(struct str s, size_t i)
{
	return i < s.n ? s.p[i] : '\0';
}

static bool
is_alnum(char c)
{
	return is_alpha(c) || is_digit(c);
}

static bool
word_at(struct str s, size_t i)
{
	return i < s.n && (is_alnum(s.p[i]) || s.p[i] == '_');
}

static bool
word_before(struct str s, size_t i)
{
	return i > 0 && word_at(s, i - 1);
}

static bool
starts_nocase(struct str s, size_t i, const char *lower)
{
	for (; *lower != '\0'; lower++, i++)
		if ((at_or_nul(s, i) | (is_alpha(at_or_nul(s, i)) ? 0x20 : 0)) != *lower)
			return false;
	return true;
}

/* Whether GitHub, which looks at the finished text, could make something of s.p[0..i] going on behind i. */
static bool
must_break_after(struct str s, size_t i, size_t hex_from, size_t hex_to)
{
	char c = s.p[i], next = at_or_nul(s, i + 1);

	if (next == '\0' || next == ' ')
		return false;
	if (c == '@')
		return true;
	if (c == '#')
		return is_digit(next);
	if (c == ':') { /* a scheme, or a picture name */
		size_t j = i + 1;
		while (is_alpha(at_or_nul(s, j)) || is_digit(at_or_nul(s, j)) || (j < s.n && strchr("_+-", s.p[j]) != NULL))
			j++;
		return next == '/' || (j > i + 1 && at_or_nul(s, j) == ':') || (i >= 6 && starts_nocase(s, i - 6, "mailto"));
	}
	if (c == '-' && is_digit(next) && i >= 2 && starts_nocase(s, i - 2, "gh"))
		return true;
	if (next == '.' && i >= 2 && starts_nocase(s, i - 2, "www"))
		return true;
	return hex_to - hex_from >= 7 && i >= hex_from && i + 1 < hex_to && (i - hex_from) % 6 == 5;
}

/* The characters that may mean something to Markdown or HTML anywhere in a line. Without [ and < before them, the
 * closing ones, quotes, ! and ^ mean nothing. */
static bool
is_markup(char c)
{
	return c != '\0' && strchr("\\`*[]<#|~&$", c) != NULL;
}

/* s is revealed text. */
static void
add_markdown(struct buf *out, struct str s)
{
	size_t hex_from = 0, hex_to = 0;
	size_t digits = 0;

	s = str_trim(s);
	while (digits < s.n && is_digit(s.p[digits]))
		digits++;
	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];
		if (i >= hex_to && is_hex(c) && !word_before(s, i))
			for (hex_from = hex_to = i; is_hex(at_or_nul(s, hex_to));)
				hex_to++;
		if (c == '\n' || c == '\t' || c == '\r')
			c = ' ';
		bool begins = i == 0 && strchr("-+=:>", c) != NULL; /* a list, a heading, a table, a quote */
		bool numbers = i == digits && (c == '.' || c == ')') && (i + 1 == s.n || s.p[i + 1] <= ' ');
		bool stresses = c == '_' && !(i > 0 && is_alnum(s.p[i - 1]) && is_alnum(at_or_nul(s, i + 1)));
		if (is_markup(c) || begins || numbers || stresses)
			buf_printf(out, "&#%d;", c);
		else
			buf_putc(out, c);
		if (must_break_after(s, i, hex_from, hex_to))
			buf_puts(out, "&#8203;");
	}
}

static void
add_url(struct buf *out, struct str s)
{
	if (s.n == 0 || str_is(s, ".") || str_is(s, "..")) {
		buf_putc(out, '_');
		return;
	}
	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];
		if (is_alpha(c) || is_digit(c) || (c != '\0' && strchr("-._~", c) != NULL))
			buf_putc(out, c);
		else
			buf_printf(out, "%%%02X", (unsigned char)c);
	}
}

static void
add_terminal(struct buf *out, struct str s)
{
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] == '\n')
			buf_puts(out, "\\n");
		else
			buf_putc(out, s.p[i] == '\t' ? ' ' : s.p[i]);
	}
}

void
escape_add(struct buf *out, enum escape kind, struct str s)
{
	AUTO(buf_release) struct buf seen = {0};

	if (kind == ESCAPE_URL) {
		add_url(out, s);
		return;
	}
	buf_init(&seen, s.n * 10 + 16); /* {U+10FFFF} for a character of at least two bytes, \x07 for one */
	reveal(&seen, s, kind == ESCAPE_TERMINAL);
	switch (kind) {
	case ESCAPE_HTML: add_html(out, buf_get(&seen)); break;
	case ESCAPE_MARKDOWN: add_markdown(out, buf_get(&seen)); break;
	case ESCAPE_TERMINAL: add_terminal(out, buf_get(&seen)); break;
	case ESCAPE_URL: break;
	}
}

char *
escape_dup(struct arena *a, enum escape kind, struct str s)
{
	AUTO(buf_release) struct buf out;

	buf_init(&out, s.n * 64 + 64); /* the longest any byte becomes is far below */
	escape_add(&out, kind, s);
	return str_dup(a, buf_get(&out));
}

static size_t
longest_run(struct str s, char c)
{
	size_t longest = 0, run = 0;

	for (size_t i = 0; i < s.n; i++) {
		run = s.p[i] == c ? run + 1 : 0;
		longest = run > longest ? run : longest;
	}
	return longest;
}

static void
put_times(struct buf *out, char c, size_t n)
{
	while (n-- > 0)
		buf_putc(out, c);
}

void
escape_code_html(struct buf *out, struct str s)
{
	if (s.n == 0)
		return;
	buf_puts(out, "<code>");
	escape_add(out, ESCAPE_MARKDOWN, s);
	buf_puts(out, "</code>");
}

void
escape_code(struct buf *out, struct str s)
{
	AUTO(buf_release) struct buf seen = {0};

	if (s.n == 0)
		return;
	buf_init(&seen, s.n * 10 + 16);
	reveal(&seen, s, false);
	for (size_t i = 0; i < seen.n; i++)
		if (seen.p[i] == '\n' || seen.p[i] == '\t' || seen.p[i] == '\r')
			seen.p[i] = ' ';
	/* A table cuts its cells before it looks for spans. A span of spaces alone would keep its padding. */
	if (memchr(seen.p, '|', seen.n) != NULL || str_trim(buf_get(&seen)).n == 0) {
		escape_code_html(out, s);
		return;
	}
	size_t ticks = longest_run(buf_get(&seen), '`') + 1;
	bool pad = ticks > 1 || seen.p[0] == ' ' || seen.p[seen.n - 1] == ' ';
	put_times(out, '`', ticks);
	if (pad)
		buf_putc(out, ' ');
	buf_str(out, buf_get(&seen));
	if (pad)
		buf_putc(out, ' ');
	put_times(out, '`', ticks);
}

void
escape_block(struct buf *out, struct str text, const char *info)
{
	AUTO(buf_release) struct buf seen = {0};

	buf_init(&seen, text.n * 10 + 16);
	reveal(&seen, text, false);
	while (seen.n > 0 && seen.p[seen.n - 1] == '\n')
		seen.n--;
	size_t ticks = longest_run(buf_get(&seen), '`') + 1;
	ticks = ticks < 3 ? 3 : ticks;
	put_times(out, '`', ticks);
	buf_printf(out, "%s\n", info);
	buf_str(out, buf_get(&seen));
	buf_putc(out, '\n');
	put_times(out, '`', ticks);
	buf_putc(out, '\n');
}

void
escape_mermaid(struct buf *out, struct str s)
{
	AUTO(buf_release) struct buf seen = {0};

	buf_init(&seen, s.n * 10 + 16);
	reveal(&seen, s, false);
	for (size_t i = 0; i < seen.n; i++) {
		char c = seen.p[i];
		bool fine = is_alpha(c) || is_digit(c) || (c & 0x80) != 0 || (c != '\0' && strchr(" .,+-/:=", c) != NULL);
		if (c != '"')
			buf_putc(out, fine ? c : '_');
	}
}

bool
escape_link_ok(struct str url)
{
	if (!str_starts(url, STR("https://")) && !str_starts(url, STR("http://")))
		return false;
	for (size_t i = 0; i < url.n; i++)
		if (!is_alpha(url.p[i]) && !is_digit(url.p[i]) &&
		    (url.p[i] == '\0' || strchr("-._~:/?#@!$&+,;=%", url.p[i]) == NULL))
			return false;
	return true;
}
