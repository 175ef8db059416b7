/* One request a command, by libcurl. */
#include "cli/remote.h"

#include "cli/operate.h"
#include "cli/printlog.h"
#include "config/config.h"
#include "formats/token_file.h"
#include "records/page_told.h"
#include "records/run_state.h"
#include "support/base/clock.h"
#include "support/os/files.h"
#include "support/text/escape.h"
#include "support/text/json.h"

#include <curl/curl.h>

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum {
	CONNECT_MS = 15 * 1000,
	ANSWER_MS = 60 * 1000, /* not of a log, which may be followed for hours */
	MAX_ANSWER = 64 << 20,
	MAX_TOKEN_FILE = 4096,
	SHOWN = 50,
	COMMIT_SHOWN = 12
};

struct remote {
	struct arena a;
	const struct subcommand *c;
	const char *url, *token, *ca_file; /* url: without a final slash; token: NULL: none */
	bool json;
	const char *words[2]; /* that are no options */
	size_t n_words;
	/* the answer */
	CURL *easy;
	struct log_out *log; /* where the body of a good answer goes as it comes; NULL: into body */
	struct buf body;
	long status;
};

static const char *
safe(struct remote *r, const char *text)
{
	return escape_dup(&r->a, ESCAPE_TERMINAL, str_of(text != NULL ? text : ""));
}

/* --- where and as whom ------------------------------------------------------------------------------------------- */

static bool
is_option(const char *word, const char *name)
{
	size_t n = strlen(name);

	return strncmp(word, name, n) == 0 && (word[n] == '\0' || word[n] == '=');
}

int
remote_take(int *argc, char **argv, struct remote_where *ret)
{
	*ret = (struct remote_where){0};
	while (*argc > 1 && (is_option(argv[1], "--url") || is_option(argv[1], "--token-file"))) {
		const char **to = is_option(argv[1], "--url") ? &ret->url : &ret->token_file, *equal = strchr(argv[1], '=');
		int used = equal != NULL ? 1 : 2;
		if (*argc <= used) {
			fprintf(stderr, "ekaci: %s wants a value, and a command behind it\nsee ekaci help\n", argv[1]);
			return -1;
		}
		*to = equal != NULL ? equal + 1 : argv[2];
		*argc -= used;
		memmove(argv + 1, argv + 1 + used, (size_t)*argc * sizeof(*argv)); /* and the NULL behind them */
	}
	return 0;
}

static bool
has(int argc, char **argv, const char *name)
{
	for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++)
		if (is_option(argv[i], name))
			return true;
	return false;
}

bool
remote_is_meant(const struct subcommand *c, const struct remote_where *where, int argc, char **argv)
{
	if (where->url != NULL || where->token_file != NULL)
		return true;
	if (!c->remote)
		return false;
	return has(argc, argv, "--url") || (config_remote_environment().url != NULL && !has(argc, argv, "--config"));
}

/* Within this machine nobody is between us and the bot. */
static bool
is_here(const char *host)
{
	return strcmp(host, "localhost") == 0 || strncmp(host, "127.", 4) == 0 || strcmp(host, "[::1]") == 0;
}

static int
check_url(struct remote *r, const char *url, struct err *e)
{
	CURLU *u = curl_url();
	char *scheme = NULL, *host = NULL, *more = NULL;
	int rc = 0;

	if (url == NULL || *url == '\0')
		rc = fail(e, ERR_INPUT, "where is the bot? --url https://BOT or EKACI_URL names it");
	else if (curl_url_set(u, CURLUPART_URL, url, 0) != CURLUE_OK ||
	         curl_url_get(u, CURLUPART_SCHEME, &scheme, 0) != CURLUE_OK ||
	         curl_url_get(u, CURLUPART_HOST, &host, 0) != CURLUE_OK ||
	         (strcmp(scheme, "https") != 0 && strcmp(scheme, "http") != 0))
		rc = fail(e, ERR_INPUT, "%s is no address of a bot, such as https://ci.example.org", safe(r, url));
	else if (curl_url_get(u, CURLUPART_USER, &more, 0) == CURLUE_OK || strpbrk(url, "?#") != NULL)
		rc = fail(e, ERR_INPUT, "the address of a bot has no user, \"?\" or \"#\"");
	else if (r->token != NULL && strcmp(scheme, "http") == 0 && !is_here(host))
		rc = fail(e, ERR_INPUT, "a token is not sent over http, where others can read it on its way: https://%s",
		    safe(r, host));
	curl_free(scheme);
	curl_free(host);
	curl_free(more);
	curl_url_cleanup(u);
	if (rc != 0)
		return -1;
	struct str text = str_of(url);
	while (text.n > 0 && text.p[text.n - 1] == '/')
		text.n--;
	r->url = str_dup(&r->a, text);
	return 0;
}

