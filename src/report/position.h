/*
 * position - places in the repository, found in what evaluators say.
 *
 * "PREFIX/path:12" in an evaluator's message or in meta.position is a place when PREFIX is where the evaluated tree
 * stood: checkout_dir, or, where a job evaluates a flake, a folder "/nix/store/HASH-source" that holds the tree and nothing
 * else (changeset/source.h). Any other is an input, and no place, whatever files it has; so is a copy that the store has
 * lost.
 *
 * With the repository at hand (git_dir and head_tree of the report's job) only files of the head's tree are places, and
 * only lines they have. Nothing is read before a text names something that may be one.
 */
#ifndef EKACI_REPORT_POSITION_H
#define EKACI_REPORT_POSITION_H

#include "changeset/source.h"
#include "records/reporting.h"
#include "support/base/map.h"

enum {
	POSITION_MAX_COPIES = 64 /* of the store that are looked at */
};

struct places {
	struct arena *a;
	const char *checkout_dir;        /* or NULL */
	const char *git_dir, *head_tree; /* or NULL */
	struct source *source;           /* opened when first needed */
	bool tried;                      /* to open it */
	struct map lines;                /* how many lines files of the tree have; 0: there is no such file */
	struct map copies;               /* "/nix/store/HASH-source": whether it is one */
	bool has_flake;                  /* a job is a flake of the tree */
};

/* job: of the stage report; plan: may be NULL. */
void places_init(struct places *p, struct arena *a, const struct report_job *job, const struct plan *plan);
void places_release(struct places *p);

/* The last place in the repository that text names; its path is copied into the arena. False when there is none. */
bool places_find(struct places *p, const char *text, const char **ret_path, int64_t *ret_line);
/*
 * text, for people: paths below checkout_dir or in the store's copy of the repository are as they are in the repository,
 * "pkgs/a.nix:3:5" where the evaluator says "/build/source/pkgs/a.nix:3:5". In p's arena.
 */
const char *places_shorten(struct places *p, const char *text);

#endif
