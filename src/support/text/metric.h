/*
 * metric - what /metrics shows: one table of all metrics, and those that are counted as things happen.
 *
 * Each metric is one line of METRIC_LIST; deploy/README.md prints the table (make regen). Like the log there is one set in a process, and
 * one thread writes it. Two kinds of use:
 *   counted    metric_add and metric_observe where it happens; metric_write_counted shows all of them. What was shown once stays, and
 *              what has no label, or labels that metric_expect named, is there from the start: nothing vanishes
 *   looked up  metric_one and metric_begin with metric_put, when somebody asks. METRIC_KEPT gauges with labels of the database are set
 *              anew by metric_reset and metric_set, and written as counted ones are: what is not there any more is 0
 *
 * Names are Prometheus' convention: base units, _total for what only grows.
 */
#ifndef EKACI_SUPPORT_TEXT_METRIC_H
#define EKACI_SUPPORT_TEXT_METRIC_H

#include "support/text/prometheus.h"

/* X(SYMBOL, type, kind, labels, name, help). labels: "", "a" or "a b". */
#define METRIC_LIST(X)                                                                                                                   \
	X(BUILD_INFO, GAUGE, LOOKED_UP, "version", "ekaci_build_info", "Always 1; which version runs.")                                  \
	X(START, GAUGE, LOOKED_UP, "", "process_start_time_seconds", "When the bot was started, seconds since 1970.")                    \
	X(MEMORY, GAUGE, LOOKED_UP, "", "process_resident_memory_bytes",                                                                 \
	    "Physical memory of the bot itself, without its workers.")                                                                   \
	X(LOOP_SECONDS, HISTOGRAM, LOOKED_UP, "", "ekaci_loop_callback_seconds",                                                         \
	    "How long callbacks of the event loop took. Over 20 ms is a mistake of ours, and everybody waits.")                          \
	X(LOOP_LONGEST, GAUGE, LOOKED_UP, "", "ekaci_loop_longest_callback_seconds", "The longest of them since the start.")             \
	X(WORKERS_STARTED, COUNTER, LOOKED_UP, "", "ekaci_workers_started_total", "Stages started as child processes.")                  \
	X(WORKERS, GAUGE, LOOKED_UP, "", "ekaci_workers_running", "Stages at work.")                                                     \
	X(DELIVERIES, COUNTER, LOOKED_UP, "result", "ekaci_deliveries_total",                                                            \
	    "Webhook deliveries by what they were answered: stored, repeated (known already), refused (signature), failed (disk).")      \
	X(DELIVERIES_WAITING, GAUGE, KEPT, "state", "ekaci_deliveries_waiting", "Deliveries stored and not yet processed.")              \
	X(DELIVERY_COMMITS, COUNTER, LOOKED_UP, "", "ekaci_delivery_commits_total", "Transactions that stored deliveries.")              \
	X(DELIVERY_BATCH, GAUGE, LOOKED_UP, "", "ekaci_delivery_batch_max",                                                              \
	    "The most deliveries that one transaction stored.")                                                                          \
	X(DELIVERY_SECONDS, COUNTER, LOOKED_UP, "", "ekaci_delivery_commit_seconds_total", "Time spent storing deliveries.")             \
	X(DELIVERY_LONGEST, GAUGE, LOOKED_UP, "", "ekaci_delivery_commit_longest_seconds",                                               \
	    "The longest time that storing deliveries took.")                                                                            \
	X(HTTP_CONNECTIONS, GAUGE, LOOKED_UP, "", "ekaci_http_connections", "Open connections.")                                         \
	X(HTTP_REQUESTS, COUNTER, LOOKED_UP, "route status", "ekaci_http_requests_total", "Requests by route and status.")               \
	X(STORE_COMMITS, COUNTER, LOOKED_UP, "", "ekaci_store_commits_total", "Transactions of the database.")                           \
	X(DATABASE, GAUGE, LOOKED_UP, "", "ekaci_database_bytes", "Size of the database with its log.")                                  \
	X(DISK_FREE, GAUGE, LOOKED_UP, "of", "ekaci_filesystem_free_bytes",                                                              \
	    "Free space where the state and the Nix store are.")                                                                         \
	X(DISK_SIZE, GAUGE, LOOKED_UP, "of", "ekaci_filesystem_size_bytes", "Size of these file systems.")                               \
	X(RUNS, GAUGE, KEPT, "state", "ekaci_runs", "Runs that have not ended, by state.")                                               \
	X(RUNS_ENDED, COUNTER, COUNTED, "state", "ekaci_runs_ended_total",                                                               \
	    "Runs that ended: done, failed, superseded, cancelled.")                                                                     \
	X(RUN_SECONDS, HISTOGRAM, COUNTED, "", "ekaci_run_seconds", "From the event to the end of a run that is done.")                  \
	X(SKIPPED, COUNTER, COUNTED, "rule", "ekaci_runs_skipped_total",                                                                 \
	    "Runs that nothing was evaluated for, by what decided: a kind of rule of .ekaci/config.json, skip_paths, no_nix, unwanted.") \
	X(EVALUATIONS, COUNTER, COUNTED, "result", "ekaci_evaluations_total",                                                            \
	    "Evaluations that were needed: evaluated, stored (was there already, a hit), in_part, incomplete.")                          \
	X(EVALUATION_SECONDS, HISTOGRAM, COUNTED, "", "ekaci_evaluation_seconds", "How long evaluations took that were made.")           \
	X(REBUILDS, HISTOGRAM, COUNTED, "system", "ekaci_run_rebuilds", "Attributes added or rebuilt by a run, by system.")              \
	X(RADIUS, HISTOGRAM, COUNTED, "", "ekaci_blast_radius_derivations",                                                              \
	    "Derivations that must rebuild because of one that differs by itself; the widest 100 of a run.")                             \
	X(TARGETS, COUNTER, COUNTED, "result", "ekaci_derivations_total",                                                                \
	    "Derivations that runs wanted: cached (valid or substitutable, a hit), to_fetch, to_build.")                                 \
	X(ESTIMATE, HISTOGRAM, COUNTED, "", "ekaci_estimate_ratio",                                                                      \
	    "Of a run's builds whose durations were known before: what they took, by what they were thought to take; 1 is right.")       \
	X(BUILDS, GAUGE, KEPT, "state system", "ekaci_builds",                                                                           \
	    "Builds that may start and at work, by system: the depth of the queue.")                                                     \
	X(BUILDS_OPEN, GAUGE, LOOKED_UP, "", "ekaci_builds_open",                                                                        \
	    "All builds that have not ended, those that wait for inputs included.")                                                      \
	X(BUILDS_RUNNING, GAUGE, LOOKED_UP, "", "ekaci_builds_running", "Builds under way.")                                             \
	X(BUILDS_STARTED, COUNTER, LOOKED_UP, "", "ekaci_builds_started_total", "Builds started.")                                       \
	X(BUILDS_BUILT, COUNTER, LOOKED_UP, "", "ekaci_builds_built_total", "Builds that succeeded.")                                    \
	X(BUILDS_FAILED, COUNTER, LOOKED_UP, "", "ekaci_builds_failed_total", "Builds that ended without outputs.")                      \
	X(BUILDS_RETRIED, COUNTER, LOOKED_UP, "", "ekaci_builds_retried_total",                                                          \
	    "Builds that failed for reasons of machine or network and went back into the queue.")                                        \
	X(BUILD_SECONDS, HISTOGRAM, COUNTED, "system", "ekaci_build_seconds",                                                            \
	    "How long builds took that ended by themselves.")                                                                            \
	X(BUILD_WAIT, HISTOGRAM, COUNTED, "system", "ekaci_build_wait_seconds",                                                          \
	    "From when a build might have started to when it did: too few slots or builders for that system.")                           \
	X(COMMANDS, GAUGE, KEPT, "verb", "ekaci_commands_waiting", "Commands that are not done yet, by verb.")                           \
	X(DESIRED, GAUGE, KEPT, "kind", "ekaci_desired_open", "What should stand at GitHub and does not yet, by kind.")                  \
	X(COMPARISONS, COUNTER, LOOKED_UP, "", "ekaci_comparisons_total",                                                                \
	    "Times that what stands at the forge was compared with what is known.")                                                      \
	X(COMPARED_FOUND, COUNTER, LOOKED_UP, "", "ekaci_compared_found_total", "What these found that no delivery had told.")           \
	X(GITHUB_REQUESTS, COUNTER, LOOKED_UP, "", "ekaci_github_requests_total", "Requests made to GitHub.")                            \
	X(GITHUB_REFUSED, COUNTER, LOOKED_UP, "", "ekaci_github_refused_total", "Answers 4xx that are final.")                           \
	X(GITHUB_LIMITED, COUNTER, LOOKED_UP, "", "ekaci_github_limited_total", "Answers that named a rate limit.")                      \
	X(GITHUB_BROKEN, COUNTER, LOOKED_UP, "", "ekaci_github_broken_total", "Answers 5xx.")                                            \
	X(GITHUB_UNREACHABLE, COUNTER, LOOKED_UP, "", "ekaci_github_unreachable_total", "Requests without an answer.")                   \
	X(GITHUB_REMAINING, GAUGE, LOOKED_UP, "", "ekaci_github_rate_remaining",                                                         \
	    "Requests that are left until GitHub's limit is reset: the least of all installations; -1: not known.")                      \
	X(GITHUB_WRITES, GAUGE, LOOKED_UP, "", "ekaci_github_hour_writes",                                                               \
	    "Writes of the last hour, the most of all installations. GitHub's limit is 500.")                                            \
	X(GITHUB_BLOCKED, GAUGE, LOOKED_UP, "", "ekaci_github_blocked_installations",                                                    \
	    "Installations that GitHub told us to wait for.")                                                                            \
	X(SEND_QUEUE, GAUGE, LOOKED_UP, "", "ekaci_send_queue", "Things that should stand at GitHub and do not yet.")                    \
	X(SEND_OLDEST, GAUGE, LOOKED_UP, "", "ekaci_send_oldest_seconds", "How long the oldest of them waits.")                          \
	X(SEND_GIVEN_UP, GAUGE, LOOKED_UP, "", "ekaci_send_given_up", "Things that GitHub refuses.")                                     \
	X(SEND_PARKED, GAUGE, LOOKED_UP, "", "ekaci_send_parked",                                                                        \
	    "Those of them that are tried again when a permission is given, and every hour.")

