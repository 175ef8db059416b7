/* Colours of a log as classes. */
#include "web/log_html.h"

#include "support/text/escape.h"

enum { MAX_PARAMS = 32 };

/* The nearest of the sixteen. */
static unsigned char
nearest(int64_t r, int64_t g, int64_t b)
{
	int64_t most = r > g ? (r > b ? r : b) : (g > b ? g : b), least = r < g ? (r < b ? r : b) : (g < b ? g : b);
	unsigned bits = 0;

	if (most - least < 48) /* grey */
		return most < 48 ? 1 : most < 140 ? 9 : most < 210 ? 8 : 16;
	bits |= 2 * r > most + least ? 1 : 0;
	bits |= 2 * g > most + least ? 2 : 0;
	bits |= 2 * b > most + least ? 4 : 0;
	return (unsigned char)(1 + bits + (most > 210 ? 8 : 0));
}

static unsigned char
of_256(int64_t n)
{
	static const unsigned char steps[] = {0, 95, 135, 175, 215, 255};

	if (n < 0 || n > 255)
		return 0;
	if (n < 16)
		return (unsigned char)(n + 1);
	if (n >= 232)
		return nearest(8 + 10 * (n - 232), 8 + 10 * (n - 232), 8 + 10 * (n - 232));
	n -= 16;
	return nearest(steps[n / 36], steps[n / 6 % 6], steps[n % 6]);
}

/* 38 and 48: how many numbers behind p[i] belong to it. */
static size_t
extended(const int64_t *p, size_t n, size_t i, unsigned char *ret)
{
	if (i + 2 < n && p[i + 1] == 5) {
		*ret = of_256(p[i + 2]);
		return 2;
	}
	if (i + 4 < n && p[i + 1] == 2) {
		*ret = nearest(p[i + 2] & 255, p[i + 3] & 255, p[i + 4] & 255);
		return 4;
	}
	return n;
}

static void
apply(struct log_colour *c, const int64_t *p, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		int64_t v = p[i];
		if (v == 0)
			*c = (struct log_colour){0};
		else if (v == 1 || v == 2)
			*(v == 1 ? &c->bold : &c->dim) = true;
		else if (v == 3 || v == 4)
			*(v == 3 ? &c->italic : &c->underline) = true;
		else if (v == 22)
			c->bold = c->dim = false;
		else if (v == 23 || v == 24)
			*(v == 23 ? &c->italic : &c->underline) = false;
		else if (v >= 30 && v <= 37)
			c->fore = (unsigned char)(v - 29);
		else if (v >= 40 && v <= 47)
			c->back = (unsigned char)(v - 39);
		else if (v >= 90 && v <= 97)
			c->fore = (unsigned char)(v - 81);
		else if (v >= 100 && v <= 107)
			c->back = (unsigned char)(v - 91);
		else if (v == 39 || v == 49)
			*(v == 39 ? &c->fore : &c->back) = 0;
		else if (v == 38 || v == 48)
			i += extended(p, n, i, v == 38 ? &c->fore : &c->back);
	}
}

/* The length of "ESC [ numbers m" at the start of s, which is applied; 0 when there is none. */
static size_t
sgr(struct log_colour *c, struct str s)
{
	int64_t p[MAX_PARAMS] = {0};
	size_t n = 1, i = 2;

	if (s.n < 3 || s.p[0] != 0x1b || s.p[1] != '[')
		return 0;
	for (; i < s.n && ((s.p[i] >= '0' && s.p[i] <= '9') || s.p[i] == ';' || s.p[i] == ':'); i++) {
		if (s.p[i] < '0' || s.p[i] > '9')
			n += n < MAX_PARAMS;
		else if (p[n - 1] < 1000)
			p[n - 1] = p[n - 1] * 10 + (s.p[i] - '0');
	}
	if (i >= s.n || s.p[i] != 'm')
		return 0;
	apply(c, p, n);
	return i + 1;
}

static void
put(const struct log_colour *c, struct str text, struct buf *out)
{
	bool plain = c->fore == 0 && c->back == 0 && !c->bold && !c->dim && !c->italic && !c->underline;

	if (text.n == 0)
		return;
	if (plain) {
		escape_add(out, ESCAPE_HTML, text);
		return;
	}
	buf_puts(out, "<span class=\"");
	if (c->fore != 0)
		buf_printf(out, "f%d ", c->fore - 1);
	if (c->back != 0)
		buf_printf(out, "k%d ", c->back - 1);
	buf_printf(out, "%s%s%s%s\">", c->bold ? "o " : "", c->dim ? "d " : "", c->italic ? "i " : "", c->underline ? "u" : "");
	escape_add(out, ESCAPE_HTML, text);
	buf_puts(out, "</span>");
}

void
log_html_line(struct log_colour *c, struct str line, struct buf *out)
{
	size_t start = 0, from = 0, i = 0;

	while (line.n > 0 && line.p[line.n - 1] == '\r')
		line.n--;
	for (size_t k = 0; out != NULL && k < line.n; k++)
		if (line.p[k] == '\r')
			start = k + 1;
	from = start;
	while (i < line.n) {
		const char *esc = memchr(line.p + i, 0x1b, line.n - i);
		if (esc == NULL)
			break;
		size_t at = (size_t)(esc - line.p);
		struct log_colour before = *c;
		size_t n = sgr(c, str_from(line, at));
		if (n != 0 && at >= from && out != NULL)
			put(&before, (struct str){line.p + from, at - from}, out);
		if (n != 0 && at + n > from)
			from = at + n;
		i = at + (n != 0 ? n : 1);
	}
	if (out != NULL && from < line.n)
		put(c, str_from(line, from), out);
}
