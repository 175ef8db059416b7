/* One derivation, built by Nix under limits, with a log. */
#include "build/build.h"

#include "build/outcome.h"
#include "build/sizes.h"
#include "formats/log_file.h"
#include "nix/build_words.h"
#include "nix/session.h"
#include "nix/settings.h"
#include "support/base/clock.h"
#include "support/base/log.h"
#include "support/os/child.h"
#include "support/os/files.h"

#include <string.h>

enum { KEPT_BYTES = 128 * 1024, TAIL_BYTES = 4096, TAIL_LINES = 40, TAIL_LINES_GOOD = 5 };

static const char store_dir[] = "/nix/store";

struct log_sink {
	struct log_writer *log;
	size_t n, max;
	bool over;
	struct buf tail, outputs;
};

/* What is judged by: the end of the log. */
static void
keep_tail(struct log_sink *l, struct str bytes)
{
	if (bytes.n > KEPT_BYTES)
		bytes = str_from(bytes, bytes.n - KEPT_BYTES);
	if (l->tail.n + bytes.n > 2 * KEPT_BYTES)
		buf_drop(&l->tail, l->tail.n + bytes.n - KEPT_BYTES);
	buf_str(&l->tail, bytes);
}

/* Into the log, as much as it may hold; 1 when that is less. */
static int
write_log(struct log_sink *l, struct str *bytes, struct err *e)
{
	if (l->n + bytes->n > l->max) {
		bytes->n = l->max - l->n;
		l->over = true;
	}
	l->n += bytes->n;
	return log_writer_add(l->log, *bytes, e) != 0 ? -1 : l->over;
}

static int
on_bytes(void *ctx, int fd, struct str bytes, struct err *e)
{
	struct log_sink *l = ctx;

	if (fd == 1) { /* output paths, a line each */
		buf_str(&l->outputs, bytes);
		return 0;
	}
	int rc = write_log(l, &bytes, e);
	keep_tail(l, bytes);
	return rc;
}

/* A build as the job asks for it, and what came of it. */
struct building {
	struct arena *a;
	const struct build_job *job;
	int64_t wall_ms;
	bool again; /* what is there is built once more and compared */
	struct log_sink sink;
	bool marked;         /* an output says of itself that it failed */
	const char *phase;   /* as the builder announced it, or NULL */
	const char *machine; /* where Nix says that it was begun, or NULL */
};

/* Nix before 2.8, or without nix-daemon: a program for each build, whose exit code and words tell the end. */
static int
by_program(struct building *t, struct build_outcome *ret, struct err *e)
{
	const struct build_job *job = t->job;
	struct nix_argv argv = {0};
	struct child_result r = {0};

	vec_push(&argv.v, "nix-store");
	vec_push(&argv.v, "--realise");
	vec_push(&argv.v, job->drv);
	vec_push(&argv.v, "--max-silent-time");
	vec_push(&argv.v, arena_printf(t->a, "%lld", (long long)job->max_silent_s));
	vec_push(&argv.v, "--timeout");
	vec_push(&argv.v, arena_printf(t->a, "%lld", (long long)job->timeout_s));
	if (t->again)
		vec_push(&argv.v, "--check");
	if (job->root != NULL && !t->again) {
		vec_push(&argv.v, "--add-root");
		vec_push(&argv.v, job->root);
	}
	if (job->builders != NULL) {
		vec_push(&argv.v, "--builders");
		vec_push(&argv.v, job->builders);
	}
	if (job->uri != NULL) { /* the machine was chosen: nothing falls back to this one */
		vec_push(&argv.v, "--max-jobs");
		vec_push(&argv.v, "0");
		vec_push(&argv.v, "--option");
		vec_push(&argv.v, "builders-use-substitutes");
		vec_push(&argv.v, job->builders_use_substitutes ? "true" : "false");
	}
	nix_argv_options(&argv, &job->options);
	vec_push(&argv.v, NULL);
	/* Nix keeps the limits itself; ours come a little later, for a Nix that does not. */
	struct child c = {.argv = argv.v.p,
	    .on_bytes = on_bytes,
	    .ctx = &t->sink,
	    .wall_ms = (job->timeout_s + 60) * 1000,
	    .silence_ms = (job->max_silent_s + 60) * 1000};
	int rc = child_run(&c, &r, e);
	vec_release(&argv.v);
	if (rc == 0 && r.end == CHILD_CANCELLED)
		rc = fail(e, ERR_BUSY, "cancelled");
	if (rc != 0)
		return -1;
	struct outcome_end end = {.exited = r.end == CHILD_EXITED,
	    .code = r.code,
	    .our_silence = r.end == CHILD_SILENT,
	    .our_wall = r.end == CHILD_TIMED_OUT,
	    .log_limit = t->sink.over,
	    .drv = job->drv,
	    .uri = job->uri};
	*ret = outcome_of(t->a, &end, buf_get(&t->sink.tail));
	for (struct str rest = buf_get(&t->sink.outputs); rest.n != 0;)
		t->marked = sizes_marked_failed(store_dir, str_dup(t->a, str_trim(str_cut(rest, '\n', &rest)))) || t->marked;
	return 0;
}

