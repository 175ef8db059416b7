/* The coordinator of the built-in evaluator: asks workers for attributes, and looks after the workers. */
#include "evaluate/attrtree.h"
#include "evaluate/evaljobs.h"
#include "evaluate/late.h"
#include "evaluate/roots.h"
#include "evaluate/setup.h"
#include "support/base/clock.h"
#include "support/os/child.h"
#include "support/os/files.h"
#include "support/os/peer.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
	BATCH = 48,                 /* attributes a question asks about: bounds what a lost worker must do again */
	LINE_BYTES = 16 * 1024,     /* a question's length, far below what a pipe holds */
	SAMPLE_MS = 200,            /* how often memory is looked at */
	ERROR_BYTES = 16 * 1024,    /* of an attribute's message; a trace can be endless */
	MAX_WORKERS = 64,
	MAX_DEATHS = 12,            /* one after another without a row between: the budget is too small for anything */
	NIX_HEAP_MB = 384,          /* what Nix gives its collector */
	MOST_HEAP_MB = 1024
};

struct worker {
	struct walk *w;
	struct peer peer;
	uint32_t batch[BATCH];
	size_t n, done;   /* asked, answered */
	bool busy, ended; /* ended: its standard error was closed */
	bool in_error;
	bool own, own_code; /* the error names the walker's own text; its code is being shown */
	bool over_budget; /* killed by us */
	int64_t rss_kb;
	struct buf error;
};

struct walk {
	const struct eval_jobs *o;
	struct attrtree tree;
	VEC(uint32_t) alone;  /* a worker died on these: once more with nobody beside it */
	struct worker workers[MAX_WORKERS];
	size_t n_workers;     /* may run */
	char mark[40];
	char home[64];        /* the repl's history goes here */
	struct setup setup;
	unsigned deaths;      /* of workers for memory, since the last derivation */
	int64_t sampled_ms, until_ms;
	json_t *rewritten;    /* the answer to rewrite() */
};

static int
end_batch(struct worker *k, struct err *e)
{
	struct walk *w = k->w;
	struct str text = buf_get(&k->error);
	uint32_t failed = k->done < k->n ? k->batch[k->done] : 0;
	int rc = 0;

	k->busy = false;
	if (k->done == k->n)
		return 0;
	if (k->own && str_find(text, STR("unexpected '='")) >= 0)
		text = STR("error: a file it imports ends too early (syntax error, unexpected end of file)");
	else if (text.n == 0)
		text = STR("error: evaluation failed without a message");
	rc = attrtree_error(&w->tree, failed, text, e);
	/* What was not reached stands in front again: it is what this worker knows best. */
	if (rc == 0)
		attrtree_ask_again(&w->tree, k->batch + k->done + 1, k->n - k->done - 1);
	return rc;
}

static void
on_noise(struct worker *k, struct str line)
{
	bool starts = str_starts(line, STR("error:"));

	if (!k->busy)
		return;
	if (starts && !k->in_error)
		k->in_error = true;
	if (!k->in_error && (line.n == 0 || str_find(line, STR(":? for help")) >= 0))
		return; /* the repl's welcome */
	if (!k->in_error) {
		fprintf(stderr, STR_FMT "\n", STR_ARG(line)); /* a trace or a warning of the evaluated code */
		return;
	}
	/* Our own text is nothing to show: neither where in it, nor the lines of code. */
	struct str inner = str_trim(line);
	if (str_find(line, STR("at \xc2\xabstring\xc2\xbb")) >= 0)
		k->own = k->own_code = true;
	else if (inner.n > 0 && !(inner.p[0] >= '0' && inner.p[0] <= '9') && inner.p[0] != '|')
		k->own_code = false;
	if (k->own_code)
		return;
	if (k->error.n + line.n + 1 < ERROR_BYTES) {
		buf_str(&k->error, line);
		buf_putc(&k->error, '\n');
	}
}

