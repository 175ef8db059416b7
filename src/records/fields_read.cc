/* JSON becomes a struct: simdjson walks the text once, forward, and each member goes where the table says; there is no tree. */
#include <cmath>
#include <cstring>
#include <simdjson.h>
#include <string>
#include <vector>

#define restrict __restrict
extern "C" {
#include "records/fields.h"
#include "support/os/files.h"
}

using namespace simdjson;

namespace
{

/* Where we are, for errors: built only when one is thrown, on the way out. */
struct reading_error {
	std::string place, why;
};

[[noreturn]] void
wrong(const char *why)
{
	throw reading_error{"", why};
}

/* fn with the step added to whatever place an error of it has. */
template <typename Fn>
void
at_member(std::string_view name, Fn fn)
{
	try {
		fn();
	} catch (reading_error &m) {
		m.place = "." + std::string(name) + m.place;
		throw;
	}
}

template <typename Fn>
void
at_element(size_t i, Fn fn)
{
	try {
		fn();
	} catch (reading_error &m) {
		m.place = "[" + std::to_string(i) + "]" + m.place;
		throw;
	}
}

class reader
{
	struct arena *a;
	unsigned depth = 0;

      public:
	explicit reader(struct arena *arena) : a(arena)
	{
	}

	const char *text(ondemand::value v)
	{
		std::string_view s;
		if (v.get_string().get(s) != SUCCESS)
			wrong("is no text");
		return copy(s);
	}

	const char *copy(std::string_view s)
	{
		if (memchr(s.data(), '\0', s.size()) != nullptr)
			wrong("holds a NUL");
		return arena_strn(a, s.data(), s.size());
	}

	/* One element after the other, each to fn(value, i); they are counted first. */
	template <typename T, typename Fn>
	void list(ondemand::value v, T **ret, size_t *ret_n, Fn fn)
	{
		ondemand::array array;
		if (v.get_array().get(array) != SUCCESS)
			wrong("is no list");
		std::vector<T> all;
		size_t i = 0;
		for (auto one : array) {
			ondemand::value value = one.value();
			at_element(i, [&] { all.push_back(fn(value)); });
			i++;
		}
		keep(all, ret, ret_n);
	}

	template <typename T>
	void keep(const std::vector<T> &all, T **ret, size_t *ret_n)
	{
		*ret = (T *)arena_alloc(a, (all.size() + 1) * sizeof(T));
		if (!all.empty())
			memcpy((void *)*ret, all.data(), all.size() * sizeof(T));
		*ret_n = all.size();
	}

	struct texts texts(ondemand::value v, bool may_be_null = false)
	{
		struct texts ret = {nullptr, 0};
		list<const char *>(v, &ret.p, &ret.n,
		    [&](ondemand::value one) { return may_be_null && one.is_null() ? nullptr : text(one); });
		return ret;
	}

	template <typename Fn>
	void members(ondemand::value v, Fn fn)
	{
		ondemand::object object;
		if (v.get_object().get(object) != SUCCESS)
			wrong("is no object");
		each(object, fn);
	}

	template <typename Fn>
	void each(ondemand::object &object, Fn fn)
	{
		for (auto one : object) {
			ondemand::field field;
			if (std::move(one).get(field) != SUCCESS)
				wrong("is no JSON");
			std::string_view name = field.unescaped_key();
			fn(name, field.value());
		}
	}

	/* An object of any names: n structs, each with its name as its first member. */
	void keyed(const struct field *f, ondemand::value v, void **ret, size_t *ret_n)
	{
		std::vector<std::string> all;
		members(v, [&](std::string_view name, ondemand::value value) {
			const char *key = nullptr;
			std::string one(f->element, '\0');
			at_member(name, [&] {
				key = copy(name);
				memcpy(&one[0], &key, sizeof(key));
				record(f->of, value, &one[f->value]);
			});
			all.push_back(std::move(one));
		});
		join(f->element, all, ret, ret_n);
	}

	void records(const struct fields *of, ondemand::value v, void **ret, size_t *ret_n)
	{
		ondemand::array array;
		if (v.get_array().get(array) != SUCCESS)
			wrong("is no list");
		std::vector<std::string> all;
		size_t i = 0;
		for (auto item : array) {
			ondemand::value value = item.value();
			std::string one(of->size, '\0');
			at_element(i, [&] { record(of, value, &one[0]); });
			all.push_back(std::move(one));
			i++;
		}
		join(of->size, all, ret, ret_n);
	}

