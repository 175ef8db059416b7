/* Addresses, a token, and one question. */
#include "forge/github/pull.h"

#include "config/config.h"
#include "forge/github/http.h"
#include "forge/github/jwt.h"
#include "forge/github/payload.h"
#include "support/os/child.h"
#include "support/text/json.h"

#include <strings.h>

enum { TOKEN_BYTES = 4096, TIMEOUT_MS = 15000 };

/* --- addresses --------------------------------------------------------------------------------------------------------- */

/* A name that stands in an address as it is. */
static bool
plain(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (!((s.p[i] >= 'a' && s.p[i] <= 'z') || (s.p[i] >= 'A' && s.p[i] <= 'Z') ||
		        (s.p[i] >= '0' && s.p[i] <= '9') || strchr("-_.", s.p[i]) != NULL))
			return false;
	return s.n > 0 && s.p[0] != '.' && s.p[0] != '-';
}

static bool
plain_host(struct str s)
{
	struct str port, host = str_cut(s, ':', &port);
	int64_t n;

	return plain(host) && (port.p == NULL || (str_to_i64(port, &n) == 0 && n > 0 && n < 65536));
}

/* OWNER/NAME, with or without ".git". */
static int
take_names(struct arena *a, struct str owner, struct str name, struct pull_address *ret)
{
	if (str_ends(name, STR(".git")))
		name.n -= 4;
	if (!plain(owner) || !plain(name))
		return 1;
	ret->owner = str_dup(a, owner);
	ret->name = str_dup(a, name);
	return 0;
}

/* What is behind the scheme: HOST and a path. */
static int
take_http(struct arena *a, const char *url, struct str *ret_path, struct pull_address *ret)
{
	struct str all = str_of(url), path;
	const char *scheme = str_starts(all, STR("https://")) ? "https" : str_starts(all, STR("http://")) ? "http" : NULL;

	if (scheme == NULL)
		return 1;
	struct str host = str_cut(str_from(all, strlen(scheme) + 3), '/', &path), at;
	struct str user = str_cut(host, '@', &at);
	host = at.p != NULL ? at : user;
	if (!plain_host(host) || path.p == NULL)
		return 1;
	ret->origin = arena_printf(a, "%s://" STR_FMT, scheme, STR_ARG(host));
	*ret_path = path;
	return 0;
}

int
pull_address_read(struct arena *a, const char *text, struct pull_address *ret, struct err *e)
{
	struct pull_address found = {0};
	struct str path, rest;

	if (take_http(a, text, &path, &found) == 0) {
		struct str owner = str_cut(path, '/', &rest), name = str_cut(rest, '/', &rest),
		           word = str_cut(rest, '/', &rest);
		size_t digits = rest.p != NULL ? strspn(rest.p, "0123456789") : 0;
		if (rest.p != NULL && (str_is(word, "pull") || str_is(word, "pulls")) && digits > 0 && digits <= rest.n &&
		    (digits == rest.n || strchr("/?#", rest.p[digits]) != NULL) &&
		    str_to_i64((struct str){rest.p, digits}, &found.number) == 0 && found.number > 0 &&
		    take_names(a, owner, name, &found) == 0) {
			*ret = found;
			return 0;
		}
	}
	return fail(e, ERR_INPUT,
	    "%.200s is neither a number nor the address of a pull request, https://HOST/OWNER/NAME/pull/NUMBER", text);
}

int
pull_address_of_remote(struct arena *a, const char *url, struct pull_address *ret)
{
	struct pull_address found = {0};
	struct str path, rest, all = str_of(url);

	if (take_http(a, url, &path, &found) != 0) {
		struct str host;
		if (str_starts(all, STR("ssh://"))) {
			host = str_cut(str_from(all, 6), '/', &path);
			host = str_cut(host, ':', &rest); /* the port is not that of pages */
			(void)str_cut(host, '@', &rest);
		} else {
			host = str_cut(all, ':', &path);
			(void)str_cut(host, '@', &rest);
		}
		host = rest.p != NULL && rest.n > 0 && host.p <= rest.p && rest.p <= host.p + host.n ? rest : host;
		if (path.p == NULL || !plain(host))
			return 1;
		found.origin = arena_printf(a, "https://" STR_FMT, STR_ARG(host));
	}
	if (path.n > 0 && path.p[path.n - 1] == '/')
		path.n--;
	struct str owner = str_cut(path, '/', &rest);
	if (rest.p == NULL || take_names(a, owner, rest, &found) != 0)
		return 1;
	*ret = found;
	return 0;
}

