/* .ekaci/config.json becomes jobs and rules. */
#include "changeset/rules.h"

#include "changeset/reader.h"

#include <stdio.h>
#include <string.h>

static const char *const kind_names[] = {
    [RULE_DOCS_ONLY] = "docs-only",
    [RULE_NO_OP] = "no-op",
    [RULE_FULL_REBUILD] = "full-rebuild",
    [RULE_REBUILD_ONLY] = "rebuild-only",
};

const char *
rule_kind_name(enum rule_kind kind)
{
	return kind_names[kind];
}

static void
add_word(struct reader *r, json_t *v, void *list)
{
	if (!json_is_string(v) || !reader_plain((struct str){json_string_value(v), json_string_length(v)}))
		reader_wrong(r, AT_VALUE, "must be text of at most %d bytes", READER_MAX_NAME);
	else
		json_array_append(list, v);
}

static void
add_attr(struct reader *r, json_t *v, void *list)
{
	json_t *path = reader_attr_path(r, v);

	if (path != NULL && json_array_size(path) == 0) {
		reader_wrong(r, AT_VALUE, "is the empty attribute path, which is everything (kind full-rebuild says that)");
		json_decref(path);
	} else if (path != NULL) {
		json_array_append_new(list, path);
	}
}

/* A path inside the repository: the slice without a leading "/" or "./", or p NULL. */
static struct str
inner_path(struct str s)
{
	struct str rest;

	if (str_starts(s, STR("./")))
		s = str_from(s, 2);
	else if (str_starts(s, STR("/")))
		s = str_from(s, 1);
	rest = s;
	do {
		struct str part = str_cut(rest, '/', &rest);
		if (part.n == 0 || str_is(part, ".") || str_is(part, ".."))
			return (struct str){NULL, 0};
	} while (rest.p != NULL);
	for (size_t i = 0; i < s.n; i++)
		if ((unsigned char)s.p[i] < ' ')
			return (struct str){NULL, 0};
	return s.n <= 1024 ? s : (struct str){NULL, 0};
}

static bool
flake_ok(struct str s)
{
	struct str where = s, rest;

	for (size_t i = 0; i < s.n; i++)
		if ((unsigned char)s.p[i] <= ' ')
			return false;
	where.n = strcspn(s.p, "#?") < s.n ? strcspn(s.p, "#?") : s.n;
	/* A query could name another folder or revision: only dir= inside the repository. */
	if (where.n < s.n && s.p[where.n] == '?') {
		struct str query = str_cut(str_from(s, where.n + 1), '#', &rest);
		if (!str_starts(query, STR("dir=")) || memchr(query.p, '&', query.n) != NULL ||
		    inner_path(str_from(query, 4)).p == NULL)
			return false;
	}
	return str_is(where, ".") || (str_starts(where, STR("./")) && inner_path(where).p != NULL);
}

/* ".?submodules=1#x" is how Nix has a flake with its submodules; gives the same without that, and whether it was there. */
static struct str
without_submodules(struct arena *a, struct str s, bool *ret_takes)
{
	static const char word[] = "submodules=1";
	ptrdiff_t at = str_find(s, STR("submodules=1"));
	size_t end = (size_t)at + strlen(word);

	*ret_takes = at > 0 && (s.p[at - 1] == '?' || s.p[at - 1] == '&') &&
	             (end == s.n || s.p[end] == '&' || s.p[end] == '#') && memchr(s.p, '#', (size_t)at) == NULL;
	if (!*ret_takes)
		return s;
	/* One of the two signs around it goes, too. */
	bool more = end < s.n && s.p[end] == '&';
	struct str before = {s.p, (size_t)at - !more}, after = str_from(s, end + more);
	const char *text = arena_printf(a, STR_FMT STR_FMT, STR_ARG(before), STR_ARG(after));
	return str_of(text);
}

