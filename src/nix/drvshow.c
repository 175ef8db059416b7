/* Derivations as Nix prints them become .drv files. */
#include "nix/drvshow.h"

#include "nix/drv.h"
#include "support/os/child.h"
#include "support/os/files.h"
#include "support/text/json.h"

#include <stdlib.h>
#include <string.h>

enum {
	CHUNK = 1000, /* derivations of one question: some megabytes of JSON */
	MAX_JSON = 1024 * 1024 * 1024
};

struct showing {
	struct arena a;
	const char *store_dir;
	struct buf out; /* the file that is being made */
};

/* --- ATerm ------------------------------------------------------------------------------------------------------- */

static void
write_string(struct buf *b, const char *s, size_t n)
{
	buf_putc(b, '"');
	for (size_t i = 0; i < n; i++) {
		static const char special[] = "\"\\\n\r\t", escaped[] = "\"\\nrt";
		const char *at = s[i] != '\0' ? strchr(special, s[i]) : NULL;
		if (at != NULL) {
			buf_putc(b, '\\');
			buf_putc(b, escaped[at - special]);
		} else
			buf_putc(b, s[i]);
	}
	buf_putc(b, '"');
}

static void
write_json_string(struct buf *b, const json_t *s)
{
	write_string(b, json_is_string(s) ? json_string_value(s) : "", json_is_string(s) ? json_string_length(s) : 0);
}

/* A store path, with the store's folder where the shape leaves it away. */
static const char *
whole_path(struct showing *w, const char *path)
{
	return path[0] == '/' || path[0] == '\0' ? path : arena_printf(&w->a, "%s/%s", w->store_dir, path);
}

