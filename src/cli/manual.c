/* Manual pages in mdoc, from the table of commands. */
#include "cli/subcommand.h"

#include <ctype.h>

enum { LINE = 78 };
static const char date[] = "November 28, 2026"; /* when the words of the table were last read over */

/* A word where mdoc reads text: a backslash is one, what begins a line is no macro. */
static void
put_word(struct str word, bool begins, struct buf *out)
{
	if (begins && (word.p[0] == '.' || word.p[0] == '\''))
		buf_puts(out, "\\&");
	for (size_t i = 0; i < word.n; i++)
		if (word.p[i] == '\\')
			buf_puts(out, "\\e");
		else
			buf_putc(out, word.p[i]);
}

/* Text in lines; a sentence begins one, as mandoc wants it. */
static void
put_text(const char *text, struct buf *out)
{
	size_t column = 0;

	for (const char *p = text + strspn(text, " \n"); *p != '\0'; p += strspn(p, " \n")) {
		size_t n = strcspn(p, " \n");
		if (column > 0 && column + n + 1 > LINE) {
			buf_putc(out, '\n');
			column = 0;
		}
		if (column > 0)
			buf_putc(out, ' ');
		put_word((struct str){p, n}, column == 0, out);
		column += n + 1;
		char last = p[n - 1];
		if ((last == '.' || last == '?') && p[n] != '\0' && isupper((unsigned char)p[n + strspn(p + n, " \n")])) {
			buf_putc(out, '\n');
			column = 0;
		}
		p += n;
	}
	if (column > 0)
		buf_putc(out, '\n');
}

static void
flush(struct arena *a, struct buf *paragraph, bool *again, struct buf *out)
{
	if (paragraph->n == 0)
		return;
	if (*again)
		buf_puts(out, ".Pp\n");
	put_text(str_dup(a, buf_get(paragraph)), out);
	buf_drop(paragraph, paragraph->n);
	*again = true;
}

/* Paragraphs, and lines that begin with a blank, which stay. again: something stands above. */
static void
put_words(const char *words, bool again, struct buf *out)
{
	AUTO(buf_release) struct buf paragraph = {0};
	struct arena a = {0};
	bool literal = false;

	buf_init(&paragraph, SIZE_MAX / 4);
	for (struct str rest = str_of(words), line; rest.p != NULL;) {
		line = str_cut(rest, '\n', &rest);
		bool stays = line.n > 0 && line.p[0] == ' ';
		if (stays || line.n == 0)
			flush(&a, &paragraph, &again, out);
		if (stays != literal)
			buf_puts(out, stays ? ".Bd -literal\n" : ".Ed\n");
		literal = stays;
		if (stays) {
			put_word(line, false, out);
			buf_putc(out, '\n');
		} else if (line.n > 0) {
			buf_printf(&paragraph, "%s" STR_FMT, paragraph.n > 0 ? " " : "", STR_ARG(line));
		}
	}
	flush(&a, &paragraph, &again, out);
	if (literal)
		buf_puts(out, ".Ed\n");
	arena_release(&a);
}

static void
put_head(const char *name, const char *what, const char *version, struct buf *out)
{
	struct str number = str_trim(str_of(version));

	buf_printf(out, ".Dd %s\n.Dt ", date);
	for (const char *p = name; *p != '\0'; p++)
		buf_putc(out, (char)toupper((unsigned char)*p));
	buf_printf(out, " 1\n.Os \"ekaci " STR_FMT "\"\n.Sh NAME\n.Nm %s\n.Nd %s\n", STR_ARG(number), name, what);
}

static void
put_synopsis(const struct usage *u, struct buf *out)
{
	for (struct str rest = str_of(u->synopsis), line; rest.p != NULL;) {
		line = str_cut(rest, '\n', &rest);
		buf_printf(out, ".Nm ekaci\n.Cm %s\n", u->name);
		if (line.n > 0) {
			put_word(line, true, out);
			buf_putc(out, '\n');
		}
	}
}

static void
put_options(const struct usage_option *options, struct buf *out)
{
	for (const struct usage_option *o = options; o->name != NULL; o++) {
		if (o == options || o->group != NULL)
			buf_printf(out, "%s.Ss %s\n.Bl -tag -width Ds\n", o == options ? "" : ".El\n",
			    o->group != NULL ? o->group : "Options");
		buf_printf(out, ".It Fl %s", o->name + 1);
		if (o->alias != NULL)
			buf_printf(out, " , Fl %s", o->alias + 1);
		if (usage_values(o) > 0)
			buf_printf(out, " Ar %s", o->value);
		buf_putc(out, '\n');
		put_text(o->what, out);
	}
	buf_puts(out, ".El\n");
}

