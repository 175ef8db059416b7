/* Children of a stage: started, read, limited, and gone afterwards. */
#include "support/os/child.h"

#include "support/base/clock.h"
#include "support/os/cgroup.h"
#include "support/os/files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

enum { IN, OUT, ERR, CHAN, NFDS };
enum { READ_BYTES = 128 * 1024, LOOK_MS = 20, GONE_LOOK_US = 200, GONE_LOOKS = 500 };
enum { MAX_CHILDREN = 1024 * 1024, MAX_FAMILY = 100000 }; /* bytes of a list; processes looked at in one go */
enum { PIPE_BYTES = 512 * 1024 }; /* of standard output, where the system allows: fewer turns of waiting for each other */

struct running_child {
	const struct child *c;
	pid_t pid;
	int fds[NFDS]; /* our ends; -1 when closed */
	int end_fd;    /* readable when it has ended; -1 where the kernel has none */
	struct buf lines[NFDS];
	size_t total[NFDS];
	size_t written;
	int64_t started_ms, heard_ms, term_ms, watched_ms;
	enum child_end why; /* CHILD_EXITED until we decided to end it */
	struct child_result *result;
	bool live;   /* not yet reaped */
	bool closed; /* pipes read to their end and given up */
};

static volatile sig_atomic_t term_came;
static int64_t spent_ms;

static void
on_term(int sig)
{
	if (term_came == 0)
		term_came = sig;
}

bool
child_cancelled(void)
{
	return term_came != 0;
}

int
child_cancelled_code(void)
{
	return 128 + term_came;
}

void
child_catch_term(void)
{
	static const int from_terminal[] = {SIGINT, SIGHUP};
	struct sigaction sa = {.sa_handler = on_term}, old;

	sigaction(SIGTERM, &sa, NULL);
	/* Whoever started us without them (nohup, a shell's background) meant it. */
	for (size_t i = 0; i < COUNT(from_terminal); i++)
		if (sigaction(from_terminal[i], NULL, &old) == 0 && old.sa_handler != SIG_IGN)
			sigaction(from_terminal[i], &sa, NULL);
}

/* The parent of a process, read from /proc; 0 when it is gone. */
static pid_t
parent_of(pid_t pid)
{
	char path[64], line[512];
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return 0;
	ssize_t n = read(fd, line, sizeof(line) - 1);
	close(fd);
	if (n <= 0)
		return 0;
	line[n] = '\0';
	/* The name stands in parentheses and may hold anything; what follows the last one is regular. */
	const char *p = strrchr(line, ')');
	return p != NULL && strlen(p) > 4 ? (pid_t)strtol(p + 4, NULL, 10) : 0;
}

struct family {
	pid_t *p; /* ours first */
	size_t n, cap;
};

/* Adds the children of a process, thread by thread; false where the kernel does not list them. */
static bool
add_children(struct family *family, pid_t pid)
{
	struct arena a = {0};
	struct err ignored;
	struct dirent *thread;
	struct str text, word;
	int64_t child;
	bool listed = true;
	DIR *dir = opendir(arena_printf(&a, "/proc/%d/task", (int)pid));

	while (dir != NULL && (thread = readdir(dir)) != NULL) {
		if (thread->d_name[0] == '.')
			continue;
		if (files_read(&a, arena_printf(&a, "/proc/%d/task/%s/children", (int)pid, thread->d_name), MAX_CHILDREN, &text,
		        &ignored) != 0) {
			listed = pid != getpid() && listed; /* another's thread may have ended meanwhile */
			continue;
		}
		while (text.p != NULL) {
			word = str_cut(text, ' ', &text);
			if (str_to_i64(word, &child) == 0)
				vec_push(family, (pid_t)child);
		}
	}
	if (dir != NULL)
		closedir(dir);
	arena_release(&a);
	return listed;
}

