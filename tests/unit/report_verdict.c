/* Conclusions: what makes a check red, what never does, and what must not be green. */
#include "report/checks.h"
#include "unit/report_help.h"

#include "in_range.h"
#include "support/text/json.h"

#include "temp_dir.h"

#define DRV "/nix/store/00000000000000000000000000000001-a.drv"

/* One rebuilt attribute (or of another class) with one build. */
static json_t *
job_for(struct arena *a, const char *class, const char *build, const char *more)
{
	struct err e = {0};
	const char *path = arena_printf(a, "%s/d.json", dir);
	bool rebuild = strcmp(class, "rebuild") == 0;
	json_t *difference, *job = NULL, *extra = NULL;
	const char *text = arena_printf(a,
	    "{\"ekaci_difference\":1,\"counts\":{\"total\":{\"%s\":1},\"systems\":{\"x86_64-linux\":{\"%s\":1}}},\"attributes\":[{"
	    "\"path\":[\"a\"],\"job\":\"j\",\"system\":\"x86_64-linux\",\"class\":\"%s\",\"name\":\"a\",\"base\":null,\"head\":{"
	    "\"drv\":\"" DRV "\"}}],\"roots\":[],\"targets\":[%s]}",
	    class, class, class, rebuild ? "{\"drv\":\"" DRV "\"}" : "");

	assert_int_equal(json_read(str_of(text), "difference", &difference, &e), 0);
	json_decref(difference);
	assert_int_equal(files_write(path, str_of(text), 0600, FILES_NO_SYNC, &e), 0);
	assert_int_equal(
	    json_read(str_of(arena_printf(a,
	                  "{\"run\":{},\"phase\":\"done\",\"plan\":{\"decision\":\"evaluate\",\"jobs\":[{\"name\":\"j\"}]},"
	                  "\"evaluations\":[{\"side\":\"head\",\"complete\":true,\"rows\":9}],\"difference\":\"%s\","
	                  "\"builds\":%s,\"formats\":[\"checks\",\"labels\",\"changed-paths\"]}",
	                  path, build)),
	        "job", &job, &e),
	    0);
	if (json_read(str_of(more), "more", &extra, &e) != 0)
		fail_msg("%s", e.msg);
	json_object_update(job, extra);
	json_decref(extra);
	return job;
}

#define BUILD(text) "{\"" DRV "\":{" text "}}"

/* Something changed that evaluations do not show. */
#define UNTOLD(kind) \
	"{\"plan\":{\"jobs\":[{\"name\":\"j\"}],\"untold\":{\"" kind "\":{\"paths\":[\"p\"],\"count\":1,\"jobs\":[\"j\"]}}}}"
#define EDIT(valid, error) \
	"{\"plan\":{\"jobs\":[{\"name\":\"j\"}],\"config_edit\":{\"valid\":" valid ",\"error\":" error ",\"changes\":[\"x\"]}}}"
#define MISTAKE          EDIT("false", "\".ekaci/config.json:7:3: unknown key\"")
#define SIDES(list)      "{\"evaluations\":[" list "]}"
#define GOOD(side, rows) "{\"side\":\"" side "\",\"job\":\"j\",\"complete\":true,\"rows\":" rows "}"
#define SAID(side)       "{\"side\":\"" side "\",\"job\":\"j\",\"complete\":true,\"rows\":0,\"nothing\":\"it is a library\"}"
#define BROKEN(side)     "{\"side\":\"" side "\",\"job\":\"j\",\"complete\":false,\"reason\":\"syntax error\",\"rows\":0}"
#define UNKNOWN(side) \
	"{\"side\":\"" side "\",\"job\":\"j\",\"complete\":false,\"unknown\":true,\"reason\":\"not fetched\",\"rows\":0}"

/* One whose attributes could not all be told. */
#define PARTIAL(side)                                                                                                  \
	"{\"side\":\"" side "\",\"job\":\"j\",\"complete\":true,\"rows\":9,\"untold\":{\"count\":3,\"names\":[\"x\"]," \
	"\"words\":\"error: not had\",\"advice\":\"have it\"}}"

/* One whose attributes all fail; and one of which nothing could be told. */
#define FAILING(side) "{\"side\":\"" side "\",\"job\":\"j\",\"complete\":true,\"rows\":2,\"errors\":2}"
#define NONE_TOLD(side)                                                                                           \
	"{\"side\":\"" side "\",\"job\":\"j\",\"complete\":true,\"rows\":3,\"errors\":3,\"untold\":{\"count\":3," \
	"\"names\":[\"x\"],\"words\":\"error: not had at /build/source/b.nix:1:2\",\"advice\":\"have it\"}}"

