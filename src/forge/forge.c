/* Each call goes to the forge that the sender is of. */
#include "forge/forge.h"

int
send_start(const struct forge *forge, struct loop *l, struct store *s, const struct settings *settings, struct sender **ret,
    struct err *e)
{
	if (forge->start(l, s, settings, ret, e) != 0)
		return -1;
	(*ret)->forge = forge;
	return 0;
}

void
send_stop(struct sender *s)
{
	if (s != NULL)
		s->forge->stop(s);
}

void
send_kick(struct sender *s)
{
	s->forge->kick(s);
}

void
send_pull(struct sender *s, int64_t installation, int64_t repository, const char *owner, const char *repo, int64_t number,
    send_pull_fn *fn, void *ctx)
{
	s->forge->pull(s, installation, repository, owner, repo, number, fn, ctx);
}

void
send_permission(struct sender *s, int64_t installation, int64_t repository, const char *owner, const char *repo,
    const char *login, send_text_fn *fn, void *ctx)
{
	s->forge->permission(s, installation, repository, owner, repo, login, fn, ctx);
}

void
send_team(struct sender *s, int64_t installation, const char *team, const char *login, send_text_fn *fn, void *ctx)
{
	s->forge->team(s, installation, team, login, fn, ctx);
}

void
send_git_authorization(struct sender *s, int64_t installation, int64_t repository, send_text_fn *fn, void *ctx)
{
	s->forge->git_authorization(s, installation, repository, fn, ctx);
}

void
send_git_refused(struct sender *s, int64_t installation, int64_t repository)
{
	s->forge->git_refused(s, installation, repository);
}

void
send_list(struct sender *s, const struct forge_wanted *wanted, send_list_fn *fn, void *ctx)
{
	s->forge->list(s, wanted, fn, ctx);
}

void
send_missed(struct sender *s, int64_t since_ms, send_known_fn *known, send_missed_fn *fn, void *ctx)
{
	s->forge->missed(s, since_ms, known, fn, ctx);
}

void
send_changed(struct sender *s, int64_t installation)
{
	s->forge->changed(s, installation);
}

bool
send_was_away(struct sender *s)
{
	return s->forge->was_away(s);
}

void
send_look(struct sender *s)
{
	s->forge->look(s);
}

void
send_troubles(struct sender *s, struct buf *out)
{
	s->forge->troubles(s, out);
}

int64_t
send_room(struct sender *s, int64_t installation)
{
	return s->forge->room(s, installation);
}

void
send_metrics(struct sender *s, struct buf *out)
{
	s->forge->metrics(s, out);
}
