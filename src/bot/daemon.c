/* The bot: parts in order, the loop, the parts in reverse. */
#include "bot/daemon.h"

#include "bot/control.h"
#include "bot/deliveries.h"
#include "bot/overlaps.h"
#include "bot/reconcile.h"
#include "bot/reports.h"
#include "bot/repositories.h"
#include "bot/service.h"
#include "bot/teams.h"
#include "forge/forges.h"
#include "nix/access.h"
#include "nix/machines.h"
#include "queue/capacity.h"
#include "records/all.h"
#include "store/delivery.h"
#include "store/desired.h"
#include "store/hosts.h"
#include "store/prune.h"
#include "store/run.h"
#include "support/base/clock.h"
#include "support/base/log.h"
#include "support/os/cgroup.h"
#include "support/os/child.h"
#include "support/os/files.h"
#include "support/os/notify.h"
#include "support/text/metric.h"
#include "walk/flow.h"
#include "walk/giving.h"
#include "walk/means.h"
#include "walk/sweep.h"
#include "worker/pool.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

enum {
	MAX_SECRET = 4096,
	HOUSEKEEPING_MS = 10 * 60 * 1000,
	ASK_AGAIN_MS = 5000,
	PRUNING_MS = 20, /* between two slices of retention, for what is in a hurry */
	DAY_MS = 86400 * 1000,
	HOUR_MS = 3600 * 1000,
	MAX_LIVE = 4096
};

struct daemon {
	struct arena a;
	const struct daemon_start *start;
	struct settings *settings;
	struct loop *loop;
	struct store *store;
	struct web *web;
	struct sender *sender;
	struct reports *reports;
	struct overlaps *overlaps;
	struct teams *teams;
	struct flow *flow;
	struct intake *intake;
	struct reconcile *compare;
	struct control *control;
	struct service *service;
	struct loop_timer *house, *prune, *ask;
	const struct means_told *means; /* NULL: not told yet; in a */
	struct store_pruning pruning;   /* the pass that goes on; before 0: none does */
	int64_t swept_ms;
	int lock;
};

static int
read_secret(struct arena *a, const char *section, const char *path, const char *key, struct str *ret, struct err *e)
{
	struct str text;

	if (path == NULL) {
		*ret = (struct str){"", 0};
		return 0;
	}
	if (files_read(a, path, MAX_SECRET, &text, e) != 0)
		return fail_in(e, "[%s] %s", section, key);
	*ret = str_trim(text);
	return 0;
}

/* Two bots on one state would build and post everything twice. */
static int
lock_state(struct daemon *d, struct err *e)
{
	const char *path = arena_printf(&d->a, "%s/lock", d->settings->state.dir);

	d->lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0640);
	if (d->lock < 0)
		return fail_sys(e, "cannot open %s", path);
	if (flock(d->lock, LOCK_EX | LOCK_NB) != 0)
		return fail(e, ERR_DENIED, "another ekaci uses %s", d->settings->state.dir);
	/* For `ekaci retry` and its like, which wake us. */
	if (ftruncate(d->lock, 0) != 0 || dprintf(d->lock, "%ld\n", (long)getpid()) < 0)
		return fail_sys(e, "cannot write %s", path);
	return 0;
}

static void
on_delivery(void *ctx)
{
	struct daemon *d = ctx;

	if (d->intake != NULL)
		intake_kick(d->intake);
}

static void
figures(void *ctx, struct buf *out)
{
	struct daemon *d = ctx;

	if (d->flow != NULL) {
		const struct schedule_figures b = schedule_figures(flow_schedule(d->flow));
		metric_one(out, METRIC_BUILDS_OPEN, b.open);
		metric_one(out, METRIC_BUILDS_RUNNING, b.running);
		metric_one(out, METRIC_BUILDS_STARTED, b.started);
		metric_one(out, METRIC_BUILDS_BUILT, b.built);
		metric_one(out, METRIC_BUILDS_FAILED, b.failed);
		metric_one(out, METRIC_BUILDS_RETRIED, b.retried);
	}
	if (d->sender != NULL)
		send_metrics(d->sender, out);
	if (d->compare != NULL)
		reconcile_metrics(d->compare, out);
}

