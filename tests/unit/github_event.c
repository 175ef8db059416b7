/* Events: each kind from a body of GitHub's shape, and the same body with one member made hostile. */
#include "forge/github/payload.h"

#include "support/base/clock.h"
#include "support/text/json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define SHA1 "0123456789abcdef0123456789abcdef01234567"
#define SHA2 "89abcdef0123456789abcdef0123456789abcdef"
#define REPO REPO_BY("{\"login\":\"someone\"}")
#define REPO_BY(sender)                                                                                       \
	"\"repository\":{\"id\":7,\"name\":\"pkgs\",\"owner\":{\"login\":\"org\"},\"private\":false,"         \
	"\"clone_url\":\"https://git.example/org/pkgs.git\",\"default_branch\":\"main\",\"new_member\":[1]}," \
	"\"installation\":{\"id\":99,\"node_id\":\"x\"},\"sender\":" sender
#define PULL(action, extra)                                                                                             \
	"{\"action\":\"" action "\",\"number\":12," extra "\"pull_request\":{\"number\":12,\"state\":\"open\","         \
	"\"title\":\"zlib: 1 <b>\",\"draft\":true,\"user\":{\"login\":\"dev[bot]\"},\"author_association\":\"MEMBER\"," \
	"\"head\":{\"sha\":\"" SHA1 "\",\"ref\":\"up/zlib\",\"repo\":{\"id\":8}},"                                      \
	"\"base\":{\"sha\":\"" SHA2 "\",\"ref\":\"main\",\"repo\":{\"id\":7}}}," REPO "}"

struct box {
	struct arena a;
	struct event ev;
	struct err e;
};

static int
parse(struct box *b, const char *name, const char *body)
{
	b->e = (struct err){0};
	return payload_event(&b->a, name, str_of(body), &b->ev, &b->e);
}

static void
release(struct box *b)
{
	arena_release(&b->a);
}

#define PING(hook) "{\"zen\":\"x\",\"hook_id\":5,\"hook\":{" hook "}}"
#define EVENTS \
	"\"events\":[\"check_run\",\"check_suite\",\"issue_comment\",\"merge_group\",\"pull_request\",\"push\",\"repository\",\"star\"]"

static void
a_ping_is_compared_with_what_is_needed(void **state)
{
	static const struct {
		const char *body, *wrong; /* NULL: nothing is; else what is in it */
	} rows[] = {
	    {PING("\"type\":\"App\",\"active\":true," EVENTS
	          ",\"config\":{\"url\":\"https://x\",\"content_type\":\"json\",\"insecure_ssl\":\"0\"}"),
	        NULL},
	    {PING(
	         "\"type\":\"App\"," EVENTS ",\"config\":{\"url\":\"https://x\",\"content_type\":\"form\",\"insecure_ssl\":0}"),
	        "content type"},
	    {PING("\"type\":\"App\"," EVENTS ",\"config\":{\"url\":\"https://x\",\"insecure_ssl\":1}"), "insecure_ssl"},
	    {PING("\"type\":\"App\"," EVENTS ",\"config\":{\"url\":[],\"insecure_ssl\":{}}"), "no address"},
	    {PING("\"type\":\"App\",\"active\":false," EVENTS ",\"config\":{\"url\":\"https://x\"}"), "it is not active"},
	    {PING("\"type\":\"App\",\"events\":[\"push\",1,null],\"config\":{\"url\":\"https://x\"}"),
	        "not subscribed to check_run, check_suite, issue_comment, merge_group, pull_request, repository"},
	    {PING("\"type\":\"App\",\"config\":7"), "not subscribed"},
	    {PING("\"type\":\"Repository\",\"events\":[\"push\"]"), "no App's webhook"},
	    {"{}", "no App's webhook"},
	};
	AUTO(release) struct box b = {0};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		assert_int_equal(parse(&b, "ping", rows[i].body), 0);
		assert_int_equal(b.ev.kind, EVENT_PING);
		if (rows[i].wrong == NULL)
			assert_null(b.ev.hook.wrong);
		else
			assert_non_null(strstr(b.ev.hook.wrong, rows[i].wrong));
	}
	assert_int_equal(parse(&b, "ping", rows[0].body), 0);
	assert_int_equal(b.ev.hook.id, 5);
}

