/*
 * send_driver - the sender alone, steered from outside; for tests/send. Not a test itself.
 *
 *     send_driver DATABASE API_URL APP_ID KEY_FILE BETWEEN_WRITES_MS FIRST_RETRY_MS SETTLE_MS PROGRESS_MS
 *
 * Reads one command a line: {"do":"check"|"comment"|"labels"|"reaction"|"reply"|"status"|"reviewers"|"figures"|"permission"|
 * "team"|"pull"|"git",
 * ...} and answers each with a line. Ends when its input does.
 */
#include "forge/forges.h"
#include "forge/github/sender.h"
#include "store/desired.h"
#include "support/base/log.h"
#include "support/text/json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct driver {
	struct loop *l;
	struct store *store;
	struct sender *sender;
	uv_pipe_t in;
	struct buf line;
};

static void
say(json_t *j)
{
	struct arena a = {0};

	puts(json_line(&a, j));
	fflush(stdout);
	json_decref(j);
	arena_release(&a);
}

static void
say_err(const struct err *e)
{
	say(json_pack("{s:s,s:s}", "error", err_kind_name(e->kind), "message", e->msg));
}

static void
on_pull(void *ctx, const struct event_pull *pull, const struct err *e)
{
	(void)ctx;
	if (e != NULL)
		say_err(e);
	else
		say(json_pack("{s:{s:I,s:s,s:b,s:b}}", "pull", "number", (json_int_t)pull->number, "head", pull->head, "open",
		    pull->open, "fork", pull->fork));
}

static void
on_text(void *ctx, const char *text, const struct err *e)
{
	(void)ctx;
	if (e != NULL)
		say_err(e);
	else
		say(json_pack("{s:s}", "text", text));
}

static int
figures(struct driver *d, struct err *e)
{
	struct send_figures f;
	struct desired_figures q;

	if (send_figures(d->sender, &f, e) != 0 || store_desired_figures(d->store, &q, e) != 0)
		return -1;
	say(json_pack("{s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I}", "requests", (json_int_t)f.requests, "queue",
	    (json_int_t)f.queue, "given_up", (json_int_t)f.given_up, "parked", (json_int_t)f.parked, "in_doubt",
	    (json_int_t)f.in_doubt, "limited", (json_int_t)f.limited, "broken", (json_int_t)f.broken, "unreachable",
	    (json_int_t)f.unreachable, "tokens", (json_int_t)f.tokens, "rate_remaining", (json_int_t)f.rate_remaining,
	    "oldest_ms", (json_int_t)f.oldest_ms, "token_failures", (json_int_t)f.token_failures));
	return 0;
}

/* What is wanted stands in the command as it does in the database. */
static int
want(struct driver *d, struct arena *a, const char *what, const json_t *j, const struct desired_repository *r, struct err *e)
{
	const json_t *w = json_object_get(j, "wanted");
	struct str text = str_of(json_line(a, w));
	int64_t number = json_int(w, "number", 0);
	const char *marker = json_str(w, "marker", "");
	struct wish_check check;
	struct wish_labels labels;
	struct wish_status status;
	struct wish_reviewers reviewers;

	if (strcmp(what, "status") == 0)
		return fields_read(&wish_status_fields, a, text, what, &status, e) != 0
		           ? -1
		           : store_want_status(d->store, r, &status, false, e);
	if (strcmp(what, "reviewers") == 0)
		return fields_read(&wish_reviewers_fields, a, text, what, &reviewers, e) != 0
		           ? -1
		           : store_want_reviewers(d->store, r, &reviewers, e);
	if (strcmp(what, "check") == 0)
		return fields_read(&wish_check_fields, a, text, what, &check, e) != 0
		           ? -1
		           : store_want_check(d->store, r, &check, e);
	if (strcmp(what, "labels") == 0)
		return fields_read(&wish_labels_fields, a, text, what, &labels, e) != 0
		           ? -1
		           : store_want_labels(d->store, r, &labels, e);
	if (strcmp(what, "comment") == 0)
		return store_want_comment(d->store, r, number, marker, json_text(w, "body"), e);
	if (strcmp(what, "reply") == 0)
		return store_want_reply(d->store, r, number, marker, json_text(w, "body"), e);
	if (strcmp(what, "reaction") == 0)
		return store_want_reaction(d->store, r, json_int(w, "comment_id", 0), json_str(w, "content", ""), e);
	return fail(e, ERR_INPUT, "no such command: %s", what);
}

