/*
 * pace - what the forge allows of an installation, kept over a restart: how long it told us to wait, and when we wrote.
 */
#ifndef EKACI_STORE_PACE_H
#define EKACI_STORE_PACE_H

#include "store/store.h"

/* No request before until_ms (since 1970). */
must_check int store_pace_wait(struct store *s, int64_t installation, int64_t until_ms, struct err *e);
/* 0: it said nothing. */
must_check int store_pace_until(struct store *s, int64_t installation, int64_t *ret_ms, struct err *e);

/* A write was made at at_ms; those before oldest_ms are forgotten. */
must_check int store_pace_wrote(struct store *s, int64_t installation, int64_t at_ms, int64_t oldest_ms, struct err *e);
/* When the newest max writes were made, the oldest of them first. */
must_check int store_pace_writes(struct store *s, int64_t installation, size_t max, int64_t *ret, size_t *ret_n, struct err *e);

#endif
