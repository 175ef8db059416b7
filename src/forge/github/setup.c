/* `ekaci setup`: a form makes the App at GitHub, GitHub answers with a code, and the code is exchanged for what three files then hold. */
#include "forge/github/setup.h"

#include "config/config.h"
#include "forge/github/http.h"
#include "forge/github/jwt.h"
#include "forge/github/needs.h"
#include "support/base/clock.h"
#include "support/os/files.h"
#include "support/text/escape.h"
#include "support/text/json.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <microhttpd.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

enum { PORT = 3031, WAIT_MS = 3600 * 1000, TURN_MS = 1000, STATE_BYTES = 16, MAX_CODE = 200, MAX_NAME = 34 };

struct app_setup {
	struct arena a;
	const char *url, *dir, *name, *organization, *github, *api;
	int64_t port;
	struct settings network; /* [network] of it */
	const char *state;       /* comes back with the code, so that nobody else's code is taken */
	bool done, no_browser;
	/* the exchange */
	struct loop *loop;
	json_t *app;
	struct err why;
};

const struct usage_option setup_options[] = {
    {"--url", "ADDRESS", .what = "where GitHub reaches the bot", .means = 'u'},
    {"--dir", "DIR", .what = "where to write (/etc/ekaci)", .means = 'd'},
    {"--organization", "ORG", .what = "whose the App is; else it is yours", .means = 'o'},
    {"--name", "NAME", .what = "the App's name", .means = 'n'},
    {"--no-browser", NULL, .what = "this machine is reached by ssh only", .means = 'b'},
    {"--port", "N", .what = "on this machine, for the browser", .means = 'p'},
    {"--github", "ADDRESS", .what = "of a GitHub Enterprise server", .means = 'g'},
    {"--api", "ADDRESS", .what = "of its API (ADDRESS/api/v3)", .means = 'a'},
    {"--proxy", "ADDRESS", .what = "through which GitHub is reached ($https_proxy)", .means = 'P'},
    {"--ca-file", "FILE", .what = "certificates that are trusted beside the system's", .means = 'c'},
    {0},
};

static const char *
file_of(struct app_setup *s, const char *name)
{
	return arena_printf(&s->a, "%s/%s", s->dir, name);
}

/* --- the files ----------------------------------------------------------------------------------------------------- */

static int
must_not_be_there(struct app_setup *s, struct err *e)
{
	static const char *const names[] = {"ekaci.toml", "private-key.pem", "webhook-secret"};

	for (size_t i = 0; i < COUNT(names); i++)
		if (files_exist(file_of(s, names[i])))
			return fail(e, ERR_INPUT, "%s is there already; setup overwrites nothing", file_of(s, names[i]));
	return 0;
}

static int
write_files(struct app_setup *s, struct err *e)
{
	const char *pem = json_str(s->app, "pem", NULL), *secret = json_str(s->app, "webhook_secret", NULL);
	/* The unit hands the files of /etc/ekaci over as credentials: its user cannot read them. */
	bool unit = strcmp(s->dir, "/etc/ekaci") == 0;
	const char *key = unit ? "$private-key" : file_of(s, "private-key.pem");
	const char *hook = unit ? "$webhook-secret" : file_of(s, "webhook-secret");

	if (pem == NULL || secret == NULL || json_int(s->app, "id", 0) <= 0)
		return fail(e, ERR_INPUT, "GitHub's answer lacks the App's id, pem or webhook_secret");
	const char *api =
	    strcmp(s->api, "https://api.github.com") == 0 ? "" : arena_printf(&s->a, "api_url = \"%s\"\n", s->api);
	const struct settings *n = &s->network;
	const char *proxy = n->network.proxy != NULL ? arena_printf(&s->a, "proxy = \"%s\"\n", n->network.proxy) : "";
	const char *ca = n->network.ca_file != NULL ? arena_printf(&s->a, "ca_file = \"%s\"\n", n->network.ca_file) : "";
	const char *toml = arena_printf(&s->a,
	    "# Written by ekaci setup. Every other key, its default and its reason: ekaci.toml.example.\n\n"
	    "[web]\nurl = \"%s\"\n\n[github]\n%sapp_id = \"%" PRId64
	    "\"\nprivate_key_file = \"%s\"\nwebhook_secret_file = \"%s\"\n%s%s%s",
	    s->url, api, json_int(s->app, "id", 0), key, hook, *proxy != '\0' || *ca != '\0' ? "\n[network]\n" : "", proxy, ca);
	if (files_write(file_of(s, "private-key.pem"), str_of(pem), 0600, FILES_SYNC, e) != 0 ||
	    files_write(file_of(s, "webhook-secret"), str_of(secret), 0600, FILES_SYNC, e) != 0)
		return -1;
	return files_write(file_of(s, "ekaci.toml"), str_of(toml), 0644, FILES_SYNC, e);
}

