/* /metrics: Prometheus' text format. */
#include "web/metrics.h"

#include "support/text/prometheus.h"
#include "web/intake.h"
#include "worker/pool.h"

#include <stdio.h>
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
add_loop(const struct page_sources *w, struct buf *b)
{
	const struct loop_figures f = loop_figures(w->l);
	const struct workers_figures workers = workers_figures(w->l);
	const struct prometheus_labels whose = {{{"name", f.longest_name}}};
	static const char longest[] = "ekaci_loop_longest_callback_seconds";

	prometheus_one(b, "ekaci_loop_callbacks_total", PROMETHEUS_COUNTER, "Callbacks of the event loop.", f.callbacks);
	prometheus_one_seconds(b, "ekaci_loop_busy_seconds_total", PROMETHEUS_COUNTER, "Time spent in callbacks.", f.busy_ns);
	prometheus_begin(b, longest, PROMETHEUS_GAUGE, "The longest callback since the start, and whose it was.");
	prometheus_seconds(b, longest, &whose, f.longest_ns);
	prometheus_one(b, "ekaci_workers_started_total", PROMETHEUS_COUNTER, "Stages started as child processes.",
	    workers.started);
	prometheus_one(b, "ekaci_workers_running", PROMETHEUS_GAUGE, "Stages at work.", workers.running);
	prometheus_one(b, "process_resident_memory_bytes", PROMETHEUS_GAUGE, "Physical memory of the daemon.",
	    resident_bytes());
}

static void
add_deliveries(const struct intake_figures *f, struct buf *b)
{
	static const char name[] = "ekaci_deliveries_total";
	const struct {
		const char *result;
		int64_t n;
	} all[] = {{"stored", f->stored}, {"repeated", f->repeated}, {"refused", f->refused}, {"failed", f->failed}};

	prometheus_begin(b, name, PROMETHEUS_COUNTER, "Webhook deliveries by what they were answered.");
	for (size_t i = 0; i < COUNT(all); i++)
		prometheus_int(b, name, &(const struct prometheus_labels){{{"result", all[i].result}}}, all[i].n);
}

static void
add_intake(const struct intake_figures *f, struct buf *b)
{
	add_deliveries(f, b);
	prometheus_one(b, "ekaci_delivery_commits_total", PROMETHEUS_COUNTER, "Transactions that stored deliveries.",
	    f->commits);
	prometheus_one(b, "ekaci_delivery_batch_max", PROMETHEUS_GAUGE, "The most deliveries one transaction stored.",
	    f->largest_batch);
	prometheus_one_seconds(b, "ekaci_delivery_commit_seconds_total", PROMETHEUS_COUNTER, "Time spent storing deliveries.",
	    f->commit_ns);
	prometheus_one_seconds(b, "ekaci_delivery_commit_seconds_max", PROMETHEUS_GAUGE,
	    "The longest time storing deliveries took.", f->commit_ns_max);
}

static void
add_http(const struct server *s, struct buf *b)
{
	static const char name[] = "ekaci_http_requests_total";
	size_t n;
	const struct server_count *counts = server_counts(s, &n);

	prometheus_one(b, "ekaci_http_connections", PROMETHEUS_GAUGE, "Open connections.", (int64_t)server_connections(s));
	prometheus_begin(b, name, PROMETHEUS_COUNTER, "Requests by route and status.");
	for (size_t i = 0; i < n; i++) {
		char status[16];
		snprintf(status, sizeof(status), "%u", counts[i].status);
		const struct prometheus_labels of = {{{"route", counts[i].route}, {"status", status}}};
		prometheus_int(b, name, &of, counts[i].n);
	}
}

/* What the database holds, counted. */
static const struct {
	enum view_counted what;
	const char *name, *label, *more, *help;
} counted[] = {
    {VIEW_LIVE_RUNS, "ekaci_runs", "state", NULL, "Runs that have not ended, by state."},
    {VIEW_OPEN_BUILDS, "ekaci_builds", "state", "system", "Builds queued and at work, by system."},
    {VIEW_NEW_DELIVERIES, "ekaci_deliveries_waiting", "state", NULL, "Deliveries stored and not yet processed."},
    {VIEW_OPEN_COMMANDS, "ekaci_commands_waiting", "verb", NULL, "Commands that are not done yet, by verb."},
    {VIEW_OPEN_DESIRED, "ekaci_desired_open", "kind", NULL, "What should stand at GitHub and does not yet."},
};

static int
add_counted(struct page *p, struct err *e)
{
	for (size_t i = 0; i < COUNT(counted); i++) {
		struct view_count *rows;
		size_t n;
		if (view_counts(p->w->s, p->a, counted[i].what, &rows, &n, e) != 0)
			return -1;
		prometheus_begin(&p->body, counted[i].name, PROMETHEUS_GAUGE, counted[i].help);
		for (size_t k = 0; k < n; k++) {
			const struct prometheus_labels of = {{{counted[i].label, rows[k].name},
			    {counted[i].more, counted[i].more != NULL ? rows[k].more : NULL}}};
			prometheus_int(&p->body, counted[i].name, &of, rows[k].n);
		}
	}
	return 0;
}

int
page_metrics(struct page *p, struct err *e)
{
	p->type = PROMETHEUS_TYPE;
	add_loop(p->w, &p->body);
	add_intake(intake_figures(p->w->intake), &p->body);
	prometheus_one(&p->body, "ekaci_store_commits_total", PROMETHEUS_COUNTER, "Transactions of the database.",
	    store_commits(p->w->s));
	add_http(p->w->server, &p->body);
	if (add_counted(p, e) != 0)
		return -1;
	if (p->w->figures != NULL)
		p->w->figures(p->w->hooks_ctx, &p->body);
	return 0;
}
