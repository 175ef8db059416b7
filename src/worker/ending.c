/* Records are written with their type in front, so only the first letters of the others are looked at. */
#include "worker/ending.h"

static int
read_end(struct arena *a, struct str line, int64_t *ret_outside_ms, struct err *e)
{
	struct stage_end end;

	if (fields_read(&stage_end_fields, a, line, "record", &end, e) != 0)
		return -1;
	*ret_outside_ms = end.outside_ms;
	return 1;
}

static int
read_error(struct arena *a, struct str line, struct err *ret_end, struct err *e)
{
	struct stage_error error;

	if (fields_read(&stage_error_fields, a, line, "record", &error, e) != 0)
		return -1;
	(void)!fail(ret_end, err_kind_of(error.kind), "%s", error.message);
	return 1;
}

int
ending_read(struct str line, struct err *ret_end, int64_t *ret_outside_ms, struct err *e)
{
	AUTO(arena_release) struct arena a = {0};

	*ret_end = (struct err){0};
	if (str_starts(line, STR("{\"type\":\"end\"")))
		return read_end(&a, line, ret_outside_ms, e);
	if (str_starts(line, STR("{\"type\":\"error\"")))
		return read_error(&a, line, ret_end, e);
	return 0;
}
