/* The stage: one job in, the outputs asked for out. */
#include "report/report.h"

#include "records/list.h"
#include "report/attribute_checks.h"
#include "report/checks.h"
#include "report/document.h"
#include "report/failing.h"
#include "report/how.h"
#include "report/html.h"
#include "report/labels.h"
#include "report/ladder.h"
#include "report/run_page.h"
#include "report/words.h"
#include "support/base/map.h"
#include "support/os/files.h"

#include <string.h>

enum {
	MAX_DOCUMENT_BYTES = 1024 * 1024 * 1024, /* as the difference it is made of */
	SCREEN_LINES = 20,                       /* of each list in the text: what is more is counted */
	SCREEN_COLUMNS = 80,
	MAX_REVIEWERS = 100
};

struct rendering {
	struct model m;
	struct verdict v;
	struct labels labels;     /* of what was compared, when somebody wants them */
	struct buf changed_paths; /* likewise */
	bool has_labels;
	struct record_out *out;
};

static bool
wants(const struct report_job *job, const char *format)
{
	for (size_t i = 0; i < job->formats.n; i++)
		if (strcmp(job->formats.p[i], format) == 0)
			return true;
	return false;
}

static int
emit_checks(struct rendering *o, struct err *e)
{
	struct attribute_checks each;
	struct check_run check;

	if (checks_evaluation(&o->m, &o->v, &check, e) != 0 || record_put(o->out, &check_run_fields, &check, e) != 0 ||
	    checks_rebuilds(&o->m, &o->v, &check, e) != 0 || record_put(o->out, &check_run_fields, &check, e) != 0)
		return -1;
	attribute_checks_of(&o->m, &each);
	for (size_t i = 0; i < each.n; i++)
		if (record_put(o->out, &check_run_fields, &each.p[i], e) != 0)
			return -1;
	return 0;
}

static int
emit_how(struct rendering *o, struct err *e)
{
	const struct report_how how = how_of(&o->m);

	return record_put(o->out, &report_how_fields, &how, e);
}

static int
emit_comment(struct rendering *o, struct err *e)
{
	AUTO(buf_release) struct buf body = {0};

	buf_init(&body, LADDER_MAX_BYTES + 1);
	if (ladder_render(&o->m, &o->v, "report/comment.md", &body, e) != 0)
		return -1;
	const struct report_comment comment = {body.p};
	return record_put(o->out, &report_comment_fields, &comment, e);
}

/* Into a file when the job has a folder for them: a large report is then nobody's to carry from one process to another. */
static int
emit_document(struct rendering *o, const char *format, const char *file, struct buf *body, struct err *e)
{
	const char *dir = o->m.job->documents_dir;
	const struct report_document record = {format, dir != NULL ? file : NULL, dir != NULL ? NULL : body->p};

	if (body->over)
		return fail(e, ERR_LIMIT, "the %s report grew over %d bytes", format, MAX_DOCUMENT_BYTES);
	if (dir != NULL && files_write(arena_printf(&o->m.a, "%s/%s", dir, file), buf_get(body), 0640, FILES_NO_SYNC, e) != 0)
		return -1;
	return record_put(o->out, &report_document_fields, &record, e);
}

static int
emit_text(struct rendering *o, struct err *e)
{
	AUTO(buf_release) struct buf body = {0}, text = {0};
	struct limits limits = limits_asked(&o->m);

	/* A terminal has nothing to fold: what was broken before is counted, and only a few of it are named. */
	limits.folded = 5;
	limits.listed = limits.listed < SCREEN_LINES ? limits.listed : SCREEN_LINES;
	limits.followers = true;

	buf_init(&text, MAX_DOCUMENT_BYTES);
	buf_init(&body, MAX_DOCUMENT_BYTES);
	if (ladder_render_whole(&o->m, &o->v, "report/report.txt", o->m.job->colour, &limits, &text, e) != 0)
		return -1;
	words_wrap(&body, buf_get(&text), SCREEN_COLUMNS);
	return emit_document(o, "text", "report.txt", &body, e);
}

static int
emit_markdown(struct rendering *o, struct err *e)
{
	AUTO(buf_release) struct buf body = {0};
	struct limits limits = limits_none();

	buf_init(&body, MAX_DOCUMENT_BYTES);
	if (ladder_render_whole(&o->m, &o->v, "report/report.md", false, &limits, &body, e) != 0)
		return -1;
	return emit_document(o, "markdown", "report.md", &body, e);
}

static int
emit_json(struct rendering *o, struct err *e)
{
	AUTO(buf_release) struct buf body = {0};

	buf_init(&body, MAX_DOCUMENT_BYTES);
	document_json(&o->m, &o->v, o->has_labels ? &o->labels.wanted : NULL, &body);
	return emit_document(o, "json", "report.json", &body, e);
}

