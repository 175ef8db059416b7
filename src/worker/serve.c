/* One stage in one process. */
#include "worker/serve.h"

#include "support/base/log.h"
#include "support/os/child.h"

#include <errno.h>
#include <fcntl.h>
#include <git2.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MAX_JOB_BYTES = 64 * 1024 * 1024, IDLE_LOOK_MS = 500 };

static void
narrow(void)
{
	struct rlimit no_core = {0, 0};

	umask(077);
	setsid();
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	setrlimit(RLIMIT_CORE, &no_core);
	child_catch_term();
	signal(SIGPIPE, SIG_IGN);
	close_range(4, ~0u, 0);
}

/* Standard input: what was read and not used yet begins at used. */
struct input {
	struct buf text;
	size_t used;
};

/* Adds what comes: 1, or 0 at the end. A worker that waits for work still ends when asked to. */
static int
read_more(struct input *in, struct err *e)
{
	char chunk[65536];

	for (;;) {
		struct pollfd p = {.fd = 0, .events = POLLIN};
		if (child_cancelled())
			return fail(e, ERR_BUSY, "cancelled");
		int ready = poll(&p, 1, IDLE_LOOK_MS);
		if (ready == 0 || (ready < 0 && errno == EINTR))
			continue;
		ssize_t n = ready > 0 ? read(0, chunk, sizeof(chunk)) : -1;
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return fail_sys(e, "cannot read the job");
		buf_add(&in->text, chunk, (size_t)n);
		if (in->text.over)
			return fail(e, ERR_LIMIT, "a job of more than %d bytes", MAX_JOB_BYTES);
		return n > 0;
	}
}

/* The next line: 1, or 0 at the end. */
static int
read_line(struct input *in, struct str *ret, struct err *e)
{
	const char *nl;
	int more;

	buf_drop(&in->text, in->used);
	in->used = 0;
	while ((nl = in->text.n > 0 ? memchr(in->text.p, '\n', in->text.n) : NULL) == NULL) {
		if ((more = read_more(in, e)) < 0)
			return -1;
		if (more == 0 && in->text.n == 0)
			return 0;
		if (more == 0)
			buf_putc(&in->text, '\n'); /* the last one may lack its newline */
	}
	*ret = (struct str){in->text.p, (size_t)(nl - in->text.p)};
	in->used = ret->n + 1;
	return 1;
}

/* All that is left is one job. */
static int
read_job(struct input *in, struct str *ret, struct err *e)
{
	int more;

	while ((more = read_more(in, e)) > 0)
		;
	*ret = str_from(buf_get(&in->text), in->used);
	return more;
}

static int
run_text(const struct stage *stage, struct str text, struct record_out *out, struct err *e)
{
	struct arena a = {0};
	int rc;

	void *job = arena_alloc(&a, stage->job->size);
	rc = fields_read(stage->job, &a, text, "job", job, e);
	if (rc == 0)
		rc = stage->run(&a, job, out, e);
	arena_release(&a);
	return rc;
}

/* Runs the stage on the text of a job and writes the last record of it. rc: how reading that text went. */
static int
run_job(const struct stage *stage, int rc, struct str text, struct record_out *out, struct err *e)
{
	int64_t spent_ms = child_spent_ms();

	if (rc == 0)
		rc = run_text(stage, text, out, e);
	if (rc == 0 && child_cancelled())
		rc = fail(e, ERR_BUSY, "cancelled");
	if (rc == 0) {
		const struct stage_end end = {child_spent_ms() - spent_ms};
		rc = record_put(out, &stage_end_fields, &end, e);
	}
	if (rc != 0) {
		struct arena a = {0};
		const struct stage_error error = {err_kind_name(e->kind), fields_clean(&a, str_of(e->msg)), e->at};
		struct err never;
		(void)!record_put(out, &stage_error_fields, &error, &never);
		arena_release(&a);
	}
	return rc;
}

static int
run_jobs(const struct stage *stage, struct input *in, struct record_out *out)
{
	struct str line = {0};
	struct err e = {0};
	int rc = 0, more;

	while (!child_cancelled() && !out->broken && (more = read_line(in, &line, &e)) != 0) {
		rc = run_job(stage, more > 0 ? 0 : -1, line, out, &e);
		if (more < 0)
			break;
		e = (struct err){0};
	}
	stage->close();
	return rc;
}

static int
run_stage(const struct stage *stage, struct input *in)
{
	struct record_out out = {.fd = fcntl(3, F_GETFD) < 0 ? 1 : 3}; /* run by hand: to standard output */
	struct str job = {"", 0};
	struct err e = {0};

	if (stage->close != NULL)
		return run_jobs(stage, in, &out);
	int rc = read_job(in, &job, &e);
	return run_job(stage, rc, job, &out, &e);
}

/* What most stages need and what takes long, while nobody waits: libgit2 reads the machine's certificates (5 ms). */
static void
prepare(void)
{
	git_libgit2_init();
}

int
worker_serve(stages_fn *find, const char *name)
{
	struct input in = {0};
	struct arena a = {0};
	struct str line;
	struct err e = {0};
	int code = 0, told = 1;

	buf_init(&in.text, MAX_JOB_BYTES);
	narrow();
	if (name == NULL)
		prepare();
	if (name == NULL && (told = read_line(&in, &line, &e)) > 0)
		name = str_dup(&a, line);
	const struct stage *stage = name != NULL ? find(name) : NULL;
	if (stage != NULL) {
		code = run_stage(stage, &in) == 0 ? 0 : 1;
	} else if (told > 0) { /* else it was not needed after all */
		log_error("no such stage: %s", name);
		code = 2;
	}
	buf_release(&in.text);
	arena_release(&a);
	return code;
}
