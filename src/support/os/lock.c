/* Locks between processes. */
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

enum { POLL_MS = 50 };

/* Whether the locked file is still the one of that name: it may have been removed between open and lock. */
static bool
is_at(int fd, const char *path)
{
	struct stat mine, there;

	return fstat(fd, &mine) == 0 && stat(path, &there) == 0 && mine.st_ino == there.st_ino && mine.st_dev == there.st_dev;
}

static int
open_file(const char *path, int *ret_fd, struct err *e)
{
	*ret_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	return *ret_fd >= 0 ? 0 : fail_sys(e, "cannot open %s", path);
}

int
lock_take(const char *path, int64_t until_ms, int *ret_fd, struct err *e)
{
	const struct timespec pause = {0, (long)POLL_MS * 1000 * 1000};
	AUTO(fd_close) int fd = -1;

	for (;;) {
		if (fd < 0 && open_file(path, &fd, e) != 0)
			return -1;
		bool mine = flock(fd, LOCK_EX | LOCK_NB) == 0;
		if (!mine && errno != EWOULDBLOCK && errno != EINTR)
			return fail_sys(e, "cannot lock %s", path);
		if (mine && is_at(fd, path))
			break;
		if (mine) {
			fd_close(&fd); /* of a file that is gone: the new one is to be had at once */
			continue;
		}
		if (child_cancelled())
			return fail(e, ERR_BUSY, "cancelled");
		if (until_ms != 0 && clock_mono_ms() >= until_ms)
			return 1;
		nanosleep(&pause, NULL);
	}
	*ret_fd = fd;
	fd = -1;
	return 0;
}
