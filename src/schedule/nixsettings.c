/* Nix' settings, as Nix prints them. */
#include "schedule/nixsettings.h"

#include "schedule/stages.h"
#include "support/os/child.h"

enum { MAX_CONF_BYTES = 4 * 1024 * 1024 };

static int
ask(const char *const *words, const json_t *options, struct buf *out, struct err *e)
{
	struct schedule_argv argv = {0};
	struct arena a = {0};

	for (size_t i = 0; words[i] != NULL; i++)
		vec_push(&argv.v, words[i]);
	schedule_options(&argv, &a, options);
	vec_push(&argv.v, NULL);
	buf_init(out, MAX_CONF_BYTES);
	int rc = child_output(argv.v.p, out, e);
	vec_release(&argv.v);
	arena_release(&a);
	return rc;
}

int
nixsettings_read(const json_t *options, json_t **ret, struct err *e)
{
	static const char *const now[] = {"nix", "--extra-experimental-features", "nix-command", "config", "show", "--json", NULL};
	static const char *const before[] = {"nix", "--extra-experimental-features", "nix-command", "show-config", "--json", NULL};
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
