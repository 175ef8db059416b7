/*
 * cache - a closure as a file, so that base's derivations are not read again for every pull request.
 *
 * The file's name is the SHA-256 of what it is the closure of: the store's folder and the roots in order. It is mapped
 * into memory; its text is used where it is. It ends with a checksum, and every number in it is checked before it is
 * believed: a file that is damaged, cut or of another version counts as absent, and is written anew. There are at most
 * CACHE_MAX_FILES in the folder; the one that was used least recently goes first.
 *
 * Numbers are in this machine's order: the folder belongs to one machine.
 */
#ifndef EKACI_GRAPH_CACHE_H
#define EKACI_GRAPH_CACHE_H

#include "graph/closure.h"

enum { CACHE_MAX_FILES = 64 }; /* some dozen megabytes each for the largest package set */

/*
 * g knows its roots and nothing is loaded. Takes the closure from dir if it is there: 1, and g is as after closure_load
 * when it was saved; 0 when it is not there or no good, and g is as before.
 */
int cache_load(struct closure *g, const char *dir);
/*
 * Saves g, whose first n_roots nodes are its roots and which is loaded whole. Makes dir. A failure is the caller's to
 * log: the next run reads the derivations again.
 */
must_check int cache_save(const struct closure *g, size_t n_roots, const char *dir, struct err *e);

/* Loads the closure of the roots that g knows, base's: from its graph file where there is one, else from the derivations, and keeps it
 * for the next time. graph_dir may be NULL. */
must_check int closure_load_kept(struct closure *g, const char *graph_dir, struct err *e);

#endif