static int
on_line(void *ctx, struct str line, struct err *e)
{
	struct worker *k = ctx;
	struct walk *w = k->w;
	ptrdiff_t at = str_find(line, str_of(w->mark));

	if (at < 0) {
		on_noise(k, line);
		return 0;
	}
	struct str said = str_from(line, (size_t)at + strlen(w->mark) + 1);
	char what = said.n > 0 ? said.p[0] : '?';
	struct str json = said.n > 2 ? str_from(said, 2) : STR("");
	if (what == 'e')
		return end_batch(k, e);
	if (what == 'w' && w->rewritten == NULL)
		return json_read(json, "answer", &w->rewritten, e);
	if (k->done >= k->n || (what != 'r' && what != 'k' && what != 'n'))
		return fail(e, ERR_SYSTEM, "nix answered what it was not asked: " STR_FMT, STR_ARG(str_utf8_head(said, 80)));
	k->in_error = k->own = k->own_code = false;
	buf_drop(&k->error, k->error.n);
	uint32_t id = k->batch[k->done++];
	if (what == 'n') {
		attrtree_nothing(&w->tree, id);
		return 0;
	}
	if (what == 'r')
		w->deaths = 0;
	return what == 'r' ? attrtree_derivation(&w->tree, id, json, e) : attrtree_set(&w->tree, id, json, e);
}

/* A quarter of a worker's memory as its heap from the start, where that is more than Nix itself begins with: every
 * collection that does not happen is time. Pages are only taken when used. Of corepkgs' 15.8 s of CPU it saves 1.5. */
static const char *
first_heap(struct arena *a, int64_t max_memory_mb)
{
	int64_t mb = max_memory_mb / 4 < MOST_HEAP_MB ? max_memory_mb / 4 : MOST_HEAP_MB;

	return mb > NIX_HEAP_MB ? arena_printf(a, "GC_INITIAL_HEAP_SIZE=%lld", (long long)mb << 20) : NULL;
}

static int
start_worker(struct walk *w, struct worker *k, struct err *e)
{
	struct arena a = {0};
	const char **argv = arena_alloc(&a, (w->o->n_nix + SETUP_WORDS + 1) * sizeof(*argv));
	const char *preload = setup_preload(&a);
	const char *heap = first_heap(&a, w->o->max_memory_mb);
	const char *env[5] = {arena_printf(&a, "XDG_DATA_HOME=%s", w->home), "TERM=dumb"};
	size_t n = 2;

	if (preload != NULL)
		env[n++] = arena_printf(&a, "LD_PRELOAD=%s", preload);
	if (heap != NULL)
		env[n++] = heap;
	argv[setup_command(&a, w->o, &w->setup, argv)] = NULL;
	*k = (struct worker){.w = w};
	buf_init(&k->error, ERROR_BYTES);
	int rc = peer_start(argv, env, &k->peer, e);
	if (rc == 0)
		rc = peer_say(&k->peer, buf_get(&w->setup.line), e);
	arena_release(&a);
	return rc;
}

/* A question, and what makes its end known. */
static int
say(struct worker *k, struct buf *line, struct err *e)
{
	/* When an imported file ends too early, Nix before 2.20 takes our question for unfinished input and adds the
	 * next line to it. A definition is a good line by itself and a syntax error behind a question. */
	buf_printf(line, "\nunused = 1\nbuiltins.trace \"%s e\" null\n", k->w->mark);
	k->busy = true;
	k->in_error = k->own = k->own_code = false;
	buf_drop(&k->error, k->error.n);
	return peer_say(&k->peer, buf_get(line), e);
}

