/* Bare arrays: the only member of a document of ours. */
#include "records/array.h"

#include <string.h>

struct texts_document {
	struct texts list;
};
#define OF struct texts_document
static const struct field texts_members[] = {
    {TEXTS(list), .required = true},
};
#undef OF
static const struct fields texts_fields = FIELDS("list", NULL, struct texts_document, texts_members);

struct numbers_document {
	struct numbers list;
};
#define OF struct numbers_document
static const struct field numbers_members[] = {
    {INTS(list), .required = true},
};
#undef OF
static const struct fields numbers_fields = FIELDS("list", NULL, struct numbers_document, numbers_members);

struct named_document {
	struct named_texts list;
};
#define OF struct named_document
static const struct field named_members[] = {
    {OPTIONS(list), .required = true, .null = true},
};
#undef OF
static const struct fields named_fields = FIELDS("list", NULL, struct named_document, named_members);

static int
read_list(const struct fields *of, struct arena *a, const char *json, const char *what, void *ret, struct err *e)
{
	return fields_read(of, a, str_of(arena_printf(a, "{\"list\":%s}", json)), what, ret, e);
}

static int
write_list(const struct fields *of, struct arena *a, const void *document, const char **ret, struct err *e)
{
	const size_t before = strlen("{\"list\":"), behind = strlen("}");
	char *line;

	if (fields_line(of, a, document, &line, e) != 0)
		return -1;
	line[strlen(line) - behind] = '\0';
	*ret = line + before;
	return 0;
}

int
array_read_texts(struct arena *a, const char *json, const char *what, struct texts *ret, struct err *e)
{
	struct texts_document d = {0};

	if (read_list(&texts_fields, a, json, what, &d, e) != 0)
		return -1;
	*ret = d.list;
	return 0;
}

int
array_read_numbers(struct arena *a, const char *json, const char *what, struct numbers *ret, struct err *e)
{
	struct numbers_document d = {0};

	if (read_list(&numbers_fields, a, json, what, &d, e) != 0)
		return -1;
	*ret = d.list;
	return 0;
}

int
array_read_named(struct arena *a, const char *json, const char *what, struct named_texts *ret, struct err *e)
{
	struct named_document d = {0};

	if (read_list(&named_fields, a, json, what, &d, e) != 0)
		return -1;
	*ret = d.list;
	return 0;
}

int
array_write_texts(struct arena *a, const struct texts *list, const char **ret, struct err *e)
{
	static const char *none[1];
	const struct texts_document d = {list->p != NULL ? *list : (struct texts){none, 0}};

	return write_list(&texts_fields, a, &d, ret, e);
}

int
array_write_numbers(struct arena *a, const struct numbers *list, const char **ret, struct err *e)
{
	static int64_t none[1];
	const struct numbers_document d = {list->p != NULL ? *list : (struct numbers){none, 0}};

	return write_list(&numbers_fields, a, &d, ret, e);
}
