/*
 * mem - memory by unit of work, and resources that close themselves.
 *
 * An arena belongs to one unit of work (a request, a run of a stage, a test); what it gave lives exactly as long.
 * Allocation never returns NULL: when the system has none left the program aborts, and starting again is the recovery.
 * Everything is zeroed. A zeroed struct arena is a valid empty one.
 */
#ifndef EKACI_SUPPORT_BASE_MEM_H
#define EKACI_SUPPORT_BASE_MEM_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

struct arena_block;
struct arena {
	struct arena_block *last;
	size_t total; /* bytes asked for so far, for figures */
};

void *arena_alloc(struct arena *a, size_t n);
void *arena_dup(struct arena *a, const void *p, size_t n);
/* NUL-terminated copies. */
char *arena_strn(struct arena *a, const char *p, size_t n);
char *arena_strdup(struct arena *a, const char *s);
char *arena_printf(struct arena *a, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void arena_clear(struct arena *a); /* as a release, but some memory is kept for what comes next */
void arena_release(struct arena *a);

/* malloc, realloc and strdup that abort instead of failing; sizes are checked for overflow. */
void *mem_alloc(size_t n);
void *mem_realloc(void *p, size_t n, size_t size);
char *mem_strdup(const char *s);
void mem_free(void *p); /* p is the address of a pointer: for AUTO(mem_free) */
/* The system gets back what is free, which malloc would keep for what may never come again: after something large, and in a pause. */
void mem_give_back(void);

/* AUTO(fn) before a declaration: fn(&variable) runs when the scope ends, however it ends. */
#define AUTO(fn) __attribute__((cleanup(fn)))

void fd_close(int *fd); /* closes *fd when >= 0 and sets it to -1 */

/* A growable array on malloc: VEC(int) v = {0}; vec_push(&v, 3); v.p[0]; vec_release(&v). */
#define VEC(type)              \
	struct {               \
		type *p;       \
		size_t n, cap; \
	}
#define vec_reserve(v, want)                                                                       \
	do {                                                                                       \
		size_t want_ = (want);                                                             \
		if (want_ > (v)->cap) {                                                            \
			size_t cap_ = (v)->cap * 2 > want_ ? (v)->cap * 2 : want_ < 8 ? 8 : want_; \
			(v)->p = mem_realloc((v)->p, cap_, sizeof(*(v)->p));                       \
			(v)->cap = cap_;                                                           \
		}                                                                                  \
	} while (0)
#define vec_push(v, x)                        \
	do {                                  \
		vec_reserve((v), (v)->n + 1); \
		(v)->p[(v)->n++] = (x);       \
	} while (0)
#define vec_release(v)                 \
	do {                           \
		mem_free(&(v)->p);     \
		(v)->n = (v)->cap = 0; \
	} while (0)

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

#endif
