/* Header lines, redirections, and what an answer means. */
#include "forge/github/http.h"

#include "forge/github/answer.h"

#include <stdarg.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

static void
feed(struct http_answer *a, const char *const *lines, size_t n)
{
	http_answer_init(a);
	for (size_t i = 0; i < n; i++)
		http_header(a, str_of(lines[i]));
}

static void
headers_that_matter_are_taken(void **state)
{
	static const char *const lines[] = {"HTTP/1.1 403 Forbidden\r\n", "Date: Thu, 20 Nov 2026 10:00:00 GMT\r\n",
	    "Retry-After:  37 \r\n", "X-RateLimit-Limit: 5000\r\n", "x-ratelimit-remaining: 0\r\n",
	    "X-RATELIMIT-RESET: 1795000000\r\n", "X-GitHub-Request-Id: AB:12\r\n",
	    ("Link: <http://h/x?page=1>; rel=\"prev\", <http://h/x?a=1,2&page=3>; rel=\"next\", <http://h/l>; "
	     "rel=\"last\"\r\n"),
	    "Location: http://h/elsewhere\r\n", "\r\n"};
	struct http_answer a;

	(void)state;
	feed(&a, lines, COUNT(lines));
	assert_int_equal(a.retry_after_s, 37);
	assert_int_equal(a.rate_limit, 5000);
	assert_int_equal(a.rate_remaining, 0);
	assert_int_equal(a.rate_reset_s, 1795000000);
	assert_int_equal(a.date_s, 1795168800);
	assert_string_equal(a.request_id, "AB:12");
	assert_string_equal(a.next, "http://h/x?a=1,2&page=3");
	assert_string_equal(a.location, "http://h/elsewhere");
}

static void
retry_after_may_be_a_date(void **state)
{
	static const char *const lines[] = {"Date: Fri, 20 Nov 2026 10:00:00 GMT",
	    "Retry-After: Fri, 20 Nov 2026 10:01:30 GMT"};
	struct http_answer a;

	(void)state;
	feed(&a, lines, COUNT(lines));
	assert_int_equal(a.retry_after_s, 90);
}

static void
a_new_status_line_forgets_what_was_before(void **state)
{
	static const char *const lines[] = {"HTTP/1.1 100 Continue", "Retry-After: 5", "HTTP/2 200",
	    "x-ratelimit-remaining: 7"};
	struct http_answer a;

	(void)state;
	feed(&a, lines, COUNT(lines));
	assert_int_equal(a.retry_after_s, -1);
	assert_int_equal(a.rate_remaining, 7);
}

static void
unreadable_headers_are_ignored(void **state)
{
	static char huge[8192];
	static const char *const lines[] = {"", ":", "no colon", "Retry-After: soon", "Retry-After: -5",
	    "X-RateLimit-Remaining: 99999999999999999999", "X-RateLimit-Reset: 1e9", "X-RateLimit-Limit:", "Link: <",
	    "Link: <a>, <b", "Link: rel=\"next\"", "Link: >;rel=\"next\"<"};
	struct http_answer a;

	(void)state;
	feed(&a, lines, COUNT(lines));
	assert_int_equal(a.retry_after_s, -1);
	assert_int_equal(a.rate_remaining, -1);
	assert_int_equal(a.rate_reset_s, -1);
	assert_int_equal(a.rate_limit, -1);
	assert_string_equal(a.next, "");
	memset(huge, 'x', sizeof(huge) - 1);
	memcpy(huge, "Location: ", 10);
	http_header(&a, str_of(huge));
	assert_string_equal(a.location, "");
	memcpy(huge, "Link: <xxx", 10);
	memcpy(huge + sizeof(huge) - 16, ">; rel=\"next\"", 13);
	http_header(&a, str_of(huge));
	assert_string_equal(a.next, "");
	memset(huge, 'h', sizeof(huge) - 1);
	http_header(&a, str_of(huge));
}

