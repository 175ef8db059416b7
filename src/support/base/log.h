/*
 * log - one line an event on standard error, for the journal.
 *
 * Control characters in the text are shown as \xNN, so that nothing from outside can forge a line or drive a terminal.
 * Never log a secret, a token, a webhook body or a header.
 */
#ifndef EKACI_SUPPORT_BASE_LOG_H
#define EKACI_SUPPORT_BASE_LOG_H

#include "support/base/err.h"

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR };

void log_set_level(enum log_level least);
void log_line(enum log_level level, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
#define log_debug(...) log_line(LOG_DEBUG, __VA_ARGS__)
#define log_info(...)  log_line(LOG_INFO, __VA_ARGS__)
#define log_warn(...)  log_line(LOG_WARN, __VA_ARGS__)
#define log_error(...) log_line(LOG_ERROR, __VA_ARGS__)
/* An error that ends here: "what: text (kind)". */
void log_err(enum log_level level, const char *what, const struct err *e);

#endif
