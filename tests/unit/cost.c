/* What a change costs, where it belongs because of that, and how good an estimate was. */
#include "changeset/rules.h"
#include "queue/estimate.h"
#include "store/builds.h"
#include "store/db.h"
#include "store/duration.h"
#include "store/run.h"
#include "unit/report_help.h"

#include "temp_dir.h"

#include <glob.h>

/* --- durations ------------------------------------------------------------------------------------------------------ */

static uint64_t seed = 5;

static uint32_t
pick(uint32_t n)
{
	seed = seed * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)((seed >> 33) % n);
}

static struct store *
open_store(int64_t *ret_run)
{
	struct repository repo =
	    {.id = 1, .installation = 1, .owner = "o", .name = "r", .clone_url = "u", .default_branch = "main"};
	struct pull_request pr = {.repository = 1, .number = 1, .open = true, .head = "h", .base_ref = "main", .title = "t"};
	struct run r = {.repository = 1, .number = 1, .head = "h", .base_ref = "main", .reason = "test"};
	struct store *s;
	struct err e;

	assert_int_equal(store_open(":memory:", &s, &e), 0);
	assert_int_equal(store_installation_put(s, 1, "o", "active", &e), 0);
	assert_int_equal(store_repository_put(s, &repo, &e), 0);
	assert_int_equal(store_pull_put(s, &pr, &e), 0);
	assert_int_equal(store_run_add(s, &r, ret_run, &e), 0);
	return s;
}

/* Random packages, of which some were built before, three times each: the sums are those of a list that is gone through for each. */
static void
a_change_costs_what_is_known_of_it(void **state)
{
	enum { PACKAGES = 12, ITEMS = 60 };
	(void)state;

	for (int round = 0; round < 30; round++) {
		struct arena a = {0};
		struct err e;
		int64_t run, took[PACKAGES], want_ms[PACKAGES] = {0}, n_of[PACKAGES] = {0};
		struct change_cost want = {0}, got;
		struct store *s = open_store(&run);
		AUTO(estimator_free) struct estimator *known = estimator_new(s);
		struct estimate_item items[ITEMS];
		for (uint32_t p = 0; p < PACKAGES; p++) {
			took[p] = pick(3) == 0 ? -1 : 1000 + (int64_t)pick(100000);
			for (int64_t k = -1; k <= 1 && took[p] >= 0; k++) /* median took, spread 100 */
				assert_int_equal(duration_add(s, arena_printf(&a, "p%c", 'a' + p), "x", took[p] + k * 100, &e),
				    0);
		}
		for (size_t i = 0; i < ITEMS; i++) {
			uint32_t p = pick(PACKAGES);
			/* The version is no part of the name; another system's durations are none of this one's. */
			bool other = pick(5) == 0, is_known = took[p] >= 0 && !other, cached = pick(3) == 0;
			items[i] = (struct estimate_item){arena_printf(&a, "p%c-%u.%u.drv", 'a' + p, pick(9), pick(9)),
			    other ? "y" : "x", cached};
			want.builds++;
			want.cached += cached;
			want.known += is_known;
			want.cached_known += is_known && cached;
			want.ms += is_known ? took[p] : 0;
			want.low_ms += is_known ? took[p] - 100 : 0;
			want.high_ms += is_known ? took[p] + 100 : 0;
			want.cached_ms += is_known && cached ? took[p] : 0;
			want_ms[p] += is_known ? took[p] : 0;
			n_of[p] += is_known;
		}
		assert_int_equal(estimate_change(known, &a, items, ITEMS, &got, &e), 0);
		assert_int_equal(got.builds, want.builds);
		assert_int_equal(got.known, want.known);
		assert_int_equal(got.ms, want.ms);
		assert_int_equal(got.low_ms, want.low_ms);
		assert_int_equal(got.high_ms, want.high_ms);
		assert_int_equal(got.cached, want.cached);
		assert_int_equal(got.cached_known, want.cached_known);
		assert_int_equal(got.cached_ms, want.cached_ms);
		assert_true(got.dearest.n <= 5);
		for (size_t i = 0; i < got.dearest.n; i++) {
			uint32_t p = (uint32_t)(got.dearest.p[i].name[1] - 'a');
			size_t dearer = 0;
			assert_int_equal(got.dearest.p[i].ms, want_ms[p]);
			assert_int_equal(got.dearest.p[i].builds, n_of[p]);
			for (uint32_t k = 0; k < PACKAGES; k++)
				dearer += want_ms[k] > want_ms[p];
			assert_true(dearer <= i);
		}
		store_close(s);
		arena_release(&a);
	}
}