static int
ask(struct walk *w, struct worker *k, const uint32_t *ids, size_t n, struct err *e)
{
	size_t max = (size_t)w->o->max_depth + 2;
	AUTO(mem_free) struct str *path = mem_alloc(max * sizeof(*path));
	AUTO(mem_free) uint32_t *indices = mem_alloc(max * sizeof(*indices));
	AUTO(buf_release) struct buf line = {0};

	buf_init(&line, 2 * LINE_BYTES);
	buf_puts(&line, "ekaci [");
	k->n = k->done = 0;
	while (k->n < n && line.n < LINE_BYTES) {
		uint32_t first = ids[k->n];
		size_t depth = attrtree_path(&w->tree, first, path, indices, max), count = 0;
		/* Neighbours in one set are asked for as a range: short lines, for nix reads them letter by letter. */
		do
			k->batch[k->n++] = first + (uint32_t)count++;
		while (k->n < n && first != 0 && ids[k->n] == first + count &&
		    w->tree.all.p[ids[k->n]].parent == w->tree.all.p[first].parent &&
		    w->tree.all.p[ids[k->n]].index == w->tree.all.p[first].index + count);
		buf_printf(&line, " [ %u %zu", first != 0 ? indices[depth - 1] : 0, first != 0 ? count : 0);
		for (size_t d = 0; d + 1 < depth; d++)
			buf_printf(&line, " %u", indices[d]);
		buf_puts(&line, " ]");
	}
	buf_puts(&line, " ]");
	return say(k, &line, e);
}

static size_t
busy(const struct walk *w)
{
	size_t n = 0;

	for (size_t i = 0; i < w->n_workers; i++)
		n += w->workers[i].busy;
	return n;
}

static void
stop_worker(struct worker *k, int *ret_status)
{
	int status = peer_end(&k->peer);

	if (ret_status != NULL)
		*ret_status = status;
	buf_release(&k->error);
	k->busy = k->ended = k->over_budget = false;
	k->rss_kb = 0;
}

/* Gives every free worker something to do. */
static int
dispatch(struct walk *w, struct err *e)
{
	if (w->tree.head == w->tree.queue.n && w->alone.n > 0 && busy(w) == 0) {
		/* Nobody beside it: the others' memory goes first. */
		for (size_t i = 0; i < w->n_workers; i++)
			stop_worker(&w->workers[i], NULL);
		uint32_t id = w->alone.p[--w->alone.n];
		if (start_worker(w, &w->workers[0], e) != 0)
			return -1;
		return ask(w, &w->workers[0], &id, 1, e);
	}
	for (size_t i = 0; i < w->n_workers; i++) {
		struct worker *k = &w->workers[i];
		size_t left = w->tree.queue.n - w->tree.head;
		size_t share = left / (2 * w->n_workers) + 1;
		if (left == 0)
			break;
		if (k->busy)
			continue;
		if (k->peer.pid == 0 && start_worker(w, k, e) != 0)
			return -1;
		if (ask(w, k, w->tree.queue.p + w->tree.head, share < BATCH ? share : BATCH, e) != 0)
			return -1;
		w->tree.head += k->n;
	}
	return 0;
}

