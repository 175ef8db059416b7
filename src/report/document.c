/* report.json. */
#include "report/document.h"

#include "report/cost.h"
#include "report/first_told.h"
#include "support/text/jscan.h"
#include "support/text/json.h"

static void
name(struct buf *out, const char *name)
{
	buf_printf(out, ",\"%s\":", name);
}

static void
text(struct buf *out, const char *s)
{
	if (s != NULL)
		json_quote(str_of(s), out);
	else
		buf_puts(out, "null");
}

/* JSON as it was given, or null. */
static void
member(struct buf *out, const char *key, struct str json)
{
	name(out, key);
	if (json.p != NULL)
		json_compact(json, out);
	else
		buf_puts(out, "null");
}

static void
write_check(struct buf *out, const char *key, const struct check *c)
{
	buf_printf(out, "\"%s\":{\"status\":\"%s\",\"conclusion\":", key, c->status);
	text(out, conclusion_name(c->conclusion));
	name(out, "title");
	text(out, c->title);
	buf_putc(out, '}');
}

static void
write_tally(struct buf *out, const struct tally *t)
{
	const struct {
		const char *name;
		int64_t n;
	} members[] = {
	    {"total", t->total},
	    {"ended", t->ended},
	    {"targets", t->targets},
	    {"built", t->built},
	    {"cached", t->cached},
	    {"newly_failing", t->newly},
	    {"newly_failing_dependency", t->newly_blocked},
	    {"still_failing", t->still},
	    {"still_failing_dependency", t->still_blocked},
	    {"unknown", t->unknown},
	    {"infrastructure", t->infrastructure},
	    {"cancelled", t->cancelled},
	    {"unsupported", t->unsupported},
	    {"not_asked_for", t->unasked},
	};

	for (size_t i = 0; i < COUNT(members); i++)
		buf_printf(out, "%s\"%s\":%lld", i == 0 ? "{" : ",", members[i].name, (long long)members[i].n);
	buf_putc(out, '}');
}

/* The builds of the job as texts, by their places in m->facts.builds. */
static struct str *
build_texts(struct model *m)
{
	struct str all = str_of(m->job->builds), *texts = arena_alloc(&m->a, (m->facts.builds.n + 1) * sizeof(*texts)), key;
	struct jscan s = {all.p, all.n, 0};
	size_t n = 0;
	bool escaped;

	if (m->facts.builds.n == 0 || jscan_open(&s, '{') != 0)
		return texts;
	while (jscan_more(&s, '}', &n) == 1 && n <= m->facts.builds.n)
		if (jscan_raw_string(&s, &key, &escaped) != 0 || jscan_colon(&s) != 0 || jscan_value(&s, &texts[n - 1]) != 0)
			break;
	return texts;
}

/* The difference's own attributes, each with its build as its last member. */
static void
write_attributes(struct model *m, struct buf *out)
{
	const struct str *builds = build_texts(m);

	buf_putc(out, '[');
	for (size_t i = 0; i < m->n_attrs; i++) {
		const struct changed_attr *at = &m->attrs[i];
		struct map_entry *build = at->build != NULL ? map_get(&m->builds, str_of(at->drv)) : NULL;
		struct str is = str_trim(at->text);
		if (i > 0)
			buf_putc(out, ',');
		json_compact((struct str){is.p, is.n - 1}, out); /* without its brace */
		member(out, "build", build != NULL ? builds[build->value] : (struct str){0});
		buf_putc(out, '}');
	}
	buf_putc(out, ']');
}

/* Jobs without an attribute on either side. */
static void
write_empty(const struct model *m, struct buf *out)
{
	buf_putc(out, '[');
	for (size_t i = 0; i < m->n_empty; i++) {
		const struct empty_job *job = &m->empty[i];
		buf_puts(out, i == 0 ? "{\"job\":" : ",{\"job\":");
		text(out, job->name);
		name(out, "below");
		text(out, job->below);
		name(out, "nothing");
		text(out, job->sentence);
		buf_putc(out, '}');
	}
	buf_putc(out, ']');
}

