/*
 * drv - a derivation as its .drv file says it.
 *
 * The file is an ATerm: Derive(outputs, inputs, sources, system, builder, arguments, environment), or the same behind
 * DrvWithVersion("xp-dyn-drv", ...) when an input is a derivation made by a derivation. Everything malformed is
 * ERR_INPUT with the offset of the first wrong byte; nothing is guessed.
 *
 * Memory: text without escapes points into the bytes given, the rest lives in the arena, so both must outlive the
 * struct. Paths are whole store paths, as in the file.
 */
#ifndef EKACI_NIX_DRV_H
#define EKACI_NIX_DRV_H

#include "support/base/err.h"
#include "support/base/str.h"

enum {
	DRV_MAX_BYTES = 64 * 1024 * 1024, /* the largest real ones, whole systems, are a few megabytes */
	DRV_MAX_NAME = 255,               /* a file name in the store */
	DRV_MAX_NESTING = 16              /* of derivations made by derivations; nobody has seen two */
};

/*
 * An output. What is set tells the kind:
 *   input addressed    path                 hash_algo and hash empty
 *   fixed              path (may be empty)  hash_algo "sha256" (flat) or "r:sha256" (recursive), hash in hexadecimal
 *   content addressed  path empty           hash_algo as above, hash empty
 *   impure             path empty           hash "impure"
 *   deferred           all empty: input addressed, but an input's path is not known before it is built
 */
struct drv_output {
	struct str name, path, hash_algo, hash;
};

struct drv_input {
	struct str path; /* of the .drv */
	const struct str *outputs;
	size_t n_outputs; /* 0 when only outputs of outputs are wanted */
};

struct drv_env {
	struct str name, value;
};

struct drv {
	const struct drv_output *outputs; /* sorted by name, at least one */
	const struct drv_input *inputs;
	const struct str *sources;
	struct str system, builder;
	const struct str *args;
	const struct drv_env *env;
	size_t n_outputs, n_inputs, n_sources, n_args, n_env;
};

/* DRV_GRAPH stops after the system: outputs, inputs, sources and system are set, the rest is not looked at (but that
 * the file ends as a derivation does). */
enum drv_part { DRV_ALL, DRV_GRAPH };

must_check int drv_parse(struct arena *a, struct str bytes, enum drv_part part, struct drv *ret, struct err *e);

/*
 * Reads the .drv at path (a store path) out of real_dir, the folder in which the store's files are. ERR_ABSENT names
 * the derivation that is not there. A path that is no plain store path is ERR_INPUT: nothing is opened.
 */
must_check int drv_read(struct arena *a, const char *real_dir, struct str path, struct drv *ret, struct err *e);
/* The bytes of one such file, by its name as drv_file_name gave it; dir_fd is real_dir opened. They live in a. */
must_check int drv_read_bytes(struct arena *a, int dir_fd, struct str file, struct str *ret, struct err *e);
/* The same for one file after another: the bytes live in b until the next call. b begins zeroed; b->p is malloc's. */
struct drv_bytes {
	char *p;
	size_t cap;
};
must_check int drv_read_again(struct drv_bytes *b, int dir_fd, struct str file, struct str *ret, struct err *e);

/* "HASH-NAME.drv" of a store path after checking that it is one; -1 (without an error) when it is not. */
must_check int drv_file_name(struct str path, struct str *ret);
/* What of path stands behind the store's folder and a slash, unchecked; false when it is not below it. */
bool drv_below(struct str store_dir, struct str path, struct str *ret);
/* Whether a file of the store may have this name, HASH-NAME. */
bool drv_file_ok(struct str file);
/* The name in a store path or file name: between HASH- and, for derivations, ".drv". */
struct str drv_name(struct str path);

bool drv_fixed_output(const struct drv *d);
/* The value of an environment variable; n == 0 and p == NULL when it is not set. */
struct str drv_env_get(const struct drv *d, const char *name);

/*
 * requiredSystemFeatures: a list in the structured attributes (__json), else the words of the environment variable.
 * The slices live in a. Structured attributes that are no JSON object are ERR_INPUT.
 */
must_check int drv_features(struct arena *a, const struct drv *d, const struct str **ret, size_t *ret_n, struct err *e);

/* Nix' own split of a name: the version begins after the first dash that no letter follows. */
void drv_split_name(struct str name, struct str *ret_name, struct str *ret_version);

#endif
