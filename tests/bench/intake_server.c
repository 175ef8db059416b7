/*
 * The bot's own intake, and nothing behind it: the server that the bench measures.
 *   intake_server STATE_DIR SECRET      prints its port, runs until it gets SIGTERM, then prints what it did
 */
#include "forge/forges.h"
#include "web/web.h"

#include <stdio.h>
#include <sys/resource.h>

int
main(int argc, char **argv)
{
	struct arena a = {0};
	struct loop *l;
	struct store *s;
	struct web *w;
	struct web_hooks hooks = {0};
	struct err e;
	struct rusage u;

	if (argc != 3)
		return 2;
	const struct settings none = {0};
	struct web_settings settings = {.forge = forge_of(&none),
	    .listen = "127.0.0.1:0",
	    .state_dir = argv[1],
	    .hosts = &(const struct web_host){.name = "", .secret = str_of(argv[2])},
	    .n_hosts = 1};
	if (loop_new(&l, &e) != 0 || store_open(arena_printf(&a, "%s/db", argv[1]), &s, &e) != 0 ||
	    web_start(l, s, &settings, &hooks, &w, &e) != 0) {
		fprintf(stderr, "%s\n", e.msg);
		return 1;
	}
	printf("%d\n", web_port(w));
	fflush(stdout);
	loop_run(l);
	struct loop_figures f = loop_figures(l);
	getrusage(RUSAGE_SELF, &u);
	fprintf(stderr, "# ekaci: %lld commits, longest callback %.1f ms, %.1f MB\n", (long long)store_commits(s),
	    (double)f.longest_ns / 1e6, (double)u.ru_maxrss / 1024);
	web_stop(w);
	loop_free(l);
	store_close(s);
	arena_release(&a);
	return 0;
}
