/*
 * Figures of the module graph, one a line: NAME VALUE UNIT.
 *
 *   graph radius             exact blast radius of 20,000 targets in 300,000 derivations; beside one search per target
 *   graph alone              what 20,000 roots in 300,000 derivations rebuild alone, beside the radius, each a source or ten together
 *   graph size               the same at 10^3 .. 10^6 derivations, with the fitted exponent
 *   graph diff               the stages diff and report on two evaluations of 100,000 attributes, 5,000 of which are rebuilt
 *   graph file               a difference file of 100,000 rebuilt attributes: written, read by elements, read as a tree
 *   graph load REAL DRV...   the closure of DRV... from the .drv files in REAL (see graph.sh)
 *
 * "extrapolated" stands in the name of a figure that was not measured whole.
 */
#include "graph/graph.h"
#include "../unit/graph_fixture.h"
#include "formats/difference_file.h"
#include "graph/alone.h"
#include "graph/cache.h"
#include "graph/spread.h"
#include "records/reporting.h"
#include "report/report.h"
#include "support/base/clock.h"
#include "support/text/json.h"

#include <fcntl.h>
#include <malloc.h>
#include <math.h>
#include <sys/resource.h>
#include <sys/wait.h>

static uint64_t seed = 42;

static uint32_t
pick(uint32_t n)
{
	seed = seed * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)((seed >> 33) % n);
}

static long
peak_kb(void)
{
	struct rusage u;

	getrusage(RUSAGE_SELF, &u);
	return u.ru_maxrss;
}

static void
die(const struct err *e)
{
	fprintf(stderr, "%s\n", e->msg);
	exit(1);
}

/*
 * A graph shaped like a package set: node 0 is a leaf of the set, high numbers are what all else is made with. Two of
 * three inputs are near (a package's own parts), the rest anywhere below, and few things are used by very many.
 */
static void
package_graph(struct closure *g, uint32_t n, uint32_t per_node)
{
	closure_init(g, "/nix/store", NULL);
	map_add(&g->systems, STR("x86_64-linux"), NULL);
	for (uint32_t v = 0; v < n; v++) {
		uint32_t left = n - v - 1;
		map_add(&g->nodes, str_of(arena_printf(&g->a, "%032u-n.drv", v)), NULL);
		for (uint32_t k = 0; k < per_node && left > 0; k++) {
			uint32_t d = k % 3 != 2 ? pick(left < 64 ? left : 64) : pick(left);
			if (k % 3 == 2 && left > 1000 && pick(2) == 0)
				d = left - 1 - pick(left / 100); /* of the hundredth that everything needs */
			vec_push(&g->targets, v + 1 + d);
		}
		vec_push(&g->off, (uint32_t)g->targets.n);
		vec_push(&g->out_off, 0);
		vec_push(&g->system, 0);
		vec_push(&g->flags, 0);
	}
	g->loaded = n;
}

static uint32_t
search(const struct spread *s, uint32_t target, uint32_t *seen, uint32_t *stack)
{
	uint32_t n = 0, count = 0;

	seen[target] = target + 1;
	stack[n++] = target;
	while (n > 0) {
		uint32_t v = stack[--n];
		for (uint32_t k = s->up_off[v]; k < s->up_off[v + 1]; k++)
			if (seen[s->up[k]] != target + 1) {
				seen[s->up[k]] = target + 1;
				stack[n++] = s->up[k];
				count++;
			}
	}
	return count;
}