static int64_t
id_of(struct store *s, const char *drv)
{
	struct err e;
	int64_t id = 0;

	assert_int_equal(db_int(s, &id, &e, "SELECT id FROM build WHERE drv = ?1", "s", drv), 0);
	return id;
}

static const struct build_told *
told_of(const struct builds_told *all, const char *drv)
{
	for (size_t i = 0; i < all->n; i++)
		if (strcmp(all->p[i].drv, drv) == 0)
			return &all->p[i].told;
	fail_msg("%s is not told of", drv);
	return NULL;
}

static void
what_was_thought_stands_as_it_was_when_the_run_asked(void **state)
{
	struct arena a = {0};
	struct err e;
	int64_t run;
	struct store *s = open_store(&run);
	struct build_estimated was;
	struct builds_told told;
	struct build_want wants[] = {
	    {.drv = "/a.drv", .name = "known-1.drv", .system = "x"},
	    {.drv = "/b.drv", .name = "new-1.drv", .system = "x"},
	    {.drv = "/c.drv", .name = "known-2.drv", .system = "x", .cached = true, .target = true},
	    {.drv = "/d.drv", .name = "known-3.drv", .system = "x"},
	};
	(void)state;

	assert_int_equal(duration_add(s, "known", "x", 1000, &e), 0);
	assert_int_equal(store_builds_want(s, run, wants, COUNT(wants), 0, &e), 0);
	for (size_t i = 0; i < COUNT(wants); i++) {
		bool again;
		if (wants[i].cached)
			continue;
		struct build_end end = {.state = i == 3 ? BUILD_FAILED : BUILD_BUILT, .wall_ms = 5000};
		assert_int_equal(store_build_started(s, id_of(s, wants[i].drv), "l", "here", &again, &e), 0);
		assert_int_equal(store_build_end(s, id_of(s, wants[i].drv), &end, &e), 0);
	}
	/* What is wanted again, by a command or after a restart, does not know better by then. */
	for (size_t i = 0; i < 3; i++)
		wants[i].cached = true;
	assert_int_equal(store_builds_want(s, run, wants, COUNT(wants), 0, &e), 0);
	assert_int_equal(store_run_builds(s, &a, run, &told, &e), 0);
	assert_int_equal(told_of(&told, "/a.drv")->expected_ms, 1000);
	assert_false(told_of(&told, "/a.drv")->before);
	assert_int_equal(told_of(&told, "/b.drv")->expected_ms, -1);
	assert_int_equal(told_of(&told, "/c.drv")->expected_ms, -1);
	assert_true(told_of(&told, "/c.drv")->before);
	/* Only what was built, and known. */
	assert_int_equal(store_run_estimated(s, run, &was, &e), 0);
	assert_int_equal(was.builds, 1);
	assert_int_equal(was.expected_ms, 1000);
	assert_int_equal(was.took_ms, 5000);
	store_close(s);
	arena_release(&a);
}

