/* Pull requests, runs and commands as rows. */
#include "store/run.h"

#include "store/db.h"
#include "store/figures.h"
#include "store/people.h"
#include "store/served.h"
#include "support/base/clock.h"

#include <string.h>

/* What a database of another version may hold besides is nothing that could go on. */
static enum run_state
state_of(const char *name)
{
	enum run_state s = run_state_of(name);

	return s != RUN_STATES ? s : RUN_FAILED;
}

int
store_pull_put(struct store *s, const struct pull_request *p, struct err *e)
{
	return db_run(s, e,
	    "INSERT INTO pull_request (repository, number, state, head, base_ref, title, author, association, fork,"
	    " draft, updated, head_since, head_before, changed, head_owner, skipped)"
	    " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16)"
	    " ON CONFLICT (repository, number) DO UPDATE SET state = excluded.state, head = excluded.head,"
	    " head_since = CASE WHEN head = excluded.head THEN head_since ELSE excluded.head_since END,"
	    " head_before = CASE WHEN head = excluded.head THEN head_before ELSE excluded.head_before END,"
	    " changed = max(changed, excluded.changed),"
	    " base_ref = excluded.base_ref, title = excluded.title, author = excluded.author,"
	    " association = excluded.association, fork = excluded.fork, draft = excluded.draft,"
	    " updated = excluded.updated, head_owner = coalesce(excluded.head_owner, head_owner),"
	    " skipped = excluded.skipped",
	    "iissssssiiiisisi", p->repository, p->number, p->open ? "open" : "closed", p->head, p->base_ref, p->title,
	    p->author, p->association, (int64_t)p->fork, (int64_t)p->draft, clock_now_ms(), p->head_since, p->before,
	    p->changed, p->head_owner, (int64_t)p->skipped);
}

int
store_pull_get(struct store *s, struct arena *a, int64_t repository, int64_t number, struct pull_request *ret, struct err *e)
{
	AUTO(db_done)
	sqlite3_stmt *q = db_query(s, e,
	    "SELECT state, head, base_ref, title, author, association, fork, draft, approved, head_since,"
	    " head_before, changed, head_owner, in_team, skipped FROM pull_request"
	    " WHERE repository = ?1 AND number = ?2",
	    "ii", repository, number);
	int rc = q == NULL ? -1 : db_row(s, q, e);

	if (rc <= 0)
		return rc < 0 ? -1 : 1;
	*ret = (struct pull_request){.repository = repository,
	    .number = number,
	    .open = strcmp((const char *)sqlite3_column_text(q, 0), "open") == 0,
	    .head = db_text(a, q, 1),
	    .base_ref = db_text(a, q, 2),
	    .title = db_text(a, q, 3),
	    .author = db_text(a, q, 4),
	    .association = db_text(a, q, 5),
	    .fork = db_i64(q, 6) != 0,
	    .draft = db_i64(q, 7) != 0,
	    .approved = db_text(a, q, 8),
	    .head_since = db_i64(q, 9),
	    .before = db_text(a, q, 10),
	    .changed = db_i64(q, 11),
	    .head_owner = db_text(a, q, 12),
	    .in_team = db_i64(q, 13) != 0,
	    .skipped = db_i64(q, 14) != 0};
	return 0;
}

int
store_pull_in_team(struct store *s, int64_t repository, int64_t number, bool in_team, struct err *e)
{
	return db_run(s, e, "UPDATE pull_request SET in_team = ?3 WHERE repository = ?1 AND number = ?2", "iii", repository,
	    number, (int64_t)in_team);
}

