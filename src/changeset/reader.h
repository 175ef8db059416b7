/*
 * reader - JSON written by people, read member by member with a finger on the place.
 *
 * The finger is a path of member names and element indexes from the top of the document; a mistake is put down with the
 * line and column of the value, or the key, that it is on. enter_* puts it one step deeper, reader_leave lifts it.
 */
#ifndef EKACI_CHANGESET_READER_H
#define EKACI_CHANGESET_READER_H

#include "records/list.h"
#include "support/text/json.h"
#include "support/text/mistakes.h"

enum { READER_MAX_LIST = 1000, READER_MAX_NAME = 100 };

struct reader {
	struct arena *a;
	struct str text; /* the document's; empty: it came from elsewhere, and mistakes have no place */
	struct json_step path[8];
	size_t depth;
	struct mistakes *m;
	struct texts *warnings; /* or NULL: nobody wants them */
};

enum reader_at { AT_VALUE, AT_KEY };

void reader_enter_member(struct reader *r, const char *name);
void reader_enter_element(struct reader *r, size_t index);
void reader_leave(struct reader *r);
/* The member key of obj, with the finger put on it; NULL, and no finger to lift, when it is not there. */
json_t *reader_open(struct reader *r, const json_t *obj, const char *key);

/* Notes a mistake at the value that is being read, or at its key, as `at` says. The text is put behind the value's name. */
void reader_wrong(struct reader *r, enum reader_at at, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* Members of obj that are not among known (ends in NULL). foreign: keys of other programs, which only warn (ends in
 * NULL); foreign NULL: every unknown key only warns. */
void reader_unknown(struct reader *r, const json_t *obj, const char *const *known, const char *const *foreign);

/* Members of obj, or otherwise when missing. */
bool reader_flag(struct reader *r, const json_t *obj, const char *key, bool otherwise);
int64_t reader_number(struct reader *r, const json_t *obj, const char *key, int64_t otherwise, int64_t max);
/* An array whose elements are given one by one to each(), the finger on them; nothing when it is missing. */
void reader_list(struct reader *r, const json_t *obj, const char *key, void (*each)(struct reader *r, json_t *v, void *ctx),
    void *ctx);

/* Text ("a.b", parts with dots in quotes) or an array of text. False: a mistake, put down. */
bool reader_attr_path(struct reader *r, const json_t *v, struct texts *ret);

/* Text of 1 to READER_MAX_NAME bytes without control characters, such as the name of a rule. */
bool reader_plain(struct str s);
const char *reader_type_name(const json_t *j); /* "an object", ... */

#endif
