/* The ATerm of a .drv file, read by hand in one pass. */
#include "nix/drv.h"

#include "support/text/json.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

enum { FIRST_READ = 64 * 1024 };

struct drv_reader {
	struct arena *a;
	const char *p; /* the whole text */
	size_t n, at;
	struct err *e;
};

/* A list being read: it doubles in the arena, where what it leaves behind is at most what it keeps. */
struct drv_list {
	char *p;
	size_t n, cap, size;
};

static int
bad(const struct drv_reader *r, const char *what)
{
	return fail(r->e, ERR_INPUT, "derivation, byte %zu: expected %s", r->at, what);
}

static void *
list_add(struct drv_reader *r, struct drv_list *l)
{
	if (l->n == l->cap) {
		size_t cap = l->cap != 0 ? l->cap * 2 : 8;
		char *p = arena_alloc(r->a, cap * l->size);
		if (l->n != 0)
			memcpy(p, l->p, l->n * l->size);
		l->p = p;
		l->cap = cap;
	}
	return l->p + l->n++ * l->size;
}

static bool
next_is(const struct drv_reader *r, char c)
{
	return r->at < r->n && r->p[r->at] == c;
}

static int
expect(struct drv_reader *r, char c)
{
	char what[] = {'\'', c, '\'', '\0'};

	if (!next_is(r, c))
		return bad(r, what);
	r->at++;
	return 0;
}

static int
expect_word(struct drv_reader *r, const char *word)
{
	size_t n = strlen(word);

	if (r->n - r->at < n || memcmp(r->p + r->at, word, n) != 0)
		return bad(r, word);
	r->at += n;
	return 0;
}

/* The text from..to of the file with its escapes undone. */
static struct str
unescape(struct drv_reader *r, size_t from, size_t to)
{
	char *out = arena_alloc(r->a, to - from + 1);
	size_t n = 0;

	for (size_t i = from; i < to;) {
		const char *slash = memchr(r->p + i, '\\', to - i);
		size_t plain = (slash != NULL ? (size_t)(slash - r->p) : to) - i;
		memcpy(out + n, r->p + i, plain);
		n += plain;
		i += plain;
		if (slash != NULL) {
			char c = r->p[i + 1];
			out[n++] = c == 'n' ? '\n' : c == 'r' ? '\r' : c == 't' ? '\t' : c;
			i += 2;
		}
	}
	return (struct str){out, n};
}

static int
read_string(struct drv_reader *r, struct str *ret)
{
	if (!next_is(r, '"'))
		return bad(r, "a string");
	size_t from = r->at + 1;
	bool escaped = false;
	for (size_t i = from;;) {
		const char *quote = memchr(r->p + i, '"', r->n - i);
		if (quote == NULL) {
			r->at = r->n;
			return bad(r, "the end of a string");
		}
		size_t end = (size_t)(quote - r->p);
		const char *slash = memchr(r->p + i, '\\', end - i);
		if (slash == NULL) {
			*ret = escaped ? unescape(r, from, end) : (struct str){r->p + from, end - from};
			r->at = end + 1;
			return 0;
		}
		escaped = true;
		/* Every escape is two bytes; go over those up to the quote, which may be part of one: then i is behind it. */
		while (slash != NULL) {
			i = (size_t)(slash - r->p) + 2;
			slash = i < end ? memchr(r->p + i, '\\', end - i) : NULL;
		}
	}
}

/* After '[': 1 when an element follows, 0 at the end of the list; *first tells whether a comma is due. */
static int
list_more(struct drv_reader *r, bool *first)
{
	if (next_is(r, ']')) {
		r->at++;
		return 0;
	}
	if (!*first && expect(r, ',') != 0)
		return -1;
	*first = false;
	return 1;
}

static int
read_strings(struct drv_reader *r, const struct str **ret, size_t *ret_n)
{
	struct drv_list l = {.size = sizeof(struct str)};
	bool first = true;
	int more;

	if (expect(r, '[') != 0)
		return -1;
	while ((more = list_more(r, &first)) == 1)
		if (read_string(r, list_add(r, &l)) != 0)
			return -1;
	*ret = (const void *)l.p;
	*ret_n = l.n;
	return more;
}

static int
read_path(struct drv_reader *r, struct str *ret)
{
	size_t at = r->at;

	if (read_string(r, ret) != 0)
		return -1;
	if (ret->n == 0 || ret->p[0] != '/' || memchr(ret->p, '\0', ret->n) != NULL) {
		r->at = at;
		return bad(r, "an absolute path");
	}
	return 0;
}