/* Milliseconds of one count of n_targets in a graph of n nodes; compares some of them with a search each. */
static double
radius_once(uint32_t n, uint32_t per_node, uint32_t n_targets, double *search_ms_each)
{
	struct closure g;
	struct spread s;
	struct arena a = {0};
	struct err e = {0};
	uint32_t checked = n_targets < 50 ? n_targets : 50;

	package_graph(&g, n, per_node);
	if (spread_all(&a, &g, &s, &e) != 0)
		die(&e);
	uint32_t *targets = arena_alloc(&a, n_targets * sizeof(*targets));
	for (uint32_t i = 0; i < n_targets; i++)
		targets[i] = (uint32_t)((uint64_t)i * n / n_targets);
	struct radius *r = arena_alloc(&a, (size_t)n_targets * s.n_groups * sizeof(*r));
	int64_t start = clock_mono_ns();
	spread_radius(&s, NULL, targets, n_targets, r);
	double ms = (double)(clock_mono_ns() - start) / 1e6;
	uint32_t *seen = arena_alloc(&a, n * sizeof(*seen)), *stack = arena_alloc(&a, n * sizeof(*stack));
	start = clock_mono_ns();
	for (uint32_t i = 0; i < checked; i++) {
		uint32_t at = (uint32_t)((uint64_t)i * n_targets / checked);
		if (search(&s, targets[at], seen, stack) != r[at].derivations) {
			fprintf(stderr, "target %u: wrong\n", at);
			exit(1);
		}
	}
	*search_ms_each = (double)(clock_mono_ns() - start) / 1e6 / checked;
	arena_release(&a);
	closure_release(&g);
	return ms;
}

static void
bench_radius(void)
{
	double each, ms = radius_once(300000, 8, 20000, &each);

	printf("radius_20000_of_300000 %.0f ms\n", ms);
	printf("radius_peak_memory %ld MB\n", peak_kb() / 1024);
	printf("radius_by_search_extrapolated_from_50 %.0f ms\n", each * 20000);
	printf("radius_times_faster_extrapolated %.0f x\n", each * 20000 / ms);
}

/* Of processor, so that it is no matter what else the machine does. */
static double
cpu_ms(void)
{
	struct rusage u;

	getrusage(RUSAGE_SELF, &u);
	return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) * 1e3 + (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e3;
}

/* Kilobytes of a line of /proc/self/status. */
static long
status_kb(const char *line)
{
	struct arena a = {0};
	struct str text, rest;
	struct err e = {0};
	long kb = 0;

	if (files_read(&a, "/proc/self/status", 1 << 16, &text, &e) != 0)
		die(&e);
	ptrdiff_t at = str_find(text, str_of(line));
	rest = str_from(text, at < 0 ? text.n : (size_t)at + strlen(line));
	kb = strtol(rest.p, NULL, 10);
	arena_release(&a);
	return kb;
}

/* Marks what the roots of source, or with others those of all other sources, reach; they themselves are marked, too. */
static void
mark_reached(const struct difference *d, uint32_t source, bool others, uint8_t *seen, uint32_t *stack)
{
	const struct spread *s = &d->spread;
	uint32_t n = 0;

	memset(seen, 0, s->n);
	for (size_t i = 0; i < d->n_roots; i++)
		if ((d->roots[i].source != source) == others && !seen[d->roots[i].sub]) {
			seen[d->roots[i].sub] = 1;
			stack[n++] = d->roots[i].sub;
		}
	while (n > 0) {
		uint32_t v = stack[--n];
		for (uint32_t k = s->up_off[v]; k < s->up_off[v + 1]; k++)
			if (!seen[s->up[k]]) {
				seen[s->up[k]] = 1;
				stack[n++] = s->up[k];
			}
	}
}

/* Some sources once more, by two searches each. */
static void
check_alone(const struct difference *d, const uint8_t *is_root)
{
	enum { CHECKED = 20 };
	uint8_t *mine = mem_alloc(d->spread.n), *others = mem_alloc(d->spread.n);
	uint32_t *stack = mem_alloc(d->spread.n * sizeof(*stack));

	for (size_t k = 0; k < CHECKED; k++) {
		const struct root *r = &d->roots[k * d->n_roots / CHECKED];
		uint32_t count = 0;
		mark_reached(d, r->source, false, mine, stack);
		mark_reached(d, r->source, true, others, stack);
		for (uint32_t v = 0; v < d->spread.n; v++)
			count += mine[v] && !others[v] && !is_root[v];
		if (count != r->alone.derivations) {
			fprintf(stderr, "source %u: %u alone, not %u\n", r->source, count, r->alone.derivations);
			exit(1);
		}
	}
	mem_free(&mine);
	mem_free(&others);
	mem_free(&stack);
}

