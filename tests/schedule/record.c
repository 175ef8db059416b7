/*
 * What this machine's Nix says of one build, for fixtures/nix (see record.js):
 *   session_record < {drv, silent_s, wall_s, max_log_bytes, builders, elsewhere, again}
 * Prints {end, status, begun, dependency_begun, machine, building_ms, message, log}, as build/outcome.h reads them.
 */
#include "nix/session.h"
#include "schedule/said.h"
#include "support/text/json.h"

#include <stdio.h>
#include <unistd.h>

static int
on_log(void *ctx, struct str text, struct err *e)
{
	(void)e;
	session_plain(ctx, text);
	return 0;
}

static int
on_phase(void *ctx, const char *phase, struct err *e)
{
	(void)ctx;
	(void)phase;
	(void)e;
	return 0;
}

int
main(void)
{
	AUTO(json_drop) json_t *in = NULL;
	AUTO(buf_release) struct buf text = {0}, log = {0};
	struct session *s = NULL;
	struct session_result r = {0};
	struct arena a = {0};
	struct err e = {0};
	char chunk[4096];
	ssize_t n;

	buf_init(&text, 1 << 20);
	buf_init(&log, 8 << 20);
	while ((n = read(0, chunk, sizeof(chunk))) > 0)
		buf_add(&text, chunk, (size_t)n);
	if (json_read(buf_get(&text), "input", &in, &e) != 0 || session_open(&s, &e) != 0) {
		fprintf(stderr, "session_record: %s\n", e.msg);
		return 1;
	}
	const struct named_texts options = said_options(&a, json_object_get(in, "options"));
	struct session_job job = {.drv = json_str(in, "drv", ""),
	    .silent_s = json_int(in, "silent_s", 60),
	    .wall_s = json_int(in, "wall_s", 60),
	    .max_log_bytes = (size_t)json_int(in, "max_log_bytes", 1 << 20),
	    .builders = json_str(in, "builders", ""),
	    .elsewhere = json_flag(in, "elsewhere", false),
	    .again = json_flag(in, "again", false),
	    .options = &options,
	    .on_log = on_log,
	    .on_phase = on_phase,
	    .ctx = &log};
	if (session_build(s, &a, &job, &r, &e) != 0) {
		fprintf(stderr, "session_record: %s\n", e.msg);
		return 1;
	}
	AUTO(json_drop)
	json_t *out = json_pack("{s:i,s:i,s:b,s:b,s:s?,s:I,s:o,s:o}", "end", r.end, "status", r.status, "begun", r.begun,
	    "dependency_begun", r.dependency_begun, "machine", r.machine, "building_ms", (json_int_t)r.building_ms, "message",
	    json_any_string(str_of(r.message != NULL ? r.message : "")), "log", json_any_string(buf_get(&log)));
	puts(json_line(&a, out));
	session_close(&s);
	arena_release(&a);
	return 0;
}
