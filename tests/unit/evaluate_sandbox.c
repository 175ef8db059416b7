/* The sandbox from inside: what a program in it can see and do. */
#include "evaluate/sandbox.h"

#include "support/os/child.h"
#include "support/os/files.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static char dir[64];

static int
make_dir(void **state)
{
	struct err e;
	char path[100];

	(void)state;
	snprintf(dir, sizeof(dir), "/tmp/ekaci-unit-XXXXXX");
	if (mkdtemp(dir) == NULL)
		return -1;
	setenv("EKACI_SECRET", "in the environment", 1);
	snprintf(path, sizeof(path), "%s/key.pem", dir);
	return files_write(path, STR("the private key\n"), 0644, FILES_NO_SYNC, &e);
}

static int
drop_dir(void **state)
{
	struct err e;

	(void)state;
	return files_remove_tree(dir, &e);
}

static int
keep(void *ctx, int fd, struct str bytes, struct err *e)
{
	(void)fd;
	(void)e;
	buf_str(ctx, bytes);
	return 0;
}

/* What a shell script prints inside, standard error with it. */
static char *
inside(struct arena *a, const char *script, const struct sandbox_bind *binds, size_t n_binds, bool nix)
{
	const char *argv[] = {"/bin/sh", "-c", arena_printf(a, "exec 2>&1; %s; exit 0", script), NULL};
	const char *env[] = {"GIVEN=value", NULL};
	struct sandbox s = {.work_dir = arena_printf(a, "%s/work", dir),
	    .binds = binds,
	    .n_binds = n_binds,
	    .env = env,
	    .dir = "/",
	    .nix = nix};
	AUTO(buf_release) struct buf out = {0};
	const char *const *command;
	struct err e;

	buf_init(&out, 1 << 20);
	if (sandbox_command(a, &s, argv, &command, &e) != 0)
		fail_msg("%s", e.msg);
	struct child c = {.argv = command,
	    .env_clear = true,
	    .env = sandbox_plain_env(a, NULL),
	    .wall_ms = 20000,
	    .on_bytes = keep,
	    .ctx = &out};
	struct child_result r;
	if (child_run(&c, &r, &e) != 0 || r.end != CHILD_EXITED || r.code != 0)
		fail_msg("the sandbox did not end well: %s", out.p);
	return arena_strn(a, out.p, out.n);
}

static void
nothing_of_ours_or_of_the_machine_is_visible(void **state)
{
	struct arena a = {0};
	char line[200];

	(void)state;
	char *key = arena_printf(&a, "cat %s/key.pem; ls %s", dir, dir);
	assert_null(strstr(inside(&a, key, NULL, 0, false), "private key"));
	char *env = inside(&a, "env; cat /proc/*/environ | tr '\\0' '\\n'", NULL, 0, false);
	assert_null(strstr(env, "EKACI_SECRET"));
	assert_non_null(strstr(env, "GIVEN=value"));
	assert_non_null(strstr(env, "HOME=" SANDBOX_HOME));
	char *passwd = inside(&a, "cat /etc/passwd; ls /etc", NULL, 0, true);
	assert_null(strstr(passwd, "nobody"));
	assert_null(strstr(passwd, "shadow"));
	assert_null(strstr(passwd, "ssh"));
	assert_string_equal(inside(&a, "ls /root /home /var/lib /opt /srv 2>/dev/null", NULL, 0, false), "");
	/* Processes: only those of this sandbox. */
	snprintf(line, sizeof(line), "cat /proc/[0-9]*/cmdline | tr '\\0' ' ' | grep -c [e]valuate_sandbox");
	assert_string_equal(inside(&a, line, NULL, 0, false), "0\n");
	arena_release(&a);
}

static void
there_is_no_network(void **state)
{
	struct arena a = {0};

	(void)state;
	char *net = inside(&a, "cat /proc/net/dev /proc/net/route", NULL, 0, false);
	assert_null(strstr(net, "eth"));
	assert_null(strstr(net, "ens"));
	assert_non_null(strstr(net, "lo:"));
	arena_release(&a);
}

static void
only_what_is_bound_for_writing_can_be_written(void **state)
{
	struct arena a = {0};
	char *tree = arena_printf(&a, "%s/tree", dir), *roots = arena_printf(&a, "%s/roots", dir);
	struct sandbox_bind binds[] = {{.from = tree, .to = "/build/source"}, {.from = roots, .writable = true}};
	struct err e;

	(void)state;
	assert_int_equal(files_mkdirs(tree, 0755, &e), 0);
	assert_int_equal(files_mkdirs(roots, 0755, &e), 0);
	static const char *const places[] = {"/build/source/x", "/usr/x", "/etc/x", "/x", "/bin/x", "/build/x",
	    "/etc/nix/nix.conf"};
	for (size_t i = 0; i < COUNT(places); i++) {
		char *script = arena_printf(&a, "echo bad > %s && echo written", places[i]);
		if (strstr(inside(&a, script, binds, 2, true), "written") != NULL)
			fail_msg("%s can be written", places[i]);
	}
	char *script = arena_printf(&a, "echo x > %s/good && echo x > /tmp/good && echo x > ~/good && echo written", roots);
	assert_non_null(strstr(inside(&a, script, binds, 2, true), "written"));
	assert_true(files_exist(arena_printf(&a, "%s/good", roots)));
	assert_false(files_exist("/tmp/good"));
	arena_release(&a);
}

