/*
 * submodules - a tree with its submodules in it.
 *
 * Of a tree that has submodules another is made, the whole one, with each submodule's own tree, recursively, in the place
 * where git notes only a commit. So whatever is done with trees (checking out, comparing paths, naming an evaluation) is
 * done with submodules in just the same way. Whole trees, and the commits that had to be fetched, are in a repository of
 * their own, which sees the objects of the first (objects/info/alternates) and, of somebody's clone, of its .git/modules.
 * What is there is not fetched: a commit is its id, wherever it came from. A submodule that .gitmodules does not name
 * stays what it is, an empty folder.
 *
 * .gitmodules is written by whoever writes the change, and this side's network may reach what they cannot. So:
 *   - only https, http where the repository itself is had from that very host, and files where it is a folder itself; ssh
 *     of the repository's own host becomes https, as CI services do it;
 *   - a head that nobody trusts may name no address that the base, or a submodule of it, does not name, and has single
 *     commits fetched only. Its folder is one where nothing else was fetched: it must not find, by its id, what a change
 *     of somebody trusted had from elsewhere;
 *   - the authorization goes to the repository's own origin alone (gitcmd.h);
 *   - in somebody's own clone it is their git, with their keys (gitcmd.h, of_user), and ssh is ssh.
 * Limits: SUBMODULES_MAX of a side, SUBMODULES_MAX_DEPTH within each other (one that has itself as a submodule would never
 * end), and those of gitmodules.h.
 */
#ifndef EKACI_CHANGESET_SUBMODULES_H
#define EKACI_CHANGESET_SUBMODULES_H

#include "changeset/gitcmd.h"
#include "records/mirror.h"

enum {
	SUBMODULES_MAX = 300, /* each may cost a fetch, of a second and more */
	SUBMODULES_MAX_DEPTH = 8
};

struct submodules {
	struct arena *a;
	const char *git_dir; /* of the repository */
	const char *into;    /* the folder for what is made; DIR.lock beside it is taken meanwhile */
	const char *url;     /* of the repository: relative addresses are beside it; a folder when it is nowhere else */
	const char *authorization;
	int64_t deadline_ms;
	bool trusted; /* the head may name addresses that the base does not */
	bool of_user; /* it is somebody's clone, and their git */
};

/* The whole trees and where they are, in s->a; or the error alone when they cannot be had, which trying again does not
 * change. -1: ERR_BUSY or ERR_SYSTEM, trying again may help. */
must_check int submodules_take(const struct submodules *s, const char *base_tree, const char *head_tree,
    struct whole_trees *ret, struct err *e);

/* Whether a job takes submodules, of those that plan will choose: with all each of them; else those that jobs names (JSON of
 * the command line, or NULL), else those of base's configuration, else head's. False, too, where neither tree has a
 * .gitmodules. */
bool submodules_wanted(struct arena *a, const char *git_dir, const char *base_tree, const char *head_tree, const char *jobs,
    bool all);

#endif
