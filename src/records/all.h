/*
 * all - every table there is, in the order of the flow: for reading a record by its type, for ARCHITECTURE.md, and for the test that
 * writes and reads random values of each.
 */
#ifndef EKACI_RECORDS_ALL_H
#define EKACI_RECORDS_ALL_H

#include "records/record.h"

extern const struct fields *const records_all[]; /* NULL at the end */
/* Reads a line that a worker wrote, into a. ERR_INPUT when no table has its type, or it is not as the table says. */
must_check int record_read(struct arena *a, struct str line, struct record *ret, struct err *e);

#endif
