/* Limits and hostile facts: whatever the size and the names, the texts fit, say what is left out, and stay text. */
#include "report/ladder.h"
#include "report/words.h"
#include "unit/report_help.h"
#include "support/text/json.h"

#include <regex.h>

#include "temp_dir.h"

enum { MAX_CHECK_TEXT = 65535 };

static json_t *
counts(size_t rebuilds)
{
	return json_pack("{s:i,s:i,s:I,s:I,s:i,s:i,s:i,s:i,s:i,s:I}", "added", 0, "removed", 0, "rebuild", (json_int_t)rebuilds,
	    "rebuild_derivations", (json_int_t)rebuilds, "derivation_only", 0, "unchanged", 7, "newly_failing", 0, "fixed", 0,
	    "still_failing", 0, "changed_drv_paths", (json_int_t)rebuilds * 3);
}

/* n rebuilds whose names need three bytes a character; the first is the root of all. Every other one has a version. */
static void
write_difference(struct arena *a, const char *path, size_t n)
{
	json_t *attributes = json_array(), *targets = json_array(), *roots = json_array();
	struct err e = {0};

	for (size_t i = 0; i < n; i++) {
		const char *name = arena_printf(a,
		    "\xe5\x8c\x85\xe8\xa3\x9d-\xe3\x83\x91\xe3\x83\x83\xe3\x82\xb1\xe3\x83\xbc\xe3\x82\xb8-%06zu", i);
		const char *drv = arena_printf(a, "/nix/store/%032zu-p%zu.drv", i, i);
		json_array_append_new(attributes,
		    json_pack("{s:[s,s],s:s,s:s,s:s,s:s,s:{s:s},s:{s:s,s:{s:s}},s:{s:s,s:[],s:[i],s:[s,s]},s:{s:I,s:I},s:o}",
		        "path", "\xe9\x9b\x86", name, "job", "j", "system", "x86_64-linux", "class", "rebuild", "name", name,
		        "base", "drv", drv, "head", "drv", drv, "meta", "position", "/checkout/a.nix:1", "cause", "kind",
		        i == 0 ? "root" : "follower", "what", "roots", 0, "chain", "root", name, "radius", "attributes",
		        (json_int_t)(i == 0 ? n - 1 : 0), "derivations", (json_int_t)(i == 0 ? n - 1 : 0), "version",
		        i % 2 == 0 ? json_pack("[s,s]", "1.0", "1.1") : json_null()));
		json_array_append_new(targets, json_pack("{s:s}", "drv", drv));
	}
	if (n > 0)
		json_array_append_new(roots, json_pack("{s:s,s:s,s:s,s:[[s]],s:[s],s:{s:I,s:I}}", "drv", "/nix/store/x.drv",
		                                 "name", "root", "system", "x86_64-linux", "attributes", "root", "what", "src",
		                                 "radius", "attributes", (json_int_t)n - 1, "derivations", (json_int_t)n - 1));
	json_t *j = json_pack("{s:i,s:{s:o,s:{s:o}},s:o,s:o,s:o}", "ekaci_difference", 1, "counts", "total", counts(n),
	    "systems", "x86_64-linux", counts(n), "attributes", attributes, "roots", roots, "targets", targets);
	assert_int_equal(files_write(path, str_of(json_line(a, j)), 0644, FILES_NO_SYNC, &e), 0);
	json_decref(j);
}

static json_t *
job_for(const char *difference, int max_listed)
{
	return json_pack("{s:{s:s,s:s,s:i,s:s,s:s},s:s,s:{s:s,s:{s:{s:i,s:b}}},s:[],s:s,s:[s,s,s,s,s]}", "run", "url",
	    "https://ci.example.org/run/1", "repo", "example/packages", "number", 3, "head",
	    "1111111111111111111111111111111111111111", "base", "2222222222222222222222222222222222222222", "phase", "reported",
	    "plan", "decision", "evaluate", "report", "package_change_summary", "max_packages_listed", max_listed,
	    "include_rebuild_only", 1, "evaluations", "difference", difference, "formats", "checks", "comment", "labels",
	    "changed-paths", "json");
}

static size_t
characters(const char *s)
{
	size_t n = 0;

	for (; *s != '\0'; s++)
		n += (*s & 0xc0) != 0x80;
	return n;
}