static void
test_pull_request(void **state)
{
	AUTO(release) struct box b = {0};

	(void)state;
	assert_int_equal(parse(&b, "pull_request", PULL("synchronize", "")), 0);
	assert_int_equal(b.ev.kind, EVENT_PULL_REQUEST);
	assert_int_equal(b.ev.action, ACTION_SYNCHRONIZE);
	assert_int_equal(b.ev.installation.id, 99);
	assert_int_equal(b.ev.repository.id, 7);
	assert_string_equal(b.ev.repository.owner, "org");
	assert_string_equal(b.ev.repository.name, "pkgs");
	assert_string_equal(b.ev.repository.clone_url, "https://git.example/org/pkgs.git");
	assert_false(b.ev.repository.private);
	assert_int_equal(b.ev.pr.number, 12);
	assert_string_equal(b.ev.pr.head, SHA1);
	assert_string_equal(b.ev.pr.base, SHA2);
	assert_string_equal(b.ev.pr.base_ref, "main");
	assert_string_equal(b.ev.pr.head_ref, "up/zlib");
	assert_string_equal(b.ev.pr.title, "zlib: 1 <b>");
	assert_string_equal(b.ev.pr.author, "dev[bot]");
	assert_string_equal(b.ev.pr.association, "MEMBER");
	assert_true(b.ev.pr.fork);
	assert_true(b.ev.pr.draft);
	assert_true(b.ev.pr.open);
	assert_string_equal(b.ev.sender, "someone");
}

/* The times that decide which event is the newer one, and what who commented could have seen. */
static void
test_times(void **state)
{
	static const struct {
		const char *text;
		int64_t ms;
	} t[] = {
	    {"2026-11-20T10:00:00Z", 1795168800000},
	    {"1970-01-01T00:00:01Z", 1000},
	    {"2026-11-20T10:00:00+01:00", 0},
	    {"2026-11-20", 0},
	    {"1969-11-20T10:00:00Z", 0},
	    {"", 0},
	    {NULL, 0},
	};
	AUTO(release) struct box b = {0};

	(void)state;
	for (size_t i = 0; i < COUNT(t); i++)
		assert_int_equal(clock_of_text(t[i].text), t[i].ms);
	assert_int_equal(parse(&b, "pull_request", PULL("synchronize", "\"before\":\"" SHA2 "\",")), 0);
	assert_string_equal(b.ev.pr.before, SHA2);
	assert_int_equal(b.ev.pr.updated_ms, 0);
	assert_int_equal(parse(&b, "pull_request", PULL("synchronize", "\"before\":\"--upload-pack\",")), -1);
	/* The fork was pushed to after the pull request was last touched: the head may be that new. */
	assert_int_equal(parse(&b, "pull_request",
	                     "{\"action\":\"edited\",\"changes\":{\"base\":{}},\"pull_request\":{\"number\":12,"
	                     "\"updated_at\":\"1970-01-01T00:00:05Z\",\"head\":{\"sha\":\"" SHA1
	                     "\",\"ref\":\"x\",\"repo\":{\"id\":8,"
	                     "\"pushed_at\":\"1970-01-01T00:00:07Z\"}},\"base\":{\"sha\":\"" SHA2 "\",\"ref\":\"main\"}}," REPO
	                     "}"),
	    0);
	assert_null(b.ev.pr.before);
	assert_int_equal(b.ev.pr.updated_ms, 5000);
	assert_int_equal(b.ev.pr.pushed_ms, 7000);
	assert_int_equal(parse(&b, "issue_comment",
	                     "{\"action\":\"created\",\"issue\":{\"number\":12,\"pull_request\":{}},"
	                     "\"comment\":{\"id\":3,\"created_at\":\"1970-01-01T00:00:09Z\",\"body\":\"/ekaci approve\"}," REPO
	                     "}"),
	    0);
	assert_int_equal(b.ev.comment.created_ms, 9000);
}

