/*
 * array - a column or document that is a bare JSON array, ["kvm","big-parallel"] or [1200,1340] or one of structs of a table, or an object
 * of texts.
 *
 * By the rules of fields.h, on one line without blanks. What was read has no room to grow: see list.h.
 */
#ifndef EKACI_RECORDS_ARRAY_H
#define EKACI_RECORDS_ARRAY_H

#include "records/fields.h"

/* what stands in front of places in errors. */
must_check int array_read_texts(struct arena *a, const char *json, const char *what, struct texts *ret, struct err *e);
must_check int array_read_numbers(struct arena *a, const char *json, const char *what, struct numbers *ret, struct err *e);
/* An object of texts; what is null in it has a text of NULL. */
must_check int array_read_named(struct arena *a, const char *json, const char *what, struct named_texts *ret, struct err *e);
/* An array of structs: ret and list are a LIST of the table's struct. */
must_check int array_read_records(const struct fields *of, struct arena *a, const char *json, const char *what, void *ret,
    struct err *e);
must_check int array_write_texts(struct arena *a, const struct texts *list, const char **ret, struct err *e);
must_check int array_write_numbers(struct arena *a, const struct numbers *list, const char **ret, struct err *e);
must_check int array_write_records(const struct fields *of, struct arena *a, const void *list, const char **ret, struct err *e);

#endif
