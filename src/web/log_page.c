/* A build's log as a page. */
#include "web/log_page.h"

#include "formats/log_file.h"
#include "records/build_state.h"
#include "records/page_told.h"
#include "support/os/packed.h"
#include "support/text/template.h"
#include "web/build_log.h"
#include "web/log_html.h"
#include "web/page_data.h"
#include "web/show.h"

#include <inttypes.h>
#include <string.h>
#include <strings.h>

enum {
	ROWS = 1000,             /* of a page */
	ROWS_BYTES = 512 * 1024, /* read for one */
	FIND_BYTES = 1 << 20,    /* looked through for one answer: some 20 ms */
	FIND_ROWS = 200,
	FIND_TEXT = 200,
	MAX_TOLD = 5 /* runs at the top */
};

/* What the address asks for. */
struct log_asked {
	int64_t from, to, find_from;
	const char *find, *part;
	bool no_wrap, folds_given;
	bool folded[LOG_MAX_PHASES];
};

struct shown {
	struct page *p;
	const struct log_file *f;
	const struct log_asked *asked;
	struct buf *out;
	struct log_colour colour;
	int64_t left, until; /* rows; the line that is not shown any more */
	int64_t last;
	size_t phase; /* the next to begin */
};

static const char *
argument(struct page *p, const char *name)
{
	return MHD_lookup_connection_value(p->mhd, MHD_GET_ARGUMENT_KIND, name);
}

static int64_t
number_of(struct page *p, const char *name, int64_t otherwise)
{
	const char *text = argument(p, name);
	int64_t n;

	return text != NULL && str_to_i64(str_of(text), &n) == 0 && n > 0 ? n : otherwise;
}

/* The last line of a phase; those of the last one go on to the end. */
static int64_t
phase_end(const struct log_file *f, size_t i)
{
	return i + 1 < f->n_phases ? f->phases[i + 1].line - 1 : INT64_MAX;
}

/* The phase of a line; n_phases before the first. */
static size_t
phase_at(const struct log_file *f, int64_t line)
{
	size_t i = f->n_phases;

	while (i > 0 && f->phases[i - 1].line > line)
		i--;
	return i > 0 ? i - 1 : f->n_phases;
}

/* Where somebody looks first: the phase that failed, the others closed. */
static void
fold_by_itself(const struct log_file *f, bool failed, struct log_asked *ret)
{
	size_t open = f->error > 0 ? phase_at(f, f->error) : f->n_phases - 1;

	for (size_t i = 0; failed && i < f->n_phases; i++)
		ret->folded[i] = i != open;
}

static void
read_asked(struct page *p, const struct log_file *f, bool failed, struct log_asked *ret)
{
	const char *folds = argument(p, "fold"), *wrap = argument(p, "wrap");
	struct str rest = str_of(folds);
	int64_t n;

	*ret = (struct log_asked){.from = number_of(p, "from", 1),
	    .to = number_of(p, "to", INT64_MAX),
	    .find_from = number_of(p, "find_from", 1),
	    .find = argument(p, "find"),
	    .part = argument(p, "part"),
	    .no_wrap = wrap != NULL && strcmp(wrap, "off") == 0,
	    .folds_given = folds != NULL};
	if (ret->find != NULL && (ret->find[0] == '\0' || strlen(ret->find) > FIND_TEXT))
		ret->find = NULL;
	while (folds != NULL && rest.p != NULL)
		if (str_to_i64(str_cut(rest, ',', &rest), &n) == 0 && n > 0 && (size_t)n <= f->n_phases)
			ret->folded[n - 1] = true;
	if (folds == NULL && f->n_phases > 1)
		fold_by_itself(f, failed, ret);
}

/* --- addresses of the same page --- */

