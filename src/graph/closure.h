/*
 * closure - derivations and what they need, as dense numbers.
 *
 * Nodes are numbered 0..n-1 in the order in which they were first seen (breadth first from the roots, in the order the
 * roots were added), so the same roots give the same numbers. Edges go from a derivation to its inputs, as offsets and
 * targets. A node is known by its file name ("HASH-NAME.drv"): equal names mean equal closures, so what is there is
 * never read again. The closure of base is loaded first and head's is added to it: every node below the mark taken
 * between the two is base's, every node from there on is in head only.
 *
 * Memory: vectors and an arena of its own; closure_release gives all of it up.
 */
#ifndef EKACI_GRAPH_CLOSURE_H
#define EKACI_GRAPH_CLOSURE_H

#include "support/base/err.h"
#include "support/base/map.h"

enum {
	CLOSURE_MAX_NODES = 8 * 1000 * 1000, /* eight times the largest figure we are measured at */
	CLOSURE_MAX_EDGES = 200 * 1000 * 1000
};

#define NO_NODE UINT32_MAX /* where a node may be missing */

enum closure_flag {
	CLOSURE_FIXED = 1,   /* a fixed-output derivation */
	CLOSURE_FLOATING = 2 /* at least one output has no path before it is built */
};

struct closure_output {
	struct str name;
	struct str path; /* file name in the store; empty when not known before it is built */
};

struct closure {
	struct arena a;
	struct str store_dir; /* "/nix/store" */
	const char *real_dir; /* where its files are */
	bool may_ask;         /* Nix, when they are not */
	struct map nodes;     /* file name -> id, which is the entry's place */
	struct map systems;   /* name -> id, likewise */
	struct map words;     /* output names, kept once */
	VEC(uint32_t) off;    /* of node i: targets.p[off.p[i]..off.p[i + 1] - 1] */
	VEC(uint32_t) targets;
	VEC(uint32_t) out_off; /* likewise into outputs */
	VEC(struct closure_output) outputs;
	VEC(uint32_t) system;
	VEC(uint8_t) flags;
	char *mapped; /* the graph file that text points into, or NULL */
	size_t mapped_bytes;
	const char *shown_dir; /* files written from what Nix showed, instead of real_dir; or NULL */
	size_t loaded;         /* nodes below are read; the others are only known by name */
};

/* real_dir may be NULL: store_dir; then Nix is asked for derivations (drvshow.h) when their files cannot be read there, and
 * real_dir becomes a folder of ours with their files. */
void closure_init(struct closure *g, const char *store_dir, const char *real_dir);
void closure_release(struct closure *g);

/* The node of a store path, added when new. ERR_INPUT when it is no derivation's path in this store. */
must_check int closure_root(struct closure *g, struct str path, uint32_t *ret, struct err *e);
/* The node of a store path, or -1. */
int64_t closure_find(const struct closure *g, struct str path);

/* Reads every derivation that is known but not loaded, and what they need. ERR_ABSENT names one that is missing. */
must_check int closure_load(struct closure *g, struct err *e);

/* The file name of a path of this store, or -1: not checked further. */
must_check int closure_file_of(const struct closure *g, struct str path, struct str *ret);
struct str closure_name(const struct closure *g, uint32_t node);                  /* "curl-8.1" */
void closure_write_path(const struct closure *g, uint32_t node, struct buf *out); /* the whole store path */
char *closure_path(struct arena *a, const struct closure *g, uint32_t node);

/* The closure of some nodes of g, which is loaded, as if it had been read alone. Its text is g's: g must outlive it. Gives how
 * many of the roots are distinct. */
size_t closure_part(const struct closure *g, const uint32_t *roots, size_t n, struct closure *ret);

/* Everything reachable from roots: marks[node] is set to 1. Loaded graphs only. */
void closure_reach(const struct closure *g, const uint32_t *roots, size_t n, uint8_t *marks);

#endif
