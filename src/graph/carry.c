/* The commit's name in derivations. */
#include "graph/carry.h"

#include "nix/drv.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { SHORT_REV = 7, N_NAMES = 3 };

struct names {
	char text[N_NAMES][24];
};

static int
read_names(const struct commit_name *commit, struct names *ret, struct err *e)
{
	const char *rev = commit->rev;
	time_t when = (time_t)commit->time;
	struct tm utc;

	if (strlen(rev) < SHORT_REV || when <= 0 || gmtime_r(&when, &utc) == NULL)
		return fail(e, ERR_INPUT, "the commit has no revision or time");
	snprintf(ret->text[0], sizeof(ret->text[0]), "%.*s", SHORT_REV, rev);
	snprintf(ret->text[1], sizeof(ret->text[1]), "%lld", (long long)when);
	if (strftime(ret->text[2], sizeof(ret->text[2]), "%Y%m%d%H%M%S", &utc) == 0)
		return fail(e, ERR_INPUT, "the commit's time is out of range");
	return 0;
}

static bool
has_name(const struct names *names, struct str text)
{
	for (size_t i = 0; i < N_NAMES; i++)
		if (memmem(text.p, text.n, names->text[i], strlen(names->text[i])) != NULL)
			return true;
	return false;
}

/* carries[v] = 1 for derivations whose own text has a name. */
static int
find_carriers(const struct closure *g, const struct names *names, uint8_t *carries, struct err *e)
{
	const char *dir = g->shown_dir != NULL ? g->shown_dir : g->real_dir;
	AUTO(fd_close) int dir_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct drv_bytes bytes = {0};
	struct str text;
	int rc = dir_fd >= 0 ? 0 : fail_sys(e, "%s", dir);

	for (size_t v = 0; rc == 0 && v < g->loaded; v++) {
		if (g->flags.p[v] & CLOSURE_FIXED)
			continue;
		rc = drv_read_again(&bytes, dir_fd, g->nodes.p[v].key, &text, e);
		carries[v] = rc == 0 && has_name(names, text);
	}
	mem_free(&bytes.p);
	return rc;
}

/* Marks what needs a marked one, through derivations without a fixed output: edges are walked from the end that is needed. */
static void
spread_up(const struct closure *g, uint8_t *carries)
{
	size_t n = g->loaded;
	AUTO(mem_free) uint32_t *off = mem_alloc((n + 2) * sizeof(*off));
	AUTO(mem_free) uint32_t *up = mem_alloc((g->targets.n + 1) * sizeof(*up));
	VEC(uint32_t) stack = {0};

	for (size_t i = 0; i < g->targets.n; i++)
		off[g->targets.p[i] + 2]++;
	for (size_t v = 2; v < n + 2; v++)
		off[v] += off[v - 1];
	for (uint32_t v = 0; v < n; v++)
		for (uint32_t i = g->off.p[v]; i < g->off.p[v + 1]; i++)
			up[off[g->targets.p[i] + 1]++] = v;
	for (uint32_t v = 0; v < n; v++)
		if (carries[v])
			vec_push(&stack, v);
	while (stack.n > 0) {
		uint32_t v = stack.p[--stack.n];
		for (uint32_t i = off[v]; i < off[v + 1]; i++)
			if (!carries[up[i]] && !(g->flags.p[up[i]] & CLOSURE_FIXED)) {
				carries[up[i]] = 1;
				vec_push(&stack, up[i]);
			}
	}
	vec_release(&stack);
}

int
carry_count(const struct difference *d, const struct commit_name *commit, size_t *ret, struct err *e)
{
	const struct closure *g = &d->closure;
	AUTO(mem_free) uint8_t *carries = mem_alloc(g->loaded + 1);
	struct names names;
	size_t n = 0;

	if (read_names(commit, &names, e) != 0 || find_carriers(g, &names, carries, e) != 0)
		return -1;
	spread_up(g, carries);
	for (size_t i = 0; i < d->attrs.v.n; i++) {
		uint32_t node = d->attrs.v.p[i].head_node;
		if (node == NO_NODE || !carries[node])
			continue;
		n++;
		carries[node] = 0; /* another name of it does not count */
	}
	*ret = n;
	return 0;
}
