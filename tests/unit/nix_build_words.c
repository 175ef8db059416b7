/* How Nix is set, and what it really says of builds, in every version that was recorded (fixtures/nix): what it means, and which words it uses. */
#include "nix/settings.h"
#include "nix/build_words.h"
#include "build/outcome.h"
#include "support/os/files.h"
#include "support/text/json.h"

#include <dirent.h>
#include <stdarg.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#define SAMPLES "fixtures/nix"

static const struct {
	const char *name, *state, *reason; /* reason: part of it, or NULL */
	bool absent, may_pass;
	const char *tail; /* is among the lines that matter, or NULL */
} expected[] = {
    {"cache", "infrastructure", "some substitutes", false, false, NULL},
    {"dependency", "failed", "not in the store any more", false, false, "x.c:1:1: error: no such thing"},
    {"dice", "failed", "not deterministic", false, false, "may not be deterministic"},
    {"dry-run", "built", NULL, false, false, " will be fetched ("},
    {"fails", "failed", "the builder failed", false, false, "x.c:1:1: error: no such thing"},
    {"far-down", "infrastructure", "cannot build on 'ssh://127.0.0.1': error: ", true, false, "Connection refused"},
    {"far-fails", "failed", "the builder failed", false, false, "x.c:1:1: error: no such thing"},
    {"far-feature", "unsupported", "quantum", false, false, NULL},
    {"far-fixed-fails", "failed", "the builder failed", false, false, "x.c:1:1: error: no such thing"},
    {"far-hash", "failed", "hash", false, false, "hash mismatch in fixed-output derivation"},
    {"far-no-output", "failed", "the builder failed", false, false, "failed to produce output path"},
    {"far-silent", "silent", NULL, false, false, "words"},
    {"far-slow", "timed_out", NULL, false, false, "line 1"},
    {"feature", "unsupported", "{quantum}", false, false, NULL},
    {"fetch", "failed", "the builder failed", false, true, "unable to download 'http://127.0.0.1:9/x'"},
    {"fixed-fails", "failed", "the builder failed", false, true, "x.c:1:1: error: no such thing"},
    {"full", "infrastructure", "no space was left", false, false, "No space left on device"},
    {"hash", "failed", "hash", false, false, "got:    sha256-"},
    {"killed", "failed", "the builder failed", false, false, "due to signal 9"},
    {"line", "failed", NULL, false, false, "words"},
    {"line-field", "failed", NULL, false, false, "words"},
    {"log-limit", "log_limit", NULL, false, false, "0123456789"},
    {"no-output", "failed", "failed to produce output path", false, false, "words"},
    {"no-sandbox", "unsupported", "__noChroot", false, false, NULL},
    {"silent", "silent", NULL, false, false, "words"},
    {"slow", "timed_out", NULL, false, false, "line 1"},
    {"system", "unsupported", "riscv64-linux", false, false, NULL},
};

struct sample {
	const char *name, *version;
	json_t *said;
};
static VEC(struct sample) samples;
static struct arena arena;

static void
read_version(const char *version)
{
	const char *dir = arena_printf(&arena, SAMPLES "/%s/builds", version);
	DIR *d = opendir(dir);
	struct err e;

	if (d == NULL)
		return;
	for (struct dirent *f; (f = readdir(d)) != NULL;) {
		struct str name = str_of(f->d_name);
		if (!str_ends(name, STR(".json")))
			continue;
		name.n -= strlen(".json");
		struct sample s = {.name = str_dup(&arena, name), .version = arena_strdup(&arena, version)};
		if (json_read_file(arena_printf(&arena, "%s/%s", dir, f->d_name), 1 << 20, &s.said, &e) != 0)
			fail_msg("%s", e.msg);
		vec_push(&samples, s);
	}
	closedir(d);
}

static int
read_samples(void **state)
{
	DIR *d = opendir(SAMPLES);

	(void)state;
	if (d == NULL)
		return -1;
	for (struct dirent *f; (f = readdir(d)) != NULL;)
		if (f->d_name[0] != '.')
			read_version(f->d_name);
	closedir(d);
	return 0;
}

static int
drop_samples(void **state)
{
	(void)state;
	for (size_t i = 0; i < samples.n; i++)
		json_decref(samples.p[i].said);
	vec_release(&samples);
	arena_release(&arena);
	return 0;
}