/* A flake of this repository, without what Nix is told beside it. */
static void
read_flake(struct reader *r, struct str s, json_t *out)
{
	bool takes;
	struct str flake = without_submodules(r->a, s, &takes);

	if (!flake_ok(flake)) {
		reader_wrong(r, AT_VALUE, "must be this repository's flake: \".#attribute\" or \"./folder#attribute\"");
		return;
	}
	json_object_set_new(out, "flake", json_stringn(flake.p, flake.n));
	if (takes)
		json_object_set_new(out, "submodules", json_true());
}

/* Which of file, flake (and expr) says what to evaluate; exactly one must. */
static void
read_source(struct reader *r, json_t *in, bool allow_expr, json_t *out)
{
	static const char *const sources[] = {"file", "flake", "expr"};
	size_t found = 0;

	for (size_t i = 0; i < (allow_expr ? 3 : 2); i++) {
		json_t *v = reader_open(r, in, sources[i]);
		if (v == NULL)
			continue;
		found++;
		struct str s = {json_string_value(v), json_string_length(v)};
		if (!json_is_string(v)) {
			reader_wrong(r, AT_VALUE, "must be text, not %s", reader_type_name(v));
		} else if (i == 0) {
			struct str inner = inner_path(s);
			if (inner.p == NULL)
				reader_wrong(r, AT_VALUE, "must be the path of a file in this repository, without \"..\"");
			else
				json_object_set_new(out, "file", json_stringn(inner.p, inner.n));
		} else if (i == 1) {
			read_flake(r, s, out);
		} else {
			json_object_set(out, sources[i], v);
		}
		reader_leave(r);
	}
	if (found != 1)
		reader_wrong(r, AT_VALUE, "must have either \"file\" or \"flake\"%s", found > 1 ? ", not both" : "");
}

static json_t *
read_job(struct reader *r, const char *name, json_t *in, bool allow_expr)
{
	static const char *const known[] = {"file", "flake", "attr_path", "systems", "allow_eval_failures", "submodules", NULL};
	static const char *const known_by_hand[] = {"name", "file", "flake", "expr", "attr_path", "systems",
	    "allow_eval_failures", "submodules", "scope", NULL};
	static const char *const foreign[] = {"caches", "size_check", NULL};
	json_t *out = json_object(), *systems = json_array();

	json_object_set_new(out, "name", json_string(name));
	reader_unknown(r, in, allow_expr ? known_by_hand : known, foreign);
	read_source(r, in, allow_expr, out);
	json_t *v = reader_open(r, in, "attr_path"), *path = v != NULL ? reader_attr_path(r, v) : NULL;
	if (v != NULL)
		reader_leave(r);
	json_object_set_new(out, "attr_path", path != NULL ? path : json_array());
	reader_list(r, in, "systems", add_word, systems);
	json_object_set_new(out, "systems", systems);
	json_object_set_new(out, "allow_eval_failures", json_boolean(reader_flag(r, in, "allow_eval_failures", false)));
	if (reader_flag(r, in, "submodules", false))
		json_object_set_new(out, "submodules", json_true());
	return out;
}

static void
read_jobs(struct reader *r, struct rules *out)
{
	json_t *jobs = reader_open(r, out->doc, "jobs"), *job;
	const char *name;

	if (jobs == NULL)
		return;
	if (!json_is_object(jobs)) {
		reader_wrong(r, AT_VALUE, "must be an object, name by name, not %s", reader_type_name(jobs));
	} else if (json_object_size(jobs) > RULES_MAX_JOBS) {
		reader_wrong(r, AT_VALUE, "has more than %d jobs", RULES_MAX_JOBS);
	} else {
		json_object_foreach(jobs, name, job) {
			reader_enter_member(r, name);
			if (!reader_plain(str_of(name)))
				reader_wrong(r, AT_KEY, "must have a name of 1 to %d bytes without control characters",
				    READER_MAX_NAME);
			else if (!json_is_object(job))
				reader_wrong(r, AT_VALUE, "must be an object, not %s", reader_type_name(job));
			else
				json_array_append_new(out->jobs, read_job(r, name, job, false));
			reader_leave(r);
		}
	}
	reader_leave(r);
}