/* file: of --token-file, or NULL. */
static int
find_token(struct remote *r, const char *file, const char *otherwise, struct err *e)
{
	struct str text = str_of(otherwise);

	if (file != NULL && files_read(&r->a, file, MAX_TOKEN_FILE, &text, e) != 0)
		return fail_in(e, "--token-file");
	text = str_trim(text);
	if (text.n == 0 && file == NULL)
		return 0;
	bool good = str_starts(text, STR(TOKEN_PREFIX));
	for (size_t i = 0; i < text.n && good; i++)
		good = text.p[i] == '_' || (text.p[i] >= '0' && text.p[i] <= '9') ||
		       ((text.p[i] | 32) >= 'a' && (text.p[i] | 32) <= 'z');
	if (!good)
		return fail(e, ERR_INPUT,
		    "%s holds no token of a bot: those begin with " TOKEN_PREFIX
		    " and are made by `ekaci token add` on its machine",
		    file != NULL ? safe(r, file) : "EKACI_TOKEN");
	r->token = str_dup(&r->a, text);
	return 0;
}

/* --- a request ----------------------------------------------------------------------------------------------------- */

static size_t
on_body(char *bytes, size_t size, size_t n, void *ctx)
{
	struct remote *r = ctx;

	(void)size;
	curl_easy_getinfo(r->easy, CURLINFO_RESPONSE_CODE, &r->status);
	if (r->log != NULL && r->status == 200) {
		log_put(r->log, (struct str){bytes, n});
		return ferror(stdout) ? 0 : n;
	}
	buf_add(&r->body, bytes, n);
	return r->body.over ? 0 : n;
}

static int
say_unreachable(struct remote *r, CURLcode code, const char *error, struct err *e)
{
	const char *why = error[0] != '\0' ? error : curl_easy_strerror(code);

	if (code == CURLE_PEER_FAILED_VERIFICATION || code == CURLE_SSL_CACERT_BADFILE || code == CURLE_SSL_ISSUER_ERROR)
		return fail(e, ERR_SYSTEM,
		    "the certificate of %s is not trusted: %s. SSL_CERT_FILE names a file of certificates that are to be trusted",
		    r->url, safe(r, why));
	if (code == CURLE_WRITE_ERROR)
		return r->body.over ? fail(e, ERR_LIMIT, "%s answers more than %d MiB", r->url, MAX_ANSWER >> 20)
		                    : fail(e, ERR_SYSTEM, "standard output takes no more");
	return fail(e, ERR_SYSTEM, "%s is out of reach: %s", r->url, safe(r, why));
}

/* The words in {"error": "..."}; NULL. */
static const char *
error_words(struct remote *r)
{
	AUTO(json_drop) json_t *j = NULL;
	struct err ignored;

	if (json_read(buf_get(&r->body), "the answer", &j, &ignored) != 0 || json_str(j, "error", NULL) == NULL)
		return NULL;
	return safe(r, str_dup(&r->a, str_utf8_head(json_text(j, "error"), 300)));
}

static const char token_help[] = "`ekaci token add NAME` on the bot's machine makes one, --token-file or EKACI_TOKEN gives it";

