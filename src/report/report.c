/* The stage: one job in, the outputs asked for out. */
#include "report/report.h"

#include "report/checks.h"
#include "report/document.h"
#include "report/html.h"
#include "report/labels.h"
#include "report/ladder.h"
#include "report/words.h"
#include "support/os/files.h"

#include <string.h>

enum {
	MAX_DOCUMENT_BYTES = 1024 * 1024 * 1024, /* as the difference it is made of */
	SCREEN_LINES = 20,                       /* of each list in the text: what is more is counted */
	SCREEN_COLUMNS = 80
};

struct outputs {
	struct model m;
	struct verdict v;
	struct labels labels;
	struct record_out *out;
};

static bool
wants(const json_t *job, const char *format)
{
	const json_t *formats = json_object_get(job, "formats");

	for (size_t i = 0; i < json_array_size(formats); i++) {
		const char *name = json_string_value(json_array_get(formats, i));
		if (name != NULL && strcmp(name, format) == 0)
			return true;
	}
	return false;
}

static int
check_formats(const json_t *job, struct err *e)
{
	static const char *const known[] = {"checks", "comment", "text", "markdown", "json", "html", "labels", "changed-paths"};
	const json_t *formats = json_object_get(job, "formats");

	if (!json_is_array(formats))
		return fail(e, ERR_INPUT, "job: no array formats");
	for (size_t i = 0; i < json_array_size(formats); i++) {
		const char *name = json_string_value(json_array_get(formats, i));
		size_t k = 0;
		while (k < COUNT(known) && (name == NULL || strcmp(name, known[k]) != 0))
			k++;
		if (k == COUNT(known))
			return fail(e, ERR_INPUT, "job: no such format: %s", name != NULL ? name : "(no text)");
	}
	return 0;
}

static int
emit_checks(struct outputs *o, struct err *e)
{
	json_t *rec;

	if (checks_evaluation(&o->m, &o->v, &rec, e) != 0)
		return -1;
	record_emit(o->out, rec);
	if (checks_rebuilds(&o->m, &o->v, &rec, e) != 0)
		return -1;
	record_emit(o->out, rec);
	return 0;
}

static int
emit_comment(struct outputs *o, struct err *e)
{
	AUTO(buf_release) struct buf body = {0};

	buf_init(&body, LADDER_MAX_BYTES + 1);
	if (ladder_render(&o->m, &o->v, "report/comment.md", &body, e) != 0)
		return -1;
	record_emit(o->out, json_pack("{s:s,s:o}", "type", "comment", "body", json_any_string(buf_get(&body))));
	return 0;
}

/* Into a file when the job has a folder for them: a large report is then nobody's to carry from one process to another. */
static int
emit_document(struct outputs *o, const char *format, const char *file, struct buf *body, struct err *e)
{
	const char *dir = json_str(o->m.job, "documents_dir", NULL);
	json_t *rec = json_pack("{s:s,s:s}", "type", "document", "format", format);

	if (body->over) {
		json_decref(rec);
		return fail(e, ERR_LIMIT, "the %s report grew over %d bytes", format, MAX_DOCUMENT_BYTES);
	}
	if (dir != NULL && files_write(arena_printf(&o->m.a, "%s/%s", dir, file), buf_get(body), 0640, FILES_NO_SYNC, e) != 0) {
		json_decref(rec);
		return -1;
	}
	if (dir != NULL)
		json_object_set_new(rec, "file", json_string(file));
	else
		json_object_set_new(rec, "body", json_any_string(buf_get(body)));
	record_emit(o->out, rec);
	return 0;
}

static int
emit_text(struct outputs *o, struct err *e)
{
	AUTO(buf_release) struct buf body = {0}, text = {0};
	struct limits limits = view_limits(&o->m);

	/* A terminal has nothing to fold: what was broken before is counted, and only a few of it are named. */
	limits.folded = 5;
	limits.listed = limits.listed < SCREEN_LINES ? limits.listed : SCREEN_LINES;
	limits.followers = true;

	buf_init(&text, MAX_DOCUMENT_BYTES);
	buf_init(&body, MAX_DOCUMENT_BYTES);
	if (ladder_render_whole(&o->m, &o->v, "report/report.txt", json_flag(o->m.job, "colour", false), &limits, &text, e) !=
	    0)
		return -1;
	words_wrap(&body, buf_get(&text), SCREEN_COLUMNS);
	return emit_document(o, "text", "report.txt", &body, e);
}

static int
emit_markdown(struct outputs *o, struct err *e)
{
	AUTO(buf_release) struct buf body = {0};
	struct limits limits = view_no_limits();

	buf_init(&body, MAX_DOCUMENT_BYTES);
	if (ladder_render_whole(&o->m, &o->v, "report/report.md", false, &limits, &body, e) != 0)
		return -1;
	return emit_document(o, "markdown", "report.md", &body, e);
}

static int
emit_json(struct outputs *o, struct err *e)
{
	AUTO(buf_release) struct buf body = {0};

	buf_init(&body, MAX_DOCUMENT_BYTES);
	document_json(&o->m, &o->v, o->labels.wanted, &body);
	return emit_document(o, "json", "report.json", &body, e);
}

static int
emit_html(struct outputs *o, struct err *e)
{
	AUTO(buf_release) struct buf body = {0};

	buf_init(&body, MAX_DOCUMENT_BYTES);
	if (html_report(&o->m, &o->v, &body, e) != 0)
		return -1;
	return emit_document(o, "html", "report.html", &body, e);
}

static int
emit_changed_paths(struct outputs *o, struct err *e)
{
	AUTO(buf_release) struct buf body = {0};

	/* Nothing was compared, or not all: no counts that somebody labels by, not even zero. */
	if (o->labels.changed_paths == NULL || o->m.untold > 0)
		return 0;
	buf_init(&body, MAX_DOCUMENT_BYTES);
	json_write(o->labels.changed_paths, &body);
	buf_putc(&body, '\n');
	return emit_document(o, "changed-paths", "changed-paths.json", &body, e);
}

static int
emit_labels(struct outputs *o, struct err *e)
{
	(void)e;
	if (o->labels.wanted != NULL)
		record_emit(o->out,
		    json_pack("{s:s,s:O,s:O}", "type", "labels", "wanted", o->labels.wanted, "known", o->labels.known));
	return 0;
}

static const struct {
	const char *format;
	int (*emit)(struct outputs *o, struct err *e);
} emitters[] = {
    {"checks", emit_checks},
    {"comment", emit_comment},
    {"text", emit_text},
    {"markdown", emit_markdown},
    {"json", emit_json},
    {"html", emit_html},
    {"changed-paths", emit_changed_paths},
    {"labels", emit_labels},
};

int
report_stage(const json_t *job, struct record_out *out, struct err *e)
{
	struct outputs o = {.out = out};
	int rc = 0;

	if (check_formats(job, e) != 0 || model_init(&o.m, job, e) != 0)
		return -1;
	verdict_of(&o.m, &o.v);
	if (o.m.outcome == OUTCOME_COMPARED && (wants(job, "labels") || wants(job, "changed-paths") || wants(job, "json")))
		labels_of(&o.m, &o.labels);
	for (size_t i = 0; i < COUNT(emitters) && rc == 0; i++)
		if (wants(job, emitters[i].format))
			rc = emitters[i].emit(&o, e);
	if (rc == 0)
		record_emit(out, json_pack("{s:s,s:s?,s:s,s:i}", "type", "verdict", "conclusion",
		                     conclusion_name(o.v.conclusion), "title", o.v.title, "exit", o.v.exit));
	labels_release(&o.labels);
	model_release(&o.m);
	return rc;
}
