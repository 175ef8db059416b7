/* Sizes: what Nix prints in all its shapes, and the files of outputs, which are hostile. */
#include "nix/path_info.h"
#include "build/sizes.h"
#include "support/os/files.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "temp_dir.h"

static void
test_every_shape_of_path_info(void **state)
{
	static const char *const texts[] = {
	    ("[{\"path\":\"/nix/store/a-x\",\"narSize\":7,\"references\":[\"/nix/store/a-x\",\"/nix/store/b-y\"],\"valid\":true},"
	     "{\"path\":\"/nix/store/b-y\",\"valid\":false}]"),
	    "{\"/nix/store/a-x\":{\"narSize\":7,\"references\":[\"/nix/store/a-x\",\"/nix/store/b-y\"]},\"/nix/store/b-y\":null}",
	    "{\"version\":2,\"storeDir\":\"/nix/store\",\"info\":{\"a-x\":{\"narSize\":7,\"references\":[\"a-x\",\"b-y\"]},\"b-y\":null}}",
	};

	(void)state;
	for (size_t i = 0; i < COUNT(texts); i++) {
		struct infos q;
		struct err e = {0};
		infos_init(&q, NULL);
		assert_int_equal(infos_read(&q, str_of(texts[i]), &e), 0);
		const struct path_info *info = infos_get(&q, STR("a-x"));
		assert_non_null(info);
		assert_int_equal(info->size, 7);
		assert_int_equal(info->references.n, 2);
		assert_string_equal(info->references.p[0], "a-x");
		assert_string_equal(info->references.p[1], "b-y");
		assert_null(infos_get(&q, STR("b-y"))); /* not valid */
		infos_release(&q);
	}
	static const char *const bad[] = {"", "7", "[", "\"x\""};
	for (size_t i = 0; i < COUNT(bad); i++) {
		struct infos q;
		struct err e = {0};
		infos_init(&q, NULL);
		assert_int_equal(infos_read(&q, str_of(bad[i]), &e), -1);
		assert_int_equal(e.kind, ERR_INPUT);
		infos_release(&q);
	}
}

static const char *
output(struct arena *a, const char *name, const char *metrics, const char *products)
{
	const char *out = arena_printf(a, "%s/%s", dir, name);
	struct err e = {0};

	assert_int_equal(files_mkdirs(arena_printf(a, "%s/nix-support", out), 0755, &e), 0);
	if (metrics != NULL)
		assert_int_equal(files_write(arena_printf(a, "%s/nix-support/hydra-metrics", out), str_of(metrics), 0644,
		                     FILES_NO_SYNC, &e),
		    0);
	if (products != NULL)
		assert_int_equal(files_write(arena_printf(a, "%s/nix-support/hydra-build-products", out), str_of(products),
		                     0644, FILES_NO_SYNC, &e),
		    0);
	return out;
}

static void
compare(struct arena *a, const char *base, const char *head, const char **ret_metrics, const char **ret_products)
{
	struct package_sizes one = {.job = ""};
	struct sizes all = {.packages = {&one, 1}};
	struct err e = {0};
	char *line;

	sizes_files(a, dir, base, head, &one.metrics, &one.products);
	assert_int_equal(fields_line(&sizes_fields, a, &all, &line, &e), 0);
	char *metrics = strstr(line, "\"metrics\":"), *products = strstr(line, ",\"products\":");
	assert_non_null(metrics);
	assert_non_null(products);
	line[strlen(line) - strlen("}]}")] = '\0';
	*products = '\0';
	*ret_metrics = metrics + strlen("\"metrics\":");
	*ret_products = products + strlen(",\"products\":");
}

static void
test_metrics(void **state)
{
	struct arena a = {0};
	const char *metrics, *products;
	const char *base = output(&a, "m1", "time 1.5 s\nlines 12\ngone 1\n", NULL);
	const char *head = output(&a, "m2",
	    "time 2.5e0 s\nlines 13\n<b>x</b> 3\nhex 0x10\ninf inf\nnan nan\nmany 1 s more\n 7\nno-number abc\nspill 1.0x\nunit 1 `s`\n",
	    NULL);

	(void)state;
	compare(&a, base, head, &metrics, &products);
	assert_string_equal(metrics, "[{\"name\":\"time\",\"unit\":\"s\",\"base\":1.5,\"head\":2.5},"
	                             "{\"name\":\"lines\",\"unit\":\"\",\"base\":12.0,\"head\":13.0},"
	                             "{\"name\":\"gone\",\"unit\":\"\",\"base\":1.0,\"head\":null}]");
	assert_string_equal(products, "[]");
	arena_release(&a);
}

