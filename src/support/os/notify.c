/* systemd's words, without its library. */
#include "support/os/notify.h"

#include "support/base/clock.h"
#include "support/base/log.h"
#include "support/base/str.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { FIRST_FD = 3 /* SD_LISTEN_FDS_START */ };

static struct sockaddr_un where;
static socklen_t where_n; /* 0: nobody listens */
static int64_t watchdog_ms;
static int socket_fd = -1;

/* A path, or "@NAME" for one in no file system. */
static int
take_address(const char *path, struct err *e)
{
	size_t n = strlen(path);

	if ((path[0] != '/' && path[0] != '@') || n < 2 || n >= sizeof(where.sun_path))
		return fail(e, ERR_INPUT, "NOTIFY_SOCKET=%s is no socket's address", path);
	where.sun_family = AF_UNIX;
	memcpy(where.sun_path, path, n);
	if (path[0] == '@')
		where.sun_path[0] = '\0';
	where_n = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n + (path[0] == '/'));
	return 0;
}

/* Whether a variable names this process, or is not there. */
static bool
is_us(const char *pid)
{
	int64_t n;

	return pid == NULL || (str_to_i64(str_of(pid), &n) == 0 && n == getpid());
}

static int
take_sockets(const char *count, struct err *e)
{
	int listens = 0;
	socklen_t size = sizeof(listens);
	int64_t n;

	if (str_to_i64(str_of(count), &n) != 0 || n < 1)
		return fail(e, ERR_INPUT, "LISTEN_FDS=%s is no number of sockets", count);
	if (n > 1)
		return fail(e, ERR_INPUT,
		    "%lld sockets were opened for ekaci, which takes one: one ListenStream= in ekaci.socket", (long long)n);
	if (getsockopt(FIRST_FD, SOL_SOCKET, SO_ACCEPTCONN, &listens, &size) != 0 || !listens)
		return fail(e, ERR_INPUT, "what was opened for ekaci is no listening stream socket: ListenStream= is meant");
	int flags = fcntl(FIRST_FD, F_GETFL);
	if (fcntl(FIRST_FD, F_SETFD, FD_CLOEXEC) != 0 || flags < 0 || fcntl(FIRST_FD, F_SETFL, flags | O_NONBLOCK) != 0)
		return fail_sys(e, "cannot use the socket that was opened for ekaci");
	socket_fd = FIRST_FD;
	return 0;
}

int
notify_take(struct err *e)
{
	const char *address = getenv("NOTIFY_SOCKET"), *usec = getenv("WATCHDOG_USEC"), *fds = getenv("LISTEN_FDS");
	int64_t n;
	int rc = address != NULL ? take_address(address, e) : 0;

	if (rc == 0 && usec != NULL && is_us(getenv("WATCHDOG_PID")) && str_to_i64(str_of(usec), &n) == 0 && n > 0)
		watchdog_ms = n / 2000;
	if (rc == 0 && fds != NULL && getenv("LISTEN_PID") != NULL && is_us(getenv("LISTEN_PID")))
		rc = take_sockets(fds, e);
	static const char *const names[] = {"NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID", "LISTEN_FDS", "LISTEN_PID",
	    "LISTEN_FDNAMES"};
	for (size_t i = 0; i < COUNT(names); i++)
		unsetenv(names[i]);
	return rc;
}

void
notify_say(const char *fmt, ...)
{
	char text[1024];
	va_list ap;

	if (where_n == 0)
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	AUTO(fd_close) int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0 || sendto(fd, text, strlen(text), MSG_NOSIGNAL, (const struct sockaddr *)&where, where_n) < 0)
		log_debug("nobody hears what systemd is told: %s", strerror(errno));
}

void
notify_reloading(void)
{
	notify_say("RELOADING=1\nMONOTONIC_USEC=%lld", (long long)(clock_mono_ns() / 1000));
}

int64_t
notify_watchdog_ms(void)
{
	return watchdog_ms;
}

int
notify_socket(void)
{
	return socket_fd;
}
