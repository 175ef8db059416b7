/* toml++ behind a C header. */
#include <stdexcept>
#include <string_view>

/*
 * What toml++ asserts of a document that is none would end the process. That a key begins as keys do (not so in "[.a]") it
 * sees again on the next line, and says where; anything else that does not hold is an exception for toml_read.
 */
static void
asserted(std::string_view what)
{
	if (what.find("is_bare_key_character") == std::string_view::npos)
		throw std::logic_error("the TOML parser lost its way");
}
#define TOML_ASSERT(expr)      ((expr) ? static_cast<void>(0) : asserted(#expr))
#define TOML_HEADER_ONLY       1
#define TOML_EXCEPTIONS        0
#define TOML_ENABLE_FORMATTERS 0
#include <toml++/toml.h>

/* After the C++ headers, whose streams have a member that our macro "fail" would eat. */
extern "C" {
#include "support/text/toml.h"
}

static struct str
slice(struct arena *a, std::string_view s)
{
	struct str copy = {arena_strn(a, s.data(), s.size()), s.size()};

	return copy;
}

static struct toml_node *convert(struct arena *a, const toml::node &node);

/* Puts child among its siblings by its place in the file: the library sorts members by name. */
static void
insert(struct toml_node **list, struct toml_node *child)
{
	while (
	    *list != NULL && ((*list)->line < child->line || ((*list)->line == child->line && (*list)->column < child->column)))
		list = &(*list)->next;
	child->next = *list;
	*list = child;
}

static void
convert_table(struct arena *a, const toml::table &table, struct toml_node *n)
{
	n->type = TOML_TABLE;
	for (auto &&[key, value] : table) {
		struct toml_node *child = convert(a, value);
		child->key = slice(a, key.str());
		child->line = key.source().begin.line;
		child->column = key.source().begin.column;
		insert(&n->first, child);
	}
}

static void
convert_array(struct arena *a, const toml::array &array, struct toml_node *n)
{
	struct toml_node **end = &n->first;

	n->type = TOML_ARRAY;
	for (auto &&value : array) {
		*end = convert(a, value);
		end = &(*end)->next;
	}
}

static struct toml_node *
convert(struct arena *a, const toml::node &node)
{
	struct toml_node *n = static_cast<struct toml_node *>(arena_alloc(a, sizeof(*n)));

	n->line = n->value_line = node.source().begin.line;
	n->column = n->value_column = node.source().begin.column;
	n->type = TOML_TIME; /* dates and times of day: nothing of ours takes one */
	if (const toml::table *table = node.as_table()) {
		convert_table(a, *table, n);
	} else if (const toml::array *array = node.as_array()) {
		convert_array(a, *array, n);
	} else if (auto text = node.as_string()) {
		n->type = TOML_TEXT;
		n->text = slice(a, text->get());
	} else if (auto integer = node.as_integer()) {
		n->type = TOML_INTEGER;
		n->integer = integer->get();
	} else if (auto real = node.as_floating_point()) {
		n->type = TOML_FLOAT;
		n->real = real->get();
	} else if (auto boolean = node.as_boolean()) {
		n->type = TOML_BOOLEAN;
		n->boolean = boolean->get();
	}
	return n;
}

int
toml_read(struct arena *a, struct str text, const char *what, struct toml_node **ret, struct err *e)
{
	try {
		toml::parse_result result = toml::parse(std::string_view(text.p, text.n));
		if (!result) {
			const toml::parse_error &wrong = result.error();
			struct str words = slice(a, wrong.description());
			return fail(e, ERR_INPUT, "%s:%u:%u: " STR_FMT, what, static_cast<unsigned>(wrong.source().begin.line),
			    static_cast<unsigned>(wrong.source().begin.column), STR_ARG(words));
		}
		*ret = convert(a, result.table());
		return 0;
	} catch (const std::exception &x) {
		return fail(e, ERR_SYSTEM, "%s: %s", what, x.what());
	} catch (...) {
		return fail(e, ERR_BUG, "%s: the TOML parser gave up without a reason", what);
	}
}

const struct toml_node *
toml_get(const struct toml_node *table, const char *key)
{
	for (const struct toml_node *n = table != NULL && table->type == TOML_TABLE ? table->first : NULL; n != NULL;
	     n = n->next)
		if (str_is(n->key, key))
			return n;
	return NULL;
}

const char *
toml_type_name(enum toml_type type)
{
	switch (type) {
	case TOML_TABLE: return "a table";
	case TOML_ARRAY: return "an array";
	case TOML_TEXT: return "text";
	case TOML_INTEGER: return "a whole number";
	case TOML_FLOAT: return "a number with a fraction";
	case TOML_BOOLEAN: return "true or false";
	case TOML_TIME: return "a date or time";
	}
	return "unknown";
}
