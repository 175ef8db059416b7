/*
 * zstream - zstd, written to a descriptor as it comes: the one way in which we compress what we keep, at one level and with a checksum.
 */
#ifndef EKACI_SUPPORT_OS_ZSTREAM_H
#define EKACI_SUPPORT_OS_ZSTREAM_H

#include "support/base/err.h"
#include "support/base/str.h"

struct zstream;

/* The descriptor stays the caller's. what is in errors: "cannot write WHAT"; it must live as long. */
must_check int zstream_new(int fd, const char *what, struct zstream **ret, struct err *e);
must_check int zstream_add(struct zstream *z, struct str bytes, struct err *e);
/* Ends the frame, all of it written. What is added afterwards begins another. */
must_check int zstream_end(struct zstream *z, struct err *e);
void zstream_free(struct zstream **z); /* for AUTO(zstream_free) */

/* One frame that is in memory: false when it is none, is damaged, or would be more than max bytes. In a, NUL-terminated. */
must_check bool zstream_unpack(struct arena *a, struct str packed, size_t max, struct str *ret);

#endif
