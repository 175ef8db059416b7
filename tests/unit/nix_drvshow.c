/* Derivations that only Nix can tell: every shape of its JSON, and a store whose files cannot be read. */
#include "graph/closure.h"
#include "nix/drv.h"
#include "nix/drvshow.h"
#include "support/os/files.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "temp_dir.h"

#define H1 "11111111111111111111111111111111"
#define H2 "22222222222222222222222222222222"
#define H3 "33333333333333333333333333333333"
#define S  "/nix/store/"

#define REST      "\"system\":\"x86_64-linux\",\"builder\":\"/bin/sh\",\"args\":[\"-c\",\"echo \\\"x\\\\ny\\\"\\n\\t\"],"
#define ENV(more) "\"env\":{\"out\":\"" S H3 "-app\",\"name\":\"app\"" more "}"

/* The same derivation, a fixed one it needs, in each shape. */
static const char *const shapes[] = {
    /* 2.8 */
    "{\"" S H1 "-app.drv\":{\"outputs\":{\"out\":{\"path\":\"" S H3 "-app\"}},\"inputSrcs\":[\"" S H2
    "-b.sh\"],\"inputDrvs\":{\"" S H2 "-src.drv\":[\"out\"]}," REST ENV(
        "") "},"
            "\"" S H2 "-src.drv\":{\"outputs\":{\"out\":{\"path\":\"" S H2
            "-src\",\"hashAlgo\":\"r:sha256\",\"hash\":\"abcd\"}},\"inputSrcs\":[],"
            "\"inputDrvs\":{},\"system\":\"builtin\",\"builder\":\"builtin:x\",\"args\":[],\"env\":{\"out\":\"" S H2
            "-src\"}}}",
    /* 2.20 */
    "{\"" S H1 "-app.drv\":{\"name\":\"app\",\"outputs\":{\"out\":{\"path\":\"" S H3 "-app\"}},\"inputSrcs\":[\"" S H2
    "-b.sh\"],\"inputDrvs\":{\"" S H2 "-src.drv\":{\"dynamicOutputs\":{},\"outputs\":[\"out\"]}}," REST ENV(
        "") "},"
            "\"" S H2 "-src.drv\":{\"name\":\"src\",\"outputs\":{\"out\":{\"path\":\"" S H2
            "-src\",\"method\":\"nar\",\"hashAlgo\":\"sha256\",\"hash\":\"abcd\"}},"
            "\"inputSrcs\":[],\"inputDrvs\":{},\"system\":\"builtin\",\"builder\":\"builtin:x\",\"args\":[],\"env\":{\"out\":\"" S
                H2 "-src\"}}}",
    /* 2.32 */
    "{\"" H1 "-app.drv\":{\"version\":3,\"name\":\"app\",\"outputs\":{\"out\":{\"path\":\"" H3 "-app\"}},\"inputSrcs\":[\"" H2
    "-b.sh\"],\"inputDrvs\":{\"" H2 "-src.drv\":{\"dynamicOutputs\":{},\"outputs\":[\"out\"]}}," REST ENV(
        "") "},"
            "\"" H2 "-src.drv\":{\"version\":3,\"name\":\"src\",\"outputs\":{\"out\":{\"path\":\"" H2
            "-src\",\"method\":\"nar\",\"hashAlgo\":\"sha256\","
            "\"hash\":\"abcd\"}},\"inputSrcs\":[],\"inputDrvs\":{},\"system\":\"builtin\",\"builder\":\"builtin:x\",\"args\":[],\"env\":{\"out\":\"" S
                H2 "-src\"}}}",
    /* 2.33 */
    "{\"version\":4,\"derivations\":{\"" H1 "-app.drv\":{\"version\":4,\"name\":\"app\",\"outputs\":{\"out\":{\"path\":\"" H3
    "-app\"}},\"inputs\":{"
    "\"srcs\":[\"" H2 "-b.sh\"],\"drvs\":{\"" H2 "-src.drv\":{\"dynamicOutputs\":{},\"outputs\":[\"out\"]}}}," REST ENV(
        "") "},"
            "\"" H2
            "-src.drv\":{\"version\":4,\"name\":\"src\",\"outputs\":{\"out\":{\"method\":\"nar\",\"hash\":\"sha256-abcd\"}},\"inputs\":{\"srcs\":[],"
            "\"drvs\":{}},\"system\":\"builtin\",\"builder\":\"builtin:x\",\"args\":[],\"env\":{\"out\":\"" S H2 "-src\"}}}}",
};

static void
check_text(struct str got, const char *want)
{
	if (!str_is(got, want))
		fail_msg("%.*s is not %s", STR_ARG(got), want);
}

static void
test_every_shape(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(shapes); i++) {
		struct arena a = {0};
		struct drv d;
		struct err e = {0};
		if (drvshow_write("/nix/store", str_of(shapes[i]), dir, &e) != 0 ||
		    drv_read(&a, dir, STR(S H1 "-app.drv"), &d, &e) != 0)
			fail_msg("shape %zu: %s", i, e.msg);
		assert_int_equal(d.n_outputs + d.n_inputs + d.n_sources, 3);
		check_text(d.outputs[0].path, S H3 "-app");
		check_text(d.inputs[0].path, S H2 "-src.drv");
		check_text(d.inputs[0].outputs[0], "out");
		check_text(d.sources[0], S H2 "-b.sh");
		check_text(d.system, "x86_64-linux");
		check_text(d.args[1], "echo \"x\\ny\"\n\t");
		check_text(drv_env_get(&d, "name"), "app");
		assert_false(drv_fixed_output(&d));
		if (drv_read(&a, dir, STR(S H2 "-src.drv"), &d, &e) != 0)
			fail_msg("shape %zu: %s", i, e.msg);
		assert_true(drv_fixed_output(&d));
		check_text(d.outputs[0].path, S H2 "-src");
		check_text(d.outputs[0].hash_algo, "r:sha256");
		arena_release(&a);
	}
}

