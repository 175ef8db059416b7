/*
 * Random package sets and random changes of them: the difference must say what the definitions say, read word for word.
 * And evaluations with random damage: taken or refused, never more.
 */
#include "graph/graph.h"
#include "graph_fixture.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "in_range.h"
#include "support/text/json.h"

enum { PACKAGES = 28, ROUNDS = 40 };

static uint64_t seed = 3;
static size_t seen_rebuilds, seen_stays, seen_untold, seen_alone, seen_shared, seen_steps,
    seen_new; /* so that the test is known to have tested */

static uint32_t
pick(uint32_t n)
{
	seed = seed * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)((seed >> 33) % n);
}

/* One side: packages by number; which of them are attributes, which of those fail, and of which of these it is no fact. */
struct set {
	struct fx_drv *drv[PACKAGES];
	bool attr[PACKAGES], fails[PACKAGES], unknown[PACKAGES];
};

struct blueprint {
	uint32_t in[PACKAGES][3], n_in[PACKAGES];
	bool fixed[PACKAGES];
};

static void
fill(struct fixture *f, const struct blueprint *p, const bool *bumped, const bool *refetched, struct set *s)
{
	for (uint32_t i = 0; i < PACKAGES; i++) {
		struct fx_drv *d = arena_alloc(&f->a, sizeof(*d));
		struct fx_env *env = arena_alloc(&f->a, 3 * sizeof(*env));
		env[0] = (struct fx_env){"mirror", refetched[i] ? "two" : "one"};
		env[1] = (struct fx_env){"version", bumped[i] ? "2" : "1"};
		*d = (struct fx_drv){.name = arena_printf(&f->a, "p%u", i), .env = p->fixed[i] ? env : env + 1};
		if (p->fixed[i])
			d->fixed = arena_printf(&f->a, "content %u %d", i, bumped[i]);
		for (uint32_t k = 0; k < p->n_in[i]; k++)
			d->inputs[k] = s->drv[p->in[i][k]];
		s->drv[i] = fx_make(f, d);
	}
}

static void
reach(const struct blueprint *p, uint32_t i, bool *seen)
{
	seen[i] = true;
	for (uint32_t k = 0; k < p->n_in[i]; k++)
		if (!seen[p->in[i][k]])
			reach(p, p->in[i][k], seen);
}

static bool
is_unknown(const struct set *s, uint32_t i)
{
	return s->attr[i] && s->unknown[i];
}

/* Without what is unknown in other. */
static void
closure_of(const struct blueprint *p, const struct set *s, const struct set *other, bool *seen)
{
	for (uint32_t i = 0; i < PACKAGES; i++)
		if (s->attr[i] && !s->fails[i] && (other == NULL || !is_unknown(other, i)))
			reach(p, i, seen);
}

/* Derivations that must be rebuilt and need i through such derivations only. */
static uint32_t
radius(const struct blueprint *p, const bool *must, uint32_t i)
{
	bool reached[PACKAGES] = {false};
	uint32_t n = 0;

	reached[i] = true;
	for (uint32_t v = i + 1; v < PACKAGES; v++) /* inputs have lower numbers */
		for (uint32_t k = 0; k < p->n_in[v] && must[v] && !reached[v]; k++)
			if (reached[p->in[v][k]]) {
				reached[v] = true;
				n++;
			}
	return n;
}

static char *
write_set(struct fixture *f, const struct set *s, const char *name)
{
	struct fx_evaluation v;

	fx_evaluation_begin(&v);
	for (uint32_t i = 0; i < PACKAGES; i++) {
		const char *path = arena_printf(&f->a, "[\"p%02u\"]", i);
		if (is_unknown(s, i))
			fx_unknown(&v, path);
		else if (s->attr[i] && s->fails[i])
			fx_error(&v, path, "it throws");
		else if (s->attr[i])
			fx_row(&v, path, s->drv[i], NULL);
	}
	return fx_evaluation_end(f, &v, name);
}

static const char *
expected_class(const struct set *b, const struct set *h, const bool *must, uint32_t i)
{
	bool had = b->attr[i], has = h->attr[i];

	if (is_unknown(b, i) || is_unknown(h, i))
		return "untold";
	if (!had)
		return !has ? NULL : h->fails[i] ? "added_failing" : "added";
	if (!has)
		return b->fails[i] ? "removed_failing" : "removed";
	if (b->fails[i] || h->fails[i])
		return !h->fails[i] ? "fixed" : b->fails[i] ? "still_failing" : "newly_failing";
	if (strcmp(b->drv[i]->drv, h->drv[i]->drv) == 0)
		return NULL;
	return must[i] ? "rebuild" : strcmp(b->drv[i]->out, h->drv[i]->out) == 0 ? "derivation_only" : "switched";
}

