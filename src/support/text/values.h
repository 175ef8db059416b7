/*
 * values - what a template shows: named texts, numbers, flags, lists, and groups of all these, in an arena.
 *
 * A group is made, filled and then only read. Texts and names are not copied: they live as long as the arena, or as long
 * as whoever shows the group says. A group or list may stand in several places. Where a name is given twice the later
 * value counts.
 */
#ifndef EKACI_SUPPORT_TEXT_VALUES_H
#define EKACI_SUPPORT_TEXT_VALUES_H

#include "support/base/str.h"

enum value_kind { VALUE_FLAG, VALUE_TEXT, VALUE_NUMBER, VALUE_LIST, VALUE_GROUP };

struct value {
	enum value_kind kind;
	struct str name; /* of a group's member */
	union {
		bool flag;
		const char *text;
		int64_t number;
		const struct value_list *list;
		struct values *group;
	};
	const struct value *next; /* of a group's members the one that was set before, of a list's elements the one behind */
};

/* A group. */
struct values {
	struct arena *a;
	const struct value *newest;
};
struct value_list {
	struct arena *a;
	struct value *first, *last;
	size_t n;
};

struct values *values_new(struct arena *a);
struct value_list *value_list_new(struct arena *a);

void values_text(struct values *to, const char *name, const char *text); /* nothing when text is NULL */
void values_number(struct values *to, const char *name, int64_t number);
void values_flag(struct values *to, const char *name, bool on);
void values_list(struct values *to, const char *name, const struct value_list *list);
void values_group(struct values *to, const char *name, struct values *group);

void value_list_text(struct value_list *to, const char *text);
void value_list_group(struct value_list *to, struct values *group);

/* The member of that name, or NULL. */
const struct value *values_find(const struct values *in, struct str name);
/* The same when it is a text; else NULL. */
const char *values_find_text(const struct values *in, const char *name);

#endif
