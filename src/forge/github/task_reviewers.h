/*
 * task_reviewers - people are asked for a review, each once.
 *
 * Left out are the author, who is asked already or has reviewed, whom we have asked before (somebody may have taken the request
 * back), and who may not be asked: GitHub refuses all of a request for one who is no collaborator, so then each is asked alone.
 */
#ifndef EKACI_FORGE_GITHUB_TASK_REVIEWERS_H
#define EKACI_FORGE_GITHUB_TASK_REVIEWERS_H

#include "forge/github/task.h"

void task_reviewers(struct task *t); /* the first step */

#endif