/* For a user's own code: the machine is seen as it is, and not written. */
static void
the_whole_machine_can_be_shown(void **state)
{
	struct arena a = {0};
	char *tree = arena_printf(&a, "%s/whole", dir);
	struct sandbox_bind binds[] = {{.from = tree, .to = "/build/source"}};
	const char *argv[] = {"/bin/sh", "-c",
	    arena_printf(&a,
	        "exec 2>&1; cat %s/key.pem; ls -d /etc/passwd /var/tmp; env; pwd; "
	        "for d in /etc /var/tmp /usr /build/source /build /; do echo bad > $d/ekaci-written && echo written; done; "
	        "echo x > %s/whole-tmp; ls /proc/self/ns >/dev/null && echo proc; exit 0",
	        dir, dir),
	    NULL};
	const char *env[] = {"OF_THE_CALLER=yes", "PATH=/usr/bin:/bin", NULL};
	struct sandbox s = {.work_dir = arena_printf(&a, "%s/work", dir),
	    .binds = binds,
	    .n_binds = 1,
	    .dir = "/build/source",
	    .nix = true,
	    .whole = true};
	AUTO(buf_release) struct buf out = {0};
	const char *const *command;
	struct child_result r;
	struct err e;

	(void)state;
	buf_init(&out, 1 << 20);
	assert_int_equal(files_mkdirs(tree, 0755, &e), 0);
	assert_int_equal(sandbox_command(&a, &s, argv, &command, &e), 0);
	for (size_t i = 0; command[i] != NULL; i++)
		assert_null(strstr(command[i], "OF_THE_CALLER")); /* a variable can be a token */
	struct child c = {.argv = command, .env_clear = true, .env = env, .wall_ms = 20000, .on_bytes = keep, .ctx = &out};
	assert_int_equal(child_run(&c, &r, &e), 0);
	if (r.end != CHILD_EXITED || r.code != 0 || strstr(out.p, "written\n") != NULL)
		fail_msg("%s", out.p);
	static const char *const seen[] = {"the private key", "/etc/passwd\n", "/var/tmp\n", "OF_THE_CALLER=yes\n",
	    "\n/build/source\n", "\nproc\n"};
	for (size_t i = 0; i < COUNT(seen); i++)
		if (strstr(out.p, seen[i]) == NULL)
			fail_msg("no %s in: %s", seen[i], out.p);
	assert_true(files_exist(arena_printf(&a, "%s/whole-tmp", dir)));
	arena_release(&a);
}

static void
what_it_leaves_running_ends_with_it(void **state)
{
	struct arena a = {0};

	(void)state;
	/* A child of its own session that would write in a while; the sandbox's end is its end. */
	inside(&a, "setsid sh -c 'sleep 30; echo alive' >/dev/null 2>&1 & echo started", NULL, 0, false);
	AUTO(buf_release) struct buf out = {0};
	const char *argv[] = {"sh", "-c",
	    "cat /proc/[0-9]*/cmdline 2>/dev/null | tr '\\0' ' ' | grep -c '[s]leep 30; echo alive' || true", NULL};
	struct err e;
	buf_init(&out, 1000);
	assert_int_equal(child_output(argv, &out, &e), 0);
	assert_string_equal(out.p, "0\n");
	arena_release(&a);
}

static void
modes_are_words(void **state)
{
	enum sandbox_mode m;
	struct err e;

	(void)state;
	assert_int_equal(sandbox_mode_of("require", &m, &e), 0);
	assert_int_equal(m, SANDBOX_REQUIRE);
	assert_int_equal(sandbox_decide(m, &e), 1);
	assert_int_equal(sandbox_mode_of("off", &m, &e), 0);
	assert_int_equal(sandbox_decide(m, &e), 0);
	assert_int_equal(sandbox_mode_of("yes", &m, &e), -1);
	assert_int_equal(e.kind, ERR_INPUT);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(nothing_of_ours_or_of_the_machine_is_visible),
	    cmocka_unit_test(there_is_no_network),
	    cmocka_unit_test(only_what_is_bound_for_writing_can_be_written),
	    cmocka_unit_test(the_whole_machine_can_be_shown),
	    cmocka_unit_test(what_it_leaves_running_ends_with_it),
	    cmocka_unit_test(modes_are_words),
	};
	const char *why;

	if (!sandbox_works(&why)) {
		printf("1..0 # SKIP bubblewrap does not work here: %s\n", why);
		return 0;
	}
	return cmocka_run_group_tests(tests, make_dir, drop_dir);
}
