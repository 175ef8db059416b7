/* One question after the other, each with a loop of its own. */
#include "forge/github/online.h"

#include "forge/github/http.h"
#include "forge/github/jwt.h"
#include "forge/github/needs.h"
#include "support/base/clock.h"
#include "support/os/files.h"
#include "support/text/json.h"

#include <inttypes.h>
#include <string.h>

enum {
	MAX_PAGES = 20,                 /* of installations, a hundred each */
	CLOCK_WRONG_S = 55,             /* a JWT is dated back by a minute */
	FRESH_MS = 2 * 24 * 3600 * 1000 /* GitHub lists deliveries of three days */
};

struct online_questions {
	struct arena *a;
	const struct settings *s;
	struct online *ret;
	struct loop *loop;
	struct http *http;
	struct jwt_key *key;
	const char *api;      /* without a final slash */
	const char *settings; /* page of the App */
	/* the last answer */
	int status;
	struct err why; /* status 0 */
	json_t *body;
	const char *words, *next;
	int64_t date_s;
};

#define WRONG(o, ...) list_add((o)->a, &(o)->ret->wrong, arena_printf((o)->a, __VA_ARGS__))
#define NOTE(o, ...)  list_add((o)->a, &(o)->ret->notes, arena_printf((o)->a, __VA_ARGS__))

static void
on_answer(void *ctx, const struct http_answer *answer)
{
	struct online_questions *o = ctx;
	struct err ignored;

	o->status = answer->status;
	o->why = answer->e;
	o->date_s = answer->date_s;
	json_decref(o->body);
	o->body = NULL;
	if (answer->status != 0 && json_read(answer->body, "GitHub's answer", &o->body, &ignored) != 0)
		o->body = NULL;
	o->words = str_dup(o->a, str_utf8_head(json_text(o->body, "message"), 200));
	o->next = answer->next[0] != '\0' && http_same_origin(answer->next, o->api) ? arena_strdup(o->a, answer->next) : NULL;
	loop_stop(o->loop);
}

/* Asks for an address as the App; -1 when there is no way to. */
static int
ask(struct online_questions *o, const char *url, struct err *e)
{
	const char *jwt;

	if (jwt_sign(o->a, o->key, o->s->github.app_id, clock_now_ms() / 1000, &jwt, e) != 0)
		return -1;
	struct http_request r = {.method = "GET", .url = url, .authorization = arena_printf(o->a, "Bearer %s", jwt)};
	http_send(o->http, &r, on_answer, o);
	loop_run(o->loop);
	return 0;
}

/* --- the App ------------------------------------------------------------------------------------------------------- */

/* True when it is so wrong that GitHub refuses us. */
static bool
is_clock_wrong(struct online_questions *o)
{
	int64_t ahead_s = o->date_s > 0 ? clock_now_ms() / 1000 - o->date_s : 0;

	if (ahead_s >= -CLOCK_WRONG_S && ahead_s <= CLOCK_WRONG_S)
		return false;
	WRONG(o, "this machine's clock is %" PRId64 " s %s GitHub's: set it (NTP); what is signed with it is refused",
	    ahead_s < 0 ? -ahead_s : ahead_s, ahead_s < 0 ? "behind" : "ahead of");
	return true;
}

/* Why GitHub does not tell us of the App. */
static void
explain(struct online_questions *o)
{
	bool clock = is_clock_wrong(o);

	if (o->status == 0)
		WRONG(o,
		    "%s cannot be reached (%s): is [github] api_url right, and is a proxy or a certificate of your own needed "
		    "([network])?",
		    o->api, o->why.msg);
	else if (o->status == 404 && strstr(o->words, "Integration") != NULL)
		WRONG(o,
		    "GitHub knows no App \"%s\" (404 %s): [github] app_id must be the client ID, or the App ID, of its settings page",
		    o->s->github.app_id, o->words);
	else if (o->status == 401 && !clock)
		WRONG(o,
		    "GitHub does not accept the key (401 %s): [github] private_key_file must hold a private key of the App \"%s\"; "
		    "its settings page makes a new one",
		    o->words, o->s->github.app_id);
	else if (o->status == 200 || o->status == 404)
		WRONG(o, "%s/app is no GitHub API (%d): [github] api_url is https://api.github.com, or https://HOST/api/v3",
		    o->api, o->status);
	else if (!clock)
		WRONG(o, "GitHub does not say who we are (%d %s)", o->status, o->words);
}

