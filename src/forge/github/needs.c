/* The manifest against what there is. */
#include "forge/github/needs.h"

#include "support/text/json.h"

#include <string.h>

__asm__(".pushsection .rodata\napp_manifest:\n.incbin \"app-manifest.json\"\n.byte 0\n.popsection\n");
extern const char app_manifest[];

json_t *
needs_manifest(void)
{
	json_t *m = NULL;
	struct err e;

	return json_read(str_of(app_manifest), "app-manifest.json", &m, &e) == 0 ? m : json_object();
}

static int
level_of(const char *word)
{
	static const char *const levels[] = {"none", "read", "write", "admin"};

	for (size_t i = 0; i < COUNT(levels); i++)
		if (strcmp(word, levels[i]) == 0)
			return (int)i;
	return 0;
}

/* Of the manifest, what only somebody needs who has switched something on: what is refused then is parked with GitHub's words. */
static bool
is_optional(const char *permission)
{
	return strcmp(permission, "members") == 0 || strcmp(permission, "statuses") == 0;
}

const char *
needs_permissions(struct arena *a, const json_t *granted)
{
	AUTO(json_drop) json_t *m = needs_manifest();
	struct texts lacking = {0};
	const json_t *level;
	const char *name;

	json_object_foreach(json_object_get(m, "default_permissions"), name, level) {
		const char *word = json_string_value(level);
		if (word != NULL && !is_optional(name) && level_of(json_str(granted, name, "none")) < level_of(word))
			list_add(a, &lacking, arena_printf(a, "%s: %s", name, word));
	}
	return lacking.n > 0 ? texts_join(a, &lacking, ", ") : NULL;
}

static bool
has(const json_t *array, const char *word)
{
	const json_t *one;
	size_t i;

	json_array_foreach(array, i, one)
		if (json_is_string(one) && strcmp(json_string_value(one), word) == 0)
			return true;
	return false;
}

const char *
needs_events(struct arena *a, const json_t *subscribed)
{
	AUTO(json_drop) json_t *m = needs_manifest();
	struct texts lacking = {0};
	const json_t *one;
	size_t i;

	json_array_foreach(json_object_get(m, "default_events"), i, one)
		if (json_is_string(one) && !has(subscribed, json_string_value(one)))
			list_add(a, &lacking, arena_strdup(a, json_string_value(one)));
	return lacking.n > 0 ? texts_join(a, &lacking, ", ") : NULL;
}

void
needs_hook(struct arena *a, const json_t *config, const char *url, struct texts *wrong, struct texts *notes)
{
	/* A number or a text, as old a webhook as it is. */
	const json_t *insecure = json_object_get(config, "insecure_ssl");
	const char *to = str_dup(a, str_utf8_head(json_text(config, "url"), 300));

	if (*to == '\0')
		list_add(a, wrong, "the App's webhook has no address, or is not active");
	else if (url != NULL && strcmp(to, url) != 0)
		list_add(a, wrong,
		    arena_printf(a, "the App's webhook sends to %s, and [web] url says that it should be %s", to, url));
	if (json_integer_value(insecure) == 1 || strcmp(json_str(config, "insecure_ssl", "0"), "1") == 0)
		list_add(a, wrong, "GitHub does not verify the certificate of the webhook's address (insecure_ssl)");
	if (strcmp(json_str(config, "content_type", "json"), "json") != 0)
		list_add(a, notes, "the webhook's content type is not application/json: what it sends is read all the same");
}

const char *
needs_hook_url(struct arena *a, const char *web_url, const char *host)
{
	bool first = host == NULL || host[0] == '\0';

	return web_url != NULL ? arena_printf(a, "%s/webhook%s%s", web_url, first ? "" : "/", first ? "" : host) : NULL;
}
