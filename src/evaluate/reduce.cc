// Rows made smaller, by simdjson.
#define restrict __restrict
extern "C" {
#include "evaluate/reduce.h"
}

#include <exception>
#include <simdjson.h>
#include <string_view>

namespace {

using simdjson::dom::element;
using simdjson::dom::object;

const char *const row_members[] = {
    "attrPath", "system", "name", "drvPath", "outputs", "error", "fatal", "requiredSystemFeatures"};
const char *const meta_members[] = {
    "version", "description", "homepage", "position", "license", "maintainers", "broken", "insecure", "unfree"};

void
add(struct buf *out, std::string_view s)
{
	buf_add(out, s.data(), s.size());
}

template <size_t N>
void
copy_members(const object &from, const char *const (&names)[N], struct buf *out, bool &first)
{
	unsigned seen = 0;

	for (auto field : from) {
		for (size_t i = 0; i < N; i++) {
			if (field.key != names[i] || (seen & 1u << i))
				continue;
			seen |= 1u << i;
			add(out, first ? "\"" : ",\"");
			add(out, names[i]);
			add(out, "\":");
			add(out, simdjson::minify(field.value));
			first = false;
		}
	}
}

bool
reduce(const element &row, struct buf *out)
{
	object members, meta;
	bool first = true;

	if (row.get(members) != simdjson::SUCCESS)
		return false;
	buf_putc(out, '{');
	copy_members(members, row_members, out, first);
	if (members["meta"].get(meta) == simdjson::SUCCESS) {
		bool first_of_meta = true;
		add(out, first ? "\"meta\":{" : ",\"meta\":{");
		copy_members(meta, meta_members, out, first_of_meta);
		buf_putc(out, '}');
	}
	buf_putc(out, '}');
	return true;
}

} // namespace

extern "C" bool
reduce_row(struct str line, struct buf *out)
{
	static simdjson::dom::parser parser; /* keeps its memory from row to row */
	size_t before = out->n;

	try {
		element row;
		if (parser.parse(line.p, line.n).get(row) == simdjson::SUCCESS && reduce(row, out))
			return true;
	} catch (const std::exception &) {
		/* out of memory, at most: the careful reader says so */
	}
	out->n = before;
	out->p[before] = '\0';
	return false;
}
