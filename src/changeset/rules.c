/* .ekaci/config.json is read member by member, with a finger on the place. */
#include "changeset/rules.h"

#include "support/text/json.h"

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

/* The finger: path says which value is being read. */
struct reader {
	struct arena *a;
	struct str text;
	struct json_step path[8];
	size_t depth;
	struct rules *out;
	struct mistakes *m;
};

enum at { AT_VALUE, AT_KEY };

static void
enter_member(struct reader *r, const char *name)
{
	r->path[r->depth++] = (struct json_step){.name = name};
}

static void
enter_element(struct reader *r, size_t index)
{
	r->path[r->depth++] = (struct json_step){.index = index};
}

static void
leave(struct reader *r)
{
	r->depth--;
}

/* "change_sets[2].paths" */
static const char *
whereabouts(struct reader *r)
{
	AUTO(buf_release) struct buf b;

	buf_init(&b, 512);
	for (size_t i = 0; i < r->depth; i++) {
		if (r->path[i].name == NULL)
			buf_printf(&b, "[%zu]", r->path[i].index);
		else
			buf_printf(&b, "%s%.100s", i > 0 ? "." : "", r->path[i].name);
	}
	return arena_strn(r->a, b.p, b.n);
}

/* A mistake at the value, or the key, that the finger is on. The text follows the value's name. */
static void __attribute__((format(printf, 3, 4)))
wrong(struct reader *r, enum at at, const char *fmt, ...)
{
	size_t line = 0, column = 0;
	char text[768];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (r->m->n == MISTAKES_MAX) {
		r->m->more++;
		return;
	}
	if (!json_locate(r->text, r->path, r->depth, at == AT_KEY, &line, &column))
		line = column = 0;
	mistakes_add(r->m, line, column, "%s %s", r->depth > 0 ? whereabouts(r) : "the file", text);
}

static const char *
type_name(const json_t *j)
{
	switch (json_typeof(j)) {
	case JSON_OBJECT:
		return "an object";
	case JSON_ARRAY:
		return "an array";
	case JSON_STRING:
		return "text";
	case JSON_INTEGER:
		return "a whole number";
	case JSON_REAL:
		return "a number with a fraction";
	case JSON_TRUE:
	case JSON_FALSE:
		return "true or false";
	case JSON_NULL:
		return "null";
	}
	return "unknown";
}

/* The member key of obj, with the finger put on it; NULL, and no finger to lift, when it is not there. */
static json_t *
open_member(struct reader *r, const json_t *obj, const char *key)
{
	json_t *v = json_object_get(obj, key);

	if (v != NULL)
		enter_member(r, key);
	return v;
}

/* Known keys end in NULL. foreign: keys of other programs, which only warn; NULL: every unknown key only warns. */
static void
look_for_unknown(struct reader *r, const json_t *obj, const char *const *known, const char *const *foreign)
{
	const char *key;
	json_t *v;

	json_object_foreach((json_t *)(uintptr_t)obj, key, v) {
		struct near near = {.word = str_of(key)};
		bool found = false, warn = foreign == NULL;
		for (size_t i = 0; known[i] != NULL && !found; i++) {
			found = strcmp(known[i], key) == 0;
			near_try(&near, known[i]);
		}
		for (size_t i = 0; foreign != NULL && foreign[i] != NULL; i++)
			warn = warn || strcmp(foreign[i], key) == 0;
		if (found)
			continue;
		enter_member(r, key);
		if (!warn) {
			wrong(r, AT_KEY, "is an unknown key%s", near_hint(r->a, &near));
		} else if (json_array_size(r->out->warnings) < MISTAKES_MAX) {
			size_t line = 0, column = 0;
			(void)json_locate(r->text, r->path, r->depth, true, &line, &column);
			json_array_append_new(r->out->warnings,
			    json_string(arena_printf(r->a, "%s:%zu:%zu: %s is not used by ekaci%s", r->m->file, line, column,
			        whereabouts(r), near_hint(r->a, &near))));
		}
		leave(r);
	}
}

