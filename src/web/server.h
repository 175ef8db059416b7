/* server - what the files of web/ share. Private to this folder. */
#ifndef EKACI_WEB_SERVER_H
#define EKACI_WEB_SERVER_H

#include "web/web.h"

#include "store/delivery.h"

#include <microhttpd.h>

struct route;

/* One TCP connection. It lives from accept to close and is given a deadline for whatever it is doing. */
struct connection {
	struct connection *prev, *next;
	struct web *w;
	int fd;
	int64_t deadline_ms; /* monotonic */
};

enum answer {
	ANSWER_NONE,
	ANSWER_STORED,
	ANSWER_REPEATED,
	ANSWER_UNSIGNED,
	ANSWER_HEADERS,
	ANSWER_FORM,
	ANSWER_TOO_LARGE,
	ANSWER_UNAVAILABLE,
	N_ANSWERS
};

/* One request, from its headers to the end of its answer. */
struct request {
	struct web *w;
	struct MHD_Connection *mhd;
	struct connection *conn;
	const struct route *route;
	/* of a delivery */
	struct signature_check *check;
	char *body;
	size_t n, cap;
	bool too_large;
	struct str packed;
	struct forge_delivery delivery;
	enum answer answer;
	int64_t received_ms;
};

struct http_count {
	const char *route;
	unsigned status;
	int64_t n;
};

struct web {
	struct loop *l;
	struct store *s;
	struct web_settings settings;
	struct web_hooks hooks;
	struct signature_keys *keys;
	unsigned char link_key[2][SIGNATURE_BYTES];
	bool has_link_key[2];
	struct MHD_Daemon *mhd;
	uv_poll_t poll;
	struct loop_timer *mhd_timer, *sweep_timer;
	struct connection *connections;
	size_t n_connections;
	struct follower *followers; /* logs that wait for more, log.c */
	struct loop_timer *follow_timer;
	int port;
	char *url;
	bool pumping;
	/* intake */
	struct delivery_packer *packer;
	VEC(struct request *) pending; /* verified, suspended, waiting for the commit of this turn */
	VEC(struct delivery_in) batch;
	VEC(bool) batch_new;
	size_t body_bytes; /* held by requests */
	VEC(char *) spare; /* buffers of bodies for reuse, INTAKE_BODY bytes each, at most INTAKE_SPARE */
	struct MHD_Response *answers[N_ANSWERS];
	struct {
		int64_t stored, repeated, refused, failed, commits, largest_batch, commit_ns, commit_ns_max;
	} intake;
	VEC(struct http_count) counts;
};

/* Does what the sockets ask for now, commits, answers; then sets timer and poll. */
void web_pump(struct web *w);
/* Gives the response (keeps the caller's reference), counts it. */
enum MHD_Result web_respond(struct request *r, unsigned status, struct MHD_Response *response);

enum {
	INTAKE_BODY = 64 * 1024, /* most deliveries fit; a hostile Content-Length gets no more at once */
	INTAKE_SPARE = 64        /* freed and asked for again with every batch they would cost more than the hashing */
};

/* webhook.c: the steps of a delivery, as the server sees them. begin: headers are there; ANSWER_NONE to go on. */
int intake_start(struct web *w, struct err *e);
void intake_stop(struct web *w);
enum answer intake_begin(struct request *r);
enum MHD_Result intake_data(struct request *r, struct str bytes);
/* The body is complete: verified and packed it waits for intake_commit (ANSWER_NONE), or is answered now. */
enum answer intake_end(struct request *r);
/* Commits all that wait and wakes them; true when something new is in the store. */
bool intake_commit(struct web *w);
enum MHD_Result intake_respond(struct request *r, enum answer answer);
void intake_release(struct request *r);

/* link.c */
int link_start(struct web *w, struct err *e);
/* "" for a public repository, else "?key=...". */
const char *link_suffix(struct arena *a, const struct web *w, int64_t repository, int64_t number, bool is_private);
bool link_ok(const struct web *w, int64_t repository, int64_t number, const char *key);

#endif
