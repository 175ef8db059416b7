// Rows made smaller, by simdjson.
#include <cstring>
#include <exception>
#include <simdjson.h>
#include <string_view>

#define restrict __restrict
extern "C" {
#include "evaluate/reduce.h"
#include "formats/rows.h"
#include "nix/path.h"
#include "support/text/json.h"
}

namespace
{

using simdjson::dom::element;
using simdjson::dom::object;

constexpr std::string_view row_members[] = {"attrPath", "system", "name", "drvPath", "outputs", "error", "fatal",
    "requiredSystemFeatures", "metaError", "warnings", "stats"};
constexpr std::string_view meta_members[] = {"version", "description", "homepage", "position", "license", "maintainers",
    "broken", "insecure", "unfree"};

void
add(struct buf *out, std::string_view s)
{
	buf_add(out, s.data(), s.size());
}

template <size_t N>
void
copy_members(const object &from, const std::string_view (&names)[N], struct buf *out, bool &first)
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

simdjson::dom::parser &
the_parser()
{
	static simdjson::dom::parser parser; /* keeps its memory from row to row */
	return parser;
}

/* A JSON string; false when it holds a NUL, which the careful reader refuses. */
bool
add_string(struct buf *out, std::string_view s)
{
	return json_quote({s.data(), s.size()}, out);
}

/* The members of an object that are of interest, found in one pass; of repeated ones the first. */
template <size_t N>
struct members_of {
	element found[N];
	unsigned seen = 0;

	members_of(const object *from, const std::string_view (&names)[N])
	{
		if (from == nullptr)
			return;
		for (auto field : *from)
			for (size_t i = 0; i < N; i++)
				if (field.key == names[i]) {
					if (!has(i))
						found[i] = field.value;
					seen |= 1u << i;
					break;
				}
	}
	bool has(size_t i) const
	{
		return (seen & 1u << i) != 0;
	}
	template <typename T>
	bool get(size_t i, T &ret) const
	{
		return has(i) && found[i].get(ret) == simdjson::SUCCESS;
	}
};
enum {
	ROW_PATH,
	ROW_SYSTEM,
	ROW_NAME,
	ROW_DRV,
	ROW_OUTPUTS,
	ROW_ERROR,
	ROW_FATAL,
	ROW_FEATURES,
	ROW_META,
	ROW_META_ERROR,
	ROW_WARNINGS,
	ROW_STATS
};
enum { META_VERSION, META_DESCRIPTION, META_HOMEPAGE, META_POSITION, META_LICENSE, META_MAINTAINERS, META_FLAGS };
constexpr std::string_view good_members[] = {"attrPath", "system", "name", "drvPath", "outputs", "error", "fatal",
    "requiredSystemFeatures", "meta", "metaError", "warnings", "stats"};
constexpr std::string_view stats_members[] = {"wallMs", "allocBytes"};
using row_fields = members_of<12>;
using meta_fields = members_of<9>;

/* A member's text, or the first one's of a list; empty when it is none. */
std::string_view
text_of(const meta_fields &meta, size_t i)
{
	simdjson::dom::array list;
	std::string_view text;
	element e;

	if (!meta.get(i, e))
		return {};
	if (e.get(list) == simdjson::SUCCESS && list.at(0).get(e) != simdjson::SUCCESS)
		return {};
	return e.get(text) == simdjson::SUCCESS ? text : std::string_view{};
}

/* As meta.c: the item when it is text, else the first of names that it has as text. */
template <size_t N>
bool
name_in(const element &item, const std::string_view (&names)[N], std::string_view &ret)
{
	object o;

	if (item.get(ret) == simdjson::SUCCESS)
		return true;
	if (item.get(o) != simdjson::SUCCESS)
		return false;
	for (std::string_view name : names)
		if (o[name].get(ret) == simdjson::SUCCESS && !ret.empty())
			return true;
	return false;
}

struct members { /* of an object being written */
	struct buf *out;
	bool first, good;