static bool
is_plain(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if ((unsigned char)s.p[i] < ' ' || s.p[i] == 0x7f)
			return false;
	return s.n > 0 && s.n <= RULES_MAX_NAME;
}

/* One part of "a.b"; quotes keep dots. */
static int
attr_part(struct str *rest, struct buf *part, struct err *e)
{
	struct str s = *rest;
	size_t i = 0;

	buf_drop(part, part->n);
	if (s.n > 0 && s.p[0] == '"') {
		for (i = 1; i < s.n && s.p[i] != '"'; i++) {
			if (s.p[i] == '\\' && i + 1 < s.n)
				i++;
			buf_putc(part, s.p[i]);
		}
		if (i == s.n)
			return fail(e, ERR_INPUT, "a quote without its end");
		i++;
	} else {
		for (; i < s.n && s.p[i] != '.'; i++)
			buf_putc(part, s.p[i]);
		if (i == 0)
			return fail(e, ERR_INPUT, "an empty part");
	}
	if (i < s.n && s.p[i] != '.')
		return fail(e, ERR_INPUT, "something behind a quote that is no dot");
	if (i + 1 == s.n)
		return fail(e, ERR_INPUT, "a dot at the end");
	*rest = i < s.n ? str_from(s, i + 1) : (struct str){NULL, 0};
	return 0;
}

/* Text or array of text becomes a new array of text; NULL when it is neither (said so). */
static json_t *
attr_path(struct reader *r, const json_t *v)
{
	json_t *path = json_array();
	const json_t *part;
	size_t i;

	if (json_is_string(v)) {
		AUTO(buf_release) struct buf b;
		struct str rest = {json_string_value(v), json_string_length(v)};
		struct err e = {0};
		buf_init(&b, 4096);
		while (rest.p != NULL && (rest.n > 0 || json_array_size(path) > 0)) {
			if (attr_part(&rest, &b, &e) != 0 || b.over || json_array_size(path) >= 32) {
				wrong(r, AT_VALUE, "is no attribute path: %s", e.kind != ERR_NONE ? e.msg : "it is too long");
				json_decref(path);
				return NULL;
			}
			json_array_append_new(path, json_stringn(b.p, b.n));
		}
		return path;
	}
	if (!json_is_array(v) || json_array_size(v) > 32) {
		wrong(r, AT_VALUE, "must be an attribute path, as text (\"a.b\") or array of text");
		json_decref(path);
		return NULL;
	}
	json_array_foreach(v, i, part) {
		if (!json_is_string(part) || json_string_length(part) == 0) {
			wrong(r, AT_VALUE, "must hold nothing but text that is not empty");
			json_decref(path);
			return NULL;
		}
		json_array_append(path, (json_t *)(uintptr_t)part);
	}
	return path;
}

static bool
read_flag(struct reader *r, const json_t *obj, const char *key, bool otherwise)
{
	const json_t *v = open_member(r, obj, key);

	if (v == NULL)
		return otherwise;
	if (!json_is_boolean(v))
		wrong(r, AT_VALUE, "must be true or false, not %s", type_name(v));
	leave(r);
	return json_is_true(v);
}

static int64_t
read_number(struct reader *r, const json_t *obj, const char *key, int64_t otherwise, int64_t max)
{
	const json_t *v = open_member(r, obj, key);

	if (v == NULL)
		return otherwise;
	if (!json_is_integer(v))
		wrong(r, AT_VALUE, "must be a whole number, not %s", type_name(v));
	else if (json_integer_value(v) < 0 || json_integer_value(v) > max)
		wrong(r, AT_VALUE, "must be from 0 to %lld", (long long)max);
	leave(r);
	return json_integer_value(v);
}

