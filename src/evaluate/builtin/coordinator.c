/* The coordinator of the built-in evaluator: asks workers for attributes, and looks after the workers. */
#include "evaluate/builtin/attrtree.h"
#include "evaluate/builtin/evaljobs.h"
#include "evaluate/builtin/late.h"
#include "evaluate/builtin/outlay.h"
#include "evaluate/builtin/preamble.h"
#include "nix/path.h"
#include "nix/preload.h"
#include "nix/quote.h"
#include "nix/roots.h"
#include "nix/saying.h"
#include "support/base/clock.h"
#include "support/os/child.h"
#include "support/os/files.h"
#include "support/os/peer.h"
#include "support/text/escape.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
	RUN = 8,                 /* neighbours that one worker is asked for, about, where orders are fixed */
	BATCH = 48,              /* attributes a question asks about: bounds what a lost worker must do again */
	LINE_BYTES = 16 * 1024,  /* a question's length, far below what a pipe holds */
	SAMPLE_MS = 200,         /* how often memory is looked at */
	ERROR_BYTES = 16 * 1024, /* of an attribute's message */
	SAID_BYTES = 256 * 1024, /* of all that Nix says about it; a trace can be endless */
	MAX_WORKERS = 64,
	MAX_DEATHS = 12,   /* one after another without a row between: the budget is too small for anything */
	NIX_HEAP_MB = 384, /* what Nix gives its collector */
	MOST_HEAP_MB = 1024
};

struct repl {
	struct tree_walk *w;
	struct peer peer;
	uint32_t batch[BATCH];
	size_t n, done;   /* asked, answered */
	bool busy, ended; /* ended: its standard error was closed */
	bool greets;      /* it has not begun to work: what it says is its welcome */
	bool in_error;
	bool over_budget; /* killed by us */
	char half;        /* what the attribute at hand has answered whose second line is to come: 'd' or 's'; else 0 */
	int64_t rss_kb;
	struct buf error; /* what Nix said since the last answer */
	struct buf first; /* of a half answer */
	struct buf plain;
	struct outlay spent;
	VEC(uint32_t) own; /* fixed orders: what it alone is to be asked, from own_head on */
	size_t own_head;
};

struct tree_walk {
	const struct eval_jobs *o;
	struct attrtree tree;
	VEC(uint32_t) alone; /* a worker died on these: once more with nobody beside it */
	struct repl workers[MAX_WORKERS];
	size_t n_workers; /* may run */
	char mark[40];
	char home[64]; /* the repl's history goes here */
	struct preamble preamble;
	unsigned deaths; /* of workers for memory, since the last derivation */
	int64_t sampled_ms, until_ms;
	json_t *rewritten; /* the answer to rewrite() */
	bool replaced;     /* a worker was: what is shared is paid again, so no row says its cost from then on */
};

/* The next answer that is a row has what was spent for it; lend() goes before it, and settle() behind. */
static void
lend(struct repl *k)
{
	k->w->tree.beside = k->w->o->stats ? outlay_of_row(&k->spent, k->w->replaced) : (struct str){0};
}

static void
settle(struct repl *k)
{
	if (k->w->tree.beside.n == 0)
		outlay_paid(&k->spent);
	k->w->tree.beside = (struct str){0};
}

static int
row_error(struct repl *k, uint32_t id, struct str text, struct err *e)
{
	lend(k);
	int rc = attrtree_error(&k->w->tree, id, text, e);
	settle(k);
	return rc;
}

static int
row_derivation(struct repl *k, uint32_t id, struct str json, struct str meta, struct str bad_meta, struct err *e)
{
	lend(k);
	int rc = attrtree_derivation(&k->w->tree, id, json, meta, bad_meta, e);
	settle(k);
	return rc;
}

/* The attribute at hand has answered; second: JSON of the second line, or empty text when that failed in words. */
static int
take_both(struct repl *k, struct str second, struct str words, struct err *e)
{
	uint32_t id = k->batch[k->done++];
	bool derivation = k->half == 'd';

	k->half = '\0';
	if (derivation)
		return row_derivation(k, id, buf_get(&k->first), second, words, e);
	return attrtree_set(&k->w->tree, id, buf_get(&k->first), second, e);
}