/* The page where an App is changed, of its page for the public: https://HOST/apps/SLUG. */
static const char *
settings_page(struct online_questions *o, const json_t *app)
{
	const json_t *owner = json_object_get(app, "owner");
	const char *page = json_str(app, "html_url", ""), *at = strstr(page, "/apps/");
	bool organization = strcmp(json_str(owner, "type", ""), "Organization") == 0;

	if (at == NULL)
		return "its settings page";
	return arena_printf(o->a, "%.*s/%s%ssettings%s", (int)(at - page), page, organization ? "organizations/" : "",
	    organization ? arena_printf(o->a, "%s/", json_str(owner, "login", "")) : "", at);
}

static void
check_app(struct online_questions *o)
{
	const char *lacking = needs_permissions(o->a, json_object_get(o->body, "permissions"));
	const char *unheard = needs_events(o->a, json_object_get(o->body, "events"));

	o->ret->app = arena_printf(o->a, "%s (%" PRId64 ")", json_str(o->body, "slug", ""), json_int(o->body, "id", 0));
	o->settings = settings_page(o, o->body);
	(void)is_clock_wrong(o);
	if (lacking != NULL)
		WRONG(o,
		    "the App does not ask for what it needs (%s): %s/permissions; the owner of each installation accepts it then",
		    lacking, o->settings);
	if (unheard != NULL)
		WRONG(o, "the App is not subscribed to events it needs (%s): %s/permissions", unheard, o->settings);
}

/* --- the webhook --------------------------------------------------------------------------------------------------- */

static void
check_hook(struct online_questions *o)
{
	size_t was = o->ret->wrong.n;

	if (o->status != 200) {
		WRONG(o, "the App has no webhook that GitHub tells of (%d %s): %s", o->status, o->words, o->settings);
		return;
	}
	needs_hook(o->a, o->body, needs_hook_url(o->a, o->s->web.url, o->s->github.name), &o->ret->wrong, &o->ret->notes);
	for (size_t i = was; i < o->ret->wrong.n; i++)
		o->ret->wrong.p[i] = arena_printf(o->a, "%s: %s", o->ret->wrong.p[i], o->settings);
	if (o->s->web.url == NULL)
		NOTE(o,
		    "[web] url is not set: whether the webhook's address is the bot's cannot be told, and links lead to this machine");
}

/* True when GitHub has sent nothing, as far as it remembers. */
static bool
check_deliveries(struct online_questions *o)
{
	const json_t *last = json_array_get(o->body, 0);
	const char *event = json_str(last, "event", "?"), *when = json_str(last, "delivered_at", "?");
	int64_t code = json_int(last, "status_code", 0);

	if (o->status != 200 || last == NULL)
		return o->status == 200;
	if (code == 401)
		WRONG(o,
		    "the last delivery (%s, %s) was answered 401: the webhook's secret at %s is not that of [github] "
		    "webhook_secret_file, or something before the bot asks for a password",
		    event, when, o->settings);
	else if (strcmp(json_str(last, "status", ""), "OK") != 0)
		NOTE(o,
		    "the last delivery (%s, %s) did not arrive (%" PRId64
		    " %s): does the bot run, and is it reached from outside?",
		    event, when, code, json_str(last, "status", ""));
	return false;
}

/* --- the installations --------------------------------------------------------------------------------------------- */

/* What only a setting needs, which is switched on. */
static void
check_switched_on(struct online_questions *o, const char *who, const char *page, const json_t *permissions)
{
	bool teams = false;
	for (size_t i = 0; i < o->s->trust.teams.n; i++)
		teams |= config_at_host(o->s, o->s->github.number, o->s->trust.teams.p[i]) != NULL;
	if (teams && json_str(permissions, "members", NULL) == NULL)
		WRONG(o,
		    "the installation of %s does not let us read members, so no team of [trust] teams is trusted (members: read): %s",
		    who, page);
	if (o->s->report.statuses && strcmp(json_str(permissions, "statuses", ""), "write") != 0)
		WRONG(o, "the installation of %s does not let us write what [report] statuses asks for (statuses: write): %s",
		    who, page);
}

