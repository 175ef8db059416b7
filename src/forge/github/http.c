/* libcurl's multi interface inside libuv. */
#include "forge/github/http.h"

#include "support/base/clock.h"
#include "support/base/log.h"
#include "support/os/files.h"

#include <ctype.h>
#include <curl/curl.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
	CONNECT_MS = 10000,
	TIMEOUT_MS = 30000,          /* GitHub itself gives up after 10 s */
	MAX_ANSWER_BYTES = 16 << 20, /* a page of 30 comments of 64 K characters, escaped at the worst */
	MAX_REDIRECTS = 5,
	MAX_CA_BYTES = 4 << 20, /* all of the world's are some 200 K */
	MAX_CONNECTIONS = 20    /* kept open; GitHub takes 100 at once */
};

struct exchange {
	struct http *h;
	struct exchange *prev, *next;
	CURL *easy;
	struct curl_slist *headers;
	struct arena a;
	struct http_request request; /* copied into a */
	const char *url;
	int redirects;
	bool with_authorization;
	size_t sent; /* of the request's body */
	struct buf body;
	struct http_answer answer;
	char error[CURL_ERROR_SIZE];
	void (*done)(void *ctx, const struct http_answer *answer);
	void *ctx;
};

struct http {
	struct loop *l;
	CURLM *multi;
	char *ca_file; /* or NULL */
	struct loop_timer *timer;
	struct exchange *exchanges;
	bool closing;
};

struct watch {
	struct http *h;
	uv_poll_t poll;
	curl_socket_t fd;
};

void
http_answer_init(struct http_answer *answer)
{
	*answer =
	    (struct http_answer){.retry_after_s = -1, .rate_limit = -1, .rate_remaining = -1, .rate_reset_s = -1, .date_s = -1};
}

/* --- headers --- */

static void
take_number(struct str value, int64_t *ret)
{
	int64_t n;

	if (str_to_i64(value, &n) == 0 && n >= 0)
		*ret = n;
}

static void
take_text(struct str value, char *out, size_t size)
{
	if (value.n >= size)
		return;
	memcpy(out, value.p, value.n);
	out[value.n] = '\0';
}

/* Seconds, or a date (RFC 9110, 10.2.3). */
static void
take_retry_after(struct http_answer *answer, struct str value)
{
	char text[64] = "";

	answer->retry_after_s = -1;
	take_number(value, &answer->retry_after_s);
	take_text(value, text, sizeof(text));
	if (answer->retry_after_s < 0 && text[0] != '\0') {
		int64_t at = curl_getdate(text, NULL);
		int64_t now = answer->date_s > 0 ? answer->date_s : clock_now_ms() / 1000;
		if (at >= 0)
			answer->retry_after_s = at > now ? at - now : 0;
	}
}

/* Link: <URL>; rel="next", <URL>; rel="last" (RFC 8288). */
static void
take_link(struct http_answer *answer, struct str value)
{
	while (value.n > 0) {
		struct str url, rest;
		(void)str_cut(value, '<', &rest);
		if (rest.p == NULL)
			return;
		url = str_cut(rest, '>', &rest);
		if (rest.p == NULL)
			return;
		/* Parameters end at the next comma: a relation holds none, and URLs stand in <>. */
		struct str parameters = str_cut(rest, ',', &value);
		if (str_find(parameters, STR("rel=\"next\"")) >= 0)
			take_text(url, answer->next, sizeof(answer->next));
	}
}

