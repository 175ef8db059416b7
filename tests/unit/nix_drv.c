/* Derivations: what real files look like, and what hostile ones try. */
#include "nix/drv.h"

#include "graph/closure.h"

#include "graph_fixture.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "in_range.h"

#define P "/nix/store/00000000000000000000000000000000-"

static const char plain[] =
    "Derive([(\"dev\",\"" P "a-dev\",\"\",\"\"),(\"out\",\"" P "a\",\"\",\"\")],"
    "[(\"" P "b.drv\",[\"dev\",\"out\"]),(\"" P "c.drv\",[\"out\"])],[\"" P "builder.sh\"],\"x86_64-linux\",\"/bin/sh\","
    "[\"-e\",\"" P "builder.sh\"],[(\"name\",\"a\"),(\"quote\",\"say \\\"hi\\\"\\n\\tback\\\\slash\\r\"),"
    "(\"requiredSystemFeatures\",\" kvm  big-parallel\\n\")])";

static struct drv
parse(struct arena *a, const char *text)
{
	struct drv d = {0};
	struct err e = {0};

	if (drv_parse(a, str_of(text), DRV_ALL, &d, &e) != 0)
		fail_msg("%s: %s", text, e.msg);
	return d;
}

static void
test_plain(void **state)
{
	struct arena a = {0};
	struct drv d = parse(&a, plain);
	(void)state;

	assert_int_equal(d.n_outputs, 2);
	assert_true(str_is(d.outputs[0].name, "dev"));
	assert_true(str_is(d.outputs[1].path, P "a"));
	assert_int_equal(d.n_inputs, 2);
	assert_true(str_is(d.inputs[0].path, P "b.drv"));
	assert_int_equal(d.inputs[0].n_outputs, 2);
	assert_true(str_is(d.inputs[1].outputs[0], "out"));
	assert_int_equal(d.n_sources, 1);
	assert_true(str_is(d.system, "x86_64-linux"));
	assert_true(str_is(d.builder, "/bin/sh"));
	assert_int_equal(d.n_args, 2);
	assert_true(str_is(drv_env_get(&d, "quote"), "say \"hi\"\n\tback\\slash\r"));
	assert_null(drv_env_get(&d, "absent").p);
	assert_false(drv_fixed_output(&d));
	/* Text without escapes is not copied. */
	assert_true(d.system.p > plain && d.system.p < plain + sizeof(plain));
	arena_release(&a);
}

static void
test_kinds_of_outputs(void **state)
{
	static const struct {
		const char *output;
		bool fixed;
	} cases[] = {
	    {"(\"out\",\"" P "a\",\"sha256\",\"00ff\")", true}, {"(\"out\",\"" P "a\",\"r:sha512\",\"00ff\")", true},
	    {"(\"out\",\"\",\"r:sha256\",\"\")", false},       /* content addressed */
	    {"(\"out\",\"\",\"r:sha256\",\"impure\")", false}, /* impure */
	    {"(\"out\",\"\",\"\",\"\")", false},               /* deferred */
	};
	struct arena a = {0};
	(void)state;

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct drv d = parse(&a, arena_printf(&a, "Derive([%s],[],[],\"x\",\"/bin/sh\",[],[])", cases[i].output));
		assert_int_equal(drv_fixed_output(&d), cases[i].fixed);
	}
	arena_release(&a);
}

static void
test_dynamic_derivations(void **state)
{
	struct arena a = {0};
	struct drv d =
	    parse(&a, "DrvWithVersion(\"xp-dyn-drv\",[(\"out\",\"\",\"\",\"\")],[(\"" P "b.drv\",([\"out\"],[(\"out\","
	              "[\"lib\"])])),(\"" P "c.drv\",[\"out\"])],[],\"x\",\"/bin/sh\",[],[])");
	(void)state;

	assert_int_equal(d.n_inputs, 2);
	assert_int_equal(d.inputs[0].n_outputs, 1);
	assert_true(str_is(d.inputs[1].path, P "c.drv"));
	arena_release(&a);
}

