/*
 * fields - a struct and its JSON, by one table.
 *
 * Every job and every record of a stage, every structured column of the database and every document that is read again is
 * a struct with a table of its members: the name in JSON, the type, where it is in the struct, what must be there. Reading
 * and writing go through the table, so the two sides of a border cannot disagree, and ARCHITECTURE.md prints the tables.
 *
 * Reading: unknown members are ignored; a required one that is absent or null, a member of another type than the table's and
 * text that holds NUL or is no UTF-8 are ERR_INPUT with the place ("job.jobs[2].name"). What is absent or null otherwise is
 * zero (NULL, no elements), or `otherwise`. All memory is the arena's.
 *
 * Writing: members in the order of the table, on one line without blanks, as they stood in earlier versions' databases and
 * files. Text that is no UTF-8 is ERR_INPUT with its place, never NULL and never another text; whoever writes text from
 * outside that must be shown whatever it is cleans it first (fields_clean). A required text that is NULL is ERR_BUG.
 */
#ifndef EKACI_RECORDS_FIELDS_H
#define EKACI_RECORDS_FIELDS_H

#include "support/base/err.h"
#include "support/base/str.h"

/* Lists, in an arena. p is NULL only when there was none (absent or null): an empty one has a place. */
#define LIST(type)        \
	struct {          \
		type *p;  \
		size_t n; \
	}
struct texts {
	const char **p;
	size_t n;
};
struct paths { /* attribute paths, or other lists of texts */
	struct texts *p;
	size_t n;
};
struct numbers {
	int64_t *p;
	size_t n;
};
struct named_text {
	const char *name, *text;
};
struct named_texts { /* an object whose members are texts */
	struct named_text *p;
	size_t n;
};
struct named_number {
	const char *name;
	int64_t number;
};
struct named_numbers { /* an object whose members are numbers */
	struct named_number *p;
	size_t n;
};

enum field_type {
	FIELD_TEXT,       /* const char *, NULL: null */
	FIELD_INT,        /* int64_t */
	FIELD_FLAG,       /* bool */
	FIELD_REAL,       /* double, NaN: null; whole numbers are read, too */
	FIELD_MAYBE_FLAG, /* int: 0, 1, or -1: null */
	FIELD_WORD,       /* int (an enum), in JSON one of `words`; -1: null */
	FIELD_TEXTS,      /* struct texts */
	FIELD_PATH,       /* struct texts, an attribute path: as FIELD_TEXTS, but elements may be any UTF-8 */
	FIELD_PATHS,      /* struct paths */
	FIELD_INTS,       /* struct numbers */
	FIELD_OPTIONS,    /* struct named_texts */
	FIELD_NUMBERS,    /* struct named_numbers */
	FIELD_RECORD,     /* a struct, inline, of the table `of` */
	FIELD_MAYBE,      /* a pointer to one, NULL: null */
	FIELD_LIST,       /* LIST(struct): an array of them */
	FIELD_KEYED,      /* LIST(struct): an object; the struct's first member, a const char *, is the name of a member, and
	                  another one, of the table `of`, its value */
	FIELD_RAW         /* const char *: any JSON, kept as the text it is; NULL: null */
};

struct fields;
struct field {
	const char *name;
	enum field_type type;
	size_t offset;
	const struct fields *of; /* of what a FIELD_RECORD, MAYBE, LIST or KEYED consists */
	size_t raw; /* of a MAYBE: where a const char * is, JSON that is written instead of the struct if it is set */
	size_t element, value;    /* of a KEYED: the size of its struct, and where the value is in it */
	const char *const *words; /* of a FIELD_WORD, by value, NULL at the end */
	int64_t otherwise;        /* of an INT, FLAG or WORD that is absent or null */
	bool required;            /* to be there when it is read */
	bool null;         /* of an INT: written as null where it is `otherwise`; of TEXTS and OPTIONS: elements may be null */
	bool lines;        /* of a LIST: each element is written on a line of its own */
	bool left_out;     /* not written when it is empty (NULL, 0 or `otherwise`, false); else null is written */
	const char *about; /* one line for ARCHITECTURE.md: unit, meaning; NULL where the name says it all */
};

struct fields {
	const char *name; /* for errors and ARCHITECTURE.md: "mirrored" */
	const char *type; /* written as the member "type", by which records are told apart; or NULL */
	size_t size;      /* of the struct */
	const struct field *members;
	size_t n;
	size_t type_behind; /* how many members stand before "type" */
};

/*
 * How a table is written, above each struct's:
 *   #define OF struct mirrored
 *   static const struct field mirrored_members[] = {
 *       {TEXT(head), .required = true, .about = "commit"},
 *       {FLAG(conflict)},
 *   };
 *   #undef OF
 *   const struct fields mirrored_fields = FIELDS("mirrored", "mirrored", struct mirrored, mirrored_members);
 * The compiler warns when a member is of another type than its row says.
 */