static void
add_pattern(struct reader *r, json_t *v, void *ctx)
{
	struct str s = {json_string_value(v), json_string_length(v)};
	struct rules *out = ctx;
	struct err e = {0};

	if (!json_is_string(v)) {
		reader_wrong(r, AT_VALUE, "must be text, not %s", reader_type_name(v));
		return;
	}
	if (glob_set_add(&out->globs, s, &e) != 0) {
		reader_wrong(r, AT_VALUE, "\"" STR_FMT "\": %s", STR_ARG(str_utf8_head(s, 200)), e.msg);
		return;
	}
	if (out->globs.n > RULES_MAX_ALTERNATIVES) {
		reader_wrong(r, AT_VALUE, "is one pattern too many: all of them together make more than %d alternatives",
		    RULES_MAX_ALTERNATIVES);
		out->globs.n = 0;
	}
}

static enum rule_kind
read_kind(struct reader *r, const json_t *set)
{
	const json_t *v = reader_open(r, set, "kind");
	struct near near = {.word = str_of(v != NULL ? json_string_value(v) : NULL)};
	enum rule_kind kind = COUNT(kind_names);

	if (v == NULL) {
		reader_wrong(r, AT_VALUE, "must have a \"kind\": docs-only, no-op, full-rebuild or rebuild-only");
		return RULE_FULL_REBUILD;
	}
	for (size_t i = 0; i < COUNT(kind_names); i++) {
		near_try(&near, kind_names[i]);
		if (str_is(near.word, kind_names[i]))
			kind = (enum rule_kind)i;
	}
	if (kind == COUNT(kind_names)) {
		reader_wrong(r, AT_VALUE, "must be docs-only, no-op, full-rebuild or rebuild-only%s", near_hint(r->a, &near));
		kind = RULE_FULL_REBUILD;
	}
	reader_leave(r);
	return kind;
}

static const char *
read_name(struct reader *r, const struct rules *out, const json_t *set, size_t index)
{
	const json_t *v = reader_open(r, set, "name");
	const char *name = arena_printf(r->a, "change_sets[%zu]", index);

	if (v == NULL)
		return name;
	if (!json_is_string(v) || !reader_plain((struct str){json_string_value(v), json_string_length(v)}))
		reader_wrong(r, AT_VALUE, "must be text of 1 to %d bytes without control characters", READER_MAX_NAME);
	else
		name = json_string_value(v);
	for (size_t i = 0; i < index; i++)
		if (strcmp(out->p[i].name, name) == 0) {
			reader_wrong(r, AT_VALUE, "is the name of change_sets[%zu] already: \"%.100s\"", i, name);
			break;
		}
	reader_leave(r);
	return name;
}

/* A rule may name only jobs that there are. */
static void
check_job_names(struct reader *r, const struct rules *out, const struct rule *rule)
{
	const json_t *name, *job;
	size_t i, k;

	reader_enter_member(r, "jobs");
	json_array_foreach(rule->jobs, i, name) {
		struct near near = {.word = str_of(json_string_value(name))};
		bool found = false;
		json_array_foreach(out->jobs, k, job) {
			near_try(&near, json_str(job, "name", ""));
			found = found || str_is(near.word, json_str(job, "name", ""));
		}
		if (!found)
			reader_wrong(r, AT_VALUE, "names a job that is not in \"jobs\": \"%.100s\"%s", json_string_value(name),
			    near_hint(r->a, &near));
	}
	reader_leave(r);
}

