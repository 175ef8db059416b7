/*
 * payload - what GitHub says, as an event or a part of one: bodies of deliveries and answers of its API.
 *
 * What is used is validated, the rest is not looked at: see forge/event.h.
 */
#ifndef EKACI_FORGE_GITHUB_PAYLOAD_H
#define EKACI_FORGE_GITHUB_PAYLOAD_H

#include "forge/forge.h"

#include <jansson.h>

/* A delivery, see struct forge's event_read. */
must_check int payload_event(struct arena *a, const char *event_name, struct str body, struct event *ret, struct err *e);
/* A pull request as the API gives it; ERR_INPUT as there. */
must_check int payload_pull(struct arena *a, const json_t *pull, struct event_pull *ret, struct err *e);
/* The same of a repository, and of a branch the commit that it is at. */
must_check int payload_repository(struct arena *a, const json_t *repository, struct event_repository *ret, struct err *e);
must_check int payload_branch(struct arena *a, const json_t *branch, const char **ret, struct err *e);
/* A ref that the merge queue made: false when it is none. */
bool payload_queued(struct arena *a, const json_t *ref, struct forge_group *ret);

#endif
