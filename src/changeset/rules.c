/* .ekaci/config.json becomes jobs and rules. */
#include "changeset/rules.h"

#include "changeset/reader.h"
#include "changeset/spending.h"

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
		list_add(r->a, (struct texts *)list, arena_strdup(r->a, json_string_value(v)));
}

static void
add_attr(struct reader *r, json_t *v, void *list)
{
	struct texts path;

	if (!reader_attr_path(r, v, &path))
		return;
	if (path.n == 0)
		reader_wrong(r, AT_VALUE, "is the empty attribute path, which is everything (kind full-rebuild says that)");
	else
		list_add(r->a, (struct paths *)list, path);
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
read_flake(struct reader *r, struct str s, struct job_def *out)
{
	bool takes;
	struct str flake = without_submodules(r->a, s, &takes);

	if (!flake_ok(flake)) {
		reader_wrong(r, AT_VALUE, "must be this repository's flake: \".#attribute\" or \"./folder#attribute\"");
		return;
	}
	out->flake = str_dup(r->a, flake);
	out->submodules = takes;
}

static void
read_file(struct reader *r, struct str s, struct job_def *out)
{
	struct str inner = inner_path(s);

	if (inner.p == NULL)
		reader_wrong(r, AT_VALUE, "must be the path of a file in this repository, without \"..\"");
	else
		out->file = str_dup(r->a, inner);
}

/* Which of file, flake (and expr) says what to evaluate; exactly one must. */
static void
read_source(struct reader *r, json_t *in, bool allow_expr, struct job_def *out)
{
	static const char *const sources[] = {"file", "flake", "expr"};
	size_t found = 0;

	for (size_t i = 0; i < (allow_expr ? 3 : 2); i++) {
		json_t *v = reader_open(r, in, sources[i]);
		if (v == NULL)
			continue;
		found++;
		struct str s = {json_string_value(v), json_string_length(v)};
		if (!json_is_string(v))
			reader_wrong(r, AT_VALUE, "must be text, not %s", reader_type_name(v));
		else if (i == 0)
			read_file(r, s, out);
		else if (i == 1)
			read_flake(r, s, out);
		else
			out->expr = str_dup(r->a, s);
		reader_leave(r);
	}
	if (found != 1)
		reader_wrong(r, AT_VALUE, "must have either \"file\" or \"flake\"%s", found > 1 ? ", not both" : "");
}

static struct job_def
read_job(struct reader *r, const char *name, json_t *in, bool allow_expr)
{
	static const char *const known[] = {"file", "flake", "attr_path", "systems", "allow_eval_failures", "submodules", NULL};
	static const char *const known_by_hand[] = {"name", "file", "flake", "expr", "attr_path", "systems",
	    "allow_eval_failures", "submodules", "scope", NULL};
	static const char *const foreign[] = {"caches", "size_check", NULL};
	struct job_def out = {.name = arena_strdup(r->a, name)};

	list_clear(r->a, &out.attr_path);
	list_clear(r->a, &out.systems);
	reader_unknown(r, in, allow_expr ? known_by_hand : known, foreign);
	read_source(r, in, allow_expr, &out);
	json_t *v = reader_open(r, in, "attr_path");
	if (v != NULL) {
		(void)reader_attr_path(r, v, &out.attr_path);
		reader_leave(r);
	}
	reader_list(r, in, "systems", add_word, &out.systems);
	out.allow_eval_failures = reader_flag(r, in, "allow_eval_failures", false);
	if (reader_flag(r, in, "submodules", false))
		out.submodules = true;
	return out;
}

static void
read_jobs(struct reader *r, const json_t *doc, struct rules *out)
{
	json_t *jobs = reader_open(r, doc, "jobs"), *job;
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
				list_add(r->a, &out->jobs, read_job(r, name, job, false));
			reader_leave(r);
		}
	}
	reader_leave(r);
}

struct patterns { /* of one rule, and those of all */
	struct texts *texts;
	struct glob_set *globs;
};

