/*
 * stored_file - the file of a stored evaluation, as lines.
 *
 * PATH is zstd with a checksum; inside a header, a line for each row, and {"end":ROWS}. Writing is whole or not at all: the file
 * appears under its name when it is finished. Reading unpacks as it goes, so no file is in memory as a whole; that it is intact is
 * known only at its end. What rows say is read by rows.h.
 */
#ifndef EKACI_FORMATS_STORED_FILE_H
#define EKACI_FORMATS_STORED_FILE_H

#include "records/evaluation.h"

enum {
	STORED_VERSION = 1,
	STORED_MAX_LINE = 64 * 1024 * 1024 /* as an evaluator's line, see CHILD_MAX_LINE */
};

struct stored_reader;
/*
 * Opens the file and reads its header, whose texts live as long as the reader; tree, job, commit and source are not set. ERR_ABSENT:
 * there is none. ERR_INPUT, with file: it is empty, damaged or of another version.
 */
must_check int stored_open(const char *path, struct stored_reader **ret, struct evaluation_header *header, struct err *e);
/* 1 with the next line, without its newline, which lives until the next call; 0 at the end of the file. ERR_INPUT when the file is
 * damaged or cut short, ERR_LIMIT when a line is longer than STORED_MAX_LINE. */
must_check int stored_next(struct stored_reader *r, struct str *line, struct err *e);
/* Fails with ERR_INPUT, file, the number of the line at hand, and what is wrong there. */
must_check int stored_wrong(const struct stored_reader *r, const char *what, struct err *e);
void stored_close(struct stored_reader **r); /* for AUTO(stored_close) */

struct stored_writer;
/* Writes the header, whose format is set here. Nobody else may write the same path meanwhile. */
must_check int stored_begin(const char *path, struct evaluation_header *header, struct stored_writer **ret, struct err *e);
/* A row's line, without its newline. */
must_check int stored_line(struct stored_writer *w, struct str line, struct err *e);
/* Writes the end of so many rows and gives the file its name, on disk. */
must_check int stored_end(struct stored_writer *w, size_t rows, struct err *e);
void stored_drop(struct stored_writer **w); /* for AUTO(stored_drop): what was not ended leaves nothing */

#endif
