/* The table of commands; each lives in the module it belongs to, what is only a command lives here. */
#include "cli/cli.h"

#include "cli/backup.h"
#include "cli/check.h"
#include "cli/local.h"
#include "cli/operate.h"
#include "cli/operator_token.h"
#include "cli/printlog.h"
#include "cli/remote.h"
#include "cli/request.h"
#include "cli/start.h"
#include "cli/status.h"
#include "cli/subcommand.h"
#include "evaluate/builtin/evaljobs.h"
#include "forge/github/setup.h"
#include "graph/graph.h"
#include "support/base/release.h"
#include "support/text/nearest.h"
#include "walk/table.h"
#include "worker/serve.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

static int
run_worker(int argc, char **argv)
{
	if (argc > 2) {
		fputs("usage: ekaci worker [STAGE] < JOB\n", stderr);
		return 2;
	}
	return worker_serve(pipeline_stage, argc == 2 ? argv[1] : NULL);
}

/* Two derivations are compared as they are; an attribute needs two revisions. */
static int
run_explain(int argc, char **argv)
{
	for (int i = 1; i < argc; i++)
		if (str_ends(str_of(argv[i]), STR(".drv")))
			return graph_command_explain(argc, argv);
	return local_explain(argc, argv);
}

static int run_help(int argc, char **argv);

static int
run_version(int argc, char **argv)
{
	bool json = argc > 1 && strcmp(argv[1], "--json") == 0;

	if (json)
		printf("{\"version\":\"%s\"}\n", release_text());
	else
		printf("ekaci %s\n", release_text());
	return 0;
}

#define CONFIG                                                                                            \
	{                                                                                                 \
		"--config", "FILE", .what = "the bot's settings (/etc/ekaci/ekaci.toml, or EKACI_CONFIG)" \
	}
/* Of a bot elsewhere, remote.h. */
#define REMOTE                                                                                                          \
	{"--url", "URL", .what = "asks the bot at URL instead (or EKACI_URL); may stand before the command",            \
	    "A bot elsewhere"},                                                                                         \
	{                                                                                                               \
		"--token-file", "FILE",                                                                                 \
		    .what = "holds the token to ask with (or EKACI_TOKEN), from `ekaci token add` on the bot's machine" \
	}
#define JSON                                                  \
	{                                                     \
		"--json", NULL, .what = "as one line of JSON" \
	}
static const struct usage_option only_config[] = {CONFIG, {0}};
static const struct usage_option of_order[] = {CONFIG, JSON, REMOTE, {0}};

