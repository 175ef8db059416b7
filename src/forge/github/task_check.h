/* task_check - a check run: made once, updated in place, made anew for a re-run. */
#ifndef EKACI_FORGE_GITHUB_TASK_CHECK_H
#define EKACI_FORGE_GITHUB_TASK_CHECK_H

#include "forge/github/task.h"

void task_check(struct task *t); /* the first step */

#endif