static const struct {
	const char *class, *build, *more;
	const char *evaluation, *rebuilds; /* conclusions; "" for none yet */
	int exit;
} cases[] = {
    {"rebuild", BUILD("\"state\":\"built\""), "{}", "success", "success", 0},
    {"rebuild", BUILD("\"state\":\"cached\""), "{}", "success", "success", 0},
    {"rebuild", BUILD("\"state\":\"failed\",\"blame\":\"newly_failing\""), "{}", "success", "failure", 1},
    {"rebuild", BUILD("\"state\":\"timed_out\",\"blame\":\"newly_failing\""), "{}", "success", "failure", 1},
    {"rebuild", BUILD("\"state\":\"dependency_failed\",\"blame\":\"newly_failing\""), "{}", "success", "failure", 1},
    {"rebuild", BUILD("\"state\":\"failed\",\"blame\":\"still_failing\""), "{}", "success", "success", 0},
    {"rebuild", BUILD("\"state\":\"failed\",\"blame\":\"unknown\""), "{}", "success", "action_required", 2},
    {"rebuild", BUILD("\"state\":\"failed\""), "{}", "success", "action_required", 2},
    {"rebuild", BUILD("\"state\":\"infrastructure\""), "{}", "success", "action_required", 2},
    {"rebuild", BUILD("\"state\":\"cancelled\""), "{}", "success", "cancelled", 2},
    {"rebuild", BUILD("\"state\":\"unsupported\""), "{}", "success", "neutral", 0},
    {"rebuild", "null", "{}", "success", "neutral", 0},
    {"rebuild", "null", "{\"phase\":\"reported\"}", "success", "", 0},
    {"rebuild", BUILD("\"state\":\"building\""), "{\"phase\":\"building\"}", "success", "", 0},
    {"rebuild", BUILD("\"state\":\"queued\""), "{\"phase\":\"building\"}", "success", "", 0},
    {"rebuild", BUILD("\"state\":\"waiting\""), "{\"phase\":\"building\"}", "success", "", 0},
    {"rebuild", "null", "{\"phase\":\"reported\",\"wide\":true}", "success", "action_required", 0},
    {"rebuild", "null", "{\"phase\":\"reported\",\"waiting\":true}", "success", "action_required", 0},
    {"rebuild", "null", "{\"failure\":{\"stage\":\"build\",\"kind\":\"system\",\"message\":\"x\"}}", "success",
        "action_required", 2},
    {"removed", "null", "{}", "success", "success", 0},
    {"derivation_only", "null", "{}", "success", "success", 0},
    {"newly_failing", "null", "{}", "failure", "success", 1},
    {"newly_failing", "null", "{\"plan\":{\"jobs\":[{\"name\":\"j\",\"allow_eval_failures\":true}]}}", "neutral", "success", 1},
    {"still_failing", "null", "{}", "success", "success", 0},
    {"fixed", "null", "{}", "success", "success", 0},
    {"added_failing", "null", "{}", "failure", "success", 1},
    {"added_failing", "null", "{\"plan\":{\"jobs\":[{\"name\":\"j\",\"allow_eval_failures\":true}]}}", "neutral", "success", 1},
    {"removed_failing", "null", "{}", "success", "success", 0},
    {"switched", "null", "{}", "success", "success", 0},
    /* Only a head that does not evaluate where its base does is this change's doing. */
    {"rebuild", "null", SIDES(BROKEN("base")), "neutral", "neutral", 2},
    {"rebuild", "null", SIDES(GOOD("base", "9") "," BROKEN("head")), "failure", "cancelled", 1},
    {"rebuild", "null", SIDES(BROKEN("base") "," GOOD("head", "9")), "neutral", "neutral", 2},
    {"rebuild", "null", SIDES(BROKEN("base") "," BROKEN("head")), "neutral", "neutral", 2},
    {"rebuild", "null", SIDES(GOOD("base", "9") "," UNKNOWN("head")), "neutral", "neutral", 2},
    {"rebuild", "null", SIDES(UNKNOWN("base") "," GOOD("head", "9")), "neutral", "neutral", 2},
    {"rebuild", "null", SIDES(UNKNOWN("base") "," UNKNOWN("head")), "neutral", "neutral", 2},
    /* What could not be told is never green, and takes no blame from what is known. */
    {"untold", "null", "{}", "neutral", "neutral", 2},
    {"unchanged", "null", SIDES(PARTIAL("base") "," PARTIAL("head")), "neutral", "neutral", 2},
    {"rebuild", BUILD("\"state\":\"built\""), SIDES(GOOD("base", "9") "," PARTIAL("head")), "neutral", "neutral", 2},
    {"rebuild", BUILD("\"state\":\"failed\",\"blame\":\"newly_failing\""), SIDES(PARTIAL("base") "," GOOD("head", "9")),
        "neutral", "failure", 1},
    {"newly_failing", "null", SIDES(PARTIAL("base") "," PARTIAL("head")), "failure", "neutral", 1},
    {"rebuild", "null", SIDES(PARTIAL("base") "," UNKNOWN("head")), "neutral", "neutral", 2},
    /* Nothing on both sides is not known, but where the evaluations say that it is as it should be. */
    {"unchanged", "null", SIDES(GOOD("base", "0") "," GOOD("head", "0")), "neutral", "neutral", 2},
    {"unchanged", "null", SIDES(SAID("base") "," SAID("head")), "neutral", "neutral", 0},
    {"unchanged", "null", SIDES(GOOD("base", "0") "," SAID("head")), "neutral", "neutral", 2},
    {"still_failing", "null", SIDES(FAILING("base") "," FAILING("head")), "neutral", "neutral", 2},
    {"untold", "null", SIDES(NONE_TOLD("base") "," NONE_TOLD("head")), "neutral", "neutral", 2},
    {"added", "null", SIDES(GOOD("base", "0") "," GOOD("head", "1")), "success", "success", 0},
    {"unchanged", "null",
        SIDES(GOOD("base", "0") "," GOOD("head", "0") ",{\"side\":\"base\",\"job\":\"k\",\"complete\":true,\"rows\":3},"
                                                      "{\"side\":\"head\",\"job\":\"k\",\"complete\":true,\"rows\":3}"),
        "success", "success", 0},
    {"rebuild", "null", "{\"difference\":null,\"failure\":{\"stage\":\"plan\",\"kind\":\"input\",\"message\":\"x\"}}",
        "failure", "cancelled", 2},
    {"rebuild", "null", "{\"difference\":null,\"failure\":{\"stage\":\"plan\",\"kind\":\"absent\",\"message\":\"x\"}}",
        "failure", "cancelled", 2},
    {"rebuild", "null", "{\"difference\":null,\"failure\":{\"stage\":\"mirror\",\"kind\":\"absent\",\"message\":\"x\"}}",
        "action_required", "cancelled", 2},
    {"rebuild", "null", "{\"difference\":null,\"failure\":{\"stage\":\"evaluate\",\"kind\":\"limit\",\"message\":\"x\"}}",
        "failure", "cancelled", 2},
    {"rebuild", "null", "{\"difference\":null,\"failure\":{\"stage\":\"mirror\",\"kind\":\"busy\",\"message\":\"x\"}}",
        "action_required", "cancelled", 2},
    {"rebuild", "null", "{\"difference\":null,\"plan\":{\"decision\":\"skip\"},\"evaluations\":[]}", "success", "success", 0},
    {"rebuild", "null",
        "{\"difference\":null,\"plan\":{\"decision\":\"skip\",\"unwanted\":\"[skip ci] in the title\"},\"evaluations\":[]}",
        "neutral", "neutral", 2},
    {"rebuild", "null", "{\"difference\":null,\"phase\":\"evaluating\",\"evaluations\":[]}", "", "", 2},
    {"derivation_only", "null", UNTOLD("submodules"), "neutral", "neutral", 2},
    {"derivation_only", "null", UNTOLD("unnamed"), "neutral", "neutral", 2},
    {"rebuild", BUILD("\"state\":\"built\""), UNTOLD("submodules"), "neutral", "neutral", 2},
    {"rebuild", BUILD("\"state\":\"failed\",\"blame\":\"newly_failing\""), UNTOLD("submodules"), "neutral", "failure", 1},
    {"newly_failing", "null", UNTOLD("submodules"), "failure", "neutral", 1},
    {"rebuild", BUILD("\"state\":\"built\""), UNTOLD("lfs"), "success", "neutral", 2},
    {"rebuild", "null", UNTOLD("lfs"), "success", "neutral", 0},
    {"derivation_only", "null", UNTOLD("lfs"), "success", "success", 0}, /* had it been used, its text would tell */
    /* A mistake put into the configuration stops every later evaluation, whatever this one says. */
    {"unchanged", "null", MISTAKE, "failure", "success", 1},
    {"rebuild", BUILD("\"state\":\"failed\""), MISTAKE, "failure", "action_required", 1},
    {"unchanged", "null", EDIT("true", "null"), "success", "success", 0},
    {"rebuild", "null", "{\"phase\":\"superseded\"}", "cancelled", "cancelled", 2},
    {"rebuild", "null", "{\"phase\":\"cancelled\"}", "cancelled", "cancelled", 2},
};

