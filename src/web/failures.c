/* Only what fails. */
#include "web/failures.h"

#include "support/os/files.h"
#include "support/text/template.h"
#include "web/page_data.h"

#include <inttypes.h>
#include <string.h>

enum { MAX_FILE = 4 << 20 };

int
failures_read(struct page *p, int64_t run, struct failures_told *ret, struct err *e)
{
	const char *path = arena_printf(p->a, "%s/runs/%" PRId64 "/failures.json", p->w->state_dir, run);

	if (!files_exist(path))
		return fail(e, ERR_ABSENT, "no failures are told of this run");
	return fields_read_file(&failures_told_fields, p->a, path, MAX_FILE, ret, e);
}

static const char *
block(struct page *p, const char *lines)
{
	AUTO(buf_release) struct buf b = {0};

	buf_init(&b, PAGE_MAX_BYTES);
	escape_block(&b, str_of(lines), "");
	return str_dup(p->a, buf_get(&b));
}

static struct value_list *
list_of(struct page *p, const struct failures_told *told, const char *blame)
{
	struct value_list *list = value_list_new(p->a);

	for (size_t i = 0; i < told->failures.n; i++) {
		const struct failure_told *f = &told->failures.p[i];
		if (f->blame == NULL || strcmp(f->blame, blame) != 0)
			continue;
		struct values *o = values_new(p->a);
		page_set(o, "name", f->name);
		page_set(o, "system", f->system);
		page_set(o, "what", f->what != NULL && strcmp(f->what, "build") == 0 ? "build" : "evaluation");
		page_set(o, "state", page_words(p->a, f->state));
		page_set(o, "phase", f->phase);
		page_set(o, "reason", f->reason);
		const char *own = f->log != NULL ? strstr(f->log, "/log/") : NULL;
		page_set(o, "log", own);
		page_set(o, "log_url", f->log);
		page_set(o, "lines", f->lines);
		values_text(o, "lines_md", f->lines != NULL ? block(p, f->lines) : "");
		if (f->blocked > 0)
			values_number(o, "blocked", f->blocked);
		value_list_group(list, o);
	}
	return list;
}

int
page_failures(struct page *p, struct err *e)
{
	const struct view_run *r = &p->runs[0];
	struct failures_told told = {0};
	struct err none = {0};

	(void)page_without_ending(p, str_of(p->pattern));
	bool there = failures_read(p, r->id, &told, &none) == 0;
	if (!there && none.kind != ERR_ABSENT) {
		*e = none;
		return -1;
	}
	enum page_form form = page_form(p, PAGE_HTML);
	if (form == PAGE_JSON && !there)
		return fail(e, ERR_ABSENT, "no failures are told of this run");
	if (form == PAGE_JSON)
		return page_json(p, &failures_told_fields, &told, e);
	struct values *data = page_run_data(p, r);
	struct value_list *newly = list_of(p, &told, "newly_failing"), *unknown = list_of(p, &told, "unknown"),
	                  *still = list_of(p, &told, "still_failing");
	page_set(data, "title",
	    arena_printf(p->a, "Failures of %s/%s %s", r->repository.owner, r->repository.name, page_run_of(p->a, r)));
	page_set(data, "message", told.message);
	values_list(data, "newly", newly);
	values_flag(data, "has_newly", newly->n > 0);
	values_list(data, "unknown", unknown);
	values_flag(data, "has_unknown", unknown->n > 0);
	values_list(data, "still", still);
	values_flag(data, "has_still", still->n > 0);
	values_flag(data, "nothing", there && told.failures.n == 0 && told.message == NULL);
	values_flag(data, "untold", !there);
	if (told.left_out > 0)
		values_number(data, "left_out", told.left_out);
	if (form == PAGE_MARKDOWN || form == PAGE_TEXT)
		return page_markdown(p, "pages/failures.md", data, e);
	return template_render("failures.html", data, &p->body, e);
}