/* "fold=1,3": as asked, with one phase turned over (n_phases: none). */
static const char *
fold_words(struct arena *a, const struct log_file *f, const struct log_asked *asked, size_t turned)
{
	AUTO(buf_release) struct buf b;
	bool any = false;

	buf_init(&b, 8 * LOG_MAX_PHASES);
	for (size_t i = 0; i < f->n_phases; i++) {
		if (asked->folded[i] == (i == turned))
			continue;
		buf_printf(&b, "%s%zu", any ? "," : "", i + 1);
		any = true;
	}
	return str_dup(a, any ? buf_get(&b) : STR("0"));
}

/* The query of the page from a line on. */
static const char *
query(struct page *p, const struct log_file *f, const struct log_asked *asked, int64_t from, size_t turned)
{
	bool folds = asked->folds_given || turned < f->n_phases;

	return arena_printf(p->a, "?from=%" PRId64 "%s%s%s%s%s", from, folds ? "&fold=" : "",
	    folds ? fold_words(p->a, f, asked, turned) : "", asked->no_wrap ? "&wrap=off" : "", p->key != NULL ? "&key=" : "",
	    p->key != NULL ? escape_dup(p->a, ESCAPE_URL, str_of(p->key)) : "");
}

/* --- rows --- */

static void
put_phase(struct shown *s, size_t i, int64_t at)
{
	const struct log_phase *phase = &s->f->phases[i];
	bool closed = s->asked->folded[i];
	int64_t end = phase_end(s->f, i) < s->f->lines ? phase_end(s->f, i) : s->f->lines;

	buf_printf(s->out,
	    "<h2 class=\"phase\" id=\"%s%" PRId64 "\"><a class=\"fold\" aria-expanded=\"%s\" role=\"button\" href=\"",
	    at == phase->line ? "L" : "P", at, closed ? "false" : "true");
	escape_add(s->out, ESCAPE_HTML, str_of(query(s->p, s->f, s->asked, phase->line, i)));
	buf_puts(s->out, "\">");
	escape_add(s->out, ESCAPE_HTML, str_of(phase->name));
	buf_printf(s->out, "</a> <small>%s %" PRId64 " line%s</small></h2>\n", at > phase->line ? "goes on," : "",
	    end - phase->line + 1, end == phase->line ? "" : "s");
}

static int
on_line(void *ctx, const struct log_line *l)
{
	struct shown *s = ctx;

	if (!l->shown) {
		log_html_line(&s->colour, l->text, NULL);
		return 0;
	}
	s->last = l->number;
	if (s->phase < s->f->n_phases && s->f->phases[s->phase].line == l->number) {
		put_phase(s, s->phase++, l->number);
	} else {
		buf_printf(s->out, "<div class=\"l%s\" id=\"L%" PRId64 "\"><a href=\"#L%" PRId64 "\">%" PRId64 "</a><span>",
		    l->number == s->f->error ? " err" : "", l->number, l->number, l->number);
		log_html_line(&s->colour, l->text, s->out);
		buf_puts(s->out,
		    l->cut ? " <em>… the line goes on; it is whole in the download</em></span></div>\n" : "</span></div>\n");
	}
	return --s->left <= 0 || l->number + 1 >= s->until;
}

/* Rows from a line on; *ret_next: the line of the next, 0 at the end. */
static int
put_rows(struct page *p, struct log_file *f, const struct log_asked *asked, struct buf *out, int64_t *ret_next, struct err *e)
{
	struct shown s = {.p = p, .f = f, .asked = asked, .out = out, .left = ROWS};
	int64_t at = asked->from;
	int rc = 0;

	while (rc == 0 && at != 0 && at < asked->to && s.left > 0 && (at <= f->lines || f->more)) {
		size_t in = phase_at(f, at), fold = in < f->n_phases ? in + 1 : 0;
		if (in < f->n_phases && asked->folded[in]) {
			put_phase(&s, in, at);
			s.left--;
			at = in + 1 < f->n_phases ? f->phases[in + 1].line : 0;
			continue;
		}
		if (in < f->n_phases && f->phases[in].line < at && at == asked->from)
			put_phase(&s, in, at);
		s.phase = in < f->n_phases && f->phases[in].line == at ? in : fold;
		while (fold < f->n_phases && !asked->folded[fold])
			fold++;
		s.until = fold < f->n_phases && f->phases[fold].line < asked->to ? f->phases[fold].line : asked->to;
		s.colour = (struct log_colour){0};
		s.last = 0;
		rc = log_file_lines(f, at, ROWS_BYTES, on_line, &s, &at, e);
		if (s.last == 0)
			at = 0;
		if (ROWS_BYTES / ROWS * 4 > ROWS_BYTES - (int64_t)out->n) /* long lines: enough for one answer */
			break;
	}
	*ret_next = at < asked->to ? at : 0;
	return rc;
}