static void
put_codes(const struct usage *u, struct buf *out)
{
	static const char common[] = ".It 2\nIt could not be told or done, or the command line is wrong.\n"
	                             ".It 130\nIt was interrupted.\n.El\n";

	buf_puts(out, ".Sh EXIT STATUS\n.Bl -tag -width Ds\n.It 0\n");
	put_text(u != NULL && u->good != NULL ? u->good : "It is done, or the answer is a good one.", out);
	if (u == NULL || u->bad != NULL) {
		buf_puts(out, ".It 1\n");
		put_text(u != NULL ? u->bad : "The answer is a bad one: something newly fails, differs, is not there.", out);
	}
	buf_puts(out, common);
}

static void
put_examples(const struct usage_example *examples, struct buf *out)
{
	buf_puts(out, ".Sh EXAMPLES\n.Bl -tag -width Ds\n");
	for (const struct usage_example *x = examples; x->line != NULL; x++) {
		buf_puts(out, ".It Li ");
		/* A word that is a macro's name, or a mark, is text here. */
		for (struct str rest = str_of(x->line), word; rest.p != NULL;) {
			word = str_cut(rest, ' ', &rest);
			buf_puts(out, "\\&");
			put_word(word, false, out);
			buf_putc(out, rest.p != NULL ? ' ' : '\n');
		}
		put_text(x->what, out);
	}
	buf_puts(out, ".El\n");
}

static const char about[] =
    "Compares two revisions of a Nix repository: attributes that are added, removed or rebuilt, what each rebuild is caused by, how "
    "far it spreads, what newly fails to evaluate, and, when asked, what newly fails to build.\n\n"
    "As a bot, it does so for every pull request, merge group and push to the default branch of the repositories on GitHub that it "
    "is installed on.\n\nEach command has a page of its own.";
static const char files[] =
    ".Sh ENVIRONMENT\n.Bl -tag -width Ds\n"
    ".It Ev GITHUB_TOKEN , Ev GH_TOKEN\nWith what\n.Xr ekaci-pr 1\nasks GitHub.\n"
    ".It Ev NO_COLOR\nNo colours, even on a terminal.\n"
    ".It Ev XDG_CACHE_HOME\nWhere evaluations are kept, in a folder\n.Pa ekaci .\n.El\n"
    ".Sh FILES\n.Bl -tag -width Ds\n"
    ".It Pa /etc/ekaci/ekaci.toml\nThe bot's settings; every key, its default and its reason stand in\n"
    ".Pa ekaci.toml.example .\n"
    ".It Pa .ekaci/config.json\nA repository's own jobs and rules, read from the base branch; "
    "every key\nstands in\n.Pa config.json.md .\n"
    ".It Pa ~/.cache/ekaci\nEvaluations that are kept, and submodules that a clone does not have.\n.El\n";

static void
put_all(const char *version, struct buf *out)
{
	static const struct usage_example examples[] = {{"ekaci diff", "what my work so far rebuilds"},
	    {"ekaci pr 4711 --build", "whether a pull request still builds"},
	    {"ekaci explain python3Packages.numpy", "why numpy is rebuilt"}, {0}};

	put_head("ekaci", "what a change of a Nix repository rebuilds, why, and whether it still builds", version, out);
	buf_puts(out, ".Sh SYNOPSIS\n.Nm\n.Ar COMMAND\n.Op Ar ARGUMENTS\n.Nm\n.Fl -help | Fl -version\n.Sh DESCRIPTION\n");
	put_words(about, false, out);
	for (size_t i = 0; i < subcommands_n; i++) {
		const struct usage *u = subcommands[i].usage;
		if (subcommands[i].group != NULL)
			buf_printf(out, "%s.Ss %s\n.Bl -tag -width Ds\n", i > 0 ? ".El\n" : "", subcommands[i].group);
		buf_printf(out, ".It Xr ekaci-%s 1\n", u->name);
		put_text(u->what, out);
	}
	buf_puts(out, ".El\n");
	buf_puts(out, files);
	put_codes(NULL, out);
	put_examples(examples, out);
	buf_puts(out, ".Sh SEE ALSO\n.Xr git 1 ,\n.Xr nix-store 1 ,\n.Xr nix.conf 5\n");
}

void
manual_page(const struct subcommand *c, const char *version, struct buf *out)
{
	struct arena a = {0};

	if (c == NULL) {
		put_all(version, out);
		return;
	}
	const struct usage *u = c->usage;
	put_head(arena_printf(&a, "ekaci-%s", u->name), u->what, version, out);
	buf_puts(out, ".Sh SYNOPSIS\n");
	put_synopsis(u, out);
	buf_puts(out, ".Sh DESCRIPTION\n");
	put_text(arena_printf(&a, "%c%s.", toupper((unsigned char)u->what[0]), u->what + 1), out);
	if (u->words != NULL)
		put_words(u->words, true, out);
	if (u->options != NULL)
		put_options(u->options, out);
	put_codes(u, out);
	if (u->examples != NULL)
		put_examples(u->examples, out);
	buf_puts(out, ".Sh SEE ALSO\n.Xr ekaci 1\n");
	arena_release(&a);
}