/* --- the exchange -------------------------------------------------------------------------------------------------- */

static void
on_app(void *ctx, const struct http_answer *answer)
{
	struct app_setup *s = ctx;

	if (answer->status == 0)
		s->why = answer->e;
	else if (answer->status != 201)
		(void)fail(&s->why, ERR_DENIED, "GitHub answered %d to the code; it is good once, for an hour", answer->status);
	else if (json_read(answer->body, "GitHub's answer", &s->app, &s->why) == 0)
		s->why = (struct err){0};
	loop_stop(s->loop);
}

static int
exchange(struct app_setup *s, const char *code, struct err *e)
{
	struct http *h = NULL;
	const struct http_request r = {.method = "POST",
	    .url = arena_printf(&s->a, "%s/app-manifests/%s/conversions", s->api, code)};

	json_decref(s->app);
	s->app = NULL;
	s->why = (struct err){.kind = ERR_BUSY};
	if (loop_new(&s->loop, e) != 0)
		return -1;
	int rc = http_new(s->loop, s->network.network.ca_file, &h, e);
	if (rc == 0) {
		http_send(h, &r, on_app, s);
		loop_run(s->loop);
		http_free(h);
		*e = s->why;
		rc = s->app != NULL ? write_files(s, e) : -1;
	}
	loop_free(s->loop);
	return rc;
}

/* --- the pages ----------------------------------------------------------------------------------------------------- */

static const char page_begin[] =
    "<!doctype html><meta charset=utf-8><meta name=viewport content=\"width=device-width\">"
    "<title>ekaci setup</title><style>body{font:16px/1.5 sans-serif;max-width:40em;margin:3em auto;padding:0 1em}"
    "button{font:inherit;padding:.5em 1em}</style><h1>ekaci setup</h1>";

static const char *
html(struct app_setup *s, const char *text)
{
	return escape_dup(&s->a, ESCAPE_HTML, str_of(text));
}

static const char *
manifest(struct app_setup *s)
{
	AUTO(json_drop) json_t *m = needs_manifest();

	json_object_set_new(m, "name", json_string(s->name));
	json_object_set_new(m, "url", json_string(s->url));
	json_object_set_new(m, "redirect_url", json_string(arena_printf(&s->a, "http://127.0.0.1:%" PRId64 "/done", s->port)));
	json_object_set_new(json_object_get(m, "hook_attributes"), "url",
	    json_string(arena_printf(&s->a, "%s/webhook", s->url)));
	return json_line(&s->a, m);
}

static const char *
page_form(struct app_setup *s)
{
	const char *owner = s->organization != NULL ? arena_printf(&s->a, "organizations/%s/", s->organization) : "";

	return arena_printf(&s->a,
	    "%s<p>GitHub asks you to name the App; what it may do, and where it sends events (<code>%s/webhook</code>), is filled in."
	    "<form method=post action=\"%s/%ssettings/apps/new?state=%s\"><input type=hidden name=manifest value=\"%s\">"
	    "<button>Make the App at %s</button></form>",
	    page_begin, html(s, s->url), html(s, s->github), html(s, owner), s->state, html(s, manifest(s)),
	    html(s, s->github));
}