static struct session *kept; /* between the jobs of this process */
static bool no_sessions;     /* tried, and there is none to be had */

void
build_stage_close(void)
{
	session_close(&kept);
}

static int
on_log(void *ctx, struct str text, struct err *e)
{
	AUTO(buf_release) struct buf plain = {0};
	struct log_sink *l = ctx;
	int rc = write_log(l, &text, e);

	buf_init(&plain, text.n + 1);
	session_plain(&plain, text);
	keep_tail(l, buf_get(&plain));
	return rc;
}

static int
on_phase(void *ctx, const char *phase, struct err *e)
{
	struct log_sink *l = ctx;

	return log_writer_phase(l->log, phase, e);
}

static int
by_session(struct building *t, struct build_outcome *ret, struct err *e)
{
	const struct build_job *job = t->job;
	const struct session_job asked = {.drv = job->drv,
	    .root = job->root,
	    .silent_s = job->max_silent_s,
	    .wall_s = job->timeout_s,
	    .max_log_bytes = t->sink.max,
	    .builders = job->builders,
	    .local_hook = job->local_hook,
	    .elsewhere = job->uri != NULL,
	    .again = t->again,
	    .builders_use_substitutes = job->builders_use_substitutes,
	    .options = &job->options,
	    .on_log = on_log,
	    .on_phase = on_phase,
	    .ctx = &t->sink};
	struct session_result r;

	if (session_build(kept, t->a, &asked, &r, e) != 0) {
		session_close(&kept);
		return -1;
	}
	t->phase = r.phase;
	t->machine = r.machine;
	for (size_t i = 0; r.outputs[i] != NULL; i++)
		t->marked = sizes_marked_failed(store_dir, r.outputs[i]) || t->marked;
	/* What a builder prints can end Nix' side of it without another word, and the next job is not to find out. */
	if (r.end != SESSION_ANSWERED && (r.end != SESSION_REFUSED || r.begun || r.dependency_begun))
		session_close(&kept);
	if (r.end == SESSION_CANCELLED)
		return fail(e, ERR_BUSY, "cancelled");
	struct outcome_end end = {.our_silence = r.end == SESSION_SILENT,
	    .our_wall = r.end == SESSION_TIMED_OUT,
	    .log_limit = r.end == SESSION_LOG_LIMIT || t->sink.over,
	    .exited = r.end == SESSION_ANSWERED || r.end == SESSION_REFUSED,
	    .drv = job->drv,
	    .uri = job->uri,
	    .machine = r.machine,
	    .begun = r.begun,
	    .dependency_begun = r.dependency_begun,
	    .building_ms = r.building_ms,
	    .wall_s = job->timeout_s};
	struct str tail = buf_get(&t->sink.tail);
	*ret = r.end == SESSION_REFUSED ? outcome_of_refusal(t->a, &end, r.message, tail)
	                                : outcome_of_status(t->a, &end, r.status, r.message, tail);
	log_writer_sums_up(t->sink.log);
	if (r.message != NULL && r.message[0] != '\0') /* last in the log; the lines of it that it repeats stand there */
		return on_bytes(&t->sink, 2, str_of(arena_printf(t->a, "error: %s\n", nixwords_without_log(t->a, r.message))),
		           e) < 0
		           ? -1
		           : 0;
	return 0;
}

