/*
 * server - HTTP inside the loop, with no thread of its own: connections, deadlines, and whose a request is.
 *
 * It knows a table of routes and nothing of what stands behind them. A request is handed to the handler of its route: begin when its
 * headers are there, data with its body as that comes, end when it is whole, release when its answer is given or its connection is
 * gone. begin and end answer with server_respond, or wait: begin says MHD_YES to go on, end suspends the connection (libmicrohttpd's
 * MHD_suspend_connection) and is called again when it was resumed.
 */
#ifndef EKACI_WEB_SERVER_H
#define EKACI_WEB_SERVER_H

#include "support/base/err.h"
#include "support/base/str.h"
#include "support/os/loop.h"

#include <microhttpd.h>

/* Limits; how they are chosen stands beside each. */
enum {
	SERVER_MAX_CONNECTIONS = 512,      /* GitHub's bursts come by the dozen; a proxy in front uses as many */
	SERVER_REQUEST_MS = 30 * 1000,     /* from connecting, or from the last answer, to a whole request */
	SERVER_ANSWER_MS = 10 * 60 * 1000, /* a reader may take this long over an answer; a live log ends then, too */
	SERVER_TURN_MS = 8,                /* of answering, before deliveries and builds get their turn */
	SERVER_MAX_PARAMS = 4
};

struct server;
struct route;

struct request {
	struct server *server;
	struct MHD_Connection *mhd;
	struct connection *conn;
	const char *path;                     /* as it was asked for, without the query; until it is answered */
	const struct route *route;            /* NULL: no route has this path */
	struct str params[SERVER_MAX_PARAMS]; /* what stands at the ":" of the pattern; nothing but [A-Za-z0-9._+?=:-] */
	void *state;                          /* the handler's; NULL at first */
};

struct handler {
	enum MHD_Result (*begin)(struct request *r); /* NULL: there is nothing to do yet */
	enum MHD_Result (
	    *data)(struct request *r, struct str bytes); /* NULL: a body is refused; MHD_NO breaks the connection */
	enum MHD_Result (*end)(struct request *r);
	void (*release)(struct request *r); /* NULL: there is no state; state may be NULL where begin was not called */
};

struct route {
	const char *method;  /* "GET" means HEAD, too */
	const char *pattern; /* segments; ":x" takes any one, ":x.svg" one that ends so */
	const struct handler *handler;
	const void *what; /* the handler's own */
};

struct server_hooks {
	/* How a request is answered that no handler takes: 404, 405. words: NULL. */
	enum MHD_Result (*refuse)(struct request *r, unsigned status, const char *words);
	/* Requests are answered together: waiting says how many are suspended, settle answers them once no more come at once, and
	 * settled is called at the end of each turn. */
	size_t (*waiting)(void *ctx);
	void (*settle)(void *ctx);
	void (*settled)(void *ctx);
	void *ctx;
};

/* listen: "127.0.0.1:3030", "[::1]:3030"; port 0 takes a free one. given_fd > 0: a socket that listens already, used instead; a
 * Unix socket has no port (0). request_ms: 0 for SERVER_REQUEST_MS. routes and hooks' ctx must
 * outlive the server. */
must_check int server_start(struct loop *l, const char *listen, int given_fd, int64_t request_ms, const struct route *routes,
    size_t n_routes, const struct server_hooks *hooks, struct server **ret, struct err *e);
/* Stops listening and ends all connections, whose handlers are told; none may be suspended. The server's own memory goes with the
 * next turn of the loop. */
void server_stop(struct server *s);

void *server_ctx(const struct server *s); /* of the hooks */
int server_port(const struct server *s);
const char *server_address(const struct server *s); /* "http://127.0.0.1:3030", where it listens */

/* Whether this turn has taken so long that other sources of the loop should have theirs; then an `end` postpones itself: it is called
 * again in the next turn. */
bool server_turn_is_long(const struct server *s);
void server_postpone(struct request *r);
/* Does what the sockets ask for now, also for connections that were resumed. */
void server_pump(struct server *s);
/* Gives the response (the caller keeps its reference) and counts it. */
enum MHD_Result server_respond(struct request *r, unsigned status, struct MHD_Response *response);

struct server_count {
	const char *route; /* its pattern, or "none" */
	unsigned status;
	int64_t n;
};
/* The answers so far. */
const struct server_count *server_counts(const struct server *s, size_t *ret_n);
size_t server_connections(const struct server *s);

#endif