static void
test_conclusions(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct arena a = {0};
		struct err e = {0};
		AUTO(json_drop) json_t *job = job_for(&a, cases[i].class, cases[i].build, cases[i].more);
		AUTO(json_drop) json_t *records = run_report(job, &e);
		if (records == NULL)
			fail_msg("case %zu: %s", i, e.msg);
		const json_t *evaluation = find_record(records, "check_run", "ekaci / evaluation");
		const json_t *rebuilds = find_record(records, "check_run", "ekaci / rebuilds");
		const char *got = json_str(evaluation, "conclusion", ""), *got2 = json_str(rebuilds, "conclusion", "");
		if (strcmp(got, cases[i].evaluation) != 0 || strcmp(got2, cases[i].rebuilds) != 0)
			fail_msg("case %zu (%s %s %s): %s and %s", i, cases[i].class, cases[i].build, cases[i].more, got, got2);
		int exit_code = (int)json_int(find_record(records, "verdict", NULL), "exit", -1);
		if (exit_code != cases[i].exit)
			fail_msg("case %zu: exit %d", i, exit_code);
		/* GitHub's own rules: a conclusion exactly when completed, buttons only then, limits on them. */
		for (size_t k = 0; k < json_array_size(records); k++) {
			const json_t *r = json_array_get(records, k), *actions = json_object_get(r, "actions");
			if (strcmp(json_str(r, "type", ""), "check_run") != 0)
				continue;
			bool completed = strcmp(json_str(r, "status", ""), "completed") == 0;
			assert_int_equal(completed, json_object_get(r, "conclusion") != NULL);
			assert_true(completed || json_array_size(actions) == 0);
			assert_true(json_array_size(actions) <= 3 && *json_str(r, "title", "") != '\0' &&
			            *json_str(r, "summary", "") != '\0');
			for (size_t n = 0; n < json_array_size(actions); n++) {
				const json_t *action = json_array_get(actions, n);
				assert_uint_in_range(strlen(json_str(action, "label", "")), 1, 20);
				assert_uint_in_range(strlen(json_str(action, "description", "")), 1, 40);
				assert_uint_in_range(strlen(json_str(action, "identifier", "")), 1, 20);
			}
		}
		/* Without a comparison labels stay as they were, and no counts are written anywhere. */
		bool compared = find_record(records, "labels", NULL) != NULL;
		bool partial = compared && strstr(json_str(find_record(records, "verdict", NULL), "title", ""),
		                               "could not be told") != NULL;
		assert_int_equal(compared && !partial, find_record(records, "document", "changed-paths") != NULL);
		if (compared != (*cases[i].evaluation != '\0' && strcmp(cases[i].rebuilds, "cancelled") != 0 &&
		                    json_str(job, "difference", NULL) != NULL))
			assert_string_equal(json_str_at(job, "phase", ""),
			    "done"); /* a build that was cancelled after comparing */
		arena_release(&a);
	}
}