static void
ask_again(struct repl *k)
{
	if (k->w->o->stats)
		k->own_head -= k->n - k->done; /* they stand there still */
	else
		attrtree_ask_again(&k->w->tree, k->batch + k->done, k->n - k->done);
}

static int
end_batch(struct repl *k, struct err *e)
{
	AUTO(buf_release) struct buf shown = {0};
	struct str said = buf_get(&k->error), text;
	int rc;

	k->busy = false;
	if (k->done == k->n)
		return 0;
	buf_init(&shown, 2 * SAID_BYTES);
	saying_show(said, &shown);
	text = str_utf8_head(str_trim(buf_get(&shown)), ERROR_BYTES);
	if (saying_is_ours(saying_last(said)) && str_find(text, STR("unexpected '='")) >= 0)
		text = STR(
		    "error: a file that is read ends too early (syntax error, unexpected end of file); this version of Nix does not say "
		    "which: nix-instantiate --parse FILE does");
	else if (text.n == 0)
		text = STR("error: evaluation failed without a message");
	if (k->half != '\0')
		rc = take_both(k, STR(""), text, e);
	else
		rc = row_error(k, k->batch[k->done++], text, e);
	/* What was not reached stands in front again: it is what this worker knows best. */
	if (rc == 0)
		ask_again(k);
	return rc;
}

/* What a repl says before it works: "Welcome to Nix 2.8.0. Type :? for help.", "Nix 2.26.3" and "Type :? for help.", and of
 * one that has no :te, that. */
static bool
is_greeting(struct str line)
{
	return line.n == 0 || str_find(line, STR("Type :? for help")) >= 0 || str_starts(line, STR("Nix ")) ||
	       str_starts(line, STR("Lix ")) || str_starts(line, STR("error: unknown command ':te'"));
}

static void
on_noise(struct repl *k, struct str line)
{
	if (memchr(line.p, '\x1b', line.n) != NULL) {
		buf_drop(&k->plain, k->plain.n);
		escape_plain(&k->plain, line);
		line = buf_get(&k->plain);
	}
	bool starts = str_starts(line, STR("error:"));

	if (k->greets && is_greeting(line))
		return;
	if (starts) {
		k->in_error = true;
		buf_drop(&k->error, k->error.n);
	}
	if (!k->in_error) {
		outlay_hear(&k->spent, line);
		if (k->busy && line.n > 0)
			fprintf(stderr, STR_FMT "\n", STR_ARG(line)); /* a trace or a warning of the evaluated code */
		return;
	}
	line = str_utf8_head(line, SAID_BYTES / 4);
	if (k->error.n + line.n + 1 > SAID_BYTES) {
		/* The words stand last, behind a trace, or first. */
		if (!str_starts(buf_get(&k->error), STR("error: ")))
			buf_drop(&k->error, SAID_BYTES / 2);
		else
			return;
	}
	buf_str(&k->error, line);
	buf_putc(&k->error, '\n');
}

static void
forget_error(struct repl *k)
{
	k->in_error = false;
	buf_drop(&k->error, k->error.n);
}

/* The first of two lines about the attribute at hand. */
static int
take_half(struct repl *k, char what, struct str json, struct err *e)
{
	k->half = what;
	buf_drop(&k->first, k->first.n);
	buf_str(&k->first, json);
	return k->first.over ? fail(e, ERR_LIMIT, "a row is too long") : 0;
}

static int
on_answer(struct repl *k, char what, struct str json, struct err *e)
{
	struct tree_walk *w = k->w;

	forget_error(k);
	switch (what) {
	case 'd':
	case 's': w->deaths = what == 'd' ? 0 : w->deaths; return take_half(k, what, json, e);
	case 'm':
	case 'l': return take_both(k, json, STR(""), e);
	case 'n': attrtree_nothing(&w->tree, k->batch[k->done++]); return 0;
	case 'r': w->deaths = 0; return row_derivation(k, k->batch[k->done++], json, STR(""), STR(""), e);
	default: return attrtree_set(&w->tree, k->batch[k->done++], json, STR(""), e);
	}
}

