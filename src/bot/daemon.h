/*
 * daemon - `ekaci serve`: opens everything in order, runs the loop, closes in reverse.
 */
#ifndef EKACI_BOT_DAEMON_H
#define EKACI_BOT_DAEMON_H

#include "config/config.h"

/* Runs until SIGTERM or SIGINT. ready_fd >= 0 gets one JSON line with the bound address, then is closed. */
must_check int daemon_run(const struct settings *settings, int ready_fd, struct err *e);

#endif
