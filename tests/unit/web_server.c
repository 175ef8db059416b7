/* The server, over real sockets: intake, limits, pages, logs. */
#include "web/web.h"

#include "forge/forges.h"
#include "store/db.h"
#include "store/delivery.h"
#include "support/base/clock.h"
#include "support/os/files.h"
#include "support/text/prometheus.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "in_range.h"
#include "support/text/json.h"

#define SECRET "test secret"
enum { REQUEST_MS = 400, TEST_MS = 20000 };

/* A server with its loop and database in a folder of its own. */
struct fixture {
	struct arena a;
	char dir[64];
	struct loop *l;
	struct store *s;
	struct web *w;
	int told; /* calls of on_delivery */
};

static void
on_delivery(void *ctx)
{
	((struct fixture *)ctx)->told++;
}

static void
figures(void *ctx, struct buf *out)
{
	(void)ctx;
	buf_puts(out, "from_a_hook 1\n");
}

static int
set_up(void **state)
{
	struct fixture *f = mem_alloc(sizeof(*f));
	struct web_hooks hooks = {.on_delivery = on_delivery, .figures = figures, .ctx = f};
	struct err e;

	strcpy(f->dir, "/tmp/ekaci-web-XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	const struct settings none = {0};
	static const struct web_host hosts[] = {{"", 0, STR(SECRET), STR("older")}, {"work", 3, STR("of work"), STR("")}};
	struct web_settings settings = {.forge = forge_of(&none),
	    .listen = "127.0.0.1:0",
	    .state_dir = f->dir,
	    .hosts = hosts,
	    .n_hosts = COUNT(hosts),
	    .request_ms = REQUEST_MS};
	assert_int_equal(loop_new(&f->l, &e), 0);
	assert_int_equal(store_open(arena_printf(&f->a, "%s/db", f->dir), &f->s, &e), 0);
	assert_int_equal(web_start(f->l, f->s, &settings, &hooks, &f->w, &e), 0);
	*state = f;
	return 0;
}

static int
tear_down(void **state)
{
	struct fixture *f = *state;
	struct err e;

	web_stop(f->w);
	loop_free(f->l);
	store_close(f->s);
	assert_int_equal(files_remove_tree(f->dir, &e), 0);
	arena_release(&f->a);
	mem_free(&f);
	return 0;
}

/* One turn of the server's loop. */
static void
turn(struct fixture *f)
{
	uv_run(loop_uv(f->l), UV_RUN_NOWAIT);
}

static int
dial(struct fixture *f)
{
	struct sockaddr_in at = {.sin_family = AF_INET,
	    .sin_port = htons((uint16_t)web_port(f->w)),
	    .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&at, sizeof(at)), 0);
	assert_int_equal(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
	return fd;
}

/* Sends all of it while the server takes turns; stops early when the server closes. */
static void
send_all(struct fixture *f, int fd, struct str bytes)
{
	int64_t deadline = clock_mono_ms() + TEST_MS;

	while (bytes.n > 0 && clock_mono_ms() < deadline) {
		ssize_t n = send(fd, bytes.p, bytes.n, MSG_NOSIGNAL);
		if (n < 0 && errno != EAGAIN)
			return;
		if (n > 0)
			bytes = str_from(bytes, (size_t)n);
		turn(f);
	}
}

struct reply {
	int status; /* 0: the connection ended without one */
	char *text; /* all of it */
	const char *body;
	bool closed;
};

/* Reads until the reply is whole, until the text contains until (NULL: not asked), or the connection ends. */
static struct reply
receive(struct fixture *f, int fd, const char *until)
{
	struct reply r = {0};
	struct buf b;
	int64_t deadline = clock_mono_ms() + TEST_MS;

	buf_init(&b, 64 << 20);
	while (clock_mono_ms() < deadline) {
		char chunk[65536];
		ssize_t n = recv(fd, chunk, sizeof(chunk), 0);
		if (n > 0)
			buf_add(&b, chunk, (size_t)n);
		if (n == 0 || (n < 0 && errno != EAGAIN)) {
			r.closed = true;
			break;
		}
		const char *end = strstr(b.p, "\r\n\r\n"), *length = strcasestr(b.p, "\r\nContent-Length: ");
		if (until != NULL
		        ? strstr(b.p, until) != NULL
		        : end != NULL && ((length != NULL && b.n >= (size_t)(end + 4 - b.p) + (size_t)atol(length + 18)) ||
		                             strstr(end, "\r\n0\r\n\r\n") != NULL))
			break;
		if (n < 0) {
			struct pollfd pfd = {fd, POLLIN, 0};
			turn(f);
			poll(&pfd, 1, 1);
		}
	}
	r.text = arena_strn(&f->a, b.p, b.n);
	buf_release(&b);
	r.body = strstr(r.text, "\r\n\r\n");
	r.body = r.body != NULL ? r.body + 4 : "";
	if (strncmp(r.text, "HTTP/1.1 ", 9) == 0)
		r.status = (int)strtol(r.text + 9, NULL, 10);
	return r;
}

static struct reply
ask(struct fixture *f, const char *request)
{
	int fd = dial(f);

	send_all(f, fd, str_of(request));
	struct reply r = receive(f, fd, NULL);
	close(fd);
	return r;
}

static struct reply
get(struct fixture *f, const char *path)
{
	return ask(f, arena_printf(&f->a, "GET %s HTTP/1.1\r\nHost: x\r\n\r\n", path));
}

static void
test_a_path_with_a_nul_is_no_path(void **state)
{
	static const struct str requests[] = {STR("GET /%00 HTTP/1.1\r\nHost: x\r\n\r\n"),
	    STR("GET /livez%00x HTTP/1.1\r\nHost: x\r\n\r\n"), STR("GET /livez?%00 HTTP/1.1\r\nHost: x\r\n\r\n"),
	    STR("GET /livez?x=%00 HTTP/1.1\r\nHost: x\r\n\r\n"), STR("GET /\0x HTTP/1.1\r\nHost: x\r\n\r\n"),
	    STR("GET /livez\0 HTTP/1.1\r\nHost: x\r\n\r\n"), STR("GET /livez\0HTTP/1.1 HTTP/1.1\r\nHost: x\r\n\r\n"),
	    STR("GET /livez?x=\0 HTTP/1.1\r\nHost: x\r\n\r\n"), STR("GET /livez?\0=1&a=b HTTP/1.1\r\nHost: x\r\n\r\n"),
	    STR("GET /live\0z?x=1 HTTP/1.1\r\nHost: x\r\n\r\n")};
	struct fixture *f = *state;

	for (size_t i = 0; i < COUNT(requests); i++) {
		int fd = dial(f);
		send_all(f, fd, requests[i]);
		struct reply r = receive(f, fd, NULL);
		close(fd);
		/* libmicrohttpd 1.0 and newer closes the connection by itself when the byte is there as it is. */
		bool as_it_is = memchr(requests[i].p, '\0', requests[i].n) != NULL;
		if (r.status != 400 && !(as_it_is && r.status == 0 && r.closed))
			fail_msg("request %zu: %d", i, r.status);
	}
	assert_int_equal(get(f, "/?a=b&c=d&e").status, 200);
	assert_int_equal(get(f, "/?a=%2500").status, 200);
	assert_int_equal(ask(f, "GET / HTTP/1.0\r\n\r\n").status == 0, false);
	assert_int_equal(get(f, "/livez?x").status, 404);
}

static char *
signature(struct arena *a, const char *secret, struct str body)
{
	unsigned char mac[32];
	unsigned n = 0;
	char *hex = arena_alloc(a, 72);

	HMAC(EVP_sha256(), secret, (int)strlen(secret), (const unsigned char *)body.p, body.n, mac, &n);
	memcpy(hex, "sha256=", 7);
	for (int i = 0; i < 32; i++)
		snprintf(hex + 7 + 2 * i, 3, "%02x", mac[i]);
	return hex;
}

static struct str
delivery(struct arena *a, const char *secret, const char *guid, struct str body)
{
	return str_of(arena_printf(a,
	    "POST /webhook HTTP/1.1\r\nHost: x\r\nX-GitHub-Event: push\r\nX-GitHub-Delivery: %s\r\n"
	    "X-Hub-Signature-256: %s\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n\r\n" STR_FMT,
	    guid, signature(a, secret, body), body.n, STR_ARG(body)));
}

static struct reply
deliver_as(struct fixture *f, const char *type, const char *guid, const char *body)
{
	return ask(f, arena_printf(&f->a,
	                  "POST /webhook HTTP/1.1\r\nHost: x\r\nX-GitHub-Event: push\r\nX-GitHub-Delivery: %s\r\n"
	                  "X-Hub-Signature-256: %s\r\nContent-Type: %s\r\nContent-Length: %zu\r\n\r\n%s",
	                  guid, signature(&f->a, SECRET, str_of(body)), type, strlen(body), body));
}

static struct reply
deliver(struct fixture *f, const char *secret, const char *guid, const char *body)
{
	return ask(f, delivery(&f->a, secret, guid, str_of(body)).p);
}

static int64_t
deliveries(struct fixture *f)
{
	int64_t n = -1;
	struct err e;

	assert_int_equal(db_int(f->s, &n, &e, "SELECT count(*) FROM delivery", ""), 0);
	return n;
}

static void
test_a_delivery_is_stored_and_then_answered(void **state)
{
	struct fixture *f = *state;
	struct delivery d;
	struct err e;

	assert_int_equal(deliver(f, SECRET, "72d3162e-cc78-11e3-81ab-4c9367dc0958", "{\"zen\":\"x\"}").status, 202);
	assert_int_equal(f->told, 1);
	assert_int_equal(store_delivery_next(f->s, &f->a, &d, &e), 0);
	assert_string_equal(d.guid, "72d3162e-cc78-11e3-81ab-4c9367dc0958");
	assert_string_equal(d.event, "push");
	assert_true(str_is(d.body, "{\"zen\":\"x\"}"));
	assert_false(d.unreadable);
	assert_int_equal(store_delivery_done(f->s, d.id, DELIVERY_DONE, "nothing", &e), 0);
	assert_int_equal(store_delivery_done(f->s, d.id, DELIVERY_DONE, "again", &e), 1);
	assert_int_equal(store_delivery_next(f->s, &f->a, &d, &e), 1);
}

static void
test_a_form_is_stored_as_the_json_that_it_holds(void **state)
{
	static const struct {
		const char *type, *body, *stored; /* NULL: answered with 400 */
	} t[] = {
	    {"application/x-www-form-urlencoded", "payload=%7B%22a%22%3A%22b+c%2b%26%3d%F0%9f%98%80%22%7D",
	        "{\"a\":\"b c+&=\xf0\x9f\x98\x80\"}"},
	    {"APPLICATION/X-WWW-Form-urlencoded ; charset=utf-8", "a=b&payload={}&c", "{}"},
	    {"application/x-www-form-urlencoded", "payload=%7b%7d", "{}"},
	    {"application/x-www-form-urlencoded", "payload=", ""}, /* no JSON, like any other body that is none */
	    {"application/x-www-form-urlencoded", "{\"a\":1}", NULL},
	    {"application/x-www-form-urlencoded", "", NULL},
	    {"application/x-www-form-urlencoded", "xpayload={}", NULL},
	    {"application/x-www-form-urlencoded", "payload=%7", NULL},
	    {"application/x-www-form-urlencoded", "payload=%", NULL},
	    {"application/x-www-form-urlencoded", "payload=%7&a=d", NULL},
	    {"application/x-www-form-urlencoded", "payload=%g0", NULL},
	    {"application/json", "payload=%7B%7D", "payload=%7B%7D"},
	    {"application/x-www-form", "{}", "{}"},
	    {"text/plain", "{}", "{}"},
	};
	struct fixture *f = *state;
	struct err e;

	for (size_t i = 0; i < COUNT(t); i++) {
		const char *guid = arena_printf(&f->a, "guid-form-%zu", i);
		struct delivery d;
		assert_int_equal(deliver_as(f, t[i].type, guid, t[i].body).status, t[i].stored != NULL ? 202 : 400);
		assert_int_equal(store_delivery_next(f->s, &f->a, &d, &e), t[i].stored != NULL ? 0 : 1);
		if (t[i].stored == NULL)
			continue;
		assert_true(str_is(d.body, t[i].stored));
		assert_int_equal(store_delivery_done(f->s, d.id, DELIVERY_DONE, "", &e), 0);
	}
	/* The signature is that of the raw body; one of what it holds is another's. */
	assert_int_equal(
	    ask(f,
	        arena_printf(&f->a,
	            "POST /webhook HTTP/1.1\r\nHost: x\r\nX-GitHub-Event: push\r\nX-GitHub-Delivery: guid-form-other\r\n"
	            "X-Hub-Signature-256: %s\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 10\r\n\r\npayload={}",
	            signature(&f->a, SECRET, STR("{}"))))
	        .status,
	    401);
}

static void
test_what_is_not_json_is_stored_like_anything_else(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(deliver(f, SECRET, "guid-not-json", "{").status, 202);
	assert_int_equal(deliver(f, SECRET, "guid-nothing", "").status, 202);
	assert_int_equal(deliveries(f), 2);
}

static void
test_a_known_guid_is_answered_and_stored_once(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(deliver(f, SECRET, "guid-0001", "{}").status, 202);
	assert_int_equal(deliver(f, SECRET, "guid-0001", "{}").status, 200);
	assert_int_equal(deliveries(f), 1);
	assert_int_equal(f->told, 1);
}

static void
test_signatures(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(deliver(f, "wrong", "guid-0001", "{}").status, 401);
	assert_int_equal(deliver(f, "older", "guid-0002", "{}").status, 202); /* the previous secret */
	assert_int_equal(ask(f, "POST /webhook HTTP/1.1\r\nHost: x\r\nX-GitHub-Event: push\r\n"
	                        "X-GitHub-Delivery: guid-0003\r\nContent-Length: 2\r\n\r\n{}")
	                     .status,
	    401);
	assert_int_equal(deliveries(f), 1);
}

static void
test_headers_that_are_missing_or_malformed(void **state)
{
	struct fixture *f = *state;
	static const char *const bad[] = {"X-GitHub-Event: push\r\n", "X-GitHub-Delivery: guid-0001\r\n",
	    "X-GitHub-Event: push\r\nX-GitHub-Delivery: short\r\n", "X-GitHub-Event: \r\nX-GitHub-Delivery: guid-0001\r\n",
	    "X-GitHub-Event: pu'sh\r\nX-GitHub-Delivery: guid-0001\r\n",
	    "X-GitHub-Event: push\r\nX-GitHub-Delivery: guid 0001; DROP\r\n",
	    ("X-GitHub-Event: push\r\nX-GitHub-Delivery: "
	     "0123456789012345678901234567890123456789012345678901234567890123456789\r\n")};

	for (size_t i = 0; i < COUNT(bad); i++) {
		const char *r = arena_printf(&f->a,
		    "POST /webhook HTTP/1.1\r\nHost: x\r\n%sX-Hub-Signature-256: %s\r\nContent-Length: 2\r\n\r\n{}", bad[i],
		    signature(&f->a, SECRET, STR("{}")));
		assert_int_equal(ask(f, r).status, 400);
	}
	assert_int_equal(deliveries(f), 0);
}

static void
test_a_body_that_is_too_large(void **state)
{
	struct fixture *f = *state;
	const char *head = "POST /webhook HTTP/1.1\r\nHost: x\r\nX-GitHub-Event: push\r\nX-GitHub-Delivery: guid-0001\r\n"
	                   "X-Hub-Signature-256: sha256=00\r\n";

	/* Announced: refused before it is sent. */
	assert_int_equal(ask(f, arena_printf(&f->a, "%sContent-Length: 26214401\r\n\r\n", head)).status, 413);
	assert_int_equal(ask(f, arena_printf(&f->a, "%sContent-Length: 99999999999999999999\r\n\r\n", head)).status / 100, 4);
	/* Not announced: 26 chunks of 1 MiB, answered at the end. */
	int fd = dial(f);
	send_all(f, fd, str_of(arena_printf(&f->a, "%sTransfer-Encoding: chunked\r\n\r\n", head)));
	char *mega = mem_alloc((1 << 20) + 16);
	int n = sprintf(mega, "100000\r\n");
	memset(mega + n, 'x', 1 << 20);
	memcpy(mega + n + (1 << 20), "\r\n", 2);
	for (int i = 0; i < 26; i++)
		send_all(f, fd, (struct str){mega, (size_t)n + (1 << 20) + 2});
	send_all(f, fd, STR("0\r\n\r\n"));
	assert_int_equal(receive(f, fd, NULL).status, 413);
	close(fd);
	mem_free(&mega);
	assert_int_equal(deliveries(f), 0);
}

static void
test_a_large_body_arrives_whole(void **state)
{
	struct fixture *f = *state;
	size_t n = 3 << 20;
	char *body = mem_alloc(n + 1);
	struct delivery d;
	struct err e;

	for (size_t i = 0; i < n; i++)
		body[i] = (char)('a' + (i * 2654435761U >> 13) % 26);
	int fd = dial(f);
	send_all(f, fd, delivery(&f->a, SECRET, "guid-large", (struct str){body, n}));
	assert_int_equal(receive(f, fd, NULL).status, 202);
	close(fd);
	assert_int_equal(store_delivery_next(f->s, &f->a, &d, &e), 0);
	assert_int_equal(d.body.n, n);
	assert_memory_equal(d.body.p, body, n);
	mem_free(&body);
}

/* The server must end the connection by itself, in about REQUEST_MS. */
static void
must_be_closed(struct fixture *f, int fd, const char *trickle)
{
	int64_t began = clock_mono_ms();
	char byte;

	while (clock_mono_ms() < began + TEST_MS) {
		if (*trickle != '\0')
			(void)!send(fd, trickle, 1, MSG_NOSIGNAL);
		for (int i = 0; i < 20; i++) {
			turn(f);
			struct pollfd pfd = {fd, POLLIN, 0};
			poll(&pfd, 1, 1);
		}
		ssize_t n = recv(fd, &byte, 1, 0);
		if (n == 0 || (n < 0 && errno != EAGAIN))
			break;
	}
	close(fd);
	assert_uint_in_range(clock_mono_ms() - began, REQUEST_MS / 2, REQUEST_MS * 10);
}

static void
test_slow_clients_time_out(void **state)
{
	struct fixture *f = *state;
	struct str whole = delivery(&f->a, SECRET, "guid-slow", STR("{\"a\":\"0123456789\"}"));
	int fd = dial(f);

	must_be_closed(f, fd, ""); /* says nothing */
	fd = dial(f);
	send_all(f, fd, STR("POST /webhook HTTP/1.1\r\nX-Slow: "));
	must_be_closed(f, fd, "y"); /* a byte of a header now and then */
	fd = dial(f);
	send_all(f, fd, (struct str){whole.p, whole.n - 5});
	must_be_closed(f, fd, ""); /* stops amid the body */
	assert_int_equal(deliveries(f), 0);
	assert_int_equal(get(f, "/healthz").status, 200);
}

static void
test_broken_clients(void **state)
{
	struct fixture *f = *state;
	struct str whole = delivery(&f->a, SECRET, "guid-broken", STR("{\"a\":\"0123456789\"}"));

	for (size_t n = 1; n < whole.n; n += 7) {
		int fd = dial(f);
		send_all(f, fd, (struct str){whole.p, n});
		close(fd);
		turn(f);
	}
	static const char *const junk[] = {"\r\n\r\n\r\n", "GET\r\n\r\n", "\x16\x03\x01\x02", "GET / HTTP/9.9\r\n\r\n",
	    "POST /webhook HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
	    "GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello"};
	for (size_t i = 0; i < COUNT(junk); i++) {
		int fd = dial(f);
		send_all(f, fd, str_of(junk[i]));
		for (int k = 0; k < 5; k++)
			turn(f);
		close(fd);
	}
	/* Sent whole and left without waiting: stored, since it was good. */
	int fd = dial(f);
	send_all(f, fd, whole);
	close(fd);
	for (int i = 0; i < 100 && deliveries(f) == 0; i++)
		turn(f);
	assert_int_equal(deliveries(f), 1);
	assert_int_equal(get(f, "/healthz").status, 200);
}

static void
test_deliveries_at_once_share_commits(void **state)
{
	enum { N = 64 };
	struct fixture *f = *state;
	int fds[N];
	int64_t before = store_commits(f->s);

	for (int i = 0; i < N; i++) {
		fds[i] = dial(f);
		struct str d = delivery(&f->a, SECRET, arena_printf(&f->a, "guid-%04d", i), STR("{\"a\":1}"));
		assert_int_equal(send(fds[i], d.p, d.n, MSG_NOSIGNAL), (ssize_t)d.n);
	}
	for (int i = 0; i < N; i++) {
		assert_int_equal(receive(f, fds[i], NULL).status, 202);
		close(fds[i]);
	}
	assert_int_equal(deliveries(f), N);
	assert_uint_in_range(store_commits(f->s) - before, 1, N / 4);
}

static void
test_one_connection_carries_many(void **state)
{
	struct fixture *f = *state;
	int fd = dial(f);

	for (int i = 0; i < 20; i++) {
		send_all(f, fd, delivery(&f->a, SECRET, arena_printf(&f->a, "guid-%04d", i), STR("{\"a\":1}")));
		assert_int_equal(receive(f, fd, NULL).status, 202);
	}
	close(fd);
	assert_int_equal(deliveries(f), 20);
}

static void
test_a_database_that_cannot_write_means_503(void **state)
{
	struct fixture *f = *state;
	struct err e;

	/* What a full disk does: no page can be added. */
	assert_int_equal(db_run(f->s, &e, "PRAGMA max_page_count = 1", ""), 0);
	AUTO(buf_release) struct buf body;
	buf_init(&body, 1 << 20);
	for (unsigned i = 0, x = 1; i < 100000; i++, x = x * 1664525 + 1013904223)
		buf_putc(&body, (char)(' ' + x / 65536 % 90));
	struct reply r = deliver(f, SECRET, "guid-full", body.p);
	assert_int_equal(r.status, 503);
	assert_non_null(strstr(r.text, "Retry-After"));
	assert_int_equal(f->told, 0);
	assert_int_equal(db_run(f->s, &e, "PRAGMA max_page_count = 1000000", ""), 0);
	assert_int_equal(deliver(f, SECRET, "guid-full", body.p).status, 202); /* sent again: taken */
}

static void
test_methods_and_unknown_paths(void **state)
{
	struct fixture *f = *state;
	struct reply r = get(f, "/webhook");

	assert_int_equal(r.status, 405);
	assert_non_null(strstr(r.text, "Allow: POST"));
	r = ask(f, "DELETE / HTTP/1.1\r\nHost: x\r\n\r\n");
	assert_int_equal(r.status, 405);
	assert_non_null(strstr(r.text, "Allow: GET, HEAD"));
	assert_int_equal(get(f, "/nothing").status, 404);
	assert_int_equal(get(f, "/run/1").status, 404);
	assert_int_equal(get(f, "/run/abc").status, 404);
	int fd = dial(f);
	send_all(f, fd, STR("HEAD / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"));
	r = receive(f, fd, "never");
	close(fd);
	assert_int_equal(r.status, 200);
	assert_string_equal(r.body, "");
	assert_non_null(strstr(get(f, "/style.css").text, "text/css"));
	assert_int_equal(get(f, "/readyz").status, 200);
}

static void
test_no_secret_no_server(void **state)
{
	struct fixture *f = *state;
	const struct settings none = {0};
	struct web_host host = {.name = ""};
	struct web_settings settings = {.forge = forge_of(&none),
	    .hosts = &host,
	    .n_hosts = 1,
	    .listen = "127.0.0.1:0",
	    .state_dir = f->dir};
	struct web_hooks hooks = {0};
	struct web *w = NULL;
	struct err e;

	assert_int_equal(web_start(f->l, f->s, &settings, &hooks, &w, &e), -1);
	assert_int_equal(e.kind, ERR_INPUT);
	host.secret = STR("x");
	settings.listen = "localhost";
	assert_int_equal(web_start(f->l, f->s, &settings, &hooks, &w, &e), -1);
	assert_int_equal(e.kind, ERR_INPUT);
}

/* Rows for pages: a public and a private repository, a run each, a build each, and one that both want. */
#define HASH "00000000000000000000000000000000"
static void
fill(struct fixture *f)
{
	struct err e;
	char *message;
	int rc = sqlite3_exec(f->s->db,
	    "INSERT INTO installation (id) VALUES (1);"
	    "INSERT INTO repository (id, installation, owner, name, clone_url, default_branch, private) VALUES (1,1,'org','open','https://git.example/org/open.git','main',0),"
	    " (2,1,'org','closed','https://git.example/org/closed.git','main',1);"
	    "INSERT INTO pull_request (repository, number, state, head, base_ref, title, author, association, fork, draft, approved,"
	    " priority, updated) VALUES (1,5,'open','aa','main','<script>alert(1)</script>','dev',NULL,0,0,NULL,0,1),"
	    " (2,6,'open','bb','main','a secret plan','dev',NULL,0,0,NULL,0,1);"
	    "INSERT INTO run (id,repository,number,head,base_ref,state,reason,waiting,verdict,title,counts,failure,created,updated)"
	    " VALUES (1,1,5,'" HASH "00000000','main','BUILDING','opened','<i>a slot</i>','failure','3 rebuilds \"&amp;','"
	    "{\"total\":{\"rebuild\":3,\"newly_failing\":1,\"added\":0}}','{\"stage\":\"plan\",\"kind\":\"input\",\"message\":\"<b>no</b>\"}',1,1),"
	    " (2,2,6,'" HASH "11111111','main','DONE','opened',NULL,'success','fine',NULL,NULL,1,1);"
	    "INSERT INTO run_event (run,at,to_state,why) VALUES (1,1,'ACCEPTED','<u>why</u>');"
	    "INSERT INTO build (id,drv,name,system,state,created,reason,tail) VALUES"
	    " (1,'/nix/store/" HASH "-open.drv','open<br>','x86_64-linux','building',1,'<s>r</s>',NULL),"
	    " (2,'/nix/store/" HASH "-closed.drv','closed','x86_64-linux','failed',1,NULL,'</pre><script>'),"
	    " (3,'/nix/store/" HASH "-both.drv','both','x86_64-linux','built',1,NULL,'tail \x1b[31mred');"
	    "INSERT INTO build_want (run, build, target, base) VALUES (1,1,1,0),(2,2,1,0),(1,3,0,0),(2,3,0,0);",
	    NULL, NULL, &message);

	if (rc != SQLITE_OK)
		fail_msg("%s", message);
	assert_int_equal(files_mkdirs(arena_printf(&f->a, "%s/runs/1", f->dir), 0700, &e), 0);
	assert_int_equal(files_mkdirs(arena_printf(&f->a, "%s/logs", f->dir), 0700, &e), 0);
	assert_int_equal(files_write(arena_printf(&f->a, "%s/runs/1/report.json", f->dir), STR("{\"a\":1}"), 0600,
	                     FILES_NO_SYNC, &e),
	    0);
	assert_int_equal(files_write(arena_printf(&f->a, "%s/runs/secret", f->dir), STR("no"), 0600, FILES_NO_SYNC, &e), 0);
}

static void
test_pages_escape_what_comes_from_outside(void **state)
{
	struct fixture *f = *state;
	static const char *const paths[] = {"/", "/run/1", "/org/open/pull/5", "/drv/" HASH "-open"};
	static const char *const markup[] = {"<script>", "<i>", "<b>no", "<u>why", "<s>r", "open<br>", "\"&amp;"};

	fill(f);
	for (size_t i = 0; i < COUNT(paths); i++) {
		struct reply r = get(f, paths[i]);
		assert_int_equal(r.status, 200);
		for (size_t k = 0; k < COUNT(markup); k++)
			if (strstr(r.body, markup[k]) != NULL)
				fail_msg("%s holds %s", paths[i], markup[k]);
		assert_non_null(strstr(r.body, "&lt;"));
		assert_non_null(strstr(r.text, "Content-Security-Policy: default-src 'none'"));
		assert_non_null(strstr(r.text, "X-Content-Type-Options: nosniff"));
		assert_non_null(strstr(r.text, "Referrer-Policy: no-referrer"));
	}
	const char *run = get(f, "/run/1").body;
	assert_non_null(strstr(run, "<b>3</b> rebuild"));
	assert_null(strstr(run, "added"));
	assert_non_null(strstr(run, ">open&lt;br&gt;</a>"));
	assert_non_null(strstr(run, ">both</a>"));
	assert_null(strstr(run, "<small class=\"text\">opened")); /* the run's reason is not the build's */
	assert_non_null(strstr(run, "https://git.example/org/open/pull/5"));
	assert_non_null(strstr(run, "/run/1/report.json"));
	assert_non_null(strstr(run, "/log/" HASH "-open"));
	assert_non_null(strstr(get(f, "/ORG/Open/pull/5").body, "org/open"));
	struct reply report = get(f, "/run/1/report.json");
	assert_string_equal(report.body, "{\"a\":1}");
	assert_non_null(strstr(report.text, "application/json"));
	assert_non_null(strstr(report.text, "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'"));
	/* The badge is the default branch's: what a pull request says, whoever opened it, makes nothing red. */
	assert_non_null(strstr(get(f, "/badge/org/open.svg").body, "no runs yet"));
	struct err e;
	assert_int_equal(db_run(f->s, &e,
	                     "INSERT INTO run (id,repository,number,head,base_ref,state,reason,verdict,created,updated) VALUES"
	                     " (3,1,0,'" HASH "22222222','main','DONE','push','success',1,1),"
	                     " (4,1,0,'" HASH "33333333','other','DONE','push','failure',1,1)",
	                     ""),
	    0);
	assert_non_null(strstr(get(f, "/badge/org/open.svg").body, "success"));
}

/* Larger than any page: it is not read into memory, and others are answered while it is on its way. */
static void
test_a_document_is_sent_from_its_file(void **state)
{
	enum { BYTES = 24 << 20 };
	struct fixture *f = *state;
	struct err e;

	fill(f);
	struct str text = {mem_alloc(BYTES), BYTES};
	for (size_t i = 0; i < text.n; i++)
		((char *)(uintptr_t)text.p)[i] = (char)('a' + (i * 2654435761U >> 13) % 26);
	assert_int_equal(files_write(arena_printf(&f->a, "%s/runs/1/report.html", f->dir), text, 0600, FILES_NO_SYNC, &e), 0);
	assert_int_equal(files_write(arena_printf(&f->a, "%s/runs/1/report.md", f->dir), STR(""), 0600, FILES_NO_SYNC, &e), 0);
	int fd = dial(f);
	send_all(f, fd, STR("GET /run/1/report.html HTTP/1.1\r\nHost: x\r\n\r\n"));
	assert_int_equal(get(f, "/healthz").status, 200);
	struct reply r = receive(f, fd, NULL);
	close(fd);
	assert_int_equal(r.status, 200);
	assert_non_null(strstr(r.text, "text/html"));
	assert_int_equal(strlen(r.body), BYTES);
	assert_memory_equal(r.body, text.p, BYTES);
	mem_free(&text.p);
	r = get(f, "/run/1/report.md");
	assert_int_equal(r.status, 200);
	assert_string_equal(r.body, "");
	fd = dial(f);
	send_all(f, fd, STR("HEAD /run/1/report.html HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"));
	r = receive(f, fd, "never");
	close(fd);
	assert_int_equal(r.status, 200);
	assert_string_equal(r.body, "");
	assert_int_equal(get(f, "/run/1/changed-paths.json").status, 404);
	assert_int_equal(get(f, "/run/2/report.html").status, 404);
}

static void
test_private_pages_open_only_with_their_key(void **state)
{
	struct fixture *f = *state;
	static const struct repository hidden = {.id = 2, .is_private = true}, open = {.id = 1};
	struct err e;
	static const char *const paths[] = {"/run/2", "/org/closed/pull/6", "/drv/" HASH "-closed", "/log/" HASH "-closed"};

	fill(f);
	assert_null(strstr(get(f, "/").body, "secret plan"));
	for (size_t i = 0; i < COUNT(paths); i++) {
		const char *good = web_link(&f->a, f->w, &hidden, 6, "%s", paths[i]);
		const char *other = web_link(&f->a, f->w, &hidden, 7, "%s", paths[i]);
		assert_int_equal(get(f, paths[i]).status, 404);
		assert_int_equal(get(f, arena_printf(&f->a, "%s?key=", paths[i])).status, 404);
		assert_int_equal(get(f, other + strlen(web_url(f->w))).status, 404);
		assert_true(strncmp(good, web_url(f->w), strlen(web_url(f->w))) == 0);
		struct reply r = get(f, good + strlen(web_url(f->w)));
		assert_int_equal(r.status, 200);
		assert_non_null(strstr(r.text, "no-store"));
	}
	assert_int_equal(get(f, "/badge/org/closed.svg").status, 404);
	/* What both want is shown to all, but not who else wants it. */
	struct reply both = get(f, "/drv/" HASH "-both");
	assert_int_equal(both.status, 200);
	assert_null(strstr(both.body, "closed"));
	assert_string_equal(web_link(&f->a, f->w, &open, 5, "/run/%d", 1), arena_printf(&f->a, "%s/run/1", web_url(f->w)));
	/* A page of a private repository links on with the key. */
	const char *run = web_link(&f->a, f->w, &hidden, 6, "/run/2");
	assert_non_null(strstr(get(f, run + strlen(web_url(f->w))).body, "/drv/" HASH "-closed?key"));
	/* Links of before end when they are revoked, and all of them when nobody tells us of the repository any more. */
	static const struct repository later = {.id = 2, .is_private = true, .links = 1};
	const char *fresh = web_link(&f->a, f->w, &later, 6, "/run/2");
	assert_int_equal(get(f, fresh + strlen(web_url(f->w))).status, 404);
	assert_int_equal(store_repository_revoke(f->s, 2, &e), 0);
	assert_int_equal(get(f, run + strlen(web_url(f->w))).status, 410);
	assert_int_equal(get(f, fresh + strlen(web_url(f->w))).status, 200);
	assert_int_equal(store_installation_put(f->s, 1, NULL, "suspended", &e), 0);
	assert_int_equal(get(f, fresh + strlen(web_url(f->w))).status, 404);
	assert_int_equal(get(f, "/run/1").status, 404);
	assert_null(strstr(get(f, "/").body, "/run/1"));
}

/* While the secret is being changed, links that were made with the one before still open; with any other they do not. */
static void
test_links_of_the_previous_secret_open(void **state)
{
	struct fixture *f = *state;
	static const char *const secrets[] = {"older", "oldest"};

	fill(f);
	for (size_t i = 0; i < COUNT(secrets); i++) {
		struct signature_keys *keys;
		unsigned char key[SIGNATURE_BYTES], mac[EVP_MAX_MD_SIZE];
		unsigned n = 0;
		struct err e;
		char hex[33];

		assert_int_equal(signature_keys_new(str_of(secrets[i]), STR(""), &keys, &e), 0);
		assert_true(signature_derive(keys, false, "ekaci: links to pages, 1", key));
		signature_keys_free(keys);
		HMAC(EVP_sha256(), key, sizeof(key), (const unsigned char *)"2/6", 3, mac, &n);
		str_hex(mac, 16, hex);
		assert_int_equal(get(f, arena_printf(&f->a, "/run/2?key=%s", hex)).status, i == 0 ? 200 : 404);
	}
}

static void
test_no_path_leads_out(void **state)
{
	struct fixture *f = *state;
	static const char *const paths[] = {"/run/1/../secret", "/run/1/..%2fsecret", "/run/1/%2e%2e%2fsecret", "/run/1/secret",
	    "/run/../db", "/run/1/.", "/run/1/report.json%00.html", "/run/1/report.json/", "/log/..%2fdb", "/log/../db",
	    "/log/db", "/log/" HASH "-open%2f..%2f..%2fdb", "/drv/%2e%2e", "//db", "/badge/../db.svg", "/style.css/../db",
	    "/run/1%2freport.json%2f..", "/run/0x1", "/run/1e0", "/run/+1", "/run/99999999999999999999"};

	fill(f);
	/* Not even where there is a repository of such a name, as a forge does not allow it. */
	assert_int_equal(sqlite3_exec(f->s->db,
	                     "INSERT INTO repository (id, installation, owner, name, clone_url, default_branch, private)"
	                     " VALUES (3,1,'..','db','https://git.example/x.git','main',0)",
	                     NULL, NULL, NULL),
	    SQLITE_OK);
	for (size_t i = 0; i < COUNT(paths); i++) {
		struct reply r = get(f, paths[i]);
		if (r.status != 404 && r.status != 400)
			fail_msg("%s: %d\n%s", paths[i], r.status, r.text);
	}
}

static void
append(const char *path, const char *text)
{
	FILE *file = fopen(path, "ae");

	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

static void
test_a_log_is_followed_until_the_build_ends(void **state)
{
	struct fixture *f = *state;
	struct err e;

	fill(f);
	assert_non_null(strstr(get(f, "/log/" HASH "-open").body, "not begun"));
	const char *path = arena_printf(&f->a, "%s/logs/" HASH "-open", f->dir);
	append(path, "one \x1b[1;31mred\x1b[0m\r\n\x1b]0;title\x07two\rthree\xc2\x9b"
	             "31m\xc3\xa9\x01\n");
	int fd = dial(f);
	send_all(f, fd, STR("GET /log/" HASH "-open HTTP/1.1\r\nHost: x\r\n\r\n"));
	struct reply r = receive(f, fd, "\xc3\xa9\n");
	assert_non_null(strstr(r.body, "one red\ntwo\nthree31m\xc3\xa9\n"));
	assert_non_null(strstr(r.text, "text/plain; charset=utf-8"));
	assert_false(r.closed);
	append(path, "four\n");
	assert_non_null(strstr(receive(f, fd, "four\n").text, "four"));
	append(path, "last\n");
	assert_int_equal(db_run(f->s, &e, "UPDATE build SET state = 'built' WHERE id = 1", ""), 0);
	assert_non_null(strstr(receive(f, fd, "\r\n0\r\n").text, "last"));
	close(fd);
	/* Not there any more: the tail, cleaned. */
	assert_non_null(strstr(get(f, "/log/" HASH "-both").body, "tail red"));
	/* A reader that leaves, and one that still waits when the server stops, do no harm. */
	assert_int_equal(db_run(f->s, &e, "UPDATE build SET state = 'building' WHERE id = 1", ""), 0);
	for (int i = 0; i < 2; i++) {
		fd = dial(f);
		send_all(f, fd, STR("GET /log/" HASH "-open HTTP/1.1\r\nHost: x\r\n\r\n"));
		(void)receive(f, fd, "last\n");
		close(fd);
	}
}

static void
test_a_log_is_cut_off_when_its_repository_is_made_private(void **state)
{
	struct fixture *f = *state;
	struct err e;

	fill(f);
	const char *path = arena_printf(&f->a, "%s/logs/" HASH "-open", f->dir);
	append(path, "seen\n");
	int fd = dial(f);
	send_all(f, fd, STR("GET /log/" HASH "-open HTTP/1.1\r\nHost: x\r\n\r\n"));
	(void)receive(f, fd, "seen\n");
	/* What is of a public repository goes on. */
	append(path, "seen, too\n");
	assert_false(receive(f, fd, "seen, too\n").closed);
	assert_int_equal(db_run(f->s, &e, "UPDATE repository SET private = 1 WHERE id = 1", ""), 0);
	append(path, "secret\n");
	struct reply r = receive(f, fd, "secret\n");
	assert_true(r.closed);
	assert_null(strstr(r.text, "secret"));
	assert_null(strstr(r.text, "\r\n0\r\n")); /* nor does it look whole */
	close(fd);
	/* With the key that its pages have now it is followed. */
	static const struct repository hidden = {.id = 1, .is_private = true};
	const char *link = web_link(&f->a, f->w, &hidden, 5, "/log/" HASH "-open");
	fd = dial(f);
	send_all(f, fd, str_of(arena_printf(&f->a, "GET %s HTTP/1.1\r\nHost: x\r\n\r\n", link + strlen(web_url(f->w)))));
	(void)receive(f, fd, "secret\n");
	append(path, "more\n");
	assert_false(receive(f, fd, "more\n").closed);
	assert_int_equal(db_run(f->s, &e, "UPDATE repository SET links = links + 1 WHERE id = 1", ""), 0);
	assert_true(receive(f, fd, "never\n").closed);
	close(fd);
}

static void
test_labels_and_help_are_escaped(void **state)
{
	const struct prometheus_labels labels = {{{"a", "q\" b\\ n\n"}, {"b", NULL}}}, second = {{{"a", NULL}, {"b", "2"}}};
	AUTO(buf_release) struct buf out;

	(void)state;
	buf_init(&out, 1 << 20);
	prometheus_begin(&out, "m", PROMETHEUS_GAUGE, "a \"b\"\n\\");
	prometheus_int(&out, "m", &labels, -1);
	prometheus_seconds(&out, "m", &second, 1500000000);
	prometheus_int(&out, "m", NULL, 3);
	assert_string_equal(out.p,
	    "# HELP m a \"b\"\\n\\\\\n# TYPE m gauge\nm{a=\"q\\\" b\\\\ n\\n\"} -1\nm{b=\"2\"} 1.500000000\nm 3\n");
}

static void
test_metrics(void **state)
{
	struct fixture *f = *state;

	fill(f);
	assert_int_equal(deliver(f, SECRET, "guid-0001", "{}").status, 202);
	assert_int_equal(deliver(f, SECRET, "guid-0001", "{}").status, 200);
	assert_int_equal(deliver(f, "wrong", "guid-0002", "{}").status, 401);
	struct reply r = get(f, "/metrics");
	static const char *const lines[] = {"\nekaci_deliveries_total{result=\"stored\"} 1\n",
	    "\nekaci_deliveries_total{result=\"repeated\"} 1\n", "\nekaci_deliveries_total{result=\"refused\"} 1\n",
	    "\nekaci_http_requests_total{route=\"/webhook\",status=\"202\"} 1\n",
	    "\nekaci_deliveries_waiting{state=\"new\"} 1\n", "\nekaci_runs{state=\"BUILDING\"} 1\n",
	    "\nekaci_builds{state=\"building\",system=\"x86_64-linux\"} 1\n", "\nfrom_a_hook 1\n",
	    "\nekaci_loop_longest_callback_seconds "};
	for (size_t i = 0; i < COUNT(lines); i++)
		if (strstr(r.body, lines[i]) == NULL)
			fail_msg("no %s in\n%s", lines[i], r.body);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_a_path_with_a_nul_is_no_path),
	    TEST(test_a_delivery_is_stored_and_then_answered),
	    TEST(test_a_form_is_stored_as_the_json_that_it_holds),
	    TEST(test_what_is_not_json_is_stored_like_anything_else),
	    TEST(test_a_known_guid_is_answered_and_stored_once),
	    TEST(test_signatures),
	    TEST(test_headers_that_are_missing_or_malformed),
	    TEST(test_a_body_that_is_too_large),
	    TEST(test_a_large_body_arrives_whole),
	    TEST(test_slow_clients_time_out),
	    TEST(test_broken_clients),
	    TEST(test_deliveries_at_once_share_commits),
	    TEST(test_one_connection_carries_many),
	    TEST(test_a_database_that_cannot_write_means_503),
	    TEST(test_methods_and_unknown_paths),
	    TEST(test_no_secret_no_server),
	    TEST(test_pages_escape_what_comes_from_outside),
	    TEST(test_a_document_is_sent_from_its_file),
	    TEST(test_private_pages_open_only_with_their_key),
	    TEST(test_links_of_the_previous_secret_open),
	    TEST(test_no_path_leads_out),
	    TEST(test_a_log_is_followed_until_the_build_ends),
	    TEST(test_a_log_is_cut_off_when_its_repository_is_made_private),
	    TEST(test_labels_and_help_are_escaped),
	    TEST(test_metrics),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