int
store_conflicts_moved(struct store *s, int64_t repository, const char *base_ref, int64_t at, int64_t max, struct err *e)
{
	return db_run(s, e,
	    "UPDATE pull_request SET recheck = ?3, recheck_tries = 0 WHERE repository = ?1 AND number IN"
	    " (SELECT p.number FROM pull_request p JOIN run r ON r.repository = p.repository AND r.number = p.number"
	    "  WHERE p.repository = ?1 AND p.state = 'open' AND p.base_ref = ?2 AND r.head = p.head AND r.id ="
	    "   (SELECT max(n.id) FROM run n WHERE n.repository = p.repository AND n.number = p.number)"
	    "  AND json_extract(r.mirrored, '$.conflict') ORDER BY r.id DESC LIMIT ?4)",
	    "isii", repository, base_ref, at, max);
}

int
store_conflict_next(struct store *s, struct store_conflict *ret, struct err *e)
{
	AUTO(db_done)
	sqlite3_stmt *q = db_query(s, e,
	    "SELECT repository, number, recheck, recheck_tries FROM pull_request WHERE recheck > 0 ORDER BY recheck LIMIT 1",
	    "");
	int rc = q == NULL ? -1 : db_row(s, q, e);

	if (rc <= 0)
		return rc < 0 ? -1 : 1;
	*ret = (struct store_conflict){db_i64(q, 0), db_i64(q, 1), db_i64(q, 2), db_i64(q, 3)};
	return 0;
}

int
store_conflict_later(struct store *s, int64_t repository, int64_t number, int64_t at, struct err *e)
{
	return db_run(s, e,
	    "UPDATE pull_request SET recheck = ?3, recheck_tries = recheck_tries + 1 WHERE repository = ?1 AND number = ?2",
	    "iii", repository, number, at);
}

int
store_head_early(struct store *s, const struct pull_request *p, struct err *e)
{
	if (db_run(s, e, "DELETE FROM head_early WHERE repository = ?1 AND number = ?2 AND changed < ?3", "iii", p->repository,
	        p->number, p->changed) != 0)
		return -1;
	return db_run(s, e,
	    "INSERT INTO head_early (repository, number, before, head, changed) VALUES (?1, ?2, ?3, ?4, ?5)"
	    " ON CONFLICT DO UPDATE SET head = excluded.head, changed = excluded.changed",
	    "iissi", p->repository, p->number, p->before, p->head, p->changed);
}

int
store_head_follows(struct store *s, struct arena *a, const struct pull_request *p, const char **ret, struct err *e)
{
	{
		AUTO(db_done)
		sqlite3_stmt *q = db_query(s, e,
		    "SELECT head FROM head_early WHERE repository = ?1 AND number = ?2 AND before = ?3 AND changed = ?4",
		    "iisi", p->repository, p->number, p->head, p->changed);
		int rc = q == NULL ? -1 : db_row(s, q, e);
		if (rc <= 0)
			return rc < 0 ? -1 : 1;
		*ret = db_text(a, q, 0);
	}
	return db_run(s, e, "DELETE FROM head_early WHERE repository = ?1 AND number = ?2 AND before = ?3", "iis",
	    p->repository, p->number, p->head);
}

int
store_pull_approve(struct store *s, int64_t repository, int64_t number, const char *head, struct err *e)
{
	if (db_run(s, e, "UPDATE pull_request SET approved = ?3 WHERE repository = ?1 AND number = ?2 AND head = ?3", "iis",
	        repository, number, head) != 0)
		return -1;
	return db_changes(s) == 1 ? 0 : 1;
}

int
store_pull_priority(struct store *s, int64_t repository, int64_t number, int64_t priority, struct err *e)
{
	if (db_run(s, e, "UPDATE pull_request SET priority = ?3 WHERE repository = ?1 AND number = ?2", "iii", repository,
	        number, priority) != 0)
		return -1;
	return db_run(s, e,
	    "INSERT INTO build_change (run) SELECT id FROM run WHERE repository = ?1 AND number = ?2 AND ended IS NULL"
	    " ON CONFLICT DO NOTHING",
	    "ii", repository, number);
}