static void
write_texts(struct buf *out, const struct texts *texts)
{
	if (texts == NULL) {
		buf_puts(out, "null");
		return;
	}
	buf_putc(out, '[');
	for (size_t i = 0; i < texts->n; i++) {
		if (i > 0)
			buf_putc(out, ',');
		text(out, texts->p[i]);
	}
	buf_putc(out, ']');
}

/* A part of the difference as it stands there. */
static struct str
part(const struct model *m, enum difference_part which)
{
	return m->difference != NULL ? difference_text(m->difference, which) : (struct str){0};
}

static void
write_verdict(struct buf *out, const struct verdict *v)
{
	buf_puts(out, ",\"verdict\":{\"conclusion\":");
	text(out, conclusion_name(v->conclusion));
	name(out, "title");
	text(out, v->title);
	buf_printf(out, ",\"exit\":%d},\"checks\":{", v->exit);
	write_check(out, "evaluation", &v->evaluation);
	buf_putc(out, ',');
	write_check(out, "rebuilds", &v->rebuilds);
	buf_putc(out, '}');
}

/* A struct by its table, or null. */
static void
record(struct buf *out, const char *key, const struct fields *of, const void *is)
{
	struct err e;

	name(out, key);
	/* What comes from the repository was read as text before, so it can be written. */
	if (is == NULL || fields_write(of, is, out, &e) != 0)
		buf_puts(out, "null");
}

static void
write_cost(struct model *m, struct buf *out)
{
	struct report_estimated estimated;
	struct report_advice advice;

	record(out, "advice", &report_advice_fields, cost_advice(m, &advice) ? &advice : NULL);
	record(out, "estimated", &report_estimated_fields, cost_estimated(m, &estimated) ? &estimated : NULL);
}

/* What is null unless base and head were compared. */
static void
write_compared(struct model *m, struct buf *out)
{
	bool compared = m->outcome == OUTCOME_COMPARED;
	struct str meta_errors = part(m, DIFFERENCE_META_ERRORS);

	member(out, "counts", part(m, DIFFERENCE_COUNTS));
	name(out, "builds");
	if (compared)
		write_tally(out, &m->tally);
	else
		buf_puts(out, "null");
	member(out, "roots", part(m, DIFFERENCE_ROOTS));
	member(out, "meta_changed", part(m, DIFFERENCE_META_CHANGED));
	if (meta_errors.p != NULL)
		member(out, "meta_errors", meta_errors);
	member(out, "distances", part(m, DIFFERENCE_DISTANCES));
	member(out, "evaluation_costs", part(m, DIFFERENCE_COSTS));
	member(out, "query", m->job->query != NULL ? str_of(m->job->query) : (struct str){0});
	write_cost(m, out);
	name(out, "attributes");
	if (compared)
		write_attributes(m, out);
	else
		buf_puts(out, "null");
}

static struct str
given(const char *json, const char *otherwise)
{
	return str_of(json != NULL ? json : otherwise);
}

/* What was said before, and against the comparison: {said, right, truth}, where there was an answer for every job. */
static void
write_first(struct model *m, struct buf *out)
{
	struct first_check c;

	if (m->job->first == NULL)
		return;
	member(out, "first", str_of(m->job->first));
	if (first_checked(m, &c))
		buf_printf(out, ",\"first_checked\":{\"said\":%lld,\"right\":%lld,\"truth\":%lld}", (long long)c.said,
		    (long long)c.right, (long long)c.truth);
}

void
document_json(struct model *m, const struct verdict *v, const struct texts *labels, struct buf *out)
{
	static const char *const outcomes[] = {"running", "skipped", "failed", "incomplete", "nothing", "compared",
	    "superseded", "cancelled", "held", "unwanted"};

	buf_puts(out, "{\"ekaci_report\":1");
	member(out, "run", str_of(m->job->run));
	buf_printf(out, ",\"phase\":\"%s\",\"outcome\":\"%s\"", phase_words[m->job->phase], outcomes[m->outcome]);
	write_verdict(out, v);
	member(out, "plan", given(m->job->plan, "null"));
	member(out, "evaluations", given(m->job->evaluations, "[]"));
	member(out, "failure", given(m->job->failure, "null"));
	write_first(m, out);
	write_compared(m, out);
	name(out, "labels");
	write_texts(out, labels);
	name(out, "empty");
	write_empty(m, out);
	buf_puts(out, "}\n");
}