/* Of a change too wide to build, only some targets were asked for: the others are not known to build. */
static void
test_what_was_not_asked_for_is_not_green(void **state)
{
	struct arena a = {0};
	struct err e = {0};
	struct str text;
	AUTO(json_drop) json_t *job = job_for(&a, "rebuild", BUILD("\"state\":\"built\""), "{}");
	const char *path = json_str(job, "difference", "");

	(void)state;
	assert_int_equal(files_read(&a, path, 1 << 20, &text, &e), 0);
	ptrdiff_t at = str_find(text, STR("\"targets\":["));
	assert_true(at >= 0);
	const char *more = arena_printf(&a, "%.*s\"targets\":[{\"drv\":\"%s\"},%s", (int)at, text.p,
	    "/nix/store/00000000000000000000000000000002-b.drv", text.p + at + strlen("\"targets\":["));
	assert_int_equal(files_write(path, str_of(more), 0600, FILES_NO_SYNC, &e), 0);
	AUTO(json_drop) json_t *records = run_report(job, &e);
	assert_non_null(records);
	const json_t *rebuilds = find_record(records, "check_run", "ekaci / rebuilds");
	assert_string_equal(json_str(rebuilds, "conclusion", ""), "action_required");
	assert_non_null(strstr(json_str(rebuilds, "title", ""), "1 not asked for"));
	arena_release(&a);
}

/* A job that came to nothing is said beside the others; but not where a rule narrowed it to attributes it need not have. */
static void
test_an_empty_job_among_others_is_said(void **state)
{
	static const struct {
		const char *scope;
		const char *title;
	} t[] = {{"null", "4 attributes evaluated - nothing to evaluate in 1 job"},
	    {"[[\"games\"]]", "4 attributes evaluated"}};

	(void)state;
	for (size_t i = 0; i < COUNT(t); i++) {
		struct arena a = {0};
		struct err e = {0};
		AUTO(json_drop)
		json_t *job = job_for(&a, "unchanged", "null",
		    arena_printf(&a,
		        "{\"plan\":{\"jobs\":[{\"name\":\"j\",\"file\":\"/a.nix\",\"scope\":%s},{\"name\":\"k\",\"file\":\"/b.nix\"}]},\"evaluations\":[" GOOD(
		            "base", "0") "," GOOD("head",
		            "0") ",{\"side\":\"base\",\"job\":\"k\",\"complete\":true,\"rows\":4},"
		                 "{\"side\":\"head\",\"job\":\"k\",\"complete\":true,\"rows\":4}]}",
		        t[i].scope));
		AUTO(json_drop) json_t *records = run_report(job, &e);
		assert_non_null(records);
		const json_t *check = find_record(records, "check_run", "ekaci / evaluation");
		assert_string_equal(json_str(check, "title", ""), t[i].title);
		assert_int_equal(strstr(json_str(check, "summary", ""), "nothing to evaluate below `a.nix`") != NULL, i == 0);
		arena_release(&a);
	}
}

/* Where nothing evaluates, what the evaluator says of it; where nothing could be told, why, and what to set. Neither is called
 * nothing to evaluate, and what to write into a set that is not entered is no answer to either. */
