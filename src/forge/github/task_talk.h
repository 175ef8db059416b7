/* task_talk - comments, replies, reactions and labels. */
#ifndef EKACI_FORGE_GITHUB_TASK_TALK_H
#define EKACI_FORGE_GITHUB_TASK_TALK_H

#include "forge/github/task.h"

/* The first steps. */
void task_comment(struct task *t);
void task_reply(struct task *t);
void task_reaction(struct task *t);
void task_labels(struct task *t);

#endif
