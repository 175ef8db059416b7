/* Lines of nix.conf. */
#include "evaluate/evalconf.h"

#include "records/list.h"

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

struct named_texts
evalconf_without_secrets(struct arena *a, const struct named_texts *options, enum evalconf_doors doors)
{
	struct named_texts ret;

	list_clear(a, &ret);
	for (size_t i = 0; i < options->n; i++)
		if (!evalconf_is_secret(options->p[i].name))
			list_add(a, &ret, options->p[i]);
	if (doors == EVALCONF_WITHOUT_DOORS) {
		named_set(a, &ret, "access-tokens", "");
		named_set(a, &ret, "netrc-file", "/dev/null");
	}
	return ret;
}

const char *
evalconf_text(struct arena *a, const struct named_texts *options, const struct texts *features)
{
	AUTO(buf_release) struct buf text = {0};

	buf_init(&text, CONF_BYTES);
	buf_puts(&text, "accept-flake-config = false\n");
	if (features->n > 0)
		buf_printf(&text, "extra-experimental-features = %s\n", texts_join(a, features, " "));
	for (size_t i = 0; i < options->n; i++) {
		const struct named_text *o = &options->p[i];
		if (o->text == NULL || strcmp(o->name, "nix-path") == 0) /* that goes by NIX_PATH, which would win */
			continue;
		/* Evaluation by itself needs features of Nix: none is taken away. */
		bool list = strcmp(o->name, "experimental-features") == 0;
		buf_printf(&text, "%s%s = %s\n", list ? "extra-" : "", o->name, o->text);
	}
	return arena_strn(a, text.p, text.n);
}