static int
build(struct building *t, struct build_outcome *ret, struct err *e)
{
	int64_t begun_ms = clock_mono_ms();

	if (kept == NULL && !no_sessions && session_open(&kept, e) != 0) {
		if (e->kind != ERR_ABSENT)
			return -1;
		no_sessions = true;
		log_info("a program for each build: %s", e->msg);
		*e = (struct err){0};
	}
	int rc = kept != NULL ? by_session(t, ret, e) : by_program(t, ret, e);
	t->wall_ms += clock_mono_ms() - begun_ms;
	return rc;
}

/* Nix compares with what is there, so that must be there first. An output that differs is no failure: the first one is good. */
static int
compare(struct building *t, struct build_outcome *ret, struct err *e)
{
	t->again = true;
	if (build(t, ret, e) != 0)
		return -1;
	if (ret->differs)
		*ret = (struct build_outcome){.state = BUILD_BUILT,
		    .reason = "built once more it came out differently",
		    .differs = true};
	return 0;
}

static int
emit(struct building *t, const struct build_outcome *o, struct record_out *out, struct err *e)
{
	struct str kept_log = buf_get(&t->sink.tail);
	bool good = o->state == BUILD_BUILT;
	struct str tail =
	    outcome_lines(t->a, kept_log, t->sink.n <= KEPT_BYTES, good ? TAIL_LINES_GOOD : TAIL_LINES, TAIL_BYTES);
	const char *phase = good ? NULL : t->phase != NULL ? t->phase : outcome_phase(t->a, kept_log);
	const struct built rec = {.outcome = o->state,
	    .reason = o->reason != NULL ? fields_clean(t->a, str_of(o->reason)) : NULL,
	    .absent = o->absent,
	    .may_pass = o->may_pass,
	    .marked = o->marked,
	    .phase = phase,
	    .tail = fields_clean(t->a, tail),
	    .deterministic = good && t->again ? !o->differs : -1,
	    .wall_ms = t->wall_ms,
	    .machine = t->machine != NULL ? fields_clean(t->a, str_of(t->machine)) : NULL};

	return record_put(out, &built_fields, &rec, e);
}

int
build_stage_build(struct arena *a, const void *of, struct record_out *out, struct err *e)
{
	const struct build_job *job = of;
	struct building t = {.a = a, .job = job};
	struct build_outcome o;

	t.sink = (struct log_sink){.max = (size_t)job->max_log_bytes};
	if (log_writer_new(job->log, outcome_is_error, &t.sink.log, e) != 0)
		return -1;
	buf_init(&t.sink.tail, 2 * KEPT_BYTES);
	buf_init(&t.sink.outputs, KEPT_BYTES);
	int rc = build(&t, &o, e);
	if (rc == 0 && o.state == BUILD_BUILT && job->again)
		rc = compare(&t, &o, e);
	if (rc == 0 && o.state == BUILD_BUILT && t.marked)
		o = (struct build_outcome){.state = BUILD_FAILED, .reason = BUILD_MARKED, .marked = true};
	if (rc == 0)
		rc = emit(&t, &o, out, e);
	/* After the record: nobody waits for it, and a log that cannot be compressed is a log still. */
	struct err ignored;
	if (log_writer_end(t.sink.log, rc == 0 && o.state != BUILD_BUILT, &ignored) != 0)
		log_warn("%s", ignored.msg);
	log_writer_free(&t.sink.log);
	buf_release(&t.sink.tail);
	buf_release(&t.sink.outputs);
	return rc;
}