static void
read_rule(struct reader *r, struct rules *out, json_t *set, size_t index)
{
	static const char *const known[] = {"name", "kind", "paths", "attrs", "jobs", NULL};
	static const char *const foreign[] = {NULL};
	struct rule *rule = &out->p[index];
	size_t line = 0, column = 0, first = out->globs.patterns;

	reader_unknown(r, set, known, foreign);
	(void)json_locate(r->text, r->path, r->depth, false, &line, &column);
	rule->name = read_name(r, out, set, index);
	rule->kind = read_kind(r, set);
	rule->place = arena_printf(r->a, "%s:%zu:%zu", r->m->file, line, column);
	rule->paths = json_object_get(set, "paths");
	if (rule->paths == NULL)
		reader_wrong(r, AT_VALUE, "must have \"paths\", an array of patterns");
	else if (json_is_array(rule->paths) && json_array_size(rule->paths) == 0)
		reader_wrong(r, AT_VALUE, "must have at least one pattern in \"paths\"");
	reader_list(r, set, "paths", add_pattern, out);
	reader_list(r, set, "attrs", add_attr, rule->attrs);
	reader_list(r, set, "jobs", add_word, rule->jobs);
	size_t named = json_array_size(json_object_get(set, "attrs")) + json_array_size(json_object_get(set, "jobs"));
	if (rule->kind == RULE_REBUILD_ONLY && named == 0)
		reader_wrong(r, AT_VALUE, "is rebuild-only and must say what can change: \"attrs\" or \"jobs\"");
	else if (rule->kind != RULE_REBUILD_ONLY && named != 0)
		reader_wrong(r, AT_VALUE, "has \"attrs\" or \"jobs\", which only the kind rebuild-only knows");
	else
		check_job_names(r, out, rule);
	for (size_t i = first; i < out->globs.patterns && i < RULES_MAX_ALTERNATIVES; i++)
		out->owners[i] = index;
}

static void
read_rules(struct reader *r, struct rules *out)
{
	json_t *sets = reader_open(r, out->doc, "change_sets"), *set;
	size_t i;

	if (sets == NULL)
		return;
	if (!json_is_array(sets)) {
		reader_wrong(r, AT_VALUE, "must be an array of rules, not %s", reader_type_name(sets));
	} else if (json_array_size(sets) > RULES_MAX_RULES) {
		reader_wrong(r, AT_VALUE, "has more than %d rules", RULES_MAX_RULES);
	} else {
		out->p = arena_alloc(r->a, json_array_size(sets) * sizeof(*out->p));
		out->owners = arena_alloc(r->a, RULES_MAX_ALTERNATIVES * sizeof(*out->owners));
		json_array_foreach(sets, i, set) {
			out->p[i] = (struct rule){.name = "", .attrs = json_array(), .jobs = json_array()};
			out->n = i + 1;
			reader_enter_element(r, i);
			if (json_is_object(set))
				read_rule(r, out, set, i);
			else
				reader_wrong(r, AT_VALUE, "must be an object, not %s", reader_type_name(set));
			reader_leave(r);
		}
	}
	reader_leave(r);
}

static json_t *
open_settings(struct reader *r, const struct rules *out, const char *key, const char *const *known)
{
	json_t *v = reader_open(r, out->doc, key);

	if (v == NULL)
		return NULL;
	if (json_is_object(v)) {
		reader_unknown(r, v, known, NULL);
		return v;
	}
	reader_wrong(r, AT_VALUE, "must be an object, not %s", reader_type_name(v));
	return v;
}

static void
read_report(struct reader *r, struct rules *out)
{
	static const char *const of_summary[] = {"enabled", "max_packages_listed", "include_rebuild_only", NULL};
	static const char *const of_impact[] = {"enabled", "max_top_blast_radius", NULL};
	json_t *v, *part;

	v = open_settings(r, out, "package_change_summary", of_summary);
	part = json_object();
	json_object_set_new(part, "enabled", json_boolean(reader_flag(r, v, "enabled", true)));
	json_object_set_new(part, "max_packages_listed", json_integer(reader_number(r, v, "max_packages_listed", 100, 100000)));
	json_object_set_new(part, "include_rebuild_only", json_boolean(reader_flag(r, v, "include_rebuild_only", false)));
	json_object_set_new(out->report, "package_change_summary", part);
	if (v != NULL)
		reader_leave(r);
	v = open_settings(r, out, "rebuild_impact", of_impact);
	part = json_object();
	json_object_set_new(part, "enabled", json_boolean(reader_flag(r, v, "enabled", true)));
	json_object_set_new(part, "max_top_blast_radius", json_integer(reader_number(r, v, "max_top_blast_radius", 5, 1000)));
	json_object_set_new(out->report, "rebuild_impact", part);
	if (v != NULL)
		reader_leave(r);
}