#define FIELD_AT(member, type) (offsetof(OF, member) + 0 * sizeof((type *)0 == &((OF *)0)->member))
#define TEXT(m)                .name = #m, .type = FIELD_TEXT, .offset = FIELD_AT(m, const char *)
#define INT(m)                 .name = #m, .type = FIELD_INT, .offset = FIELD_AT(m, int64_t)
#define FLAG(m)                .name = #m, .type = FIELD_FLAG, .offset = FIELD_AT(m, bool)
#define REAL(m)                .name = #m, .type = FIELD_REAL, .offset = FIELD_AT(m, double)
#define MAYBE_FLAG(m)          .name = #m, .type = FIELD_MAYBE_FLAG, .offset = FIELD_AT(m, int), .otherwise = -1
#define INTS(m)                .name = #m, .type = FIELD_INTS, .offset = FIELD_AT(m, struct numbers)
#define WORD(m, w)                      \
	.name = #m, .type = FIELD_WORD, \
	.offset = offsetof(OF, m) + 0 * sizeof(char[sizeof(((OF *)0)->m) == sizeof(int) ? 1 : -1]), .words = (w)
#define TEXTS(m)         .name = #m, .type = FIELD_TEXTS, .offset = FIELD_AT(m, struct texts)
#define PATH(m)          .name = #m, .type = FIELD_PATH, .offset = FIELD_AT(m, struct texts)
#define PATHS(m)         .name = #m, .type = FIELD_PATHS, .offset = FIELD_AT(m, struct paths)
#define OPTIONS(m)       .name = #m, .type = FIELD_OPTIONS, .offset = FIELD_AT(m, struct named_texts)
#define NUMBERS(m)       .name = #m, .type = FIELD_NUMBERS, .offset = FIELD_AT(m, struct named_numbers)
#define RECORD(m, T, f)  .name = #m, .type = FIELD_RECORD, .offset = FIELD_AT(m, struct T), .of = &(f)
#define MAYBE(m, T, f)   .name = #m, .type = FIELD_MAYBE, .offset = FIELD_AT(m, struct T *), .of = &(f)
#define LIST_OF(m, T, f) .name = #m, .type = FIELD_LIST, .offset = offsetof(OF, m) + 0 * FIELD_AT(m.p, struct T *), .of = &(f)
#define KEYED(m, T, v, f)                                                                                       \
	.name = #m, .type = FIELD_KEYED, .offset = offsetof(OF, m) + 0 * FIELD_AT(m.p, struct T *), .of = &(f), \
	.element = sizeof(struct T), .value = offsetof(struct T, v)
#define RAW(m)                         .name = #m, .type = FIELD_RAW, .offset = FIELD_AT(m, const char *)
#define FIELDS(name, type, T, members) FIELDS_TYPED(name, type, 0, T, members)
/* "type" stands behind so many members, as earlier versions had it. */
#define FIELDS_TYPED(name, type, behind, T, members)                           \
	{                                                                      \
		(name), (type), sizeof(T), (members), COUNT(members), (behind) \
	}

enum { FIELDS_MAX_DEPTH = 64 }; /* of a document; deeper is ERR_INPUT */

/* A struct as it is read where nothing is said: zeros, and what its rows have as `otherwise`. */
void fields_init(const struct fields *of, void *ret);

/* Reads one document into *ret, a struct of the table. what stands in front of places: "job", a file's name. */
must_check int fields_read(const struct fields *of, struct arena *a, struct str text, const char *what, void *ret,
    struct err *e);
/* The same of a file. ERR_LIMIT when it is larger. */
must_check int fields_read_file(const struct fields *of, struct arena *a, const char *path, size_t max_bytes, void *ret,
    struct err *e);
/* The member "type" of a document, in a; NULL when it has none or is no object. It goes through the whole document. */
const char *fields_type(struct arena *a, struct str text);

/* Appends the struct as one line without its newline. What it has written is to be thrown away when it fails. */
must_check int fields_write(const struct fields *of, const void *value, struct buf *out, struct err *e);
/* The same with control characters as difference files have them. */
enum fields_escapes {
	FIELDS_SHORT,   /* \t, \u001F */
	FIELDS_NUMBERED /* \u0009, \u001f, and \u007f; only a newline is \n */
};
must_check int fields_write_as(const struct fields *of, const void *value, enum fields_escapes escapes, struct buf *out,
    struct err *e);
/* fields_write as text in a. */
must_check int fields_line(const struct fields *of, struct arena *a, const void *value, char **ret, struct err *e);

/* text with every byte that is no UTF-8, and NUL, as U+FFFD; text itself where there is none. */
const char *fields_clean(struct arena *a, struct str text);

#endif
