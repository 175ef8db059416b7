/* What a difference rebuilds, as numbers, and the file that keeps them. */
#include "formats/difference_file.h"
#include "overlap/spaces.h"
#include "support/os/files.h"

#include <openssl/sha.h>

#include <stdlib.h>
#include <string.h>

enum {
	MAX_FILE = 256 << 20,
	MAX_NAME = 200 /* bytes of a root's name */
};

/* At the beginning of the file; another number is another shape, and the file is made again. */
static const char magic[8] = "ekspac1\n";

struct space_head {
	char magic[8];
	uint64_t n, n_gone, n_roots, names, rebuilds;
};

static uint64_t
key_of(const struct buf *b)
{
	unsigned char sum[SHA256_DIGEST_LENGTH];
	uint64_t key;

	SHA256((const unsigned char *)b->p, b->n, sum);
	memcpy(&key, sum, sizeof(key));
	return key;
}

/* Texts with an end each, so that no two lists of texts are the same bytes. */
static void
add(struct buf *b, const char *text)
{
	buf_puts(b, text != NULL ? text : "");
	buf_putc(b, '\0');
}

static uint64_t
attribute_key(struct buf *b, const struct difference_attribute *at)
{
	buf_drop(b, b->n);
	add(b, at->job);
	add(b, at->system);
	for (size_t i = 0; i < at->path.n; i++)
		add(b, at->path.p[i]);
	return key_of(b);
}

/* Of a job and a system, in which aliases are looked for. */
static uint64_t
drv_key(struct buf *b, const struct difference_attribute *at, const char *drv)
{
	buf_drop(b, b->n);
	add(b, at->job);
	add(b, at->system);
	add(b, drv);
	return key_of(b);
}

static const char *
root_name(struct arena *a, const struct difference_root *root)
{
	AUTO(buf_release) struct buf b;
	const struct texts *path = root->attributes.n > 0 ? &root->attributes.p[0] : NULL;

	buf_init(&b, MAX_NAME);
	for (size_t i = 0; path != NULL && i < path->n; i++)
		buf_printf(&b, "%s%s", i > 0 ? "." : "", path->p[i]);
	if (path == NULL)
		buf_puts(&b, root->name != NULL ? root->name : "");
	return fields_clean(a, str_utf8_head((struct str){b.p, b.n}, MAX_NAME));
}

struct space_making {
	struct arena *a;
	struct buf b;
	VEC(struct space_entry) rebuilt;
	VEC(uint64_t) gone;
	VEC(struct space_root) roots;
};

static void
collect(struct space_making *c, const struct difference_element *one)
{
	if (one->part == DIFFERENCE_ATTRIBUTES) {
		const struct difference_attribute *at = one->attribute;
		const char *base = at->base != NULL ? at->base->drv : NULL, *head = at->head != NULL ? at->head->drv : NULL;
		if (at->class == CLASS_REBUILD)
			vec_push(&c->rebuilt, ((struct space_entry){.key = attribute_key(&c->b, at),
			                          .base = drv_key(&c->b, at, base),
			                          .head = drv_key(&c->b, at, head),
			                          .counts = at->alias_of.n == 0}));
		else if (base != NULL && head == NULL)
			vec_push(&c->gone, attribute_key(&c->b, at));
		return;
	}
	const char *name = root_name(c->a, one->root);
	buf_drop(&c->b, c->b.n);
	add(&c->b, one->root->attributes.n > 0 ? "attribute" : "name");
	add(&c->b, one->root->system);
	add(&c->b, name);
	vec_push(&c->roots, ((struct space_root){key_of(&c->b), name}));
}

static int
by_key(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b; /* first in each struct */

	return x < y ? -1 : x > y;
}

/* Sorted, each key once: of an attribute that stands there twice the first. */
static size_t
settle(void *all, size_t n, size_t size)
{
	char *p = all;
	size_t kept = 0;

	if (n > 1)
		qsort(all, n, size, by_key);
	for (size_t i = 0; i < n; i++)
		if (kept == 0 || by_key(p + (kept - 1) * size, p + i * size) != 0)
			memmove(p + kept++ * size, p + i * size, size);
	return kept;
}