/* together: how many roots are of one source. */
static void
alone_once(uint32_t together, const char *name)
{
	enum { NODES = 300000, ROOTS = 20000 };
	struct difference d = {.n_roots = ROOTS};
	struct arena a = {0};
	struct err e = {0};

	package_graph(&d.closure, NODES, 8);
	if (spread_all(&a, &d.closure, &d.spread, &e) != 0)
		die(&e);
	uint32_t *targets = arena_alloc(&a, ROOTS * sizeof(*targets)), *weight = arena_alloc(&a, NODES * sizeof(*weight));
	uint8_t *had_before = arena_alloc(&a, NODES), *is_root = arena_alloc(&a, NODES);
	struct radius *r = arena_alloc(&a, ROOTS * sizeof(*r));
	d.roots = arena_alloc(&a, ROOTS * sizeof(*d.roots));
	memset(had_before, 1, NODES);
	for (uint32_t i = 0; i < ROOTS; i++) {
		struct str *what = arena_alloc(&a, sizeof(*what));
		*what = str_of(arena_printf(&a, "version %u", i / together));
		targets[i] = (uint32_t)((uint64_t)i * NODES / ROOTS);
		is_root[targets[i]] = 1;
		d.roots[i] = (struct root){.node = d.spread.node[targets[i]],
		    .sub = targets[i],
		    .what = what,
		    .n_what = 1,
		    .used_by = NO_ATTR};
	}
	spread_radius(&d.spread, NULL, targets, ROOTS, r);
	for (uint32_t i = 0; i < ROOTS; i++)
		d.roots[i].total = r[i];
	(void)malloc_trim(0); /* what the radius took and gave back does not count as there already */
	AUTO(fd_close) int refs = open("/proc/self/clear_refs", O_WRONLY | O_CLOEXEC);
	bool knows_peak = refs >= 0 && write(refs, "5", 1) == 1;
	long before = status_kb("VmRSS:");
	double start = cpu_ms();
	difference_find_alone(&d, had_before, weight);
	printf("alone_%s %.0f ms of processor  (goal: under 300)\n", name, cpu_ms() - start);
	if (knows_peak)
		printf("alone_%s_memory %ld MB  (goal: under 50)\n", name, (status_kb("VmHWM:") - before) / 1024);
	check_alone(&d, is_root);
	arena_release(&a);
	arena_release(&d.a);
	closure_release(&d.closure);
}

static void
bench_alone(void)
{
	alone_once(1, "20000_sources_of_300000");
	alone_once(10, "2000_sources_of_10_roots");
}

/* Least squares through the logarithms. */
static double
exponent(const double *x, const double *y, int n)
{
	double sx = 0, sy = 0, sxx = 0, sxy = 0;

	for (int i = 0; i < n; i++) {
		sx += log(x[i]);
		sy += log(y[i]);
		sxx += log(x[i]) * log(x[i]);
		sxy += log(x[i]) * log(y[i]);
	}
	return (n * sxy - sx * sy) / (n * sxx - sx * sx);
}

static void
bench_size(void)
{
	double x[4], y[4], each;

	for (int i = 0; i < 4; i++) {
		uint32_t n = i == 0 ? 1000 : i == 1 ? 10000 : i == 2 ? 100000 : 1000000;
		x[i] = n;
		y[i] = radius_once(n, 8, 500, &each);
		printf("radius_500_of_%u %.2f ms\n", n, y[i]);
	}
	printf("radius_exponent_500_targets %.2f -\n", exponent(x, y, 4));
	for (int i = 0; i < 4; i++) {
		uint32_t n = i == 0 ? 1000 : i == 1 ? 10000 : i == 2 ? 100000 : 1000000;
		y[i] = radius_once(n, 8, n / 15, &each);
		printf("radius_%u_of_%u %.2f ms\n", n / 15, n, y[i]);
	}
	printf("radius_exponent_targets_grow_too %.2f -\n", exponent(x, y, 4));
}

