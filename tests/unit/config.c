/* ekaci.toml: the example is the table, every mistake has its place; and the TOML reader below it. */
#include "config/config.h"

#include "support/os/child.h"
#include "support/os/files.h"
#include "records/list.h"
#include "support/text/toml.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
/* cmocka comes last. */
#include <cmocka.h>

static const char example[] = "deploy/ekaci.toml.example";
static const char must_have[] = "[github]\napp_id = \"1\"\nprivate_key_file = \"key\"\nwebhook_secret_file = \"secret\"\n";

struct fixture {
	struct arena a;
	char dir[64];
	const char *path;
};

static void
begin(struct fixture *f)
{
	*f = (struct fixture){0};
	snprintf(f->dir, sizeof(f->dir), "/tmp/ekaci-config-XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	f->path = arena_printf(&f->a, "%s/ekaci.toml", f->dir);
}

static void
end(struct fixture *f)
{
	struct err e = {0};

	assert_int_equal(files_remove_tree(f->dir, &e), 0);
	arena_release(&f->a);
}

static void
write_file(struct fixture *f, const char *text)
{
	struct err e = {0};

	assert_int_equal(files_write(f->path, str_of(text), 0600, FILES_NO_SYNC, &e), 0);
}

/* The example with its commented keys in force. */
static char *
uncomment(struct arena *a, struct str text)
{
	AUTO(buf_release) struct buf b;

	buf_init(&b, text.n + 1);
	for (struct str rest = text; rest.p != NULL;) {
		struct str line = str_cut(rest, '\n', &rest);
		struct str name = str_starts(line, STR("# ")) ? str_from(line, 2) : line;
		size_t n = 0;
		while (n < name.n && (name.p[n] == '_' || (name.p[n] >= 'a' && name.p[n] <= 'z')))
			n++;
		bool is_key = n > 0 && str_starts(str_from(name, n), STR(" = "));
		buf_str(&b, is_key ? name : line);
		buf_putc(&b, '\n');
	}
	return arena_strn(a, b.p, b.n);
}

static void
compare(const struct config_key *k, struct settings *got, struct settings *want)
{
	void *g = (char *)got + k->offset, *w = (char *)want + k->offset;

	switch (k->type) {
	case CONFIG_TEXT:
	case CONFIG_PATH:
	case CONFIG_SECRET:
		if (*(char **)w != NULL)
			assert_string_equal(*(char **)g, *(char **)w);
		return;
	case CONFIG_NUMBER: assert_int_equal(*(int64_t *)g, *(int64_t *)w); return;
	case CONFIG_FLAG: assert_int_equal(*(bool *)g, *(bool *)w); return;
	case CONFIG_TEXTS: assert_true(texts_same(g, w)); return;
	case CONFIG_OPTIONS: assert_true(((struct named_texts *)g)->n == 0 && ((struct named_texts *)w)->n == 0); return;
	}
}

#define ANOTHER(more) "[[github]]\n" more "app_id = \"2\"\nprivate_key_file = \"k\"\nwebhook_secret_file = \"s\"\n"
#define FIRST         "[[github]]\napp_id = \"1\"\nprivate_key_file = \"key\"\nwebhook_secret_file = \"secret\"\n"
static void
several_hosts_are_told_apart_by_name(void **state)
{
	static const struct {
		const char *text, *expect; /* NULL: good */
	} rows[] = {
	    {FIRST, NULL},
	    {FIRST ANOTHER("name = \"work\"\n") "[trust]\nauthors = [\"ann\", \"work:bob\"]\nteams = [\"work:org/team\"]\n",
	        NULL},
	    {FIRST ANOTHER("name = \"work\"\n") "[repositories]\nonly = [\"work:org/*\"]\n", NULL},
	    {FIRST ANOTHER(""), "[[github]] name is missing"},
	    {ANOTHER("name = \"work\"\n"), "[[github]] name: the first has none"},
	    {FIRST ANOTHER("name = \"a\"\n") ANOTHER("name = \"a\"\n"), " is another one's already"},
	    {FIRST ANOTHER("name = \"a/b\"\n"), "must be at most 30 of"},
	    {FIRST "[[github]]\nname = \"a\"\napp_id = \"1\"\nprivate_key_file = \"k\"\nwebhook_secret_file = \"s\"\n",
	        "is another one's already: everything would be said twice"},
	    {FIRST "[[github]]\nname = \"a\"\napp_id = \"2\"\nprivate_key_file = \"k\"\n",
	        ":5:1: [github] webhook_secret_file is missing"},
	    {FIRST "[trust]\nauthors = [\"wrok:bob\"]\n", "no [[github]] has the name \"wrok\""},
	    {FIRST "[trust]\nauthors = [\":bob\"]\n", "no [[github]] has the name \"\""},
	    {FIRST ANOTHER("name = \"work\"\n") "[trust]\nteams = [\"work:team\"]\n", "must be ORG/TEAM"},
	    {"github = []\n", "[github] app_id is missing"},
	};
	struct fixture f;
	struct settings s;
	struct err e = {0};

	(void)state;
	begin(&f);
	for (size_t i = 0; i < COUNT(rows); i++) {
		write_file(&f, rows[i].text);
		int rc = config_load(&f.a, f.path, &s, &e);
		if (rows[i].expect == NULL && rc != 0)
			fail_msg("%s: %s", rows[i].text, e.msg);
		if (rows[i].expect != NULL && (rc == 0 || strstr(e.msg, rows[i].expect) == NULL))
			fail_msg("%s: %s", rows[i].text, rc == 0 ? "is good" : e.msg);
	}
	write_file(&f, rows[1].text);
	assert_int_equal(config_load(&f.a, f.path, &s, &e), 0);
	assert_int_equal(s.githubs.n, 2);
	assert_string_equal(s.github.app_id, "1");
	assert_string_equal(config_of_host(&s, 1).github.app_id, "2");
	assert_string_equal(s.githubs.p[1].api_url, "https://api.github.com");
	/* Until the store has said its number, nothing is of it. */
	assert_null(config_at_host(&s, 3, "work:bob"));
	s.githubs.p[1].number = 3;
	assert_string_equal(config_at_host(&s, 3, "work:bob"), "bob");
	assert_string_equal(config_at_host(&s, 0, "ann"), "ann");
	assert_true(config_at_host(&s, 0, "work:bob") == NULL && config_at_host(&s, 3, "ann") == NULL &&
	            config_at_host(&s, 4, "work:bob") == NULL);
	struct settings same;
	assert_int_equal(config_load(&f.a, f.path, &same, &e), 0);
	assert_true(config_same_hosts(&s, &same));
	same.githubs.p[1].app_id = "3";
	assert_false(config_same_hosts(&s, &same));
	end(&f);
}

static void
the_example_has_every_key_with_its_default(void **state)
{
	struct fixture f;
	struct settings got, want;
	struct toml_node *top;
	struct err e = {0};
	struct str text;
	size_t in_file = 0, i;

	(void)state;
	begin(&f);
	if (config_load(&f.a, example, &got, &e) != 0)
		fail_msg("%s", e.msg);
	assert_int_equal(files_read(&f.a, example, 1 << 20, &text, &e), 0);
	char *all = uncomment(&f.a, text);
	write_file(&f, all);
	if (config_load(&f.a, f.path, &got, &e) != 0)
		fail_msg("%s", e.msg);
	config_defaults(&f.a, &want);
	assert_int_equal(toml_read(&f.a, str_of(all), "example", &top, &e), 0);
	for (i = 0; config_key_at(i) != NULL; i++) {
		const struct config_key *k = config_key_at(i);
		const struct toml_node *n = toml_get(toml_get(top, k->section), k->name);
		if (n == NULL)
			fail_msg("[%s] %s is not in %s", k->section, k->name, example);
		/* Above each key, or the row of keys it belongs to, stands its reason. */
		compare(k, &got, &want);
	}
	for (const struct toml_node *s = top->first; s != NULL; s = s->next)
		for (const struct toml_node *n = s->first; n != NULL; n = n->next)
			in_file++;
	assert_int_equal(in_file, i);
	end(&f);
}

static void
every_mistake_has_line_column_and_reason(void **state)
{
	static const struct {
		const char *text, *wanted;
	} rows[] = {
	    {"[rebuild]\nmax_rebuild_cout = 3",
	        ":6:1: unknown key [rebuild] max_rebuild_cout (did you mean max_rebuild_count?)"},
	    {"[rebuld]\nx = 1", ":5:2: unknown section [rebuld] (did you mean [rebuild]?)"},
	    {"[web]\nslots = 1", ":6:1: unknown key [web] slots (it belongs in [build])"},
	    {"[web]\nlisten = 3030", ":6:10: [web] listen must be text, not a whole number"},
	    {"[web]\nlisten = \"3030\"", ":6:10: [web] listen \"3030\" must be ADDRESS:PORT"},
	    {"[web]\nlisten = \"a:65536\"", ":6:10: [web] listen"},
	    {"[web]\nurl = \"ci.example.org\"", ":6:7: [web] url \"ci.example.org\" must begin with http"},
	    {"[network]\nproxy = \"proxy:3128\"", ":6:9: [network] proxy \"proxy:3128\" must begin with http://"},
	    {"[network]\nproxy = \"http://\"", ":6:9: [network] proxy \"http://\" must be such as http://proxy"},
	    {"[network]\nproxy = \"http://a:b@proxy:3128\"", "must not hold a user or password: https_proxy in the service's"},
	    {"[network]\nproxy = \"http://proxy:3128/x\"", "[network] proxy \"http://proxy:3128/x\" must be such as"},
	    {"[network]\nno_proxy = [\"a,b\"]", ":6:13: [network] no_proxy \"a,b\" must not hold spaces, commas"},
	    {"[build]\nslots = 0", ":6:9: [build] slots must be from 1 to 1024, not 0"},
	    {"[build]\nslots = 9223372036854775807", ":6:9: [build] slots must be from"},
	    {"[build]\nslots = 1.5", ":6:9: [build] slots must be a whole number, not a number with a fraction"},
	    {"[build]\nenabled = \"yes\"", ":6:11: [build] enabled must be true or false, not text"},
	    {"[build]\nsystems = \"x86_64-linux\"", ":6:11: [build] systems must be an array, not text"},
	    {"[build]\nsystems = [\"x86_64-linux\", \"linux\"]", ":6:28: [build] systems \"linux\" must be a system"},
	    {"[build]\nsystems = [1]", ":6:12: [build] systems must be text"},
	    {"[build]\nnix_options = { cores = [1] }", ":6:17: [build] nix_options.cores must be an option"},
	    {"[evaluate]\nnix_options = { cores = \"1\\naccess-tokens = x\" }",
	        ":6:17: [evaluate] nix_options.cores must be an option"},
	    {"[evaluate]\nexperimental_features = [\"a b\"]", "[evaluate] experimental_features \"a b\" must not hold spaces"},
	    {"[build]\ntimeout_s = 1979-05-27", ":6:13: [build] timeout_s must be a whole number, not a date"},
	    {"[rebuild]\nskip_paths = [\"doc/**\",\n  \"!x\"]",
	        ":7:3: [rebuild] skip_paths \"!x\" is no pattern: it begins with"},
	    {"[evaluate]\nsandbox = \"maybe\"", ":6:11: [evaluate] sandbox \"maybe\" must be \"require\", \"auto\" or \"off\""},
	    {"[trust]\nforks = \"\"", ":6:9: [trust] forks"},
	    {"[trust]\nbots = [\"helper[bot]\", \"somebody\"]", ":6:24: [trust] bots \"somebody\" must be an App's login"},
	    {"[trust]\nbots = [\"[bot]\"]", ":6:9: [trust] bots \"[bot]\" must be an App's login"},
	    {"[state]\ndir = \"\"", ":6:7: [state] dir must not be empty"},
	    {"[state]\ndir = \"a\\u0000b\"", ":6:7: [state] dir must not hold a NUL"},
	    {"[[web]]\nlisten = \"a:1\"", "[web] must be a table, not an array"},
	    {"[web]\nlisten = ", ":6:"},
	    {"[web]\nlisten = \"a:1\"\nlisten = \"b:1\"", ":7:"},
	    {"[web\n", ":5:"},
	    {"\xff", "utf-8"},
	};
	struct fixture f;

	(void)state;
	begin(&f);
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct settings s;
		struct err e = {0};
		write_file(&f, arena_printf(&f.a, "%s%s\n", must_have, rows[i].text));
		if (config_load(&f.a, f.path, &s, &e) == 0)
			fail_msg("row %zu is taken: %s", i, rows[i].text);
		assert_int_equal(e.kind, ERR_INPUT);
		if (strncmp(e.msg, f.path, strlen(f.path)) != 0 || strstr(e.msg, rows[i].wanted) == NULL)
			fail_msg("row %zu, %s: %s", i, rows[i].text, e.msg);
	}
	end(&f);
}

