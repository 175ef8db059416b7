/* queue_part - what the files of the queue share. Private to queue*.c. */
#ifndef EKACI_QUEUE_QUEUE_PART_H
#define EKACI_QUEUE_QUEUE_PART_H

#include "queue/queue.h"

/* Things found by a number; the first member of each. Equal keys may stand side by side. */
struct node {
	uint64_t key;
	struct node *next;
};
struct table {
	struct node **slots;
	size_t nslots, n;
};
struct node *table_get(const struct table *t, uint64_t key);
void table_put(struct table *t, struct node *n);
void table_remove(struct table *t, struct node *n);

/* What a heap of a lane holds: the build as it was when it was pushed. One that has changed since is passed over. */
struct entry {
	int64_t path_ms, id;
	size_t dependents;
};

struct heap {
	VEC(struct entry) v;
};

struct class;
struct group;
struct lane {
	struct class *class;
	struct group *group;
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
	VEC(size_t) fits;         /* machines */
	VEC(struct lane *) lanes; /* a heap: those with something ready */
	size_t ready;
	int64_t slots; /* of all that fit */
};

struct group {
	struct node node;
	int64_t repository, number, priority;
	double share;    /* as of the epoch of the queue */
	size_t owners;   /* and builds that hold it by chosen_by */
	int64_t work_ms; /* expected of all its open builds */
	int64_t n_path;  /* builds under way that were not chosen for being short */
	VEC(struct lane *) lanes;
};

struct owner {
	struct node node; /* key: run */
	struct group *group;
	size_t open;
};

enum item_state { ITEM_WAITING, ITEM_POSTPONED, ITEM_READY, ITEM_BUILDING };

struct item {
	struct node node; /* key: id */
	int64_t id, expected_ms, path_ms, not_before, started, charged_ms;
	char *drv, *reason;
	struct class *class;
	enum item_state state;
	bool fresh, dying, quick;
	struct group *chosen_by; /* when building and not quick */
	bool dropped;            /* building, but nobody wants it: kept for its slot */
	ptrdiff_t machine;       /* -1: none of ours */
	size_t pending;
	VEC(struct item *) inputs, dependents; /* open ones */
	VEC(struct owner *) owners;
};

struct postponed {
	int64_t at, id;
};

struct queue {
	struct table items, owners, groups;
	VEC(struct class *) classes;
	VEC(struct item *) fresh, raised;
	VEC(struct postponed) postponed; /* a heap by time */
	const struct machine *machines;
	struct queue_machine_state *machine_states;
	size_t n_machines;
	int64_t epoch;
	VEC(int64_t) touched; /* runs; seldom the same twice running */
	size_t n_building, n_ready;
	bool roomy; /* explaining: every machine has room */
};

struct item *item_get(const struct queue *q, int64_t id);
bool item_owned_by(const struct item *it, const struct group *g);

/* queue_order.c */
void order_push(struct queue *q, struct item *it, struct group *g); /* a ready build into the lane of a group */
void order_ready(struct queue *q, struct item *it);                 /* into the lanes of all its groups */
void order_group_changed(struct queue *q, struct group *g);
void order_postpone(struct queue *q, struct item *it);
struct lane *order_choose(struct queue *q, int64_t now, size_t *ret_machine, struct item **ret);
void order_charge(struct queue *q, struct group *g, double ms, int64_t at);
void order_charge_item(struct queue *q, struct item *it, int64_t ms, int64_t at);
/* Which of the rules decides between the first of two lanes: "" when a and b are one. a goes first. */
const char *order_reason(const struct lane *a, const struct lane *b);

#endif
