/* libmicrohttpd inside the loop: connections, deadlines, dispatch. */
#include "web/server.h"

#include "support/base/clock.h"

#include <errno.h>
#include <netdb.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
	SWEEP_MS = 1000,
	MAX_ROUNDS = 16, /* of MHD_run in one callback, so that other sources get their turn */
	BACKLOG = 1024,
	CONNECTION_BYTES = 32 * 1024 /* request line, headers and what is read of a body at once */
};

/* One TCP connection. It lives from accept to close and is given a deadline for whatever it is doing. */
struct connection {
	struct connection *prev, *next;
	int fd;
	int64_t deadline_ms;  /* monotonic */
	const char *line_end; /* of the address as it came, where a text would end */
	bool has_nul;         /* that address, written as %00 */
};

struct server {
	struct loop *l;
	const struct route *routes;
	size_t n_routes;
	struct server_hooks hooks;
	int64_t request_ms;
	struct MHD_Daemon *mhd;
	uv_poll_t poll;
	struct loop_timer *mhd_timer, *sweep_timer;
	struct connection *connections;
	size_t n_connections;
	VEC(struct server_count) counts;
	int port;
	char *address;
	bool pumping;
	bool holding;                           /* what may be put off is: what was sent to us comes first */
	int64_t turn_ms;                        /* when it began, monotonic */
	VEC(struct MHD_Connection *) postponed; /* suspended until the next turn */
};

/* --- routes --- */

/* Nothing else may stand in a parameter, so that it can be part of a file's name. */
static bool
param_ok(struct str s)
{
	if (s.n == 0 || s.n > 256 || str_is(s, ".") || str_is(s, ".."))
		return false;
	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];
		if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
		        (c != '\0' && strchr("._+?=:-", c) != NULL)))
			return false;
	}
	return true;
}

static bool
matches(struct str pattern, struct str path, struct str params[SERVER_MAX_PARAMS])
{
	size_t n = 0;

	while (pattern.p != NULL && path.p != NULL) {
		struct str want = str_cut(pattern, '/', &pattern), got = str_cut(path, '/', &path);
		if (want.n == 0 || want.p[0] != ':') {
			if (!str_eq(want, got))
				return false;
			continue;
		}
		const char *ending = memchr(want.p, '.', want.n);
		if (ending != NULL) {
			struct str tail = {ending, want.n - (size_t)(ending - want.p)};
			if (!str_ends(got, tail))
				return false;
			got.n -= tail.n;
		}
		if (!param_ok(got) || n == SERVER_MAX_PARAMS)
			return false;
		params[n++] = got;
	}
	return pattern.p == NULL && path.p == NULL;
}

static const struct route *
find_route(const struct server *s, const char *path, struct str params[SERVER_MAX_PARAMS])
{
	for (size_t i = 0; i < s->n_routes; i++)
		if (matches(str_of(s->routes[i].pattern), str_of(path), params))
			return &s->routes[i];
	return NULL;
}

/* --- connections --- */

static void
on_connection(void *ctx, struct MHD_Connection *mhd, void **socket_context, enum MHD_ConnectionNotificationCode code)
{
	struct server *s = ctx;
	struct connection *c = *socket_context;

	if (code == MHD_CONNECTION_NOTIFY_STARTED) {
		c = mem_alloc(sizeof(*c));
		*c = (struct connection){.next = s->connections};
		c->fd = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
		c->deadline_ms = clock_mono_ms() + s->request_ms;
		if (c->next != NULL)
			c->next->prev = c;
		s->connections = c;
		*socket_context = c;
		if (s->n_connections++ == 0)
			loop_timer_set(s->sweep_timer, SWEEP_MS);
		return;
	}
	if (c == NULL)
		return;
	if (c->next != NULL)
		c->next->prev = c->prev;
	if (c->prev != NULL)
		c->prev->next = c->next;
	else
		s->connections = c->next;
	s->n_connections--;
	mem_free(&c);
	*socket_context = NULL;
}

/* A connection past its deadline is shut down; libmicrohttpd then sees its end like any other. */
static void
sweep(void *ctx)
{
	struct server *s = ctx;
	int64_t now = clock_mono_ms();

	for (struct connection *c = s->connections; c != NULL; c = c->next) {
		if (c->deadline_ms > now)
			continue;
		shutdown(c->fd, SHUT_RDWR);
		c->deadline_ms = now + SERVER_ANSWER_MS;
	}
	if (s->connections != NULL)
		loop_timer_set(s->sweep_timer, s->request_ms < SWEEP_MS ? s->request_ms : SWEEP_MS);
	server_pump(s);
}