static void
test_structured_attributes(void **state)
{
	struct arena a = {0};
	struct drv d;
	struct err e = {0};
	const struct str *features;
	size_t n;

	(void)state;
	assert_int_equal(
	    drvshow_write("/nix/store",
	        STR("{\"version\":4,\"derivations\":{\"" H1 "-s.drv\":{\"outputs\":{\"out\":{}},\"inputs\":{},"
	            "\"system\":\"x\",\"builder\":\"b\",\"args\":[],\"env\":{},\"structuredAttrs\":{\"requiredSystemFeatures\":[\"kvm\"]}}}}"),
	        dir, &e),
	    0);
	assert_int_equal(drv_read(&a, dir, STR(S H1 "-s.drv"), &d, &e), 0);
	assert_int_equal(drv_features(&a, &d, &features, &n, &e), 0);
	assert_int_equal(n, 1);
	check_text(features[0], "kvm");
	assert_int_equal(d.outputs[0].path.n, 0);
	arena_release(&a);
}

/* What stands there came from a store, whose names came from a repository. */
static void
test_other_things_are_refused(void **state)
{
	static const char *const bad[] = {"", "[]", "7", "{\"x\":{}}", "{\"../" H1 "-x.drv\":{\"outputs\":{}}}",
	    "{\"" S H1 "-x\":{\"outputs\":{}}}", "{\"" S H1 "-x.drv\":7}", "{\"" S H1 "-x.drv\":{\"outputs\":[]}}"};

	(void)state;
	for (size_t i = 0; i < COUNT(bad); i++) {
		struct err e = {0};
		assert_int_equal(drvshow_write("/nix/store", str_of(bad[i]), dir, &e), -1);
		assert_int_equal(e.kind, ERR_INPUT);
	}
}

static void
put_nix(const char *script)
{
	struct arena a = {0};
	struct err e = {0};
	const char *nix = arena_printf(&a, "%s/nix", dir);

	assert_int_equal(files_write(nix, str_of(script), 0755, FILES_NO_SYNC, &e), 0);
	assert_int_equal(chmod(nix, 0755), 0);
	assert_int_equal(setenv("PATH", arena_printf(&a, "%s:/usr/bin:/bin", dir), 1), 0);
	arena_release(&a);
}

static void
test_a_store_that_cannot_be_read(void **state)
{
	/* Shape 0 for another store's name; show-derivation only, as 2.8 has it; what is not asked for is not told. */
	static const char script[] =
	    "#!/bin/sh\n[ \"$3\" = show-derivation ] || exit 1\nshift 3\n"
	    "for p; do case $p in /nowhere/store/" H1 "-a.drv|/nowhere/store/" H2 "-b.drv) ;; *) exit 1;; esac; done\n"
	    "sep='{'\nfor p; do case $p in *-a.drv) i='\"/nowhere/store/" H2 "-b.drv\":[\"out\"]';; *) i=;; esac\n"
	    "printf '%s\"%s\":{\"outputs\":{\"out\":{\"path\":\"/nowhere/store/" H3
	    "-o\"}},\"inputSrcs\":[],\"inputDrvs\":{%s},"
	    "\"system\":\"s\",\"builder\":\"b\",\"args\":[],\"env\":{}}' \"$sep\" \"$p\" \"$i\"; sep=,; done\necho '}'\n";
	struct closure g;
	struct err e = {0};
	uint32_t node;

	(void)state;
	put_nix(script);
	closure_init(&g, "/nowhere/store", NULL);
	assert_int_equal(closure_root(&g, STR("/nowhere/store/" H1 "-a.drv"), &node, &e), 0);
	if (closure_load(&g, &e) != 0)
		fail_msg("%s", e.msg);
	assert_int_equal(g.loaded, 2);
	assert_int_equal(g.targets.n, 1);
	assert_true(files_exist(g.real_dir));
	char *was = strdup(g.real_dir);
	closure_release(&g);
	assert_false(files_exist(was));
	free(was);
	/* Neither the store nor Nix has it: the store's own error is told. */
	closure_init(&g, "/nowhere/store", NULL);
	assert_int_equal(closure_root(&g, STR("/nowhere/store/" H3 "-c.drv"), &node, &e), 0);
	assert_int_equal(closure_load(&g, &e), -1);
	assert_non_null(strstr(e.msg, "/nowhere/store"));
	closure_release(&g);
	/* Where a folder was named, nobody else is asked. */
	closure_init(&g, "/nowhere/store", "/nowhere/else");
	assert_int_equal(closure_root(&g, STR("/nowhere/store/" H1 "-a.drv"), &node, &e), 0);
	assert_int_equal(closure_load(&g, &e), -1);
	closure_release(&g);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_every_shape),
	    cmocka_unit_test(test_structured_attributes),
	    cmocka_unit_test(test_other_things_are_refused),
	    cmocka_unit_test(test_a_store_that_cannot_be_read),
	};
	return cmocka_run_group_tests_name("graph_drvshow", tests, make_dir, remove_dir);
}
