/*
 * cli - the commands of `ekaci`, as a table.
 */
#ifndef EKACI_CLI_CLI_H
#define EKACI_CLI_CLI_H

/* Runs the command argv[1] names; gives the exit code. */
int cli_main(int argc, char **argv);

#endif
