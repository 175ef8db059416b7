/* Tokens made, listed, taken back. */
#include "cli/operator_token.h"

#include "cli/place.h"
#include "formats/token_file.h"
#include "support/base/clock.h"
#include "support/text/json.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

struct token_asked {
	struct arena a;
	struct bot_place place;
	const char *file, *what, *name;
	bool json, read_only;
};

static struct operator_token *
named(const struct token_list *all, const char *name)
{
	for (size_t i = 0; i < all->n; i++)
		if (strcmp(all->p[i].name, name) == 0)
			return &all->p[i];
	return NULL;
}

static int
add(struct token_asked *q, const char *dir, struct token_list *all, struct err *e)
{
	struct token_list more = {arena_alloc(&q->a, (all->n + 1) * sizeof(*more.p)), all->n + 1};
	struct operator_token *t = &more.p[all->n];
	char text[TOKEN_TEXT];

	if (!token_name_ok(str_of(q->name)))
		return fail(e, ERR_INPUT, "a token's name has up to %d letters, digits and ._@-", TOKEN_NAME);
	if (named(all, q->name) != NULL)
		return fail(e, ERR_INPUT, "there is a token %s already: ekaci token revoke %s takes it back", q->name, q->name);
	if (all->n == TOKEN_MAX)
		return fail(e, ERR_LIMIT, "there are %d tokens already", TOKEN_MAX);
	memcpy(more.p, all->p, all->n * sizeof(*more.p));
	*t = (struct operator_token){.may_act = !q->read_only, .made_ms = clock_now_ms()};
	memcpy(t->name, q->name, strlen(q->name));
	if (token_make(text, t->hash, e) != 0 || token_file_write(dir, &more, e) != 0)
		return -1;
	if (q->json)
		printf("{\"name\":\"%s\",\"right\":\"%s\",\"token\":\"%s\"}\n", t->name, t->may_act ? "act" : "read", text);
	else
		puts(text);
	if (!q->json)
		fputs("This is shown once. EKACI_TOKEN, or a file named by --token-file, gives it to ekaci --url.\n", stderr);
	explicit_bzero(text, sizeof(text));
	return 0;
}

/* 1: there is none of that name. */
static int
take_back(struct token_asked *q, const char *dir, struct token_list *all, struct err *e)
{
	struct operator_token *t = named(all, q->name);

	if (t == NULL)
		return fail(e, ERR_ABSENT, "there is no token %s", token_name_ok(str_of(q->name)) ? q->name : "of that name");
	*t = all->p[--all->n];
	if (token_file_write(dir, all, e) != 0)
		return -1;
	if (q->json)
		printf("{\"name\":\"%s\",\"revoked\":true}\n", q->name);
	else
		printf("The token %s opens nothing any more.\n", q->name);
	return 0;
}

static int
list(const struct token_asked *q, const struct token_list *all)
{
	for (size_t i = 0; i < all->n; i++) {
		const struct operator_token *t = &all->p[i];
		time_t made = (time_t)(t->made_ms / 1000);
		char day[32] = "";
		struct tm tm;
		if (q->json)
			printf("%s{\"name\":\"%s\",\"right\":\"%s\",\"made_ms\":%lld}", i == 0 ? "[" : ",", t->name,
			    t->may_act ? "act" : "read", (long long)t->made_ms);
		else if (gmtime_r(&made, &tm) != NULL && strftime(day, sizeof(day), "%Y-%m-%d", &tm) > 0)
			printf("%-24s %-4s  made %s\n", t->name, t->may_act ? "act" : "read", day);
	}
	if (q->json)
		puts(all->n == 0 ? "[]" : "]");
	return 0;
}

static int
change(struct token_asked *q, struct err *e)
{
	const char *dir = q->place.c.state.dir;
	AUTO(fd_close) int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct token_list all;

	/* Two at once: one after the other. */
	if (fd < 0 || flock(fd, LOCK_EX) != 0)
		return fail_sys(e, "%s", dir);
	if (token_file_read(&q->a, dir, &all, e) != 0)
		return -1;
	return strcmp(q->what, "add") == 0      ? add(q, dir, &all, e)
	       : strcmp(q->what, "revoke") == 0 ? take_back(q, dir, &all, e)
	                                        : list(q, &all);
}

int
token_main(int argc, char **argv)
{
	struct token_asked q = {0};
	struct err e = {0};
	bool good = true;

	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--config") == 0 && i + 1 < argc)
			q.file = argv[++i];
		else if (strcmp(argv[i], "--json") == 0)
			q.json = true;
		else if (strcmp(argv[i], "--read-only") == 0)
			q.read_only = true;
		else if (q.what == NULL)
			q.what = argv[i];
		else if (q.name == NULL && argv[i][0] != '-')
			q.name = argv[i];
		else
			good = false;
	}
	bool lists = q.what != NULL && strcmp(q.what, "list") == 0;
	bool names = q.what != NULL && (strcmp(q.what, "add") == 0 || strcmp(q.what, "revoke") == 0);
	if (!good || !(lists || names) || names != (q.name != NULL)) {
		fputs("usage: ekaci token [--config FILE] [--json] add [--read-only] NAME | list | revoke NAME\n", stderr);
		return 2;
	}
	int rc = place_find(&q.a, q.file, argv, &q.place, &e);
	int code = rc > 0 ? q.place.code : 0;
	if (rc == 0 && change(&q, &e) != 0)
		rc = -1;
	if (rc < 0) {
		fprintf(stderr, "ekaci: %s\n", e.msg);
		code = e.kind == ERR_ABSENT && q.place.db != NULL ? 1 : 2;
	}
	arena_release(&q.a);
	return code;
}
