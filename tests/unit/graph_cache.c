/* Graph files: what was saved comes back, and what is damaged does not. */
#include "graph/cache.h"

#include "graph_fixture.h"

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static struct fx_drv *
make(struct fixture *f, const char *name, const char *version, const struct fx_drv *a, const struct fx_drv *b)
{
	struct fx_drv *d = arena_alloc(&f->a, sizeof(*d));
	struct fx_env *env = arena_alloc(&f->a, 2 * sizeof(*env));

	env[0] = (struct fx_env){"version", version};
	*d = (struct fx_drv){.name = arena_printf(&f->a, "%s-%s", name, version), .env = env, .inputs = {a, b}};
	return fx_make(f, d);
}

/* The graph file gives what the derivations give, also when it is damaged; and it is what is read the second time. */
static void
test_graph_file(void **state)
{
	struct fixture f;
	struct closure g, again;
	struct err e = {0};
	uint32_t node;
	(void)state;

	fixture_begin(&f);
	struct fx_drv *lib = make(&f, "lib", "1", NULL, NULL), *app = make(&f, "app", "1", lib, NULL);
	struct fx_drv *src = fx_make(&f, &(struct fx_drv){.name = "src", .fixed = "bytes", .inputs = {lib}});
	struct fx_drv *ca = fx_make(&f, &(struct fx_drv){.name = "ca", .floating = true, .dev = true, .inputs = {app, src}});
	const char *dir = arena_printf(&f.a, "%s/graphs", f.dir);
	closure_init(&g, FX_STORE, f.store);
	assert_int_equal(closure_root(&g, str_of(ca->drv), &node, &e), 0);
	assert_int_equal(cache_load(&g, dir), 0);
	assert_int_equal(closure_load(&g, &e), 0);
	assert_int_equal(cache_save(&g, 1, dir, &e), 0);
	for (int round = 0; round < 2; round++) {
		closure_init(&again, FX_STORE, "/nowhere");
		assert_int_equal(closure_root(&again, str_of(ca->drv), &node, &e), 0);
		assert_int_equal(cache_load(&again, dir), 1);
		assert_int_equal(again.loaded, 4);
		assert_int_equal(again.targets.n, g.targets.n);
		assert_memory_equal(again.targets.p, g.targets.p, g.targets.n * sizeof(*g.targets.p));
		assert_memory_equal(again.off.p, g.off.p, g.off.n * sizeof(*g.off.p));
		assert_memory_equal(again.flags.p, g.flags.p, g.flags.n);
		for (size_t i = 0; i < g.outputs.n; i++) {
			assert_true(str_eq(again.outputs.p[i].path, g.outputs.p[i].path));
			assert_true(str_eq(again.outputs.p[i].name, g.outputs.p[i].name));
		}
		for (uint32_t v = 0; v < 4; v++)
			assert_true(str_eq(closure_name(&again, v), closure_name(&g, v)));
		assert_int_equal(closure_find(&again, str_of(lib->drv)), closure_find(&g, str_of(lib->drv)));
		closure_release(&again);
	}
	/* Other roots: another file. */
	closure_init(&again, FX_STORE, "/nowhere");
	assert_int_equal(closure_root(&again, str_of(app->drv), &node, &e), 0);
	assert_int_equal(cache_load(&again, dir), 0);
	closure_release(&again);
	closure_release(&g);
	fixture_end(&f);
}

static void
test_damaged_graph_files_are_not_believed(void **state)
{
	struct fixture f;
	struct closure g;
	struct err e = {0};
	struct str bytes;
	uint32_t node;
	(void)state;

	fixture_begin(&f);
	struct fx_drv *lib = make(&f, "lib", "1", NULL, NULL), *app = make(&f, "app", "1", lib, NULL);
	const char *dir = arena_printf(&f.a, "%s/graphs", f.dir);
	closure_init(&g, FX_STORE, f.store);
	assert_int_equal(closure_root(&g, str_of(app->drv), &node, &e), 0);
	assert_int_equal(closure_load(&g, &e), 0);
	assert_int_equal(cache_save(&g, 1, dir, &e), 0);
	closure_release(&g);
	DIR *d = opendir(dir);
	struct dirent *entry;
	char *file = NULL;
	while ((entry = readdir(d)) != NULL)
		if (strstr(entry->d_name, ".graph") != NULL)
			file = arena_printf(&f.a, "%s/%s", dir, entry->d_name);
	closedir(d);
	assert_non_null(file);
	assert_int_equal(files_read(&f.a, file, 1 << 20, &bytes, &e), 0);
	for (size_t i = 0; i < 2 * bytes.n; i++) {
		/* First every byte wrong once, then every length that is too short. */
		char *copy = arena_dup(&f.a, bytes.p, bytes.n);
		size_t n = i < bytes.n ? bytes.n : i - bytes.n;
		copy[i % bytes.n] ^= 0x41;
		assert_int_equal(files_write(file, (struct str){copy, n}, 0600, FILES_NO_SYNC, &e), 0);
		closure_init(&g, FX_STORE, f.store);
		assert_int_equal(closure_root(&g, str_of(app->drv), &node, &e), 0);
		assert_int_equal(cache_load(&g, dir), 0);
		assert_int_equal(closure_load(&g, &e), 0);
		assert_int_equal(g.loaded, 2);
		closure_release(&g);
	}
	fixture_end(&f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_graph_file),
	    cmocka_unit_test(test_damaged_graph_files_are_not_believed),
	};

	return cmocka_run_group_tests_name("graph_cache", tests, NULL, NULL);
}
