/*
 * lock - a file that one process at a time holds.
 *
 * The lock belongs to the open file, so it ends with the descriptor and with the process, however that ends. The file stays.
 */
#ifndef EKACI_SUPPORT_OS_LOCK_H
#define EKACI_SUPPORT_OS_LOCK_H

#include "support/base/err.h"

#include <stdint.h>

/*
 * Waits until nobody else holds the file at path, which is made when it is not there (its folder is not), and holds it as long as
 * *ret_fd is open. Looks every 50 ms. ERR_BUSY when cancelled meanwhile (child.h), or at until_ms (clock_mono_ms; 0: never), then
 * with the text late. Whoever removes the file while others wait makes no two of them holders.
 */
must_check int lock_wait(const char *path, int64_t until_ms, const char *late, int *ret_fd, struct err *e);

#endif