static struct fx_drv *
package(struct fixture *f, uint32_t i, bool bumped, struct fx_drv **all)
{
	static const char filler[] =
	    "configure --prefix=somewhere --enable-everything --disable-nothing; make -j; make install; ";
	struct fx_drv *d = arena_alloc(&f->a, sizeof(*d));
	struct fx_env *env = arena_alloc(&f->a, 5 * sizeof(*env));
	uint32_t first = i < 8 ? i : 8;

	env[0] =
	    (struct fx_env){"buildPhase", arena_printf(&f->a, "%s%s%s%s%s%s", filler, filler, filler, filler, filler, filler)};
	env[1] = (struct fx_env){"description", arena_printf(&f->a, "package number %u", i)};
	env[2] = (struct fx_env){"installPhase", arena_printf(&f->a, "%s%s%s", filler, filler, filler)};
	env[3] = (struct fx_env){"version", bumped ? "2" : "1"};
	*d = (struct fx_drv){.name = arena_printf(&f->a, "package%u-%s", i, bumped ? "2" : "1"), .env = env};
	for (uint32_t k = 0; k < first; k++)
		d->inputs[k] = all[i >= 64 && k < 4 ? (i / 64 - 1) * 64 + pick(64) : pick(i < 1000 ? i : i / 4)];
	return fx_make(f, d);
}

static void
bench_diff(void)
{
	enum { ATTRS = 100000 };
	struct fixture f;
	struct fx_evaluation b, h;
	struct err e = {0};
	struct fx_drv **old = mem_alloc(ATTRS * sizeof(*old)), **new = mem_alloc(ATTRS * sizeof(*new));
	uint8_t *changed = mem_alloc(ATTRS);
	size_t n_changed = 0;
	const char *meta =
	    "{\"version\":\"1\",\"description\":\"a package of some length with words in it\","
	    "\"homepage\":\"https://example.org/\",\"position\":\"/pkgs/a/default.nix:12\",\"license\":[\"MIT\"],"
	    "\"maintainers\":[\"somebody\"]}";

	fixture_begin(&f);
	fx_evaluation_begin(&b);
	fx_evaluation_begin(&h);
	for (uint32_t i = 0; i < ATTRS; i++) {
		uint64_t same = seed;
		old[i] = package(&f, i, false, old);
		/* One bump whose followers are about a twentieth: found by trying, then made sure of below. */
		seed = same;
		bool follows = i == 25010;
		uint64_t after = 0;
		uint32_t first = i < 8 ? i : 8;
		for (uint32_t k = 0; k < first; k++) {
			uint32_t at = i >= 64 && k < 4 ? (i / 64 - 1) * 64 + pick(64) : pick(i < 1000 ? i : i / 4);
			follows = follows || changed[at];
		}
		after = seed;
		if (follows && n_changed < 5000) {
			changed[i] = 1;
			n_changed++;
			seed = same;
			new[i] = package(&f, i, i == 25010, new);
		} else
			new[i] = old[i];
		seed = after;
		char *path = arena_printf(&f.a, "[\"p%06u\"]", i);
		fx_row(&b, path, old[i], meta);
		fx_row(&h, path, new[i], meta);
	}
	const char *base = fx_evaluation_end(&f, &b, "b.zst"), *head = fx_evaluation_end(&f, &h, "h.zst");
	AUTO(fd_close) int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
	char *out = arena_printf(&f.a, "%s/d.json", f.dir), *graphs = arena_printf(&f.a, "%s/graphs", f.dir);
	long before = peak_kb();
	printf("diff_attributes %d -\ndiff_rebuilds %zu -\n", ATTRS, n_changed);
	for (int i = 0; i < 3; i++) {
		struct record_out rec = {.fd = null};
		json_t *job = json_pack("{s:[{s:s,s:s}],s:[{s:s,s:s}],s:s,s:s,s:s,s:s}", "base", "job", "all", "file", base,
		    "head", "job", "all", "file", head, "out", out, "graph_dir", graphs, "store_dir", FX_STORE,
		    "real_store_dir", f.store);
		int64_t start = clock_mono_ns();
		if (fx_stage_diff(job, &rec, &e) != 0)
			die(&e);
		printf("diff_%s %.0f ms\n", i == 0 ? "cold_graph_file" : "warm_graph_file",
		    (double)(clock_mono_ns() - start) / 1e6);
		json_decref(job);
		double ms = (double)(clock_mono_ns() - start) / 1e6;
		job = json_pack("{s:{s:s,s:s,s:i,s:s,s:s},s:s,s:{s:s},s:[],s:s,s:s,s:[s,s,s,s,s]}", "run", "url",
		    "https://ci.example.org/1", "repo", "example/packages", "number", 1, "head",
		    "1111111111111111111111111111111111111111", "base", "2222222222222222222222222222222222222222", "phase",
		    "reported", "plan", "decision", "evaluate", "evaluations", "difference", out, "documents_dir", f.dir,
		    "formats", "checks", "comment", "labels", "json", "changed-paths");
		start = clock_mono_ns();
		struct arena ra = {0};
		struct report_job parsed;
		if (fields_read(&report_job_fields, &ra, str_of(json_line(&ra, job)), "job", &parsed, &e) != 0 ||
		    report_stage(&ra, &parsed, &rec, &e) != 0)
			die(&e);
		arena_release(&ra);
		json_decref(job);
		double report_ms = (double)(clock_mono_ns() - start) / 1e6;
		printf("report_all_documents %.0f ms\ndiff_and_report_%s %.0f ms\n", report_ms, i == 0 ? "cold" : "warm",
		    ms + report_ms);
	}
	printf("diff_peak_memory_with_fixture %ld MB (fixture alone %ld)\n", peak_kb() / 1024, before / 1024);
	fixture_end(&f);
}

