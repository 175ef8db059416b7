/* The table of commands; each lives in the module it belongs to, what is only a command lives here. */
#include "cli/cli.h"

#include "cli/backup.h"
#include "cli/check.h"
#include "cli/local.h"
#include "cli/operate.h"
#include "cli/request.h"
#include "cli/start.h"
#include "cli/status.h"
#include "evaluate/builtin/evaljobs.h"
#include "forge/github/setup.h"
#include "graph/graph.h"
#include "support/base/release.h"
#include "walk/table.h"
#include "worker/serve.h"

#include <ctype.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

struct subcommand {
	const char *name;
	const char *usage;                 /* what follows the name */
	const char *what;                  /* a line of the list */
	int (*run)(int argc, char **argv); /* argv[0] is the command's name; gives the exit code */
	const char
	    *help; /* the whole text when it begins with "usage: ", else what stands between usage and options; NULL: what */
	const char
	    *options; /* "--config= --json", with "=" where a value follows; NULL: run reads them all, and help is whole */
};

static const char config_help[] = "  --config FILE  the bot's settings (/etc/ekaci/ekaci.toml, or EKACI_CONFIG)\n";

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
	(void)argc;
	(void)argv;
	printf("ekaci %s\n", release_text());
	return 0;
}

static const struct subcommand commands[] = {
    {"setup", "--url https://YOUR-HOST [OPTIONS]", "makes the GitHub App and writes ekaci.toml", setup_main, setup_usage, NULL},
    {"serve", "[--config FILE] [OPTIONS]", "the bot", start_main, start_usage, NULL},
    {"diff", "[OPTIONS] [BASE HEAD | BASE..HEAD | BASE...HEAD | REVISION]",
        "what rebuilds between two revisions of a local clone, and why", local_diff, request_diff_usage, NULL},
    {"explain", "[OPTIONS] ATTR [BASE HEAD | ...] | A.drv B.drv", "why an attribute or a derivation differs; inputs followed",
        run_explain, request_explain_usage, NULL},
    {"graph", "DRV... [--json]", "nodes, edges and blast radius of a closure, read from the store", graph_command_graph,
        "Nodes, edges and blast radius of the closure of derivations, read from the\n"
        "store.\n\n"
        "  --json            every node with its inputs, as JSON\n"
        "  --store DIR       the store's folder in the names of derivations\n"
        "  --real-store DIR  where its files are\n",
        "--json --store= --real-store="},
    {"eval-jobs", "[OPTIONS] FILE | --expr EXPR | --flake REF", "the built-in evaluator, like nix-eval-jobs", eval_jobs_main,
        NULL, NULL},
    {"status", "[--config FILE] [--json] [--why DRV]", "what the bot does and what waits, or why one build has not started",
        status_main, status_usage, NULL},
    {"run", "[--config FILE] [--json] RUN", "one run: its way so far and its builds", operate_run,
        "One run: its way so far and its builds, failures first.\n\n"
        "  --config FILE  the bot's settings (/etc/ekaci/ekaci.toml, or EKACI_CONFIG)\n"
        "  --json         all of it, as one line of JSON\n",
        "--config= --json"},
    {"retry", "[--config FILE] RUN", "that run's head again, like /ekaci rebuild", operate_retry, NULL, "--config="},
    {"cancel", "[--config FILE] RUN", "ends what is under way for that run's pull request", operate_cancel, NULL, "--config="},
    {"approve", "[--config FILE] OWNER/REPO#NUMBER [COMMIT]", "lets a pull request's head be evaluated and built",
        operate_approve, NULL, "--config="},
    {"check-config", "[--online] [FILE]", "mistakes in ekaci.toml or .ekaci/config.json, and what stops the bot", check_main,
        check_usage, "--online"},
    {"backup", "[--config FILE] [--force] [--no-logs] FILE", "the bot's memory in one file, also while it runs", backup_main,
        backup_usage, "--config= --force --no-logs"},
    {"restore", "[--config FILE] FILE", "the bot's memory from such a file, on an empty machine", restore_main, restore_usage,
        "--config="},
    {"worker", "[STAGE]", "one stage of the pipeline, for the program itself", run_worker,
        "One stage of the pipeline, on the job read from standard input; without STAGE\n"
        "its first line names the stage. The program starts these itself.\n",
        ""},
    {"version", "", "the version of this program", run_version, NULL, ""},
    {"help", "[COMMAND]", "this list, or a command's own help", run_help, NULL, ""},
};

