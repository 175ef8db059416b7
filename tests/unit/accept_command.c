/* Commands in comments. */
#include "accept/accept.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

/* The commands of a comment as text: "rebuild(a,b) help()". */
static char *
read_all(struct arena *a, const char *body)
{
	const struct command *c;
	struct buf out;
	size_t n;

	buf_init(&out, 100000);
	accept_command(a, str_of(body), &c, &n);
	for (size_t i = 0; i < n; i++) {
		buf_printf(&out, "%s%s", i > 0 ? " " : "", command_name(c[i].kind));
		if (c[i].kind == COMMAND_UNKNOWN)
			buf_printf(&out, ":%s", c[i].word);
		for (size_t k = 0; k < c[i].n_args; k++)
			buf_printf(&out, "%s%s", k == 0 ? "(" : ",", c[i].args[k]);
		buf_puts(&out, c[i].n_args > 0 ? ")" : "");
	}
	char *text = arena_strdup(a, out.p);
	buf_release(&out);
	return text;
}

static void
test_commands(void **state)
{
	static const struct {
		const char *body, *want;
	} t[] = {
	    {"/ekaci rebuild", "rebuild"},
	    {"/EkaCI ReBuild\r\n", "rebuild"},
	    {"  /ekaci   rebuild\tfailed ", "rebuild(failed)"},
	    {"/ekaci rebuild python3.pkgs.numpy zlib", "rebuild(python3.pkgs.numpy,zlib)"},
	    {"thanks!\n/ekaci approve\nand\n/ekaci status", "approve status"},
	    {"/ekaci", "help"},
	    {"/ekaci help", "help"},
	    {"/ekaci explain zlib", "explain(zlib)"},
	    {"/ekaci eval\n/ekaci cancel", "eval cancel"},
	    {"/ekaci frobnicate now", "unknown:frobnicate(now)"},
	    {"/ekacix rebuild", ""},
	    {"please /ekaci rebuild", ""},
	    {"/ekaci\x01", ""},
	    {"> /ekaci rebuild", ""},
	    {"  > /ekaci rebuild\n/ekaci help", "help"},
	    {"```\n/ekaci rebuild\n```\n/ekaci help", "help"},
	    {"~~~ sh\n/ekaci rebuild\n```\n/ekaci rebuild\n~~~\n/ekaci eval", "eval"},
	    {"````\n```\n/ekaci rebuild\n````", ""},
	    {"```\n/ekaci rebuild", ""},
	    {"``` a ` b\n/ekaci rebuild", "rebuild"}, /* no fence: a backtick follows */
	    {"    /ekaci rebuild", ""},
	    {"\t/ekaci rebuild", ""},
	    {"", ""},
	    {"\n\n\n", ""},
	    {"/ekaci rebuild \x1b[31mred", "rebuild(?[31mred)"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(t); i++) {
		struct arena a = {0};
		assert_string_equal(read_all(&a, t[i].body), t[i].want);
		arena_release(&a);
	}
}

static void
test_ceilings(void **state)
{
	struct arena a = {0};
	struct buf body;
	const struct command *c;
	size_t n;

	(void)state;
	buf_init(&body, 1 << 20);
	for (int i = 0; i < 100; i++)
		buf_puts(&body, "/ekaci rebuild\n");
	accept_command(&a, buf_get(&body), &c, &n);
	assert_int_equal(n, ACCEPT_MAX_COMMANDS);
	buf_drop(&body, body.n);
	buf_puts(&body, "/ekaci rebuild");
	for (int i = 0; i < 5000; i++)
		buf_puts(&body, " a");
	accept_command(&a, buf_get(&body), &c, &n);
	assert_int_equal(n, 1);
	assert_int_equal(c[0].n_args, 100);
	buf_release(&body);
	arena_release(&a);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_commands),
	    cmocka_unit_test(test_ceilings),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
