/* Control groups: the files of the hierarchy on a plain folder, and moving, killing and removing on a real one. */
#include "support/os/cgroup.h"

#include "support/os/child.h"
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

static char dir[64];
static struct arena arena;

static int
make_dir(void **state)
{
	(void)state;
	snprintf(dir, sizeof(dir), "/tmp/ekaci-unit-XXXXXX");
	return mkdtemp(dir) == NULL ? -1 : 0;
}

static int
drop_dir(void **state)
{
	struct err e;

	(void)state;
	arena_release(&arena);
	return files_remove_tree(dir, &e);
}

static char *
at(const char *path)
{
	return arena_printf(&arena, "%s/%s", dir, path);
}

static void
have(const char *path, const char *text)
{
	struct err e;
	char *file = at(path), *slash = strrchr(file, '/');

	*slash = '\0';
	assert_int_equal(files_mkdirs(file, 0755, &e), 0);
	*slash = '/';
	assert_int_equal(files_write(file, str_of(text), 0644, FILES_NO_SYNC, &e), 0);
}

static const char *
text_of(const char *path)
{
	struct str text;
	struct err e;

	return files_read(&arena, at(path), 10000, &text, &e) == 0 ? str_dup(&arena, text) : NULL;
}

/* A hierarchy as systemd leaves it to a service with Delegate=. */
static void
delegate(const char *controllers)
{
	have("cgroup.controllers", "cpu io memory pids\n");
	have("system.slice/ekaci.service/cgroup.controllers", controllers);
	have("system.slice/ekaci.service/cgroup.procs", arena_printf(&arena, "%d\n", (int)getpid()));
	have("system.slice/ekaci.service/cgroup.subtree_control", "");
	have("self", "0::/system.slice/ekaci.service\n");
}

static const char *
found(struct err *e)
{
	const char *group = NULL;

	return cgroup_find(&arena, dir, at("self"), &group, e) == 0 ? group : NULL;
}

static void
a_delegated_group_is_found_and_nothing_else(void **state)
{
	const char *expected = at("system.slice/ekaci.service");
	struct err e;

	(void)state;
	assert_null(found(&e));
	assert_non_null(strstr(e.msg, "no control groups of version 2"));
	delegate("memory pids\n");
	assert_string_equal(found(&e), expected);
	have("self", "9:name=systemd:/\n4:memory:/elsewhere\n0::/system.slice/ekaci.service\n");
	assert_string_equal(found(&e), expected);
	delegate("cpu memory\n");
	assert_null(found(&e));
	assert_non_null(strstr(e.msg, "memory and pids are not"));
	assert_int_equal(e.kind, ERR_ABSENT);
	delegate("memory pids\n");
	have("system.slice/ekaci.service/cgroup.procs", arena_printf(&arena, "1\n%d\n", (int)getpid()));
	assert_null(found(&e));
	assert_non_null(strstr(e.msg, "other processes"));
	have("self", "0::/../../host\n");
	assert_null(found(&e));
	have("self", "4:memory:/elsewhere\n");
	assert_null(found(&e));
}

static void
beside_version_one_it_is_found_too(void **state)
{
	struct err e;

	(void)state;
	have("unified/cgroup.controllers", "memory pids\n");
	have("unified/cgroup.procs", arena_printf(&arena, "%d", (int)getpid()));
	have("unified/cgroup.subtree_control", "");
	have("self", "4:memory:/elsewhere\n0::/\n");
	assert_string_equal(found(&e), at("unified"));
}

static void
somebody_elses_group_is_left_alone(void **state)
{
	struct err e;

	(void)state;
	if (geteuid() != 0)
		skip();
	delegate("memory pids\n");
	/* root may write anywhere, so it is asked as somebody who may not. */
	assert_int_equal(chmod(dir, 0755), 0);
	assert_int_equal(setresuid(65534, 65534, 0), 0);
	const char *group = found(&e);
	assert_int_equal(setresuid(0, 0, 0), 0);
	assert_null(group);
	assert_non_null(strstr(e.msg, "not ours to write"));
}

static void
taking_it_empties_it_and_hands_the_controllers_on(void **state)
{
	struct err e;

	(void)state;
	delegate("memory pids\n");
	assert_int_equal(cgroup_take(at("system.slice/ekaci.service"), &e), 0);
	assert_string_equal(text_of("system.slice/ekaci.service/bot/cgroup.procs"), "0");
	assert_string_equal(text_of("system.slice/ekaci.service/cgroup.subtree_control"), "+memory +pids");
	assert_int_equal(cgroup_take(at("system.slice/ekaci.service"), &e), 0); /* as after a crash */
}