static void
test_every_action_of_the_table(void **state)
{
	static const struct {
		const char *name, *body;
		enum event_kind kind;
		enum event_action action;
	} t[] = {
	    {"ping", "{\"zen\":\"x\",\"hook_id\":1}", EVENT_PING, ACTION_NONE},
	    {"pull_request", PULL("opened", ""), EVENT_PULL_REQUEST, ACTION_OPENED},
	    {"pull_request", PULL("reopened", ""), EVENT_PULL_REQUEST, ACTION_REOPENED},
	    {"pull_request", PULL("ready_for_review", ""), EVENT_PULL_REQUEST, ACTION_READY_FOR_REVIEW},
	    {"pull_request", PULL("converted_to_draft", ""), EVENT_PULL_REQUEST, ACTION_CONVERTED_TO_DRAFT},
	    {"pull_request", PULL("closed", ""), EVENT_PULL_REQUEST, ACTION_CLOSED},
	    {"pull_request", PULL("edited", "\"changes\":{\"base\":{\"ref\":{\"from\":\"x\"}}},"), EVENT_PULL_REQUEST,
	        ACTION_BASE_CHANGED},
	    {"pull_request", PULL("edited", "\"changes\":{\"title\":{\"from\":\"x\"}},"), EVENT_IGNORED, ACTION_BASE_CHANGED},
	    {"pull_request", PULL("labeled", "\"label\":{\"name\":\"x\"},"), EVENT_PULL_REQUEST, ACTION_LABELED},
	    {"pull_request", PULL("unlabeled", "\"label\":null,"), EVENT_PULL_REQUEST, ACTION_UNLABELED},
	    {"pull_request", PULL("enqueued", ""), EVENT_PULL_REQUEST, ACTION_ENQUEUED},
	    {"pull_request", PULL("dequeued", "\"reason\":\"MANUAL\","), EVENT_PULL_REQUEST, ACTION_DEQUEUED},
	    {"pull_request", PULL("assigned", ""), EVENT_IGNORED, ACTION_NONE},
	    {"pull_request", "{\"action\":\"labeled\"}", EVENT_IGNORED, ACTION_NONE},
	    {"star", "{\"action\":\"created\"}", EVENT_IGNORED, ACTION_NONE},
	    {"star", "{}", EVENT_IGNORED, ACTION_NONE},
	    {"installation", "{\"action\":\"suspend\",\"installation\":{\"id\":4,\"account\":{\"login\":\"org\"}}}",
	        EVENT_INSTALLATION, ACTION_SUSPEND},
	    {"installation", "{\"action\":\"unsuspend\",\"installation\":{\"id\":4,\"account\":null}}", EVENT_INSTALLATION,
	        ACTION_UNSUSPEND},
	    {"installation", "{\"action\":\"deleted\",\"installation\":{\"id\":4}}", EVENT_INSTALLATION, ACTION_DELETED},
	    {"check_run", "{\"action\":\"rerequested\",\"check_run\":{\"id\":5,\"head_sha\":\"" SHA1 "\"}," REPO "}",
	        EVENT_CHECK_RUN, ACTION_REREQUESTED},
	    {"check_run",
	        "{\"action\":\"requested_action\",\"requested_action\":{\"identifier\":\"all\"},"
	        "\"check_run\":{\"id\":5,\"head_sha\":\"" SHA1 "\"}," REPO "}",
	        EVENT_CHECK_RUN, ACTION_REQUESTED},
	    {"check_run", "{\"action\":\"completed\"}", EVENT_IGNORED, ACTION_NONE},
	    {"check_suite", "{\"action\":\"rerequested\",\"check_suite\":{\"id\":5,\"head_sha\":\"" SHA1 "\"}," REPO "}",
	        EVENT_CHECK_SUITE, ACTION_REREQUESTED},
	    {"check_suite", "{\"action\":\"requested\",\"check_suite\":{\"id\":5,\"head_sha\":\"" SHA1 "\"}," REPO "}",
	        EVENT_CHECK_SUITE, ACTION_SUITE_REQUESTED},
	    {"push", "{\"ref\":\"refs/heads/main\",\"before\":\"" SHA1 "\",\"after\":\"" SHA2 "\"," REPO "}", EVENT_PUSH,
	        ACTION_NONE},
	    {"merge_group",
	        "{\"action\":\"checks_requested\",\"merge_group\":{\"head_sha\":\"" SHA1 "\",\"base_sha\":\"" SHA2 "\","
	        "\"head_ref\":\"refs/heads/gh-readonly-queue/main/pr-1\",\"base_ref\":\"refs/heads/main\"}," REPO "}",
	        EVENT_MERGE_GROUP, ACTION_CHECKS_REQUESTED},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(t); i++) {
		AUTO(release) struct box b = {0};
		if (parse(&b, t[i].name, t[i].body) != 0)
			fail_msg("row %zu (%s): %s", i, t[i].name, b.e.msg);
		assert_int_equal(b.ev.kind, t[i].kind);
		assert_int_equal(b.ev.action, t[i].action);
		assert_string_equal(b.ev.name, t[i].name);
		assert_true((b.ev.kind == EVENT_IGNORED) == (b.ev.reason != NULL));
	}
}

