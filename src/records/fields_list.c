/* Lists by themselves: the elements of a document that is an array. */
#include "records/fields.h"

struct whole {
	LIST(char) list;
};

/* Arrays are read as the only member of an object. */
static int
read_member(const struct field *f, struct arena *a, struct str text, const char *what, void *ret, struct err *e)
{
	const struct fields whole = {what, NULL, sizeof(struct whole), f, 1};
	AUTO(buf_release) struct buf b;

	buf_init(&b, SIZE_MAX / 4);
	buf_printf(&b, "{\"%s\":", f->name);
	buf_str(&b, text);
	buf_putc(&b, '}');
	return fields_read(&whole, a, buf_get(&b), what, ret, e);
}

int
fields_read_list(const struct fields *of, struct arena *a, struct str text, const char *what, void *ret, struct err *e)
{
	const struct field f = {.name = "list", .type = FIELD_LIST, .of = of, .required = true};

	return read_member(&f, a, text, what, ret, e);
}

int
fields_list_line(const struct fields *of, struct arena *a, const void *list, char **ret, struct err *e)
{
	const struct texts *all = list; /* every list begins with its place and has its number behind it */
	AUTO(buf_release) struct buf line;

	buf_init(&line, SIZE_MAX / 4);
	buf_putc(&line, '[');
	for (size_t i = 0; i < all->n; i++) {
		if (i > 0)
			buf_putc(&line, ',');
		if (fields_write(of, (const char *)(const void *)all->p + i * of->size, &line, e) != 0)
			return -1;
	}
	buf_putc(&line, ']');
	*ret = arena_strn(a, line.p, line.n);
	return 0;
}
