/* One root for many derivations. */
#include "nix/roots.h"

#include "nix/path.h"
#include "support/base/clock.h"
#include "support/os/child.h"
#include "support/os/files.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { ROOTS_MAX_BYTES = 256 * 1024 * 1024 };

int
roots_link(struct str drv, const char *dir, struct err *e)
{
	struct arena a = {0};
	char *target = str_dup(&a, drv);
	char *link_path = arena_printf(&a, "%s/%s", dir, nix_path_base(target));
	int rc = 0;

	if (symlink(target, link_path) != 0 && errno != EEXIST)
		rc = fail_sys(e, "%s", link_path);
	arena_release(&a);
	return rc;
}

int
roots_keep(const struct str *drvs, size_t n, const char *dir, const char *name, struct err *e)
{
	AUTO(buf_release) struct buf expr = {0}, out = {0};
	struct arena a = {0};

	if (n == 0)
		return 0;
	buf_init(&expr, ROOTS_MAX_BYTES);
	buf_init(&out, 64 * 1024);
	buf_puts(&expr, "derivation { name = \"ekaci-roots\"; system = \"none\"; builder = \"none\"; drvs = map (d: "
	                "builtins.appendContext d { ${d} = { path = true; }; }) [\n");
	for (size_t i = 0; i < n; i++)
		if (nix_path_is_drv(drvs[i]))
			buf_printf(&expr, "\"" STR_FMT "\"\n", STR_ARG(drvs[i]));
	buf_puts(&expr, "]; }\n");
	/* The expression does not fit an argument: it goes to standard input. */
	char *root = arena_printf(&a, "%s/%s", dir, name);
	const char *argv[] = {"nix-instantiate", "--add-root", root, "--indirect", "-", NULL};
	struct child c = {.argv = argv, .in = buf_get(&expr), .wall_ms = 600000};
	struct child_result r = {0};
	int rc = expr.over ? fail(e, ERR_LIMIT, "too many derivations for one root") : files_mkdirs(dir, 0755, e);
	if (rc == 0)
		rc = child_run(&c, &r, e);
	if (rc == 0 && (r.end != CHILD_EXITED || r.code != 0))
		rc = fail(e, r.end == CHILD_SIGNALED && r.code == SIGKILL ? ERR_BUSY : ERR_SYSTEM,
		    "nix-instantiate cannot make a root for %zu derivations (end %d, code %d)", n, (int)r.end, r.code);
	arena_release(&a);
	return rc;
}