static void
count(struct server *s, const char *route, unsigned status)
{
	for (size_t i = 0; i < s->counts.n; i++) {
		if (s->counts.p[i].status == status && s->counts.p[i].route == route) {
			s->counts.p[i].n++;
			return;
		}
	}
	vec_push(&s->counts, ((struct server_count){route, status, 1}));
}

enum MHD_Result
server_respond(struct request *r, unsigned status, struct MHD_Response *response)
{
	count(r->server, r->route != NULL ? r->route->pattern : "none", status);
	r->conn->deadline_ms = clock_mono_ms() + SERVER_ANSWER_MS;
	return MHD_queue_response(r->mhd, status, response);
}

/* --- requests --- */

/* A NUL would end the address early for us, and not for whoever looked at it before. One that came as it is, is seen by what
 * follows: libmicrohttpd writes the end of the address over the blank before the version, and cuts both where they lie. */
static bool
has_nul(const struct connection *c, const char *version)
{
	uintptr_t end = (uintptr_t)c->line_end, after = (uintptr_t)version;

	return c->has_nul || (end != 0 && after > end + 1 && after - end < CONNECTION_BYTES);
}

static void *
on_address(void *ctx, const char *address, struct MHD_Connection *mhd)
{
	struct connection *c = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_SOCKET_CONTEXT)->socket_context;

	(void)ctx;
	c->line_end = address != NULL ? address + strlen(address) : NULL;
	c->has_nul = false;
	return NULL;
}

/* Is asked before the request has an object of its own. */
static size_t
unescape(void *ctx, struct MHD_Connection *mhd, char *s)
{
	struct connection *c = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_SOCKET_CONTEXT)->socket_context;
	size_t n = MHD_http_unescape(s);

	(void)ctx;
	c->has_nul = c->has_nul || memchr(s, '\0', n) != NULL;
	return n;
}

static enum MHD_Result
begin(struct request *r, const char *method, const char *version)
{
	if (has_nul(r->conn, version))
		return r->server->hooks.refuse(r, 400, "a byte of the address is zero");
	bool get = strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0;

	r->route = find_route(r->server, r->path, r->params);
	if (r->route == NULL)
		return get ? MHD_YES : r->server->hooks.refuse(r, 404, NULL);
	bool head = strcmp(method, "HEAD") == 0 && strcmp(r->route->method, "GET") == 0;
	if (!head && strcmp(method, r->route->method) != 0)
		return r->server->hooks.refuse(r, 405, NULL);
	return r->route->handler->begin != NULL ? r->route->handler->begin(r) : MHD_YES;
}

static struct request *
request_new(struct server *s, struct MHD_Connection *mhd, const char *path)
{
	struct request *r = mem_alloc(sizeof(*r));

	*r = (struct request){.server = s, .mhd = mhd, .path = path};
	r->conn = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_SOCKET_CONTEXT)->socket_context;
	return r;
}

static enum MHD_Result
on_request(void *ctx, struct MHD_Connection *mhd, const char *path, const char *method, const char *version, const char *data,
    size_t *n, void **request)
{
	struct request *r = *request;

	if (r == NULL) {
		*request = r = request_new(ctx, mhd, path);
		return begin(r, method, version);
	}
	if (*n > 0) {
		struct str bytes = {data, *n};
		*n = 0;
		if (r->route == NULL || r->route->handler->data == NULL)
			return MHD_NO; /* a GET with a body is nobody we know */
		return r->route->handler->data(r, bytes);
	}
	return r->route != NULL ? r->route->handler->end(r) : r->server->hooks.refuse(r, 404, NULL);
}

static void
on_completed(void *ctx, struct MHD_Connection *mhd, void **request, enum MHD_RequestTerminationCode code)
{
	struct request *r = *request;

	(void)ctx;
	(void)mhd;
	(void)code;
	if (r == NULL)
		return;
	r->conn->deadline_ms = clock_mono_ms() + r->server->request_ms;
	if (r->route != NULL && r->route->handler->release != NULL)
		r->route->handler->release(r);
	mem_free(&r);
	*request = NULL;
}

/* libmicrohttpd is asked for its next deadline. What is due now is done in another turn of the loop. */
static void
rearm(struct server *s, bool again)
{
	MHD_UNSIGNED_LONG_LONG ms;

	if (again)
		loop_timer_set(s->mhd_timer, 0);
	else if (MHD_get_timeout(s->mhd, &ms) == MHD_YES)
		loop_timer_set(s->mhd_timer, (int64_t)ms);
	else
		loop_timer_set(s->mhd_timer, -1);
}

bool
server_turn_is_long(const struct server *s)
{
	return s->pumping && (s->holding || clock_mono_ms() - s->turn_ms >= SERVER_TURN_MS);
}

