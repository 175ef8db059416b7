/* What is open, in numbers; or one build: its state, what it waits for, what comes before it. */
#include "cli/status.h"

#include "config/config.h"
#include "queue/capacity.h"
#include "queue/replica.h"
#include "queue/why.h"
#include "store/desired.h"
#include "store/overview.h"
#include "support/base/clock.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static int
fill(struct store *s, struct arena *a, const struct settings *c, struct queue **ret, struct err *e)
{
	const struct machine *machines;
	size_t n;
	struct queue *q;

	if (capacity_machines(a, c, &machines, &n, e) != 0)
		return -1;
	q = queue_new(clock_now_ms());
	queue_machines(q, machines, n);
	if (replica_load(q, s, clock_now_ms(), e) != 0) {
		queue_free(q);
		return -1;
	}
	*ret = q;
	return 0;
}

static void
print_end(const struct view_build *b)
{
	printf("%s: %s", b->drv, b->state);
	if (b->wall_ms > 0)
		printf(" after %" PRId64 " s", (b->wall_ms + 999) / 1000);
	if (b->propagated_from != NULL)
		printf(", because of %s", b->propagated_from);
	printf("%s%s\n", b->reason != NULL ? ": " : "", b->reason != NULL ? b->reason : "");
}

static int
why(struct store *s, struct arena *a, const struct settings *c, const char *drv, struct err *e)
{
	AUTO(buf_release) struct buf out = {0};
	struct view_build b;
	struct queue *q = NULL;

	if (view_build(s, a, drv, &b, e) != 0)
		return e->kind == ERR_ABSENT ? 1 : -1;
	if (!build_state_is_open(build_state_of(b.state))) {
		print_end(&b);
		return 0;
	}
	if (fill(s, a, c, &q, e) != 0)
		return -1;
	buf_init(&out, 64 * 1024);
	queue_explain(q, b.id, clock_now_ms(), &out);
	printf("%s (%s): %s\n%s", b.drv, b.system, b.state, out.p);
	queue_free(q);
	return 0;
}

static int
numbers(struct store *s, struct arena *a, const struct settings *c, struct err *e)
{
	struct queue *q;

	if (fill(s, a, c, &q, e) != 0)
		return -1;
	struct queue_figures f = queue_figures(q);
	printf("%zu builds open: %zu being built, %zu may start, %zu wait for their time or their inputs\n", f.open, f.building,
	    f.ready, f.open - f.building - f.ready);
	queue_free(q);
	return 0;
}

/* What the forge refuses, and why. */
static int
parked(struct store *s, struct arena *a, struct err *e)
{
	enum { SHOWN = 20 };
	struct desired_figures f;
	struct desired_parked *all;
	size_t n;

	if (store_desired_figures(s, &f, e) != 0 || store_desired_list_parked(s, a, SHOWN, &all, &n, e) != 0)
		return -1;
	if (f.parked == 0)
		return 0;
	printf("%" PRId64
	       " %s parked, because the forge refuses %s; tried again when it is given a permission, and every hour:\n",
	    f.parked, f.parked == 1 ? "thing is" : "things are", f.parked == 1 ? "it" : "them");
	for (size_t i = 0; i < n; i++)
		printf("  %s/%s %s, since %" PRId64 " min: %s\n", all[i].owner, all[i].repo, all[i].key,
		    (clock_now_ms() - all[i].since_ms) / 60000, all[i].error != NULL ? all[i].error : "");
	return 0;
}

static int
look(struct arena *a, const char *file, const char *drv, struct err *e)
{
	struct settings c;
	struct store *s;

	if (config_load(a, file, &c, e) != 0)
		return -1;
	int rc = store_open_to_look(arena_printf(a, "%s/ekaci.db", c.state.dir), &s, e);
	if (rc == 0) {
		rc = drv != NULL ? why(s, a, &c, drv, e) : numbers(s, a, &c, e);
		if (rc == 0 && drv == NULL)
			rc = parked(s, a, e);
		store_close(s);
	}
	return rc;
}

int
status_main(int argc, char **argv)
{
	const char *file = "ekaci.toml", *drv = NULL;
	struct arena a = {0};
	struct err e = {0};

	for (int i = 1; i < argc; i += 2) {
		bool config = strcmp(argv[i], "--config") == 0;
		if (i + 1 >= argc || (!config && strcmp(argv[i], "--why") != 0)) {
			bool known = config || strcmp(argv[i], "--why") == 0;
			fprintf(stderr, known ? "ekaci status: %s wants a value\n" : "ekaci status: there is no option %s\n",
			    argv[i]);
			fputs("see ekaci status --help\n", stderr);
			return 2;
		}
		if (config)
			file = argv[i + 1];
		else if (argv[i + 1][0] == '/')
			drv = argv[i + 1];
		else
			drv = arena_printf(&a, "/nix/store/%s", argv[i + 1]);
	}
	int rc = look(&a, file, drv, &e);
	if (rc != 0)
		fprintf(stderr, "ekaci: %s\n", e.msg);
	arena_release(&a);
	return rc < 0 ? 2 : rc;
}
