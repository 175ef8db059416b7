/* What somebody asked for. */
#include "cli/request.h"

#include "evaluate/sandbox.h"
#include "records/list.h"
#include "support/text/json.h"
#include "support/text/nearest.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum request_option {
	REPO,
	FILE_OF,
	FLAKE,
	JOB,
	ALL,
	NO_PROOF,
	FIRST,
	MERGE,
	SUBMODULES,
	PULL,
	REMOTE,
	ONTO,
	BUILD,
	COST,
	CHECK,
	FORMAT,
	JSON,
	WATCH,
	RUN,
	OFFLINE,
	URIS,
	IFD,
	SANDBOX,
	EVALUATOR,
	WORKERS
};

#define OF_WHAT                                                                                                           \
	{"--repo", "DIR", .what = "the repository; else the one you are in",                                              \
	    "What to evaluate (else .ekaci/config.json of the base, flake.nix, default.nix)", .means = REPO},             \
	    {"--file", "FILE", .what = "this file of it", .means = FILE_OF},                                              \
	    {"--flake", "REF", .what = "these outputs of its flake, as in \".#checks\"", .means = FLAKE},                 \
	    {"--job", "NAME", .what = "this job of its configuration alone", .means = JOB},                               \
	    {"--all", NULL, .what = "whatever its rules say about the changed paths", .means = ALL},                      \
	    {"--no-proof", NULL,                                                                                          \
	        .what = "also what is proved not to differ, because nothing that BASE's evaluation read looks otherwise", \
	        .means = NO_PROOF},                                                                                       \
	{                                                                                                                 \
		"--submodules", NULL, "with submodules, also for jobs that do not take them", .means = SUBMODULES         \
	}
#define OF_PULL                                                                                                    \
	{"--remote", "NAME", .what = "the remote with the pull request (upstream, else origin)", .means = REMOTE}, \
	{                                                                                                          \
		"--onto", "BRANCH", "the branch it is to be merged into; else what GitHub says", .means = ONTO     \
	}
#define OF_SIDES                                                                                                      \
	{"--pr", "N|URL", .what = "a pull request instead of revisions (see ekaci pr)", .means = PULL}, OF_PULL,      \
	{                                                                                                             \
		"--merge", NULL,                                                                                      \
		    "BASE with HEAD merged into it, as GitHub would, so that what BASE did meanwhile does not count", \
		    .means = MERGE                                                                                    \
	}
#define OF_DOING                                                                                                         \
	{"--build", NULL, .what = "build it, and tell newly failing from still failing", "What to do besides",           \
	    .means = BUILD},                                                                                             \
	    {"--cost", NULL, .what = "say what is there, and what building the rest takes, by what --build took before", \
	        .means = COST},                                                                                          \
	    {"--check", NULL, .what = "build what is there already once more, too, and say what comes out differently",  \
	        .means = CHECK},                                                                                         \
	    {"--format", "text|markdown|json|html", .what = "of the report", .means = FORMAT},                           \
	{                                                                                                                \
		"--json", NULL, .what = "the same as --format json", .means = JSON                                       \
	}
#define OF_NIX                                                                                                                 \
	{"--offline", NULL, .what = "fetch nothing",                                                                           \
	    "How (it is your own checkout, so as your nix-build and nix build would)", .means = OFFLINE},                      \
	    {"--allowed-uris", "LIST",                                                                                         \
	        .what = "fetch from addresses that begin so alone, and read only the repository, NIX_PATH and the store",      \
	        .means = URIS},                                                                                                \
	    {"--allow-import-from-derivation", NULL, .what = "let the evaluation build", .means = IFD},                        \
	    {"--sandbox", "require|auto|off", .what = "whether evaluations are shut in", .means = SANDBOX},                    \
	    {"--evaluator", "PROGRAM", .what = "auto, built-in, nix-eval-jobs, or such a program's path", .means = EVALUATOR}, \
	{                                                                                                                      \
		"--workers", "N", "processes that evaluate", .means = WORKERS                                                  \
	}

#define REVISIONS_ARE                                                                                                     \
	"  BASE HEAD, BASE..HEAD  these two commits\n"                                                                    \
	"  BASE...HEAD            HEAD and the commit where it parted from BASE\n"                                        \
	"  REVISION               one that the default branch does not have: as GitHub\n"                                 \
	"                         would merge it; one that it has: with the working tree\n"                               \
	"  nothing                the working tree, with the commit where it parted from\n"                               \
	"                         the default branch\n\n"                                                                 \
	"The default branch is what upstream's or origin's HEAD names, else main or master. The working tree is tracked " \
	"files as they are now and new ones that are not ignored; your index stays as it is."
