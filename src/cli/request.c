/* What somebody asked for. */
#include "cli/request.h"

#include "evaluate/sandbox.h"
#include "records/list.h"
#include "support/text/json.h"

#include <getopt.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

const char request_diff_usage[] = "usage: ekaci diff [OPTIONS] [BASE HEAD | BASE..HEAD | BASE...HEAD | REVISION]\n\n"
                                  "What rebuilds between two revisions of a Nix repository, and why.\n\n"
                                  "  BASE HEAD, BASE..HEAD  these two commits\n"
                                  "  BASE...HEAD            HEAD and the commit where it parted from BASE\n"
                                  "  REVISION               one that the default branch does not have: as GitHub\n"
                                  "                         would merge it; one that it has: with the working tree\n"
                                  "  nothing                the working tree, with the commit where it parted from\n"
                                  "                         the default branch (origin/HEAD, main, master)\n\n"
                                  "The working tree is tracked files as they are now and new ones that are not\n"
                                  "ignored; your index stays as it is.\n\n"
                                  "What to evaluate (without: .ekaci/config.json of BASE, flake.nix or default.nix)\n"
                                  "  --repo DIR           the repository; else the one you are in\n"
                                  "  --file FILE          this file of it\n"
                                  "  --flake REF          these outputs of its flake, as in \".#checks\"\n"
                                  "  --job NAME           this job of its configuration alone\n"
                                  "  --all                whatever its rules say about the changed paths\n"
                                  "  --no-proof           also what is proved not to differ, because nothing\n"
                                  "                       that BASE's evaluation read looks otherwise\n"
                                  "  --merge              BASE with HEAD merged into it, as GitHub would, so that\n"
                                  "                       what BASE did meanwhile does not count\n"
                                  "  --submodules         with submodules, also for jobs that do not take them\n\n"
                                  "What to do besides\n"
                                  "  --build              build it, and tell newly failing from still failing\n"
                                  "  --check              build what is there already once more, too, and say what\n"
                                  "                       comes out differently\n"
                                  "  --format FORMAT      text, markdown, json or html\n\n"
                                  "How: it is your own checkout, so with your NIX_PATH, nix.conf, NIX_CONFIG,\n"
                                  "tokens, netrc and the network, as nix-build and nix build would.\n"
                                  "  --offline            fetch nothing\n"
                                  "  --allowed-uris LIST  fetch from addresses that begin so alone, and read only\n"
                                  "                       the repository, NIX_PATH and the store\n"
                                  "  --allow-import-from-derivation\n"
                                  "                       let the evaluation build\n"
                                  "  --sandbox MODE       require, auto or off\n"
                                  "  --evaluator PROGRAM  auto, built-in, nix-eval-jobs, or such a program's path\n"
                                  "  --workers N          processes that evaluate\n\n"
                                  "Exit code: 0 nothing newly failing, 1 something is or is new and fails, 2 it\n"
                                  "could not be told.\n";

const char request_explain_usage[] = "usage: ekaci explain [OPTIONS] ATTR [BASE HEAD | BASE..HEAD | ...]\n"
                                     "       ekaci explain A.drv B.drv [--json]\n\n"
                                     "Says in full why an attribute (as reports name it, e.g.\n"
                                     "python3Packages.numpy) differs between two revisions, or what differs between\n"
                                     "two derivations. Its last parts will do: agenix finds\n"
                                     "packages.x86_64-linux.agenix. Evaluations that are stored are not made again.\n\n"
                                     "  --json               as JSON\n\n"
                                     "Revisions and all other options are those of ekaci diff, but --build, --check\n"
                                     "and --format.\n\n"
                                     "Exit code: 0 it does not differ, or fails alike on both sides, 1 it does, 2 it\n"
                                     "could not be told.\n";

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