static int
say_refused(struct remote *r, const char *to, struct err *e)
{
	const char *words = error_words(r);

	switch (r->status) {
	case 400: return fail(e, ERR_INPUT, "%s", words != NULL ? words : "the bot does not understand the request");
	case 401:
		return r->token == NULL ? fail(e, ERR_DENIED, "%s wants a token for this: %s", r->url, token_help)
		                        : fail(e, ERR_DENIED, "%s does not know this token; it may have been revoked: %s",
		                              r->url, token_help);
	case 403: return fail(e, ERR_DENIED, "%s refuses: %s", r->url, words != NULL ? words : "forbidden");
	case 404:
		if (strcmp(to, "/index.json") == 0)
			break;
		/* Of a page that is not there its address says more; of an order the bot does. */
		if (words == NULL || strstr(to, ".json") != NULL)
			words = arena_printf(&r->a, "%s%s is not there", r->url, to);
		return fail(e, ERR_ABSENT, "%s%s", words,
		    r->token == NULL ? ", or it is of a private repository, which takes a token" : "");
	case 405:
		return fail(e, ERR_INPUT, "the bot at %s is older than this program, and does not know `%s` from elsewhere",
		    r->url, r->c->usage->name);
	case 429:
	case 503: return fail(e, ERR_BUSY, "%s: %s", r->url, words != NULL ? words : "not now; try again in a minute");
	default: break;
	}
	if (r->status >= 300 && r->status < 400)
		return fail(e, ERR_INPUT,
		    "%s leads elsewhere, and nothing is sent there unasked: give --url as it is in the end", r->url);
	return fail(e, ERR_INPUT, "there is no ekaci at %s, or one older than this program: it answers %ld", r->url, r->status);
}

static struct curl_slist *
add_header(struct curl_slist *list, const char *line)
{
	struct curl_slist *more = curl_slist_append(list, line);

	return more != NULL ? more : list;
}

static CURLcode
perform(struct remote *r, const char *to, const char *accept, const char *post, char *error)
{
	CURL *c = r->easy;
	struct curl_slist *headers = add_header(NULL, arena_printf(&r->a, "Accept: %s", accept));

	if (r->token != NULL)
		headers = add_header(headers, arena_printf(&r->a, "Authorization: Bearer %s", r->token));
	if (post != NULL) {
		headers = add_header(headers, "Content-Type: application/json");
		curl_easy_setopt(c, CURLOPT_POST, 1L);
		curl_easy_setopt(c, CURLOPT_POSTFIELDS, post);
	}
	curl_easy_setopt(c, CURLOPT_URL, arena_printf(&r->a, "%s%s", r->url, to));
	curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(c, CURLOPT_FOLLOWLOCATION, 0L);
	curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(c, CURLOPT_USERAGENT, "ekaci");
	curl_easy_setopt(c, CURLOPT_ACCEPT_ENCODING, "");
	curl_easy_setopt(c, CURLOPT_CONNECTTIMEOUT_MS, (long)CONNECT_MS);
	curl_easy_setopt(c, CURLOPT_TIMEOUT_MS, r->log != NULL ? 0L : (long)ANSWER_MS);
	curl_easy_setopt(c, CURLOPT_HTTPHEADER, headers);
	curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, on_body);
	curl_easy_setopt(c, CURLOPT_WRITEDATA, r);
	curl_easy_setopt(c, CURLOPT_ERRORBUFFER, error);
	if (r->ca_file != NULL)
		curl_easy_setopt(c, CURLOPT_CAINFO, r->ca_file);
	CURLcode code = curl_easy_perform(c);
	curl_slist_free_all(headers);
	curl_easy_getinfo(c, CURLINFO_RESPONSE_CODE, &r->status);
	return code;
}

/* GET, or POST of a body; the answer is in r->body, or went to r->log. */
static int
request(struct remote *r, const char *to, const char *accept, const char *post, struct err *e)
{
	char error[CURL_ERROR_SIZE] = "", *type = NULL;

	r->easy = curl_easy_init();
	if (r->easy == NULL)
		return fail(e, ERR_SYSTEM, "libcurl cannot start");
	buf_init(&r->body, MAX_ANSWER);
	CURLcode code = perform(r, to, accept, post, error);
	curl_easy_getinfo(r->easy, CURLINFO_CONTENT_TYPE, &type);
	bool as_asked = type != NULL && strncmp(type, accept, strlen(accept)) == 0;
	int rc = code != CURLE_OK                          ? say_unreachable(r, code, error, e)
	         : r->status != (post != NULL ? 202 : 200) ? say_refused(r, to, e)
	         : !as_asked
	             ? fail(e, ERR_INPUT, "there is no ekaci at %s, or one older than this program: its answer is no %s",
	                   r->url, accept)
	             : 0;
	curl_easy_cleanup(r->easy);
	r->easy = NULL;
	return rc;
}

