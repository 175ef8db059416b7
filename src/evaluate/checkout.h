/*
 * checkout - a tree of a repository becomes a folder.
 *
 * No .git inside, no filters, nothing of an earlier tree; symbolic links as they are, submodules as empty folders.
 * libgit2 refuses entries like "..", ".git" and paths through symbolic links: ERR_INPUT.
 */
#ifndef EKACI_EVALUATE_CHECKOUT_H
#define EKACI_EVALUATE_CHECKOUT_H

#include "support/base/err.h"

/* git_dir is a bare repository or a .git; tree is the id of a tree, in hexadecimal. dir is removed first. ERR_ABSENT when the
 * repository or the tree is not there. */
must_check int checkout_tree(const char *git_dir, const char *tree, const char *dir, struct err *e);

#endif