/* Whose a merge group is stands in its ref only. */
static void
test_a_merge_group_names_the_pull_request_at_its_end(void **state)
{
	static const struct {
		const char *ref;
		int64_t queued;
	} t[] = {
	    {"refs/heads/gh-readonly-queue/main/pr-123-0123456789abcdef0123456789abcdef01234567", 123},
	    {"refs/heads/gh-readonly-queue/a/b/pr-7-x", 7},
	    {"refs/heads/gh-readonly-queue/main/pr-7", 7},
	    {"refs/heads/gh-readonly-queue/main/pr-0-x", 0},
	    {"refs/heads/gh-readonly-queue/main/pr--5-x", 0},
	    {"refs/heads/gh-readonly-queue/main/pr-99999999999999999999-x", 0},
	    {"refs/heads/gh-readonly-queue/main/xpr-5-x", 0},
	    {"pr-5-x", 0},
	};
	AUTO(release) struct box b = {0};

	(void)state;
	for (size_t i = 0; i < COUNT(t); i++) {
		const char *body = arena_printf(&b.a,
		    "{\"action\":\"checks_requested\",\"merge_group\":{\"head_sha\":\"" SHA1 "\",\"base_sha\":\"" SHA2 "\","
		    "\"head_ref\":\"%s\",\"base_ref\":\"refs/heads/main\"}," REPO "}",
		    t[i].ref);
		assert_int_equal(parse(&b, "merge_group", body), 0);
		assert_int_equal(b.ev.push.queued, t[i].queued);
	}
}

/* What the API answers is held to the same as what an event says. */
static void
test_a_pull_request_that_was_asked_for(void **state)
{
	static const char good[] =
	    "{\"number\":3,\"state\":\"closed\",\"title\":\"t\",\"user\":{\"login\":\"dev\"},"
	    "\"author_association\":\"OWNER\",\"head\":{\"sha\":\"" SHA1 "\",\"ref\":\"x\",\"repo\":null},"
	    "\"base\":{\"sha\":\"" SHA2 "\",\"ref\":\"main\",\"repo\":{\"id\":7}}}";
	static const char *const bad[] = {"[]", "{}", "{\"number\":3,\"head\":{\"sha\":\"--upload-pack\"},\"base\":{}}"};
	AUTO(release) struct box b = {0};
	AUTO(json_drop) json_t *j = NULL;
	struct event_pull pull = {0};

	(void)state;
	assert_int_equal(json_read(str_of(good), "test", &j, &b.e), 0);
	assert_int_equal(payload_pull(&b.a, j, &pull, &b.e), 0);
	assert_int_equal(pull.number, 3);
	assert_string_equal(pull.head, SHA1);
	assert_string_equal(pull.base_ref, "main");
	assert_false(pull.open);
	assert_true(pull.fork); /* its repository is gone */
	assert_true(event_is_member(pull.association));
	assert_false(event_is_member("CONTRIBUTOR"));
	assert_false(event_is_member(NULL));
	for (size_t i = 0; i < COUNT(bad); i++) {
		AUTO(json_drop) json_t *hostile = NULL;
		assert_int_equal(json_read(str_of(bad[i]), "test", &hostile, &b.e), 0);
		assert_int_equal(payload_pull(&b.a, hostile, &pull, &b.e), -1);
		assert_int_equal(b.e.kind, ERR_INPUT);
	}
}