/* A database of before says nothing of what was thought, and goes on. */
static void
an_old_database_says_nothing_of_estimates(void **state)
{
	struct arena a = {0};
	struct err e;
	glob_t files;
	size_t v = 0;
	sqlite3 *old;
	struct store *s;
	struct builds_told told;
	struct build_estimated was;
	const char *path = arena_printf(&a, "%s/old", dir);
	const struct build_want want = {.drv = "/b.drv", .name = "x-1.drv", .system = "x"};
	(void)state;

	assert_int_equal(glob("src/store/schema/[0-9]*.sql", 0, NULL, &files), 0);
	assert_int_equal(sqlite3_open(path, &old), SQLITE_OK);
	for (; strstr(files.gl_pathv[v], "/021_") == NULL; v++) {
		struct str schema;
		assert_int_equal(files_read(&a, files.gl_pathv[v], 1 << 20, &schema, &e), 0);
		assert_int_equal(sqlite3_exec(old, schema.p, NULL, NULL, NULL), SQLITE_OK);
	}
	assert_int_equal(
	    sqlite3_exec(old,
	        "INSERT INTO installation (id) VALUES (1);"
	        "INSERT INTO repository (id, installation, owner, name, clone_url, default_branch, private)"
	        " VALUES (1, 1, 'o', 'r', 'u', 'main', 0);"
	        "INSERT INTO run (id, repository, number, head, base_ref, state, reason, created, updated) VALUES"
	        " (7, 1, 3, 'h', 'main', 'building', 'x', 1, 1);"
	        "INSERT INTO build (id, drv, name, system, features, fixed_output, state, created, pname, blocked, wall_ms)"
	        " VALUES (4, '/a.drv', 'x-1.drv', 'x', '[]', 0, 'built', 1, 'x', 0, 900);"
	        "INSERT INTO build_want (run, build, target, base) VALUES (7, 4, 1, 0);",
	        NULL, NULL, NULL),
	    SQLITE_OK);
	assert_int_equal(sqlite3_exec(old, arena_printf(&a, "PRAGMA user_version = %zu", v), NULL, NULL, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_close(old), SQLITE_OK);
	globfree(&files);
	if (store_open(path, &s, &e) != 0)
		fail_msg("%s", e.msg);
	assert_int_equal(store_run_builds(s, &a, 7, &told, &e), 0);
	assert_int_equal(told.n, 1);
	assert_int_equal(told.p[0].told.expected_ms, -1);
	assert_false(told.p[0].told.before);
	assert_int_equal(store_run_estimated(s, 7, &was, &e), 0);
	assert_int_equal(was.builds, 0);
	assert_int_equal(store_builds_want(s, 7, &want, 1, 0, &e), 0);
	store_close(s);
	arena_release(&a);
}

/* --- the budget of a repository ------------------------------------------------------------------------------------- */

static void
a_budget_is_read_and_every_mistake_has_its_place(void **state)
{
#define STEP "{\"machine_hours\":1,\"branch\":\"a\"}"
	static const struct {
		const char *text, *start, *reason;
	} rows[] = {
	    {"{\"budget\": []}", ":1:12: budget ", "must be an object, not an array"},
	    {"{\"budget\": {\"above\": \"b\"}}", ":1:12: budget ", "at least one step"},
	    {"{\"budget\": {\"up_to\": [], \"above\": \"b\"}}", ":1:12: budget ", "at least one step"},
	    {"{\"budget\": {\"up_to\": {}, \"above\": \"b\"}}", ":1:22: budget.up_to ", "must be an array"},
	    {"{\"budget\": {\"up_to\": [" STEP "]}}", ":1:12: budget ", "must have \"above\""},
	    {"{\"budget\": {\"up_to\": [" STEP "],\n \"above\": 3}}", ":2:11: budget.above ", "the name of a branch"},
	    {"{\"budget\": {\"up_to\": [" STEP "],\n \"abov\": \"b\", \"above\": \"b\"}}", ":2:2: budget.abov ", "unknown key"},
	    {"{\"budget\": {\"up_to\": [3], \"above\": \"b\"}}", ":1:23: budget.up_to[0] ", "must be an object"},
	    {"{\"budget\": {\"up_to\": [{\"branch\":\"a\"}], \"above\": \"b\"}}", ":1:23: budget.up_to[0] ",
	        "\"machine_hours\""},
	    {"{\"budget\": {\"up_to\": [{\"machine_hours\":2}], \"above\": \"b\"}}", ":1:23: budget.up_to[0] ", "\"branch\""},
	    {"{\"budget\": {\"up_to\": [{\"hours\":2,\"machine_hours\":2,\"branch\":\"a\"}], \"above\": \"b\"}}",
	        ":1:24: budget.up_to[0].hours ", "unknown key"},
	    {"{\"budget\": {\"up_to\": [{\"machine_hours\":0,\"branch\":\"a\"}], \"above\": \"b\"}}",
	        ":1:40: budget.up_to[0].machine_hours ", "more than 0"},
	    {"{\"budget\": {\"up_to\": [{\"machine_hours\":-1,\"branch\":\"a\"}], \"above\": \"b\"}}",
	        ":1:40: budget.up_to[0].machine_hours ", "more than 0"},
	    {"{\"budget\": {\"up_to\": [{\"machine_hours\":1e9,\"branch\":\"a\"}], \"above\": \"b\"}}",
	        ":1:40: budget.up_to[0].machine_hours ", "at most 1000000"},
	    {"{\"budget\": {\"up_to\": [{\"machine_hours\":1e-9,\"branch\":\"a\"}], \"above\": \"b\"}}",
	        ":1:40: budget.up_to[0].machine_hours ", "more than 0"},
	    {"{\"budget\": {\"up_to\": [{\"machine_hours\":\"2\",\"branch\":\"a\"}], \"above\": \"b\"}}",
	        ":1:40: budget.up_to[0].machine_hours ", "must be a number, not text"},
	    {"{\"budget\": {\"up_to\": [" STEP ",\n {\"machine_hours\":1,\"branch\":\"c\"}], \"above\": \"b\"}}",
	        ":2:19: budget.up_to[1].machine_hours ", "more than the machine_hours before it"},
	    {"{\"budget\": {\"up_to\": [{\"machine_hours\":1,\"branch\":\"a b\"}], \"above\": \"b\"}}",
	        ":1:51: budget.up_to[0].branch ", "the name of a branch"},
	    {"{\"budget\": {\"up_to\": [{\"machine_hours\":1,\"branch\":\"\"}], \"above\": \"b\"}}",
	        ":1:51: budget.up_to[0].branch ", "the name of a branch"},
	    {"{\"budget\": {\"up_to\": [{\"machine_hours\":1,\"branch\":\"a..b\"}], \"above\": \"-b\"}}",
	        ":1:51: budget.up_to[0].branch ", "the name of a branch"},
	    {"{\"budget\": {\"up_to\": [{\"machine_hours\":1,\"branch\":\"a\"},{\"machine_hours\":2,\"branch\":\"a\"},"
	     "{\"machine_hours\":3,\"branch\":\"a\"},{\"machine_hours\":4,\"branch\":\"a\"},{\"machine_hours\":5,\"branch\":\"a\"},"
	     "{\"machine_hours\":6,\"branch\":\"a\"},{\"machine_hours\":7,\"branch\":\"a\"},{\"machine_hours\":8,\"branch\":\"a\"},\n"
	     "{\"machine_hours\":9,\"branch\":\"a\"}], \"above\": \"b\"}}",
	        ":2:1: budget.up_to[8] ", "one more than the 8"},
	};
	(void)state;

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct arena a = {0};
		struct rules rules;
		struct mistakes m;
		mistakes_init(&m, &a, RULES_PATH);
		rules_read(&a, str_of(rows[i].text), &rules, &m);
		const char *said = m.n > 0 ? mistakes_text(&m, 0) : "no mistake";
		if (strncmp(said, RULES_PATH, strlen(RULES_PATH)) != 0 ||
		    strncmp(said + strlen(RULES_PATH), rows[i].start, strlen(rows[i].start)) != 0 ||
		    strstr(said, rows[i].reason) == NULL)
			fail_msg("%s: %s", rows[i].text, said);
		arena_release(&a);
	}
}