static const struct usage setup_words = {
    .name = "setup",
    .synopsis = "--url https://YOUR-HOST [OPTIONS]",
    .what = "makes the GitHub App and writes ekaci.toml",
    .words =
        "Makes the GitHub App for a bot that GitHub reaches at https://YOUR-HOST, and writes DIR/ekaci.toml, its key and its "
        "webhook secret. You are shown an address on this machine to open in a browser; with --no-browser one that holds the whole form, for a browser anywhere, and paste what GitHub sends you back to. Nothing is ever overwritten.",
    .options = setup_options,
    .examples = (const struct usage_example[]){{"ekaci setup --url https://ci.example.org --organization my-org",
                                                   "an App that belongs to an organization"},
        {0}},
    .takes = USAGE_NOTHING,
};
static const struct usage serve_words = {
    .name = "serve",
    .synopsis = "[--config FILE] [OPTIONS]",
    .what = "the bot, in the foreground, until SIGTERM",
    .words =
        "SIGHUP: it reads its settings again. Under systemd it is a service of Type=notify, and takes the socket of ekaci.socket "
        "when there is one.",
    .options = (const struct usage_option[]){CONFIG, {"--log-format", "logfmt|text", .what = "whatever [log] format says"},
        {"--log-level", "debug|info|warning|error", .what = "whatever [log] level says"},
        {"--ready-fd", "N", .what = "a descriptor on which to say that it listens"}, {0}},
    .examples = (const struct usage_example[]){{"ekaci serve --config ./ekaci.toml --log-format text", "on a terminal"}, {0}},
    .good = "it was asked to end",
};
static const struct usage graph_words = {
    .name = "graph",
    .synopsis = "DRV... [OPTIONS]",
    .what = "nodes, edges and blast radius of a closure, read from the store",
    .options = (const struct usage_option[]){{"--json", NULL, .what = "every node with its inputs, as JSON"},
        {"--store", "DIR", .what = "the store's folder in the names of derivations"},
        {"--real-store", "DIR", .what = "where its files are"}, {0}},
    .examples =
        (const struct usage_example[]){{"ekaci graph $(nix-instantiate -A hello)", "how large hello's closure is"}, {0}},
    .takes = USAGE_FILES,
};
static const struct usage eval_jobs_usage = {
    .name = "eval-jobs",
    .synopsis = "[OPTIONS] FILE\n[OPTIONS] --expr EXPR | --flake REF[#ATTR]",
    .what = "the built-in evaluator, like nix-eval-jobs",
    .words = eval_jobs_words,
    .options = eval_jobs_options,
    .examples = (const struct usage_example[]){{"ekaci eval-jobs --flake .#checks --workers 4", "a flake's checks"}, {0}},
    .good = "however many attributes fail",
    .bad = "the root fails, or a limit cut the walk short",
    .takes = USAGE_FILES,
};
static const struct usage status_words = {
    .name = "status",
    .synopsis = "[--config FILE] [--json] [--why DRV]",
    .what = "what the bot does and what waits, or why one build has not started",
    .words =
        "What the bot is doing, for whom and since when; what waits and why; what the forge refuses, and how much of its limits is "
        "used. On the bot's machine, for root, the bot's user and its group.",
    .options = (const struct usage_option[]){CONFIG, {"--json", NULL, .what = "the same as one line of JSON, complete"},
        {"--why", "DRV",
            .what =
                "instead: what that build waits for, or its place in the queue and what comes before it, as the database has it "
                "now; DRV is a path, or its name in the store"},
        REMOTE, {0}},
    .examples = (const struct usage_example[]){{"ekaci status --json | jq .queues", "for a program"},
        {"ekaci status --why hello-2.12.drv", "why hello is not built yet"},
        {"ekaci --url https://ci.example.org status", "of a bot elsewhere"}, {0}},
    .bad = "there is no such build",
};
static const struct usage run_words = {
    .name = "run",
    .synopsis = "[--config FILE] [--json] RUN",
    .what = "one run: its way so far and its builds",
    .options = (const struct usage_option[]){CONFIG, {"--json", NULL, .what = "all of it, as one line of JSON"}, REMOTE, {0}},
    .examples = (const struct usage_example[]){{"ekaci run 17", "the run whose page is /run/17"},
        {"ekaci --url https://ci.example.org run 17", "the same from elsewhere"}, {0}},
    .bad = "there is no such run",
};
static const struct usage pulls_words = {
    .name = "pulls",
    .synopsis = "--url URL [--json] OWNER/REPO[#NUMBER]",
    .what = "open pull requests: in what order, and which rebuild the same",
    .words =
        "In the order of the morning: security, people before bots, then what is green, rebuilds least, costs least and waits longest. "
        "Below them who shares rebuilds with whom, what those rebuild merged together instead of each by itself, and who is best merged "
        "first; with #NUMBER, with whom that one does. It is predicted from the newest report of each.",
    .options = (const struct usage_option[]){JSON, REMOTE, {0}},
    .examples =
        (const struct usage_example[]){{"ekaci pulls --url https://ci.example.org my-org/pkgs", "what to look at first"},
            {"ekaci pulls --url https://ci.example.org my-org/pkgs#4711", "what else rebuilds the same"}, {0}},
    .bad = "there is no such repository or pull request",
};
static const struct usage retry_words = {
    .name = "retry",
    .synopsis = "[--config FILE] RUN",
    .what = "that run's head again, like /ekaci rebuild",
    .options = of_order,
    .examples = (const struct usage_example[]){{"ekaci retry 17", "everything of that pull request once more"}, {0}},
    .bad = "there is no such run",
};
static const struct usage rebuild_words = {
    .name = "rebuild",
    .synopsis = "[--config FILE] RUN",
    .what = "that run's head again, whole, like /ekaci rebuild all",
    .words = "Also what was built is asked for again, where `ekaci retry` takes up what failed.",
    .options = of_order,
    .examples = (const struct usage_example[]){{"ekaci rebuild 17", "as if nothing had been done"}, {0}},
    .bad = "there is no such run",
};
static const struct usage log_words = {
    .name = "log",
    .synopsis = "[--config FILE] DRV",
    .what = "a build's log, as far as it is",
    .words =
        "DRV is a path, or its name in the store. A bot elsewhere sends it as it grows, until the build ends. What would drive a "
        "terminal is left out on one.",
    .options = (const struct usage_option[]){CONFIG, REMOTE, {0}},
    .examples = (const struct usage_example[]){{"ekaci log ${hash}-hello-2.12.drv", "what hello's builder said"}, {0}},
    .bad = "there is no such build, or it has no log",
};
static const struct usage token_words = {
    .name = "token",
    .synopsis = "[OPTIONS] add NAME\n[OPTIONS] list\n[OPTIONS] revoke NAME",
    .what = "tokens by which people elsewhere ask and tell the bot",
    .words =
        "On the bot's machine. `add` prints a new token, once: the bot keeps only its hash. Whoever has it sees all that the bot knows, "
        "private repositories included, and may retry, rebuild, cancel and approve (not with --read-only). `revoke` counts from the next "
        "request on.",
    .options =
        (const struct usage_option[]){CONFIG, {"--read-only", NULL, .what = "of add: it sees, and may do nothing"}, JSON, {0}},
    .examples = (const struct usage_example[]){{"ekaci token add alice-laptop > token", "for --token-file"},
        {"ekaci token revoke alice-laptop", "when the laptop is lost"}, {0}},
    .bad = "there is no such token",
};
static const struct usage cancel_words = {
    .name = "cancel",
    .synopsis = "[--config FILE] RUN",
    .what = "ends what is under way for that run's pull request",
    .options = of_order,
    .examples = (const struct usage_example[]){{"ekaci cancel 17", "makes room for others"}, {0}},
    .bad = "there is no such run",
};
static const struct usage approve_words = {
    .name = "approve",
    .synopsis = "[--config FILE] OWNER/REPO#NUMBER [COMMIT]",
    .what = "lets a pull request's head be evaluated and built",
    .words = "The approval is of the head that is printed, or of COMMIT when it is named and still the head.",
    .options = of_order,
    .examples = (const struct usage_example[]){{"ekaci approve my-org/pkgs#4711 0123456", "the head that I have read"}, {0}},
    .bad = "there is no such pull request",
};
static const struct usage check_config_words = {
    .name = "check-config",
    .synopsis = "[--online] [--json] [FILE]",
    .what = "mistakes in ekaci.toml or .ekaci/config.json, and what stops the bot",
    .words =
        "Every mistake in FILE, with line and column: the bot's settings (/etc/ekaci/ekaci.toml, or EKACI_CONFIG), or a "
        "repository's rules when its name ends in .json. Of settings also what they come to on this machine, for this user: what "
        "would stop `ekaci serve` and what to do about it, secrets, state, port, Nix, store, sandbox, limits, builders and "
        "evaluator.",
    .options =
        (const struct usage_option[]){
            {"--online", NULL,
                .what = "asks GitHub, too: the App and its key, permissions, events, the webhook's address, the "
                        "last delivery and the installations; each thing that is wrong is said with what "
                        "mends it, and nothing is changed"},
            {"--json", NULL, .what = "ok, mistakes with line and column, stops, warnings and facts, as one line of JSON"}, {0}},
    .examples = (const struct usage_example[]){{"sudo -u ekaci ekaci check-config", "as the bot's user"},
        {"ekaci check-config .ekaci/config.json", "before you commit rules"}, {0}},
    .good = "it is right",
    .bad = "it is not",
    .takes = USAGE_FILES,
};
static const struct usage backup_words = {
    .name = "backup",
    .synopsis = "[--config FILE] [--force] [--no-logs] FILE",
    .what = "the bot's memory in one file, also while it runs",
    .words =
        "Its database, reports and logs; mirrors and evaluations are made again. Settings and secrets are not in it. FILE is a tar "
        "archive within zstd; \"-\" is standard output.",
    .options = (const struct usage_option[]){CONFIG, {"--force", NULL, .what = "write over FILE when it is there"},
        {"--no-logs", NULL, .what = "without the logs of builds"}, {0}},
    .examples = (const struct usage_example[]){{"ekaci backup /srv/backup/ekaci-$(date +%F).tar.zst", "for cron"}, {0}},
    .takes = USAGE_FILES,
};
static const struct usage restore_words = {
    .name = "restore",
    .synopsis = "[--config FILE] FILE",
    .what = "the bot's memory from such a file, on an empty machine",
    .words =
        "From a file that `ekaci backup` wrote, into the folder of [state] dir, where there must be none yet. Runs that were under "
        "way begin again when the bot starts; old reports are there. \"-\" is standard input.",
    .options = only_config,
    .examples =
        (const struct usage_example[]){{"ekaci restore /srv/backup/ekaci-2026-11-28.tar.zst", "before the bot is started"},
            {0}},
    .takes = USAGE_FILES,
};
static const struct usage worker_words = {
    .name = "worker",
    .synopsis = "[STAGE]",
    .what = "one stage of the pipeline, for the program itself",
    .words =
        "One stage of the pipeline, on the job read from standard input; without STAGE its first line names the stage. The program "
        "starts these itself.",
    .examples = (const struct usage_example[]){{"ekaci worker plan < job.json", "to look for what is wrong with a stage"}, {0}},
    .bad = "the stage failed",
};
static const struct usage completion_words = {
    .name = "completion",
    .synopsis = "bash | zsh | fish",
    .what = "prints a script by which that shell completes commands, options and revisions",
    .examples = (const struct usage_example[]){{"source <(ekaci completion bash)", "in ~/.bashrc, or in ~/.zshrc with zsh"},
        {"ekaci completion fish > ~/.config/fish/completions/ekaci.fish", "once"}, {0}},
    .takes = USAGE_SHELLS,
};
static const struct usage version_words = {
    .name = "version",
    .synopsis = "[--json]",
    .what = "the version of this program",
    .options = (const struct usage_option[]){{"--json", NULL, .what = "as JSON"}, {0}},
    .examples = (const struct usage_example[]){{"ekaci version", "the same as ekaci --version"}, {0}},
};
static const struct usage help_words = {
    .name = "help",
    .synopsis = "[--man] [COMMAND]\n--names",
    .what = "the list of commands, or a command's own help",
    .options = (const struct usage_option[]){{"--man", NULL, .what = "the manual page instead, as mdoc"},
        {"--names", NULL, .what = "the names of all commands, a line each"}, {0}},
    .examples = (const struct usage_example[]){{"ekaci help diff", "the same as ekaci diff --help"},
        {"ekaci help --man diff | man -l -", "the manual page, where it is not installed"}, {0}},
    .takes = USAGE_COMMANDS,
};