	void join(size_t size, const std::vector<std::string> &all, void **ret, size_t *ret_n)
	{
		char *p = (char *)arena_alloc(a, (all.size() + 1) * size);
		for (size_t i = 0; i < all.size(); i++)
			memcpy(p + i * size, all[i].data(), size);
		*ret = p;
		*ret_n = all.size();
	}

	int word(const struct field *f, ondemand::value v)
	{
		std::string_view s;
		if (v.get_string().get(s) != SUCCESS)
			wrong("is no text");
		for (int i = 0; f->words[i] != nullptr; i++)
			if (s == f->words[i])
				return i;
		wrong("is a word that is not known");
	}

	const char *raw(ondemand::value v)
	{
		std::string_view s;
		ondemand::json_type type = v.type();
		if (type == ondemand::json_type::object)
			s = v.get_object().value().raw_json();
		else if (type == ondemand::json_type::array)
			s = v.get_array().value().raw_json();
		else
			s = v.raw_json_token();
		while (!s.empty() && strchr(" \t\r\n", s.back()) != nullptr)
			s.remove_suffix(1);
		return arena_strn(a, s.data(), s.size());
	}

	void member(const struct field *f, ondemand::value v, char *to)
	{
		switch (f->type) {
		case FIELD_TEXT: *(const char **)(void *)to = text(v); return;
		case FIELD_INT: {
			int64_t n;
			if (v.get_int64().get(n) != SUCCESS)
				wrong("is no whole number");
			*(int64_t *)(void *)to = n;
			return;
		}
		case FIELD_FLAG: {
			bool b;
			if (v.get_bool().get(b) != SUCCESS)
				wrong("is neither true nor false");
			*(bool *)to = b;
			return;
		}
		case FIELD_REAL: {
			double x;
			if (v.get_double().get(x) != SUCCESS)
				wrong("is no number");
			*(double *)(void *)to = x;
			return;
		}
		case FIELD_MAYBE_FLAG: {
			bool b;
			if (v.get_bool().get(b) != SUCCESS)
				wrong("is neither true nor false");
			*(int *)(void *)to = b ? 1 : 0;
			return;
		}
		case FIELD_INTS: {
			struct numbers *p = (struct numbers *)(void *)to;
			list<int64_t>(v, &p->p, &p->n, [&](ondemand::value one) {
				int64_t n;
				if (one.get_int64().get(n) != SUCCESS)
					wrong("is no whole number");
				return n;
			});
			return;
		}
		case FIELD_WORD: *(int *)(void *)to = word(f, v); return;
		case FIELD_TEXTS:
		case FIELD_PATH: *(struct texts *)(void *)to = texts(v, f->null); return;
		case FIELD_PATHS: {
			struct paths *p = (struct paths *)(void *)to;
			list<struct texts>(v, &p->p, &p->n, [&](ondemand::value one) { return texts(one); });
			return;
		}
		case FIELD_OPTIONS: options(v, (struct named_texts *)(void *)to, f->null); return;
		case FIELD_NUMBERS: numbers(v, (struct named_numbers *)(void *)to); return;
		case FIELD_RECORD: record(f->of, v, to); return;
		case FIELD_MAYBE: {
			void *one = arena_alloc(a, f->of->size);
			record(f->of, v, (char *)one);
			*(void **)(void *)to = one;
			return;
		}
		case FIELD_LIST:
		case FIELD_KEYED: {
			LIST(void) *l = (decltype(l))(void *)to;
			f->type == FIELD_LIST ? records(f->of, v, &l->p, &l->n) : keyed(f, v, &l->p, &l->n);
			return;
		}
		case FIELD_RAW: *(const char **)(void *)to = raw(v); return;
		}
	}

	void options(ondemand::value v, struct named_texts *ret, bool may_be_null)
	{
		std::vector<struct named_text> all;
		members(v, [&](std::string_view name, ondemand::value value) {
			at_member(name, [&] {
				const char *key = copy(name);
				all.push_back({key, may_be_null && value.is_null() ? nullptr : text(value)});
			});
		});
		keep(all, &ret->p, &ret->n);
	}

