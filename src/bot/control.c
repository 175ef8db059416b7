/* A socket for operators, a child for each command. */
#include "bot/control.h"

#include "support/base/log.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum { MAX_WORDS = 32, BACKLOG = 64 };

/* What may be asked for, and what the rest must be: NULL for anything. */
static const struct {
	const char *verb, *only;
} verbs[] = {{"status", NULL}, {"run", NULL}, {"retry", NULL}, {"cancel", NULL}, {"approve", NULL}, {"rebuild", NULL},
    {"log", NULL}, {"token", NULL}, {"backup", "-"}};

struct asker {
	struct control *c;
	struct asker *next;
	int fd, out, err;
	uv_poll_t poll;
	uv_process_t process;
	struct loop_timer *late;
	bool runs;
	int open; /* handles of libuv that are not closed */
};

struct control {
	struct loop *l;
	struct arena a;
	const char *path, *config;
	int fd;
	uv_poll_t poll;
	struct asker *askers;
	size_t n;
};

static void listen_again(struct control *c);

static void
closed(uv_handle_t *h)
{
	struct asker *k = h->data;

	if (--k->open > 0)
		return;
	fd_close(&k->fd);
	mem_free(&k);
}

static void
forget(struct asker *k)
{
	struct asker **at = &k->c->askers;

	while (*at != k)
		at = &(*at)->next;
	*at = k->next;
	k->c->n--;
	listen_again(k->c);
	fd_close(&k->out);
	fd_close(&k->err);
	loop_timer_free(k->late);
	uv_poll_stop(&k->poll);
	uv_close((uv_handle_t *)&k->poll, closed);
}

