/*
 * unknown - which of an evaluator's errors say nothing about the repository.
 *
 * An attribute that throws fails: that is a fact about the tree. One that needs what may not or cannot be had here - an
 * address that is not allowed, a feature that is off, <nixpkgs> where there is none, a build in the middle of the
 * evaluation - may be perfectly good. Counting it as failing on both sides would hide what changed, so such a row is marked
 * and is compared with nothing; where it is the root, the evaluation is incomplete.
 *
 * Nix has no status for this, only words, and they differ from version to version. They stand in one table, unknown.c,
 * and a real sample of each version that is tested lies in fixtures/nix/VERSION/unknown/KIND-NAME.txt (fixtures/nix/record.js
 * makes them). A message counts only when it begins as Nix' own does: behind "error: " at the beginning of a line, so that
 * neither a line of source code that is shown nor a sentence within somebody's `throw` is taken for it. Who throws Nix'
 * very words makes that attribute untold, never green, which harms nobody but the thrower.
 */
#ifndef EKACI_NIX_UNKNOWN_H
#define EKACI_NIX_UNKNOWN_H

#include "support/base/str.h"

enum unknown_kind {
	UNKNOWN_NOT,
	UNKNOWN_ADDRESS,     /* restricted: an address that is not among allowed-uris */
	UNKNOWN_PATH,        /* restricted: a path outside of the repository */
	UNKNOWN_SEARCH_PATH, /* <name> that is not there */
	UNKNOWN_FEATURE,     /* an experimental feature that is off */
	UNKNOWN_FETCH,       /* what could not be fetched */
	UNKNOWN_STORE,       /* a store path that is not there */
	UNKNOWN_IMPORT,      /* import from derivation that is not allowed */
	UNKNOWN_MACHINE,     /* import from derivation that no machine here can build */
	UNKNOWN_SUBMODULE,   /* a file of a submodule, which the job does not take: gitlinks.h */
	UNKNOWN_DEPTH,       /* what is nested deeper than we look: attrtree.c's own words */
	UNKNOWN_DAEMON,      /* no Nix daemon where one is wanted */
	UNKNOWN_CONFIG,      /* attr_path names nothing: evaluator.c's own words */
	UNKNOWN_KINDS
};

struct unknown {
	enum unknown_kind kind;
	char name[200];  /* what of: an address, a path, a feature; for CONFIG what is the matter */
	char words[500]; /* the message on one line, without frames and source code */
};

/* The kind's word, as it stands in the names of samples. */
const char *unknown_kind_name(enum unknown_kind kind);

/* What an error's text, with whatever stands around it, is. Text of a JSON string that was not decoded will do. False
 * (and kind UNKNOWN_NOT): it is a fact. */
bool unknown_of(struct str text, struct unknown *ret);

/* Purely evaluated, a flake may not read the machine, wherever it is evaluated: that is its own failure. Nix 2.8, whose
 * repl cannot be pure, says it in the words of restricted mode. False: pure makes u a fact. */
bool unknown_counts(const struct unknown *u, bool pure);

enum unknown_reader { UNKNOWN_FOR_BOT, UNKNOWN_FOR_USER /* of ekaci diff */ };
/* What to set or do about it, one line. */
void unknown_advice(const struct unknown *u, enum unknown_reader reader, struct buf *out);

#define UNKNOWN_DEPTH_WORDS "sets are nested deeper than "
/* How a configured attribute that is not there begins, as C text and as Nix text. */
#define UNKNOWN_ATTR_PATH     "ekaci: the job's attr_path "
#define UNKNOWN_ATTR_PATH_NIX "\"" UNKNOWN_ATTR_PATH "\""

#endif
