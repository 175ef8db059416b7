/* store: migrations, runs, and the durable part of the build queue. */
#include "queue/estimate.h"
#include "queue/replica.h"
#include "store/build_sets.h"
#include "store/builds.h"
#include "store/compared.h"
#include "store/db.h"
#include "store/desired.h"
#include "store/hosts.h"
#include "store/measure.h"
#include "store/delivery.h"
#include "store/duration.h"
#include "store/figures.h"
#include "store/open.h"
#include "store/overlapped.h"
#include "store/overview.h"
#include "store/people.h"
#include "store/prune.h"
#include "store/run.h"
#include "store/run_check.h"
#include "support/base/clock.h"
#include "support/os/files.h"
#include "support/text/json.h"

#include <glob.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

struct fixture {
	char dir[64];
	char path[96];
	struct store *s;
	struct err e;
	struct arena a;
	int64_t run;
};

#define ONE(text) ((struct texts){(const char *[]){text}, 1})

static const char head[] = "1111111111111111111111111111111111111111";

static int64_t
add_run(struct fixture *f, int64_t number)
{
	struct pull_request pr =
	    {.repository = 1, .number = number, .open = true, .head = head, .base_ref = "main", .title = "t"};
	struct run r = {.repository = 1, .number = number, .head = head, .base_ref = "main", .reason = "test"};
	int64_t id;

	assert_int_equal(store_pull_put(f->s, &pr, &f->e), 0);
	assert_int_equal(store_run_add(f->s, &r, &id, &f->e), 0);
	return id;
}

/* The whole pass; gives how many calls it took. */
static int
prune_all(struct fixture *f, int64_t before)
{
	struct store_pruning p = {.before = before};
	int rc, calls = 0;

	do {
		rc = store_prune(f->s, &p, &f->e);
		calls++;
	} while (rc > 0);
	assert_int_equal(rc, 0);
	return calls;
}

static int
set_up(void **state)
{
	struct fixture *f = mem_alloc(sizeof(*f));
	struct repository repo = {.id = 1,
	    .installation = 1,
	    .owner = "o",
	    .name = "r",
	    .clone_url = "http://localhost/o/r.git",
	    .default_branch = "main"};

	strncpy(f->dir, "/tmp/ekaci-store-XXXXXX", sizeof(f->dir) - 1);
	assert_non_null(mkdtemp(f->dir));
	snprintf(f->path, sizeof(f->path), "%s/db", f->dir);
	assert_int_equal(store_open(f->path, &f->s, &f->e), 0);
	assert_int_equal(store_installation_put(f->s, 1, "o", "active", &f->e), 0);
	assert_int_equal(store_repository_put(f->s, &repo, &f->e), 0);
	f->run = add_run(f, 1);
	*state = f;
	return 0;
}

static int
tear_down(void **state)
{
	struct fixture *f = *state;

	store_close(f->s);
	assert_int_equal(files_remove_tree(f->dir, &f->e), 0);
	arena_release(&f->a);
	mem_free(&f);
	return 0;
}

static void
a_newer_schema_is_refused(void **state)
{
	struct fixture *f = *state;
	struct store *again = NULL;

	assert_int_equal(sqlite3_exec(f->s->db, "PRAGMA user_version = 9999", NULL, NULL, NULL), SQLITE_OK);
	assert_int_equal(store_open(f->path, &again, &f->e), -1);
	assert_int_equal(f->e.kind, ERR_INPUT);
	assert_non_null(strstr(f->e.msg, "newer"));
}

/* A file that lost its content is not begun anew in silence; one that was never made is. */
static void
an_empty_database_is_refused(void **state)
{
	struct fixture *f = *state;
	struct store *s = NULL;
	const char *path = arena_printf(&f->a, "%s/other", f->dir), *log = arena_printf(&f->a, "%s-wal", path);

	assert_int_equal(files_write(path, STR(""), 0600, FILES_SYNC, &f->e), 0);
	assert_int_equal(store_open(path, &s, &f->e), -1);
	assert_int_equal(f->e.kind, ERR_INPUT);
	assert_non_null(strstr(f->e.msg, "is empty"));
	assert_int_equal(unlink(path), 0);
	assert_int_equal(files_write(log, STR("words"), 0600, FILES_SYNC, &f->e), 0);
	assert_int_equal(store_open(path, &s, &f->e), -1);
	assert_non_null(strstr(f->e.msg, "is gone"));
	assert_false(files_exist(path));
	assert_int_equal(unlink(log), 0);
	/* What was left of one that was being made when the machine went down is none. */
	assert_int_equal(files_write(arena_printf(&f->a, "%s.new", path), STR(""), 0600, FILES_SYNC, &f->e), 0);
	assert_int_equal(store_open(path, &s, &f->e), 0);
	store_close(s);
	assert_false(files_exist(arena_printf(&f->a, "%s.new", path)));
	assert_int_equal(store_open(path, &s, &f->e), 0);
	store_close(s);
}

/* A label is taken once for each time that it was set, and what is told again or late is none. */
static void
a_label_is_taken_once(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(store_label_take(f->s, 1, 3, "x", 2000, &f->e), 0);
	assert_int_equal(store_label_take(f->s, 1, 3, "x", 2000, &f->e), 1);
	assert_int_equal(store_label_take(f->s, 1, 3, "x", 1000, &f->e), 1);
	assert_int_equal(store_label_take(f->s, 1, 3, "y", 1000, &f->e), 0);
	assert_int_equal(store_label_take(f->s, 1, 4, "x", 1000, &f->e), 0);
	assert_int_equal(store_label_take(f->s, 1, 3, "x", 3000, &f->e), 0);
}

static void
a_database_of_the_first_version_goes_on(void **state)
{
	struct fixture *f = *state;
	const char *path = arena_printf(&f->a, "%s/old", f->dir);
	struct store *s = NULL;
	struct str schema;
	struct run r;
	sqlite3 *old;

	assert_int_equal(sqlite3_open(path, &old), SQLITE_OK);
	assert_int_equal(files_read(&f->a, "src/store/schema/001_start.sql", 1 << 20, &schema, &f->e), 0);
	assert_int_equal(sqlite3_exec(old, schema.p, NULL, NULL, NULL), SQLITE_OK);
	assert_int_equal(
	    sqlite3_exec(old,
	        "INSERT INTO installation (id) VALUES (1);"
	        "INSERT INTO repository VALUES (1, 1, 'o', 'r', 'u', 'main', 0);"
	        "INSERT INTO delivery (guid, event, received) VALUES ('g', 'ping', 1);"
	        "INSERT INTO run (id, repository, number, head, base_ref, state, reason, created, updated)"
	        " VALUES (7, 1, 3, 'h', 'main', 'building', 'x', 1, 1);"
	        "INSERT INTO run (id, repository, number, head, base_ref, state, reason, waiting, created, updated)"
	        " VALUES (8, 1, 4, 'h', 'main', 'queried', 'x', 'wide', 1, 1), (9, 1, 5, 'h', 'main', 'done', 'x', 'outside', 1, 1),"
	        " (10, 1, 6, 'h', 'main', 'accepted', 'x', 'no route', 1, 1);"
	        "INSERT INTO build (id, drv, name, system, state, created) VALUES (1, '/nix/store/a.drv', 'a', 'x', 'built', 1);"
	        "INSERT INTO pull_request VALUES (1, 3, 'open', 'h', 'main', 't', NULL, NULL, 1, 0, NULL, 0, 1234);"
	        "INSERT INTO command (repository, number, comment, login, verb, words, received)"
	        " VALUES (1, 3, 77, 'w', 'approve', '[]', 1000);"
	        "INSERT INTO desired (key, kind, installation, owner, repo, repository, wanted, generation, posted, since, updated)"
	        " VALUES ('check/1/h/n', 'check', 1, 'o', 'r', 1,"
	        "  '{\"conclusion\":\"failure\",\"external_id\":\"run/7/n\",\"head\":\"h\",\"name\":\"n\"}', 1, 1, 1, 1),"
	        " ('reply/1/3/m', 'reply', 1, 'o', 'r', 1, '{\"body\":\"b\",\"marker\":\"m\",\"number\":3}', 1, 0, 5, 5);"
	        "UPDATE run SET plan = '{}', reported = 1 WHERE id > 7;"
	        "PRAGMA user_version = 1",
	        NULL, NULL, NULL),
	    SQLITE_OK);
	assert_int_equal(sqlite3_close(old), SQLITE_OK);
	assert_int_equal(store_open(path, &s, &f->e), 0);
	/* What stands on a commit is the run's that said it; what was planned is of Nix; everything is served. */
	struct commit_check *checks;
	struct repository repo;
	size_t n_checks;
	assert_int_equal(store_commit_checks(s, &f->a, 1, "h", "n", &checks, &n_checks, &f->e), 0);
	assert_int_equal(n_checks, 1);
	assert_int_equal(checks[0].run, 7);
	assert_string_equal(checks[0].wanted->conclusion, "failure");
	assert_int_equal(store_run_get(s, &f->a, 7, &r, &f->e), 0);
	assert_int_equal(r.nix, RUN_NIX_UNKNOWN);
	assert_int_equal(store_run_get(s, &f->a, 8, &r, &f->e), 0);
	assert_int_equal(r.nix, RUN_NIX);
	assert_int_equal(store_repository_get(s, &f->a, 1, &repo, &f->e), 0);
	assert_true(repo.served && !repo.gone && repo.links == 0);
	assert_int_equal(store_run_get(s, &f->a, 7, &r, &f->e), 0);
	assert_int_equal(r.number, 3);
	assert_null(r.base);
	assert_null(r.asked);
	assert_false(r.again);
	struct store_command waits;
	assert_int_equal(store_command_next(s, &f->a, clock_now_ms(), "[0]", &waits, &f->e), 0);
	assert_int_equal(waits.thread, 77);
	/* Why it is held, and why it is tried again, were one column. */
	static const struct {
		const char *held, *waiting;
	} why[] = {{"wide", NULL}, {"outside", NULL}, {NULL, "no route"}};
	for (size_t i = 0; i < COUNT(why); i++) {
		assert_int_equal(store_run_get(s, &f->a, 8 + (int64_t)i, &r, &f->e), 0);
		assert_true(str_same(r.held, why[i].held));
		assert_true(str_same(r.waiting, why[i].waiting));
	}
	/* What was to be sent still is. */
	struct desired row;
	assert_int_equal(store_desired_next(s, &f->a, 1, 10, URGENCY_PROGRESS, &row, &f->e), 0);
	assert_string_equal(row.key, "reply/1/3/m");
	/* Of a pull request of before nothing more is known than it was; what is new can be wanted. */
	struct pull_request known;
	const struct desired_repository old_repo = {1, 1, "o", "r"};
	const struct wish_status status = {.head = "h", .context = "c", .state = "success"};
	const struct wish_reviewers reviewers = {.number = 3, .max = 1};
	assert_int_equal(store_pull_get(s, &f->a, 1, 3, &known, &f->e), 0);
	assert_true(known.head_owner == NULL && !known.in_team && !known.skipped);
	assert_int_equal(store_want_status(s, &old_repo, &status, true, &f->e), 0);
	assert_int_equal(store_desired_next(s, &f->a, 1, INT64_MAX - 1, URGENCY_PROGRESS, &row, &f->e), 0);
	assert_string_equal(row.key, "reply/1/3/m");
	assert_int_equal(store_desired_posted(s, row.id, 1, 7, "{}", &f->e), 0);
	assert_int_equal(store_desired_next(s, &f->a, 1, INT64_MAX - 1, URGENCY_PROGRESS, &row, &f->e), 1);
	assert_int_equal(store_want_status(s, &old_repo, &status, false, &f->e), 0);
	assert_int_equal(store_desired_next(s, &f->a, 1, INT64_MAX - 1, URGENCY_PROGRESS, &row, &f->e), 0);
	assert_string_equal(row.key, "status/1/h/c");
	assert_int_equal(store_desired_posted(s, row.id, 1, 0, "{}", &f->e), 0);
	assert_int_equal(store_want_reviewers(s, &old_repo, &reviewers, &f->e), 0);
	/* What is there is the first host's, by the ids it had; another one has the same ids, GUIDs and comments, and is another. */
	struct store_host hosts[] = {{"", "api.github.com", -1}, {"work", "git.example:8443", -1}};
	for (int again = 0; again < 2; again++) {
		assert_int_equal(store_hosts_name(s, hosts, 2, &f->e), 0);
		assert_int_equal(hosts[0].number, 0);
		assert_int_equal(hosts[1].number, 1);
	}
	struct repository at;
	bool new[3];
	const struct repository another = {.id = host_id(1, 1),
	    .installation = host_id(1, 1),
	    .owner = "o",
	    .name = "n",
	    .clone_url = "u",
	    .default_branch = "m"};
	assert_int_equal(store_installation_put(s, host_id(1, 1), "a", "active", &f->e), 0);
	assert_int_equal(store_repository_put(s, &another, &f->e), 0);
	const struct delivery_in in[] = {{STR("guid-of-both"), STR("ping"), STR("x"), 1, 0},
	    {STR("guid-of-both"), STR("ping"), STR("x"), 1, 1}, {STR("guid-of-both"), STR("ping"), STR("x"), 1, 1}};
	assert_int_equal(store_deliveries_add(s, in, 3, new, &f->e), 0);
	assert_true(new[0] && new[1] && !new[2]);
	assert_true(store_delivery_known(s, 1, "guid-of-both") && !store_delivery_known(s, 2, "guid-of-both"));
	assert_int_equal(store_comment_take(s, host_id(1, 1), 77, &f->e), 0);
	assert_int_equal(store_comment_take(s, host_id(1, 1), 77, &f->e), 1);
	/* Nobody tells us of a host that the settings do not name: nothing is done there, until it is named again. */
	for (size_t named = 1; named <= 2; named++) {
		assert_int_equal(store_hosts_name(s, hosts, named, &f->e), 0);
		assert_int_equal(store_repository_get(s, &f->a, another.id, &at, &f->e), 0);
		assert_true(at.served == (named == 2) && at.gone == (named == 1));
		assert_int_equal(store_repository_get(s, &f->a, 1, &at, &f->e), 0);
		assert_true(at.served && !at.gone);
	}
	assert_int_equal(host_of(another.id), 1);
	assert_int_equal(host_theirs(another.id), 1);
	assert_true(host_may_be(INT64_C(1) << 43) && !host_may_be(INT64_C(1) << 44) && !host_may_be(0) && !host_may_be(-1));
	/* A head from before counts as pushed when it was last heard of; what was said before stays said. */
	struct pull_request pr;
	struct store_command c;
	assert_int_equal(store_pull_get(s, &f->a, 1, 3, &pr, &f->e), 0);
	assert_int_equal(pr.head_since, 1234);
	assert_int_equal(store_command_next(s, &f->a, 5000, "[0]", &c, &f->e), 0);
	assert_int_equal(c.said, 1000);
	assert_int_equal(store_comment_take(s, 1, 77, &f->e), 1);
	store_close(s);
}

