/* The ways to the Nix store. */
#include "nix/access.h"

#include "support/os/files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define SOCKET   "/nix/var/nix/daemon-socket/socket"
#define STORE    "/nix/store"
#define DATABASE "/nix/var/nix/db"

/* -1 with errno. */
static int
reach(void)
{
	struct sockaddr_un at = {.sun_family = AF_UNIX, .sun_path = SOCKET};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd >= 0 && connect(fd, (const struct sockaddr *)&at, sizeof(at)) != 0) {
		int why = errno;
		fd_close(&fd);
		errno = why;
		return -1;
	}
	return fd;
}

static int
knock(void)
{
	AUTO(fd_close) int fd = reach();

	return fd < 0 ? -1 : 0;
}

bool
nixstore_daemon_listens(void)
{
	return knock() == 0;
}

/* Where the environment points Nix elsewhere it is Nix that knows. */
static bool
is_elsewhere(void)
{
	const char *remote = getenv("NIX_REMOTE");

	return (remote != NULL && remote[0] != '\0' && strcmp(remote, "daemon") != 0) || getenv("NIX_STATE_DIR") != NULL ||
	       getenv("NIX_STORE_DIR") != NULL || getenv("NIX_DAEMON_SOCKET_PATH") != NULL;
}

bool
nixstore_is_the_daemons(void)
{
	return !is_elsewhere() && access(DATABASE, W_OK) != 0 && nixstore_daemon_listens();
}

int
nixstore_connect(void)
{
	int fd = reach();

	if (fd >= 0 && fcntl(fd, F_SETFL, O_NONBLOCK) != 0)
		fd_close(&fd);
	return fd;
}

int
nixstore_forget_roots(const char *dir)
{
	const char *state = getenv("NIX_STATE_DIR");
	char path[PATH_MAX], target[PATH_MAX];
	int left = 0;

	snprintf(path, sizeof(path), "%s/gcroots/auto", state != NULL && state[0] == '/' ? state : "/nix/var/nix");
	DIR *d = opendir(path);
	if (d == NULL)
		return 0;
	for (struct dirent *link; (link = readdir(d)) != NULL;) {
		ssize_t n = readlinkat(dirfd(d), link->d_name, target, sizeof(target) - 1);
		size_t n_dir = strlen(dir);
		if (n <= 0)
			continue;
		target[n] = '\0';
		if (strncmp(target, dir, n_dir) == 0 && target[n_dir] == '/' && unlinkat(dirfd(d), link->d_name, 0) != 0 &&
		    errno != ENOENT)
			left = 1;
	}
	closedir(d);
	return left;
}

const char *
nixstore_access(struct err *e)
{
	if (getenv("NIX_REMOTE") != NULL || getenv("NIX_STATE_DIR") != NULL || getenv("NIX_STORE_DIR") != NULL)
		return "as the environment says";
	if (knock() == 0)
		return "by Nix' daemon";
	int why = errno;
	if (access(STORE, F_OK) != 0)
		return "as Nix makes one"; /* newer Nix puts it into the home of who has no /nix */
	if (geteuid() == 0 || (access(STORE, W_OK) == 0 && (access(DATABASE, W_OK) == 0 || errno == ENOENT)))
		return "as its only user";
	if (why == EACCES)
		(void)fail(e, ERR_DENIED,
		    "Nix' daemon lets only some users in, and we are not among them: " SOCKET
		    ": permission denied. Debian's lets in the group nix-users: `usermod -aG nix-users USER`, then start again");
	else
		(void)fail(e, ERR_DENIED,
		    "no Nix daemon listens at " SOCKET ", and " STORE " is not ours to write: start nix-daemon, "
		    "or give the store of a single-user Nix to the user of ekaci");
	return NULL;
}
