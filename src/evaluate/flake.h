/*
 * flake - a flake of a tree, as an evaluator is to see it.
 *
 * Whose it is: a tree that was checked out is no git repository any more. It is named path:STORE-PATH with the hash of its
 * contents, and with the revision, the count of revisions and the time of a commit, which the path fetcher takes from the
 * reference (https://github.com/NixOS/nix, src/libfetchers/path.cc). So `self.rev`, `self.lastModified` and their like are
 * there as with `nix build` of that commit, the same each time, and all is locked, so that evaluation can be pure.
 *
 * What of it is walked: what the schema of flakes says is a derivation (`nix flake check` knows the same outputs), whether or
 * not a set is marked with recurseForDerivations.
 */
#ifndef EKACI_EVALUATE_FLAKE_H
#define EKACI_EVALUATE_FLAKE_H

#include "support/base/err.h"
#include "support/base/str.h"

/* Whose commit a tree is said to be. */
struct flake_self {
	const char *rev;       /* 40 hex digits */
	int64_t last_modified; /* seconds: the commit's, as Nix' git fetcher has it */
	int64_t rev_count;     /* commits it has, itself included; -1: not known */
};

/* The commit of a repository, without its count; rev in a. ERR_ABSENT when it has none of that name. */
must_check int flake_self_of(struct arena *a, const char *git_dir, const char *commit, struct flake_self *ret, struct err *e);
/* Counts, which takes seconds for a million commits; of a shallow clone nobody can. */
must_check int flake_count_commits(const char *git_dir, struct flake_self *self, struct err *e);

/* A folder in the store, under the name that fetchers give. */
struct flake_tree {
	const char *path;      /* /nix/store/HASH-source */
	const char *hash;      /* of its contents, sha256-BASE64 */
	int64_t last_modified; /* of its newest file, seconds */
};
must_check int flake_store(struct arena *a, const char *dir, struct flake_tree *ret, struct err *e);

/* The reference, in a: path:PATH?dir=..&lastModified=..&narHash=..&rev=..&revCount=.. . self NULL: the time is the newest
 * file's, and there is no rev. dir: where flake.nix is below the tree, "" for its top. */
const char *flake_ref(struct arena *a, const struct flake_tree *tree, const char *dir, const struct flake_self *self);
/* The same tree as a Nix set for fetchTree, on one line. */
void flake_fetch_tree(const struct flake_tree *tree, const struct flake_self *self, struct buf *out);

/* Appends, each with a blank in front, what must be among allowed-uris so that restricted evaluation, which does not know
 * that hashes make a fetch harmless, reaches what a lock file (its text, may be broken) has locked. any_server: also what a
 * flake's code fetches by itself with a hash, which only a sandbox tells from what it fetches without. */
void flake_lock_uris(struct str lock, bool any_server, struct buf *out);

/* A Nix function, on one line: { flake, path, systems, absentOk } to the set that is to be walked.
 *   flake    as getFlake has it; path: list of names, the fragment of a reference, empty for all that the schema knows
 *   systems  list of those wanted, empty for all; absentOk: a path that is not there is an empty set, not an error */
extern const char flake_schema_text[];

/*
 * A flake put together once more from its lock file, for what getFlake cannot do: --override-input, a lock file that is not
 * in the tree, and relative path inputs with a Nix before 2.26. A Nix function on one line of
 *   tree      what fetchTree wants for the flake itself; dir: where its flake.nix is
 *   lock      the lock file's contents as Nix values, or null: the tree's own
 *   override  what stands for an input instead, by its path as JSON text, e.g. "[\"nixpkgs\"]": flake, a reference, and tree,
 *             what fetchTree wants for an input that is no flake
 * that gives the flake, with overridden inputs also for whom "follows" them
 * (https://github.com/NixOS/nix, src/libflake/call-flake.nix, says what a flake's outputs are called with).
 */
extern const char flake_call_text[];

#endif