/* The same with nothing but parents to go by: grows the set until a pass over /proc adds none. */
static void
add_by_parents(struct family *family)
{
	size_t before;
	struct dirent *d;
	DIR *dir;

	do {
		before = family->n;
		dir = opendir("/proc");
		if (dir == NULL)
			break;
		while ((d = readdir(dir)) != NULL) {
			pid_t pid = (pid_t)strtol(d->d_name, NULL, 10);
			pid_t up = pid > 0 ? parent_of(pid) : 0;
			bool known = false, ours = false;
			for (size_t i = 0; i < family->n; i++) {
				known = known || family->p[i] == pid;
				ours = ours || family->p[i] == up;
			}
			if (up > 0 && ours && !known)
				vec_push(family, pid);
		}
		closedir(dir);
	} while (family->n != before);
}

static struct family
find_family(void)
{
	struct family family = {0};

	vec_push(&family, getpid());
	if (!add_children(&family, getpid()))
		add_by_parents(&family);
	else
		for (size_t i = 1; i < family.n && family.n < MAX_FAMILY; i++)
			(void)add_children(&family, family.p[i]);
	return family;
}

static void
kill_once(void)
{
	struct family family = find_family();

	for (size_t i = 1; i < family.n; i++)
		kill(family.p[i], SIGKILL);
	vec_release(&family);
}

struct child_load
child_load_now(void)
{
	struct family family = find_family();
	struct child_load load = {.processes = family.n - 1};

	for (size_t i = 1; i < family.n; i++) {
		char path[64], line[200];
		long long size, resident = 0, shared = 0;
		snprintf(path, sizeof(path), "/proc/%d/statm", (int)family.p[i]);
		AUTO(fd_close) int fd = open(path, O_RDONLY | O_CLOEXEC);
		ssize_t n = fd >= 0 ? read(fd, line, sizeof(line) - 1) : 0;
		line[n > 0 ? n : 0] = '\0';
		if (sscanf(line, "%lld %lld %lld", &size, &resident, &shared) == 3)
			load.memory_kb += (resident - shared) * (sysconf(_SC_PAGESIZE) / 1024);
	}
	vec_release(&family);
	return load;
}

void
child_kill_descendants(void)
{
	/* A process may fork while we look; what it left shows up in the next pass. Zombies count until reaped. */
	for (int pass = 0; pass < GONE_LOOKS; pass++) {
		while (waitpid(-1, NULL, WNOHANG) > 0)
			;
		if (waitpid(-1, NULL, WNOHANG) < 0 && errno == ECHILD)
			return;
		kill_once();
		usleep(GONE_LOOK_US);
	}
}

/* Makes this process, and all it starts, the first that the kernel kills when memory runs out. Raising one's own score needs no
 * privileges; lowering it again does, so a child cannot take it back. */
static void
go_first(void)
{
	AUTO(fd_close) int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);

	if (fd >= 0)
		(void)!write(fd, "1000", 4);
}