/* The answer as it is, on one line; escaped as JSON is, whatever the bot sent. */
static int
print_json(struct remote *r, struct err *e)
{
	AUTO(json_drop) json_t *j = NULL;

	if (json_read(buf_get(&r->body), r->url, &j, e) != 0)
		return -1;
	puts(json_line(&r->a, j));
	return 0;
}

static int
get_told(struct remote *r, const char *to, const struct fields *of, void *ret, struct err *e)
{
	if (request(r, to, "application/json", NULL, e) != 0)
		return -1;
	if (fields_read(of, &r->a, buf_get(&r->body), r->url, ret, e) != 0)
		return fail_in(e, "the bot is of another version than this program");
	return r->json ? print_json(r, e) : 0;
}

/* --- commands ------------------------------------------------------------------------------------------------------ */

static const char *
span(struct remote *r, int64_t since_ms)
{
	int64_t s = since_ms > 0 && clock_now_ms() > since_ms ? (clock_now_ms() - since_ms) / 1000 : 0;

	return s < 120    ? arena_printf(&r->a, "%" PRId64 " s", s)
	       : s < 7200 ? arena_printf(&r->a, "%" PRId64 " min", s / 60)
	                  : arena_printf(&r->a, "%" PRId64 " h %" PRId64 " min", s / 3600, s / 60 % 60);
}

/* "org/demo#7", "org/demo#7 in the merge queue", "org/demo main" */
static const char *
run_of(struct remote *r, const struct run_line *run)
{
	const char *of = run->number > 0   ? arena_printf(&r->a, "#%" PRId64, run->number)
	                 : run->number < 0 ? arena_printf(&r->a, "#%" PRId64 " in the merge queue", -run->number)
	                                   : arena_printf(&r->a, " %s", run->base_ref != NULL ? run->base_ref : "");

	return safe(r, arena_printf(&r->a, "%s%s", run->repository != NULL ? run->repository : "", of));
}

static void
say_builds(struct remote *r, const char *what, const struct build_lines *all)
{
	for (size_t i = 0; i < all->n && i < SHOWN; i++) {
		const struct build_line *b = &all->p[i];
		printf("  %s %s (%s)", what, safe(r, b->name), safe(r, b->system));
		if (b->started > 0 && b->ended == 0)
			printf(" for %s", span(r, b->started));
		printf("%s%s\n", b->reason != NULL ? ": " : "", safe(r, b->reason));
	}
}

static int
do_status(struct remote *r, struct err *e)
{
	struct index_told is = {0};

	if (get_told(r, "/index.json", &index_told_fields, &is, e) != 0)
		return -1;
	if (r->json)
		return 0;
	printf("The bot at %s runs.\n", r->url);
	printf("\n%zu %s under way\n", is.running.n, is.running.n == 1 ? "run" : "runs");
	for (size_t i = 0; i < is.running.n && i < SHOWN; i++) {
		const struct run_line *run = &is.running.p[i];
		printf("  run %" PRId64 "  %s%s%s  %s, begun %s ago\n", run->id, run_of(r, run),
		    run->author != NULL ? " by " : "", safe(r, run->author), safe(r, run->state), span(r, run->created));
		if (run->waiting != NULL)
			printf("    waits: %s\n", safe(r, run->waiting));
	}
	printf("\n%" PRId64 " %s open: %" PRId64 " being built, %" PRId64 " may start\n", is.open,
	    is.open == 1 ? "build" : "builds", is.at_work, is.ready);
	if (is.why != NULL)
		printf("  nothing is begun, or waits: %s\n", safe(r, is.why));
	say_builds(r, "building", &is.building);
	say_builds(r, "put back", &is.put_back);
	for (size_t i = 0; i < is.machines.n; i++)
		printf("  %s (%s): %" PRId64 " of %" PRId64 " slots%s\n", safe(r, is.machines.p[i].name),
		    safe(r, is.machines.p[i].systems), is.machines.p[i].running, is.machines.p[i].slots,
		    is.machines.p[i].out_ms > 0 ? ", out of service for now" : "");
	if (is.has_private && r->token == NULL)
		puts("\nWhat is of private repositories is not shown without a token.");
	return 0;
}