#define SYNOPSIS "[OPTIONS] [BASE HEAD | BASE..HEAD | BASE...HEAD | REVISION]"

const struct usage request_diff = {
    .name = "diff",
    .synopsis = SYNOPSIS,
    .what = "what rebuilds between two revisions of a local clone, and why",
    .words = REVISIONS_ARE
    "\n\nWith --first the exit code is 0 for an answer and 2 for none. The base is evaluated where it is not stored; with several jobs "
    "it is of the first, or of --job.",
    .options = (const struct usage_option[]){OF_WHAT, OF_SIDES, OF_DOING,
        {"--first", NULL,
            .what = "only a first answer, in seconds: of what the changed files define, and who needs it at BASE; never final",
            .means = FIRST},
        {"--watch", NULL, .what = "again whenever a file is saved or something is committed", .means = WATCH}, OF_NIX, {0}},
    .examples = (const struct usage_example[]){{"ekaci diff", "what my work so far rebuilds, committed or not"},
        {"ekaci diff --build --watch", "builds it again on every save"},
        {"ekaci diff main my-branch --file ci.nix --json | jq .totals", "two branches, for a program"}, {0}},
    .good = "nothing newly fails",
    .bad = "something does, or is new and fails",
    .takes = USAGE_REVISIONS,
};

const struct usage request_pr = {
    .name = "pr",
    .synopsis = "[OPTIONS] NUMBER | URL",
    .what = "what a pull request rebuilds, merged as GitHub would merge it",
    .words =
        "Fetches the pull request's head (refs/pull/NUMBER/head) and the branch it is to be merged into with your own git, and "
        "merges them here; your branches and files stay as they are. URL is a pull request's page; its repository need be "
        "no remote of yours.\n\n"
        "Which branch that is, GitHub is asked when GITHUB_TOKEN or GH_TOKEN is set or gh is there; else it is "
        "found in the merge that GitHub keeps for the pull request (refs/pull/NUMBER/merge), or taken to be the default branch.",
    .options = (const struct usage_option[]){OF_WHAT, OF_PULL, OF_DOING, OF_NIX, {0}},
    .examples = (const struct usage_example[]){{"ekaci pr 4711 --build", "does it still build?"},
        {"ekaci pr https://github.com/NixOS/nixpkgs/pull/4711", "of any repository that shares its history with this one"},
        {0}},
    .good = "nothing newly fails",
    .bad = "something does, or is new and fails",
};

const struct usage request_explain = {
    .name = "explain",
    .synopsis = "[OPTIONS] ATTR [REVISIONS]\nA.drv B.drv [--json]",
    .what = "why an attribute or a derivation differs; inputs followed",
    .words = "ATTR is an attribute as reports name it, e.g. python3Packages.numpy; its last parts will do: agenix finds "
             "packages.x86_64-linux.agenix. Evaluations that are stored are not made again.\n\n" REVISIONS_ARE,
    .options = (const struct usage_option[]){OF_WHAT, OF_SIDES,
        {"--json", NULL, .what = "as JSON", "What to do besides", .means = JSON}, OF_NIX, {0}},
    .examples = (const struct usage_example[]){{"ekaci explain python3Packages.numpy", "why my work rebuilds numpy"},
        {"ekaci explain hello --pr 4711", "why a pull request does"},
        {"ekaci explain /nix/store/...-a.drv /nix/store/...-b.drv", "what differs between two derivations"}, {0}},
    .good = "it does not differ, or fails alike on both sides",
    .bad = "it does",
    .takes = USAGE_REVISIONS,
};

const struct usage request_shell = {
    .name = "shell",
    .synopsis = SYNOPSIS,
    .what = "builds what a change adds or rebuilds, and opens a shell with it",
    .words =
        "The shell begins in a folder that holds results/ATTR, a link to each output that is there, and report.md. Programs in "
        "their bin/ come first on PATH; EKACI_RESULTS names results/, EKACI_REPO the repository. When the shell ends the folder "
        "goes, and Nix may collect what was built.\n\n" REVISIONS_ARE,
    .options =
        (const struct usage_option[]){{"--run", "COMMAND",
                                          .what = "run this in the shell (sh -c) instead of asking for commands", .means = RUN},
            OF_WHAT, OF_SIDES, OF_NIX, {0}},
    .examples = (const struct usage_example[]){{"ekaci shell --pr 4711", "try a pull request"},
        {"ekaci shell --run 'hello --version'", "try my own work, in a script"}, {0}},
    .good = "that of the shell",
    .takes = USAGE_REVISIONS,
};