static _Noreturn void
become(const struct child *c, int theirs[NFDS], int sync_fd)
{
	static const int numbers[NFDS] = {0, 1, 2, 3};
	int moved[NFDS];
	sigset_t none;
	int code;

	setsid();
	/* Who is talked to has builders of its own to end when we are killed; SIGKILL would leave them behind. */
	prctl(PR_SET_PDEATHSIG, c->talk ? SIGTERM : SIGKILL);
	signal(SIGTERM, SIG_DFL);
	signal(SIGINT, SIG_DFL);
	signal(SIGPIPE, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	/* First above the numbers we want, so that no target is closed while still needed. */
	for (int i = 0; i < NFDS; i++)
		moved[i] = theirs[i] >= 0 ? fcntl(theirs[i], F_DUPFD_CLOEXEC, 10) : -1;
	sync_fd = fcntl(sync_fd, F_DUPFD_CLOEXEC, 10);
	for (int i = 0; i < NFDS; i++)
		if (moved[i] >= 0 && dup2(moved[i], numbers[i]) < 0)
			goto failed;
	close_range(c->channel ? 4 : 3, 9, 0);
	/* Everything above is close-on-exec by now or becomes so; sync_fd must stay until exec. */
	close_range(10, ~0u, CLOSE_RANGE_CLOEXEC);
	if (c->dir != NULL && chdir(c->dir) != 0)
		goto failed;
	if (c->max_file_bytes != 0) {
		struct rlimit r = {c->max_file_bytes, c->max_file_bytes};
		setrlimit(RLIMIT_FSIZE, &r);
	}
	if (c->cgroup != NULL && cgroup_enter(c->cgroup) != 0)
		goto failed;
	if (c->expendable)
		go_first();
	if (c->env_clear)
		clearenv();
	for (size_t i = 0; c->env != NULL && c->env[i] != NULL; i++)
		putenv((char *)(uintptr_t)c->env[i]);
	execvp(c->argv[0], (char *const *)(uintptr_t)c->argv);
failed:
	code = errno;
	if (write(sync_fd, &code, sizeof(code)) < 0)
		_exit(126);
	_exit(127);
}

static int
start(struct running_child *r, const struct child *c, struct child_result *result, struct err *e)
{
	int theirs[NFDS] = {-1, -1, -1, -1};
	int sync_fds[2] = {-1, -1};
	int pair[2];
	int code;

	*r = (struct running_child){.c = c, .result = result, .fds = {-1, -1, -1, -1}, .end_fd = -1};
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	for (int i = 0; i < NFDS; i++) {
		if (i == CHAN && !c->channel)
			continue;
		if (i == IN && c->in.n == 0 && !c->talk) {
			theirs[i] = open("/dev/null", O_RDONLY | O_CLOEXEC);
			continue;
		}
		if (pipe2(pair, O_CLOEXEC) != 0)
			goto failed;
		theirs[i] = pair[i == IN ? 0 : 1];
		r->fds[i] = pair[i == IN ? 1 : 0];
		fcntl(r->fds[i], F_SETFL, O_NONBLOCK);
		if (i == OUT)
			(void)fcntl(r->fds[i], F_SETPIPE_SZ, PIPE_BYTES);
		buf_init(&r->lines[i], CHILD_MAX_LINE);
	}
	if (pipe2(sync_fds, O_CLOEXEC) != 0)
		goto failed;
	r->pid = fork();
	if (r->pid < 0)
		goto failed;
	if (r->pid == 0)
		become(c, theirs, sync_fds[1]);
	for (int i = 0; i < NFDS; i++)
		fd_close(&theirs[i]);
	fd_close(&sync_fds[1]);
	/* Nothing comes when exec succeeded; an errno when it did not. */
	ssize_t n;
	do
		n = read(sync_fds[0], &code, sizeof(code));
	while (n < 0 && errno == EINTR);
	fd_close(&sync_fds[0]);
	if (n == sizeof(code)) {
		waitpid(r->pid, NULL, 0);
		errno = code;
		goto failed;
	}
	r->started_ms = r->heard_ms = clock_mono_ms();
	r->live = true;
	return 0;
failed:
	code = errno;
	for (int i = 0; i < NFDS; i++) {
		fd_close(&theirs[i]);
		fd_close(&r->fds[i]);
		buf_release(&r->lines[i]);
	}
	fd_close(&sync_fds[0]);
	fd_close(&sync_fds[1]);
	errno = code;
	return fail_sys(e, "cannot run %s", c->argv[0]);
}

int
child_talk_start(const char *const *argv, struct child_talk *ret, struct err *e)
{
	const struct child c = {.argv = argv, .talk = true};
	struct running_child r;

	if (start(&r, &c, NULL, e) != 0)
		return -1;
	for (int i = 0; i < NFDS; i++)
		buf_release(&r.lines[i]);
	*ret = (struct child_talk){.in = r.fds[IN], .out = r.fds[OUT], .err = r.fds[ERR]};
	return 0;
}

static void
ask_to_end(struct running_child *r, enum child_end why)
{
	if (r->term_ms != 0)
		return;
	r->why = why;
	r->term_ms = clock_mono_ms();
	kill(-r->pid, SIGTERM);
}

static int
deliver(struct running_child *r, int i, struct str text, bool whole_lines, struct err *e)
{
	const struct child *c = r->c;
	int rc = 0;

	if (whole_lines ? c->on_line == NULL : c->on_bytes == NULL)
		return 0;
	rc = whole_lines ? c->on_line(c->ctx, i, text, e) : c->on_bytes(c->ctx, i, text, e);
	if (rc > 0)
		ask_to_end(r, CHILD_STOPPED);
	return rc < 0 ? -1 : 0;
}

/* Hands on what stands in the line buffer: whole lines, and the rest at the end of the stream. */
static int
take_lines(struct running_child *r, int i, bool at_end, struct err *e)
{
	struct buf *b = &r->lines[i];
	size_t used = 0;

	while (used < b->n) {
		const char *nl = memchr(b->p + used, '\n', b->n - used);
		if (nl == NULL && !at_end)
			break;
		size_t n = nl != NULL ? (size_t)(nl - b->p) - used : b->n - used;
		if (deliver(r, i, (struct str){b->p + used, n}, true, e) != 0)
			return -1;
		used += n + (nl != NULL ? 1 : 0);
	}
	buf_drop(b, used);
	return 0;
}

static int
receive(struct running_child *r, int i, struct err *e)
{
	bool lines = r->c->on_bytes == NULL && r->c->on_line != NULL;
	struct buf *b = &r->lines[i];
	char bytes[READ_BYTES];
	/* Bounded turns, so that a flooding child does not keep us from looking at the clock. */
	for (int turn = 0; turn < 16; turn++) {
		/* Lines are read to where they are looked at: an evaluator prints hundreds of megabytes. */
		char *chunk = lines && CHILD_MAX_LINE - b->n >= READ_BYTES ? buf_room(b, READ_BYTES) : bytes;
		ssize_t n = read(r->fds[i], chunk, READ_BYTES);
		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			return 0;
		if (n <= 0) {
			fd_close(&r->fds[i]);
			return r->c->on_bytes == NULL ? take_lines(r, i, true, e) : 0;
		}
		r->heard_ms = clock_mono_ms();
		r->total[i] += (size_t)n;
		if (r->c->max_out_bytes != 0 && r->total[i] > r->c->max_out_bytes)
			return fail(e, ERR_LIMIT, "%s printed more than %zu bytes", r->c->argv[0], r->c->max_out_bytes);
		if (r->c->on_bytes != NULL) {
			if (deliver(r, i, (struct str){chunk, (size_t)n}, false, e) != 0)
				return -1;
			continue;
		}
		if (!lines)
			continue;
		if (chunk != bytes)
			buf_grew(b, (size_t)n);
		else
			buf_add(b, chunk, (size_t)n);
		if (b->over)
			return fail(e, ERR_LIMIT, "%s printed a line longer than %d bytes", r->c->argv[0], CHILD_MAX_LINE);
		if (memchr(chunk, '\n', (size_t)n) != NULL && take_lines(r, i, false, e) != 0)
			return -1;
	}
	return 0;
}

static void
give_input(struct running_child *r)
{
	struct str rest = str_from(r->c->in, r->written);
	ssize_t n = rest.n != 0 ? write(r->fds[IN], rest.p, rest.n) : 0;

	if (n > 0)
		r->written += (size_t)n;
	if (r->written == r->c->in.n || (n < 0 && errno != EAGAIN && errno != EINTR))
		fd_close(&r->fds[IN]);
}

static void
finish(struct running_child *r, int status, const struct rusage *used)
{
	struct child_result *res = r->result;

	*res = (struct child_result){.end = r->why, .wall_ms = clock_mono_ms() - r->started_ms};
	res->max_rss_kb = used->ru_maxrss;
	if (r->why == CHILD_EXITED && WIFSIGNALED(status))
		res->end = CHILD_SIGNALED;
	res->code = WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status);
	r->live = false;
}

