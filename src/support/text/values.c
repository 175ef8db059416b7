/* Groups and lists of values. */
#include "support/text/values.h"

struct values *
values_new(struct arena *a)
{
	struct values *ret = arena_alloc(a, sizeof(*ret));

	ret->a = a;
	return ret;
}

struct value_list *
value_list_new(struct arena *a)
{
	struct value_list *ret = arena_alloc(a, sizeof(*ret));

	ret->a = a;
	return ret;
}

static struct value *
member(struct values *to, const char *name, enum value_kind kind)
{
	struct value *v = arena_alloc(to->a, sizeof(*v));

	*v = (struct value){.kind = kind, .name = str_of(name), .next = to->newest};
	to->newest = v;
	return v;
}

void
values_text(struct values *to, const char *name, const char *text)
{
	if (text != NULL)
		member(to, name, VALUE_TEXT)->text = text;
}

void
values_number(struct values *to, const char *name, int64_t number)
{
	member(to, name, VALUE_NUMBER)->number = number;
}

void
values_flag(struct values *to, const char *name, bool on)
{
	member(to, name, VALUE_FLAG)->flag = on;
}

void
values_list(struct values *to, const char *name, const struct value_list *list)
{
	member(to, name, VALUE_LIST)->list = list;
}

void
values_group(struct values *to, const char *name, struct values *group)
{
	member(to, name, VALUE_GROUP)->group = group;
}

static struct value *
element(struct value_list *to, enum value_kind kind)
{
	struct value *v = arena_alloc(to->a, sizeof(*v));

	v->kind = kind;
	if (to->n++ == 0)
		to->first = v;
	else
		to->last->next = v;
	to->last = v;
	return v;
}

void
value_list_text(struct value_list *to, const char *text)
{
	element(to, VALUE_TEXT)->text = text;
}

void
value_list_group(struct value_list *to, struct values *group)
{
	element(to, VALUE_GROUP)->group = group;
}

const struct value *
values_find(const struct values *in, struct str name)
{
	for (const struct value *v = in->newest; v != NULL; v = v->next)
		if (str_eq(v->name, name))
			return v;
	return NULL;
}

const char *
values_find_text(const struct values *in, const char *name)
{
	const struct value *v = values_find(in, str_of(name));

	return v != NULL && v->kind == VALUE_TEXT ? v->text : NULL;
}