static int
from_difference(struct arena *a, const char *path, struct space *ret, struct err *e)
{
	const unsigned wanted = 1u << DIFFERENCE_ATTRIBUTES | 1u << DIFFERENCE_ROOTS;
	AUTO(difference_close) struct difference_reader *r = NULL;
	struct space_making c = {.a = a};
	struct arena one_a = {0};
	struct difference_element one;

	if (difference_open(path, wanted, &r, e) != 0)
		return -1;
	buf_init(&c.b, SIZE_MAX / 4);
	int rc;
	while ((rc = difference_next(r, &one_a, &one, e)) > 0) {
		collect(&c, &one);
		arena_clear(&one_a);
	}
	if (rc == 0) {
		*ret = (struct space){.n = settle(c.rebuilt.p, c.rebuilt.n, sizeof(*c.rebuilt.p)),
		    .n_gone = settle(c.gone.p, c.gone.n, sizeof(*c.gone.p)),
		    .n_roots = settle(c.roots.p, c.roots.n, sizeof(*c.roots.p))};
		ret->rebuilt = arena_dup(a, c.rebuilt.p, ret->n * sizeof(*c.rebuilt.p));
		ret->gone = arena_dup(a, c.gone.p, ret->n_gone * sizeof(*c.gone.p));
		ret->roots = arena_dup(a, c.roots.p, ret->n_roots * sizeof(*c.roots.p));
		for (size_t i = 0; i < ret->n; i++)
			ret->rebuilds += ret->rebuilt[i].counts;
	}
	buf_release(&c.b);
	arena_release(&one_a);
	vec_release(&c.rebuilt);
	vec_release(&c.gone);
	vec_release(&c.roots);
	return rc;
}

/* --- the file: a head, entries, keys of what is gone, keys of roots, their names with a NUL behind each --- */

static void
put(struct buf *b, const void *p, size_t n)
{
	if (n > 0)
		buf_add(b, p, n);
}

static int
keep(const char *path, const struct space *s, struct err *e)
{
	AUTO(buf_release) struct buf b;
	struct space_head head = {.n = s->n, .n_gone = s->n_gone, .n_roots = s->n_roots, .rebuilds = (uint64_t)s->rebuilds};

	memcpy(head.magic, magic, sizeof(magic));
	for (size_t i = 0; i < s->n_roots; i++)
		head.names += strlen(s->roots[i].name) + 1;
	buf_init(&b, MAX_FILE);
	put(&b, &head, sizeof(head));
	for (size_t i = 0; i < s->n; i++) {
		const struct space_entry *one = &s->rebuilt[i];
		const uint64_t words[] = {one->key, one->base, one->head, one->counts};
		put(&b, words, sizeof(words));
	}
	put(&b, s->gone, s->n_gone * sizeof(*s->gone));
	for (size_t i = 0; i < s->n_roots; i++)
		put(&b, &s->roots[i].key, sizeof(s->roots[i].key));
	for (size_t i = 0; i < s->n_roots; i++)
		put(&b, s->roots[i].name, strlen(s->roots[i].name) + 1);
	if (b.over)
		return fail(e, ERR_LIMIT, "%s: larger than %d bytes", path, MAX_FILE);
	return files_write(path, buf_get(&b), 0640, FILES_NO_SYNC, e);
}

/* False when it is not whole or of another shape: then it is made again. */
static bool
from_kept(struct arena *a, const char *path, struct space *ret)
{
	struct space_head head;
	struct str text;
	struct err e;

	if (files_read(a, path, MAX_FILE, &text, &e) != 0 || text.n < sizeof(head))
		return false;
	memcpy(&head, text.p, sizeof(head));
	if (memcmp(head.magic, magic, sizeof(magic)) != 0 || head.n > MAX_FILE || head.n_gone > MAX_FILE ||
	    head.n_roots > MAX_FILE || head.names > MAX_FILE ||
	    text.n != sizeof(head) + head.n * 32 + head.n_gone * 8 + head.n_roots * 8 + head.names ||
	    (head.names > 0 && text.p[text.n - 1] != '\0'))
		return false;
	const char *p = text.p + sizeof(head), *end = text.p + text.n;
	*ret = (struct space){.n = head.n, .n_gone = head.n_gone, .n_roots = head.n_roots, .rebuilds = (int64_t)head.rebuilds};
	ret->rebuilt = arena_alloc(a, (ret->n + 1) * sizeof(*ret->rebuilt));
	for (size_t i = 0; i < ret->n; i++, p += 32) {
		uint64_t words[4];
		memcpy(words, p, sizeof(words));
		ret->rebuilt[i] = (struct space_entry){words[0], words[1], words[2], words[3] != 0};
	}
	ret->gone = arena_dup(a, p, ret->n_gone * 8);
	p += ret->n_gone * 8;
	ret->roots = arena_alloc(a, (ret->n_roots + 1) * sizeof(*ret->roots));
	for (size_t i = 0; i < ret->n_roots; i++, p += 8)
		memcpy(&ret->roots[i].key, p, 8);
	for (size_t i = 0; i < ret->n_roots; i++) {
		if (p == end)
			return false;
		ret->roots[i].name = p;
		p += strlen(p) + 1;
	}
	return p == end;
}

int
space_read(struct arena *a, const char *kept, const char *difference, struct space *ret, struct err *e)
{
	if (from_kept(a, kept, ret))
		return 0;
	*ret = (struct space){0};
	if (from_difference(a, difference, ret, e) != 0)
		return -1;
	return keep(kept, ret, e);
}
