/* `ekaci explain ATTR BASE HEAD`, once base and head are compared. */
#include "report/explanation.h"

#include "formats/difference_file.h"
#include "formats/rows.h"
#include "graph/graph.h"
#include "records/array.h"
#include "report/model.h"
#include "report/position.h"
#include "support/text/escape.h"
#include "support/text/json.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum {
	MAX_CANDIDATES = 8, /* an error's text has room for about as many */
	MAX_VALUE = 16000,  /* of an explanation whose sides stand apart: bytes of one, */
	MAX_DIFFERENCES = 60,
	MAX_INPUTS = 100 /* and of one derivation */
};

/* An attribute of the difference that some name may mean. */
struct candidate {
	const struct difference_attribute *is;
	struct str text;
	size_t name; /* which of the names that are asked about */
	bool exact;  /* it is the whole name, and not the last parts of one */
};

struct explaining {
	struct arena a;
	const struct explain_question *q;
	struct difference_reader *difference; /* in whose file the texts stand */
	struct difference_counts counts;
	struct places places;             /* of the repository, in what evaluators say */
	VEC(struct str) roots;            /* JSON */
	VEC(struct candidate) candidates; /* in the order of the file */
};

/* Those that one name means. */
typedef VEC(const struct candidate *) found_t;

static const char *
safe(struct explaining *x, const char *s)
{
	return escape_dup(&x->a, ESCAPE_TERMINAL, str_of(s));
}

static const char *
safe_path(struct explaining *x, struct texts path)
{
	return safe(x, model_attr_name(&x->a, path));
}

static void
print_joined(struct explaining *x, struct texts list, const char *between)
{
	for (size_t i = 0; i < list.n; i++)
		printf("%s%s", i > 0 ? between : "", safe(x, list.p[i]));
}

/* The text of the root at a place that a cause names; .p is NULL when there is none. */
static struct str
root_at(const struct explaining *x, int64_t place)
{
	return place >= 0 && (uint64_t)place < x->roots.n ? x->roots.p[place] : (struct str){0};
}

static void
print_radius(int64_t attributes, int64_t derivations)
{
	printf("%" PRId64 " attribute%s, %" PRId64 " derivation%s", attributes, attributes == 1 ? "" : "s", derivations,
	    derivations == 1 ? "" : "s");
}

static int
print_root(struct explaining *x, struct str text, const char *lead, struct err *e)
{
	struct difference_root root;

	if (fields_read(&difference_root_fields, &x->a, text, "root", &root, e) != 0)
		return -1;
	printf("  %s %s", lead, safe(x, root.name != NULL ? root.name : "?"));
	if (root.used_by.p != NULL)
		printf(" (in %s)", safe_path(x, root.used_by));
	printf(": ");
	print_joined(x, root.what, ", ");
	printf("; it also rebuilds ");
	print_radius(root.radius.attributes, root.radius.derivations);
	putchar('\n');
	return 0;
}

static int
print_cause(struct explaining *x, const struct difference_cause *cause, struct err *e)
{
	bool is_root = cause->kind == CAUSE_ROOT;
	int64_t more = cause->roots_total - (int64_t)cause->roots.n;

	printf(is_root ? "  differs by itself: " : "  differs only through what it needs");
	if (!is_root && cause->chain.n > 0) /* of other names of a derivation, the one that counts says the way */
		printf(", the shortest way: ");
	print_joined(x, is_root ? cause->what : cause->chain, is_root ? ", " : " <- ");
	putchar('\n');
	for (size_t i = 0; i < cause->roots.n; i++) {
		struct str root = root_at(x, cause->roots.p[i]);
		bool itself = is_root && i == 0;
		if (root.p != NULL && !itself && print_root(x, root, is_root ? "and because of" : "because of", e) != 0)
			return -1;
	}
	if (more > 0)
		printf("  and because of %" PRId64 " more\n", more);
	return 0;
}

