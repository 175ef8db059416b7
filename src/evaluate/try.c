/* Whether this machine's evaluator evaluates, before a repository asks it to. */
#include "evaluate/evaluate.h"

#include "evaluate/execute.h"
#include "support/base/log.h"
#include "support/os/files.h"

#include <stdlib.h>

enum { WALL_MS = 60000, MEMORY_MB = 1024, PROCESSES = 256 };

/* One derivation: it is also written, so the store is in reach. */
static const char expression[] =
    "{ it = derivation { name = \"ekaci-check\"; system = \"x86_64-linux\"; builder = \"/bin/sh\"; }; }";

static int
try_in(struct arena *a, const char *dir, const char *setting, enum sandbox_mode mode, const char **ret, struct err *e)
{
	const struct job_def job = {.name = "check", .expr = expression};
	const struct texts none = {0};
	struct record_out nowhere = {.fd = -1, .broken = true};
	struct eval_rows rows = {0};
	struct evaluator ev;
	struct evaluating r = {.ev = &ev,
	    .job = {.job = &job,
	        .systems = &none,
	        .allowed_uris = &none,
	        .workers = 1,
	        .max_memory_mb = MEMORY_MB,
	        .max_rows = 10,
	        .max_depth = 10},
	    .checkout_dir = dir,
	    .max_processes = PROCESSES,
	    .wall_ms = WALL_MS,
	    .expected_rows = -1,
	    .out = &nowhere};

	if (evaluator_find(a, setting, dir, &ev, e) != 0)
		return -1;
	int decided = sandbox_decide(mode, e);
	if (decided < 0)
		return -1;
	r.sandbox = decided > 0;
	int rc = execute_evaluation(&r, &rows, e);
	if (rc == 0 && rows.incomplete)
		rc = fail(e, ERR_SYSTEM, "%s %s cannot evaluate%s: %s", ev.name, ev.version, r.sandbox ? " in the sandbox" : "",
		    rows.reason);
	else if (rc == 0 && (rows.all.n != 1 || rows.derivations != 1))
		rc = fail(e, ERR_SYSTEM, "%s %s does not find the one derivation there is: %.300s", ev.name, ev.version,
		    rows.all.n > 0 ? rows.all.p[0].line.p : "it printed nothing");
	if (rc == 0)
		*ret =
		    arena_printf(a, "%s %s%s%s", ev.name, ev.version, ev.built_in ? "" : ", ", ev.built_in ? "" : ev.program);
	eval_rows_release(&rows);
	return rc;
}

int
evaluate_try(struct arena *a, const char *setting, enum sandbox_mode mode, const char **ret, struct err *e)
{
	char dir[] = "/tmp/ekaci-check-XXXXXX";
	struct err late;

	if (mkdtemp(dir) == NULL)
		return fail_sys(e, "no temporary folder");
	int rc = try_in(a, dir, setting, mode, ret, e);
	if (files_remove_tree(dir, &late) != 0)
		log_err(LOG_WARN, "temporary folder", &late);
	return rc;
}