static void
check(struct fixture *f, const struct blueprint *p, const struct set *b, const struct set *h, const json_t *d)
{
	bool in_base[PACKAGES] = {false}, in_head[PACKAGES] = {false}, must[PACKAGES] = {false};
	int64_t n_must = 0;

	closure_of(p, b, NULL, in_base);
	closure_of(p, h, b, in_head);
	for (uint32_t i = 0; i < PACKAGES; i++) {
		must[i] = in_head[i];
		for (uint32_t k = 0; k < PACKAGES; k++)
			if (in_base[k] && strcmp(b->drv[k]->out, h->drv[i]->out) == 0)
				must[i] = false;
		n_must += must[i];
	}
	assert_int_equal(json_int(json_at(d, "counts.total"), "rebuild_derivations", -1), n_must);
	size_t entries = 0;
	for (uint32_t i = 0; i < PACKAGES; i++) {
		const char *class = expected_class(b, h, must, i), *path = arena_printf(&f->a, "p%02u", i);
		const json_t *v, *found = NULL;
		size_t k;
		json_array_foreach(json_object_get(d, "attributes"), k, v)
			if (strcmp(json_string_value(json_array_get(json_object_get(v, "path"), 0)), path) == 0)
				found = v;
		entries += found != NULL;
		assert_string_equal(json_str(found, "class", "(none)"), class != NULL ? class : "(none)");
		seen_untold += class != NULL && strcmp(class, "untold") == 0;
		seen_stays += class != NULL && strcmp(class, "derivation_only") == 0;
		if (class != NULL && strcmp(class, "rebuild") == 0) {
			seen_rebuilds++;
			assert_int_equal(json_int(json_object_get(found, "radius"), "derivations", -1), radius(p, must, i));
			assert_non_null(json_object_get(json_object_get(found, "cause"), "kind"));
		}
	}
	assert_int_equal(entries, json_array_size(json_object_get(d, "attributes")));
}

/* Every root differs by itself, and every bump of an attribute that must be rebuilt is among the roots. */
static void
check_roots(const struct set *b, const struct set *h, const bool *bumped, const json_t *d)
{
	const json_t *v;
	size_t k;

	json_array_foreach(json_object_get(d, "attributes"), k, v) {
		if (strcmp(json_str(v, "class", ""), "rebuild") != 0)
			continue;
		uint32_t i = (uint32_t)strtoul(json_string_value(json_array_get(json_object_get(v, "path"), 0)) + 1, NULL, 10);
		if (bumped[i])
			assert_string_equal(json_str_at(v, "cause.kind", ""), "root");
		assert_true(json_int(json_object_get(v, "cause"), "roots_total", 0) > 0);
		assert_true(b->attr[i] && h->attr[i]);
	}
}

static bool
named_root(const json_t *d, const struct set *h, uint32_t i)
{
	const json_t *r;
	size_t k;

	json_array_foreach(json_object_get(d, "roots"), k, r)
		if (strcmp(json_str(r, "drv", ""), h->drv[i]->drv) == 0)
			return true;
	return false;
}