	void numbers(ondemand::value v, struct named_numbers *ret)
	{
		std::vector<struct named_number> all;
		members(v, [&](std::string_view name, ondemand::value value) {
			at_member(name, [&] {
				struct named_number one = {copy(name), 0};
				if (value.get_int64().get(one.number) != SUCCESS)
					wrong("is no whole number");
				all.push_back(one);
			});
		});
		keep(all, &ret->p, &ret->n);
	}

	void record(const struct fields *of, ondemand::value v, char *to)
	{
		ondemand::object object;
		if (v.get_object().get(object) != SUCCESS)
			wrong("is no object");
		record(of, object, to);
	}

	void record(const struct fields *of, ondemand::object &object, char *to)
	{
		std::vector<bool> seen(of->n);
		size_t next = 0;

		if (++depth > FIELDS_MAX_DEPTH)
			wrong("is nested too deep");
		fields_init(of, to);
		each(object, [&](std::string_view name, ondemand::value value) {
			/* Members come in the order of the table, nearly always. */
			for (size_t k = 0; k < of->n; k++) {
				size_t i = next + k < of->n ? next + k : next + k - of->n;
				const struct field *f = &of->members[i];
				if (name != f->name)
					continue;
				next = i + 1 < of->n ? i + 1 : 0;
				at_member(name, [&] {
					if (seen[i])
						wrong("stands there twice");
					seen[i] = !value.is_null();
					if (seen[i])
						member(f, value, to + f->offset);
				});
				return;
			}
		});
		for (size_t i = 0; i < of->n; i++)
			if (of->members[i].required && !seen[i])
				at_member(of->members[i].name, [] { wrong("is missing"); });
		depth--;
	}
};

/* Parses text, which has simdjson's padding behind it. */
int
read_padded(const struct fields *of, struct arena *a, const char *p, size_t n, size_t cap, const char *what, void *ret,
    struct err *e)
{
	try {
		static thread_local ondemand::parser parser;
		ondemand::document doc;
		simdjson::error_code code = parser.iterate(p, n, cap).get(doc);
		if (code != SUCCESS)
			return fail(e, ERR_INPUT, "%s: is no JSON: %s", what, error_message(code));
		ondemand::object top;
		if (doc.get_object().get(top) != SUCCESS)
			return fail(e, ERR_INPUT, "%s: is no JSON object", what);
		memset(ret, 0, of->size);
		reader(a).record(of, top, (char *)ret);
		if (doc.current_location().error() != OUT_OF_BOUNDS)
			return fail(e, ERR_INPUT, "%s: something stands behind the JSON object", what);
		return 0;
	} catch (const reading_error &m) {
		return fail(e, ERR_INPUT, "%s%.200s: %s", what, m.place.c_str(), m.why.c_str());
	} catch (const std::exception &x) {
		return fail(e, ERR_INPUT, "%s: is no JSON: %s", what, x.what());
	}
}

} // namespace

int
fields_read(const struct fields *of, struct arena *a, struct str text, const char *what, void *ret, struct err *e)
{
	struct buf padded;

	buf_init(&padded, SIZE_MAX / 4);
	char *p = buf_room(&padded, text.n + SIMDJSON_PADDING);
	if (text.n > 0)
		memcpy(p, text.p, text.n);
	memset(p + text.n, 0, SIMDJSON_PADDING);
	int rc = read_padded(of, a, p, text.n, text.n + SIMDJSON_PADDING, what, ret, e);
	buf_release(&padded);
	return rc;
}

int
fields_read_file(const struct fields *of, struct arena *a, const char *path, size_t max_bytes, void *ret, struct err *e)
{
	struct arena file = {};
	struct str text;
	int rc = files_read(&file, path, max_bytes, &text, e);

	if (rc == 0)
		rc = fields_read(of, a, text, path, ret, e);
	arena_release(&file);
	return rc;
}

const char *
fields_type(struct arena *a, struct str text)
{
	static struct field type_member[1] = {};
	type_member[0].name = "type";
	type_member[0].type = FIELD_TEXT;
	static const struct fields only_type = {"record", nullptr, sizeof(const char *), type_member, 1, 0};
	const char *type = nullptr;
	struct err ignored;

	return fields_read(&only_type, a, text, "record", &type, &ignored) == 0 ? type : nullptr;
}
