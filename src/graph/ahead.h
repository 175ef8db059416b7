/*
 * ahead - .drv files read ahead by threads, and handed over in the order they were asked for.
 *
 * The caller asks for files by name while it takes what was read: it may ask for more because of what it took, so reading
 * and adding go on side by side. What it takes does not depend on how many threads there are or which is faster.
 *
 * Of a derivation only what a graph needs is kept, with the hashes of names already made; the file's bytes are gone when
 * the next one is read. Memory: a ring of batches, a fixed number of derivations each.
 */
#ifndef EKACI_GRAPH_AHEAD_H
#define EKACI_GRAPH_AHEAD_H

#include "support/base/err.h"
#include "support/base/str.h"

enum {
	AHEAD_MAX_THREADS = 16,
	AHEAD_BATCH = 64 /* derivations a thread reads at once */
};

struct ahead_input {
	struct str file; /* what stands behind the store's folder; not checked further */
	uint64_t hash;   /* map_hash of it */
};

struct ahead_output {
	struct str name, path; /* the whole path; empty when it is not known before it is built */
};

struct ahead_drv {
	struct str system;
	const struct ahead_input *inputs;
	const struct ahead_output *outputs;
	size_t n_inputs, n_outputs;
	bool fixed;
};

struct ahead;
/* dir_fd: the folder with the files; store_dir: what paths in them begin with. Both are the caller's, until ahead_free. */
struct ahead *ahead_new(int dir_fd, struct str store_dir);
void ahead_free(struct ahead *h);

/* How many more names may be asked for now; 0: take first. */
size_t ahead_room(const struct ahead *h);
/* The name must stay where it is until its derivation was taken. */
void ahead_ask(struct ahead *h, struct str file);
/* The next derivation, in the order of asking, valid until the next call. There must be one that was asked for and not
 * taken. ERR_ABSENT: there is no such file; ERR_INPUT names what it is not. */
must_check int ahead_take(struct ahead *h, const struct ahead_drv **ret, struct err *e);

#endif
