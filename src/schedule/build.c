/* One derivation, built by Nix under limits, with a log. */
#include "schedule/stages.h"

#include "schedule/outcome.h"
#include "support/base/clock.h"
#include "support/os/child.h"
#include "support/os/files.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

enum { KEPT_BYTES = 128 * 1024, TAIL_BYTES = 4096, TAIL_LINES = 40 };

struct log_sink {
	int fd;
	size_t n, max;
	bool over;
	struct buf tail;
};

static int
on_bytes(void *ctx, int fd, struct str bytes, struct err *e)
{
	struct log_sink *l = ctx;

	if (fd == 1) /* output paths, which we know */
		return 0;
	if (l->n + bytes.n > l->max) {
		bytes.n = l->max - l->n;
		l->over = true;
	}
	for (struct str rest = bytes; rest.n > 0;) {
		ssize_t n = write(l->fd, rest.p, rest.n);
		if (n < 0 && errno != EINTR)
			return fail_sys(e, "cannot write the log");
		if (n > 0)
			rest = str_from(rest, (size_t)n);
	}
	l->n += bytes.n;
	if (bytes.n > KEPT_BYTES)
		bytes = str_from(bytes, bytes.n - KEPT_BYTES);
	if (l->tail.n + bytes.n > 2 * KEPT_BYTES)
		buf_drop(&l->tail, l->tail.n + bytes.n - KEPT_BYTES);
	buf_str(&l->tail, bytes);
	return l->over ? 1 : 0;
}

void
schedule_options(struct schedule_argv *argv, struct arena *a, const json_t *options)
{
	const char *name;
	json_t *value;

	json_object_foreach((json_t *)(uintptr_t)options, name, value) {
		vec_push(&argv->v, "--option");
		vec_push(&argv->v, name);
		vec_push(&argv->v, json_is_string(value) ? json_string_value(value) : json_line(a, value));
	}
}

int
schedule_build(const json_t *job, struct record_out *out, struct err *e)
{
	struct arena a = {0};
	const char *drv, *log;
	int64_t silent_s = json_int(job, "max_silent_s", 3600), wall_s = json_int(job, "timeout_s", 36000);
	const char *root = json_str(job, "root", NULL), *builders = json_str(job, "builders", NULL);

	if (json_need_str(job, "drv", &drv, e) != 0 || json_need_str(job, "log", &log, e) != 0)
		return -1;
	AUTO(fd_close) int fd = open(log, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0640);
	if (fd < 0)
		return fail_sys(e, "cannot create the log %s", log);
	struct log_sink sink = {.fd = fd, .max = (size_t)json_int(job, "max_log_bytes", 64 << 20)};
	struct schedule_argv argv = {0};
	struct child_result r = {0};

	buf_init(&sink.tail, 2 * KEPT_BYTES);
	vec_push(&argv.v, "nix-store");
	vec_push(&argv.v, "--realise");
	vec_push(&argv.v, drv);
	vec_push(&argv.v, "--max-silent-time");
	vec_push(&argv.v, arena_printf(&a, "%lld", (long long)silent_s));
	vec_push(&argv.v, "--timeout");
	vec_push(&argv.v, arena_printf(&a, "%lld", (long long)wall_s));
	if (root != NULL) {
		vec_push(&argv.v, "--add-root");
		vec_push(&argv.v, root);
	}
	if (builders != NULL) {
		vec_push(&argv.v, "--builders");
		vec_push(&argv.v, builders);
	}
	if (json_str(job, "uri", NULL) != NULL) { /* the machine was chosen: nothing falls back to this one */
		vec_push(&argv.v, "--max-jobs");
		vec_push(&argv.v, "0");
		vec_push(&argv.v, "--option");
		vec_push(&argv.v, "builders-use-substitutes");
		vec_push(&argv.v, json_flag(job, "builders_use_substitutes", false) ? "true" : "false");
	}
	schedule_options(&argv, &a, json_object_get(job, "options"));
	vec_push(&argv.v, NULL);
	/* Nix keeps the limits itself; ours come a little later, for a Nix that does not. */
	struct child c = {.argv = argv.v.p,
	    .on_bytes = on_bytes,
	    .ctx = &sink,
	    .wall_ms = (wall_s + 60) * 1000,
	    .silence_ms = (silent_s + 60) * 1000};
	int rc = child_run(&c, &r, e);
	if (rc == 0 && r.end == CHILD_CANCELLED)
		rc = fail(e, ERR_BUSY, "cancelled");
	if (rc == 0) {
		struct outcome_end end = {.exited = r.end == CHILD_EXITED,
		    .code = r.code,
		    .our_silence = r.end == CHILD_SILENT,
		    .our_wall = r.end == CHILD_TIMED_OUT,
		    .log_limit = sink.over,
		    .drv = drv,
		    .uri = json_str(job, "uri", NULL)};
		struct outcome o = outcome_of(&a, &end, buf_get(&sink.tail));
		bool built = strcmp(o.state, "built") == 0;
		struct str tail =
		    outcome_lines(&a, buf_get(&sink.tail), sink.n <= KEPT_BYTES, built ? 5 : TAIL_LINES, TAIL_BYTES);
		record_emit(out, json_pack("{s:s,s:s,s:s?,s:s?,s:b,s:o,s:I}", "type", "built", "outcome", o.state, "reason",
		                     o.reason, "phase", built ? NULL : outcome_phase(&a, buf_get(&sink.tail)), "absent", o.absent,
		                     "tail", json_any_string(tail), "wall_ms", (json_int_t)r.wall_ms));
	}
	buf_release(&sink.tail);
	vec_release(&argv.v);
	arena_release(&a);
	return rc;
}