static void
a_comment_may_still_be_true_or_false(void **state)
{
	static const char needed[] = "[github]\napp_id = \"1\"\nprivate_key_file = \"a\"\nwebhook_secret_file = \"b\"\n";
	static const struct {
		const char *written, *means;
	} t[] = {{"true", "always"}, {"false", "never"}, {"\"changes\"", "changes"}, {"\"failures\"", "failures"}, {"1", NULL},
	    {"\"sometimes\"", NULL}};
	struct fixture f;
	struct settings s;
	struct err e = {0};

	(void)state;
	begin(&f);
	for (size_t i = 0; i < COUNT(t); i++) {
		write_file(&f, arena_printf(&f.a, "%s[report]\ncomment = %s\n", needed, t[i].written));
		assert_int_equal(config_load(&f.a, f.path, &s, &e), t[i].means != NULL ? 0 : -1);
		if (t[i].means != NULL)
			assert_string_equal(s.report.comment, t[i].means);
	}
	/* No other text takes them. */
	write_file(&f, arena_printf(&f.a, "%s[trust]\nforks = true\n", needed));
	assert_int_equal(config_load(&f.a, f.path, &s, &e), -1);
	end(&f);
}

static void
all_mistakes_are_found_in_the_order_of_the_file(void **state)
{
	struct fixture f;
	struct settings s;
	struct err e = {0};

	(void)state;
	begin(&f);
	struct mistakes *m = arena_alloc(&f.a, sizeof(*m));
	write_file(&f, "[web]\nlisen = \"a:1\"\nurl = 3\n[build]\nslots = -1\nsystems = [\"a\", \"b-c\", 3]\n");
	assert_int_equal(config_check(&f.a, f.path, &s, m, &e), 0);
	/* The three that must be given are missing; the rest in order. */
	assert_int_equal(m->n, 8);
	for (size_t i = 1; i < m->n; i++)
		assert_true(m->p[i - 1].line <= m->p[i].line);
	assert_int_equal(config_load(&f.a, f.path, &s, &e), -1);
	assert_non_null(strstr(e.msg, "(and 7 more)"));
	assert_int_equal(config_check(&f.a, arena_printf(&f.a, "%s/none", f.dir), &s, m, &e), -1);
	assert_int_equal(e.kind, ERR_ABSENT);
	end(&f);
}

