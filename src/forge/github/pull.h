/*
 * pull - a pull request on somebody's command line: its address, and, when there is a token, which branch it goes to.
 */
#ifndef EKACI_FORGE_GITHUB_PULL_H
#define EKACI_FORGE_GITHUB_PULL_H

#include "support/base/err.h"
#include "support/base/str.h"

struct pull_address {
	const char *origin; /* "https://github.com" */
	const char *owner, *name;
	int64_t number; /* 0: of a repository alone */
};

/* https://HOST/OWNER/NAME/pull/NUMBER and whatever follows it. ERR_INPUT: it is none. */
must_check int pull_address_read(struct arena *a, const char *text, struct pull_address *ret, struct err *e);
/* Of a remote, as git names one (https, ssh, USER@HOST:OWNER/NAME): 0, or 1 when it is no address of that form (a folder). */
int pull_address_of_remote(struct arena *a, const char *url, struct pull_address *ret);
bool pull_same_repository(const struct pull_address *a, const struct pull_address *b);

/*
 * The token that is good for that host: GITHUB_TOKEN or GH_TOKEN, for github.com (or GITHUB_SERVER_URL) alone, else what gh has for
 * it; NULL: none. And as the Authorization header that git sends with it.
 */
const char *pull_token(struct arena *a, const struct pull_address *at);
const char *pull_authorization(struct arena *a, const char *token);

/* Asks GitHub's API (GITHUB_API_URL, else the host's) which branch it is to be merged into. */
must_check int pull_base(struct arena *a, const struct pull_address *at, const char *token, const char **ret, struct err *e);

#endif
