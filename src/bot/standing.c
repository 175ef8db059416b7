/* Of all that have a say in the check of a commit, the worst. */
#include "bot/standing.h"

#include "records/list.h"
#include "store/run_check.h"
#include "support/text/escape.h"

#include <string.h>

enum { MAX_NAMED = 20 /* in the summary */ };

/* The checks of the whole; every other one is of an attribute. */
static const char *const wholes[] = {"ekaci / evaluation", "ekaci / rebuilds"};

bool
standing_is_whole(const char *name)
{
	return strcmp(name, wholes[0]) == 0 || strcmp(name, wholes[1]) == 0;
}

enum rank { RANK_NONE, RANK_GOOD, RANK_NEUTRAL, RANK_CANCELLED, RANK_ASKS, RANK_UNFINISHED, RANK_BAD };

static enum rank
rank_of(const struct wish_check *w)
{
	static const struct {
		const char *conclusion;
		enum rank rank;
	} ranks[] = {{"success", RANK_GOOD}, {"neutral", RANK_NEUTRAL}, {"cancelled", RANK_CANCELLED},
	    {"action_required", RANK_ASKS}};

	if (w->conclusion == NULL)
		return RANK_UNFINISHED;
	for (size_t i = 0; i < COUNT(ranks); i++)
		if (strcmp(ranks[i].conclusion, w->conclusion) == 0)
			return ranks[i].rank;
	return RANK_BAD;
}

/* Who is shown: the worst; among equals the one that is shown already, else the first. NULL: not known yet, for somebody who
 * has not reported may be worse. */
static const struct commit_check *
leader_of(const struct commit_check *all, size_t n, const struct wish_check *before, bool may_wait)
{
	const struct commit_check *ret = NULL;
	enum rank worst = RANK_NONE;
	bool waits = false;

	for (size_t i = 0; i < n; i++) {
		const struct wish_check *w = all[i].wanted;
		enum rank rank = w != NULL ? rank_of(w) : RANK_NONE;
		bool shown = w != NULL && before != NULL && str_same(before->external_id, w->external_id);
		waits = waits || w == NULL;
		if (rank > worst || (rank == worst && rank != RANK_NONE && shown)) {
			worst = rank;
			ret = &all[i];
		}
	}
	return may_wait && waits && worst < RANK_UNFINISHED ? NULL : ret;
}

static const char *
name_of(struct arena *a, const struct commit_check *c)
{
	if (c->number == 0)
		return arena_printf(a, "branch %s", c->base_ref);
	if (c->number < 0)
		return "the merge queue";
	return arena_printf(a, "#%lld onto %s", (long long)c->number, c->base_ref);
}

static void
say_one(struct arena *a, struct buf *out, const struct commit_check *c, bool leads)
{
	const struct wish_check *w = c->wanted;

	buf_puts(out, leads ? "- **Shown here:** " : "- ");
	escape_code(out, str_of(name_of(a, c)));
	buf_puts(out, ": ");
	if (w == NULL || w->conclusion == NULL) {
		buf_puts(out, "not finished yet");
	} else {
		buf_printf(out, "%s, ", w->conclusion);
		escape_add(out, ESCAPE_MARKDOWN, str_of(w->title != NULL ? w->title : ""));
	}
	if (w != NULL && w->details_url != NULL && escape_link_ok(str_of(w->details_url)))
		buf_printf(out, " ([report](%s))", w->details_url);
	buf_putc(out, '\n');
}

/* Adds to a check of several whose it is, and what the others have. */
static void
say_whose(struct arena *a, const struct commit_check *all, size_t n, const struct commit_check *leader, struct wish_check *w)
{
	AUTO(buf_release) struct buf b;

	buf_init(&b, 1 << 20);
	buf_printf(&b, "This commit has one check of this name, and %zu have a say in it. The worst is shown.\n\n", n);
	say_one(a, &b, leader, true);
	for (size_t i = 0, named = 0; i < n && named < MAX_NAMED; i++) {
		if (&all[i] == leader)
			continue;
		say_one(a, &b, &all[i], false);
		named++;
	}
	buf_printf(&b, "\n%s", w->summary != NULL ? w->summary : "");
	w->summary = str_dup(a, buf_get(&b));
	w->title = arena_printf(a, "%s: %s", escape_dup(a, ESCAPE_TERMINAL, str_of(name_of(a, leader))),
	    w->title != NULL ? w->title : "");
}

/* "ekaci / rebuilds" as statuses are named: ekaci/rebuilds. */
static const char *
context_of(struct arena *a, const char *name)
{
	char *ret = arena_strdup(a, name), *to = ret;

	for (const char *c = name; *c != '\0'; c++)
		if (*c != ' ')
			*to++ = *c;
	*to = '\0';
	return ret;
}

/* What waits for somebody is not decided: pending, which lets nothing be merged either. Its words stay the same while it is under way, for
 * each change is one more status. */
static int
want_status(const struct bot_parts *p, struct arena *a, const struct desired_repository *to, const struct wish_check *w,
    struct err *e)
{
	struct wish_status status = {.head = w->head, .context = context_of(a, w->name), .target_url = w->details_url};

	switch (rank_of(w)) {
	case RANK_NONE:
	case RANK_UNFINISHED:
	case RANK_ASKS: status.state = "pending"; break;
	case RANK_GOOD:
	case RANK_NEUTRAL: status.state = "success"; break;
	case RANK_CANCELLED: status.state = "error"; break;
	case RANK_BAD: status.state = strcmp(w->conclusion, "skipped") == 0 ? "success" : "failure"; break;
	}
	status.description = w->conclusion != NULL && w->title != NULL ? w->title : "not finished yet";
	return store_want_status(p->store, to, &status, !p->settings->report.statuses, e);
}

