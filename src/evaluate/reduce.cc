// Rows made smaller, by simdjson.
#include <exception>
#include <simdjson.h>
#include <string_view>
#include <vector>

#define restrict __restrict
extern "C" {
#include "evaluate/reduce.h"
#include "formats/rows.h"
#include "support/text/json.h"
}

namespace
{

using simdjson::dom::element;
using simdjson::dom::object;

enum {
	MAX_TEXT = 2000, /* bytes */
	MAX_LIST = 100,
	MAX_WARNINGS = 20,
	/* Far more than rows need. Nobody reads what is nested so deep, but it may stand in a meta. */
	MAX_DEPTH = 2049
};

constexpr std::string_view meta_members[] = {"version", "description", "homepage", "position", "license", "maintainers",
    "broken", "insecure", "unfree"};

void
add(struct buf *out, std::string_view s)
{
	buf_add(out, s.data(), s.size());
}

/* A JSON string; false when it holds a NUL. */
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

	members_of() = default;
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
constexpr std::string_view row_members[] = {"attrPath", "system", "name", "drvPath", "outputs", "error", "fatal",
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

/* The item when it is text, else the first of names that it has as text. */
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
		struct str head = str_utf8_head({s.data(), s.size()}, MAX_TEXT);
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
		if (n >= MAX_LIST || !name_in(item, names, found))
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

/* The row read last; its memory is used for all rows. */
struct {
	simdjson::dom::parser parser;
	row_fields members;
	std::vector<struct str> path;
} last;

struct str
text_in(const row_fields &row, size_t i)
{
	std::string_view s;

	return row.get(i, s) ? str{s.data(), s.size()} : str{nullptr, 0};
}

/* The parts of the path, if it is one; false when one holds a NUL, for a path is kept as its parts with a NUL behind each. */
bool
read_path(const row_fields &row, struct printed_row *ret)
{
	simdjson::dom::array path;
	std::string_view part;

	last.path.clear();
	if (!row.get(ROW_PATH, path))
		return true;
	for (element e : path) {
		if (e.get(part) != simdjson::SUCCESS)
			return true;
		if (part.find('\0') != std::string_view::npos)
			return false;
		last.path.push_back({part.data(), part.size()});
	}
	ret->depth = last.path.size();
	last.path.push_back({}); /* so that it has a place even when it is empty */
	ret->path = last.path.data();
	return true;
}

bool
are_good_outputs(const row_fields &row)
{
	object outputs;
	std::string_view path;

	if (!row.get(ROW_OUTPUTS, outputs))
		return false;
	for (auto field : outputs)
		if (!field.value.is_null() && (field.value.get(path) != simdjson::SUCCESS || path.empty() || path[0] != '/'))
			return false;
	return true;
}

bool
describe(const row_fields &row, struct printed_row *ret)
{
	*ret = {};
	ret->has_path = row.has(ROW_PATH) && !row.found[ROW_PATH].is_null();
	ret->system = text_in(row, ROW_SYSTEM);
	ret->drv = text_in(row, ROW_DRV);
	ret->error = text_in(row, ROW_ERROR);
	ret->has_fatal = row.has(ROW_FATAL);
	row.get(ROW_FATAL, ret->fatal);
	ret->good_outputs = are_good_outputs(row);
	return read_path(row, ret);
}

bool
add_path(const struct printed_row &row, struct buf *out)
{
	bool good = true;

	add(out, "\"attrPath\":[");
	for (size_t i = 0; i < row.depth; i++) {
		if (i > 0)
			buf_putc(out, ',');
		good = json_quote(row.path[i], out) && good;
	}
	buf_putc(out, ']');
	return good;
}

bool
add_outputs(const row_fields &row, struct buf *out)
{
	object outputs;
	std::string_view path;
	bool first = true, good = true;

	add(out, ",\"outputs\":{");
	if (row.get(ROW_OUTPUTS, outputs))
		for (auto field : outputs) {
			if (!first)
				buf_putc(out, ',');
			first = false;
			good = add_string(out, field.key) && good;
			buf_putc(out, ':');
			if (field.value.get(path) == simdjson::SUCCESS)
				good = add_string(out, path) && good;
			else
				add(out, "null");
		}
	buf_putc(out, '}');
	return good;
}

bool
add_features(const row_fields &row, struct buf *out)
{
	simdjson::dom::array list;
	std::string_view one;
	bool first = true, good = true;

	add(out, ",\"features\":[");
	if (row.get(ROW_FEATURES, list))
		for (element e : list) {
			if (e.get(one) != simdjson::SUCCESS)
				continue;
			if (!first)
				buf_putc(out, ',');
			first = false;
			good = add_string(out, one) && good;
		}
	buf_putc(out, ']');
	return good;
}

/* What the evaluator said, without the blanks around. */
bool
add_words(struct buf *out, struct str words)
{
	return json_quote(str_utf8_head(str_trim(words), REDUCE_ERROR_BYTES), out);
}

/* Texts, or objects that say theirs as msg. */
bool
add_warnings(const row_fields &row, struct buf *out)
{
	simdjson::dom::array list;
	std::string_view text;
	object o;
	bool good = true;
	int n = 0;

	if (!row.get(ROW_WARNINGS, list))
		return true;
	for (element e : list) {
		if (e.get(o) == simdjson::SUCCESS && o["msg"].get(e) != simdjson::SUCCESS)
			continue;
		if (e.get(text) != simdjson::SUCCESS || text.empty())
			continue;
		add(out, n == 0 ? ",\"warnings\":[" : ",");
		good = add_words(out, {text.data(), text.size()}) && good;
		if (++n == MAX_WARNINGS)
			break;
	}
	if (n > 0)
		buf_putc(out, ']');
	return good;
}

/* Numbers from 0 to 10^15, without what stands behind the point. */
void
add_stats(const row_fields &row, struct buf *out)
{
	object stats;
	bool first = true;

	if (!row.get(ROW_STATS, stats))
		return;
	members_of<2> found(&stats, stats_members);
	for (size_t i = 0; i < COUNT(stats_members); i++) {
		double value;
		if (!found.get(i, value) || !(value >= 0) || value > 1e15)
			continue;
		buf_printf(out, first ? ROWS_STATS "\"%s\":%lld" : ",\"%s\":%lld", stats_members[i].data(), (long long)value);
		first = false;
	}
	if (!first)
		buf_putc(out, '}');
}

bool
write_row(const row_fields &row, const struct printed_row &printed, struct buf *out, size_t *ret_drv)
{
	struct str bad_meta = text_in(row, ROW_META_ERROR);
	std::string_view name = "";
	bool has_drv = printed.drv.n > 0;

	buf_putc(out, '{');
	bool good = add_path(printed, out);
	add(out, ",\"system\":");
	good = add_string(out, printed.system.p != nullptr ? std::string_view(printed.system.p, printed.system.n) : "") && good;
	if (has_drv) {
		row.get(ROW_NAME, name);
		add(out, ",\"name\":");
		good = add_string(out, name) && good;
		add(out, ",\"drvPath\":\"");
		*ret_drv = out->n;
		buf_str(out, printed.drv);
		buf_putc(out, '"');
		good = add_outputs(row, out) && good;
		good = add_meta(out, row, name) && good;
	}
	if (has_drv && bad_meta.n > 0) {
		add(out, ",\"metaError\":");
		good = add_words(out, bad_meta) && good;
	}
	if (printed.error.p != nullptr) {
		add(out, ",\"error\":");
		good = add_words(out, printed.error) && good;
	}
	if (has_drv)
		good = add_features(row, out) && good;
	good = add_warnings(row, out) && good;
	add_stats(row, out);
	buf_putc(out, '}');
	return good;
}

} // namespace

extern "C" bool
reduce_read(struct str line, struct printed_row *ret)
{
	object row;

	try {
		if (last.parser.max_depth() != MAX_DEPTH && last.parser.allocate(line.n, MAX_DEPTH) != simdjson::SUCCESS)
			return false;
		if (last.parser.parse(line.p, line.n).get(row) != simdjson::SUCCESS)
			return false;
		last.members = row_fields(&row, row_members);
		return describe(last.members, ret);
	} catch (const std::exception &) {
		return false; /* out of memory, at most */
	}
}

extern "C" bool
reduce_write(const struct printed_row *row, struct buf *out, size_t *ret_drv)
{
	try {
		return write_row(last.members, *row, out, ret_drv);
	} catch (const std::exception &) {
		return false;
	}
}