static int
on_line(void *ctx, struct str line, struct err *e)
{
	struct repl *k = ctx;
	struct tree_walk *w = k->w;
	ptrdiff_t at = str_find(line, str_of(w->mark));

	if (at < 0) {
		on_noise(k, line);
		return 0;
	}
	struct str said = str_from(line, (size_t)at + strlen(w->mark) + 1);
	char what = said.n > 0 ? said.p[0] : '?';
	struct str json = said.n > 2 ? str_from(said, 2) : STR("");
	if (what == 'c') {
		outlay_count(&k->spent, json);
		return 0;
	}
	if (what == 'b') {
		k->greets = false;
		if (k->in_error)
			fprintf(stderr, STR_FMT "\n", STR_ARG(buf_get(&k->error)));
		forget_error(k);
		return 0;
	}
	if (what == 'e')
		return end_batch(k, e);
	if (what == 'w' && w->rewritten == NULL)
		return json_read(json, "answer", &w->rewritten, e);
	/* A second line comes behind its first one, and nothing else does. */
	const char *due = k->half == 'd' ? "m" : k->half == 's' ? "l" : "rdksn";
	if (k->done >= k->n || strchr(due, what) == NULL)
		return fail(e, ERR_SYSTEM, "nix answered what it was not asked: " STR_FMT, STR_ARG(str_utf8_head(said, 80)));
	return on_answer(k, what, json, e);
}

/* A quarter of a worker's memory as its heap from the start, where that is more than Nix itself begins with: every
 * collection that does not happen is time. Pages are only taken when used. Of corepkgs' 15.8 s of CPU it saves 1.5. */
static const char *
first_heap(struct arena *a, int64_t max_memory_mb)
{
	int64_t mb = max_memory_mb / 4 < MOST_HEAP_MB ? max_memory_mb / 4 : MOST_HEAP_MB;

	return mb > NIX_HEAP_MB ? arena_printf(a, "GC_INITIAL_HEAP_SIZE=%lld", (long long)mb << 20) : NULL;
}

/* What Nix is started with, as LD_PRELOAD has it; NULL: nothing. */
static const char *
preload_of(const struct tree_walk *w, struct arena *a)
{
	const char *lines = nix_reads_bytes(&w->preamble.nix) ? nix_preload(a, PRELOAD_LINES) : NULL;
	const char *cost = w->o->stats ? nix_preload(a, PRELOAD_COST) : NULL;

	if (lines == NULL || cost == NULL)
		return lines != NULL ? lines : cost;
	return arena_printf(a, "%s:%s", lines, cost);
}

static int
start_worker(struct tree_walk *w, struct repl *k, struct err *e)
{
	struct arena a = {0};
	const char **argv = arena_alloc(&a, (w->o->n_nix + PREAMBLE_WORDS + 1) * sizeof(*argv));
	const char *preload = preload_of(w, &a);
	const char *heap = first_heap(&a, w->o->max_memory_mb);
	const char *env[5] = {arena_printf(&a, "XDG_DATA_HOME=%s", w->home), "TERM=dumb"};
	size_t n = 2;

	if (preload != NULL)
		env[n++] = arena_printf(&a, "LD_PRELOAD=%s", preload);
	if (heap != NULL)
		env[n++] = heap;
	argv[preamble_command(&a, w->o, &w->preamble, argv)] = NULL;
	w->replaced |= k->w != NULL;
	k->w = w;
	k->greets = true;
	k->in_error = k->busy = k->ended = k->over_budget = false;
	k->n = k->done = 0;
	buf_init(&k->error, 2 * SAID_BYTES);
	buf_init(&k->first, PEER_MAX_LINE);
	buf_init(&k->plain, PEER_MAX_LINE);
	outlay_init(&k->spent);
	int rc = peer_start(argv, env, &k->peer, e);
	if (rc == 0)
		rc = peer_say(&k->peer, buf_get(&w->preamble.line), e);
	arena_release(&a);
	return rc;
}

