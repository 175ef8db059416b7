/* How far a pull request is. */
#include "bot/situation.h"
#include "bot/standing.h"

#include "store/desired.h"
#include "store/overview.h"
#include "support/base/log.h"
#include "support/text/escape.h"
#include "walk/trust.h"

#include <inttypes.h>
#include <string.h>

enum { MAX_TEXT = 16 * 1024 };

struct situation {
	struct arena *a;
	const struct situation_of *of;
	const struct run *run;
	struct view_tally builds;
	int64_t before;  /* runs to be compared, or builds to begin, before its own; -1: not known */
	int64_t left_ms; /* until its builds are done; 0: nobody can tell */
	struct wish_check *checks;
	size_t n_checks;
};

/* By how long such builds took before: what the machines here need for all of them, as far as they are open. */
static int64_t
left_ms(struct arena *a, const struct run *r, const struct view_tally *t)
{
	struct query query = {0};
	int64_t all_ms = 0, known = 0;
	struct err e;

	if (r->query == NULL || t->all == 0 || fields_read(&query_fields, a, str_of(r->query), "query", &query, &e) != 0)
		return 0;
	for (size_t i = 0; i < query.estimate.n; i++) {
		const struct estimate_of *of = &query.estimate.p[i].of;
		all_ms = of->finish_ms > all_ms ? of->finish_ms : all_ms;
		known += of->known;
	}
	return known > 0 ? all_ms / t->all * t->open : 0;
}

static int
look(struct situation *s, struct err *e)
{
	struct store *store = s->of->p->store;
	const struct run *r = s->run;
	bool builds = run_state_phase(r->state) == PHASE_BUILDING;

	if (view_run_tally(store, r->id, &s->builds, e) != 0 ||
	    store_checks_wanted(store, s->a, s->of->repo->id, r->head, &s->checks, &s->n_checks, e) != 0)
		return -1;
	s->before = -1;
	s->left_ms = builds ? left_ms(s->a, r, &s->builds) : 0;
	if (builds && s->builds.open > s->builds.at_work)
		return schedule_before(flow_schedule(s->of->flow), s->of->repo->id, s->of->number, &s->before, e);
	return run_state_phase(r->state) == PHASE_EVALUATING ? view_runs_before(store, r->id, &s->before, e) : 0;
}

static const char *
span(struct arena *a, int64_t ms)
{
	if (ms < 60 * 1000)
		return "less than a minute";
	if (ms < 90 * 60 * 1000)
		return arena_printf(a, "about %" PRId64 " min", (ms + 30 * 1000) / (60 * 1000));
	return arena_printf(a, "about %" PRId64 " h", (ms + 30 * 60 * 1000) / (60 * 60 * 1000));
}

/* "34 of 200 builds done, 2 failed" */
static const char *
builds_done(struct arena *a, const struct view_tally *t)
{
	const char *done =
	    arena_printf(a, "%" PRId64 " of %" PRId64 " %s done", t->all - t->open, t->all, t->all == 1 ? "build" : "builds");

	return t->failed > 0 ? arena_printf(a, "%s, %" PRId64 " failed", done, t->failed) : done;
}

/* The line that is not folded; it stands in HTML. */
static const char *
headline(const struct situation *s)
{
	struct arena *a = s->a;
	const char *doing = run_state_doing(s->run->state), *text = doing;

	if (s->run->held != NULL)
		text = "waiting for an approval";
	else if (s->run->ended != 0 && s->run->title != NULL)
		text = arena_printf(a, "%s: %s", doing, escape_dup(a, ESCAPE_MARKDOWN, str_of(s->run->title)));
	else if (s->builds.all > 0)
		text = arena_printf(a, "%s: %s%s%s", doing, builds_done(a, &s->builds), s->left_ms > 0 ? ", " : "",
		    s->left_ms > 0 ? arena_printf(a, "%s left", span(a, s->left_ms)) : "");
	else if (s->before > 0)
		text = arena_printf(a, "%s, with %" PRId64 " before it", doing, s->before);
	return arena_printf(a, "%c%s", text[0] >= 'a' && text[0] <= 'z' ? text[0] - 'a' + 'A' : text[0], text + 1);
}

