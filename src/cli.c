/* The table of commands; each lives in the module it belongs to, what is only a command lives here. */
#include "cli.h"

#include "changeset/changeset.h"
#include "config.h"
#include "daemon.h"
#include "evaluate/evaljobs.h"
#include "evaluate/evaluate.h"
#include "graph/graph.h"
#include "local.h"
#include "operate.h"
#include "setup.h"
#include "status.h"
#include "store/store.h"
#include "support/base/log.h"
#include "support/base/mem.h"
#include "support/os/cgroup.h"
#include "support/os/nixstore.h"
#include "support/os/sandbox.h"
#include "support/text/json.h"
#include "worker.h"

#include <stdio.h>
#include <string.h>

struct command {
	const char *name;
	const char *usage; /* what follows the name */
	const char *what;
	int (*run)(int argc, char **argv); /* argv[0] is the command's name; gives the exit code */
};

static int
run_worker(int argc, char **argv)
{
	if (argc > 2) {
		fputs("usage: ekaci worker [STAGE] < JOB\n", stderr);
		return 2;
	}
	return worker_main(argc == 2 ? argv[1] : NULL);
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
	const char *const secrets[] = {s->github.private_key_file, s->github.webhook_secret_file, s->github.previous_webhook_secret_file};
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
		printf("limits: ekaci looks at an evaluation's memory and processes twice a second, and memory's end takes it first; "
		       "no control group, as started here: %s\n", e.msg);
	if ((way = nixstore_access(&e)) != NULL)
		printf("store: %s\n", way);
	else
		printf("store: out of reach: %s\n", e.msg);
}

/* Which of the two files it is, its name says. */
static int
check_config(struct arena *a, const char *file, struct mistakes *m)
{
	bool of_repository = str_ends(str_of(file), STR(".json"));
	struct settings s = {0};
	AUTO(json_drop) json_t *warnings = NULL;
	json_t *text;
	struct err e = {0};
	size_t i;
	int rc = of_repository ? changeset_check_config(a, file, m, &warnings, &e) : config_check(a, file, &s, m, &e);

	if (rc != 0) {
		fprintf(stderr, "ekaci: %s\n", e.msg);
		config_release(&s);
		return 2;
	}
	for (i = 0; i < m->n; i++)
		fprintf(stderr, "%s\n", mistakes_text(m, i));
	if (m->more > 0)
		fprintf(stderr, "%s: %zu more mistakes\n", file, m->more);
	json_array_foreach(warnings, i, text)
		fprintf(stderr, "warning: %s\n", json_string_value(text));
	bool good = m->n == 0;
	if (good) {
		printf("%s: ok\n", file);
		if (!of_repository)
			tell_limits(a, &s);
		if (!of_repository)
			good = tell_evaluator(a, &s);
	}
	config_release(&s);
	return good ? 0 : 1;
}

static int
run_check_config(int argc, char **argv)
{
	struct arena a = {0};

	if (argc > 2) {
		fputs("usage: ekaci check-config [FILE]\n", stderr);
		return 2;
	}
	int code = check_config(&a, argc == 2 ? argv[1] : "ekaci.toml", arena_alloc(&a, sizeof(struct mistakes)));
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
		config_release(&settings);
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
		config_release(&settings);
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

static const struct command commands[] = {
    {"setup", "--url https://YOUR-HOST [--dir DIR] [--organization ORG]", "makes the GitHub App and writes ekaci.toml", setup_main},
    {"serve", "[--config FILE] [--ready-fd N]", "the bot (ekaci.toml)", run_serve},
    {"diff", "[OPTIONS] BASE HEAD", "what rebuilds between two revisions of a local clone, and why", local_diff},
    {"explain", "ATTR BASE HEAD | A.drv B.drv [--json]",
        "why an attribute differs between two revisions, or a derivation from another; inputs followed", run_explain},
    {"graph", "DRV... [--json]", "nodes, edges and blast radius of a closure, read from the store", graph_command_graph},
    {"eval-jobs", "FILE | --expr EXPR | --flake REF", "the built-in evaluator (see --help of its own)", eval_jobs_main},
    {"status", "[--config FILE] [--why DRV]", "the queue, or why one build has not started", status_main},
    {"run", "[--config FILE] RUN", "one run: its way so far and its builds", operate_run},
    {"retry", "[--config FILE] RUN", "that run's head again, like /ekaci rebuild", operate_retry},
    {"cancel", "[--config FILE] RUN", "ends what is under way for that run's pull request", operate_cancel},
    {"approve", "[--config FILE] OWNER/REPO#NUMBER [COMMIT]", "lets a pull request's head be evaluated and built", operate_approve},
    {"check-config", "[FILE]", "every mistake in ekaci.toml, or in a .ekaci/config.json, with line and column",
        run_check_config},
    {"backup", "[--config FILE] TO", "a consistent copy of the database, also while the bot runs", run_backup},
    {"worker", "[STAGE]", "run one stage of the pipeline on the job read from standard input (its first line, else, names the stage)",
        run_worker},
    {"help", "", "this list", run_help},
};

static int
run_help(int argc, char **argv)
{
	(void)argc;
	(void)argv;
	puts("ekaci - what a change of a Nix repository rebuilds, why, and whether it still builds\n");
	for (size_t i = 0; i < COUNT(commands); i++)
		printf("  ekaci %s %s\n      %s\n", commands[i].name, commands[i].usage, commands[i].what);
	return 0;
}

int
cli_main(int argc, char **argv)
{
	if (argc < 2 || strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)
		return run_help(argc, argv);
	for (size_t i = 0; i < COUNT(commands); i++)
		if (strcmp(argv[1], commands[i].name) == 0)
			return commands[i].run(argc - 1, argv + 1);
	fprintf(stderr, "ekaci: no such command: %s (see ekaci help)\n", argv[1]);
	return 2;
}