static int
compare_keys(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The keys of an object in the order of a .drv file. */
static const char **
sorted_keys(struct showing *w, const json_t *obj, size_t *ret_n)
{
	const char **keys = arena_alloc(&w->a, (json_object_size(obj) + 1) * sizeof(*keys)), *key;
	json_t *value;
	size_t n = 0;

	json_object_foreach((json_t *)(uintptr_t)obj, key, value)
		keys[n++] = key;
	qsort(keys, n, sizeof(*keys), compare_keys);
	*ret_n = n;
	return keys;
}

static void
write_strings(struct showing *w, const json_t *list, bool paths)
{
	const char **all = arena_alloc(&w->a, (json_array_size(list) + 1) * sizeof(*all));
	const json_t *v;
	size_t i, n = 0;

	buf_putc(&w->out, '[');
	if (paths) {
		json_array_foreach(list, i, v)
			all[n++] = whole_path(w, json_is_string(v) ? json_string_value(v) : "");
		qsort(all, n, sizeof(*all), compare_keys);
		for (i = 0; i < n; i++) {
			if (i > 0)
				buf_putc(&w->out, ',');
			write_string(&w->out, all[i], strlen(all[i]));
		}
	} else
		json_array_foreach(list, i, v) {
			if (i > 0)
				buf_putc(&w->out, ',');
			write_json_string(&w->out, v);
		}
	buf_putc(&w->out, ']');
}

/* --- one derivation ------------------------------------------------------------------------------------------------ */

static void
write_output(struct showing *w, const json_t *drv, const char *name, const json_t *output)
{
	const json_t *hash = json_object_get(output, "hash");
	const char *method = json_str(output, "method", ""), *algo = json_str(output, "hashAlgo", "");
	const char *path = json_str(output, "path", ""), *digest = json_is_string(hash) ? json_string_value(hash) : "";
	const char *variable = json_str(json_object_get(drv, "env"), name, "");

	if (json_is_object(hash)) { /* {algorithm, format, hash} */
		digest = json_str(hash, "hash", "");
		algo = json_str(hash, "algorithm", algo);
	}
	if (*algo == '\0' && strchr(digest, '-') != NULL) /* "sha256-..." */
		algo = arena_strn(&w->a, digest, (size_t)(strchr(digest, '-') - digest));
	if (json_flag(output, "impure", false))
		digest = "impure";
	bool recursive = strcmp(method, "nar") == 0 || strcmp(method, "recursive") == 0;
	bool other = strcmp(method, "text") == 0 || strcmp(method, "git") == 0;
	if (*algo != '\0' && (recursive || other))
		algo = arena_printf(&w->a, "%s:%s", recursive ? "r" : method, algo);
	if (*path == '\0' && *digest != '\0' && strncmp(variable, w->store_dir, strlen(w->store_dir)) == 0)
		path = variable;
	path = whole_path(w, path);
	buf_putc(&w->out, '(');
	write_string(&w->out, name, strlen(name));
	const char *const rest[] = {path, algo, digest};
	for (size_t i = 0; i < COUNT(rest); i++) {
		buf_putc(&w->out, ',');
		write_string(&w->out, rest[i], strlen(rest[i]));
	}
	buf_putc(&w->out, ')');
}

static void
write_inputs(struct showing *w, const json_t *inputs)
{
	size_t n;
	const char **paths = sorted_keys(w, inputs, &n);

	buf_putc(&w->out, '[');
	for (size_t i = 0; i < n; i++) {
		const json_t *what = json_object_get(inputs, paths[i]);
		const char *path = whole_path(w, paths[i]);
		buf_puts(&w->out, i > 0 ? ",(" : "(");
		write_string(&w->out, path, strlen(path));
		buf_putc(&w->out, ',');
		write_strings(w, json_is_array(what) ? what : json_object_get(what, "outputs"), false);
		buf_putc(&w->out, ')');
	}
	buf_putc(&w->out, ']');
}

static void
write_env(struct showing *w, const json_t *drv)
{
	const json_t *structured = json_object_get(drv, "structuredAttrs");
	AUTO(json_drop) json_t *env = json_copy(json_object_get(drv, "env"));
	size_t n;

	if (env == NULL)
		env = json_object();
	if (json_is_object(structured) && json_object_get(env, "__json") == NULL)
		json_object_set_new(env, "__json", json_any_string(str_of(json_line(&w->a, structured))));
	const char **names = sorted_keys(w, env, &n);
	buf_putc(&w->out, '[');
	for (size_t i = 0; i < n; i++) {
		buf_puts(&w->out, i > 0 ? ",(" : "(");
		write_string(&w->out, names[i], strlen(names[i]));
		buf_putc(&w->out, ',');
		write_json_string(&w->out, json_object_get(env, names[i]));
		buf_putc(&w->out, ')');
	}
	buf_putc(&w->out, ']');
}

static void
write_drv(struct showing *w, const json_t *drv)
{
	const json_t *outputs = json_object_get(drv, "outputs"), *inputs = json_object_get(drv, "inputs");
	bool new = json_is_object(inputs);
	size_t n;
	const char **names = sorted_keys(w, outputs, &n);

	buf_puts(&w->out, "Derive([");
	for (size_t i = 0; i < n; i++) {
		if (i > 0)
			buf_putc(&w->out, ',');
		write_output(w, drv, names[i], json_object_get(outputs, names[i]));
	}
	buf_puts(&w->out, "],");
	write_inputs(w, new ? json_object_get(inputs, "drvs") : json_object_get(drv, "inputDrvs"));
	buf_putc(&w->out, ',');
	write_strings(w, new ? json_object_get(inputs, "srcs") : json_object_get(drv, "inputSrcs"), true);
	buf_putc(&w->out, ',');
	write_json_string(&w->out, json_object_get(drv, "system"));
	buf_putc(&w->out, ',');
	write_json_string(&w->out, json_object_get(drv, "builder"));
	buf_putc(&w->out, ',');
	write_strings(w, json_object_get(drv, "args"), false);
	buf_putc(&w->out, ',');
	write_env(w, drv);
	buf_putc(&w->out, ')');
}

/* --- all of them ----------------------------------------------------------------------------------------------------- */

static int
write_file(struct showing *w, const char *path, const json_t *drv, const char *dir, struct err *e)
{
	struct str file;

	path = whole_path(w, path);
	if (drv_file_name(str_of(path), &file) != 0 || (size_t)(file.p - path) != strlen(w->store_dir) + 1 ||
	    strncmp(path, w->store_dir, strlen(w->store_dir)) != 0 || !str_ends(file, STR(".drv")) || !json_is_object(drv) ||
	    !json_is_object(json_object_get(drv, "outputs")))
		return fail(e, ERR_INPUT, "nix derivation show: %.200s is no derivation", path);
	buf_init(&w->out, DRV_MAX_BYTES);
	write_drv(w, drv);
	int rc = w->out.over ? fail(e, ERR_LIMIT, "%.200s: a derivation of more than %d bytes", path, DRV_MAX_BYTES)
	                     : files_write(arena_printf(&w->a, "%s/" STR_FMT, dir, STR_ARG(file)), buf_get(&w->out), 0600,
	                           FILES_NO_SYNC, e);
	buf_release(&w->out);
	return rc;
}

int
drvshow_write(const char *store_dir, struct str json, const char *dir, struct err *e)
{
	AUTO(json_drop) json_t *doc = NULL;
	const json_t *list;
	const char *path;
	json_t *drv;
	int rc = 0;

	if (json_read(json, "nix derivation show", &doc, e) != 0)
		return -1;
	list = json_is_object(json_object_get(doc, "derivations")) ? json_object_get(doc, "derivations") : doc;
	if (!json_is_object(list))
		return fail(e, ERR_INPUT, "nix derivation show: no object of derivations");
	json_object_foreach((json_t *)(uintptr_t)list, path, drv) {
		struct showing w = {.store_dir = store_dir};
		if (rc == 0)
			rc = write_file(&w, path, drv, dir, e);
		arena_release(&w.a);
	}
	return rc;
}

static int
ask(const char *const *words, const char *const *paths, size_t n, struct buf *out, struct err *e)
{
	VEC(const char *) argv = {0};

	for (size_t i = 0; words[i] != NULL; i++)
		vec_push(&argv, words[i]);
	for (size_t i = 0; i < n; i++)
		vec_push(&argv, paths[i]);
	vec_push(&argv, NULL);
	buf_init(out, MAX_JSON);
	int rc = child_output(argv.p, out, e);
	vec_release(&argv);
	return rc;
}

int
drvshow(const char *store_dir, const char *const *paths, size_t n, const char *dir, struct err *e)
{
	static const char *const now[] = {"nix", "--extra-experimental-features", "nix-command", "derivation", "show", NULL};
	static const char *const before[] = {"nix", "--extra-experimental-features", "nix-command", "show-derivation", NULL};

	for (size_t from = 0; from < n; from += CHUNK) {
		size_t some = n - from < CHUNK ? n - from : CHUNK;
		AUTO(buf_release) struct buf text = {0};
		struct err ignored;
		if (ask(now, paths + from, some, &text, &ignored) != 0) {
			buf_release(&text);
			if (ask(before, paths + from, some, &text, e) != 0)
				return -1;
		}
		if (drvshow_write(store_dir, buf_get(&text), dir, e) != 0)
			return -1;
	}
	return 0;
}