static void
test_features(void **state)
{
	static const struct {
		const char *env;
		const char *first, *second;
		int rc;
	} cases[] = {
	    {"(\"requiredSystemFeatures\",\" kvm  big-parallel\\n\")", "kvm", "big-parallel", 0},
	    {"(\"__json\",\"{\\\"requiredSystemFeatures\\\":[\\\"kvm\\\",\\\"a b\\\"]}\")", "kvm", "a b", 0},
	    /* Structured attributes win: the variable is not even set for the builder. */
	    {"(\"__json\",\"{}\"),(\"requiredSystemFeatures\",\"kvm\")", NULL, NULL, 0},
	    {"(\"name\",\"a\")", NULL, NULL, 0},
	    {"(\"__json\",\"[]\")", NULL, NULL, -1},
	    {"(\"__json\",\"{\\\"requiredSystemFeatures\\\":\\\"kvm\\\"}\")", NULL, NULL, -1},
	    {"(\"__json\",\"{\\\"requiredSystemFeatures\\\":[1]}\")", NULL, NULL, -1},
	    {"(\"__json\",\"no json\")", NULL, NULL, -1},
	};
	(void)state;

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct arena a = {0};
		struct err e = {0};
		const struct str *f = NULL;
		size_t n = 0;
		struct drv d =
		    parse(&a, arena_printf(&a, "Derive([(\"out\",\"\",\"\",\"\")],[],[],\"x\",\"/b\",[],[%s])", cases[i].env));
		assert_int_equal(drv_features(&a, &d, &f, &n, &e), cases[i].rc);
		if (cases[i].rc == 0) {
			assert_int_equal(n, (cases[i].first != NULL) + (cases[i].second != NULL));
			if (cases[i].first != NULL)
				assert_true(str_is(f[0], cases[i].first));
			if (cases[i].second != NULL)
				assert_true(str_is(f[1], cases[i].second));
		} else
			assert_int_equal(e.kind, ERR_INPUT);
		arena_release(&a);
	}
}

/* Cut anywhere, or followed by anything, a derivation is refused, and the message says where. */
static void
test_truncated(void **state)
{
	size_t n = sizeof(plain) - 1;
	(void)state;

	for (size_t i = 0; i < n; i++) {
		struct arena a = {0};
		struct err e = {0};
		struct drv d = {0};
		/* A copy of just these bytes, so that reading past them is seen by the sanitizer. */
		char *cut = arena_dup(&a, plain, i);
		char *tight = memcpy(malloc(i != 0 ? i : 1), cut, i);
		assert_int_equal(drv_parse(&a, (struct str){tight, i}, DRV_ALL, &d, &e), -1);
		assert_int_equal(e.kind, ERR_INPUT);
		assert_non_null(strstr(e.msg, "byte "));
		free(tight);
		arena_release(&a);
	}
	struct arena a = {0};
	struct err e = {0};
	struct drv d = {0};
	assert_int_equal(drv_parse(&a, str_of(arena_printf(&a, "%s ", plain)), DRV_ALL, &d, &e), -1);
	assert_non_null(strstr(e.msg, arena_printf(&a, "byte %zu", n)));
	arena_release(&a);
}

