/* Numbers, times and names for people. */
#include "report/words.h"

#include <stdio.h>
#include <string.h>

char *
words_number(struct arena *a, int64_t n)
{
	char digits[32], out[48];
	size_t k = 0;

	int len = snprintf(digits, sizeof(digits), "%lld", (long long)(n < 0 ? -n : n));
	if (n < 0)
		out[k++] = '-';
	for (int i = 0; i < len; i++) {
		out[k++] = digits[i];
		if (i + 1 < len && (len - i - 1) % 3 == 0)
			out[k++] = ',';
	}
	return arena_strn(a, out, k);
}

char *
words_count(struct arena *a, int64_t n, const char *one, const char *many)
{
	return arena_printf(a, "%s %s", n == 0 ? "no" : words_number(a, n), n == 1 ? one : many);
}

char *
words_bytes(struct arena *a, int64_t n)
{
	static const char *const units[] = {"KiB", "MiB", "GiB", "TiB"};
	double x = (double)n / 1024;
	size_t i = 0;

	if (n < 1024)
		return arena_printf(a, "%lld B", (long long)n);
	for (; x >= 999.95 && i + 1 < COUNT(units); i++)
		x /= 1024;
	return arena_printf(a, "%.1f %s", x, units[i]);
}

char *
words_duration(struct arena *a, int64_t ms)
{
	int64_t s = (ms + 500) / 1000;

	if (ms < 0)
		return arena_strdup(a, "");
	if (ms < 9950)
		return arena_printf(a, "%.1f s", (double)ms / 1000);
	if (s < 60)
		return arena_printf(a, "%lld s", (long long)s);
	if (s < 3600)
		return arena_printf(a, "%lld min %lld s", (long long)s / 60, (long long)s % 60);
	return arena_printf(a, "%lld h %lld min", (long long)s / 3600, (long long)s % 3600 / 60);
}

char *
words_cut(struct arena *a, const char *s, size_t max_bytes)
{
	struct str head = str_utf8_head(str_of(s), max_bytes);

	return s[head.n] == '\0' ? arena_strn(a, head.p, head.n) : arena_printf(a, STR_FMT "\xe2\x80\xa6", STR_ARG(head));
}

char *
words_tail(struct arena *a, const char *s, size_t lines, size_t max_bytes)
{
	size_t n = strlen(s), from;

	while (n > 0 && s[n - 1] == '\n')
		n--;
	for (from = n; from > 0 && n - from < max_bytes; from--)
		if (s[from - 1] == '\n' && --lines == 0)
			break;
	while (from < n && (s[from] & 0xc0) == 0x80)
		from++;
	return arena_strn(a, s + from, n - from);
}

char *
words_log_tail(struct arena *a, const char *s, size_t lines, size_t max_bytes)
{
	AUTO(buf_release) struct buf b;

	buf_init(&b, SIZE_MAX / 4);
	for (struct str rest = str_of(s); rest.n != 0;) {
		struct str line = str_cut(rest, '\n', &rest);
		if (str_starts(line, STR("building '/nix/store/")) && str_ends(line, STR("'...")))
			continue;
		buf_str(&b, line);
		buf_putc(&b, '\n');
	}
	return words_tail(a, b.n != 0 ? b.p : s, lines, max_bytes);
}

char *
words_head(struct arena *a, const char *s, size_t lines, size_t max_bytes)
{
	size_t n = 0;

	while (s[n] != '\0' && (s[n] != '\n' || --lines > 0))
		n++;
	char *all = arena_strn(a, s, n);
	return words_cut(a, all, max_bytes);
}

bool
words_are_plain(const char *name)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-/#,+ ";

	return strlen(name) <= 80 && strspn(name, plain) == strlen(name);
}

static bool
only_digits(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] < '0' || s.p[i] > '9')
			return false;
	return s.n > 0;
}

char *
words_reason(struct arena *a, const char *s)
{
	AUTO(buf_release) struct buf b;

	buf_init(&b, SIZE_MAX / 4);
	for (struct str rest = str_of(s); rest.n != 0;) {
		struct str line = str_cut(rest, '\n', &rest);
		bool code =
		    rest.n == 0 && str_starts(line, STR("exit code ")) && only_digits(str_from(line, strlen("exit code ")));
		if (code || str_is(line, "ekaci eval-jobs: the root does not evaluate, so there is nothing to walk"))
			continue;
		buf_str(&b, line);
		buf_putc(&b, '\n');
	}
	return str_trim(buf_get(&b)).n != 0 ? arena_strn(a, b.p, b.n - 1) : arena_strdup(a, s);
}

/* The columns of a word, as if every character had one. */
static size_t
width(struct str word)
{
	size_t n = 0;

	for (size_t i = 0; i < word.n; i++) {
		if (word.p[i] == '\x1b')
			while (i < word.n && word.p[i] != 'm')
				i++;
		else
			n += ((unsigned char)word.p[i] & 0xc0) != 0x80;
	}
	return n;
}

void
words_wrap(struct buf *out, struct str text, size_t columns)
{
	while (text.n != 0) {
		struct str line = str_cut(text, '\n', &text), rest;
		size_t indent = 0, at;
		bool first = true;
		while (line.n > 0 && (line.p[line.n - 1] == ' ' || line.p[line.n - 1] == '\t' || line.p[line.n - 1] == '\r'))
			line.n--;
		while (indent < line.n && line.p[indent] == ' ')
			indent++;
		if (width(line) <= columns || indent > WORDS_INDENT) {
			buf_str(out, line);
			buf_putc(out, '\n');
			continue;
		}
		buf_printf(out, "%*s", (int)indent, "");
		at = indent;
		for (rest = str_from(line, indent); rest.n != 0; first = false) {
			struct str word = str_cut(rest, ' ', &rest);
			size_t blanks = first ? 0 : 1;
			for (; word.n == 0 && rest.n != 0;
			     blanks++) /* several blanks are kept, but none at the end of a line */
				word = str_cut(rest, ' ', &rest);
			size_t n = width(word);
			if (!first && at + blanks + n > columns) {
				at = indent + 2;
				buf_printf(out, "\n%*s", (int)at, "");
			} else if (!first) {
				buf_printf(out, "%*s", (int)blanks, "");
				at += blanks;
			}
			buf_str(out, word);
			at += n;
		}
		buf_putc(out, '\n');
	}
}
