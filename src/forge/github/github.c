/* What GitHub is made of. */
#include "forge/github/github.h"

#include "forge/github/lists.h"
#include "forge/github/payload.h"
#include "forge/github/sender.h"
#include "forge/github/webhook.h"
#include "support/text/escape.h"

#include <string.h>

static struct forge_secrets
secrets(const struct settings *settings)
{
	return (struct forge_secrets){.section = "github",
	    .key_file = settings->github.private_key_file,
	    .webhook_file = settings->github.webhook_secret_file,
	    .previous_webhook_file = settings->github.previous_webhook_secret_file};
}

static const char *
host(struct arena *a, const struct settings *settings)
{
	const char *url = settings->github.api_url, *from = strstr(url, "://");

	from = from != NULL ? from + 3 : url;
	return arena_strn(a, from, strcspn(from, "/"));
}

/* Where people see a repository; .p is NULL when its clone address is no link. */
static struct str
page_of(const char *clone_url)
{
	struct str base = str_of(clone_url);

	if (str_ends(base, STR(".git")))
		base.n -= 4;
	return escape_link_ok(base) ? base : (struct str){0};
}

static const char *
pull_url(struct arena *a, const char *clone_url, int64_t number)
{
	struct str base = page_of(clone_url);

	return number > 0 && base.p != NULL ? arena_printf(a, STR_FMT "/pull/%lld", STR_ARG(base), (long long)number) : NULL;
}

static const char *
commit_url(struct arena *a, const char *clone_url, const char *commit)
{
	struct str base = page_of(clone_url);

	if (commit == NULL || base.p == NULL || commit[strspn(commit, "0123456789abcdef")] != '\0')
		return NULL;
	return arena_printf(a, STR_FMT "/commit/%s", STR_ARG(base), commit);
}

const struct forge github = {
    .name = "GitHub",
    .secrets = secrets,
    .host = host,
    .delivery_begin = webhook_begin,
    .delivery_end = webhook_end,
    .faults =
        {
            [FORGE_UNSIGNED] = "the signature in X-Hub-Signature-256 is missing or wrong\n",
            [FORGE_HEADERS] = "X-GitHub-Event or X-GitHub-Delivery is missing or malformed\n",
            [FORGE_FORM] = "the body is no form with a field payload, as its Content-Type says\n",
        },
    .event_read = payload_event,
    .start = github_start,
    .stop = github_stop,
    .kick = github_kick,
    .pull = github_pull,
    .permission = github_permission,
    .team = github_team,
    .git_authorization = github_git_authorization,
    .git_refused = github_git_refused,
    .list = github_list,
    .missed = github_missed,
    .changed = github_changed,
    .was_away = github_was_away,
    .look = github_look,
    .troubles = github_troubles,
    .metrics = github_metrics,
    .room = github_room,
    .pull_url = pull_url,
    .commit_url = commit_url,
};
