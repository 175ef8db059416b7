/* `ekaci explain ATTR BASE HEAD`, once base and head are compared. */
#include "report/explanation.h"

#include "formats/rows.h"
#include "graph/graph.h"
#include "report/model.h"
#include "support/text/escape.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { MAX_CANDIDATES = 8 }; /* an error's text has room for about as many */

struct explaining {
	struct arena a;
	const struct explain_question *q;
	json_t *difference;
};

static const char *
safe(struct explaining *x, const char *s)
{
	return escape_dup(&x->a, ESCAPE_TERMINAL, str_of(s));
}

static const char *
class_words(const char *class)
{
	static const char *const words[][2] = {
	    {"rebuild", "must be rebuilt"},
	    {"derivation_only", "another derivation, the same outputs: nothing to build"},
	    {"switched", "another package than before, which the base had already: nothing to build"},
	    {"added", "added"},
	    {"removed", "removed"},
	    {"newly_failing", "newly fails to evaluate"},
	    {"fixed", "evaluates again"},
	    {"still_failing", "fails to evaluate on both sides, with other words"},
	    {"added_failing", "new, and fails to evaluate"},
	    {"removed_failing", "gone; at the base it failed to evaluate"},
	    {"untold", "could not be told: it cannot be evaluated here, on one side at least"},
	};

	for (size_t i = 0; i < COUNT(words); i++)
		if (strcmp(class, words[i][0]) == 0)
			return words[i][1];
	return class;
}

static void
print_joined(struct explaining *x, const json_t *list, const char *between)
{
	for (size_t i = 0; i < json_array_size(list); i++)
		printf("%s%s", i > 0 ? between : "", safe(x, json_string_value(json_array_get(list, i))));
}

static const json_t *
root_of(const struct explaining *x, const json_t *index)
{
	return json_array_get(json_object_get(x->difference, "roots"), (size_t)json_integer_value(index));
}

static void
print_radius(const json_t *radius)
{
	int64_t attributes = json_int(radius, "attributes", 0), derivations = json_int(radius, "derivations", 0);

	printf("%" PRId64 " attribute%s, %" PRId64 " derivation%s", attributes, attributes == 1 ? "" : "s", derivations,
	    derivations == 1 ? "" : "s");
}

static void
print_cause(struct explaining *x, const json_t *cause)
{
	const json_t *roots = json_object_get(cause, "roots"), *index;
	bool is_root = strcmp(json_str(cause, "kind", ""), "root") == 0;
	int64_t more = json_int(cause, "roots_total", 0) - (int64_t)json_array_size(roots);
	size_t i;

	if (is_root) {
		printf("  differs by itself: ");
		print_joined(x, json_object_get(cause, "what"), ", ");
		putchar('\n');
	} else {
		printf("  differs only through what it needs, the shortest way: ");
		print_joined(x, json_object_get(cause, "chain"), " <- ");
		putchar('\n');
	}
	json_array_foreach(roots, i, index) {
		const json_t *root = root_of(x, index);
		if (root == NULL || (is_root && i == 0)) /* itself */
			continue;
		const json_t *user = json_object_get(root, "used_by"); /* of a root that is no attribute itself */
		printf("  %s %s", is_root ? "and because of" : "because of", safe(x, json_str(root, "name", "?")));
		if (json_is_array(user))
			printf(" (in %s)", safe(x, model_attr_name(&x->a, user)));
		printf(": ");
		print_joined(x, json_object_get(root, "what"), ", ");
		printf("; it also rebuilds ");
		print_radius(json_object_get(root, "radius"));
		putchar('\n');
	}
	if (more > 0)
		printf("  and because of %" PRId64 " more\n", more);
}

static void
print_error(struct explaining *x, const char *side, const char *error)
{
	struct str rest = str_of(error);

	printf("  %s says:\n", side);
	while (rest.n != 0) {
		struct str line = str_cut(rest, '\n', &rest);
		while (line.n > 0 && line.p[line.n - 1] == ' ')
			line.n--;
		printf("%s%s\n", line.n != 0 ? "    " : "", escape_dup(&x->a, ESCAPE_TERMINAL, line));
	}
}

/* Whether it fails on both sides, and both say the same: nothing of it differs. */
static bool
fails_alike(const json_t *at)
{
	return strcmp(json_str(at, "class", ""), "still_failing") == 0 &&
	       strcmp(json_str_at(at, "base.error", ""), json_str_at(at, "head.error", "")) == 0;
}

