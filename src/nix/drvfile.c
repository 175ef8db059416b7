/* Outputs and input derivations, read from the ATerm of a .drv file: Derive([outputs],[("/nix/store/x.drv",["out"]),...],... */
#include "nix/drvfile.h"

#include "support/os/files.h"

#include <string.h>

enum { MAX_DRV = 256 * 1024 * 1024 };

struct scan {
	const char *p, *end;
};

static bool
take(struct scan *s, char c)
{
	if (s->p == s->end || *s->p != c)
		return false;
	s->p++;
	return true;
}

/* A string without its quotes, escapes and all: store paths and output names have none. */
static bool
take_string(struct scan *s, struct str *ret)
{
	if (!take(s, '"'))
		return false;
	const char *from = s->p;
	while (s->p < s->end && *s->p != '"')
		s->p += *s->p == '\\' ? 2 : 1;
	if (s->p >= s->end)
		return false;
	*ret = (struct str){from, (size_t)(s->p - from)};
	return take(s, '"');
}

static bool
take_outputs(struct scan *s, json_t *into)
{
	struct str name, path, ignored;

	if (!take(s, '['))
		return false;
	while (take(s, '(')) {
		if (!take_string(s, &name) || !take(s, ',') || !take_string(s, &path))
			return false;
		json_object_setn_new(into, name.p, name.n, json_any_string(path));
		while (take(s, ','))
			if (!take_string(s, &ignored))
				return false;
		if (!take(s, ')'))
			return false;
		take(s, ',');
	}
	return take(s, ']') && take(s, ',');
}

static bool
take_inputs(struct scan *s, json_t *into)
{
	struct str path, name;

	if (!take(s, '['))
		return false;
	while (take(s, '(')) {
		if (!take_string(s, &path) || !take(s, ',') || !take(s, '['))
			return false;
		json_t *names = json_array();
		json_object_setn_new(into, path.p, path.n, names);
		while (take_string(s, &name)) {
			json_array_append_new(names, json_any_string(name));
			take(s, ',');
		}
		if (!take(s, ']') || !take(s, ')'))
			return false;
		take(s, ',');
	}
	return take(s, ']');
}

int
drvfile_read(const char *path, json_t **ret_inputs, json_t **ret_outputs, struct err *e)
{
	AUTO(json_drop) json_t *inputs = json_object();
	AUTO(json_drop) json_t *outputs = json_object();
	struct arena a = {0};
	struct str text;

	int rc = files_read(&a, path, MAX_DRV, &text, e);
	if (rc == 0) {
		struct scan s = {text.p, text.p + text.n};
		if (!str_starts(text, STR("Derive(")))
			rc = fail(e, ERR_INPUT, "%s is not a derivation", path);
		s.p += rc == 0 ? 7 : 0;
		if (rc == 0 && !(take_outputs(&s, outputs) && take_inputs(&s, inputs)))
			rc = fail(e, ERR_INPUT, "%s is damaged", path);
	}
	arena_release(&a);
	if (rc == 0) {
		*ret_inputs = json_incref(inputs);
		if (ret_outputs != NULL)
			*ret_outputs = json_incref(outputs);
	}
	return rc;
}