#define METRIC_SYMBOL(symbol, type, kind, labels, name, help) METRIC_##symbol,
enum metric_id { METRIC_LIST(METRIC_SYMBOL) METRICS };
#undef METRIC_SYMBOL

enum metric_kind { METRIC_COUNTED, METRIC_KEPT, METRIC_LOOKED_UP };
struct metric_row {
	const char *name, *help;
	const char *labels[PROMETHEUS_LABELS]; /* NULL: none */
	enum prometheus_type type;
	enum metric_kind kind;
};
const struct metric_row *metric_row(enum metric_id m);

enum { METRIC_MAX_OBSERVED = 16 /* labels of one histogram; what would be more is counted as "other" */ };
enum { METRIC_MAX_SAMPLES = 2000 /* of all counted ones; what would be more is not counted: labels are few by design */ };

/* Values of labels, in the table's order; NULL where it has none. They are copied. */
void metric_expect(enum metric_id m, const char *first, const char *second);
void metric_add(enum metric_id m, const char *first, const char *second, int64_t n);
/* Of a histogram, in its unit: seconds or a number. Buckets are by the name's end: _seconds, _ratio, or powers of ten. */
void metric_observe(enum metric_id m, const char *first, double value);
void metric_reset(enum metric_id m);
void metric_set(enum metric_id m, const char *first, const char *second, int64_t n);
/* All that is counted or kept. */
void metric_write_counted(struct buf *out);

void metric_one(struct buf *out, enum metric_id m, int64_t value);
void metric_one_seconds(struct buf *out, enum metric_id m, int64_t ns);
void metric_begin(struct buf *out, enum metric_id m);
void metric_put(struct buf *out, enum metric_id m, const char *first, const char *second, int64_t value);
/* A histogram that somebody else counted: n upper limits in seconds, cumulative counts, the whole count and sum. */
void metric_histogram(struct buf *out, enum metric_id m, const double *limits, const int64_t *counts, size_t n, int64_t all,
    double sum);

#endif
