/* An evaluator's lines, limits and end. */
#include "evaluate/hearing.h"

#include "nix/saying.h"
#include "support/text/escape.h"

#include <sys/statvfs.h>

enum {
	TAIL_BYTES = 4096, /* of standard error, kept for the reason */
	ERROR_LINES = 20,  /* the first lines with "error:" are kept too */
	SLACK_MB = 512     /* of memory, for what does not evaluate */
};

static int64_t
free_mb(const char *folder)
{
	struct statvfs st;

	return statvfs(folder, &st) == 0 ? (int64_t)(st.f_bavail * (st.f_frsize / 1024) / 1024) : INT64_MAX;
}

void
hearing_begin(struct hearing *h)
{
	h->disk_mb = free_mb(h->disk);
	buf_init(&h->tail, TAIL_BYTES * 2);
	buf_init(&h->plain, TAIL_BYTES);
	buf_init(&h->errors, (size_t)ERROR_LINES * (TAIL_BYTES / 4 + 2));
}

void
hearing_release(struct hearing *h)
{
	buf_release(&h->tail);
	buf_release(&h->plain);
	buf_release(&h->errors);
}

/* nix-eval-jobs before 2.35.3 may reach twice its budget in good faith. */
int64_t
hearing_most_mb(const struct evaluating *r)
{
	return 2 * r->job.workers * r->job.max_memory_mb + SLACK_MB;
}

/* The words for an evaluation over a limit are the same, whoever noticed. */
void
hearing_over_memory(struct hearing *h)
{
	eval_rows_incomplete(h->rows,
	    "stopped: the evaluation used more than %lld MiB of memory, twice the budget of %lld workers",
	    (long long)hearing_most_mb(h->r), (long long)h->r->job.workers);
}

/* What no evaluator limits by itself: processes, the memory of all of them, and the disk, which toFile in a loop fills. */
int
hearing_on_watch(void *ctx)
{
	struct hearing *h = ctx;
	const struct evaluating *r = h->r;
	struct child_load load = h->group == NULL ? child_load_now() : (struct child_load){0};
	int64_t left_mb = free_mb(h->disk);

	if (load.processes > (size_t)(r->max_processes + 2 * r->job.workers))
		eval_rows_incomplete(h->rows, "stopped: the evaluation ran %zu processes at once", load.processes);
	else if (load.memory_kb / 1024 > hearing_most_mb(r))
		hearing_over_memory(h);
	else if (left_mb < r->min_free_mb && left_mb < h->disk_mb)
		eval_rows_incomplete(h->rows,
		    "stopped: only %lld MiB are free on the store's disk, %lld fewer than when the "
		    "evaluation began",
		    (long long)left_mb, (long long)(h->disk_mb - left_mb));
	else
		return 0;
	return 1;
}

int
hearing_on_line(void *ctx, int fd, struct str line, struct err *e)
{
	struct hearing *h = ctx;

	(void)e;
	if (fd == 1) {
		bool go_on = eval_rows_add(h->rows, line);
		if (h->r->out != NULL)
			record_progress_at(h->r->out, "attributes", (int64_t)h->rows->all.n, h->r->expected_rows,
			    h->rows->all.n > 0 ? h->rows->all.p[h->rows->all.n - 1].key : (struct str){0});
		return go_on ? 0 : 1;
	}
	if (str_trim(line).n == 0)
		return 0;
	buf_drop(&h->plain, h->plain.n);
	escape_plain(&h->plain, str_utf8_head(line, TAIL_BYTES / 4));
	line = buf_get(&h->plain);
	h->false_alarm = str_find(line, STR(EVALUATOR_FALSE_ALARM)) >= 0;
	h->one_attribute |= evaluator_gave_up(line);
	if (h->tail.n + line.n + 1 > TAIL_BYTES)
		buf_drop(&h->tail, h->tail.n + line.n + 1 - TAIL_BYTES);
	buf_str(&h->tail, line);
	buf_putc(&h->tail, '\n');
	if (str_find(line, STR("error:")) >= 0 && h->n_errors++ < ERROR_LINES) {
		buf_str(&h->errors, line);
		buf_putc(&h->errors, '\n');
	}
	return 0;
}

/* The evaluator's own words: what ours says last of a limit; else the last error, else the first ones, else the end. */
struct str
hearing_words(const struct hearing *h)
{
	static const char own[] = "\nekaci eval-jobs: ", root[] = "the root does not evaluate";
	struct str tail = str_trim(buf_get(&h->tail)), last = saying_last(tail), rest = tail;
	ptrdiff_t at;

	while ((at = str_find(rest, str_of(own))) >= 0)
		rest = str_from(rest, (size_t)at + sizeof(own) - 1);
	if (rest.p != tail.p && !str_starts(rest, str_of(root)))
		return rest;
	if (str_starts(last, STR("error:")))
		return last;
	return h->errors.n > 0 ? str_trim(buf_get(&h->errors)) : tail;
}

void
hearing_judge(struct hearing *h, const struct child_result *end)
{
	struct evaluating *r = h->r;
	struct str words = str_utf8_head(hearing_words(h), 900);
	size_t n = h->rows->all.n;
	bool ok = end->end == CHILD_EXITED && end->code == 0;

	if (end->end == CHILD_EXITED && h->false_alarm && evaluator_false_alarm(r->ev, end->code) && n > 0)
		ok = true;
	switch (end->end) {
	case CHILD_TIMED_OUT:
		eval_rows_incomplete(h->rows, "not done after %lld s (%zu attributes so far)", (long long)(r->wall_ms / 1000),
		    n);
		break;
	case CHILD_SIGNALED:
		eval_rows_incomplete(h->rows, "the evaluator was killed by signal %d: " STR_FMT, end->code, STR_ARG(words));
		break;
	case CHILD_EXITED:
		if (!ok) {
			if (!h->rows->incomplete)
				(void)unknown_of(words, &h->rows->root);
			h->rows->ask_own |= h->one_attribute && !h->rows->incomplete && !r->ev->built_in;
			eval_rows_incomplete(h->rows, STR_FMT "%sexit code %d", STR_ARG(words), words.n > 0 ? "\n" : "",
			    end->code);
		}
		break;
	case CHILD_SILENT:
	case CHILD_STOPPED:
	case CHILD_CANCELLED: eval_rows_incomplete(h->rows, "stopped"); break;
	}
}