static void
print_error(struct explaining *x, const char *side, const char *error)
{
	struct str rest = str_of(places_shorten(&x->places, error));

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
fails_alike(const struct difference_attribute *at)
{
	return at->class == CLASS_STILL_FAILING && strcmp(model_error(at->base), model_error(at->head)) == 0;
}

static void
print_errors(struct explaining *x, const struct difference_attribute *at)
{
	const char *base = model_error(at->base), *head = model_error(at->head);
	bool alike = fails_alike(at);

	if (*base != '\0')
		print_error(x, alike ? "the evaluator" : side_words[SIDE_BASE], base);
	if (*head != '\0' && !alike)
		print_error(x, side_words[SIDE_HEAD], head);
}

static void
print_version(struct explaining *x, struct texts version)
{
	if (version.n == 2)
		printf("  version %s -> %s\n", safe(x, version.p[0] != NULL ? version.p[0] : "none"),
		    safe(x, version.p[1] != NULL ? version.p[1] : "none"));
}

static int
print_attribute(struct explaining *x, const struct difference_attribute *at, struct err *e)
{
	printf("%s", safe_path(x, at->path));
	if (at->system != NULL)
		printf(" (%s)", safe(x, at->system));
	printf(", job %s: %s\n", safe(x, at->job != NULL ? at->job : ""),
	    fails_alike(at) ? "fails on both sides alike" : class_words[at->class].sentence);
	print_version(x, at->version);
	if (at->renamed_from.p != NULL)
		printf("  renamed from %s\n", safe_path(x, at->renamed_from));
	if (at->alias_of.p != NULL)
		printf("  the same derivation as %s\n", safe_path(x, at->alias_of));
	if (at->hidden_by.p != NULL)
		printf("  hidden by %s, which fails as a whole\n", safe_path(x, at->hidden_by));
	if (at->cause != NULL && print_cause(x, at->cause, e) != 0)
		return -1;
	if (at->radius != NULL) {
		printf("  blast radius: ");
		print_radius(at->radius->attributes, at->radius->derivations);
		printf(" must be rebuilt because of it\n");
	}
	print_errors(x, at);
	putchar('\n');
	return 0;
}

/* As JSON: the attribute, the roots that its cause names, and what differs between the derivations. */
static void
write_match(const struct explaining *x, const struct candidate *one, struct str derivations, struct buf *out)
{
	const struct difference_cause *cause = one->is->cause;
	bool first = true;

	buf_puts(out, "{\"attribute\":");
	json_compact(one->text, out);
	buf_puts(out, ",\"roots\":[");
	for (size_t i = 0; cause != NULL && i < cause->roots.n; i++) {
		struct str root = root_at(x, cause->roots.p[i]);
		if (root.p == NULL)
			continue;
		buf_puts(out, first ? "" : ",");
		json_compact(root, out);
		first = false;
	}
	buf_puts(out, "],\"derivations\":");
	json_compact(derivations.n > 0 ? derivations : STR("null"), out);
	buf_putc(out, '}');
}

/* As much of a value as there is room for. */
static const char *
take_value(struct explained_apart *to, const char *value)
{
	if (value == NULL)
		return NULL;
	size_t room = to->room < MAX_VALUE ? to->room : MAX_VALUE, n = strlen(value);
	to->cut = to->cut || n > room;
	struct str kept = str_utf8_head(str_of(value), room);
	to->room -= kept.n;
	return kept.n == n ? value : arena_printf(to->a, STR_FMT "...", STR_ARG(kept));
}

static bool
is_known(const struct explained_apart *to, const struct explained_derivation *one)
{
	for (size_t i = 0; i < to->n; i++)
		if (strcmp(to->list[i].base, one->base) == 0 && strcmp(to->list[i].head, one->head) == 0)
			return true;
	return false;
}

static int
take_apart(struct explained_apart *to, const char *json, struct err *e)
{
	struct explained_derivations all;

	if (array_read_records(&explained_derivation_fields, to->a, json, "derivations", &all, e) != 0)
		return -1;
	for (size_t i = 0; i < all.n; i++) {
		struct explained_derivation *one = &all.p[i];
		if (is_known(to, one))
			continue;
		if (to->n == COUNT(to->list) || to->room == 0) {
			to->cut = true;
			break;
		}
		to->cut = to->cut || one->differences.n > MAX_DIFFERENCES || one->inputs.n > MAX_INPUTS;
		one->differences.n = one->differences.n < MAX_DIFFERENCES ? one->differences.n : MAX_DIFFERENCES;
		one->inputs.n = one->inputs.n < MAX_INPUTS ? one->inputs.n : MAX_INPUTS;
		for (size_t k = 0; k < one->differences.n; k++) {
			one->differences.p[k].base = take_value(to, one->differences.p[k].base);
			one->differences.p[k].head = take_value(to, one->differences.p[k].head);
		}
		to->list[to->n++] = *one;
	}
	return 0;
}

static int
explain_one(struct explaining *x, const struct candidate *one, struct buf *matches, struct err *e)
{
	const struct difference_side *base = one->is->base, *head = one->is->head;
	bool both = base != NULL && head != NULL && base->drv != NULL && head->drv != NULL, differs;
	AUTO(buf_release) struct buf text = {0};

	buf_init(&text, SIZE_MAX / 4);
	if (!x->q->json && print_attribute(x, one->is, e) != 0)
		return -1;
	bool as_json = x->q->json || x->q->apart != NULL;
	if (both && graph_explain(base->drv, head->drv, as_json ? &text : NULL, &differs, e) != 0)
		return -1;
	if (both && x->q->apart != NULL)
		return take_apart(x->q->apart, text.p, e);
	if (x->q->json)
		write_match(x, one, buf_get(&text), matches);
	return 0;
}

/* It is not in the difference: it does not differ, or nobody knows it. */
static int
look_up(const struct explain_question *q, const char *name, struct err *e)
{
	bool there;

	for (size_t i = 0; i < q->evaluations.n; i++) {
		const char *file = q->evaluations.p[i].file;
		if (rows_has_attribute(file != NULL ? file : "", name, &there, e) != 0)
			return -1;
		if (there)
			return 0;
	}
	return fail(e, ERR_ABSENT, "neither side has an attribute %s", name);
}

/* Whether the last parts of a path are name: "agenix" of packages.x86_64-linux.agenix. */
static bool
ends_as(struct arena *a, struct texts path, const char *name)
{
	if (path.n < 2 || strstr(name, path.p[path.n - 1]) == NULL)
		return false;
	for (size_t from = 1; from < path.n; from++)
		if (model_attr_is(a, (struct texts){path.p + from, path.n - from}, name))
			return true;
	return false;
}

static bool
is_system(const struct explaining *x, const char *s)
{
	for (size_t i = 0; i < x->counts.systems.n; i++)
		if (strcmp(x->counts.systems.p[i].system, s) == 0)
			return true;
	return false;
}

/* The path without its system, so that what differs by that alone is one thing. */
static const char *
without_system(struct explaining *x, struct texts path)
{
	struct texts rest = {arena_alloc(&x->a, (path.n + 1) * sizeof(*rest.p)), 0};

	for (size_t i = 0; i < path.n; i++) /* a row that fails does not say its own system */
		if (!is_system(x, path.p[i]))
			rest.p[rest.n++] = path.p[i];
	return model_attr_name(&x->a, rest);
}

/* ERR_INPUT with the names when those that were found by their last parts are of several things. */
static int
one_thing(struct explaining *x, const char *name, const found_t *found, struct err *e)
{
	const char *first = NULL, *all = "";
	bool several = false;

	for (size_t i = 0; i < found->n; i++) {
		const struct texts path = found->p[i]->is->path;
		const char *own = without_system(x, path);
		several = several || (first != NULL && strcmp(first, own) != 0);
		first = own;
		if (i < MAX_CANDIDATES)
			all = arena_printf(&x->a, "%s %s", all, safe_path(x, path));
	}
	if (!several)
		return 0;
	return fail(e, ERR_INPUT, "%s may be one of:%s%s", safe(x, name), all, found->n > MAX_CANDIDATES ? " ..." : "");
}

static void
find(const struct explaining *x, size_t name, bool exact, found_t *ret)
{
	for (size_t i = 0; i < x->candidates.n; i++)
		if (x->candidates.p[i].name == name && x->candidates.p[i].exact == exact)
			vec_push(ret, &x->candidates.p[i]);
}

/* What a name means: nothing when it does not differ. */
static int
find_name(struct explaining *x, size_t name, found_t *ret, struct err *e)
{
	const char *text = x->q->attrs.p[name];
	struct err none;

	find(x, name, true, ret);
	if (ret->n > 0 || look_up(x->q, text, &none) == 0)
		return 0;
	find(x, name, false, ret);
	if (ret->n > 0)
		return one_thing(x, text, ret, e);
	*e = none;
	return -1;
}

static int
explain_found(struct explaining *x, const char *name, const found_t *found, int *ret_exit, struct err *e)
{
	AUTO(buf_release) struct buf matches = {0};
	size_t differ = 0, untold = 0;

	buf_init(&matches, SIZE_MAX / 4);
	for (size_t i = 0; i < found->n; i++) {
		bool known = found->p[i]->is->class != CLASS_UNTOLD;
		untold += !known;
		differ += known && !fails_alike(found->p[i]->is);
		if (i > 0)
			buf_putc(&matches, ',');
		if (explain_one(x, found->p[i], &matches, e) != 0)
			return -1;
	}
	if (x->q->json)
		printf("{\"attributes\":[%s]}\n", matches.p);
	else if (found->n == 0)
		printf("%s does not differ\n", safe(x, name));
	*ret_exit = differ > 0 ? 1 : untold > 0 ? 2 : 0;
	return 0;
}

/* Keeps the attribute if one of the names may mean it. */
static int
consider(struct explaining *x, const struct difference_element *one, struct arena *scratch, struct err *e)
{
	for (size_t i = 0; i < x->q->attrs.n; i++) {
		const char *name = x->q->attrs.p[i];
		bool exact = model_attr_is(scratch, one->attribute->path, name);
		if (!exact && !ends_as(scratch, one->attribute->path, name))
			continue;
		struct difference_attribute *kept = arena_alloc(&x->a, sizeof(*kept));
		if (fields_read(&difference_attribute_fields, &x->a, one->text, "attribute", kept, e) != 0)
			return -1;
		vec_push(&x->candidates, ((struct candidate){kept, one->text, i, exact}));
	}
	return 0;
}

static int
take(struct explaining *x, const struct difference_element *one, struct arena *scratch, struct err *e)
{
	switch (one->part) {
	case DIFFERENCE_COUNTS: return fields_read(&difference_counts_fields, &x->a, one->text, "counts", &x->counts, e);
	case DIFFERENCE_ATTRIBUTES: return consider(x, one, scratch, e);
	case DIFFERENCE_ROOTS: vec_push(&x->roots, one->text); break;
	case DIFFERENCE_META_CHANGED:
	case DIFFERENCE_META_ERRORS:
	case DIFFERENCE_TARGETS:
	case DIFFERENCE_KNOWN:
	case DIFFERENCE_NEEDED:
	case DIFFERENCE_DISTANCES:
	case DIFFERENCE_COSTS:
	case DIFFERENCE_PARTS: break;
	}
	return 0;
}

/* Goes through the file once; of the attributes only those that are asked about stay in memory. */
static int
read_all(struct explaining *x, struct err *e)
{
	const unsigned wanted = 1u << DIFFERENCE_COUNTS | 1u << DIFFERENCE_ATTRIBUTES | 1u << DIFFERENCE_ROOTS;
	struct arena scratch = {0};
	struct difference_element one;
	int rc = difference_open(x->q->difference, wanted, &x->difference, e), more = 1;

	while (rc == 0 && (more = difference_next(x->difference, &scratch, &one, e)) == 1) {
		rc = take(x, &one, &scratch, e);
		arena_clear(&scratch);
	}
	arena_release(&scratch);
	return more < 0 ? -1 : rc;
}

/* Where the tree stood while it was evaluated, or NULL. */
static const char *
source_of(const struct explain_question *q)
{
	return q->evaluations.n > 0 ? q->evaluations.p[0].source : NULL;
}

int
explain_attributes(const struct explain_question *q, int *ret_exit, struct err *e)
{
	struct explaining x = {.q = q};
	int rc = read_all(&x, e);

	places_init(&x.places, &x.a, &(struct report_job){.checkout_dir = source_of(q)}, NULL);
	for (size_t i = 0; i < q->attrs.n && rc == 0; i++) {
		found_t found = {0};
		rc = find_name(&x, i, &found, e);
		if (rc == 0)
			rc = explain_found(&x, q->attrs.p[i], &found, ret_exit, e);
		vec_release(&found);
	}
	difference_close(&x.difference);
	places_release(&x.places);
	vec_release(&x.roots);
	vec_release(&x.candidates);
	arena_release(&x.a);
	return rc;
}

/* What is printed for people on a terminal is taken from standard output here. */
int
explain_stage(struct arena *a, const void *job_, struct record_out *out, struct err *e)
{
	const struct explain_job *job = job_;
	struct explained_apart apart = {.a = a, .room = (size_t)job->max_bytes};
	const struct explain_question q = {.attrs = job->attrs,
	    .apart = job->apart ? &apart : NULL,
	    .difference = job->difference,
	    .evaluations = {job->evaluations.p, job->evaluations.n}};
	size_t max = (size_t)job->max_bytes;
	char *text = arena_alloc(a, max + 1);
	AUTO(fd_close) int file = memfd_create("explanation", MFD_CLOEXEC);
	AUTO(fd_close) int before = dup(1);
	int ignored;

	if (file < 0 || before < 0 || fflush(stdout) != 0 || dup2(file, 1) < 0)
		return fail_sys(e, "cannot set standard output aside");
	int rc = explain_attributes(&q, &ignored, e);
	bool flushed = fflush(stdout) == 0;
	if (dup2(before, 1) < 0 || !flushed)
		return fail_sys(e, "cannot take standard output back");
	ssize_t n = rc == 0 ? pread(file, text, max + 1, 0) : 0;
	if (n < 0)
		return fail_sys(e, "cannot read the explanation");
	if (rc != 0)
		return -1;
	struct str all = str_utf8_head((struct str){text, (size_t)n}, max);
	const struct explanation record = {fields_clean(a, all), {apart.list, apart.n}, (size_t)n > max || apart.cut};
	return record_put(out, &explanation_fields, &record, e);
}
