/* An archive that is restored: whatever it holds, only plain files come out, with names that lead nowhere else. Half of the inputs are
 * taken as they are, the others are packed first, so that what is behind the sums is reached. */
#include "support/os/tar.h"
#include "fuzz/fuzz.h"

#include <fcntl.h>
#include <zstd.h>

static void
read_all(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct arena a = {0};
	struct tar_in *t = NULL;
	const char *name;
	int64_t size;
	struct str text;
	struct err e = {0};

	FUZZ_CHECK(fd >= 0);
	if (tar_in_new(fd, &t, &e) == 0)
		while (tar_in_next(t, &name, &size, &e) == 0) {
			FUZZ_CHECK(name[0] != '/' && name[0] != '\0' && strstr(name, "//") == NULL && size >= 0);
			FUZZ_CHECK(strcmp(name, "..") != 0 && strncmp(name, "../", 3) != 0 && strstr(name, "/../") == NULL);
			if (size < 4096 && tar_in_text(t, &a, 4096, &text, &e) != 0)
				break;
		}
	tar_in_free(t);
	arena_release(&a);
	close(fd);
}

/* A header's sum is what it should be. */
static void
mend_sums(char *p, size_t n)
{
	for (size_t at = 0; at + 512 <= n; at += 512) {
		unsigned sum = 0;
		for (size_t i = 0; i < 512; i++)
			sum += i >= 148 && i < 156 ? ' ' : (unsigned char)p[at + i];
		if (memcmp(p + at + 257, "ustar", 5) == 0)
			snprintf(p + at + 148, 8, "%06o", sum);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct arena a = {0};
	char *copy = arena_dup(&a, data, n);
	size_t room = ZSTD_compressBound(n);
	char *packed = arena_alloc(&a, room + 1);

	read_all(fuzz_file(&a, "archive", (struct str){(const char *)data, n}));
	mend_sums(copy, n);
	size_t got = ZSTD_compress(packed, room, copy, n, 1);
	FUZZ_CHECK(!ZSTD_isError(got));
	read_all(fuzz_file(&a, "archive", (struct str){packed, got}));
	arena_release(&a);
	return 0;
}