/* Where a page begins that ends before a line. */
static int64_t
back(const struct log_file *f, const struct log_asked *asked, int64_t before)
{
	int64_t at = before, rows = ROWS;

	while (rows > 0 && at > 1) {
		size_t in = phase_at(f, at - 1);
		int64_t first = in < f->n_phases ? f->phases[in].line : 1;
		if (in < f->n_phases && asked->folded[in]) {
			at = first;
			rows--;
		} else {
			int64_t n = at - first < rows ? at - first : rows;
			at -= n;
			rows -= n;
		}
	}
	return at;
}

/* --- finding --- */

struct log_finding {
	struct shown s;
	const char *what; /* in small letters */
	size_t n_what;
	struct buf line;
	int64_t found;
};

/* Without a branch: megabytes go through it. */
static char
small(char c)
{
	return (char)(c + ((unsigned char)(c - 'A') < 26) * 32);
}

static int
on_candidate(void *ctx, const struct log_line *l)
{
	struct log_finding *g = ctx;

	if (!l->shown)
		return 0;
	buf_drop(&g->line, g->line.n);
	if (memchr(l->text.p, 0x1b, l->text.n) != NULL)
		escape_plain(&g->line, l->text);
	else
		buf_str(&g->line, l->text);
	for (size_t i = 0; i < g->line.n; i++)
		g->line.p[i] = small(g->line.p[i]);
	if (memmem(g->line.p, g->line.n, g->what, g->n_what) == NULL)
		return 0;
	buf_puts(g->s.out, "<li><a href=\"");
	escape_add(g->s.out, ESCAPE_HTML,
	    str_of(query(g->s.p, g->s.f, g->s.asked, l->number > 10 ? l->number - 10 : 1, g->s.f->n_phases)));
	buf_printf(g->s.out, "#L%" PRId64 "\" data-line=\"%" PRId64 "\">%" PRId64 "</a> <span>", l->number, l->number,
	    l->number);
	struct log_colour none = {0};
	log_html_line(&none, str_utf8_head(l->text, 400), g->s.out);
	buf_puts(g->s.out, "</span></li>\n");
	return ++g->found >= FIND_ROWS;
}

static int
put_found(struct page *p, struct log_file *f, const struct log_asked *asked, struct buf *out, int64_t *ret_n, int64_t *ret_next,
    struct err *e)
{
	char *what = arena_strdup(p->a, asked->find);
	struct log_finding g = {.s = {.p = p, .f = f, .asked = asked, .out = out}, .what = what, .n_what = strlen(what)};

	for (char *c = what; *c != '\0'; c++)
		*c = small(*c);
	buf_init(&g.line, 4 * LOG_LINE);
	int rc = log_file_lines(f, asked->find_from, FIND_BYTES, on_candidate, &g, ret_next, e);
	buf_release(&g.line);
	*ret_n = g.found;
	return rc;
}

/* --- the page --- */

static const char *
html_of(struct page *p, struct buf *b)
{
	return str_dup(p->a, buf_get(b));
}

static void
set_query(struct values *to, const char *name, struct page *p, const struct log_file *f, const struct log_asked *asked,
    int64_t from)
{
	values_text(to, name, from > 0 ? query(p, f, asked, from, f->n_phases) : "");
}