static void
start(struct arena *a, struct rules *ret)
{
	*ret = (struct rules){.globs = {.a = a}, .jobs = json_array(), .report = json_object(), .warnings = json_array()};
}

void
rules_read(struct arena *a, struct str text, struct rules *ret, struct mistakes *m)
{
	static const char *const known[] = {"jobs", "change_sets", "package_change_summary", "rebuild_impact", NULL};
	struct reader r = {.a = a, .text = text, .m = m};
	struct err e = {0};

	start(a, ret);
	r.warnings = ret->warnings;
	if (text.n > RULES_MAX_BYTES) {
		mistakes_add(m, 1, 1, "the file has more than %d bytes", RULES_MAX_BYTES);
		return;
	}
	if (json_read(text, m->file, &ret->doc, &e) != 0) {
		mistakes_add(m, 0, 0, "%s", e.msg);
		return;
	}
	if (!json_is_object(ret->doc)) {
		reader_wrong(&r, AT_VALUE, "must be an object, not %s", reader_type_name(ret->doc));
		return;
	}
	reader_unknown(&r, ret->doc, known, NULL);
	read_jobs(&r, ret);
	read_rules(&r, ret);
	read_report(&r, ret);
	mistakes_sort(m);
}

void
rules_empty(struct arena *a, struct rules *ret)
{
	struct mistakes *none = arena_alloc(a, sizeof(*none));
	struct reader r = {.a = a, .text = STR(""), .m = none};

	mistakes_init(none, a, RULES_PATH);
	start(a, ret);
	read_report(&r, ret);
}

void
rules_release(struct rules *r)
{
	for (size_t i = 0; i < r->n; i++) {
		json_drop(&r->p[i].attrs);
		json_drop(&r->p[i].jobs);
	}
	json_drop(&r->doc);
	json_drop(&r->jobs);
	json_drop(&r->report);
	json_drop(&r->warnings);
	r->n = 0;
}

const struct rule *
rules_first(const struct rules *r, struct str path)
{
	ptrdiff_t pattern = glob_set_first(&r->globs, path);

	return pattern != GLOB_NONE ? &r->p[r->owners[pattern]] : NULL;
}

int
rules_job(struct arena *a, json_t *job, json_t **ret, struct err *e)
{
	AUTO(json_drop) json_t *warnings = json_array();
	struct mistakes *m = arena_alloc(a, sizeof(*m));
	struct reader r = {.a = a, .text = STR(""), .m = m, .warnings = warnings};
	const char *name;

	if (json_need_str(job, "name", &name, e) != 0)
		return fail_in(e, "job");
	mistakes_init(m, a, "job");
	reader_enter_member(&r, name);
	json_t *out = read_job(&r, name, job, true);
	if (mistakes_none(m, e) != 0) {
		json_decref(out);
		return -1;
	}
	*ret = out;
	return 0;
}

static const struct rule *
rule_named(const struct rules *r, const char *name)
{
	for (size_t i = 0; i < r->n; i++)
		if (strcmp(r->p[i].name, name) == 0)
			return &r->p[i];
	return NULL;
}

static const json_t *
job_named(const struct rules *r, const char *name)
{
	const json_t *job;
	size_t i;

	json_array_foreach(r->jobs, i, job)
		if (strcmp(json_str(job, "name", ""), name) == 0)
			return job;
	return NULL;
}

