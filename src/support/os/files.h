/*
 * files - whole files in, whole files out, trees made and removed.
 *
 * A file written here appears whole or not at all: it is written under a temporary name beside its place, synced when
 * asked, and renamed.
 */
#ifndef EKACI_SUPPORT_OS_FILES_H
#define EKACI_SUPPORT_OS_FILES_H

#include "support/base/err.h"
#include "support/base/str.h"

enum files_sync { FILES_NO_SYNC, FILES_SYNC };

/* The file's bytes, NUL-terminated in the arena. ERR_LIMIT over max_bytes, ERR_ABSENT when it is not there. */
must_check int files_read(struct arena *a, const char *path, size_t max_bytes, struct str *ret, struct err *e);
/* All of the bytes to a descriptor: 0, or -1 with errno. */
must_check int files_put(int fd, struct str bytes);
must_check int files_write(const char *path, struct str bytes, unsigned mode, enum files_sync sync, struct err *e);
/* mkdir -p; existing is fine. */
must_check int files_mkdirs(const char *path, unsigned mode, struct err *e);
/* rm -rf; symbolic links are removed, never followed; what is not there is fine. Read-only folders are opened first. */
must_check int files_remove_tree(const char *path, struct err *e);
bool files_exist(const char *path);
/* Free space for us where path is, MiB; INT64_MAX when it cannot be told. */
int64_t files_free_mb(const char *path);

#endif
