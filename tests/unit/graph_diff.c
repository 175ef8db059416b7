/* The stage diff, on made-up stores: every class, the spread, refusals, and the same bytes each time. */
#include "graph/graph.h"
#include "graph_fixture.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

/* Runs the stage on one job; gives its result and the difference. */
static int
diff_files(struct fixture *f, const char *base, const char *head, json_t **ret, struct err *e)
{
	AUTO(fd_close) int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
	struct record_out out = {.fd = null};
	char *file = arena_printf(&f->a, "%s/difference.json", f->dir);
	AUTO(json_drop) json_t *job = json_pack("{s:[{s:s,s:s}],s:[{s:s,s:s}],s:s,s:n,s:s,s:s}", "base", "job", "all", "file",
	    base, "head", "job", "all", "file", head, "out", file, "graph_dir", "store_dir", FX_STORE, "real_store_dir", f->store);

	assert_non_null(job);
	if (graph_stage_diff(job, &out, e) != 0)
		return -1;
	return json_read_file(file, 1 << 30, ret, e);
}

static json_t *
diff(struct fixture *f, struct fx_evaluation *base, struct fx_evaluation *head)
{
	struct err e = {0};
	json_t *d = NULL;
	const char *b = fx_evaluation_end(f, base, "base.zst"), *h = fx_evaluation_end(f, head, "head.zst");

	if (diff_files(f, b, h, &d, &e) != 0)
		fail_msg("%s", e.msg);
	return d;
}

/* The entry of a one-element path, or of a path given as JSON text. */
static const json_t *
entry(const json_t *d, const char *path)
{
	struct arena a = {0};
	const json_t *list = json_object_get(d, "attributes"), *v, *found = NULL;
	size_t i;

	json_array_foreach(list, i, v) {
		const char *text = json_line(&a, json_object_get(v, "path"));
		if (strcmp(text, path) == 0 || strcmp(text, arena_printf(&a, "[\"%s\"]", path)) == 0)
			found = v;
	}
	arena_release(&a);
	return found;
}

static const char *
class_of(const json_t *d, const char *path)
{
	const json_t *v = entry(d, path);

	return v != NULL ? json_str(v, "class", "?") : "unchanged";
}

static int64_t
count(const json_t *d, const char *what)
{
	return json_int(json_at(d, "counts.total"), what, -1);
}

static struct fx_drv *
make(struct fixture *f, const char *name, const char *version, const struct fx_drv *a, const struct fx_drv *b)
{
	struct fx_drv *d = arena_alloc(&f->a, sizeof(*d));
	struct fx_env *env = arena_alloc(&f->a, 2 * sizeof(*env));

	env[0] = (struct fx_env){"version", version};
	*d = (struct fx_drv){.name = arena_printf(&f->a, "%s-%s", name, version), .env = env, .inputs = {a, b}};
	return fx_make(f, d);
}

static void
test_every_class(void **state)
{
	struct fixture f;
	struct fx_evaluation b, h;
	(void)state;

	fixture_begin(&f);
	struct fx_drv *lib1 = make(&f, "lib", "1", NULL, NULL), *lib2 = make(&f, "lib", "2", NULL, NULL);
	struct fx_drv *app1 = make(&f, "app", "1", lib1, NULL), *app2 = make(&f, "app", "1", lib2, NULL);
	struct fx_drv *old = make(&f, "old", "1", NULL, NULL), *new = make(&f, "new", "1", app2, NULL);
	struct fx_drv *same = make(&f, "same", "1", NULL, NULL);
	struct fx_drv *fetch1 = fx_make(&f, &(struct fx_drv){.name = "src", .fixed = "bytes", .inputs = {lib1}});
	struct fx_drv *fetch2 = fx_make(&f, &(struct fx_drv){.name = "src", .fixed = "bytes", .inputs = {lib2}});
	struct fx_drv *pkg1 = make(&f, "pkg", "1", fetch1, NULL), *pkg2 = make(&f, "pkg", "1", fetch2, NULL);
	assert_string_equal(pkg1->out, pkg2->out);
	assert_string_not_equal(pkg1->drv, pkg2->drv);
	fx_evaluation_begin(&b);
	fx_row(&b, "[\"app\"]", app1, NULL);
	fx_error(&b, "[\"bad\"]", "it throws");
	fx_error(&b, "[\"heals\"]", "it throws");
	fx_row(&b, "[\"lib\"]", lib1, NULL);
	fx_row(&b, "[\"old\"]", old, NULL);
	fx_row(&b, "[\"pkg\"]", pkg1, NULL);
	fx_row(&b, "[\"same\"]", same, NULL);
	fx_row(&b, "[\"sickens\"]", same, NULL);
	fx_evaluation_begin(&h);
	fx_row(&h, "[\"app\"]", app2, NULL);
	fx_error(&h, "[\"bad\"]", "it throws, elsewhere");
	fx_row(&h, "[\"heals\"]", same, NULL);
	fx_row(&h, "[\"lib\"]", lib2, NULL);
	fx_row(&h, "[\"new\"]", new, NULL);
	fx_row(&h, "[\"pkg\"]", pkg2, NULL);
	fx_row(&h, "[\"same\"]", same, NULL);
	fx_error(&h, "[\"sickens\"]", "oh");
	json_t *d = diff(&f, &b, &h);
	assert_string_equal(class_of(d, "app"), "rebuild");
	assert_string_equal(class_of(d, "lib"), "rebuild");
	assert_string_equal(class_of(d, "bad"), "still_failing");
	assert_string_equal(class_of(d, "heals"), "fixed");
	assert_string_equal(class_of(d, "sickens"), "newly_failing");
	assert_string_equal(class_of(d, "old"), "removed");
	assert_string_equal(class_of(d, "new"), "added");
	assert_string_equal(class_of(d, "pkg"), "derivation_only");
	assert_null(entry(d, "same"));
	assert_int_equal(count(d, "rebuild"), 2);
	assert_int_equal(count(d, "unchanged"), 1);
	assert_int_equal(count(d, "rebuild_derivations"), 3); /* lib, app, new */
	assert_int_equal(count(d, "changed_drv_paths"), 5);   /* and the fetcher and pkg */
	assert_int_equal(json_int(json_object_get(entry(d, "lib"), "radius"), "derivations", -1), 2);
	assert_int_equal(json_int(json_object_get(entry(d, "lib"), "radius"), "attributes", -1), 2);
	assert_int_equal(json_int(json_object_get(entry(d, "new"), "radius"), "derivations", -1), 0);
	json_decref(d);
	fixture_end(&f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_every_class),
	};

	return cmocka_run_group_tests_name("graph_diff", tests, NULL, NULL);
}
