/* Nix' settings, as Nix prints them. */
#include "nix/settings.h"

#include "support/os/child.h"
#include "support/text/json.h"

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

/* A value as on a command line; NULL when it is none that can be said so. */
static const char *
as_text(struct arena *a, const json_t *v)
{
	AUTO(buf_release) struct buf b = {0};
	const json_t *word;
	size_t i;

	if (json_is_string(v))
		return arena_strdup(a, json_string_value(v));
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
	return str_dup(a, buf_get(&b));
}

static struct texts
as_list(struct arena *a, const json_t *v)
{
	struct texts all = {.p = arena_alloc(a, (json_array_size(v) + 1) * sizeof(*all.p))};
	const json_t *word;
	size_t i;

	json_array_foreach(v, i, word)
		if (json_is_string(word))
			all.p[all.n++] = arena_strdup(a, json_string_value(word));
	return all;
}

static struct nix_setting
read_setting(struct arena *a, const char *name, const json_t *of)
{
	const json_t *v = json_object_get(of, "value"), *otherwise = json_object_get(of, "defaultValue");
	struct nix_setting s = {.name = arena_strdup(a, name),
	    .text = as_text(a, v),
	    .number = json_is_number(v) ? json_number_value(v) : -1,
	    .is_default = otherwise != NULL && json_equal(v, otherwise)};

	if (json_is_string(v))
		s.kind = NIX_SETTING_TEXT;
	else if (json_is_boolean(v) || json_is_number(v))
		s.kind = NIX_SETTING_NUMBER;
	else if (json_is_array(v))
		s.kind = NIX_SETTING_LIST;
	if (json_is_boolean(v))
		s.number = json_is_true(v);
	if (s.kind == NIX_SETTING_LIST)
		s.list = as_list(a, v);
	return s;
}

int
nixsettings_parse(struct arena *a, struct str text, struct nix_settings *ret, struct err *e)
{
	json_error_t wrong;
	AUTO(json_drop) json_t *conf = json_loadb(text.p, text.n, JSON_REJECT_DUPLICATES | JSON_DECODE_INT_AS_REAL, &wrong);
	struct nix_settings all = {0};
	const char *name;
	json_t *of;

	if (!json_is_object(conf))
		return fail(e, ERR_INPUT, "Nix' settings: no JSON object (%s)", conf == NULL ? wrong.text : "");
	all.line = json_line(a, conf);
	all.p = arena_alloc(a, (json_object_size(conf) + 1) * sizeof(*all.p));
	json_object_foreach(conf, name, of)
		all.p[all.n++] = read_setting(a, name, of);
	*ret = all;
	return 0;
}

int
nixsettings_read(struct arena *a, const struct named_texts *options, struct nix_settings *ret, struct err *e)
{
	static const char *const now[] = {"nix", "--extra-experimental-features", "nix-command", "config", "show", "--json",
	    NULL};
	static const char *const before[] = {"nix", "--extra-experimental-features", "nix-command", "show-config", "--json",
	    NULL};
	AUTO(buf_release) struct buf text = {0};
	struct err ignored;

	if (ask(now, options, &text, &ignored) != 0) {
		buf_release(&text);
		if (ask(before, options, &text, e) != 0)
			return e->kind == ERR_ABSENT
			           ? fail(e, ERR_ABSENT, "there is no nix on PATH; ekaci needs Nix, 2.8 or later")
			           : fail_in(e, "Nix' settings");
	}
	return nixsettings_parse(a, buf_get(&text), ret, e);
}

static const struct nix_setting *
find(const struct nix_settings *all, const char *name, enum nix_setting_kind kind)
{
	for (size_t i = 0; i < all->n; i++)
		if (strcmp(all->p[i].name, name) == 0)
			return all->p[i].kind == kind ? &all->p[i] : NULL;
	return NULL;
}

const char *
nixsettings_text(const struct nix_settings *all, const char *name, const char *otherwise)
{
	const struct nix_setting *s = find(all, name, NIX_SETTING_TEXT);

	return s != NULL ? s->text : otherwise;
}

uint64_t
nixsettings_number(const struct nix_settings *all, const char *name, uint64_t otherwise)
{
	const struct nix_setting *s = find(all, name, NIX_SETTING_NUMBER);

	return s != NULL && s->number >= 0 && s->number < 9e15 ? (uint64_t)s->number : otherwise;
}

struct texts
nixsettings_list(const struct nix_settings *all, const char *name)
{
	const struct nix_setting *s = find(all, name, NIX_SETTING_LIST);

	return s != NULL ? s->list : (struct texts){0};
}

bool
nixsettings_is_default(const struct nix_settings *all, const char *name)
{
	for (size_t i = 0; i < all->n; i++)
		if (strcmp(all->p[i].name, name) == 0)
			return all->p[i].is_default;
	return false;
}

struct named_texts
nixsettings_changed(struct arena *a, const struct nix_settings *all)
{
	/* Those have places of their own in the protocol, or are the client's own affair; Nix' clients leave them out, too. */
	static const char *const left_out[] = {"keep-failed", "keep-going", "fallback", "max-jobs", "max-silent-time", "cores",
	    "substitute", "show-trace", "experimental-features", "plugin-files"};
	struct named_texts changed = {.p = arena_alloc(a, (all->n + 1) * sizeof(*changed.p))};

	for (size_t i = 0; i < all->n; i++) {
		const struct nix_setting *s = &all->p[i];
		bool left = s->is_default || s->text == NULL;
		for (size_t k = 0; k < COUNT(left_out); k++)
			left = left || strcmp(s->name, left_out[k]) == 0;
		if (!left)
			changed.p[changed.n++] = (struct named_text){s->name, s->text};
	}
	return changed;
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
