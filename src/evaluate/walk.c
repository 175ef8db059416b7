/* The coordinator of the built-in evaluator: hands attribute paths to workers, prints what they find. */
#include "evaluate/drvfile.h"
#include "evaluate/evaljobs.h"
#include "evaluate/late.h"
#include "evaluate/roots.h"
#include "evaluate/setup.h"
#include "support/base/clock.h"
#include "support/os/child.h"
#include "support/os/files.h"
#include "support/os/peer.h"
#include "support/text/json.h"

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
	HELD_BYTES = 512 * 1024 * 1024, /* rows of a set on trial; nixpkgs has 100 MB in one set, with meta */
	SETUP_BYTES = 1024 * 1024,
	NIX_HEAP_MB = 384,          /* what Nix gives its collector */
	MOST_HEAP_MB = 1024
};

struct node {
	uint32_t parent; /* the root is its own */
	uint32_t index;  /* among the parent's sorted names */
	uint32_t first, n;  /* children stand side by side; of a set that is to be entered */
	uint32_t open;      /* children that have not answered yet */
	uint16_t depth;
	uint8_t tries;      /* how many workers died on it */
	bool on_trial;
	uint64_t said;      /* its answer: a fingerprint of a set's names, of a derivation's path; 0: none yet */
	struct str name;
};
enum { SAID_NOTHING = 1, SAID_ERROR = 2, SAID_REST = 3 };

/* A set with the names of one above it may be that set: a set within itself. Nix cannot be asked whether two sets are
 * one, so its children are asked first and their rows are held back. When each says what that one's children said -
 * the same derivation, a set of the same names - it is listed as an error, its rows are dropped and it is not entered. */
struct trial {
	uint32_t set, like;
	struct buf rows;
	size_t n_rows;
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
	struct arena names;
	VEC(struct node) nodes;
	VEC(uint32_t) queue;  /* to be asked, from .head on */
	size_t head;
	VEC(uint32_t) alone;  /* a worker died on these: once more with nobody beside it */
	VEC(struct str) drvs; /* for the root; only when roots are wanted */
	VEC(struct trial) trials;
	VEC(struct str) late; /* rows that are printed when all are there; each with its newline */
	struct worker workers[MAX_WORKERS];
	size_t n_workers;     /* may run */
	char mark[40];
	char home[64];        /* the repl's history goes here */
	struct buf setup;
	size_t rows;
	unsigned deaths;      /* of workers for memory, since the last derivation */
	int64_t sampled_ms, until_ms;
	bool failed;          /* e of the run is filled: stop */
};

/* The path of a node, from the root; gives its length, at most max. */
static size_t
path_of(const struct walk *w, uint32_t id, struct str *path, uint32_t *indices, size_t max)
{
	size_t n = w->nodes.p[id].depth < max ? w->nodes.p[id].depth : max;

	for (size_t i = n; i > 0; i--) {
		path[i - 1] = w->nodes.p[id].name;
		indices[i - 1] = w->nodes.p[id].index;
		id = w->nodes.p[id].parent;
	}
	return n;
}

static bool
is_identifier(struct str s)
{
	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];
		bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
		if (!letter && (i == 0 || !((c >= '0' && c <= '9') || c == '-' || c == '\'')))
			return false;
	}
	return s.n > 0;
}

void
walk_render(const struct str *path, size_t n, struct buf *out)
{
	for (size_t i = 0; i < n; i++) {
		if (i > 0)
			buf_putc(out, '.');
		if (is_identifier(path[i])) {
			buf_str(out, path[i]);
			continue;
		}
		buf_putc(out, '"');
		for (size_t k = 0; k < path[i].n; k++) {
			char c = path[i].p[k];
			if (c == '"' || c == '\\' || (c == '$' && k + 1 < path[i].n && path[i].p[k + 1] == '{'))
				buf_putc(out, '\\');
			buf_putc(out, c);
		}
		buf_putc(out, '"');
	}
}

