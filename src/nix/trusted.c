/* Names held against a list. */
#include "nix/trusted.h"

#include <grp.h>
#include <pwd.h>
#include <string.h>
#include <unistd.h>

enum { MAX_GROUPS = 256 };

static bool
is_in(const struct texts *groups, const char *name)
{
	for (size_t i = 0; i < groups->n; i++)
		if (strcmp(groups->p[i], name) == 0)
			return true;
	return false;
}

bool
nixtrust_has(const struct texts *trusted, const char *user, const struct texts *groups)
{
	for (size_t i = 0; i < trusted->n; i++) {
		const char *word = trusted->p[i];
		if (strcmp(word, "*") == 0 || strcmp(word, user) == 0 || (word[0] == '@' && is_in(groups, word + 1)))
			return true;
	}
	return strcmp(user, "root") == 0;
}

const char *
nixtrust_user(struct arena *a, struct texts *ret_groups)
{
	const struct passwd *of = getpwuid(geteuid());
	const char *user = of != NULL ? arena_strdup(a, of->pw_name) : arena_printf(a, "%u", (unsigned)geteuid());
	gid_t ids[MAX_GROUPS + 1];
	int n = getgroups(MAX_GROUPS, ids);

	n = n < 0 ? 0 : n;
	ids[n++] = getegid();
	*ret_groups = (struct texts){arena_alloc(a, (size_t)n * sizeof(*ret_groups->p)), 0};
	for (int i = 0; i < n; i++) {
		const struct group *g = getgrgid(ids[i]);
		ret_groups->p[ret_groups->n++] =
		    g != NULL ? arena_strdup(a, g->gr_name) : arena_printf(a, "%u", (unsigned)ids[i]);
	}
	return user;
}