/* As a program that knew v versions left it: one thing refused for good, one in an earlier generation only, one that stands, and a
 * run that could not be fetched. */
static const char *
old_database(struct fixture *f, const glob_t *files, size_t v)
{
	const char *path = arena_printf(&f->a, "%s/version-%zu", f->dir, v);
	struct str schema;
	sqlite3 *old;

	assert_int_equal(sqlite3_open(path, &old), SQLITE_OK);
	for (size_t i = 0; i < v; i++) {
		assert_int_equal(files_read(&f->a, files->gl_pathv[i], 1 << 20, &schema, &f->e), 0);
		assert_int_equal(sqlite3_exec(old, schema.p, NULL, NULL, NULL), SQLITE_OK);
	}
	assert_int_equal(
	    sqlite3_exec(old,
	        "INSERT INTO installation (id) VALUES (1);"
	        "INSERT INTO repository (id, installation, owner, name, clone_url, default_branch, private) VALUES (1, 1, 'o', 'r', 'u', 'main', 0);"
	        "INSERT INTO pull_request (repository, number, state, head, base_ref, title, fork, draft, updated)"
	        " VALUES (1, 3, 'open', 'h', 'main', 't', 0, 0, 1);"
	        "INSERT INTO run (id, repository, number, head, base_ref, state, reason, failure, created, updated, ended) VALUES"
	        " (7, 1, 3, 'h', 'main', 'failed', 'x', '{\"stage\":\"mirror\",\"kind\":\"denied\",\"message\":\"no\"}', 1, 1, 500),"
	        " (8, 1, 0, 'm', 'main', 'failed', 'x', '{\"stage\":\"evaluate\",\"kind\":\"denied\",\"message\":\"no\"}', 1, 1, 500);"
	        "INSERT INTO desired (key, kind, installation, owner, repo, repository, wanted, generation, posted, remote_id, error,"
	        " given_up, since, updated) VALUES"
	        " ('check/1/h/a', 'check', 1, 'o', 'r', 1, '{\"head\":\"h\",\"name\":\"a\"}', 3, 2, 11, '422', 3, 1, 700),"
	        " ('check/1/h/b', 'check', 1, 'o', 'r', 1, '{\"head\":\"h\",\"name\":\"b\"}', 3, 2, 12, '422', 2, 2, 600),"
	        " ('check/1/h/c', 'check', 1, 'o', 'r', 1, '{\"head\":\"h\",\"name\":\"c\"}', 3, 3, 13, NULL, 2, 3, 500);",
	        NULL, NULL, NULL),
	    SQLITE_OK);
	assert_int_equal(sqlite3_exec(old, arena_printf(&f->a, "PRAGMA user_version = %zu", v), NULL, NULL, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_close(old), SQLITE_OK);
	return path;
}

static void
next_is(struct fixture *f, struct store *s, const char *key)
{
	struct desired row;

	assert_int_equal(store_desired_next(s, &f->a, 1, 10, URGENCY_PROGRESS, &row, &f->e), 0);
	assert_string_equal(row.key, key);
	assert_int_equal(store_desired_posted(s, row.id, row.generation, row.remote_id, NULL, &f->e), 0);
}

static void
of_every_older_version_what_was_refused_is_parked_and_taken_up(void **state)
{
	struct fixture *f = *state;
	glob_t files;

	assert_int_equal(glob("src/store/schema/[0-9]*.sql", 0, NULL, &files), 0);
	/* What is parked has its column since 010. */
	size_t versions = 0;
	while (strstr(files.gl_pathv[versions], "010_") == NULL)
		versions++;
	assert_true(versions >= 9);
	for (size_t v = 1; v <= versions; v++) {
		struct store *s = NULL;
		struct desired row;
		struct desired_parked *parked;
		struct desired_figures figures;
		struct compared compared;
		struct ids ids = {0};
		size_t n;
		int64_t taken, since = -1;

		assert_int_equal(store_open(old_database(f, &files, v), &s, &f->e), 0);
		assert_int_equal(store_desired_list_parked(s, &f->a, 9, &parked, &n, &f->e), 0);
		assert_int_equal(n, 1);
		assert_string_equal(parked[0].key, "check/1/h/a");
		assert_string_equal(parked[0].error, "422");
		assert_int_equal(parked[0].since_ms, 700);
		assert_int_equal(store_desired_figures(s, &figures, &f->e), 0);
		assert_int_equal(figures.open, 1);
		assert_int_equal(figures.parked, 1);
		/* What was wanted later than the refusal is to be sent as before; what is parked is not, until it is taken up. */
		next_is(f, s, "check/1/h/b");
		assert_int_equal(store_desired_next(s, &f->a, 1, 10, URGENCY_PROGRESS, &row, &f->e), 1);
		assert_int_equal(store_desired_take_up(s, 1, true, 10, &taken, &f->e), 0);
		assert_int_equal(taken, 1);
		next_is(f, s, "check/1/h/a");
		assert_int_equal(store_desired_next(s, &f->a, 1, 10, URGENCY_PROGRESS, &row, &f->e), 1);
		/* Nothing was compared, nothing was asked for again; what the forge refused to git is begun again, what failed otherwise not. */
		assert_int_equal(store_compared_get(s, &f->a, 1, &compared, &f->e), 0);
		assert_true(compared.pulls == 0 && compared.branch == NULL && compared.pulls_tag == NULL);
		assert_int_equal(store_asked_again(s, 0, &since, &f->e), 0);
		assert_int_equal(since, 0);
		assert_int_equal(store_runs_refused(s, &f->a, 1, 0, 3, &ids, &f->e), 0);
		assert_int_equal(ids.n, 1);
		assert_int_equal(ids.p[0], 7);
		store_close(s);
	}
	globfree(&files);
}

/* What changes makes its repository due, which it is until just that was compared; an old database is due as a whole. */
static void
pull_requests_beside_each_other_are_due_when_one_has_changed(void **state)
{
	struct fixture *f = *state;
	struct overlap_due due = {0}, newer = {0};
	struct overlap_open *open;
	const struct overlap_text told[] = {{0, "{}"}, {1, "{\"number\":1}"}};
	const char *text;
	size_t n;

	assert_int_equal(store_overlap_due(f->s, &due, &f->e), 0);
	assert_int_equal(due.repository, 1);
	assert_int_equal(store_overlap_open(f->s, &f->a, 1, 9, &open, &n, &f->e), 0);
	assert_int_equal(n, 0); /* it was not compared with its base yet */
	assert_int_equal(store_overlap_put(f->s, &due, told, COUNT(told), &f->e), 0);
	assert_int_equal(store_overlap_due(f->s, &due, &f->e), 1);
	assert_int_equal(store_overlap_get(f->s, &f->a, 1, 1, &text, &f->e), 0);
	assert_string_equal(text, "{\"number\":1}");
	assert_int_equal(store_overlap_get(f->s, &f->a, 1, 2, &text, &f->e), 1);
	assert_int_equal(store_overlap_get(f->s, &f->a, 2, 0, &text, &f->e), 1);

	/* What is no pull request's, and what stays as it is, changes nothing. */
	(void)add_run(f, 0);
	assert_int_equal(store_run_set(f->s, f->run, "counts", "{}", &f->e), 0);
	assert_int_equal(store_overlap_due(f->s, &due, &f->e), 1);
	assert_int_equal(store_run_set(f->s, f->run, "difference", "/a", &f->e), 0);
	assert_int_equal(store_overlap_due(f->s, &due, &f->e), 0);
	assert_int_equal(store_overlap_open(f->s, &f->a, 1, 9, &open, &n, &f->e), 0);
	assert_int_equal(n, 1);
	assert_int_equal(open[0].run, f->run);
	assert_string_equal(open[0].difference, "/a");
	/* What changed while it was compared is not forgotten. */
	assert_int_equal(store_run_set(f->s, f->run, "difference", "/b", &f->e), 0);
	assert_int_equal(store_overlap_put(f->s, &due, told, 1, &f->e), 0);
	assert_int_equal(store_overlap_due(f->s, &newer, &f->e), 0);
	assert_true(newer.changes > due.changes);
	assert_int_equal(store_overlap_put(f->s, &newer, told, 1, &f->e), 0);
	assert_int_equal(store_overlap_get(f->s, &f->a, 1, 1, &text, &f->e), 1);
	/* A newer head is not compared yet, and one that is closed is none of them. */
	(void)add_run(f, 1);
	assert_int_equal(store_overlap_open(f->s, &f->a, 1, 9, &open, &n, &f->e), 0);
	assert_int_equal(n, 0);
	assert_int_equal(store_overlap_due(f->s, &due, &f->e), 0);
	assert_int_equal(store_overlap_put(f->s, &due, told, 0, &f->e), 0);
	struct pull_request pr = {.repository = 1, .number = 1, .head = head, .base_ref = "main", .title = "t"};
	assert_int_equal(store_pull_put(f->s, &pr, &f->e), 0);
	assert_int_equal(store_overlap_due(f->s, &due, &f->e), 0);

	glob_t files;
	assert_int_equal(glob("src/store/schema/[0-9]*.sql", 0, NULL, &files), 0);
	size_t before = 0;
	while (strstr(files.gl_pathv[before], "023_") == NULL)
		before++;
	for (size_t v = 1; v <= before; v++) {
		struct store *old = NULL;
		assert_int_equal(store_open(old_database(f, &files, v), &old, &f->e), 0);
		assert_int_equal(store_overlap_due(old, &due, &f->e), 0);
		assert_int_equal(due.repository, 1);
		store_close(old);
	}
	globfree(&files);
}

static void
attempts_that_failed_are_counted_apart_from_those_that_began(void **state)
{
	struct fixture *f = *state;
	static const struct {
		bool refused;
		int64_t failures, refusals;
	} rows[] = {{true, 0, 1}, {true, 0, 2}, {false, 1, 0}, {true, 1, 1}};
	struct run r;

	/* Two died with us. */
	for (int i = 0; i < 2; i++)
		assert_int_equal(store_run_attempt(f->s, f->run, &f->e), 0);
	for (size_t i = 0; i < COUNT(rows); i++) {
		assert_int_equal(store_run_attempt(f->s, f->run, &f->e), 0);
		assert_int_equal(store_run_later(f->s, f->run, rows[i].refused, 5000, "no route", &f->e), 0);
		assert_int_equal(store_run_get(f->s, &f->a, f->run, &r, &f->e), 0);
		assert_int_equal(r.attempt, 3 + (int64_t)i);
		assert_int_equal(r.failures, rows[i].failures);
		assert_int_equal(r.refusals, rows[i].refusals);
	}
	assert_int_equal(store_run_move(f->s, f->run, RUN_ACCEPTED, RUN_MIRRORED, "fetched", &f->e), 0);
	assert_int_equal(store_run_get(f->s, &f->a, f->run, &r, &f->e), 0);
	assert_true(r.attempt == 0 && r.failures == 0 && r.refusals == 0);
}

static void
a_merge_group_that_is_gone_stays_so(void **state)
{
	struct fixture *f = *state;
	bool gone = true;

	assert_int_equal(store_group_is_gone(f->s, 1, "g", &gone, &f->e), 0);
	assert_false(gone);
	for (int i = 0; i < 2; i++)
		assert_int_equal(store_group_gone(f->s, 1, "g", &f->e), 0);
	assert_int_equal(store_group_is_gone(f->s, 1, "g", &gone, &f->e), 0);
	assert_true(gone);
	assert_int_equal(store_group_is_gone(f->s, 2, "g", &gone, &f->e), 0);
	assert_false(gone);
	prune_all(f, INT64_MAX);
	assert_int_equal(store_group_is_gone(f->s, 1, "g", &gone, &f->e), 0);
	assert_true(gone);
}

static struct repository
put_and_get(struct fixture *f, bool private, bool lifted, int64_t changed)
{
	const struct repository row = {.id = 9,
	    .installation = 9,
	    .owner = "o",
	    .name = "n",
	    .clone_url = "u",
	    .default_branch = "m",
	    .is_private = private,
	    .is_archived = private,
	    .lifted = lifted,
	    .changed = changed};
	struct repository ret;

	assert_int_equal(store_repository_put(f->s, &row, &f->e), 0);
	assert_int_equal(store_repository_get(f->s, &f->a, 9, &ret, &f->e), 0);
	assert_int_equal(ret.is_private, ret.is_archived);
	return ret;
}

static void
what_is_late_or_of_the_same_second_opens_nothing(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(store_installation_put(f->s, 9, "a", "active", &f->e), 0);
	assert_false(put_and_get(f, false, false, 1000).is_private);
	assert_true(put_and_get(f, true, false, 2000).is_private);
	assert_true(put_and_get(f, false, false, 2000).is_private);
	assert_true(put_and_get(f, false, true, 1000).is_private);
	assert_true(put_and_get(f, false, false, 0).is_private);
	assert_false(put_and_get(f, false, true, 2000).is_private);
	assert_true(put_and_get(f, true, false, 2000).is_private);
	assert_false(put_and_get(f, false, false, 3000).is_private);
	assert_false(put_and_get(f, true, false, 2000).is_private);
	/* Taken away and deleted. */
	assert_int_equal(store_repository_move(f->s, 9, 8, "removed", 5, &f->e), 1);
	assert_int_equal(store_repository_move(f->s, 9, 9, "removed", 5, &f->e), 0);
	assert_int_equal(store_repository_move(f->s, 9, 9, "active", 4, &f->e), 1);
	assert_int_equal(store_repository_move(f->s, 9, 9, "active", 6, &f->e), 0);
	assert_int_equal(store_repository_move(f->s, 9, 9, "deleted", 0, &f->e), 0);
	assert_int_equal(store_repository_move(f->s, 9, 9, "active", 0, &f->e), 1);
	assert_int_equal(store_installation_move(f->s, 9, NULL, "suspended", 7, &f->e), 0);
	assert_int_equal(store_installation_move(f->s, 9, NULL, "active", 6, &f->e), 1);
	assert_int_equal(store_installation_move(f->s, 9, NULL, "deleted", 8, &f->e), 0);
	assert_int_equal(store_installation_move(f->s, 9, NULL, "active", 9, &f->e), 1);
}

static void
a_move_happens_once_and_leaves_its_history(void **state)
{
	struct fixture *f = *state;
	struct run r;

	assert_int_equal(store_run_move(f->s, f->run, RUN_ACCEPTED, RUN_MIRRORED, "fetched", &f->e), 0);
	assert_int_equal(store_run_move(f->s, f->run, RUN_ACCEPTED, RUN_MIRRORED, "fetched", &f->e), 1);
	assert_int_equal(store_run_get(f->s, &f->a, f->run, &r, &f->e), 0);
	assert_int_equal(r.state, RUN_MIRRORED);
	assert_int_equal(r.changes, 2);
	int64_t n = 0;
	assert_int_equal(db_int(f->s, &n, &f->e, "SELECT count(*) FROM run_event WHERE run = ?1", "i", f->run), 0);
	assert_int_equal(n, 2);
	assert_int_equal(store_run_move(f->s, f->run, RUN_MIRRORED, RUN_CANCELLED, "closed", &f->e), 0);
	assert_int_equal(store_run_get(f->s, &f->a, f->run, &r, &f->e), 0);
	assert_true(r.ended != 0);
}

/* The way of a run in words, so that a move that is added to the list is added here, too, by somebody who means it. */
static const char *const ways[RUN_STATES] = {
    [RUN_ACCEPTED] = "mirrored failed superseded cancelled",
    [RUN_MIRRORED] = "planned failed superseded cancelled",
    [RUN_PLANNED] = "evaluated done failed superseded cancelled",
    [RUN_EVALUATED] = "diffed failed superseded cancelled",
    [RUN_DIFFED] = "queried failed superseded cancelled",
    [RUN_QUERIED] = "building done failed superseded cancelled",
    [RUN_BUILDING] = "built failed superseded cancelled",
    [RUN_BUILT] = "judging done failed superseded cancelled",
    [RUN_JUDGING] = "done failed superseded cancelled",
    [RUN_DONE] = "",
    [RUN_FAILED] = "",
    [RUN_SUPERSEDED] = "",
    [RUN_CANCELLED] = "",
};

static void
only_the_moves_of_the_list_are_made(void **state)
{
	struct fixture *f = *state;
	struct run r;

	for (int from = 0; from < RUN_STATES; from++) {
		for (int to = 0; to < RUN_STATES; to++) {
			const char *name = run_state_name((enum run_state)to);
			bool may = str_find(str_of(ways[from]), str_of(name)) >= 0;
			f->e = (struct err){0};
			assert_int_equal(db_run(f->s, &f->e, "UPDATE run SET state = ?2, ended = NULL WHERE id = ?1", "is",
			                     f->run, run_state_name((enum run_state)from)),
			    0);
			int rc = store_run_move(f->s, f->run, (enum run_state)from, (enum run_state)to, "x", &f->e);
			assert_int_equal(rc, may ? 0 : -1);
			assert_int_equal(f->e.kind, may ? ERR_NONE : ERR_BUG);
			assert_int_equal(store_run_get(f->s, &f->a, f->run, &r, &f->e), 0);
			assert_int_equal(r.state, may ? to : from);
			assert_int_equal(r.ended != 0, may && run_state_is_end((enum run_state)to));
		}
		assert_int_equal(run_state_is_end((enum run_state)from), ways[from][0] == '\0');
		assert_int_equal(run_state_of(run_state_name((enum run_state)from)), from);
		assert_non_null(run_state_doing((enum run_state)from));
		assert_non_null(phase_words[run_state_phase((enum run_state)from)]);
	}
	assert_int_equal(run_state_of("nowhere"), RUN_STATES);
}

static void
held_and_tried_again_are_two_things(void **state)
{
	struct fixture *f = *state;
	struct run r;

	assert_int_equal(store_run_later(f->s, f->run, false, 5000, "no route", &f->e), 0);
	assert_int_equal(store_run_set(f->s, f->run, "held", "outside", &f->e), 0);
	assert_int_equal(store_run_get(f->s, &f->a, f->run, &r, &f->e), 0);
	assert_string_equal(r.waiting, "no route");
	assert_string_equal(r.held, "outside");
	assert_int_equal(store_run_move(f->s, f->run, RUN_ACCEPTED, RUN_MIRRORED, "x", &f->e), 0);
	assert_int_equal(store_run_get(f->s, &f->a, f->run, &r, &f->e), 0);
	assert_null(r.waiting);
	assert_null(r.held);
}

static void
a_failed_inner_step_rolls_everything_back(void **state)
{
	struct fixture *f = *state;
	struct run r;

	assert_int_equal(store_begin(f->s, &f->e), 0);
	assert_int_equal(store_run_move(f->s, f->run, RUN_ACCEPTED, RUN_MIRRORED, "x", &f->e), 0);
	assert_int_equal(store_begin(f->s, &f->e), 0);
	assert_int_equal(store_end(f->s, err_set(&f->e, ERR_INPUT, 0, ERR_AT, "no"), &f->e), -1);
	assert_int_equal(store_end(f->s, 0, &f->e), -1);
	assert_int_equal(store_run_get(f->s, &f->a, f->run, &r, &f->e), 0);
	assert_int_equal(r.state, RUN_ACCEPTED);
}

/* --- builds: a chain a <- b <- c, and d beside it ------------------------------------------------------------------ */

static void
want_chain(struct fixture *f, int64_t run, bool retry)
{
	const struct build_want wants[] = {
	    {.drv = "/nix/store/a.drv", .name = "a", .system = "x", .retry = retry},
	    {.drv = "/nix/store/b.drv",
	        .name = "b",
	        .system = "x",
	        .retry = retry,
	        .inputs = ONE("/nix/store/a.drv"),
	        .target = true},
	    {.drv = "/nix/store/c.drv",
	        .name = "c",
	        .system = "x",
	        .retry = retry,
	        .inputs = ONE("/nix/store/b.drv"),
	        .target = true},
	    {.drv = "/nix/store/d.drv", .name = "d", .system = "y", .retry = retry, .target = true, .cached = true},
	};

	assert_int_equal(store_builds_want(f->s, run, wants, COUNT(wants), 0, &f->e), 0);
}

static const char *
state_of(struct fixture *f, const char *drv)
{
	AUTO(db_done) sqlite3_stmt *q = db_query(f->s, &f->e, "SELECT state FROM build WHERE drv = ?1", "s", drv);

	assert_int_equal(db_row(f->s, q, &f->e), 1);
	return db_text(&f->a, q, 0);
}

/* A build as a report of the run is told of it. */
static const struct build_told *
told(struct fixture *f, int64_t run, const char *drv)
{
	struct builds_told builds;

	assert_int_equal(store_run_builds(f->s, &f->a, run, &builds, &f->e), 0);
	for (size_t i = 0; i < builds.n; i++)
		if (strcmp(builds.p[i].drv, drv) == 0)
			return &builds.p[i].told;
	fail_msg("%s is not told", drv);
	return NULL;
}

static int64_t
id_of(struct fixture *f, const char *drv)
{
	int64_t id = 0;

	assert_int_equal(db_int(f->s, &id, &f->e, "SELECT id FROM build WHERE drv = ?1", "s", drv), 0);
	return id;
}

static void
build_ends(struct fixture *f, const char *drv, enum build_state end)
{
	int64_t id = id_of(f, drv);

	bool again;

	assert_int_equal(store_build_started(f->s, id, "/log", "builder-1", &again, &f->e), 0);
	assert_int_equal(store_build_end(f->s, id, &(struct build_end){.state = end, .wall_ms = 10}, &f->e), 0);
}

/* What Nix says at the end counts; of a build from before nothing is known. */
static void
where_a_build_was_begun_is_known(void **state)
{
	static const char *const drvs[] = {"/nix/store/a.drv", "/nix/store/b.drv"};
	struct fixture *f = *state;
	struct view_builder *builders;
	struct view_build b;
	size_t n;
	bool again;

	want_chain(f, f->run, false);
	assert_int_equal(view_build(f->s, &f->a, drvs[0], &b, &f->e), 0);
	assert_null(b.builder);
	assert_int_equal(store_build_started(f->s, b.id, "/log", "builder-1", &again, &f->e), 0);
	assert_int_equal(view_run_builders(f->s, &f->a, f->run, &builders, &n, &f->e), 0);
	assert_int_equal(n, 1);
	assert_true(builders[0].at_work == 1 && builders[0].ended == 0);
	const struct build_end end = {.state = BUILD_BUILT, .builder = "builder-2"};
	assert_int_equal(store_build_end(f->s, b.id, &end, &f->e), 0);
	build_ends(f, drvs[1], BUILD_BUILT);
	for (size_t i = 0; i < COUNT(drvs); i++) {
		assert_int_equal(view_build(f->s, &f->a, drvs[i], &b, &f->e), 0);
		assert_string_equal(b.builder, i == 0 ? "builder-2" : "builder-1");
	}
	assert_int_equal(view_run_builders(f->s, &f->a, f->run, &builders, &n, &f->e), 0);
	assert_int_equal(n, 2);
	assert_true(builders[0].at_work == 0 && builders[0].ended == 1);
}

static void
dependencies_come_first_and_release_what_waits(void **state)
{
	struct fixture *f = *state;
	int64_t open = -1;

	want_chain(f, f->run, false);
	assert_string_equal(state_of(f, "/nix/store/a.drv"), "queued");
	assert_string_equal(state_of(f, "/nix/store/b.drv"), "waiting");
	assert_string_equal(state_of(f, "/nix/store/d.drv"), "cached");
	build_ends(f, "/nix/store/a.drv", BUILD_BUILT);
	assert_string_equal(state_of(f, "/nix/store/b.drv"), "queued");
	assert_string_equal(state_of(f, "/nix/store/c.drv"), "waiting");
	build_ends(f, "/nix/store/b.drv", BUILD_BUILT);
	build_ends(f, "/nix/store/c.drv", BUILD_BUILT);
	assert_int_equal(store_run_builds_open(f->s, f->run, &open, &f->e), 0);
	assert_int_equal(open, 0);
}

static void
a_failure_travels_up_with_its_cause(void **state)
{
	struct fixture *f = *state;
	struct texts unjudged;

	want_chain(f, f->run, false);
	build_ends(f, "/nix/store/a.drv", BUILD_FAILED);
	assert_string_equal(state_of(f, "/nix/store/c.drv"), "dependency_failed");
	const struct build_told *c = told(f, f->run, "/nix/store/c.drv");
	assert_string_equal(c->propagated_from, "/nix/store/a.drv");
	assert_int_equal(store_run_unjudged(f->s, &f->a, f->run, &unjudged, &f->e), 0);
	assert_int_equal(unjudged.n, 2); /* the targets b and c */
}

static void
what_has_no_machine_fails_nothing_above_it(void **state)
{
	struct fixture *f = *state;
	struct texts unjudged;
	const struct texts both = {(const char *[]){"/nix/store/y.drv", "/nix/store/a.drv"}, 2};

	want_chain(f, f->run, false);
	struct build_end none = {.state = BUILD_UNSUPPORTED, .reason = "no machine for x"};
	assert_int_equal(store_build_end(f->s, id_of(f, "/nix/store/a.drv"), &none, &f->e), 0);
	assert_string_equal(state_of(f, "/nix/store/b.drv"), "unsupported");
	assert_string_equal(state_of(f, "/nix/store/c.drv"), "unsupported");
	const struct build_told *c = told(f, f->run, "/nix/store/c.drv");
	assert_string_equal(c->propagated_from, "/nix/store/a.drv");
	assert_string_equal(c->reason, "no machine for x");
	assert_int_equal(store_run_unjudged(f->s, &f->a, f->run, &unjudged, &f->e), 0);
	assert_int_equal(unjudged.n, 0);
	/* With a failure beside it, too, it could not be tried. */
	const struct build_want more[] = {
	    {.drv = "/nix/store/a.drv", .name = "a", .system = "x"},
	    {.drv = "/nix/store/y.drv", .name = "y", .system = "y"},
	    {.drv = "/nix/store/z.drv", .name = "z", .system = "y", .inputs = both, .target = true},
	};
	assert_int_equal(store_builds_want(f->s, f->run, more, COUNT(more), 0, &f->e), 0);
	assert_string_equal(state_of(f, "/nix/store/a.drv"), "queued"); /* a machine may have come */
	assert_int_equal(store_build_end(f->s, id_of(f, "/nix/store/a.drv"), &none, &f->e), 0);
	build_ends(f, "/nix/store/y.drv", BUILD_FAILED);
	assert_string_equal(state_of(f, "/nix/store/z.drv"), "unsupported");
}

/* The value of an SQL expression in which ?1 is the state's name. */
static int64_t
sql_of(struct fixture *f, const char *expression, enum build_state state)
{
	const char *sql = arena_printf(&f->a, "SELECT %s", expression);
	int64_t value = -1;
	sqlite3_stmt *q;

	assert_int_equal(sqlite3_prepare_v2(f->s->db, sql, -1, &q, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_bind_text(q, 1, build_state_name(state), -1, SQLITE_STATIC), SQLITE_OK);
	assert_int_equal(sqlite3_step(q), SQLITE_ROW);
	value = sqlite3_column_int64(q, 0);
	sqlite3_finalize(q);
	return value;
}

static void
sql_and_c_agree_on_every_state(void **state)
{
	struct fixture *f = *state;

	want_chain(f, f->run, false);
	for (enum build_state s = BUILD_NONE + 1; s < BUILD_STATES; s++) {
		const char *tones[] = {"good", "bad", "warn", "busy", "calm"};
		size_t tone = 0;
		print_message("%s\n", build_state_name(s));
		assert_int_equal(build_state_of(build_state_name(s)), s);
		assert_true(build_state_words(s)[0] != '\0');
		while (tone < COUNT(tones) && strcmp(tones[tone], build_state_tone(s)) != 0)
			tone++;
		assert_true(tone < COUNT(tones));
		assert_true(build_state_is_open(s) != build_state_has_ended(s));
		assert_int_equal(sql_of(f, "?1 IN " BUILD_SQL_OPEN, s), build_state_is_open(s));
		assert_int_equal(sql_of(f, "?1 IN " BUILD_SQL_NOT_BEGUN, s), build_state_is_open(s) && s != BUILD_BUILDING);
		assert_int_equal(sql_of(f, "?1 IN " BUILD_SQL_READY, s), build_state_is_open(s) && s != BUILD_WAITING);
		assert_int_equal(sql_of(f, "?1 IN " BUILD_SQL_GOOD, s), build_state_is_good(s));
		assert_int_equal(sql_of(f, "?1 IN " BUILD_SQL_FAILED, s), build_state_has_failed(s));
		assert_int_equal(sql_of(f, "?1 IN " BUILD_SQL_FAILED_ITSELF, s), build_state_has_failed_itself(s));
		assert_int_equal(sql_of(f, BUILD_SQL_RANKED("?1") " BETWEEN 0 AND 7", s), 1);
		/* The schema's CHECK knows it. */
		assert_int_equal(db_run(f->s, &f->e, "UPDATE build SET state = ?1 WHERE name = 'a'", "s", build_state_name(s)),
		    0);
	}
	assert_int_equal(build_state_of("no such state"), BUILD_INFRASTRUCTURE);
	assert_int_equal(build_state_of(""), BUILD_INFRASTRUCTURE);
	assert_int_equal(build_state_of(NULL), BUILD_INFRASTRUCTURE);
	assert_false(build_state_has_ended(BUILD_NONE));
}

/* One that ended so, with one that needs it: what becomes of both, who is asked for blame, what the failure cache says. */
static void
try_end(struct fixture *f, enum build_state end)
{
	const char *low = arena_printf(&f->a, "/nix/store/low-%d.drv", end),
	           *high = arena_printf(&f->a, "/nix/store/high-%d.drv", end);
	struct texts unjudged;
	struct build_want wants[] = {
	    {.drv = low, .name = "low", .system = "x", .target = true, .base_drv = ""},
	    {.drv = high, .name = "high", .system = "x", .inputs = ONE(low), .base_drv = ""},
	};
	bool asked = false;

	assert_int_equal(store_builds_want(f->s, f->run, wants, COUNT(wants), 0, &f->e), 0);
	build_ends(f, low, end);
	assert_string_equal(state_of(f, low), build_state_name(end));
	assert_string_equal(state_of(f, high), build_state_is_good(end)   ? "queued"
	                                       : end == BUILD_UNSUPPORTED ? "unsupported"
	                                                                  : "dependency_failed");
	assert_int_equal(store_run_unjudged(f->s, &f->a, f->run, &unjudged, &f->e), 0);
	for (size_t i = 0; i < unjudged.n; i++)
		asked = asked || strcmp(unjudged.p[i], low) == 0;
	assert_int_equal(asked, build_state_has_failed(end));
	assert_int_equal(store_run_judge(f->s, f->run, &f->e), 0);
	assert_int_equal(store_builds_want(f->s, f->run, wants, COUNT(wants), 0, &f->e), 0);
	assert_string_equal(state_of(f, low), build_state_has_failed_itself(end) ? build_state_name(end) : "queued");
	wants[0].retry = true;
	assert_int_equal(store_builds_want(f->s, f->run, wants, COUNT(wants), 0, &f->e), 0);
	build_ends(f, low, BUILD_BUILT);
	const struct build_told *row = told(f, f->run, low);
	assert_int_equal(row->flaky, build_state_has_failed_itself(end));
	assert_string_equal(row->blame != NULL ? row->blame : "", build_state_has_failed(end) ? "newly_failing" : "");
}

static void
every_end_is_treated_alike_everywhere(void **state)
{
	for (enum build_state s = BUILD_NONE + 1; s < BUILD_STATES; s++)
		if (build_state_has_ended(s)) {
			print_message("%s\n", build_state_name(s));
			try_end(*state, s);
		}
}

static void
what_marks_itself_as_failed_has_failed_but_is_there(void **state)
{
	struct fixture *f = *state;
	struct texts unjudged;

	want_chain(f, f->run, false);
	build_ends(f, "/nix/store/a.drv", BUILD_BUILT);
	struct build_end marked = {.state = BUILD_FAILED, .reason = BUILD_MARKED, .marked = true};
	assert_int_equal(store_build_end(f->s, id_of(f, "/nix/store/b.drv"), &marked, &f->e), 0);
	assert_string_equal(state_of(f, "/nix/store/b.drv"), "failed");
	assert_string_equal(state_of(f, "/nix/store/c.drv"), "queued");
	assert_int_equal(store_run_unjudged(f->s, &f->a, f->run, &unjudged, &f->e), 0);
	assert_int_equal(unjudged.n, 1);
	/* For the next run it is there, as one that has failed; for the first that saw it there, too. */
	const struct build_want next[] = {
	    {.drv = "/nix/store/b.drv", .name = "b", .system = "x", .target = true, .cached = true, .marked = true},
	    {.drv = "/nix/store/m.drv", .name = "m", .system = "x", .target = true, .cached = true, .marked = true},
	    {.drv = "/nix/store/n.drv", .name = "n", .system = "x", .target = true, .inputs = ONE("/nix/store/b.drv")},
	};
	int64_t second = add_run(f, 2);
	assert_int_equal(store_builds_want(f->s, second, next, COUNT(next), 0, &f->e), 0);
	assert_string_equal(state_of(f, "/nix/store/b.drv"), "failed");
	assert_string_equal(state_of(f, "/nix/store/m.drv"), "failed");
	assert_string_equal(state_of(f, "/nix/store/n.drv"), "queued");
	assert_string_equal(told(f, second, "/nix/store/m.drv")->reason, BUILD_MARKED);
	assert_null(told(f, second, "/nix/store/m.drv")->propagated_from);
	/* Made anew without the mark it is good. */
	const struct build_want good[] = {
	    {.drv = "/nix/store/m.drv", .name = "m", .system = "x", .target = true, .cached = true}};
	assert_int_equal(store_builds_want(f->s, second, good, 1, 0, &f->e), 0);
	assert_string_equal(state_of(f, "/nix/store/m.drv"), "cached");
}

static void
a_known_failure_stands_until_it_is_asked_again(void **state)
{
	struct fixture *f = *state;
	int64_t second = add_run(f, 2);

	want_chain(f, f->run, false);
	build_ends(f, "/nix/store/a.drv", BUILD_FAILED);
	want_chain(f, second, false);
	assert_string_equal(state_of(f, "/nix/store/a.drv"), "failed");
	assert_string_equal(state_of(f, "/nix/store/c.drv"), "dependency_failed");
	want_chain(f, second, true);
	assert_string_equal(state_of(f, "/nix/store/a.drv"), "queued");
	assert_string_equal(state_of(f, "/nix/store/c.drv"), "waiting");
	/* What fetches may find tomorrow what it did not find today. */
	const struct build_want fixed = {.drv = "/nix/store/f.drv", .name = "f", .system = "x", .fixed_output = true};
	assert_int_equal(store_builds_want(f->s, second, &fixed, 1, 0, &f->e), 0);
	build_ends(f, "/nix/store/f.drv", BUILD_FAILED);
	assert_int_equal(store_builds_want(f->s, second, &fixed, 1, 0, &f->e), 0);
	assert_string_equal(state_of(f, "/nix/store/f.drv"), "queued");
}

static void
blame_follows_what_the_base_does(void **state)
{
	struct fixture *f = *state;
	static const struct {
		enum build_state base;
		const char *blame;
	} rows[] = {
	    {BUILD_BUILT, "newly_failing"},
	    {BUILD_FAILED, "still_failing"},
	    {BUILD_INFRASTRUCTURE, "unknown"},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		char top[64], base[64];
		snprintf(top, sizeof(top), "/nix/store/head%zu.drv", i);
		snprintf(base, sizeof(base), "/nix/store/base%zu.drv", i);
		const struct build_want wants[] = {
		    {.drv = top, .name = "h", .system = "x", .target = true},
		    {.drv = base, .name = "b", .system = "x", .target = true, .base = true},
		};
		assert_int_equal(store_builds_want(f->s, f->run, wants, 2, 0, &f->e), 0);
		build_ends(f, top, BUILD_FAILED);
		build_ends(f, base, rows[i].base);
		assert_int_equal(store_run_base_of(f->s, f->run, top, base, &f->e), 0);
	}
	assert_int_equal(store_run_judge(f->s, f->run, &f->e), 0);
	struct builds_told builds;
	assert_int_equal(store_run_builds(f->s, &f->a, f->run, &builds, &f->e), 0);
	assert_int_equal(builds.n, COUNT(rows)); /* the base's are not the report's */
	for (size_t i = 0; i < COUNT(rows); i++) {
		char top[64];
		snprintf(top, sizeof(top), "/nix/store/head%zu.drv", i);
		assert_string_equal(told(f, f->run, top)->blame, rows[i].blame);
	}
}

static void
an_added_target_that_fails_is_newly_failing(void **state)
{
	struct fixture *f = *state;
	const struct build_want want = {.drv = "/nix/store/n.drv", .name = "n", .system = "x", .target = true};

	assert_int_equal(store_builds_want(f->s, f->run, &want, 1, 0, &f->e), 0);
	build_ends(f, want.drv, BUILD_TIMED_OUT);
	assert_int_equal(store_run_base_of(f->s, f->run, want.drv, "", &f->e), 0);
	assert_int_equal(store_run_judge(f->s, f->run, &f->e), 0);
	assert_string_equal(told(f, f->run, want.drv)->blame, "newly_failing");
}

static void
what_was_building_at_a_crash_is_queued_again(void **state)
{
	struct fixture *f = *state;
	bool again;

	want_chain(f, f->run, false);
	assert_int_equal(store_build_started(f->s, id_of(f, "/nix/store/a.drv"), "/log", "builder-1", &again, &f->e), 0);
	assert_int_equal(store_builds_recover(f->s, &f->e), 0);
	assert_string_equal(state_of(f, "/nix/store/a.drv"), "queued");
}

static void
a_build_goes_when_the_last_run_that_wants_it_goes(void **state)
{
	struct fixture *f = *state;
	bool again;
	int64_t second = add_run(f, 2), building[8];
	size_t n = 9;

	want_chain(f, f->run, false);
	want_chain(f, second, false);
	assert_int_equal(store_build_started(f->s, id_of(f, "/nix/store/a.drv"), "/log", "builder-1", &again, &f->e), 0);
	assert_int_equal(store_run_move(f->s, f->run, RUN_ACCEPTED, RUN_CANCELLED, "closed", &f->e), 0);
	assert_int_equal(store_run_unwant(f->s, f->run, false, building, COUNT(building), &n, &f->e), 0);
	assert_int_equal(n, 0);
	assert_string_equal(state_of(f, "/nix/store/a.drv"), "building");
	assert_int_equal(store_run_move(f->s, second, RUN_ACCEPTED, RUN_CANCELLED, "closed", &f->e), 0);
	assert_int_equal(store_run_unwant(f->s, second, false, building, COUNT(building), &n, &f->e), 0);
	assert_int_equal(n, 1);
	assert_int_equal(building[0], id_of(f, "/nix/store/a.drv"));
	assert_string_equal(state_of(f, "/nix/store/a.drv"), "cancelled");
	assert_string_equal(state_of(f, "/nix/store/c.drv"), "cancelled");
	/* Its worker's end, which comes later, changes nothing any more. */
	assert_int_equal(store_build_end(f->s, building[0], &(struct build_end){.state = BUILD_BUILT, .wall_ms = 1}, &f->e), 0);
	assert_string_equal(state_of(f, "/nix/store/a.drv"), "cancelled");
}

static const struct estimate_of *
of_system(const struct estimates *all, const char *system)
{
	for (size_t i = 0; i < all->n; i++)
		if (strcmp(all->p[i].system, system) == 0)
			return &all->p[i].of;
	fail_msg("no estimate for %s", system);
	return NULL;
}

static void
durations_become_an_estimate(void **state)
{
	struct fixture *f = *state;
	AUTO(estimator_free) struct estimator *known = estimator_new(f->s);
	struct estimates estimate;
	const struct build_want wants[] = {
	    {.drv = "/nix/store/a.drv", .name = "zlib-1.3", .system = "x"},
	    {.drv = "/nix/store/b.drv", .name = "curl-8.2", .system = "x", .inputs = ONE("/nix/store/a.drv")},
	    {.drv = "/nix/store/c.drv", .name = "zlib-1.3", .system = "y"},
	    {.drv = "/nix/store/d.drv", .name = "zlib-1.2", .system = "x", .cached = true},
	};
	static const int64_t took[] = {1000, 9000, 2000, 3000, 2500};
	int64_t median, spread;

	assert_true(str_is(duration_name(STR("foo-bar-1.2.drv")), "foo-bar"));
	assert_true(str_is(duration_name(STR("foo-bar")), "foo-bar"));
	assert_true(str_is(duration_name(STR("-1")), "-1"));
	assert_int_equal(duration_get(f->s, STR("zlib"), "x", &median, &spread, &f->e), 1);
	for (size_t i = 0; i < COUNT(took); i++)
		assert_int_equal(duration_add(f->s, "zlib", "x", took[i], &f->e), 0);
	assert_int_equal(duration_get(f->s, STR("zlib"), "x", &median, &spread, &f->e), 0);
	assert_int_equal(median, 2500);
	assert_int_equal(spread, 500);
	for (int i = 0; i < DURATION_SAMPLES; i++)
		assert_int_equal(duration_add(f->s, "zlib", "x", 100, &f->e), 0);
	assert_int_equal(duration_get(f->s, STR("zlib"), "x", &median, &spread, &f->e), 0);
	assert_int_equal(median, 100); /* the old ones are forgotten */
	assert_int_equal(estimate_builds(known, &f->a, NULL, 0, wants, COUNT(wants), &estimate, &f->e), 0);
	const struct estimate_of *x = of_system(&estimate, "x"), *y = of_system(&estimate, "y");
	assert_int_equal(x->builds, 2);
	assert_int_equal(x->known, 1);
	assert_int_equal(x->unknown, 1);
	assert_int_equal(x->total_ms, 100 + QUEUE_UNKNOWN_MS);
	assert_int_equal(x->critical_path_ms, 100 + QUEUE_UNKNOWN_MS);
	assert_int_equal(y->unknown, 1);
	assert_int_equal(x->finish_ms, -1); /* nobody builds for it */
}

static void
an_estimate_knows_when_all_is_done(void **state)
{
	struct fixture *f = *state;
	AUTO(estimator_free) struct estimator *known = estimator_new(f->s);
	struct estimates estimate, crowded, shared;
	static const char *const only_x[] = {"x", NULL}, *const only_y[] = {"y", NULL}, *const both[] = {"x", "y", NULL};
	const struct machine apart[] = {{.systems = only_x, .max_jobs = 3}, {.systems = only_x, .max_jobs = 1},
	    {.systems = only_y, .max_jobs = 1}};
	const struct machine one = {.systems = both, .max_jobs = 2};
	const struct build_want wants[] = {
	    {.drv = "/nix/store/a.drv", .name = "even-1", .system = "x"},
	    {.drv = "/nix/store/b.drv", .name = "even-2", .system = "x", .inputs = ONE("/nix/store/a.drv")},
	    {.drv = "/nix/store/c.drv", .name = "odd-1", .system = "x"},
	    {.drv = "/nix/store/d.drv", .name = "even-1", .system = "y"},
	    {.drv = "/nix/store/e.drv", .name = "even-1", .system = "z"},
	};
	static const int64_t odd[] = {400, 1000, 1600};

	for (size_t i = 0; i < COUNT(odd); i++) { /* odd is 1000 +- 600; even is 1000 always */
		assert_int_equal(duration_add(f->s, "odd", "x", odd[i], &f->e), 0);
		assert_int_equal(duration_add(f->s, "even", "x", 1000, &f->e), 0);
		assert_int_equal(duration_add(f->s, "even", "y", 4000, &f->e), 0);
	}
	/* Four slots: the chain of two decides. */
	assert_int_equal(estimate_builds(known, &f->a, apart, COUNT(apart), wants, COUNT(wants), &estimate, &f->e), 0);
	assert_int_equal(of_system(&estimate, "x")->finish_ms, 2000);
	assert_int_equal(of_system(&estimate, "x")->finish_low_ms, 2000);
	assert_int_equal(of_system(&estimate, "x")->finish_high_ms, 2000);
	assert_int_equal(of_system(&estimate, "y")->finish_ms, 4000);
	assert_int_equal(of_system(&estimate, "z")->finish_ms, -1);
	/* One slot: all of them, one after the other, with the spread of the one that has any. */
	assert_int_equal(estimate_builds(known, &f->a, &apart[1], 1, wants, COUNT(wants), &crowded, &f->e), 0);
	assert_int_equal(of_system(&crowded, "x")->finish_ms, 3000);
	assert_int_equal(of_system(&crowded, "x")->finish_low_ms, 2400);
	assert_int_equal(of_system(&crowded, "x")->finish_high_ms, 3600);
	assert_int_equal(of_system(&crowded, "y")->finish_ms, -1);
	/* Two slots for both systems: 3000 and 4000 of work share them. */
	assert_int_equal(estimate_builds(known, &f->a, &one, 1, wants, COUNT(wants), &shared, &f->e), 0);
	assert_int_equal(of_system(&shared, "x")->finish_ms, 3500);
	assert_int_equal(of_system(&shared, "x")->finish_low_ms, 3200);
	assert_int_equal(of_system(&shared, "y")->finish_ms, 4000);
}

static void
the_mirror_follows_the_database(void **state)
{
	struct fixture *f = *state;
	static const char *const systems[] = {"x", "y", NULL};
	static const char *const none[] = {NULL};
	const struct machine m = {.systems = systems, .features = none, .mandatory = none, .max_jobs = 4, .speed = 1};
	struct queue *q = queue_new(0);
	struct queue_choice c;
	int64_t second = add_run(f, 2), building[4];
	size_t n;

	queue_machines(q, &m, 1);
	assert_int_equal(replica_load(q, f->s, 1, &f->e), 0);
	assert_int_equal(queue_next(q, 1, &c), 1);
	want_chain(f, f->run, false);
	want_chain(f, second, false);
	assert_int_equal(replica_follow(q, f->s, 1, &f->e), 1);
	assert_int_equal(replica_follow(q, f->s, 1, &f->e), 0);
	assert_int_equal(queue_figures(q).open, 3);
	assert_int_equal(queue_run_open(q, second), 3);
	assert_int_equal(queue_next(q, 1, &c), 0);
	assert_string_equal(c.drv, "/nix/store/a.drv");
	assert_int_equal(store_run_unwant(f->s, f->run, false, building, COUNT(building), &n, &f->e), 0);
	assert_int_equal(store_run_move(f->s, f->run, RUN_ACCEPTED, RUN_CANCELLED, "t", &f->e), 0);
	assert_int_equal(replica_follow(q, f->s, 1, &f->e), 1);
	assert_int_equal(queue_figures(q).open, 3); /* the other run still wants them */
	assert_int_equal(queue_run_open(q, f->run), 0);
	assert_int_equal(store_run_unwant(f->s, second, false, building, COUNT(building), &n, &f->e), 0);
	assert_int_equal(store_run_move(f->s, second, RUN_ACCEPTED, RUN_CANCELLED, "t", &f->e), 0);
	assert_int_equal(replica_follow(q, f->s, 1, &f->e), 1);
	assert_int_equal(queue_figures(q).open, 0);
	queue_free(q);
}

static void
a_failure_that_is_built_later_is_flaky(void **state)
{
	struct fixture *f = *state;

	want_chain(f, f->run, false);
	build_ends(f, "/nix/store/a.drv", BUILD_FAILED);
	want_chain(f, f->run, true);
	build_ends(f, "/nix/store/a.drv", BUILD_BUILT);
	build_ends(f, "/nix/store/b.drv", BUILD_BUILT);
	assert_true(told(f, f->run, "/nix/store/a.drv")->flaky);
	assert_false(told(f, f->run, "/nix/store/b.drv")->flaky);
}

static void
what_is_there_is_built_again_to_compare(void **state)
{
	struct fixture *f = *state;
	const char *d = "/nix/store/d.drv";
	struct build_want want = {.drv = d, .name = "d", .system = "x", .target = true, .cached = true};
	bool again = false;

	want_chain(f, f->run, false);
	assert_string_equal(state_of(f, d), "cached");
	want.again = true;
	assert_int_equal(store_builds_want(f->s, f->run, &want, 1, 0, &f->e), 0);
	assert_string_equal(state_of(f, d), "queued");
	assert_int_equal(store_build_started(f->s, id_of(f, d), "/log", "builder-1", &again, &f->e), 0);
	assert_true(again);
	/* Put back, it is still to be compared. */
	assert_int_equal(store_build_end(f->s, id_of(f, d), &(struct build_end){.state = BUILD_QUEUED}, &f->e), 0);
	assert_int_equal(store_build_started(f->s, id_of(f, d), "/log", "builder-1", &again, &f->e), 0);
	assert_true(again);
	assert_int_equal(store_build_end(f->s, id_of(f, d),
	                     &(struct build_end){.state = BUILD_BUILT, .wall_ms = 5, .alike = BUILD_NOT_ALIKE}, &f->e),
	    0);
	assert_int_equal(told(f, f->run, d)->deterministic, 0);
	assert_int_equal(told(f, f->run, "/nix/store/a.drv")->deterministic, -1);
	/* Wanted by the next run it is there, and is not built once more. */
	want.again = false;
	assert_int_equal(store_builds_want(f->s, f->run, &want, 1, 0, &f->e), 0);
	assert_string_equal(state_of(f, d), "built");
}

static void
ignore_build(void *ctx, const struct open_build *b)
{
	(void)ctx;
	(void)b;
}

static void
ignore_input(void *ctx, int64_t build, int64_t input)
{
	(void)ctx;
	(void)build;
	(void)input;
}

static void
note_priorities(void *ctx, int64_t build, const struct open_owner *owners, size_t n)
{
	int64_t *priorities = ctx; /* by number + 1 */

	(void)build;
	for (size_t i = 0; i < n; i++)
		priorities[owners[i].number + 1] = owners[i].priority;
}

static void
the_merge_queue_comes_first_and_branches_last(void **state)
{
	struct fixture *f = *state;
	int64_t p[5] = {0}, runs[4], ids[8];
	struct open_reader reader = {ignore_build, NULL, ignore_input, note_priorities, p};
	size_t n;

	assert_int_equal(store_run_move(f->s, f->run, RUN_ACCEPTED, RUN_CANCELLED, "x", &f->e), 0);
	for (int64_t number = -1; number <= 2; number++) {
		runs[number + 1] = add_run(f, number);
		want_chain(f, runs[number + 1], false);
	}
	assert_int_equal(store_build_changes(f->s, ids, COUNT(ids), &n, &f->e), 0);
	assert_int_equal(store_pull_priority(f->s, 1, 2, 1, &f->e), 0);
	assert_int_equal(store_build_changes(f->s, ids, COUNT(ids), &n, &f->e), 0);
	assert_int_equal(n, 1);
	assert_int_equal(ids[0], runs[3]);
	assert_int_equal(store_open_read(f->s, 0, &reader, &f->e), 0);
	assert_int_equal(p[0], 3); /* the merge queue */
	assert_int_equal(p[1], 0); /* a branch */
	assert_int_equal(p[2], 1);
	assert_int_equal(p[3], 2); /* raised */
	assert_int_equal(store_runs_live(f->s, ids, COUNT(ids), &n, &f->e), 0);
	assert_int_equal(n, 4);
	assert_int_equal(ids[0], runs[0]);
	assert_int_equal(ids[3], runs[1]);
}

static void
end_well(struct fixture *f, int64_t id)
{
	assert_int_equal(store_run_move(f->s, id, RUN_ACCEPTED, RUN_MIRRORED, "x", &f->e), 0);
	assert_int_equal(store_run_move(f->s, id, RUN_MIRRORED, RUN_PLANNED, "x", &f->e), 0);
	assert_int_equal(store_run_move(f->s, id, RUN_PLANNED, RUN_DONE, "x", &f->e), 0);
}

static void
a_branch_is_compared_with_where_it_was_done(void **state)
{
	struct fixture *f = *state;
	struct run r = {.repository = 1, .number = 0, .head = "a", .base_ref = "main", .base = "z", .reason = "push"};
	const char *done = "?";
	int64_t id;

	assert_int_equal(store_branch_done(f->s, &f->a, 1, "main", &done, &f->e), 0);
	assert_null(done);
	for (int i = 0; i < 3; i++) {
		r.head = (const char *[]){"a", "b", "c"}[i];
		assert_int_equal(store_run_add(f->s, &r, &id, &f->e), 0);
		if (i == 2)
			assert_int_equal(store_run_move(f->s, id, RUN_ACCEPTED, RUN_SUPERSEDED, "x", &f->e), 0);
		else
			end_well(f, id);
	}
	assert_int_equal(store_branch_done(f->s, &f->a, 1, "main", &done, &f->e), 0);
	assert_string_equal(done, "b");
	assert_int_equal(store_branch_done(f->s, &f->a, 1, "release", &done, &f->e), 0);
	assert_null(done);
	assert_int_equal(store_run_get(f->s, &f->a, id, &r, &f->e), 0);
	assert_string_equal(r.base, "z");
}

static void
commands_wait_until_they_are_due(void **state)
{
	struct fixture *f = *state;
	struct store_command c =
	    {.repository = 1, .number = 1, .comment = 5, .login = "writer", .verb = "rebuild", .words = "[]"};
	struct store_command got;
	int64_t now = clock_now_ms(), refused = 0;

	assert_int_equal(store_command_add(f->s, &c, &f->e), 0);
	assert_int_equal(store_command_next(f->s, &f->a, now, "[0]", &got, &f->e), 0);
	assert_string_equal(got.verb, "rebuild");
	assert_int_equal(store_command_later(f->s, got.id, now + 1000, &f->e), 0);
	assert_int_equal(store_command_next(f->s, &f->a, now, "[0]", &got, &f->e), 1);
	assert_int_equal(store_command_next(f->s, &f->a, now + 1001, "[0]", &got, &f->e), 0);
	assert_int_equal(got.attempts, 1);
	assert_int_equal(store_command_done(f->s, got.id, "refused", &f->e), 0);
	assert_int_equal(store_command_next(f->s, &f->a, now + 1001, "[0]", &got, &f->e), 1);
	assert_int_equal(store_commands_refused(f->s, 1, 1, now - 1000, &refused, &f->e), 0);
	assert_int_equal(refused, 1);
}

static void
people_are_counted_believed_for_a_while_and_answered_where_they_asked(void **state)
{
	struct fixture *f = *state;
	struct store_command c =
	    {.repository = 1, .number = 1, .comment = 5, .login = "Writer", .verb = "status", .words = "[]"};
	struct people_question q = {1, 1, 5, "Writer", "status\n"};
	struct command_answer *answers;
	const char *may = NULL;
	int64_t asked = 0, thread = 0, now = clock_now_ms();
	size_t n = 0;

	/* A comment with two commands is one, a button is one each. */
	assert_int_equal(store_command_add(f->s, &c, &f->e), 0);
	assert_int_equal(store_command_add(f->s, &c, &f->e), 0);
	c.comment = 0;
	assert_int_equal(store_command_add(f->s, &c, &f->e), 0);
	c.login = "other";
	assert_int_equal(store_command_add(f->s, &c, &f->e), 0);
	assert_int_equal(store_people_asked(f->s, 1, "writer", now - 1000, &asked, &f->e), 0);
	assert_int_equal(asked, 2);
	assert_int_equal(store_people_asked(f->s, 1, "writer", now + 3600 * 1000, &asked, &f->e), 0);
	assert_int_equal(asked, 0);

	assert_int_equal(store_people_told(f->s, &f->a, 1, "writer", 0, &may, &f->e), 0);
	assert_null(may);
	assert_int_equal(store_people_may(f->s, 1, "Writer", "write", &f->e), 0);
	assert_int_equal(store_people_may(f->s, 1, "writer", "read", &f->e), 0);
	assert_int_equal(store_people_told(f->s, &f->a, 1, "WRITER", now - 1000, &may, &f->e), 0);
	assert_string_equal(may, "read");
	assert_int_equal(store_people_told(f->s, &f->a, 1, "writer", now + 60 * 1000, &may, &f->e), 0);
	assert_null(may);
	assert_int_equal(store_people_told(f->s, &f->a, 2, "writer", 0, &may, &f->e), 0);
	assert_null(may);

	static const struct {
		int64_t comment, thread;
		const char *login, *asked; /* login NULL: somebody said something else */
	} said[] = {
	    {5, 5, "Writer", "status\n"},
	    {6, 5, "writer", "status\n"},
	    {7, 7, "writer", "help\n"},
	    {8, 8, "other", "help\n"},
	    {9, 9, "writer", "help\n"},
	    {10, 0, NULL, NULL},
	    {11, 11, "writer", "help\n"},
	    {12, 11, "writer", "help\n"},
	};
	for (size_t i = 0; i < COUNT(said); i++) {
		q = (struct people_question){1, 1, said[i].comment, said[i].login, said[i].asked};
		if (q.login == NULL) {
			assert_int_equal(store_people_said(f->s, 1, 1, &f->e), 0);
			continue;
		}
		assert_int_equal(store_people_question(f->s, &q, &thread, &f->e), 0);
		assert_int_equal(thread, said[i].thread);
	}

	assert_int_equal(store_command_answer(f->s, 2, "second", &f->e), 0);
	assert_int_equal(store_command_answer(f->s, 1, "first", &f->e), 0);
	assert_int_equal(store_command_answers(f->s, &f->a, 1, 5, &answers, &n, &f->e), 0);
	assert_int_equal(n, 2);
	assert_string_equal(answers[0].answer, "first");
	assert_string_equal(answers[1].answer, "second");
}

static void
a_comment_is_taken_once_for_ever(void **state)
{
	struct fixture *f = *state;
	struct store_command c =
	    {.repository = 1, .number = 1, .comment = 5, .login = "writer", .verb = "approve", .words = "[]", .said = 7000};
	struct store_command got;
	int64_t due = 0;

	assert_int_equal(store_command_due(f->s, "[0]", &due, &f->e), 0);
	assert_int_equal(due, INT64_MAX);
	assert_int_equal(store_comment_take(f->s, 1, 5, &f->e), 0);
	assert_int_equal(store_command_add(f->s, &c, &f->e), 0);
	assert_int_equal(store_comment_take(f->s, 1, 6, &f->e), 0);
	assert_int_equal(store_comment_take(f->s, 1, 5, &f->e), 1);
	assert_int_equal(store_command_next(f->s, &f->a, 1, "[0]", &got, &f->e), 0);
	assert_int_equal(got.said, 7000);
	assert_null(got.head);
	assert_int_equal(store_command_later(f->s, got.id, 99, &f->e), 0);
	assert_int_equal(store_command_due(f->s, "[0]", &due, &f->e), 0);
	assert_int_equal(due, 99);
	assert_int_equal(store_command_done(f->s, got.id, "done", &f->e), 0);
	prune_all(f, INT64_MAX);
	assert_int_equal(store_comment_take(f->s, 1, 5, &f->e), 1);
}

static void
an_approval_is_of_the_head_that_is_there(void **state)
{
	static const char newer[] = "2222222222222222222222222222222222222222";
	struct fixture *f = *state;
	struct pull_request pr =
	    {.repository = 1, .number = 1, .open = true, .head = newer, .base_ref = "main", .title = "t", .head_since = 5000};
	int64_t numbers[4];
	size_t n = 9;

	assert_int_equal(store_pulls_once_of_head(f->s, 1, head, numbers, 4, &n, &f->e), 0);
	assert_int_equal(n, 0);
	assert_int_equal(store_pull_put(f->s, &pr, &f->e), 0);
	assert_int_equal(store_pull_approve(f->s, 1, 1, head, &f->e), 1);
	assert_int_equal(store_pull_get(f->s, &f->a, 1, 1, &pr, &f->e), 0);
	assert_null(pr.approved);
	assert_int_equal(pr.head_since, 5000);
	assert_int_equal(store_pull_approve(f->s, 1, 1, newer, &f->e), 0);
	/* The same head once more is no push; another one is. */
	pr.head_since = 9000;
	assert_int_equal(store_pull_put(f->s, &pr, &f->e), 0);
	assert_int_equal(store_pull_get(f->s, &f->a, 1, 1, &pr, &f->e), 0);
	assert_string_equal(pr.approved, newer);
	assert_int_equal(pr.head_since, 5000);
	assert_int_equal(store_pulls_once_of_head(f->s, 1, head, numbers, 4, &n, &f->e), 0);
	assert_int_equal(n, 1);
	pr.head = head;
	pr.head_since = 9000;
	assert_int_equal(store_pull_put(f->s, &pr, &f->e), 0);
	assert_int_equal(store_pull_get(f->s, &f->a, 1, 1, &pr, &f->e), 0);
	assert_int_equal(pr.head_since, 9000);
	/* Whose the fork was is known when it is gone, too. */
	assert_null(pr.head_owner);
	pr.head_owner = "a";
	assert_int_equal(store_pull_put(f->s, &pr, &f->e), 0);
	pr.head_owner = NULL;
	assert_int_equal(store_pull_put(f->s, &pr, &f->e), 0);
	assert_int_equal(store_pull_get(f->s, &f->a, 1, 1, &pr, &f->e), 0);
	assert_string_equal(pr.head_owner, "a");
}

static void
a_push_waits_for_the_one_it_followed_on(void **state)
{
	struct fixture *f = *state;
	struct pull_request early = {.repository = 1, .number = 1, .before = "b", .head = "c", .changed = 2000};
	struct pull_request known = {.repository = 1,
	    .number = 1,
	    .open = true,
	    .head = "b",
	    .before = "a",
	    .base_ref = "main",
	    .title = "t",
	    .changed = 2000};
	const char *next = NULL;
	bool had = true;

	assert_int_equal(store_head_early(f->s, &early, &f->e), 0);
	assert_int_equal(store_head_early(f->s, &early, &f->e), 0);
	known.number = 2;
	assert_int_equal(store_head_follows(f->s, &f->a, &known, &next, &f->e), 1);
	known.number = 1;
	known.changed = 3000; /* another second */
	assert_int_equal(store_head_follows(f->s, &f->a, &known, &next, &f->e), 1);
	known.changed = 2000;
	assert_int_equal(store_head_follows(f->s, &f->a, &known, &next, &f->e), 0);
	assert_string_equal(next, "c");
	assert_int_equal(store_head_follows(f->s, &f->a, &known, &next, &f->e), 1);
	/* What is known never becomes older. */
	assert_int_equal(store_pull_put(f->s, &known, &f->e), 0);
	known.changed = 1000;
	known.before = "x";
	assert_int_equal(store_pull_put(f->s, &known, &f->e), 0);
	assert_int_equal(store_pull_get(f->s, &f->a, 1, 1, &known, &f->e), 0);
	assert_int_equal(known.changed, 2000);
	assert_string_equal(known.before, "a");
	assert_int_equal(store_branch_had(f->s, 1, "main", head, &had, &f->e), 0);
	assert_false(had); /* a pull request's run is none of the branch */
	struct run r = {.repository = 1, .number = RUN_OF_BRANCH, .head = head, .base_ref = "main", .reason = "push"};
	int64_t id;
	assert_int_equal(store_run_add(f->s, &r, &id, &f->e), 0);
	assert_int_equal(store_branch_had(f->s, 1, "main", head, &had, &f->e), 0);
	assert_true(had);
	/* Where it was before its first run, too: a machine that lags behind may say that it is there still. */
	r.head = "c";
	r.base = "b";
	assert_int_equal(store_run_add(f->s, &r, &id, &f->e), 0);
	assert_int_equal(store_branch_had(f->s, 1, "main", "b", &had, &f->e), 0);
	assert_true(had);
	assert_int_equal(store_branch_had(f->s, 1, "other", "b", &had, &f->e), 0);
	assert_false(had);
}

/* What runs often must not read whole tables that grow. */
static void
frequent_queries_use_their_indexes(void **state)
{
	struct fixture *f = *state;
	static const char *const plans[] = {
	    "EXPLAIN QUERY PLAN SELECT id FROM run WHERE ended IS NULL ORDER BY number = 0, id LIMIT 5",
	    "EXPLAIN QUERY PLAN SELECT id FROM run WHERE reported < changes ORDER BY id LIMIT 5",
	    "EXPLAIN QUERY PLAN SELECT id FROM run WHERE repository = 1 AND number = 1 ORDER BY id DESC LIMIT 1",
	    "EXPLAIN QUERY PLAN SELECT number FROM pull_request WHERE head = 'x' AND repository = 1",
	    "EXPLAIN QUERY PLAN SELECT id FROM delivery WHERE state = 'new' ORDER BY id LIMIT 1",
	    "EXPLAIN QUERY PLAN SELECT id FROM command WHERE done IS NULL AND not_before <= 1",
	    "EXPLAIN QUERY PLAN SELECT run FROM build_want WHERE build = 1",
	    "EXPLAIN QUERY PLAN SELECT id FROM build WHERE state IN " BUILD_SQL_OPEN,
	    "EXPLAIN QUERY PLAN SELECT count(*) FROM build WHERE state IN " BUILD_SQL_READY " GROUP BY system, state",
	    "EXPLAIN QUERY PLAN SELECT not_before FROM command WHERE done IS NULL ORDER BY not_before LIMIT 1",
	    "EXPLAIN QUERY PLAN SELECT number FROM run WHERE repository = 1 AND head = 'x'",
	    "EXPLAIN QUERY PLAN SELECT count(*) FROM command WHERE login = 'x' COLLATE NOCASE AND received > 1",
	    "EXPLAIN QUERY PLAN SELECT answer FROM command WHERE comment = 5 AND repository = 1",
	    "EXPLAIN QUERY PLAN SELECT count(*) FROM run r, run o WHERE o.id = 1 AND r.ended IS NULL AND r.id < o.id",
	};

	for (size_t i = 0; i < COUNT(plans); i++) {
		sqlite3_stmt *q;
		assert_int_equal(sqlite3_prepare_v2(f->s->db, plans[i], -1, &q, NULL), SQLITE_OK);
		while (sqlite3_step(q) == SQLITE_ROW) {
			const char *detail = (const char *)sqlite3_column_text(q, 3);
			if (strncmp(detail, "SCAN", 4) == 0 && strstr(detail, "INDEX") == NULL)
				fail_msg("%s: %s", plans[i], detail);
		}
		sqlite3_finalize(q);
	}
}

/* --- what a start reads, and what goes ------------------------------------------------------------------------------- */

static int64_t
count(struct store *s, const char *of)
{
	sqlite3_stmt *q;

	assert_int_equal(sqlite3_prepare_v2(s->db, of, -1, &q, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_step(q), SQLITE_ROW);
	int64_t n = sqlite3_column_int64(q, 0);
	sqlite3_finalize(q);
	return n;
}

static void
write_rows(struct store *s, const char *sql)
{
	assert_int_equal(sqlite3_exec(s->db, sql, NULL, NULL, NULL), SQLITE_OK);
}

/* n more builds that took a second each and ended just now, wanted by the run. */
static void
add_ended(struct fixture *f, const char *name, int n, int64_t ended)
{
	write_rows(f->s,
	    arena_printf(&f->a,
	        "INSERT INTO build (drv, name, system, state, created, ended, wall_ms) WITH RECURSIVE c (i) AS (SELECT 1 UNION ALL"
	        " SELECT i + 1 FROM c WHERE i < %d) SELECT '/nix/store/%s-' || i, '%s', 'x', 'built', 1, %lld, 1000 FROM c;"
	        "INSERT INTO build_want (run, build, target) SELECT %lld, id, 1 FROM build WHERE name = '%s'",
	        n, name, name, (long long)ended, (long long)f->run, name));
}

struct used {
	int64_t rows, number[8], ms[8];
};

static void
on_used(void *ctx, int64_t repository, int64_t number, int64_t at, int64_t ms)
{
	struct used *u = ctx;

	assert_int_equal(repository, 1);
	assert_true(at > 0 && at % 3600000 == 0);
	u->number[u->rows % 8] = number;
	u->ms[u->rows++ % 8] = ms;
}

static void
building_time_is_summed_with_each_end_for_the_pull_requests_that_want_it(void **state)
{
	static const char drv[] = "/nix/store/a.drv";
	struct fixture *f = *state;
	struct used used = {0};
	bool again;

	want_chain(f, f->run, false);
	want_chain(f, add_run(f, 2), false);
	want_chain(f, add_run(f, 3), false);
	assert_int_equal(store_run_move(f->s, f->run + 2, RUN_ACCEPTED, RUN_CANCELLED, "closed", &f->e), 0);
	for (int i = 0; i < 2; i++) { /* an attempt that is made again is none that ended */
		struct build_end end = {.state = i == 0 ? BUILD_QUEUED : BUILD_BUILT, .wall_ms = 5000};
		assert_int_equal(store_build_started(f->s, id_of(f, drv), "/log", "b", &again, &f->e), 0);
		assert_int_equal(store_build_end(f->s, id_of(f, drv), &end, &f->e), 0);
	}
	assert_int_equal(store_build_used(f->s, clock_now_ms() - 3600000, on_used, &used, &f->e), 0);
	assert_int_equal(used.rows, 2);
	assert_int_equal(used.number[0], 1);
	assert_int_equal(used.number[1], 2);
	assert_int_equal(used.ms[0], 2500);
	assert_int_equal(used.ms[1], 2500);
	/* What is too old to be looked at is not read, and goes with the next pass. */
	write_rows(f->s, "UPDATE build_used SET hour = hour - 100");
	memset(&used, 0, sizeof(used));
	assert_int_equal(store_build_used(f->s, clock_now_ms() - 3600000, on_used, &used, &f->e), 0);
	assert_int_equal(used.rows, 0);
	prune_all(f, 1);
	assert_int_equal(count(f->s, "SELECT count(*) FROM build_used"), 0);
}

static int
on_step(void *ctx)
{
	(*(int64_t *)ctx)++;
	return 0;
}

static void
no_build(void *ctx, const struct open_build *b)
{
	(void)b;
	++*(int64_t *)ctx;
}

/* SQLite's own count of what is done when the queue is filled. */
static int64_t
steps_of_a_start(struct fixture *f)
{
	int64_t steps = 0, open = 0;
	struct used used = {0};
	const struct open_reader reader = {.build = no_build, .ctx = &open};

	sqlite3_progress_handler(f->s->db, 1, on_step, &steps);
	assert_int_equal(store_builds_recover(f->s, &f->e), 0);
	assert_int_equal(store_build_used(f->s, clock_now_ms() - 3 * 86400000LL, on_used, &used, &f->e), 0);
	assert_int_equal(store_open_read(f->s, 0, &reader, &f->e), 0);
	sqlite3_progress_handler(f->s->db, 0, NULL, NULL);
	assert_int_equal(open, 0);
	return steps;
}

static void
a_start_reads_no_build_that_has_ended(void **state)
{
	struct fixture *f = *state;
	int64_t few;

	add_ended(f, "few", 10, clock_now_ms());
	few = steps_of_a_start(f);
	assert_true(few > 0);
	add_ended(f, "many", 5000, clock_now_ms());
	assert_int_equal(steps_of_a_start(f), few);
}

static void
an_older_database_has_the_sums_of_what_it_built(void **state)
{
	enum { BEFORE = 18 };
	struct fixture *f = *state;
	struct used used = {0};
	int64_t now = clock_now_ms();
	struct store *s;
	glob_t files;
	sqlite3 *old;

	assert_int_equal(glob("src/store/schema/[0-9]*.sql", 0, NULL, &files), 0);
	const char *path = old_database(f, &files, BEFORE);
	globfree(&files);
	assert_int_equal(sqlite3_open(path, &old), SQLITE_OK);
	assert_int_equal(
	    sqlite3_exec(old,
	        arena_printf(&f->a,
	            "INSERT INTO build (id, drv, name, system, state, created, ended, wall_ms) WITH RECURSIVE c (i) AS (SELECT 1"
	            " UNION ALL SELECT i + 1 FROM c WHERE i < 7) SELECT i, '/nix/store/' || i, 'x', 'x', 'built', 1,"
	            " CASE WHEN i <= 3 THEN %lld ELSE %lld END, 1000 FROM c;"
	            "INSERT INTO build_want (run, build, target) SELECT 7, id, 1 FROM build",
	            (long long)now - 1000, (long long)now - 4 * 86400000LL),
	        NULL, NULL, NULL),
	    SQLITE_OK);
	sqlite3_close(old);
	assert_int_equal(store_open(path, &s, &f->e), 0);
	assert_int_equal(store_build_used(s, now - 3 * 86400000LL, on_used, &used, &f->e), 0);
	assert_int_equal(used.rows, 1);
	assert_int_equal(used.number[0], 3);
	assert_int_equal(used.ms[0], 3000);
	store_close(s);
}

static void
retention_goes_on_in_pieces_and_leaves_what_is_needed(void **state)
{
	enum { AT_MOST = 128 };
	struct fixture *f = *state;
	struct store_pruning pass = {.before = 1000};
	int64_t left, before;
	int rc = 1;

	add_ended(f, "kept", 300, 500); /* old, but wanted by a run that goes on */
	add_ended(f, "newer", 300, 2000);
	add_ended(f, "gone", 300, 500);
	write_rows(f->s,
	    "DELETE FROM build_want WHERE build IN (SELECT id FROM build WHERE name IN ('gone', 'newer'));"
	    "INSERT INTO build_input (build, input) SELECT id, id + 1 FROM build WHERE name = 'gone';"
	    "INSERT INTO run (repository, number, head, base_ref, state, reason, created, updated, ended, changes, reported)"
	    " VALUES (1, 7, 'h', 'main', 'done', 'x', 1, 1, 500, 1, 1), (1, 8, 'h', 'main', 'done', 'x', 1, 1, 2000, 1, 1);"
	    "INSERT INTO build_want (run, build, target) SELECT r.id, b.id, 1 FROM run r, build b"
	    " WHERE r.number = 7 AND b.name = 'kept'");
	while (rc > 0) {
		before = count(f->s,
		    "SELECT (SELECT count(*) FROM build) + (SELECT count(*) FROM build_want) + (SELECT count(*) FROM run)");
		rc = store_prune(f->s, &pass, &f->e);
		left = count(f->s,
		    "SELECT (SELECT count(*) FROM build) + (SELECT count(*) FROM build_want) + (SELECT count(*) FROM run)");
		assert_true(before - left <= AT_MOST);
	}
	assert_int_equal(rc, 0);
	assert_int_equal(count(f->s, "SELECT count(*) FROM build WHERE name = 'gone'"), 0);
	assert_int_equal(count(f->s, "SELECT count(*) FROM build_input"), 0);
	assert_int_equal(count(f->s, "SELECT count(*) FROM build WHERE name = 'kept'"), 300);
	assert_int_equal(count(f->s, "SELECT count(*) FROM build WHERE name = 'newer'"), 300);
	assert_int_equal(count(f->s, "SELECT count(*) FROM run WHERE number = 7"), 0);
	assert_int_equal(count(f->s, "SELECT count(*) FROM run WHERE number = 8"), 1);
	assert_int_equal(count(f->s, "SELECT count(*) FROM build_want"), 300);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

static const struct figure_sum *
sum_of(struct fixture *f, int64_t repository, enum figure_span span, enum figure what)
{
	struct figure_sum *all, *found = NULL;
	size_t n;

	assert_int_equal(figure_read(f->s, &f->a, repository, span, 0, &all, &n, &f->e), 0);
	for (size_t i = 0; i < n; i++)
		if (all[i].what == what)
			found = &all[i];
	return found;
}

static void
figures_are_sums_by_hour_and_day_and_what_is_private_is_in_no_sum_of_all(void **state)
{
	struct fixture *f = *state;
	struct err e;

	assert_int_equal(
	    sqlite3_exec(f->s->db,
	        "INSERT OR IGNORE INTO installation (id) VALUES (1);"
	        "INSERT INTO repository (id, installation, owner, name, clone_url, default_branch, private) VALUES"
	        " (901,1,'o','open','x','main',0), (902,1,'o','open2','x','main',0), (903,1,'o','closed','x','main',1);",
	        NULL, NULL, NULL),
	    SQLITE_OK);
	assert_int_equal(figure_add(f->s, 901, FIGURE_BUILD, 1000, &e), 0);
	assert_int_equal(figure_add(f->s, 901, FIGURE_BUILD, 500, &e), 0);
	assert_int_equal(figure_add(f->s, 902, FIGURE_BUILD, 7, &e), 0);
	assert_int_equal(figure_add(f->s, 903, FIGURE_BUILD, 100000, &e), 0);
	assert_int_equal(figure_add(f->s, 903, FIGURE_WAIT, -5, &e), 0); /* a clock that was set back */
	for (int span = FIGURE_HOUR; span <= FIGURE_DAY; span++) {
		assert_int_equal(sum_of(f, 901, span, FIGURE_BUILD)->n, 2);
		assert_int_equal(sum_of(f, 901, span, FIGURE_BUILD)->total, 1500);
		assert_int_equal(sum_of(f, 0, span, FIGURE_BUILD)->n, 3);
		assert_int_equal(sum_of(f, 0, span, FIGURE_BUILD)->total, 1507);
		assert_int_equal(sum_of(f, 903, span, FIGURE_WAIT)->total, 0);
		assert_null(sum_of(f, 0, span, FIGURE_WAIT));
	}
	/* Old hours go, their day stays. */
	assert_int_equal(db_run(f->s, &e, "UPDATE figure SET at = at - 4 * 86400000", ""), 0);
	prune_all(f, 1);
	assert_null(sum_of(f, 901, FIGURE_HOUR, FIGURE_BUILD));
	assert_int_equal(sum_of(f, 901, FIGURE_DAY, FIGURE_BUILD)->total, 1500);
	/* A build that no run wants is nobody's. */
	assert_int_equal(figure_add_build(f->s, 424242, FIGURE_BUILD, 5, &e), 0);
}

static void
measures_are_kept_by_run_and_go_with_it(void **state)
{
	struct fixture *f = *state;
	enum { MANY = 2000 };
	struct package_sizes *of = arena_alloc(&f->a, MANY * sizeof(*of));
	int64_t output[] = {100, 120}, closure[] = {1000, 1000};
	struct metric metric = {"tests", "", (double)NAN, 7};
	struct measured *rows;
	size_t n;

	want_chain(f, f->run, false);
	for (size_t i = 0; i < MANY; i++)
		of[i] = (struct package_sizes){.drv = i == 0 ? "/nix/store/b.drv"
		                                             : arena_printf(&f->a, "/nix/store/none-%zu.drv", i),
		    .output = {output, 2},
		    .closure = {closure, 2}};
	of[0].metrics = (struct metrics){&metric, 1};
	struct sizes sizes = {.packages = {of, MANY}};
	int64_t began = clock_mono_ms();
	assert_int_equal(measure_put(f->s, f->run, &sizes, &f->e), 0);
	print_message("# %d measures: %lld ms\n", MEASURE_MAX_ROWS, (long long)(clock_mono_ms() - began));
	output[1] = 130; /* measured again: instead */
	assert_int_equal(measure_put(f->s, f->run, &sizes, &f->e), 0);
	struct view_build b;
	assert_int_equal(view_build(f->s, &f->a, "/nix/store/b.drv", &b, &f->e), 0);
	assert_int_equal(measure_read(f->s, &f->a, b.id, &rows, &n, &f->e), 0);
	assert_int_equal(n, 3);
	assert_string_equal(rows[0].what, "output");
	assert_true(rows[0].base == 100 && rows[0].head == 130);
	assert_string_equal(rows[1].what, "closure");
	assert_string_equal(rows[2].what, "metric tests");
	assert_true(isnan(rows[2].base) && rows[2].head == 7);
	assert_int_equal(sqlite3_exec(f->s->db, "DELETE FROM run", NULL, NULL, NULL), SQLITE_OK);
	assert_int_equal(measure_read(f->s, &f->a, b.id, &rows, &n, &f->e), 0);
	assert_int_equal(n, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(a_newer_schema_is_refused),
	    TEST(an_empty_database_is_refused),
	    TEST(building_time_is_summed_with_each_end_for_the_pull_requests_that_want_it),
	    TEST(a_start_reads_no_build_that_has_ended),
	    TEST(an_older_database_has_the_sums_of_what_it_built),
	    TEST(retention_goes_on_in_pieces_and_leaves_what_is_needed),
	    TEST(measures_are_kept_by_run_and_go_with_it),
	    TEST(figures_are_sums_by_hour_and_day_and_what_is_private_is_in_no_sum_of_all),
	    TEST(a_label_is_taken_once),
	    TEST(a_database_of_the_first_version_goes_on),
	    TEST(of_every_older_version_what_was_refused_is_parked_and_taken_up),
	    TEST(pull_requests_beside_each_other_are_due_when_one_has_changed),
	    TEST(attempts_that_failed_are_counted_apart_from_those_that_began),
	    TEST(a_merge_group_that_is_gone_stays_so),
	    TEST(what_is_late_or_of_the_same_second_opens_nothing),
	    TEST(what_is_there_is_built_again_to_compare),
	    TEST(the_merge_queue_comes_first_and_branches_last),
	    TEST(a_branch_is_compared_with_where_it_was_done),
	    TEST(a_move_happens_once_and_leaves_its_history),
	    TEST(only_the_moves_of_the_list_are_made),
	    TEST(held_and_tried_again_are_two_things),
	    TEST(a_failed_inner_step_rolls_everything_back),
	    TEST(where_a_build_was_begun_is_known),
	    TEST(dependencies_come_first_and_release_what_waits),
	    TEST(a_failure_travels_up_with_its_cause),
	    TEST(sql_and_c_agree_on_every_state),
	    TEST(every_end_is_treated_alike_everywhere),
	    TEST(what_marks_itself_as_failed_has_failed_but_is_there),
	    TEST(what_has_no_machine_fails_nothing_above_it),
	    TEST(a_known_failure_stands_until_it_is_asked_again),
	    TEST(blame_follows_what_the_base_does),
	    TEST(an_added_target_that_fails_is_newly_failing),
	    TEST(what_was_building_at_a_crash_is_queued_again),
	    TEST(a_build_goes_when_the_last_run_that_wants_it_goes),
	    TEST(durations_become_an_estimate),
	    TEST(an_estimate_knows_when_all_is_done),
	    TEST(the_mirror_follows_the_database),
	    TEST(a_failure_that_is_built_later_is_flaky),
	    TEST(commands_wait_until_they_are_due),
	    TEST(people_are_counted_believed_for_a_while_and_answered_where_they_asked),
	    TEST(a_comment_is_taken_once_for_ever),
	    TEST(an_approval_is_of_the_head_that_is_there),
	    TEST(a_push_waits_for_the_one_it_followed_on),
	    TEST(frequent_queries_use_their_indexes),
	};

	return cmocka_run_group_tests_name("store", tests, NULL, NULL);
}