static void
paths_are_relative_to_the_file_and_secrets_may_be_credentials(void **state)
{
	struct fixture f;
	struct settings s;
	struct err e = {0};

	(void)state;
	begin(&f);
	setenv("CREDENTIALS_DIRECTORY", "/run/credentials/ekaci", 1);
	write_file(&f,
	    "[github]\napp_id = \"Iv1.x\"\nprivate_key_file = \"keys/app.pem\"\nwebhook_secret_file = \"$hook\"\n"
	    "api_url = \"https://git.test/api/v3/\"\n[state]\ndir = \"/srv/ekaci\"\n[web]\nurl = "
	    "\"https://ci.test//\"\n"
	    "[evaluate]\nevaluator = \"bin/eval\"\n[build]\nnix_options = { cores = 4, fallback = true, x = \"y\" }\n");
	if (config_load(&f.a, f.path, &s, &e) != 0)
		fail_msg("%s", e.msg);
	assert_string_equal(s.github.private_key_file, arena_printf(&f.a, "%s/keys/app.pem", f.dir));
	assert_string_equal(s.github.webhook_secret_file, "/run/credentials/ekaci/hook");
	assert_string_equal(s.github.api_url, "https://git.test/api/v3");
	assert_null(s.github.previous_webhook_secret_file);
	assert_string_equal(s.state.dir, "/srv/ekaci");
	assert_string_equal(s.web.url, "https://ci.test");
	assert_string_equal(s.evaluate.evaluator, arena_printf(&f.a, "%s/bin/eval", f.dir));
	assert_int_equal(s.build.nix_options.n, 3);
	assert_string_equal(named_find(&s.build.nix_options, "cores"), "4");
	assert_string_equal(named_find(&s.build.nix_options, "fallback"), "true");
	assert_string_equal(named_find(&s.build.nix_options, "x"), "y");
	unsetenv("CREDENTIALS_DIRECTORY");
	assert_int_equal(config_load(&f.a, f.path, &s, &e), -1);
	assert_non_null(strstr(e.msg, ":4:23: [github] webhook_secret_file \"$hook\" is a systemd credential"));
	struct mistakes *m = arena_alloc(&f.a, sizeof(*m));
	assert_int_equal(config_check(&f.a, f.path, &s, m, &e), 0);
	assert_int_equal(m->n, 0);
	assert_string_equal(s.github.webhook_secret_file, "$hook");
	setenv("CREDENTIALS_DIRECTORY", "/run/credentials/ekaci", 1);
	write_file(&f, "[github]\napp_id = \"1\"\nprivate_key_file = \"k\"\nwebhook_secret_file = \"$../x\"\n");
	assert_int_equal(config_load(&f.a, f.path, &s, &e), -1);
	unsetenv("CREDENTIALS_DIRECTORY");
	end(&f);
}