static void
obey(struct driver *d, struct str line)
{
	AUTO(json_drop) json_t *j = NULL;
	AUTO(arena_release) struct arena a = {0};
	struct err e = {0};
	const char *what = "";
	struct desired_repository r = {0};

	if (json_read(line, "command", &j, &e) == 0) {
		what = json_str(j, "do", "");
		r = (struct desired_repository){json_int(j, "installation", 0), json_int(j, "repository", 0),
		    json_str(j, "owner", ""), json_str(j, "repo", "")};
	}
	if (strcmp(what, "figures") == 0) {
		if (figures(d, &e) != 0)
			say_err(&e);
	} else if (strcmp(what, "permission") == 0) {
		send_permission(d->sender, r.installation, r.id, r.owner, r.name, json_str(j, "login", ""), on_text, NULL);
	} else if (strcmp(what, "pull") == 0) {
		send_pull(d->sender, r.installation, r.id, r.owner, r.name, json_int(j, "number", 0), on_pull, NULL);
	} else if (strcmp(what, "git") == 0) {
		send_git_authorization(d->sender, r.installation, r.id, on_text, NULL);
	} else if (e.kind != ERR_NONE || want(d, &a, what, j, &r, &e) != 0) {
		say_err(&e);
	} else {
		send_kick(d->sender);
		say(json_pack("{s:b}", "ok", 1));
	}
}

static void
on_alloc(uv_handle_t *h, size_t suggested, uv_buf_t *ret)
{
	static char chunk[65536];

	(void)h;
	(void)suggested;
	*ret = uv_buf_init(chunk, sizeof(chunk));
}

static void
on_read(uv_stream_t *s, ssize_t n, const uv_buf_t *b)
{
	struct driver *d = s->data;
	const char *end;

	if (n < 0) {
		loop_stop(d->l);
		return;
	}
	buf_add(&d->line, b->base, (size_t)n);
	while ((end = memchr(d->line.p, '\n', d->line.n)) != NULL) {
		size_t used = (size_t)(end - d->line.p);
		obey(d, (struct str){d->line.p, used});
		buf_drop(&d->line, used + 1);
	}
}

int
main(int argc, char **argv)
{
	struct driver d = {0};
	struct settings settings = {0};
	struct err e;

	if (argc != 9) {
		fputs("usage: send_driver DATABASE API_URL APP_ID KEY_FILE BETWEEN_WRITES_MS FIRST_RETRY_MS SETTLE_MS\n",
		    stderr);
		return 2;
	}
	settings.github.api_url = argv[2];
	settings.github.app_id = argv[3];
	settings.github.private_key_file = argv[4];
	struct send_delays delays = {.between_writes_ms = strtol(argv[5], NULL, 10),
	    .writes_at_once = 1,
	    .progress_at_once = 1,
	    .first_retry_ms = strtol(argv[6], NULL, 10),
	    .longest_retry_ms = 2000,
	    .settle_ms = strtol(argv[7], NULL, 10),
	    .progress_ms = strtol(argv[8], NULL, 10),
	    .limited_ms = 500};
	if (loop_new(&d.l, &e) != 0 || store_open(argv[1], &d.store, &e) != 0 ||
	    send_start(forge_of(&settings), d.l, d.store, &settings, &d.sender, &e) != 0) {
		say_err(&e);
		return 1;
	}
	send_set_delays(d.sender, &delays);
	buf_init(&d.line, 64 << 20);
	uv_pipe_init(loop_uv(d.l), &d.in, 0);
	d.in.data = &d;
	uv_pipe_open(&d.in, 0);
	uv_read_start((uv_stream_t *)&d.in, on_alloc, on_read);
	say(json_pack("{s:b}", "ready", 1));
	loop_run(d.l);
	send_stop(d.sender);
	loop_free(d.l);
	store_close(d.store);
	buf_release(&d.line);
	return 0;
}