static void
test_malformed(void **state)
{
	static const char *const cases[] = {
	    "",
	    "Derive",
	    "derive([],[],[],\"x\",\"/b\",[],[])",
	    "Derive([],[],[],\"x\",\"/b\",[],[])", /* no output */
	    "Derive([(\"out\",\"relative\",\"\",\"\")],[],[],\"x\",\"/b\",[],[])",
	    "Derive([(\"out\",\"\",\"\")],[],[],\"x\",\"/b\",[],[])",
	    "Derive([(\"out\",\"\",\"\",\"\"),],[],[],\"x\",\"/b\",[],[])",
	    "Derive([(\"out\",\"\",\"\",\"\")],[(\"relative.drv\",[\"out\"])],[],\"x\",\"/b\",[],[])",
	    "Derive([(\"out\",\"\",\"\",\"\")],[(\"\",[\"out\"])],[],\"x\",\"/b\",[],[])",
	    "Derive([(\"out\",\"\",\"\",\"\")],[(\"" P
	    "b.drv\",([\"out\"],[]))],[],\"x\",\"/b\",[],[])", /* nested, but not dynamic */
	    "Derive([(\"out\",\"\",\"\",\"\")],[],[,],\"x\",\"/b\",[],[])",
	    "Derive([(\"out\",\"\",\"\",\"\")],[],[],x,\"/b\",[],[])",
	    "Derive([(\"out\",\"\",\"\",\"\")], [],[],\"x\",\"/b\",[],[])",
	    "DrvWithVersion(\"xp-other\",[(\"out\",\"\",\"\",\"\")],[],[],\"x\",\"/b\",[],[])",
	    "Derive([(\"out\",\"\",\"\",\"\")],[],[],\"x\",\"/b\",[],[(\"a\",\"b\\",
	};
	(void)state;

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct arena a = {0};
		struct err e = {0};
		struct drv d = {0};
		if (drv_parse(&a, str_of(cases[i]), DRV_ALL, &d, &e) == 0)
			fail_msg("taken: %s", cases[i]);
		assert_int_equal(e.kind, ERR_INPUT);
		arena_release(&a);
	}
}

static void
test_deep_and_huge(void **state)
{
	struct arena a = {0};
	struct err e = {0};
	struct drv d = {0};
	struct buf b;
	(void)state;

	buf_init(&b, SIZE_MAX / 4);
	buf_puts(&b, "DrvWithVersion(\"xp-dyn-drv\",[(\"out\",\"\",\"\",\"\")],[(\"" P "b.drv\",");
	for (int i = 0; i < 100000; i++)
		buf_puts(&b, "([],[(\"o\",");
	assert_int_equal(drv_parse(&a, buf_get(&b), DRV_ALL, &d, &e), -1);
	assert_int_equal(e.kind, ERR_LIMIT);
	buf_drop(&b, b.n);
	buf_puts(&b, "Derive([(\"out\",\"\",\"\",\"\")],[],[");
	for (int i = 0; i < 100000; i++)
		buf_printf(&b, "%s\"" P "s%d\"", i != 0 ? "," : "", i);
	buf_puts(&b, "],\"x\",\"/b\",[],[])");
	e = (struct err){0};
	assert_int_equal(drv_parse(&a, buf_get(&b), DRV_ALL, &d, &e), 0);
	assert_int_equal(d.n_sources, 100000);
	e = (struct err){0};
	assert_int_equal(drv_parse(&a, (struct str){plain, (size_t)DRV_MAX_BYTES + 1}, DRV_ALL, &d, &e), -1);
	assert_int_equal(e.kind, ERR_LIMIT);
	buf_release(&b);
	arena_release(&a);
}

/* Changes of a good file: every one is taken or refused, with nothing read outside (run with the sanitizer). */
static void
test_mutations(void **state)
{
	static const char bytes[] = "\"\\()[],Dx/\0\n";
	uint64_t seed = 42;
	size_t n = sizeof(plain) - 1, refused = 0;
	char *text = malloc(n);
	(void)state;

	for (int round = 0; round < 20000; round++) {
		struct arena a = {0};
		struct err e = {0};
		struct drv d = {0};
		memcpy(text, plain, n);
		for (int k = 0; k <= round % 3; k++) {
			seed = seed * 6364136223846793005u + 1442695040888963407u;
			text[(seed >> 33) % n] = bytes[(seed >> 20) % (sizeof(bytes) - 1)];
		}
		if (drv_parse(&a, (struct str){text, n}, round % 2 != 0 ? DRV_ALL : DRV_GRAPH, &d, &e) != 0) {
			assert_true(e.kind == ERR_INPUT || e.kind == ERR_LIMIT);
			refused++;
		}
		arena_release(&a);
	}
	free(text);
	assert_uint_in_range(refused, 1000, 20000);
}