static void
add_checks(const struct situation *s, struct buf *out)
{
	if (s->n_checks == 0)
		return;
	buf_puts(out, "| check | stands | says |\n|---|---|---|\n");
	for (size_t i = 0; i < s->n_checks; i++) {
		const struct wish_check *c = &s->checks[i];
		if (!standing_is_whole(c->name))
			continue;
		const char *stands = c->conclusion != NULL ? c->conclusion : c->status != NULL ? c->status : "";
		buf_puts(out, "| ");
		escape_code(out, str_of(c->name));
		buf_puts(out, " | ");
		for (; *stands != '\0'; stands++)
			buf_putc(out, *stands == '_' ? ' ' : *stands);
		buf_puts(out, " | ");
		escape_add(out, ESCAPE_MARKDOWN, str_of(c->title));
		buf_puts(out, " |\n");
	}
	buf_putc(out, '\n');
}

static void
add_builds(const struct situation *s, struct buf *out)
{
	const struct view_tally *t = &s->builds;

	if (t->all == 0)
		return;
	buf_printf(out, "- Builds: %s", builds_done(s->a, t));
	if (t->open > 0)
		buf_printf(out, "; %" PRId64 " at work, %" PRId64 " to begin", t->at_work, t->open - t->at_work);
	buf_puts(out, ".\n");
	if (t->open == 0)
		return;
	if (s->left_ms > 0)
		buf_printf(out, "- Estimate: %s left, by how long such builds took before.\n", span(s->a, s->left_ms));
	else
		buf_puts(out, "- Estimate: none, for nothing like it was built here before.\n");
}

static void
add_place(const struct situation *s, struct buf *out)
{
	bool builds = run_state_phase(s->run->state) == PHASE_BUILDING;
	const char *one = builds ? "build begins" : "other change is compared",
	           *many = builds ? "builds begin" : "other changes are compared";

	if (s->before > 0)
		buf_printf(out, "- Queue: %" PRId64 " %s before %s.\n", s->before, s->before == 1 ? one : many,
		    builds ? "its next one" : "it");
	else if (s->before == 0)
		buf_puts(out, builds ? "- Queue: the next build that begins is its own.\n" : "- Queue: it is its turn.\n");
}

static const char *
whole(const struct situation *s)
{
	const struct situation_of *of = s->of;
	const struct run *r = s->run;
	const char *url = web_link(s->a, of->p->web, of->repo, of->number, "/run/%" PRId64, r->id);
	const char *why = r->held != NULL ? r->held : r->waiting;
	AUTO(buf_release) struct buf out;

	buf_init(&out, MAX_TEXT);
	buf_printf(&out, "<details><summary>%s</summary>\n\nRun [%" PRId64 "](%s) of `%.10s`: %s.\n\n", headline(s), r->id, url,
	    r->head, run_state_doing(r->state));
	add_checks(s, &out);
	add_builds(s, &out);
	add_place(s, &out);
	if (why != NULL) {
		buf_puts(&out, "- Waiting: ");
		escape_add(&out, ESCAPE_MARKDOWN, str_of(why));
		buf_puts(&out, ".\n");
	}
	buf_puts(&out, "\n</details>");
	return out.over ? "How far it is does not fit into a comment." : str_dup(s->a, buf_get(&out));
}

const char *
situation_text(struct arena *a, const struct situation_of *of)
{
	const char *waits = of->pr->head != NULL ? trust_waits(of->p->settings, of->pr) : NULL;
	struct situation s = {.a = a, .of = of};
	struct run r;
	struct err e;
	int rc = store_run_of(of->p->store, a, of->repo->id, of->number, false, &r, &e);

	s.run = &r;
	if (rc == 0)
		rc = look(&s, &e);
	if (rc < 0) {
		log_err(LOG_ERROR, "command", &e);
		return "How far it is could not be read just now.";
	}
	if (rc == 0)
		return whole(&s);
	return waits == NULL
	           ? "Nothing has been done for this pull request yet."
	           : arena_printf(a,
	                 "Nothing has been done for this pull request: %s. `/ekaci eval` has it evaluated all the same.",
	                 waits);
}
