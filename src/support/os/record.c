/* Records of a stage, written whole. */
#include "support/os/record.h"

#include "support/base/clock.h"

#include <errno.h>
#include <unistd.h>

void
record_emit(struct record_out *out, json_t *rec)
{
	AUTO(json_drop) json_t *owned = rec;
	AUTO(buf_release) struct buf line;

	buf_init(&line, SIZE_MAX / 4);
	json_write(owned, &line);
	buf_putc(&line, '\n');
	for (size_t done = 0; done < line.n && !out->broken;) {
		ssize_t n = write(out->fd, line.p + done, line.n - done);
		if (n < 0 && errno != EINTR)
			out->broken = true;
		if (n > 0)
			done += (size_t)n;
	}
}

void
record_progress(struct record_out *out, const char *what, int64_t done, int64_t total)
{
	int64_t now = clock_mono_ms();

	if (out->progress_ms != 0 && now - out->progress_ms < 100)
		return;
	out->progress_ms = now;
	json_t *rec = json_pack("{s:s,s:s,s:I}", "type", "progress", "what", what, "done", (json_int_t)done);
	if (total >= 0)
		json_object_set_new(rec, "total", json_integer(total));
	record_emit(out, rec);
}
