/*
 * daemon - `ekaci serve`: opens everything in order, runs the loop, closes in reverse.
 */
#ifndef EKACI_BOT_DAEMON_H
#define EKACI_BOT_DAEMON_H

#include "config/config.h"

struct daemon_start {
	struct settings *settings;          /* SIGHUP changes them (service.h) */
	const char *config;                 /* their file, absolute */
	const char *log_format, *log_level; /* stand above [log]; NULL: what that says */
	int ready_fd;                       /* -1: none */
};
/* Runs until SIGTERM or SIGINT. ready_fd gets one JSON line with the bound address, then is closed. systemd is told, and a socket
 * that it opened for us is used instead of [web] listen. */
must_check int daemon_run(const struct daemon_start *start, struct err *e);

#endif