static int
run_number(struct remote *r, int64_t *ret, struct err *e)
{
	if (str_to_i64(str_of(r->words[0]), ret) != 0 || *ret < 1)
		return fail(e, ERR_INPUT, "%s is no number of a run", safe(r, r->words[0]));
	return 0;
}

static int
do_run(struct remote *r, struct err *e)
{
	struct run_page_told is = {0};
	int64_t id;

	if (run_number(r, &id, e) != 0)
		return -1;
	if (get_told(r, arena_printf(&r->a, "/run/%" PRId64 ".json", id), &run_page_fields, &is, e) != 0)
		return -1;
	if (r->json)
		return 0;
	const struct run_line *run = &is.run;
	printf("run %" PRId64 " of %s, %.*s: %s%s%s\n", run->id, run_of(r, run), COMMIT_SHOWN, safe(r, run->head),
	    safe(r, run->state), run->waiting != NULL ? ", waiting: " : "", safe(r, run->waiting));
	if (run->result != NULL)
		printf("%s%s%s\n", safe(r, run->result), run->verdict != NULL ? ": " : "", safe(r, run->verdict));
	if (run->superseded_by != 0)
		printf("superseded by run %" PRId64 "\n", run->superseded_by);
	printf("%s/run/%" PRId64 "\n", r->url, run->id);
	if (is.builds_total > 0)
		printf("\n%" PRId64 " builds%s\n", is.builds_total,
		    is.builds.n < (size_t)is.builds_total || is.builds.n > SHOWN ? ", failures first" : "");
	for (size_t i = 0; i < is.builds.n && i < SHOWN; i++)
		printf("  %-18s %s (%s)%s%s\n", safe(r, is.builds.p[i].state), safe(r, is.builds.p[i].name),
		    safe(r, is.builds.p[i].system), is.builds.p[i].reason != NULL ? ": " : "", safe(r, is.builds.p[i].reason));
	return 0;
}

static int
do_log(struct remote *r, struct err *e)
{
	const char *stem = log_stem(&r->a, r->words[0]);
	struct log_out out = {0};

	if (stem == NULL)
		return fail(e, ERR_INPUT, "%s is no derivation: its path, or its name in the store, HASH-NAME.drv",
		    safe(r, r->words[0]));
	r->log = &out;
	int rc =
	    request(r, arena_printf(&r->a, "/log/%s.drv", escape_dup(&r->a, ESCAPE_URL, str_of(stem))), "text/plain", NULL, e);
	log_end(&out);
	r->log = NULL;
	return rc;
}

static int
give(struct remote *r, const char *to, const char *body, struct err *e)
{
	struct order_given done = {0};

	if (request(r, to, "application/json", body, e) != 0)
		return -1;
	if (fields_read(&order_given_fields, &r->a, buf_get(&r->body), r->url, &done, e) != 0)
		return fail_in(e, "the bot is of another version than this program");
	if (r->json)
		return print_json(r, e);
	done.head = done.head != NULL ? safe(r, done.head) : NULL;
	operate_say(&done);
	return 0;
}

static int
do_order(struct remote *r, struct err *e)
{
	int64_t id;

	if (run_number(r, &id, e) != 0)
		return -1;
	return give(r, arena_printf(&r->a, "/run/%" PRId64 "/%s", id, r->c->usage->name), "{}", e);
}

static int
do_approve(struct remote *r, struct err *e)
{
	const struct order_body body = {.head = r->words[1]};
	struct order o = {0};
	char *line;

	if (operate_read_pull(&r->a, r->words[0], &o, e) != 0 || fields_line(&order_body_fields, &r->a, &body, &line, e) != 0)
		return -1;
	return give(r,
	    arena_printf(&r->a, "/%s/%s/pull/%" PRId64 "/approve", escape_dup(&r->a, ESCAPE_URL, str_of(o.owner)),
	        escape_dup(&r->a, ESCAPE_URL, str_of(o.repository)), o.number),
	    line, e);
}

