/* Repositories come, change and go. */
#include "bot/repositories.h"

#include "changeset/glob.h"
#include "store/desired.h"
#include "store/hosts.h"
#include "store/installation.h"
#include "support/base/log.h"

#include <inttypes.h>
#include <string.h>

enum { READDRESSED = 50 /* runs whose reports are made anew when addresses change: each is some writes at the forge */ };

/* --- whom the operator wants served --- */

static struct str
lower(struct arena *a, const char *text)
{
	char *ret = arena_strdup(a, text);

	for (char *c = ret; *c != '\0'; c++)
		*c = *c >= 'A' && *c <= 'Z' ? (char)(*c + 32) : *c;
	return str_of(ret);
}

static int
is_among(const struct settings *c, struct arena *a, int64_t host, const struct texts *globs, struct str name, bool *ret,
    struct err *e)
{
	struct glob_set set = {.a = a};

	for (size_t i = 0; i < globs->n; i++) {
		const char *here = config_at_host(c, host, globs->p[i]);
		if (here != NULL && glob_set_add(&set, lower(a, here), e) != 0)
			return -1;
	}
	*ret = glob_set_first(&set, name) != GLOB_NONE;
	return 0;
}

static int
is_wanted(const struct settings *c, struct arena *a, int64_t host, const char *owner, const char *name, bool *ret,
    struct err *e)
{
	struct str full = lower(a, arena_printf(a, "%s/%s", owner, name));
	bool only, except;

	if (is_among(c, a, host, &c->repositories.only, full, &only, e) != 0 ||
	    is_among(c, a, host, &c->repositories.except, full, &except, e) != 0)
		return -1;
	*ret = (only || c->repositories.only.n == 0) && !except;
	return 0;
}

/* --- what follows from a change --- */

static int
stop(const struct bot_parts *p, struct flow *f, const struct repository *r, const char *why, struct err *e)
{
	log_info("%s/%s: %s: work for it ends", r->owner, r->name, why);
	if (flow_stop(f, r->id, why, e) != 0)
		return -1;
	return store_commands_drop(p->store, r->id, why, e);
}

static const char *
why_not(const struct repository *r)
{
	return r->is_archived ? "the repository is archived" : "the App may not work for the repository any more";
}

/* From what was known to what is. before NULL: nothing was. */
static int
follow(const struct bot_parts *p, struct flow *f, struct arena *a, int64_t id, const struct repository *before,
    struct repository *ret, struct err *e)
{
	if (store_repository_get(p->store, a, id, ret, e) != 0)
		return -1;
	if (before == NULL)
		return 0;
	bool moved = strcmp(ret->owner, before->owner) != 0 || strcmp(ret->name, before->name) != 0;
	bool closed = ret->is_private && (!before->is_private || strcmp(ret->owner, before->owner) != 0);
	if (closed && store_repository_revoke(p->store, id, e) != 0)
		return -1;
	if (before->served && !ret->served)
		return stop(p, f, ret, why_not(ret), e);
	if ((moved || ret->is_private != before->is_private) && store_runs_readdress(p->store, id, READDRESSED, e) != 0)
		return -1;
	flow_kick(f);
	if (!before->served && ret->served) {
		log_info("%s/%s: work for it goes on", ret->owner, ret->name);
		return flow_resume(f, id, "the repository is served again", e);
	}
	return 0;
}

/* --- events of repositories --- */

static struct repository
row_of(const struct event *ev)
{
	const struct event_repository *r = &ev->repository;

	return (struct repository){.id = r->id,
	    .installation = ev->installation.id,
	    .owner = r->owner,
	    .name = r->name,
	    .clone_url = r->clone_url,
	    .default_branch = r->default_branch != NULL ? r->default_branch : "",
	    .is_private = r->private,
	    .is_archived = r->archived,
	    .lifted = ev->kind == EVENT_REPOSITORY && ev->action == ACTION_LIFTED,
	    .changed = r->updated_ms};
}

/* When it happened, by the forge's clock; 0: it does not say. */
static int64_t
time_of(const struct event *ev)
{
	if (ev->kind == EVENT_REPOSITORY)
		return ev->repository.updated_ms;
	return ev->kind == EVENT_COMMENT ? ev->comment.created_ms : ev->pr.updated_ms;
}