static struct value_list *
phases_data(struct page *p, const struct log_file *f, const struct log_asked *asked)
{
	struct value_list *list = value_list_new(p->a);

	for (size_t i = 0; i < f->n_phases; i++) {
		struct values *o = values_new(p->a);
		struct log_asked opened = *asked;
		opened.folded[i] = false;
		opened.folds_given = asked->folds_given || asked->folded[i];
		page_set(o, "name", f->phases[i].name);
		values_number(o, "line", f->phases[i].line);
		set_query(o, "query", p, f, &opened, f->phases[i].line);
		value_list_group(list, o);
	}
	return list;
}

static int
set_window(struct page *p, struct log_file *f, struct log_asked *asked, struct values *data, struct err *e)
{
	AUTO(buf_release) struct buf rows, found;
	int64_t next = 0, n_found = 0, found_next = 0;
	const char *from = argument(p, "from");

	buf_init(&rows, PAGE_MAX_BYTES);
	buf_init(&found, PAGE_MAX_BYTES);
	if (from != NULL && strcmp(from, "end") == 0)
		asked->from = back(f, asked, f->lines + 1);
	bool only_found = asked->part != NULL && strcmp(asked->part, "found") == 0;
	if (!only_found && put_rows(p, f, asked, &rows, &next, e) != 0)
		return -1;
	if (asked->find != NULL && put_found(p, f, asked, &found, &n_found, &found_next, e) != 0)
		return -1;
	if (rows.over || found.over)
		return fail(e, ERR_LIMIT, "the lines are too long for a page");
	int64_t end = back(f, asked, f->lines + 1), prev = asked->from > 1 ? back(f, asked, asked->from) : 0;
	values_text(data, "rows_html", html_of(p, &rows));
	values_flag(data, "has_rows", rows.n > 0);
	values_number(data, "first", asked->from);
	values_number(data, "next", next);
	values_number(data, "prev", prev);
	set_query(data, "next_query", p, f, asked, next);
	set_query(data, "prev_query", p, f, asked, prev);
	set_query(data, "top_query", p, f, asked, 1);
	set_query(data, "end_query", p, f, asked, end > 0 ? end : 1);
	values_flag(data, "finding", asked->find != NULL);
	page_set(data, "find", asked->find);
	values_text(data, "found_html", html_of(p, &found));
	values_number(data, "found", n_found);
	values_flag(data, "found_one", n_found == 1);
	values_flag(data, "found_none", n_found == 0 && found_next == 0);
	values_number(data, "found_next", found_next);
	const char *more =
	    asked->find != NULL && found_next > 0
	        ? arena_printf(p->a, "%s&find=%s&find_from=%" PRId64, query(p, f, asked, asked->from, f->n_phases),
	              escape_dup(p->a, ESCAPE_URL, str_of(asked->find)), found_next)
	        : "";
	values_text(data, "found_query", more);
	return 0;
}

static void
set_controls(struct page *p, const struct log_file *f, const struct log_asked *asked, struct values *data)
{
	struct log_asked turned = *asked;
	int64_t before = f->error > 5 ? f->error - 5 : 1;
	size_t in = f->error > 0 ? phase_at(f, f->error) : f->n_phases;
	struct log_asked opened = *asked;

	turned.no_wrap = !asked->no_wrap;
	set_query(data, "wrap_query", p, f, &turned, asked->from);
	values_flag(data, "no_wrap", asked->no_wrap);
	if (in < f->n_phases && asked->folded[in]) {
		opened.folded[in] = false;
		opened.folds_given = true;
	}
	values_text(data, "error_query", f->error > 0 ? query(p, f, &opened, before, f->n_phases) : "");
	values_number(data, "error", f->error);
	values_number(data, "lines", f->lines);
	values_flag(data, "one_line", f->lines == 1 && !f->more);
	values_flag(data, "more_lines", f->more);
	values_text(data, "size", f->bytes >= 0 ? show_bytes(p->a, f->bytes) : "");
	values_list(data, "phases", phases_data(p, f, asked));
	values_flag(data, "has_phases", f->n_phases > 1);
	values_text(data, "fold_words", asked->folds_given ? fold_words(p->a, f, asked, f->n_phases) : "");
	page_set(data, "key", p->key);
}

