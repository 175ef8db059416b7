/* The table of commands; each lives in the module it belongs to, what is only a command lives here. */
#include "cli/cli.h"

#include "bot/daemon.h"
#include "changeset/changeset.h"
#include "cli/local.h"
#include "cli/operate.h"
#include "cli/request.h"
#include "cli/status.h"
#include "config/config.h"
#include "evaluate/builtin/evaljobs.h"
#include "evaluate/evaluate.h"
#include "evaluate/sandbox.h"
#include "forge/forges.h"
#include "forge/github/online.h"
#include "forge/github/setup.h"
#include "graph/graph.h"
#include "nix/access.h"
#include "store/store.h"
#include "support/base/log.h"
#include "support/base/mem.h"
#include "support/os/cgroup.h"
#include "support/text/escape.h"
#include "support/text/json.h"
#include "walk/table.h"
#include "worker/serve.h"

#include <ctype.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

/* The file VERSION, a line; what packages and the manual page say, too. */
__asm__(".pushsection .rodata\nversion:\n.incbin \"VERSION\"\n.byte 0\n.popsection\n");
extern const char version[];

struct subcommand {
	const char *name;
	const char *usage;                 /* what follows the name */
	const char *what;                  /* a line of the list */
	int (*run)(int argc, char **argv); /* argv[0] is the command's name; gives the exit code */
	const char *help;                  /* the whole text, or what stands between usage and options; NULL: what */
	const char
	    *options; /* "--config= --json", with "=" where a value follows; NULL: run reads them all, and help is whole */
};

static const char config_help[] = "  --config FILE  the bot's settings (ekaci.toml)\n";

static int
run_worker(int argc, char **argv)
{
	if (argc > 2) {
		fputs("usage: ekaci worker [STAGE] < JOB\n", stderr);
		return 2;
	}
	return worker_serve(pipeline_stage, argc == 2 ? argv[1] : NULL);
}

/* Which evaluator there will be, and whether it evaluates. False: none does. */
static bool
tell_evaluator(struct arena *a, const struct settings *s)
{
	enum sandbox_mode mode;
	const char *name;
	struct err e;

	if (sandbox_mode_of(s->evaluate.sandbox, &mode, &e) == 0 &&
	    evaluate_try(a, s->evaluate.evaluator, mode, &name, &e) == 0) {
		printf("evaluator: %s\n", name);
		return true;
	}
	fprintf(stderr, "ekaci: [evaluate] evaluator = \"%s\": nothing can be evaluated: %s\n", s->evaluate.evaluator, e.msg);
	return false;
}

/* What the settings come to on this machine, for this user. */
static void
tell_limits(struct arena *a, const struct settings *s)
{
	const struct forge_secrets of = forge_of(s)->secrets(s);
	const char *const secrets[] = {of.key_file, of.webhook_file, of.previous_webhook_file};
	enum sandbox_mode mode;
	const char *why, *group, *way;
	struct err e;

	for (size_t i = 0; i < COUNT(secrets); i++)
		if (secrets[i] != NULL && secrets[i][0] == '$')
			printf("credential: systemd hands %s to the service, and was not asked for it here\n", secrets[i]);
	if (sandbox_mode_of(s->evaluate.sandbox, &mode, &e) != 0)
		fprintf(stderr, "ekaci: %s\n", e.msg);
	else if (mode == SANDBOX_OFF)
		puts("evaluations: without a sandbox, as [evaluate] sandbox says, also those of forks");
	else if (sandbox_works(&why))
		puts("evaluations: in a sandbox (bubblewrap)");
	else
		printf("evaluations: no sandbox can be had, so %s: %s\n",
		    mode == SANDBOX_AUTO ? "those of forks are refused until somebody approves" : "all are refused", why);
	if (cgroup_find(a, CGROUP_ROOT, CGROUP_SELF, &group, &e) == 0)
		printf("limits: the kernel holds an evaluation's memory and processes in a control group below %s\n", group);
	else
		printf(
		    "limits: ekaci looks at an evaluation's memory and processes twice a second, and memory's end takes it first; "
		    "no control group, as started here: %s\n",
		    e.msg);
	if ((way = nixstore_access(&e)) != NULL)
		printf("store: %s\n", way);
	else
		printf("store: out of reach: %s\n", e.msg);
}

/* Asks GitHub, too. False: something is wrong there. */
static bool
tell_online(struct arena *a, const char *file, const struct settings *s)
{
	const char *slash = strrchr(file, '/');
	struct online is;
	struct err e;

	if (online_check(a, s, slash != NULL ? arena_strn(a, file, (size_t)(slash - file)) : ".", &is, &e) != 0) {
		fprintf(stderr, "ekaci: %s\n", e.msg);
		return false;
	}
	if (is.app != NULL)
		printf("GitHub: the App is %s\n", escape_dup(a, ESCAPE_TERMINAL, str_of(is.app)));
	for (size_t i = 0; i < is.notes.n; i++)
		fprintf(stderr, "warning: %s\n", escape_dup(a, ESCAPE_TERMINAL, str_of(is.notes.p[i])));
	for (size_t i = 0; i < is.wrong.n; i++)
		fprintf(stderr, "wrong: %s\n", escape_dup(a, ESCAPE_TERMINAL, str_of(is.wrong.p[i])));
	if (is.wrong.n == 0)
		puts("GitHub: key, permissions, events, webhook and installations are as they should be");
	return is.wrong.n == 0;
}