/* As build.c makes it of what the session heard. */
static struct build_outcome
judged(struct arena *a, const json_t *said, struct str *ret_lines)
{
	struct outcome_end end = {.exited = true,
	    .drv = json_str(said, "drv", ""),
	    .uri = json_str(said, "uri", NULL),
	    .machine = json_str(said, "machine", NULL),
	    .begun = json_flag(said, "begun", false),
	    .dependency_begun = json_flag(said, "dependency_begun", false),
	    .building_ms = json_int(said, "building_ms", 0),
	    .wall_s = json_int(said, "wall_s", 0)};
	const char *message = json_str(said, "message", "");
	const char *log = json_str(said, "log", "");
	const char *whole = arena_printf(a, "%serror: %s\n", log, nixwords_without_log(a, message));

	*ret_lines = outcome_lines(a, str_of(whole), true, 40, 4096);
	return json_int(said, "end", 0) == SESSION_REFUSED
	           ? outcome_of_refusal(a, &end, message, str_of(log))
	           : outcome_of_status(a, &end, (enum nix_status)json_int(said, "status", 0), message, str_of(log));
}

static void
every_sample_is_understood(void **state)
{
	(void)state;
	assert_true(samples.n >= 3 * COUNT(expected));
	for (size_t i = 0; i < samples.n; i++) {
		const struct sample *s = &samples.p[i];
		struct arena a = {0};
		struct str lines;
		size_t k = 0;
		while (k < COUNT(expected) && strcmp(expected[k].name, s->name) != 0)
			k++;
		if (k == COUNT(expected))
			fail_msg("%s %s: nobody says what is expected of it", s->version, s->name);
		struct build_outcome o = judged(&a, s->said, &lines);
		const char *reason = o.reason != NULL ? o.reason : "";
		if (strcmp(build_state_name(o.state), expected[k].state) != 0 || o.absent != expected[k].absent ||
		    o.may_pass != expected[k].may_pass ||
		    (expected[k].reason != NULL && strstr(reason, expected[k].reason) == NULL))
			fail_msg("%s %s: %s, %s", s->version, s->name, build_state_name(o.state), reason);
		if (strstr(lines.p, "> more") != NULL)
			fail_msg("%s %s: Nix repeats the log: %s", s->version, s->name, lines.p);
		if (expected[k].tail != NULL && strstr(lines.p, expected[k].tail) == NULL)
			fail_msg("%s %s: the lines that matter are without [%s]: %s", s->version, s->name, expected[k].tail,
			    lines.p);
		arena_release(&a);
	}
}

static void
nix_repeats_no_log(void **state)
{
	(void)state;
	for (size_t i = 0; i < samples.n; i++) {
		const struct sample *s = &samples.p[i];
		struct arena a = {0};
		const char *message = nixwords_without_log(&a, json_str(s->said, "message", ""));
		if (strstr(message, "log lines") != NULL || strstr(message, "For full logs") != NULL ||
		    strstr(message, "\n> ") != NULL || strstr(message, "nix log") != NULL ||
		    strstr(message, "exit code 2;") != NULL)
			fail_msg("%s %s: %s", s->version, s->name, message);
		arena_release(&a);
	}
	struct arena a = {0};
	assert_string_equal(nixwords_without_log(&a, "builder for 'x' failed with exit code 1;\nlast 2 log lines:\n> a\n>\n"
	                                             "For full logs, run 'nix log x'.\nnote: something else"),
	    "builder for 'x' failed with exit code 1\nnote: something else");
	assert_string_equal(nixwords_without_log(&a, "one; two\nthree"), "one; two\nthree");
	assert_string_equal(nixwords_without_log(&a, ""), "");
	arena_release(&a);
}

/* 2.8 before 2.26. */
static int
compare_versions(const char *x, const char *y)
{
	char *end_x, *end_y;
	long a = strtol(x, &end_x, 10), b = strtol(y, &end_y, 10);

	if (a == b && *end_x == '.' && *end_y == '.') {
		a = strtol(end_x + 1, NULL, 10);
		b = strtol(end_y + 1, NULL, 10);
	}
	return (a > b) - (a < b);
}

static bool
says(const char *version, const char *words)
{
	for (size_t i = 0; i < samples.n; i++) {
		const struct sample *s = &samples.p[i];
		struct arena a = {0};
		/* The message ends the log, as "error: ...". */
		const char *whole =
		    arena_printf(&a, "%s\nerror: %s", json_str(s->said, "log", ""), json_str(s->said, "message", ""));
		bool found = strcmp(s->version, version) == 0 && strstr(whole, words) != NULL;
		arena_release(&a);
		if (found)
			return true;
	}
	return false;
}

