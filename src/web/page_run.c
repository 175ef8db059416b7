/* The page of a run, which is its report; and the files behind it. */
#include "web/pages.h"

#include "records/build_state.h"
#include "records/run_state.h"
#include "store/derivation.h"
#include "support/os/files.h"
#include "support/text/template.h"
#include "web/ask_why.h"
#include "web/filter.h"
#include "web/history.h"
#include "web/measures.h"
#include "web/page_data.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

enum {
	MAX_EVENTS = 200,
	MAX_PART_BYTES = 4 << 20,
	MAX_BUILDING = 12,
	MAX_BUILDS = 200,
	MAX_NEAR = 50,
	MAX_ALIKE = 30,
	MAX_ALIKE_RUNS = 20
};

/* The files of a run: STATE/runs/ID/NAME. */
struct run_file {
	const char *name, *type, *says; /* says: of a document, what it is for people */
	/* Sent from its file; from those that stand packed beside it; or read and packed here. */
	enum { PLAIN, PACKED, SMALL } how;
};
static const struct run_file run_files[] = {
    {"report.md", "text/markdown; charset=utf-8", "Markdown", PLAIN},
    {"report.json", "application/json", "JSON", PLAIN},
    {"changed-paths.json", "application/json", "changed-paths.json of nixpkgs", PLAIN},
    {"rows.json", "application/json", NULL, PACKED},
    {"states.txt", "text/plain; charset=utf-8", NULL, SMALL},
};

static const char *
run_file(struct page *p, int64_t id, const char *name)
{
	return arena_printf(p->a, "%s/runs/%lld/%s", p->w->state_dir, (long long)id, name);
}

