/* A ring of batches: asked for, read by whoever is free, taken in order. */
#include "graph/ahead.h"

#include "nix/drv.h"
#include "support/base/map.h"

#include <pthread.h>
#include <string.h>
#include <unistd.h>

enum {
	RING = 16,                  /* batches for each thread: who reads must not wait for who adds */
	MAX_KEPT = 16 * 1024 * 1024 /* what a batch keeps of its derivations; then the rest of it is read when it is taken */
};

struct batch {
	struct str files[AHEAD_BATCH];
	struct ahead_drv drvs[AHEAD_BATCH];
	size_t n, done; /* asked for; read */
	size_t taken;
	bool ready;
	struct arena kept, scratch;
	struct drv_bytes bytes;
	int rc;
	struct err e; /* of file `done` */
};

struct ahead {
	int dir_fd;
	struct str store_dir;
	pthread_mutex_t lock;
	pthread_cond_t to_read, was_read;
	pthread_t threads[AHEAD_MAX_THREADS];
	size_t n_threads, max_threads;
	bool closing;
	/* Batches by their number; number k stands in ring[k % n_ring]. first <= next <= last. */
	struct batch *ring;
	size_t n_ring;
	size_t first; /* the oldest not taken whole; only the caller's thread looks at it */
	size_t next;  /* the oldest that nobody reads */
	size_t last;  /* those below are asked for */
	bool filling; /* `last` is being asked for, and no thread sees it yet */
};

static int
keep_input(struct ahead *h, struct batch *b, struct str path, struct ahead_input *ret, struct err *e)
{
	struct str file;

	if (!drv_below(h->store_dir, path, &file))
		return fail(e, ERR_INPUT, "not a derivation in " STR_FMT ": " STR_FMT, STR_ARG(h->store_dir),
		    (int)(path.n < 300 ? path.n : 300), path.p);
	*ret = (struct ahead_input){{arena_strn(&b->kept, file.p, file.n), file.n}, map_hash(file.p, file.n)};
	return 0;
}

static struct str
keep(struct batch *b, struct str s)
{
	return (struct str){arena_strn(&b->kept, s.p, s.n), s.n};
}

static int
keep_drv(struct ahead *h, struct batch *b, const struct drv *d, struct ahead_drv *ret, struct err *e)
{
	struct ahead_input *inputs = arena_alloc(&b->kept, d->n_inputs * sizeof(*inputs));
	struct ahead_output *outputs = arena_alloc(&b->kept, d->n_outputs * sizeof(*outputs));

	for (size_t i = 0; i < d->n_inputs; i++)
		if (keep_input(h, b, d->inputs[i].path, &inputs[i], e) != 0)
			return -1;
	for (size_t i = 0; i < d->n_outputs; i++)
		outputs[i] = (struct ahead_output){keep(b, d->outputs[i].name), keep(b, d->outputs[i].path)};
	*ret = (struct ahead_drv){keep(b, d->system), inputs, outputs, d->n_inputs, d->n_outputs, drv_fixed_output(d)};
	return 0;
}

static int
read_one(struct ahead *h, struct batch *b, struct err *e)
{
	struct str file = b->files[b->done], text;
	struct drv d;

	arena_clear(&b->scratch);
	if (drv_read_again(&b->bytes, h->dir_fd, file, &text, e) != 0)
		return -1;
	if (drv_parse(&b->scratch, text, DRV_GRAPH, &d, e) != 0 || keep_drv(h, b, &d, &b->drvs[b->done], e) != 0)
		return fail_in(e, STR_FMT, STR_ARG(file));
	b->done++;
	return 0;
}

static void
read_batch(struct ahead *h, struct batch *b)
{
	while (b->rc == 0 && b->done < b->n && b->kept.total < MAX_KEPT)
		b->rc = read_one(h, b, &b->e);
}

/* With the lock held: the next batch that nobody reads, or NULL. */
static struct batch *
next_batch(struct ahead *h)
{
	return h->next < h->last ? &h->ring[h->next++ % h->n_ring] : NULL;
}

/* With the lock held on entry and return. */
static void
read_unlocked(struct ahead *h, struct batch *b)
{
	pthread_mutex_unlock(&h->lock);
	read_batch(h, b);
	pthread_mutex_lock(&h->lock);
	b->ready = true;
	pthread_cond_signal(&h->was_read);
}