/* Of what is gone only something that happened since can speak: the event that gave it back was lost. Whatever comes late, or is
 * sent again by somebody who kept it, does not. */
static int
speaks(const struct bot_parts *p, const struct event *ev, const struct repository *known, bool *ret, struct err *e)
{
	bool another = known->installation != ev->installation.id;

	*ret = time_of(ev) > known->since;
	if (!*ret)
		return 0;
	int rc = store_installation_put(p->store, ev->installation.id, ev->installation.account, "active", e);
	if (rc == 0)
		rc = store_repository_move(p->store, known->id, ev->installation.id, "active", 0, e);
	*ret = rc == 0;
	if (rc == 0 && another)
		log_info("%s/%s is in installation %" PRId64 " now", ev->repository.owner, ev->repository.name,
		    ev->installation.id);
	return rc < 0 ? -1 : 0;
}

static int
on_deleted(const struct bot_parts *p, struct flow *f, const struct repository *known, struct err *e)
{
	int rc = store_repository_move(p->store, known->id, known->installation, "deleted", 0, e);

	if (rc != 0)
		return rc < 0 ? -1 : 0;
	if (stop(p, f, known, "the repository is deleted", e) != 0)
		return -1;
	return store_desired_forget(p->store, known->id, e);
}

int
repositories_learn(const struct bot_parts *p, struct flow *f, struct arena *a, const struct event *ev, const char **ret_why,
    bool *ret_again, struct err *e)
{
	const struct repository row = row_of(ev);
	struct repository known, now;
	bool wanted, speaks_now = true;

	if (row.installation == 0)
		return fail(e, ERR_INPUT, "installation.id: missing: the webhook is not an App's");
	if (row.id == 0 || row.clone_url == NULL)
		return fail(e, ERR_INPUT, "repository: missing");
	int had = store_repository_get(p->store, a, row.id, &known, e);
	if (had < 0 || is_wanted(p->settings, a, host_of(row.id), row.owner, row.name, &wanted, e) != 0)
		return -1;
	*ret_why = "not among the [repositories] of the settings";
	if (had == 1 && !wanted)
		return 1;
	*ret_why = "late, or of a repository that is gone";
	if (ev->kind == EVENT_REPOSITORY && ev->action == ACTION_DELETED)
		return had == 0 && on_deleted(p, f, &known, e) != 0 ? -1 : 1;
	if (had == 0 && known.gone && speaks(p, ev, &known, &speaks_now, e) != 0)
		return -1;
	*ret_again = had == 0 && known.gone && wanted;
	if (!speaks_now)
		return 1;
	if (store_installation_put(p->store, row.installation, ev->installation.account, NULL, e) != 0 ||
	    store_repository_put(p->store, &row, e) != 0 || follow(p, f, a, row.id, had == 0 ? &known : NULL, &now, e) != 0)
		return -1;
	*ret_again = wanted && !now.served;
	if (!now.served) {
		*ret_why = why_not(&now);
		return 1;
	}
	*ret_why = "not among the [repositories] of the settings";
	return wanted ? 0 : 1;
}

int
repositories_put_off(struct flow *f, const struct event *ev, const char *why, struct err *e)
{
	return flow_stop(f, ev->repository.id, why, e);
}

/* --- installations --- */

/* Whether it is still public is what the event says; where it does not, the next one will. */
static int
give_back(const struct bot_parts *p, struct flow *f, struct arena *a, const struct event *ev, int64_t id,
    const struct event_repository *told, struct err *e)
{
	struct repository before, now;

	if (store_repository_get(p->store, a, id, &before, e) != 0)
		return -1;
	int rc = store_repository_move(p->store, id, ev->installation.id, "active",
	    told != NULL ? ev->installation.updated_ms : 0, e);
	if (rc != 0)
		return rc < 0 ? -1 : 0;
	if ((told == NULL || told->private) && store_repository_hide(p->store, id, e) != 0)
		return -1;
	return follow(p, f, a, id, &before, &now, e);
}

