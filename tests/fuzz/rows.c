/* A stored evaluation: as the file is where it begins as zstd does, else the text in it. */
#include "formats/rows.h"
#include "fuzz/fuzz.h"

#include <zstd.h>

static struct str
packed(struct arena *a, struct str text)
{
	size_t max = ZSTD_compressBound(text.n);
	char *p = arena_alloc(a, max);
	size_t n = ZSTD_compress(p, max, text.p, text.n, 1);

	FUZZ_CHECK(!ZSTD_isError(n));
	return (struct str){p, n};
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct str bytes = {(const char *)data, n};
	struct arena a = {0};
	AUTO(rows_close) struct rows *r = NULL;
	struct row row;
	struct err e = {0};
	bool has;

	const char *file = fuzz_file(&a, "rows.zst", str_starts(bytes, STR("\x28\xb5\x2f\xfd")) ? bytes : packed(&a, bytes));
	if (rows_open(file, &r, &e) == 0) {
		FUZZ_CHECK(rows_evaluator(r) != NULL && rows_version(r) != NULL);
		while (rows_next(r, NULL, &row, &e) == 1) {
			AUTO(buf_release) struct buf out;
			buf_init(&out, 1 << 20);
			rows_write_path(row.path, &out);
			rows_write_string(row.name, &out);
			(void)rows_path_text(&a, row.path);
		}
	}
	(void)!rows_has_attribute(file, "a.b", &has, &e);
	arena_release(&a);
	return 0;
}