/* A question, and what makes its end known. */
static int
say(struct repl *k, struct buf *line, struct err *e)
{
	/* When an imported file ends too early, Nix before 2.20 takes our question for unfinished input and adds the
	 * next line to it. A definition is a good line by itself and a syntax error behind a question. */
	buf_printf(line, "\nunused = 1\nbuiltins.trace \"%s e\" null\n", k->w->mark);
	k->busy = true;
	k->half = '\0';
	forget_error(k);
	return peer_say(&k->peer, buf_get(line), e);
}

static int
ask(struct tree_walk *w, struct repl *k, const uint32_t *ids, size_t n, struct err *e)
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
busy(const struct tree_walk *w)
{
	size_t n = 0;

	for (size_t i = 0; i < w->n_workers; i++)
		n += w->workers[i].busy;
	return n;
}

static void
stop_worker(struct repl *k)
{
	(void)peer_end(&k->peer);
	buf_release(&k->error);
	buf_release(&k->first);
	buf_release(&k->plain);
	outlay_release(&k->spent);
	k->busy = k->ended = k->over_budget = false;
	k->rss_kb = 0;
}

/* Of two attributes at the same depth, in the order of their paths. */
static int
compare_places(const struct attrtree *tree, uint32_t x, uint32_t y)
{
	const struct tree_attr *a = &tree->all.p[x], *b = &tree->all.p[y];

	if (x == y)
		return 0;
	if (a->depth != b->depth)
		return a->depth < b->depth ? -1 : 1;
	int c = a->parent != b->parent ? compare_places(tree, a->parent, b->parent) : 0;
	return c != 0 ? c : a->index < b->index ? -1 : 1;
}

static int
by_place(const void *a, const void *b, void *tree)
{
	return compare_places(tree, *(const uint32_t *)a, *(const uint32_t *)b);
}

static uint64_t
hash_of(const struct attrtree *tree, uint32_t id)
{
	uint64_t h = id != 0 ? hash_of(tree, tree->all.p[id].parent) : 14695981039346656037u;

	for (size_t i = 0; i < tree->all.p[id].name.n; i++)
		h = (h ^ (unsigned char)tree->all.p[id].name.p[i]) * 1099511628211u;
	h = (h ^ '.') * 1099511628211u;
	return h ^ h >> 29;
}

/*
 * Where rows say their costs, who is asked what, and in which order, must not depend on who is faster: a worker pays for what is shared
 * once, so its sum is that of the attributes it was given, in whatever order, and each one's is that of the order. So a level of the tree
 * is asked when the one above it has answered, sorted by path, and neighbours go together to a worker that their names decide: a run of them
 * ends where a name's hash says so, so that one that is added or removed moves few others.
 */
static void
share_out(struct tree_walk *w)
{
	uint32_t *ids = w->tree.queue.p + w->tree.head;
	size_t n = w->tree.queue.n - w->tree.head;
	uint64_t whose = 0;

	for (size_t i = 0; i < w->n_workers; i++)
		if (w->workers[i].busy || w->workers[i].own_head < w->workers[i].own.n)
			return;
	qsort_r(ids, n, sizeof(*ids), by_place, &w->tree);
	for (size_t i = 0; i < n; i++) {
		uint64_t h = hash_of(&w->tree, ids[i]);
		if (i == 0 || h % RUN == 0 || w->tree.all.p[ids[i]].parent != w->tree.all.p[ids[i - 1]].parent)
			whose = (h >> 8) % w->n_workers;
		vec_push(&w->workers[whose].own, ids[i]);
	}
	w->tree.head = w->tree.queue.n;
}

static bool
is_left(const struct tree_walk *w)
{
	bool left = w->tree.head < w->tree.queue.n;

	for (size_t i = 0; i < w->n_workers; i++)
		left |= w->workers[i].own_head < w->workers[i].own.n;
	return left;
}