static void
origins_are_scheme_host_and_port(void **state)
{
	(void)state;
	assert_true(http_same_origin("https://api.github.com/a", "https://API.github.com:443/b?c"));
	assert_false(http_same_origin("https://api.github.com/", "http://api.github.com/"));
	assert_false(http_same_origin("https://api.github.com/", "https://api.github.com.evil.org/"));
	assert_false(http_same_origin("https://api.github.com/", "https://api.github.com:8443/"));
	assert_false(http_same_origin("https://api.github.com/", "https://api.github.com@evil.org/"));
	assert_false(http_same_origin("file:///etc/passwd", "file:///etc/passwd"));
	assert_false(http_same_origin("", ""));
}

static void
redirections_go_where_they_may(void **state)
{
	static const struct {
		const char *from, *location, *to;
	} cases[] = {
	    {"https://h/repos/a/b", "/repositories/1", "https://h/repositories/1"},
	    {"https://h/repos/a/b", "https://h/repositories/1?x=y", "https://h/repositories/1?x=y"},
	    {"http://h/a", "https://h/a", "https://h/a"},
	    {"https://h/a", "http://h/a", NULL},
	    {"https://h/a", "file:///etc/passwd", NULL},
	    {"https://h/a", "gopher://h/", NULL},
	    {"https://h/a", "", NULL},
	    {"https://h/a", "https://other/", "https://other/"},
	};
	struct arena a = {0};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		const char *to = http_redirect(&a, cases[i].from, cases[i].location);
		if (cases[i].to == NULL)
			assert_null(to);
		else
			assert_string_equal(to, cases[i].to);
	}
	arena_release(&a);
}

static void
answers_have_a_class_and_words(void **state)
{
	static const struct {
		int status, retry_after, remaining;
		const char *body;
		enum answer_class class;
		enum err_kind kind;
	} cases[] = {
	    {204, -1, -1, "", ANSWER_GOOD, ERR_NONE},
	    {401, -1, -1, "{\"message\":\"Bad credentials\"}", ANSWER_UNAUTHORISED, ERR_DENIED},
	    {403, -1, 100, "{\"message\":\"Resource not accessible by integration\"}", ANSWER_REFUSED, ERR_DENIED},
	    {403, 5, -1, "", ANSWER_LIMITED, ERR_BUSY},
	    {403, -1, 0, "", ANSWER_LIMITED, ERR_BUSY},
	    {403, -1, -1, "{\"message\":\"You have exceeded a secondary rate limit\"}", ANSWER_LIMITED, ERR_BUSY},
	    {429, -1, -1, "", ANSWER_LIMITED, ERR_BUSY},
	    {404, -1, -1, "{}", ANSWER_GONE, ERR_ABSENT},
	    {410, -1, -1, "[]", ANSWER_GONE, ERR_ABSENT},
	    {422, -1, -1, "{\"message\":\"Validation Failed\",\"errors\":[{\"field\":\"x\"}]}", ANSWER_REFUSED, ERR_INPUT},
	    {409, -1, -1, "", ANSWER_BROKEN, ERR_BUSY},
	    {500, -1, -1, "<html>", ANSWER_BROKEN, ERR_BUSY},
	    {304, -1, -1, "", ANSWER_GOOD, ERR_NONE},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct http_answer a;
		struct err e = {0};
		http_answer_init(&a);
		a.status = cases[i].status;
		a.retry_after_s = cases[i].retry_after;
		a.rate_remaining = cases[i].remaining;
		a.body = str_of(cases[i].body);
		assert_int_equal(answer_class(&a), cases[i].class);
		if (cases[i].kind == ERR_NONE)
			continue;
		answer_error(&a, &e);
		assert_int_equal(e.kind, cases[i].kind);
		if (cases[i].status == 422)
			assert_non_null(strstr(e.msg, "Validation Failed [{\"field\":\"x\"}]"));
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(headers_that_matter_are_taken),
	    cmocka_unit_test(retry_after_may_be_a_date),
	    cmocka_unit_test(a_new_status_line_forgets_what_was_before),
	    cmocka_unit_test(unreadable_headers_are_ignored),
	    cmocka_unit_test(origins_are_scheme_host_and_port),
	    cmocka_unit_test(redirections_go_where_they_may),
	    cmocka_unit_test(answers_have_a_class_and_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