const struct subcommand subcommands[] = {
    {&request_diff, .run = local_diff, .group = "On a clone of your own", .reads = true},
    {&request_pr, .run = local_pr, .reads = true},
    {&request_explain, .run = run_explain, .reads = true},
    {&request_shell, .run = local_shell, .reads = true},
    {&graph_words, .run = graph_command_graph},
    {&eval_jobs_usage, .run = eval_jobs_main, .reads = true},
    {&setup_words, .run = setup_main, .group = "The bot", .reads = true},
    {&serve_words, .run = start_main},
    {&check_config_words, .run = check_main},
    {&status_words, .run = status_main, .remote = true},
    {&run_words, .run = operate_run, .remote = true},
    {&pulls_words, .run = remote_only, .remote = true},
    {&log_words, .run = log_main, .remote = true},
    {&retry_words, .run = operate_retry, .remote = true},
    {&rebuild_words, .run = operate_rebuild, .remote = true},
    {&cancel_words, .run = operate_cancel, .remote = true},
    {&approve_words, .run = operate_approve, .remote = true},
    {&token_words, .run = token_main},
    {&backup_words, .run = backup_main},
    {&restore_words, .run = restore_main},
    {&worker_words, .run = run_worker},
    {&completion_words, .run = completion_main, .group = "About this program"},
    {&version_words, .run = run_version},
    {&help_words, .run = run_help},
};
const size_t subcommands_n = COUNT(subcommands);