/* {"attr":...,"attrPath":[...] of a node, without the closing brace. */
static void
row_head(const struct walk *w, uint32_t id, struct buf *out)
{
	size_t max = (size_t)w->o->max_depth + 2;
	AUTO(mem_free) struct str *path = mem_alloc(max * sizeof(*path));
	AUTO(mem_free) uint32_t *indices = mem_alloc(max * sizeof(*indices));
	AUTO(buf_release) struct buf attr = {0};
	AUTO(json_drop) json_t *head = json_object();
	json_t *list = json_array();
	size_t n = path_of(w, id, path, indices, max);

	buf_init(&attr, SIZE_MAX / 4);
	walk_render(path, n, &attr);
	for (size_t i = 0; i < n; i++)
		json_array_append_new(list, json_any_string(path[i]));
	json_object_set_new(head, "attr", json_any_string(buf_get(&attr)));
	json_object_set_new(head, "attrPath", list);
	json_write(head, out);
	out->p[--out->n] = '\0';
}

static void
name_node(const struct walk *w, uint32_t id, struct buf *out)
{
	AUTO(buf_release) struct buf head = {0};

	buf_init(&head, SIZE_MAX / 4);
	row_head(w, id, &head);
	struct str s = str_utf8_head(buf_get(&head), 300);
	ptrdiff_t at = str_find(s, STR(",\"attrPath\":"));
	buf_str(out, str_from(at > 0 ? (struct str){s.p, (size_t)at} : s, sizeof("{\"attr\":") - 1));
}

/* More rows than allowed: the attribute of the first level with most of what is known below it is the offender. */
static int
too_many(const struct walk *w, struct err *e)
{
	AUTO(mem_free) uint32_t *below = mem_alloc(w->nodes.n * sizeof(*below));
	AUTO(mem_free) uint32_t *top = mem_alloc(w->nodes.n * sizeof(*top));
	AUTO(buf_release) struct buf name = {0};
	uint32_t worst = 0;

	/* A parent stands before its children, so one pass in order carries the first level down. */
	for (uint32_t id = 1; id < w->nodes.n; id++) {
		top[id] = w->nodes.p[id].depth <= 1 ? id : top[w->nodes.p[id].parent];
		below[top[id]]++;
		if (below[top[id]] > below[worst])
			worst = top[id];
	}
	buf_init(&name, 1024);
	name_node(w, worst, &name);
	return fail(e, ERR_LIMIT, "more than %lld rows; most attributes (%u) are below " STR_FMT, (long long)w->o->max_rows,
	    below[worst], STR_ARG(buf_get(&name)));
}

static int
print_rows(struct walk *w, struct str rows, size_t n, struct err *e)
{
	if (w->o->check_cache_status || w->o->constituents) {
		const char *nl;
		for (; (nl = memchr(rows.p, '\n', rows.n)) != NULL; rows = str_from(rows, (size_t)(nl - rows.p) + 1)) {
			size_t length = (size_t)(nl - rows.p) + 1;
			struct str line = {arena_strn(&w->names, rows.p, length), length};
			vec_push(&w->late, line);
		}
	} else if (fwrite(rows.p, 1, rows.n, stdout) != rows.n || fflush(stdout) != 0) {
		return fail_sys(e, "cannot print a row");
	}
	w->rows += n;
	return w->rows > (size_t)w->o->max_rows ? too_many(w, e) : 0;
}

static struct trial *
trial_of(struct walk *w, uint32_t set)
{
	for (size_t i = 0; w->nodes.p[set].on_trial && i < w->trials.n; i++)
		if (w->trials.p[i].set == set)
			return &w->trials.p[i];
	return NULL;
}

static int
print_row(struct walk *w, uint32_t id, struct buf *row, struct err *e)
{
	struct trial *t = id != 0 ? trial_of(w, w->nodes.p[id].parent) : NULL;

	buf_puts(row, "}\n");
	if (row->over)
		return fail(e, ERR_LIMIT, "a row is too long");
	if (t == NULL)
		return print_rows(w, buf_get(row), 1, e);
	buf_str(&t->rows, buf_get(row));
	t->n_rows++;
	return t->rows.over ? fail(e, ERR_LIMIT, "the rows of a set are too long") : 0;
}