static void
test_comment_on_a_pull_request(void **state)
{
	AUTO(release) struct box b = {0};

	(void)state;
	assert_int_equal(parse(&b, "issue_comment",
	                     "{\"action\":\"created\",\"issue\":{\"number\":3,\"pull_request\":{},\"user\":null},"
	                     "\"comment\":{\"id\":77,\"body\":\"/ekaci rebuild\",\"user\":{\"login\":\"dev\"},"
	                     "\"author_association\":\"NONE\"}," REPO "}"),
	    0);
	assert_int_equal(b.ev.kind, EVENT_COMMENT);
	assert_int_equal(b.ev.pr.number, 3);
	assert_null(b.ev.pr.author);
	assert_int_equal(b.ev.comment.id, 77);
	assert_string_equal(b.ev.comment.author, "dev");
	assert_string_equal(b.ev.comment.association, "NONE");
	assert_string_equal(b.ev.comment.body, "/ekaci rebuild");
	assert_int_equal(parse(&b, "issue_comment",
	                     "{\"action\":\"created\",\"issue\":{\"number\":3},\"comment\":{},\"installation\":{\"id\":1}}"),
	    0);
	assert_int_equal(b.ev.kind, EVENT_IGNORED);
}

static void
test_who_is_a_bot(void **state)
{
	static const struct {
		const char *user;
		bool bot;
	} t[] = {
	    {"{\"login\":\"dev\",\"type\":\"User\"}", false},
	    {"{\"login\":\"dev\"}", false},
	    {"{\"login\":\"bot\",\"type\":\"Organization\"}", false},
	    {"null", false},
	    {"{\"login\":\"helper[bot]\",\"type\":\"Bot\"}", true},
	    {"{\"login\":\"Helper\",\"type\":\"Bot\"}", true},
	    {"{\"login\":\"helper[bot]\"}", true},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(t); i++) {
		AUTO(release) struct box b = {0};
		const char *body = arena_printf(&b.a,
		    "{\"action\":\"created\",\"issue\":{\"number\":3,\"pull_request\":{}},"
		    "\"comment\":{\"id\":77,\"body\":\"\",\"user\":%s}," REPO "}",
		    t[i].user);
		assert_int_equal(parse(&b, "issue_comment", body), 0);
		assert_int_equal(b.ev.comment.bot, t[i].bot);
		body = arena_printf(&b.a,
		    "{\"action\":\"rerequested\","
		    "\"check_run\":{\"id\":5,\"head_sha\":\"" SHA1 "\"}," REPO_BY("%s") "}",
		    t[i].user);
		assert_int_equal(parse(&b, "check_run", body), 0);
		assert_int_equal(b.ev.sender_bot, t[i].bot);
	}
}

static void
test_repository_lists(void **state)
{
	AUTO(release) struct box b = {0};

	(void)state;
	assert_int_equal(parse(&b, "installation_repositories",
	                     "{\"action\":\"added\",\"installation\":{\"id\":4,\"account\":{\"login\":\"org\"}},"
	                     "\"repositories_added\":[{\"id\":1,\"full_name\":\"org/a\",\"private\":false},"
	                     "{\"id\":2,\"full_name\":\"org/b\"}],\"repositories_removed\":[]}"),
	    0);
	assert_int_equal(b.ev.n_repositories, 2);
	assert_string_equal(b.ev.repositories[1].name, "b");
	assert_false(b.ev.repositories[0].private);
	assert_true(b.ev.repositories[1].private); /* unknown is private */
	assert_int_equal(b.ev.n_removed, 0);
	assert_string_equal(b.ev.installation.account, "org");
}