static void
print_attribute(struct explaining *x, const json_t *at)
{
	const json_t *version = json_object_get(at, "version"), *renamed = json_object_get(at, "renamed_from");
	const json_t *hidden = json_object_get(at, "hidden_by"), *alias_of = json_object_get(at, "alias_of");
	static const char *const sides[] = {"base", "head"};

	printf("%s", safe(x, model_attr_name(&x->a, json_object_get(at, "path"))));
	if (json_str(at, "system", NULL) != NULL)
		printf(" (%s)", safe(x, json_str(at, "system", "")));
	printf(", job %s: %s\n", safe(x, json_str(at, "job", "")),
	    fails_alike(at) ? "fails on both sides alike" : class_words(json_str(at, "class", "")));
	if (json_array_size(version) == 2) {
		const char *old = json_string_value(json_array_get(version, 0)),
		           *new = json_string_value(json_array_get(version, 1));
		printf("  version %s -> %s\n", safe(x, old != NULL ? old : "none"), safe(x, new != NULL ? new : "none"));
	}
	if (json_is_array(renamed))
		printf("  renamed from %s\n", safe(x, model_attr_name(&x->a, renamed)));
	if (json_is_array(alias_of))
		printf("  the same derivation as %s\n", safe(x, model_attr_name(&x->a, alias_of)));
	if (json_is_array(hidden))
		printf("  hidden by %s, which fails as a whole\n", safe(x, model_attr_name(&x->a, hidden)));
	if (json_is_object(json_object_get(at, "cause")))
		print_cause(x, json_object_get(at, "cause"));
	if (json_is_object(json_object_get(at, "radius"))) {
		printf("  blast radius: ");
		print_radius(json_object_get(at, "radius"));
		printf(" must be rebuilt because of it\n");
	}
	for (size_t i = 0; i < COUNT(sides); i++) {
		const char *error = json_str(json_object_get(at, sides[i]), "error", NULL);
		if (error != NULL && *error != '\0' && (i == 0 || !fails_alike(at)))
			print_error(x, fails_alike(at) ? "the evaluator" : sides[i], error);
	}
	putchar('\n');
}

static json_t *
named_roots(const struct explaining *x, const json_t *at)
{
	const json_t *index, *list = json_object_get(json_object_get(at, "cause"), "roots");
	json_t *roots = json_array();
	size_t i;

	json_array_foreach(list, i, index)
		json_array_append(roots, (json_t *)(uintptr_t)root_of(x, index));
	return roots;
}

static int
explain_one(struct explaining *x, const json_t *at, json_t *matches, struct err *e)
{
	const char *base = json_str_at(at, "base.drv", NULL), *head = json_str_at(at, "head.drv", NULL);
	AUTO(buf_release) struct buf text = {0};
	json_t *derivations = NULL;
	bool differs;

	buf_init(&text, SIZE_MAX / 4);
	if (!x->q->json)
		print_attribute(x, at);
	if (base != NULL && head != NULL && graph_explain(base, head, x->q->json ? &text : NULL, &differs, e) != 0)
		return -1;
	if (!x->q->json)
		return 0;
	if (text.n != 0 && json_read(buf_get(&text), "derivations", &derivations, e) != 0)
		return -1;
	json_array_append_new(matches, json_pack("{s:O,s:o,s:o}", "attribute", at, "roots", named_roots(x, at), "derivations",
	                                   derivations != NULL ? derivations : json_null()));
	return 0;
}

/* It is not in the difference: it does not differ, or nobody knows it. */
static int
look_up(const struct explain_question *q, struct err *e)
{
	const json_t *rec;
	size_t i;
	bool there;

	json_array_foreach(q->evaluations, i, rec) {
		if (rows_has_attribute(json_str(rec, "file", ""), q->attr, &there, e) != 0)
			return -1;
		if (there)
			return 0;
	}
	return fail(e, ERR_ABSENT, "neither side has an attribute %s", q->attr);
}

/* Whether the last parts of a path are name: "agenix" of packages.x86_64-linux.agenix. */
static bool
ends_as(struct explaining *x, const json_t *path, const char *name)
{
	size_t n = json_array_size(path);
	const char *last = json_string_value(json_array_get(path, n - 1));

	if (n < 2 || last == NULL || strstr(name, last) == NULL)
		return false;
	for (size_t from = 1; from < n; from++) {
		AUTO(json_drop) json_t *tail = json_array();
		for (size_t i = from; i < n; i++)
			json_array_append(tail, json_array_get(path, i));
		if (model_attr_is(&x->a, tail, name))
			return true;
	}
	return false;
}

/* The path without its system, so that what differs by that alone is one thing. */
static const char *
without_system(struct explaining *x, const json_t *at)
{
	const json_t *path = json_object_get(at, "path"), *systems = json_at(x->difference, "counts.systems"), *part;
	AUTO(json_drop) json_t *rest = json_array();
	size_t i;

	json_array_foreach(path, i, part) /* a row that fails does not say its own system */
		if (!json_is_string(part) || json_object_get(systems, json_string_value(part)) == NULL)
			json_array_append(rest, (json_t *)(uintptr_t)part);
	return model_attr_name(&x->a, rest);
}

/*
 * What differs and is named by its last parts alone: in found. ERR_INPUT with the names when they are of several things, and
 * 0 with an empty found when there is none.
 */
