/* A program, its loader, its libraries. */
#include "evaluate/program.h"

#include "support/base/log.h"
#include "support/os/child.h"
#include "support/os/files.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <link.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define LOADER_CACHE "/etc/ld.so.cache"

enum {
	MAX_FILES = 1000,        /* a program with all its libraries; nix-eval-jobs has 60 */
	KEPT_BYTES = 512 * 1024, /* a line for each of them */
	PIECE_BYTES = 256 * 1024,
	LIST_MS = 10000 /* the loader opens files and ends */
};

typedef VEC(const char *) names;

/* A file as it is now, and its path: the same text, the same file. */
static const char *
mark_of(struct arena *a, const char *path)
{
	struct stat st;

	if (stat(path, &st) != 0)
		return arena_printf(a, "- - - - %s", path);
	return arena_printf(a, "%llu %lld %lld.%09ld %lld.%09ld %s", (unsigned long long)st.st_ino, (long long)st.st_size,
	    (long long)st.st_mtim.tv_sec, st.st_mtim.tv_nsec, (long long)st.st_ctim.tv_sec, st.st_ctim.tv_nsec, path);
}

/* The path at the end of such a text. */
static const char *
marked_path(struct arena *a, struct str mark)
{
	for (int i = 0; i < 4; i++)
		(void)str_cut(mark, ' ', &mark);
	return mark.n > 0 ? str_dup(a, mark) : NULL;
}

/* The loader that the program asks for, or NULL: no program of this machine's kind, or one that needs none. */
static const char *
loader_of(struct arena *a, const char *path)
{
	AUTO(fd_close) int fd = open(path, O_RDONLY | O_CLOEXEC);
	ElfW(Ehdr) head;
	ElfW(Phdr) part;
	char name[PATH_MAX];

	if (fd < 0 || pread(fd, &head, sizeof(head), 0) != sizeof(head) || memcmp(head.e_ident, ELFMAG, SELFMAG) != 0 ||
	    head.e_ident[EI_CLASS] != (sizeof(void *) == 8 ? ELFCLASS64 : ELFCLASS32) || head.e_phentsize != sizeof(part))
		return NULL;
	for (unsigned i = 0; i < head.e_phnum; i++) {
		if (pread(fd, &part, sizeof(part), (off_t)(head.e_phoff + i * sizeof(part))) != sizeof(part))
			return NULL;
		if (part.p_type != PT_INTERP || part.p_filesz == 0 || part.p_filesz >= sizeof(name))
			continue;
		ssize_t n = pread(fd, name, part.p_filesz, (off_t)part.p_offset);
		if (n != (ssize_t)part.p_filesz || name[0] != '/')
			return NULL;
		name[n] = '\0';
		return arena_strdup(a, name);
	}
	return NULL;
}

struct libraries {
	struct arena *a;
	names files;
};

/* "	NAME => /PATH (0xADDRESS)" or "	/PATH (0xADDRESS)"; the kernel's own has no path. */
static int
on_library(void *ctx, int fd, struct str line, struct err *e)
{
	struct libraries *l = ctx;
	ptrdiff_t arrow = str_find(line, STR(" => ")), end = str_find(line, STR(" (0x"));

	(void)e;
	if (fd != 1 || end < 0 || l->files.n >= MAX_FILES)
		return 0;
	struct str path = str_trim((struct str){line.p, (size_t)end});
	if (arrow >= 0 && arrow + 4 <= end)
		path = str_trim((struct str){line.p + arrow + 4, (size_t)(end - arrow - 4)});
	if (path.n > 0 && path.p[0] == '/' && memchr(path.p, '\0', path.n) == NULL)
		vec_push(&l->files, str_dup(l->a, path));
	return 0;
}

/* What the program loads. Asked with nothing in the environment, for so it will be started. */
static void
list_libraries(struct arena *a, const char *path, names *ret)
{
	const char *loader = loader_of(a, path);
	const char *argv[] = {loader, "--list", path, NULL}, *none[] = {NULL};
	struct libraries l = {.a = a};
	struct child c = {.argv = argv, .env = none, .env_clear = true, .on_line = on_library, .ctx = &l, .wall_ms = LIST_MS};
	struct child_result end;
	struct err e;

	if (loader == NULL)
		return;
	if (child_run(&c, &end, &e) != 0)
		log_warn("what %s needs cannot be told: %s", path, e.msg);
	else if (end.end != CHILD_EXITED || end.code != 0)
		log_warn("what %s needs cannot be told: %s --list ends with %d", path, loader, end.code);
	*ret = l.files;
}