/* The body with the value at the dotted path replaced (NULL: removed) must be accepted, or refused naming want. */
static void
check_changed(const char *dotted, const char *value, const char *want)
{
	AUTO(release) struct box b = {0};
	AUTO(json_drop) json_t *root = NULL, *v = NULL;
	AUTO(buf_release) struct buf text;
	struct err e;
	struct str rest = str_of(dotted);

	assert_int_equal(json_read(str_of(PULL("opened", "")), "test", &root, &e), 0);
	json_t *obj = root;
	for (struct str step = str_cut(rest, '.', &rest);; step = str_cut(rest, '.', &rest)) {
		char *key = str_dup(&b.a, step);
		if (rest.p == NULL) {
			if (value == NULL) {
				json_object_del(obj, key);
			} else {
				assert_int_equal(json_read(str_of(value), "value", &v, &e), 0);
				json_object_set(obj, key, v);
			}
			break;
		}
		obj = json_object_get(obj, key);
	}
	buf_init(&text, 1 << 20);
	json_write(root, &text);
	int rc = payload_event(&b.a, "pull_request", buf_get(&text), &b.ev, &b.e);
	if (want == NULL ? rc != 0 : rc != -1 || b.e.kind != ERR_INPUT || strncmp(b.e.msg, want, strlen(want)) != 0)
		fail_msg("%s = %s: %d, \"%s\", wanted %s", dotted, value != NULL ? value : "(nothing)", rc, b.e.msg,
		    want != NULL ? want : "success");
}

