/* overlap: what is predicted of pull requests merged together is what the merged tree rebuilds, counted plainly. */
#include "formats/difference_file.h"
#include "overlap/spaces.h"
#include "support/os/files.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "temp_dir.h"

enum { ATTRIBUTES = 60, PULLS = 7, BASES = 25, ROUNDS = 300 };

/* What a pull request makes of an attribute. */
enum change { KEPT, CHANGED, TAKEN };
struct change_of {
	enum change is;
	unsigned drv; /* of head, within the pull request */
};
struct world {
	unsigned base[ATTRIBUTES]; /* names of the same derivation are aliases */
	struct change_of pulls[PULLS][ATTRIBUTES];
	struct space spaces[PULLS];
	struct overlap_pull of[PULLS];
};

static unsigned
up_to(unsigned *seed, unsigned n)
{
	*seed = *seed * 1103515245 + 12345;
	return (*seed >> 8) % n;
}

static int
by_key(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

/* The same names, in base and in all of `heads`. */
static bool
alike(const struct world *w, size_t x, size_t y, const bool *heads)
{
	if (w->base[x] != w->base[y])
		return false;
	for (size_t p = 0; p < PULLS; p++)
		if (heads[p] && (w->pulls[p][x].is != w->pulls[p][y].is || w->pulls[p][x].drv != w->pulls[p][y].drv))
			return false;
	return true;
}

/* Rebuilt attributes of the tree with these merged, aliases once: pair by pair. */
static int64_t
merged(const struct world *w, const bool *heads)
{
	bool rebuilt[ATTRIBUTES];
	int64_t n = 0;

	for (size_t x = 0; x < ATTRIBUTES; x++) {
		bool changed = false, taken = false, seen = false;
		for (size_t p = 0; p < PULLS; p++) {
			changed = changed || (heads[p] && w->pulls[p][x].is == CHANGED);
			taken = taken || (heads[p] && w->pulls[p][x].is == TAKEN);
		}
		rebuilt[x] = changed && !taken;
		for (size_t y = 0; y < x; y++)
			seen = seen || (rebuilt[y] && alike(w, x, y, heads));
		n += rebuilt[x] && !seen;
	}
	return n;
}

/* Whether an attribute stands for its aliases in a pull request's own report. */
static bool
speaks(const struct world *w, size_t p, size_t x)
{
	bool heads[PULLS] = {0};

	heads[p] = true;
	for (size_t y = 0; y < x; y++)
		if (alike(w, x, y, heads))
			return false;
	return true;
}

/* Two of them make the same derivation where their number says so. */
static uint64_t
head_of(const struct world *w, size_t p, size_t x)
{
	unsigned drv = w->pulls[p][x].drv;

	return 1000000 + w->base[x] * 1000 + (drv == 0 ? 0 : 10 + p * 10 + drv);
}

static void
make_spaces(struct arena *a, struct world *w)
{
	for (size_t p = 0; p < PULLS; p++) {
		struct space *s = &w->spaces[p];
		*s = (struct space){.rebuilt = arena_alloc(a, ATTRIBUTES * sizeof(*s->rebuilt)),
		    .gone = arena_alloc(a, ATTRIBUTES * sizeof(*s->gone))};
		for (size_t x = 0; x < ATTRIBUTES; x++) {
			if (w->pulls[p][x].is == TAKEN)
				s->gone[s->n_gone++] = x + 1;
			if (w->pulls[p][x].is != CHANGED)
				continue;
			bool counts = speaks(w, p, x);
			s->rebuilt[s->n++] = (struct space_entry){x + 1, w->base[x], head_of(w, p, x), counts};
			s->rebuilds += counts;
		}
		qsort(s->rebuilt, s->n, sizeof(*s->rebuilt), by_key);
		w->of[p] = (struct overlap_pull){.number = (int64_t)p + 1, .run = (int64_t)p + 100, .green = p % 2 == 0};
	}
}

static void
make_world(struct arena *a, struct world *w, unsigned seed)
{
	unsigned dense = 2 + up_to(&seed, 30);

	for (size_t x = 0; x < ATTRIBUTES; x++)
		w->base[x] = 1 + up_to(&seed, BASES);
	for (size_t p = 0; p < PULLS; p++)
		for (size_t x = 0; x < ATTRIBUTES; x++) {
			w->pulls[p][x] = (struct change_of){KEPT, 0};
			if (up_to(&seed, dense) == 0)
				w->pulls[p][x] = (struct change_of){up_to(&seed, 9) == 0 ? TAKEN : CHANGED, up_to(&seed, 3)};
			if (w->pulls[p][x].is == TAKEN)
				w->pulls[p][x].drv = 0;
		}
	make_spaces(a, w);
}

/* What both rebuild, and of that what even is the same derivation: aliases once. */
static void
assert_two(const struct world *w, size_t p, const struct overlap_with *with)
{
	size_t q = (size_t)with->number - 1;
	bool heads[PULLS] = {0};
	int64_t shared = 0, same = 0, apart = 0;

	heads[p] = heads[q] = true;
	for (size_t x = 0; x < ATTRIBUTES; x++) {
		bool both = w->pulls[p][x].is == CHANGED && w->pulls[q][x].is == CHANGED, seen = false, had = false;
		for (size_t y = 0; y < x; y++)
			seen = seen || alike(w, x, y, heads);
		shared += both && !seen;
		same += both && !seen && head_of(w, p, x) == head_of(w, q, x);
		for (size_t y = 0; y < ATTRIBUTES; y++)
			had = had || (w->pulls[p][y].is == CHANGED && head_of(w, p, y) == head_of(w, q, x));
		apart += w->pulls[q][x].is == CHANGED && speaks(w, q, x) && !had;
	}
	for (size_t x = 0; x < ATTRIBUTES; x++)
		apart += w->pulls[p][x].is == CHANGED && speaks(w, p, x);
	assert_int_equal(with->together, merged(w, heads));
	assert_int_equal(with->shared, shared);
	assert_int_equal(with->same, same);
	assert_int_equal(with->apart, apart);
}

static void
what_is_predicted_is_what_the_merged_tree_rebuilds(void **state)
{
	struct world *w = mem_alloc(sizeof(*w));
	size_t groups = 0, pairs = 0;

	(void)state;
	for (unsigned round = 0; round < ROUNDS; round++) {
		struct arena a = {0};
		struct overlap_told told[PULLS];
		struct overlaps_told all;
		bool met[PULLS] = {0};
		make_world(&a, w, round * 7919 + 1);
		overlap_compare(&a, w->of, w->spaces, PULLS, told, &all);
		for (size_t g = 0; g < all.groups.n; g++) {
			bool heads[PULLS] = {0};
			for (size_t k = 0; k < all.groups.p[g].pulls.n; k++)
				heads[all.groups.p[g].pulls.p[k] - 1] = met[all.groups.p[g].pulls.p[k] - 1] = true;
			assert_int_equal(all.groups.p[g].together, merged(w, heads));
			assert_true(all.groups.p[g].first % 2 == 1 || all.groups.p[g].first == 0);
			groups++;
		}
		for (size_t k = 0; k < all.alone.n; k++) {
			assert_false(met[all.alone.p[k] - 1]);
			met[all.alone.p[k] - 1] = true;
			assert_int_equal(told[all.alone.p[k] - 1].others, 0);
			assert_int_equal(told[all.alone.p[k] - 1].shared, 0);
		}
		for (size_t p = 0; p < PULLS; p++) {
			bool heads[PULLS] = {0};
			heads[p] = true;
			assert_true(met[p]);
			assert_int_equal(told[p].rebuilds, merged(w, heads));
			for (size_t k = 0; k < told[p].with.n; k++) {
				assert_two(w, p, &told[p].with.p[k]);
				pairs++;
			}
		}
		arena_release(&a);
	}
	assert_true(groups > ROUNDS / 2 && pairs > ROUNDS);
	mem_free(&w);
}

static void
equal_bumps_are_built_once_anyway(void **state)
{
	struct arena a = {0};
	struct space_entry same[] = {{1, 1, 11, true}, {2, 2, 12, true}}, other[] = {{1, 1, 21, true}, {9, 9, 29, true}};
	struct space of[] = {{.rebuilt = same, .n = 2, .rebuilds = 2}, {.rebuilt = same, .n = 2, .rebuilds = 2},
	    {.rebuilt = other, .n = 2, .rebuilds = 2}, {0}};
	struct overlap_pull pulls[] = {{.number = 7}, {.number = 8, .green = true}, {.number = 9}, {.number = 10}};
	struct overlap_told told[4];
	struct overlaps_told all;

	(void)state;
	overlap_compare(&a, pulls, of, 4, told, &all);
	assert_int_equal(all.groups.n, 1);
	assert_int_equal(all.groups.p[0].apart, 4);
	assert_int_equal(all.groups.p[0].together, 3);
	assert_int_equal(all.groups.p[0].first, 8);
	assert_int_equal(all.groups.p[0].again, 1);
	assert_int_equal(all.alone.n, 1);
	assert_int_equal(all.alone.p[0], 10);
	assert_int_equal(told[0].with.p[0].number, 8);
	assert_int_equal(told[0].with.p[0].same, 2);
	assert_int_equal(told[0].with.p[0].apart, 2);
	overlap_compare(&a, pulls, of, 0, told, &all);
	assert_int_equal(all.groups.n + all.alone.n, 0);
	arena_release(&a);
}

/* A difference is read once, and what is kept of it says the same; what is kept and broken is made again. */
static void
a_difference_is_kept_as_a_space(void **state)
{
	struct arena a = {0};
	struct err e;
	const char *difference = arena_printf(&a, "%s/difference.json", dir), *kept = arena_printf(&a, "%s/space", dir);
	struct difference_counts counts = {0};
	struct meta_errors errors = {0};
	struct difference_distances distances = {0};
	struct difference_side base = {.drv = "/nix/store/a.drv"}, head = {.drv = "/nix/store/b.drv"}, fails = {.error = "no"};
	const char *hello[] = {"hello"}, *hi[] = {"hi"}, *broken[] = {"broken"};
	struct texts of_hello = {hello, 1};
	struct difference_attribute at[] = {
	    {.path = {hello, 1}, .job = "j", .system = "s", .class = CLASS_REBUILD, .base = &base, .head = &head},
	    {.path = {hi, 1},
	        .job = "j",
	        .system = "s",
	        .class = CLASS_REBUILD,
	        .base = &base,
	        .head = &head,
	        .alias_of = of_hello},
	    {.path = {broken, 1}, .job = "j", .system = "s", .class = CLASS_NEWLY_FAILING, .base = &base, .head = &fails},
	};
	struct difference_root root = {.drv = "/nix/store/b.drv",
	    .name = "hello-2",
	    .system = "s",
	    .attributes = {&of_hello, 1}};
	struct difference_writer w;
	struct buf out;
	struct space one, two;

	(void)state;
	buf_init(&out, 1 << 20);
	difference_begin(&w, &out);
	assert_int_equal(difference_put(&w, DIFFERENCE_COUNTS, &counts, &e), 0);
	for (size_t i = 0; i < COUNT(at); i++)
		assert_int_equal(difference_put(&w, DIFFERENCE_ATTRIBUTES, &at[i], &e), 0);
	assert_int_equal(difference_put(&w, DIFFERENCE_META_ERRORS, &errors, &e), 0);
	assert_int_equal(difference_put(&w, DIFFERENCE_ROOTS, &root, &e), 0);
	assert_int_equal(difference_put(&w, DIFFERENCE_DISTANCES, &distances, &e), 0);
	assert_int_equal(difference_end(&w, &e), 0);
	assert_int_equal(files_write(difference, buf_get(&out), 0600, FILES_NO_SYNC, &e), 0);
	buf_release(&out);

	assert_int_equal(space_read(&a, kept, difference, &one, &e), 0);
	assert_int_equal(one.n, 2);
	assert_int_equal(one.rebuilds, 1);
	assert_int_equal(one.n_gone, 1);
	assert_int_equal(one.n_roots, 1);
	assert_true(one.rebuilt[0].head == one.rebuilt[1].head && one.rebuilt[0].key != one.rebuilt[1].key);
	assert_int_equal(remove(difference), 0);
	assert_int_equal(space_read(&a, kept, difference, &two, &e), 0);
	assert_int_equal(two.n, 2);
	assert_int_equal(two.rebuilds, 1);
	assert_memory_equal(one.gone, two.gone, sizeof(*one.gone));
	assert_string_equal(two.roots[0].name, "hello");
	for (size_t i = 0; i < 2; i++)
		assert_true(one.rebuilt[i].key == two.rebuilt[i].key && one.rebuilt[i].base == two.rebuilt[i].base &&
		            one.rebuilt[i].head == two.rebuilt[i].head && one.rebuilt[i].counts == two.rebuilt[i].counts);

	/* Whatever is cut off or changed in it, nothing is read beyond its end. */
	struct str whole;
	assert_int_equal(files_read(&a, kept, 1 << 20, &whole, &e), 0);
	for (size_t n = 0; n < whole.n; n++) {
		assert_int_equal(files_write(kept, (struct str){whole.p, n}, 0600, FILES_NO_SYNC, &e), 0);
		assert_int_equal(space_read(&a, kept, difference, &two, &e), -1);
	}
	for (size_t n = 0; n < 48; n++) {
		char *bad = arena_strn(&a, whole.p, whole.n);
		bad[n] = (char)(bad[n] ^ 0x55);
		assert_int_equal(files_write(kept, (struct str){bad, whole.n}, 0600, FILES_NO_SYNC, &e), 0);
		if (space_read(&a, kept, difference, &two, &e) == 0)
			assert_int_equal(two.n, 2);
	}
	arena_release(&a);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(what_is_predicted_is_what_the_merged_tree_rebuilds),
	    cmocka_unit_test(equal_bumps_are_built_once_anyway),
	    cmocka_unit_test(a_difference_is_kept_as_a_space),
	};

	return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
