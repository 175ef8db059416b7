/* /metrics: what is counted, and what is looked up now. */
#include "web/metrics.h"

#include "records/run_state.h"
#include "support/base/release.h"
#include "support/text/metric.h"
#include "web/intake.h"
#include "worker/pool.h"

#include <stdio.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

/* Bytes of physical memory, 0 where the system does not say. */
static int64_t
resident_bytes(void)
{
	long long pages = 0;
	FILE *f = fopen("/proc/self/statm", "re");

	if (f != NULL) {
		if (fscanf(f, "%*s %lld", &pages) != 1)
			pages = 0;
		fclose(f);
	}
	return pages * sysconf(_SC_PAGESIZE);
}

static void
add_process(const struct page_sources *w, struct buf *b)
{
	metric_begin(b, METRIC_BUILD_INFO);
	metric_put(b, METRIC_BUILD_INFO, release_text(), NULL, 1);
	metric_one(b, METRIC_START, loop_figures(w->l).born_ms / 1000);
	metric_one(b, METRIC_MEMORY, resident_bytes());
}

static void
add_loop(const struct page_sources *w, struct buf *b)
{
	const struct loop_figures f = loop_figures(w->l);
	const struct workers_figures workers = workers_figures(w->l);

	metric_histogram(b, METRIC_LOOP_SECONDS, loop_limits, f.within, LOOP_LIMITS, f.callbacks, (double)f.busy_ns / 1e9);
	metric_one_seconds(b, METRIC_LOOP_LONGEST, f.longest_ns);
	metric_one(b, METRIC_WORKERS_STARTED, workers.started);
	metric_one(b, METRIC_WORKERS, workers.running);
}

static void
add_intake(const struct intake_figures *f, struct buf *b)
{
	const struct {
		const char *result;
		int64_t n;
	} all[] = {{"stored", f->stored}, {"repeated", f->repeated}, {"refused", f->refused}, {"failed", f->failed}};

	metric_begin(b, METRIC_DELIVERIES);
	for (size_t i = 0; i < COUNT(all); i++)
		metric_put(b, METRIC_DELIVERIES, all[i].result, NULL, all[i].n);
	metric_one(b, METRIC_DELIVERY_COMMITS, f->commits);
	metric_one(b, METRIC_DELIVERY_BATCH, f->largest_batch);
	metric_one_seconds(b, METRIC_DELIVERY_SECONDS, f->commit_ns);
	metric_one_seconds(b, METRIC_DELIVERY_LONGEST, f->commit_ns_max);
}

static void
add_http(const struct server *s, struct buf *b)
{
	size_t n;
	const struct server_count *counts = server_counts(s, &n);

	metric_one(b, METRIC_HTTP_CONNECTIONS, (int64_t)server_connections(s));
	metric_begin(b, METRIC_HTTP_REQUESTS);
	for (size_t i = 0; i < n; i++) {
		char status[16];
		snprintf(status, sizeof(status), "%u", counts[i].status);
		metric_put(b, METRIC_HTTP_REQUESTS, counts[i].route, status, counts[i].n);
	}
}

static int64_t
file_bytes(struct arena *a, const char *dir, const char *name)
{
	struct stat st;

	return stat(arena_printf(a, "%s/%s", dir, name), &st) == 0 ? (int64_t)st.st_size : 0;
}

static void
add_disks(struct page *p, struct buf *b)
{
	const struct {
		const char *of, *where;
	} disks[] = {{"state", p->w->state_dir}, {"store", p->w->store_dir}};

	metric_one(b, METRIC_DATABASE,
	    file_bytes(p->a, p->w->state_dir, "ekaci.db") + file_bytes(p->a, p->w->state_dir, "ekaci.db-wal"));
	for (int size = 0; size < 2; size++) {
		enum metric_id m = size ? METRIC_DISK_SIZE : METRIC_DISK_FREE;
		metric_begin(b, m);
		for (size_t i = 0; i < COUNT(disks); i++) {
			struct statvfs v = {0};
			if (statvfs(disks[i].where, &v) == 0)
				metric_put(b, m, disks[i].of, NULL, (int64_t)((size ? v.f_blocks : v.f_bavail) * v.f_frsize));
		}
	}
}

/* What the database holds, counted; what it does not hold any more is 0. */
static const struct {
	enum view_counted what;
	enum metric_id metric;
} counted[] = {
    {VIEW_LIVE_RUNS, METRIC_RUNS},
    {VIEW_OPEN_BUILDS, METRIC_BUILDS},
    {VIEW_NEW_DELIVERIES, METRIC_DELIVERIES_WAITING},
    {VIEW_OPEN_COMMANDS, METRIC_COMMANDS},
    {VIEW_OPEN_DESIRED, METRIC_DESIRED},
};

/* States, kinds and results that there may be are there from the start. */
static void
expect(void)
{
	static const struct {
		enum metric_id of;
		const char *label;
	} all[] = {{METRIC_DESIRED, "check"}, {METRIC_DESIRED, "comment"}, {METRIC_DESIRED, "labels"},
	    {METRIC_DESIRED, "reaction"}, {METRIC_DESIRED, "reply"}, {METRIC_COMMANDS, "rebuild"}, {METRIC_COMMANDS, "approve"},
	    {METRIC_COMMANDS, "cancel"}, {METRIC_SKIPPED, "docs-only"}, {METRIC_SKIPPED, "no-op"},
	    {METRIC_SKIPPED, "skip_paths"}, {METRIC_SKIPPED, "no_nix"}, {METRIC_SKIPPED, "unwanted"},
	    {METRIC_EVALUATIONS, "evaluated"}, {METRIC_EVALUATIONS, "stored"}, {METRIC_EVALUATIONS, "in_part"},
	    {METRIC_EVALUATIONS, "incomplete"}, {METRIC_TARGETS, "cached"}, {METRIC_TARGETS, "to_fetch"},
	    {METRIC_TARGETS, "to_build"}};

	for (size_t i = 0; i < COUNT(all); i++)
		metric_expect(all[i].of, all[i].label, NULL);
	for (int s = 0; s < RUN_STATES; s++)
		metric_expect(run_state_is_end((enum run_state)s) ? METRIC_RUNS_ENDED : METRIC_RUNS,
		    run_state_name((enum run_state)s), NULL);
}

static int
count_rows(struct page *p, struct err *e)
{
	expect();
	for (size_t i = 0; i < COUNT(counted); i++) {
		struct view_count *rows;
		size_t n;
		if (view_counts(p->w->s, p->a, counted[i].what, &rows, &n, e) != 0)
			return -1;
		metric_reset(counted[i].metric);
		for (size_t k = 0; k < n; k++)
			metric_set(counted[i].metric, rows[k].name, rows[k].more, rows[k].n);
	}
	return 0;
}

int
page_metrics(struct page *p, struct err *e)
{
	p->type = PROMETHEUS_TYPE;
	if (count_rows(p, e) != 0)
		return -1;
	add_process(p->w, &p->body);
	add_loop(p->w, &p->body);
	add_intake(intake_figures(p->w->intake), &p->body);
	metric_one(&p->body, METRIC_STORE_COMMITS, store_commits(p->w->s));
	add_disks(p, &p->body);
	add_http(p->w->server, &p->body);
	metric_write_counted(&p->body);
	if (p->w->figures != NULL)
		p->w->figures(p->w->hooks_ctx, &p->body);
	return 0;
}