static void
what_a_budget_changes_is_said(void **state)
{
	static const char *const texts[] = {"{}", "{\"budget\":{\"up_to\":[" STEP "],\"above\":\"b\"}}",
	    "{\"budget\":{\"up_to\":[{\"machine_hours\":1.5,\"branch\":\"a\"}],\"above\":\"b\"}}",
	    "{\"budget\":{\"up_to\":[" STEP "],\"above\":\"c\"}}"};
	struct arena a = {0};
	struct rules rules[COUNT(texts)];
	(void)state;

	for (size_t i = 0; i < COUNT(texts); i++) {
		struct mistakes m;
		mistakes_init(&m, &a, RULES_PATH);
		rules_read(&a, str_of(texts[i]), &rules[i], &m);
		assert_int_equal(m.n, 0);
		assert_int_equal(rules[i].warnings.n, 0);
	}
	assert_null(rules[0].report.budget);
	assert_int_equal(rules[2].report.budget->up_to.p[0].ms, 5400 * 1000);
	assert_string_equal(rules[3].report.budget->above, "c");
	for (size_t i = 0; i < COUNT(texts); i++)
		for (size_t k = 0; k < COUNT(texts); k++)
			assert_string_equal(rules_changes(&a, &rules[i], &rules[k]).p[0],
			    i == k ? "nothing that ekaci uses" : "report settings changed");
	arena_release(&a);
}