static void
assert_fits(const json_t *rec, const char *member)
{
	const char *s = json_str(rec, member, NULL);

	assert_non_null(s);
	assert_true(strlen(s) <= LADDER_MAX_BYTES);
	assert_true(characters(s) <= MAX_CHECK_TEXT);
	assert_true(str_utf8_ok(str_of(s)));
}

static const char *
number(struct arena *a, size_t n)
{
	return n < 1000 ? arena_printf(a, "%zu", n) : arena_printf(a, "%zu,%03zu", n / 1000, n % 1000);
}

static void
check_size(size_t n, int max_listed)
{
	struct arena a = {0};
	struct err e = {0};
	const char *path = arena_printf(&a, "%s/d.json", dir);

	write_difference(&a, path, n);
	AUTO(json_drop) json_t *job = job_for(path, max_listed);
	if (n > 5000) /* nothing new at such sizes, and slow to write and read again */
		json_object_set_new(job, "formats", json_pack("[s,s]", "checks", "comment"));
	AUTO(json_drop) json_t *records = run_report(job, &e);
	if (records == NULL)
		fail_msg("%zu: %s", n, e.msg);
	const json_t *check = find_record(records, "check_run", "ekaci / rebuilds"),
	             *comment = find_record(records, "comment", NULL);
	const json_t *evaluation = find_record(records, "check_run", "ekaci / evaluation");
	assert_fits(check, "summary");
	assert_fits(check, "text");
	assert_fits(evaluation, "summary");
	assert_fits(evaluation, "text");
	assert_fits(comment, "body");
	const char *body = json_str(comment, "body", "");
	assert_true(str_starts(str_of(body), STR("<!-- ekaci:report example/packages#3 -->\n")));
	if (n > 0) { /* the whole number stands there, however little is listed */
		assert_non_null(strstr(body, arena_printf(&a, "**%s rebuild", number(&a, n))));
		assert_non_null(strstr(json_str(check, "title", ""), arena_printf(&a, "%s rebuild", number(&a, n))));
	}
	size_t rows = 0;
	for (const char *s = body; (s = strstr(s, "\xe5\x8c\x85\xe8\xa3\x9d-")) != NULL; s++)
		rows++;
	if (n > 1000) {
		assert_non_null(strstr(body, " more: [the whole report](https://ci.example.org/run/1)"));
		assert_true(rows < n);
	} else if (max_listed >= 100 && n <= 50) {
		assert_null(strstr(body, " more: [the whole"));
		assert_true(rows >= n);
	}
	/* The JSON holds everything. */
	AUTO(json_drop) json_t *all = NULL;
	if (n <= 5000) {
		assert_int_equal(json_read(json_text(find_record(records, "document", "json"), "body"), "report", &all, &e), 0);
		assert_int_equal(json_array_size(json_object_get(all, "attributes")), n);
	}
	arena_release(&a);
}

static void
test_texts_fit_at_every_size(void **state)
{
	static const size_t sizes[] = {0, 1, 50, 5000, 20001, 100000};

	(void)state;
	for (size_t i = 0; i < COUNT(sizes); i++) {
		check_size(sizes[i], 100);
		if (sizes[i] <= 5000) /* then every step of the ladder is gone down */
			check_size(sizes[i], 5000);
	}
}