const struct subcommand *
subcommand_named(const char *name)
{
	struct nearest near = {.meant = name};

	for (size_t i = 0; i < COUNT(subcommands); i++) {
		if (strcmp(name, subcommands[i].usage->name) == 0)
			return &subcommands[i];
		if (name[0] != '-')
			nearest_offer(&near, subcommands[i].usage->name);
	}
	fprintf(stderr, "ekaci: there is no command %s%s%s%s\nsee ekaci help\n", name,
	    near.found != NULL ? "; did you mean " : "", near.found != NULL ? near.found : "", near.found != NULL ? "?" : "");
	return NULL;
}

static void
print_list(struct buf *out)
{
	buf_puts(out, "ekaci - what a change of a Nix repository rebuilds, why, and whether it still\n"
	              "builds. `ekaci COMMAND --help` says more, with examples.\n");
	for (size_t i = 0; i < COUNT(subcommands); i++) {
		const struct usage *u = subcommands[i].usage;
		if (subcommands[i].group != NULL)
			buf_printf(out, "\n%s:\n", subcommands[i].group);
		buf_printf(out, "  ekaci %-13s", u->name);
		usage_wrap(out, u->what, 21, 21);
	}
	buf_puts(out, "\nekaci --url https://BOT COMMAND asks a bot elsewhere: status, run, pulls, log,\n"
	              "retry, rebuild, cancel, approve (ekaci help run says how).\n");
	buf_puts(out, "\nExit codes: 0 done, or a good answer; 1 a bad one; 2 it could not be told or\n"
	              "done, or the command line is wrong; 130 it was interrupted.\n");
}

