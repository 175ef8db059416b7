/* Names of events, and whose they are. */
#include "forge/event.h"

#include <string.h>

const char *
event_kind_name(enum event_kind kind)
{
	static const char *const names[] = {"ignored", "ping", "pull_request", "issue_comment", "installation",
	    "installation_repositories", "check_run", "check_suite", "push", "merge_group", "repository"};

	return names[kind];
}

const char *
event_action_name(enum event_action action)
{
	static const char *const names[] = {"", "opened", "synchronize", "reopened", "ready_for_review", "converted_to_draft",
	    "closed", "base changed", "created", "deleted", "suspend", "unsuspend", "new_permissions_accepted", "added",
	    "removed", "rerequested", "requested_action", "checks_requested", "requested", "labeled", "unlabeled", "enqueued",
	    "dequeued", "destroyed", "lifted", "changed"};

	return names[action];
}

bool
event_is_member(const char *association)
{
	static const char *const members[] = {"OWNER", "MEMBER", "COLLABORATOR"};

	for (size_t i = 0; association != NULL && i < COUNT(members); i++)
		if (strcmp(association, members[i]) == 0)
			return true;
	return false;
}

bool
event_is_known(const char *association)
{
	return event_is_member(association) || (association != NULL && strcmp(association, "CONTRIBUTOR") == 0);
}