/* Addresses with blanks or commas between them. */
static void
restrict_to(struct command_line *q, struct arena *a, struct settings *c, const char *list)
{
	char *word, *rest = NULL;

	q->restricted = true;
	for (word = strtok_r(arena_strdup(a, list), " ,\n", &rest); word != NULL; word = strtok_r(NULL, " ,\n", &rest))
		list_add(a, &c->evaluate.allowed_uris, word);
}

/* BASE HEAD, BASE..HEAD, BASE...HEAD (either may be left out: HEAD), one revision, or none. */
static void
parse_revisions(struct command_line *q, struct arena *a, int n, char **names)
{
	char *dots = n == 1 ? strstr(names[0], "..") : NULL;

	if (n > 0)
		q->base = names[0];
	if (n > 1)
		q->head = names[1];
	if (dots == NULL)
		return;
	q->three_dots = dots[2] == '.';
	q->base = dots == names[0] ? "HEAD" : arena_printf(a, "%.*s", (int)(dots - names[0]), names[0]);
	q->head = dots[q->three_dots ? 3 : 2] == '\0' ? "HEAD" : dots + (q->three_dots ? 3 : 2);
}

/* A list of one job, as .ekaci/config.json has them; value is what somebody wrote. */
static const char *
one_job(struct arena *a, const char *kind, const char *value)
{
	AUTO(buf_release) struct buf b;

	buf_init(&b, SIZE_MAX / 4);
	buf_printf(&b, "[{\"name\":\"default\",\"%s\":", kind);
	json_quote(str_of(value), &b);
	buf_puts(&b, "}]");
	return str_dup(a, buf_get(&b));
}

static int
take(struct command_line *q, struct arena *a, struct settings *c, const struct usage_option *o, char *value, struct err *e)
{
	switch ((enum request_option)o->means) {
	case REPO: q->repo = value; return 0;
	case FILE_OF: q->jobs = one_job(a, "file", value); return 0;
	case FLAKE: q->jobs = one_job(a, "flake", value); return 0;
	case JOB: q->job_name = value; return 0;
	case ALL: q->ignore_rules = true; return 0;
	case FIRST: q->first = true; return 0;
	case NO_PROOF: c->evaluate.proof = false; return 0;
	case MERGE: q->merge = true; return 0;
	case SUBMODULES: q->submodules = true; return 0;
	case PULL: q->pull = value; return 0;
	case REMOTE: q->remote = value; return 0;
	case ONTO: q->onto = value; return 0;
	case BUILD: q->build = true; return 0;
	case COST: q->cost = true; return 0;
	case CHECK: q->build = q->again = true; return 0;
	case FORMAT: q->format = value; return 0;
	case JSON: q->format = "json"; return 0;
	case WATCH: q->watch = true; return 0;
	case RUN: q->run = value; return 0;
	case OFFLINE: c->evaluate.allow_network = false; return 0;
	case URIS: restrict_to(q, a, c, value); return 0;
	case IFD: c->evaluate.allow_import_from_derivation = true; return 0;
	case SANDBOX: c->evaluate.sandbox = value; return 0;
	case EVALUATOR: c->evaluate.evaluator = value; return 0;
	case WORKERS:
		if (str_to_i64(str_of(value), &c->evaluate.workers) != 0 || c->evaluate.workers < 1)
			return fail(e, ERR_INPUT, "--workers %.60s: not a number from 1", value);
		return 0;
	}
	return 0;
}

