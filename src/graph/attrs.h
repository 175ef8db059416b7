/*
 * attrs - the attributes of two evaluations, matched and classified.
 *
 * Both sides are read once, side by side (they are sorted alike); of an attribute that did not change only its path and
 * its derivation are kept, so memory follows what changed, not what was evaluated.
 *
 * Matching is by job, attribute path and system. A failing row without a system matches every system of its path. An
 * attribute set that fails as a whole is one row; it hides its children:
 *   - failing at base, children at head: each child is "fixed" ("still failing" if it fails itself), never "added"; the
 *     set's own row is then no attribute any more and appears nowhere;
 *   - failing at head, children at base: the set's row is "newly failing", and so is every child that evaluated at base,
 *     with hidden_by naming the set ("still failing" for a child that failed before, and for the set where all did), never
 *     "removed".
 * So every attribute has exactly one class, and the counts are those of the entries.
 *
 * A row that is unknown hides in the same way, and what it hides is untold, whatever the other side says of it. So is a set that
 * fails at head where base had nothing below it that evaluated, and something that is unknown.
 */
#ifndef EKACI_GRAPH_ATTRS_H
#define EKACI_GRAPH_ATTRS_H

#include "formats/rows.h"
#include "graph/closure.h"
#include "records/difference.h"

#define NO_ATTR UINT32_MAX

/* What one side says of an attribute that changed. */
struct attr_side {
	struct str name, drv, error, outputs, meta, bad_meta; /* as struct row */
	bool failed;
	bool hidden; /* not a row: a set above fails; error is empty and hidden_by names it */
	bool unknown;
};

struct attr_entry {
	struct str path; /* as struct row */
	struct str system;
	const char *job;
	enum attr_class class;
	uint32_t base_node, head_node;       /* in the closure, or NO_NODE */
	const struct attr_side *base, *head; /* NULL when not on that side; of an unchanged one both, unless meta differs */
	struct str hidden_by;                /* path of the failing set; p == NULL: none */
	uint32_t alias_of;                   /* an entry with the same derivations, class and words, or NO_ATTR */
	uint32_t next_alias;                 /* of the entry that stands for all: the list of the others */
	uint32_t renamed_from;               /* of an added one: the removed entry, or NO_ATTR */
};

/* An attribute of head whose meta does not evaluate, and did, or was not there, at base. Its class is what it would be without. */
struct bad_meta {
	struct str path, system, error;
	const char *job;
};

struct attrs {
	struct arena a;
	VEC(struct attr_entry) v;
	struct map systems; /* names kept once */
	VEC(struct bad_meta) bad_meta;
	size_t bad_meta_before, bad_meta_fixed; /* attributes that have a derivation on both sides */
};

/*
 * Reads and matches the evaluations; the derivations of base become nodes of g (not yet loaded). Afterwards class is
 * final but for attributes with different derivations on the two sides, which are CLASS_REBUILD for now, and head_node
 * is set only where it is base's. Sorted by path, system, job.
 */
must_check int attrs_read(struct attrs *t, struct closure *g, const struct evaluation_file *base, size_t n_base,
    const struct evaluation_file *head, size_t n_head, struct err *e);
/* Makes the derivations of head nodes of g. */
must_check int attrs_add_head(struct attrs *t, struct closure *g, struct err *e);
/* With must_build (per node of g) known: rebuild, derivation only or switched; aliases; renames. */
void attrs_finish(struct attrs *t, const struct closure *g, const uint8_t *must_build);
void attrs_release(struct attrs *t);

/* The JSON of a member of a row's meta; n == 0 when it has none. */
struct str attrs_meta_member(struct str meta, const char *name);
/* The text of such a member, in a or a slice of meta; empty when there is none, or it is no text. */
struct str attrs_meta_text(struct arena *a, struct str meta, const char *name);

#endif
