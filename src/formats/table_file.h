/*
 * table_file - the table of a run: what differs, a row each, made by who makes the report and read by the page, which filters and
 * sorts it where it is mapped.
 *
 * A row has a fixed size; its texts stand behind all rows, each once, and are told by their place (table_text). For each column the file
 * has the order of the rows, so that a page of any sort is one walk over numbers. What changes while builds go on is the state of a
 * row alone; `version` names the rest.
 *
 * The file is of this machine and this program: numbers as the processor has them. One of another layout is ERR_INPUT.
 */
#ifndef EKACI_FORMATS_TABLE_FILE_H
#define EKACI_FORMATS_TABLE_FILE_H

#include "records/class.h"
#include "records/reporting.h"

enum { TABLE_MAX_BYTES = 1024 * 1024 * 1024, TABLE_MAX_SYSTEMS = 250, TABLE_MAX_CAUSES = 2000 };

enum table_column {
	TABLE_NAME,
	TABLE_SYSTEM,
	TABLE_CLASS,
	TABLE_VERSION,
	TABLE_CAUSE,
	TABLE_RADIUS,
	TABLE_STATE,
	TABLE_COLUMNS
};
extern const char *const table_columns[]; /* "name", "system", ...: in addresses; NULL at the end */

struct table_row {
	uint32_t name, also, job;        /* texts */
	uint32_t old, new;               /* versions; of 0: not told, or the same */
	uint32_t because;                /* for people */
	uint32_t chain;                  /* from the attribute to the root, a line each */
	uint32_t drv, base_drv;          /* HASH-NAME */
	uint32_t words;                  /* the evaluator's, where it does not evaluate */
	uint32_t search;                 /* what is searched, in small letters */
	uint32_t causes;                 /* place in the file's list */
	int32_t attributes, derivations; /* what must be rebuilt because of it; -1: nothing */
	uint16_t n_causes;
	uint8_t class, system, state;
	uint8_t spare[3];
};

/* What is known of a row's build or evaluation: one byte of the row, table_state. */
struct table_outcome {
	const char *key;   /* in addresses: "failed-newly"; "" for one that nobody wants built */
	const char *words; /* "build failed, newly" */
	const char *tone;
	int rank; /* what is wrong first */
	bool attention;
};
enum { TABLE_OUTCOMES = BUILD_STATES * 4 };
uint8_t table_state(enum attr_class class, enum build_state state, enum blame blame);
/* Texts in a. */
struct table_outcome table_outcome(struct arena *a, uint8_t state);

/* By names, numbers in them as numbers, in any case; then by bytes. */
int table_compare(const char *a, const char *b);

/* --- writing --- */
struct table_entry {
	const char *name, *also, *job, *old, *new, *because, *chain, *drv, *base_drv, *words; /* NULL: none */
	const char *system;
	const uint32_t *causes; /* of the names given to table_begin */
	size_t n_causes;
	int64_t attributes, derivations;
	enum attr_class class;
	uint8_t state;
};
struct table_writer;
/* causes: names, in the order in which people are offered them. They are the caller's until table_end. */
struct table_writer *table_begin(const char *const *causes, size_t n);
void table_add(struct table_writer *w, const struct table_entry *one);
/* The file in out, and its version as 16 hexadecimal digits. ERR_LIMIT when it is too large. */
must_check int table_end(struct table_writer *w, struct buf *out, char ret_version[17], struct err *e);
void table_drop(struct table_writer **w); /* for AUTO(table_drop) */

/* --- reading --- */
struct table_head {
	char magic[8];
	char version[24];
	uint32_t n_rows, n_systems, n_causes, n_places, text_bytes, row_bytes;
};
struct table_map {
	void *map;
	size_t bytes;
	const struct table_head *head;
	const struct table_row *rows;
	const uint32_t *order[TABLE_COLUMNS];
	const uint32_t *systems, *causes; /* texts */
	const uint32_t *places;           /* of rows, into causes */
	const char *text;
};
/* ERR_ABSENT: no such file. */
must_check int table_open(const char *path, struct table_map *ret, struct err *e);
const char *table_text(const struct table_map *t, uint32_t place);
void table_close(struct table_map *t); /* for AUTO(table_close) */

#endif