/* Each file as it is now: another that is put in its place has another number, or other times. */
void
hangs_on_run(struct page *p, struct buf *key)
{
	DIR *d = opendir(run_file(p, p->runs[0].id, ""));
	const struct dirent *one;
	struct stat st;

	while (d != NULL && (one = readdir(d)) != NULL)
		if (fstatat(dirfd(d), one->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0)
			buf_printf(key, "%s %llu %lld %lld.%09ld %lld.%09ld;", one->d_name, (unsigned long long)st.st_ino,
			    (long long)st.st_size, (long long)st.st_mtim.tv_sec, st.st_mtim.tv_nsec,
			    (long long)st.st_ctim.tv_sec, st.st_ctim.tv_nsec);
	if (d != NULL)
		closedir(d);
}

/* 1 when there is one that can be read: a run of before, or one without a comparison, has none. */
static int
open_table(struct page *p, int64_t id, struct table_map *ret, struct err *e)
{
	if (table_open(run_file(p, id, "table.bin"), ret, e) == 0)
		return 1;
	return e->kind == ERR_ABSENT || e->kind == ERR_INPUT ? 0 : -1;
}

static int
put_part(struct page *p, const struct view_run *r, const char *name, const char *key, struct values *data, struct err *e)
{
	struct str text;

	int rc = files_read(p->a, run_file(p, r->id, name), MAX_PART_BYTES, &text, e);
	if (rc == 0)
		values_text(data, key, text.p);
	return rc == 0 || e->kind == ERR_ABSENT ? 0 : -1;
}

static int
put_events(struct page *p, const struct view_run *r, struct values *data, struct err *e)
{
	struct value_list *list = value_list_new(p->a);
	struct view_event *events;
	size_t n;

	if (view_run_events(p->w->s, p->a, r->id, MAX_EVENTS, &events, &n, e) != 0)
		return -1;
	for (size_t i = 0; i < n; i++) {
		struct values *o = values_new(p->a);
		page_set(o, "at", page_utc(p->a, events[i].at_ms));
		page_set(o, "to", page_words(p->a, events[i].to));
		page_set(o, "why", events[i].why);
		value_list_group(list, o);
	}
	values_list(data, "events", list);
	return 0;
}

/* What one machine builds for this run just now; which NULL: what is at work nobody knows where. */
static struct value_list *
builds_on(struct page *p, const struct view_run *r, const struct view_build *builds, size_t n, const char *which)
{
	struct value_list *list = value_list_new(p->a);

	for (size_t i = 0; i < n && i < MAX_BUILDING; i++) {
		if (!str_same(builds[i].builder, which))
			continue;
		struct values *o = page_build_data(p, &builds[i], page_suffix(p, &r->repository, r->number));
		page_set(o, "usual", page_duration(p->a, builds[i].usual_ms));
		value_list_group(list, o);
	}
	return list;
}

/* By machine: how far it is, and what it builds for this run just now, what began first. */
static int
put_building(struct page *p, const struct view_run *r, struct values *data, struct err *e)
{
	struct value_list *list = value_list_new(p->a);
	struct view_builder *builders;
	struct view_build *builds;
	size_t n, n_builders;

	if (r->ended_ms != 0)
		return 0;
	if (view_run_building(p->w->s, p->a, r->id, MAX_BUILDING + 1, &builds, &n, e) != 0 ||
	    view_run_builders(p->w->s, p->a, r->id, &builders, &n_builders, e) != 0)
		return -1;
	for (size_t i = 0; i < n_builders; i++) {
		struct values *o = values_new(p->a);
		page_set(o, "builder", builders[i].name);
		values_number(o, "at_work", builders[i].at_work);
		values_number(o, "done", builders[i].ended);
		values_list(o, "builds", builds_on(p, r, builds, n, builders[i].name));
		value_list_group(list, o);
	}
	values_list(data, "builders", list);
	values_list(data, "building_now", builds_on(p, r, builds, n, NULL));
	values_flag(data, "building_more", n > MAX_BUILDING);
	return 0;
}

/* A run of an earlier version has no table: its counts and builds stand for it. */
static int
put_builds(struct page *p, const struct view_run *r, struct values *data, struct err *e)
{
	struct value_list *list = value_list_new(p->a);
	struct view_build *builds;
	int64_t total;
	size_t n;

	if (view_run_builds(p->w->s, p->a, r->id, MAX_BUILDS, &builds, &n, &total, e) != 0)
		return -1;
	for (size_t i = 0; i < n; i++)
		value_list_group(list, page_build_data(p, &builds[i], page_suffix(p, &r->repository, r->number)));
	values_list(data, "counts", page_counts_data(p->a, r->counts));
	values_flag(data, "has_builds", n > 0);
	values_list(data, "builds", list);
	values_number(data, "builds_total", total);
	if (total > (int64_t)n)
		values_number(data, "builds_left_out", total - (int64_t)n);
	return 0;
}

static void
put_documents(struct page *p, const struct view_run *r, struct values *data)
{
	struct value_list *documents = value_list_new(p->a);
	const char *suffix = page_suffix(p, &r->repository, r->number);

	for (size_t i = 0; i < COUNT(run_files); i++) {
		if (run_files[i].says == NULL || !files_exist(run_file(p, r->id, run_files[i].name)))
			continue;
		struct values *document = values_new(p->a);
		page_set(document, "name", run_files[i].says);
		page_set(document, "path", arena_printf(p->a, "/run/%lld/%s%s", (long long)r->id, run_files[i].name, suffix));
		value_list_group(documents, document);
	}
	values_flag(data, "has_documents", documents->n > 0);
	values_list(data, "documents", documents);
}

int
page_run(struct page *p, struct err *e)
{
	const struct view_run r = p->runs[0];
	struct values *data = page_run_data(p, &r);
	AUTO(table_close) struct table_map table = {0};

	page_set(data, "title",
	    arena_printf(p->a, "%s/%s %s, run %lld", r.repository.owner, r.repository.name, page_run_of(p->a, &r),
	        (long long)r.id));
	values_text(data, "script", "run.js");
	values_flag(data, "live", r.ended_ms == 0);
	page_set(data, "again", r.ended_ms == 0 ? "5" : "");
	put_documents(p, &r, data);
	if (put_part(p, &r, "above.html", "above_html", data, e) != 0 ||
	    put_part(p, &r, "below.html", "below_html", data, e) != 0 || put_building(p, &r, data, e) != 0 ||
	    put_events(p, &r, data, e) != 0)
		return -1;
	int rc = open_table(p, r.id, &table, e);
	if (rc < 0)
		return -1;
	const struct table_asked asked = table_asked(p);
	if (rc > 0)
		table_data(p, &table, &asked, r.id, data);
	else if (put_builds(p, &r, data, e) != 0)
		return -1;
	return template_render("run.html", data, &p->body, e);
}

/* libmicrohttpd sends the file from its descriptor, as fast as the reader takes it. */
static int
send_file(struct page *p, const char *path, struct err *e)
{
	AUTO(fd_close) int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;

	if (fd < 0)
		return errno == ENOENT ? fail(e, ERR_ABSENT, "no such document") : fail_sys(e, "%s", path);
	if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))
		return fail(e, ERR_SYSTEM, "%s is no file", path);
	p->response = MHD_create_response_from_fd((size_t)st.st_size, fd);
	if (p->response == NULL)
		return fail(e, ERR_SYSTEM, "libmicrohttpd cannot make a response");
	p->etag = arena_printf(p->a, "W/\"%llx-%llx-%llx\"", (unsigned long long)st.st_mtim.tv_sec,
	    (unsigned long long)st.st_mtim.tv_nsec, (unsigned long long)st.st_size);
	fd = -1;
	return 0;
}