static const struct event_repository *
told_of(const struct event *ev, int64_t id)
{
	for (size_t i = 0; i < ev->n_repositories; i++)
		if (ev->repositories[i].id == id)
			return &ev->repositories[i];
	return NULL;
}

static int
add(const struct bot_parts *p, struct flow *f, struct arena *a, const struct event *ev, struct err *e)
{
	for (size_t i = 0; i < ev->n_repositories; i++) {
		struct repository known;
		int rc = store_repository_get(p->store, a, ev->repositories[i].id, &known, e);
		if (rc < 0 || (rc == 0 && give_back(p, f, a, ev, known.id, &ev->repositories[i], e) != 0))
			return -1;
	}
	return 0;
}

static int
take_out(const struct bot_parts *p, struct flow *f, struct arena *a, const struct event *ev, struct err *e)
{
	for (size_t i = 0; i < ev->n_removed; i++) {
		struct repository before, now;
		int64_t id = ev->removed[i].id;
		int rc = store_repository_get(p->store, a, id, &before, e);
		if (rc == 0)
			rc =
			    store_repository_move(p->store, id, ev->installation.id, "removed", ev->installation.updated_ms, e);
		if (rc < 0 || (rc == 0 && follow(p, f, a, id, &before, &now, e) != 0))
			return -1;
	}
	return 0;
}

/* All its repositories at once: what each was, the change, what follows. */
static int
move_installation(const struct bot_parts *p, struct flow *f, struct arena *a, const struct event *ev, const char *state,
    struct err *e)
{
	struct ids ids;

	if (store_installation_repositories(p->store, a, ev->installation.id, &ids, e) != 0)
		return -1;
	struct repository *before = arena_alloc(a, (ids.n + 1) * sizeof(*before)), now;
	for (size_t i = 0; i < ids.n; i++)
		if (store_repository_get(p->store, a, ids.p[i], &before[i], e) != 0)
			return -1;
	int rc = store_installation_move(p->store, ev->installation.id, ev->installation.account, state,
	    ev->installation.updated_ms, e);
	if (rc != 0)
		return rc < 0 ? -1 : 0;
	for (size_t i = 0; i < ids.n; i++) {
		const struct event_repository *told = told_of(ev, ids.p[i]);
		bool back = before[i].gone && strcmp(state, "active") == 0;
		if (back && (told == NULL || told->private) && store_repository_hide(p->store, ids.p[i], e) != 0)
			return -1;
		if (follow(p, f, a, ids.p[i], &before[i], &now, e) != 0)
			return -1;
	}
	return 0;
}

int
repositories_of_installation(const struct bot_parts *p, struct flow *f, struct arena *a, const struct event *ev, struct err *e)
{
	static const struct {
		enum event_action action;
		const char *state;
	} moves[] = {{ACTION_DELETED, "deleted"}, {ACTION_SUSPEND, "suspended"}, {ACTION_UNSUSPEND, "active"}};

	for (size_t i = 0; i < COUNT(moves); i++)
		if (ev->action == moves[i].action)
			return move_installation(p, f, a, ev, moves[i].state, e);
	/* Installed, other permissions, repositories added or removed. */
	if (store_installation_put(p->store, ev->installation.id, ev->installation.account, NULL, e) != 0 ||
	    add(p, f, a, ev, e) != 0)
		return -1;
	return take_out(p, f, a, ev, e);
}

/* --- on start --- */

int
repositories_check(const struct bot_parts *p, struct flow *f, struct err *e)
{
	AUTO(arena_release) struct arena a = {0};
	struct ids ids;

	if (store_repositories_at_work(p->store, &a, &ids, e) != 0)
		return -1;
	for (size_t i = 0; i < ids.n; i++) {
		struct repository r;
		bool wanted;
		if (store_repository_get(p->store, &a, ids.p[i], &r, e) != 0 ||
		    is_wanted(p->settings, &a, host_of(r.id), r.owner, r.name, &wanted, e) != 0)
			return -1;
		if (!wanted && stop(p, f, &r, "the repository is not among the [repositories] of the settings", e) != 0)
			return -1;
	}
	return 0;
}
