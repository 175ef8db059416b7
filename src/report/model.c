/* The job and the difference file become one model. */
#include "report/model.h"

#include "nix/path.h"
#include "records/list.h"
#include "report/words.h"

#include <string.h>

const struct build_told *
model_build(const struct model *m, const char *drv)
{
	struct map_entry *at = map_get(&m->builds, str_of(drv));

	return at != NULL ? &m->facts.builds.p[at->value].told : NULL;
}

static enum blame
blame_of(const struct build_told *build, enum build_state state)
{
	const char *name = build->blame != NULL ? build->blame : "";

	if (!build_state_has_failed(state))
		return BLAME_NONE;
	return strcmp(name, blame_words[BLAME_NEWLY]) == 0   ? BLAME_NEWLY
	       : strcmp(name, blame_words[BLAME_STILL]) == 0 ? BLAME_STILL
	                                                     : BLAME_UNKNOWN;
}

const char *
model_error(const struct difference_side *side)
{
	return side != NULL && side->error != NULL ? side->error : "";
}

const struct package_meta *
model_meta(const struct difference_side *side)
{
	return side != NULL ? side->meta : NULL;
}

bool
model_is_follower(const struct changed_attr *attr)
{
	return attr->is->cause != NULL && attr->is->cause->kind == CAUSE_FOLLOWER;
}

bool
model_is_root(const struct changed_attr *attr)
{
	return attr->is->cause != NULL && attr->is->cause->kind == CAUSE_ROOT;
}

static bool
plain_element(const char *s, size_t n)
{
	if (n == 0 || (s[0] >= '0' && s[0] <= '9') || s[0] == '-')
		return false;
	for (size_t i = 0; i < n; i++)
		if (s[i] == '.' || s[i] == '"' || (unsigned char)s[i] <= ' ')
			return false;
	return true;
}

char *
model_attr_name(struct arena *a, struct texts path)
{
	AUTO(buf_release) struct buf b = {0};

	buf_init(&b, 1 << 20);
	for (size_t i = 0; i < path.n; i++) {
		bool plain = plain_element(path.p[i], strlen(path.p[i]));
		if (i > 0)
			buf_putc(&b, '.');
		buf_printf(&b, plain ? "%s" : "\"%s\"", path.p[i]);
	}
	return b.n != 0 ? arena_strn(a, b.p, b.n) : arena_strdup(a, "(root)");
}

static const char *
plain_name(struct arena *a, struct texts path)
{
	const char *name = path.n > 0 ? path.p[0] : "(root)";

	for (size_t i = 1; i < path.n; i++)
		name = arena_printf(a, "%s.%s", name, path.p[i]);
	return name;
}

bool
model_attr_is(struct arena *a, struct texts path, const char *name)
{
	return strcmp(model_attr_name(a, path), name) == 0 || strcmp(plain_name(a, path), name) == 0;
}

bool
model_attr_below(struct arena *a, struct texts path, const char *set)
{
	size_t n = strlen(set);
	const char *plain = plain_name(a, path), *quoted = model_attr_name(a, path);

	return (strncmp(plain, set, n) == 0 && plain[n] == '.') || (strncmp(quoted, set, n) == 0 && quoted[n] == '.');
}

const char *
model_drv_name(struct arena *a, const char *drv)
{
	return str_dup(a, nix_path_name(str_of(drv)));
}

const char *
model_cause_drv(const struct changed_attr *attr)
{
	const char *from = attr->build != NULL ? attr->build->propagated_from : NULL;

	return from != NULL && *from != '\0' ? from : attr->drv;
}

static bool
stage_is_before_comparison(const char *stage)
{
	static const char *const later[] = {"query", "build", "schedule", "report", "send"};

	for (size_t i = 0; i < COUNT(later); i++)
		if (strcmp(stage, later[i]) == 0)
			return false;
	return true;
}

static const struct evaluation *
evaluation_of(const struct model *m, enum side side, const char *job)
{
	for (size_t i = 0; i < m->facts.evaluations.n; i++) {
		const struct evaluation *one = &m->facts.evaluations.p[i];
		if (one->side == (int)side && strcmp(one->job, job) == 0)
			return one;
	}
	return NULL;
}

