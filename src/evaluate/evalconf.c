/* Lines of nix.conf. */
#include "evaluate/evalconf.h"

#include <string.h>

enum { CONF_BYTES = 256 * 1024 };

bool
evalconf_is_secret(const char *name)
{
	static const char *const secret[] = {"access-tokens", "netrc-file", "secret-key-files", "impure-env"};

	if (strncmp(name, "extra-", 6) == 0)
		name += 6;
	for (size_t i = 0; i < COUNT(secret); i++)
		if (strcmp(name, secret[i]) == 0)
			return true;
	return false;
}

json_t *
evalconf_without_secrets(const json_t *options, enum evalconf_doors doors)
{
	json_t *ret = json_object(), *value;
	const char *name;

	json_object_foreach((json_t *)(uintptr_t)options, name, value)
		if (!evalconf_is_secret(name))
			json_object_set(ret, name, value);
	if (doors == EVALCONF_WITHOUT_DOORS) {
		json_object_set_new(ret, "access-tokens", json_string(""));
		json_object_set_new(ret, "netrc-file", json_string("/dev/null"));
	}
	return ret;
}

const char *
evalconf_text(struct arena *a, const json_t *options, const json_t *features)
{
	AUTO(buf_release) struct buf text = {0};
	const char *name;
	json_t *value;

	buf_init(&text, CONF_BYTES);
	buf_puts(&text, "accept-flake-config = false\n");
	if (json_array_size(features) > 0)
		buf_printf(&text, "extra-experimental-features = %s\n", json_words(a, features));
	json_object_foreach((json_t *)(uintptr_t)options, name, value) {
		if (!json_is_string(value) || strcmp(name, "nix-path") == 0) /* that goes by NIX_PATH, which would win */
			continue;
		/* Evaluation by itself needs features of Nix: none is taken away. */
		bool list = strcmp(name, "experimental-features") == 0;
		buf_printf(&text, "%s%s = %s\n", list ? "extra-" : "", name, json_string_value(value));
	}
	return arena_strn(a, text.p, text.n);
}