/* What getopt_long has just refused: of short options it is not past the word yet when there are more in it. */
static const char *
refused(int argc, char **argv)
{
	bool within = optind < argc && argv[optind][0] == '-' && argv[optind][1] == optopt && optopt != 0;

	return argv[within ? optind : optind - 1];
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

int
request_read(struct command_line *q, struct arena *a, struct settings *c, bool explains, int argc, char **argv, struct err *e)
{
	static const struct option options[] = {
	    {"repo", required_argument, NULL, 'r'},
	    {"file", required_argument, NULL, 'f'},
	    {"flake", required_argument, NULL, 'F'},
	    {"job", required_argument, NULL, 'j'},
	    {"build", no_argument, NULL, 'b'},
	    {"check", no_argument, NULL, 'c'},
	    {"format", required_argument, NULL, 'o'},
	    {"evaluator", required_argument, NULL, 'e'},
	    {"workers", required_argument, NULL, 'w'},
	    {"sandbox", required_argument, NULL, 's'},
	    {"all", no_argument, NULL, 'a'},
    {"no-proof", no_argument, NULL, 'P'},
	    {"merge", no_argument, NULL, 'm'},
	    {"submodules", no_argument, NULL, 'S'},
	    {"json", no_argument, NULL, 'J'},
	    {"offline", no_argument, NULL, 'O'},
	    {"allowed-uris", required_argument, NULL, 'u'},
	    {"allow-import-from-derivation", no_argument, NULL, 'I'},
	    {NULL, 0, NULL, 0},
	};
	static const char *const formats[] = {"text", "markdown", "json", "html"};
	enum sandbox_mode mode;
	bool known = false;
	int o;

	opterr = 0;
	*q = (struct command_line){0};
	q->repo = ".";
	q->format = "text";
	c->evaluate.allow_network = true; /* as nix-build has it */
	while ((o = getopt_long(argc, argv, ":", options, NULL)) != -1) {
		if (o == 'r')
			q->repo = optarg;
		else if (o == 'f')
			q->jobs = one_job(a, "file", optarg);
		else if (o == 'F')
			q->jobs = one_job(a, "flake", optarg);
		else if (o == 'j')
			q->job_name = optarg;
		else if (o == 'b')
			q->build = true;
		else if (o == 'c')
			q->build = q->again = true;
		else if (o == 'o')
			q->format = optarg;
		else if (o == 'e')
			c->evaluate.evaluator = optarg;
		else if (o == 's')
			c->evaluate.sandbox = optarg;
		else if (o == 'a')
			q->ignore_rules = true;
		else if (o == 'P')
			c->evaluate.proof = false;
		else if (o == 'm')
			q->merge = true;
		else if (o == 'S')
			q->submodules = true;
		else if (o == 'J')
			q->format = "json";
		else if (o == 'O')
			c->evaluate.allow_network = false;
		else if (o == 'I')
			c->evaluate.allow_import_from_derivation = true;
		else if (o == 'u')
			restrict_to(q, a, c, optarg);
		else if (o == 'w') {
			if (str_to_i64(str_of(optarg), &c->evaluate.workers) != 0 || c->evaluate.workers < 1)
				return fail(e, ERR_INPUT, "--workers %.60s: not a number from 1", optarg);
		} else if (o == ':')
			return fail(e, ERR_INPUT, "%.60s wants a value", argv[optind - 1]);
		else
			return fail(e, ERR_INPUT, "there is no option %.60s", refused(argc, argv));
	}
	for (size_t i = 0; i < COUNT(formats); i++)
		known = known || strcmp(formats[i], q->format) == 0;
	if (!known)
		return fail(e, ERR_INPUT, "--format %.60s: there are text, markdown, json and html", q->format);
	if (sandbox_mode_of(c->evaluate.sandbox, &mode, e) != 0)
		return fail(e, ERR_INPUT, "--sandbox %.60s: there are require, auto and off", c->evaluate.sandbox);
	if (explains && q->build)
		return fail(e, ERR_INPUT, "nothing is built to explain it: --build and --check are for ekaci diff");
	if (explains && argc == optind)
		return fail(e, ERR_INPUT, "an attribute is missing, or two derivations");
	if (argc - optind > (explains ? 3 : 2))
		return fail(e, ERR_INPUT, "one revision too many: %.100s", argv[optind + (explains ? 3 : 2)]);
	if (explains)
		q->attr = argv[optind++];
	parse_revisions(q, a, argc - optind, argv + optind);
	return 0;
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
