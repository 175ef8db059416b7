/*
 * reads - what an evaluation read of its tree, and whether another tree would have given it the same.
 *
 * EVALS/KEY.reads.zst stands beside a stored evaluation: each path that was looked at, and how. It is written by the worker that served
 * the tree (treefs.h), outside of the sandbox, so nothing that is evaluated can leave something out.
 *
 * An evaluation is a function of its wish and of what it reads. If no path that it looked at looks otherwise in another tree, it would
 * read the same there, step by step, and end with the same rows. What can be seen of a path:
 *
 *   READS_LOOKED  whether it is there, and what: a file, an executable one, a link, a folder, a submodule's empty one
 *   READS_CONTENT a file's bytes, were there any, or where a link leads
 *   READS_LISTED  the names in a folder, and what each is
 *
 * What is not of the tree is in the evaluation's key (key.h), or is taken to be as it was, as it is of any stored evaluation: what the
 * machine's store has, what was fetched. Two things would make an evaluation differ from the one before for no change at all, and where
 * they may have been read nothing is proved:
 *
 *   READS_OUTSIDE a link that leads out of the tree, but for those into the Nix store
 *   READS_CLOCK   a file that has the word currentTime in it; whoever puts that word together from parts is not noticed
 */
#ifndef EKACI_EVALUATE_READS_H
#define EKACI_EVALUATE_READS_H

#include "support/base/err.h"
#include "support/base/map.h"

enum { READS_LOOKED = 1, READS_CONTENT = 2, READS_LISTED = 4, READS_OUTSIDE = 8, READS_CLOCK = 16 };

/* Paths from the top of the tree, without a slash at either end; the top is "". Values are flags. */
struct reads {
	struct arena a;
	struct map paths;
};

void reads_add(struct reads *r, struct str path, unsigned flags);
/* That a link was read, and where it leads. */
void reads_add_link(struct reads *r, struct str path, struct str target);
/* That a file was opened, and its bytes. */
void reads_add_file(struct reads *r, struct str path, struct str bytes);
void reads_release(struct reads *r);

/* The file that stands beside the evaluation of that key, in a. */
const char *reads_file(struct arena *a, const char *evals_dir, const char *key);
must_check int reads_write(const char *file, const struct reads *r, struct err *e);
/* ERR_ABSENT: there is none; ERR_INPUT, with file: it is damaged. *ret is empty then. */
must_check int reads_read(const char *file, struct reads *ret, struct err *e);

/*
 * Whether everything that was read looks the same in both trees: *ret_why is NULL then, else it says why not, with a path (in a). Costs
 * what the trees differ in where somebody looked, not what they hold.
 */
must_check int reads_hold(struct arena *a, const struct reads *r, const char *git_dir, const char *base_tree,
    const char *head_tree, const char **ret_why, struct err *e);

#endif