static int
read_outputs(struct drv_reader *r, struct drv *d)
{
	struct drv_list l = {.size = sizeof(struct drv_output)};
	bool first = true;
	int more;

	if (expect(r, '[') != 0)
		return -1;
	while ((more = list_more(r, &first)) == 1) {
		struct drv_output *o = list_add(r, &l);
		if (expect(r, '(') != 0 || read_string(r, &o->name) != 0 || expect(r, ',') != 0)
			return -1;
		size_t at = r->at;
		if (read_string(r, &o->path) != 0 || expect(r, ',') != 0 || read_string(r, &o->hash_algo) != 0 ||
		    expect(r, ',') != 0 || read_string(r, &o->hash) != 0 || expect(r, ')') != 0)
			return -1;
		if (o->path.n != 0 && o->path.p[0] != '/') {
			r->at = at;
			return bad(r, "an absolute path or nothing");
		}
	}
	if (more == 0 && l.n == 0)
		return bad(r, "at least one output");
	d->outputs = (const void *)l.p;
	d->n_outputs = l.n;
	return more;
}

/* ["out"], or in a dynamic derivation also (["out"],[("out",...)]): the outputs wanted of an input. */
static int
read_wanted(struct drv_reader *r, struct drv_input *in, unsigned depth)
{
	struct drv_input deeper = {0};
	bool first = true;
	int more;

	if (depth == 0 || !next_is(r, '('))
		return read_strings(r, &in->outputs, &in->n_outputs);
	if (depth > DRV_MAX_NESTING)
		return fail(r->e, ERR_LIMIT, "derivation, byte %zu: nested more than %d deep", r->at, DRV_MAX_NESTING);
	r->at++;
	if (read_strings(r, &in->outputs, &in->n_outputs) != 0 || expect(r, ',') != 0 || expect(r, '[') != 0)
		return -1;
	while ((more = list_more(r, &first)) == 1) {
		struct str name;
		if (expect(r, '(') != 0 || read_string(r, &name) != 0 || expect(r, ',') != 0 ||
		    read_wanted(r, &deeper, depth + 1) != 0 || expect(r, ')') != 0)
			return -1;
	}
	return more == 0 ? expect(r, ')') : -1;
}

static int
read_inputs(struct drv_reader *r, struct drv *d, bool dynamic)
{
	struct drv_list l = {.size = sizeof(struct drv_input)};
	bool first = true;
	int more;

	if (expect(r, '[') != 0)
		return -1;
	while ((more = list_more(r, &first)) == 1) {
		struct drv_input *in = list_add(r, &l);
		if (expect(r, '(') != 0 || read_path(r, &in->path) != 0 || expect(r, ',') != 0 ||
		    read_wanted(r, in, dynamic ? 1 : 0) != 0 || expect(r, ')') != 0)
			return -1;
	}
	d->inputs = (const void *)l.p;
	d->n_inputs = l.n;
	return more;
}

static int
read_env(struct drv_reader *r, struct drv *d)
{
	struct drv_list l = {.size = sizeof(struct drv_env)};
	bool first = true;
	int more;

	if (expect(r, '[') != 0)
		return -1;
	while ((more = list_more(r, &first)) == 1) {
		struct drv_env *v = list_add(r, &l);
		if (expect(r, '(') != 0 || read_string(r, &v->name) != 0 || expect(r, ',') != 0 ||
		    read_string(r, &v->value) != 0 || expect(r, ')') != 0)
			return -1;
	}
	d->env = (const void *)l.p;
	d->n_env = l.n;
	return more;
}

static int
read_head(struct drv_reader *r, bool *ret_dynamic)
{
	struct str version;

	*ret_dynamic = next_is(r, 'D') && r->n - r->at > 1 && r->p[r->at + 1] == 'r';
	if (!*ret_dynamic)
		return expect_word(r, "Derive(");
	if (expect_word(r, "DrvWithVersion(") != 0 || read_string(r, &version) != 0)
		return -1;
	if (!str_is(version, "xp-dyn-drv"))
		return fail(r->e, ERR_INPUT, "derivation of an unknown version \"" STR_FMT "\"",
		    (int)(version.n < 40 ? version.n : 40), version.p);
	return expect(r, ',');
}

