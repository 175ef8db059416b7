/* The job and the difference file become one model. */
#include "report/model.h"

#include "report/words.h"

#include "support/base/map.h"

#include <string.h>

static const char *const change_names[CHANGES] = {"added", "removed", "rebuild", "derivation_only", "unchanged",
    "newly_failing", "fixed", "still_failing", "switched", "added_failing", "removed_failing", "untold"};

const char *
change_name(enum change c)
{
	return change_names[c];
}

static enum build_state
state_of(const json_t *build)
{
	return build_state_of(json_str(build, "state", ""));
}

static enum blame
blame_of(const json_t *build, enum build_state state)
{
	const char *name = json_str(build, "blame", "");

	if (!build_state_has_failed(state))
		return BLAME_NONE;
	return strcmp(name, "newly_failing") == 0   ? BLAME_NEWLY
	       : strcmp(name, "still_failing") == 0 ? BLAME_STILL
	                                            : BLAME_UNKNOWN;
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
model_attr_name(struct arena *a, const json_t *path)
{
	AUTO(buf_release) struct buf b = {0};
	char *ret;

	buf_init(&b, 1 << 20);
	for (size_t i = 0; i < json_array_size(path); i++) {
		const json_t *j = json_array_get(path, i);
		const char *s = json_is_string(j) ? json_string_value(j) : "?";
		bool plain = plain_element(s, strlen(s));
		if (i > 0)
			buf_putc(&b, '.');
		buf_printf(&b, plain ? "%s" : "\"%s\"", s);
	}
	ret = b.n != 0 ? arena_strn(a, b.p, b.n) : arena_strdup(a, "(root)");
	return ret;
}

static const char *
plain_name(struct arena *a, const json_t *path)
{
	const char *name = "(root)";

	for (size_t i = 0; i < json_array_size(path); i++) {
		const char *s = json_string_value(json_array_get(path, i));
		name = i == 0 ? s : arena_printf(a, "%s.%s", name, s);
	}
	return name;
}

bool
model_attr_is(struct arena *a, const json_t *path, const char *name)
{
	return strcmp(model_attr_name(a, path), name) == 0 || strcmp(plain_name(a, path), name) == 0;
}

bool
model_attr_below(struct arena *a, const json_t *path, const char *set)
{
	size_t n = strlen(set);
	const char *plain = plain_name(a, path), *quoted = model_attr_name(a, path);

	return (strncmp(plain, set, n) == 0 && plain[n] == '.') || (strncmp(quoted, set, n) == 0 && quoted[n] == '.');
}

const char *
model_drv_name(struct arena *a, const char *drv)
{
	const char *base = strrchr(drv, '/');
	struct str s = str_of(base != NULL ? base + 1 : drv);

	if (s.n > 33 && s.p[32] == '-')
		s = str_from(s, 33);
	if (str_ends(s, STR(".drv")))
		s.n -= 4;
	return str_dup(a, s);
}

const char *
model_cause_drv(const struct attr *attr)
{
	const char *from = json_str(attr->build, "propagated_from", NULL);

	return from != NULL && *from != '\0' ? from : attr->drv;
}

static int
read_phase(struct model *m, struct err *e)
{
	static const char *const names[] = {"evaluating", "reported", "building", "done", "superseded", "cancelled"};
	const char *name;

	if (json_need_str(m->job, "phase", &name, e) != 0)
		return -1;
	for (size_t i = 0; i < COUNT(names); i++) {
		if (strcmp(names[i], name) == 0) {
			m->phase = (enum phase)i;
			return 0;
		}
	}
	return fail(e, ERR_INPUT, "no such phase: %s", name);
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

static const json_t *
evaluation_of(const struct model *m, const char *side, const char *job)
{
	for (size_t i = 0; i < json_array_size(m->evaluations); i++) {
		const json_t *j = json_array_get(m->evaluations, i);
		if (strcmp(json_str(j, "side", ""), side) == 0 && strcmp(json_str(j, "job", ""), job) == 0)
			return j;
	}
	return NULL;
}

static const json_t *
job_named(const struct model *m, const char *name)
{
	const json_t *jobs = json_object_get(m->plan, "jobs");

	for (size_t i = 0; i < json_array_size(jobs); i++)
		if (strcmp(json_str(json_array_get(jobs, i), "name", ""), name) == 0)
			return json_array_get(jobs, i);
	return NULL;
}

/* Texts of an array joined; NULL when there is none. */
static const char *
joined(struct model *m, const json_t *list)
{
	const char *all = NULL;

	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *j = json_array_get(list, i);
		const char *s = json_is_array(j) ? model_attr_name(&m->a, j) : json_string_value(j);
		if (s != NULL)
			all = all == NULL ? s : arena_printf(&m->a, "%s, %s", all, s);
	}
	return all;
}

/* The job's attr_path as people write it, or NULL. */
static const char *
attr_path_of(struct model *m, const json_t *job)
{
	const json_t *path = json_object_get(job, "attr_path");
	const char *at = json_array_size(path) > 0 ? model_attr_name(&m->a, path) : json_string_value(path);

	return at != NULL && *at != '\0' ? at : NULL;
}

/* What a job evaluates: "default.nix", "pkgs of default.nix", ".#packages", "games.chess of default.nix". */
static const char *
below_of(struct model *m, const json_t *job)
{
	const char *what = json_str(job, "file", NULL), *at = attr_path_of(m, job),
	           *scope = joined(m, json_object_get(job, "scope"));

	if (what != NULL)
		what += what[0] == '/';
	else
		what = json_str(job, "flake", json_str(job, "expr", NULL) != NULL ? "the expression" : "what was named");
	if (at != NULL)
		what = arena_printf(&m->a, "%s of %s", at, what);
	return scope != NULL ? arena_printf(&m->a, "%s of %s", scope, what) : what;
}

/* No attribute, or none that evaluates. */
static bool
has_none(const json_t *evaluation)
{
	int64_t rows = json_int(evaluation, "rows", -1);

	return rows == 0 || (rows > 0 && json_int(evaluation, "errors", -1) == rows);
}

/* Jobs of which both sides are known to have no attribute that evaluates; true when there is no other. */
static bool
find_empty(struct model *m)
{
	size_t n = json_array_size(m->evaluations), heads = 0;
	bool some = false;

	for (size_t i = 0; i < n; i++)
		some = some || !has_none(json_array_get(m->evaluations, i));
	m->empty = arena_alloc(&m->a, (n + 1) * sizeof(*m->empty));
	for (size_t i = 0; i < n; i++) {
		const json_t *head = json_array_get(m->evaluations, i);
		if (strcmp(json_str(head, "side", ""), "head") != 0)
			continue;
		const char *name = json_str(head, "job", "");
		const json_t *base = evaluation_of(m, "base", name), *job = job_named(m, name);
		heads++;
		/* Where everything fails on both sides nothing was compared either. */
		if (base == NULL || !has_none(base) || !has_none(head) || json_int(head, "rows", 0) > json_int(base, "rows", 0))
			continue;
		bool said = json_str(base, "nothing", NULL) != NULL && json_str(head, "nothing", NULL) != NULL;
		bool narrowed = json_is_array(json_object_get(job, "scope"));
		if (narrowed && !said && some) /* a rule's attributes need not be in every job */
			continue;
		m->n_unsaid += !said;
		m->empty[m->n_empty++] = (struct empty_job){.name = name,
		    .below = below_of(m, job),
		    .systems = joined(m, json_object_get(job, "systems")),
		    .sentence =
		        said ? json_str(head, "nothing", "")
		        : json_int(base, "rows", 0) > 0
		            ? arena_printf(&m->a, "every attribute of %s fails to evaluate, before and after", below_of(m, job))
		            : NULL};
	}
	return m->n_empty > 0 && m->n_empty == heads;
}

/* The worst that can be said: the change's own doing goes before everything else. */
static enum incomplete
whose_incomplete(const struct model *m)
{
	bool base_only = false, both = false, unknown = false;

	for (size_t i = 0; i < json_array_size(m->evaluations); i++) {
		const json_t *j = json_array_get(m->evaluations, i);
		const char *job = json_str(j, "job", "");
		bool at_base = strcmp(json_str(j, "side", ""), "base") == 0;
		const json_t *other = evaluation_of(m, at_base ? "head" : "base", job);
		if (json_flag(j, "complete", false))
			continue;
		bool fine = other == NULL || json_flag(other, "complete", false);
		if (json_flag(j, "unknown", false))
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
taken_words(struct model *m, const json_t *job)
{
	const char *file = json_str(job, "file", NULL), *flake = json_str(job, "flake", NULL), *at = attr_path_of(m, job);
	const char *what = "this change";

	if (file != NULL && words_are_plain(file))
		what = arena_printf(&m->a, "this change's %s", file + (file[0] == '/'));
	else if (flake != NULL && words_are_plain(flake))
		what = arena_printf(&m->a, "this change's flake%s%s", strcmp(flake, ".") == 0 ? "" : " ",
		    strcmp(flake, ".") == 0 ? "" : flake);
	else if (json_str(job, "expr", NULL) != NULL)
		what = "the expression on this change";
	return at != NULL && words_are_plain(at) ? arena_printf(&m->a, "%s of %s", at, what) : what;
}

/*
 * The jobs whose head does not evaluate at all and whose base does: the evaluator ended with an error of its own, before the
 * first attribute. A limit, a signal, and what is odd about a row are said in words of ours, which begin otherwise.
 */
static void
find_dead(struct model *m)
{
	const json_t *first = NULL;
	bool before = false;
	int64_t n = 0;

	for (size_t i = 0; i < json_array_size(m->evaluations); i++) {
		const json_t *j = json_array_get(m->evaluations, i);
		const char *job = json_str(j, "job", "");
		const json_t *base = evaluation_of(m, "base", job);
		struct str reason = str_of(json_str(j, "reason", ""));
		if (strcmp(json_str(j, "side", ""), "head") != 0 || json_flag(j, "complete", false) ||
		    (base != NULL && !json_flag(base, "complete", false)))
			continue;
		if (json_int(j, "rows", 0) != 0 ||
		    !(str_starts(reason, STR("error:")) || str_starts(reason, STR("the root does not evaluate: "))))
			return;
		before = n == 0 ? base != NULL : before && base != NULL;
		if (n++ == 0)
			first = job_named(m, job);
	}
	if (n > 1)
		m->dead = arena_printf(&m->a, "%s of this change do not evaluate%s", words_count(&m->a, n, "job", "jobs"),
		    before ? " any more" : "");
	else if (n == 1)
		m->dead = arena_printf(&m->a, "%s does not evaluate%s", taken_words(m, first), before ? " any more" : "");
}

static int
decide_outcome(struct model *m, const char *difference, struct err *e)
{
	bool incomplete = false;

	for (size_t i = 0; i < json_array_size(m->evaluations); i++)
		incomplete |= !json_flag(json_array_get(m->evaluations, i), "complete", false);
	m->incomplete = whose_incomplete(m);
	if (incomplete && m->incomplete == INCOMPLETE_HEAD)
		find_dead(m);
	if (m->phase == PHASE_SUPERSEDED)
		m->outcome = OUTCOME_SUPERSEDED;
	else if (m->phase == PHASE_CANCELLED)
		m->outcome = OUTCOME_CANCELLED;
	else if (incomplete && m->phase != PHASE_EVALUATING) /* head may still be looked at */
		m->outcome = OUTCOME_INCOMPLETE;
	else if (m->failure != NULL && (difference == NULL || stage_is_before_comparison(json_str(m->failure, "stage", ""))))
		m->outcome = OUTCOME_FAILED;
	else if (strcmp(json_str(m->plan, "decision", ""), "skip") == 0)
		m->outcome = OUTCOME_SKIPPED;
	else if (difference != NULL)
		m->outcome = find_empty(m) ? OUTCOME_NOTHING : OUTCOME_COMPARED;
	else if (m->phase == PHASE_EVALUATING)
		m->outcome = OUTCOME_RUNNING;
	else if (m->waiting)
		m->outcome = OUTCOME_HELD;
	else
		return fail(e, ERR_INPUT, "job: a report of phase %s needs a difference", json_str(m->job, "phase", ""));
	return 0;
}

/* Neither meta nor the name may hold the version that a derivation has: "version 1 -> 2" is then among what differs of it. */
static void
version_of_cause(struct model *m, struct attr *at)
{
	const json_t *cause = json_object_get(at->json, "cause"), *index = json_array_get(json_object_get(cause, "roots"), 0);
	const json_t *roots = json_object_get(m->difference, "roots"), *what;
	size_t i;

	if (strcmp(json_str(cause, "kind", ""), "root") != 0 || !json_is_integer(index))
		return;
	json_array_foreach(json_object_get(json_array_get(roots, (size_t)json_integer_value(index)), "what"), i, what) {
		struct str s = str_of(json_is_string(what) ? json_string_value(what) : "");
		ptrdiff_t arrow = str_find(s, STR(" -> "));
		if (!str_starts(s, STR("version ")) || arrow < (ptrdiff_t)strlen("version "))
			continue;
		at->version_old = arena_strn(&m->a, s.p + strlen("version "), (size_t)arrow - strlen("version "));
		at->version_new = str_dup(&m->a, str_from(s, (size_t)arrow + strlen(" -> ")));
		return;
	}
}

static int
read_attr(struct model *m, const json_t *j, struct attr *ret, struct err *e)
{
	const json_t *version = json_object_get(j, "version");
	const char *name;
	int c = 0;

	if (!json_is_array(json_object_get(j, "path")) || json_need_str(j, "class", &name, e) != 0)
		return fail(e, ERR_INPUT, "difference: an attribute without a path or class");
	while (c < CHANGES && strcmp(change_names[c], name) != 0)
		c++;
	if (c == CHANGES)
		return fail(e, ERR_INPUT, "difference: no such class: %s", name);
	*ret = (struct attr){.json = j, .change = (enum change)c};
	ret->name = model_attr_name(&m->a, json_object_get(j, "path"));
	ret->job = json_str(j, "job", "");
	ret->system = json_str(j, "system", "");
	ret->drv = json_str_at(j, "head.drv", NULL);
	if (json_array_size(version) == 2) {
		const char *old = json_string_value(json_array_get(version, 0)),
		           *new = json_string_value(json_array_get(version, 1));
		ret->version_old = old != NULL ? old : "";
		ret->version_new = new != NULL ? new : "";
	}
	if (ret->version_old == NULL)
		version_of_cause(m, ret);
	ret->alias = json_is_array(json_object_get(j, "alias_of"));
	ret->tolerated = json_flag(job_named(m, ret->job), "allow_eval_failures", false);
	bool wanted = ret->change == CHANGE_ADDED || ret->change == CHANGE_REBUILD || ret->change == CHANGE_FIXED ||
	              ret->change == CHANGE_SWITCHED;
	ret->build = ret->drv != NULL && wanted ? json_object_get(m->builds, ret->drv) : NULL;
	if (ret->build != NULL) {
		ret->state = state_of(ret->build);
		ret->blame = blame_of(ret->build, ret->state);
	}
	return 0;
}

static void
read_counts(const json_t *j, const char *system, struct counts *ret)
{
	ret->system = system;
	for (int c = 0; c < CHANGES; c++)
		ret->of[c] = json_int(j, change_names[c], 0);
	ret->derivations = json_int(j, "rebuild_derivations", 0);
	ret->changed_paths = json_int(j, "changed_drv_paths", 0);
}

/* A row that fails has no system; where its path names one that others have, as packages.SYSTEM.NAME does, it is of that. */
static void
count_failing(struct model *m)
{
	for (size_t i = 0; i < m->n_attrs; i++) {
		const struct attr *at = &m->attrs[i];
		const json_t *path = json_object_get(at->json, "path"), *part;
		struct counts *of = NULL;
		size_t k;
		if (at->change != CHANGE_STILL_FAILING || at->alias || *at->system != '\0')
			continue;
		json_array_foreach(path, k, part)
			for (size_t s = 0; s < m->n_systems && of == NULL; s++)
				if (json_is_string(part) && strcmp(json_string_value(part), m->systems[s].system) == 0)
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
		const struct attr *at = &m->attrs[i];
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
	int64_t all = (int64_t)json_array_size(json_object_get(m->difference, "targets"));
	t->unasked = t->targets > 0 && all > t->targets ? all - t->targets : 0;
}

static void
count_builds(struct model *m)
{
	const char *drv;
	json_t *build;

	json_object_foreach((json_t *)m->builds, drv, build) {
		m->tally.total++;
		m->tally.ended += build_state_has_ended(state_of(build));
	}
	count_targets(m);
}

/* The difference counts them for both sides; never none where an evaluation says that there are some. */
static int64_t
count_untold(const struct model *m)
{
	int64_t most = 0;

	for (size_t i = 0; i < json_array_size(m->evaluations); i++) {
		int64_t n = json_int(json_object_get(json_array_get(m->evaluations, i), "untold"), "count", 0);
		most = n > most ? n : most;
	}
	return m->total.of[CHANGE_UNTOLD] > 0 ? m->total.of[CHANGE_UNTOLD] : most;
}

static int
read_difference(struct model *m, const char *path, struct err *e)
{
	const char *system;
	json_t *j;

	if (json_read_file(path, MODEL_MAX_DIFFERENCE_BYTES, &m->difference, e) != 0)
		return -1;
	if (json_int(m->difference, "ekaci_difference", 0) != 1)
		return fail(e, ERR_INPUT, "%s: not a difference of version 1", path);
	const json_t *list = json_object_get(m->difference, "attributes"), *counts = json_object_get(m->difference, "counts");
	const json_t *systems = json_object_get(counts, "systems");
	if (!json_is_array(list) || !json_is_object(json_object_get(counts, "total")))
		return fail(e, ERR_INPUT, "%s: no attributes or no counts", path);
	read_counts(json_object_get(counts, "total"), NULL, &m->total);
	read_counts(json_object_get(counts, "other"), NULL, &m->other);
	m->untold = count_untold(m);
	m->aliases = json_int(json_object_get(counts, "total"), "aliases", 0);
	m->carry_commit = json_int(json_object_get(counts, "total"), "carry_commit", json_int(counts, "carry_commit", 0));
	m->systems = arena_alloc(&m->a, (json_object_size(systems) + 1) * sizeof(*m->systems));
	json_object_foreach((json_t *)systems, system, j)
		read_counts(j, system, &m->systems[m->n_systems++]);
	m->attrs = arena_alloc(&m->a, (json_array_size(list) + 1) * sizeof(*m->attrs));
	for (size_t i = 0; i < json_array_size(list); i++) {
		struct attr *at = &m->attrs[m->n_attrs];
		if (read_attr(m, json_array_get(list, i), at, e) != 0)
			return -1;
		m->n_attrs += at->change != CHANGE_UNCHANGED;
		m->newly_evaluating +=
		    (at->change == CHANGE_NEWLY_FAILING || at->change == CHANGE_ADDED_FAILING) && !at->tolerated && !at->alias;
	}
	count_failing(m);
	count_builds(m);
	return 0;
}

/* The member when it is an object or array, else NULL. */
static const json_t *
part(const json_t *job, const char *key)
{
	const json_t *j = json_object_get(job, key);

	return json_is_object(j) || json_is_array(j) ? j : NULL;
}

int
model_init(struct model *m, const json_t *job, struct err *e)
{
	const char *difference = json_str(job, "difference", NULL);

	*m = (struct model){.job = job};
	m->run = part(job, "run");
	m->plan = part(job, "plan");
	m->evaluations = part(job, "evaluations");
	m->builds = part(job, "builds");
	m->failure = part(job, "failure");
	m->settings = part(job, "settings");
	m->wide = json_flag(job, "wide", false);
	m->waiting = json_flag(job, "waiting", false);
	places_init(&m->places, &m->a, job);
	m->many_jobs = json_array_size(json_object_get(m->plan, "jobs")) > 1;
	if (m->run == NULL)
		return fail(e, ERR_INPUT, "job: no member run");
	if (read_phase(m, e) != 0 || decide_outcome(m, difference, e) != 0)
		return -1;
	if (m->outcome == OUTCOME_COMPARED && read_difference(m, difference, e) != 0) {
		model_release(m);
		return -1;
	}
	return 0;
}

void
model_release(struct model *m)
{
	json_drop(&m->difference);
	places_release(&m->places);
	arena_release(&m->a);
	*m = (struct model){0};
}
