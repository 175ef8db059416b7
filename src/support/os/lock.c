/* Locks by flock(2). */
#include "support/os/lock.h"

#include "support/base/clock.h"
#include "support/base/mem.h"
#include "support/os/child.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>

enum { POLL_NS = 50 * 1000 * 1000 };

/* Whether the open file is still the one of that name: an old one may have been removed between open and lock. */
static bool
is_at(int fd, const char *path)
{
	struct stat mine, there;

	return fstat(fd, &mine) == 0 && stat(path, &there) == 0 && mine.st_ino == there.st_ino && mine.st_dev == there.st_dev;
}

/* 1: somebody else holds it. */
static int
try_lock(const char *path, int *ret_fd, struct err *e)
{
	AUTO(fd_close) int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);

	if (fd < 0)
		return fail_sys(e, "%s", path);
	if (flock(fd, LOCK_EX | LOCK_NB) != 0)
		return errno == EWOULDBLOCK || errno == EINTR ? 1 : fail_sys(e, "cannot lock %s", path);
	if (!is_at(fd, path))
		return 1;
	*ret_fd = fd;
	fd = -1;
	return 0;
}

int
lock_wait(const char *path, int64_t until_ms, const char *late, int *ret_fd, struct err *e)
{
	const struct timespec pause = {0, POLL_NS};
	int rc;

	while ((rc = try_lock(path, ret_fd, e)) > 0) {
		if (child_cancelled())
			return fail(e, ERR_BUSY, "cancelled");
		if (until_ms != 0 && clock_mono_ms() >= until_ms)
			return fail(e, ERR_BUSY, "%s", late);
		nanosleep(&pause, NULL);
	}
	return rc;
}
