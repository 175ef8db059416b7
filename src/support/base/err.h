/*
 * err - errors as values: a kind so that someone can decide, a text so that someone can understand.
 *
 * A function that can fail returns 0, or -1 with *e filled; a positive value is a documented condition of that
 * function, which its caller handles and never passes on. The struct is the caller's, on its stack. Text is added on
 * the way up with fail_in; it is logged once, where the error is handled. A failing build or evaluation of somebody's
 * derivation is no error: it is a result.
 */
#ifndef EKACI_SUPPORT_BASE_ERR_H
#define EKACI_SUPPORT_BASE_ERR_H

#define must_check __attribute__((warn_unused_result))

enum err_kind {
	ERR_NONE,
	ERR_INPUT,  /* what came from outside is wrong: tell whoever wrote it, do not retry */
	ERR_ABSENT, /* what was asked for is not there */
	ERR_DENIED, /* not allowed */
	ERR_LIMIT,  /* a limit of ours was reached; the text names it */
	ERR_BUSY,   /* not now: retry with backoff */
	ERR_SYSTEM, /* the operating system, the disk, the network or a program of ours failed: retry, then an operator */
	ERR_BUG     /* cannot happen */
};

struct err {
	enum err_kind kind;
	int sys;        /* errno where there was one, else 0 */
	const char *at; /* file:line of the first report */
	char msg[480];  /* UTF-8, no newline at the end; cut when longer */
};

/* Each fills *e and returns -1, so that a caller can write: return fail(e, ERR_INPUT, "..."). */
#define fail(e, kind, ...) err_minus_one(err_set((e), (kind), 0, ERR_AT, __VA_ARGS__))
/* fail_sys(e, fmt, ...) appends ": " and strerror(errno); the kind follows errno (ENOENT: absent, EACCES: denied). */
#define fail_sys(e, ...) err_minus_one(err_set_sys((e), ERR_AT, __VA_ARGS__))
/* fail_in(e, fmt, ...) puts "context: " before the text that is there; kind and place stay. */
#define fail_in(e, ...) err_minus_one(err_wrap((e), __VA_ARGS__))

#define ERR_AT_STR2(x) #x
#define ERR_AT_STR(x)  ERR_AT_STR2(x)
#define ERR_AT         __FILE__ ":" ERR_AT_STR(__LINE__)

int err_set(struct err *e, enum err_kind kind, int sys, const char *at, const char *fmt, ...)
    __attribute__((format(printf, 5, 6)));
int err_set_sys(struct err *e, const char *at, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
int err_wrap(struct err *e, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* What those give, where compilers and analyzers see it: that what failed has filled nothing, so nothing of it is used. */
static inline int
err_minus_one(int rc)
{
	(void)rc;
	return -1;
}

/* The word for a kind, as it stands in records and logs ("input", "busy", ...), and back (ERR_BUG when unknown). */
const char *err_kind_name(enum err_kind kind);
enum err_kind err_kind_of(const char *name);

#endif