/* An attribute has answered. */
static void
note(struct walk *w, uint32_t id, uint64_t said)
{
	if (w->nodes.p[id].said == 0 && id != 0)
		w->nodes.p[w->nodes.p[id].parent].open--;
	w->nodes.p[id].said = said;
}

static uint64_t
fingerprint(struct str s)
{
	uint64_t h = 14695981039346656037u;

	for (size_t i = 0; i < s.n; i++)
		h = (h ^ (unsigned char)s.p[i]) * 1099511628211u;
	return h < SAID_REST ? SAID_REST : h;
}

static int
print_error(struct walk *w, uint32_t id, struct str text, struct err *e)
{
	AUTO(buf_release) struct buf row = {0};
	AUTO(json_drop) json_t *rec = json_object();

	text = str_trim(text);
	if (id == 0) {
		fprintf(stderr, STR_FMT "\n", STR_ARG(text));
		return fail(e, ERR_INPUT, "the root does not evaluate, so there is nothing to walk");
	}
	buf_init(&row, PEER_MAX_LINE);
	row_head(w, id, &row);
	json_object_set_new(rec, "error", json_any_string(text));
	buf_putc(&row, ',');
	size_t at = row.n;
	json_write(rec, &row);
	/* The braces of the second object go: the first one's is written last. */
	memmove(row.p + at, row.p + at + 1, row.n - at);
	row.n -= 2;
	row.p[row.n] = '\0';
	fprintf(stderr, STR_FMT "\n", STR_ARG(text));
	if (w->nodes.p[id].said == 0) /* a set within itself keeps what it said: others are compared with it */
		note(w, id, SAID_ERROR);
	return print_row(w, id, &row, e);
}

static int
add_inputs(struct str drv, struct buf *row, struct err *e)
{
	struct arena a = {0};
	AUTO(json_drop) json_t *inputs = NULL;
	int rc = drvfile_read(str_dup(&a, drv), &inputs, NULL, e);

	if (rc == 0) {
		buf_puts(row, ",\"inputDrvs\":");
		json_write(inputs, row);
	}
	arena_release(&a);
	return rc;
}

static int
on_derivation(struct walk *w, uint32_t id, struct str json, struct err *e)
{
	AUTO(buf_release) struct buf row = {0};
	struct str start = STR("{\"drvPath\":\"");

	if (!str_utf8_ok(json))
		return print_error(w, id, STR("the derivation's name or meta holds bytes that are not UTF-8"), e);
	if (!str_starts(json, start))
		return fail(e, ERR_SYSTEM, "nix printed a row of an unknown form: " STR_FMT, STR_ARG(str_utf8_head(json, 80)));
	struct str ignored, drv = str_cut(str_from(json, start.n), '"', &ignored);
	if (!roots_is_drv(drv))
		return print_error(w, id, STR("the derivation's path is not one of the store"), e);
	buf_init(&row, PEER_MAX_LINE);
	row_head(w, id, &row);
	buf_putc(&row, ',');
	buf_str(&row, (struct str){json.p + 1, json.n - 2});
	w->deaths = 0;
	if (w->o->show_input_drvs && add_inputs(drv, &row, e) != 0)
		return -1;
	if (w->o->roots_dir != NULL) {
		struct str copy = {str_dup(&w->names, drv), drv.n};
		vec_push(&w->drvs, copy);
		if (!w->o->one_root && roots_link(drv, w->o->roots_dir, e) != 0)
			return -1;
	}
	note(w, id, fingerprint(drv));
	return print_row(w, id, &row, e);
}