/* --- advice --------------------------------------------------------------------------------------------------------- */

#define BUDGET \
	"\"budget\":{\"up_to\":[{\"ms\":1000,\"branch\":\"main\"},{\"ms\":5000,\"branch\":\"next\"}],\"above\":\"staging\"}"
#define DECIDE "{\"repositories_decide\":[\"budget\"]}"

/* The report as JSON, its text and its rebuilds check, of one rebuild that costs so much. */
static json_t *
report(struct arena *a, const char *run, const char *budget, const char *settings, const char *cost, const char *builds)
{
	const char *path = arena_printf(a, "%s/difference.json", dir);
	struct err e = {0};
	AUTO(json_drop) json_t *job = NULL;

	assert_int_equal(
	    files_write(path,
	        STR("{\"ekaci_difference\":1,\"counts\":{\"total\":{\"rebuild\":1},\"systems\":{},\"other\":{}},\"attributes\":["
	            "{\"path\":[\"a\"],\"job\":\"j\",\"system\":\"x\",\"class\":\"rebuild\",\"name\":\"a\",\"base\":{\"drv\":\"/b\"},"
	            "\"head\":{\"drv\":\"/nix/store/00000000000000000000000000000001-a.drv\"}}],\"roots\":[],\"targets\":[]}"),
	        0600, FILES_NO_SYNC, &e),
	    0);
	const char *text = arena_printf(a,
	    "{\"run\":{%s},\"phase\":\"done\",\"plan\":{\"decision\":\"evaluate\",\"jobs\":[{\"name\":\"j\"}],\"report\":{%s}},"
	    "\"evaluations\":[{\"side\":\"head\",\"job\":\"j\",\"key\":\"k\",\"complete\":true,\"rows\":9}],\"builds\":{%s},"
	    "\"query\":{\"type\":\"query\",\"to_build\":1%s},\"difference\":\"%s\",\"formats\":[\"json\",\"text\",\"markdown\"],"
	    "\"settings\":%s}",
	    run, budget, builds, cost, path, settings);
	if (json_read(str_of(text), "job", &job, &e) != 0)
		fail_msg("%s: %s", e.msg, text);
	json_t *records = run_report(job, &e);
	if (records == NULL)
		fail_msg("%s", e.msg);
	return records;
}