/* Steps from the roots that the difference names, by waves over the blueprint; with what it says of each attribute, and of all. */
static void
check_distances(const struct blueprint *p, const struct set *b, const struct set *h, const json_t *d)
{
	bool in_base[PACKAGES] = {false}, must[PACKAGES] = {false};
	int64_t far[PACKAGES], derivations[PACKAGES] = {0}, attributes[PACKAGES] = {0}, none[2] = {0}, longest = -1;
	const json_t *all = json_object_get(d, "distances"), *at = json_object_get(all, "at"), *v;
	size_t k;

	closure_of(p, b, NULL, in_base);
	closure_of(p, h, b, must);
	for (uint32_t i = 0; i < PACKAGES; i++)
		for (uint32_t n = 0; n < PACKAGES; n++)
			if (in_base[n] && strcmp(b->drv[n]->out, h->drv[i]->out) == 0)
				must[i] = false;
	for (uint32_t i = 0; i < PACKAGES; i++)
		far[i] = must[i] && named_root(d, h, i) ? 0 : -1;
	for (int64_t step = 0; step < PACKAGES; step++)
		for (uint32_t i = 0; i < PACKAGES; i++)
			for (uint32_t n = 0; n < p->n_in[i] && must[i] && far[i] < 0; n++)
				if (far[p->in[i][n]] == step)
					far[i] = step + 1;
	for (uint32_t i = 0; i < PACKAGES; i++) {
		bool attr = h->attr[i] && !h->fails[i] && !is_unknown(b, i);
		*(far[i] < 0 ? &none[0] : &derivations[far[i]]) += must[i];
		*(far[i] < 0 ? &none[1] : &attributes[far[i]]) += must[i] && attr;
		longest = far[i] > longest ? far[i] : longest;
	}
	assert_int_equal(json_int(all, "longest", -2), longest);
	assert_int_equal(json_array_size(at), longest + 1);
	json_array_foreach(at, k, v) {
		assert_int_equal(json_int(v, "derivations", -1), derivations[k]);
		assert_int_equal(json_int(v, "attributes", -1), attributes[k]);
	}
	assert_int_equal(json_int(json_object_get(all, "none"), "derivations", -1), none[0]);
	assert_int_equal(json_int(json_object_get(all, "none"), "attributes", -1), none[1]);
	assert_int_equal(json_int(json_object_get(all, "beyond"), "derivations", -1), 0);
	json_array_foreach(json_object_get(d, "attributes"), k, v) {
		uint32_t i = (uint32_t)strtoul(json_string_value(json_array_get(json_object_get(v, "path"), 0)) + 1, NULL, 10);
		int64_t direct = 0;
		if (strcmp(json_str(v, "class", ""), "rebuild") != 0)
			continue;
		for (uint32_t n = 0; n < PACKAGES; n++) {
			bool needs = false;
			for (uint32_t m = 0; m < p->n_in[n]; m++)
				needs = needs || p->in[n][m] == i;
			direct += must[n] && needs;
		}
		assert_int_equal(json_int(json_object_get(v, "cause"), "distance", -1), far[i]);
		assert_int_equal(json_int(v, "dependents", -1), direct);
	}
	/* What is asked for and what is only needed are together all that must be rebuilt, each once. */
	size_t listed = json_array_size(json_object_get(d, "targets")) + json_array_size(json_object_get(d, "needed"));
	assert_int_equal(json_int(json_at(d, "counts.total"), "rebuild_derivations", -1), listed);
	json_array_foreach(json_object_get(d, "needed"), k, v)
		for (uint32_t i = 0; i < PACKAGES; i++)
			assert_true(strcmp(json_str(v, "drv", ""), h->drv[i]->drv) != 0 || must[i]);
	seen_steps += longest > 1;
	seen_new += none[0] > 0;
}

static bool
is_class(const json_t *d, uint32_t i, const char *class)
{
	const json_t *v;
	size_t k;

	json_array_foreach(json_object_get(d, "attributes"), k, v)
		if (strtoul(json_string_value(json_array_get(json_object_get(v, "path"), 0)) + 1, NULL, 10) == i)
			return strcmp(json_str(v, "class", ""), class) == 0 && json_is_null(json_object_get(v, "alias_of"));
	return false;
}

static int run(struct fixture *f, const char *base, const char *head, json_t **ret, struct err *e);

static bool
is_root_attr(const json_t *d, uint32_t i)
{
	const json_t *r, *path;
	size_t k, n;

	json_array_foreach(json_object_get(d, "roots"), k, r)
		json_array_foreach(json_object_get(r, "attributes"), n, path)
			if (strtoul(json_string_value(json_array_get(path, 0)) + 1, NULL, 10) == i)
				return true;
	return false;
}

/* Takes each root's change out alone and compares anew: what is no rebuild any more, other roots left out, is what `alone` counts. */
static void
check_alone(struct fixture *f, const struct blueprint *p, const bool *bumped, const bool *refetched, const struct set *h,
    const char *base, const json_t *d)
{
	for (uint32_t i = 0; i < PACKAGES; i++) {
		const json_t *r, *found = NULL;
		size_t k;
		json_array_foreach(json_object_get(d, "roots"), k, r)
			if (str_is(str_of(json_str(r, "name", "")), arena_printf(&f->a, "p%u", i)))
				found = r;
		/* A root that differs in more than its own bump is not taken out by taking the bump out; with the bump of a source
		 * goes what is made from it, which is a root of its own. */
		if (found == NULL || !bumped[i] || p->fixed[i] || json_array_size(json_object_get(found, "what")) != 1 ||
		    strncmp(json_string_value(json_array_get(json_object_get(found, "what"), 0)), "version", 7) != 0)
			continue;
		struct set without = *h;
		bool rest[PACKAGES];
		struct err e = {0};
		AUTO(json_drop) json_t *then = NULL;
		int64_t attributes = 0;
		memcpy(rest, bumped, sizeof(rest));
		rest[i] = false;
		fill(f, p, rest, refetched, &without);
		if (run(f, base, write_set(f, &without, "without.zst"), &then, &e) != 0)
			fail_msg("%s", e.msg);
		for (uint32_t v = 0; v < PACKAGES; v++)
			attributes += is_class(d, v, "rebuild") && !is_root_attr(d, v) && !is_class(then, v, "rebuild");
		assert_int_equal(json_int(json_object_get(found, "together"), "derivations", -1),
		    json_int(json_object_get(found, "radius"), "derivations", -2));
		assert_int_equal(json_int(json_object_get(found, "alone"), "attributes", -1), attributes);
		seen_alone += attributes > 0;
		seen_shared += attributes < json_int(json_object_get(found, "radius"), "attributes", 0);
	}
}

