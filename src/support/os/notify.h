/*
 * notify - what systemd and we say to each other: sd_notify(3), the watchdog, sockets that were opened for us (sd_listen_fds(3)).
 *
 * The protocols are a datagram and three variables of the environment, so no library is needed. Without systemd, or in a container,
 * nothing is there and nothing happens.
 */
#ifndef EKACI_SUPPORT_OS_NOTIFY_H
#define EKACI_SUPPORT_OS_NOTIFY_H

#include "support/base/err.h"

#include <stdint.h>

/* Reads the environment, once, and takes what it read out of it: our children are not the service. ERR_INPUT when what is there is
 * not to be understood, or more than one socket was opened for us. */
must_check int notify_take(struct err *e);

/* Lines as of sd_notify: "READY=1\nSTATUS=...". Lost when nobody reads. */
void notify_say(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* The same with what a reload wants to be told: RELOADING=1 and the monotonic time. */
void notify_reloading(void);
/* How often WATCHDOG=1 is wanted at least, in ms; 0: it is not. */
int64_t notify_watchdog_ms(void);
/* A listening socket that was opened for us, not inherited by children; -1: none was. */
int notify_socket(void);

#endif