int
store_branch_done(struct store *s, struct arena *a, int64_t repository, const char *branch, const char **ret, struct err *e)
{
	AUTO(db_done)
	sqlite3_stmt *q = db_query(s, e,
	    "SELECT head FROM run WHERE repository = ?1 AND base_ref = ?2 AND number = 0 AND state = 'done' ORDER BY id DESC"
	    " LIMIT 1",
	    "is", repository, branch);
	int rc = q == NULL ? -1 : db_row(s, q, e);

	*ret = rc > 0 ? db_text(a, q, 0) : NULL;
	return rc < 0 ? -1 : 0;
}

int
store_branch_had(struct store *s, int64_t repository, const char *branch, const char *head, bool *ret, struct err *e)
{
	int64_t n = 0;

	if (db_int(s, &n, e,
	        "SELECT count(*) FROM run WHERE repository = ?1 AND number = 0 AND (head = ?2 OR base = ?2) AND base_ref = ?3",
	        "iss", repository, head, branch) != 0)
		return -1;
	*ret = n > 0;
	return 0;
}

int
store_group_gone(struct store *s, int64_t repository, const char *head, struct err *e)
{
	return db_run(s, e, "INSERT INTO group_gone (repository, head) VALUES (?1, ?2) ON CONFLICT DO NOTHING", "is",
	    repository, head);
}

int
store_group_is_gone(struct store *s, int64_t repository, const char *head, bool *ret, struct err *e)
{
	int64_t n = 0;

	if (db_int(s, &n, e, "SELECT count(*) FROM group_gone WHERE repository = ?1 AND head = ?2", "is", repository, head) !=
	    0)
		return -1;
	*ret = n > 0;
	return 0;
}

static int
history(struct store *s, int64_t id, const char *from, const char *to, const char *why, struct err *e)
{
	return db_run(s, e, "INSERT INTO run_event (run, at, from_state, to_state, why) VALUES (?1, ?2, ?3, ?4, ?5)", "iisss",
	    id, clock_now_ms(), from, to, why);
}

int
store_run_add(struct store *s, const struct run *r, int64_t *ret_id, struct err *e)
{
	int64_t now = clock_now_ms(), id = 0;

	if (store_begin(s, e) != 0)
		return -1;
	int rc = db_run(s, e,
	    "INSERT INTO run (repository, number, head, base_ref, state, reason, force, ignore_rules, approved, created,"
	    " updated, base, head_ref, asked, again) VALUES (?1, ?2, ?3, ?4, 'accepted', ?5, ?6, ?7, ?8, ?9, ?9, ?10, ?11, ?12,"
	    " ?13)",
	    "iisssiiiisssi", r->repository, r->number, r->head, r->base_ref, r->reason, (int64_t)r->force,
	    (int64_t)r->ignore_rules, (int64_t)r->approved, now, r->base, r->head_ref, r->asked, (int64_t)r->again);
	if (rc == 0) {
		id = db_last_id(s);
		rc = history(s, id, NULL, run_state_name(RUN_ACCEPTED), r->reason, e);
	}
	if (store_end(s, rc, e) != 0)
		return -1;
	*ret_id = id;
	return 0;
}

#define RUN_COLUMNS                                                                                                                               \
	"id, repository, number, head, base_ref, state, attempt, not_before, reason, force, ignore_rules, approved,"                              \
	" waiting, mirrored, plan, evaluations, difference, counts, wide, query, failure, verdict, title,"                                        \
	" superseded_by, created, updated, ended, changes, reported, outside_ms, base, head_ref, asked, again, held, coalesce(nix, -1), stopped," \
	" failures, refusals, first"

