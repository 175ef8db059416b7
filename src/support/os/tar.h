/*
 * tar - an archive of files in one stream: POSIX's pax format (POSIX.1-2017, pax, "ustar Interchange Format") within one frame of zstd, so
 * that `tar --zstd -tf` reads it.
 *
 * Only plain files, and only their names and bytes. Names are relative. Reading takes the archive for hostile: anything but a plain
 * file or a folder, a name that leads out of where it is unpacked, a broken sum, and an end before the end are ERR_INPUT.
 */
#ifndef EKACI_SUPPORT_OS_TAR_H
#define EKACI_SUPPORT_OS_TAR_H

#include "support/base/err.h"
#include "support/base/str.h"

enum { TAR_MAX_NAME = 1024 };

struct tar_out;
/* fd stays the caller's; nothing is complete before tar_out_end. */
must_check int tar_out_new(int fd, struct tar_out **ret, struct err *e);
/* The file at path as name, with the bytes that it has now: one that grows is cut there. 1: it is not there (any more), or is no
 * plain file. */
must_check int tar_out_file(struct tar_out *t, const char *name, const char *path, struct err *e);
must_check int tar_out_text(struct tar_out *t, const char *name, struct str text, struct err *e);
must_check int tar_out_end(struct tar_out *t, struct err *e);
int64_t tar_out_bytes(const struct tar_out *t); /* of files, so far */
void tar_out_free(struct tar_out *t);

struct tar_in;
must_check int tar_in_new(int fd, struct tar_in **ret, struct err *e);
/* The next file's name, valid until the next call; what was not read of the last one is passed over. 1: the archive has ended as it
 * should. */
must_check int tar_in_next(struct tar_in *t, const char **ret_name, int64_t *ret_size, struct err *e);
/* Its bytes into a file that is not there yet, or as a text of at most max bytes in a. */
must_check int tar_in_save(struct tar_in *t, const char *path, struct err *e);
must_check int tar_in_text(struct tar_in *t, struct arena *a, size_t max, struct str *ret, struct err *e);
void tar_in_free(struct tar_in *t);

#endif