/* own: what is shown when nobody has a say, as for a head that was replaced; NULL: what is there stays. */
static int
settle(const struct bot_parts *p, struct arena *a, const struct desired_repository *to, const char *head, const char *name,
    const struct wish_check *own, struct err *e)
{
	struct store *s = p->store;
	struct commit_check *all = NULL;
	struct wish_check before, shown;
	size_t n = 0;
	int had = store_check_wanted(s, a, to->id, head, name, &before, e);

	if (had < 0 || store_commit_checks(s, a, to->id, head, name, &all, &n, e) != 0)
		return -1;
	const struct commit_check *leader = leader_of(all, n, had == 0 ? &before : NULL, standing_is_whole(name));
	if (leader == NULL && (n > 0 || own == NULL))
		return 0;
	shown = leader != NULL ? *leader->wanted : *own;
	/* Another's annotations would stay on a check that is updated, so it is posted anew. */
	if (had == 0 && str_same(before.external_id, shown.external_id))
		shown.restart = before.restart;
	else if (had == 0 && shown.restart <= before.restart)
		shown.restart = before.restart + 1;
	if (leader != NULL && n > 1)
		say_whose(a, all, n, leader, &shown);
	if (!standing_is_whole(name))
		return store_want_part_check(s, to, &shown, e);
	return store_want_check(s, to, &shown, e) != 0 ? -1 : want_status(p, a, to, &shown, e);
}

int
standing_told(const struct bot_parts *p, const struct desired_repository *to, int64_t run, const struct wish_check *own,
    struct err *e)
{
	struct arena a = {0};
	int rc = store_run_check_put(p->store, run, own, e);

	if (rc == 0)
		rc = settle(p, &a, to, own->head, own->name, own, e);
	arena_release(&a);
	return rc;
}

/* Whether somebody has a say in the commit's whole, and nobody in this attribute. */
static int
is_orphan(const struct bot_parts *p, struct arena *a, int64_t repository, const char *head, const char *name, bool *ret,
    struct err *e)
{
	struct commit_check *all = NULL;
	size_t n = 0, whole = 0;

	if (store_commit_checks(p->store, a, repository, head, name, &all, &n, e) != 0 ||
	    (n == 0 && store_commit_checks(p->store, a, repository, head, wholes[1], &all, &whole, e) != 0))
		return -1;
	*ret = n == 0 && whole > 0;
	return 0;
}

static bool
is_of_run(struct arena *a, const struct wish_check *w, int64_t run)
{
	return w->external_id != NULL &&
	       str_starts(str_of(w->external_id), str_of(arena_printf(a, "run/%lld/", (long long)run)));
}

static int
leave_one(const struct bot_parts *p, struct arena *a, const struct desired_repository *to, const struct standing_last *is,
    const struct wish_check *stands, struct err *e)
{
	struct commit_check *all = NULL;
	const struct wish_check *own = is_of_run(a, stands, is->run) ? stands : NULL;
	struct wish_check last = *is->last;
	bool others = false;
	size_t n = 0;

	if (store_commit_checks(p->store, a, to->id, is->head, stands->name, &all, &n, e) != 0)
		return -1;
	for (size_t i = 0; i < n; i++) {
		if (all[i].run == is->run && all[i].wanted != NULL)
			own = all[i].wanted;
		else if (all[i].wanted != NULL)
			others = true;
	}
	if ((own == NULL && others) || (own != NULL && own->conclusion != NULL && !is->compared))
		return 0;
	last.head = is->head;
	last.name = stands->name;
	last.status = "completed";
	last.external_id = arena_printf(a, "run/%lld/%s", (long long)is->run, stands->name);
	last.restart = is->run;
	return standing_told(p, to, is->run, &last, e);
}

int
standing_left(const struct bot_parts *p, const struct desired_repository *to, const struct standing_last *is, struct err *e)
{
	AUTO(arena_release) struct arena a = {0};
	struct wish_check *all = NULL;
	size_t n = 0;
	int rc = store_checks_wanted(p->store, &a, to->id, is->head, &all, &n, e);

	for (size_t i = 0; rc == 0 && i < n; i++)
		if (!standing_is_whole(all[i].name) && !texts_have(is->told, all[i].name))
			rc = leave_one(p, &a, to, is, &all[i], e);
	return rc;
}

static int
change_attribute(const struct bot_parts *p, struct arena *a, const struct desired_repository *to, const char *head,
    const struct wish_check *stands, struct err *e)
{
	struct wish_check last = *stands;
	bool orphan = false;

	if (is_orphan(p, a, to->id, head, stands->name, &orphan, e) != 0)
		return -1;
	last.status = "completed";
	last.conclusion = "neutral";
	last.title = STANDING_NO_MORE;
	last.summary = STANDING_NO_MORE_WORDS;
	last.text = NULL;
	return settle(p, a, to, head, stands->name, orphan ? &last : NULL, e);
}

int
standing_changed(const struct bot_parts *p, const struct desired_repository *to, const char *head, struct err *e)
{
	AUTO(arena_release) struct arena a = {0};
	struct wish_check *all = NULL;
	size_t n = 0;
	int rc = store_checks_wanted(p->store, &a, to->id, head, &all, &n, e);

	for (size_t i = 0; rc == 0 && i < COUNT(wholes); i++)
		rc = settle(p, &a, to, head, wholes[i], NULL, e);
	for (size_t i = 0; rc == 0 && i < n; i++)
		if (!standing_is_whole(all[i].name))
			rc = change_attribute(p, &a, to, head, &all[i], e);
	return rc;
}
