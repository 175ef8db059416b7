/*
 * backup - `ekaci backup FILE` and `ekaci restore FILE`: the bot's memory in one file, and back.
 *
 * The archive (support/os/tar.h) holds, in this order: ekaci-backup, a line of JSON that says what it is; runs/, the reports; logs/;
 * and ekaci.db, of the moment at which it was begun, so that every file that it names was there. Not in it is what is made again:
 * mirrors, evaluations, graphs, roots; nor the settings and secrets, which are the operator's.
 */
#ifndef EKACI_CLI_BACKUP_H
#define EKACI_CLI_BACKUP_H

int backup_main(int argc, char **argv);
int restore_main(int argc, char **argv);

#endif