/* Reaps what has ended; returns true when pid is among it. Adopted orphans are reaped on the way. */
static void
reap(struct running_child *rs, size_t n)
{
	struct rusage used;
	int status;
	pid_t pid;

	while ((pid = wait4(-1, &status, WNOHANG, &used)) > 0)
		for (size_t i = 0; i < n; i++)
			if (rs[i].live && rs[i].pid == pid)
				finish(&rs[i], status, &used);
}

static void
watch_clock(struct running_child *r)
{
	int64_t now = clock_mono_ms();

	if (term_came)
		ask_to_end(r, CHILD_CANCELLED);
	if (r->c->wall_ms != 0 && now - r->started_ms >= r->c->wall_ms)
		ask_to_end(r, CHILD_TIMED_OUT);
	if (r->c->silence_ms != 0 && now - r->heard_ms >= r->c->silence_ms)
		ask_to_end(r, CHILD_SILENT);
	if (r->c->on_watch != NULL && r->term_ms == 0 && now - r->watched_ms >= CHILD_WATCH_MS) {
		r->watched_ms = now;
		if (r->c->on_watch(r->c->ctx) > 0) {
			ask_to_end(r, CHILD_STOPPED);
			kill(-r->pid, SIGKILL);
		}
	}
	if (r->term_ms != 0 && now - r->term_ms >= CHILD_GRACE_MS)
		kill(-r->pid, SIGKILL);
}

