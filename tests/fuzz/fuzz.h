/*
 * fuzz - what the entry points of tests/fuzz share.
 *
 * tests/fuzz/NAME.c is one reader of hostile bytes. `make fuzz` links it with libFuzzer and the sanitizers of clang; `make check`
 * links it with replay.c, and gives it every file of fixtures/fuzz/NAME. What a reader promises beside not falling over is
 * said with FUZZ_CHECK.
 */
#ifndef EKACI_TESTS_FUZZ_H
#define EKACI_TESTS_FUZZ_H

#include "support/base/err.h"
#include "support/base/str.h"
#include "support/os/files.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define FUZZ_CHECK(x)                                                                   \
	do {                                                                            \
		if (!(x)) {                                                             \
			fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #x); \
			abort();                                                        \
		}                                                                       \
	} while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

/* The first line, without its newline; *rest is what follows it, maybe nothing. */
static inline struct str
fuzz_line(struct str *rest)
{
	struct str line = str_cut(*rest, '\n', rest);

	if (rest->p == NULL)
		*rest = (struct str){line.p + line.n, 0};
	return line;
}

static inline void
fuzz_must(int rc, const struct err *e)
{
	if (rc == 0)
		return;
	fprintf(stderr, "cannot set up: %s\n", e->msg);
	abort();
}

static char fuzz_folder[64];

static inline void
fuzz_remove(void)
{
	struct err e = {0};

	(void)!files_remove_tree(fuzz_folder, &e);
}

/* A folder of this process, in memory where there is one; it goes with the process. */
static inline const char *
fuzz_dir(void)
{
	if (fuzz_folder[0] == '\0') {
		bool memory = access("/dev/shm", W_OK) == 0;
		snprintf(fuzz_folder, sizeof(fuzz_folder), "%s/ekaci-fuzz-XXXXXX", memory ? "/dev/shm" : "/tmp");
		if (mkdtemp(fuzz_folder) == NULL)
			abort();
		atexit(fuzz_remove);
	}
	return fuzz_folder;
}

/* The bytes as a file of that folder, by a path below it whose folders are made. */
static inline const char *
fuzz_file(struct arena *a, const char *name, struct str bytes)
{
	char *path = arena_printf(a, "%s/%s", fuzz_dir(), name), *slash = strrchr(path, '/');
	struct err e = {0};

	*slash = '\0';
	fuzz_must(files_mkdirs(path, 0700, &e), &e);
	*slash = '/';
	fuzz_must(files_write(path, bytes, 0600, FILES_NO_SYNC, &e), &e);
	return path;
}

#endif