static int
run(struct fixture *f, const char *base, const char *head, json_t **ret, struct err *e)
{
	AUTO(fd_close) int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
	struct record_out out = {.fd = null};
	char *file = arena_printf(&f->a, "%s/difference.json", f->dir);
	AUTO(json_drop)
	json_t *job = json_pack("{s:[{s:s,s:s}],s:[{s:s,s:s}],s:s,s:s,s:s}", "base", "job", "all", "file", base, "head", "job",
	    "all", "file", head, "out", file, "store_dir", FX_STORE, "real_store_dir", f->store);

	if (fx_stage_diff(job, &out, e) != 0)
		return -1;
	return json_read_file(file, 1 << 26, ret, e);
}

static void
test_random_changes(void **state)
{
	(void)state;
	for (int round = 0; round < ROUNDS; round++) {
		struct fixture f;
		struct blueprint p = {0};
		struct set b = {0}, h = {0};
		bool none[PACKAGES] = {false}, bumped[PACKAGES] = {false}, refetched[PACKAGES] = {false};
		struct err e = {0};
		json_t *d = NULL;

		fixture_begin(&f);
		for (uint32_t i = 0; i < PACKAGES; i++) {
			p.fixed[i] = pick(4) == 0;
			for (uint32_t k = pick(4); k > 0 && i > 0; k--)
				p.in[i][p.n_in[i]++] = pick(i);
			bumped[i] = pick(5) == 0;
			refetched[i] = pick(5) == 0;
			b.attr[i] = pick(10) < 7;
			h.attr[i] = pick(8) == 0 ? !b.attr[i] : b.attr[i];
			b.fails[i] = pick(10) == 0;
			h.fails[i] = pick(8) == 0 ? !b.fails[i] : b.fails[i];
			b.unknown[i] = b.fails[i] && pick(3) == 0;
			h.unknown[i] = h.fails[i] && pick(3) == 0;
		}
		fill(&f, &p, none, none, &b);
		fill(&f, &p, bumped, refetched, &h);
		const char *base = write_set(&f, &b, "b.zst");
		if (run(&f, base, write_set(&f, &h, "h.zst"), &d, &e) != 0)
			fail_msg("%s", e.msg);
		check(&f, &p, &b, &h, d);
		check_roots(&b, &h, bumped, d);
		check_distances(&p, &b, &h, d);
		check_alone(&f, &p, bumped, refetched, &h, base, d);
		json_decref(d);
		fixture_end(&f);
	}
	assert_true(seen_rebuilds > 100);
	assert_true(seen_stays > 10);
	assert_true(seen_untold > 20);
	assert_true(seen_alone > 20);
	assert_true(seen_shared > 20);
	assert_true(seen_steps > 5);
	assert_true(seen_new > 5);
}

static void
test_random_damage(void **state)
{
	static const char bytes[] = "\"\\{}[]:,\n0a\x01\xff";
	struct fixture f;
	struct fx_evaluation v;
	size_t refused = 0;
	(void)state;

	fixture_begin(&f);
	struct fx_drv *one = fx_make(&f, &(struct fx_drv){.name = "one"}), *two = fx_make(&f, &(struct fx_drv){.name = "two"});
	fx_evaluation_begin(&v);
	fx_row(&v, "[\"a\",\"b.c\"]", one, "{\"version\":\"1\",\"license\":[{\"x\":null}]}");
	fx_error(&v, "[\"b\"]", "it \\u0041 \\\"throws\\\"");
	fx_row(&v, "[\"c\"]", two, NULL);
	buf_printf(&v.text, "{\"end\":3}\n");
	const char *good = fixture_zstd(&f, "good.zst", buf_get(&v.text));
	for (int round = 0; round < 1500; round++) {
		struct err e = {0};
		json_t *d = NULL;
		char *copy = arena_dup(&f.a, v.text.p, v.text.n);
		for (int k = 0; k <= round % 3; k++)
			copy[pick((uint32_t)v.text.n)] = bytes[pick(sizeof(bytes) - 1)];
		if (run(&f, good, fixture_zstd(&f, "bad.zst", (struct str){copy, v.text.n}), &d, &e) != 0) {
			assert_true(e.kind == ERR_INPUT || e.kind == ERR_ABSENT);
			refused++;
		}
		json_decref(d);
	}
	assert_uint_in_range(refused, 200, 1499);
	buf_release(&v.text);
	fixture_end(&f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_random_changes),
	    cmocka_unit_test(test_random_damage),
	};

	return cmocka_run_group_tests_name("graph_property", tests, NULL, NULL);
}