static int
read_run(struct store *s, struct arena *a, sqlite3_stmt *q, struct run *ret, struct err *e)
{
	int rc = q == NULL ? -1 : db_row(s, q, e);

	if (rc <= 0)
		return rc < 0 ? -1 : 1;
	*ret = (struct run){.id = db_i64(q, 0),
	    .repository = db_i64(q, 1),
	    .number = db_i64(q, 2),
	    .head = db_text(a, q, 3),
	    .base_ref = db_text(a, q, 4),
	    .state = state_of((const char *)sqlite3_column_text(q, 5)),
	    .attempt = db_i64(q, 6),
	    .not_before = db_i64(q, 7),
	    .reason = db_text(a, q, 8),
	    .force = db_i64(q, 9) != 0,
	    .ignore_rules = db_i64(q, 10) != 0,
	    .approved = db_i64(q, 11) != 0,
	    .waiting = db_text(a, q, 12),
	    .mirrored = db_text(a, q, 13),
	    .plan = db_text(a, q, 14),
	    .evaluations = db_text(a, q, 15),
	    .difference = db_text(a, q, 16),
	    .counts = db_text(a, q, 17),
	    .wide = db_i64(q, 18) != 0,
	    .query = db_text(a, q, 19),
	    .failure = db_text(a, q, 20),
	    .verdict = db_text(a, q, 21),
	    .title = db_text(a, q, 22),
	    .superseded_by = db_i64(q, 23),
	    .created = db_i64(q, 24),
	    .updated = db_i64(q, 25),
	    .ended = db_i64(q, 26),
	    .changes = db_i64(q, 27),
	    .reported = db_i64(q, 28),
	    .outside_ms = db_i64(q, 29),
	    .base = db_text(a, q, 30),
	    .head_ref = db_text(a, q, 31),
	    .asked = db_text(a, q, 32),
	    .again = db_i64(q, 33) != 0,
	    .held = db_text(a, q, 34),
	    .nix = (enum run_nix)db_i64(q, 35),
	    .stopped = db_i64(q, 36) != 0,
	    .failures = db_i64(q, 37),
	    .refusals = db_i64(q, 38),
	    .first = db_text(a, q, 39)};
	return 0;
}

int
store_run_get(struct store *s, struct arena *a, int64_t id, struct run *ret, struct err *e)
{
	AUTO(db_done) sqlite3_stmt *q = db_query(s, e, "SELECT " RUN_COLUMNS " FROM run WHERE id = ?1", "i", id);

	return read_run(s, a, q, ret, e);
}

int
store_run_of(struct store *s, struct arena *a, int64_t repository, int64_t number, bool live_only, struct run *ret,
    struct err *e)
{
	AUTO(db_done)
	sqlite3_stmt *q = db_query(s, e,
	    "SELECT " RUN_COLUMNS " FROM run WHERE repository = ?1 AND number = ?2 AND (?3 = 0 OR ended IS NULL)"
	    " ORDER BY id DESC LIMIT 1",
	    "iii", repository, number, (int64_t)live_only);

	return read_run(s, a, q, ret, e);
}

int
store_run_of_commit(struct store *s, struct arena *a, int64_t repository, const char *head, struct run *ret, struct err *e)
{
	AUTO(db_done)
	sqlite3_stmt *q = db_query(s, e,
	    "SELECT " RUN_COLUMNS " FROM run WHERE repository = ?1 AND number <= 0 AND head = ?2 ORDER BY id DESC LIMIT 1",
	    "is", repository, head);

	return read_run(s, a, q, ret, e);
}

int
store_pulls_of_head(struct store *s, int64_t repository, const char *head, int64_t *numbers, size_t max, size_t *ret_n,
    struct err *e)
{
	AUTO(db_done)
	sqlite3_stmt *q =
	    db_query(s, e, "SELECT number FROM pull_request WHERE head = ?1 AND repository = ?2 AND state = 'open' LIMIT ?3",
	        "sii", head, repository, (int64_t)max);

	return db_some_ids(s, q, numbers, max, ret_n, e);
}

int
store_pulls_once_of_head(struct store *s, int64_t repository, const char *head, int64_t *numbers, size_t max, size_t *ret_n,
    struct err *e)
{
	AUTO(db_done)
	sqlite3_stmt *q = db_query(s, e,
	    "SELECT DISTINCT p.number FROM run r JOIN pull_request p ON p.repository = r.repository AND p.number = r.number"
	    " WHERE r.repository = ?1 AND r.head = ?2 AND p.head <> ?2 AND p.state = 'open' LIMIT ?3",
	    "isi", repository, head, (int64_t)max);