static void
check_installation(struct online_questions *o, const json_t *one)
{
	const char *who = json_str(json_object_get(one, "account"), "login", "?"), *page = json_str(one, "html_url", "");
	const char *lacking = needs_permissions(o->a, json_object_get(one, "permissions"));

	if (json_str(one, "suspended_at", NULL) != NULL)
		WRONG(o, "the installation of %s is suspended since %s: %s", who, json_str(one, "suspended_at", ""), page);
	else if (lacking != NULL)
		WRONG(o, "the installation of %s has not given what the bot needs (%s): its owner accepts it at %s", who,
		    lacking, page);
	check_switched_on(o, who, page, json_object_get(one, "permissions"));
}

static int
check_installations(struct online_questions *o, bool silent, struct err *e)
{
	int64_t n = 0, newest_ms = 0;
	const json_t *one;
	size_t i;

	o->next = arena_printf(o->a, "%s/app/installations?per_page=100", o->api);
	for (int page = 0; page < MAX_PAGES && o->next != NULL; page++) {
		if (ask(o, o->next, e) != 0)
			return -1;
		if (o->status != 200) {
			WRONG(o, "GitHub does not tell the installations (%d %s)", o->status,
			    o->status != 0 ? o->words : o->why.msg);
			return 0;
		}
		json_array_foreach(o->body, i, one) {
			int64_t at = clock_of_text(json_str(one, "created_at", NULL));
			newest_ms = at > newest_ms ? at : newest_ms;
			n++;
			check_installation(o, one);
		}
	}
	if (n == 0)
		NOTE(o, "the App is installed nowhere yet: %s/installations", o->settings);
	if (silent && newest_ms > clock_now_ms() - FRESH_MS)
		WRONG(o,
		    "GitHub has sent nothing, although an installation is new: the webhook is not active, tick \"Active\" at %s",
		    o->settings);
	else if (silent)
		NOTE(o, "GitHub has sent nothing for days: when that is not for want of events, the webhook is not active (%s)",
		    o->settings);
	return 0;
}

static int
ask_all(struct online_questions *o, struct err *e)
{
	if (ask(o, arena_printf(o->a, "%s/app", o->api), e) != 0)
		return -1;
	if (o->status != 200 || json_int(o->body, "id", 0) <= 0) {
		explain(o);
		return 0;
	}
	check_app(o);
	if (ask(o, arena_printf(o->a, "%s/app/hook/config", o->api), e) != 0)
		return -1;
	check_hook(o);
	if (ask(o, arena_printf(o->a, "%s/app/hook/deliveries?per_page=1", o->api), e) != 0)
		return -1;
	return check_installations(o, check_deliveries(o), e);
}

/* A credential that only the service is given stands beside the settings, where `ekaci setup` wrote it. */
static const char *
key_file(struct arena *a, const struct settings *s, const char *folder)
{
	const char *file = s->github.private_key_file;

	if (file[0] != '$')
		return file;
	const char *pem = arena_printf(a, "%s/%s.pem", folder, file + 1);
	return files_exist(pem) ? pem : arena_printf(a, "%s/%s", folder, file + 1);
}

int
online_check(struct arena *a, const struct settings *s, const char *folder, struct online *ret, struct err *e)
{
	struct online_questions o = {.a = a, .s = s, .ret = ret, .words = ""};
	struct str url = str_of(s->github.api_url);
	int rc = 0;

	*ret = (struct online){0};
	while (str_ends(url, STR("/")))
		url.n--;
	o.api = str_dup(a, url);
	config_use_network(s);
	if (jwt_key_read(key_file(a, s, folder), &o.key, e) != 0) {
		WRONG(&o, "[github] private_key_file: %s", e->msg);
		return 0;
	}
	if (loop_new(&o.loop, e) != 0) {
		jwt_key_free(o.key);
		return -1;
	}
	if (http_new(o.loop, s->network.ca_file, &o.http, e) != 0)
		WRONG(&o, "%s", e->msg);
	else
		rc = ask_all(&o, e);
	http_free(o.http);
	loop_free(o.loop);
	jwt_key_free(o.key);
	json_decref(o.body);
	return rc;
}
