/* Children one talks with. */
#include "support/os/peer.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

static _Noreturn void
become(const char *const *argv, const char *const *env, const int fds[3], int sync_fd)
{
	sigset_t none;
	int code;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	signal(SIGTERM, SIG_DFL);
	signal(SIGPIPE, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	for (int i = 0; i < 3; i++)
		if (dup2(fds[i], i) < 0)
			goto failed;
	close_range(3, ~0u, CLOSE_RANGE_CLOEXEC);
	for (size_t i = 0; env != NULL && env[i] != NULL; i++)
		putenv((char *)(uintptr_t)env[i]);
	execvp(argv[0], (char *const *)(uintptr_t)argv);
failed:
	code = errno;
	if (write(sync_fd, &code, sizeof(code)) < 0)
		_exit(126);
	_exit(127);
}

/* A close-on-exec pipe whose ends are above the standard numbers, so that dup2 in the child never hits one. */
static int
high_pipe(int ret[2])
{
	int low[2];

	if (pipe2(low, O_CLOEXEC) != 0)
		return -1;
	for (int i = 0; i < 2; i++) {
		ret[i] = fcntl(low[i], F_DUPFD_CLOEXEC, 10);
		close(low[i]);
	}
	return ret[0] >= 0 && ret[1] >= 0 ? 0 : -1;
}

int
peer_start(const char *const *argv, const char *const *env, struct peer *ret, struct err *e)
{
	int in[2] = {-1, -1}, err[2] = {-1, -1}, sync_fds[2] = {-1, -1};
	int low_null = open("/dev/null", O_WRONLY | O_CLOEXEC);
	int null = fcntl(low_null, F_DUPFD_CLOEXEC, 10);
	int code = 0;
	pid_t pid = -1;

	fd_close(&low_null);
	if (null >= 0 && high_pipe(in) == 0 && high_pipe(err) == 0 && high_pipe(sync_fds) == 0)
		pid = fork();
	if (pid == 0) {
		const int fds[3] = {in[0], null, err[1]};
		become(argv, env, fds, sync_fds[1]);
	}
	if (pid < 0)
		code = errno;
	fd_close(&null);
	fd_close(&in[0]);
	fd_close(&err[1]);
	fd_close(&sync_fds[1]);
	if (pid > 0) {
		ssize_t n;
		do
			n = read(sync_fds[0], &code, sizeof(code));
		while (n < 0 && errno == EINTR);
		if (n == sizeof(code))
			waitpid(pid, NULL, 0);
		else
			code = 0;
	}
	fd_close(&sync_fds[0]);
	if (code != 0) {
		fd_close(&in[1]);
		fd_close(&err[0]);
		errno = code;
		return fail_sys(e, "cannot run %s", argv[0]);
	}
	signal(SIGPIPE, SIG_IGN);
	fcntl(in[1], F_SETFL, O_NONBLOCK);
	fcntl(err[0], F_SETFL, O_NONBLOCK);
	*ret = (struct peer){.pid = pid, .in = in[1], .err = err[0]};
	buf_init(&ret->text, PEER_MAX_LINE);
	return 0;
}

int
peer_say(struct peer *p, struct str text, struct err *e)
{
	while (text.n > 0) {
		ssize_t n = write(p->in, text.p, text.n);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EPIPE)
			return 0; /* it has ended, which is read */
		if (n < 0)
			return fail_sys(e, "cannot write to a helper process");
		text = str_from(text, (size_t)n);
	}
	return 0;
}

static int
hand_on(struct peer *p, bool at_end, int (*on_line)(void *, struct str, struct err *), void *ctx, struct err *e)
{
	size_t used = 0;
	int rc = 0;

	while (rc == 0 && used < p->text.n) {
		const char *nl = memchr(p->text.p + used, '\n', p->text.n - used);
		if (nl == NULL && !at_end)
			break;
		size_t n = nl != NULL ? (size_t)(nl - p->text.p) - used : p->text.n - used;
		rc = on_line(ctx, (struct str){p->text.p + used, n}, e);
		used += n + (nl != NULL);
	}
	buf_drop(&p->text, used);
	return rc;
}

int
peer_read(struct peer *p, int (*on_line)(void *ctx, struct str line, struct err *e), void *ctx, struct err *e)
{
	char chunk[65536];

	/* Bounded turns, so that one talkative child does not keep the others waiting. */
	for (int turn = 0; turn < 16; turn++) {
		ssize_t n = read(p->err, chunk, sizeof(chunk));
		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			return 0;
		if (n <= 0)
			return hand_on(p, true, on_line, ctx, e) != 0 ? -1 : 1;
		buf_add(&p->text, chunk, (size_t)n);
		if (p->text.over)
			return fail(e, ERR_LIMIT, "a helper process printed a line longer than %d bytes", PEER_MAX_LINE);
		if (memchr(chunk, '\n', (size_t)n) != NULL && hand_on(p, false, on_line, ctx, e) != 0)
			return -1;
	}
	return 0;
}

int64_t
peer_rss_kb(const struct peer *p)
{
	char path[64], line[128];

	if (p->pid == 0)
		return 0;
	snprintf(path, sizeof(path), "/proc/%d/statm", (int)p->pid);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return 0;
	ssize_t n = read(fd, line, sizeof(line) - 1);
	close(fd);
	if (n <= 0)
		return 0;
	line[n] = '\0';
	const char *second = strchr(line, ' ');
	return second != NULL ? strtoll(second, NULL, 10) * (sysconf(_SC_PAGESIZE) / 1024) : 0;
}

int
peer_end(struct peer *p)
{
	struct rusage used = {0};
	int status = 0;

	if (p->pid != 0) {
		kill(p->pid, SIGKILL);
		while (wait4(p->pid, &status, 0, &used) < 0 && errno == EINTR)
			;
		fd_close(&p->in);
		fd_close(&p->err);
		buf_release(&p->text);
	}
	*p = (struct peer){.in = -1, .err = -1, .max_rss_kb = used.ru_maxrss};
	return status;
}
