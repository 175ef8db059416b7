/* Errors as values. */
#include "support/base/err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const char *const kind_names[] = {
    [ERR_NONE] = "none",
    [ERR_INPUT] = "input",
    [ERR_ABSENT] = "absent",
    [ERR_DENIED] = "denied",
    [ERR_LIMIT] = "limit",
    [ERR_BUSY] = "busy",
    [ERR_SYSTEM] = "system",
    [ERR_BUG] = "bug",
};

int
err_set(struct err *e, enum err_kind kind, int sys, const char *at, const char *fmt, ...)
{
	char msg[sizeof(e->msg)];
	va_list ap;

	/* Formatted aside, because an argument may be e->msg itself. */
	va_start(ap, fmt);
	vsnprintf(msg, sizeof(msg), fmt, ap);
	va_end(ap);
	e->kind = kind;
	e->sys = sys;
	e->at = at;
	memcpy(e->msg, msg, sizeof(msg));
	return -1;
}

static enum err_kind
kind_of_errno(int sys)
{
	switch (sys) {
	case ENOENT:
	case ENOTDIR: return ERR_ABSENT;
	case EACCES:
	case EPERM: return ERR_DENIED;
	case EAGAIN:
	case EINTR: return ERR_BUSY;
	default: return ERR_SYSTEM;
	}
}

int
err_set_sys(struct err *e, const char *at, const char *fmt, ...)
{
	int sys = errno;
	char msg[sizeof(e->msg)];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(msg, sizeof(msg), fmt, ap);
	va_end(ap);
	return err_set(e, kind_of_errno(sys), sys, at, "%s: %s", msg, strerror(sys));
}

int
err_wrap(struct err *e, const char *fmt, ...)
{
	char context[240];
	char old[sizeof(e->msg)];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(context, sizeof(context), fmt, ap);
	va_end(ap);
	memcpy(old, e->msg, sizeof(old));
	snprintf(e->msg, sizeof(e->msg), "%s: %.*s", context, (int)(sizeof(e->msg) - strlen(context) - 3), old);
	return -1;
}

const char *
err_kind_name(enum err_kind kind)
{
	return kind <= ERR_BUG ? kind_names[kind] : "bug";
}

enum err_kind
err_kind_of(const char *name)
{
	for (int k = ERR_NONE; k <= ERR_BUG; k++)
		if (name != NULL && strcmp(kind_names[k], name) == 0)
			return (enum err_kind)k;
	return ERR_BUG;
}
