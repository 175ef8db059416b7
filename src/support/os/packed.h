/*
 * packed - text files that are written plainly and kept compressed.
 *
 * PATH is the file while it is written; afterwards PATH.zst (zstd with a checksum) may stand in its place. Whoever reads
 * need not know which. Nothing holds a whole file in memory.
 */
#ifndef EKACI_SUPPORT_OS_PACKED_H
#define EKACI_SUPPORT_OS_PACKED_H

#include "support/base/err.h"
#include "support/base/str.h"

#include <sys/types.h>

/* Puts path.zst in the place of path; a reader that has path open reads on. On failure path stays. */
must_check int packed_pack(const char *path, struct err *e);
/* The same in blocks of so many bytes, each a frame that can be read by itself: block is told where one begins in the compressed
 * file, in order, before path.zst stands there; whole when all of them are written, and then it is put there. */
struct packed_blocks {
	size_t bytes;
	void (*block)(void *ctx, int64_t at);
	int (*whole)(void *ctx, struct err *e);
	void *ctx;
};
must_check int packed_pack_blocks(const char *path, const struct packed_blocks *blocks, struct err *e);
/* Removes both forms; what is not there is fine. */
void packed_remove(const char *path);

struct packed;
/* Opens whichever form there is; symbolic links and what is no regular file are not followed. ERR_ABSENT: neither. */
must_check int packed_open(const char *path, struct packed **ret, struct err *e);
/* The next bytes, at least one; 0 at the (present) end, -1 when it cannot be read or is damaged. */
ssize_t packed_read(struct packed *p, char *out, size_t max);
/* Goes on reading at a byte of the file as it is kept: of a compressed one, where a block begins. */
must_check int packed_seek(struct packed *p, int64_t at, struct err *e);
bool packed_is_compressed(const struct packed *p);
int packed_fd(const struct packed *p); /* to look at, or to dup */
void packed_close(struct packed **p);

#endif
