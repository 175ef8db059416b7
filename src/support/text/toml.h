/*
 * toml - a TOML 1.0 document as a tree of plain structs, every key and value with its place.
 *
 * The parser is toml++ (C++, in toml.cc); no exception leaves that file. Everything lives in the arena given; nothing
 * is to be released. Children stand in the order of the file. Text is UTF-8, as the parser checked, and may hold NUL.
 */
#ifndef EKACI_SUPPORT_TEXT_TOML_H
#define EKACI_SUPPORT_TEXT_TOML_H

#include "support/base/err.h"
#include "support/base/str.h"

#ifdef __cplusplus
extern "C" {
#endif

enum toml_type { TOML_TABLE, TOML_ARRAY, TOML_TEXT, TOML_INTEGER, TOML_FLOAT, TOML_BOOLEAN, TOML_TIME };

struct toml_node {
	enum toml_type type;
	struct str key;      /* of a table's member; empty in arrays and at the top */
	size_t line, column; /* of the key, from 1; of the value where there is no key */
	size_t value_line, value_column;
	struct str text;         /* TOML_TEXT */
	int64_t integer;         /* TOML_INTEGER */
	double real;             /* TOML_FLOAT */
	bool boolean;            /* TOML_BOOLEAN */
	struct toml_node *first; /* TOML_TABLE, TOML_ARRAY: the children */
	struct toml_node *next;  /* the next child of the same parent */
};

/* Parses text; ERR_INPUT with "what:LINE:COLUMN: text" when it is malformed (a key given twice is). */
must_check int toml_read(struct arena *a, struct str text, const char *what, struct toml_node **ret, struct err *e);

/* The member of a table, or NULL. */
const struct toml_node *toml_get(const struct toml_node *table, const char *key);

/* "a table", "text", ... for messages. */
const char *toml_type_name(enum toml_type type);

#ifdef __cplusplus
}
#endif

#endif
