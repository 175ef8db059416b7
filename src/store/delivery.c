/* Deliveries: in by the batch, out one by one. */
#include "store/delivery.h"

#include "store/db.h"
#include "support/os/zstream.h"

#include <string.h>
#include <zstd.h>

/*
 * What stands here stands for a second, so speed comes before size: GitHub's payloads of 30 KB become 8 KB in half the
 * time in which level 1 makes 4 KB, and compressing is the largest part of what a delivery costs.
 */
enum { LEVEL = -20 };

struct delivery_packer {
	ZSTD_CCtx *ctx;
	char *out; /* kept as long as it is not large, so that the heap is left alone */
	size_t cap;
};

enum { KEEP_OUT = 128 * 1024 };

struct delivery_packer *
delivery_packer_new(void)
{
	struct delivery_packer *p = mem_alloc(sizeof(*p));

	p->ctx = ZSTD_createCCtx();
	return p;
}

void
delivery_packer_free(struct delivery_packer *p)
{
	if (p == NULL)
		return;
	ZSTD_freeCCtx(p->ctx);
	mem_free(&p->out);
	mem_free(&p);
}

int
delivery_pack(struct delivery_packer *p, struct str body, struct str *ret, struct err *e)
{
	size_t want = ZSTD_compressBound(body.n);

	if (want > p->cap) {
		p->out = mem_realloc(p->out, want, 1);
		p->cap = want;
	}
	size_t n = p->ctx != NULL ? ZSTD_compressCCtx(p->ctx, p->out, p->cap, body.p, body.n, LEVEL) : (size_t)-1;
	if (ZSTD_isError(n))
		return fail(e, ERR_SYSTEM, "cannot compress a delivery");
	char *packed = mem_realloc(NULL, n, 1);
	memcpy(packed, p->out, n);
	*ret = (struct str){packed, n};
	if (p->cap > KEEP_OUT) {
		mem_free(&p->out);
		p->cap = 0;
	}
	return 0;
}

static int
add(struct store *s, const struct delivery_in *in, size_t n, bool *ret_new, struct err *e)
{
	for (size_t i = 0; i < n; i++) {
		if (db_run(s, e,
		        "INSERT INTO delivery (guid, event, body, received, host)"
		        " VALUES (CASE ?5 WHEN 0 THEN '' ELSE ?5 || '/' END || ?1, ?2, ?3, ?4, ?5)"
		        " ON CONFLICT (guid) DO NOTHING",
		        "ttbii", in[i].guid, in[i].event, in[i].packed, in[i].received_ms, in[i].host) != 0)
			return -1;
		ret_new[i] = db_changes(s) > 0;
	}
	return 0;
}

int
store_deliveries_add(struct store *s, const struct delivery_in *in, size_t n, bool *ret_new, struct err *e)
{
	if (store_begin(s, e) != 0)
		return -1;
	return store_end(s, add(s, in, n, ret_new, e), e);
}

int
store_delivery_next(struct store *s, struct arena *a, struct delivery *ret, struct err *e)
{
	AUTO(db_done)
	sqlite3_stmt *q = db_query(s, e,
	    "SELECT id, guid, event, body, received, host FROM delivery WHERE state = 'new' ORDER BY id LIMIT 1", "");
	int rc = q != NULL ? db_row(s, q, e) : -1;

	if (rc <= 0)
		return rc < 0 ? -1 : 1;
	*ret = (struct delivery){.id = db_i64(q, 0),
	    .guid = db_text(a, q, 1),
	    .event = db_text(a, q, 2),
	    .body = {"", 0},
	    .received_ms = db_i64(q, 4),
	    .host = db_i64(q, 5)};
	ret->unreadable = !zstream_unpack(a, db_blob(a, q, 3), DELIVERY_MAX_BODY, &ret->body);
	return 0;
}

int
store_delivery_done(struct store *s, int64_t id, enum delivery_state state, const char *outcome, struct err *e)
{
	static const char *const names[] = {"done", "ignored", "unreadable"};

	if (db_run(s, e, "UPDATE delivery SET state = ?2, outcome = ?3, body = NULL WHERE id = ?1 AND state = 'new'", "iss", id,
	        names[state], outcome) != 0)
		return -1;
	return db_changes(s) > 0 ? 0 : 1;
}
