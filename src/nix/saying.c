/* Errors in Nix's words. */
#include "nix/saying.h"

#include "support/base/mem.h"

#include <string.h>

enum {
	FRAMES = 2,      /* nix-eval-jobs shows as many; with their code a screen */
	CODE_BYTES = 240 /* of a line of code or of a trace: what is generated has lines of a megabyte */
};

static const char typed[] = "at \xc2\xabstring\xc2\xbb:", in_file[] = "-" WALKER_FILE ":", in_flake[] = "-" FLAKE_FILE ":";
static const char ellipsis[] = "\xe2\x80\xa6";

static struct str
line_at(struct str text)
{
	struct str ignored;

	return str_cut(text, '\n', &ignored);
}

static struct str
next_line(struct str *text)
{
	return str_cut(*text, '\n', text);
}

static struct str
unindented(struct str line)
{
	while (line.n > 0 && line.p[0] == ' ')
		line = str_from(line, 1);
	return line;
}

/* Where the last error in text begins: its last line that begins with "error:"; -1: nowhere. */
static ptrdiff_t
last_begin(struct str text)
{
	struct str rest = text;
	ptrdiff_t found = -1;

	while (rest.p != NULL) {
		struct str line = next_line(&rest);
		if (str_starts(line, STR("error:")))
			found = line.p - text.p;
	}
	return found;
}

/* Of an error that begins with its trace: where its words do. One without a trace, as what it is. */
static struct str
words_in(struct str said)
{
	struct str rest = said;

	if (str_trim(next_line(&rest)).n > sizeof("error:") - 1)
		return said;
	while (rest.p != NULL) {
		struct str line = next_line(&rest), inner = unindented(line);
		if (inner.p != line.p && str_starts(inner, STR("error: ")))
			return str_from(said, (size_t)(inner.p - said.p));
	}
	return said;
}

struct str
saying_last(struct str text)
{
	struct str rest = text, found = text;
	ptrdiff_t begin = last_begin(text);

	if (begin >= 0)
		return words_in(str_from(text, (size_t)begin));
	/* Its beginning was cut off, or somebody else moved it to the right. */
	while (rest.p != NULL) {
		struct str inner = unindented(next_line(&rest));
		if (str_starts(inner, STR("error: ")))
			found = str_from(text, (size_t)(inner.p - text.p));
	}
	return found;
}

bool
saying_is_ours(struct str said)
{
	return str_find(said, str_of(typed)) >= 0 || str_find(said, str_of(in_file)) >= 0 ||
	       str_find(said, str_of(in_flake)) >= 0;
}

/* "   12|" of a line of code, or the bar of the line below it that points. */
static bool
is_code(struct str line)
{
	struct str inner = unindented(line);
	size_t digits = 0;

	while (digits < inner.n && inner.p[digits] >= '0' && inner.p[digits] <= '9')
		digits++;
	return digits < inner.n && inner.p[digits] == '|' && (digits > 0 || inner.p != line.p);
}

enum part { OF_TRACE, OF_WORDS };

/* Lines but for places in our own text and the code shown for them. */
static void
add_foreign(struct str text, enum part part, struct buf *out)
{
	bool own_code = false;

	while (text.p != NULL && text.n > 0) {
		struct str line = next_line(&text);
		if (str_starts(unindented(line), STR("at ")) && saying_is_ours(line))
			own_code = true;
		else if (own_code && !is_code(line) && str_trim(line).n > 0)
			own_code = false;
		if (own_code)
			continue;
		buf_str(out, part == OF_TRACE || is_code(line) ? str_utf8_head(line, CODE_BYTES) : line);
		buf_putc(out, '\n');
	}
}

static bool
begins_frame(struct str line)
{
	struct str inner = unindented(line);

	return inner.p != line.p && str_starts(inner, str_of(ellipsis));
}

/* Nix's own text, of which nobody has the source at hand; or the caller, named beside who was called. */
static bool
is_idle(struct str frame)
{
	return str_find(frame, STR("from call site\n")) >= 0 || str_find(frame, STR("at <nix/")) >= 0 ||
	       str_find(frame, STR("at \xc2\xabnix-internal\xc2\xbb")) >= 0;
}

/* The frames of a trace that are shown, the outer ones first: gives how many, at most FRAMES. What is ours is the outer part
 * of the trace, and goes with all around it. */
static size_t
inner_frames(struct str trace, struct str frames[FRAMES])
{
	size_t n = 0;

	while (trace.p != NULL && trace.n > 0) {
		struct str line = next_line(&trace);
		if (!begins_frame(line))
			continue;
		struct str frame = unindented(line);
		/* Up to the next one, or to "(stack trace truncated...)", "(12 duplicate frames omitted)". */
		while (trace.p != NULL && trace.n > 0 && !begins_frame(line_at(trace)) &&
		       !str_starts(unindented(line_at(trace)), STR("(")))
			line = next_line(&trace);
		frame.n = (size_t)(line.p + line.n - frame.p);
		if (saying_is_ours(frame)) {
			n = 0;
		} else if (!is_idle(frame)) {
			if (n == FRAMES)
				memmove(frames, frames + 1, (FRAMES - 1) * sizeof(*frames));
			n -= n == FRAMES;
			frames[n++] = str_trim(frame);
		}
	}
	return n;
}

void
saying_show(struct str said, struct buf *out)
{
	struct str frames[FRAMES];
	ptrdiff_t begin = last_begin(said);
	struct str all = begin > 0 ? str_from(said, (size_t)begin) : said, words = saying_last(all);
	size_t n = inner_frames((struct str){all.p, (size_t)(words.p - all.p)}, frames);

	if (n > 0)
		buf_puts(out, "error:\n");
	for (size_t i = 0; i < n; i++) {
		buf_puts(out, "       ");
		add_foreign(frames[i], OF_TRACE, out);
		buf_putc(out, '\n');
	}
	if (n > 0)
		buf_puts(out, "       ");
	add_foreign(words, OF_WORDS, out);
}
