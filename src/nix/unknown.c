/* Nix' words for what could not be told, by kind and version. */
#include "nix/unknown.h"

#include <stdio.h>

static const char *const names[UNKNOWN_KINDS] = {
    [UNKNOWN_NOT] = "fact",
    [UNKNOWN_ADDRESS] = "address",
    [UNKNOWN_PATH] = "path",
    [UNKNOWN_SEARCH_PATH] = "searchpath",
    [UNKNOWN_FEATURE] = "feature",
    [UNKNOWN_FETCH] = "fetch",
    [UNKNOWN_STORE] = "store",
    [UNKNOWN_IMPORT] = "import",
    [UNKNOWN_MACHINE] = "machine",
    [UNKNOWN_SUBMODULE] = "submodule",
    [UNKNOWN_DEPTH] = "depth",
    [UNKNOWN_DAEMON] = "daemon",
    [UNKNOWN_CONFIG] = "config",
};

/*
 * A message begins with the text; a star is any text, the first one is the name. The words of the versions that are
 * tested: 2.8, 2.26.3, 2.34.8; where none stands, all of them say so.
 */
static const struct sign {
	enum unknown_kind kind;
	const char *text;
	const char *name; /* where the message has no star for it */
} signs[] = {
    {UNKNOWN_ADDRESS, "access to URI '*' is forbidden in restricted mode", NULL},
    {UNKNOWN_PATH, "access to absolute path '*' is forbidden in restricted mode", NULL},
    {UNKNOWN_PATH, "access to path '*' is forbidden in restricted mode", NULL},
    {UNKNOWN_PATH, "access to canonical path '*' is forbidden in restricted mode", NULL}, /* a link that leads out */
    {UNKNOWN_SEARCH_PATH, "file '*' was not found in the Nix search path", NULL},
    {UNKNOWN_FEATURE, "experimental Nix feature '*' is disabled", NULL},
    {UNKNOWN_FEATURE, "experimental Lix feature '*' is disabled", NULL},
    {UNKNOWN_FEATURE, "attribute 'fetchClosure' missing", "fetch-closure"},
    {UNKNOWN_FEATURE, "attribute 'outputOf' missing", "dynamic-derivations"},
    {UNKNOWN_DEPTH, UNKNOWN_DEPTH_WORDS "*", NULL},
    {UNKNOWN_DAEMON, "cannot connect to socket at '*'", NULL},
    {UNKNOWN_DAEMON, "cannot connect to daemon at '*'", NULL},
    {UNKNOWN_DAEMON, "cannot open connection to remote store '*'", NULL},
    {UNKNOWN_DAEMON, "failed to start SSH connection to '*'", NULL},
    {UNKNOWN_FETCH, "unable to download '*'", NULL},
    {UNKNOWN_FETCH, "Failed to open archive (Source threw exception: error: unable to download '*'", NULL}, /* 2.26, 2.34 */
    {UNKNOWN_FETCH, "cannot fetch input '*' because it uses a relative path", NULL},                        /* 2.8 */
    {UNKNOWN_FETCH, "program 'git' failed with exit code", "a git repository"},                             /* 2.8 */
    {UNKNOWN_FETCH, "resolving Git reference '*': revspec", NULL},                                          /* 2.26 */
    {UNKNOWN_FETCH, "Cannot find Git revision '*' in ref", NULL},                                           /* 2.26 */
    {UNKNOWN_FETCH, "cannot find Git revision '*' in ref", NULL},
    {UNKNOWN_FETCH, "Failed to fetch git repository '*'", NULL},  /* 2.34 */
    {UNKNOWN_FETCH, "Git repository \"*\" does not exist", NULL}, /* 2.34 */
    {UNKNOWN_FETCH, "tarball \"*\" does not exist", NULL},        /* 2.34 */
    {UNKNOWN_FETCH, "hg failed with exit code", "a Mercurial repository"},
    {UNKNOWN_FETCH, "cannot find flake '*' in the flake registries", NULL},
    {UNKNOWN_STORE, "path '*' is not valid", NULL},                             /* 2.8 */
    {UNKNOWN_STORE, "path '*' does not exist and cannot be created", NULL},     /* 2.8, 2.26 */
    {UNKNOWN_STORE, "path '*' is required, but there is no substituter", NULL}, /* 2.34 */
    {UNKNOWN_IMPORT, "cannot build '*' during evaluation because the option 'allow-import-from-derivation' is disabled", NULL},
    {UNKNOWN_MACHINE, "a '*' with features {*} is required to build", NULL},      /* 2.8, 2.26 */
    {UNKNOWN_MACHINE, "Cannot build '*'. Reason: platform mismatch", NULL},       /* 2.34 */
    {UNKNOWN_MACHINE, "Cannot build '*'. Reason: missing system features", NULL}, /* 2.34 */
    {UNKNOWN_CONFIG, UNKNOWN_ATTR_PATH "*names nothing", NULL},
};

