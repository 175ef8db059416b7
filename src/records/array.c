/* Bare arrays: the only member of a document of ours. */
#include "records/array.h"

#include <string.h>

/* Every list begins with its place and has its number behind it. */
struct whole {
	LIST(char) list;
};

static const struct field texts_member = {.name = "list", .type = FIELD_TEXTS, .required = true};
static const struct field numbers_member = {.name = "list", .type = FIELD_INTS, .required = true};
static const struct field named_member = {.name = "list", .type = FIELD_OPTIONS, .required = true, .null = true};

static int
read_member(const struct field *f, struct arena *a, const char *json, const char *what, void *ret, struct err *e)
{
	const struct fields document = {what, NULL, sizeof(struct whole), f, 1, 0};

	return fields_read(&document, a, str_of(arena_printf(a, "{\"%s\":%s}", f->name, json)), what, ret, e);
}

static int
write_member(const struct field *f, struct arena *a, const void *list, const char **ret, struct err *e)
{
	const struct fields document = {"list", NULL, sizeof(struct whole), f, 1, 0};
	const size_t before = strlen("{\"list\":"), behind = strlen("}");
	char *line;

	if (((const struct whole *)list)->list.n == 0) {
		*ret = "[]";
		return 0;
	}
	if (fields_line(&document, a, list, &line, e) != 0)
		return -1;
	line[strlen(line) - behind] = '\0';
	*ret = line + before;
	return 0;
}

int
array_read_texts(struct arena *a, const char *json, const char *what, struct texts *ret, struct err *e)
{
	return read_member(&texts_member, a, json, what, ret, e);
}

int
array_read_numbers(struct arena *a, const char *json, const char *what, struct numbers *ret, struct err *e)
{
	return read_member(&numbers_member, a, json, what, ret, e);
}

int
array_read_named(struct arena *a, const char *json, const char *what, struct named_texts *ret, struct err *e)
{
	return read_member(&named_member, a, json, what, ret, e);
}

int
array_read_records(const struct fields *of, struct arena *a, const char *json, const char *what, void *ret, struct err *e)
{
	const struct field member = {.name = "list", .type = FIELD_LIST, .of = of, .required = true};

	return read_member(&member, a, json, what, ret, e);
}

int
array_write_texts(struct arena *a, const struct texts *list, const char **ret, struct err *e)
{
	return write_member(&texts_member, a, list, ret, e);
}

int
array_write_numbers(struct arena *a, const struct numbers *list, const char **ret, struct err *e)
{
	return write_member(&numbers_member, a, list, ret, e);
}

int
array_write_records(const struct fields *of, struct arena *a, const void *list, const char **ret, struct err *e)
{
	const struct field member = {.name = "list", .type = FIELD_LIST, .of = of, .required = true};

	return write_member(&member, a, list, ret, e);
}
