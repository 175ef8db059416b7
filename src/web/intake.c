/* Deliveries on their way in: headers, body, signature, one commit for many, the answer. */
#include "web/intake.h"

#include "store/delivery.h"
#include "support/base/clock.h"
#include "support/base/log.h"

#include <stdio.h>
#include <string.h>

enum {
	MAX_BODY = DELIVERY_MAX_BODY,
	MAX_DISCARD = MAX_BODY + 8 * 1024 * 1024, /* a chunked body is read this far so that its sender sees the 413 */
	BODY = 64 * 1024,                         /* most deliveries fit; a hostile Content-Length gets no more at once */
	SPARE = 64 /* freed and asked for again with every batch they would cost more than the hashing */
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

/* One delivery, from its headers to its answer: the state of its request. */
struct coming {
	struct web_intake *in;
	const struct intake_door *door;
	struct request *request;
	struct signature_check *check;
	char *body;
	size_t n, cap;
	bool too_large;
	struct str packed;
	struct forge_delivery delivery;
	enum answer answer;
	int64_t received_ms;
};

struct web_intake {
	struct store *s;
	const struct forge *forge;
	struct delivery_packer *packer;
	VEC(struct coming *) pending; /* verified, suspended, waiting for the commit of this turn */
	VEC(struct delivery_in) batch;
	VEC(bool) batch_new;
	size_t body_bytes; /* held by requests */
	VEC(char *) spare; /* buffers of bodies for reuse, BODY bytes each, at most SPARE */
	struct MHD_Response *answers[N_ANSWERS];
	struct intake_figures figures;
	bool added;
};

static unsigned
status_of(enum answer answer)
{
	switch (answer) {
	case ANSWER_STORED: return 202;
	case ANSWER_REPEATED: return 200;
	case ANSWER_UNSIGNED: return 401;
	case ANSWER_HEADERS:
	case ANSWER_FORM: return 400;
	case ANSWER_TOO_LARGE: return 413;
	case ANSWER_UNAVAILABLE:
	case ANSWER_NONE:
	case N_ANSWERS: break;
	}
	return 503;
}

static const char *
words_of(const struct forge *forge, enum answer answer)
{
	switch (answer) {
	case ANSWER_STORED: return "accepted\n";
	case ANSWER_REPEATED: return "this delivery is known already\n";
	case ANSWER_UNSIGNED: return forge->faults[FORGE_UNSIGNED];
	case ANSWER_HEADERS: return forge->faults[FORGE_HEADERS];
	case ANSWER_FORM: return forge->faults[FORGE_FORM];
	case ANSWER_TOO_LARGE: return "the body is larger than 25 MiB\n";
	case ANSWER_UNAVAILABLE:
	case ANSWER_NONE:
	case N_ANSWERS: break;
	}
	return "this delivery cannot be stored now; please redeliver it later\n";
}

static enum answer
answer_of(enum forge_fault fault)
{
	static const enum answer answers[FORGE_FAULTS] = {
	    [FORGE_GOOD] = ANSWER_NONE,
	    [FORGE_UNSIGNED] = ANSWER_UNSIGNED,
	    [FORGE_HEADERS] = ANSWER_HEADERS,
	    [FORGE_FORM] = ANSWER_FORM,
	};

	return answers[fault];
}

static int
make_answer(struct web_intake *in, enum answer answer, struct err *e)
{
	const char *words = words_of(in->forge, answer);
	struct MHD_Response *r =
	    MHD_create_response_from_buffer(strlen(words), (void *)(uintptr_t)words, MHD_RESPMEM_PERSISTENT);

	if (r == NULL)
		return fail(e, ERR_SYSTEM, "libmicrohttpd cannot make a response");
	MHD_add_response_header(r, "Content-Type", "text/plain; charset=utf-8");
	MHD_add_response_header(r, "X-Content-Type-Options", "nosniff");
	if (answer == ANSWER_UNAVAILABLE)
		MHD_add_response_header(r, "Retry-After", "60");
	in->answers[answer] = r;
	return 0;
}

int
intake_start(struct store *s, const struct forge *forge, struct web_intake **ret, struct err *e)
{
	struct web_intake *in = mem_alloc(sizeof(*in));

	*in = (struct web_intake){.s = s, .forge = forge, .packer = delivery_packer_new()};
	for (int i = ANSWER_NONE + 1; i < N_ANSWERS; i++) {
		if (make_answer(in, (enum answer)i, e) != 0) {
			intake_stop(in);
			return -1;
		}
	}
	*ret = in;
	return 0;
}

void
intake_stop(struct web_intake *in)
{
	if (in == NULL)
		return;
	for (int i = 0; i < N_ANSWERS; i++)
		if (in->answers[i] != NULL)
			MHD_destroy_response(in->answers[i]);
	delivery_packer_free(in->packer);
	for (size_t i = 0; i < in->spare.n; i++)
		mem_free(&in->spare.p[i]);
	vec_release(&in->spare);
	vec_release(&in->pending);
	vec_release(&in->batch);
	vec_release(&in->batch_new);
	mem_free(&in);
}

/* --- one delivery --- */

static enum MHD_Result
respond(struct coming *c)
{
	struct web_intake *in = c->in;
	unsigned status = status_of(c->answer);

	in->figures.stored += c->answer == ANSWER_STORED;
	in->figures.repeated += c->answer == ANSWER_REPEATED;
	in->figures.failed += c->answer == ANSWER_UNAVAILABLE;
	in->figures.refused += status >= 400 && status < 500;
	return server_respond(c->request, status, in->answers[c->answer]);
}

static const char *
header_of(void *ctx, const char *name)
{
	const struct request *r = ctx;

	return MHD_lookup_connection_value(r->mhd, MHD_HEADER_KIND, name);
}

/* ANSWER_NONE: its body may come. */
static enum answer
begin(struct coming *c)
{
	struct web_intake *in = c->in;
	const char *length = header_of(c->request, "Content-Length");
	int64_t n = 0;
	struct err e;

	enum forge_fault fault = in->forge->delivery_begin(&c->delivery, header_of, c->request);
	if (fault != FORGE_GOOD)
		return answer_of(fault);
	if (length != NULL && (str_to_i64(str_of(length), &n) != 0 || n > MAX_BODY))
		return ANSWER_TOO_LARGE;
	if (in->body_bytes + (size_t)n > INTAKE_MAX_BODIES || signature_check_new(c->door->keys, &c->check, &e) != 0)
		return ANSWER_UNAVAILABLE;
	return ANSWER_NONE;
}

static enum MHD_Result
on_begin(struct request *r)
{
	struct coming *c = mem_alloc(sizeof(*c));

	c->door = r->route->what;
	c->in = c->door->in;
	c->request = r;
	c->received_ms = clock_now_ms();
	r->state = c;
	c->answer = begin(c);
	return c->answer == ANSWER_NONE ? MHD_YES : respond(c);
}

/* Room for n more bytes; false when all bodies together would be too many. */
static bool
grow(struct coming *c, size_t n)
{
	size_t want = c->n + n;

	if (want <= c->cap)
		return true;
	size_t cap = c->cap == 0 ? BODY : c->cap * 2;
	if (cap < want)
		cap = want;
	if (c->in->body_bytes + (cap - c->cap) > INTAKE_MAX_BODIES)
		return false;
	if (cap == BODY && c->in->spare.n > 0)
		c->body = c->in->spare.p[--c->in->spare.n];
	else
		c->body = mem_realloc(c->body, cap, 1);
	c->in->body_bytes += cap - c->cap;
	c->cap = cap;
	return true;
}

static void
drop_body(struct coming *c)
{
	c->in->body_bytes -= c->cap;
	if (c->cap == BODY && c->in->spare.n < SPARE)
		vec_push(&c->in->spare, c->body);
	else
		mem_free(&c->body);
	c->body = NULL;
	c->cap = 0;
}

static enum MHD_Result
on_data(struct request *r, struct str bytes)
{
	struct coming *c = r->state;

	if (c->too_large || c->n + bytes.n > MAX_BODY) {
		c->too_large = true;
		c->n += bytes.n;
		drop_body(c);
		return c->n > MAX_DISCARD ? MHD_NO : MHD_YES;
	}
	if (!grow(c, bytes.n))
		return MHD_NO; /* no answer can be given amid a body; the sender sees a broken connection */
	memcpy(c->body + c->n, bytes.p, bytes.n);
	c->n += bytes.n;
	signature_check_add(c->check, bytes);
	return MHD_YES;
}

/* The body is complete: verified and packed it waits for intake_commit (ANSWER_NONE). */
static enum answer
end(struct coming *c)
{
	struct web_intake *in = c->in;
	struct str json;
	struct err e;

	if (c->too_large)
		return ANSWER_TOO_LARGE;
	enum forge_fault fault = in->forge->delivery_end(&c->delivery, c->check, c->body, c->n, &json);
	if (fault != FORGE_GOOD)
		return answer_of(fault);
	if (delivery_pack(in->packer, json, &c->packed, &e) != 0) {
		log_err(LOG_ERROR, "webhook", &e);
		return ANSWER_UNAVAILABLE;
	}
	drop_body(c);
	signature_check_free(&c->check);
	vec_push(&in->pending, c);
	return ANSWER_NONE;
}

/* Called again once intake_commit has said what the answer is. */
static enum MHD_Result
on_end(struct request *r)
{
	struct coming *c = r->state;

	if (c->answer == ANSWER_NONE)
		c->answer = end(c);
	if (c->answer != ANSWER_NONE)
		return respond(c);
	MHD_suspend_connection(r->mhd);
	return MHD_YES;
}

static void
on_release(struct request *r)
{
	struct coming *c = r->state;

	if (c == NULL) /* refused for its method */
		return;
	drop_body(c);
	mem_free(&c->packed.p);
	signature_check_free(&c->check);
	mem_free(&c);
}

const struct handler intake_handler = {on_begin, on_data, on_end, on_release};

/* --- all of a turn --- */

size_t
intake_waiting(const struct web_intake *in)
{
	return in->pending.n;
}

static void
note_commit(struct intake_figures *f, size_t n, bool good, int64_t ns)
{
	f->commits += good;
	f->commit_ns += ns;
	if (ns > f->commit_ns_max)
		f->commit_ns_max = ns;
	if ((int64_t)n > f->largest_batch)
		f->largest_batch = (int64_t)n;
}

void
intake_commit(struct web_intake *in)
{
	size_t n = in->pending.n;
	struct err e = {0};

	if (n == 0)
		return;
	int64_t began = clock_mono_ns();
	vec_reserve(&in->batch, n);
	vec_reserve(&in->batch_new, n);
	for (size_t i = 0; i < n; i++) {
		const struct coming *c = in->pending.p[i];
		in->batch.p[i] = (struct delivery_in){str_of(c->delivery.guid), str_of(c->delivery.event), c->packed,
		    c->received_ms, c->door->host};
	}
	int rc = store_deliveries_add(in->s, in->batch.p, n, in->batch_new.p, &e);
	if (rc != 0)
		log_err(LOG_ERROR, "webhook: deliveries not stored", &e);
	for (size_t i = 0; i < n; i++) {
		struct coming *c = in->pending.p[i];
		c->answer = rc != 0 ? ANSWER_UNAVAILABLE : in->batch_new.p[i] ? ANSWER_STORED : ANSWER_REPEATED;
		in->added |= c->answer == ANSWER_STORED;
		mem_free(&c->packed.p);
		MHD_resume_connection(c->request->mhd);
	}
	in->pending.n = 0;
	note_commit(&in->figures, n, rc == 0, clock_mono_ns() - began);
}

bool
intake_added(struct web_intake *in)
{
	bool added = in->added;

	in->added = false;
	return added;
}

const struct intake_figures *
intake_figures(const struct web_intake *in)
{
	return &in->figures;
}
