/*
 * http - requests to GitHub from the event loop: libcurl's multi interface on uv_poll.
 *
 * Only http and https, also through a proxy, which never sees what is meant for GitHub; certificates are verified, answers are bounded. Redirects (301, 302, 307, 308) are followed
 * here, as GitHub asks: the same request again, five times at most; never from https to http; to another host only a
 * GET, and without the Authorization header. A request with a body is never repeated by itself. What this prints or
 * returns as an error never holds a header.
 */
#ifndef EKACI_FORGE_GITHUB_HTTP_H
#define EKACI_FORGE_GITHUB_HTTP_H

#include "support/os/loop.h"

struct http;

/* ca_file: certificates in PEM that are trusted beside the system's, or NULL; ERR_ABSENT or ERR_INPUT when it holds none. A proxy
 * is what the environment names (config_use_network). */
must_check int http_new(struct loop *l, const char *ca_file, struct http **ret, struct err *e);
/* Requests under way end without their callback. */
void http_free(struct http *h);

struct http_request {
	const char *method;
	const char *url;
	const char *authorization; /* value of the header, or NULL */
	const char *tag;           /* of an answer that we have: 304 is told when it still holds; or NULL */
	struct str body;           /* JSON, or empty */
	int64_t timeout_ms;        /* for the whole of it; 0: 30 s */
	size_t max_bytes;          /* of the answer; 0: 16 MB */
};

/* -1 where GitHub did not say. */
struct http_answer {
	int status;      /* 0: there was no answer; e says why */
	struct err e;    /* ERR_NONE when there is a status */
	struct str body; /* what came, NUL-terminated; for the time of the callback */
	const char *url; /* that was asked last, after redirects; NULL: no request was made */
	int64_t retry_after_s;
	int64_t rate_limit, rate_remaining;
	int64_t rate_reset_s; /* since 1970, by GitHub's clock */
	int64_t date_s;       /* GitHub's clock */
	char request_id[80];  /* X-GitHub-Request-Id, for GitHub's support */
	char tag[128];        /* ETag, or "" */
	char next[2048];      /* Link rel="next", or "" */
	char location[2048];
};

/* Sends r (copied); done is called once, from the loop, never before this returns. */
void http_send(struct http *h, const struct http_request *r, void (*done)(void *ctx, const struct http_answer *answer),
    void *ctx);

/* --- for tests --- */
void http_answer_init(struct http_answer *answer);
/* Takes one header line into answer; a status line starts it anew. Anything unreadable is ignored. */
void http_header(struct http_answer *answer, struct str line);
/* Whether two absolute http or https URLs have scheme, host and port in common. */
bool http_same_origin(const char *a, const char *b);
/* Resolves a Location against the URL it was given at; NULL when it is none that may be followed. In a. */
const char *http_redirect(struct arena *a, const char *from, const char *location);

#endif
