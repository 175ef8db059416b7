/* Nix' settings, as Nix prints them. */
#include "nix/settings.h"

#include "support/os/child.h"

#include <string.h>

enum { MAX_CONF_BYTES = 4 * 1024 * 1024 };

static int
ask(const char *const *words, const struct named_texts *options, struct buf *out, struct err *e)
{
	static const struct named_texts none;
	struct nix_argv argv = {0};

	for (size_t i = 0; words[i] != NULL; i++)
		vec_push(&argv.v, words[i]);
	nix_argv_options(&argv, options != NULL ? options : &none);
	vec_push(&argv.v, NULL);
	buf_init(out, MAX_CONF_BYTES);
	int rc = child_output(argv.v.p, out, e);
	vec_release(&argv.v);
	return rc;
}

int
nixsettings_read(const struct named_texts *options, json_t **ret, struct err *e)
{
	static const char *const now[] = {"nix", "--extra-experimental-features", "nix-command", "config", "show", "--json",
	    NULL};
	static const char *const before[] = {"nix", "--extra-experimental-features", "nix-command", "show-config", "--json",
	    NULL};
	AUTO(buf_release) struct buf text = {0};
	json_error_t wrong;
	struct err ignored;

	if (ask(now, options, &text, &ignored) != 0) {
		buf_release(&text);
		if (ask(before, options, &text, e) != 0)
			return fail_in(e, "Nix' settings");
	}
	json_t *conf = json_loadb(text.p, text.n, JSON_REJECT_DUPLICATES | JSON_DECODE_INT_AS_REAL, &wrong);
	if (!json_is_object(conf)) {
		json_decref(conf);
		return fail(e, ERR_INPUT, "Nix' settings: no JSON object (%s)", wrong.text);
	}
	*ret = conf;
	return 0;
}

static const json_t *
value(const json_t *conf, const char *name)
{
	return json_object_get(json_object_get(conf, name), "value");
}

const char *
nixsettings_text(const json_t *conf, const char *name, const char *otherwise)
{
	const char *text = json_string_value(value(conf, name));

	return text != NULL ? text : otherwise;
}

uint64_t
nixsettings_number(const json_t *conf, const char *name, uint64_t otherwise)
{
	const json_t *v = value(conf, name);

	if (json_is_boolean(v))
		return json_is_true(v);
	double n = json_number_value(v);
	return json_is_number(v) && n >= 0 && n < 9e15 ? (uint64_t)n : otherwise;
}

const json_t *
nixsettings_list(const json_t *conf, const char *name)
{
	const json_t *v = value(conf, name);

	return json_is_array(v) ? v : NULL;
}

bool
nixsettings_is_default(const json_t *conf, const char *name)
{
	const json_t *otherwise = json_object_get(json_object_get(conf, name), "defaultValue");

	return otherwise != NULL && json_equal(value(conf, name), otherwise);
}

/* A value as on a command line; NULL when it is none that can be said so. */
static const char *
as_text(struct arena *a, const json_t *v)
{
	AUTO(buf_release) struct buf b = {0};
	const json_t *word;
	size_t i;

	if (json_is_string(v))
		return fields_clean(a, (struct str){json_string_value(v), json_string_length(v)});
	if (json_is_boolean(v))
		return json_is_true(v) ? "true" : "false";
	if (json_is_number(v))
		return arena_printf(a, "%.0f", json_number_value(v));
	if (!json_is_array(v))
		return NULL;
	buf_init(&b, MAX_CONF_BYTES);
	json_array_foreach(v, i, word) {
		if (!json_is_string(word))
			return NULL;
		buf_printf(&b, "%s%s", i > 0 ? " " : "", json_string_value(word));
	}
	return fields_clean(a, buf_get(&b));
}

struct named_texts
nixsettings_changed(struct arena *a, const json_t *conf)
{
	/* Those have places of their own in the protocol, or are the client's own affair; Nix' clients leave them out, too. */
	static const char *const left_out[] = {"keep-failed", "keep-going", "fallback", "max-jobs", "max-silent-time", "cores",
	    "substitute", "show-trace", "experimental-features", "plugin-files"};
	struct named_texts all = {.p = arena_alloc(a, (json_object_size(conf) + 1) * sizeof(*all.p))};
	const char *name;
	json_t *setting;

	json_object_foreach((json_t *)(uintptr_t)conf, name, setting) {
		bool left = nixsettings_is_default(conf, name);
		for (size_t i = 0; i < COUNT(left_out); i++)
			left = left || strcmp(name, left_out[i]) == 0;
		const char *text = left ? NULL : as_text(a, value(conf, name));
		if (text != NULL)
			all.p[all.n++] = (struct named_text){arena_strdup(a, name), text};
	}
	return all;
}

void
nix_argv_options(struct nix_argv *argv, const struct named_texts *options)
{
	for (size_t i = 0; i < options->n; i++) {
		vec_push(&argv->v, "--option");
		vec_push(&argv->v, options->p[i].name);
		vec_push(&argv->v, options->p[i].text);
	}
}