	return db_some_ids(s, q, numbers, max, ret_n, e);
}

int
store_runs_live(struct store *s, int64_t *ids, size_t max, size_t *ret_n, struct err *e)
{
	AUTO(db_done)
	sqlite3_stmt *q = db_query(s, e, "SELECT r.id FROM run r WHERE r.ended IS NULL ORDER BY " SQL_TURN("r") " LIMIT ?1",
	    "i", (int64_t)max);

	return db_some_ids(s, q, ids, max, ret_n, e);
}

int
store_runs_unreported(struct store *s, int64_t *ids, size_t max, size_t *ret_n, struct err *e)
{
	AUTO(db_done)
	sqlite3_stmt *q = db_query(s, e, "SELECT id FROM run WHERE reported < changes ORDER BY id LIMIT ?1", "i", (int64_t)max);

	return db_some_ids(s, q, ids, max, ret_n, e);
}

int
store_runs_live_of(struct store *s, int64_t repository, int64_t number, int64_t except, int64_t *ids, size_t max, size_t *ret_n,
    struct err *e)
{
	AUTO(db_done)
	sqlite3_stmt *q =
	    db_query(s, e, "SELECT id FROM run WHERE repository = ?1 AND number = ?2 AND id <> ?3 AND ended IS NULL LIMIT ?4",
	        "iiii", repository, number, except, (int64_t)max);

	return db_some_ids(s, q, ids, max, ret_n, e);
}

/* How long it took since it was known what to evaluate. */
static int
count_evaluation(struct store *s, int64_t id, int64_t now, struct err *e)
{
	int64_t repository, since;
	int rc = db_int(s, &since, e, "SELECT max(at) FROM run_event WHERE run = ?1 AND to_state = ?2", "is", id,
	    run_state_name(RUN_PLANNED));

	if (rc != 0 || since == 0)
		return rc < 0 ? -1 : 0;
	rc = db_int(s, &repository, e, "SELECT repository FROM run WHERE id = ?1", "i", id);
	return rc == 0 ? figure_add(s, repository, FIGURE_EVALUATION, now - since, e) : rc;
}

/* A pull request's run that has ended gets its first verdict: how it ended, and what it rebuilds. */
static int
count_verdict(struct store *s, int64_t id, const char *verdict, struct err *e)
{
	int64_t repository, rebuilds = -1;
	int rc = db_int(s, &repository, e,
	    "SELECT repository FROM run WHERE id = ?1 AND number > 0 AND ended IS NOT NULL AND superseded_by IS NULL"
	    " AND state <> ?2 AND state <> ?3 AND verdict IS NULL",
	    "iss", id, run_state_name(RUN_SUPERSEDED), run_state_name(RUN_CANCELLED));

	if (rc != 0 || verdict == NULL)
		return rc < 0 ? -1 : 0;
	rc = db_int(s, &rebuilds, e,
	    "SELECT coalesce(json_extract(counts, '$.total.rebuild'), 0) FROM run WHERE id = ?1 AND json_valid(counts)", "i",
	    id);
	if (rc < 0 || figure_add(s, repository, FIGURE_VERDICT, strcmp(verdict, "success") == 0, e) != 0)
		return -1;
	return rc == 0 ? figure_add(s, repository, FIGURE_REBUILDS, rebuilds, e) : 0;
}