static void *
reader(void *arg)
{
	struct ahead *h = arg;

	pthread_mutex_lock(&h->lock);
	while (!h->closing) {
		struct batch *b = next_batch(h);
		if (b != NULL)
			read_unlocked(h, b);
		else
			pthread_cond_wait(&h->to_read, &h->lock);
	}
	pthread_mutex_unlock(&h->lock);
	return NULL;
}

struct ahead *
ahead_new(int dir_fd, struct str store_dir)
{
	struct ahead *h = mem_alloc(sizeof(*h));
	long cores = sysconf(_SC_NPROCESSORS_ONLN);

	*h = (struct ahead){.dir_fd = dir_fd, .store_dir = store_dir};
	h->max_threads = cores < 2 ? 0 : cores > AHEAD_MAX_THREADS ? AHEAD_MAX_THREADS : (size_t)cores - 1;
	h->n_ring = RING * (h->max_threads + 1);
	h->ring = mem_alloc(h->n_ring * sizeof(*h->ring));
	pthread_mutex_init(&h->lock, NULL);
	pthread_cond_init(&h->to_read, NULL);
	pthread_cond_init(&h->was_read, NULL);
	return h;
}

void
ahead_free(struct ahead *h)
{
	pthread_mutex_lock(&h->lock);
	h->closing = true;
	pthread_cond_broadcast(&h->to_read);
	pthread_mutex_unlock(&h->lock);
	for (size_t i = 0; i < h->n_threads; i++)
		pthread_join(h->threads[i], NULL);
	for (size_t i = 0; i < h->n_ring; i++) {
		arena_release(&h->ring[i].kept);
		arena_release(&h->ring[i].scratch);
		mem_free(&h->ring[i].bytes.p);
	}
	pthread_cond_destroy(&h->was_read);
	pthread_cond_destroy(&h->to_read);
	pthread_mutex_destroy(&h->lock);
	mem_free(&h->ring);
	mem_free(&h);
}

size_t
ahead_room(const struct ahead *h)
{
	size_t begun = h->last - h->first + (h->filling ? 1 : 0);

	return (h->n_ring - begun) * AHEAD_BATCH + (h->filling ? AHEAD_BATCH - h->ring[h->last % h->n_ring].n : 0);
}

/* What was asked for becomes visible. One batch alone is read by whoever takes it: most heads add no more than that. */
static void
send(struct ahead *h)
{
	pthread_mutex_lock(&h->lock);
	h->last++;
	h->filling = false;
	if (h->last - h->first > 1) {
		while (h->n_threads < h->max_threads && pthread_create(&h->threads[h->n_threads], NULL, reader, h) == 0)
			h->n_threads++;
		h->max_threads = h->n_threads; /* more cannot be had */
		pthread_cond_signal(&h->to_read);
	}
	pthread_mutex_unlock(&h->lock);
}

void
ahead_ask(struct ahead *h, struct str file)
{
	struct batch *b = &h->ring[h->last % h->n_ring];

	if (!h->filling) {
		b->n = b->done = b->taken = 0;
		b->ready = false;
		b->rc = 0;
		arena_clear(&b->kept);
		h->filling = true;
	}
	b->files[b->n++] = file;
	if (b->n == AHEAD_BATCH)
		send(h);
}

/* Until the batch is read, its taker reads, too. */
static void
wait_for(struct ahead *h, struct batch *b)
{
	pthread_mutex_lock(&h->lock);
	while (!b->ready) {
		struct batch *mine = next_batch(h);
		if (mine != NULL)
			read_unlocked(h, mine);
		else
			pthread_cond_wait(&h->was_read, &h->lock);
	}
	pthread_mutex_unlock(&h->lock);
}

int
ahead_take(struct ahead *h, const struct ahead_drv **ret, struct err *e)
{
	struct batch *b = &h->ring[h->first % h->n_ring];

	if (h->first < h->last && b->taken == b->n) /* what it gave was valid until now */
		b = &h->ring[++h->first % h->n_ring];
	if (h->first == h->last && h->filling)
		send(h);
	if (h->first == h->last)
		return fail(e, ERR_BUG, "no derivation was asked for");
	wait_for(h, b);
	if (b->taken == b->done && b->rc == 0) { /* it had grown too large */
		arena_clear(&b->kept);
		read_batch(h, b);
	}
	if (b->taken == b->done) {
		*e = b->e;
		return -1;
	}
	*ret = &b->drvs[b->taken++];
	return 0;
}
