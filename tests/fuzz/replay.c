/* In libFuzzer's place: gives the entry point every file of fixtures/fuzz/NAME, or those named, as TAP. */
#include "fuzz/fuzz.h"

#include <errno.h>
#include <glob.h>

static void
replay(size_t i, const char *file)
{
	struct arena a = {0};
	struct str bytes;
	struct err e = {0};

	fuzz_must(files_read(&a, file, 64 << 20, &bytes, &e), &e);
	/* A copy without the NUL behind it, so that a sanitizer sees who reads on. */
	uint8_t *exact = malloc(bytes.n > 0 ? bytes.n : 1);
	if (exact == NULL)
		abort();
	memcpy(exact, bytes.p, bytes.n);
	fflush(stdout);
	LLVMFuzzerTestOneInput(exact, bytes.n);
	free(exact);
	printf("ok %zu - %s\n", i + 1, file);
	arena_release(&a);
}

int
main(int argc, char **argv)
{
	const char *name = strrchr(program_invocation_name, '/');
	struct arena a = {0};
	glob_t found = {0};

	name = name != NULL ? name + 1 : program_invocation_name;
	if (argc < 2 && glob(arena_printf(&a, "fixtures/fuzz/%s/*", name), 0, NULL, &found) != 0) {
		fprintf(stderr, "there is nothing in fixtures/fuzz/%s\n", name);
		return 1;
	}
	size_t n = argc < 2 ? found.gl_pathc : (size_t)argc - 1;
	char **files = argc < 2 ? found.gl_pathv : argv + 1;
	printf("1..%zu\n", n);
	for (size_t i = 0; i < n; i++)
		replay(i, files[i]);
	globfree(&found);
	arena_release(&a);
	return 0;
}
