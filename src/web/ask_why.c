/* A worker explains while the answer waits. */
#include "web/ask_why.h"

#include "records/all.h"
#include "records/array.h"
#include "records/reporting.h"
#include "store/run.h"
#include "support/base/log.h"
#include "support/text/escape.h"
#include "support/text/template.h"
#include "web/beside.h"
#include "web/page_data.h"
#include "web/show.h"
#include "worker/pool.h"

#include <string.h>

struct whys {
	struct loop *l;
	struct server *server;
	struct waiting_why *first;
	bool ended;
};

/* One answer under way. It goes when both its worker and its reader are gone. */
struct waiting_why {
	struct waiting_why *next;
	struct whys *of; /* NULL: the server is gone */
	struct worker *worker;
	struct MHD_Connection *mhd; /* NULL: its reader is gone */
	bool suspended, working;
	struct buf before, body;      /* the page up to the explanation; all of it */
	struct arena a;               /* of what the worker says */
	const struct explanation *is; /* NULL: nothing was said */
	const char *wrong;
};

static void
drop_when_done(struct waiting_why *w)
{
	if (w->working || w->mhd != NULL)
		return;
	struct waiting_why **at = w->of != NULL ? &w->of->first : NULL;
	while (at != NULL && *at != w)
		at = &(*at)->next;
	if (at != NULL)
		*at = w->next;
	buf_release(&w->before);
	buf_release(&w->body);
	arena_release(&w->a);
	mem_free(&w);
}

static void
resume(struct waiting_why *w)
{
	if (!w->suspended)
		return;
	w->suspended = false;
	MHD_resume_connection(w->mhd);
}

static void
on_record(void *ctx, struct str line)
{
	struct waiting_why *w = ctx;
	struct record rec;
	struct err e;

	if (record_read(&w->a, line, &rec, &e) != 0)
		log_err(LOG_WARN, "why", &e);
	else if (rec.of == &explanation_fields)
		w->is = rec.is;
}

/* A version, a name, an input: what differs says it all. */
static bool
says_all(const char *what)
{
	static const char *const words[] = {"version ", "name ", "input ", "system "};

	for (size_t i = 0; i < COUNT(words); i++)
		if (strncmp(what, words[i], strlen(words[i])) == 0)
			return true;
	return false;
}

static struct values *
difference_data(struct arena *a, const struct explained_difference *is)
{
	struct values *o = values_new(a);
	bool shown = !says_all(is->what);

	page_set(o, "what", is->what);
	values_flag(o, "shown", shown);
	if (!shown)
		return o;
	beside_put(a, is->base, is->head, o);
	page_set(o, "base_size", is->base != NULL ? show_bytes(a, (int64_t)strlen(is->base)) : "none");
	page_set(o, "head_size", is->head != NULL ? show_bytes(a, (int64_t)strlen(is->head)) : "none");
	return o;
}

/* The place on the page of a pair of derivations; NULL when it is not there. */
static const char *
place_of(struct arena *a, const struct explained_derivations *all, const char *head)
{
	for (size_t i = 0; i < all->n; i++)
		if (strcmp(all->p[i].head, head) == 0)
			return arena_printf(a, "d%zu", i + 1);
	return NULL;
}

/* "/nix/store/HASH-curl-8.1.drv": curl-8.1. */
static const char *
plain_name(struct arena *a, const char *drv)
{
	const char *stem = page_drv_stem(a, drv), *name = strchr(stem, '-');

	return name != NULL ? name + 1 : stem;
}

static struct values *
derivation_data(struct arena *a, const struct explained_derivations *all, const struct explained_derivation *is)
{
	struct value_list *differences = value_list_new(a), *inputs = value_list_new(a);
	struct values *o = values_new(a);

	page_set(o, "name", plain_name(a, is->head));
	page_set(o, "place", place_of(a, all, is->head));
	page_set(o, "base_drv", is->base);
	page_set(o, "head_drv", is->head);
	values_flag(o, "itself", is->kind != NULL && strcmp(is->kind, "root") == 0);
	values_flag(o, "stays", is->same_outputs);
	for (size_t i = 0; i < is->differences.n; i++)
		value_list_group(differences, difference_data(a, &is->differences.p[i]));
	for (size_t i = 0; i < is->inputs.n; i++) {
		struct values *input = values_new(a);
		page_set(input, "input", plain_name(a, is->inputs.p[i].head));
		page_set(input, "to", place_of(a, all, is->inputs.p[i].head));
		value_list_group(inputs, input);
	}
	values_list(o, "differences", differences);
	values_list(o, "inputs", inputs);
	values_flag(o, "has_inputs", inputs->n > 0);
	return o;
}