static json_t *
document_of(const json_t *records)
{
	json_t *ret = NULL;
	struct err e = {0};

	if (json_read(str_of(json_str(find_record(records, "document", "json"), "body", "")), "report", &ret, &e) != 0)
		fail_msg("%s", e.msg);
	return ret;
}

#define COST(builds, known, ms, low, high) \
	",\"cost\":{\"builds\":" #builds ",\"known\":" #known ",\"ms\":" #ms ",\"low_ms\":" #low ",\"high_ms\":" #high "}"

static void
advice_comes_from_what_is_known_alone(void **state)
{
#define PULL "\"id\":7,\"repo\":\"o/r\",\"number\":3,\"base_ref\":\"main\""
	static const struct {
		const char *run, *budget, *settings, *cost;
		const char *branch, *at_least, *other; /* NULL: no such word; branch and at_least NULL: no advice */
		const char *says;                      /* of the Markdown; NULL: nothing of where it belongs */
	} cases[] = {
	    {PULL, BUDGET, DECIDE, COST(4, 4, 1000, 1000, 1000), "main", NULL, NULL,
	        "**By its cost this belongs on `main`**, which it is"},
	    {PULL, BUDGET, DECIDE, COST(4, 4, 1001, 1001, 1001), "next", NULL, NULL, "on `next`**; it is made against `main`"},
	    {PULL, BUDGET, DECIDE, COST(4, 4, 5000, 5000, 5000), "next", NULL, NULL, "on `next`"},
	    {PULL, BUDGET, DECIDE, COST(4, 4, 5001, 5001, 5001), "staging", NULL, NULL, "on `staging`"},
	    /* The range reaches over a limit. */
	    {PULL, BUDGET, DECIDE, COST(4, 4, 900, 700, 1100), "main", NULL, "next", "or on `next`, for the estimate"},
	    {PULL, BUDGET, DECIDE, COST(4, 4, 1100, 900, 1300), "next", NULL, "main", "or on `main`, for the estimate"},
	    /* Not all is known: only what is too much for all but the last is advice, and by its least. */
	    {PULL, BUDGET, DECIDE, COST(4, 3, 900, 900, 900), NULL, "main", NULL, "3 of 4 derivations"},
	    {PULL, BUDGET, DECIDE, COST(4, 3, 2000, 2000, 2000), NULL, "next", NULL, "would fit `next`"},
	    {PULL, BUDGET, DECIDE, COST(4, 3, 5500, 4900, 6000), NULL, "next", NULL, "is not known"},
	    {PULL, BUDGET, DECIDE, COST(4, 3, 5500, 5001, 6000), "staging", NULL, NULL, "on `staging`"},
	    {PULL, BUDGET, DECIDE, COST(4, 0, 0, 0, 0), NULL, "main", NULL, "of none of 4 derivations"},
	    /* Nothing to say. */
	    {PULL, BUDGET, DECIDE, COST(0, 0, 0, 0, 0), NULL, NULL, NULL, NULL},
	    {PULL, BUDGET, DECIDE, "", NULL, NULL, NULL, NULL},
	    {PULL, "", DECIDE, COST(4, 4, 1, 1, 1), NULL, NULL, NULL, NULL},
	    {PULL, BUDGET, "{\"repositories_decide\":[\"comment\"]}", COST(4, 4, 1, 1, 1), NULL, NULL, NULL, NULL},
	    {"\"id\":7,\"repo\":\"o/r\",\"number\":0,\"base_ref\":\"main\"", BUDGET, DECIDE, COST(4, 4, 1, 1, 1), NULL, NULL,
	        NULL, NULL},
	    /* On somebody's own clone there is no number, and no branch it is made against. */
	    {"\"repo\":\".\"", BUDGET, DECIDE, COST(4, 4, 1, 1, 1), "main", NULL, NULL, "on `main`**. (Budget"},
	};
	(void)state;

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct arena a = {0};
		AUTO(json_drop)
		json_t *records = report(&a, cases[i].run, cases[i].budget, cases[i].settings, cases[i].cost, "");
		AUTO(json_drop) json_t *document = document_of(records);
		const json_t *advice = json_object_get(document, "advice");
		const char *md = json_str(find_record(records, "document", "markdown"), "body", "");
		const char *text = json_str(find_record(records, "document", "text"), "body", "");
		assert_int_equal(json_is_object(advice), cases[i].branch != NULL || cases[i].at_least != NULL);
		assert_string_equal(json_str(advice, "branch", "-"), cases[i].branch != NULL ? cases[i].branch : "-");
		assert_string_equal(json_str(advice, "at_least", "-"), cases[i].at_least != NULL ? cases[i].at_least : "-");
		assert_string_equal(json_str(advice, "other", "-"), cases[i].other != NULL ? cases[i].other : "-");
		if (cases[i].says != NULL && strstr(md, cases[i].says) == NULL)
			fail_msg("%zu: %s is not in %s", i, cases[i].says, md);
		assert_int_equal(strstr(md, "by its cost") != NULL || strstr(md, "By its cost") != NULL, cases[i].says != NULL);
		assert_int_equal(strstr(text, "by its cost") != NULL || strstr(text, "By its cost") != NULL,
		    cases[i].says != NULL);
		arena_release(&a);
	}
}