/* "#7, #9 and 12 more" */
static const char *
numbers_of(struct remote *r, const struct numbers *all)
{
	enum { NAMED = 12 };
	const char *text = "";

	for (size_t i = 0; i < all->n && i < NAMED; i++)
		text = arena_printf(&r->a, "%s%s#%" PRId64, text, i > 0 ? ", " : "", all->p[i]);
	return all->n > NAMED ? arena_printf(&r->a, "%s and %zu more", text, all->n - NAMED) : text;
}

static void
say_beside(struct remote *r, const struct overlaps_told *is)
{
	for (size_t i = 0; i < is->groups.n && i < SHOWN; i++) {
		const struct overlap_group *g = &is->groups.p[i];
		printf("%s: together %" PRId64 " %s", numbers_of(r, &g->pulls), g->together,
		    g->together == 1 ? "rebuild" : "rebuilds");
		if (g->apart != g->together)
			printf(" instead of %" PRId64, g->apart);
		if (g->first != 0)
			printf("; #%" PRId64 " first, which is green: %" PRId64 " of its rebuilds would be made again",
			    g->first, g->again);
		puts("");
	}
	if (is->alone.n > 0)
		printf("in any order, as they share no rebuild: %s\n", numbers_of(r, &is->alone));
	if (is->unread.n > 0)
		printf("could not be compared: %s\n", numbers_of(r, &is->unread));
}

static int
do_pulls_of(struct remote *r, const char *repository, struct err *e)
{
	struct pulls_told is = {0};

	if (get_told(r, arena_printf(&r->a, "/%s/pulls.json", repository), &pulls_told_fields, &is, e) != 0)
		return -1;
	if (r->json)
		return 0;
	for (size_t i = 0; i < is.pulls.n; i++) {
		const struct pull_line *l = &is.pulls.p[i];
		printf("#%" PRId64 "  %s  %s%s", l->number, l->verdict != NULL ? safe(r, l->verdict) : "under way",
		    l->security ? "security  " : "", safe(r, l->title));
		if (l->rebuilds >= 0)
			printf("  %" PRId64 " %s", l->rebuilds, l->rebuilds == 1 ? "rebuild" : "rebuilds");
		if (l->others > 0)
			printf(", shared with %" PRId64, l->others);
		printf("%s%s\n", l->author != NULL ? "  by " : "", safe(r, l->author));
	}
	if (is.pulls.n == 0)
		puts("No pull request is open that this bot has seen.");
	if (is.beside != NULL && is.beside->groups.n + is.beside->alone.n > 1) {
		puts("");
		say_beside(r, is.beside);
	}
	return 0;
}

static int
do_pull(struct remote *r, const char *repository, int64_t number, struct err *e)
{
	struct pull_told is = {0};

	if (get_told(r, arena_printf(&r->a, "/%s/pull/%" PRId64 ".json", repository, number), &pull_told_fields, &is, e) != 0)
		return -1;
	if (r->json)
		return 0;
	printf("%s#%" PRId64 " %s\n", safe(r, is.repository), is.number, safe(r, is.title));
	if (is.beside == NULL)
		puts("It was not compared with others yet.");
	else if (is.beside->others == 0)
		puts("It shares no rebuild with any other that is open: in any order.");
	else
		printf("%" PRId64 " of its %" PRId64 " rebuilds are shared with %" PRId64 " other open pull %s.\n",
		    is.beside->shared, is.beside->rebuilds, is.beside->others, is.beside->others == 1 ? "request" : "requests");
	for (size_t i = 0; is.beside != NULL && i < is.beside->with.n; i++) {
		const struct overlap_with *w = &is.beside->with.p[i];
		printf("  #%" PRId64 "  shares %" PRId64 " (%" PRId64 " the same derivation), together %" PRId64, w->number,
		    w->shared, w->same, w->together);
		if (w->apart != w->together)
			printf(" instead of %" PRId64, w->apart);
		for (size_t k = 0; k < w->roots.n; k++)
			printf("%s%s", k == 0 ? "; both change " : ", ", safe(r, w->roots.p[k]));
		puts("");
	}
	return 0;
}

