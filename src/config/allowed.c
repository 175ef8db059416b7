/* What a value of each kind must look like. */
#include "config/allowed.h"

#include "changeset/glob.h"
#include "records/plan.h"
#include "support/base/log.h"

#include <string.h>

static int
one_of(struct str value, const char *const *words, struct err *e)
{
	AUTO(buf_release) struct buf list;

	buf_init(&list, 256);
	for (size_t i = 0; words[i] != NULL; i++) {
		if (str_is(value, words[i]))
			return 0;
		buf_printf(&list, "%s\"%s\"", i == 0 ? "" : words[i + 1] != NULL ? ", " : " or ", words[i]);
	}
	return fail(e, ERR_INPUT, "must be %s", list.p);
}

int
check_sandbox(struct str value, struct err *e)
{
	static const char *const words[] = {"require", "auto", "off", NULL};

	return one_of(value, words, e);
}

int
check_drafts(struct str value, struct err *e)
{
	static const char *const words[] = {"wait", "report", NULL};

	return one_of(value, words, e);
}

int
check_comment(struct str value, struct err *e)
{
	return one_of(value, report_comment_words, e);
}

int
check_decide(struct str value, struct err *e)
{
	static const char *const words[] = {"comment", "labels", "review_requests", "attribute_checks", "budget", NULL};

	return one_of(value, words, e);
}

int
check_forks(struct str value, struct err *e)
{
	static const char *const words[] = {"approve", "evaluate", "build", NULL};

	return one_of(value, words, e);
}

int
check_approval(struct str value, struct err *e)
{
	static const char *const words[] = {"outside", "first-time", "never", NULL};

	return one_of(value, words, e);
}

/* As its address has it: github.com/orgs/ORG/teams/TEAM. */
int
check_team(struct str value, struct err *e)
{
	struct str rest, org = str_cut(value, '/', &rest);
	bool good = org.n > 0 && rest.n > 0;

	for (size_t i = 0; i < value.n && good; i++) {
		char c = value.p[i];
		good = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' ||
		       (c == '/' && i == org.n);
	}
	return good ? 0 : fail(e, ERR_INPUT, "must be ORG/TEAM, the team as its address has it: \"our-org/nix-reviewers\"");
}

int
check_evaluator(struct str value, struct err *e)
{
	static const char *const words[] = {"auto", "nix-eval-jobs", "built-in", NULL};
	struct err ignored;

	if (memchr(value.p, '/', value.n) != NULL || one_of(value, words, &ignored) == 0)
		return 0;
	return fail(e, ERR_INPUT, "must be \"auto\", \"nix-eval-jobs\", \"built-in\" or the path of a program (with a \"/\")");
}

int
check_listen(struct str value, struct err *e)
{
	const char *colon = memrchr(value.p, ':', value.n);
	int64_t port;

	if (colon == NULL || colon == value.p || str_to_i64(str_from(value, (size_t)(colon - value.p) + 1), &port) != 0 ||
	    port < 0 || port > 65535)
		return fail(e, ERR_INPUT, "must be ADDRESS:PORT, such as 127.0.0.1:3030 or [::1]:3030");
	return 0;
}

int
check_url(struct str value, struct err *e)
{
	if (!str_starts(value, STR("http://")) && !str_starts(value, STR("https://")))
		return fail(e, ERR_INPUT, "must begin with http:// or https://");
	for (size_t i = 0; i < value.n; i++)
		if ((unsigned char)value.p[i] <= ' ' || strchr("\"<>?#@", value.p[i]) != NULL)
			return fail(e, ERR_INPUT, "must be a plain address, without user, query, fragment or spaces");
	return 0;
}

/* A password would stand in this file, which others may read: the environment is for that. */
int
check_proxy(struct str value, struct err *e)
{
	static const char *const schemes[] = {"http://", "https://", "socks5h://", "socks5://"};

	for (size_t i = 0; i < COUNT(schemes); i++) {
		struct str host = str_from(value, strlen(schemes[i]));
		if (!str_starts(value, str_of(schemes[i])))
			continue;
		if (host.n > 0 && memchr(host.p, '@', host.n) != NULL)
			return fail(e, ERR_INPUT,
			    "must not hold a user or password: https_proxy in the service's environment may, without this key");
		for (size_t k = 0; k < host.n; k++)
			if ((unsigned char)host.p[k] <= ' ' || strchr("/?#\"<>", host.p[k]) != NULL)
				host.n = 0;
		return host.n > 0 ? 0 : fail(e, ERR_INPUT, "must be such as http://proxy.example.org:3128, without a path");
	}
	return fail(e, ERR_INPUT, "must begin with http://, https://, socks5:// or socks5h://");
}