static const char *
not_ready(void *ctx)
{
	struct daemon *d = ctx;

	if (files_free_mb(d->settings->state.dir) < d->settings->state.min_free_mb)
		return "the disk of the state folder is nearly full";
	return NULL;
}

static void
tell_now(void *ctx, struct arena *a, struct web_now *ret)
{
	struct daemon *d = ctx;
	size_t n;

	if (d->flow == NULL)
		return;
	const struct schedule *q = flow_schedule(d->flow);
	const struct schedule_machine *all = schedule_machines(q, a, &n);
	const struct schedule_figures f = schedule_figures(q);
	ret->machines = arena_alloc(a, (n + 1) * sizeof(*ret->machines));
	for (size_t i = 0; i < n; i++)
		ret->machines[ret->n_machines++] =
		    (struct web_machine){all[i].name, all[i].systems, all[i].running, all[i].slots, all[i].out_ms};
	ret->open = f.open;
	ret->ready = f.ready;
	ret->building = f.running;
	ret->why = capacity_no_room(a, d->settings);
}

static void
troubles(void *ctx, struct buf *out)
{
	struct daemon *d = ctx;

	if (d->sender != NULL)
		send_troubles(d->sender, out);
}

static int
order(void *ctx, struct arena *a, const struct order *o, struct order_given *ret, struct err *e)
{
	struct daemon *d = ctx;

	if (order_give(d->store, a, o, ret, e) != 0)
		return -1;
	ret->told = true;
	on_delivery(d);
	return 0;
}

static void
on_swept(void *ctx, const struct err *why, int64_t outside_ms)
{
	(void)ctx;
	(void)outside_ms;
	if (why->kind != ERR_NONE)
		log_err(LOG_WARN, "sweep", why);
}

/* Every hour, the files. */
static void
sweep(struct daemon *d)
{
	struct worker_events events = {.on_end = on_swept};
	AUTO(mem_free) int64_t *ids = mem_alloc(MAX_LIVE * sizeof(*ids));
	struct worker *w;
	size_t n = 0;
	struct err e;

	if (clock_now_ms() - d->swept_ms < HOUR_MS)
		return;
	d->swept_ms = clock_now_ms();
	AUTO(arena_release) struct arena a = {0};
	struct texts needed = {0};
	int rc = store_runs_live(d->store, ids, MAX_LIVE, &n, &e);
	for (size_t i = 0; rc == 0 && i < n; i++) {
		struct run r;
		rc = store_run_get(d->store, &a, ids[i], &r, &e);
		if (rc == 0)
			sweep_needs(&a, r.evaluations, &needed);
	}
	/* Without knowing what is needed nothing goes. */
	struct sweep_job job = sweep_job(&a, d->settings, clock_now_ms(), &needed);
	struct ids gone = {0};
	char *line;
	if (rc == 0)
		rc = store_repositories_gone(d->store, &a, job.before_ms, &gone, &e);
	for (size_t i = 0; i < gone.n; i++)
		sweep_repository(&a, d->settings, gone.p[i], &job.gone);
	if (rc != 0 || fields_line(&sweep_job_fields, &a, &job, &line, &e) != 0 ||
	    worker_start(d->loop, "sweep", str_of(line), &events, &w, &e) != 0)
		log_err(LOG_WARN, "sweep", &e);
}

/* Rows older than [state] keep_days that nothing needs any more, a slice at a time. */
static void
prune(void *ctx)
{
	struct daemon *d = ctx;
	struct err e;
	int rc = store_prune(d->store, &d->pruning, &e);

	if (rc < 0)
		log_err(LOG_WARN, "housekeeping", &e);
	if (rc > 0)
		loop_timer_set(d->prune, PRUNING_MS);
	else
		d->pruning.before = 0;
}

/* Called every ten minutes: old rows, and now and then old files. */
static void
keep_house(void *ctx)
{
	struct daemon *d = ctx;

	if (d->pruning.before == 0) {
		d->pruning = (struct store_pruning){.before = clock_now_ms() - d->settings->state.keep_days * DAY_MS};
		loop_timer_set(d->prune, 0);
	}
	sweep(d);
	loop_timer_set(d->house, HOUSEKEEPING_MS);
	/* What waits for a reason that is outside (a full disk, a program that was missing) is looked at again. */
	flow_kick(d->flow);
	schedule_kick(flow_schedule(d->flow));
	intake_kick(d->intake);
}

