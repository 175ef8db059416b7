/* libmicrohttpd inside the loop: connections, deadlines, dispatch. */
#include "web/server.h"

#include "support/base/clock.h"
#include "support/base/log.h"
#include "web/build_log.h"
#include "web/page.h"

#include <errno.h>
#include <netdb.h>
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

static void
on_connection(void *ctx, struct MHD_Connection *mhd, void **socket_context, enum MHD_ConnectionNotificationCode code)
{
	struct web *w = ctx;
	struct connection *c = *socket_context;

	if (code == MHD_CONNECTION_NOTIFY_STARTED) {
		c = mem_alloc(sizeof(*c));
		*c = (struct connection){.w = w, .next = w->connections};
		c->fd = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
		c->deadline_ms = clock_mono_ms() + w->settings.request_ms;
		if (c->next != NULL)
			c->next->prev = c;
		w->connections = c;
		*socket_context = c;
		if (w->n_connections++ == 0)
			loop_timer_set(w->sweep_timer, SWEEP_MS);
		return;
	}
	if (c == NULL)
		return;
	if (c->next != NULL)
		c->next->prev = c->prev;
	if (c->prev != NULL)
		c->prev->next = c->next;
	else
		w->connections = c->next;
	w->n_connections--;
	mem_free(&c);
	*socket_context = NULL;
}

/* A connection past its deadline is shut down; libmicrohttpd then sees its end like any other. */
static void
sweep(void *ctx)
{
	struct web *w = ctx;
	int64_t now = clock_mono_ms();

	for (struct connection *c = w->connections; c != NULL; c = c->next) {
		if (c->deadline_ms > now)
			continue;
		shutdown(c->fd, SHUT_RDWR);
		c->deadline_ms = now + WEB_ANSWER_MS;
	}
	if (w->connections != NULL)
		loop_timer_set(w->sweep_timer, w->settings.request_ms < SWEEP_MS ? w->settings.request_ms : SWEEP_MS);
	web_pump(w);
}

static void
count(struct web *w, const char *route, unsigned status)
{
	for (size_t i = 0; i < w->counts.n; i++) {
		if (w->counts.p[i].status == status && w->counts.p[i].route == route) {
			w->counts.p[i].n++;
			return;
		}
	}
	vec_push(&w->counts, ((struct http_count){route, status, 1}));
}

enum MHD_Result
web_respond(struct request *r, unsigned status, struct MHD_Response *response)
{
	count(r->w, r->route != NULL ? r->route->pattern : "none", status);
	r->conn->deadline_ms = clock_mono_ms() + WEB_ANSWER_MS;
	return MHD_queue_response(r->mhd, status, response);
}

static enum MHD_Result
begin(struct request *r, const char *path, const char *method)
{
	struct str params[PAGE_MAX_PARAMS];

	r->route = route_find(path, params);
	if (r->route == NULL)
		return strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0 ? MHD_YES : route_error(r, 404, "not found");
	bool head = strcmp(method, "HEAD") == 0 && strcmp(r->route->method, "GET") == 0;
	if (!head && strcmp(method, r->route->method) != 0)
		return route_error(r, 405, "method not allowed");
	if (r->route->page != NULL)
		return MHD_YES;
	enum answer answer = intake_begin(r);
	return answer == ANSWER_NONE ? MHD_YES : intake_respond(r, answer);
}

static enum MHD_Result
on_request(void *ctx, struct MHD_Connection *mhd, const char *path, const char *method, const char *version, const char *data,
    size_t *n, void **request)
{
	struct web *w = ctx;
	struct request *r = *request;

	(void)version;
	if (r == NULL) {
		r = mem_alloc(sizeof(*r));
		r->w = w;
		r->mhd = mhd;
		r->conn = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_SOCKET_CONTEXT)->socket_context;
		*request = r;
		return begin(r, path, method);
	}
	bool webhook = r->route != NULL && r->route->page == NULL;
	if (*n > 0) {
		struct str bytes = {data, *n};
		*n = 0;
		return webhook ? intake_data(r, bytes) : MHD_NO; /* a GET with a body is nobody we know */
	}
	if (r->route == NULL)
		return route_error(r, 404, "not found");
	if (!webhook)
		return route_answer(r, path);
	if (r->answer == ANSWER_NONE) {
		r->answer = intake_end(r);
		if (r->answer == ANSWER_NONE) {
			MHD_suspend_connection(mhd); /* until intake_commit */
			return MHD_YES;
		}
	}
	return intake_respond(r, r->answer);
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
	r->conn->deadline_ms = clock_mono_ms() + r->w->settings.request_ms;
	intake_release(r);
	mem_free(&r);
	*request = NULL;
}