void
http_header(struct http_answer *answer, struct str line)
{
	struct str value, name;
	char key[64];

	line = str_trim(line);
	if (str_starts(line, STR("HTTP/"))) {
		http_answer_init(answer);
		return;
	}
	name = str_cut(line, ':', &value);
	if (value.p == NULL || name.n == 0 || name.n >= sizeof(key))
		return;
	for (size_t i = 0; i < name.n; i++)
		key[i] = (char)tolower((unsigned char)name.p[i]);
	key[name.n] = '\0';
	value = str_trim(value);
	if (strcmp(key, "retry-after") == 0)
		take_retry_after(answer, value);
	else if (strcmp(key, "x-ratelimit-limit") == 0)
		take_number(value, &answer->rate_limit);
	else if (strcmp(key, "x-ratelimit-remaining") == 0)
		take_number(value, &answer->rate_remaining);
	else if (strcmp(key, "x-ratelimit-reset") == 0)
		take_number(value, &answer->rate_reset_s);
	else if (strcmp(key, "x-github-request-id") == 0)
		take_text(value, answer->request_id, sizeof(answer->request_id));
	else if (strcmp(key, "etag") == 0)
		take_text(value, answer->tag, sizeof(answer->tag));
	else if (strcmp(key, "link") == 0)
		take_link(answer, value);
	else if (strcmp(key, "location") == 0)
		take_text(value, answer->location, sizeof(answer->location));
	else if (strcmp(key, "date") == 0) {
		char text[64] = "";
		take_text(value, text, sizeof(text));
		answer->date_s = curl_getdate(text, NULL);
	}
}

/* --- redirects --- */

struct origin {
	char scheme[8], host[256], port[8];
};

static int
origin_of(const char *url, struct origin *ret)
{
	CURLU *u = curl_url();
	char *scheme = NULL, *host = NULL, *port = NULL;
	bool ok = curl_url_set(u, CURLUPART_URL, url, 0) == CURLUE_OK &&
	          curl_url_get(u, CURLUPART_SCHEME, &scheme, 0) == CURLUE_OK &&
	          curl_url_get(u, CURLUPART_HOST, &host, 0) == CURLUE_OK &&
	          curl_url_get(u, CURLUPART_PORT, &port, CURLU_DEFAULT_PORT) == CURLUE_OK &&
	          (strcmp(scheme, "http") == 0 || strcmp(scheme, "https") == 0);

	*ret = (struct origin){0};
	if (ok) {
		take_text(str_of(scheme), ret->scheme, sizeof(ret->scheme));
		take_text(str_of(host), ret->host, sizeof(ret->host));
		take_text(str_of(port), ret->port, sizeof(ret->port));
		ok = ret->host[0] != '\0' && ret->port[0] != '\0';
	}
	curl_free(scheme);
	curl_free(host);
	curl_free(port);
	curl_url_cleanup(u);
	return ok ? 0 : -1;
}

bool
http_same_origin(const char *a, const char *b)
{
	struct origin x, y;

	return origin_of(a, &x) == 0 && origin_of(b, &y) == 0 && strcmp(x.scheme, y.scheme) == 0 &&
	       strcasecmp(x.host, y.host) == 0 && strcmp(x.port, y.port) == 0;
}

const char *
http_redirect(struct arena *a, const char *from, const char *location)
{
	CURLU *u = curl_url();
	char *whole = NULL;
	const char *ret = NULL;
	struct origin x, y;

	if (location[0] != '\0' && curl_url_set(u, CURLUPART_URL, from, 0) == CURLUE_OK &&
	    curl_url_set(u, CURLUPART_URL, location, 0) == CURLUE_OK &&
	    curl_url_get(u, CURLUPART_URL, &whole, 0) == CURLUE_OK && origin_of(from, &x) == 0 && origin_of(whole, &y) == 0 &&
	    (strcmp(x.scheme, "https") != 0 || strcmp(y.scheme, "https") == 0))
		ret = arena_strdup(a, whole);
	curl_free(whole);
	curl_url_cleanup(u);
	return ret;
}

/* --- one exchange --- */

static size_t
on_header(char *p, size_t size, size_t n, void *ctx)
{
	struct exchange *x = ctx;

	http_header(&x->answer, (struct str){p, size * n});
	return size * n;
}

static size_t
on_body(char *p, size_t size, size_t n, void *ctx)
{
	struct exchange *x = ctx;

	buf_add(&x->body, p, size * n);
	return x->body.over ? 0 : size * n;
}

/*
 * The body goes out through a callback that cannot be rewound. libcurl repeats a request by itself when a kept
 * connection breaks before the answer; given the bytes in memory it would do so with a POST that had its effect.
 */
static size_t
give_body(char *p, size_t size, size_t n, void *ctx)
{
	struct exchange *x = ctx;
	size_t left = x->request.body.n - x->sent;
	size_t give = size * n < left ? size * n : left;

	memcpy(p, x->request.body.p + x->sent, give);
	x->sent += give;
	return give;
}