const struct job_def *
model_job(const struct model *m, const char *name)
{
	for (size_t i = 0; m->facts.plan != NULL && i < m->facts.plan->jobs.n; i++)
		if (strcmp(m->facts.plan->jobs.p[i].name, name) == 0)
			return &m->facts.plan->jobs.p[i];
	return NULL;
}

/* The attributes that rules leave of a job, joined; NULL when they leave all of it. */
static const char *
scope_of(struct model *m, const struct job_def *job)
{
	const char *all = NULL;

	for (size_t i = 0; job != NULL && i < job->scope.n; i++) {
		const char *name = model_attr_name(&m->a, job->scope.p[i]);
		all = all == NULL ? name : arena_printf(&m->a, "%s, %s", all, name);
	}
	return all;
}

/* The job's attr_path as people write it, or NULL. */
static const char *
attr_path_of(struct model *m, const struct job_def *job)
{
	return job != NULL && job->attr_path.n > 0 ? model_attr_name(&m->a, job->attr_path) : NULL;
}

/* What a job evaluates: "default.nix", "pkgs of default.nix", ".#packages", "games.chess of default.nix". */
static const char *
below_of(struct model *m, const struct job_def *job)
{
	const char *what = "what was named", *at = attr_path_of(m, job), *scope = scope_of(m, job);

	if (job != NULL && job->file != NULL)
		what = job->file + (job->file[0] == '/');
	else if (job != NULL && (job->flake != NULL || job->expr != NULL))
		what = job->flake != NULL ? job->flake : "the expression";
	if (at != NULL)
		what = arena_printf(&m->a, "%s of %s", at, what);
	return scope != NULL ? arena_printf(&m->a, "%s of %s", scope, what) : what;
}

/* No attribute, or none that evaluates. What could not be told may be there all the same, and has words of its own. */
static bool
has_none(const struct evaluation *one)
{
	return one->untold == NULL && (one->rows == 0 || (one->rows > 0 && one->errors == one->rows));
}

/* What the evaluations say of a job of which neither side has an attribute that evaluates; NULL when they say nothing. */
static const char *
empty_sentence(struct model *m, const struct evaluation *base, const struct evaluation *head)
{
	if (base->nothing != NULL && head->nothing != NULL)
		return head->nothing;
	if (base->rows == 0)
		return NULL;
	const char *below = below_of(m, model_job(m, head->job));
	return arena_printf(&m->a,
	    head->rows > 0 ? "every attribute of %s fails to evaluate, before and after"
	                   : "every attribute of %s failed to evaluate, and there is none any more",
	    strcmp(below, ".") == 0 ? "the flake" : below);
}

/* Jobs of which both sides are known to have no attribute that evaluates; true when there is no other. */
static bool
find_empty(struct model *m)
{
	const struct evaluations *all = &m->facts.evaluations;
	size_t heads = 0;
	bool some = false;

	for (size_t i = 0; i < all->n; i++)
		some = some || !has_none(&all->p[i]);
	m->empty = arena_alloc(&m->a, (all->n + 1) * sizeof(*m->empty));
	for (size_t i = 0; i < all->n; i++) {
		const struct evaluation *head = &all->p[i], *base = evaluation_of(m, SIDE_BASE, head->job);
		const struct job_def *job = model_job(m, head->job);
		if (head->side != SIDE_HEAD)
			continue;
		heads++;
		/* Where everything fails on both sides nothing was compared either. */
		if (base == NULL || !has_none(base) || !has_none(head) || head->rows > base->rows)
			continue;
		bool said = base->nothing != NULL && head->nothing != NULL;
		bool failing = !said && base->rows > 0;
		bool narrowed = job != NULL && job->scope.p != NULL;
		if (narrowed && !said && some) /* a rule's attributes need not be in every job */
			continue;
		m->n_unsaid += !said;
		m->n_failing += failing;
		m->empty[m->n_empty++] = (struct empty_job){.name = head->job,
		    .below = below_of(m, job),
		    .systems = job != NULL && job->systems.n > 0 ? texts_join(&m->a, &job->systems, ", ") : NULL,
		    .sentence = empty_sentence(m, base, head),
		    .flake = job != NULL && job->flake != NULL,
		    .failing = failing};
	}
	return m->n_empty > 0 && m->n_empty == heads;
}

