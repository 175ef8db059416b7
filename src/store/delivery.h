/*
 * delivery - webhook deliveries, from the moment they are durable until they are processed.
 *
 * A delivery is known by its GUID: GitHub sends the same one again when it is asked to redeliver. Bodies are kept
 * zstd-compressed until the delivery is done; then only the fact that it came remains.
 */
#ifndef EKACI_STORE_DELIVERY_H
#define EKACI_STORE_DELIVERY_H

#include "store/store.h"

enum { DELIVERY_MAX_BODY = 25 * 1024 * 1024 /* GitHub's cap on payloads */ };

/* Compresses bodies; keeps its working memory between them. */
struct delivery_packer;
struct delivery_packer *delivery_packer_new(void);
void delivery_packer_free(struct delivery_packer *p);
/* The compressed bytes of body, malloc'ed into ret->p (for mem_free). */
must_check int delivery_pack(struct delivery_packer *p, struct str body, struct str *ret, struct err *e);

struct delivery_in {
	struct str guid, event;
	struct str packed;
	int64_t received_ms;
	int64_t host; /* number (hosts.h): a GUID is its host's */
};

/* Adds n deliveries in one transaction, durable when this returns 0. ret_new[i] tells whether in[i] was new; one whose
 * GUID is known already is left alone. ERR_BUSY: the disk is full or the database is locked; nothing was added. */
must_check int store_deliveries_add(struct store *s, const struct delivery_in *in, size_t n, bool *ret_new, struct err *e);

struct delivery {
	int64_t id;
	const char *guid, *event;
	struct str body; /* as GitHub sent it; empty with unreadable set when it cannot be decompressed */
	bool unreadable;
	int64_t received_ms;
	int64_t host;
};

/* The oldest delivery that nobody has processed, in the arena; 1 when there is none. */
must_check int store_delivery_next(struct store *s, struct arena *a, struct delivery *ret, struct err *e);

enum delivery_state { DELIVERY_DONE, DELIVERY_IGNORED, DELIVERY_UNREADABLE };
/* Ends a new delivery and drops its body. outcome is one line for people. To be called in the transaction that holds
 * what the delivery led to. 1 when it was ended before. */
must_check int store_delivery_done(struct store *s, int64_t id, enum delivery_state state, const char *outcome, struct err *e);

#endif