static int
run_help(int argc, char **argv)
{
	bool man = argc > 1 && strcmp(argv[1], "--man") == 0, names = argc > 1 && strcmp(argv[1], "--names") == 0;
	int at = 1 + (man || names);
	const struct subcommand *c = argc > at ? subcommand_named(argv[at]) : NULL;
	AUTO(buf_release) struct buf out = {0};

	if (c == NULL && argc > at)
		return 2;
	buf_init(&out, SIZE_MAX / 4);
	if (man)
		manual_page(c, release_text(), &out);
	else if (c != NULL)
		usage_help(c->usage, &out);
	else if (!names)
		print_list(&out);
	for (size_t i = 0; names && i < COUNT(subcommands); i++)
		buf_printf(&out, "%s\n", subcommands[i].usage->name);
	fwrite(out.p, 1, out.n, stdout);
	return 0;
}

/* What is asked for help, before anything else is looked at: -1 when it is no such question. */
static int
help_asked(const struct subcommand *c, int argc, char **argv)
{
	char *args[] = {(char *)(uintptr_t) "help", (char *)(uintptr_t)c->usage->name, NULL};

	for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++) {
		if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0)
			return run_help(2, args);
		const struct usage_option *o = usage_option(c->usage, argv[i]);
		i += o != NULL ? usage_values(o) : 0; /* what follows --argstr NAME may be anything */
	}
	return -1;
}

/* Says what is wrong with the first option that the command does not have, or that lacks its value. */
static int
check_options(const struct subcommand *c, int argc, char **argv)
{
	struct usage_reader r = {.u = c->usage, .argc = argc, .argv = argv, .at = 1};
	struct err e;
	int is;

	while ((is = usage_next(&r, &e)) != USAGE_END)
		if (is < 0) {
			fprintf(stderr, "ekaci %s: %s\nsee ekaci %s --help\n", c->usage->name, e.msg, c->usage->name);
			return -1;
		}
	return 0;
}

int
cli_main(int argc, char **argv)
{
	struct remote_where where;

	if (remote_take(&argc, argv, &where) != 0)
		return 2;
	if (argc < 2 || strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)
		return run_help(1, argv);
	if (strcmp(argv[1], "--version") == 0)
		return run_version(argc - 1, argv + 1);
	const struct subcommand *c = subcommand_named(argv[1]);
	if (c == NULL)
		return 2;
	int told = help_asked(c, argc - 1, argv + 1);
	if (told >= 0)
		return told;
	if (remote_is_meant(c, &where, argc - 1, argv + 1))
		return remote_main(c, &where, argc - 1, argv + 1);
	if (!c->reads && check_options(c, argc - 1, argv + 1) != 0)
		return 2;
	return c->run(argc - 1, argv + 1);
}