/* The children of a set are to be asked, for good or on trial. */
static void
enter(struct walk *w, uint32_t id)
{
	struct node *set = &w->nodes.p[id];

	for (uint32_t up = id; up != 0 && !set->on_trial;) {
		up = w->nodes.p[up].parent;
		if (w->nodes.p[up].said != set->said)
			continue;
		struct trial t = {.set = id, .like = up};
		buf_init(&t.rows, HELD_BYTES);
		vec_push(&w->trials, t);
		set->on_trial = true;
	}
	for (uint32_t i = 0; i < set->n; i++)
		vec_push(&w->queue, set->first + i);
}

static bool
is_like(const struct walk *w, const struct trial *t)
{
	const struct node *set = &w->nodes.p[t->set], *like = &w->nodes.p[t->like];

	for (uint32_t i = 0; i < set->n; i++)
		if (w->nodes.p[set->first + i].said != w->nodes.p[like->first + i].said)
			return false;
	return set->n == like->n;
}

static int
end_trial(struct walk *w, struct trial *t, struct err *e)
{
	AUTO(buf_release) struct buf text = {0};
	const struct node *set = &w->nodes.p[t->set];

	if (is_like(w, t)) {
		buf_init(&text, 1024);
		buf_puts(&text, "a set within itself: it is the same as ");
		if (t->like == 0)
			buf_puts(&text, "the root");
		else
			name_node(w, t->like, &text);
		return print_error(w, t->set, buf_get(&text), e);
	}
	for (uint32_t i = 0; i < set->n; i++)
		if (w->nodes.p[set->first + i].n > 0)
			enter(w, set->first + i);
	return print_rows(w, buf_get(&t->rows), t->n_rows, e);
}

/* Trials are over when all that must be compared have answered. */
static int
end_trials(struct walk *w, struct err *e)
{
	for (size_t i = 0; i < w->trials.n;) {
		struct trial t = w->trials.p[i];
		if (w->nodes.p[t.set].open > 0 || w->nodes.p[t.like].open > 0) {
			i++;
			continue;
		}
		/* Out of the list first: its own row may be another trial's, and sets below it may be tried. */
		w->trials.p[i] = w->trials.p[--w->trials.n];
		w->nodes.p[t.set].on_trial = false;
		int rc = end_trial(w, &t, e);
		buf_release(&t.rows);
		if (rc != 0)
			return -1;
	}
	return 0;
}