static void
how_good_an_estimate_was_is_said_of_what_was_built(void **state)
{
	struct arena a = {0};
	(void)state;

	AUTO(json_drop)
	json_t *records = report(&a, PULL, "", "{}", "",
	    "\"/a\":{\"state\":\"built\",\"wall_ms\":3000,\"expected_ms\":2000},"
	    "\"/b\":{\"state\":\"built\",\"wall_ms\":1000,\"expected_ms\":2000},"
	    "\"/c\":{\"state\":\"built\",\"wall_ms\":9000},"                                    /* a guess */
	    "\"/d\":{\"state\":\"built\",\"wall_ms\":9000,\"before\":true},"                    /* of an earlier run */
	    "\"/e\":{\"state\":\"failed\",\"wall_ms\":9000,\"expected_ms\":1,\"blame\":null}"); /* came to nothing */
	AUTO(json_drop) json_t *document = document_of(records);
	const json_t *was = json_object_get(document, "estimated");
	assert_int_equal(json_int(was, "builds", -1), 3);
	assert_int_equal(json_int(was, "known", -1), 2);
	assert_int_equal(json_int(was, "expected_ms", -1), 4000);
	assert_int_equal(json_int(was, "took_ms", -1), 4000);
	assert_int_equal(json_int(was, "off_ms", -1), 2000);
	const char *md = json_str(find_record(records, "document", "markdown"), "body", "");
	if (strstr(md,
	        "22 s of build time; 2 of 3 builds that succeeded took 4.0 s where 4.0 s was expected: right, 50 % off one by one") ==
	    NULL)
		fail_msg("%s", md);
	arena_release(&a);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_change_costs_what_is_known_of_it),
	    cmocka_unit_test(what_was_thought_stands_as_it_was_when_the_run_asked),
	    cmocka_unit_test(an_old_database_says_nothing_of_estimates),
	    cmocka_unit_test(a_budget_is_read_and_every_mistake_has_its_place),
	    cmocka_unit_test(what_a_budget_changes_is_said),
	    cmocka_unit_test(advice_comes_from_what_is_known_alone),
	    cmocka_unit_test(how_good_an_estimate_was_is_said_of_what_was_built),
	};

	return cmocka_run_group_tests_name("cost", tests, make_dir, remove_dir);
}