/* The worst that can be said: the change's own doing goes before everything else. */
static enum incomplete
whose_incomplete(const struct model *m)
{
	bool base_only = false, both = false, unknown = false;

	for (size_t i = 0; i < m->facts.evaluations.n; i++) {
		const struct evaluation *one = &m->facts.evaluations.p[i];
		bool at_base = one->side == SIDE_BASE;
		const struct evaluation *other = evaluation_of(m, at_base ? SIDE_HEAD : SIDE_BASE, one->job);
		bool fine = other == NULL || other->complete;
		if (one->complete)
			continue;
		if (one->unknown)
			unknown = true;
		else if (!at_base && fine)
			return INCOMPLETE_HEAD;
		else if (fine)
			base_only = true;
		else
			both = true;
	}
	return unknown ? INCOMPLETE_UNKNOWN : both ? INCOMPLETE_BOTH : base_only ? INCOMPLETE_BASE : INCOMPLETE_HEAD;
}

/* What a job takes from this change, as far as it is as plain as our own words: "pkgs of this change's default.nix". */
static const char *
taken_words(struct model *m, const struct job_def *job)
{
	const char *what = "this change", *at = attr_path_of(m, job);

	if (job == NULL)
		return what;
	if (job->file != NULL && words_are_plain(job->file))
		what = arena_printf(&m->a, "this change's %s", job->file + (job->file[0] == '/'));
	else if (job->flake != NULL && words_are_plain(job->flake))
		what = strcmp(job->flake, ".") == 0 ? "this change's flake"
		                                    : arena_printf(&m->a, "this change's flake %s", job->flake);
	else if (job->expr != NULL)
		what = "the expression on this change";
	return at != NULL && words_are_plain(at) ? arena_printf(&m->a, "%s of %s", at, what) : what;
}

/* Whether an evaluator ended with an error of its own, before the first attribute. A limit, a signal, and what is odd about a
 * row are said in words of ours, which begin otherwise. */
static bool
is_dead(const struct evaluation *one)
{
	struct str reason = str_of(one->reason);

	return one->rows == 0 && (str_starts(reason, STR("error:")) || str_starts(reason, STR("the root does not evaluate: ")));
}

/* The jobs whose head does not evaluate at all and whose base does. */
static void
find_dead(struct model *m)
{
	const struct job_def *first = NULL;
	bool before = false;
	int64_t n = 0;

	for (size_t i = 0; i < m->facts.evaluations.n; i++) {
		const struct evaluation *one = &m->facts.evaluations.p[i], *base = evaluation_of(m, SIDE_BASE, one->job);
		if (one->side != SIDE_HEAD || one->complete || (base != NULL && !base->complete))
			continue;
		if (!is_dead(one))
			return;
		before = n == 0 ? base != NULL : before && base != NULL;
		if (n++ == 0)
			first = model_job(m, one->job);
	}
	if (n > 1)
		m->dead = arena_printf(&m->a, "%s of this change do not evaluate%s", words_count(&m->a, n, "job", "jobs"),
		    before ? " any more" : "");
	else if (n == 1)
		m->dead = arena_printf(&m->a, "%s does not evaluate%s", taken_words(m, first), before ? " any more" : "");
}

static int
decide_outcome(struct model *m, struct err *e)
{
	const char *difference = m->job->difference;
	const struct run_failure *failure = m->facts.failure;
	const struct plan *plan = m->facts.plan;
	enum phase phase = (enum phase)m->job->phase;
	bool incomplete = false;

	for (size_t i = 0; i < m->facts.evaluations.n; i++)
		incomplete |= !m->facts.evaluations.p[i].complete;
	m->incomplete = whose_incomplete(m);
	if (incomplete && m->incomplete == INCOMPLETE_HEAD)
		find_dead(m);
	if (phase == PHASE_SUPERSEDED)
		m->outcome = OUTCOME_SUPERSEDED;
	else if (phase == PHASE_CANCELLED)
		m->outcome = OUTCOME_CANCELLED;
	else if (incomplete && phase != PHASE_EVALUATING) /* head may still be looked at */
		m->outcome = OUTCOME_INCOMPLETE;
	else if (failure != NULL && (difference == NULL || stage_is_before_comparison(failure->stage)))
		m->outcome = OUTCOME_FAILED;
	else if (plan != NULL && strcmp(plan->decision, "skip") == 0)
		m->outcome = plan->unwanted != NULL ? OUTCOME_UNWANTED : OUTCOME_SKIPPED;
	else if (difference != NULL)
		m->outcome = find_empty(m) ? OUTCOME_NOTHING : OUTCOME_COMPARED;
	else if (phase == PHASE_EVALUATING)
		m->outcome = OUTCOME_RUNNING;
	else if (m->job->waiting)
		m->outcome = OUTCOME_HELD;
	else
		return fail(e, ERR_INPUT, "job: a report of phase %s needs a difference", phase_words[phase]);
	return 0;
}