static void
add_pattern(struct reader *r, json_t *v, void *ctx)
{
	struct str s = {json_string_value(v), json_string_length(v)};
	struct patterns *to = ctx;
	struct err e = {0};

	if (!json_is_string(v)) {
		reader_wrong(r, AT_VALUE, "must be text, not %s", reader_type_name(v));
		return;
	}
	list_add(r->a, to->texts, str_dup(r->a, s));
	if (glob_set_add(to->globs, s, &e) != 0) {
		reader_wrong(r, AT_VALUE, "\"" STR_FMT "\": %s", STR_ARG(str_utf8_head(s, 200)), e.msg);
		return;
	}
	if (to->globs->n > RULES_MAX_ALTERNATIVES) {
		reader_wrong(r, AT_VALUE, "is one pattern too many: all of them together make more than %d alternatives",
		    RULES_MAX_ALTERNATIVES);
		to->globs->n = 0;
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
		name = arena_strdup(r->a, json_string_value(v));
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
	reader_enter_member(r, "jobs");
	for (size_t i = 0; i < rule->jobs.n; i++) {
		struct near near = {.word = str_of(rule->jobs.p[i])};
		bool found = false;
		for (size_t k = 0; k < out->jobs.n; k++) {
			near_try(&near, out->jobs.p[k].name);
			found = found || strcmp(rule->jobs.p[i], out->jobs.p[k].name) == 0;
		}
		if (!found)
			reader_wrong(r, AT_VALUE, "names a job that is not in \"jobs\": \"%.100s\"%s", rule->jobs.p[i],
			    near_hint(r->a, &near));
	}
	reader_leave(r);
}

static void
read_patterns(struct reader *r, struct rules *out, const json_t *set, struct rule *rule)
{
	const json_t *list = json_object_get(set, "paths");
	struct patterns to = {&rule->paths, &out->globs};

	if (list == NULL)
		reader_wrong(r, AT_VALUE, "must have \"paths\", an array of patterns");
	else if (json_is_array(list) && json_array_size(list) == 0)
		reader_wrong(r, AT_VALUE, "must have at least one pattern in \"paths\"");
	reader_list(r, set, "paths", add_pattern, &to);
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
	read_patterns(r, out, set, rule);
	reader_list(r, set, "attrs", add_attr, &rule->attrs);
	reader_list(r, set, "jobs", add_word, &rule->jobs);
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
read_rules(struct reader *r, const json_t *doc, struct rules *out)
{
	json_t *sets = reader_open(r, doc, "change_sets"), *set;
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
			out->p[i] = (struct rule){.name = ""};
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

static const json_t *
open_settings(struct reader *r, const json_t *doc, const char *key, const char *const *known)
{
	json_t *v = reader_open(r, doc, key);

	if (v == NULL)
		return NULL;
	if (json_is_object(v)) {
		reader_unknown(r, v, known, NULL);
		return v;
	}
	reader_wrong(r, AT_VALUE, "must be an object, not %s", reader_type_name(v));
	return v;
}

static const char *
read_comment(struct reader *r, const json_t *said)
{
	const json_t *v = reader_open(r, said, "comment");
	struct near near = {.word = str_of(v != NULL ? json_string_value(v) : NULL)};
	const char *ret = NULL;

	if (v == NULL)
		return NULL;
	for (size_t i = 0; report_comment_words[i] != NULL; i++) {
		near_try(&near, report_comment_words[i]);
		if (str_is(near.word, report_comment_words[i]))
			ret = report_comment_words[i];
	}
	if (ret == NULL)
		reader_wrong(r, AT_VALUE, "must be always, changes, failures or never%s", near_hint(r->a, &near));
	reader_leave(r);
	return ret;
}

static struct report_said *
read_said(struct reader *r, const json_t *doc)
{
	static const char *const of_report[] = {"comment", "labels", "review_requests", "attribute_checks", NULL};
	const json_t *v = open_settings(r, doc, "report", of_report);
	struct report_said said = {NULL, -1, -1, -1};

	if (v == NULL)
		return NULL;
	said.comment = read_comment(r, v);
	if (json_object_get(v, "labels") != NULL)
		said.labels = reader_flag(r, v, "labels", false);
	said.review_requests = reader_number(r, v, "review_requests", -1, REPORT_MAX_REVIEW_REQUESTS);
	said.attribute_checks = reader_number(r, v, "attribute_checks", -1, REPORT_MAX_ATTRIBUTE_CHECKS);
	reader_leave(r);
	return arena_dup(r->a, &said, sizeof(said));
}

static void
read_report(struct reader *r, const json_t *doc, struct report_wishes *out)
{
	static const char *const of_summary[] = {"enabled", "max_packages_listed", "include_rebuild_only", NULL};
	static const char *const of_impact[] = {"enabled", "max_top_blast_radius", NULL};
	static const char *const of_cost[] = {"enabled", "warn_above_percent", NULL};
	const json_t *v = open_settings(r, doc, "package_change_summary", of_summary);

	out->package_change_summary = (struct package_change_summary){.enabled = reader_flag(r, v, "enabled", true),
	    .max_packages_listed = reader_number(r, v, "max_packages_listed", 100, 100000),
	    .include_rebuild_only = reader_flag(r, v, "include_rebuild_only", false)};
	if (v != NULL)
		reader_leave(r);
	v = open_settings(r, doc, "rebuild_impact", of_impact);
	out->rebuild_impact = (struct rebuild_impact){.enabled = reader_flag(r, v, "enabled", true),
	    .max_top_blast_radius = reader_number(r, v, "max_top_blast_radius", 5, 1000)};
	if (v != NULL)
		reader_leave(r);
	v = open_settings(r, doc, "evaluation_cost", of_cost);
	out->evaluation_cost = (struct evaluation_cost_wishes){.enabled = reader_flag(r, v, "enabled", true),
	    .warn_above_percent = reader_number(r, v, "warn_above_percent", EVALUATION_COST_WARN_ABOVE, 10000)};
	if (v != NULL)
		reader_leave(r);
	out->said = read_said(r, doc);
	out->budget = spending_read(r, doc);
}

static void
start(struct arena *a, struct rules *ret)
{
	*ret = (struct rules){.globs = {.a = a}};
}

void
rules_read(struct arena *a, struct str text, struct rules *ret, struct mistakes *m)
{
	static const char *const known[] = {"jobs", "change_sets", "package_change_summary", "rebuild_impact",
	    "evaluation_cost", "report", "budget", NULL};
	struct reader r = {.a = a, .text = text, .m = m, .warnings = &ret->warnings};
	AUTO(json_drop) json_t *doc = NULL;
	struct err e = {0};

	start(a, ret);
	if (text.n > RULES_MAX_BYTES) {
		mistakes_add(m, 1, 1, "the file has more than %d bytes", RULES_MAX_BYTES);
		return;
	}
	if (json_read(text, m->file, &doc, &e) != 0) {
		mistakes_add(m, 0, 0, "%s", e.msg);
		return;
	}
	if (!json_is_object(doc)) {
		reader_wrong(&r, AT_VALUE, "must be an object, not %s", reader_type_name(doc));
		return;
	}
	reader_unknown(&r, doc, known, NULL);
	read_jobs(&r, doc, ret);
	read_rules(&r, doc, ret);
	read_report(&r, doc, &ret->report);
	mistakes_sort(m);
}

void
rules_empty(struct arena *a, struct rules *ret)
{
	struct mistakes *none = arena_alloc(a, sizeof(*none));
	struct reader r = {.a = a, .text = STR(""), .m = none};

	mistakes_init(none, a, RULES_PATH);
	start(a, ret);
	read_report(&r, NULL, &ret->report);
}

const struct rule *
rules_first(const struct rules *r, struct str path)
{
	ptrdiff_t pattern = glob_set_first(&r->globs, path);

	return pattern != GLOB_NONE ? &r->p[r->owners[pattern]] : NULL;
}

static int
job_by_hand(struct arena *a, json_t *job, struct job_def *ret, struct err *e)
{
	struct mistakes *m = arena_alloc(a, sizeof(*m));
	struct reader r = {.a = a, .text = STR(""), .m = m};
	const char *name;

	if (json_need_str(job, "name", &name, e) != 0)
		return fail_in(e, "job");
	mistakes_init(m, a, "job");
	reader_enter_member(&r, name);
	*ret = read_job(&r, name, job, true);
	return mistakes_none(m, e);
}

int
rules_jobs(struct arena *a, struct str text, struct job_defs *ret, struct err *e)
{
	AUTO(json_drop) json_t *list = NULL;
	struct job_defs jobs = {0};
	json_t *job;
	size_t i;

	if (json_read(text, "jobs", &list, e) != 0)
		return -1;
	if (json_array_size(list) == 0)
		return fail(e, ERR_INPUT, "the list of jobs is empty");
	json_array_foreach(list, i, job) {
		struct job_def one;
		if (job_by_hand(a, job, &one, e) != 0)
			return -1;
		list_add(a, &jobs, one);
	}
	*ret = jobs;
	return 0;
}

bool
rules_take_submodules(const struct job_defs *jobs)
{
	for (size_t i = 0; i < jobs->n; i++)
		if (jobs->p[i].submodules)
			return true;
	return false;
}

static const struct rule *
rule_named(const struct rules *r, const char *name)
{
	for (size_t i = 0; i < r->n; i++)
		if (strcmp(r->p[i].name, name) == 0)
			return &r->p[i];
	return NULL;
}

static const struct job_def *
job_named(const struct rules *r, const char *name)
{
	for (size_t i = 0; i < r->jobs.n; i++)
		if (strcmp(r->jobs.p[i].name, name) == 0)
			return &r->jobs.p[i];
	return NULL;
}

static void __attribute__((format(printf, 3, 4))) say(struct arena *a, struct texts *list, const char *fmt, ...)
{
	char text[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	list_add(a, list, fields_clean(a, str_utf8_head(str_of(text), sizeof(text))));
}

static const char *
words_of(struct arena *a, const struct texts *list)
{
	return list->n > 0 ? texts_join(a, list, ", ") : "none";
}

/* Attribute paths, each as JSON: ["a","b"], ["c"] */
static const char *
words_of_paths(struct arena *a, const struct paths *list)
{
	AUTO(buf_release) struct buf out;

	buf_init(&out, SIZE_MAX / 4);
	for (size_t i = 0; i < list->n; i++) {
		buf_puts(&out, i > 0 ? ", [" : "[");
		for (size_t k = 0; k < list->p[i].n; k++) {
			buf_puts(&out, k > 0 ? "," : "");
			json_quote(str_of(list->p[i].p[k]), &out);
		}
		buf_putc(&out, ']');
	}
	return list->n > 0 ? arena_strn(a, out.p, out.n) : "none";
}

/* "file default.nix -> gone.nix; systems none -> x86_64-linux": what differs of a job; NULL when nothing does. */
static const char *
job_changes(struct arena *a, const struct job_def *b, const struct job_def *h)
{
	static const char *const yes = "yes", *const no = "no";
	const struct {
		const char *name, *was, *is; /* NULL: it does not have that member */
		bool same;
	} rows[] = {
	    {"file", b->file, h->file, str_same(b->file, h->file)},
	    {"flake", b->flake, h->flake, str_same(b->flake, h->flake)},
	    {"attr_path", words_of(a, &b->attr_path), words_of(a, &h->attr_path), texts_same(&b->attr_path, &h->attr_path)},
	    {"systems", words_of(a, &b->systems), words_of(a, &h->systems), texts_same(&b->systems, &h->systems)},
	    {"allow_eval_failures", b->allow_eval_failures ? yes : no, h->allow_eval_failures ? yes : no,
	        b->allow_eval_failures == h->allow_eval_failures},
	    {"submodules", b->submodules ? yes : NULL, h->submodules ? yes : NULL, b->submodules == h->submodules},
	};
	const char *all = NULL;

	/* Members that the job had, then those that it has got. */
	for (size_t i = 0; i < 2 * COUNT(rows); i++) {
		size_t k = i % COUNT(rows);
		bool had = rows[k].was != NULL;
		if (rows[k].same || had != (i < COUNT(rows)))
			continue;
		const char *words = arena_printf(a, "%s %s -> %s", rows[k].name, had ? rows[k].was : "none",
		    rows[k].is != NULL ? rows[k].is : "none");
		all = all == NULL ? words : arena_printf(a, "%s; %s", all, words);
	}
	return all;
}

static void
rule_changes(struct arena *a, const struct rules *base, const struct rules *head, struct texts *list)
{
	size_t last = 0;

	for (size_t i = 0; i < base->n; i++)
		if (rule_named(head, base->p[i].name) == NULL)
			say(a, list, "rule \"%s\" (%s) removed", base->p[i].name, rule_kind_name(base->p[i].kind));
	for (size_t i = 0; i < head->n; i++) {
		const struct rule *h = &head->p[i], *b = rule_named(base, h->name);
		if (b == NULL) {
			say(a, list, "rule \"%s\" (%s) added: %s", h->name, rule_kind_name(h->kind), words_of(a, &h->paths));
			continue;
		}
		if (b->kind != h->kind)
			say(a, list, "rule \"%s\" changed: %s -> %s", h->name, rule_kind_name(b->kind),
			    rule_kind_name(h->kind));
		if (!texts_same(&b->paths, &h->paths))
			say(a, list, "rule \"%s\" changed: paths %s", h->name, words_of(a, &h->paths));
		if (!paths_same(&b->attrs, &h->attrs) || !texts_same(&b->jobs, &h->jobs))
			say(a, list, "rule \"%s\" changed: attrs %s; jobs %s", h->name, words_of_paths(a, &h->attrs),
			    words_of(a, &h->jobs));
		if ((size_t)(b - base->p) < last)
			say(a, list, "rule \"%s\" moved behind others, which now decide first", h->name);
		else
			last = (size_t)(b - base->p);
	}
}

static bool
same_said(const struct report_said *b, const struct report_said *h)
{
	static const struct report_said nothing = {NULL, -1, -1, -1};
	const struct report_said *x = b != NULL ? b : &nothing, *y = h != NULL ? h : &nothing;

	return str_same(x->comment, y->comment) && x->labels == y->labels && x->review_requests == y->review_requests &&
	       x->attribute_checks == y->attribute_checks;
}

static bool
same_report(const struct report_wishes *b, const struct report_wishes *h)
{
	const struct package_change_summary *x = &b->package_change_summary, *y = &h->package_change_summary;

	return x->enabled == y->enabled && x->max_packages_listed == y->max_packages_listed &&
	       x->include_rebuild_only == y->include_rebuild_only && b->rebuild_impact.enabled == h->rebuild_impact.enabled &&
	       b->rebuild_impact.max_top_blast_radius == h->rebuild_impact.max_top_blast_radius &&
	       b->evaluation_cost.enabled == h->evaluation_cost.enabled &&
	       b->evaluation_cost.warn_above_percent == h->evaluation_cost.warn_above_percent && same_said(b->said, h->said) &&
	       same_said(b->said, h->said) && spending_same(b->budget, h->budget);
}

struct texts
rules_changes(struct arena *a, const struct rules *base, const struct rules *head)
{
	struct texts list = {0};

	rule_changes(a, base, head, &list);
	for (size_t i = 0; i < base->jobs.n; i++)
		if (job_named(head, base->jobs.p[i].name) == NULL)
			say(a, &list, "job \"%s\" removed", base->jobs.p[i].name);
	for (size_t i = 0; i < head->jobs.n; i++) {
		const struct job_def *job = &head->jobs.p[i], *before = job_named(base, job->name);
		const char *changes = before != NULL ? job_changes(a, before, job) : NULL;
		if (before == NULL)
			say(a, &list, "job \"%s\" added", job->name);
		else if (changes != NULL)
			say(a, &list, "job \"%s\" changed: %s", job->name, changes);
	}
	if (!same_report(&base->report, &head->report))
		say(a, &list, "report settings changed");
	if (list.n == 0)
		say(a, &list, "nothing that ekaci uses");
	return list;
}