static void
test_products(void **state)
{
	struct arena a = {0};
	struct err e = {0};
	const char *metrics, *products;
	const char *base = output(&a, "p1", NULL, arena_printf(&a, "file iso %s/p1/a.iso\nfile iso %s/p1/b.iso\n", dir, dir));
	const char *head = output(&a, "p2", NULL,
	    arena_printf(&a,
	        "file iso \"%s/p2/a b.iso\" x.html\ndoc none %s/p2/nix-support\nfile x /etc/passwd\nfile x %s/../etc\n"
	        "file x %sx/y\nfile x \"%s/p2\nfile x %s/p2 a b\n",
	        dir, dir, dir, dir, dir, dir));

	(void)state;
	assert_int_equal(files_write(arena_printf(&a, "%s/p1/a.iso", dir), STR("12345"), 0644, FILES_NO_SYNC, &e), 0);
	assert_int_equal(files_write(arena_printf(&a, "%s/p2/a b.iso", dir), STR("1234567"), 0644, FILES_NO_SYNC, &e), 0);
	compare(&a, base, head, &metrics, &products);
	assert_string_equal(products,
	    arena_printf(&a,
	        "[{\"type\":\"file\",\"subtype\":\"iso\",\"base\":5,\"name\":\"a b.iso\",\"store_path\":\"%s/p2/a b.iso\",\"head\":7},"
	        "{\"type\":\"file\",\"subtype\":\"iso\",\"base\":null,\"name\":\"b.iso\",\"store_path\":\"%s/p1/b.iso\",\"head\":null},"
	        "{\"type\":\"doc\",\"subtype\":\"none\",\"base\":null,\"name\":\"nix-support\",\"store_path\":\"%s/p2/nix-support\",\"head\":null}]",
	        dir, dir, dir));
	arena_release(&a);
}

/* What was built may put links and pipes where files are expected: nothing outside is read, nothing is waited for. */
static void
test_links_and_pipes_are_left_alone(void **state)
{
	struct arena a = {0};
	struct err e = {0};
	const char *metrics, *products, *plain = output(&a, "l0", "x 1\n", NULL);
	const char *link = output(&a, "l1", NULL, NULL), *pipe = output(&a, "l2", NULL, NULL);

	(void)state;
	assert_int_equal(symlink(arena_printf(&a, "%s/nix-support/hydra-metrics", plain),
	                     arena_printf(&a, "%s/nix-support/hydra-metrics", link)),
	    0);
	assert_int_equal(mkfifo(arena_printf(&a, "%s/nix-support/hydra-metrics", pipe), 0644), 0);
	compare(&a, link, pipe, &metrics, &products);
	assert_string_equal(metrics, "[]");
	assert_int_equal(symlink("l0", arena_printf(&a, "%s/l3", dir)), 0); /* a whole output that is a link */
	compare(&a, arena_printf(&a, "%s/l3", dir), "/etc", &metrics, &products);
	assert_string_equal(metrics, "[]");
	assert_int_equal(files_write(arena_printf(&a, "%s/nix-support/hydra-build-products", link),
	                     str_of(arena_printf(&a, "file x %s/l3/nix-support/hydra-metrics\n", dir)), 0644, FILES_NO_SYNC,
	                     &e),
	    0);
	compare(&a, plain, link, &metrics, &products);
	assert_non_null(strstr(products, "\"head\":null"));
	arena_release(&a);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_every_shape_of_path_info),
	    cmocka_unit_test(test_metrics),
	    cmocka_unit_test(test_products),
	    cmocka_unit_test(test_links_and_pipes_are_left_alone),
	};
	return cmocka_run_group_tests_name("schedule_sizes", tests, make_dir, remove_dir);
}