/* Neither meta nor the name may hold the version that a derivation has: "version 1 -> 2" is then among what differs of it. */
static void
version_of_cause(struct model *m, struct changed_attr *at)
{
	const struct difference_cause *cause = at->is->cause;

	if (at->version_old != NULL || !model_is_root(at) || cause->roots.n == 0 || (uint64_t)cause->roots.p[0] >= m->roots.n)
		return;
	const struct texts what = m->roots.p[cause->roots.p[0]]->what;
	for (size_t i = 0; i < what.n; i++) {
		struct str s = str_of(what.p[i]);
		ptrdiff_t arrow = str_find(s, STR(" -> "));
		if (!str_starts(s, STR("version ")) || arrow < (ptrdiff_t)strlen("version "))
			continue;
		at->version_old = arena_strn(&m->a, s.p + strlen("version "), (size_t)arrow - strlen("version "));
		at->version_new = str_dup(&m->a, str_from(s, (size_t)arrow + strlen(" -> ")));
		return;
	}
}

/* Whether builds of an attribute's derivation say something about this change. */
static bool is_wanted(enum attr_class class)
{
	return class == CLASS_ADDED || class == CLASS_REBUILD || class == CLASS_FIXED || class == CLASS_SWITCHED;
}

static const char *
or_empty(const char *s)
{
	return s != NULL ? s : "";
}

static struct changed_attr
read_attr(struct model *m, const struct difference_element *one)
{
	const struct difference_attribute *is = one->attribute;
	struct changed_attr at = {.is = is, .text = one->text, .class = is->class, .alias = is->alias_of.p != NULL};
	const struct job_def *job = model_job(m, or_empty(is->job));

	at.name = model_attr_name(&m->a, is->path);
	at.job = or_empty(is->job);
	at.system = or_empty(is->system);
	at.drv = is->head != NULL ? is->head->drv : NULL;
	if (is->version.n == 2) {
		at.version_old = or_empty(is->version.p[0]);
		at.version_new = or_empty(is->version.p[1]);
	}
	at.tolerated = job != NULL && job->allow_eval_failures;
	at.build = at.drv != NULL && is_wanted(at.class) ? model_build(m, at.drv) : NULL;
	if (at.build != NULL) {
		at.state = (enum build_state)at.build->state;
		at.blame = blame_of(at.build, at.state);
	}
	return at;
}

static struct counts
counts_of(const struct class_counts *of, const char *system)
{
	struct counts ret = {.system = system, .derivations = of->rebuild_derivations, .changed_paths = of->changed_drv_paths};

	memcpy(ret.of, of->of, sizeof(ret.of));
	return ret;
}

/* The difference counts them for both sides; never none where an evaluation says that there are some. */
static int64_t
count_untold(const struct model *m)
{
	int64_t most = 0;

	for (size_t i = 0; i < m->facts.evaluations.n; i++) {
		const struct untold_attrs *untold = m->facts.evaluations.p[i].untold;
		most = untold != NULL && untold->count > most ? untold->count : most;
	}
	return m->total.of[CLASS_UNTOLD] > 0 ? m->total.of[CLASS_UNTOLD] : most;
}