static void
test_labels_follow_nixpkgs_at_the_edges(void **state)
{
	static const struct {
		size_t n;
		const char *wanted;
	} t[] = {
	    {0, "[\"10.rebuild-linux: 0\"]"},
	    {1, "[\"10.rebuild-linux: 1\", \"10.rebuild-linux: 1-10\"]"},
	    {10, "[\"10.rebuild-linux: 1-10\"]"},
	    {11, "[\"10.rebuild-linux: 11-100\"]"},
	    {100, "[\"10.rebuild-linux: 11-100\"]"},
	    {101, "[\"10.rebuild-linux: 101-500\"]"},
	    {500, "[\"10.rebuild-linux: 101-500\"]"},
	    {501, "[\"10.rebuild-linux: 501-1000\", \"10.rebuild-linux: 501+\"]"},
	    {1000, "[\"10.rebuild-linux: 501-1000\", \"10.rebuild-linux: 501+\"]"},
	    {1001, "[\"10.rebuild-linux: 501+\", \"10.rebuild-linux: 1001-2500\"]"},
	    {2500, "[\"10.rebuild-linux: 501+\", \"10.rebuild-linux: 1001-2500\"]"},
	    {2501, "[\"10.rebuild-linux: 501+\", \"10.rebuild-linux: 2501-5000\"]"},
	    {5000, "[\"10.rebuild-linux: 501+\", \"10.rebuild-linux: 2501-5000\"]"},
	    {5001, "[\"10.rebuild-linux: 501+\", \"10.rebuild-linux: 5001+\"]"},
	    {20000, "[\"10.rebuild-linux: 501+\", \"10.rebuild-linux: 5001+\"]"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(t); i++) {
		struct arena a = {0};
		struct err e = {0};
		const char *path = arena_printf(&a, "%s/d.json", dir);
		write_difference(&a, path, t[i].n);
		AUTO(json_drop) json_t *job = job_for(path, 10), *records = NULL;
		json_object_set_new(job, "settings", json_pack("{s:s}", "label_has_prefix", ""));
		records = run_report(job, &e);
		assert_non_null(records);
		char *wanted = json_dumps(json_object_get(find_record(records, "labels", NULL), "wanted"), 0);
		assert_string_equal(wanted, t[i].wanted);
		free(wanted);
		arena_release(&a);
	}
}

/* A kernel's stdenv label is there when the attribute stdenv rebuilds on one of its systems, and taken off when not. */
static void
test_stdenv_labels(void **state)
{
	struct arena a = {0};
	struct err e = {0};
	const char *path = arena_printf(&a, "%s/stdenv.json", dir);
	static const char *const t[][3] = {{"stdenv", "x86_64-linux", "10.rebuild-linux-stdenv"},
	    {"stdenv", "aarch64-darwin", "10.rebuild-darwin-stdenv"}, {"stdenv2", "x86_64-linux", ""}};

	(void)state;
	for (size_t i = 0; i < COUNT(t); i++) {
		AUTO(buf_release) struct buf b = {0};
		buf_init(&b, 1 << 16);
		buf_printf(&b,
		    "{\"ekaci_difference\":1,\"counts\":{\"total\":{\"rebuild\":2},\"systems\":{\"x86_64-linux\":{"
		    "\"rebuild\":1},\"aarch64-darwin\":{\"rebuild\":1}}},\"attributes\":["
		    "{\"path\":[\"%s\"],\"job\":\"packages\",\"system\":\"%s\",\"class\":\"rebuild\",\"name\":\"x\"}"
		    "],\"roots\":[],\"targets\":[]}",
		    t[i][0], t[i][1]);
		assert_int_equal(files_write(path, buf_get(&b), 0600, FILES_NO_SYNC, &e), 0);
		AUTO(json_drop) json_t *job = job_for(path, 10), *records = run_report(job, &e);
		const json_t *labels = find_record(records, "labels", NULL);
		char *wanted = json_dumps(json_object_get(labels, "wanted"), 0),
		     *known = json_dumps(json_object_get(labels, "known"), 0);
		for (size_t k = 0; k < 2; k++)
			assert_int_equal(strstr(wanted, t[k][2]) != NULL, k == i);
		assert_non_null(strstr(known, "10.rebuild-linux-stdenv"));
		assert_non_null(strstr(known, "10.rebuild-darwin-stdenv"));
		free(wanted);
		free(known);
	}
	arena_release(&a);
}

static void
test_text_is_wrapped_at_spaces(void **state)
{
	static const char *const t[][2] = {
	    {"short\n", "short\n"},
	    {"one two three four five\n", "one two three four\n  five\n"},
	    {"    an indent is kept by what follows\n", "    an indent is\n      kept by what\n      follows\n"},
	    {"/nix/store/a-word-that-is-longer then more\n", "/nix/store/a-word-that-is-longer\n  then more\n"},
	    /* Colours have no columns, an umlaut has one, and blanks at the end are nothing. */
	    {"\x1b[1mexactly twenty wide.\x1b[0m\n", "\x1b[1mexactly twenty wide.\x1b[0m\n"},
	    {"\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4 123456789\n",
	        "\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4 123456789\n"},
	    {"    \n\n", "\n\n"},
	    {"one two three four   five\t\r\n", "one two three four\n  five\n"},
	    {"one  two three   \n", "one  two three\n"},
	    /* What an evaluator indented stays as it is: a source line, and the caret below it. */
	    {"         6|   in foo { bar = 1; }  \n", "         6|   in foo { bar = 1; }\n"},
	    {"          |            ^ \n", "          |            ^\n"},
	    {"no line's end", "no line's end\n"},
	    {"", ""},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(t); i++) {
		AUTO(buf_release) struct buf out;
		buf_init(&out, 1 << 16);
		words_wrap(&out, str_of(t[i][0]), 20);
		assert_string_equal(out.n != 0 ? out.p : "", t[i][1]);
	}
}

/* A name is what is left without the platform, wherever that stands; platforms of one kernel count it once, aliases not again. */
static void
test_labels_count_names(void **state)
{
#define AT(path, system, more) \
	"{\"path\":" path ",\"job\":\"j\",\"system\":\"" system "\",\"class\":\"rebuild\",\"name\":\"x\"" more "}"
#define BOTH(x86, arm) AT(x86, "x86_64-linux", "") "," AT(arm, "aarch64-linux", "")
	static const struct {
		const char *rows, *names;
	} t[] = {
	    {BOTH("[\"hello\"]", "[\"hello\"]"), "[\"hello\"]"},
	    {BOTH("[\"hello\",\"x86_64-linux\"]", "[\"hello\",\"aarch64-linux\"]"), "[\"hello\"]"},
	    {BOTH("[\"x86_64-linux\",\"hello\"]", "[\"aarch64-linux\",\"hello\"]"), "[\"hello\"]"},
	    {BOTH("[\"packages\",\"x86_64-linux\",\"hello\"]", "[\"packages\",\"aarch64-linux\",\"hello\"]"),
	        "[\"packages.hello\"]"},
	    {BOTH("[\"hydraJobs\",\"hello\",\"x86_64-linux\"]", "[\"hydraJobs\",\"hello\",\"aarch64-linux\"]"),
	        "[\"hydraJobs.hello\"]"},
	    /* A platform of its own that none of the systems is, and names that only look like one. */
	    {AT("[\"armv7l-linux\",\"image\"]", "x86_64-linux", ""), "[\"image\"]"},
	    {AT("[\"util-linux\"]", "x86_64-linux", "") "," AT("[\"x86_64-tools\"]", "x86_64-linux", ""),
	        "[\"util-linux\", \"x86_64-tools\"]"},
	    {AT("[\"x86_64-linux\"]", "x86_64-linux", ""), "[\"x86_64-linux\"]"},
	    {AT("[\"a\"]", "x86_64-linux", "") "," AT("[\"b\"]", "x86_64-linux", ",\"alias_of\":[\"a\"]"), "[\"a\"]"},
	};
	const char *path;

	(void)state;
	for (size_t i = 0; i < COUNT(t); i++) {
		struct arena a = {0};
		struct err e = {0};
		AUTO(json_drop) json_t *doc = NULL;
		path = arena_printf(&a, "%s/names.json", dir);
		assert_int_equal(
		    files_write(path,
		        str_of(arena_printf(&a,
		            "{\"ekaci_difference\":1,\"counts\":{\"total\":{},\"systems\":{"
		            "\"x86_64-linux\":{},\"aarch64-linux\":{}}},\"attributes\":[%s],\"roots\":[],\"targets\":[]}",
		            t[i].rows)),
		        0600, FILES_NO_SYNC, &e),
		    0);
		AUTO(json_drop) json_t *job = job_for(path, 10), *records = run_report(job, &e);
		assert_non_null(records);
		assert_int_equal(json_read(json_text(find_record(records, "document", "changed-paths"), "body"), "body", &doc,
		                     &e),
		    0);
		char *names = json_dumps(json_at(doc, "rebuildsByKernel.linux"), 0);
		assert_string_equal(names, t[i].names);
		free(names);
		assert_int_equal(json_integer_value(json_at(doc, "rebuildCountByKernel.linux")),
		    json_array_size(json_at(doc, "rebuildsByKernel.linux")));
		arena_release(&a);
	}
}

/* What a change brings, as far as attributes tell it; clean-up is set and never taken off. */
static void
test_labels_of_what_a_change_has(void **state)
{
#define ROW(path, class, more) \
	"{\"path\":[\"" path "\"],\"job\":\"j\",\"system\":\"x86_64-linux\",\"class\":\"" class "\",\"name\":\"x\"" more "}"
#define AT_HEAD ",\"head\":{\"drv\":\"/nix/store/n.drv\"}"
#define AT_BASE ",\"base\":{\"drv\":\"/nix/store/o.drv\"}"
	static const struct {
		const char *rows, *wanted;
	} t[] = {
	    {ROW("a", "rebuild", AT_BASE AT_HEAD), ""},
	    {ROW("a", "rebuild", AT_BASE AT_HEAD ",\"version\":[\"1\",\"2\"]"), "package (update)"},
	    {ROW("a", "rebuild", AT_BASE AT_HEAD ",\"version\":[null,\"2\"]"), ""},
	    {ROW("a", "derivation_only", AT_BASE AT_HEAD ",\"version\":[\"1\",\"2\"]"), ""},
	    {ROW("a", "added", AT_HEAD), "package (new)"},
	    {ROW("a", "fixed", AT_HEAD), ""},
	    {ROW("a", "newly_failing", AT_BASE), ""},
	    {ROW("a", "added_failing", ""), ""},
	    {ROW("a", "removed_failing", ""), ""},
	    {ROW("a", "switched", AT_BASE ",\"version\":[\"1\",\"2\"]"), "package (update)"},
	    {ROW("a", "added", ",\"head\":{\"drv\":\"/nix/store/built-before.drv\"}"), ""},
	    {ROW("a", "added", AT_HEAD ",\"renamed_from\":[\"b\"]") "," ROW("b", "removed", AT_BASE), ""},
	    {ROW("a", "added", AT_HEAD ",\"renamed_from\":[\"b\"]") "," ROW("c", "removed", AT_BASE), "clean-up"},
	    {ROW("a", "added", AT_HEAD ",\"alias_of\":[\"b\"]"), ""},
	    {ROW("a", "removed", AT_BASE) "," ROW("b", "added", AT_HEAD) "," ROW("c", "rebuild",
	         AT_BASE AT_HEAD ",\"version\":[\"1\",\"2\"]"),
	        "package (new) package (update) clean-up"},
	};
	const char *path;

	(void)state;
	for (size_t i = 0; i < 2 * COUNT(t); i++) {
		struct arena a = {0};
		struct err e = {0};
		bool off = i >= COUNT(t);
		const char *wanted = "", *known = "";
		path = arena_printf(&a, "%s/has.json", dir);
		assert_int_equal(files_write(path,
		                     str_of(arena_printf(&a,
		                         "{\"ekaci_difference\":1,\"counts\":{\"total\":{},\"systems\":{\"x86_64-linux\":{}}},"
		                         "\"attributes\":[%s],\"roots\":[],\"targets\":[{\"drv\":\"/nix/store/n.drv\"}]}",
		                         t[i % COUNT(t)].rows)),
		                     0600, FILES_NO_SYNC, &e),
		    0);
		AUTO(json_drop) json_t *job = job_for(path, 10);
		json_object_set_new(job, "settings", json_pack("{s:s}", "label_has_prefix", off ? "" : "has "));
		AUTO(json_drop) json_t *records = run_report(job, &e);
		const json_t *labels = find_record(records, "labels", NULL), *one;
		size_t k;
		json_array_foreach(json_object_get(labels, "wanted"), k, one)
			if (strncmp(json_string_value(one), "has ", 4) == 0)
				wanted =
				    arena_printf(&a, "%s%s%s", wanted, *wanted != '\0' ? " " : "", json_string_value(one) + 4);
		json_array_foreach(json_object_get(labels, "known"), k, one)
			if (strstr(json_string_value(one), "package (") != NULL ||
			    strstr(json_string_value(one), "clean-up") != NULL)
				known = arena_printf(&a, "%s %s", known, json_string_value(one));
		if (strcmp(wanted, off ? "" : t[i % COUNT(t)].wanted) != 0)
			fail_msg("%s: %s", t[i % COUNT(t)].rows, wanted);
		assert_string_equal(known, off ? "" : " has package (new) has package (update)");
		arena_release(&a);
	}
}

static void
test_tails_say_things_once(void **state)
{
#define ANNOUNCED "building '/nix/store/0123456789abcdfghijklmnpqrsvwxyz-a.drv'...\n"
	struct arena a = {0};

	(void)state;
	assert_string_equal(words_log_tail(&a, ANNOUNCED "make\na.c:3: error: no\nerror: builder failed\n", 20, 4000),
	    "make\na.c:3: error: no\nerror: builder failed");
	assert_string_equal(words_log_tail(&a, ANNOUNCED "make\na.c:3: error: no\nerror: builder failed\n", 2, 4000),
	    "a.c:3: error: no\nerror: builder failed");
	assert_string_equal(words_log_tail(&a, "building the library", 20, 4000), "building the library");
	assert_string_equal(words_log_tail(&a, ANNOUNCED, 20, 4000),
	    "building '/nix/store/0123456789abcdfghijklmnpqrsvwxyz-a.drv'...");
	assert_string_equal(words_log_tail(&a, "", 20, 4000), "");
	arena_release(&a);
}

/* Replaces every text in j by hostile text, but for members the stage decides by. */
static json_t *
poison(json_t *j, const char *key, struct arena *a, size_t *turn)
{
	static const char *const kept[] = {"class", "state", "blame", "kind", "phase", "decision", "difference", "side",
	    "stage", "formats", "ekaci_difference", "config", "drv", "propagated_from", NULL};
	static const char *const texts[] = {
	    "@octocat #1 GH-2 a/b#3 deadbeef0 https://evil.example/x www.evil.example a@evil.example :tada: $x$",
	    "</summary></details><script>alert(1)</script><img src=x onerror=alert(1)>",
	    "a|b|c`d``e```f\n\n# g\n- h\n```\n@octocat\n~~~\n@octocat",
	    "[a](https://evil.example) ![i](https://evil.example/i.png) [r]: https://evil.example",
	    "\x1b[31mred\x1b[0m \xe2\x80\xae\xe2\x80\x8b @octocat --> <!-- \\| \\\\|",
	    "\"]; click n0 \"https://evil.example\"\n  end\n```\n@octocat"};
	json_t *value;
	const char *name;
	size_t i;

	for (i = 0; kept[i] != NULL; i++)
		if (strcmp(kept[i], key) == 0)
			return json_incref(j);
	if (json_is_string(j))
		return json_string(texts[(*turn)++ % COUNT(texts)]);
	if (json_is_array(j)) {
		json_t *list = json_array();
		json_array_foreach(j, i, value)
			json_array_append_new(list, poison(value, "", a, turn));
		return list;
	}
	if (json_is_object(j)) {
		json_t *obj = json_object();
		bool systems = strcmp(key, "systems") == 0, builds = strcmp(key, "builds") == 0;
		json_object_foreach(j, name, value)
			json_object_set_new(obj,
			    systems && !builds ? arena_printf(a, "%s%s", texts[(*turn)++ % COUNT(texts)], name) : name,
			    poison(value, name, a, turn));
		return obj;
	}
	return json_incref(j);
}

/* html without what stands in <code> and <pre>, where nothing is looked for. */
static char *
without_code(struct arena *a, const char *html)
{
	AUTO(buf_release) struct buf b;

	buf_init(&b, 64 << 20);
	while (*html != '\0') {
		const char *open = strstr(html, "<code"), *close = open != NULL ? strstr(open, "</code>") : NULL;
		if (open == NULL || close == NULL) {
			buf_puts(&b, html);
			break;
		}
		buf_add(&b, html, (size_t)(open - html));
		html = close + strlen("</code>");
	}
	return str_dup(a, buf_get(&b));
}

static void
assert_harmless(struct arena *a, const char *what, const char *md)
{
	static const char *const tags[] = {"h1", "h2", "h3", "p", "table", "thead", "tbody", "tr", "th", "td", "ul", "li",
	    "details", "summary", "sub", "strong", "em", "pre", "code", "br /", NULL};
	static const char *const finds[] = {"@[A-Za-z0-9]", "#[0-9]", "[Gg][Hh]-[0-9]", "://", "www[.]",
	    ":[a-z0-9_+-]+:", "(^|[^A-Za-z0-9_])[0-9a-fA-F]{7,40}($|[^A-Za-z0-9_])"};
	char *html = without_code(a, render_markdown(a, str_of(md)));

	/* Our own comment at the beginning, and links with our words. */
	char *own = strstr(html, "<!-- ekaci:report ");
	if (own != NULL)
		memset(own, ' ', (size_t)(strstr(own, "-->") - own) + 3);
	for (char *s = html; (s = strstr(s, "<a href=\"https://ci.example.org/")) != NULL;)
		memset(s, ' ', (size_t)(strchr(s, '>') - s) + 1);
	for (char *s = html; (s = strchr(s, '<')) != NULL; s++) {
		const char *name = s + 1 + (s[1] == '/');
		size_t n = strcspn(name, ">"), k = 0;
		if (strncmp(s, "</a>", 4) == 0)
			continue;
		if (strncmp(name, "th align=", 9) == 0 || strncmp(name, "td align=", 9) == 0)
			n = 2;
		if (strncmp(name, "details open>", 13) == 0)
			n = 7;
		if (strncmp(name, "pre lang=\"mermaid\"", 18) == 0)
			continue;
		while (tags[k] != NULL && (strlen(tags[k]) != n || strncmp(tags[k], name, n) != 0))
			k++;
		if (tags[k] == NULL)
			fail_msg("%s has the tag %.60s", what, s);
	}
	for (size_t i = 0; i < COUNT(finds); i++) {
		regex_t re;
		regmatch_t m;
		assert_int_equal(regcomp(&re, finds[i], REG_EXTENDED | REG_ICASE), 0);
		int found = regexec(&re, html, 1, &m, 0);
		regfree(&re);
		if (found == 0)
			fail_msg("%s: GitHub would find %s in %.80s", what, finds[i], html + (m.rm_so > 30 ? m.rm_so - 30 : 0));
	}
	size_t opened = 0, closed = 0;
	for (const char *s = html; (s = strstr(s, "<details")) != NULL; s++)
		opened++;
	for (const char *s = html; (s = strstr(s, "</details>")) != NULL; s++)
		closed++;
	assert_int_equal(opened, closed);
}

/* The page has its rows and one script, which is ours, or neither; no picture but ours, and no attribute that anybody else wrote. */
static void
assert_html_harmless(const char *html)
{
	static const char *const never[] = {"<img", "<iframe", "<a href=\"javascript", "<b>", "\x1b", "\xe2\x80\xae"};
	static const char data[] = "<script type=\"application/json\" id=\"rows-inside\">";
	const char *script = strstr(html, "<script");

	if (script != NULL && strncmp(script, data, sizeof(data) - 1) == 0)
		script = strstr(script + 1, "<script");
	if (script != NULL) { /* nothing was compared: none */
		assert_int_equal(strncmp(script, "<script>", 8), 0);
		assert_null(strstr(script + 1, "<script"));
	}
	for (size_t i = 0; i < COUNT(never); i++)
		if (strstr(html, never[i]) != NULL)
			fail_msg("the page has %s", never[i]);
	for (const char *s = html; (s = strstr(s, " onerror=")) != NULL; s++) /* in text only: no tag is open */
		for (const char *p = s; p > html && *p != '>'; p--)
			assert_true(*p != '<');
}

static void
check_poisoned(const char *job_path, size_t turn)
{
	struct arena a = {0};
	struct err e = {0};
	AUTO(json_drop) json_t *job = NULL, *difference = NULL;

	if (json_read_file(job_path, 1 << 20, &job, &e) != 0)
		fail_msg("%s", e.msg);
	const char *name = json_str(job, "difference", NULL);
	AUTO(json_drop) json_t *bad = poison(job, "", &a, &turn);
	if (name != NULL) {
		assert_int_equal(json_read_file(arena_printf(&a, "fixtures/golden/report/%s", name), 1 << 20, &difference, &e),
		    0);
		AUTO(json_drop) json_t *bad_difference = poison(difference, "", &a, &turn);
		const char *path = arena_printf(&a, "%s/d.json", dir);
		assert_int_equal(files_write(path, str_of(json_line(&a, bad_difference)), 0644, FILES_NO_SYNC, &e), 0);
		json_object_set_new(bad, "difference", json_string(path));
	}
	/* Builds are found by their derivations, so those names stay. */
	if (json_is_object(json_object_get(job, "builds"))) {
		json_t *builds = json_object(), *build;
		const char *drv;
		json_object_foreach(json_object_get(job, "builds"), drv, build)
			json_object_set_new(builds, drv, poison(build, "", &a, &turn));
		json_object_set_new(bad, "builds", builds);
	}
	json_array_append_new(json_object_get(bad, "formats"), json_string("html"));
	AUTO(json_drop) json_t *records = run_report(bad, &e);
	if (records == NULL)
		fail_msg("%s: %s", job_path, e.msg);
	assert_html_harmless(json_str(find_record(records, "document", "html"), "body", ""));
	AUTO(buf_release) struct buf all;
	buf_init(&all, 16 << 20);
	for (size_t i = 0; i < json_array_size(records); i++) {
		const json_t *r = json_array_get(records, i);
		static const char *const members[] = {"summary", "text", "body"};
		for (size_t k = 0; k < COUNT(members); k++) {
			const char *s = json_str(r, members[k], NULL), *format = json_str(r, "format", "markdown");
			if (s != NULL && strcmp(format, "markdown") == 0)
				buf_printf(&all, "%s\n\n", s);
			if (s != NULL && strcmp(format, "text") == 0)
				for (const char *p = s; *p != '\0'; p++)
					assert_true((unsigned char)*p >= ' ' || *p == '\n');
		}
	}
	assert_harmless(&a, job_path, all.p);
	arena_release(&a);
}

static void
test_hostile_facts_stay_text_everywhere(void **state)
{
	static const char *const cases[] = {"done", "reported", "building", "wide", "skipped", "mistake", "machinery",
	    "incomplete", "conflict", "evaluating", "config-edit"};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		char path[200];
		snprintf(path, sizeof(path), "fixtures/golden/report/%s.job.json", cases[i]);
		for (size_t turn = 0; turn < 6; turn++)
			check_poisoned(path, turn);
	}
}

