/*
 * all - every table there is: for reading a record by its type, for ARCHITECTURE.md, and for the test that writes and reads
 * random values of each.
 */
#ifndef EKACI_RECORDS_ALL_H
#define EKACI_RECORDS_ALL_H

#include "records/fields.h"

extern const struct fields *const records_all[]; /* NULL at the end */
/* The table of records of that type; NULL when there is none. */
const struct fields *records_of_type(const char *type);

#endif