static int
send_text(struct page *p, const char *path, struct err *e)
{
	struct str text;

	if (files_read(p->a, path, MAX_PART_BYTES, &text, e) != 0)
		return -1;
	buf_str(&p->body, text);
	return 0;
}

/* A document of an earlier version carries its style within it; its script does not run, and everything is there without. */
static const char old_document_csp[] = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none';"
                                       " frame-ancestors 'none'; sandbox";

/* Links that were given out before the run's page was its report lead to that page, or to the document that is there still. */
static int
old_report(struct page *p, struct err *e)
{
	const struct view_run *r = &p->runs[0];
	const char *path = run_file(p, r->id, "report.html");

	p->csp = old_document_csp;
	if (!files_exist(run_file(p, r->id, "above.html")) && files_exist(path))
		return send_file(p, path, e);
	p->status = 303;
	p->location = arena_printf(p->a, "/run/%lld%s", (long long)r->id, page_suffix(p, &r->repository, r->number));
	return 0;
}

int
page_run_file(struct page *p, struct err *e)
{
	const char *encoding = page_encoding(p->mhd);

	if (str_is(p->params[1], "report.html"))
		return old_report(p, e);
	for (size_t i = 0; i < COUNT(run_files); i++) {
		const struct run_file *f = &run_files[i];
		if (!str_is(p->params[1], f->name))
			continue;
		const char *path = run_file(p, p->runs[0].id, f->name);
		p->type = f->type;
		p->csp = old_document_csp;
		if (f->how == PACKED && encoding != NULL) {
			p->encoding = encoding;
			path = arena_printf(p->a, "%s.%s", path, strcmp(encoding, "zstd") == 0 ? "zst" : "gz");
		}
		return f->how == SMALL ? send_text(p, path, e) : send_file(p, path, e);
	}
	return fail(e, ERR_ABSENT, "no such document");
}

/* --- a derivation ------------------------------------------------------------------------------------------------- */

static void
put_run_of(struct page *p, const struct view_run *r, struct values *data)
{
	const char *suffix = page_suffix(p, &r->repository, r->number);

	page_set(data, "of_run_path", arena_printf(p->a, "/run/%lld%s", (long long)r->id, suffix));
	page_set(data, "of_run",
	    arena_printf(p->a, "%s/%s %s, run %lld", r->repository.owner, r->repository.name, page_run_of(p->a, r),
	        (long long)r->id));
	page_set(data, "of_title", r->pr_title);
}

/* The row of a derivation in a run's table; UINT32_MAX: none. */
static uint32_t
row_of(const struct table_map *t, const char *stem)
{
	for (uint32_t i = 0; i < t->head->n_rows; i++)
		if (strcmp(table_text(t, t->rows[i].drv), stem) == 0)
			return i;
	return UINT32_MAX;
}