/* An array whose elements are named one by one to each(); nothing when it is missing. */
static size_t
read_list(struct reader *r, const json_t *obj, const char *key, void (*each)(struct reader *r, json_t *v, void *ctx),
    void *ctx)
{
	json_t *list = open_member(r, obj, key), *v;
	size_t i, n = 0;

	if (list == NULL)
		return 0;
	if (!json_is_array(list)) {
		wrong(r, AT_VALUE, "must be an array, not %s", type_name(list));
	} else if (json_array_size(list) > RULES_MAX_LIST) {
		wrong(r, AT_VALUE, "has more than %d entries", RULES_MAX_LIST);
	} else {
		n = json_array_size(list);
		json_array_foreach(list, i, v) {
			enter_element(r, i);
			each(r, v, ctx);
			leave(r);
		}
	}
	leave(r);
	return n;
}

static void
add_word(struct reader *r, json_t *v, void *list)
{
	if (!json_is_string(v) || !is_plain((struct str){json_string_value(v), json_string_length(v)}))
		wrong(r, AT_VALUE, "must be text of at most %d bytes", RULES_MAX_NAME);
	else
		json_array_append(list, v);
}

static void
add_attr(struct reader *r, json_t *v, void *list)
{
	json_t *path = attr_path(r, v);

	if (path != NULL && json_array_size(path) == 0) {
		wrong(r, AT_VALUE, "is the empty attribute path, which is everything (kind full-rebuild says that)");
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
	while (rest.p != NULL) {
		struct str part = str_cut(rest, '/', &rest);
		if (part.n == 0 || str_is(part, ".") || str_is(part, ".."))
			return (struct str){NULL, 0};
	}
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

/* Which of file, flake (and expr) says what to evaluate; exactly one must. */
static void
read_source(struct reader *r, json_t *in, bool allow_expr, json_t *out)
{
	static const char *const sources[] = {"file", "flake", "expr"};
	size_t found = 0;

	for (size_t i = 0; i < (allow_expr ? 3 : 2); i++) {
		json_t *v = open_member(r, in, sources[i]);
		if (v == NULL)
			continue;
		found++;
		struct str s = {json_string_value(v), json_string_length(v)};
		if (!json_is_string(v)) {
			wrong(r, AT_VALUE, "must be text, not %s", type_name(v));
		} else if (i == 0) {
			struct str inner = inner_path(s);
			if (inner.p == NULL)
				wrong(r, AT_VALUE, "must be the path of a file in this repository, without \"..\"");
			else
				json_object_set_new(out, "file", json_stringn(inner.p, inner.n));
		} else if (i == 1 && !flake_ok(s)) {
			wrong(r, AT_VALUE, "must be this repository's flake: \".#attribute\" or \"./folder#attribute\"");
		} else {
			json_object_set(out, sources[i], v);
		}
		leave(r);
	}
	if (found != 1)
		wrong(r, AT_VALUE, "must have either \"file\" or \"flake\"%s", found > 1 ? ", not both" : "");
}

static json_t *
read_job(struct reader *r, const char *name, json_t *in, bool allow_expr)
{
	static const char *const known[] = {"file", "flake", "attr_path", "systems", "allow_eval_failures", NULL};
	static const char *const known_by_hand[] = {"name", "file", "flake", "expr", "attr_path", "systems",
	    "allow_eval_failures", "scope", NULL};
	static const char *const foreign[] = {"caches", "size_check", NULL};
	json_t *out = json_object(), *systems = json_array();

	json_object_set_new(out, "name", json_string(name));
	look_for_unknown(r, in, allow_expr ? known_by_hand : known, foreign);
	read_source(r, in, allow_expr, out);
	json_t *v = open_member(r, in, "attr_path"), *path = v != NULL ? attr_path(r, v) : NULL;
	if (v != NULL)
		leave(r);
	json_object_set_new(out, "attr_path", path != NULL ? path : json_array());
	(void)read_list(r, in, "systems", add_word, systems);
	json_object_set_new(out, "systems", systems);
	json_object_set_new(out, "allow_eval_failures", json_boolean(read_flag(r, in, "allow_eval_failures", false)));
	return out;
}

static void
read_jobs(struct reader *r)
{
	json_t *jobs = open_member(r, r->out->doc, "jobs"), *job;
	const char *name;

	if (jobs == NULL)
		return;
	if (!json_is_object(jobs)) {
		wrong(r, AT_VALUE, "must be an object, name by name, not %s", type_name(jobs));
	} else if (json_object_size(jobs) > RULES_MAX_JOBS) {
		wrong(r, AT_VALUE, "has more than %d jobs", RULES_MAX_JOBS);
	} else {
		json_object_foreach(jobs, name, job) {
			enter_member(r, name);
			if (!is_plain(str_of(name)))
				wrong(r, AT_KEY, "must have a name of 1 to %d bytes without control characters", RULES_MAX_NAME);
			else if (!json_is_object(job))
				wrong(r, AT_VALUE, "must be an object, not %s", type_name(job));
			else
				json_array_append_new(r->out->jobs, read_job(r, name, job, false));
			leave(r);
		}
	}
	leave(r);
}

static void
add_pattern(struct reader *r, json_t *v, void *ctx)
{
	struct str s = {json_string_value(v), json_string_length(v)};
	struct rules *out = r->out;
	struct err e = {0};

	(void)ctx;
	if (!json_is_string(v)) {
		wrong(r, AT_VALUE, "must be text, not %s", type_name(v));
		return;
	}
	if (glob_set_add(&out->globs, s, &e) != 0) {
		wrong(r, AT_VALUE, "\"" STR_FMT "\": %s", STR_ARG(str_utf8_head(s, 200)), e.msg);
		return;
	}
	if (out->globs.n > RULES_MAX_ALTERNATIVES) {
		wrong(r, AT_VALUE, "is one pattern too many: all of them together make more than %d alternatives",
		    RULES_MAX_ALTERNATIVES);
		out->globs.n = 0;
	}
}

static enum rule_kind
read_kind(struct reader *r, const json_t *set)
{
	const json_t *v = open_member(r, set, "kind");
	struct near near = {.word = str_of(v != NULL ? json_string_value(v) : NULL)};
	enum rule_kind kind = COUNT(kind_names);

	if (v == NULL) {
		wrong(r, AT_VALUE, "must have a \"kind\": docs-only, no-op, full-rebuild or rebuild-only");
		return RULE_FULL_REBUILD;
	}
	for (size_t i = 0; i < COUNT(kind_names); i++) {
		near_try(&near, kind_names[i]);
		if (str_is(near.word, kind_names[i]))
			kind = (enum rule_kind)i;
	}
	if (kind == COUNT(kind_names)) {
		wrong(r, AT_VALUE, "must be docs-only, no-op, full-rebuild or rebuild-only%s", near_hint(r->a, &near));
		kind = RULE_FULL_REBUILD;
	}
	leave(r);
	return kind;
}

static const char *
read_name(struct reader *r, const json_t *set, size_t index)
{
	const json_t *v = open_member(r, set, "name");
	const char *name = arena_printf(r->a, "change_sets[%zu]", index);

	if (v == NULL)
		return name;
	if (!json_is_string(v) || !is_plain((struct str){json_string_value(v), json_string_length(v)}))
		wrong(r, AT_VALUE, "must be text of 1 to %d bytes without control characters", RULES_MAX_NAME);
	else
		name = json_string_value(v);
	for (size_t i = 0; i < index; i++)
		if (strcmp(r->out->p[i].name, name) == 0) {
			wrong(r, AT_VALUE, "is the name of change_sets[%zu] already: \"%.100s\"", i, name);
			break;
		}
	leave(r);
	return name;
}

/* A rule may name only jobs that there are. */
static void
check_job_names(struct reader *r, const struct rule *rule)
{
	const json_t *name, *job;
	size_t i, k;

	enter_member(r, "jobs");
	json_array_foreach(rule->jobs, i, name) {
		struct near near = {.word = str_of(json_string_value(name))};
		bool found = false;
		json_array_foreach(r->out->jobs, k, job) {
			near_try(&near, json_str(job, "name", ""));
			found = found || str_is(near.word, json_str(job, "name", ""));
		}
		if (!found)
			wrong(r, AT_VALUE, "names a job that is not in \"jobs\": \"%.100s\"%s", json_string_value(name),
			    near_hint(r->a, &near));
	}
	leave(r);
}

static void
read_rule(struct reader *r, json_t *set, size_t index)
{
	static const char *const known[] = {"name", "kind", "paths", "attrs", "jobs", NULL};
	static const char *const foreign[] = {NULL};
	struct rule *rule = &r->out->p[index];
	size_t line = 0, column = 0, first = r->out->globs.patterns;

	look_for_unknown(r, set, known, foreign);
	(void)json_locate(r->text, r->path, r->depth, false, &line, &column);
	rule->name = read_name(r, set, index);
	rule->kind = read_kind(r, set);
	rule->place = arena_printf(r->a, "%s:%zu:%zu", r->m->file, line, column);
	rule->paths = json_object_get(set, "paths");
	if (rule->paths == NULL)
		wrong(r, AT_VALUE, "must have \"paths\", an array of patterns");
	else if (json_is_array(rule->paths) && json_array_size(rule->paths) == 0)
		wrong(r, AT_VALUE, "must have at least one pattern in \"paths\"");
	(void)read_list(r, set, "paths", add_pattern, NULL);
	(void)read_list(r, set, "attrs", add_attr, rule->attrs);
	(void)read_list(r, set, "jobs", add_word, rule->jobs);
	size_t named = json_array_size(json_object_get(set, "attrs")) + json_array_size(json_object_get(set, "jobs"));
	if (rule->kind == RULE_REBUILD_ONLY && named == 0)
		wrong(r, AT_VALUE, "is rebuild-only and must say what can change: \"attrs\" or \"jobs\"");
	else if (rule->kind != RULE_REBUILD_ONLY && named != 0)
		wrong(r, AT_VALUE, "has \"attrs\" or \"jobs\", which only the kind rebuild-only knows");
	else
		check_job_names(r, rule);
	for (size_t i = first; i < r->out->globs.patterns && i < RULES_MAX_ALTERNATIVES; i++)
		r->out->owners[i] = index;
}

static void
read_rules(struct reader *r)
{
	json_t *sets = open_member(r, r->out->doc, "change_sets"), *set;
	size_t i;

	if (sets == NULL)
		return;
	if (!json_is_array(sets)) {
		wrong(r, AT_VALUE, "must be an array of rules, not %s", type_name(sets));
	} else if (json_array_size(sets) > RULES_MAX_RULES) {
		wrong(r, AT_VALUE, "has more than %d rules", RULES_MAX_RULES);
	} else {
		r->out->p = arena_alloc(r->a, json_array_size(sets) * sizeof(*r->out->p));
		r->out->owners = arena_alloc(r->a, RULES_MAX_ALTERNATIVES * sizeof(*r->out->owners));
		json_array_foreach(sets, i, set) {
			r->out->p[i] = (struct rule){.name = "", .attrs = json_array(), .jobs = json_array()};
			r->out->n = i + 1;
			enter_element(r, i);
			if (json_is_object(set))
				read_rule(r, set, i);
			else
				wrong(r, AT_VALUE, "must be an object, not %s", type_name(set));
			leave(r);
		}
	}
	leave(r);
}

static json_t *
open_settings(struct reader *r, const char *key, const char *const *known)
{
	json_t *v = open_member(r, r->out->doc, key);

	if (v == NULL)
		return NULL;
	if (json_is_object(v)) {
		look_for_unknown(r, v, known, NULL);
		return v;
	}
	wrong(r, AT_VALUE, "must be an object, not %s", type_name(v));
	return v;
}

static void
read_report(struct reader *r)
{
	static const char *const of_summary[] = {"enabled", "max_packages_listed", "include_rebuild_only", NULL};
	static const char *const of_impact[] = {"enabled", "max_top_blast_radius", NULL};
	json_t *v, *out;

	v = open_settings(r, "package_change_summary", of_summary);
	out = json_object();
	json_object_set_new(out, "enabled", json_boolean(read_flag(r, v, "enabled", true)));
	json_object_set_new(out, "max_packages_listed", json_integer(read_number(r, v, "max_packages_listed", 100, 100000)));
	json_object_set_new(out, "include_rebuild_only", json_boolean(read_flag(r, v, "include_rebuild_only", false)));
	json_object_set_new(r->out->report, "package_change_summary", out);
	if (v != NULL)
		leave(r);
	v = open_settings(r, "rebuild_impact", of_impact);
	out = json_object();
	json_object_set_new(out, "enabled", json_boolean(read_flag(r, v, "enabled", true)));
	json_object_set_new(out, "max_top_blast_radius", json_integer(read_number(r, v, "max_top_blast_radius", 5, 1000)));
	json_object_set_new(r->out->report, "rebuild_impact", out);
	if (v != NULL)
		leave(r);
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
	struct reader r = {.a = a, .text = text, .out = ret, .m = m};
	struct err e = {0};

	start(a, ret);
	if (text.n > RULES_MAX_BYTES) {
		mistakes_add(m, 1, 1, "the file has more than %d bytes", RULES_MAX_BYTES);
		return;
	}
	if (json_read(text, m->file, &ret->doc, &e) != 0) {
		mistakes_add(m, 0, 0, "%s", e.msg);
		return;
	}
	if (!json_is_object(ret->doc)) {
		wrong(&r, AT_VALUE, "must be an object, not %s", type_name(ret->doc));
		return;
	}
	look_for_unknown(&r, ret->doc, known, NULL);
	read_jobs(&r);
	read_rules(&r);
	read_report(&r);
	mistakes_sort(m);
}

void
rules_empty(struct arena *a, struct rules *ret)
{
	struct mistakes *none = arena_alloc(a, sizeof(*none));
	struct reader r = {.a = a, .text = STR(""), .out = ret, .m = none};

	mistakes_init(none, a, RULES_PATH);
	start(a, ret);
	read_report(&r);
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
	struct rules unused;
	struct mistakes *m = arena_alloc(a, sizeof(*m));
	struct reader r = {.a = a, .text = STR(""), .out = &unused, .m = m};
	const char *name;

	if (json_need_str(job, "name", &name, e) != 0)
		return fail_in(e, "job");
	start(a, &unused);
	mistakes_init(m, a, "job");
	enter_member(&r, name);
	json_t *out = read_job(&r, name, job, true);
	rules_release(&unused);
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

static void __attribute__((format(printf, 2, 3)))
say(json_t *list, const char *fmt, ...)
{
	char text[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	struct str whole = str_utf8_head(str_of(text), sizeof(text));
	json_array_append_new(list, json_any_string(whole));
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
			say(list, "rule \"%s\" (%s) added: %s", h->name, rule_kind_name(h->kind), json_line(a, h->paths));
			continue;
		}
		if (b->kind != h->kind)
			say(list, "rule \"%s\" changed: %s -> %s", h->name, rule_kind_name(b->kind), rule_kind_name(h->kind));
		if (!json_equal(b->paths, h->paths))
			say(list, "rule \"%s\" changed: paths %s", h->name, json_line(a, h->paths));
		if (!json_equal(b->attrs, h->attrs) || !json_equal(b->jobs, h->jobs))
			say(list, "rule \"%s\" changed: attrs %s, jobs %s", h->name, json_line(a, h->attrs),
			    json_line(a, h->jobs));
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
			say(list, "job \"%s\" changed: %s", json_str(job, "name", ""), json_line(a, job));
	}
	if (!json_equal(base->report, head->report))
		say(list, "report settings changed");
	if (json_array_size(list) == 0)
		say(list, "nothing that ekaci uses");
	return list;
}
