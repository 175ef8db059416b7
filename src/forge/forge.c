/* Each call goes to the host that its ids are of, and to the forge that is there. */
#include "forge/forge.h"

#include "store/hosts.h"

int
send_start(const struct forge *forge, struct loop *l, struct store *s, const struct settings *settings, struct sender **ret,
    struct err *e)
{
	if (forge->start(l, s, settings, ret, e) != 0)
		return -1;
	(*ret)->forge = forge;
	(*ret)->host = settings->github.number;
	(*ret)->loop = l;
	return 0;
}

void
send_beside(struct sender *s, struct sender *another)
{
	while (s->next != NULL)
		s = s->next;
	s->next = another;
}

struct sender *
send_at(struct sender *s, int64_t host)
{
	while (s != NULL && s->host != host)
		s = s->next;
	return s;
}

/* --- events --- */

static int
ours(int64_t host, int64_t *id, const char *what, struct err *e)
{
	if (*id != 0 && !host_may_be(*id))
		return fail(e, ERR_INPUT, "%s.id: no id of a host is so large", what);
	*id = host_id(host, *id);
	return 0;
}

static int
all_ours(struct arena *a, int64_t host, const struct event_repository **all, size_t n, struct err *e)
{
	struct event_repository *ret = arena_dup(a, *all, n * sizeof(*ret));

	for (size_t i = 0; i < n; i++)
		if (ours(host, &ret[i].id, "repositories", e) != 0)
			return -1;
	*all = ret;
	return 0;
}

int
send_event(struct sender *s, int64_t host, struct arena *a, const char *event_name, struct str body, struct event *ret,
    struct err *e)
{
	/* What came before its host was taken out of the settings is read as well. */
	const struct sender *at = send_at(s, host);
	const struct forge *forge = at != NULL ? at->forge : s->forge;

	if (forge->event_read(a, event_name, body, ret, e) != 0)
		return -1;
	if (ret->kind == EVENT_IGNORED)
		return 0;
	if (ours(host, &ret->installation.id, "installation", e) != 0 || ours(host, &ret->repository.id, "repository", e) != 0)
		return -1;
	return all_ours(a, host, &ret->repositories, ret->n_repositories, e) != 0 ||
	               all_ours(a, host, &ret->removed, ret->n_removed, e) != 0
	           ? -1
	           : 0;
}

/* --- questions --- */

/* One to a host that there is none of, answered when its caller has returned. */
struct nowhere {
	struct nowhere *next;
	struct sender *s;
	struct loop_timer *timer;
	send_pull_fn *pull;
	send_text_fn *text;
	send_list_fn *list;
	void *ctx;
};

static void
tell_nowhere(void *ctx)
{
	struct nowhere *n = ctx, **at = &n->s->nowhere;
	struct err e;

	while (*at != n)
		at = &(*at)->next;
	*at = n->next;
	(void)fail(&e, ERR_ABSENT, "the settings do not name its host");
	if (n->pull != NULL)
		n->pull(n->ctx, NULL, &e);
	if (n->text != NULL)
		n->text(n->ctx, NULL, &e);
	if (n->list != NULL)
		n->list(n->ctx, NULL, &e);
	loop_timer_free(n->timer);
	mem_free(&n);
}

static void
nowhere(struct sender *s, const struct nowhere *is)
{
	struct nowhere *n = mem_alloc(sizeof(*n));

	*n = *is;
	n->s = s;
	n->next = s->nowhere;
	n->timer = loop_timer_new(s->loop, "no host", tell_nowhere, n);
	s->nowhere = n;
	loop_timer_set(n->timer, 0);
}

void
send_pull(struct sender *s, int64_t installation, int64_t repository, const char *owner, const char *repo, int64_t number,
    send_pull_fn *fn, void *ctx)
{
	struct sender *at = send_at(s, host_of(installation));

	if (at == NULL)
		nowhere(s, &(struct nowhere){.pull = fn, .ctx = ctx});
	else
		at->forge->pull(at, installation, repository, owner, repo, number, fn, ctx);
}

void
send_permission(struct sender *s, int64_t installation, int64_t repository, const char *owner, const char *repo,
    const char *login, send_text_fn *fn, void *ctx)
{
	struct sender *at = send_at(s, host_of(installation));

	if (at == NULL)
		nowhere(s, &(struct nowhere){.text = fn, .ctx = ctx});
	else
		at->forge->permission(at, installation, repository, owner, repo, login, fn, ctx);
}

void
send_team(struct sender *s, int64_t installation, const char *team, const char *login, send_text_fn *fn, void *ctx)
{
	struct sender *at = send_at(s, host_of(installation));

	if (at == NULL)
		nowhere(s, &(struct nowhere){.text = fn, .ctx = ctx});
	else
		at->forge->team(at, installation, team, login, fn, ctx);
}

void
send_git_authorization(struct sender *s, int64_t installation, int64_t repository, send_text_fn *fn, void *ctx)
{
	struct sender *at = send_at(s, host_of(installation));

	if (at == NULL)
		nowhere(s, &(struct nowhere){.text = fn, .ctx = ctx});
	else
		at->forge->git_authorization(at, installation, repository, fn, ctx);
}

void
send_list(struct sender *s, const struct forge_wanted *wanted, send_list_fn *fn, void *ctx)
{
	struct sender *at = send_at(s, host_of(wanted->installation));

	if (at == NULL)
		nowhere(s, &(struct nowhere){.list = fn, .ctx = ctx});
	else
		at->forge->list(at, wanted, fn, ctx);
}

void
send_missed(struct sender *s, int64_t since_ms, send_known_fn *known, send_missed_fn *fn, void *ctx)
{
	s->forge->missed(s, since_ms, known, fn, ctx);
}

void
send_stop(struct sender *s)
{
	while (s != NULL && s->nowhere != NULL)
		tell_nowhere(s->nowhere);
	while (s != NULL) {
		struct sender *next = s->next;
		s->forge->stop(s);
		s = next;
	}
}

/* --- what is told, and asked of all --- */

void
send_git_refused(struct sender *s, int64_t installation, int64_t repository)
{
	struct sender *at = send_at(s, host_of(installation));

	if (at != NULL)
		at->forge->git_refused(at, installation, repository);
}

void
send_changed(struct sender *s, int64_t installation)
{
	struct sender *at = send_at(s, host_of(installation));

	if (at != NULL)
		at->forge->changed(at, installation);
}

void
send_kick(struct sender *s)
{
	for (; s != NULL; s = s->next)
		s->forge->kick(s);
}

bool
send_was_away(struct sender *s)
{
	bool was = false;

	for (; s != NULL; s = s->next)
		was |= s->forge->was_away(s);
	return was;
}

void
send_look(struct sender *s)
{
	for (; s != NULL; s = s->next)
		s->forge->look(s);
}

void
send_troubles(struct sender *s, struct buf *out)
{
	for (; s != NULL; s = s->next)
		s->forge->troubles(s, out);
}

int64_t
send_room(struct sender *s, int64_t installation)
{
	struct sender *at = send_at(s, host_of(installation));

	return at != NULL ? at->forge->room(at, installation) : 0; /* of a host that is not named any more nothing is sent */
}

void
send_metrics(struct sender *s, struct buf *out)
{
	s->forge->metrics(s, out);
}
