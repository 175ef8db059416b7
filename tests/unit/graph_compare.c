/* What differs between two derivations by itself, and what only follows. */
#include "graph/compare.h"

#include "graph_fixture.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

struct pair {
	struct fixture f;
	struct fx_drv *zlib1, *zlib2, *ssl, *libressl; /* zlib changes, the others are the same on both sides */
};

static struct fx_drv *
simple(struct fixture *f, const char *name, const char *x)
{
	struct fx_drv *d = arena_alloc(&f->a, sizeof(*d));
	struct fx_env *env = arena_alloc(&f->a, 2 * sizeof(*env));

	env[0] = (struct fx_env){"x", x};
	*d = (struct fx_drv){.name = name, .env = env};
	return fx_make(f, d);
}

static void
begin(struct pair *p)
{
	fixture_begin(&p->f);
	p->zlib1 = simple(&p->f, "zlib-1.2", "a");
	p->zlib2 = simple(&p->f, "zlib-1.3", "b");
	p->ssl = simple(&p->f, "openssl-3.0", "a");
	p->libressl = simple(&p->f, "libressl-3.9", "a");
}

/* The differences joined by " | ", then "; N follow". */
static const char *
differences(struct fixture *f, const struct fx_drv *base, const struct fx_drv *head)
{
	struct closure g;
	struct comparison c = {0};
	struct err e = {0};
	uint32_t b, h;
	struct buf out;
	AUTO(fd_close) int dir = open(f->store, O_PATH | O_DIRECTORY | O_CLOEXEC);

	closure_init(&g, FX_STORE, f->store);
	if (closure_root(&g, str_of(base->drv), &b, &e) != 0 || closure_root(&g, str_of(head->drv), &h, &e) != 0 ||
	    closure_load(&g, &e) != 0 || compare_nodes(&f->a, &g, dir, b, h, NULL, &c, &e) != 0)
		fail_msg("%s", e.msg);
	buf_init(&out, 1 << 20);
	for (size_t i = 0; i < c.n_items; i++) {
		if (i != 0)
			buf_puts(&out, " | ");
		buf_str(&out, c.items[i].what);
	}
	buf_printf(&out, "; %zu follow", c.n_pairs);
	const char *text = arena_strdup(&f->a, out.p);
	buf_release(&out);
	closure_release(&g);
	return text;
}

/* One derivation of a test, with one or two variables. */
static struct fx_drv *
drv(struct fixture *f, const char *name, const char *var1, const char *value1, const char *var2, const char *value2,
    const struct fx_drv *in1, const struct fx_drv *in2)
{
	struct fx_drv *d = arena_alloc(&f->a, sizeof(*d));
	struct fx_env *env = arena_alloc(&f->a, 3 * sizeof(*env));

	env[0] = (struct fx_env){var1, value1};
	env[1] = (struct fx_env){var2, value2};
	*d = (struct fx_drv){.name = name, .env = env, .inputs = {in1, in2}};
	return fx_make(f, d);
}

static const char *
words(struct fixture *f, const char *a, const char *b)
{
	return arena_printf(&f->a, "%s/include %s/lib", a, b);
}

static void
test_follower(void **state)
{
	struct pair p;
	struct fixture *f = &p.f;
	(void)state;

	begin(&p);
	struct fx_drv *b = drv(f, "app-1", "CFLAGS", words(f, p.zlib1->out, p.ssl->out), NULL, NULL, p.zlib1, p.ssl);
	struct fx_drv *h = drv(f, "app-1", "CFLAGS", words(f, p.zlib2->out, p.ssl->out), NULL, NULL, p.zlib2, p.ssl);
	assert_string_equal(differences(f, b, h), "; 1 follow");
	fixture_end(f);
}

static void
test_order_is_a_difference(void **state)
{
	struct pair p;
	struct fixture *f = &p.f;
	(void)state;

	begin(&p);
	struct fx_drv *b = drv(f, "app-1", "deps", words(f, p.zlib1->out, p.ssl->out), NULL, NULL, p.zlib1, p.ssl);
	struct fx_drv *h = drv(f, "app-1", "deps", words(f, p.ssl->out, p.zlib2->out), NULL, NULL, p.zlib2, p.ssl);
	assert_string_equal(differences(f, b, h), "env deps; 1 follow");
	fixture_end(f);
}