int
drv_parse(struct arena *a, struct str bytes, enum drv_part part, struct drv *ret, struct err *e)
{
	struct drv_reader r = {a, bytes.p, bytes.n, 0, e};
	struct drv d = {0};
	bool dynamic;

	if (bytes.n > DRV_MAX_BYTES)
		return fail(e, ERR_LIMIT, "a derivation of more than %d bytes", DRV_MAX_BYTES);
	if (read_head(&r, &dynamic) != 0 || read_outputs(&r, &d) != 0 || expect(&r, ',') != 0 ||
	    read_inputs(&r, &d, dynamic) != 0 || expect(&r, ',') != 0 || read_strings(&r, &d.sources, &d.n_sources) != 0 ||
	    expect(&r, ',') != 0 || read_string(&r, &d.system) != 0 || expect(&r, ',') != 0)
		return -1;
	if (part == DRV_GRAPH) {
		if (r.n - r.at < 3 || memcmp(r.p + r.n - 2, "])", 2) != 0) {
			r.at = r.n;
			return bad(&r, "the end of a derivation");
		}
		*ret = d;
		return 0;
	}
	if (read_string(&r, &d.builder) != 0 || expect(&r, ',') != 0 || read_strings(&r, &d.args, &d.n_args) != 0 ||
	    expect(&r, ',') != 0 || read_env(&r, &d) != 0 || expect(&r, ')') != 0)
		return -1;
	if (r.at != r.n)
		return bad(&r, "nothing more");
	*ret = d;
	return 0;
}

/* The characters Nix allows in names. */
static bool
name_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '+' || c == '-' || c == '.' ||
	       c == '_' || c == '?' || c == '=';
}

enum { HASH_CHARS = 32 };

bool
drv_below(struct str store_dir, struct str path, struct str *ret)
{
	if (!str_starts(path, store_dir) || path.n <= store_dir.n || path.p[store_dir.n] != '/')
		return false;
	*ret = str_from(path, store_dir.n + 1);
	return true;
}

bool
drv_file_ok(struct str file)
{
	if (file.n < HASH_CHARS + 2 || file.n > DRV_MAX_NAME || file.p[HASH_CHARS] != '-' || file.p[0] == '.')
		return false;
	for (size_t i = 0; i < file.n; i++)
		if (!name_char(file.p[i]))
			return false;
	return true;
}

int
drv_file_name(struct str path, struct str *ret)
{
	const char *slash = path.n != 0 ? memrchr(path.p, '/', path.n) : NULL;

	if (slash == NULL || path.p[0] != '/')
		return -1;
	*ret = str_from(path, (size_t)(slash - path.p) + 1);
	return drv_file_ok(*ret) ? 0 : -1;
}

struct str
drv_name(struct str path)
{
	const char *slash = path.n != 0 ? memrchr(path.p, '/', path.n) : NULL;

	if (slash != NULL)
		path = str_from(path, (size_t)(slash - path.p) + 1);
	if (path.n > HASH_CHARS && path.p[HASH_CHARS] == '-')
		path = str_from(path, HASH_CHARS + 1);
	if (str_ends(path, STR(".drv")))
		path.n -= 4;
	return path;
}