static void
write_wide(const char *path, uint32_t n, struct err *e)
{
	AUTO(buf_release) struct buf text;
	struct difference_writer w;
	struct difference_counts counts = {.carry_commit = -1};
	struct meta_errors none = {0};
	struct arena a = {0};

	buf_init(&text, SIZE_MAX / 4);
	int64_t start = clock_mono_ns();
	difference_begin(&w, &text);
	int rc = difference_put(&w, DIFFERENCE_COUNTS, &counts, e);
	for (uint32_t i = 0; rc == 0 && i < n; i++) {
		const char *name = arena_printf(&a, "package%u-1.2.%u", i, i % 7);
		struct difference_side side[2];
		for (int k = 0; k < 2; k++)
			side[k] = (struct difference_side){.drv = arena_printf(&a, "/nix/store/%d%031u-%s.drv", k, i, name),
			    .name = name,
			    .outputs =
			        arena_printf(&a, "{\"dev\":\"/nix/store/%d%031u-%s-dev\",\"out\":\"/nix/store/%d%031u-%s\"}",
			            k + 2, i, name, k + 4, i, name),
			    .meta_json =
			        "{\"version\":\"1.2\",\"description\":\"a package of some length with words in it\","
			        "\"homepage\":\"https://example.org/\",\"position\":\"/pkgs/a/default.nix:12\",\"license\":"
			        "[\"MIT\"],\"maintainers\":[\"somebody\",\"somebody-else\"]}"};
		const char *path_texts[] = {"python3Packages", name}, *chain[] = {name, "wrapper-0", "libssh-2.0"};
		int64_t roots[] = {0, 3};
		struct difference_cause cause = {CAUSE_FOLLOWER, {NULL, 0}, {roots, 2}, 2, {chain, 3}};
		struct difference_radius radius = {i % 50, i % 60};
		struct difference_attribute one = {.path = {path_texts, 2},
		    .job = "packages",
		    .system = "x86_64-linux",
		    .class = CLASS_REBUILD,
		    .name = name,
		    .base = &side[0],
		    .head = &side[1],
		    .cause = &cause,
		    .radius = &radius};
		cause.what.p = chain; /* empty, but there */
		one.aliases.p = (struct texts[]){{0}};
		rc = difference_put(&w, DIFFERENCE_ATTRIBUTES, &one, e);
		arena_clear(&a);
	}
	if (rc != 0 || difference_put(&w, DIFFERENCE_META_ERRORS, &none, e) != 0 || difference_end(&w, e) != 0)
		die(e);
	printf("difference_written %.0f ms\ndifference_bytes %zu MB\n", (double)(clock_mono_ns() - start) / 1e6,
	    text.n / 1000000);
	arena_release(&a);
	if (files_write(path, buf_get(&text), 0600, FILES_NO_SYNC, e) != 0)
		die(e);
}

enum way { READ_ONE_BY_ONE, READ_KEEPING_ALL, READ_NOTHING, READ_TREE };