void
server_postpone(struct request *r)
{
	vec_push(&r->server->postponed, r->mhd);
	MHD_suspend_connection(r->mhd);
}

static void
resume_postponed(struct server *s)
{
	for (size_t i = 0; i < s->postponed.n; i++)
		MHD_resume_connection(s->postponed.p[i]);
	s->postponed.n = 0;
}

/*
 * Everything that can be read is read before a commit, so that one commit takes as many deliveries as there are; the
 * answers go out before anybody looks at what came in. libmicrohttpd does not tell (by descriptor or deadline) of
 * connections that were woken: after a commit there is always another MHD_run, here or in the next turn. Gives whether there is
 * more to do.
 */
static bool
run_rounds(struct server *s)
{
	MHD_UNSIGNED_LONG_LONG ms;
	void *ctx = s->hooks.ctx;
	bool again = true;

	for (int round = 0; round < MAX_ROUNDS && again && (s->holding || s->postponed.n == 0); round++) {
		size_t before = s->hooks.waiting(ctx);
		MHD_run(s->mhd);
		size_t waiting = s->hooks.waiting(ctx);
		if (waiting > before && (s->holding || s->postponed.n == 0))
			continue;
		if (waiting > 0)
			s->hooks.settle(ctx);
		else
			again = MHD_get_timeout(s->mhd, &ms) == MHD_YES && ms == 0;
	}
	return again;
}

/* Deliveries first, all that are there; then pages, for as long as a turn may take: who reads never keeps out what is sent. */
void
server_pump(struct server *s)
{
	if (s->pumping)
		return;
	s->pumping = true;
	s->holding = true;
	bool again = run_rounds(s);
	s->holding = false;
	s->turn_ms = clock_mono_ms();
	if (s->postponed.n > 0) {
		resume_postponed(s);
		again = run_rounds(s);
	}
	rearm(s, again || s->postponed.n > 0);
	s->pumping = false;
	s->hooks.settled(s->hooks.ctx);
}

static void
on_poll(uv_poll_t *p, int status, int events)
{
	struct server *s = p->data;
	LOOP_MEASURE(s->l, "web");

	(void)status;
	(void)events;
	server_pump(s);
}

static void
on_timer(void *ctx)
{
	server_pump(ctx);
}

/* Port and address of a listening socket. */
static int
note_address(struct server *s, int fd, struct err *e)
{
	struct sockaddr_storage at = {0};
	socklen_t n = sizeof(at);
	char host[128], port[16];
	int64_t number = 0;
	struct arena a = {0};

	if (getsockname(fd, (struct sockaddr *)&at, &n) != 0)
		return fail_sys(e, "cannot read the address of the listening socket");
	if (at.ss_family != AF_INET && at.ss_family != AF_INET6) {
		s->address = mem_strdup("http://localhost");
		return 0;
	}
	if (getnameinfo((struct sockaddr *)&at, n, host, sizeof(host), port, sizeof(port), NI_NUMERICHOST | NI_NUMERICSERV) !=
	        0 ||
	    str_to_i64(str_of(port), &number) != 0)
		return fail(e, ERR_SYSTEM, "cannot read the address of the listening socket");
	s->port = (int)number;
	s->address = mem_strdup(arena_printf(&a, strchr(host, ':') != NULL ? "http://[%s]:%s" : "http://%s:%s", host, port));
	arena_release(&a);
	return 0;
}

/* The service manager opened it, and keeps it open while we are not there: nobody who calls meanwhile is refused. */
static int
listen_given(struct server *s, int given_fd, int *ret_fd, struct err *e)
{
	if (note_address(s, given_fd, e) != 0)
		return -1;
	*ret_fd = given_fd;
	return 0;
}

/* "HOST:PORT" or "[HOST]:PORT", both as numbers: no names are looked up. */
static int
listen_at(struct server *s, const char *listen_on, int *ret_fd, struct err *e)
{
	AUTO(fd_close) int fd = -1;
	struct addrinfo hints = {.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE, .ai_socktype = SOCK_STREAM};
	struct addrinfo *ai = NULL;
	char host[128], port[16];
	int one = 1;
	const char *colon = strrchr(listen_on, ':');

	if (colon == NULL || (size_t)(colon - listen_on) >= sizeof(host) || strlen(colon + 1) >= sizeof(port))
		return fail(e, ERR_INPUT, "[web] listen: \"%s\" is not ADDRESS:PORT", listen_on);
	bool brackets = listen_on[0] == '[' && colon > listen_on + 1 && colon[-1] == ']';
	snprintf(host, sizeof(host), "%.*s", (int)(colon - listen_on) - (brackets ? 2 : 0), listen_on + brackets);
	snprintf(port, sizeof(port), "%s", colon + 1);
	if (getaddrinfo(host, port, &hints, &ai) != 0)
		return fail(e, ERR_INPUT, "[web] listen: \"%s\" is not ADDRESS:PORT", listen_on);
	fd = socket(ai->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd >= 0)
		setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	bool bound = fd >= 0 && bind(fd, ai->ai_addr, ai->ai_addrlen) == 0 && listen(fd, BACKLOG) == 0;
	int saved = errno;
	freeaddrinfo(ai);
	errno = saved;
	if (!bound)
		return fail_sys(e, "cannot listen on %s", listen_on);
	if (note_address(s, fd, e) != 0)
		return -1;
	*ret_fd = fd;
	fd = -1;
	return 0;
}