int
store_run_move(struct store *s, int64_t id, enum run_state from, enum run_state to, const char *why, struct err *e)
{
	int64_t now = clock_now_ms();

	if (!run_state_may_become(from, to))
		return fail(e, ERR_BUG, "a run that is %s cannot become %s", run_state_name(from), run_state_name(to));
	if (store_begin(s, e) != 0)
		return -1;
	int rc = db_run(s, e,
	    "UPDATE run SET state = ?3, attempt = 0, failures = 0, refusals = 0, not_before = 0, held = NULL, waiting = NULL, updated = ?4, changes = changes + 1,"
	    " ended = CASE WHEN ?5 THEN ?4 END WHERE id = ?1 AND state = ?2",
	    "issii", id, run_state_name(from), run_state_name(to), now, (int64_t)run_state_is_end(to));
	bool moved = rc == 0 && db_changes(s) == 1;
	if (moved)
		rc = history(s, id, run_state_name(from), run_state_name(to), why, e);
	if (moved && rc == 0 && to == RUN_EVALUATED)
		rc = count_evaluation(s, id, now, e);
	if (store_end(s, rc, e) != 0)
		return -1;
	return moved ? 0 : 1;
}

int
store_run_piece(struct store *s, int64_t id, struct err *e)
{
	return db_run(s, e,
	    "UPDATE run SET attempt = 0, failures = 0, refusals = 0, changes = changes + 1, updated = ?2 WHERE id = ?1", "ii",
	    id, clock_now_ms());
}

int
store_run_attempt(struct store *s, int64_t id, struct err *e)
{
	return db_run(s, e, "UPDATE run SET attempt = attempt + 1, updated = ?2 WHERE id = ?1", "ii", id, clock_now_ms());
}

int
store_run_later(struct store *s, int64_t id, bool refused, int64_t not_before, const char *why, struct err *e)
{
	return db_run(s, e,
	    "UPDATE run SET failures = failures + NOT ?5, refusals = CASE WHEN ?5 THEN refusals + 1 ELSE 0 END, not_before = ?2,"
	    " waiting = ?3, changes = changes + 1, updated = ?4 WHERE id = ?1",
	    "iisii", id, not_before, why, clock_now_ms(), (int64_t)refused);
}

int
store_run_set(struct store *s, int64_t id, const char *column, const char *text, struct err *e)
{
	static const struct {
		const char *column, *sql;
	} sets[] = {
	    {"mirrored", "UPDATE run SET mirrored = ?2 WHERE id = ?1"},
	    {"plan", "UPDATE run SET plan = ?2 WHERE id = ?1"},
	    {"evaluations", "UPDATE run SET evaluations = ?2 WHERE id = ?1"},
	    {"first", "UPDATE run SET first = ?2 WHERE id = ?1"},
	    {"difference", "UPDATE run SET difference = ?2 WHERE id = ?1"},
	    {"counts", "UPDATE run SET counts = ?2 WHERE id = ?1"},
	    {"query", "UPDATE run SET query = ?2 WHERE id = ?1"},
	    {"failure", "UPDATE run SET failure = ?2 WHERE id = ?1"},
	    {"held", "UPDATE run SET held = ?2 WHERE id = ?1"},
	    {"verdict", "UPDATE run SET verdict = ?2 WHERE id = ?1"},
	    {"title", "UPDATE run SET title = ?2 WHERE id = ?1"},
	};

	if (strcmp(column, "verdict") == 0 && count_verdict(s, id, text, e) != 0)
		return -1;
	for (size_t i = 0; i < COUNT(sets); i++)
		if (strcmp(sets[i].column, column) == 0)
			return db_run_(s, e, sets[i].sql, "is", id, text);
	return fail(e, ERR_BUG, "a run has no column %s", column);
}

int
store_run_flags(struct store *s, int64_t id, bool wide, bool approved, bool force, struct err *e)
{
	return db_run(s, e, "UPDATE run SET wide = ?2, approved = ?3, force = ?4 WHERE id = ?1", "iiii", id, (int64_t)wide,
	    (int64_t)approved, (int64_t)force);
}

int
store_run_supersede(struct store *s, int64_t id, int64_t by, struct err *e)
{
	/* What that one had replaced is replaced by the new one, too. */
	return db_run(s, e, "UPDATE run SET superseded_by = ?2 WHERE id = ?1 OR superseded_by = ?1", "ii", id, by);
}

int
store_run_spent(struct store *s, int64_t id, int64_t outside_ms, struct err *e)
{
	return db_run(s, e, "UPDATE run SET outside_ms = outside_ms + ?2 WHERE id = ?1", "ii", id, outside_ms);
}