/* Text of any length, in every place, still gives something that fits. */
static json_t *
inflate(json_t *j, const char *key, size_t bytes)
{
	json_t *value;
	const char *name;
	size_t i;

	if (json_is_string(j)) {
		static const char *const kept[] = {"class", "state", "blame", "phase", "decision", "drv", "propagated_from",
		    "side", "stage", "kind"};
		for (i = 0; i < COUNT(kept); i++)
			if (strcmp(kept[i], key) == 0)
				return json_incref(j);
		char *big = mem_alloc(bytes + 1);
		memset(big, '@', bytes);
		json_t *ret = json_string(big);
		mem_free(&big);
		return ret;
	}
	if (json_is_array(j)) {
		json_t *list = json_array();
		json_array_foreach(j, i, value)
			json_array_append_new(list,
			    strcmp(key, "formats") == 0 ? json_incref(value) : inflate(value, "", bytes));
		return list;
	}
	if (json_is_object(j)) {
		json_t *obj = json_object();
		json_object_foreach(j, name, value)
			json_object_set_new(obj, name, inflate(value, name, bytes));
		return obj;
	}
	return json_incref(j);
}

static void
test_long_texts_are_cut(void **state)
{
	static const char *const cases[] = {"done", "skipped", "mistake", "machinery", "incomplete", "conflict", "config-edit"};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct arena a = {0};
		struct err e = {0};
		AUTO(json_drop) json_t *job = NULL, *difference = NULL;
		assert_int_equal(json_read_file(arena_printf(&a, "fixtures/golden/report/%s.job.json", cases[i]), 1 << 20, &job,
		                     &e),
		    0);
		const char *name = json_str(job, "difference", NULL), *path = arena_printf(&a, "%s/d.json", dir);
		AUTO(json_drop) json_t *bad = inflate(job, "", 50000);
		if (name != NULL) {
			assert_int_equal(json_read_file(arena_printf(&a, "fixtures/golden/report/%s", name), 1 << 20,
			                     &difference, &e),
			    0);
			AUTO(json_drop) json_t *bad_difference = inflate(difference, "", 50000);
			assert_int_equal(files_write(path, str_of(json_line(&a, bad_difference)), 0644, FILES_NO_SYNC, &e), 0);
			json_object_set_new(bad, "difference", json_string(path));
		}
		json_object_set_new(bad, "formats", json_pack("[s,s]", "checks", "comment"));
		AUTO(json_drop) json_t *records = run_report(bad, &e);
		if (records == NULL)
			fail_msg("%s: %s", cases[i], e.msg);
		assert_fits(find_record(records, "check_run", "ekaci / rebuilds"), "summary");
		assert_fits(find_record(records, "check_run", "ekaci / rebuilds"), "text");
		assert_fits(find_record(records, "check_run", "ekaci / evaluation"), "summary");
		assert_fits(find_record(records, "check_run", "ekaci / evaluation"), "text");
		assert_fits(find_record(records, "comment", NULL), "body");
		arena_release(&a);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_hostile_facts_stay_text_everywhere), /* starts programs: before the heap has grown */
	    cmocka_unit_test(test_texts_fit_at_every_size),
	    cmocka_unit_test(test_labels_follow_nixpkgs_at_the_edges),
	    cmocka_unit_test(test_stdenv_labels),
	    cmocka_unit_test(test_tails_say_things_once),
	    cmocka_unit_test(test_text_is_wrapped_at_spaces),
	    cmocka_unit_test(test_labels_count_names),
	    cmocka_unit_test(test_labels_of_what_a_change_has),
	    cmocka_unit_test(test_long_texts_are_cut),
	};
	return cmocka_run_group_tests_name("report_limits", tests, make_dir, remove_dir);
}
