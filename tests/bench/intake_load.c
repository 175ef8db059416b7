/*
 * A load generator for webhook intake: signed bodies over keep-alive connections, the next when the last is answered.
 *   intake_load PORT PATH CONNECTIONS SECONDS PAYLOADS
 * PAYLOADS is a file of records: "LENGTH SIGNATURE EVENT\n", then the body. Every request gets a GUID of its own.
 * Prints "requests_per_s N", "p99_ms N" and "answered N"; any answer that is not 2xx, or none at all, is exit code 1.
 */
#include "support/base/clock.h"
#include "support/base/str.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

enum { MAX_CONNECTIONS = 256 };

struct payload {
	char *body, event[40], signature[80];
	size_t n;
};

struct link {
	int fd;
	int64_t began_ns;
	char head[1024], answer[4096];
	size_t head_n, sent, got;
	const struct payload *p;
};

static VEC(struct payload) payloads;
static VEC(uint32_t) micros;
static struct link links[MAX_CONNECTIONS];
static long requests, bad;
static unsigned long last_guid;
static const char *path;

static _Noreturn void
die(const char *what)
{
	fprintf(stderr, "intake_load: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void
read_payloads(const char *file)
{
	FILE *f = fopen(file, "re");
	struct payload p;

	if (f == NULL)
		die(file);
	while (fscanf(f, "%zu %79s %39s", &p.n, p.signature, p.event) == 3 && fgetc(f) == '\n') {
		p.body = mem_alloc(p.n + 1);
		if (fread(p.body, 1, p.n, f) != p.n)
			die("a payload is cut");
		vec_push(&payloads, p);
	}
	fclose(f);
	if (payloads.n == 0)
		die("no payloads");
}

/* Sends what is left; the rest waits for EPOLLOUT. */
static void
push(struct link *k)
{
	while (k->sent < k->head_n + k->p->n) {
		struct iovec iov[2];
		int n = 0;
		if (k->sent < k->head_n)
			iov[n++] = (struct iovec){k->head + k->sent, k->head_n - k->sent};
		size_t at = k->sent > k->head_n ? k->sent - k->head_n : 0;
		iov[n++] = (struct iovec){k->p->body + at, k->p->n - at};
		ssize_t sent = writev(k->fd, iov, n);
		if (sent < 0 && errno == EAGAIN)
			return;
		if (sent < 0)
			die("send");
		k->sent += (size_t)sent;
	}
}

static void
begin(struct link *k)
{
	/* GitHub's GUIDs are of version 1: made of the time in units of 100 ns, its lowest digits first. */
	unsigned long guid = (unsigned long)(clock_mono_ns() / 100);
	if (guid <= last_guid)
		guid = last_guid + 1;
	last_guid = guid;
	k->p = &payloads.p[(size_t)requests % payloads.n];
	k->head_n = (size_t)snprintf(k->head, sizeof(k->head),
	    "POST %s HTTP/1.1\r\nHost: 127.0.0.1\r\nUser-Agent: GitHub-Hookshot/bench\r\nAccept: */*\r\n"
	    "X-GitHub-Event: %s\r\nX-GitHub-Delivery: %08lx-%04lx-1%03lx-8000-4c9367dc0958\r\nX-GitHub-Hook-ID: 1\r\n"
	    "X-Hub-Signature-256: %s\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n\r\n",
	    path, k->p->event, guid & 0xffffffff, guid >> 32 & 0xffff, guid >> 48 & 0xfff, k->p->signature, k->p->n);
	requests++;
	k->sent = k->got = 0;
	k->began_ns = clock_mono_ns();
	push(k);
}

/* True when a whole answer was read and counted. */
static bool
pull(struct link *k)
{
	ssize_t n = recv(k->fd, k->answer + k->got, sizeof(k->answer) - 1 - k->got, 0);

	if (n < 0 && errno == EAGAIN)
		return false;
	if (n <= 0)
		die("the server closed the connection");
	k->got += (size_t)n;
	k->answer[k->got] = '\0';
	const char *end = strstr(k->answer, "\r\n\r\n"), *length = strcasestr(k->answer, "\r\nContent-Length:");
	if (end == NULL)
		return false;
	size_t body = length != NULL && length < end ? strtoul(length + 17, NULL, 10) : 0;
	if (length == NULL && strcasestr(k->answer, "chunked") != NULL) {
		if (strstr(end, "0\r\n\r\n") == NULL)
			return false;
	} else if (k->got < (size_t)(end + 4 - k->answer) + body) {
		return false;
	}
	if (k->answer[9] != '2' && bad++ < 3)
		fprintf(stderr, "intake_load: %.60s\n", k->answer);
	vec_push(&micros, (uint32_t)((clock_mono_ns() - k->began_ns) / 1000));
	return true;
}

static int
by_value(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

static void
dial(struct link *k, int port, int ep)
{
	struct sockaddr_in at = {.sin_family = AF_INET,
	    .sin_port = htons((uint16_t)port),
	    .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	struct epoll_event ev = {.events = EPOLLIN | EPOLLOUT | EPOLLET, .data.ptr = k};
	int one = 1;

	k->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (k->fd < 0 || (connect(k->fd, (struct sockaddr *)&at, sizeof(at)) != 0 && errno != EINPROGRESS))
		die("connect");
	setsockopt(k->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	if (epoll_ctl(ep, EPOLL_CTL_ADD, k->fd, &ev) != 0)
		die("epoll");
}

int
main(int argc, char **argv)
{
	int ep = epoll_create1(EPOLL_CLOEXEC);
	struct epoll_event evs[MAX_CONNECTIONS];

	if (argc != 6 || strtol(argv[3], NULL, 10) > MAX_CONNECTIONS)
		return 2;
	path = argv[2];
	read_payloads(argv[5]);
	int n = (int)strtol(argv[3], NULL, 10);
	for (int i = 0; i < n; i++)
		dial(&links[i], (int)strtol(argv[1], NULL, 10), ep);
	int64_t began = clock_mono_ns(), until = began + (int64_t)(strtod(argv[4], NULL) * 1e9);
	int busy = 0, dialled = n;
	while (clock_mono_ns() < until || busy > 0) {
		int ready = epoll_wait(ep, evs, MAX_CONNECTIONS, 1000);
		if (ready == 0 && busy > 0 && clock_mono_ns() > until + 10000000000)
			die("no answer for ten seconds");
		for (int i = 0; i < ready; i++) {
			struct link *k = evs[i].data.ptr;
			if (k->p == NULL) {
				if (!(evs[i].events & EPOLLOUT))
					continue;
				busy++;
				dialled--;
				begin(k);
			} else if (k->sent < k->head_n + k->p->n) {
				push(k);
			}
			while (pull(k)) {
				if (clock_mono_ns() >= until) {
					busy--;
					break;
				}
				begin(k);
			}
		}
	}
	double seconds = (double)(clock_mono_ns() - began) / 1e9;
	qsort(micros.p, micros.n, sizeof(*micros.p), by_value);
	printf("requests_per_s %.0f\np50_ms %.2f\np99_ms %.2f\nanswered %ld\n", (double)micros.n / seconds,
	    micros.p[micros.n / 2] / 1e3, micros.p[micros.n * 99 / 100] / 1e3, requests);
	return bad > 0 || dialled > 0 || micros.n == 0 ? 1 : 0;
}