/* why: NULL, or what is wrong with what was asked. It goes with the answer: their standard error may block us. */
static void
answer(struct asker *k, int code, const char *why)
{
	char text[256];
	int n = snprintf(text, sizeof(text), "%d%s%s", code, why != NULL ? " " : "", why != NULL ? why : "");

	if (send(k->fd, text, (size_t)n, MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
		log_debug("control: nobody waits for the answer");
	forget(k);
}

static void
on_exit(uv_process_t *p, int64_t status, int term_signal)
{
	struct asker *k = p->data;
	LOOP_MEASURE(k->c->l, "control");

	uv_close((uv_handle_t *)p, closed);
	k->runs = false;
	answer(k, term_signal != 0 ? 128 + term_signal : (int)status, NULL);
}

static void
start(struct asker *k, const char *const *words, size_t n)
{
	const char *argv[MAX_WORDS + 5] = {"ekaci", words[0], "--config", k->c->config};
	uv_stdio_container_t stdio[] = {{.flags = UV_IGNORE}, {.flags = UV_INHERIT_FD, .data.fd = k->out},
	    {.flags = UV_INHERIT_FD, .data.fd = k->err}};
	uv_process_options_t o = {.exit_cb = on_exit,
	    .file = "/proc/self/exe",
	    .args = (char **)(uintptr_t)argv,
	    .flags = UV_PROCESS_DETACHED,
	    .stdio = stdio,
	    .stdio_count = COUNT(stdio)};

	for (size_t i = 1; i < n; i++)
		argv[3 + i] = words[i];
	k->process.data = k;
	int rc = uv_spawn(loop_uv(k->c->l), &k->process, &o);
	k->open++;
	if (rc != 0) {
		uv_close((uv_handle_t *)&k->process, closed);
		answer(k, 2, uv_strerror(rc));
		return;
	}
	k->runs = true;
	fd_close(&k->out);
	fd_close(&k->err);
	loop_timer_set(k->late, -1);
}

/* Why these words are not run; NULL: they are good. */
static const char *
why_not(const char *const *words, size_t n)
{
	for (size_t i = 0; n > 0 && i < COUNT(verbs); i++) {
		if (strcmp(verbs[i].verb, words[0]) != 0)
			continue;
		for (size_t k = 1; k < n; k++)
			if (strncmp(words[k], "--config", 8) == 0 || (verbs[i].only != NULL && words[k][0] != '-') ||
			    (verbs[i].only != NULL && n == 1))
				return "that names a file, which is not for the bot to open";
		return NULL;
	}
	return "that is no command for the bot";
}

/* The message's words, in place; 0 when it is none of ours. */
static size_t
split(char *text, size_t bytes, const char **words)
{
	size_t n = 0;

	if (bytes == 0 || text[bytes - 1] != '\0')
		return 0;
	for (size_t at = 0; at < bytes; at += strlen(text + at) + 1) {
		if (n == MAX_WORDS)
			return 0;
		words[n++] = text + at;
	}
	return n;
}

/* Descriptors beyond two are closed at once. */
static void
take_descriptors(struct asker *k, struct msghdr *m)
{
	for (struct cmsghdr *h = CMSG_FIRSTHDR(m); h != NULL; h = CMSG_NXTHDR(m, h)) {
		if (h->cmsg_level != SOL_SOCKET || h->cmsg_type != SCM_RIGHTS)
			continue;
		size_t n = (h->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		for (size_t i = 0; i < n; i++) {
			int fd;
			memcpy(&fd, CMSG_DATA(h) + i * sizeof(int), sizeof(fd));
			int *place = k->out < 0 ? &k->out : k->err < 0 ? &k->err : &fd;
			if (place == &fd)
				fd_close(&fd);
			else
				*place = fd;
		}
	}
}

static void
hear(struct asker *k)
{
	static char text[CONTROL_MAX_BYTES];
	union {
		char bytes[CMSG_SPACE(8 * sizeof(int))];
		struct cmsghdr align;
	} more;
	struct iovec iov = {text, sizeof(text)};
	struct msghdr m = {.msg_iov = &iov, .msg_iovlen = 1, .msg_control = more.bytes, .msg_controllen = sizeof(more.bytes)};
	const char *words[MAX_WORDS];
	ssize_t got = recvmsg(k->fd, &m, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);

	if (got < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (got <= 0) {
		forget(k);
		return;
	}
	take_descriptors(k, &m);
	size_t n = (m.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0 ? 0 : split(text, (size_t)got, words);
	const char *why = n == 0 || k->out < 0 || k->err < 0 ? "that is no command line" : why_not(words, n);
	if (why != NULL) {
		answer(k, 2, why);
		return;
	}
	struct ucred who = {0};
	socklen_t size = sizeof(who);
	if (getsockopt(k->fd, SOL_SOCKET, SO_PEERCRED, &who, &size) == 0)
		log_info("control: user %ld asks for %s", (long)who.uid, words[0]);
	start(k, words, n);
}

static void
on_asker(uv_poll_t *p, int status, int events)
{
	struct asker *k = p->data;
	LOOP_MEASURE(k->c->l, "control");

	(void)status;
	(void)events;
	if (!k->runs) {
		hear(k);
		return;
	}
	/* Nothing more is to be said: they are gone, and on_exit does the rest. */
	uv_poll_stop(p);
	uv_process_kill(&k->process, SIGTERM);
}

static void
on_late(void *ctx)
{
	struct asker *k = ctx;

	if (!k->runs)
		forget(k);
}

static void
on_connection(uv_poll_t *p, int status, int events)
{
	struct control *c = p->data;
	LOOP_MEASURE(c->l, "control");
	int fd = accept4(c->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	(void)status;
	(void)events;
	if (fd < 0)
		return;
	struct asker *k = mem_alloc(sizeof(*k));
	*k = (struct asker){.c = c, .next = c->askers, .fd = fd, .out = -1, .err = -1, .open = 1};
	c->askers = k;
	c->n++;
	k->late = loop_timer_new(c->l, "control", on_late, k);
	loop_timer_set(k->late, CONTROL_SPEAK_MS);
	uv_poll_init(loop_uv(c->l), &k->poll, fd);
	k->poll.data = k;
	uv_poll_start(&k->poll, UV_READABLE | UV_DISCONNECT, on_asker);
	listen_again(c);
}

/* Only as long as there is room for one more. */
static void
listen_again(struct control *c)
{
	if (c->fd < 0 || c->poll.data == NULL)
		return;
	if (c->n < CONTROL_MAX_AT_ONCE)
		uv_poll_start(&c->poll, UV_READABLE, on_connection);
	else
		uv_poll_stop(&c->poll);
}

int
control_start(struct loop *l, const char *state_dir, const char *config, struct control **ret, struct err *e)
{
	struct sockaddr_un at = {.sun_family = AF_UNIX};
	struct control *c = mem_alloc(sizeof(*c));

	*c = (struct control){.l = l, .fd = -1};
	c->path = arena_printf(&c->a, "%s/" CONTROL_SOCKET, state_dir);
	c->config = arena_strdup(&c->a, config);
	*ret = c;
	if (strlen(c->path) >= sizeof(at.sun_path)) {
		log_warn("no socket for operators: the name %s is longer than %zu bytes", c->path, sizeof(at.sun_path) - 1);
		return 0;
	}
	memcpy(at.sun_path, c->path, strlen(c->path));
	unlink(c->path);
	c->fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (c->fd < 0 || bind(c->fd, (const struct sockaddr *)&at, sizeof(at)) != 0 || chmod(c->path, 0660) != 0 ||
	    listen(c->fd, BACKLOG) != 0) {
		(void)fail_sys(e, "cannot listen on %s", c->path);
		control_stop(c);
		return -1;
	}
	uv_poll_init(loop_uv(l), &c->poll, c->fd);
	c->poll.data = c;
	listen_again(c);
	return 0;
}

static void
release(void *ctx)
{
	struct control *c = ctx;

	fd_close(&c->fd);
	arena_release(&c->a);
	mem_free(&c);
}

void
control_stop(struct control *c)
{
	if (c == NULL)
		return;
	if (c->fd >= 0)
		unlink(c->path);
	if (c->poll.data != NULL) {
		uv_poll_stop(&c->poll);
		uv_close((uv_handle_t *)&c->poll, NULL);
		c->poll.data = NULL;
	}
	while (c->askers != NULL) {
		if (c->askers->runs) {
			uv_process_kill(&c->askers->process, SIGTERM);
			uv_close((uv_handle_t *)&c->askers->process, closed);
		}
		forget(c->askers);
	}
	loop_put_off(c->l, release, c);
}
