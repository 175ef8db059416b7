/* report.json. */
#include "report/document.h"

static json_t *
or_null(const json_t *j)
{
	return j != NULL ? json_incref((json_t *)j) : json_null();
}

static json_t *
check_json(const struct check *c)
{
	return json_pack("{s:s,s:s?,s:s}", "status", c->status, "conclusion", conclusion_name(c->conclusion), "title",
	    c->title);
}

static json_t *
tally_json(const struct tally *t)
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
	json_t *j = json_object();

	for (size_t i = 0; i < COUNT(members); i++)
		json_object_set_new(j, members[i].name, json_integer(members[i].n));
	return j;
}

/* Attributes share the difference's values; only the object around them is new. */
static json_t *
attributes_json(const struct model *m)
{
	json_t *list = json_array();

	for (size_t i = 0; i < m->n_attrs; i++) {
		json_t *j = json_copy((json_t *)m->attrs[i].json);
		json_object_set_new(j, "build", or_null(m->attrs[i].build));
		json_array_append_new(list, j);
	}
	return list;
}

/* Jobs without an attribute on either side. */
static json_t *
empty_json(const struct model *m)
{
	json_t *list = json_array();

	for (size_t i = 0; i < m->n_empty; i++) {
		const struct empty_job *job = &m->empty[i];
		json_t *j = json_object();
		json_object_set_new(j, "job", json_any_string(str_of(job->name)));
		json_object_set_new(j, "below", json_any_string(str_of(job->below)));
		json_object_set_new(j, "nothing", job->sentence != NULL ? json_any_string(str_of(job->sentence)) : json_null());
		json_array_append_new(list, j);
	}
	return list;
}

void
document_json(struct model *m, const struct verdict *v, const json_t *labels, struct buf *out)
{
	static const char *const outcomes[] = {"running", "skipped", "failed", "incomplete", "nothing", "compared",
	    "superseded", "cancelled", "held"};
	bool compared = m->outcome == OUTCOME_COMPARED;
	json_t *j = json_pack("{s:i,s:o,s:s,s:s}", "ekaci_report", 1, "run", or_null(m->run), "phase",
	    json_str(m->job, "phase", ""), "outcome", outcomes[m->outcome]);

	json_object_set_new(j, "verdict",
	    json_pack("{s:s?,s:s,s:i}", "conclusion", conclusion_name(v->conclusion), "title", v->title, "exit", v->exit));
	json_object_set_new(j, "checks",
	    json_pack("{s:o,s:o}", "evaluation", check_json(&v->evaluation), "rebuilds", check_json(&v->rebuilds)));
	json_object_set_new(j, "plan", or_null(m->plan));
	json_object_set_new(j, "evaluations", m->evaluations != NULL ? or_null(m->evaluations) : json_array());
	json_object_set_new(j, "failure", or_null(m->failure));
	json_object_set_new(j, "counts", or_null(json_object_get(m->difference, "counts")));
	json_object_set_new(j, "builds", compared ? tally_json(&m->tally) : json_null());
	json_object_set_new(j, "roots", or_null(json_object_get(m->difference, "roots")));
	json_object_set_new(j, "meta_changed", or_null(json_object_get(m->difference, "meta_changed")));
	if (json_object_get(m->difference, "meta_errors") != NULL)
		json_object_set(j, "meta_errors", json_object_get(m->difference, "meta_errors"));
	json_object_set_new(j, "query", or_null(json_object_get(m->job, "query")));
	json_object_set_new(j, "attributes", compared ? attributes_json(m) : json_null());
	json_object_set_new(j, "labels", or_null(labels));
	json_object_set_new(j, "empty", empty_json(m));
	json_write(j, out);
	buf_putc(out, '\n');
	json_decref(j);
}