int
store_run_changed(struct store *s, int64_t id, struct err *e)
{
	return db_run(s, e, "UPDATE run SET changes = changes + 1 WHERE id = ?1", "i", id);
}

int
store_run_nix(struct store *s, int64_t id, bool nix, struct err *e)
{
	return db_run(s, e, "UPDATE run SET nix = ?2 WHERE id = ?1", "ii", id, (int64_t)nix);
}

int
store_branch_is_nix(struct store *s, int64_t repository, const char *base_ref, bool *ret, struct err *e)
{
	int64_t n = 0;

	if (db_int(s, &n, e,
	        "SELECT EXISTS (SELECT 1 FROM run WHERE repository = ?1 AND base_ref = ?2 AND nix = 1 ORDER BY id DESC)", "is",
	        repository, base_ref) < 0)
		return -1;
	*ret = n != 0;
	return 0;
}

int
store_run_stopped(struct store *s, int64_t id, struct err *e)
{
	return db_run(s, e, "UPDATE run SET stopped = 1 WHERE id = ?1", "i", id);
}

int
store_runs_live_in(struct store *s, struct arena *a, int64_t repository, struct ids *ret, struct err *e)
{
	AUTO(db_done)
	sqlite3_stmt *q =
	    db_query(s, e, "SELECT id FROM run WHERE ended IS NULL AND repository = ?1 ORDER BY id", "i", repository);

	return db_ids(s, a, q, ret, e);
}

static int
stopped_in(struct store *s, struct arena *a, int64_t repository, struct ids *ret, struct err *e)
{
	AUTO(db_done)
	sqlite3_stmt *q = db_query(s, e,
	    "SELECT r.id FROM run r LEFT JOIN pull_request p ON p.repository = r.repository AND p.number = r.number"
	    " WHERE r.repository = ?1 AND r.stopped AND r.id ="
	    "  (SELECT max(n.id) FROM run n WHERE n.repository = r.repository AND n.number = r.number)"
	    " AND (r.number <= 0 OR (p.state = 'open' AND p.head = r.head)) ORDER BY r.id",
	    "i", repository);

	return db_ids(s, a, q, ret, e);
}

int
store_runs_stopped_in(struct store *s, struct arena *a, int64_t repository, struct ids *ret, struct err *e)
{
	if (stopped_in(s, a, repository, ret, e) != 0)
		return -1;
	return db_run(s, e, "UPDATE run SET stopped = 0, changes = changes + 1 WHERE repository = ?1 AND stopped", "i",
	    repository);
}

int
store_commands_drop(struct store *s, int64_t repository, const char *outcome, struct err *e)
{
	return db_run(s, e, "UPDATE command SET done = ?2, outcome = ?3 WHERE repository = ?1 AND done IS NULL", "iis",
	    repository, clock_now_ms(), outcome);
}

int
store_runs_readdress(struct store *s, int64_t repository, int64_t max, struct err *e)
{
	return db_run(s, e,
	    "UPDATE run SET changes = changes + 1 WHERE id IN (SELECT max(r.id) FROM run r JOIN pull_request p"
	    " ON p.repository = r.repository AND p.number = r.number WHERE r.repository = ?1 AND p.state = 'open'"
	    " GROUP BY r.number ORDER BY 1 DESC LIMIT ?2)",
	    "ii", repository, max);
}

int
store_run_reported(struct store *s, int64_t id, int64_t change, struct err *e)
{
	return db_run(s, e, "UPDATE run SET reported = max(reported, ?2) WHERE id = ?1", "ii", id, change);
}

int
store_command_add(struct store *s, const struct store_command *c, struct err *e)
{
	return db_run(s, e,
	    "INSERT INTO command (repository, number, comment, login, verb, words, received, operator, said, head, label, thread)"
	    " VALUES (?1, ?2, nullif(?3, 0), ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, nullif(?12, 0))",
	    "iiisssiiissi", c->repository, c->number, c->comment, c->login, c->verb, c->words, clock_now_ms(),
	    (int64_t)c->operator, c->said, c->head, c->label, c->thread);
}