static int
keep_errors(void *ctx, int fd, struct str bytes, struct err *e)
{
	(void)e;
	if (fd == 2)
		buf_str(ctx, bytes);
	return 0;
}

static void
check_config_says_what_the_fixtures_expect(void **state)
{
	static const struct {
		const char *file;
		int code;
		bool golden;
	} rows[] = {
	    {"fixtures/config/mistakes.toml", 1, true},
	    {"fixtures/config/mistakes.json", 1, true},
	    {"fixtures/config/eka-ci.json", 0, true},
	    {"deploy/ekaci.toml.example", 1, false},
	    {"fixtures/config/none.toml", 2, false},
	};
	struct arena a = {0};

	(void)state;
	if (getenv("EKACI") == NULL)
		fail_msg("EKACI must be the path of the program");
	for (size_t i = 0; i < COUNT(rows); i++) {
		AUTO(buf_release) struct buf out;
		const char *argv[] = {getenv("EKACI"), "check-config", rows[i].file, NULL};
		const char *expected = arena_printf(&a, "%s.expected", rows[i].file);
		struct child_result r;
		struct err e = {0};
		struct str want;
		buf_init(&out, 65536);
		struct child c = {.argv = argv, .wall_ms = 20000, .on_bytes = keep_errors, .ctx = &out};
		assert_int_equal(child_run(&c, &r, &e), 0);
		assert_int_equal(r.end, CHILD_EXITED);
		assert_int_equal(r.code, rows[i].code);
		if (!rows[i].golden)
			continue;
		assert_int_equal(files_read(&a, expected, 65536, &want, &e), 0);
		assert_string_equal(out.p, want.p);
	}
	arena_release(&a);
}