/* A worker is gone: what it was asked and had not answered is for another one, but for the attribute it died on. */
static int
on_death(struct walk *w, struct worker *k, struct err *e)
{
	AUTO(buf_release) struct buf text = {0};
	bool was_busy = k->busy, over = k->over_budget;
	int status;

	if (k->done == k->n)
		was_busy = false;
	buf_init(&text, ERROR_BYTES * 2);
	buf_str(&text, buf_get(&k->error));
	stop_worker(k, &status);
	if (!was_busy)
		return 0;
	uint32_t id = k->batch[k->done];
	if (over && ++w->deaths > MAX_DEATHS)
		return fail(e, ERR_LIMIT, "the memory budget of %lld MiB is too small: %d workers in a row went beyond it",
		    (long long)(w->o->workers * w->o->max_memory_mb), MAX_DEATHS);
	bool memory = over || WIFSIGNALED(status) || str_find(buf_get(&text), STR("out of memory")) >= 0;
	for (size_t i = k->done + 1; i < k->n; i++)
		vec_push(&w->tree.queue, k->batch[i]);
	if (memory && w->tree.all.p[id].tries++ == 0) {
		vec_push(&w->alone, id);
		return 0;
	}
	if (over)
		buf_printf(&text, "error: evaluating this takes more memory than the budget of %lld MiB",
		    (long long)(w->o->workers * w->o->max_memory_mb));
	else if (text.n == 0)
		buf_printf(&text, "error: nix ended with %s %d while it evaluated this",
		    WIFSIGNALED(status) ? "signal" : "code", WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
	return attrtree_error(&w->tree, id, buf_get(&text), e);
}

/* All workers together have workers x size. A worker over its share is replaced when it has nothing to do; over the
 * budget the largest is killed at once. */
static void
watch_memory(struct walk *w)
{
	int64_t now = clock_mono_ms(), all = 0;
	struct worker *largest = NULL;

	if (now - w->sampled_ms < SAMPLE_MS)
		return;
	w->sampled_ms = now;
	for (size_t i = 0; i < w->n_workers; i++) {
		struct worker *k = &w->workers[i];
		k->rss_kb = peer_rss_kb(&k->peer);
		if (!k->busy && k->rss_kb > w->o->max_memory_mb * 1024)
			stop_worker(k, NULL);
		all += k->rss_kb;
		if (k->rss_kb > 0 && (largest == NULL || k->rss_kb > largest->rss_kb))
			largest = k;
	}
	if (largest == NULL || all <= w->o->max_memory_mb * 1024 * w->o->workers)
		return;
	fprintf(stderr, "killing worker: %lld MiB of %lld are used\n", (long long)(all / 1024),
	    (long long)(w->o->max_memory_mb * w->o->workers));
	largest->over_budget = true;
	kill(largest->peer.pid, SIGKILL);
}

/* Out of time: what is being evaluated right now is the best answer to "what takes so long". */
static int
too_long(const struct walk *w, struct err *e)
{
	AUTO(buf_release) struct buf names = {0};

	buf_init(&names, 1024);
	for (size_t i = 0; i < w->n_workers; i++)
		if (w->workers[i].busy && w->workers[i].done < w->workers[i].n) {
			buf_puts(&names, names.n > 0 ? ", " : "");
			attrtree_name(&w->tree, w->workers[i].batch[w->workers[i].done], &names);
		}
	return fail(e, ERR_LIMIT, "not done after %lld s (%zu rows so far); being evaluated: " STR_FMT,
	    (long long)w->o->max_seconds, w->tree.rows, STR_ARG(buf_get(&names)));
}

static int
turn(struct walk *w, struct err *e)
{
	struct pollfd fds[MAX_WORKERS];
	struct worker *who[MAX_WORKERS];
	nfds_t n = 0;

	for (size_t i = 0; i < w->n_workers; i++)
		if (w->workers[i].peer.pid != 0) {
			who[n] = &w->workers[i];
			fds[n++] = (struct pollfd){.fd = w->workers[i].peer.err, .events = POLLIN};
		}
	if (poll(fds, n, SAMPLE_MS) > 0)
		for (nfds_t i = 0; i < n; i++) {
			if (fds[i].revents == 0)
				continue;
			int rc = peer_read(&who[i]->peer, on_line, who[i], e);
			if (rc < 0 || (rc > 0 && on_death(w, who[i], e) != 0))
				return -1;
		}
	watch_memory(w);
	if (w->until_ms != 0 && clock_mono_ms() > w->until_ms)
		return too_long(w, e);
	return child_cancelled() ? fail(e, ERR_BUSY, "cancelled") : 0;
}

/* For aggregate.h. Any worker can: one that is new evaluates anew what it needs. */
static int
rewrite(void *ctx, const json_t *attr_path, const json_t *inputs, json_t **ret, struct err *e)
{
	struct walk *w = ctx;
	struct worker *k = &w->workers[0];
	size_t max = (size_t)w->o->max_depth + 2;
	AUTO(mem_free) struct str *path = mem_alloc(max * sizeof(*path));
	AUTO(mem_free) uint32_t *indices = mem_alloc(max * sizeof(*indices));
	AUTO(buf_release) struct buf line = {0}, json = {0};
	size_t depth = attrtree_path(&w->tree, attrtree_find(&w->tree, attr_path), path, indices, max);

	if (k->peer.pid == 0 && start_worker(w, k, e) != 0)
		return -1;
	buf_init(&line, PEER_MAX_LINE);
	buf_init(&json, PEER_MAX_LINE);
	buf_puts(&line, "ekaci [ { path = [");
	for (size_t i = 0; i < depth; i++)
		buf_printf(&line, " %u", indices[i]);
	buf_puts(&line, " ]; inputs = builtins.fromJSON ");
	json_write(inputs, &json);
	if (walk_nix_string(buf_get(&json), &line, e) != 0)
		return -1;
	buf_puts(&line, "; } ]");
	k->n = k->done = 0;
	if (say(k, &line, e) != 0)
		return -1;
	while (k->busy)
		if (turn(w, e) != 0)
			return -1;
	struct str words = str_trim(buf_get(&k->error));
	*ret = w->rewritten != NULL ? w->rewritten
	    : json_pack("{s:o}", "error", json_any_string(words.n > 0 ? str_utf8_head(words, 2000) : STR("nix ended while it was evaluated")));
	w->rewritten = NULL;
	struct str drv = json_text(*ret, "drvPath");
	if (drv.n == 0)
		return 0;
	return roots_is_drv(drv) ? attrtree_keep(&w->tree, drv, e) : fail(e, ERR_SYSTEM, "an aggregate became no derivation");
}

static int
prepare(struct walk *w, struct err *e)
{
	uint64_t random[2];

	if (getrandom(random, sizeof(random), 0) != sizeof(random))
		return fail_sys(e, "no random numbers");
	snprintf(w->mark, sizeof(w->mark), "ekaci%016llx%016llx", (unsigned long long)random[0],
	    (unsigned long long)random[1]);
	if (setup_make(w->o, w->mark, &w->setup, e) != 0)
		return -1;
	if (w->o->roots_dir != NULL && files_mkdirs(w->o->roots_dir, 0755, e) != 0)
		return -1;
	snprintf(w->home, sizeof(w->home), "/tmp/ekaci-eval-%d-XXXXXX", (int)getpid());
	if (mkdtemp(w->home) == NULL) {
		w->home[0] = '\0';
		return fail_sys(e, "no temporary folder");
	}
	w->n_workers = w->o->workers < MAX_WORKERS ? (size_t)w->o->workers : MAX_WORKERS;
	return 0;
}

int
walk_run(const struct eval_jobs *o, struct err *e)
{
	AUTO(mem_free) struct walk *w = mem_alloc(sizeof(*w));
	struct err ignored;

	w->o = o;
	attrtree_init(&w->tree, o);
	w->until_ms = o->max_seconds != 0 ? clock_mono_ms() + o->max_seconds * 1000 : 0;
	int rc = prepare(w, e);
	while (rc == 0 && (w->tree.head < w->tree.queue.n || w->alone.n > 0 || busy(w) > 0)) {
		rc = dispatch(w, e);
		if (rc == 0)
			rc = turn(w, e);
		if (rc == 0)
			rc = attrtree_settle(&w->tree, e);
	}
	const struct aggregate_rewriter by = {rewrite, w};
	if (rc == 0 && w->tree.late.n > 0)
		rc = late_print(o, w->tree.late.p, w->tree.late.n, &by, e);
	/* The workers hold temporary roots: the lasting one is made before they go. */
	if (rc == 0 && o->roots_dir != NULL)
		rc = roots_keep(w->tree.drvs.p, w->tree.drvs.n, o->roots_dir, "ekaci-roots", e);
	for (size_t i = 0; i < w->n_workers; i++)
		stop_worker(&w->workers[i], NULL);
	if (w->home[0] != '\0' && files_remove_tree(w->home, &ignored) != 0)
		fprintf(stderr, "%s\n", ignored.msg);
	vec_release(&w->alone);
	setup_release(&w->setup);
	json_decref(w->rewritten);
	attrtree_release(&w->tree);
	return rc;
}