static void
test_version_and_source(void **state)
{
	struct pair p;
	struct fixture *f = &p.f;
	(void)state;

	begin(&p);
	struct fx_drv *src1 = fx_make(f, &(struct fx_drv){.name = "app-1.tar.gz", .fixed = "one", .inputs = {p.zlib1}});
	struct fx_drv *src2 = fx_make(f, &(struct fx_drv){.name = "app-2.tar.gz", .fixed = "two", .inputs = {p.zlib2}});
	struct fx_drv *mirror = fx_make(f, &(struct fx_drv){.name = "app-1.tar.gz", .fixed = "one", .inputs = {p.zlib2}});
	struct fx_drv *b = drv(f, "app-1", "src", src1->out, "version", "1", src1, NULL);
	struct fx_drv *h = drv(f, "app-2", "src", src2->out, "version", "2", src2, NULL);
	struct fx_drv *same = drv(f, "app-1", "src", mirror->out, "version", "1", mirror, NULL);
	/* The fixture's own variable input0 names the source as well. */
	assert_string_equal(differences(f, b, h), "version 1 -> 2 | src | env input0; 1 follow");
	/* Fetched otherwise, the same bytes: nothing differs by itself. */
	assert_string_equal(differences(f, b, same), "; 1 follow");
	fixture_end(f);
}

static void
test_inputs_added_and_gone(void **state)
{
	struct pair p;
	struct fixture *f = &p.f;
	(void)state;

	begin(&p);
	struct fx_drv *b = drv(f, "app-1", "deps", p.zlib1->out, NULL, NULL, p.zlib1, NULL);
	struct fx_drv *h =
	    drv(f, "app-1", "deps", arena_printf(&f->a, "%s %s", p.zlib2->out, p.ssl->out), NULL, NULL, p.zlib2, p.ssl);
	assert_string_equal(differences(f, b, h), "input added: openssl-3.0; 1 follow");
	assert_string_equal(differences(f, h, b), "input gone: openssl-3.0; 1 follow");
	struct fx_drv *other = drv(f, "app-1", "deps", arena_printf(&f->a, "%s %s", p.zlib2->out, p.libressl->out), NULL, NULL,
	    p.zlib2, p.libressl);
	assert_string_equal(differences(f, h, other), "input added: libressl-3.9 | input gone: openssl-3.0; 0 follow");
	fixture_end(f);
}

static void
test_equal_names_are_paired_by_their_place(void **state)
{
	struct pair p;
	struct fixture *f = &p.f;
	(void)state;

	begin(&p);
	/* Two inputs called "hook" that both change: each variable says which is which. */
	struct fx_drv *a1 = simple(f, "hook", "a1"), *a2 = simple(f, "hook", "a2"), *c1 = simple(f, "hook", "c1"),
	              *c2 = simple(f, "hook", "c2");
	struct fx_drv *b = drv(f, "app-1", "first", a1->out, "second", c1->out, a1, c1);
	struct fx_drv *h = drv(f, "app-1", "first", a2->out, "second", c2->out, a2, c2);
	assert_string_equal(differences(f, b, h), "; 2 follow");
	fixture_end(f);
}

static void
test_builder_sources_and_system(void **state)
{
	struct pair p;
	struct fixture *f = &p.f;
	static const char *const one = FX_STORE "/11111111111111111111111111111111-builder.sh";
	static const char *const two = FX_STORE "/22222222222222222222222222222222-builder.sh";
	(void)state;

	begin(&p);
	struct fx_drv *b = fx_make(f, &(struct fx_drv){.name = "app-1", .builder = one, .source = one});
	struct fx_drv *h = fx_make(f, &(struct fx_drv){.name = "app-1", .builder = two, .source = two});
	assert_string_equal(differences(f, b, h), "builder; 0 follow");
	struct fx_drv *quiet1 = fx_make(f, &(struct fx_drv){.name = "app-1", .source = one});
	struct fx_drv *quiet2 = fx_make(f, &(struct fx_drv){.name = "app-1", .source = two});
	assert_string_equal(differences(f, quiet1, quiet2), "sources; 0 follow");
	struct fx_drv *arm =
	    fx_make(f, &(struct fx_drv){.name = "app-1", .builder = one, .source = one, .system = "aarch64-linux"});
	assert_string_equal(differences(f, b, arm), "system x86_64-linux -> aarch64-linux; 0 follow");
	fixture_end(f);
}