static int
check_values(const struct command_line *q, const struct settings *c, struct err *e)
{
	static const char *const formats[] = {"text", "markdown", "json", "html"};
	struct nearest near = {.meant = q->format};
	enum sandbox_mode mode;
	bool known = false;

	for (size_t i = 0; i < COUNT(formats); i++) {
		known = known || strcmp(formats[i], q->format) == 0;
		nearest_offer(&near, formats[i]);
	}
	if (!known)
		return fail(e, ERR_INPUT, "--format %.60s: there are text, markdown, json and html%s%s%s", q->format,
		    near.found != NULL ? "; did you mean " : "", near.found != NULL ? near.found : "",
		    near.found != NULL ? "?" : "");
	if (sandbox_mode_of(c->evaluate.sandbox, &mode, e) != 0)
		return fail(e, ERR_INPUT, "--sandbox %.60s: there are require, auto and off", c->evaluate.sandbox);
	if (q->first && (q->build || q->again))
		return fail(e, ERR_INPUT, "--first is a word in between, and nothing is built for it");
	if (q->pull != NULL && !c->evaluate.allow_network)
		return fail(e, ERR_INPUT, "--offline fetches nothing, and a pull request has to be fetched");
	if (q->watch && q->pull != NULL)
		return fail(e, ERR_INPUT, "--watch looks at files, of which a pull request has none");
	if (q->pull == NULL && (q->remote != NULL || q->onto != NULL))
		return fail(e, ERR_INPUT, "%s is about a pull request: see ekaci pr",
		    q->remote != NULL ? "--remote" : "--onto");
	return 0;
}

/* The words: an attribute, a pull request, revisions, as the command has them. */
static int
take_words(struct command_line *q, struct arena *a, size_t n, char **words, struct err *e)
{
	size_t at = 0, most = q->pull != NULL ? 0 : 2;

	if (q->of == ASKS_EXPLAIN) {
		if (n == 0)
			return fail(e, ERR_INPUT, "an attribute is missing, or two derivations");
		q->attr = words[at++];
	} else if (q->of == ASKS_PR) {
		if (n == 0)
			return fail(e, ERR_INPUT, "a pull request is missing: its number, or its page's address");
		q->pull = words[at++];
		most = 0;
	}
	if (n - at > most)
		return q->pull != NULL ? fail(e, ERR_INPUT,
		                             "a pull request is compared with where it is merged, not with %.100s", words[at])
		                       : fail(e, ERR_INPUT, "one revision too many: %.100s", words[at + most]);
	parse_revisions(q, a, (int)(n - at), words + at);
	return 0;
}

/* An option that only another of these commands has is said to be that one's. */
static int
of_another(const struct usage *const *usages, enum request_command of, const char *word, struct err *e)
{
	for (int i = ASKS_DIFF; i <= ASKS_LAST; i++)
		if (usage_option(usages[of], word) == NULL && usage_option(usages[i], word) != NULL)
			return fail(e, ERR_INPUT, "%s is for ekaci %s", word, usages[i]->name);
	return -1;
}

int
request_read(struct command_line *q, struct arena *a, struct settings *c, enum request_command of, int argc, char **argv,
    struct err *e)
{
	static const struct usage *const usages[] = {[ASKS_DIFF] = &request_diff,
	    [ASKS_EXPLAIN] = &request_explain,
	    [ASKS_PR] = &request_pr,
	    [ASKS_SHELL] = &request_shell};
	struct usage_reader r = {.u = usages[of], .argc = argc, .argv = argv, .at = 1};
	char **words = arena_alloc(a, (size_t)argc * sizeof(*words));
	size_t n = 0;
	int is;

	*q = (struct command_line){.of = of, .repo = ".", .format = "text", .build = of == ASKS_SHELL};
	c->evaluate.allow_network = true; /* as nix-build has it */
	while ((is = usage_next(&r, e)) != USAGE_END) {
		if (is < 0)
			return of_another(usages, of, r.argv[r.at - 1], e);
		if (is == USAGE_WORD)
			words[n++] = r.values[0];
		else if (take(q, a, c, r.option, r.values[0], e) != 0)
			return -1;
	}
	if (take_words(q, a, n, words, e) != 0)
		return -1;
	return check_values(q, c, e);
}

int
request_all_text(int argc, char **argv, struct err *e)
{
	char here[PATH_MAX];
	struct arena a = {0};
	const char *cache = config_cache_dir(&a);
	int rc = 0;

	for (int i = 0; i < argc && rc == 0; i++)
		if (!str_utf8_ok(str_of(argv[i])))
			rc = fail(e, ERR_INPUT, "an argument is not UTF-8: %.80s", argv[i]);
	if (rc == 0 && getcwd(here, sizeof(here)) != NULL && !str_utf8_ok(str_of(here)))
		rc = fail(e, ERR_INPUT, "the folder's path is not UTF-8, which is not supported: %.200s", here);
	if (rc == 0 && !str_utf8_ok(str_of(cache)))
		rc = fail(e, ERR_INPUT, "the cache's path is not UTF-8, which is not supported: %.200s", cache);
	arena_release(&a);
	return rc;
}
