/*
 * lock - one at a time, between processes: an exclusive lock on a file, which goes with whoever holds it.
 *
 * The file (0600) is made when it is not there and never written. It may be removed by somebody else who holds the lock: who waits
 * then locks the new file of that name, so that two never hold the same name.
 */
#ifndef EKACI_SUPPORT_OS_LOCK_H
#define EKACI_SUPPORT_OS_LOCK_H

#include "support/base/err.h"

#include <stdint.h>

/* Waits for the lock on path, looking twenty times a second; *ret_fd holds it until it is closed. 1 when it is not to be had
 * until until_ms (by clock_mono_ms; 0: there is no end). ERR_BUSY when this process is asked to end meanwhile. */
must_check int lock_take(const char *path, int64_t until_ms, int *ret_fd, struct err *e);

#endif
