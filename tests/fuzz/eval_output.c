/* What an evaluator printed, line by line: each row that is kept is a line of JSON that reads again as a row. */
#include "evaluate/eval_rows.h"
#include "fuzz/fuzz.h"
#include "support/text/json.h"

static void
check_kept(const struct eval_rows *r)
{
	struct eval_rows again = {.max_rows = 1000, .max_depth = 16};
	struct err e = {0};

	for (size_t i = 0; i < r->all.n; i++) {
		json_t *j = NULL;
		FUZZ_CHECK(memchr(r->all.p[i].line.p, '\n', r->all.p[i].line.n) == NULL);
		fuzz_must(json_read(r->all.p[i].line, "row", &j, &e), &e);
		json_decref(j);
		fuzz_must(eval_rows_add_stored(&again, r->all.p[i].line, &e), &e);
	}
	eval_rows_release(&again);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct str rest = {(const char *)data, n};
	struct eval_rows r = {.max_rows = 1000, .max_depth = 16, .external = n % 2 == 0};

	while (rest.n > 0 && eval_rows_add(&r, fuzz_line(&rest)))
		;
	eval_rows_finish(&r);
	if (!r.incomplete)
		check_kept(&r);
	FUZZ_CHECK(eval_rows_failed(&r).n <= r.all.n);
	eval_rows_release(&r);
	return 0;
}