/* What limits evaluations depends on the machine and on who we are. */
static void
limit_evaluations(struct daemon *d, struct flow_parts *ret)
{
	const char *group;
	struct err e;

	if (cgroup_find(&d->a, CGROUP_ROOT, CGROUP_SELF, &group, &e) != 0 || cgroup_take(group, &e) != 0) {
		log_info("evaluations: limits watched by ekaci, no control group: %s", e.msg);
		return;
	}
	cgroup_sweep(group);
	log_info("evaluations: limits by control groups in %s", group);
	ret->cgroup = group;
}

/* --- what there is to work with (walk/means.h) --- */

static void
on_means(void *ctx, struct str line)
{
	struct daemon *d = ctx;
	struct record rec;
	struct err e;

	if (record_read(&d->a, line, &rec, &e) != 0)
		log_err(LOG_WARN, "means", &e);
	else if (rec.of == &means_fields)
		d->means = rec.is;
}

static void
on_means_end(void *ctx, const struct err *why, int64_t outside_ms)
{
	struct daemon *d = ctx;
	const struct means_told *m = d->means;

	(void)outside_ms;
	if (m == NULL) { /* without it nothing begins */
		log_err(LOG_ERROR, "what there is to work with", why);
		loop_timer_set(d->ask, ASK_AGAIN_MS);
		return;
	}
	if (m->settings == NULL)
		log_warn("what Nix builds here is a guess: %s", m->settings_why != NULL ? m->settings_why : "it did not say");
	if (strcmp(d->settings->evaluate.sandbox, "off") == 0)
		log_info("evaluations: sandbox none, as [evaluate] sandbox says");
	else if (m->sandbox_works)
		log_info("evaluations: sandbox bubblewrap");
	else
		log_warn("evaluations: sandbox none, it cannot be had: %s",
		    m->sandbox_why != NULL ? m->sandbox_why : "it did not say");
	machines_know(m->settings);
	flow_begin(d->flow, m->sandbox_works);
}

static void
ask_means(void *ctx)
{
	struct daemon *d = ctx;
	const struct means_job job = {.sandbox = strcmp(d->settings->evaluate.sandbox, "off") != 0};
	struct worker_events events = {on_means, on_means_end, d};
	AUTO(arena_release) struct arena a = {0};
	struct worker *w;
	struct err e;
	char *line;

	if (fields_line(&means_job_fields, &a, &job, &line, &e) != 0 ||
	    worker_start(d->loop, "means", str_of(line), &events, &w, &e) != 0) {
		log_err(LOG_ERROR, "what there is to work with", &e);
		loop_timer_set(d->ask, ASK_AGAIN_MS);
	}
}

/* Said at once, and not only with the first evaluation that fails. The reason may be mended while we run. */
static void
look_at_store(void)
{
	struct err e;
	const char *way = nixstore_access(&e);

	if (way != NULL)
		log_info("the Nix store: %s", way);
	else
		log_error("the Nix store is out of reach: %s", e.msg);
}

/* --- what the walk asks and tells us --- */

struct authorizing {
	struct daemon *d;
	int64_t installation, repository;
	void (*answer)(void *to, const char *authorization, const struct err *why);
	void *to;
};

static void
on_teams(void *ctx, const struct err *why)
{
	struct authorizing *q = ctx;

	if (why != NULL)
		q->answer(q->to, NULL, why);
	else
		send_git_authorization(q->d->sender, q->installation, q->repository, q->answer, q->to);
	mem_free(&q);
}

static void
authorize(void *ctx, const struct repository *of, int64_t number,
    void (*answer)(void *to, const char *authorization, const struct err *why), void *to)
{
	struct authorizing *q = mem_alloc(sizeof(*q));

	*q = (struct authorizing){ctx, of->installation, of->id, answer, to};
	teams_ask(q->d->teams, of, number, on_teams, q);
}

static void
refused(void *ctx, const struct repository *of)
{
	struct daemon *d = ctx;

	send_git_refused(d->sender, of->installation, of->id);
}

static void
changed(void *ctx)
{
	struct daemon *d = ctx;

	reports_look(d->reports);
	overlaps_look(d->overlaps);
}

static void
progress(void *ctx, int64_t run, const struct progress *is)
{
	struct daemon *d = ctx;

	reports_progress(d->reports, run, is);
}