static void
read_counts(struct model *m, const struct difference_counts *counts)
{
	m->total = counts_of(&counts->total, NULL);
	m->other = counts_of(&counts->other, NULL);
	m->untold = count_untold(m);
	m->aliases = counts->total.aliases;
	m->carry_commit = counts->carry_commit > 0 ? counts->carry_commit : 0;
	m->systems = arena_alloc(&m->a, (counts->systems.n + 1) * sizeof(*m->systems));
	for (size_t i = 0; i < counts->systems.n; i++)
		m->systems[m->n_systems++] = counts_of(&counts->systems.p[i].of, counts->systems.p[i].system);
}

/* A row that fails has no system; where its path names one that others have, as packages.SYSTEM.NAME does, it is of that. */
static void
count_failing(struct model *m)
{
	for (size_t i = 0; i < m->n_attrs; i++) {
		const struct changed_attr *at = &m->attrs[i];
		const struct texts path = at->is->path;
		struct counts *of = NULL;
		if (at->class != CLASS_STILL_FAILING || at->alias || *at->system != '\0')
			continue;
		for (size_t k = 0; k < path.n; k++)
			for (size_t s = 0; s < m->n_systems && of == NULL; s++)
				if (strcmp(path.p[k], m->systems[s].system) == 0)
					of = &m->systems[s];
		if (of != NULL)
			of->failing++;
	}
}

/* Each wanted derivation once, however many attributes have it. */
static void
count_targets(struct model *m)
{
	struct map seen = {0};
	struct tally *t = &m->tally;

	for (size_t i = 0; i < m->n_attrs; i++) {
		const struct changed_attr *at = &m->attrs[i];
		bool added, blocked = at->state == BUILD_DEPENDENCY_FAILED;
		if (at->build == NULL)
			continue;
		map_add(&seen, str_of(at->drv), &added);
		if (!added)
			continue;
		t->targets++;
		t->built += at->state == BUILD_BUILT;
		t->cached += at->state == BUILD_CACHED;
		t->infrastructure += at->state == BUILD_INFRASTRUCTURE;
		t->cancelled += at->state == BUILD_CANCELLED;
		t->unsupported += at->state == BUILD_UNSUPPORTED;
		t->unknown += at->blame == BLAME_UNKNOWN;
		t->newly += at->blame == BLAME_NEWLY && !blocked;
		t->newly_blocked += at->blame == BLAME_NEWLY && blocked;
		t->still += at->blame == BLAME_STILL && !blocked;
		t->still_blocked += at->blame == BLAME_STILL && blocked;
	}
	map_release(&seen);
	int64_t all = (int64_t)m->targets.n;
	t->unasked = t->targets > 0 && all > t->targets ? all - t->targets : 0;
}

static void
count_builds(struct model *m)
{
	for (size_t i = 0; i < m->facts.builds.n; i++) {
		m->tally.total++;
		m->tally.ended += build_state_has_ended((enum build_state)m->facts.builds.p[i].told.state);
	}
	count_targets(m);
}

typedef VEC(struct changed_attr) attrs_t;

static void
take(struct model *m, const struct difference_element *one, attrs_t *attrs)
{
	switch (one->part) {
	case DIFFERENCE_COUNTS: read_counts(m, one->counts); break;
	case DIFFERENCE_ATTRIBUTES:
		if (one->attribute->class != CLASS_UNCHANGED)
			vec_push(attrs, read_attr(m, one));
		break;
	case DIFFERENCE_META_CHANGED: vec_push(&m->meta_changed, one->meta_change); break;
	case DIFFERENCE_META_ERRORS: m->meta_errors = *one->meta_errors; break;
	case DIFFERENCE_ROOTS: vec_push(&m->roots, one->root); break;
	case DIFFERENCE_TARGETS: vec_push(&m->targets, one->target->drv); break;
	case DIFFERENCE_DISTANCES: m->distances = one->distances; break;
	case DIFFERENCE_COSTS: vec_push(&m->costs, one->cost); break;
	case DIFFERENCE_KNOWN:
	case DIFFERENCE_NEEDED:
	case DIFFERENCE_PARTS: break;
	}
}