int
store_comment_take(struct store *s, int64_t repository, int64_t comment, struct err *e)
{
	if (db_run(s, e, "INSERT INTO comment_taken (repository, comment) VALUES (?1, ?2) ON CONFLICT DO NOTHING", "ii",
	        repository, comment) != 0)
		return -1;
	return db_changes(s) == 1 ? 0 : 1;
}

int
store_label_take(struct store *s, int64_t repository, int64_t number, const char *label, int64_t at, struct err *e)
{
	if (db_run(s, e,
	        "INSERT INTO label_taken (repository, number, label, at) VALUES (?1, ?2, ?3, ?4)"
	        " ON CONFLICT DO UPDATE SET at = excluded.at WHERE excluded.at > at",
	        "iisi", repository, number, label, at) != 0)
		return -1;
	return db_changes(s) == 1 ? 0 : 1;
}

#define NOT_BUSY(busy)                                                                                                            \
	" AND (verb IN ('help', 'status', 'unknown', 'quota')"                                                                    \
	" OR (SELECT r.installation FROM repository r WHERE r.id = command.repository) NOT IN (SELECT value FROM json_each(" busy \
	")))"

int
store_command_due(struct store *s, const char *busy, int64_t *ret, struct err *e)
{
	int rc = db_int(s, ret, e,
	    "SELECT not_before FROM command WHERE done IS NULL" NOT_BUSY("?1") " ORDER BY not_before LIMIT 1", "s", busy);

	if (rc == 1)
		*ret = INT64_MAX;
	return rc < 0 ? -1 : 0;
}

int
store_command_next(struct store *s, struct arena *a, int64_t now, const char *busy, struct store_command *ret, struct err *e)
{
	AUTO(db_done)
	sqlite3_stmt *q = db_query(s, e,
	    "SELECT id, repository, number, comment, login, verb, words, attempts, operator, said, head, received, label,"
	    " coalesce(thread, comment) FROM command"
	    " WHERE done IS NULL AND not_before <= ?1" NOT_BUSY("?2") " ORDER BY id LIMIT 1",
	    "is", now, busy);
	int rc = q == NULL ? -1 : db_row(s, q, e);

	if (rc <= 0)
		return rc < 0 ? -1 : 1;
	*ret = (struct store_command){.id = db_i64(q, 0),
	    .repository = db_i64(q, 1),
	    .number = db_i64(q, 2),
	    .comment = db_i64(q, 3),
	    .login = db_text(a, q, 4),
	    .verb = db_text(a, q, 5),
	    .words = db_text(a, q, 6),
	    .attempts = db_i64(q, 7),
	    .operator= db_i64(q, 8) != 0,
	    .said = db_i64(q, 9),
	    .head = db_text(a, q, 10),
	    .received = db_i64(q, 11),
	    .label = db_text(a, q, 12),
	    .thread = db_i64(q, 13)};
	return 0;
}

int
store_command_later(struct store *s, int64_t id, int64_t not_before, struct err *e)
{
	return db_run(s, e, "UPDATE command SET not_before = ?2, attempts = attempts + 1 WHERE id = ?1", "ii", id, not_before);
}

int
store_commands_refused(struct store *s, int64_t repository, int64_t number, int64_t since, int64_t *ret, struct err *e)
{
	return db_int(s, ret, e,
	    "SELECT count(*) FROM command WHERE repository = ?1 AND number = ?2 AND done >= ?3"
	    " AND outcome IN ('refused', 'unknown')",
	    "iii", repository, number, since);
}

int
store_command_done(struct store *s, int64_t id, const char *outcome, struct err *e)
{
	return db_run(s, e, "UPDATE command SET done = ?2, outcome = ?3 WHERE id = ?1", "iis", id, clock_now_ms(), outcome);
}
