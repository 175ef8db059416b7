/*
 * commits - which commit of a pull request touched which path.
 */
#ifndef EKACI_CHANGESET_COMMITS_H
#define EKACI_CHANGESET_COMMITS_H

#include "changeset/repository.h"
#include "records/plan.h"

enum {
	COMMITS_MAX = 250,       /* of a pull request with more nothing is said: GitHub lists no more either */
	COMMITS_MAX_PATHS = 2000 /* listed of all together; with more nothing is said either */
};

/*
 * The commits that head has and base has not, oldest first, without merges, which bring what others did. Nothing (n == 0) when a
 * commit is not there, as in a shallow clone or for a working tree, or when there are too many.
 */
void commits_read(struct arena *a, git_repository *repo, const char *base, const char *head, struct plan_commits *ret);

#endif