	void name(std::string_view n)
	{
		add(out, first ? "\"" : ",\"");
		add(out, n);
		add(out, "\":");
		first = false;
	}
	void text(std::string_view n, std::string_view s)
	{
		struct str head = str_utf8_head({s.data(), s.size()}, 2000); /* as meta.c */
		if (head.n == 0)
			return;
		name(n);
		good = add_string(out, {head.p, head.n}) && good;
	}
};

template <size_t N>
void
add_list(struct members &m, const meta_fields &meta, size_t which, const std::string_view (&names)[N])
{
	simdjson::dom::array list;
	std::string_view found;
	element e;
	size_t n = 0;

	std::string_view key = meta_members[which];
	if (!meta.get(which, e))
		return;
	auto one = [&](const element &item) {
		if (n >= 100 || !name_in(item, names, found))
			return;
		if (n++ == 0) {
			m.name(key);
			buf_putc(m.out, '[');
		} else {
			buf_putc(m.out, ',');
		}
		m.good = add_string(m.out, found) && m.good;
	};
	if (e.get(list) == simdjson::SUCCESS)
		for (element item : list)
			one(item);
	else
		one(e);
	if (n > 0)
		buf_putc(m.out, ']');
}

/* As builtins.parseDrvName. */
std::string_view
version_in(std::string_view name)
{
	for (size_t i = name.find('-'); i != std::string_view::npos; i = name.find('-', i + 1)) {
		if (i + 1 >= name.size())
			break;
		char c = name[i + 1];
		if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')))
			return name.substr(i + 1);
	}
	return {};
}

bool
add_meta(struct buf *out, const row_fields &row, std::string_view name)
{
	static constexpr std::string_view licenses[] = {"spdxId", "shortName", "fullName"};
	static constexpr std::string_view people[] = {"github", "name", "email"};
	struct members m = {out, true, true};
	std::string_view version;
	object all;
	bool flag;

	add(out, ",\"meta\":{");
	bool has = row.get(ROW_META, all);
	meta_fields meta(has ? &all : nullptr, meta_members);
	if (!meta.get(META_VERSION, version))
		version = version_in(name);
	m.text("version", version);
	m.text("description", text_of(meta, META_DESCRIPTION));
	m.text("homepage", text_of(meta, META_HOMEPAGE));
	m.text("position", text_of(meta, META_POSITION));
	add_list(m, meta, META_LICENSE, licenses);
	add_list(m, meta, META_MAINTAINERS, people);
	for (size_t i = META_FLAGS; i < COUNT(meta_members); i++)
		if (meta.get(i, flag) && flag) {
			m.name(meta_members[i]);
			add(out, "true");
		}
	buf_putc(out, '}');
	return m.good;
}

bool
add_path(const row_fields &row, size_t max_depth, struct buf *key, struct buf *out, size_t *depth)
{
	simdjson::dom::array path;
	std::string_view part;

	if (!row.get(ROW_PATH, path) || path.size() == 0 || (max_depth != 0 && path.size() > max_depth))
		return false;
	*depth = path.size();
	add(out, "{\"attrPath\":[");
	bool first = true;
	for (element e : path) {
		if (e.get(part) != simdjson::SUCCESS)
			return false;
		if (!first)
			buf_putc(out, ',');
		first = false;
		if (!add_string(out, part))
			return false;
		add(key, part);
		buf_putc(key, '\0');
	}
	buf_putc(out, ']');
	return true;
}

bool
add_outputs(const row_fields &row, struct buf *out)
{
	object outputs;
	std::string_view path;
	bool first = true;

	if (!row.get(ROW_OUTPUTS, outputs))
		return false;
	add(out, ",\"outputs\":{");
	for (auto field : outputs) {
		if (!first)
			buf_putc(out, ',');
		first = false;
		if (!add_string(out, field.key))
			return false;
		buf_putc(out, ':');
		if (field.value.is_null())
			add(out, "null");
		else if (field.value.get(path) != simdjson::SUCCESS || path.empty() || path[0] != '/' || !add_string(out, path))
			return false;
	}
	buf_putc(out, '}');
	return true;
}

bool
add_features(const row_fields &row, struct buf *out)
{
	simdjson::dom::array list;
	std::string_view one;
	bool first = true;

	add(out, ",\"features\":[");
	if (row.get(ROW_FEATURES, list))
		for (element e : list) {
			if (e.get(one) != simdjson::SUCCESS)
				continue;
			if (!first)
				buf_putc(out, ',');
			first = false;
			if (!add_string(out, one))
				return false;
		}
	buf_putc(out, ']');
	return true;
}

/* Whole numbers only: others are for the careful reader. */
bool
add_stats(const row_fields &row, struct buf *out)
{
	object stats;
	bool first = true;

	if (!row.has(ROW_STATS))
		return true;
	if (!row.get(ROW_STATS, stats))
		return false;
	members_of<2> found(&stats, stats_members);
	for (size_t i = 0; i < COUNT(stats_members); i++) {
		int64_t n;
		if (!found.has(i))
			continue;
		if (!found.get(i, n) || n < 0 || n > 1000000000000000)
			return false;
		buf_printf(out, first ? ROWS_STATS "\"%s\":%lld" : ",\"%s\":%lld", stats_members[i].data(), (long long)n);
		first = false;
	}
	if (!first)
		buf_putc(out, '}');
	return true;
}

bool
good_row(const object &all, size_t max_depth, struct buf *key, struct buf *out, struct str *drv, size_t *depth)
{
	std::string_view system, name, path;
	bool fatal = false;
	row_fields row(&all, good_members);

	if (row.has(ROW_ERROR) || row.has(ROW_META_ERROR) || row.has(ROW_WARNINGS) || !row.get(ROW_DRV, path) ||
	    (row.get(ROW_FATAL, fatal) && fatal))
		return false;
	if (!nix_path_is_drv({path.data(), path.size()}) || !add_path(row, max_depth, key, out, depth))
		return false;
	if (!row.get(ROW_SYSTEM, system))
		system = {};
	if (!row.get(ROW_NAME, name))
		name = {};
	add(key, system);
	add(out, ",\"system\":");
	bool good = add_string(out, system);
	add(out, ",\"name\":");
	good = add_string(out, name) && good;
	add(out, ",\"drvPath\":\"");
	size_t at = out->n;
	add(out, path);
	buf_putc(out, '"');
	good = good && add_outputs(row, out) && add_meta(out, row, name) && add_features(row, out) && add_stats(row, out);
	buf_putc(out, '}');
	*drv = {out->p + at, path.size()};
	return good && !out->over && !key->over;
}

} // namespace

extern "C" bool
reduce_good_row(struct str line, size_t max_depth, struct buf *key, struct buf *out, struct str *drv, size_t *depth)
{
	buf_drop(key, key->n);
	buf_drop(out, out->n);
	try {
		object row;
		return the_parser().parse(line.p, line.n).get(row) == simdjson::SUCCESS &&
		       good_row(row, max_depth, key, out, drv, depth);
	} catch (const std::exception &) {
		return false;
	}
}

extern "C" bool
reduce_row(struct str line, struct buf *out)
{
	size_t before = out->n;

	try {
		element row;
		if (the_parser().parse(line.p, line.n).get(row) == simdjson::SUCCESS && reduce(row, out))
			return true;
	} catch (const std::exception &) {
		/* out of memory, at most: the careful reader says so */
	}
	out->n = before;
	out->p[before] = '\0';
	return false;
}