static int
start_daemon(struct server *s, int listen_fd, struct err *e)
{
	s->mhd = MHD_start_daemon(MHD_USE_EPOLL | MHD_USE_TURBO | MHD_ALLOW_SUSPEND_RESUME, 0, NULL, NULL, on_request, s,
	    MHD_OPTION_LISTEN_SOCKET, listen_fd, MHD_OPTION_CONNECTION_LIMIT, (unsigned)SERVER_MAX_CONNECTIONS,
	    MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)CONNECTION_BYTES, MHD_OPTION_CONNECTION_TIMEOUT,
	    (unsigned)(SERVER_REQUEST_MS / 1000), MHD_OPTION_NOTIFY_COMPLETED, on_completed, s, MHD_OPTION_NOTIFY_CONNECTION,
	    on_connection, s, MHD_OPTION_UNESCAPE_CALLBACK, unescape, NULL, MHD_OPTION_URI_LOG_CALLBACK, on_address, NULL,
	    MHD_OPTION_SIGPIPE_HANDLED_BY_APP, 1, MHD_OPTION_END);
	if (s->mhd == NULL)
		return fail(e, ERR_SYSTEM, "libmicrohttpd cannot start");
	const union MHD_DaemonInfo *info = MHD_get_daemon_info(s->mhd, MHD_DAEMON_INFO_EPOLL_FD);
	if (info == NULL || uv_poll_init(loop_uv(s->l), &s->poll, info->epoll_fd) != 0)
		return fail(e, ERR_SYSTEM, "libmicrohttpd gives no epoll descriptor");
	s->poll.data = s;
	uv_poll_start(&s->poll, UV_READABLE, on_poll);
	return 0;
}

static void
server_free(struct server *s)
{
	vec_release(&s->counts);
	vec_release(&s->postponed);
	mem_free(&s->address);
	mem_free(&s);
}

static void
poll_closed(uv_handle_t *h)
{
	server_free(h->data);
}

int
server_start(struct loop *l, const char *listen, int given_fd, int64_t request_ms, const struct route *routes, size_t n_routes,
    const struct server_hooks *hooks, struct server **ret, struct err *e)
{
	struct server *s = mem_alloc(sizeof(*s));
	int fd = -1;

	*s = (struct server){.l = l, .routes = routes, .n_routes = n_routes, .hooks = *hooks};
	s->request_ms = request_ms != 0 ? request_ms : SERVER_REQUEST_MS;
	if ((given_fd > 0 ? listen_given(s, given_fd, &fd, e) : listen_at(s, listen, &fd, e)) != 0) {
		server_free(s);
		return -1;
	}
	s->mhd_timer = loop_timer_new(l, "web", on_timer, s);
	s->sweep_timer = loop_timer_new(l, "web: deadlines", sweep, s);
	if (start_daemon(s, fd, e) != 0) {
		if (s->mhd == NULL)
			fd_close(&fd);
		server_stop(s);
		return -1;
	}
	rearm(s, true);
	*ret = s;
	return 0;
}

void
server_stop(struct server *s)
{
	s->pumping = true;
	loop_timer_free(s->mhd_timer);
	if (s->mhd != NULL) {
		if (s->poll.data != NULL)
			uv_poll_stop(&s->poll);
		resume_postponed(s);
		MHD_stop_daemon(s->mhd);
	}
	loop_timer_free(s->sweep_timer);
	if (s->poll.data != NULL)
		uv_close((uv_handle_t *)&s->poll, poll_closed);
	else
		server_free(s);
}

void *
server_ctx(const struct server *s)
{
	return s->hooks.ctx;
}

int
server_port(const struct server *s)
{
	return s->port;
}

const char *
server_address(const struct server *s)
{
	return s->address;
}

const struct server_count *
server_counts(const struct server *s, size_t *ret_n)
{
	*ret_n = s->counts.n;
	return s->counts.p;
}

size_t
server_connections(const struct server *s)
{
	return s->n_connections;
}
