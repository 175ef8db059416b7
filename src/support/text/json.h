/*
 * json - the few things we do with jansson, once.
 *
 * Everything that reads JSON from outside goes through json_read: a size and depth limit, duplicate keys refused on
 * request, an error with line and column. The getters never fail: they give the default when the member is missing,
 * null or of another type; required members are asked for with json_need_*.
 */
#ifndef EKACI_SUPPORT_TEXT_JSON_H
#define EKACI_SUPPORT_TEXT_JSON_H

#include "support/base/err.h"
#include "support/base/str.h"

#include <jansson.h>

void json_drop(json_t **j); /* for AUTO(json_drop) */

/* Parses one document; ERR_INPUT with "what:line:column: text" when it is malformed. */
must_check int json_read(struct str text, const char *what, json_t **ret, struct err *e);
/* json_read of a text of ours that may not be there: NULL gives NULL. */
must_check int json_read_maybe(const char *text, json_t **ret, struct err *e);
/* json_read of a file; what is the path. */
must_check int json_read_file(const char *path, size_t max_bytes, json_t **ret, struct err *e);

/* Getters by member name; obj may be NULL or of any type. Strings belong to obj. */
const char *json_str(const json_t *obj, const char *key, const char *otherwise);
struct str json_text(const json_t *obj, const char *key); /* may hold NUL bytes; empty when missing */
int64_t json_int(const json_t *obj, const char *key, int64_t otherwise);
bool json_flag(const json_t *obj, const char *key, bool otherwise);
const json_t *json_at(const json_t *obj, const char *dotted); /* "pull_request.head.sha", or NULL */
const char *json_str_at(const json_t *obj, const char *dotted, const char *otherwise);

must_check int json_need_str(const json_t *obj, const char *key, const char **ret, struct err *e);
must_check int json_need_int(const json_t *obj, const char *key, int64_t *ret, struct err *e);

/* A string value that is always valid and whole as a C string: NUL and bytes that are not UTF-8 become U+FFFD. */
json_t *json_any_string(struct str s);
/* The document as one line without a newline, keys in the order they were set; appended to out. */
void json_write(const json_t *j, struct buf *out);
char *json_line(struct arena *a, const json_t *j);
/* Valid JSON, or the beginning of some up to the end of a token, without blanks between tokens and with strings as json_quote
 * writes them. */
void json_compact(struct str text, struct buf *out);
/* UTF-8 as a JSON string, quotes included; what need not be escaped is not. False when it holds a NUL, which is written all the
 * same, and which json_read refuses. */
bool json_quote(struct str s, struct buf *out);
/* The same with control characters, DEL too, as \u00xx; but for the newline, which is \n. */
void json_quote_numbered(struct str s, struct buf *out);

/*
 * Where a value stands in a text that json_read accepted: path is a list of n steps, each a member name or, when
 * name is NULL, an element index. Gives line and column (from 1) of the value, or of its key when at_key. Returns
 * false when there is no such value, or what stands before it is nested deeper than JSCAN_MAX_DEPTH.
 */
struct json_step {
	const char *name;
	size_t index;
};
bool json_locate(struct str text, const struct json_step *path, size_t n, bool at_key, size_t *ret_line, size_t *ret_column);

#endif