static void
the_table_tells_the_versions_apart(void **state)
{
	(void)state;
	for (size_t i = 0; i < nixword_count; i++) {
		const struct nixword_row *row = &nixword_rows[i];
		for (size_t k = 0; k < samples.n; k++) {
			const char *version = samples.p[k].version;
			bool expects = compare_versions(version, row->since) >= 0 && compare_versions(version, row->until) <= 0;
			if (k > 0 && strcmp(version, samples.p[k - 1].version) == 0)
				continue;
			if (says(version, row->words) != expects)
				fail_msg("%s %s [%s]", version, expects ? "does not say" : "says", row->words);
		}
	}
}

static void
settings_are_read_as_nix_prints_them(void **state)
{
	/* max-free is of 2.8, more than 64 bits with a sign. */
	static const char text[] =
	    "{\"cores\":{\"value\":4,\"defaultValue\":0},\"max-free\":{\"value\":18446744073709551615,"
	    "\"defaultValue\":18446744073709551615},\"substitute\":{\"value\":false,\"defaultValue\":true},\"sandbox\":{\"value\":\"relaxed\","
	    "\"defaultValue\":\"true\"},\"system-features\":{\"value\":[\"a\",\"b\"],\"defaultValue\":[\"a\"]},\"fsync-metadata\":{\"value\":false,"
	    "\"defaultValue\":true},\"min-free\":{\"value\":5000000000,\"defaultValue\":0},\"sandbox-paths\":{\"value\":{\"/bin/sh\":{}},"
	    "\"defaultValue\":{}},\"builders\":{\"value\":\"@/etc/nix/machines\",\"defaultValue\":\"@/etc/nix/machines\"}}";
	struct nix_settings conf = {0}, nothing = {0};
	struct arena a = {0};
	struct err e;

	(void)state;
	assert_int_equal(nixsettings_parse(&a, str_of(text), &conf, &e), 0);
	assert_int_equal(nixsettings_number(&conf, "cores", 9), 4);
	assert_int_equal(nixsettings_number(&conf, "max-free", 9), 9);
	assert_int_equal(nixsettings_number(&conf, "substitute", 1), 0);
	assert_int_equal(nixsettings_number(&nothing, "substitute", 1), 1);
	assert_string_equal(nixsettings_text(&conf, "builders", ""), "@/etc/nix/machines");
	assert_int_equal(nixsettings_list(&conf, "system-features").n, 2);
	assert_null(nixsettings_list(&conf, "cores").p);
	assert_true(nixsettings_is_default(&conf, "max-free"));
	assert_false(nixsettings_is_default(&conf, "sandbox"));
	assert_false(nixsettings_is_default(&conf, "no such setting"));
	/* What a client sends to a daemon: cores and substitute have places of their own. */
	static const struct named_text wanted[] = {{"sandbox", "relaxed"}, {"system-features", "a b"},
	    {"fsync-metadata", "false"}, {"min-free", "5000000000"}};
	const struct named_texts changed = nixsettings_changed(&a, &conf);
	assert_int_equal(changed.n, COUNT(wanted));
	for (size_t i = 0; i < changed.n; i++) {
		assert_string_equal(changed.p[i].name, wanted[i].name);
		assert_string_equal(changed.p[i].text, wanted[i].text);
	}
	/* Keys of stored evaluations are made of this line: another one would make all that were kept useless. */
	assert_string_equal(conf.line,
	    "{\"cores\":{\"value\":4.0,\"defaultValue\":0.0},\"max-free\":{\"value\":1.8446744073709552e19,\"defaultValue\":1.8446744073709552e19},\"substitute\":{\"value\":false,\"defaultValue\":true},\"sandbox\":{\"value\":\"relaxed\",\"defaultValue\":\"true\"},\"system-features\":{\"value\":[\"a\",\"b\"],\"defaultValue\":[\"a\"]},\"fsync-metadata\":{\"value\":false,\"defaultValue\":true},\"min-free\":{\"value\":5000000000.0,\"defaultValue\":0.0},\"sandbox-paths\":{\"value\":{\"/bin/sh\":{}},\"defaultValue\":{}},\"builders\":{\"value\":\"@/etc/nix/machines\",\"defaultValue\":\"@/etc/nix/machines\"}}");
	assert_int_equal(nixsettings_parse(&a, STR("[]"), &conf, &e), -1);
	assert_int_equal(e.kind, ERR_INPUT);
	arena_release(&a);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(every_sample_is_understood),
	    cmocka_unit_test(nix_repeats_no_log),
	    cmocka_unit_test(the_table_tells_the_versions_apart),
	    cmocka_unit_test(settings_are_read_as_nix_prints_them),
	};

	return cmocka_run_group_tests(tests, read_samples, drop_samples);
}
