/* task_status - a commit status: GitHub keeps all that were ever made, and shows the newest of a context. */
#ifndef EKACI_FORGE_GITHUB_TASK_STATUS_H
#define EKACI_FORGE_GITHUB_TASK_STATUS_H

#include "forge/github/task.h"

void task_status(struct task *t); /* the first step */

#endif