/* --- settings that change ----------------------------------------------------------------------------------------- */

static void
set_log(const struct daemon *d)
{
	const char *level = d->start->log_level != NULL ? d->start->log_level : d->settings->log.level;
	const char *format = d->start->log_format != NULL ? d->start->log_format : d->settings->log.format;
	enum log_level least = LOG_DEBUG;

	while (least < LOG_ERROR && strcmp(level, log_level_names[least]) != 0)
		least++;
	log_set_level(least);
	log_set_format(strcmp(format, "logfmt") == 0 ? LOG_LOGFMT : LOG_TEXT_LINES, config_in_journal());
}

/* Most settings are read where they are used. */
static void
settings_changed(void *ctx)
{
	struct daemon *d = ctx;
	struct bot_parts parts = {d->loop, d->store, d->settings, d->sender, d->web};
	struct err e;

	set_log(d);
	schedule_reread(flow_schedule(d->flow));
	if (repositories_check(&parts, d->flow, &e) != 0)
		log_err(LOG_ERROR, "settings", &e);
	flow_kick(d->flow);
}

static const char *
doing(void *ctx, struct arena *a)
{
	struct daemon *d = ctx;
	const struct schedule_figures f = schedule_figures(flow_schedule(d->flow));
	int64_t runs = flow_live(d->flow);

	return arena_printf(a, "%" PRId64 " %s under way, %" PRId64 " %s at work, %" PRId64 " waiting", runs,
	    runs == 1 ? "run" : "runs", f.running, f.running == 1 ? "build" : "builds", f.open - f.running);
}

/* --- hosts --- */

/* Those of the settings, by the numbers that the store has for them. */
static int
name_hosts(struct daemon *d, struct err *e)
{
	struct settings *c = d->settings;
	struct store_host *all = arena_alloc(&d->a, c->githubs.n * sizeof(*all));

	for (size_t i = 0; i < c->githubs.n; i++) {
		const struct settings one = config_of_host(c, i);
		all[i] = (struct store_host){.name = one.github.name, .api = forge_of(&one)->host(&d->a, &one)};
	}
	if (store_hosts_name(d->store, all, c->githubs.n, e) != 0)
		return -1;
	for (size_t i = 0; i < c->githubs.n; i++)
		c->githubs.p[i].number = all[i].number;
	return 0;
}

static int
start_senders(struct daemon *d, struct err *e)
{
	for (size_t i = 0; i < d->settings->githubs.n; i++) {
		struct settings *one = arena_alloc(&d->a, sizeof(*one));
		struct sender *s;
		*one = config_of_host(d->settings, i);
		if (send_start(forge_of(one), d->loop, d->store, one, &s, e) != 0)
			return one->github.number == 0 ? -1 : fail_in(e, "[[github]] \"%s\"", one->github.name);
		if (d->sender == NULL)
			d->sender = s;
		else
			send_beside(d->sender, s);
	}
	return 0;
}

/* Who may deliver; their secrets. The store may not be open yet. */
static int
read_hosts(struct daemon *d, struct web_host **ret, struct err *e)
{
	const struct settings *c = d->settings;
	struct web_host *all = arena_alloc(&d->a, c->githubs.n * sizeof(*all));

	for (size_t i = 0; i < c->githubs.n; i++) {
		const struct settings one = config_of_host(c, i);
		const struct forge_secrets of = forge_of(&one)->secrets(&one);
		all[i] = (struct web_host){.name = one.github.name};
		if (read_secret(&d->a, of.section, of.webhook_file, "webhook_secret_file", &all[i].secret, e) != 0 ||
		    read_secret(&d->a, of.section, of.previous_webhook_file, "previous_webhook_secret_file",
		        &all[i].previous_secret, e) != 0)
			return -1;
		if (all[i].secret.n == 0)
			return fail(e, ERR_INPUT,
			    "[%s] webhook_secret_file: a webhook secret is needed; anybody could post otherwise", of.section);
	}
	*ret = all;
	return 0;
}