static int
read_difference(struct model *m, struct err *e)
{
	const unsigned wanted = (1u << DIFFERENCE_PARTS) - 1 - (1u << DIFFERENCE_KNOWN) - (1u << DIFFERENCE_NEEDED);
	struct difference_element one;
	attrs_t attrs = {0};
	size_t row = 0;
	int rc;

	if (difference_open(m->job->difference, wanted, &m->difference, e) != 0)
		return -1;
	while ((rc = difference_next(m->difference, &m->a, &one, e)) == 1)
		take(m, &one, &attrs);
	m->attrs = arena_dup(&m->a, attrs.p, attrs.n * sizeof(*attrs.p));
	m->n_attrs = attrs.n;
	vec_release(&attrs);
	if (rc != 0)
		return -1;
	for (size_t i = 0; i < m->n_attrs; i++) {
		struct changed_attr *at = &m->attrs[i];
		at->row = row;
		row += !at->alias;
		bool fails = at->class == CLASS_NEWLY_FAILING || at->class == CLASS_ADDED_FAILING;
		version_of_cause(m, at);
		m->newly_evaluating += fails && !at->tolerated && !at->alias;
	}
	count_failing(m);
	count_builds(m);
	return 0;
}

/* What the evaluator says of the first attribute of each job of which all fail. */
static int
read_failing_words(struct model *m, struct err *e)
{
	struct difference_reader *difference = NULL;
	struct difference_element one;
	int rc = 0;

	if (m->n_failing == 0)
		return 0;
	if (difference_open(m->job->difference, 1u << DIFFERENCE_ATTRIBUTES, &difference, e) != 0)
		return -1;
	while ((rc = difference_next(difference, &m->a, &one, e)) == 1) {
		const struct difference_attribute *at = one.attribute;
		if (one.part != DIFFERENCE_ATTRIBUTES || at->class != CLASS_STILL_FAILING)
			continue;
		for (size_t i = 0; i < m->n_empty; i++)
			if (m->empty[i].failing && m->empty[i].words == NULL &&
			    strcmp(or_empty(at->job), m->empty[i].name) == 0)
				m->empty[i].words = model_error(at->head);
	}
	difference_close(&difference);
	return rc == 0 ? 0 : -1;
}

/* The job has them as texts: see records/reporting.h. */
static int
read_facts(struct model *m, struct err *e)
{
	const struct report_job *job = m->job;
	const char *const parts[][2] = {{"run", job->run}, {"plan", job->plan}, {"evaluations", job->evaluations},
	    {"query", job->query}, {"builds", job->builds}, {"failure", job->failure}, {"first", job->first}};
	AUTO(buf_release) struct buf text;

	buf_init(&text, SIZE_MAX / 4);
	for (size_t i = 0; i < COUNT(parts); i++)
		buf_printf(&text, "%s\"%s\":%s", i == 0 ? "{" : ",", parts[i][0], parts[i][1] != NULL ? parts[i][1] : "null");
	buf_putc(&text, '}');
	if (fields_read(&report_facts_fields, &m->a, buf_get(&text), "job", &m->facts, e) != 0)
		return -1;
	for (size_t i = 0; i < m->facts.builds.n; i++)
		map_add(&m->builds, str_of(m->facts.builds.p[i].drv), NULL)->value = i;
	if (m->facts.plan != NULL)
		m->wishes = m->facts.plan->report;
	m->many_jobs = m->facts.plan != NULL && m->facts.plan->jobs.n > 1;
	return 0;
}

int
model_init(struct model *m, const struct report_job *job, struct err *e)
{
	*m = (struct model){.job = job};
	m->wishes.package_change_summary = (struct package_change_summary){true, job->settings.max_packages_listed, false};
	m->wishes.rebuild_impact = (struct rebuild_impact){true, 5};
	m->wishes.evaluation_cost = (struct evaluation_cost_wishes){true, EVALUATION_COST_WARN_ABOVE};
	if (read_facts(m, e) == 0 && decide_outcome(m, e) == 0) {
		places_init(&m->places, &m->a, job, m->facts.plan);
		if ((m->outcome != OUTCOME_COMPARED || read_difference(m, e) == 0) && read_failing_words(m, e) == 0)
			return 0;
	}
	model_release(m);
	return -1;
}

void
model_release(struct model *m)
{
	places_release(&m->places);
	difference_close(&m->difference);
	map_release(&m->builds);
	vec_release(&m->roots);
	vec_release(&m->meta_changed);
	vec_release(&m->targets);
	vec_release(&m->costs);
	arena_release(&m->a);
	*m = (struct model){0};
}