/* A NUL would end the path early for us and not for whoever looked at it before: it becomes a byte that no path has. */
static size_t
unescape(void *ctx, struct MHD_Connection *mhd, char *s)
{
	size_t n = MHD_http_unescape(s);

	(void)ctx;
	(void)mhd;
	for (size_t i = 0; i < n; i++)
		if (s[i] == '\0')
			s[i] = '\1';
	return n;
}

/* libmicrohttpd is asked for its next deadline. What is due now is done in another turn of the loop. */
static void
rearm(struct web *w, bool again)
{
	MHD_UNSIGNED_LONG_LONG ms;

	if (again)
		loop_timer_set(w->mhd_timer, 0);
	else if (MHD_get_timeout(w->mhd, &ms) == MHD_YES)
		loop_timer_set(w->mhd_timer, (int64_t)ms);
	else
		loop_timer_set(w->mhd_timer, -1);
}

/*
 * Everything that can be read is read before a commit, so that one commit takes as many deliveries as there are; the
 * answers go out before anybody looks at what came in. libmicrohttpd does not tell (by descriptor or deadline) of
 * connections that were woken: after a commit there is always another MHD_run, here or in the next turn.
 */
void
web_pump(struct web *w)
{
	MHD_UNSIGNED_LONG_LONG ms;
	bool added = false, again = true;

	if (w->pumping)
		return;
	w->pumping = true;
	for (int round = 0; round < MAX_ROUNDS && again; round++) {
		size_t waiting = w->pending.n;
		MHD_run(w->mhd);
		if (w->pending.n > waiting)
			continue;
		if (w->pending.n > 0)
			added |= intake_commit(w);
		else
			again = MHD_get_timeout(w->mhd, &ms) == MHD_YES && ms == 0;
	}
	rearm(w, again);
	w->pumping = false;
	if (added && w->hooks.on_delivery != NULL)
		w->hooks.on_delivery(w->hooks.ctx);
}

static void
on_poll(uv_poll_t *p, int status, int events)
{
	struct web *w = p->data;
	LOOP_MEASURE(w->l, "web");

	(void)status;
	(void)events;
	web_pump(w);
}

static void
on_timer(void *ctx)
{
	web_pump(ctx);
}

/* "HOST:PORT" or "[HOST]:PORT", both as numbers: no names are looked up. */
static int
listen_at(struct web *w, int *ret_fd, struct err *e)
{
	AUTO(fd_close) int fd = -1;
	struct addrinfo hints = {.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE, .ai_socktype = SOCK_STREAM};
	struct addrinfo *ai = NULL;
	struct sockaddr_storage at;
	socklen_t n = sizeof(at);
	char host[128], port[16];
	int one = 1;
	const char *listen_on = w->settings.listen, *colon = strrchr(listen_on, ':');

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
	bool bound = fd >= 0 && bind(fd, ai->ai_addr, ai->ai_addrlen) == 0 && listen(fd, BACKLOG) == 0 &&
	             getsockname(fd, (struct sockaddr *)&at, &n) == 0;
	int saved = errno;
	freeaddrinfo(ai);
	errno = saved;
	if (!bound)
		return fail_sys(e, "cannot listen on %s", listen_on);
	if (getnameinfo((struct sockaddr *)&at, n, host, sizeof(host), port, sizeof(port), NI_NUMERICHOST | NI_NUMERICSERV) !=
	    0)
		return fail(e, ERR_SYSTEM, "cannot read the address of the listening socket");
	int64_t number = 0;
	if (str_to_i64(str_of(port), &number) != 0)
		return fail(e, ERR_BUG, "the port %s is no number", port);
	w->port = (int)number;
	struct arena a = {0};
	w->url = mem_strdup(w->settings.url != NULL
	                        ? w->settings.url
	                        : arena_printf(&a, strchr(host, ':') != NULL ? "http://[%s]:%s" : "http://%s:%s", host, port));
	arena_release(&a);
	*ret_fd = fd;
	fd = -1;
	return 0;
}