static void
the_toml_tree_has_types_and_places(void **state)
{
	struct arena a = {0};
	struct err e = {0};
	struct toml_node *top;

	(void)state;
	assert_int_equal(toml_read(&a, STR("z = 1\na = [true, 1.5, \"x\\u0000y\"]\n[t.u]\nd = 1979-05-27T07:32:00Z\n"), "f",
	                     &top, &e),
	    0);
	const struct toml_node *z = top->first, *arr = z->next, *t = arr->next;
	assert_true(str_is(z->key, "z") && z->type == TOML_INTEGER && z->integer == 1);
	assert_int_equal(z->line, 1);
	assert_int_equal(z->column, 1);
	assert_int_equal(z->value_column, 5);
	assert_true(arr->type == TOML_ARRAY && arr->first->type == TOML_BOOLEAN && arr->first->boolean);
	assert_true(arr->first->next->type == TOML_FLOAT && arr->first->next->real == 1.5);
	assert_int_equal(arr->first->next->next->text.n, 3);
	assert_int_equal(toml_get(toml_get(t, "u"), "d")->type, TOML_TIME);
	assert_null(toml_get(z, "x"));
	assert_null(toml_get(NULL, "x"));
	/* Here toml++ itself only asserts. */
	assert_int_equal(toml_read(&a, STR("[a]\n\n[ .b]\n"), "file.toml", &top, &e), -1);
	assert_non_null(strstr(e.msg, "file.toml:3:3: "));
	assert_int_equal(toml_read(&a, STR("a = 1\nb = {\n"), "file.toml", &top, &e), -1);
	assert_int_equal(e.kind, ERR_INPUT);
	assert_ptr_equal(strstr(e.msg, "file.toml:2:"), e.msg);
	/* Deep nesting ends with an error, not with the stack. */
	char *deep = arena_alloc(&a, 100002);
	memset(deep, '[', 100001);
	memcpy(deep, "a=", 2);
	assert_int_equal(toml_read(&a, str_of(deep), "deep", &top, &e), -1);
	assert_int_equal(toml_read(&a, STR(""), "empty", &top, &e), 0);
	assert_null(top->first);
	arena_release(&a);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(several_hosts_are_told_apart_by_name),
	    cmocka_unit_test(the_example_has_every_key_with_its_default),
	    cmocka_unit_test(every_mistake_has_line_column_and_reason),
	    cmocka_unit_test(a_comment_may_still_be_true_or_false),
	    cmocka_unit_test(all_mistakes_are_found_in_the_order_of_the_file),
	    cmocka_unit_test(paths_are_relative_to_the_file_and_secrets_may_be_credentials),
	    cmocka_unit_test(check_config_says_what_the_fixtures_expect),
	    cmocka_unit_test(the_toml_tree_has_types_and_places),
	};

	return cmocka_run_group_tests_name("config", tests, NULL, NULL);
}