static void
read_wide(const char *path, enum way way, struct err *e)
{
	struct arena a = {0};
	struct difference_element one;
	struct difference_reader *r;
	json_t *tree;
	size_t n = 0;
	int rc;

	if (way == READ_TREE) {
		if (json_read_file(path, DIFFERENCE_MAX_BYTES, &tree, e) != 0)
			die(e);
		n = json_array_size(json_object_get(tree, "attributes"));
	} else {
		unsigned wanted = way == READ_NOTHING ? 1u << DIFFERENCE_TARGETS : 1u << DIFFERENCE_ATTRIBUTES;
		if (difference_open(path, wanted, &r, e) != 0)
			die(e);
		for (; (rc = difference_next(r, &a, &one, e)) == 1; n++)
			if (way == READ_ONE_BY_ONE)
				arena_clear(&a);
		if (rc != 0)
			die(e);
	}
	if (n != (way == READ_NOTHING ? 0 : 100000))
		exit(1);
}

/* Each way of reading in a process of its own, for its peak. */
static void
bench_file(void)
{
	static const char *const names[] = {"one_by_one", "keeping_all", "targets_only", "tree"};
	struct err e = {0};
	char dir[] = "/tmp/ekaci-graph-XXXXXX", path[sizeof(dir) + 8];

	if (mkdtemp(dir) == NULL)
		exit(1);
	snprintf(path, sizeof(path), "%s/d.json", dir);
	for (int i = -1; i <= READ_TREE; i++) {
		struct rusage u;
		int status;
		fflush(stdout);
		int64_t start = clock_mono_ns();
		pid_t pid = fork();
		if (pid == 0) {
			if (i < 0)
				write_wide(path, 100000, &e);
			else
				read_wide(path, (enum way)i, &e);
			exit(0);
		}
		if (pid < 0 || wait4(pid, &status, 0, &u) != pid || status != 0)
			exit(1);
		if (i >= 0)
			printf("difference_read_%s %.0f ms\ndifference_read_%s_peak %ld MB\n", names[i],
			    (double)(clock_mono_ns() - start) / 1e6, names[i], u.ru_maxrss / 1024);
	}
	if (files_remove_tree(dir, &e) != 0)
		die(&e);
}

static void
bench_load(const char *real, char **drvs, int n)
{
	struct err e = {0};
	uint32_t node;
	char dir[] = "/tmp/ekaci-graph-XXXXXX";

	if (mkdtemp(dir) == NULL)
		exit(1);
	for (int i = 0; i < 3; i++) {
		struct closure g;
		int64_t start = clock_mono_ns();
		closure_init(&g, "/nix/store", real);
		for (int k = 0; k < n; k++)
			if (closure_root(&g, str_of(drvs[k]), &node, &e) != 0)
				die(&e);
		if (closure_load(&g, &e) != 0)
			die(&e);
		double ms = (double)(clock_mono_ns() - start) / 1e6;
		if (i == 0)
			printf("load_derivations %zu -\nload_edges %zu -\n", g.loaded, g.targets.n);
		printf("load_from_drv_files %.0f ms\n", ms);
		if (i == 2 && cache_save(&g, (size_t)n, dir, &e) != 0)
			die(&e);
		closure_release(&g);
	}
	for (int i = 0; i < 3; i++) {
		struct closure g;
		int64_t start = clock_mono_ns();
		closure_init(&g, "/nix/store", real);
		for (int k = 0; k < n; k++)
			if (closure_root(&g, str_of(drvs[k]), &node, &e) != 0)
				die(&e);
		if (cache_load(&g, dir) != 1)
			exit(1);
		printf("load_from_graph_file %.1f ms\n", (double)(clock_mono_ns() - start) / 1e6);
		closure_release(&g);
	}
	if (files_remove_tree(dir, &e) != 0)
		die(&e);
}

int
main(int argc, char **argv)
{
	if (argc == 2 && strcmp(argv[1], "radius") == 0)
		bench_radius();
	else if (argc == 2 && strcmp(argv[1], "alone") == 0)
		bench_alone();
	else if (argc == 2 && strcmp(argv[1], "size") == 0)
		bench_size();
	else if (argc == 2 && strcmp(argv[1], "diff") == 0)
		bench_diff();
	else if (argc == 2 && strcmp(argv[1], "file") == 0)
		bench_file();
	else if (argc > 3 && strcmp(argv[1], "load") == 0)
		bench_load(argv[2], argv + 3, argc - 3);
	else {
		fputs("usage: graph radius | alone | size | diff | file | load REAL DRV...\n", stderr);
		return 2;
	}
	return 0;
}
