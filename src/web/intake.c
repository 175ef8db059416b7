/* Deliveries on their way in: headers, body, signature, one commit for many, the answer. */
#include "web/server.h"

#include "support/base/clock.h"
#include "support/base/log.h"

#include <stdio.h>
#include <string.h>

enum {
	MAX_BODY = DELIVERY_MAX_BODY,
	MAX_DISCARD = MAX_BODY + 8 * 1024 * 1024 /* a chunked body is read this far so that its sender sees the 413 */
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

int
intake_start(struct web *w, struct err *e)
{
	w->packer = delivery_packer_new();
	for (int i = ANSWER_NONE + 1; i < N_ANSWERS; i++) {
		const char *words = words_of(w->settings.forge, (enum answer)i);
		struct MHD_Response *r =
		    MHD_create_response_from_buffer(strlen(words), (void *)(uintptr_t)words, MHD_RESPMEM_PERSISTENT);
		if (r == NULL)
			return fail(e, ERR_SYSTEM, "libmicrohttpd cannot make a response");
		MHD_add_response_header(r, "Content-Type", "text/plain; charset=utf-8");
		MHD_add_response_header(r, "X-Content-Type-Options", "nosniff");
		if (i == ANSWER_UNAVAILABLE)
			MHD_add_response_header(r, "Retry-After", "60");
		w->answers[i] = r;
	}
	return 0;
}

void
intake_stop(struct web *w)
{
	for (int i = 0; i < N_ANSWERS; i++)
		if (w->answers[i] != NULL)
			MHD_destroy_response(w->answers[i]);
	delivery_packer_free(w->packer);
	for (size_t i = 0; i < w->spare.n; i++)
		mem_free(&w->spare.p[i]);
	vec_release(&w->spare);
	vec_release(&w->pending);
	vec_release(&w->batch);
	vec_release(&w->batch_new);
}

static const char *
header_of(void *ctx, const char *name)
{
	struct request *r = ctx;

	return MHD_lookup_connection_value(r->mhd, MHD_HEADER_KIND, name);
}

enum answer
intake_begin(struct request *r)
{
	const char *length = MHD_lookup_connection_value(r->mhd, MHD_HEADER_KIND, "Content-Length");
	int64_t n = 0;
	struct err e;

	r->received_ms = clock_now_ms();
	enum forge_fault fault = r->w->settings.forge->delivery_begin(&r->delivery, header_of, r);
	if (fault != FORGE_GOOD)
		return answer_of(fault);
	if (length != NULL && (str_to_i64(str_of(length), &n) != 0 || n > MAX_BODY))
		return ANSWER_TOO_LARGE;
	if (r->w->body_bytes + (size_t)n > WEB_MAX_BODIES || signature_check_new(r->w->keys, &r->check, &e) != 0)
		return ANSWER_UNAVAILABLE;
	return ANSWER_NONE;
}

/* Room for n more bytes; false when all bodies together would be too many. */
static bool
grow(struct request *r, size_t n)
{
	size_t want = r->n + n;

	if (want <= r->cap)
		return true;
	size_t cap = r->cap == 0 ? INTAKE_BODY : r->cap * 2;
	if (cap < want)
		cap = want;
	if (r->w->body_bytes + (cap - r->cap) > WEB_MAX_BODIES)
		return false;
	if (cap == INTAKE_BODY && r->w->spare.n > 0)
		r->body = r->w->spare.p[--r->w->spare.n];
	else
		r->body = mem_realloc(r->body, cap, 1);
	r->w->body_bytes += cap - r->cap;
	r->cap = cap;
	return true;
}

static void
drop_body(struct request *r)
{
	r->w->body_bytes -= r->cap;
	if (r->cap == INTAKE_BODY && r->w->spare.n < INTAKE_SPARE)
		vec_push(&r->w->spare, r->body);
	else
		mem_free(&r->body);
	r->body = NULL;
	r->cap = 0;
}

enum MHD_Result
intake_data(struct request *r, struct str bytes)
{
	if (r->too_large || r->n + bytes.n > MAX_BODY) {
		r->too_large = true;
		r->n += bytes.n;
		drop_body(r);
		return r->n > MAX_DISCARD ? MHD_NO : MHD_YES;
	}
	if (!grow(r, bytes.n))
		return MHD_NO; /* no answer can be given amid a body; the sender sees a broken connection */
	memcpy(r->body + r->n, bytes.p, bytes.n);
	r->n += bytes.n;
	signature_check_add(r->check, bytes);
	return MHD_YES;
}

enum answer
intake_end(struct request *r)
{
	struct str json;
	struct err e;

	if (r->too_large)
		return ANSWER_TOO_LARGE;
	enum forge_fault fault = r->w->settings.forge->delivery_end(&r->delivery, r->check, r->body, r->n, &json);
	if (fault != FORGE_GOOD)
		return answer_of(fault);
	if (delivery_pack(r->w->packer, json, &r->packed, &e) != 0) {
		log_err(LOG_ERROR, "webhook", &e);
		return ANSWER_UNAVAILABLE;
	}
	drop_body(r);
	signature_check_free(&r->check);
	vec_push(&r->w->pending, r);
	return ANSWER_NONE;
}

bool
intake_commit(struct web *w)
{
	size_t n = w->pending.n, added = 0;
	struct err e = {0};

	if (n == 0)
		return false;
	int64_t began = clock_mono_ns();
	vec_reserve(&w->batch, n);
	vec_reserve(&w->batch_new, n);
	for (size_t i = 0; i < n; i++) {
		struct request *r = w->pending.p[i];
		w->batch.p[i] =
		    (struct delivery_in){str_of(r->delivery.guid), str_of(r->delivery.event), r->packed, r->received_ms};
	}
	int rc = store_deliveries_add(w->s, w->batch.p, n, w->batch_new.p, &e);
	if (rc != 0)
		log_err(LOG_ERROR, "webhook: deliveries not stored", &e);
	for (size_t i = 0; i < n; i++) {
		struct request *r = w->pending.p[i];
		r->answer = rc != 0 ? ANSWER_UNAVAILABLE : w->batch_new.p[i] ? ANSWER_STORED : ANSWER_REPEATED;
		added += r->answer == ANSWER_STORED;
		mem_free(&r->packed.p);
		MHD_resume_connection(r->mhd);
	}
	w->pending.n = 0;
	int64_t ns = clock_mono_ns() - began;
	w->intake.commits += rc == 0;
	w->intake.commit_ns += ns;
	if (ns > w->intake.commit_ns_max)
		w->intake.commit_ns_max = ns;
	if ((int64_t)n > w->intake.largest_batch)
		w->intake.largest_batch = (int64_t)n;
	return added > 0;
}

enum MHD_Result
intake_respond(struct request *r, enum answer answer)
{
	struct web *w = r->w;

	w->intake.stored += answer == ANSWER_STORED;
	w->intake.repeated += answer == ANSWER_REPEATED;
	w->intake.failed += answer == ANSWER_UNAVAILABLE;
	w->intake.refused += status_of(answer) >= 400 && status_of(answer) < 500;
	return web_respond(r, status_of(answer), w->answers[answer]);
}

void
intake_release(struct request *r)
{
	drop_body(r);
	mem_free(&r->packed.p);
	signature_check_free(&r->check);
}