static void
test_file_names(void **state)
{
	static const char *const bad[] = {"", "/", "a", "/nix/store/", "/nix/store/short",
	    "relative/00000000000000000000000000000000-a.drv", "/nix/store/00000000000000000000000000000000",
	    "/nix/store/00000000000000000000000000000000_a.drv", "/nix/store/00000000000000000000000000000000-a b.drv",
	    "/nix/store/.0000000000000000000000000000000-a.drv", "/nix/store/00000000000000000000000000000000-\n.drv"};
	struct str file;
	(void)state;

	for (size_t i = 0; i < COUNT(bad); i++)
		assert_int_equal(drv_file_name(str_of(bad[i]), &file), -1);
	assert_int_equal(drv_file_name(STR(P "curl-8.1.drv"), &file), 0);
	assert_true(str_is(drv_name(file), "curl-8.1"));
	assert_true(str_is(drv_name(STR(P "curl-8.1")), "curl-8.1"));
}

static void
test_reading_refuses_other_paths(void **state)
{
	struct fixture f;
	struct drv d = {0};
	struct err e = {0};
	(void)state;

	fixture_begin(&f);
	assert_int_equal(drv_read(&f.a, f.store, STR(P "gone.drv"), &d, &e), -1);
	assert_int_equal(e.kind, ERR_ABSENT);
	assert_non_null(strstr(e.msg, "gone.drv"));
	assert_int_equal(drv_read(&f.a, f.store, STR("/nix/store/../../etc/passwd"), &d, &e), -1);
	assert_int_equal(e.kind, ERR_INPUT);
	/* A link in the store's place is not followed. */
	assert_int_equal(symlink("/etc/passwd", arena_printf(&f.a, "%s/%s", f.store, &P[sizeof("/nix/store/") - 1])), 0);
	assert_int_equal(symlink("/etc/passwd", arena_printf(&f.a, "%s/%slink.drv", f.store, &P[sizeof("/nix/store/") - 1])),
	    0);
	e = (struct err){0};
	assert_int_equal(drv_read(&f.a, f.store, STR(P "link.drv"), &d, &e), -1);
	assert_int_not_equal(e.kind, ERR_NONE);
	fixture_end(&f);
}

static void
test_names_and_versions(void **state)
{
	static const struct {
		const char *name, *stem, *version;
	} cases[] = {
	    {"curl-8.1", "curl", "8.1"},
	    {"hello", "hello", ""},
	    {"python3.11-foo-1.0", "python3.11-foo", "1.0"},
	    {"xorg-server-unstable-2024-01-02", "xorg-server-unstable", "2024-01-02"},
	    {"lib-a-9", "lib-a", "9"},
	    {"x-", "x-", ""},
	    {"a--1", "a", "-1"},
	    {"", "", ""},
	};
	(void)state;

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct str stem, version;
		drv_split_name(str_of(cases[i].name), &stem, &version);
		assert_true(str_is(stem, cases[i].stem));
		assert_true(str_is(version, cases[i].version));
	}
}

