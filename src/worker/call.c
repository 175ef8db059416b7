/* One stage in one process, and its end waited for. */
#include "worker/call.h"

#include "support/os/child.h"
#include "worker/ending.h"

#include <unistd.h>

struct call {
	int (*on_record)(void *ctx, struct str line, struct err *e);
	void *ctx;
	bool ended;
	struct err end;
};

static int
on_line(void *ctx, int fd, struct str line, struct err *e)
{
	struct call *call = ctx;
	int64_t outside_ms;

	if (fd != 3) {
		if (write(2, line.p, line.n) < 0 || write(2, "\n", 1) < 0)
			return 0;
		return 0;
	}
	int last = ending_read(line, &call->end, &outside_ms, e);
	if (last != 0) {
		call->ended = true;
		return last < 0 ? -1 : 0;
	}
	return call->on_record != NULL ? call->on_record(call->ctx, line, e) : 0;
}

int
worker_call(const char *stage, struct str job, int (*on_record)(void *ctx, struct str line, struct err *e), void *ctx,
    struct err *e)
{
	const char *argv[] = {"/proc/self/exe", "worker", stage, NULL};
	struct call call = {.on_record = on_record, .ctx = ctx};
	struct child c = {.argv = argv, .in = job, .channel = true, .on_line = on_line, .ctx = &call};
	struct child_result r = {0};

	if (child_run(&c, &r, e) != 0)
		return fail_in(e, "stage %s", stage);
	if (r.end == CHILD_CANCELLED)
		return fail(e, ERR_BUSY, "cancelled");
	if (!call.ended)
		return fail(e, ERR_SYSTEM, "stage %s died (%s %d)", stage, r.end == CHILD_SIGNALED ? "signal" : "code", r.code);
	if (call.end.kind != ERR_NONE)
		*e = call.end;
	return call.end.kind != ERR_NONE ? -1 : 0;
}