/* OWNER/REPO, or OWNER/REPO#NUMBER */
static int
do_pulls(struct remote *r, struct err *e)
{
	struct str rest, owner, name = str_cut(str_of(r->words[0]), '#', &rest);
	int64_t number = 0;

	owner = str_cut(name, '/', &name);
	if (owner.n == 0 || name.n == 0 || memchr(name.p, '/', name.n) != NULL ||
	    (rest.p != NULL && (str_to_i64(rest, &number) != 0 || number < 1)))
		return fail(e, ERR_INPUT, "%s is no repository, OWNER/REPO, and no pull request, OWNER/REPO#NUMBER",
		    safe(r, r->words[0]));
	const char *repository =
	    arena_printf(&r->a, "%s/%s", escape_dup(&r->a, ESCAPE_URL, owner), escape_dup(&r->a, ESCAPE_URL, name));
	return number > 0 ? do_pull(r, repository, number, e) : do_pulls_of(r, repository, e);
}

int
remote_only(int argc, char **argv)
{
	(void)argc;
	fprintf(stderr, "ekaci: %s asks a bot by its address: give --url, or EKACI_URL\n", argv[0]);
	return 2;
}

/* least, most: how many words there must be. */
static const struct {
	const char *name;
	int (*run)(struct remote *r, struct err *e);
	size_t least, most;
} commands[] = {
    {"status", do_status, 0, 0},
    {"run", do_run, 1, 1},
    {"log", do_log, 1, 1},
    {"pulls", do_pulls, 1, 1},
    {"retry", do_order, 1, 1},
    {"rebuild", do_order, 1, 1},
    {"cancel", do_order, 1, 1},
    {"approve", do_approve, 1, 2},
};

static int
read_words(struct remote *r, struct remote_where *where, int argc, char **argv, struct err *e)
{
	struct usage_reader u = {.u = r->c->usage, .argc = argc, .argv = argv, .at = 1};
	int is;

	while ((is = usage_next(&u, e)) != USAGE_END) {
		if (is < 0)
			return -1;
		const char *name = is == USAGE_OPTION ? u.option->name : NULL;
		if (is == USAGE_WORD && r->n_words == COUNT(r->words))
			return fail(e, ERR_INPUT, "there is one word too many: %s", safe(r, u.values[0]));
		if (is == USAGE_WORD)
			r->words[r->n_words++] = u.values[0];
		else if (name == NULL)
			continue;
		else if (strcmp(name, "--url") == 0)
			where->url = u.values[0];
		else if (strcmp(name, "--token-file") == 0)
			where->token_file = u.values[0];
		else if (strcmp(name, "--json") == 0)
			r->json = true;
		else
			return fail(e, ERR_INPUT, "%s is for a bot on this machine, not for one elsewhere", name);
	}
	return 0;
}

static int
ask(struct remote *r, struct remote_where *where, int argc, char **argv, struct err *e)
{
	const struct config_remote_environment env = config_remote_environment();

	r->ca_file = env.ca_file;
	for (size_t i = 0; i < COUNT(commands); i++) {
		if (strcmp(commands[i].name, r->c->usage->name) != 0)
			continue;
		if (read_words(r, where, argc, argv, e) != 0)
			return -1;
		if (r->n_words < commands[i].least || r->n_words > commands[i].most)
			return fail(e, ERR_INPUT, "usage: ekaci --url URL %s %s", r->c->usage->name, r->c->usage->synopsis);
		if (find_token(r, where->token_file, env.token, e) != 0 ||
		    check_url(r, where->url != NULL ? where->url : env.url, e) != 0)
			return -1;
		return commands[i].run(r, e);
	}
	return fail(e, ERR_INPUT,
	    "%s does not ask a bot elsewhere; status, run, pulls, log, retry, rebuild, cancel and approve do",
	    r->c->usage->name);
}

int
remote_main(const struct subcommand *c, const struct remote_where *where, int argc, char **argv)
{
	struct remote_where at = *where;
	struct remote r = {.c = c};
	struct err e = {0};

	int rc = ask(&r, &at, argc, argv, &e);
	if (rc != 0)
		fprintf(stderr, "ekaci: %s\n", e.msg);
	buf_release(&r.body);
	arena_release(&r.a);
	return rc == 0 ? 0 : e.kind == ERR_ABSENT && r.status == 404 ? 1 : 2;
}
