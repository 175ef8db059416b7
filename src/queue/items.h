/*
 * items - the queue in memory: builds, the pull requests and runs that want them, classes, and where they are found. Private to
 * the queue (queue, wants, critical, order, why).
 */
#ifndef EKACI_QUEUE_ITEMS_H
#define EKACI_QUEUE_ITEMS_H

#include "queue/policy.h"

/* Things found by a number; the first member of each. Equal keys may stand side by side. */
struct keyed {
	uint64_t key;
	struct keyed *next;
};
struct table {
	struct keyed **slots;
	size_t nslots, n;
};
struct keyed *table_get(const struct table *t, uint64_t key);
void table_put(struct table *t, struct keyed *n);
void table_remove(struct table *t, struct keyed *n);

/* What a heap of a lane holds: the build as it was when it was pushed. One that has changed since is passed over. */
struct entry {
	int64_t path_ms, id;
	size_t dependents;
};

struct heap {
	VEC(struct entry) v;
};

struct class;
struct pull;
struct queue_lane {
	struct class *class;
	struct pull *pull;
	struct heap first; /* by the rules */
	struct heap quick; /* the same builds, the shortest first */
	size_t at;         /* in the class's heap, + 1; 0: not there */
};

struct class
{
	char *system;
	char *features_text;
	const char *const *features; /* in arena */
	struct arena a;
	VEC(size_t) fits;               /* machines */
	VEC(struct queue_lane *) lanes; /* a heap: those with something ready */
	size_t ready;
	int64_t slots; /* of all that fit */
};

/* A pull request: its share of the machines, and its lane in each class. */
struct pull {
	struct keyed node;
	int64_t repository, number, priority;
	double share;    /* as of the epoch of the queue */
	size_t owners;   /* and builds that hold it by chosen_by */
	int64_t work_ms; /* expected of all its open builds */
	int64_t n_path;  /* builds under way that were not chosen for being short */
	VEC(struct queue_lane *) lanes;
};

struct owner {
	struct keyed node; /* key: run */
	struct pull *pull;
	size_t open;
};

enum item_state { ITEM_WAITING, ITEM_POSTPONED, ITEM_READY, ITEM_BUILDING };

struct item {
	struct keyed node; /* key: id */
	int64_t id, expected_ms, path_ms, not_before, started, charged_ms;
	int64_t ready_since; /* of one that may start */
	char *drv, *reason;
	struct class *class;
	enum item_state state;
	bool fresh, dying, quick;
	struct pull *chosen_by; /* when building and not quick */
	bool dropped;           /* building, but nobody wants it: kept for its slot */
	ptrdiff_t machine;      /* -1: none of ours */
	size_t pending;
	VEC(struct item *) inputs, dependents; /* open ones */
	VEC(struct owner *) owners;
};

struct postponed {
	int64_t at, id;
};

struct queue {
	struct table items, owners, pulls;
	VEC(struct class *) classes;
	VEC(struct item *) fresh, raised;
	VEC(struct postponed) postponed; /* a heap by time */
	const struct machine *machines;
	struct queue_machine_state *machine_states;
	size_t n_machines;
	int64_t now; /* see queue_at */
	int64_t epoch;
	VEC(int64_t) touched; /* runs; seldom the same twice running */
	size_t n_building, n_ready;
	bool roomy; /* explaining: every machine has room */
};

/* NULL when there is none. */
struct item *item_get(const struct queue *q, int64_t id);
bool item_owned_by(const struct item *it, const struct pull *g);

#endif
