/*
 * key - the name of a stored evaluation: a hash of everything that decides what comes out, and of nothing that does not
 * (how many workers, whose run).
 *
 * What is hashed is JSON, its members in the order of the tables in key.c. Whoever changes one byte of it makes every
 * evaluation anew.
 */
#ifndef EKACI_EVALUATE_KEY_H
#define EKACI_EVALUATE_KEY_H

#include "records/evaluation.h"

struct key_job {
	const char *file, *flake, *expr;
	struct texts attr_path;
	struct paths scope;
	int may_be_absent; /* 1, or -1 */
};

/* How Nix is told to behave, and what <name> is. */
struct key_nix {
	bool restricted;
	struct texts features;
	struct named_texts options; /* without what opens doors (evalconf.h) */
	struct named_texts env;     /* of the user's own Nix: this and settings */
	const char *settings;
	const char *search, *reads; /* marks of folders (searchpath.h) */
};

struct evaluation_key {
	int64_t format, meaning; /* stored.h */
	const char *tree;
	struct key_job job;
	const char *commit; /* that a flake is said to be of, or NULL */
	const char *evaluator, *version;
	const char *build;  /* of the evaluator (program.h), or NULL */
	const char *source; /* the path that the tree has */
	struct key_nix nix;
	bool ifd, network;
	bool unproved; /* somebody wants it evaluated, proof or not */
	int64_t max_depth;
	struct texts uris, systems;
};

/* SHA-256 in hexadecimal. */
must_check int evaluation_key_hash(const struct evaluation_key *key, char ret[65], struct err *e);

#endif
