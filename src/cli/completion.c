/* Completion scripts, from the table of commands. */
#include "cli/subcommand.h"

#include <stdio.h>

/* Within single quotes, as each of the three shells reads them: sh ends them for one, fish knows a backslash. */
static void
put_quoted(struct buf *out, const char *text, bool fish)
{
	for (const char *p = text; *p != '\0'; p++)
		if (*p == '\'')
			buf_puts(out, fish ? "\\'" : "'\\''");
		else if (*p == '\\' && fish)
			buf_puts(out, "\\\\");
		else
			buf_putc(out, *p);
}

/* What an option's value is, by the word that stands for it. */
enum completes { VALUE_NONE, VALUE_FILE, VALUE_DIR, VALUE_LIST, VALUE_BRANCH, VALUE_OTHER };

static enum completes
value_of(const struct usage_option *o)
{
	if (usage_values(o) == 0)
		return VALUE_NONE;
	if (strcmp(o->value, "FILE") == 0 || strcmp(o->value, "PROGRAM") == 0 || strcmp(o->value, "PATH") == 0)
		return VALUE_FILE;
	if (strcmp(o->value, "DIR") == 0)
		return VALUE_DIR;
	if (strcmp(o->value, "BRANCH") == 0)
		return VALUE_BRANCH;
	return strchr(o->value, '|') != NULL && strpbrk(o->value, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") == NULL ? VALUE_LIST
	                                                                                                : VALUE_OTHER;
}

static void
put_list(struct buf *out, const char *list)
{
	for (const char *p = list; *p != '\0'; p++)
		buf_putc(out, *p == '|' ? ' ' : *p);
}

static const char refs[] = "git for-each-ref --format='%(refname:short)' 2>/dev/null";

/* --- bash -------------------------------------------------------------------------------------------------------------- */

/* Names that are not ours are no word list: compgen -W would run the $(...) in a branch's name. */
#define BASH_REVISIONS "_ekaci_revisions \"$cur\""
#define BASH_FILES     "mapfile -t COMPREPLY < <(compgen -f -- \"$cur\")"

/* What is completed behind a word of `prev`; the same for the same value everywhere, so options of all commands are joined. */
static void
bash_values(struct buf *out)
{
	for (size_t i = 0; i < subcommands_n; i++)
		for (const struct usage_option *o = subcommands[i].usage->options; o != NULL && o->name != NULL; o++) {
			enum completes v = value_of(o);
			if (v == VALUE_NONE)
				continue;
			buf_printf(out, "\t%s:%s) ", subcommands[i].usage->name, o->name);
			if (v == VALUE_FILE)
				buf_puts(out, BASH_FILES);
			else if (v == VALUE_DIR)
				buf_puts(out, "mapfile -t COMPREPLY < <(compgen -d -- \"$cur\")");
			else if (v == VALUE_BRANCH)
				buf_puts(out, BASH_REVISIONS);
			else if (v == VALUE_LIST) {
				buf_puts(out, "COMPREPLY=($(compgen -W '");
				put_list(out, o->value);
				buf_puts(out, "' -- \"$cur\"))");
			}
			buf_puts(out, v == VALUE_OTHER ? "return ;;\n" : "; return ;;\n");
		}
}

static void
bash_words(struct buf *out, const struct usage *u)
{
	buf_printf(out, "\t%s)\n\t\tif [[ $cur == -* ]]; then words='", u->name);
	for (const struct usage_option *o = u->options; o != NULL && o->name != NULL; o++)
		buf_printf(out, "%s ", o->name);
	buf_puts(out, "--help'\n");
	if (u->takes == USAGE_REVISIONS)
		buf_puts(out, "\t\telse " BASH_REVISIONS "; return");
	else if (u->takes == USAGE_FILES)
		buf_puts(out, "\t\telse " BASH_FILES "; return");
	else if (u->takes == USAGE_SHELLS)
		buf_puts(out, "\t\telse words='bash zsh fish'");
	else if (u->takes == USAGE_COMMANDS)
		buf_puts(out, "\t\telse words=$commands");
	else
		buf_puts(out, "\t\telse return");
	buf_puts(out, "; fi ;;\n");
}

static void
put_bash(struct buf *out)
{
	buf_printf(out,
	    "# bash completion for ekaci, made by `ekaci completion bash`\n_ekaci_revisions()\n{\n\tlocal name\n"
	    "\twhile IFS= read -r name; do [[ $name == \"$1\"* ]] && COMPREPLY+=(\"$name\"); done < <(%s)\n}\n",
	    refs);
	buf_puts(out, "_ekaci()\n{\n"
	              "\tlocal cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} command=${COMP_WORDS[1]} words\n"
	              "\tlocal commands='");
	for (size_t i = 0; i < subcommands_n; i++)
		buf_printf(out, "%s%s", i > 0 ? " " : "", subcommands[i].usage->name);
	buf_puts(out, "'\n\tCOMPREPLY=()\n\tif [[ $COMP_CWORD -eq 1 ]]; then\n"
	              "\t\tCOMPREPLY=($(compgen -W \"$commands --help --version\" -- \"$cur\")); return\n\tfi\n"
	              "\tcase $command:$prev in\n");
	bash_values(out);
	buf_puts(out, "\tesac\n\tcase $command in\n");
	for (size_t i = 0; i < subcommands_n; i++)
		bash_words(out, subcommands[i].usage);
	buf_puts(out,
	    "\t*) return ;;\n\tesac\n\tCOMPREPLY=($(compgen -W \"$words\" -- \"$cur\"))\n}\ncomplete -o filenames -o bashdefault -F _ekaci ekaci\n");
}

/* --- zsh --------------------------------------------------------------------------------------------------------------- */

/* Within _arguments' [words]: brackets and colons are its own. */
static void
zsh_words(struct buf *out, const char *text)
{
	for (const char *p = text; *p != '\0'; p++)
		if (*p == '\'')
			buf_puts(out, "'\\''");
		else {
			if (strchr("[]:\\", *p) != NULL)
				buf_putc(out, '\\');
			buf_putc(out, *p);
		}
}

static void
zsh_option(struct buf *out, const struct usage_option *o)
{
	enum completes v = value_of(o);

	buf_printf(out, " \\\n\t\t\t'*%s[", o->name);
	zsh_words(out, o->what);
	buf_putc(out, ']');
	for (int i = 0; i < usage_values(o); i++) {
		buf_puts(out, ":value:");
		if (v == VALUE_FILE)
			buf_puts(out, "_files");
		else if (v == VALUE_DIR)
			buf_puts(out, "_files -/");
		else if (v == VALUE_BRANCH)
			buf_puts(out, "_ekaci_revisions");
		else if (v == VALUE_LIST) {
			buf_putc(out, '(');
			put_list(out, o->value);
			buf_putc(out, ')');
		} else
			buf_putc(out, ' ');
	}
	buf_putc(out, '\'');
}

static void
put_zsh(struct buf *out)
{
	static const char *const words[] = {[USAGE_NOTHING] = NULL,
	    [USAGE_FILES] = "_files",
	    [USAGE_REVISIONS] = "_ekaci_revisions",
	    [USAGE_COMMANDS] = "_ekaci_commands",
	    [USAGE_SHELLS] = "(bash zsh fish)"};

	buf_puts(out, "#compdef ekaci\n# zsh completion for ekaci, made by `ekaci completion zsh`\n");
	buf_printf(out, "_ekaci_revisions()\n{\n\tlocal -a refs\n\trefs=(${(f)\"$(%s)\"})\n\tcompadd -a refs\n}\n", refs);
	buf_puts(out, "_ekaci_commands()\n{\n\tlocal -a commands\n\tcommands=(");
	for (size_t i = 0; i < subcommands_n; i++) {
		buf_printf(out, "\n\t\t'%s:", subcommands[i].usage->name);
		put_quoted(out, subcommands[i].usage->what, false);
		buf_putc(out, '\'');
	}
	buf_puts(out,
	    ")\n\t_describe command commands\n}\n_ekaci()\n{\n\tif (( CURRENT == 2 )); then\n\t\t_ekaci_commands\n\t\treturn\n"
	    "\tfi\n\tlocal command=$words[2]\n\twords=(\"${(@)words[2,-1]}\")\n\t(( CURRENT-- ))\n\tcase $command in\n");
	for (size_t i = 0; i < subcommands_n; i++) {
		const struct usage *u = subcommands[i].usage;
		buf_printf(out, "\t%s)\n\t\t_arguments '(- *)--help[its help]'", u->name);
		for (const struct usage_option *o = u->options; o != NULL && o->name != NULL; o++)
			zsh_option(out, o);
		if (words[u->takes] != NULL)
			buf_printf(out, " \\\n\t\t\t'*:word:%s'", words[u->takes]);
		buf_puts(out, " ;;\n");
	}
	buf_puts(out, "\tesac\n}\nif [[ $funcstack[1] == _ekaci ]]; then _ekaci \"$@\"; else compdef _ekaci ekaci; fi\n");
}

/* --- fish -------------------------------------------------------------------------------------------------------------- */

static void
fish_option(struct buf *out, const char *command, const struct usage_option *o)
{
	bool is_long = o->name[1] == '-';

	buf_printf(out, "complete -c ekaci -n '__fish_seen_subcommand_from %s' %s %s", command, is_long ? "-l" : "-s",
	    o->name + 1 + is_long);
	switch (value_of(o)) {
	case VALUE_NONE: break;
	case VALUE_FILE: buf_puts(out, " -r -F"); break;
	case VALUE_DIR: buf_puts(out, " -x -a '(__fish_complete_directories)'"); break;
	case VALUE_BRANCH: buf_puts(out, " -x -a '(__ekaci_revisions)'"); break;
	case VALUE_LIST:
		buf_puts(out, " -x -a '");
		put_list(out, o->value);
		buf_putc(out, '\'');
		break;
	case VALUE_OTHER: buf_puts(out, " -x"); break;
	}
	buf_puts(out, " -d '");
	put_quoted(out, o->what, true);
	buf_puts(out, "'\n");
}

static void
put_fish(struct buf *out)
{
	static const char *const words[] = {[USAGE_NOTHING] = NULL,
	    [USAGE_FILES] = "-F",
	    [USAGE_REVISIONS] = "-a '(__ekaci_revisions)'",
	    [USAGE_COMMANDS] = NULL,
	    [USAGE_SHELLS] = "-a 'bash zsh fish'"};

	buf_printf(out,
	    "# fish completion for ekaci, made by `ekaci completion fish`\nfunction __ekaci_revisions\n\t%s\nend\n"
	    "complete -c ekaci -f\ncomplete -c ekaci -n __fish_use_subcommand -l version -d 'the version'\n",
	    refs);
	for (size_t i = 0; i < subcommands_n; i++) {
		const struct usage *u = subcommands[i].usage;
		buf_printf(out, "complete -c ekaci -n __fish_use_subcommand -a %s -d '", u->name);
		put_quoted(out, u->what, true);
		buf_printf(out, "'\ncomplete -c ekaci -n '__fish_seen_subcommand_from help' -a %s\n", u->name);
		for (const struct usage_option *o = u->options; o != NULL && o->name != NULL; o++)
			fish_option(out, u->name, o);
		if (words[u->takes] != NULL)
			buf_printf(out, "complete -c ekaci -n '__fish_seen_subcommand_from %s' %s\n", u->name, words[u->takes]);
	}
	buf_puts(out, "complete -c ekaci -l help -d 'its help'\n");
}

int
completion_main(int argc, char **argv)
{
	static const struct {
		const char *name;
		void (*put)(struct buf *out);
	} shells[] = {{"bash", put_bash}, {"zsh", put_zsh}, {"fish", put_fish}};
	AUTO(buf_release) struct buf out = {0};

	buf_init(&out, SIZE_MAX / 4);
	for (size_t i = 0; i < COUNT(shells); i++)
		if (argc == 2 && strcmp(argv[1], shells[i].name) == 0)
			shells[i].put(&out);
	fwrite(out.p, 1, out.n, stdout);
	if (out.n == 0)
		fputs("ekaci completion: which shell? There are bash, zsh and fish\nsee ekaci completion --help\n", stderr);
	return out.n > 0 ? 0 : 2;
}