/* One round: wait for anything, hand it on, look at the clocks, reap. */
static int
step(struct running_child *rs, size_t n, struct err *e)
{
	struct pollfd pfds[64];
	struct {
		struct running_child *r;
		int i;
	} who[64];
	nfds_t np = 0;

	for (size_t k = 0; k < n; k++)
		for (int i = 0; i < NFDS && np < COUNT(pfds); i++)
			if (rs[k].live && rs[k].fds[i] >= 0) {
				pfds[np].fd = rs[k].fds[i];
				pfds[np].events = i == IN ? POLLOUT : POLLIN;
				who[np].r = &rs[k];
				who[np++].i = i;
			}
	/* A child closes its pipes a moment before it has ended, or leaves them open in a grandchild. */
	for (size_t k = 0; k < n; k++)
		if (rs[k].live && np < COUNT(pfds)) {
			pfds[np] = (struct pollfd){.fd = rs[k].end_fd, .events = POLLIN};
			who[np++].i = NFDS;
		}
	if (poll(pfds, np, LOOK_MS) > 0) {
		for (nfds_t k = 0; k < np; k++) {
			if (pfds[k].revents == 0 || who[k].i == NFDS)
				continue;
			if (who[k].i == IN)
				give_input(who[k].r);
			else if (receive(who[k].r, who[k].i, e) != 0)
				return -1;
		}
	}
	for (size_t k = 0; k < n; k++)
		if (rs[k].live)
			watch_clock(&rs[k]);
	reap(rs, n);
	return 0;
}

/* What stood in the pipes when the program ended is still read; then its descriptors and buffers go. */
static int
close_down(struct running_child *r, bool drain, struct err *e)
{
	int rc = 0;

	for (int i = OUT; i < NFDS && drain; i++) {
		while (rc == 0 && r->fds[i] >= 0) {
			size_t before = r->total[i];
			rc = receive(r, i, e);
			if (r->total[i] == before && r->fds[i] >= 0) {
				/* A grandchild still holds the pipe; it is about to be killed. */
				fd_close(&r->fds[i]);
				if (rc == 0 && r->c->on_bytes == NULL)
					rc = take_lines(r, i, true, e);
			}
		}
	}
	for (int i = 0; i < NFDS; i++) {
		fd_close(&r->fds[i]);
		buf_release(&r->lines[i]);
	}
	fd_close(&r->end_fd);
	r->closed = true;
	return rc;
}

int
child_run_all(const struct child *children, size_t n, size_t n_at_once, struct child_result *results, struct err *e)
{
	AUTO(mem_free) struct running_child *rs = mem_alloc(n * sizeof(*rs));
	size_t started = 0, ended = 0;
	int64_t begun_ms = clock_mono_ms();
	int rc = 0;

	signal(SIGPIPE, SIG_IGN);
	while (rc == 0 && ended < n) {
		while (rc == 0 && started < n && started - ended < n_at_once) {
			rc = start(&rs[started], &children[started], &results[started], e);
			if (rc == 0)
				rs[started].end_fd = pidfd_open(rs[started].pid, 0);
			if (rc == 0)
				started++;
		}
		if (rc == 0)
			rc = step(rs, started, e);
		for (size_t k = 0; k < started && rc == 0; k++) {
			if (rs[k].live || rs[k].closed)
				continue;
			rc = close_down(&rs[k], true, e);
			ended++;
		}
	}
	for (size_t k = 0; k < started; k++) {
		struct err ignored;
		if (rs[k].live)
			kill(-rs[k].pid, SIGKILL);
		if (!rs[k].closed)
			(void)close_down(&rs[k], false, &ignored);
	}
	child_kill_descendants();
	prctl(PR_SET_CHILD_SUBREAPER, 0); /* whatever comes later, a loop's workers say, is not for us to bury */
	spent_ms += clock_mono_ms() - begun_ms;
	return rc;
}

