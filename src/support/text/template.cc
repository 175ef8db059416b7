// Mustache (kainjow) behind C; no exception leaves this file.
#if __has_include(<kainjow/mustache.hpp>)
#include <kainjow/mustache.hpp>
#else
#include <mustache.hpp> // nixpkgs' place
#endif

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <map>
#include <stdexcept>
#include <string>

extern "C" {
#include "support/text/template.h"
}

namespace
{

using kainjow::mustache::data;
using kainjow::mustache::mustache;
using text = std::string;

// Stands for a newline of the template while the library works: its own treatment of lines that hold only a tag drops
// lines it should keep and keeps some it should drop. Values cannot hold it.
const char NEWLINE = '\x02';

const int MAX_PARTIAL_DEPTH = 8; // deeper ones are left to the library, which reads them when it gets there

// The template with section, partial and comment tags that stand alone on a line taking their line end with them, as
// the mustache specification wants it, every other newline replaced, and partials in place, so that one in a loop is
// read once.
text
prepare(struct str s, template_loader *load, void *ctx, int depth)
{
	text out;

	out.reserve(s.n);
	for (struct str rest = s; rest.n != 0;) {
		struct str line = str_cut(rest, '\n', &rest);
		struct str tag = str_trim(line);
		bool alone = tag.n > 4 && std::memcmp(tag.p, "{{", 2) == 0 && std::strchr("#^/>!", tag.p[2]) != nullptr &&
		             str_find(tag, str_of("}}")) == static_cast<ptrdiff_t>(tag.n) - 2;
		if (alone && tag.p[2] == '>' && depth < MAX_PARTIAL_DEPTH) {
			struct str name = str_trim({tag.p + 3, tag.n - 5});
			const text key(name.p, name.n);
			struct str partial = load(ctx, key.c_str());
			if (partial.p == nullptr)
				throw std::runtime_error("no such partial: " + key);
			out += prepare(partial, load, ctx, depth + 1);
			continue;
		}
		out.append(alone ? tag.p : line.p, alone ? tag.n : line.n);
		if (!alone && rest.p != nullptr)
			out.push_back(NEWLINE);
	}
	return out;
}

text
without_marks(const char *p, size_t n)
{
	text s(p, n);

	s.erase(std::remove(s.begin(), s.end(), NEWLINE), s.end());
	return s;
}

data
convert(const json_t *j)
{
	switch (j == nullptr ? JSON_NULL : json_typeof(j)) {
	case JSON_STRING:
		if (json_string_length(j) == 0)
			return data(false);
		return data(without_marks(json_string_value(j), json_string_length(j)));
	case JSON_INTEGER: return data(std::to_string(json_integer_value(j)));
	case JSON_REAL: {
		char number[32];
		std::snprintf(number, sizeof(number), "%g", json_real_value(j));
		return data(text(number));
	}
	case JSON_TRUE: return data(true);
	case JSON_ARRAY: {
		kainjow::mustache::list list;
		list.reserve(json_array_size(j));
		for (size_t i = 0; i < json_array_size(j); i++)
			list.push_back(convert(json_array_get(j, i)));
		return data(list);
	}
	case JSON_OBJECT: {
		data object;
		const char *key;
		json_t *value;
		json_object_foreach(const_cast<json_t *>(j), key, value)
			object.set(key, convert(value));
		return object;
	}
	default: return data(false);
	}
}

// Partials come from the loader only, never from the data.
class context : public kainjow::mustache::context<text>
{
      public:
	context(const data *d, template_loader *load, void *load_ctx)
	    : kainjow::mustache::context<text>(d), load_(load), load_ctx_(load_ctx)
	{
	}

	const data *get_partial(const text &name) const override
	{
		auto it = partials_.find(name);
		if (it != partials_.end())
			return &it->second;
		struct str s = load_(load_ctx_, name.c_str());
		if (s.p == nullptr)
			throw std::runtime_error("no such partial: " + name);
		return &partials_.emplace(name, data(prepare(s, load_, load_ctx_, MAX_PARTIAL_DEPTH))).first->second;
	}

      private:
	template_loader *load_;
	void *load_ctx_;
	mutable std::map<text, data> partials_;
};

text
escaped(enum escape kind, const text &s)
{
	struct buf out;

	buf_init(&out, s.size() * 64 + 64);
	escape_add(&out, kind, {s.data(), s.size()});
	text ret(out.p, out.n);
	buf_release(&out);
	return ret;
}

struct str
load_file(void *, const char *name)
{
	return template_find(name);
}

bool
ends(const char *name, const char *suffix)
{
	size_t n = std::strlen(name), m = std::strlen(suffix);

	return n >= m && std::strcmp(name + n - m, suffix) == 0;
}

} // namespace

extern "C" struct str
template_find(const char *name)
{
	for (size_t i = 0; i < template_count; i++)
		if (std::strcmp(name, template_files[i].name) == 0)
			return template_files[i].text;
	return {nullptr, 0};
}

extern "C" int
template_render_text(struct str source, const json_t *values, enum escape kind, template_loader *load, void *load_ctx,
    struct buf *out, struct err *e)
{
	try {
		const data d = convert(values);
		template_loader *loader = load != nullptr ? load : load_file;
		context ctx(&d, loader, load_ctx);
		mustache m{prepare(source, loader, load_ctx, 0)};
		m.set_custom_escape([kind](const text &s) { return escaped(kind, s); });
		text result = m.is_valid() ? m.render(ctx) : text();
		if (!m.is_valid())
			return fail(e, ERR_BUG, "template: %s", m.error_message().c_str());
		std::replace(result.begin(), result.end(), NEWLINE, '\n');
		buf_add(out, result.data(), result.size());
	} catch (const std::bad_alloc &) {
		abort(); // as everywhere: memory is never handled as an error
	} catch (const std::exception &x) {
		return fail(e, ERR_BUG, "template: %s", x.what());
	} catch (...) {
		return fail(e, ERR_BUG, "template: unknown exception");
	}
	if (out->over)
		return fail(e, ERR_LIMIT, "a rendered template of more than %zu bytes", out->max);
	return 0;
}

extern "C" int
template_render(const char *name, const json_t *values, struct buf *out, struct err *e)
{
	struct str source = template_find(name);
	enum escape kind = ends(name, ".html") ? ESCAPE_HTML : ends(name, ".md") ? ESCAPE_MARKDOWN : ESCAPE_TERMINAL;

	if (source.p == nullptr)
		return fail(e, ERR_BUG, "no such template: %s", name);
	if (template_render_text(source, values, kind, nullptr, nullptr, out, e) != 0)
		return fail_in(e, "%s", name);
	return 0;
}