/* Thousands of derivations are read ahead by threads; the numbers are those of a walk, breadth first, that reads one at a time. */
static void
test_closures_are_numbered_as_a_walk_does(void **state)
{
	enum { N = 4000 };
	struct fixture f;
	struct fx_drv **all = mem_alloc(N * sizeof(*all));
	struct map expected = {0};
	struct closure g;
	struct err e = {0};
	uint32_t node, seed = 7;

	(void)state;
	fixture_begin(&f);
	for (uint32_t i = 0; i < N; i++) {
		all[i] = arena_alloc(&f.a, sizeof(**all));
		*all[i] = (struct fx_drv){.name = arena_printf(&f.a, "d%u", i), .fixed = i % 7 == 0 ? "fixed" : NULL};
		for (uint32_t k = 0; k < 4 && i > 0; k++) {
			seed = seed * 1664525 + 1013904223;
			all[i]->inputs[k] = all[k == 0 ? i - 1 : (seed >> 8) % i];
		}
		fx_make(&f, all[i]);
	}
	struct str root = str_of(all[N - 1]->drv);
	map_add(&expected, str_from(root, sizeof(FX_STORE)), NULL);
	for (size_t at = 0; at < expected.n; at++) {
		struct drv d;
		struct str path = str_of(arena_printf(&f.a, FX_STORE "/" STR_FMT, STR_ARG(expected.p[at].key)));
		assert_int_equal(drv_read(&f.a, f.store, path, &d, &e), 0);
		for (size_t k = 0; k < d.n_inputs; k++)
			map_add(&expected, str_from(d.inputs[k].path, sizeof(FX_STORE)), NULL);
	}
	closure_init(&g, FX_STORE, f.store);
	assert_int_equal(closure_root(&g, root, &node, &e), 0);
	assert_int_equal(closure_load(&g, &e), 0);
	assert_int_equal(g.loaded, expected.n);
	for (size_t i = 0; i < expected.n; i++)
		assert_true(str_eq(g.nodes.p[i].key, expected.p[i].key));
	closure_release(&g);

	/* What is wrong far behind is named, and it is the first of two. */
	static const char *const damages[] = {NULL, "", "Derive([", "nothing",
	    "Derive([(\"out\",\"/nix/store/x\",\"\",\"\")],[(\"/etc/passwd\",[\"out\"])],[],\"s\",\"b\",[],[])"};
	for (size_t i = 0; i < COUNT(damages); i++) {
		struct str text, first = expected.p[expected.n / 2].key, second = expected.p[expected.n - 3].key;
		const char *one = arena_printf(&f.a, "%s/" STR_FMT, f.store, STR_ARG(first)),
		           *two = arena_printf(&f.a, "%s/" STR_FMT, f.store, STR_ARG(second));
		assert_int_equal(files_read(&f.a, one, 1 << 20, &text, &e), 0);
		assert_int_equal(unlink(two), i == 0 ? 0 : -1);
		assert_int_equal(unlink(one), 0);
		if (damages[i] != NULL)
			assert_int_equal(files_write(one, str_of(damages[i]), 0644, FILES_NO_SYNC, &e), 0);
		closure_init(&g, FX_STORE, f.store);
		assert_int_equal(closure_root(&g, root, &node, &e), 0);
		assert_int_equal(closure_load(&g, &e), -1);
		assert_int_equal(e.kind, damages[i] == NULL ? ERR_ABSENT : ERR_INPUT);
		assert_true(str_find(str_of(e.msg), first) >= 0);
		assert_int_equal(g.loaded, expected.n / 2);
		closure_release(&g);
		unlink(one);
		assert_int_equal(files_write(one, text, 0644, FILES_NO_SYNC, &e), 0);
	}
	map_release(&expected);
	mem_free(&all);
	fixture_end(&f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_plain),
	    cmocka_unit_test(test_kinds_of_outputs),
	    cmocka_unit_test(test_dynamic_derivations),
	    cmocka_unit_test(test_features),
	    cmocka_unit_test(test_truncated),
	    cmocka_unit_test(test_malformed),
	    cmocka_unit_test(test_deep_and_huge),
	    cmocka_unit_test(test_mutations),
	    cmocka_unit_test(test_file_names),
	    cmocka_unit_test(test_reading_refuses_other_paths),
	    cmocka_unit_test(test_names_and_versions),
	    cmocka_unit_test(test_closures_are_numbered_as_a_walk_does),
	};

	return cmocka_run_group_tests_name("graph_drv", tests, NULL, NULL);
}