static const struct subcommand *
command_named(const char *name)
{
	for (size_t i = 0; i < COUNT(commands); i++)
		if (strcmp(name, commands[i].name) == 0)
			return &commands[i];
	fprintf(stderr, "ekaci: there is no command %s\nsee ekaci help\n", name);
	return NULL;
}

static int
help_for(const struct subcommand *c)
{
	char *args[] = {(char *)(uintptr_t)c->name, (char *)(uintptr_t) "--help", NULL};

	if (c->options == NULL && c->help == NULL)
		return c->run(2, args);
	if (c->options == NULL || (c->help != NULL && str_starts(str_of(c->help), STR("usage: "))))
		fputs(c->help, stdout);
	else if (c->help != NULL)
		printf("usage: ekaci %s%s%s\n\n%s", c->name, *c->usage != '\0' ? " " : "", c->usage, c->help);
	else
		printf("usage: ekaci %s%s%s\n\n%c%s.\n%s%s", c->name, *c->usage != '\0' ? " " : "", c->usage,
		    (char)toupper((unsigned char)c->what[0]), c->what + 1, *c->options != '\0' ? "\n" : "",
		    *c->options != '\0' ? config_help : "");
	return 0;
}

static int
run_help(int argc, char **argv)
{
	if (argc > 1) {
		const struct subcommand *c = command_named(argv[1]);
		return c != NULL ? help_for(c) : 2;
	}
	puts("ekaci - what a change of a Nix repository rebuilds, why, and whether it still\n"
	     "builds. `ekaci help COMMAND` or `ekaci COMMAND --help` says more.\n");
	for (size_t i = 0; i < COUNT(commands); i++)
		printf("  ekaci %s%s%s\n      %s\n", commands[i].name, *commands[i].usage != '\0' ? " " : "", commands[i].usage,
		    commands[i].what);
	return 0;
}

/* Whether an argument is among the options: 1 when a value follows, 0 when none does, -1 when it is not there. */
static int
option_of(const char *options, const char *arg)
{
	for (struct str rest = str_of(options); rest.p != NULL && rest.n > 0;) {
		struct str one = str_cut(rest, ' ', &rest);
		bool value = one.p[one.n - 1] == '=';
		if (str_eq((struct str){one.p, one.n - value}, str_of(arg)))
			return value;
	}
	return -1;
}

/* Says what is wrong with the first option that the command does not have, or that lacks its value. */
static int
check_options(const struct subcommand *c, int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		if (argv[i][0] != '-' || argv[i][1] == '\0')
			continue;
		int value = option_of(c->options, argv[i]);
		if (value >= 0 && i + value < argc) {
			i += value;
			continue;
		}
		fprintf(stderr, value < 0 ? "ekaci %s: there is no option %s\n" : "ekaci %s: %s wants a value\n", c->name,
		    argv[i]);
		fprintf(stderr, "see ekaci %s --help\n", c->name);
		return -1;
	}
	return 0;
}

int
cli_main(int argc, char **argv)
{
	if (argc < 2 || strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)
		return run_help(1, argv);
	if (strcmp(argv[1], "--version") == 0)
		return run_version(1, argv);
	const struct subcommand *c = command_named(argv[1]);
	if (c == NULL)
		return 2;
	/* The evaluator reads its own: what follows its --argstr NAME may be anything. */
	for (int i = 2; i < argc && strcmp(argv[i], "--") != 0 && (c->help != NULL || c->options != NULL); i++)
		if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0)
			return help_for(c);
	if (c->options != NULL && check_options(c, argc - 1, argv + 1) != 0)
		return 2;
	return c->run(argc - 1, argv + 1);
}