static struct values *
near_data(struct page *p, const struct near_build *b, const char *suffix)
{
	struct values *o = values_new(p->a);
	enum build_state state = build_state_of(b->state);

	page_set(o, "near_name", b->name);
	page_set(o, "near_path",
	    arena_printf(p->a, "/drv/%s%s", escape_dup(p->a, ESCAPE_URL, str_of(page_drv_stem(p->a, b->drv))), suffix));
	page_set(o, "near_state", build_state_words(state));
	page_set(o, "near_tone", build_state_tone(state));
	page_set(o, "near_took", page_duration(p->a, b->wall_ms));
	page_set(o, "near_ended", page_utc(p->a, b->ended_ms));
	return o;
}

/* What it needs and what needs it, of what this run wants built. */
static int
put_near(struct page *p, const struct view_run *r, enum near_which which, struct values *data, struct err *e)
{
	static const char *const keys[][2] = {{"needs", "needs_left"}, {"needed_by", "needed_by_left"}};
	struct value_list *list = value_list_new(p->a);
	struct near_builds near = {0};

	if (view_build_near(p->w->s, p->a, p->build.id, r->id, which, MAX_NEAR, &near, e) != 0)
		return -1;
	for (size_t i = 0; i < near.n; i++)
		value_list_group(list, near_data(p, &near.p[i], page_suffix(p, &r->repository, r->number)));
	values_list(data, keys[which][0], list);
	if (near.total > (int64_t)near.n)
		values_number(data, keys[which][1], near.total - (int64_t)near.n);
	return 0;
}

/* How builds of this name went before, each with the newest run that wanted it; those of runs that may not be seen are left out. */
static int
put_alike(struct page *p, struct values *data, struct err *e)
{
	struct value_list *list = value_list_new(p->a);
	struct near_builds alike = {0};

	if (view_build_alike(p->w->s, p->a, p->build.id, MAX_ALIKE, &alike, e) != 0)
		return -1;
	for (size_t i = 0; i < alike.n; i++) {
		struct view_run *runs;
		size_t n, k = 0;
		if (view_build_runs(p->w->s, p->a, alike.p[i].id, MAX_ALIKE_RUNS, &runs, &n, e) != 0)
			return -1;
		while (k < n && !page_may_see(p, &runs[k]))
			k++;
		if (k == n)
			continue;
		const char *suffix = page_suffix(p, &runs[k].repository, runs[k].number);
		struct values *o = near_data(p, &alike.p[i], suffix);
		page_set(o, "near_run", page_run_of(p->a, &runs[k]));
		page_set(o, "near_run_path", arena_printf(p->a, "/run/%lld%s", (long long)runs[k].id, suffix));
		values_flag(o, "near_this", alike.p[i].id == p->build.id);
		value_list_group(list, o);
	}
	values_list(data, "alike", list);
	return 0;
}

/* 1 with p->build, when there is one that a run wants whose pages may be seen. */
static int
find_seen_build(struct page *p, const char *drv, struct err *e)
{
	struct view_build build;
	size_t n;

	*e = (struct err){0};
	if (view_build(p->w->s, p->a, drv, &build, e) != 0)
		return -1;
	if (view_build_runs(p->w->s, p->a, build.id, MAX_BUILDS, &p->runs, &n, e) != 0)
		return -1;
	p->n_runs = 0;
	for (size_t i = 0; i < n; i++)
		if (page_may_see(p, &p->runs[i]))
			p->runs[p->n_runs++] = p->runs[i];
	if (p->n_runs > 0)
		p->build = build;
	return p->n_runs > 0;
}

/* The build of a derivation when there is one; with what it needs, what needs it, and what else was called so. */
static int
put_build(struct page *p, const struct view_run *r, const char *stem, struct values *data, struct err *e)
{
	const char *suffix = page_suffix(p, &r->repository, r->number);
	const char *drv = arena_printf(p->a, "%s/%s.drv", p->w->store_dir, stem);

	page_set(data, "drv", drv);
	if (p->build.id == 0 && find_seen_build(p, drv, e) <= 0)
		return e->kind == ERR_ABSENT || e->kind == ERR_NONE ? 0 : -1;
	values_group(data, "build", page_build_data(p, &p->build, suffix));
	if (put_near(p, r, NEAR_NEEDS, data, e) != 0 || put_near(p, r, NEAR_NEEDED_BY, data, e) != 0)
		return -1;
	return put_alike(p, data, e);
}

