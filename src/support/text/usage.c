/* A table of options, printed and read. */
#include "support/text/usage.h"

#include "support/text/nearest.h"

enum { COLUMNS = 80, NAMES = 24 }; /* NAMES: where at the latest the words of an option begin */

void
usage_wrap(struct buf *out, const char *text, size_t indent, size_t column)
{
	size_t at = column;
	bool first = true;

	for (const char *p = text + strspn(text, " \n"); *p != '\0'; p += strspn(p, " \n")) {
		size_t n = strcspn(p, " \n");
		if (!first && at + 1 + n > COLUMNS) {
			buf_printf(out, "\n%*s", (int)indent, "");
			at = indent;
		} else if (!first) {
			buf_putc(out, ' ');
			at++;
		}
		buf_add(out, p, n);
		at += n;
		p += n;
		first = false;
	}
	buf_putc(out, '\n');
}

static void
put_forms(const struct usage *u, struct buf *out)
{
	const char *before = "usage:";

	for (struct str rest = str_of(u->synopsis), line; rest.p != NULL; before = "      ") {
		line = str_cut(rest, '\n', &rest);
		buf_printf(out, "%s ekaci %s%s" STR_FMT "\n", before, u->name, line.n > 0 ? " " : "", STR_ARG(line));
	}
}

/* Paragraphs are wrapped, lines that begin with a blank stay. */
static void
put_words(const char *words, struct buf *out)
{
	struct arena a = {0};
	AUTO(buf_release) struct buf paragraph = {0};

	buf_init(&paragraph, SIZE_MAX / 4);
	for (struct str rest = str_of(words), line; rest.p != NULL;) {
		line = str_cut(rest, '\n', &rest);
		bool stays = line.n == 0 || line.p[0] == ' ';
		if (!stays)
			buf_printf(&paragraph, "%s" STR_FMT, paragraph.n > 0 ? " " : "", STR_ARG(line));
		if ((stays || rest.p == NULL) && paragraph.n > 0) {
			usage_wrap(out, str_dup(&a, buf_get(&paragraph)), 0, 0);
			buf_drop(&paragraph, paragraph.n);
		}
		if (stays)
			buf_printf(out, STR_FMT "\n", STR_ARG(line));
	}
	arena_release(&a);
}

static size_t
width(const struct usage_option *o)
{
	return strlen(o->name) + (o->alias != NULL ? strlen(o->alias) + 2 : 0) +
	       (usage_values(o) > 0 ? strlen(o->value) + 1 : 0);
}

static void
put_options(const struct usage_option *options, struct buf *out)
{
	size_t column = 0;

	for (const struct usage_option *o = options; o->name != NULL; o++)
		if (width(o) + 4 > column && width(o) + 4 <= NAMES)
			column = width(o) + 4;
	for (const struct usage_option *o = options; o->name != NULL; o++) {
		size_t at = width(o) + 2;
		if (o == options || o->group != NULL)
			buf_printf(out, "\n%s:\n", o->group != NULL ? o->group : "Options");
		buf_printf(out, "  %s%s%s%s%s", o->name, o->alias != NULL ? ", " : "", o->alias != NULL ? o->alias : "",
		    usage_values(o) > 0 ? " " : "", usage_values(o) > 0 ? o->value : "");
		if (at + 2 > column)
			buf_printf(out, "\n%*s", (int)column, "");
		else
			buf_printf(out, "%*s", (int)(column - at), "");
		usage_wrap(out, o->what, column, column);
	}
}

static void
put_codes(const struct usage *u, struct buf *out)
{
	struct arena a = {0};

	buf_putc(out, '\n');
	usage_wrap(out,
	    arena_printf(&a, "Exit code: 0 %s, %s%s2 it could not be told or done, 130 it was interrupted.",
	        u->good != NULL ? u->good : "it is done", u->bad != NULL ? arena_printf(&a, "1 %s", u->bad) : "",
	        u->bad != NULL ? ", " : ""),
	    0, 0);
	arena_release(&a);
}

void
usage_help(const struct usage *u, struct buf *out)
{
	put_forms(u, out);
	buf_printf(out, "\n%c%s.\n", u->what[0] >= 'a' && u->what[0] <= 'z' ? u->what[0] - 'a' + 'A' : u->what[0], u->what + 1);
	if (u->words != NULL) {
		buf_putc(out, '\n');
		put_words(u->words, out);
	}
	if (u->options != NULL)
		put_options(u->options, out);
	for (const struct usage_example *x = u->examples; x != NULL && x->line != NULL; x++) {
		buf_printf(out, "%s  %s\n      ", x == u->examples ? "\nFor example:\n" : "", x->line);
		usage_wrap(out, x->what, 6, 6);
	}
	put_codes(u, out);
}

int
usage_values(const struct usage_option *o)
{
	int n = o->value != NULL && *o->value != '\0';

	for (const char *p = o->value; n > 0 && *p != '\0'; p++)
		n += *p == ' ';
	return n;
}

/* --- reading ----------------------------------------------------------------------------------------------------------- */

const struct usage_option *
usage_option(const struct usage *u, const char *name)
{
	for (const struct usage_option *o = u->options; o != NULL && o->name != NULL; o++)
		if (strcmp(o->name, name) == 0 || str_same(o->alias, name))
			return o;
	return NULL;
}

static int
unknown(const struct usage *u, const char *word, struct err *e)
{
	struct arena a = {0};
	struct str value;
	struct nearest near = {.meant = str_dup(&a, str_cut(str_of(word), '=', &value))};

	for (const struct usage_option *o = u->options; o != NULL && o->name != NULL; o++)
		nearest_offer(&near, o->name);
	arena_release(&a);
	return near.found == NULL ? fail(e, ERR_INPUT, "there is no option %.60s", word)
	                          : fail(e, ERR_INPUT, "there is no option %.60s; did you mean %s?", word, near.found);
}

/* NAME=VALUE, or nothing we know. */
static int
option_with_equal(struct usage_reader *r, char *word, struct err *e)
{
	struct arena a = {0};
	struct str value, name = str_cut(str_of(word), '=', &value);

	r->option = value.p != NULL ? usage_option(r->u, str_dup(&a, name)) : NULL;
	arena_release(&a);
	if (r->option == NULL)
		return unknown(r->u, word, e);
	if (usage_values(r->option) != 1)
		return fail(e, ERR_INPUT, "%.60s: %s takes %s", word, r->option->name,
		    usage_values(r->option) == 0 ? "no value" : "words of their own");
	r->of_equal = word + name.n + 1;
	r->values = &r->of_equal;
	return USAGE_OPTION;
}

int
usage_next(struct usage_reader *r, struct err *e)
{
	if (r->at < r->argc && !r->words_only && strcmp(r->argv[r->at], "--") == 0) {
		r->words_only = true;
		r->at++;
	}
	if (r->at >= r->argc)
		return USAGE_END;
	char *word = r->argv[r->at++];
	r->values = &r->argv[r->at - 1];
	if (r->words_only || word[0] != '-' || word[1] == '\0')
		return USAGE_WORD;
	r->option = usage_option(r->u, word);
	if (r->option == NULL)
		return option_with_equal(r, word, e);
	int values = usage_values(r->option);
	if (r->at + values > r->argc)
		return fail(e, ERR_INPUT, "%.60s wants %s", word, values == 1 ? "a value" : r->option->value);
	r->values++;
	r->at += values;
	return USAGE_OPTION;
}