static void
test_nulls_and_missing_members_are_tolerated_or_named(void **state)
{
	static const struct {
		const char *path, *value, *want;
	} t[] = {
	    {"pull_request.head.repo", "null", NULL}, /* the fork is gone */
	    {"pull_request.head.repo", NULL, NULL},
	    {"pull_request.user", "null", NULL},
	    {"pull_request.user", "{}", NULL},
	    {"pull_request.title", "null", NULL},
	    {"pull_request.draft", NULL, NULL},
	    {"pull_request.author_association", NULL, NULL},
	    {"sender", "null", NULL},
	    {"pull_request", "null", "pull_request: missing"},
	    {"pull_request", "[]", "pull_request: not an object"},
	    {"pull_request.head", "null", "pull_request.head: missing"},
	    {"pull_request.head.sha", NULL, "pull_request.head.sha: missing"},
	    {"pull_request.number", "\"1\"", "pull_request.number: not a positive"},
	    {"pull_request.number", "-1", "pull_request.number: not a positive"},
	    {"pull_request.number", "1.5", "pull_request.number: not a positive"},
	    {"installation", "null", NULL}, /* ignored: a webhook of the repository itself */
	    {"installation.id", "null", "installation.id: missing"},
	    {"repository", NULL, "repository: missing"},
	    {"repository.id", "0", "repository.id: not a positive"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(t); i++)
		check_changed(t[i].path, t[i].value, t[i].want);
}

static void
test_hostile_values_are_refused(void **state)
{
	static const struct {
		const char *path, *value;
	} t[] = {
	    {"pull_request.head.sha", "\"HEAD\""},
	    {"pull_request.head.sha", "\"--upload-pack=x--------------------------\""},
	    {"pull_request.head.sha", "\"0123456789ABCDEF0123456789abcdef01234567\""},
	    {"pull_request.head.sha", "\"" SHA1 "0\""},
	    {"pull_request.head.sha", "\"0123456789abcdef0123456789abcdef0123456\\n\""},
	    {"pull_request.base.ref", "\"--exec=x\""},
	    {"pull_request.base.ref", "\"a..b\""},
	    {"pull_request.base.ref", "\"../../x\""},
	    {"pull_request.base.ref", "\"a/../b\""},
	    {"pull_request.base.ref", "\"a b\""},
	    {"pull_request.base.ref", "\"a\\nb\""},
	    {"pull_request.base.ref", "\"a:b\""},
	    {"pull_request.base.ref", "\"x.lock\""},
	    {"pull_request.base.ref", "\"x.lock/y\""},
	    {"pull_request.base.ref", "\"a//b\""},
	    {"pull_request.base.ref", "\"/a\""},
	    {"pull_request.base.ref", "\"a^{}\""},
	    {"pull_request.base.ref", "\"a@{1}\""},
	    {"pull_request.base.ref", "\"\""},
	    {"repository.name", "\"..\""},
	    {"repository.name", "\".\""},
	    {"repository.name", "\"a/b\""},
	    {"repository.name", "\"a\\u0001\""},
	    {"repository.name", "\"\""},
	    {"repository.owner.login", "\"../x\""},
	    {"repository.owner.login", "\"<script>\""},
	    {"repository.clone_url", "\"file:///etc\""},
	    {"repository.clone_url", "\"ext::sh -c id\""},
	    {"repository.clone_url", "\"https://token@host/x\""},
	    {"repository.clone_url", "\"https://host/a b\""},
	    {"repository.default_branch", "\"-x\""},
	    {"pull_request.user.login", "\"a b\""},
	    {"pull_request.author_association", "\"<b>\""},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(t); i++)
		check_changed(t[i].path, t[i].value, t[i].path);
}

static void
test_bodies_that_are_no_objects(void **state)
{
	static const char *const bad[] = {"", "[]", "null", "\"x\"", "{", "{\"action\":", "\xff\xfe", "{\"a\":\"\xff\"}",
	    "{\"a\":1,\"a\":2}", "{} trailing", "payload=%7B%7D"};

	(void)state;
	for (size_t i = 0; i < COUNT(bad); i++) {
		AUTO(release) struct box b = {0};
		assert_int_equal(parse(&b, "pull_request", bad[i]), -1);
		assert_int_equal(b.e.kind, ERR_INPUT);
	}
	AUTO(buf_release) struct buf deep;
	buf_init(&deep, 1 << 20);
	for (int i = 0; i < 100000; i++)
		buf_putc(&deep, '[');
	AUTO(release) struct box b = {0};
	assert_int_equal(payload_event(&b.a, "push", buf_get(&deep), &b.ev, &b.e), -1);
}

static void
test_long_texts_are_cut_at_a_character(void **state)
{
	AUTO(buf_release) struct buf title;

	(void)state;
	buf_init(&title, 1 << 20);
	buf_puts(&title, "\"x");
	for (int i = 0; i < 2000; i++)
		buf_puts(&title, "\xc3\xa9");
	buf_puts(&title, "\"");
	check_changed("pull_request.title", title.p, NULL);
	AUTO(release) struct box b = {0};
	AUTO(buf_release) struct buf body;
	buf_init(&body, 1 << 20);
	buf_puts(&body, "{\"action\":\"opened\",\"pull_request\":{\"number\":1,\"title\":");
	buf_str(&body, buf_get(&title));
	buf_puts(&body, ",\"head\":{\"sha\":\"" SHA1 "\"},\"base\":{\"sha\":\"" SHA1 "\",\"ref\":\"main\"}}," REPO "}");
	assert_int_equal(payload_event(&b.a, "pull_request", buf_get(&body), &b.ev, &b.e), 0);
	assert_int_equal(strlen(b.ev.pr.title), EVENT_MAX_TITLE - 1); /* "x" and pairs of bytes: the last pair is whole */
	assert_true(str_utf8_ok(str_of(b.ev.pr.title)));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_ping_is_compared_with_what_is_needed),
	    cmocka_unit_test(test_pull_request),
	    cmocka_unit_test(test_times),
	    cmocka_unit_test(test_every_action_of_the_table),
	    cmocka_unit_test(test_a_merge_group_names_the_pull_request_at_its_end),
	    cmocka_unit_test(test_a_pull_request_that_was_asked_for),
	    cmocka_unit_test(test_comment_on_a_pull_request),
	    cmocka_unit_test(test_who_is_a_bot),
	    cmocka_unit_test(test_repository_lists),
	    cmocka_unit_test(test_nulls_and_missing_members_are_tolerated_or_named),
	    cmocka_unit_test(test_hostile_values_are_refused),
	    cmocka_unit_test(test_bodies_that_are_no_objects),
	    cmocka_unit_test(test_long_texts_are_cut_at_a_character),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