static int
derivation_page(struct page *p, const struct view_run *r, const struct table_map *t, uint32_t row, const char *stem,
    struct err *e)
{
	struct values *data = values_new(p->a);
	const struct view_run run = *r;
	const char *name = p->build.name;

	r = &run; /* p->runs may become those that want the build */
	put_run_of(p, r, data);
	if (row != UINT32_MAX) {
		table_row_data(p, t, row, r->id, data);
		name = table_text(t, t->rows[row].name);
	}
	if (*stem != '\0' && put_build(p, r, stem, data, e) != 0)
		return -1;
	const char *drv = arena_printf(p->a, "%s/%s.drv", p->w->store_dir, stem);
	if (*stem != '\0' && measures_put(p, run.id, drv, data, e) != 0)
		return -1;
	if (history_put(p, &run.repository, data, e) != 0)
		return -1;
	page_set(data, "title", name);
	page_set(data, "heading", name);
	values_list(data, "runs", page_runs_data(p, p->runs, p->n_runs));
	if (row != UINT32_MAX && *stem != '\0' && *table_text(t, t->rows[row].base_drv) != '\0')
		page_set(data, "why_path",
		    arena_printf(p->a, "/run/%lld/row/%u/why%s", (long long)r->id, row,
		        page_suffix(p, &r->repository, r->number)));
	return template_render("drv.html", data, &p->body, e);
}

/* The row that the address names, in the table of its run. */
static int
find_row(struct page *p, struct table_map *t, uint32_t *ret, struct err *e)
{
	int64_t row;

	if (str_to_i64(p->params[1], &row) != 0 || row < 0)
		return fail(e, ERR_ABSENT, "no such row");
	int rc = open_table(p, p->runs[0].id, t, e);
	if (rc <= 0 || row >= (int64_t)t->head->n_rows)
		return rc < 0 ? -1 : fail(e, ERR_ABSENT, "no such row");
	*ret = (uint32_t)row;
	return 0;
}

int
page_row(struct page *p, struct err *e)
{
	AUTO(table_close) struct table_map t = {0};
	uint32_t row;

	if (find_row(p, &t, &row, e) != 0)
		return -1;
	return derivation_page(p, &p->runs[0], &t, row, arena_strdup(p->a, table_text(&t, t.rows[row].drv)), e);
}

int
page_why(struct page *p, struct err *e)
{
	const struct view_run r = p->runs[0];
	AUTO(table_close) struct table_map t = {0};
	struct values *data = values_new(p->a);
	uint32_t row;

	if (find_row(p, &t, &row, e) != 0)
		return -1;
	const char *name = arena_strdup(p->a, table_text(&t, t.rows[row].name));
	put_run_of(p, &r, data);
	page_set(data, "title", arena_printf(p->a, "Why %s differs", name));
	page_set(data, "name", name);
	page_set(data, "row_path",
	    arena_printf(p->a, "/run/%lld/row/%u%s", (long long)r.id, row, page_suffix(p, &r.repository, r.number)));
	page_set(data, "drv", table_text(&t, t.rows[row].drv));
	page_set(data, "base_drv", table_text(&t, t.rows[row].base_drv));
	return why_answer(p, r.id, name, data, e);
}

int
page_drv(struct page *p, struct err *e)
{
	const char *stem = page_drv_stem(p->a, p->build.drv);
	AUTO(table_close) struct table_map t = {0};

	/* As the newest run that wants it, and may be seen, has it. */
	int rc = open_table(p, p->runs[0].id, &t, e);
	if (rc < 0)
		return -1;
	return derivation_page(p, &p->runs[0], &t, rc > 0 ? row_of(&t, stem) : UINT32_MAX, stem, e);
}
