/* /metrics: Prometheus' text format. */
#include "web/page.h"

#include "store/overview.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* A label's value: backslash, quote and newline are escaped. */
static void
add_label(struct buf *b, const char *value)
{
	for (; *value != '\0'; value++) {
		if (*value == '\\' || *value == '"')
			buf_putc(b, '\\');
		if (*value == '\n')
			buf_puts(b, "\\n");
		else
			buf_putc(b, *value);
	}
}

static void
add_head(struct buf *b, const char *name, const char *type, const char *help)
{
	buf_printf(b, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void
add_int(struct buf *b, const char *name, const char *type, const char *help, int64_t n)
{
	add_head(b, name, type, help);
	buf_printf(b, "%s %lld\n", name, (long long)n);
}

static void
add_seconds(struct buf *b, const char *name, const char *type, const char *help, int64_t ns)
{
	add_head(b, name, type, help);
	buf_printf(b, "%s %.9f\n", name, (double)ns / 1e9);
}

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
add_loop(const struct web *w, struct buf *b)
{
	struct loop_figures f = loop_figures(w->l);

	add_int(b, "ekaci_loop_callbacks_total", "counter", "Callbacks of the event loop.", f.callbacks);
	add_seconds(b, "ekaci_loop_busy_seconds_total", "counter", "Time spent in callbacks.", f.busy_ns);
	add_head(b, "ekaci_loop_longest_callback_seconds", "gauge", "The longest callback since the start, and whose it was.");
	buf_puts(b, "ekaci_loop_longest_callback_seconds{name=\"");
	add_label(b, f.longest_name);
	buf_printf(b, "\"} %.9f\n", (double)f.longest_ns / 1e9);
	add_int(b, "ekaci_workers_started_total", "counter", "Stages started as child processes.", f.workers_started);
	add_int(b, "ekaci_workers_running", "gauge", "Stages at work.", f.workers_running);
	add_int(b, "process_resident_memory_bytes", "gauge", "Physical memory of the daemon.", resident_bytes());
}

static void
add_intake(const struct web *w, struct buf *b)
{
	add_head(b, "ekaci_deliveries_total", "counter", "Webhook deliveries by what they were answered.");
	buf_printf(b, "ekaci_deliveries_total{result=\"stored\"} %lld\n", (long long)w->intake.stored);
	buf_printf(b, "ekaci_deliveries_total{result=\"repeated\"} %lld\n", (long long)w->intake.repeated);
	buf_printf(b, "ekaci_deliveries_total{result=\"refused\"} %lld\n", (long long)w->intake.refused);
	buf_printf(b, "ekaci_deliveries_total{result=\"failed\"} %lld\n", (long long)w->intake.failed);
	add_int(b, "ekaci_delivery_commits_total", "counter", "Transactions that stored deliveries.", w->intake.commits);
	add_int(b, "ekaci_delivery_batch_max", "gauge", "The most deliveries one transaction stored.", w->intake.largest_batch);
	add_seconds(b, "ekaci_delivery_commit_seconds_total", "counter", "Time spent storing deliveries.", w->intake.commit_ns);
	add_seconds(b, "ekaci_delivery_commit_seconds_max", "gauge", "The longest time storing deliveries took.",
	    w->intake.commit_ns_max);
	add_int(b, "ekaci_store_commits_total", "counter", "Transactions of the database.", store_commits(w->s));
	add_int(b, "ekaci_http_connections", "gauge", "Open connections.", (int64_t)w->n_connections);
	add_head(b, "ekaci_http_requests_total", "counter", "Requests by route and status.");
	for (size_t i = 0; i < w->counts.n; i++)
		buf_printf(b, "ekaci_http_requests_total{route=\"%s\",status=\"%u\"} %lld\n", w->counts.p[i].route,
		    w->counts.p[i].status, (long long)w->counts.p[i].n);
}

int
page_metrics(struct page *p, struct err *e)
{
	static const struct {
		enum view_counted what;
		const char *name, *label, *more, *help;
	} counted[] = {
	    {VIEW_LIVE_RUNS, "ekaci_runs", "state", NULL, "Runs that have not ended, by state."},
	    {VIEW_OPEN_BUILDS, "ekaci_builds", "state", "system", "Builds queued and at work, by system."},
	    {VIEW_NEW_DELIVERIES, "ekaci_deliveries_waiting", "state", NULL, "Deliveries stored and not yet processed."},
	    {VIEW_OPEN_DESIRED, "ekaci_desired_open", "kind", NULL, "What should stand at GitHub and does not yet."},
	};
	struct buf *b = &p->body;

	p->type = "text/plain; version=0.0.4; charset=utf-8";
	add_loop(p->w, b);
	add_intake(p->w, b);
	for (size_t i = 0; i < COUNT(counted); i++) {
		struct view_count *rows;
		size_t n;
		if (view_counts(p->w->s, p->a, counted[i].what, &rows, &n, e) != 0)
			return -1;
		add_head(b, counted[i].name, "gauge", counted[i].help);
		for (size_t k = 0; k < n; k++) {
			buf_printf(b, "%s{%s=\"", counted[i].name, counted[i].label);
			add_label(b, rows[k].name);
			if (counted[i].more != NULL && rows[k].more != NULL) {
				buf_printf(b, "\",%s=\"", counted[i].more);
				add_label(b, rows[k].more);
			}
			buf_printf(b, "\"} %lld\n", (long long)rows[k].n);
		}
	}
	if (p->w->hooks.figures != NULL)
		p->w->hooks.figures(p->w->hooks.ctx, b);
	return 0;
}