const char *
unknown_kind_name(enum unknown_kind kind)
{
	return names[kind];
}

/* How much of text is what sign says, or 0; *star is what its first star stands for, up to the end if it is the last. */
static size_t
begins(struct str text, const char *sign, struct str *star)
{
	bool first = true;
	size_t all = text.n;
	struct str rest = str_of(sign), part = str_cut(rest, '*', &rest);

	*star = (struct str){NULL, 0};
	if (!str_starts(text, part))
		return 0;
	text = str_from(text, part.n);
	while (rest.p != NULL) {
		part = str_cut(rest, '*', &rest);
		ptrdiff_t at = part.n > 0 ? str_find(text, part) : (ptrdiff_t)text.n;
		if (at < 0)
			return 0;
		if (first)
			*star = (struct str){text.p, (size_t)at};
		first = false;
		text = str_from(text, (size_t)at + part.n);
	}
	return all - text.n;
}

/* Whether the line up to at holds nothing: spaces, or the quote in which a JSON string begins. */
static bool
at_line_start(struct str text, size_t at)
{
	while (at > 0 && text.p[at - 1] == ' ')
		at--;
	if (at == 0 || text.p[at - 1] == '\n' || text.p[at - 1] == '"')
		return true;
	return at > 1 && text.p[at - 1] == 'n' && text.p[at - 2] == '\\';
}

/* With a trace (Nix from 2.24) the frame next to the message says who said it: a throw is the repository's own. */
static bool
is_thrown(struct str before)
{
	static const char *const own[] = {" calling the 'throw' builtin", " calling the 'abort' builtin"};
	ptrdiff_t at;

	while ((at = str_find(before, STR(" while "))) >= 0) {
		before = str_from(before, (size_t)at + 6);
		for (size_t i = 0; i < COUNT(own); i++)
			if (str_starts(before, str_of(own[i])) && str_find(before, STR(" while ")) < 0)
				return true;
	}
	return false;
}

/* The message in text, at most n - 1 bytes: one line, newlines and what is indented behind them as one space. *first is
 * how long its first line is. */
static size_t
one_line(struct str text, char *ret, size_t n, size_t *first)
{
	size_t len = 0;

	*first = 0;

	for (size_t i = 0; i < text.n && len + 1 < n; i++) {
		bool escaped = text.p[i] == '\\' && i + 1 < text.n;
		char c = text.p[i];
		if (*first == 0 && (c == '\n' || (escaped && text.p[i + 1] == 'n')))
			*first = len;
		if (escaped) {
			c = text.p[++i];
			c = c == 'n' || c == 't' ? ' ' : c;
		}
		if ((unsigned char)c < ' ')
			c = ' ';
		if (c == ' ' && len > 0 && ret[len - 1] == ' ')
			continue;
		ret[len++] = c;
	}
	ret[len] = '\0';
	if (*first == 0)
		*first = len;
	return len;
}

static bool
read_message(struct str text, struct unknown *ret)
{
	char message[1000];
	size_t first, n;
	struct str line = {message, one_line(text, message, sizeof(message), &first)}, star;

	for (size_t i = 0; i < COUNT(signs); i++) {
		const struct sign *s = &signs[i];
		if ((n = begins(line, s->text, &star)) == 0)
			continue;
		if (s->name != NULL)
			star = str_of(s->name);
		ret->kind = s->kind;
		snprintf(ret->name, sizeof(ret->name), STR_FMT, STR_ARG(str_utf8_head(star, sizeof(ret->name) - 1)));
		/* What stands below is where in the source code, and what others said. */
		line.n = n < first ? first : n;
		line = str_utf8_head(str_trim(line), sizeof(ret->words) - sizeof("error: "));
		snprintf(ret->words, sizeof(ret->words), "error: " STR_FMT, STR_ARG(line));
		return true;
	}
	return false;
}