static bool
hash_file(EVP_MD_CTX *c, const char *path)
{
	AUTO(fd_close) int fd = open(path, O_RDONLY | O_CLOEXEC);
	AUTO(mem_free) char *piece = mem_alloc(PIECE_BYTES);
	uint64_t size = 0;
	ssize_t n = 0;
	bool ok = true;

	while (ok && fd >= 0 && (n = read(fd, piece, PIECE_BYTES)) != 0) {
		if (n < 0 && errno == EINTR)
			continue;
		ok = n > 0 && EVP_DigestUpdate(c, piece, (size_t)n) == 1;
		size += (uint64_t)(n > 0 ? n : 0);
	}
	return ok && fd >= 0 && EVP_DigestUpdate(c, &size, sizeof(size)) == 1;
}

static int
hash_all(const names *files, char ret[65], struct err *e)
{
	unsigned char digest[EVP_MAX_MD_SIZE];
	EVP_MD_CTX *c = EVP_MD_CTX_new();
	bool ok = c != NULL && EVP_DigestInit_ex(c, EVP_sha256(), NULL) == 1;
	const char *at = "";

	for (size_t i = 0; ok && i < files->n; i++)
		ok = hash_file(c, at = files->p[i]);
	ok = ok && EVP_DigestFinal_ex(c, digest, NULL) == 1;
	EVP_MD_CTX_free(c);
	if (!ok)
		return fail_sys(e, "reading %s", at);
	str_hex(digest, 32, ret);
	return 0;
}

/* What was kept, when it still holds: its lines are the marks of the program, the loader's cache and each library, then
 * the build. */
static bool
read_kept(struct arena *a, const char *kept, const char *path, names *files, const char **ret_build)
{
	struct str text, line;
	struct err e;

	if (files_read(a, kept, KEPT_BYTES, &text, &e) != 0)
		return false;
	for (size_t i = 0; (line = str_cut(text, '\n', &text)).n > 0 && text.p != NULL; i++) {
		if (str_starts(line, STR("build "))) {
			*ret_build = str_dup(a, str_from(line, 6));
			return i >= 2;
		}
		const char *one = marked_path(a, line);
		if (one == NULL || (i == 0 && strcmp(one, path) != 0) || !str_is(line, mark_of(a, one)))
			return false;
		if (i != 1)
			vec_push(files, one);
	}
	return false;
}

/* The marks are taken before the files are read: one that changes meanwhile is read again next time. */
static int
hash_and_keep(struct arena *a, const char *kept, const names *files, const char **ret_build, struct err *e)
{
	AUTO(buf_release) struct buf text = {0};
	struct err late;
	char hash[65];

	buf_init(&text, KEPT_BYTES);
	for (size_t i = 0; i < files->n; i++) {
		buf_printf(&text, "%s\n", mark_of(a, files->p[i]));
		if (i == 0)
			buf_printf(&text, "%s\n", mark_of(a, LOADER_CACHE));
	}
	if (hash_all(files, hash, e) != 0)
		return -1;
	*ret_build = arena_strdup(a, hash);
	buf_printf(&text, "build %s\n", hash);
	if (text.over)
		log_warn("%s is too long, so it is not kept", kept);
	else if (files_write(kept, buf_get(&text), 0600, FILES_NO_SYNC, &late) != 0)
		log_warn("%s", late.msg);
	return 0;
}

int
program_read(struct arena *a, const char *path, const char *folder, struct program *ret, struct err *e)
{
	char real[PATH_MAX];
	names files = {0}, libraries = {0};
	const char *build = NULL;
	int rc = 0;

	if (realpath(path, real) == NULL)
		return fail_sys(e, "%s", path);
	const char *kept = arena_printf(a, "%s/%s.build", folder, strrchr(real, '/') + 1);
	if (!read_kept(a, kept, real, &files, &build)) {
		files.n = 0;
		vec_push(&files, arena_strdup(a, real));
		list_libraries(a, real, &libraries);
		for (size_t i = 0; i < libraries.n; i++)
			vec_push(&files, libraries.p[i]);
		rc = hash_and_keep(a, kept, &files, &build, e);
	}
	if (rc == 0) {
		vec_push(&files, NULL);
		*ret = (struct program){.path = arena_strdup(a, real), .build = build};
		ret->needs = arena_dup(a, files.p + 1, (files.n - 1) * sizeof(*files.p));
	}
	vec_release(&libraries);
	vec_release(&files);
	return rc;
}