static int
open_parts(struct daemon *d, struct err *e)
{
	const struct settings *c = d->settings;
	const struct forge *forge = forge_of(c);
	struct web_host *hosts;
	struct web_settings ws = {.forge = forge, .listen = c->web.listen, .url = c->web.url, .state_dir = c->state.dir};

	ws.given_fd = notify_socket();
	struct web_hooks hooks = {on_delivery, figures, not_ready, tell_now, d, troubles, order};

	if (child_find(&d->a, "nix-store") == NULL || child_find(&d->a, "git") == NULL)
		return fail(e, ERR_ABSENT, "%s is not on PATH: ekaci needs git and Nix (nix-store, nix-instantiate)",
		    child_find(&d->a, "git") == NULL ? "git" : "nix-store");
	if (files_mkdirs(c->state.dir, 0750, e) != 0 || lock_state(d, e) != 0 || read_hosts(d, &hosts, e) != 0)
		return -1;
	config_use_network(c);
	machines_know(NULL);
	struct flow_parts walked = {.settings = c, .hooks = {authorize, refused, changed, progress, d}};
	look_at_store();
	limit_evaluations(d, &walked);
	if (loop_new(&d->loop, e) != 0 || store_open(arena_printf(&d->a, "%s/ekaci.db", c->state.dir), &d->store, e) != 0 ||
	    name_hosts(d, e) != 0 || start_senders(d, e) != 0)
		return -1;
	for (size_t i = 0; i < c->githubs.n; i++)
		hosts[i].number = c->githubs.p[i].number;
	ws.hosts = hosts;
	ws.n_hosts = c->githubs.n;
	if (web_start(d->loop, d->store, &ws, &hooks, &d->web, e) != 0)
		return -1;
	struct bot_parts parts = {d->loop, d->store, c, d->sender, d->web};
	d->reports = reports_new(&parts);
	d->overlaps = overlaps_new(&parts);
	d->teams = teams_new(&parts);
	walked.loop = d->loop;
	walked.store = d->store;
	if (flow_new(&walked, &d->flow, e) != 0 || repositories_check(&parts, d->flow, e) != 0)
		return -1;
	d->intake = intake_new(&parts, d->flow);
	d->compare = reconcile_new(&parts, d->intake, d->flow);
	loop_on_word(d->loop, on_delivery, d);
	d->house = loop_timer_new(d->loop, "housekeeping", keep_house, d);
	d->ask = loop_timer_new(d->loop, "means", ask_means, d);
	d->prune = loop_timer_new(d->loop, "retention", prune, d);
	const struct service_parts served = {d->loop, d->settings, d->start->config, settings_changed, doing, d};
	d->service = service_new(&served);
	return control_start(d->loop, c->state.dir, d->start->config, &d->control, e);
}

static void
close_parts(struct daemon *d)
{
	control_stop(d->control);
	service_free(d->service);
	web_stop(d->web);
	loop_timer_free(d->house);
	loop_timer_free(d->prune);
	loop_timer_free(d->ask);
	reconcile_free(d->compare);
	intake_free(d->intake);
	flow_free(d->flow);
	overlaps_free(d->overlaps);
	reports_free(d->reports);
	send_stop(d->sender);
	teams_free(d->teams);
	loop_free(d->loop);
	store_close(d->store);
	fd_close(&d->lock);
	arena_release(&d->a);
}

static void
say_ready(struct daemon *d, int fd)
{
	const char *url = arena_printf(&d->a, "http://127.0.0.1:%d", web_port(d->web));
	char *line = arena_printf(&d->a, "{\"url\":\"%s\"}\n", url);

	log_info("listening on %s, pages at %s, state in %s",
	    notify_socket() >= 0 ? "the socket that was opened for us" : d->settings->web.listen, web_url(d->web),
	    d->settings->state.dir);
	if (fd >= 0 && write(fd, line, strlen(line)) < 0)
		log_warn("nobody reads the ready descriptor");
	fd_close(&fd);
}

int
daemon_run(const struct daemon_start *start, struct err *e)
{
	struct daemon d = {.start = start, .settings = start->settings, .lock = -1};

	set_log(&d);
	int rc = open_parts(&d, e);
	if (rc == 0) {
		say_ready(&d, start->ready_fd);
		ask_means(&d);
		keep_house(&d); /* picks up whatever an earlier life left */
		service_ready(d.service);
		loop_run(d.loop);
		service_stopping();
		log_info("stopping");
	}
	close_parts(&d);
	return rc;
}