static void
test_structured_attributes(void **state)
{
	struct pair p;
	struct fixture *f = &p.f;
	(void)state;

	begin(&p);
	const char *base =
	    arena_printf(&f->a, "{\"deps\":[\"%s\"],\"flags\":[\"-O2\"],\"version\":\"1\",\"gone\":1}", p.zlib1->out);
	const char *head =
	    arena_printf(&f->a, "{\"deps\":[\"%s\",\"%s\"],\"flags\":[\"-O3\"],\"version\":\"2\"}", p.zlib2->out, p.ssl->out);
	struct fx_drv *b = drv(f, "app-1", "__json", base, NULL, NULL, p.zlib1, NULL);
	struct fx_drv *h = drv(f, "app-2", "__json", head, NULL, NULL, p.zlib2, p.ssl);
	assert_string_equal(differences(f, b, h), "version 1 -> 2 | input added: openssl-3.0 | env flags | env gone; 1 follow");
	fixture_end(f);
}

static void
test_unknown_paths_are_masked(void **state)
{
	struct pair p;
	struct fixture *f = &p.f;
	(void)state;

	begin(&p);
	/* A path without context, and the placeholder of an output that is not known yet. */
	struct fx_drv *b = drv(f, "app-1", "note", FX_STORE "/11111111111111111111111111111111-doc", "later",
	    "/1111111111111111111111111111111111111111111111111111/bin", NULL, NULL);
	struct fx_drv *h = drv(f, "app-1", "note", FX_STORE "/22222222222222222222222222222222-doc", "later",
	    "/2222222222222222222222222222222222222222222222222222/bin", NULL, NULL);
	struct fx_drv *named = drv(f, "app-1", "note", FX_STORE "/22222222222222222222222222222222-other", "later",
	    "/2222222222222222222222222222222222222222222222222222/lib", NULL, NULL);
	assert_string_equal(differences(f, b, h), "; 0 follow");
	assert_string_equal(differences(f, b, named), "env later | env note; 0 follow");
	fixture_end(f);
}

static void
test_outputs(void **state)
{
	struct pair p;
	struct fixture *f = &p.f;
	(void)state;

	begin(&p);
	struct fx_drv *b = fx_make(f, &(struct fx_drv){.name = "app-1"}),
	              *h = fx_make(f, &(struct fx_drv){.name = "app-1", .dev = true});
	assert_string_equal(differences(f, b, h), "outputs; 0 follow");
	/* Another output of the same, changed input. */
	struct fx_drv *lib1 = fx_make(f, &(struct fx_drv){.name = "lib-1", .dev = true});
	struct fx_drv *lib2 = fx_make(f, &(struct fx_drv){.name = "lib-2", .dev = true});
	struct fx_drv *out = drv(f, "app-1", "deps", lib1->out, NULL, NULL, lib1, NULL);
	struct fx_drv *dev = drv(f, "app-1", "deps", lib2->out_dev, NULL, NULL, lib2, NULL);
	assert_string_equal(differences(f, out, dev), "env deps; 1 follow");
	fixture_end(f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_follower),
	    cmocka_unit_test(test_order_is_a_difference),
	    cmocka_unit_test(test_version_and_source),
	    cmocka_unit_test(test_inputs_added_and_gone),
	    cmocka_unit_test(test_equal_names_are_paired_by_their_place),
	    cmocka_unit_test(test_builder_sources_and_system),
	    cmocka_unit_test(test_structured_attributes),
	    cmocka_unit_test(test_unknown_paths_are_masked),
	    cmocka_unit_test(test_outputs),
	};

	return cmocka_run_group_tests_name("graph_compare", tests, NULL, NULL);
}
