/*
 * control - the bot's door for people on its machine: the socket `control` in the state folder.
 *
 * Whoever may open it may ask: root, the bot's own user and its group (mode 0660 in a folder of 0750); nothing else is asked for, and no
 * secret. It is for those of the group, who cannot read the database; root and the bot's user read it without us (cli/place.h), also
 * while no bot runs.
 *
 * A connection (SOCK_SEQPACKET) says one message, the words of a command line, each with a NUL behind it, and gives two descriptors
 * with it: standard output and standard error. We start `ekaci VERB --config OUR-FILE WORDS...` with these, as ourselves and outside
 * of the loop, and answer one message when it has ended: its exit code in decimal digits, behind which a space and why stand
 * when it was not run. Verbs are those of the table in control.c;
 * words that would name another file are refused. A connection that is closed early ends its command.
 */
#ifndef EKACI_BOT_CONTROL_H
#define EKACI_BOT_CONTROL_H

#include "support/os/loop.h"

enum {
	CONTROL_MAX_BYTES = 16 * 1024, /* of a command line */
	CONTROL_MAX_AT_ONCE = 16,      /* connections; more wait in the socket's queue */
	CONTROL_SPEAK_MS = 5000        /* to say what is wanted */
};
#define CONTROL_SOCKET "control"

struct control;
/* config: the file of our settings, absolute. A socket that an earlier life left is replaced: the state's lock is ours. */
must_check int control_start(struct loop *l, const char *state_dir, const char *config, struct control **ret, struct err *e);
/* The socket goes, commands are ended. NULL is fine. Before loop_free. */
void control_stop(struct control *c);

#endif