int
check_glob(struct str value, struct err *e)
{
	return glob_check(value, e) == 0 ? 0 : fail_in(e, "is no pattern");
}

int
check_repositories(struct str value, struct err *e)
{
	if (check_glob(value, e) != 0)
		return -1;
	return memchr(value.p, '/', value.n) != NULL
	           ? 0
	           : fail(e, ERR_INPUT, "must be OWNER/NAME, such as \"NixOS/nixpkgs\" or \"our-org/*\"");
}

int
check_word(struct str value, struct err *e)
{
	for (size_t i = 0; i < value.n; i++)
		if ((unsigned char)value.p[i] <= ' ' || (unsigned char)value.p[i] > 126 || value.p[i] == ',')
			return fail(e, ERR_INPUT, "must not hold spaces, commas or other than ASCII");
	return value.n > 0 ? 0 : fail(e, ERR_INPUT, "must not be empty");
}

/* A secret would stand in the arguments of a program, where everybody on the machine can read it. */
int
check_cache(struct str value, struct err *e)
{
	struct str rest, scheme;
	ptrdiff_t at = str_find(value, STR("://"));

	if (check_word(value, e) != 0)
		return -1;
	if (at <= 0)
		return fail(e, ERR_INPUT, "must be a store Nix can copy to, such as file:///srv/cache or s3://BUCKET");
	scheme = str_cut(value, ':', &rest);
	struct str path = str_cut(str_from(value, (size_t)at + 3), '?', &rest), host = str_cut(path, '/', &rest);
	if (!str_starts(scheme, STR("ssh")) && host.n > 0 && memchr(host.p, '@', host.n) != NULL)
		return fail(e, ERR_INPUT,
		    "must not hold a user or password: those belong in Nix' netrc-file or the provider's own file");
	return 0;
}

int
check_refs(struct str value, struct err *e)
{
	return str_is(value, "branches") || str_is(value, "members")
	           ? 0
	           : fail(e, ERR_INPUT, "must be \"branches\" or \"members\"");
}

/* GitHub gives such logins to Apps only: nobody can take one that is named here. */
int
check_bot(struct str value, struct err *e)
{
	if (check_word(value, e) != 0)
		return -1;
	return str_ends(value, STR("[bot]")) && value.n > 5
	           ? 0
	           : fail(e, ERR_INPUT, "must be an App's login as its comments show it to the API: \"name[bot]\"");
}

int
check_format(struct str value, struct err *e)
{
	static const char *const words[] = {"logfmt", "text", NULL};

	return one_of(value, words, e);
}

int
check_level(struct str value, struct err *e)
{
	return one_of(value, log_level_names, e);
}

int
check_label(struct str value, struct err *e)
{
	for (size_t i = 0; i < value.n; i++)
		if ((unsigned char)value.p[i] < ' ' || value.p[i] == ',')
			return fail(e, ERR_INPUT, "must not hold commas or control characters");
	return value.n <= 30 ? 0 : fail(e, ERR_INPUT, "must have at most 30 bytes: GitHub's labels end at 50");
}

int
check_own_label(struct str value, struct err *e)
{
	for (size_t i = 0; i < value.n; i++)
		if ((unsigned char)value.p[i] < ' ' || value.p[i] == ',')
			return fail(e, ERR_INPUT, "must not hold commas or control characters");
	return value.n <= 50 ? 0 : fail(e, ERR_INPUT, "must have at most 50 bytes, as GitHub's labels have");
}

int
check_label_approvers(struct str value, struct err *e)
{
	static const char *const words[] = {"write", "triage", NULL};

	return one_of(value, words, e);
}

int
check_system(struct str value, struct err *e)
{
	if (check_word(value, e) != 0)
		return -1;
	if (memchr(value.p, '-', value.n) == NULL)
		return fail(e, ERR_INPUT, "must be a system such as x86_64-linux");
	return 0;
}

/* It stands in addresses, and before names with a ":". */
int
check_host_name(struct str value, struct err *e)
{
	bool good = value.n <= 30;

	for (size_t i = 0; i < value.n && good; i++)
		good = (value.p[i] >= 'a' && value.p[i] <= 'z') || (value.p[i] >= '0' && value.p[i] <= '9') ||
		       (value.p[i] == '-' && i > 0);
	return good ? 0 : fail(e, ERR_INPUT, "must be at most 30 of a-z, 0-9 and \"-\"");
}