static int
emit_html(struct rendering *o, struct err *e)
{
	AUTO(buf_release) struct buf body = {0};

	buf_init(&body, MAX_DOCUMENT_BYTES);
	if (html_report(&o->m, &o->v, &body, e) != 0)
		return -1;
	return emit_document(o, "html", "report.html", &body, e);
}

static int
emit_page(struct rendering *o, struct err *e)
{
	return run_page_write(&o->m, &o->v, e);
}

static int
emit_failures(struct rendering *o, struct err *e)
{
	AUTO(buf_release) struct buf body = {0};

	buf_init(&body, MAX_DOCUMENT_BYTES);
	if (failures_json(&o->m, &o->v, &body, e) != 0)
		return -1;
	return emit_document(o, "failures", "failures.json", &body, e);
}

static int
emit_changed_paths(struct rendering *o, struct err *e)
{
	/* Nothing was compared, or not all: no counts that somebody labels by, not even zero. */
	if (!o->has_labels || o->m.untold > 0)
		return 0;
	return emit_document(o, "changed-paths", "changed-paths.json", &o->changed_paths, e);
}

static int
emit_labels(struct rendering *o, struct err *e)
{
	const struct report_labels record = {o->labels.wanted, o->labels.known};

	return o->has_labels ? record_put(o->out, &report_labels_fields, &record, e) : 0;
}

/* Each once, in the order of what they look after. */
static int
emit_reviewers(struct rendering *o, struct err *e)
{
	struct report_reviewers record = {0};
	struct map there = {0};

	list_clear(&o->m.a, &record.logins);
	for (size_t i = 0; i < o->m.n_attrs && o->m.outcome == OUTCOME_COMPARED; i++) {
		const struct changed_attr *at = &o->m.attrs[i];
		const struct package_meta *meta = model_meta(at->is->base);
		if (at->alias || !model_is_root(at))
			continue;
		record.roots++;
		for (size_t k = 0; meta != NULL && k < meta->maintainers.n; k++) {
			bool added;
			map_add(&there, str_of(meta->maintainers.p[k]), &added);
			if (added && record.logins.n < MAX_REVIEWERS)
				list_add(&o->m.a, &record.logins, meta->maintainers.p[k]);
		}
	}
	map_release(&there);
	return record.roots > 0 ? record_put(o->out, &report_reviewers_fields, &record, e) : 0;
}

static const struct {
	const char *format;
	int (*emit)(struct rendering *o, struct err *e);
} emitters[] = {
    {"checks", emit_checks},
    {"comment", emit_comment},
    {"text", emit_text},
    {"markdown", emit_markdown},
    {"json", emit_json},
    {"html", emit_html},
    {"page", emit_page},
    {"failures", emit_failures},
    {"changed-paths", emit_changed_paths},
    {"labels", emit_labels},
    {"reviewers", emit_reviewers},
    {"how", emit_how},
};

static int
check_formats(const struct report_job *job, struct err *e)
{
	for (size_t i = 0; i < job->formats.n; i++) {
		size_t k = 0;
		while (k < COUNT(emitters) && strcmp(job->formats.p[i], emitters[k].format) != 0)
			k++;
		if (k == COUNT(emitters))
			return fail(e, ERR_INPUT, "job: no such format: %s", job->formats.p[i]);
	}
	return 0;
}

static int
emit_all(struct rendering *o, const struct report_job *job, struct err *e)
{
	const struct report_verdict verdict = {conclusion_name(o->v.conclusion), o->v.title, o->v.exit};

	for (size_t i = 0; i < COUNT(emitters); i++)
		if (wants(job, emitters[i].format) && emitters[i].emit(o, e) != 0)
			return -1;
	return record_put(o->out, &report_verdict_fields, &verdict, e);
}

int
report_stage(struct arena *a, const void *job_, struct record_out *out, struct err *e)
{
	const struct report_job *job = job_;
	struct rendering o = {.out = out};

	(void)a; /* the model has its own, and is the last to be released */
	if (check_formats(job, e) != 0 || model_init(&o.m, job, e) != 0)
		return -1;
	verdict_of(&o.m, &o.v);
	buf_init(&o.changed_paths, MAX_DOCUMENT_BYTES);
	o.has_labels =
	    o.m.outcome == OUTCOME_COMPARED && (wants(job, "labels") || wants(job, "changed-paths") || wants(job, "json"));
	if (o.has_labels)
		labels_of(&o.m, &o.labels, &o.changed_paths);
	int rc = emit_all(&o, job, e);
	buf_release(&o.changed_paths);
	model_release(&o.m);
	return rc;
}