static int
on_set(struct walk *w, uint32_t id, struct str json, struct err *e)
{
	AUTO(json_drop) json_t *names = NULL;
	struct err bad;
	json_t *name;
	size_t i;

	if (json_read(json, "attribute names", &names, &bad) != 0)
		return print_error(w, id, STR("the set has an attribute name that is not UTF-8"), e);
	if (w->nodes.p[id].depth >= w->o->max_depth && json_array_size(names) > 0) {
		char text[100];
		snprintf(text, sizeof(text), "sets are nested deeper than %lld here: a set within itself?",
		    (long long)w->o->max_depth);
		return print_error(w, id, str_of(text), e);
	}
	uint32_t first = (uint32_t)w->nodes.n;
	json_array_foreach(names, i, name) {
		struct str text = {json_string_value(name), json_string_length(name)};
		if (str_is(text, "recurseForDerivations"))
			continue;
		struct node n = {.parent = id, .index = (uint32_t)i, .depth = (uint16_t)(w->nodes.p[id].depth + 1)};
		n.name = (struct str){arena_strn(&w->names, text.p, text.n), text.n};
		if (w->nodes.n >= UINT32_MAX / 2)
			return fail(e, ERR_LIMIT, "too many attributes");
		vec_push(&w->nodes, n);
	}
	note(w, id, fingerprint(json));
	struct node *set = &w->nodes.p[id];
	set->first = first;
	set->n = set->open = (uint32_t)w->nodes.n - first;
	if (id == 0 || !w->nodes.p[set->parent].on_trial)
		enter(w, id);
	return 0;
}

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
	rc = print_error(w, failed, text, e);
	/* What was not reached stands in front again, in order: it is what this worker knows best. */
	for (size_t i = k->n; i > k->done + 1 && rc == 0; i--) {
		if (w->head == 0) {
			vec_reserve(&w->queue, w->queue.n + BATCH);
			memmove(w->queue.p + BATCH, w->queue.p, w->queue.n * sizeof(*w->queue.p));
			w->queue.n += BATCH;
			w->head = BATCH;
		}
		w->queue.p[--w->head] = k->batch[i - 1];
	}
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
	if (k->done >= k->n || (what != 'r' && what != 'k' && what != 'n'))
		return fail(e, ERR_SYSTEM, "nix answered what it was not asked: " STR_FMT, STR_ARG(str_utf8_head(said, 80)));
	k->in_error = k->own = k->own_code = false;
	buf_drop(&k->error, k->error.n);
	uint32_t id = k->batch[k->done++];
	if (what == 'n') {
		note(w, id, SAID_NOTHING);
		return 0;
	}
	return what == 'r' ? on_derivation(w, id, json, e) : on_set(w, id, json, e);
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
	const char **argv = arena_alloc(&a, (w->o->n_nix + 16) * sizeof(*argv));
	const char *preload = setup_preload(&a);
	const char *heap = first_heap(&a, w->o->max_memory_mb);
	const char *env[5] = {arena_printf(&a, "XDG_DATA_HOME=%s", w->home), "TERM=dumb"};
	size_t n = 2;

	if (preload != NULL)
		env[n++] = arena_printf(&a, "LD_PRELOAD=%s", preload);
	if (heap != NULL)
		env[n++] = heap;
	n = 0;

	argv[n++] = "nix";
	argv[n++] = "--extra-experimental-features";
	argv[n++] = "nix-command flakes";
	argv[n++] = "repl";
	if (w->o->source == EVAL_FLAKE) {
		argv[n++] = "--option";
		argv[n++] = "pure-eval";
		argv[n++] = w->o->impure ? "false" : "true";
		/* The repl of Nix 2.8 is never pure; restricted is what comes nearest. */
		argv[n++] = "--option";
		argv[n++] = "restrict-eval";
		argv[n++] = w->o->impure ? "false" : "true";
	}
	for (size_t i = 0; i < w->o->n_nix; i++)
		argv[n++] = w->o->nix[i];
	*k = (struct worker){.w = w};
	buf_init(&k->error, ERROR_BYTES);
	int rc = peer_start(argv, env, &k->peer, e);
	if (rc == 0)
		rc = peer_say(&k->peer, buf_get(&w->setup), e);
	arena_release(&a);
	return rc;
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
		size_t depth = path_of(w, first, path, indices, max), count = 0;
		/* Neighbours in one set are asked for as a range: short lines, for nix reads them letter by letter. */
		do
			k->batch[k->n++] = first + (uint32_t)count++;
		while (k->n < n && first != 0 && ids[k->n] == first + count &&
		    w->nodes.p[ids[k->n]].parent == w->nodes.p[first].parent &&
		    w->nodes.p[ids[k->n]].index == w->nodes.p[first].index + count);
		buf_printf(&line, " [ %u %zu", first != 0 ? indices[depth - 1] : 0, first != 0 ? count : 0);
		for (size_t d = 0; d + 1 < depth; d++)
			buf_printf(&line, " %u", indices[d]);
		buf_puts(&line, " ]");
	}
	/* When an imported file ends too early, Nix before 2.20 takes our question for unfinished input and adds the
	 * next line to it. A definition is a good line by itself and a syntax error behind a question. */
	buf_printf(&line, " ]\nunused = 1\nbuiltins.trace \"%s e\" null\n", w->mark);
	k->busy = true;
	k->in_error = k->own = k->own_code = false;
	buf_drop(&k->error, k->error.n);
	return peer_say(&k->peer, buf_get(&line), e);
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
	if (w->head == w->queue.n && w->alone.n > 0 && busy(w) == 0) {
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
		size_t left = w->queue.n - w->head;
		size_t share = left / (2 * w->n_workers) + 1;
		if (left == 0)
			break;
		if (k->busy)
			continue;
		if (k->peer.pid == 0 && start_worker(w, k, e) != 0)
			return -1;
		if (ask(w, k, w->queue.p + w->head, share < BATCH ? share : BATCH, e) != 0)
			return -1;
		w->head += k->n;
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
		vec_push(&w->queue, k->batch[i]);
	if (memory && w->nodes.p[id].tries++ == 0) {
		vec_push(&w->alone, id);
		return 0;
	}
	if (over)
		buf_printf(&text, "error: evaluating this takes more memory than the budget of %lld MiB",
		    (long long)(w->o->workers * w->o->max_memory_mb));
	else if (text.n == 0)
		buf_printf(&text, "error: nix ended with %s %d while it evaluated this",
		    WIFSIGNALED(status) ? "signal" : "code", WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
	return print_error(w, id, buf_get(&text), e);
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
			name_node(w, w->workers[i].batch[w->workers[i].done], &names);
		}
	return fail(e, ERR_LIMIT, "not done after %lld s (%zu rows so far); being evaluated: " STR_FMT,
	    (long long)w->o->max_seconds, w->rows, STR_ARG(buf_get(&names)));
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

static int
prepare(struct walk *w, struct err *e)
{
	uint64_t random[2];

	if (getrandom(random, sizeof(random), 0) != sizeof(random))
		return fail_sys(e, "no random numbers");
	snprintf(w->mark, sizeof(w->mark), "ekaci%016llx%016llx", (unsigned long long)random[0],
	    (unsigned long long)random[1]);
	buf_init(&w->setup, SETUP_BYTES);
	if (setup_text(w->o, w->mark, &w->setup, e) != 0)
		return -1;
	if (w->o->roots_dir != NULL && files_mkdirs(w->o->roots_dir, 0755, e) != 0)
		return -1;
	snprintf(w->home, sizeof(w->home), "/tmp/ekaci-eval-XXXXXX");
	if (mkdtemp(w->home) == NULL) {
		w->home[0] = '\0';
		return fail_sys(e, "no temporary folder");
	}
	w->n_workers = w->o->workers < MAX_WORKERS ? (size_t)w->o->workers : MAX_WORKERS;
	vec_push(&w->nodes, (struct node){0});
	vec_push(&w->queue, 0);
	return 0;
}

int
walk_run(const struct eval_jobs *o, struct err *e)
{
	AUTO(mem_free) struct walk *w = mem_alloc(sizeof(*w));
	struct err ignored;

	w->o = o;
	w->until_ms = o->max_seconds != 0 ? clock_mono_ms() + o->max_seconds * 1000 : 0;
	int rc = prepare(w, e);
	while (rc == 0 && (w->head < w->queue.n || w->alone.n > 0 || busy(w) > 0)) {
		rc = dispatch(w, e);
		if (rc == 0)
			rc = turn(w, e);
		if (rc == 0)
			rc = end_trials(w, e);
	}
	/* The workers hold temporary roots: the lasting one is made before they go. */
	if (rc == 0 && o->roots_dir != NULL)
		rc = roots_keep(w->drvs.p, w->drvs.n, o->roots_dir, "ekaci-roots", e);
	for (size_t i = 0; i < w->n_workers; i++)
		stop_worker(&w->workers[i], NULL);
	if (rc == 0 && w->late.n > 0)
		rc = late_print(o, w->late.p, w->late.n, e);
	vec_release(&w->late);
	if (w->home[0] != '\0' && files_remove_tree(w->home, &ignored) != 0)
		fprintf(stderr, "%s\n", ignored.msg);
	vec_release(&w->nodes);
	vec_release(&w->queue);
	vec_release(&w->alone);
	vec_release(&w->drvs);
	for (size_t i = 0; i < w->trials.n; i++)
		buf_release(&w->trials.p[i].rows);
	vec_release(&w->trials);
	buf_release(&w->setup);
	arena_release(&w->names);
	return rc;
}