/* What has come, behind what stands before it. */
static void
finish(struct waiting_why *w)
{
	struct values *data = values_new(&w->a);
	struct err e;

	buf_init(&w->body, PAGE_MAX_BYTES);
	buf_str(&w->body, buf_get(&w->before));
	struct value_list *derivations = value_list_new(&w->a);
	for (size_t i = 0; w->is != NULL && i < w->is->derivations.n; i++)
		value_list_group(derivations, derivation_data(&w->a, &w->is->derivations, &w->is->derivations.p[i]));
	values_list(data, "derivations", derivations);
	values_text(data, "text", w->is != NULL ? str_dup(&w->a, str_trim(str_of(w->is->text))) : "");
	values_text(data, "wrong", w->wrong != NULL ? w->wrong : "");
	values_flag(data, "cut", w->is != NULL && w->is->cut);
	if (template_render("why-end.html", data, &w->body, &e) != 0)
		log_err(LOG_ERROR, "why", &e);
}

static void
on_end(void *ctx, const struct err *end, int64_t outside_ms)
{
	struct waiting_why *w = ctx;

	(void)outside_ms;
	w->working = false;
	w->worker = NULL;
	if (w->is == NULL)
		w->wrong = end->kind != ERR_NONE ? fields_clean(&w->a, str_of(end->msg)) : "nothing was said";
	if (w->of != NULL && w->mhd != NULL) {
		struct server *server = w->of->server;
		finish(w);
		resume(w);
		server_pump(server);
		return;
	}
	drop_when_done(w);
}

/* libmicrohttpd asks for at most max more bytes. */
static ssize_t
give(void *ctx, uint64_t at, char *out, size_t max)
{
	struct waiting_why *w = ctx;

	if (w->working) {
		if (w->of == NULL || w->of->ended)
			return MHD_CONTENT_READER_END_WITH_ERROR;
		w->suspended = true;
		MHD_suspend_connection(w->mhd);
		return 0;
	}
	if (at >= w->body.n)
		return MHD_CONTENT_READER_END_OF_STREAM;
	size_t n = w->body.n - (size_t)at < max ? w->body.n - (size_t)at : max;
	memcpy(out, w->body.p + at, n);
	return (ssize_t)n;
}

static void
forget(void *ctx)
{
	struct waiting_why *w = ctx;

	w->mhd = NULL;
	w->suspended = false;
	if (w->worker != NULL)
		worker_cancel(w->worker);
	drop_when_done(w);
}

struct whys *
whys_new(struct loop *l)
{
	struct whys *w = mem_alloc(sizeof(*w));

	*w = (struct whys){.l = l};
	return w;
}

void
whys_serve(struct whys *w, struct server *server)
{
	w->server = server;
}

void
whys_end(struct whys *w)
{
	if (w == NULL)
		return;
	w->ended = true;
	for (struct waiting_why *one = w->first; one != NULL; one = one->next)
		resume(one);
}

void
whys_free(struct whys *w)
{
	if (w == NULL)
		return;
	for (struct waiting_why *one = w->first, *next; one != NULL; one = next) {
		next = one->next;
		one->of = NULL;
	}
	mem_free(&w);
}

static int
make_job(struct page *p, int64_t run, const char *name, const char **ret, struct err *e)
{
	struct explain_job job = {.attrs = {(const char *[]){name}, 1}, .max_bytes = WHY_MAX_BYTES, .apart = true};
	struct run r;
	char *line;

	if (store_run_get(p->w->s, p->a, run, &r, e) != 0 ||
	    array_read_records(&evaluation_fields, p->a, r.evaluations, "evaluations", &job.evaluations, e) != 0)
		return -1;
	if (r.difference == NULL)
		return fail(e, ERR_ABSENT, "nothing was compared");
	job.difference = r.difference;
	if (fields_line(&explain_job_fields, p->a, &job, &line, e) != 0)
		return -1;
	*ret = line;
	return 0;
}

static size_t
at_work(const struct whys *of)
{
	size_t n = 0;

	for (const struct waiting_why *w = of->first; w != NULL; w = w->next)
		n += w->working;
	return n;
}

int
why_answer(struct page *p, int64_t run, const char *name, struct values *data, struct err *e)
{
	struct whys *of = p->w->whys;
	const char *line;

	if (at_work(of) >= WHY_AT_ONCE)
		return fail(e, ERR_BUSY, "others are being explained");
	if (make_job(p, run, name, &line, e) != 0)
		return -1;
	struct waiting_why *w = mem_alloc(sizeof(*w));
	*w = (struct waiting_why){.of = of, .next = of->first, .mhd = p->mhd, .working = true};
	buf_init(&w->before, PAGE_MAX_BYTES);
	const struct worker_events events = {on_record, on_end, w};
	of->first = w;
	if (template_render("why.html", data, &w->before, e) != 0 ||
	    worker_start(of->l, "explain", str_of(line), &events, &w->worker, e) != 0) {
		w->working = false;
		w->mhd = NULL;
		drop_when_done(w);
		return -1;
	}
	p->response = MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, 16 * 1024, give, w, forget);
	if (p->response == NULL) {
		forget(w);
		return fail(e, ERR_SYSTEM, "libmicrohttpd cannot make a response");
	}
	return 0;
}