int64_t
child_spent_ms(void)
{
	return spent_ms;
}

int
child_run(const struct child *c, struct child_result *ret, struct err *e)
{
	return child_run_all(c, 1, 1, ret, e);
}

struct child_text {
	struct buf *out;
	struct buf tail;
};

static int
keep_output(void *ctx, int fd, struct str bytes, struct err *e)
{
	struct child_text *o = ctx;

	if (fd == 1) {
		buf_str(o->out, bytes);
		if (o->out->over)
			return fail(e, ERR_LIMIT, "more than %zu bytes of output", o->out->max);
		return 0;
	}
	if (bytes.n > 2048)
		bytes = str_from(bytes, bytes.n - 2048);
	if (o->tail.n + bytes.n > 4096)
		buf_drop(&o->tail, o->tail.n + bytes.n - 4096);
	buf_str(&o->tail, bytes);
	return 0;
}

int
child_output(const char *const *argv, struct buf *out, struct err *e)
{
	AUTO(buf_release) struct buf tail;
	buf_init(&tail, 8192);
	struct child_text o = {.out = out, .tail = tail};
	struct child c = {.argv = argv, .on_bytes = keep_output, .ctx = &o};
	struct child_result r;
	int rc = child_run(&c, &r, e);

	tail = o.tail;
	if (rc != 0)
		return fail_in(e, "%s", argv[0]);
	if (r.end != CHILD_EXITED || r.code != 0) {
		struct str words = str_trim(buf_get(&tail));
		if (words.n > 300)
			words = str_from(words, words.n - 300);
		return fail(e, r.end == CHILD_SIGNALED && r.code == SIGKILL ? ERR_BUSY : ERR_SYSTEM,
		    "%s ended with %s %d: " STR_FMT, argv[0], r.end == CHILD_EXITED ? "code" : "signal", r.code,
		    STR_ARG(words));
	}
	return 0;
}

int
child_foreground_start(const char *const *argv, const char *const *env, const char *dir, pid_t *ret, struct err *e)
{
	pid_t pid = fork();

	if (pid < 0)
		return fail_sys(e, "cannot run %s", argv[0]);
	if (pid > 0) {
		*ret = pid;
		return 0;
	}
	prctl(PR_SET_PDEATHSIG, SIGHUP);
	signal(SIGTERM, SIG_DFL);
	signal(SIGINT, SIG_DFL);
	signal(SIGHUP, SIG_DFL);
	signal(SIGPIPE, SIG_DFL);
	close_range(3, ~0u, CLOSE_RANGE_CLOEXEC);
	for (size_t i = 0; env != NULL && env[i] != NULL; i++)
		putenv((char *)(uintptr_t)env[i]);
	if (dir == NULL || chdir(dir) == 0)
		execvp(argv[0], (char *const *)(uintptr_t)argv);
	dprintf(2, "ekaci: cannot run %s: %s\n", argv[0], strerror(errno));
	_exit(127);
}

int
child_foreground_wait(pid_t pid)
{
	bool told = false;
	int status;

	while (waitpid(pid, &status, 0) < 0) {
		if (errno != EINTR)
			return 127;
		if (term_came == SIGTERM && !told)
			told = kill(pid, SIGTERM) == 0;
	}
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

const char *
child_find(struct arena *a, const char *program)
{
	const char *path = getenv("PATH");
	struct str rest = str_of(path != NULL ? path : "/usr/local/bin:/usr/bin:/bin");

	if (strchr(program, '/') != NULL)
		return access(program, X_OK) == 0 ? arena_strdup(a, program) : NULL;
	while (rest.p != NULL) {
		struct str dir = str_cut(rest, ':', &rest);
		char *full = arena_printf(a, STR_FMT "/%s", STR_ARG(dir), program);
		if (dir.n != 0 && access(full, X_OK) == 0)
			return full;
	}
	return NULL;
}