static int
open_file(int dir_fd, struct str file, char name[DRV_MAX_NAME + 1], struct err *e)
{
	if (file.n > DRV_MAX_NAME)
		return fail(e, ERR_BUG, "a file name of %zu bytes", file.n);
	memcpy(name, file.p, file.n);
	name[file.n] = '\0';
	int fd = openat(dir_fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (fd < 0 && errno == ENOENT)
		return fail(e, ERR_ABSENT, "the derivation %s is not in the store", name);
	return fd >= 0 ? fd : fail_sys(e, "cannot read %s", name);
}

/* Without asking for the size: a derivation ends with a parenthesis, and most are shorter than the first read. */
int
drv_read_again(struct drv_bytes *b, int dir_fd, struct str file, struct str *ret, struct err *e)
{
	char name[DRV_MAX_NAME + 1];
	AUTO(fd_close) int fd = open_file(dir_fd, file, name, e);
	size_t n = 0;

	if (fd < 0)
		return -1;
	for (;;) {
		if (n == b->cap) {
			b->cap = b->cap != 0 ? b->cap * 2 : FIRST_READ;
			b->p = mem_realloc(b->p, b->cap, 1);
		}
		ssize_t got = read(fd, b->p + n, b->cap - n);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return errno == EISDIR ? fail(e, ERR_INPUT, "%s is no file", name)
			                       : fail_sys(e, "cannot read %s", name);
		n += (size_t)got;
		if (got == 0 || (n < b->cap && b->p[n - 1] == ')'))
			break;
		if (n > DRV_MAX_BYTES)
			return fail(e, ERR_LIMIT, "%s: a derivation of more than %d bytes", name, DRV_MAX_BYTES);
	}
	*ret = (struct str){b->p, n};
	return 0;
}

int
drv_read_bytes(struct arena *a, int dir_fd, struct str file, struct str *ret, struct err *e)
{
	struct drv_bytes b = {0};
	struct str text;
	int rc = drv_read_again(&b, dir_fd, file, &text, e);

	if (rc == 0)
		*ret = (struct str){arena_strn(a, text.p, text.n), text.n};
	mem_free(&b.p);
	return rc;
}

int
drv_read(struct arena *a, const char *real_dir, struct str path, struct drv *ret, struct err *e)
{
	struct str bytes, file;

	if (drv_file_name(path, &file) != 0 || !str_ends(file, STR(".drv")))
		return fail(e, ERR_INPUT, "not the store path of a derivation: " STR_FMT, (int)(path.n < 300 ? path.n : 300),
		    path.p);
	AUTO(fd_close) int dir = open(real_dir, O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (dir < 0)
		return fail_sys(e, "cannot open the store %s", real_dir);
	if (drv_read_bytes(a, dir, file, &bytes, e) != 0)
		return -1;
	if (drv_parse(a, bytes, DRV_ALL, ret, e) != 0)
		return fail_in(e, STR_FMT, (int)(path.n < 300 ? path.n : 300), path.p);
	return 0;
}

bool
drv_fixed_output(const struct drv *d)
{
	return d->n_outputs == 1 && d->outputs[0].hash.n != 0 && !str_is(d->outputs[0].hash, "impure");
}

struct str
drv_env_get(const struct drv *d, const char *name)
{
	for (size_t i = 0; i < d->n_env; i++)
		if (str_is(d->env[i].name, name))
			return d->env[i].value;
	return (struct str){NULL, 0};
}

static int
structured_features(struct arena *a, const json_t *list, const struct str **ret, size_t *ret_n, struct err *e)
{
	struct str *p = arena_alloc(a, json_array_size(list) * sizeof(*p));
	size_t n = 0, i;
	json_t *v;

	if (list != NULL && !json_is_null(list) && !json_is_array(list))
		return fail(e, ERR_INPUT, "requiredSystemFeatures is no list");
	json_array_foreach(list, i, v) {
		if (!json_is_string(v))
			return fail(e, ERR_INPUT, "requiredSystemFeatures has an element that is no text");
		p[n].n = json_string_length(v);
		p[n].p = arena_strn(a, json_string_value(v), p[n].n);
		n++;
	}
	*ret = p;
	*ret_n = n;
	return 0;
}

int
drv_features(struct arena *a, const struct drv *d, const struct str **ret, size_t *ret_n, struct err *e)
{
	struct str json = drv_env_get(d, "__json"), words = drv_env_get(d, "requiredSystemFeatures");
	AUTO(json_drop) json_t *attrs = NULL;
	struct drv_reader r = {.a = a};
	struct drv_list l = {.size = sizeof(struct str)};

	if (json.p != NULL) {
		if (json_read(json, "__json", &attrs, e) != 0)
			return -1;
		if (!json_is_object(attrs))
			return fail(e, ERR_INPUT, "__json is no object");
		return structured_features(a, json_object_get(attrs, "requiredSystemFeatures"), ret, ret_n, e);
	}
	for (size_t i = 0; words.p != NULL && i < words.n;) {
		size_t from = i;
		while (i < words.n && strchr(" \t\r\n", words.p[i]) == NULL)
			i++;
		if (i > from)
			*(struct str *)list_add(&r, &l) = (struct str){words.p + from, i - from};
		else
			i++;
	}
	*ret = (const void *)l.p;
	*ret_n = l.n;
	return 0;
}

void
drv_split_name(struct str name, struct str *ret_name, struct str *ret_version)
{
	*ret_name = name;
	*ret_version = (struct str){"", 0};
	for (size_t i = 0; i + 1 < name.n; i++) {
		char c = name.p[i + 1];
		if (name.p[i] == '-' && !((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'))) {
			*ret_name = (struct str){name.p, i};
			*ret_version = str_from(name, i + 1);
			return;
		}
	}
}
