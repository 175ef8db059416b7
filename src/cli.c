/* The table of commands; each lives in the module it belongs to, what is only a command lives here. */
#include "cli.h"

#include "graph/graph.h"
#include "support/base/mem.h"
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
	if (argc != 2) {
		fputs("usage: ekaci worker STAGE < JOB\n", stderr);
		return 2;
	}
	return worker_main(argv[1]);
}

static int run_help(int argc, char **argv);

static const struct command commands[] = {
    {"worker", "STAGE", "run one stage of the pipeline on the job read from standard input", run_worker},
    {"explain", "A.drv B.drv [--json]", "what differs between two derivations, inputs followed", graph_command_explain},
    {"graph", "DRV... [--json]", "nodes, edges and blast radius of a closure, read from the store", graph_command_graph},
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
