/*
 * log_file - a build's log on disk, and how any line of it is found without reading the rest.
 *
 * PATH holds the bytes as the builder printed them, colours and all; a phase that Nix announces is a line `@nix {"action":"setPhase",
 * ...}`, as in Nix' own logs. PATH.index grows beside it: how many lines end before each block of LOG_BLOCK bytes, where phases
 * begin, and at the end which line the error is. A long log is compressed block by block (PATH.zst, PATH.zst.index) when it ends.
 * A log of an earlier version has no index: its first LOG_UNINDEXED bytes can be looked at, and all of it downloaded.
 *
 * What is read was written by a builder, so hostile: a line is at most LOG_LINE bytes of what it is, and no call reads more than it
 * was told to.
 */
#ifndef EKACI_FORMATS_LOG_FILE_H
#define EKACI_FORMATS_LOG_FILE_H

#include "support/base/err.h"
#include "support/base/str.h"

enum {
	LOG_BLOCK = 128 * 1024,
	LOG_LINE = 4096,        /* of a longer line the rest is left out where lines are shown */
	LOG_PACKED = 16 * 1024, /* a log that is smaller is not worth compressing */
	LOG_MAX_PHASES = 500,   /* of a log; later ones are lines like any other */
	LOG_PHASE_NAME = 64,
	LOG_UNINDEXED = 4 << 20,  /* what is read, at most, of what no index tells */
	LOG_INDEX_BYTES = 8 << 20 /* of an index: 1 GB of log have 0.2 MB */
};

struct log_writer;
/* Begins PATH anew. is_error: whether a line, without colours, tells of an error. */
must_check int log_writer_new(const char *path, bool (*is_error)(struct str line), struct log_writer **ret, struct err *e);
must_check int log_writer_add(struct log_writer *w, struct str bytes, struct err *e);
must_check int log_writer_phase(struct log_writer *w, const char *name, struct err *e);
int64_t log_writer_bytes(const struct log_writer *w);
/* What is written from here on says what the lines before it have said: no error is looked for in it. */
void log_writer_sums_up(struct log_writer *w);
/* The index is finished; a long log is compressed. On failure the log stays as it is. */
must_check int log_writer_end(struct log_writer *w, bool failed, struct err *e);
void log_writer_free(struct log_writer **w);
/* Both forms and their index; what is not there is fine. */
void log_file_remove(const char *path);

struct log_phase {
	int64_t line; /* the first of it, from 1 */
	char name[LOG_PHASE_NAME];
};
struct log_block;
struct packed;
struct log_file {
	struct packed *packed;
	struct log_block *blocks;
	size_t n_blocks;
	struct log_phase *phases;
	size_t n_phases;
	int64_t bytes; /* as they were written; -1: not known */
	int64_t lines; /* so far; with `more`, at least */
	int64_t error; /* the line of the error; 0: none is known */
	bool more;     /* not all lines could be counted */
	bool ended;    /* the index is whole: no more lines come */
};
/* Memory in a. ERR_ABSENT: there is no such log. */
must_check int log_file_open(struct arena *a, const char *path, struct log_file *ret, struct err *e);
void log_file_close(struct log_file *f); /* for AUTO(log_file_close) */

/* Lines from one on. Reads from the beginning of a block on, and passes lines before `from`, too, with shown false, since colours
 * last. fn: 0 to go on, 1 to stop before the next line. */
struct log_line {
	int64_t number;
	struct str text; /* for the call, without its newline */
	bool cut, shown;
};
/* At most max_bytes are read behind the first line shown. *ret_next: the line that would have come next; 0: there is none. */
must_check int log_file_lines(struct log_file *f, int64_t from, int64_t max_bytes,
    int (*fn)(void *ctx, const struct log_line *l), void *ctx, int64_t *ret_next, struct err *e);
/* Makes f->packed go on at a byte of the log; of a compressed one without an index only at 0. */
must_check int log_file_seek(struct log_file *f, int64_t byte, struct err *e);

#endif