static curl_socket_t
open_socket(void *ctx, curlsocktype purpose, struct curl_sockaddr *address)
{
	(void)ctx;
	(void)purpose;
	/* No child inherits a connection to GitHub. */
	return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

static void
exchange_free(struct exchange *x)
{
	if (x->next != NULL)
		x->next->prev = x->prev;
	if (x->prev != NULL)
		x->prev->next = x->next;
	else
		x->h->exchanges = x->next;
	curl_slist_free_all(x->headers);
	curl_easy_cleanup(x->easy);
	buf_release(&x->body);
	arena_release(&x->a);
	mem_free(&x);
}

static void
set_headers(struct exchange *x)
{
	struct curl_slist *list = NULL;

	list = curl_slist_append(list, "Accept: application/vnd.github+json");
	list = curl_slist_append(list, "X-GitHub-Api-Version: 2022-11-28");
	list = curl_slist_append(list, "Expect:");
	if (x->request.body.n > 0)
		list = curl_slist_append(list, "Content-Type: application/json");
	if (x->request.tag != NULL)
		list = curl_slist_append(list, arena_printf(&x->a, "If-None-Match: %s", x->request.tag));
	if (x->with_authorization)
		list = curl_slist_append(list, arena_printf(&x->a, "Authorization: %s", x->request.authorization));
	curl_slist_free_all(x->headers);
	x->headers = list;
	curl_easy_setopt(x->easy, CURLOPT_HTTPHEADER, list);
}

static void
set_up(struct exchange *x)
{
	CURL *c = x->easy;
	const struct http_request *r = &x->request;

	curl_easy_setopt(c, CURLOPT_PRIVATE, x);
	curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(c, CURLOPT_SSL_VERIFYPEER, 1L);
	curl_easy_setopt(c, CURLOPT_SSL_VERIFYHOST, 2L);
	if (x->h->ca_file != NULL)
		curl_easy_setopt(c, CURLOPT_CAINFO, x->h->ca_file); /* the system's folder, CURLOPT_CAPATH, stays */
	curl_easy_setopt(c, CURLOPT_HEADEROPT, (long)CURLHEADER_SEPARATE);
	curl_easy_setopt(c, CURLOPT_FOLLOWLOCATION, 0L);
	curl_easy_setopt(c, CURLOPT_PATH_AS_IS, 1L);
	curl_easy_setopt(c, CURLOPT_USERAGENT, "ekaci");
	curl_easy_setopt(c, CURLOPT_ACCEPT_ENCODING, "gzip");
	curl_easy_setopt(c, CURLOPT_CONNECTTIMEOUT_MS, (long)CONNECT_MS);
	curl_easy_setopt(c, CURLOPT_TIMEOUT_MS, (long)(r->timeout_ms > 0 ? r->timeout_ms : TIMEOUT_MS));
	curl_easy_setopt(c, CURLOPT_OPENSOCKETFUNCTION, open_socket);
	curl_easy_setopt(c, CURLOPT_HEADERFUNCTION, on_header);
	curl_easy_setopt(c, CURLOPT_HEADERDATA, x);
	curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, on_body);
	curl_easy_setopt(c, CURLOPT_WRITEDATA, x);
	curl_easy_setopt(c, CURLOPT_ERRORBUFFER, x->error);
	if (r->body.n > 0) {
		curl_easy_setopt(c, CURLOPT_POST, 1L);
		curl_easy_setopt(c, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)r->body.n);
		curl_easy_setopt(c, CURLOPT_READFUNCTION, give_body);
		curl_easy_setopt(c, CURLOPT_READDATA, x);
	} else if (strcmp(r->method, "POST") == 0) {
		curl_easy_setopt(c, CURLOPT_POSTFIELDSIZE, 0L);
		curl_easy_setopt(c, CURLOPT_POSTFIELDS, "");
	}
	curl_easy_setopt(c, CURLOPT_CUSTOMREQUEST, r->method);
}