static bool
code_ok(const char *code)
{
	size_t n = code != NULL ? strlen(code) : 0;

	return n > 0 && n <= MAX_CODE && strspn(code, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-") == n;
}

/* Gives where the App is installed. */
static const char *
tell_done(struct app_setup *s)
{
	const char *install = arena_printf(&s->a, "%s/installations/new", json_str(s->app, "html_url", s->github));
	const char *file = file_of(s, "ekaci.toml");

	s->done = true;
	printf("The App is made; %s is written.\nInstall it on your repositories: %s\nThen: ekaci check-config --online %s\n"
	       "and:  ekaci serve --config %s\n",
	    file, escape_dup(&s->a, ESCAPE_TERMINAL, str_of(install)), file, file);
	return install;
}

static const char *
page_done(struct app_setup *s, struct MHD_Connection *c, unsigned *ret_status)
{
	const char *code = MHD_lookup_connection_value(c, MHD_GET_ARGUMENT_KIND, "code");
	const char *state = MHD_lookup_connection_value(c, MHD_GET_ARGUMENT_KIND, "state");
	struct err e = {0};

	*ret_status = MHD_HTTP_BAD_REQUEST;
	if (state == NULL || strcmp(state, s->state) != 0 || !code_ok(code))
		return arena_printf(&s->a, "%s<p>This is not the way back from the form. <a href=\"/\">Begin again.</a>",
		    page_begin);
	if (exchange(s, code, &e) != 0) {
		fprintf(stderr, "ekaci: %s\n", e.msg);
		return arena_printf(&s->a, "%s<p>%s <a href=\"/\">Begin again.</a>", page_begin, html(s, e.msg));
	}
	*ret_status = MHD_HTTP_OK;
	const char *install = tell_done(s);
	return arena_printf(&s->a,
	    "%s<p>The App is made, and <code>%s</code> is written.<p><a href=\"%s\">Install it on your "
	    "repositories</a>, then start the bot.",
	    page_begin, html(s, file_of(s, "ekaci.toml")), html(s, install));
}

static enum MHD_Result
on_request(void *ctx, struct MHD_Connection *c, const char *path, const char *method, const char *version, const char *data,
    size_t *n, void **request)
{
	struct app_setup *s = ctx;
	unsigned status = MHD_HTTP_OK;
	const char *text;

	(void)version;
	(void)data;
	(void)request;
	*n = 0;
	if (strcmp(method, "GET") != 0)
		return MHD_NO;
	if (strcmp(path, "/done") == 0)
		text = page_done(s, c, &status);
	else
		text = page_form(s);
	struct MHD_Response *r = MHD_create_response_from_buffer(strlen(text), (void *)(uintptr_t)text, MHD_RESPMEM_MUST_COPY);
	MHD_add_response_header(r, "Content-Type", "text/html; charset=utf-8");
	MHD_add_response_header(r, "Cache-Control", "no-store");
	MHD_add_response_header(r, "Connection", "close");
	enum MHD_Result ret = MHD_queue_response(c, status, r);
	MHD_destroy_response(r);
	return ret;
}

/* --- without a browser here ---------------------------------------------------------------------------------------- */

/* The value of a parameter of an address, or "". */
static const char *
parameter(struct app_setup *s, struct str address, const char *name)
{
	struct str query, wanted = str_of(arena_printf(&s->a, "%s=", name));

	(void)str_cut(address, '?', &query);
	while (query.p != NULL) {
		struct str one = str_cut(query, '&', &query);
		if (str_starts(one, wanted))
			return str_dup(&s->a, str_from(one, wanted.n));
	}
	return "";
}

/* Takes what was pasted: the address that GitHub led to, or the code alone. */
static int
take_paste(struct app_setup *s, struct str line, struct err *e)
{
	bool address = memchr(line.p, '?', line.n) != NULL;
	const char *code = address ? parameter(s, line, "code") : str_dup(&s->a, line);

	if (address && strcmp(parameter(s, line, "state"), s->state) != 0)
		return fail(e, ERR_INPUT, "that address is not of this form: open the one above, and paste what it leads to");
	if (!code_ok(code))
		return fail(e, ERR_INPUT, "there is no code in that: it is behind \"code=\" in the address");
	return exchange(s, code, e);
}

/* The form as an address of its own: nothing here need be reached by the browser. */
static int
ask(struct app_setup *s, struct err *e)
{
	const char *page = page_form(s);
	char line[4096];

	printf("1. Open this address in a browser, on whichever machine, and press the button:\n\n"
	       "data:text/html;base64,%s\n\n"
	       "2. GitHub makes the App and leads to an address that begins with\n   http://127.0.0.1:%" PRId64
	       "/done?code=. Nothing is there, and the browser says so.\n"
	       "   Paste that address here, within an hour: ",
	    jwt_base64(&s->a, page, strlen(page)), s->port);
	fflush(stdout);
	while (!s->done && fgets(line, sizeof(line), stdin) != NULL) {
		struct str text = str_trim(str_of(line));
		if (text.n == 0)
			continue;
		if (take_paste(s, text, e) == 0)
			(void)tell_done(s);
		else
			printf("%s\n   Once more: ", e->msg);
		fflush(stdout);
	}
	return s->done ? 0 : fail(e, ERR_INPUT, "nothing was pasted; no App was made, or its files are not written");
}

/* --- the command --------------------------------------------------------------------------------------------------- */

static int
serve(struct app_setup *s, struct err *e)
{
	struct sockaddr_in at = {.sin_family = AF_INET,
	    .sin_port = htons((uint16_t)s->port),
	    .sin_addr = {htonl(INADDR_LOOPBACK)}};
	int64_t deadline = clock_mono_ms() + WAIT_MS;
	struct MHD_Daemon *d = MHD_start_daemon(MHD_USE_EPOLL, 0, NULL, NULL, on_request, s, MHD_OPTION_SOCK_ADDR,
	    (struct sockaddr *)&at, MHD_OPTION_END);

	if (d == NULL)
		return fail(e, ERR_SYSTEM, "cannot listen on 127.0.0.1:%" PRId64 " (another --port?)", s->port);
	s->port = MHD_get_daemon_info(d, MHD_DAEMON_INFO_BIND_PORT)->port;
	printf("Open http://127.0.0.1:%" PRId64 "/ in a browser. From another machine: ssh -L %" PRId64 ":127.0.0.1:%" PRId64
	       " THIS-MACHINE\n",
	    s->port, s->port, s->port);
	fflush(stdout);
	while (!s->done && clock_mono_ms() < deadline)
		MHD_run_wait(d, TURN_MS);
	/* The last page is still on its way. */
	for (int64_t until = clock_mono_ms() + TURN_MS;
	     clock_mono_ms() < until && MHD_get_daemon_info(d, MHD_DAEMON_INFO_CURRENT_CONNECTIONS)->num_connections > 0;)
		MHD_run_wait(d, TURN_MS / 20);
	MHD_stop_daemon(d);
	return s->done ? 0 : fail(e, ERR_BUSY, "nobody came for an hour");
}

static bool
plain(const char *text)
{
	for (const char *c = text; *c != '\0'; c++)
		if ((unsigned char)*c <= ' ' || *c == '"' || *c == '\\' || *c == 0x7f)
			return false;
	return true;
}

static int
take(struct app_setup *s, const struct usage_option *o, const char *value, struct err *e)
{
	switch (o->means) {
	case 'u': s->url = value; return 0;
	case 'd': s->dir = value; return 0;
	case 'o': s->organization = value; return 0;
	case 'n': s->name = value; return 0;
	case 'g': s->github = value; return 0;
	case 'a': s->api = value; return 0;
	case 'b': s->no_browser = true; return 0;
	case 'P': s->network.network.proxy = value; return 0;
	case 'c': s->network.network.ca_file = value; return 0;
	default: break;
	}
	if (str_to_i64(str_of(value), &s->port) != 0 || s->port < 0 || s->port > 65535)
		return fail(e, ERR_INPUT, "--port %.60s: not a port's number", value);
	return 0;
}

static int
parse(struct app_setup *s, int argc, char **argv, struct err *e)
{
	const struct usage u = {.name = "setup", .options = setup_options};
	struct usage_reader r = {.u = &u, .argc = argc, .argv = argv, .at = 1};
	int is;

	while ((is = usage_next(&r, e)) != USAGE_END) {
		if (is < 0)
			return -1;
		if (is == USAGE_WORD)
			return fail(e, ERR_INPUT, "one word too many: %.60s", r.values[0]);
		if (take(s, r.option, r.values[0], e) != 0)
			return -1;
	}
	return s->url != NULL ? 0 : fail(e, ERR_INPUT, "--url is missing");
}

static int
check(struct app_setup *s, struct err *e)
{
	static const char slash[] = "/";
	const char *host = strstr(s->url, "://");

	if (host == NULL || !escape_link_ok(str_of(s->url)) || !plain(s->url))
		return fail(e, ERR_INPUT, "--url %s: not an http or https address", s->url);
	if (!escape_link_ok(str_of(s->github)) || !plain(s->github))
		return fail(e, ERR_INPUT, "--github %s: not an http or https address", s->github);
	if (!plain(s->dir) || s->dir[0] != '/')
		return fail(e, ERR_INPUT, "--dir %s: not an absolute path without blanks and quotes", s->dir);
	if (s->organization != NULL && (!plain(s->organization) || strpbrk(s->organization, "/?#") != NULL))
		return fail(e, ERR_INPUT, "--organization %s: no name of an organization", s->organization);
	const struct settings *net = &s->network;
	if (net->network.proxy != NULL && config_check_text("network", "proxy", net->network.proxy, e) != 0)
		return fail_in(e, "--proxy %s", net->network.proxy);
	if (net->network.ca_file != NULL && (!plain(net->network.ca_file) || net->network.ca_file[0] != '/'))
		return fail(e, ERR_INPUT, "--ca-file %s: not an absolute path without blanks and quotes", net->network.ca_file);
	size_t n = strlen(s->url), g = strlen(s->github);
	s->url = arena_strn(&s->a, s->url, n - (strcmp(s->url + n - 1, slash) == 0));
	s->github = arena_strn(&s->a, s->github, g - (strcmp(s->github + g - 1, slash) == 0));
	if (s->api != NULL && (!escape_link_ok(str_of(s->api)) || !plain(s->api)))
		return fail(e, ERR_INPUT, "--api %s: not an http or https address", s->api);
	if (s->api == NULL)
		s->api = strcmp(s->github, "https://github.com") == 0 ? "https://api.github.com"
		                                                      : arena_printf(&s->a, "%s/api/v3", s->github);
	if (s->name == NULL) /* names of Apps are taken once in the whole world */
		s->name = arena_printf(&s->a, "ekaci %.*s", (int)strcspn(host + 3, "/:"), host + 3);
	s->name = str_dup(&s->a, str_utf8_head(str_of(s->name), MAX_NAME));
	return must_not_be_there(s, e);
}

static int
make_state(struct app_setup *s, struct err *e)
{
	unsigned char bytes[STATE_BYTES];
	char *hex = arena_alloc(&s->a, 2 * STATE_BYTES + 1);

	if (getrandom(bytes, sizeof(bytes), 0) != (ssize_t)sizeof(bytes))
		return fail_sys(e, "no random numbers");
	str_hex(bytes, sizeof(bytes), hex);
	s->state = hex;
	return 0;
}

int
setup_main(int argc, char **argv)
{
	struct app_setup s = {.dir = "/etc/ekaci", .github = "https://github.com", .port = PORT};
	struct err e = {0};

	if (parse(&s, argc, argv, &e) != 0) {
		fprintf(stderr, "ekaci setup: %s\nsee ekaci setup --help\n", e.msg);
		return 2;
	}
	int rc = check(&s, &e);
	if (rc == 0)
		config_use_network(&s.network);
	if (rc == 0)
		rc = make_state(&s, &e);
	if (rc == 0)
		rc = files_mkdirs(s.dir, 0755, &e);
	if (rc == 0)
		rc = s.no_browser ? ask(&s, &e) : serve(&s, &e);
	if (rc != 0)
		fprintf(stderr, "ekaci: %s\n", e.msg);
	json_decref(s.app);
	arena_release(&s.a);
	return rc == 0 ? 0 : 2;
}