bool
pull_same_repository(const struct pull_address *a, const struct pull_address *b)
{
	return strcasecmp(a->origin, b->origin) == 0 && strcasecmp(a->owner, b->owner) == 0 &&
	       strcasecmp(a->name, b->name) == 0;
}

/* --- the token --------------------------------------------------------------------------------------------------------- */

const char *
pull_token(struct arena *a, const struct pull_address *at)
{
	const struct config_forge_environment env = config_forge_environment();
	AUTO(buf_release) struct buf out = {0};
	const char *host = strstr(at->origin, "://");
	struct err e;

	if (env.token != NULL && strcasecmp(at->origin, env.server) == 0 && plain(str_of(env.token)))
		return env.token;
	if (child_find(a, "gh") == NULL || host == NULL)
		return NULL;
	buf_init(&out, TOKEN_BYTES);
	const char *const argv[] = {"gh", "auth", "token", "--hostname", host + 3, NULL};
	if (child_output(argv, &out, &e) != 0 || !plain(str_trim(buf_get(&out))))
		return NULL;
	return str_dup(a, str_trim(buf_get(&out)));
}

const char *
pull_authorization(struct arena *a, const char *token)
{
	const char *pair = arena_printf(a, "x-access-token:%s", token);

	return arena_printf(a, "Basic %s", jwt_base64(a, pair, strlen(pair)));
}

/* --- the question ------------------------------------------------------------------------------------------------------ */

struct pull_question {
	struct arena *a;
	struct loop *loop;
	const char *base;
	struct err e;
};

static void
on_answer(void *ctx, const struct http_answer *answer)
{
	AUTO(json_drop) json_t *body = NULL;
	struct pull_question *q = ctx;
	struct event_pull pull;

	if (answer->status == 0)
		q->e = answer->e;
	else if (answer->status != 200)
		(void)fail(&q->e, ERR_DENIED, "GitHub answers %d", answer->status);
	else if (json_read(answer->body, "GitHub's answer", &body, &q->e) == 0 && payload_pull(q->a, body, &pull, &q->e) == 0)
		q->base = arena_strdup(q->a, pull.base_ref);
	loop_stop(q->loop);
}

static const char *
api_of(struct arena *a, const struct pull_address *at)
{
	const struct config_forge_environment env = config_forge_environment();

	if (env.api != NULL && strcasecmp(at->origin, env.server) == 0)
		return env.api;
	return strcasecmp(at->origin, "https://github.com") == 0 ? "https://api.github.com"
	                                                         : arena_printf(a, "%s/api/v3", at->origin);
}

int
pull_base(struct arena *a, const struct pull_address *at, const char *token, const char **ret, struct err *e)
{
	struct pull_question q = {.a = a, .e = {.kind = ERR_BUSY, .msg = "interrupted"}};
	struct http *h = NULL;
	const struct http_request r = {.method = "GET",
	    .url = arena_printf(a, "%s/repos/%s/%s/pulls/%lld", api_of(a, at), at->owner, at->name, (long long)at->number),
	    .authorization = arena_printf(a, "Bearer %s", token),
	    .timeout_ms = TIMEOUT_MS};

	if (loop_new(&q.loop, e) != 0)
		return -1;
	int rc = http_new(q.loop, NULL, &h, e);
	if (rc == 0) {
		http_send(h, &r, on_answer, &q);
		loop_run(q.loop);
		http_free(h);
	}
	loop_free(q.loop);
	child_catch_term(); /* the loop gave the signals back */
	if (rc != 0)
		return -1;
	*ret = q.base;
	*e = q.e;
	return q.base != NULL ? 0 : -1;
}