static void
what_runs_is_limited_as_asked(void **state)
{
	struct cgroup_limits limits = {.memory_mb = 9000, .tasks = 320};
	char *eval = arena_printf(&arena, "eval-%d", (int)getpid());
	const char *group;
	struct err e;

	(void)state;
	assert_int_equal(cgroup_make(&arena, dir, &limits, &group, &e), 0);
	assert_string_equal(group, at(eval));
	assert_string_equal(text_of(arena_printf(&arena, "%s/memory.max", eval)), "9437184000");
	assert_string_equal(text_of(arena_printf(&arena, "%s/memory.swap.max", eval)), "0");
	assert_string_equal(text_of(arena_printf(&arena, "%s/memory.oom.group", eval)), "1");
	assert_string_equal(text_of(arena_printf(&arena, "%s/pids.max", eval)), "320");

	const char *argv[] = {"true", NULL};
	struct child c = {.argv = argv, .cgroup = group};
	struct child_result end;
	assert_int_equal(child_run(&c, &end, &e), 0);
	assert_int_equal(end.code, 0);
	assert_string_equal(text_of(arena_printf(&arena, "%s/cgroup.procs", eval)), "0");
	c.cgroup = at("none");
	assert_int_equal(child_run(&c, &end, &e), -1); /* rather not at all than without limits */

	assert_false(cgroup_hits(group).memory || cgroup_hits(group).tasks);
	have(arena_printf(&arena, "%s/memory.events", eval), "low 0\nhigh 0\nmax 7\noom 1\noom_kill 0\noom_group_kill 1\n");
	have(arena_printf(&arena, "%s/pids.events", eval), "max 2\n");
	assert_false(cgroup_hits(group).memory);
	assert_true(cgroup_hits(group).tasks);
	have(arena_printf(&arena, "%s/memory.events", eval), "low 0\noom_kill 3\n");
	assert_true(cgroup_hits(group).memory);
}

static void
what_a_worker_left_is_swept(void **state)
{
	(void)state;
	have("eval-1/x", "");         /* init lives */
	have("eval-999999999/x", ""); /* above any kernel's largest number */
	have("bot/x", "");
	have("eval-me/x", "");
	cgroup_sweep(dir);
	assert_string_equal(text_of("eval-999999999/cgroup.kill"), "1");
	assert_null(text_of("eval-1/cgroup.kill"));
	assert_null(text_of("bot/cgroup.kill"));
	assert_null(text_of("eval-me/cgroup.kill"));
}

/* A group of our own in the machine's hierarchy, whatever controllers it has; NULL where none can be made. */
static const char *
real_group(void)
{
	static const char *const roots[] = {"/sys/fs/cgroup", "/sys/fs/cgroup/unified"};
	struct str line, text;
	struct err e;

	if (files_read(&arena, CGROUP_SELF, 65536, &text, &e) != 0)
		return NULL;
	while (text.p != NULL) {
		line = str_cut(str_trim(text), '\n', &text);
		for (size_t i = 0; i < COUNT(roots) && str_starts(line, STR("0::/")); i++) {
			char *path = arena_printf(&arena, "%s" STR_FMT "/ekaci-test-%d", roots[i], STR_ARG(str_from(line, 3)),
			    (int)getpid());
			if (files_exist(arena_printf(&arena, "%s/cgroup.controllers", roots[i])) &&
			    files_mkdirs(path, 0755, &e) == 0)
				return path;
		}
	}
	return NULL;
}

struct seen {
	char text[600];
	const char *group;
};

static int
remember(void *ctx, int fd, struct str line, struct err *e)
{
	struct seen *seen = ctx;

	(void)fd;
	if (str_starts(line, STR("0::")))
		snprintf(seen->text, sizeof(seen->text), STR_FMT, STR_ARG(line));
	/* Said when everything runs: now it is ended from here, not by child.c. */
	return str_is(line, "running") ? cgroup_remove(seen->group, e) : 0;
}

static void
a_program_and_all_below_it_end_with_their_group(void **state)
{
	const char *argv[] = {"/bin/sh", "-c", "cat /proc/self/cgroup; (setsid sleep 1000 &) ; sleep 1000 & echo running; wait",
	    NULL};
	struct seen seen = {.group = real_group()};
	struct child c = {.argv = argv, .cgroup = seen.group, .on_line = remember, .ctx = &seen, .wall_ms = 10000};
	struct child_result end = {0};
	struct err e;

	(void)state;
	if (seen.group == NULL)
		skip();
	assert_int_equal(child_run(&c, &end, &e), 0);
	assert_non_null(strstr(seen.text, strrchr(seen.group, '/')));
	assert_int_equal(end.end, CHILD_SIGNALED);
	assert_int_equal(end.code, 9);
	assert_false(files_exist(seen.group));
}

static void
groups_made_inside_go_with_it(void **state)
{
	const char *group = real_group();
	struct err e;

	(void)state;
	if (group == NULL)
		skip();
	const char *script =
	    arena_printf(&arena, "mkdir -p %s/a/b && echo $$ >%s/a/b/cgroup.procs && echo running; sleep 1000", group, group);
	const char *argv[] = {"/bin/sh", "-c", script, NULL};
	struct seen seen = {.group = group};
	struct child c = {.argv = argv, .cgroup = group, .on_line = remember, .ctx = &seen, .wall_ms = 10000};
	struct child_result end = {0};
	assert_int_equal(child_run(&c, &end, &e), 0);
	assert_int_equal(end.end, CHILD_SIGNALED);
	assert_false(files_exist(group));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(a_delegated_group_is_found_and_nothing_else, make_dir, drop_dir),
	    cmocka_unit_test_setup_teardown(beside_version_one_it_is_found_too, make_dir, drop_dir),
	    cmocka_unit_test_setup_teardown(somebody_elses_group_is_left_alone, make_dir, drop_dir),
	    cmocka_unit_test_setup_teardown(taking_it_empties_it_and_hands_the_controllers_on, make_dir, drop_dir),
	    cmocka_unit_test_setup_teardown(what_runs_is_limited_as_asked, make_dir, drop_dir),
	    cmocka_unit_test_setup_teardown(what_a_worker_left_is_swept, make_dir, drop_dir),
	    cmocka_unit_test_setup_teardown(a_program_and_all_below_it_end_with_their_group, make_dir, drop_dir),
	    cmocka_unit_test_setup_teardown(groups_made_inside_go_with_it, make_dir, drop_dir),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