static int
by_last_parts(struct explaining *x, json_t *found, struct err *e)
{
	const char *name = NULL, *all = "";
	const json_t *at;
	bool several = false;
	size_t i;

	json_array_foreach(json_object_get(x->difference, "attributes"), i, at) {
		if (!ends_as(x, json_object_get(at, "path"), x->q->attr))
			continue;
		const char *own = without_system(x, at);
		several = several || (name != NULL && strcmp(name, own) != 0);
		name = own;
		json_array_append(found, (json_t *)(uintptr_t)at);
		if (json_array_size(found) <= MAX_CANDIDATES)
			all = arena_printf(&x->a, "%s %s", all, safe(x, model_attr_name(&x->a, json_object_get(at, "path"))));
	}
	if (!several)
		return 0;
	return fail(e, ERR_INPUT, "%s may be one of:%s%s", safe(x, x->q->attr), all,
	    json_array_size(found) > MAX_CANDIDATES ? " ..." : "");
}

static int
explain_all(struct explaining *x, int *ret_exit, struct err *e)
{
	AUTO(json_drop) json_t *matches = json_array();
	AUTO(buf_release) struct buf text = {0};
	AUTO(json_drop) json_t *found = json_array();
	const json_t *at;
	size_t i, differ = 0, untold = 0;
	struct err none;

	json_array_foreach(json_object_get(x->difference, "attributes"), i, at)
		if (model_attr_is(&x->a, json_object_get(at, "path"), x->q->attr))
			json_array_append(found, (json_t *)(uintptr_t)at);
	if (json_array_size(found) == 0 && look_up(x->q, &none) != 0) {
		if (by_last_parts(x, found, e) != 0)
			return -1;
		if (json_array_size(found) == 0) {
			*e = none;
			return -1;
		}
	}
	json_array_foreach(found, i, at) {
		bool known = strcmp(json_str(at, "class", ""), "untold") != 0;
		untold += !known;
		differ += known && !fails_alike(at);
		if (explain_one(x, at, matches, e) != 0)
			return -1;
	}
	if (x->q->json) {
		buf_init(&text, SIZE_MAX / 4);
		AUTO(json_drop) json_t *doc = json_pack("{s:O}", "attributes", matches);
		json_write(doc, &text);
		puts(text.p);
	} else if (json_array_size(found) == 0) {
		printf("%s does not differ\n", safe(x, x->q->attr));
	}
	*ret_exit = differ > 0 ? 1 : untold > 0 ? 2 : 0;
	return 0;
}

int
explain_attribute(const struct explain_question *q, int *ret_exit, struct err *e)
{
	struct explaining x = {.q = q};
	int rc = json_read_file(q->difference, MODEL_MAX_DIFFERENCE_BYTES, &x.difference, e);

	if (rc == 0)
		rc = explain_all(&x, ret_exit, e);
	json_drop(&x.difference);
	arena_release(&x.a);
	return rc;
}

static int
explain_each(const json_t *job, const char *difference, struct err *e)
{
	const json_t *attr;
	size_t i;

	json_array_foreach(json_object_get(job, "attrs"), i, attr) {
		struct explain_question q = {.attr = json_string_value(attr),
		    .difference = difference,
		    .evaluations = json_object_get(job, "evaluations")};
		int differs;
		if (q.attr == NULL || explain_attribute(&q, &differs, e) != 0)
			return q.attr == NULL ? fail(e, ERR_INPUT, "attrs: not text") : -1;
	}
	return 0;
}

/* What is printed for people on a terminal is taken from standard output here. */
int
explain_stage(const json_t *job, struct record_out *out, struct err *e)
{
	size_t max = (size_t)json_int(job, "max_bytes", 50000);
	AUTO(mem_free) char *text = mem_alloc(max + 1);
	AUTO(fd_close) int file = memfd_create("explanation", MFD_CLOEXEC);
	AUTO(fd_close) int before = dup(1);
	const char *difference;

	if (file < 0 || before < 0 || fflush(stdout) != 0 || dup2(file, 1) < 0)
		return fail_sys(e, "cannot set standard output aside");
	int rc = json_need_str(job, "difference", &difference, e);
	if (rc == 0)
		rc = explain_each(job, difference, e);
	bool flushed = fflush(stdout) == 0;
	if (dup2(before, 1) < 0 || !flushed)
		return fail_sys(e, "cannot take standard output back");
	ssize_t n = rc == 0 ? pread(file, text, max + 1, 0) : 0;
	if (n < 0)
		return fail_sys(e, "cannot read the explanation");
	if (rc == 0) {
		bool cut = (size_t)n > max;
		struct str all = str_utf8_head((struct str){text, (size_t)n}, max);
		record_emit(out, json_pack("{s:s,s:o,s:b}", "type", "explanation", "text", json_any_string(all), "cut", cut));
	}
	return rc;
}
