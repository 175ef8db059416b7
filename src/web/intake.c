/* Deliveries on their way in: headers, body, signature, one commit for many, the answer. */
#include "web/server.h"

#include "support/base/clock.h"
#include "support/base/log.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

enum {
	MAX_BODY = DELIVERY_MAX_BODY,
	MAX_DISCARD = MAX_BODY + 8 * 1024 * 1024 /* a chunked body is read this far so that its sender sees the 413 */
};

static const struct {
	unsigned status;
	const char *text;
} answers[N_ANSWERS] = {
    [ANSWER_STORED] = {202, "accepted\n"},
    [ANSWER_REPEATED] = {200, "this delivery is known already\n"},
    [ANSWER_UNSIGNED] = {401, "the signature in X-Hub-Signature-256 is missing or wrong\n"},
    [ANSWER_HEADERS] = {400, "X-GitHub-Event or X-GitHub-Delivery is missing or malformed\n"},
    [ANSWER_FORM] = {400, "the body is no form with a field payload, as its Content-Type says\n"},
    [ANSWER_TOO_LARGE] = {413, "the body is larger than 25 MiB\n"},
    [ANSWER_UNAVAILABLE] = {503, "this delivery cannot be stored now; please redeliver it later\n"},
};

int
intake_start(struct web *w, struct err *e)
{
	w->packer = delivery_packer_new();
	for (int i = ANSWER_NONE + 1; i < N_ANSWERS; i++) {
		struct MHD_Response *r = MHD_create_response_from_buffer(strlen(answers[i].text),
		    (void *)(uintptr_t)answers[i].text, MHD_RESPMEM_PERSISTENT);
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

/* Copies a header's value when it is there, fits and holds nothing but letters, digits, "-", "_", and "=". */
static bool
take_header(struct request *r, const char *name, char *ret, size_t size)
{
	const char *v = MHD_lookup_connection_value(r->mhd, MHD_HEADER_KIND, name);
	size_t n = v != NULL ? strlen(v) : 0;

	if (n == 0 || n >= size)
		return false;
	for (size_t i = 0; i < n; i++)
		if (!((v[i] >= 'a' && v[i] <= 'z') || (v[i] >= 'A' && v[i] <= 'Z') || (v[i] >= '0' && v[i] <= '9') ||
		        v[i] == '-' || v[i] == '_' || v[i] == '='))
			return false;
	memcpy(ret, v, n + 1);
	return true;
}

/* GitHub sends JSON, or a form where the webhook is set to that; what else stands there is taken for JSON. */
static bool
is_form(const char *content_type)
{
	struct str form = STR("application/x-www-form-urlencoded"), rest;
	struct str type = str_trim(str_cut(str_of(content_type), ';', &rest));

	return type.n == form.n && strncasecmp(type.p, form.p, form.n) == 0;
}

enum answer
intake_begin(struct request *r)
{
	const char *length = MHD_lookup_connection_value(r->mhd, MHD_HEADER_KIND, "Content-Length");
	int64_t n = 0;
	struct err e;

	r->received_ms = clock_now_ms();
	if (!take_header(r, "X-Hub-Signature-256", r->signature, sizeof(r->signature)))
		return ANSWER_UNSIGNED;
	if (!take_header(r, "X-GitHub-Delivery", r->guid, sizeof(r->guid)) || strlen(r->guid) < 8 ||
	    !take_header(r, "X-GitHub-Event", r->event, sizeof(r->event)))
		return ANSWER_HEADERS;
	r->form = is_form(MHD_lookup_connection_value(r->mhd, MHD_HEADER_KIND, "Content-Type"));
	if (length != NULL && (str_to_i64(str_of(length), &n) != 0 || n > MAX_BODY))
		return ANSWER_TOO_LARGE;
	if (r->w->body_bytes + (size_t)n > WEB_MAX_BODIES || accept_check_new(r->w->keys, &r->check, &e) != 0)
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
	accept_check_add(r->check, bytes);
	return MHD_YES;
}

enum answer
intake_end(struct request *r)
{
	struct str json = {r->body, r->n};
	struct err e;

	if (r->too_large)
		return ANSWER_TOO_LARGE;
	if (!accept_check_ok(r->check, str_of(r->signature)))
		return ANSWER_UNSIGNED;
	if (r->form && !accept_form(r->body, r->n, &json))
		return ANSWER_FORM;
	if (delivery_pack(r->w->packer, json, &r->packed, &e) != 0) {
		log_err(LOG_ERROR, "webhook", &e);
		return ANSWER_UNAVAILABLE;
	}
	drop_body(r);
	accept_check_free(&r->check);
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
		w->batch.p[i] = (struct delivery_in){str_of(r->guid), str_of(r->event), r->packed, r->received_ms};
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
	w->intake.refused += answers[answer].status >= 400 && answers[answer].status < 500;
	return web_respond(r, answers[answer].status, w->answers[answer]);
}

void
intake_release(struct request *r)
{
	drop_body(r);
	mem_free(&r->packed.p);
	accept_check_free(&r->check);
}