static void
begin(struct exchange *x)
{
	buf_release(&x->body);
	buf_init(&x->body, x->request.max_bytes > 0 ? x->request.max_bytes : MAX_ANSWER_BYTES);
	http_answer_init(&x->answer);
	x->error[0] = '\0';
	x->sent = 0;
	curl_easy_setopt(x->easy, CURLOPT_URL, x->url);
	set_headers(x);
	curl_multi_add_handle(x->h->multi, x->easy);
}

void
http_send(struct http *h, const struct http_request *r, void (*done)(void *ctx, const struct http_answer *answer), void *ctx)
{
	struct exchange *x = mem_alloc(sizeof(*x));

	*x = (struct exchange){.h = h, .done = done, .ctx = ctx, .next = h->exchanges};
	x->request = *r;
	x->request.method = arena_strdup(&x->a, r->method);
	x->request.url = x->url = arena_strdup(&x->a, r->url);
	x->request.tag = r->tag != NULL ? arena_strdup(&x->a, r->tag) : NULL;
	x->request.authorization = r->authorization != NULL ? arena_strdup(&x->a, r->authorization) : NULL;
	x->request.body = (struct str){arena_strn(&x->a, r->body.p != NULL ? r->body.p : "", r->body.n), r->body.n};
	x->with_authorization = r->authorization != NULL;
	if (h->exchanges != NULL)
		h->exchanges->prev = x;
	h->exchanges = x;
	x->easy = curl_easy_init();
	buf_init(&x->body, 1);
	set_up(x);
	begin(x);
}

/* True when the answer sends us elsewhere and we go there. */
static bool
follow(struct exchange *x)
{
	int status = x->answer.status;
	const char *to;

	if (status != 301 && status != 302 && status != 307 && status != 308)
		return false;
	to = http_redirect(&x->a, x->url, x->answer.location);
	if (to == NULL || x->redirects == MAX_REDIRECTS) {
		(void)fail(&x->answer.e, ERR_INPUT, "%s answers %d with a redirection that is not followed", x->url, status);
		return false;
	}
	if (!http_same_origin(x->url, to)) {
		if (strcmp(x->request.method, "GET") != 0) {
			(void)fail(&x->answer.e, ERR_INPUT, "%s sends a %s to another host", x->url, x->request.method);
			return false;
		}
		x->with_authorization = false;
	}
	x->redirects++;
	x->url = to;
	begin(x);
	return true;
}

static void
ended(struct exchange *x, CURLcode code)
{
	long status = 0;

	curl_easy_getinfo(x->easy, CURLINFO_RESPONSE_CODE, &status);
	x->answer.status = code == CURLE_OK ? (int)status : 0;
	if (x->body.over)
		(void)fail(&x->answer.e, ERR_LIMIT, "the answer of %s %s has more than %zu bytes", x->request.method, x->url,
		    x->body.max);
	else if (code != CURLE_OK)
		(void)fail(&x->answer.e, ERR_SYSTEM, "%s %s: %s", x->request.method, x->url,
		    x->error[0] != '\0' ? x->error : curl_easy_strerror(code));
	else if (follow(x))
		return;
	if (x->answer.e.kind != ERR_NONE)
		x->answer.status = 0;
	x->answer.body = buf_get(&x->body);
	x->answer.url = x->url;
	x->done(x->ctx, &x->answer);
	exchange_free(x);
}

/* --- libcurl asks for descriptors and time, libuv gives them --- */

static void
take_ended(struct http *h)
{
	CURLMsg *m;
	int left;

	while ((m = curl_multi_info_read(h->multi, &left)) != NULL) {
		struct exchange *x;
		CURLcode code = m->data.result;
		if (m->msg != CURLMSG_DONE)
			continue;
		curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, &x);
		curl_multi_remove_handle(h->multi, x->easy);
		ended(x, code);
	}
}

static void
on_poll(uv_poll_t *poll, int status, int events)
{
	struct watch *w = poll->data;
	struct http *h = w->h;
	LOOP_MEASURE(h->l, "http client");
	int flags = status < 0 ? CURL_CSELECT_ERR : 0;
	int running;

	if ((events & UV_READABLE) != 0)
		flags |= CURL_CSELECT_IN;
	if ((events & UV_WRITABLE) != 0)
		flags |= CURL_CSELECT_OUT;
	curl_multi_socket_action(h->multi, w->fd, flags, &running);
	take_ended(h);
}

