/*
 * watch - `ekaci diff --watch`: the command once more whenever what it compares is another.
 *
 * Each time it is a process of its own, on the same terminal. Folders are watched with inotify; what has been saved is waited for
 * until it settles, and a change that is none (an ignored file, the same text again) is not told. One that comes while it is at work
 * ends that and begins again.
 */
#ifndef EKACI_CLI_WATCH_H
#define EKACI_CLI_WATCH_H

#include "cli/request.h"

/* argv as it was given, --watch among it. Until an interrupt: 130, or 143; 2 when nothing can be watched. */
int watch_run(const struct command_line *q, const char *scratch, int argc, char **argv);

#endif
