/*
 * The whole difference file of a small change, to the byte: fixtures/evaluations/difference.json.
 * With EKACI_REGEN set the file is written anew; look at what git shows then.
 */
#include "graph/graph.h"
#include "graph_fixture.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define GOLDEN "fixtures/evaluations/difference.json"

static struct fx_drv *
make(struct fixture *f, const char *name, const char *version, const struct fx_drv *a, const struct fx_drv *b,
    const char *system)
{
	struct fx_drv *d = arena_alloc(&f->a, sizeof(*d));
	struct fx_env *env = arena_alloc(&f->a, 3 * sizeof(*env));

	env[0] = (struct fx_env){"CFLAGS", strcmp(name, "flags") == 0 ? version : "-O2"};
	env[1] = (struct fx_env){"version", version};
	*d = (struct fx_drv){.name = arena_printf(&f->a, "%s-%s", name, version),
	    .env = env,
	    .inputs = {a, b},
	    .system = system};
	return fx_make(f, d);
}

/* libssh 1 -> 2 with a new source; curl, git and a whole set follow; on two systems. */
static void
side(struct fixture *f, struct fx_evaluation *v, const char *version, bool head)
{
	const char *arm = "aarch64-linux";
	struct fx_drv *fetcher = make(f, "fetcher", version, NULL, NULL, NULL);
	struct fx_drv *src = fx_make(f, arena_dup(&f->a,
	                                    &(struct fx_drv){.name = arena_printf(&f->a, "libssh-%s.tar.gz", version),
	                                        .fixed = version,
	                                        .inputs = {fetcher}},
	                                    sizeof(*src)));
	struct fx_drv *data =
	    fx_make(f, arena_dup(&f->a, &(struct fx_drv){.name = "data", .fixed = "data", .inputs = {fetcher}}, sizeof(*data)));
	struct fx_drv *zlib = make(f, "zlib", "1.3", NULL, NULL, NULL);
	struct fx_drv *libssh = make(f, "libssh", version, src, zlib, NULL);
	struct fx_drv *libssh_arm = make(f, "libssh", version, src, NULL, arm);
	struct fx_drv *wrapper = make(f, "wrapper", "0", libssh, NULL, NULL);
	struct fx_drv *curl = make(f, "curl", "8.1", wrapper, zlib, NULL),
	              *curl_arm = make(f, "curl", "8.1", libssh_arm, NULL, arm);
	struct fx_drv *git = make(f, "git", "2.50", curl, head ? zlib : NULL, NULL);
	struct fx_drv *docs = make(f, "docs", "1", data, NULL, NULL);
	const char *meta = head ? "{\"description\":\"<b>\\u0041 | `x` @all\",\"version\":\"8.1\"}" : "{\"version\":\"8.1\"}";

	fx_evaluation_begin(v);
	fx_row(v, "[\"curl\"]", curl_arm, NULL);
	fx_row(v, "[\"curl\"]", curl, meta);
	fx_row(v, "[\"docs\"]", docs, NULL);
	if (head)
		fx_error(v, "[\"fails\"]", "error: attribute \\u001b[31m'x'\\u001b[0m missing\\nat line 3");
	else
		fx_row(v, "[\"fails\"]", zlib, NULL);
	fx_row(v, "[\"git\"]", git, NULL);
	fx_row(v, head ? "[\"new-docs\"]" : "[\"old-docs\"]", zlib, NULL);
	if (head) {
		fx_row(v, "[\"set\",\"a.b\"]", git, NULL);
		fx_row(v, "[\"set\",\"zlib\"]", zlib, NULL);
	} else
		fx_error(v, "[\"set\"]", "error: infinite recursion");
	fx_row(v, "[\"ssh\",\"lib\"]", libssh, NULL);
	fx_error(v, "[\"still\"]", "error: it throws");
	fx_row(v, "[\"zz-ssh\"]", libssh, NULL);
}

static void
test_golden(void **state)
{
	struct fixture f;
	struct fx_evaluation b, h;
	struct str got, want;
	struct err e = {0};
	AUTO(fd_close) int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
	struct record_out out = {.fd = null};
	(void)state;

	fixture_begin(&f);
	side(&f, &b, "1.0", false);
	side(&f, &h, "2.0", true);
	const char *base = fx_evaluation_end(&f, &b, "b.zst"), *head = fx_evaluation_end(&f, &h, "h.zst");
	const char *file = arena_printf(&f.a, "%s/difference.json", f.dir);
	json_t *job = json_pack("{s:[{s:s,s:s}],s:[{s:s,s:s}],s:s,s:s,s:s,s:s}", "base", "job", "packages", "file", base,
	    "head", "job", "packages", "file", head, "out", file, "graph_dir", arena_printf(&f.a, "%s/graphs", f.dir),
	    "store_dir", FX_STORE, "real_store_dir", f.store);
	/* Twice: from the derivations and from the graph file. */
	for (int round = 0; round < 2; round++) {
		if (fx_stage_diff(job, &out, &e) != 0 || files_read(&f.a, file, 1 << 20, &got, &e) != 0)
			fail_msg("%s", e.msg);
		if (getenv("EKACI_REGEN") != NULL && files_write(GOLDEN, got, 0644, FILES_NO_SYNC, &e) != 0)
			fail_msg("%s", e.msg);
		if (files_read(&f.a, GOLDEN, 1 << 20, &want, &e) != 0)
			fail_msg("%s", e.msg);
		for (size_t i = 0; i < got.n || i < want.n; i++)
			if (i >= got.n || i >= want.n || got.p[i] != want.p[i])
				fail_msg("differs from %s at byte %zu: %.200s", GOLDEN, i,
				    i < got.n ? got.p + (i > 60 ? i - 60 : 0) : "(end)");
	}
	json_decref(job);
	fixture_end(&f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_golden),
	};

	return cmocka_run_group_tests_name("graph_golden", tests, NULL, NULL);
}