static void
set_head(struct page *p, const struct view_build *b, bool live, struct values *data)
{
	const char *stem = escape_dup(p->a, ESCAPE_URL, str_of(page_drv_stem(p->a, b->drv)));
	const char *suffix = p->key != NULL ? arena_printf(p->a, "?key=%s", escape_dup(p->a, ESCAPE_URL, str_of(p->key))) : "";
	struct value_list *runs = value_list_new(p->a);

	page_set(data, "title", arena_printf(p->a, "Log of %s", b->name));
	page_set(data, "name", b->name);
	page_set(data, "system", b->system);
	page_set(data, "state", page_words(p->a, b->state));
	page_set(data, "tone", build_state_tone(build_state_of(b->state)));
	page_set(data, "reason", b->reason);
	page_set(data, "took", page_duration(p->a, b->wall_ms));
	values_flag(data, "live", live);
	page_set(data, "script", "log.js");
	page_set(data, "drv_path", arena_printf(p->a, "/drv/%s%s", stem, suffix));
	page_set(data, "raw_query", arena_printf(p->a, "%s%sraw=1", suffix, suffix[0] != '\0' ? "&" : "?"));
	page_set(data, "json_path", arena_printf(p->a, "/log/%s.drv.json%s", stem, suffix));
	for (size_t i = 0; i < p->n_runs && i < MAX_TOLD; i++) {
		struct values *o = values_new(p->a);
		page_set(o, "path", show_path(p, &p->runs[i], arena_printf(p->a, "/run/%" PRId64, p->runs[i].id)));
		page_set(o, "of",
		    arena_printf(p->a, "%s/%s %s", p->runs[i].repository.owner, p->runs[i].repository.name,
		        page_run_of(p->a, &p->runs[i])));
		value_list_group(runs, o);
	}
	values_list(data, "runs", runs);
}

static bool
has_failed(const struct view_build *b)
{
	enum build_state state = build_state_of(b->state);

	return !build_state_is_open(state) && state != BUILD_BUILT && state != BUILD_CACHED;
}

/* There is no file: the lines that the database has. */
static int
page_of_tail(struct page *p, const struct view_build *b, bool live, struct err *e)
{
	AUTO(buf_release) struct buf rows;
	struct values *data = values_new(p->a);
	struct log_colour colour = {0};

	buf_init(&rows, PAGE_MAX_BYTES);
	for (struct str rest = str_of(b->tail), line; b->tail != NULL && rest.p != NULL;) {
		line = str_cut(rest, '\n', &rest);
		buf_puts(&rows, "<div class=\"l\"><span>");
		log_html_line(&colour, line, &rows);
		buf_puts(&rows, "</span></div>\n");
	}
	set_head(p, b, false, data);
	values_text(data, "rows_html", html_of(p, &rows));
	values_flag(data, "has_rows", b->tail != NULL);
	values_flag(data, "not_begun", live);
	values_flag(data, "gone", !live);
	if (live)
		p->refresh = "3";
	return template_render("log.html", data, &p->body, e);
}

static int
page_of_file(struct page *p, const struct view_build *b, struct log_file *f, bool live, struct err *e)
{
	struct values *data = values_new(p->a);
	struct log_asked asked;

	read_asked(p, f, has_failed(b), &asked);
	set_head(p, b, live, data);
	values_flag(data, "file", true);
	if (set_window(p, f, &asked, data, e) != 0)
		return -1;
	set_controls(p, f, &asked, data);
	const char *name = asked.part == NULL                 ? "log.html"
	                   : strcmp(asked.part, "rows") == 0  ? "log-rows.html"
	                   : strcmp(asked.part, "found") == 0 ? "log-found.html"
	                                                      : "log.html";
	return template_render(name, data, &p->body, e);
}