static void
on_timer(void *ctx)
{
	struct http *h = ctx;
	int running;

	curl_multi_socket_action(h->multi, CURL_SOCKET_TIMEOUT, 0, &running);
	take_ended(h);
}

static int
want_timer(CURLM *multi, long ms, void *ctx)
{
	struct http *h = ctx;

	(void)multi;
	if (!h->closing)
		loop_timer_set(h->timer, ms);
	return 0;
}

static void
watch_closed(uv_handle_t *handle)
{
	struct watch *w = handle->data;

	mem_free(&w);
}

static int
want_socket(CURL *easy, curl_socket_t fd, int what, void *ctx, void *socket_ctx)
{
	struct http *h = ctx;
	struct watch *w = socket_ctx;
	int events = 0;

	(void)easy;
	if (what == CURL_POLL_REMOVE) {
		if (w != NULL) {
			curl_multi_assign(h->multi, fd, NULL);
			uv_close((uv_handle_t *)&w->poll, watch_closed);
		}
		return 0;
	}
	if (w == NULL) {
		w = mem_alloc(sizeof(*w));
		w->h = h;
		w->fd = fd;
		if (uv_poll_init(loop_uv(h->l), &w->poll, fd) != 0) {
			mem_free(&w);
			return -1;
		}
		w->poll.data = w;
		curl_multi_assign(h->multi, fd, w);
	}
	if ((what & CURL_POLL_IN) != 0)
		events |= UV_READABLE;
	if ((what & CURL_POLL_OUT) != 0)
		events |= UV_WRITABLE;
	uv_poll_start(&w->poll, events, on_poll);
	return 0;
}

/* What is wrong with the file is said once, and not by every request. */
static int
check_ca_file(const char *ca_file, struct err *e)
{
	AUTO(arena_release) struct arena a = {0};
	struct str text;

	if (files_read(&a, ca_file, MAX_CA_BYTES, &text, e) != 0)
		return fail_in(e, "[network] ca_file");
	return str_find(text, STR("-----BEGIN CERTIFICATE-----")) >= 0
	           ? 0
	           : fail(e, ERR_INPUT, "[network] ca_file: %s holds no certificate (PEM)", ca_file);
}

int
http_new(struct loop *l, const char *ca_file, struct http **ret, struct err *e)
{
	struct http *h;

	if (ca_file != NULL && check_ca_file(ca_file, e) != 0)
		return -1;
	if (curl_global_init(CURL_GLOBAL_DEFAULT) != 0)
		return fail(e, ERR_SYSTEM, "cannot start libcurl");
	h = mem_alloc(sizeof(*h));
	h->l = l;
	h->ca_file = ca_file != NULL ? mem_strdup(ca_file) : NULL;
	h->multi = curl_multi_init();
	if (h->multi == NULL) {
		mem_free(&h->ca_file);
		mem_free(&h);
		return fail(e, ERR_SYSTEM, "cannot start libcurl");
	}
	h->timer = loop_timer_new(l, "http client", on_timer, h);
	curl_multi_setopt(h->multi, CURLMOPT_SOCKETFUNCTION, want_socket);
	curl_multi_setopt(h->multi, CURLMOPT_SOCKETDATA, h);
	curl_multi_setopt(h->multi, CURLMOPT_TIMERFUNCTION, want_timer);
	curl_multi_setopt(h->multi, CURLMOPT_TIMERDATA, h);
	curl_multi_setopt(h->multi, CURLMOPT_MAX_TOTAL_CONNECTIONS, (long)MAX_CONNECTIONS);
	*ret = h;
	return 0;
}

void
http_free(struct http *h)
{
	if (h == NULL)
		return;
	h->closing = true;
	while (h->exchanges != NULL) {
		curl_multi_remove_handle(h->multi, h->exchanges->easy);
		exchange_free(h->exchanges);
	}
	curl_multi_cleanup(h->multi);
	loop_timer_free(h->timer);
	curl_global_cleanup();
	mem_free(&h->ca_file);
	mem_free(&h);
}