static void
test_nothing_that_evaluates_is_said_with_the_evaluators_words(void **state)
{
	static const struct {
		const char *class, *sides, *title, *words;
	} t[] = {
	    {"still_failing", SIDES(FAILING("base") "," FAILING("head")),
	        "could not be told: nothing of what was named evaluates, before and after", "error: what fails at a.nix:3:5"},
	    {"still_failing", SIDES(FAILING("base") "," GOOD("head", "0")),
	        "could not be told: nothing of what was named evaluates, before and after", "there is none any more"},
	    {"untold", SIDES(NONE_TOLD("base") "," NONE_TOLD("head")), "3 attributes evaluated, 1 could not be told",
	        "error: not had at b.nix:1:2"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(t); i++) {
		struct arena a = {0};
		struct err e = {0};
		AUTO(json_drop) json_t *job = job_for(&a, t[i].class, "null", t[i].sides);
		const char *text = arena_printf(&a,
		    "{\"ekaci_difference\":1,\"counts\":{\"total\":{\"%s\":1},\"systems\":{}},\"attributes\":[{\"path\":[\"a\"],"
		    "\"job\":\"j\",\"class\":\"%s\",\"name\":\"a\",\"base\":{\"error\":\"error: what fails\"},"
		    "\"head\":{\"error\":\"error: what fails at /build/source/a.nix:3:5\"}}],\"roots\":[],\"targets\":[]}",
		    t[i].class, t[i].class);
		assert_int_equal(files_write(json_str(job, "difference", ""), str_of(text), 0600, FILES_NO_SYNC, &e), 0);
		json_object_set_new(job, "checkout_dir", json_string("/build/source"));
		AUTO(json_drop) json_t *records = run_report(job, &e);
		assert_non_null(records);
		const json_t *check = find_record(records, "check_run", "ekaci / evaluation");
		const char *summary = json_str(check, "summary", "");
		assert_string_equal(json_str(check, "title", ""), t[i].title);
		assert_non_null(strstr(summary, t[i].words));
		assert_null(strstr(summary, "recurseForDerivations"));
		assert_null(strstr(summary, "nothing to evaluate"));
		arena_release(&a);
	}
}

/* What the stage says of a difference, in each format for people. */
static json_t *
said_of(struct arena *a, const char *counts, const char *attributes, const char *roots)
{
	const char *path = arena_printf(a, "%s/said.json", dir);
	struct err e = {0};

	assert_int_equal(files_write(path,
	                     str_of(arena_printf(a,
	                         "{\"ekaci_difference\":1,\"counts\":%s,\"attributes\":[%s],\"roots\":[%s],"
	                         "\"targets\":[]}",
	                         counts, attributes, roots)),
	                     0600, FILES_NO_SYNC, &e),
	    0);
	AUTO(json_drop)
	json_t *job = job_for(a, "unchanged", "null",
	    arena_printf(a,
	        "{\"difference\":\"%s\","
	        "\"formats\":[\"text\",\"markdown\",\"html\",\"checks\"]}",
	        path));
	json_t *records = run_report(job, &e);
	if (records == NULL)
		fail_msg("%s", e.msg);
	return records;
}

static const char *
body_of(const json_t *records, const char *format)
{
	return json_str(find_record(records, "document", format), "body", "");
}

/* Several submodules that a job does not take are not called one, though they are one sentence. */
static void
test_submodules_are_counted(void **state)
{
	static const struct {
		const char *kind, *paths;
		int count;
		const char *said;
	} t[] = {{"submodules", "[\"one\"]", 1, "**, a submodule, which job"},
	    {"submodules", "[\"one\",\"two\"]", 2, "**, submodules, which job"},
	    {"unnamed", "[\"one\"]", 1, "does not say where this submodule is."},
	    {"unnamed", "[\"one\",\"two\"]", 2, "does not say where these submodules are."}};

	(void)state;
	for (size_t i = 0; i < COUNT(t); i++) {
		struct arena a = {0};
		struct err e = {0};
		AUTO(json_drop)
		json_t *job = job_for(&a, "derivation_only", "null",
		    arena_printf(&a,
		        "{\"plan\":{\"jobs\":[{\"name\":\"j\"}],\"untold\":{\"%s\":{\"paths\":%s,\"count\":%d,\"jobs\":[\"j\"]}}},"
		        "\"formats\":[\"markdown\"]}",
		        t[i].kind, t[i].paths, t[i].count));
		AUTO(json_drop) json_t *records = run_report(job, &e);
		if (records == NULL)
			fail_msg("%s", e.msg);
		if (strstr(body_of(records, "markdown"), t[i].said) == NULL)
			fail_msg("not \"%s\" in: %s", t[i].said, body_of(records, "markdown"));
		arena_release(&a);
	}
}

/* A system whose attributes all fail, as they did, is none on which nothing changes: that is not known. */
static void
test_systems_that_fail_are_not_called_unchanged(void **state)
{
#define FAILS(system) \
	"{\"path\":[\"packages\",\"" system "\",\"x\"],\"job\":\"j\",\"class\":\"still_failing\",\"head\":{\"error\":\"e\"}}"
	struct arena a = {0};
	AUTO(json_drop)
	json_t *records = said_of(&a,
	    "{\"total\":{\"removed\":1,\"unchanged\":3,\"still_failing\":2},\"other\":{\"still_failing\":2},"
	    "\"systems\":{\"aarch64-linux\":{\"unchanged\":1},\"i686-linux\":{},\"riscv64-linux\":{\"unchanged\":2},\"x86_64-linux\":{\"removed\":1}}}",
	    "{\"path\":[\"packages\",\"x86_64-linux\",\"x\"],\"job\":\"j\",\"class\":\"removed\",\"system\":\"x86_64-linux\",\"base\":{}}," FAILS(
	        "i686-linux") "," FAILS("aarch64-linux"),
	    "");
	static const char *const formats[] = {"text", "markdown", "html"};

	(void)state;
	for (size_t i = 0; i < COUNT(formats); i++) {
		const char *body = body_of(records, formats[i]), *tick = i == 1 ? "`" : "";
		assert_non_null(
		    strstr(body, arena_printf(&a, "Nothing changes on %saarch64-linux%s (1 evaluation still", tick, tick)));
		assert_non_null(strstr(body,
		    arena_printf(&a, "Nothing evaluates on %si686-linux%s (1 evaluation still failing).", tick, tick)));
	}
	assert_string_equal(json_str(find_record(records, "verdict", NULL), "title", ""),
	    "1 removed - 2 evaluations still failing");
	arena_release(&a);
}

/* What is new is built, and nothing of that is a rebuild; and a root that nothing follows spreads nowhere. */
static void
test_sentences_do_not_contradict_themselves(void **state)
{
	struct arena a = {0};
	AUTO(json_drop)
	json_t *new = said_of(&a,
	    "{\"total\":{\"added\":1,\"rebuild_derivations\":34},\"systems\":{\"x86_64-linux\":{\"added\":1,"
	    "\"rebuild_derivations\":34}}}",
	    "{\"path\":[\"n\"],\"job\":\"j\",\"class\":\"added\",\"system\":\"x86_64-linux\",\"head\":{}}",
	    "{\"drv\":\"" DRV
	    "\",\"name\":\"n\",\"system\":\"x86_64-linux\",\"attributes\":[[\"n\"]],\"what\":[\"new\"],\"radius\":{\"attributes\":0,\"derivations\":0}}");
	struct err e = {0};
	AUTO(json_drop)
	json_t *job = job_for(&a, "unchanged", "null",
	    "{\"difference\":null,\"plan\":{\"decision\":\"skip\",\"changed_paths\":1},"
	    "\"evaluations\":[],\"run\":{\"repo\":\".\",\"head\":\"1\",\"base\":\"2\"},\"formats\":[\"text\",\"markdown\",\"html\"]}");
	AUTO(json_drop) json_t *skipped = run_report(job, &e);
	static const char *const formats[] = {"text", "markdown", "html"};

	(void)state;
	assert_non_null(strstr(body_of(new, "text"), "\n34 derivations to build on x86_64-linux, 1 added.\n"));
	assert_non_null(strstr(body_of(new, "text"), "  n: new\n"));
	assert_null(strstr(body_of(new, "markdown"), "**No rebuilds**"));
	for (size_t i = 0; i < COUNT(formats); i++)
		assert_non_null(
		    strstr(body_of(skipped, formats[i]), "Nothing was evaluated: the changed path falls under a rule"));
	assert_non_null(strstr(body_of(skipped, "html"), "<p class=\"crumbs\"><code>1</code> compared with"));
	arena_release(&a);
}

/* The version may be in the derivation alone, neither in its name nor in meta. */
static void
test_a_version_that_only_the_derivation_has(void **state)
{
	struct arena a = {0};
	AUTO(json_drop)
	json_t *records = said_of(&a, "{\"total\":{\"rebuild\":1},\"systems\":{\"x86_64-linux\":{\"rebuild\":1}}}",
	    "{\"path\":[],\"job\":\"j\",\"class\":\"rebuild\",\"system\":\"x86_64-linux\",\"version\":null,\"head\":{\"drv\":\"" DRV
	    "\"},"
	    "\"cause\":{\"kind\":\"root\",\"roots\":[0],\"roots_total\":1}}",
	    "{\"drv\":\"" DRV
	    "\",\"name\":\"a\",\"system\":\"x86_64-linux\",\"attributes\":[[]],\"what\":[\"env FOO\",\"version 1 -> 2\"],\"radius\":{}}");

	(void)state;
	assert_non_null(strstr(body_of(records, "text"), "Other versions: 1\n  (root) 1 -> 2\n"));
	assert_null(strstr(body_of(records, "text"), "same version"));
	assert_null(strstr(body_of(records, "markdown"), "same version"));
	arena_release(&a);
}

/* Words that several attributes share are shown once, with their names; annotations are a place's, and JSON has all. */
static void
test_the_same_error_is_shown_once(void **state)
{
	enum { ALIKE = 12 };
	struct arena a = {0};
	struct err e = {0};
	AUTO(buf_release) struct buf rows;
	const char *path = arena_printf(&a, "%s/alike.json", dir);

	(void)state;
	buf_init(&rows, 1 << 16);
	buf_puts(&rows,
	    "{\"ekaci_difference\":1,\"counts\":{\"total\":{\"newly_failing\":13},\"systems\":{}},\"roots\":[],\"targets\":[],"
	    "\"attributes\":[{\"path\":[\"other\"],\"job\":\"j\",\"class\":\"newly_failing\",\"head\":{\"error\":\"error: alone\"}}");
	for (int i = 0; i < ALIKE; i++)
		buf_printf(&rows,
		    ",{\"path\":[\"p%02d\"],\"job\":\"j\",\"class\":\"newly_failing\",\"head\":{\"error\":\"error: the same\\n"
		    "  at /co/a.nix:3:1:\"}}",
		    i);
	buf_puts(&rows, "]}");
	assert_int_equal(files_write(path, buf_get(&rows), 0600, FILES_NO_SYNC, &e), 0);
	AUTO(json_drop)
	json_t *job = job_for(&a, "unchanged", "null",
	    arena_printf(&a,
	        "{\"difference\":\"%s\",\"checkout_dir\":\"/co\","
	        "\"formats\":[\"text\",\"markdown\",\"comment\",\"html\",\"checks\",\"json\"]}",
	        path));
	AUTO(json_drop) json_t *records = run_report(job, &e);
	assert_non_null(records);
	const json_t *check = find_record(records, "check_run", "ekaci / evaluation");
	const char *texts[] = {json_str(find_record(records, "document", "text"), "body", ""),
	    json_str(find_record(records, "comment", NULL), "body", ""), json_str(check, "summary", ""),
	    json_str(find_record(records, "document", "markdown"), "body", ""),
	    json_str(find_record(records, "document", "html"), "body", "")};
	for (size_t i = 0; i < COUNT(texts); i++) {
		const char *same = strstr(texts[i], "error: the same");
		bool whole = i >= 3; /* names all, the page in its table */
		assert_non_null(strstr(texts[i], i == 4 ? "12 attributes</strong>: " : "12 attributes: "));
		assert_non_null(strstr(texts[i], "error: alone"));
		assert_non_null(same);
		assert_null(strstr(same + 1, "error: the same"));
		assert_non_null(strstr(same, " at a.nix:3:1"));
		assert_int_equal(strstr(texts[i], "p11") != NULL, whole);
		assert_int_equal(strstr(texts[i], "and 2 more") != NULL, !whole || i == 4);
	}
	assert_int_equal(json_array_size(json_object_get(check, "annotations")), 1);
	const char *document = json_str(find_record(records, "document", "json"), "body", "");
	size_t n = 0;
	for (const char *at = document; (at = strstr(at, "at /co/a.nix:3")) != NULL; at++)
		n++;
	assert_int_equal(n, ALIKE);
	arena_release(&a);
}

/* What does not evaluate any more is named; what a limit ended is not said to be wrong. */
static void
test_a_head_that_does_not_evaluate_is_named(void **state)
{
	static const struct {
		const char *job, *rows, *reason;
		const char *title, *text; /* of text: what it says of the words */
	} t[] = {
	    {"\"file\":\"/default.nix\"", "0",
	        "error: syntax error\\nekaci eval-jobs: the root does not evaluate, so there is nothing to "
	        "walk\\nexit code 1",
	        "this change's default.nix does not evaluate any more", "error: syntax error"},
	    {"\"file\":\"/ci.nix\",\"attr_path\":[\"jobs\"]", "0", "error: x",
	        "jobs of this change's ci.nix does not evaluate any more", "error: x"},
	    {"\"flake\":\".\"", "0", "the root does not evaluate: x", "this change's flake does not evaluate any more", "x"},
	    {"\"file\":\"/a*b.nix\"", "0", "error: x", "this change does not evaluate any more", "error: x"},
	    {"\"file\":\"/a.nix\"", "7", "error: x\\nexit code 1", "evaluation incomplete", "error: x"},
	    {"\"file\":\"/a.nix\"", "0", "not done after 3600 s (0 attributes so far)", "evaluation incomplete",
	        "not done after"},
	    {"\"file\":\"/a.nix\"", "0", "exit code 3", "evaluation incomplete", "exit code 3"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(t); i++) {
		struct arena a = {0};
		struct err e = {0};
		AUTO(json_drop)
		json_t *job = job_for(&a, "unchanged", "null",
		    arena_printf(&a,
		        "{\"plan\":{\"jobs\":[{\"name\":\"j\",%s}]},\"formats\":[\"text\",\"markdown\",\"html\",\"checks\"],"
		        "\"evaluations\":[" GOOD("base",
		            "4") ",{\"side\":\"head\","
		                 "\"job\":\"j\",\"complete\":false,\"rows\":%s,\"reason\":\"%s\"}]}",
		        t[i].job, t[i].rows, t[i].reason));
		AUTO(json_drop) json_t *records = run_report(job, &e);
		assert_non_null(records);
		assert_string_equal(json_str(find_record(records, "verdict", NULL), "title", ""), t[i].title);
		assert_int_equal(json_int(find_record(records, "verdict", NULL), "exit", -1), 1);
		assert_string_equal(json_str(find_record(records, "check_run", "ekaci / evaluation"), "title", ""), t[i].title);
		const char *formats[] = {"text", "markdown", "html"};
		for (size_t k = 0; k < COUNT(formats); k++) {
			const char *body = json_str(find_record(records, "document", formats[k]), "body", "");
			assert_non_null(strstr(body, t[i].text));
			assert_null(strstr(body, "nothing to walk"));
			assert_int_equal(strstr(body, "exit code") != NULL, strncmp(t[i].reason, "exit", 4) == 0);
		}
		arena_release(&a);
	}
}

/* Its words stand in every form, once for both sides; labels of counts stay; nothing says that nothing rebuilds. */
static void
test_what_could_not_be_told_is_said_everywhere(void **state)
{
	static const char *const forms[] = {"text", "markdown", "html"};
	struct arena a = {0};
	struct err e = {0};
	AUTO(json_drop) json_t *job = job_for(&a, "untold", "null", SIDES(PARTIAL("base") "," PARTIAL("head")));
	AUTO(json_drop) json_t *records = NULL;

	(void)state;
	json_object_set_new(job, "formats",
	    json_pack("[s,s,s,s,s,s,s]", "checks", "comment", "text", "markdown", "html", "json", "labels"));
	records = run_report(job, &e);
	assert_non_null(records);
	assert_string_equal(json_str(find_record(records, "verdict", NULL), "title", ""),
	    "no rebuilds known, 1 could not be told");
	assert_string_equal(json_str(find_record(records, "check_run", "ekaci / rebuilds"), "title", ""),
	    "no rebuilds known, 1 could not be told");
	assert_string_equal(json_str(find_record(records, "check_run", "ekaci / evaluation"), "title", ""),
	    "9 attributes evaluated, 1 could not be told");
	const json_t *labels = find_record(records, "labels", NULL);
	assert_int_equal(json_array_size(json_object_get(labels, "known")) + json_array_size(json_object_get(labels, "wanted")),
	    0);
	for (size_t i = 0; i <= COUNT(forms); i++) {
		const json_t *rec =
		    i < COUNT(forms) ? find_record(records, "document", forms[i]) : find_record(records, "comment", NULL);
		const char *text = json_str(rec, "body", ""), *words = strstr(text, "error: not had");
		if (words == NULL || strstr(words + 1, "error: not had") != NULL || strstr(text, "have it") == NULL ||
		    strstr(text, "base and head") == NULL || strstr(text, "1 attribute could not be told") == NULL ||
		    strstr(text, "No attribute differs") != NULL)
			fail_msg("form %zu: %s", i, text);
	}
	arena_release(&a);
}

static void
test_at_most_two_hundred_annotations(void **state)
{
	struct arena a = {0};
	struct err e = {0};
	AUTO(buf_release) struct buf b;
	const char *path = arena_printf(&a, "%s/d.json", dir);

	(void)state;
	buf_init(&b, 1 << 20);
	buf_puts(&b, "{\"ekaci_difference\":1,\"counts\":{\"total\":{\"newly_failing\":230}},\"attributes\":[");
	for (int i = 0; i < 230; i++)
		buf_printf(&b, "%s{\"path\":[\"a%d\"],\"class\":\"newly_failing\",\"head\":{\"error\":\"at /co/a.nix:%d:1\"}}",
		    i > 0 ? "," : "", i, i / 2 + i + 1);
	buf_puts(&b, "]}");
	assert_int_equal(files_write(path, buf_get(&b), 0600, FILES_NO_SYNC, &e), 0);
	AUTO(json_drop)
	json_t *job = json_pack("{s:{},s:s,s:s,s:s,s:[s]}", "run", "phase", "done", "difference", path, "checkout_dir", "/co",
	    "formats", "checks");
	AUTO(json_drop) json_t *records = run_report(job, &e);
	assert_non_null(records);
	assert_int_equal(json_array_size(
	                     json_object_get(find_record(records, "check_run", "ekaci / evaluation"), "annotations")),
	    200);
	arena_release(&a);
}

/* The three states in which the store has a build that did not end: none is an end, and none is a build without a result. */
static void
test_what_has_not_ended_is_not_counted_as_ended(void **state)
{
	static const char *const open[] = {"waiting", "queued", "building"};

	(void)state;
	for (size_t i = 0; i < COUNT(open); i++) {
		struct arena a = {0};
		struct err e = {0};
		AUTO(json_drop)
		json_t *job =
		    job_for(&a, "rebuild", arena_printf(&a, BUILD("\"state\":\"%s\""), open[i]), "{\"phase\":\"building\"}");
		AUTO(json_drop) json_t *records = run_report(job, &e);
		if (records == NULL)
			fail_msg("%s: %s", open[i], e.msg);
		const json_t *rebuilds = find_record(records, "check_run", "ekaci / rebuilds");
		assert_string_equal(json_str(rebuilds, "title", ""), "1 rebuild - building, 0 of 1");
		assert_null(strstr(json_str(rebuilds, "summary", ""), "without a result"));
		arena_release(&a);
	}
}

static void
test_bad_jobs_are_refused(void **state)
{
	static const char *const jobs[] = {"{}", "[]", "{\"formats\":[]}", "{\"formats\":[],\"run\":{}}",
	    "{\"formats\":[],\"run\":{},\"phase\":\"else\"}", "{\"formats\":[],\"run\":{},\"phase\":\"done\"}",
	    "{\"formats\":[\"pdf\"],\"run\":{},\"phase\":\"evaluating\"}",
	    "{\"formats\":[1],\"run\":{},\"phase\":\"evaluating\"}",
	    "{\"formats\":[],\"run\":{},\"phase\":\"evaluating\",\"builds\":{\"d\":{\"state\":\"else\"}}}",
	    "{\"formats\":[],\"run\":{},\"phase\":\"evaluating\",\"builds\":[]}",
	    "{\"formats\":[],\"run\":{},\"phase\":\"evaluating\",\"evaluations\":[{\"side\":\"else\"}]}"};
	static const char *const differences[] = {"", "{}", "[]", "{\"ekaci_difference\":2}", "{\"ekaci_difference\":1}",
	    "{\"ekaci_difference\":1,\"attributes\":[{}],\"counts\":{\"total\":{}}}",
	    "{\"ekaci_difference\":1,\"attributes\":[{\"path\":[],\"class\":\"else\"}],\"counts\":{\"total\":{}}}"};
	struct arena a = {0};
	struct err e = {0};
	const char *path = arena_printf(&a, "%s/d.json", dir);

	(void)state;
	for (size_t i = 0; i < COUNT(jobs); i++) {
		AUTO(json_drop) json_t *job = NULL;
		assert_int_equal(json_read(str_of(jobs[i]), "job", &job, &e), 0);
		assert_null(run_report(job, &e));
		assert_int_equal(e.kind, ERR_INPUT);
	}
	for (size_t i = 0; i < COUNT(differences); i++) {
		assert_int_equal(files_write(path, str_of(differences[i]), 0600, FILES_NO_SYNC, &e), 0);
		AUTO(json_drop)
		json_t *job = json_pack("{s:{},s:s,s:s,s:[]}", "run", "phase", "done", "difference", path, "formats");
		assert_null(run_report(job, &e));
		assert_int_equal(e.kind, ERR_INPUT);
	}
	arena_release(&a);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_conclusions),
	    cmocka_unit_test(test_what_was_not_asked_for_is_not_green),
	    cmocka_unit_test(test_an_empty_job_among_others_is_said),
	    cmocka_unit_test(test_nothing_that_evaluates_is_said_with_the_evaluators_words),
	    cmocka_unit_test(test_submodules_are_counted),
	    cmocka_unit_test(test_systems_that_fail_are_not_called_unchanged),
	    cmocka_unit_test(test_a_version_that_only_the_derivation_has),
	    cmocka_unit_test(test_sentences_do_not_contradict_themselves),
	    cmocka_unit_test(test_the_same_error_is_shown_once),
	    cmocka_unit_test(test_a_head_that_does_not_evaluate_is_named),
	    cmocka_unit_test(test_what_could_not_be_told_is_said_everywhere),
	    cmocka_unit_test(test_at_most_two_hundred_annotations),
	    cmocka_unit_test(test_what_has_not_ended_is_not_counted_as_ended),
	    cmocka_unit_test(test_bad_jobs_are_refused),
	};
	return cmocka_run_group_tests_name("report_verdict", tests, make_dir, remove_dir);
}