static void __attribute__((format(printf, 2, 3))) say(json_t *list, const char *fmt, ...)
{
	char text[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	struct str whole = str_utf8_head(str_of(text), sizeof(text));
	json_array_append_new(list, json_any_string(whole));
}

/* A value as people read it: without brackets, and without quotes as far as that is plain. */
static const char *
value_words(struct arena *a, const json_t *value)
{
	const char *all = NULL;
	const json_t *one;
	size_t i;

	if (value == NULL || json_is_null(value) || (json_is_array(value) && json_array_size(value) == 0))
		return "none";
	if (json_is_string(value))
		return json_string_value(value);
	if (json_is_boolean(value))
		return json_is_true(value) ? "yes" : "no";
	if (!json_is_array(value))
		return json_line(a, value);
	json_array_foreach(value, i, one) {
		const char *s = json_is_string(one) ? json_string_value(one) : json_line(a, one);
		all = all == NULL ? s : arena_printf(a, "%s, %s", all, s);
	}
	return all;
}

/* "file default.nix -> gone.nix; systems none -> x86_64-linux": what differs of a job. */
static const char *
job_changes(struct arena *a, const json_t *before, const json_t *after)
{
	AUTO(json_drop) json_t *both = json_copy((json_t *)(uintptr_t)before);
	const char *all = NULL, *key;
	json_t *value;

	json_object_update_missing(both, (json_t *)(uintptr_t)after);
	json_object_foreach(both, key, value) {
		const json_t *was = json_object_get(before, key), *is = json_object_get(after, key);
		if (was != NULL && is != NULL && json_equal((json_t *)(uintptr_t)was, (json_t *)(uintptr_t)is))
			continue;
		const char *words = arena_printf(a, "%s %s -> %s", key, value_words(a, was), value_words(a, is));
		all = all == NULL ? words : arena_printf(a, "%s; %s", all, words);
	}
	return all;
}

static void
rule_changes(struct arena *a, const struct rules *base, const struct rules *head, json_t *list)
{
	size_t last = 0;

	for (size_t i = 0; i < base->n; i++)
		if (rule_named(head, base->p[i].name) == NULL)
			say(list, "rule \"%s\" (%s) removed", base->p[i].name, rule_kind_name(base->p[i].kind));
	for (size_t i = 0; i < head->n; i++) {
		const struct rule *h = &head->p[i], *b = rule_named(base, h->name);
		if (b == NULL) {
			say(list, "rule \"%s\" (%s) added: %s", h->name, rule_kind_name(h->kind), value_words(a, h->paths));
			continue;
		}
		if (b->kind != h->kind)
			say(list, "rule \"%s\" changed: %s -> %s", h->name, rule_kind_name(b->kind), rule_kind_name(h->kind));
		if (!json_equal(b->paths, h->paths))
			say(list, "rule \"%s\" changed: paths %s", h->name, value_words(a, h->paths));
		if (!json_equal(b->attrs, h->attrs) || !json_equal(b->jobs, h->jobs))
			say(list, "rule \"%s\" changed: attrs %s; jobs %s", h->name, value_words(a, h->attrs),
			    value_words(a, h->jobs));
		if ((size_t)(b - base->p) < last)
			say(list, "rule \"%s\" moved behind others, which now decide first", h->name);
		else
			last = (size_t)(b - base->p);
	}
}

json_t *
rules_changes(struct arena *a, const struct rules *base, const struct rules *head)
{
	json_t *list = json_array(), *job;
	size_t i;

	rule_changes(a, base, head, list);
	json_array_foreach(base->jobs, i, job)
		if (job_named(head, json_str(job, "name", "")) == NULL)
			say(list, "job \"%s\" removed", json_str(job, "name", ""));
	json_array_foreach(head->jobs, i, job) {
		const json_t *before = job_named(base, json_str(job, "name", ""));
		if (before == NULL)
			say(list, "job \"%s\" added", json_str(job, "name", ""));
		else if (!json_equal((json_t *)(uintptr_t)before, job))
			say(list, "job \"%s\" changed: %s", json_str(job, "name", ""), job_changes(a, before, job));
	}
	if (!json_equal(base->report, head->report))
		say(list, "report settings changed");
	if (json_array_size(list) == 0)
		say(list, "nothing that ekaci uses");
	return list;
}
