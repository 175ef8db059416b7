/*
 * local - `ekaci diff`, `pr` and `explain ATTR`: the same stages on a local clone, without a bot.
 */
#ifndef EKACI_CLI_LOCAL_H
#define EKACI_CLI_LOCAL_H

/*
 * `ekaci explain ATTR` walks the same way up to the comparison (stored evaluations are used again) and prints
 * why that attribute differs. Exit codes: 0 it does not differ, 1 it does, 2 it could not be told.
 */
int local_explain(int argc, char **argv);
/* `ekaci shell`: what was built, in a shell, whose exit code it gives; 2 when there is nothing, or it could not be told. */
int local_shell(int argc, char **argv);
/* `ekaci pr N`: the same of a pull request, which is fetched. */
int local_pr(int argc, char **argv);
/* Exit codes: 0 nothing newly failing, 1 something is, 2 it could not be told. */
int local_diff(int argc, char **argv);

#endif