/* --- for programs --- */

struct told_lines {
	struct arena *a;
	VEC(struct log_line_told) v;
};

static int
on_told(void *ctx, const struct log_line *l)
{
	AUTO(buf_release) struct buf plain = {0};
	struct told_lines *t = ctx;

	if (!l->shown)
		return 0;
	buf_init(&plain, 2 * LOG_LINE);
	escape_plain(&plain, l->text);
	vec_push(&t->v, ((struct log_line_told){l->number, fields_clean(t->a, buf_get(&plain)), l->cut}));
	return t->v.n >= ROWS;
}

static int
json_of(struct page *p, const struct view_build *b, struct log_file *f, bool live, struct err *e)
{
	struct log_told told = {.name = show_clean(p->a, b->name),
	    .system = show_clean(p->a, b->system),
	    .drv = b->drv,
	    .state = b->state,
	    .reason = show_clean(p->a, b->reason),
	    .live = live,
	    .bytes = -1};
	struct told_lines t = {.a = p->a};
	int64_t from = number_of(p, "from", f != NULL && f->error > 20 && argument(p, "from") == NULL ? f->error - 20 : 1);
	int rc = 0;

	if (f != NULL) {
		told.lines = f->lines;
		told.bytes = f->bytes;
		told.error = f->error;
		told.phases.p = arena_alloc(p->a, (f->n_phases + 1) * sizeof(*told.phases.p));
		for (size_t i = 0; i < f->n_phases; i++)
			told.phases.p[told.phases.n++] = (struct log_phase_told){f->phases[i].name, f->phases[i].line};
		rc = log_file_lines(f, from, ROWS_BYTES, on_told, &t, &told.next, e);
	} else {
		for (struct str rest = str_of(b->tail), line; b->tail != NULL && rest.p != NULL;) {
			line = str_cut(rest, '\n', &rest);
			vec_push(&t.v, ((struct log_line_told){0, show_clean(p->a, str_dup(p->a, line)), false}));
		}
	}
	told.text.p = arena_dup(p->a, t.v.p, t.v.n * sizeof(*t.v.p));
	told.text.n = t.v.n;
	vec_release(&t.v);
	return rc == 0 ? page_json(p, &log_told_fields, &told, e) : rc;
}

static int
markdown_of(struct page *p, const struct view_build *b, struct err *e)
{
	struct values *data = values_new(p->a);
	AUTO(buf_release) struct buf block;

	buf_init(&block, PAGE_MAX_BYTES);
	escape_block(&block, str_of(b->tail), "");
	set_head(p, b, false, data);
	values_text(data, "tail_md", b->tail != NULL ? html_of(p, &block) : "");
	return page_markdown(p, "pages/log.md", data, e);
}

int
page_log(struct page *p, struct err *e)
{
	const struct view_build b = p->build;
	bool live = build_state_is_open(build_state_of(b.state));
	AUTO(log_file_close) struct log_file f = {0};
	enum page_form form = page_form(p, PAGE_TEXT);
	struct err none;

	p->varies = true;
	if (argument(p, "raw") != NULL)
		return log_raw(p, e);
	if (form == PAGE_EVENTS)
		return log_events(p, e);
	if (form == PAGE_MARKDOWN)
		return markdown_of(p, &b, e);
	if (form == PAGE_TEXT)
		return log_text(p, e);
	bool there = log_file_open(p->a, log_path(p, &b), &f, &none) == 0;
	if (!there && !live && b.tail == NULL)
		return fail(e, ERR_ABSENT, "no log");
	if (form == PAGE_JSON)
		return json_of(p, &b, there ? &f : NULL, live, e);
	return there ? page_of_file(p, &b, &f, live, e) : page_of_tail(p, &b, live, e);
}
