/* The log: a line is put together on the stack and written at once. */
#include "support/base/log.h"

#include "support/base/clock.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

const char *const log_level_names[] = {"debug", "info", "warning", "error", NULL};

static enum log_level least_level = LOG_INFO;
static enum log_format line_format = LOG_TEXT_LINES;
static bool in_journal;

enum { MAX_LINE = 6000, ROOM = 16 };

struct log_text {
	size_t n;
	char p[MAX_LINE];
};

void
log_set_level(enum log_level least)
{
	least_level = least;
}

void
log_set_format(enum log_format format, bool journal)
{
	line_format = format;
	in_journal = journal;
}

/* A character of a text from wherever: what does not fit any more is left out. */
static void
put(struct log_text *l, unsigned char c, bool quoted)
{
	if (l->n >= sizeof(l->p) - ROOM)
		return;
	if (c < 0x20 || c == 0x7f)
		l->n += (size_t)snprintf(l->p + l->n, 5, "\\x%02x", c);
	else if (quoted && (c == '"' || c == '\\'))
		l->n += (size_t)snprintf(l->p + l->n, 3, "\\%c", c);
	else
		l->p[l->n++] = (char)c;
}

static void
put_text(struct log_text *l, const char *s)
{
	for (; *s != '\0'; s++)
		put(l, (unsigned char)*s, false);
}

static void
put_value(struct log_text *l, const char *s)
{
	bool quoted = *s == '\0' || strpbrk(s, " \"=\\") != NULL;

	if (quoted)
		put(l, '"', false);
	for (; *s != '\0'; s++)
		put(l, (unsigned char)*s, quoted);
	if (quoted && l->n < sizeof(l->p) - 2)
		l->p[l->n++] = '"';
}

static void
put_time(struct log_text *l)
{
	int64_t ms = clock_now_ms();
	time_t s = (time_t)(ms / 1000);
	struct tm tm;
	char text[40];

	gmtime_r(&s, &tm);
	size_t n = strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(text + n, sizeof(text) - n, ".%03dZ", (int)(ms % 1000));
	put_text(l, text);
}

static void
begin(struct log_text *l, enum log_level level, const char *msg)
{
	static const char *const priorities[] = {"<7>", "<6>", "<4>", "<3>"};

	l->n = 0;
	if (in_journal)
		put_text(l, priorities[level]);
	if (line_format != LOG_LOGFMT) {
		put_text(l, "ekaci: ");
		put_text(l, log_level_names[level]);
		put_text(l, ": ");
		put_text(l, msg);
		return;
	}
	if (!in_journal) {
		put_text(l, "ts=");
		put_time(l);
		put(l, ' ', false);
	}
	put_text(l, "level=");
	put_text(l, log_level_names[level]);
	put_text(l, " msg=");
	put_value(l, msg);
}

/* One write a line: lines of several processes do not mix. A full or closed stderr has no better place to go. */
static void
end(struct log_text *l)
{
	l->p[l->n++] = '\n';
	if (write(2, l->p, l->n) < 0)
		return;
}

void
log_line(enum log_level level, const char *fmt, ...)
{
	struct log_text l;
	char text[2048];
	va_list ap;

	if (level < least_level)
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	begin(&l, level, text);
	end(&l);
}

void
log_event_of(enum log_level level, const char *msg, const struct log_field *fields)
{
	struct log_text l;

	if (level < least_level || line_format == LOG_WORDS)
		return;
	begin(&l, level, msg);
	for (const struct log_field *f = fields; f->key != NULL; f++) {
		char number[32];
		if (f->type == LOG_OF_TEXT && f->text == NULL)
			continue;
		if (f->type == LOG_OF_MS)
			snprintf(number, sizeof(number), "%lld.%03d", (long long)(f->number / 1000), (int)(f->number % 1000));
		else
			snprintf(number, sizeof(number), "%lld", (long long)f->number);
		put(&l, ' ', false);
		put_text(&l, f->key);
		put(&l, '=', false);
		put_value(&l, f->type == LOG_OF_TEXT ? f->text : number);
	}
	end(&l);
}

void
log_err(enum log_level level, const char *what, const struct err *e)
{
	log_line(level, "%s: %s (%s)", what, e->msg, err_kind_name(e->kind));
}
