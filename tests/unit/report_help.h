/* What the tests of the report share: a run of the stage in this process, its records, and a Markdown renderer. */
#ifndef EKACI_TESTS_REPORT_HELP_H
#define EKACI_TESTS_REPORT_HELP_H

#include "records/reporting.h"
#include "report/report.h"
#include "support/os/child.h"
#include "support/os/files.h"
#include "support/text/json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

/* Members that every record has and no test of reports looks at. */
static inline void
set_missing(json_t *record, const char *name, const char *value)
{
	if (json_is_object(record) && json_object_get(record, name) == NULL)
		json_object_set_new(record, name, json_string(value));
}

static inline json_t *
completed_job(const json_t *job)
{
	json_t *ret = json_deep_copy(job), *one;
	size_t i;

	set_missing(json_object_get(ret, "plan"), "decision", "evaluate");
	json_array_foreach(json_object_get(ret, "evaluations"), i, one) {
		set_missing(one, "job", "j");
		set_missing(one, "key", "k");
	}
	return ret;
}

/* The records of one run as an array; NULL with e filled when the stage failed. */
static inline json_t *
run_report(const json_t *job, struct err *e)
{
	AUTO(json_drop) json_t *whole = completed_job(job);
	AUTO(fd_close) int fd = memfd_create("records", MFD_CLOEXEC);
	struct record_out out = {.fd = fd};
	json_t *list = json_array();

	assert_true(fd >= 0);
	struct arena a = {0};
	struct report_job parsed;
	int rc = fields_read(&report_job_fields, &a, str_of(json_line(&a, whole)), "job", &parsed, e);
	rc = rc == 0 ? report_stage(&a, &parsed, &out, e) : -1;
	arena_release(&a);
	if (rc != 0) {
		json_decref(list);
		return NULL;
	}
	off_t n = lseek(fd, 0, SEEK_END);
	char *all = mem_alloc((size_t)n + 1);
	assert_int_equal(pread(fd, all, (size_t)n, 0), n);
	for (struct str rest = {all, (size_t)n}; rest.n != 0;) {
		struct str line = str_cut(rest, '\n', &rest);
		json_t *rec = NULL;
		if (json_read(line, "record", &rec, e) != 0)
			fail_msg("%s", e->msg);
		json_array_append_new(list, rec);
	}
	mem_free(&all);
	return list;
}

/* The record of a type and, when given, name or format. */
static inline const json_t *
find_record(const json_t *records, const char *type, const char *name)
{
	for (size_t i = 0; i < json_array_size(records); i++) {
		const json_t *r = json_array_get(records, i);
		const char *is = json_str(r, "name", json_str(r, "format", ""));
		if (strcmp(json_str(r, "type", ""), type) == 0 && (name == NULL || strcmp(is, name) == 0))
			return r;
	}
	return NULL;
}

static inline int
collect_line(void *ctx, int fd, struct str line, struct err *e)
{
	(void)e;
	if (fd == 1) {
		buf_str(ctx, line);
		buf_putc(ctx, '\n');
	}
	return 0;
}

/* Markdown to HTML as GitHub's renderer does it, before its own sanitising, which would hide mistakes of ours. */
static inline char *
render_markdown(struct arena *a, struct str md)
{
	const char *argv[] = {"cmark-gfm", "-e", "table", "-e", "autolink", "-e", "strikethrough", "-e", "tagfilter", "-e",
	    "footnotes", "-e", "tasklist", "--unsafe", NULL};
	AUTO(buf_release) struct buf out;
	struct err e = {0};
	struct child_result r = {0};
	struct child c = {.argv = argv, .in = md, .wall_ms = 60000, .on_line = collect_line, .ctx = &out};

	buf_init(&out, 256u << 20);
	if (child_run(&c, &r, &e) != 0 || r.end != CHILD_EXITED || r.code != 0)
		fail_msg("cmark-gfm: %s (%d)", e.msg, r.code);
	return str_dup(a, buf_get(&out));
}

#endif
