/* The log: syslog-style priority prefixes when the journal reads us, plain words otherwise. */
#include "support/base/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static enum log_level least_level = LOG_INFO;

void
log_set_level(enum log_level least)
{
	least_level = least;
}

void
log_line(enum log_level level, const char *fmt, ...)
{
	static const char *const words[] = {"debug", "info", "warning", "error"};
	char text[2048], line[sizeof(text) * 2];
	size_t n;
	va_list ap;

	if (level < least_level)
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	n = (size_t)snprintf(line, sizeof(line), "ekaci: %s: ", words[level]);
	for (const char *p = text; *p != '\0' && n < sizeof(line) - 6; p++) {
		unsigned char c = (unsigned char)*p;
		if (c < 0x20 || c == 0x7f)
			n += (size_t)snprintf(line + n, sizeof(line) - n, "\\x%02x", c);
		else
			line[n++] = *p;
	}
	line[n++] = '\n';
	/* One write a line: lines of several processes do not mix. A full or closed stderr has no better place to go. */
	if (write(2, line, n) < 0)
		return;
}

void
log_err(enum log_level level, const char *what, const struct err *e)
{
	log_line(level, "%s: %s (%s)", what, e->msg, err_kind_name(e->kind));
}
