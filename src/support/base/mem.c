/* Arenas, checked allocation, and the cleanups of single-owner resources. */
#include "support/base/mem.h"

#include <malloc.h>
#include <stdalign.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct arena_block {
	struct arena_block *prev;
	size_t used, cap;
	alignas(max_align_t) char bytes[];
};

enum { BLOCK_BYTES = 64 * 1024 };

static _Noreturn void
no_memory(void)
{
	static const char msg[] = "ekaci: out of memory\n";

	if (write(2, msg, sizeof(msg) - 1) < 0)
		abort();
	abort();
}

void *
mem_alloc(size_t n)
{
	void *p = calloc(1, n != 0 ? n : 1);

	if (p == NULL)
		no_memory();
	return p;
}

void *
mem_realloc(void *p, size_t n, size_t size)
{
	void *q = reallocarray(p, n != 0 ? n : 1, size);

	if (q == NULL)
		no_memory();
	return q;
}

char *
mem_strdup(const char *s)
{
	size_t n = strlen(s) + 1;

	return memcpy(mem_alloc(n), s, n);
}

void
mem_give_back(void)
{
	(void)malloc_trim(0);
}

void
mem_free(void *p)
{
	void *held;

	memcpy(&held, p, sizeof(held));
	free(held);
	memset(p, 0, sizeof(held));
}

void
fd_close(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

void *
arena_alloc(struct arena *a, size_t n)
{
	struct arena_block *b = a->last;

	if (n > SIZE_MAX / 2)
		no_memory();
	n = (n + _Alignof(max_align_t) - 1) & ~(_Alignof(max_align_t) - 1);
	if (b == NULL || b->cap - b->used < n) {
		size_t cap = n > BLOCK_BYTES ? n : BLOCK_BYTES;

		b = mem_alloc(sizeof(*b) + cap);
		b->cap = cap;
		/* An oversized block goes behind the open one, so that the open one's rest is not lost. */
		if (cap > BLOCK_BYTES && a->last != NULL) {
			b->prev = a->last->prev;
			a->last->prev = b;
		} else {
			b->prev = a->last;
			a->last = b;
		}
	}
	void *p = b->bytes + b->used;
	b->used += n;
	a->total += n;
	return p;
}

void *
arena_dup(struct arena *a, const void *p, size_t n)
{
	void *q = arena_alloc(a, n);

	if (n != 0)
		memcpy(q, p, n);
	return q;
}

char *
arena_strn(struct arena *a, const char *p, size_t n)
{
	char *q = arena_alloc(a, n + 1);

	if (n != 0)
		memcpy(q, p, n);
	return q;
}

char *
arena_strdup(struct arena *a, const char *s)
{
	return arena_strn(a, s, strlen(s));
}

char *
arena_printf(struct arena *a, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	if (n < 0)
		no_memory();
	char *s = arena_alloc(a, (size_t)n + 1);
	va_start(ap, fmt);
	vsnprintf(s, (size_t)n + 1, fmt, ap);
	va_end(ap);
	return s;
}

void
arena_clear(struct arena *a)
{
	struct arena_block *kept = a->last;

	if (kept == NULL || kept->cap != BLOCK_BYTES) {
		arena_release(a);
		return;
	}
	struct arena rest = {.last = kept->prev};
	arena_release(&rest);
	memset(kept->bytes, 0, kept->used);
	kept->used = 0;
	kept->prev = NULL;
	*a = (struct arena){.last = kept};
}

void
arena_release(struct arena *a)
{
	struct arena_block *b = a->last;

	while (b != NULL) {
		struct arena_block *prev = b->prev;
		free(b);
		b = prev;
	}
	*a = (struct arena){0};
}