/* Gives every free worker what is its own. */
static int
dispatch_own(struct tree_walk *w, struct err *e)
{
	share_out(w);
	for (size_t i = 0; i < w->n_workers; i++) {
		struct repl *k = &w->workers[i];
		size_t left = k->own.n - k->own_head;
		if (left == 0 || k->busy)
			continue;
		if ((k->peer.pid == 0 && start_worker(w, k, e) != 0) ||
		    ask(w, k, k->own.p + k->own_head, left < BATCH ? left : BATCH, e) != 0)
			return -1;
		k->own_head += k->n;
	}
	return 0;
}

/* Gives every free worker something to do. */
static int
dispatch(struct tree_walk *w, struct err *e)
{
	if (!is_left(w) && w->alone.n > 0 && busy(w) == 0) {
		/* Nobody beside it: the others' memory goes first. */
		for (size_t i = 0; i < w->n_workers; i++)
			stop_worker(&w->workers[i]);
		uint32_t id = w->alone.p[--w->alone.n];
		if (start_worker(w, &w->workers[0], e) != 0)
			return -1;
		return ask(w, &w->workers[0], &id, 1, e);
	}
	if (w->o->stats)
		return dispatch_own(w, e);
	for (size_t i = 0; i < w->n_workers; i++) {
		struct repl *k = &w->workers[i];
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

/* In words of ours or, where it said something, Nix's: why the worker ended on the attribute at hand. */
static void
last_words(const struct tree_walk *w, const struct repl *k, int status, bool over, struct buf *out)
{
	saying_show(buf_get(&k->error), out);
	if (over)
		buf_printf(out, "error: evaluating this takes more memory than the budget of %lld MiB",
		    (long long)(w->o->workers * w->o->max_memory_mb));
	else if (str_trim(buf_get(out)).n == 0)
		buf_printf(out, "error: nix ended with %s %d while it evaluated this", WIFSIGNALED(status) ? "signal" : "code",
		    WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
}

/* A worker is gone: what it was asked and had not answered is for another one, but for the attribute it died on. */
static int
on_death(struct tree_walk *w, struct repl *k, struct err *e)
{
	AUTO(buf_release) struct buf text = {0};
	bool was_busy = k->busy && k->done < k->n, over = k->over_budget;
	int status = peer_end(&k->peer);

	buf_init(&text, 2 * SAID_BYTES);
	last_words(w, k, status, over, &text);
	int rc = 0;
	if (was_busy) {
		uint32_t id = k->batch[k->done];
		bool memory = over || WIFSIGNALED(status) || str_find(buf_get(&text), STR("out of memory")) >= 0;
		for (size_t i = k->done + 1; i < k->n; i++)
			vec_push(&w->tree.queue, k->batch[i]);
		if (over && ++w->deaths > MAX_DEATHS)
			rc =
			    fail(e, ERR_LIMIT, "the memory budget of %lld MiB is too small: %d workers in a row went beyond it",
			        (long long)(w->o->workers * w->o->max_memory_mb), MAX_DEATHS);
		else if (memory && w->tree.all.p[id].tries++ == 0)
			vec_push(&w->alone, id);
		else if (id == 0 && !over && WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL)
			rc = fail(e, ERR_BUSY, "nix was killed twice, not by us, while it evaluated the root");
		else if (k->half != '\0')
			rc = take_both(k, STR(""), str_utf8_head(str_trim(buf_get(&text)), ERROR_BYTES), e);
		else
			rc = row_error(k, id, str_utf8_head(str_trim(buf_get(&text)), ERROR_BYTES), e);
	}
	stop_worker(k);
	return rc;
}

/* All workers together have workers x size. A worker over its share is replaced when it has nothing to do; over the
 * budget the largest is killed at once. */
static void
watch_memory(struct tree_walk *w)
{
	int64_t now = clock_mono_ms(), all = 0;
	struct repl *largest = NULL;

	if (now - w->sampled_ms < SAMPLE_MS)
		return;
	w->sampled_ms = now;
	for (size_t i = 0; i < w->n_workers; i++) {
		struct repl *k = &w->workers[i];
		k->rss_kb = peer_rss_kb(&k->peer);
		if (!k->busy && k->rss_kb > w->o->max_memory_mb * 1024)
			stop_worker(k);
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
too_long(const struct tree_walk *w, struct err *e)
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
turn(struct tree_walk *w, struct err *e)
{
	struct pollfd fds[MAX_WORKERS];
	struct repl *who[MAX_WORKERS];
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
	struct tree_walk *w = ctx;
	struct repl *k = &w->workers[0];
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
	if (nix_quote(buf_get(&json), &line, e) != 0)
		return -1;
	buf_puts(&line, "; } ]");
	k->n = k->done = 0;
	if (say(k, &line, e) != 0)
		return -1;
	while (k->busy)
		if (turn(w, e) != 0)
			return -1;
	AUTO(buf_release) struct buf shown = {0};
	buf_init(&shown, 2 * SAID_BYTES);
	saying_show(buf_get(&k->error), &shown);
	struct str words = str_trim(buf_get(&shown));
	*ret = w->rewritten != NULL
	           ? w->rewritten
	           : json_pack("{s:o}", "error",
	                 json_any_string(words.n > 0 ? str_utf8_head(words, 2000) : STR("nix ended while it was evaluated")));
	w->rewritten = NULL;
	struct str drv = json_text(*ret, "drvPath");
	if (drv.n == 0)
		return 0;
	return nix_path_is_drv(drv) ? attrtree_keep(&w->tree, drv, e)
	                            : fail(e, ERR_SYSTEM, "an aggregate became no derivation");
}

static int
prepare(struct tree_walk *w, struct err *e)
{
	uint64_t random[2];

	if (getrandom(random, sizeof(random), 0) != sizeof(random))
		return fail_sys(e, "no random numbers");
	snprintf(w->mark, sizeof(w->mark), "ekaci%016llx%016llx", (unsigned long long)random[0], (unsigned long long)random[1]);
	if (preamble_make(w->o, w->mark, &w->preamble, e) != 0)
		return -1;
	/* Where it stands, a throw says in its trace only. Nix before 2.9 does not know the command, and shows the place anyhow. */
	buf_printf(&w->preamble.line, ":te true\nbuiltins.trace \"%s b\" null\n", w->mark);
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
	AUTO(mem_free) struct tree_walk *w = mem_alloc(sizeof(*w));
	struct err ignored;

	w->o = o;
	attrtree_init(&w->tree, o);
	w->until_ms = o->max_seconds != 0 ? clock_mono_ms() + o->max_seconds * 1000 : 0;
	int rc = prepare(w, e);
	while (rc == 0 && (is_left(w) || w->alone.n > 0 || busy(w) > 0)) {
		rc = dispatch(w, e);
		if (rc == 0)
			rc = turn(w, e);
		if (rc == 0)
			rc = attrtree_settle(&w->tree, e);
	}
	if (rc == 0)
		rc = attrtree_end(&w->tree, e);
	const struct aggregate_rewriter by = {rewrite, w};
	if (rc == 0 && w->tree.late.n > 0)
		rc = late_print(o, w->tree.late.p, w->tree.late.n, &by, e);
	/* The workers hold temporary roots: the lasting one is made before they go. */
	if (rc == 0 && o->roots_dir != NULL)
		rc = roots_keep(w->tree.drvs.p, w->tree.drvs.n, o->roots_dir, "ekaci-roots", e);
	for (size_t i = 0; i < w->n_workers; i++) {
		stop_worker(&w->workers[i]);
		vec_release(&w->workers[i].own);
	}
	if (w->home[0] != '\0' && files_remove_tree(w->home, &ignored) != 0)
		fprintf(stderr, "%s\n", ignored.msg);
	vec_release(&w->alone);
	preamble_release(&w->preamble);
	json_decref(w->rewritten);
	attrtree_release(&w->tree);
	return rc;
}
