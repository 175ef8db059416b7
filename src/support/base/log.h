/*
 * log - one line an event on standard error, for the journal and for programs.
 *
 * Three forms. LOG_TEXT_LINES, for people and for the workers: "ekaci: info: build x.drv ended state=built". LOG_WORDS, for whoever typed a
 * command: the same without events, which its report tells better. LOG_LOGFMT, the bot's own:
 * "ts=2026-01-31T12:00:00.123Z level=info msg="build ended" drv=x.drv state=built" (https://brandur.org/logfmt: a value is quoted when it
 * is empty or holds a blank, a quote or "="). In the journal, which knows both, the time is left out and the level stands in front
 * as <N> (sd-daemon(3)).
 *
 * Control characters in the text are shown as \xNN, so that nothing from outside can forge a line or drive a terminal.
 * Never log a secret, a token, a webhook body or a header.
 */
#ifndef EKACI_SUPPORT_BASE_LOG_H
#define EKACI_SUPPORT_BASE_LOG_H

#include "support/base/err.h"

#include <stdbool.h>
#include <stdint.h>

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR, LOG_LEVELS };
enum log_format { LOG_TEXT_LINES, LOG_WORDS, LOG_LOGFMT };
extern const char *const log_level_names[]; /* "debug", "info", "warning", "error", NULL */

void log_set_level(enum log_level least);
void log_set_format(enum log_format format, bool journal);
void log_line(enum log_level level, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
#define log_debug(...) log_line(LOG_DEBUG, __VA_ARGS__)
#define log_info(...)  log_line(LOG_INFO, __VA_ARGS__)
#define log_warn(...)  log_line(LOG_WARN, __VA_ARGS__)
#define log_error(...) log_line(LOG_ERROR, __VA_ARGS__)
/* An error that ends here: "what: text (kind)". */
void log_err(enum log_level level, const char *what, const struct err *e);

/* What happened, with what belongs to it: log_event(LOG_INFO, "build ended", LOG_TEXT("drv", drv), LOG_MS("duration_s", ms)). */
enum log_type { LOG_OF_TEXT, LOG_OF_NUMBER, LOG_OF_MS };
struct log_field {
	const char *key; /* NULL: the end */
	enum log_type type;
	const char *text; /* NULL: left out */
	int64_t number;
};
#define LOG_TEXT(key, value)   ((struct log_field){(key), LOG_OF_TEXT, (value), 0})
#define LOG_NUMBER(key, value) ((struct log_field){(key), LOG_OF_NUMBER, NULL, (value)})
#define LOG_MS(key, value)     ((struct log_field){(key), LOG_OF_MS, NULL, (value)}) /* written as seconds */
#define log_event(level, msg, ...) \
	log_event_of((level), (msg), (const struct log_field[]){__VA_ARGS__, {NULL, LOG_OF_TEXT, NULL, 0}})
void log_event_of(enum log_level level, const char *msg, const struct log_field *fields);

#endif
