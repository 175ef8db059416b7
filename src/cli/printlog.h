/*
 * printlog - `ekaci log DRV`: a build's log as it was printed, on the bot's machine; and how the text of a log, which is a builder's, leaves
 * by our standard output.
 */
#ifndef EKACI_CLI_PRINTLOG_H
#define EKACI_CLI_PRINTLOG_H

#include "support/base/str.h"

int log_main(int argc, char **argv);

/* "HASH-NAME" of a derivation: its path, or its name in the store, with or without ".drv"; in a. NULL: it is none. */
const char *log_stem(struct arena *a, const char *drv);

/* A terminal gets lines without anything that could drive it; a file or a pipe gets the bytes. Begin with {0}; at the end, log_end. */
struct log_out {
	struct buf line;
	bool begun, terminal;
};
void log_put(struct log_out *o, struct str bytes);
void log_end(struct log_out *o);

#endif
