/* A line with a table's name, then a document: what can be read can be written, and then reads as the same. */
#include "fuzz/fuzz.h"
#include "records/all.h"

static const struct fields *
table(struct str name)
{
	size_t n = 0;

	for (; records_all[n] != NULL; n++)
		if (str_is(name, records_all[n]->name))
			return records_all[n];
	return records_all[name.n > 0 ? (unsigned char)name.p[0] % n : 0];
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct str text = {(const char *)data, n};
	const struct fields *of = table(fuzz_line(&text));
	struct arena a = {0};
	struct err e = {0};
	char *first, *second;
	void *value = arena_alloc(&a, of->size);

	(void)fields_type(&a, text);
	if (fields_read(of, &a, text, "fuzz", value, &e) == 0) {
		fuzz_must(fields_line(of, &a, value, &first, &e), &e);
		fuzz_must(fields_read(of, &a, str_of(first), "again", value, &e), &e);
		fuzz_must(fields_line(of, &a, value, &second, &e), &e);
		FUZZ_CHECK(strcmp(first, second) == 0);
	} else {
		FUZZ_CHECK(e.msg[0] != '\0' && e.kind != ERR_BUG);
	}
	arena_release(&a);
	return 0;
}