bool
unknown_of(struct str text, struct unknown *ret)
{
	static const struct str mark = {"error: ", 7};
	size_t at = 0;
	ptrdiff_t next;

	*ret = (struct unknown){.kind = UNKNOWN_NOT};
	while ((next = str_find(str_from(text, at), mark)) >= 0) {
		at += (size_t)next;
		if (at_line_start(text, at) && !is_thrown((struct str){text.p, at}) &&
		    read_message(str_from(text, at + mark.n), ret))
			return true;
		at += mark.n;
	}
	return false;
}

bool
unknown_counts(const struct unknown *u, bool pure)
{
	if (u->kind == UNKNOWN_NOT)
		return false;
	if (pure && u->kind == UNKNOWN_SEARCH_PATH)
		return false;
	/* A store path that may not be read is an input that was not found. */
	return !(pure && u->kind == UNKNOWN_PATH && !str_starts(str_of(u->name), STR("/nix")));
}

/* What to do about each kind: for the operator of a bot, then for who runs `ekaci diff`. An at sign in the text stands for the name
 * (the address, path or feature) that the message told. */
static const char *const advice[UNKNOWN_KINDS][2] = {
    [UNKNOWN_ADDRESS] = {"[evaluate] allowed_uris = [\"@\"] in ekaci.toml allows it (the beginning of an address is enough)",
        "name it in --allowed-uris, or take restrict-eval out of nix.conf"},
    [UNKNOWN_PATH] =
        {"an evaluation reads the repository and the store only; [evaluate] nix_options = { nix-path = \"NAME=PATH\" } in "
         "ekaci.toml shows it another folder",
            "leave out --allowed-uris, or take restrict-eval out of nix.conf"},
    [UNKNOWN_SEARCH_PATH] = {"[evaluate] nix_options = { nix-path = \"@=PATH or address\" } in ekaci.toml says where it is",
        "NIX_PATH=@=PATH says where it is, as for nix-build"},
    [UNKNOWN_FEATURE] = {"[evaluate] experimental_features = [\"@\"] in ekaci.toml switches it on",
        "extra-experimental-features = @ in nix.conf, or in NIX_CONFIG, switches it on"},
    [UNKNOWN_FETCH] = {"try again when it can be reached; who may fetch what is [evaluate] fetch_trusted, allowed_uris and "
                       "allow_network in ekaci.toml",
        "try again when it can be reached, without --offline; tokens and passwords are those of your nix.conf and netrc"},
    [UNKNOWN_STORE] = {"it must be in this machine's store first", "it must be in this machine's store first"},
    [UNKNOWN_IMPORT] =
        {"it is built while the evaluation waits (import from derivation); [evaluate] allow_import_from_derivation = "
         "true in ekaci.toml allows that",
            "it is built while the evaluation waits (import from derivation); --allow-import-from-derivation allows that"},
    [UNKNOWN_MACHINE] = {"Nix needs a machine that builds it (builders in nix.conf)",
        "Nix needs a machine that builds it (builders in nix.conf)"},
    [UNKNOWN_SUBMODULE] =
        {"@ is a submodule; \"submodules\": true in the job, in .ekaci/config.json of the base branch, has it taken",
            "@ is a submodule; --submodules, or \"submodules\": true in the job of .ekaci/config.json, has it taken"},
    [UNKNOWN_DEPTH] = {"[evaluate] max_depth in ekaci.toml says how deep to look",
        "name what is deeper by --file, --flake or a job's attr_path"},
    [UNKNOWN_DAEMON] = {"Nix cannot reach its store (NIX_REMOTE, store in nix.conf)",
        "Nix cannot reach its store (NIX_REMOTE, store in nix.conf)"},
    [UNKNOWN_CONFIG] = {"write an attribute that is there as \"attr_path\" of the job in .ekaci/config.json",
        "write an attribute that is there as \"attr_path\" of the job in .ekaci/config.json"},
};

void
unknown_advice(const struct unknown *u, enum unknown_reader reader, struct buf *out)
{
	const char *text = advice[u->kind][reader];
	struct str name = str_of(u->name), rest;

	if (u->kind == UNKNOWN_SEARCH_PATH)
		name = str_cut(name, '/', &rest); /* <nixpkgs/lib> */
	for (; text != NULL && *text != '\0'; text++) {
		if (*text == '@')
			buf_str(out, name);
		else
			buf_putc(out, *text);
	}
}
