/* Whole files and trees. */
#include "support/os/files.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

int
files_read(struct arena *a, const char *path, size_t max_bytes, struct str *ret, struct err *e)
{
	AUTO(fd_close) int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;
	size_t n = 0, cap;

	if (fd < 0 || fstat(fd, &st) != 0)
		return fail_sys(e, "cannot read %s", path);
	if (S_ISDIR(st.st_mode))
		return fail(e, ERR_INPUT, "%s is a folder", path);
	if ((size_t)st.st_size > max_bytes)
		return fail(e, ERR_LIMIT, "%s has more than %zu bytes", path, max_bytes);
	/* A pipe or a file of /proc tells no size: read up to the limit. */
	cap = st.st_size > 0 ? (size_t)st.st_size : max_bytes < 65536 ? max_bytes : 65536;
	char *p = arena_alloc(a, cap + 1);
	for (;;) {
		if (n == cap) {
			if (st.st_size > 0 || cap == max_bytes)
				break;
			size_t more = cap * 2 < max_bytes ? cap * 2 : max_bytes;
			char *q = arena_alloc(a, more + 1);
			memcpy(q, p, n);
			p = q;
			cap = more;
		}
		ssize_t got = read(fd, p + n, cap - n);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return fail_sys(e, "cannot read %s", path);
		if (got == 0)
			break;
		n += (size_t)got;
	}
	p[n] = '\0';
	*ret = (struct str){p, n};
	return 0;
}

int
files_put(int fd, struct str bytes)
{
	while (bytes.n > 0) {
		ssize_t n = write(fd, bytes.p, bytes.n);
		if (n < 0 && errno != EINTR)
			return -1;
		if (n > 0)
			bytes = str_from(bytes, (size_t)n);
	}
	return 0;
}

int
files_write(const char *path, struct str bytes, unsigned mode, enum files_sync sync, struct err *e)
{
	struct arena a = {0};
	char *tmp = arena_printf(&a, "%s.tmp.%d", path, (int)getpid());
	int fd = open(tmp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, mode);
	int rc = 0;

	if (fd < 0) {
		rc = fail_sys(e, "cannot create %s", tmp);
	} else if (files_put(fd, bytes) != 0 || (sync == FILES_SYNC && fsync(fd) != 0)) {
		rc = fail_sys(e, "cannot write %s", path);
		close(fd);
		unlink(tmp);
	} else if (close(fd) != 0 || rename(tmp, path) != 0) {
		rc = fail_sys(e, "cannot write %s", path);
		unlink(tmp);
	}
	arena_release(&a);
	return rc;
}

int
files_mkdirs(const char *path, unsigned mode, struct err *e)
{
	struct arena a = {0};
	char *p = arena_strdup(&a, path);
	int rc = 0;

	for (char *s = p + 1; rc == 0; s++) {
		char c = *s;
		if (c != '/' && c != '\0')
			continue;
		*s = '\0';
		if (mkdir(p, mode) != 0 && errno != EEXIST)
			rc = fail_sys(e, "cannot make the folder %s", p);
		*s = c;
		if (c == '\0')
			break;
	}
	arena_release(&a);
	return rc;
}

static int
open_dir(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)ftw;
	if (type == FTW_DNR || (type == FTW_D && (st->st_mode & 0700) != 0700))
		if (chmod(path, 0700) != 0)
			return -1;
	return 0;
}

static int
remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path) != 0 && errno != ENOENT ? -1 : 0;
}

int
files_remove_tree(const char *path, struct err *e)
{
	struct stat st;

	if (lstat(path, &st) != 0)
		return errno == ENOENT ? 0 : fail_sys(e, "cannot remove %s", path);
	if (nftw(path, remove_one, 32, FTW_DEPTH | FTW_PHYS) == 0)
		return 0;
	(void)nftw(path, open_dir, 32, FTW_PHYS);
	if (nftw(path, remove_one, 32, FTW_DEPTH | FTW_PHYS) != 0)
		return fail_sys(e, "cannot remove %s", path);
	return 0;
}

bool
files_exist(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0;
}

int64_t
files_free_mb(const char *path)
{
	struct statvfs v;

	return statvfs(path, &v) == 0 ? (int64_t)(v.f_bavail / 1024 * v.f_frsize / 1024) : INT64_MAX;
}