static int
start_daemon(struct web *w, int listen_fd, struct err *e)
{
	w->mhd = MHD_start_daemon(MHD_USE_EPOLL | MHD_USE_TURBO | MHD_ALLOW_SUSPEND_RESUME, 0, NULL, NULL, on_request, w,
	    MHD_OPTION_LISTEN_SOCKET, listen_fd, MHD_OPTION_CONNECTION_LIMIT, (unsigned)WEB_MAX_CONNECTIONS,
	    MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)CONNECTION_BYTES, MHD_OPTION_CONNECTION_TIMEOUT,
	    (unsigned)(WEB_REQUEST_MS / 1000), MHD_OPTION_NOTIFY_COMPLETED, on_completed, w, MHD_OPTION_NOTIFY_CONNECTION,
	    on_connection, w, MHD_OPTION_UNESCAPE_CALLBACK, unescape, NULL, MHD_OPTION_SIGPIPE_HANDLED_BY_APP, 1,
	    MHD_OPTION_END);
	if (w->mhd == NULL)
		return fail(e, ERR_SYSTEM, "libmicrohttpd cannot start");
	const union MHD_DaemonInfo *info = MHD_get_daemon_info(w->mhd, MHD_DAEMON_INFO_EPOLL_FD);
	if (info == NULL || uv_poll_init(loop_uv(w->l), &w->poll, info->epoll_fd) != 0)
		return fail(e, ERR_SYSTEM, "libmicrohttpd gives no epoll descriptor");
	w->poll.data = w;
	uv_poll_start(&w->poll, UV_READABLE, on_poll);
	return 0;
}

static void
web_free(struct web *w)
{
	signature_keys_free(w->keys);
	vec_release(&w->counts);
	mem_free(&w->url);
	mem_free(&w);
}

static void
poll_closed(uv_handle_t *h)
{
	web_free(h->data);
}

int
web_start(struct loop *l, struct store *s, const struct web_settings *settings, const struct web_hooks *hooks, struct web **ret,
    struct err *e)
{
	struct web *w = mem_alloc(sizeof(*w));
	int fd = -1;

	*w = (struct web){.l = l, .s = s, .settings = *settings, .hooks = *hooks};
	if (w->settings.request_ms == 0)
		w->settings.request_ms = WEB_REQUEST_MS;
	if (w->settings.store_dir == NULL)
		w->settings.store_dir = "/nix/store";
	if (signature_keys_new(settings->secret, settings->previous_secret, &w->keys, e) != 0 || link_start(w, e) != 0 ||
	    listen_at(w, &fd, e) != 0) {
		web_free(w);
		return -1;
	}
	w->settings.secret = w->settings.previous_secret = (struct str){0};
	w->mhd_timer = loop_timer_new(l, "web", on_timer, w);
	w->sweep_timer = loop_timer_new(l, "web: deadlines", sweep, w);
	w->follow_timer = loop_timer_new(l, "web: logs", log_follow, w);
	if (intake_start(w, e) != 0 || start_daemon(w, fd, e) != 0) {
		if (w->mhd == NULL)
			fd_close(&fd);
		web_stop(w);
		return -1;
	}
	rearm(w, true);
	*ret = w;
	return 0;
}

void
web_stop(struct web *w)
{
	if (w == NULL)
		return;
	w->pumping = true;
	loop_timer_free(w->mhd_timer);
	log_stop(w);
	if (w->mhd != NULL) {
		if (w->poll.data != NULL)
			uv_poll_stop(&w->poll);
		MHD_stop_daemon(w->mhd);
	}
	loop_timer_free(w->sweep_timer);
	loop_timer_free(w->follow_timer);
	intake_stop(w);
	if (w->poll.data != NULL)
		uv_close((uv_handle_t *)&w->poll, poll_closed);
	else
		web_free(w);
}

int
web_port(const struct web *w)
{
	return w->port;
}

const char *
web_url(const struct web *w)
{
	return w->url;
}