/* Which of the two files it is, its name says. */
static int
check_config(struct arena *a, const char *file, bool online, struct mistakes *m)
{
	bool of_repository = str_ends(str_of(file), STR(".json"));
	struct settings s = {0};
	struct texts warnings = {0};
	struct err e = {0};
	size_t i;
	int rc = of_repository ? changeset_check_config(a, file, m, &warnings, &e) : config_check(a, file, &s, m, &e);

	if (rc != 0) {
		fprintf(stderr, "ekaci: %s\n", e.msg);
		return 2;
	}
	for (i = 0; i < m->n; i++)
		fprintf(stderr, "%s\n", mistakes_text(m, i));
	if (m->more > 0)
		fprintf(stderr, "%s: %zu more mistakes\n", file, m->more);
	for (i = 0; i < warnings.n; i++)
		fprintf(stderr, "warning: %s\n", warnings.p[i]);
	bool good = m->n == 0;
	if (good) {
		printf("%s: ok\n", file);
		if (!of_repository)
			tell_limits(a, &s);
		if (!of_repository)
			good = tell_evaluator(a, &s);
		if (online)
			good = tell_online(a, file, &s) && good;
	}
	return good ? 0 : 1;
}

static int
run_check_config(int argc, char **argv)
{
	const char *file = NULL;
	struct arena a = {0};
	bool online = false, usage = false;

	for (int i = 1; i < argc; i++) {
		usage = usage || (argv[i][0] != '-' && file != NULL);
		online = online || argv[i][0] == '-';
		file = argv[i][0] == '-' ? file : argv[i];
	}
	if (usage || (online && file != NULL && str_ends(str_of(file), STR(".json")))) {
		fputs("usage: ekaci check-config [--online] [FILE]\n", stderr);
		return 2;
	}
	int code = check_config(&a, file != NULL ? file : "ekaci.toml", online, arena_alloc(&a, sizeof(struct mistakes)));
	arena_release(&a);
	return code;
}

static int
run_serve(int argc, char **argv)
{
	const char *file = "ekaci.toml";
	struct settings settings;
	struct arena a = {0};
	struct err e = {0};
	int64_t ready_fd = -1;

	for (int i = 1; i < argc; i += 2) {
		bool config = strcmp(argv[i], "--config") == 0, ready = strcmp(argv[i], "--ready-fd") == 0;
		if (config && i + 1 < argc) {
			file = argv[i + 1];
		} else if (!ready || i + 1 >= argc || str_to_i64(str_of(argv[i + 1]), &ready_fd) != 0 || ready_fd < 0) {
			fputs("usage: ekaci serve [--config FILE] [--ready-fd N]\n", stderr);
			return 2;
		}
	}
	int rc = config_load(&a, file, &settings, &e);
	if (rc == 0) {
		rc = daemon_run(&settings, (int)ready_fd, &e);
	}
	if (rc != 0)
		log_error("%s", e.msg);
	arena_release(&a);
	return rc == 0 ? 0 : 1;
}

static int
run_backup(int argc, char **argv)
{
	struct settings settings;
	struct store *store = NULL;
	struct arena a = {0};
	struct err e = {0};

	if (argc != 2 && (argc != 4 || strcmp(argv[1], "--config") != 0)) {
		fputs("usage: ekaci backup [--config FILE] TO\n", stderr);
		return 2;
	}
	int rc = config_load(&a, argc == 4 ? argv[2] : "ekaci.toml", &settings, &e);
	if (rc == 0) {
		rc = store_open(arena_printf(&a, "%s/ekaci.db", settings.state.dir), &store, &e);
		if (rc == 0)
			rc = store_backup(store, argv[argc - 1], &e);
		store_close(store);
	}
	if (rc != 0)
		fprintf(stderr, "ekaci: %s\n", e.msg);
	arena_release(&a);
	return rc == 0 ? 0 : 1;
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
	printf("ekaci %s", version);
	return 0;
}

static const struct subcommand commands[] = {
    {"setup", "--url https://YOUR-HOST [OPTIONS]", "makes the GitHub App and writes ekaci.toml", setup_main, setup_usage, NULL},
    {"serve", "[--config FILE] [--ready-fd N]", "the bot", run_serve,
        "The bot, in the foreground, until SIGTERM.\n\n"
        "  --config FILE  its settings (ekaci.toml)\n"
        "  --ready-fd N   a descriptor on which to say that it listens\n",
        "--config= --ready-fd="},
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
    {"status", "[--config FILE] [--why DRV]", "the queue, or why one build has not started", status_main, status_usage, NULL},
    {"run", "[--config FILE] RUN", "one run: its way so far and its builds", operate_run, NULL, "--config="},
    {"retry", "[--config FILE] RUN", "that run's head again, like /ekaci rebuild", operate_retry, NULL, "--config="},
    {"cancel", "[--config FILE] RUN", "ends what is under way for that run's pull request", operate_cancel, NULL, "--config="},
    {"approve", "[--config FILE] OWNER/REPO#NUMBER [COMMIT]", "lets a pull request's head be evaluated and built",
        operate_approve, NULL, "--config="},
    {"check-config", "[--online] [FILE]", "every mistake in ekaci.toml or a .ekaci/config.json", run_check_config,
        "Every mistake in FILE, with line and column: the bot's settings (ekaci.toml), or\n"
        "a repository's rules when its name ends in .json. Of settings also what they\n"
        "come to on this machine: sandbox, store, limits and evaluator.\n\n"
        "  --online  asks GitHub, too: the App and its key, permissions, events, the\n"
        "            webhook's address, the last delivery and the installations. Each\n"
        "            thing that is wrong is said with what mends it; nothing is changed.\n\n"
        "Exit code: 0 it is right, 1 it is not, 2 it cannot be read.\n",
        "--online"},
    {"backup", "[--config FILE] TO", "a consistent copy of the database, also while the bot runs", run_backup, NULL,
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
	if (c->options == NULL)
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
