/* The difference file: parts in their order, elements one by one. */
#include "formats/difference_file.h"

#include "support/os/files.h"
#include "support/text/jscan.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
	VERSION = 1,
	GIVE_BACK = 16 * 1024 * 1024 /* bytes walked over until their memory is given back */
};

static const struct file_part {
	const char *name;
	const struct fields *of;
	bool list;
} parts[DIFFERENCE_PARTS] = {
    [DIFFERENCE_COUNTS] = {"counts", &difference_counts_fields, false},
    [DIFFERENCE_ATTRIBUTES] = {"attributes", &difference_attribute_fields, true},
    [DIFFERENCE_META_CHANGED] = {"meta_changed", &meta_change_fields, true},
    [DIFFERENCE_META_ERRORS] = {"meta_errors", &meta_errors_fields, false},
    [DIFFERENCE_ROOTS] = {"roots", &difference_root_fields, true},
    [DIFFERENCE_TARGETS] = {"targets", &difference_target_fields, true},
    [DIFFERENCE_KNOWN] = {"known", &difference_target_fields, true},
    [DIFFERENCE_NEEDED] = {"needed", &difference_needed_fields, true},
    [DIFFERENCE_DISTANCES] = {"distances", &difference_distances_fields, false},
    [DIFFERENCE_COSTS] = {"costs", &evaluation_cost_fields, true},
};

struct difference_reader {
	char *path;
	unsigned wanted, seen; /* bits of parts */
	void *map;
	struct jscan s;
	size_t given_back;            /* bytes at the beginning that are not held any more */
	bool begun, versioned, ended; /* the object was opened; it said its version; there is nothing left */
	size_t members;               /* of the object, as far as it was walked */
	const struct file_part *in;   /* the list that we are in, or NULL */
	size_t elements;              /* of that list, likewise */
	size_t begin[DIFFERENCE_PARTS], end[DIFFERENCE_PARTS]; /* of the parts that were gone through */
};

static int
wrong(const struct difference_reader *r, const char *what, struct err *e)
{
	return fail(e, ERR_INPUT, "%s: %s at byte %zu", r->path, what, r->s.at);
}

static int
map_file(struct difference_reader *r, struct err *e)
{
	AUTO(fd_close) int fd = open(r->path, O_RDONLY | O_CLOEXEC);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) != 0)
		return fail_sys(e, "cannot open %s", r->path);
	if (st.st_size > DIFFERENCE_MAX_BYTES)
		return fail(e, ERR_LIMIT, "%s is larger than %d bytes", r->path, DIFFERENCE_MAX_BYTES);
	if (st.st_size == 0)
		return fail(e, ERR_INPUT, "%s is empty", r->path);
	r->map = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (r->map == MAP_FAILED) {
		r->map = NULL;
		return fail_sys(e, "cannot read %s", r->path);
	}
	(void)madvise(r->map, (size_t)st.st_size, MADV_SEQUENTIAL);
	r->s = (struct jscan){r->map, (size_t)st.st_size, 0};
	return 0;
}

int
difference_open(const char *path, unsigned wanted, struct difference_reader **ret, struct err *e)
{
	AUTO(difference_close) struct difference_reader *r = mem_alloc(sizeof(*r));

	r->path = mem_strdup(path);
	r->wanted = wanted;
	if (map_file(r, e) != 0)
		return -1;
	*ret = r;
	r = NULL;
	return 0;
}

void
difference_close(struct difference_reader **rp)
{
	struct difference_reader *r = *rp;

	*rp = NULL;
	if (r == NULL)
		return;
	if (r->map != NULL)
		munmap(r->map, r->s.n);
	free(r->path);
	free(r);
}

/* What is behind us is not looked at again. */
static void
give_back(struct difference_reader *r)
{
	size_t n = r->s.at / GIVE_BACK * GIVE_BACK;

	if (n <= r->given_back)
		return;
	(void)madvise((char *)r->map + r->given_back, n - r->given_back, MADV_DONTNEED);
	r->given_back = n;
}

/* The value at hand as the struct of the part. */
static int
give(struct difference_reader *r, const struct file_part *p, struct arena *a, struct difference_element *ret, struct err *e)
{
	void *one = arena_alloc(a, p->of->size);
	size_t index = p->list ? r->elements - 1 : 0;
	struct str raw;

	if (jscan_value(&r->s, &raw) != 0)
		return wrong(r, "malformed", e);
	if (fields_read(p->of, a, raw, p->name, one, e) != 0)
		return p->list ? fail_in(e, "%s: element %zu of", r->path, index) : fail_in(e, "%s", r->path);
	*ret = (struct difference_element){.part = (enum difference_part)(p - parts), .index = index, .is = one, .text = raw};
	give_back(r);
	return 1;
}

static const struct file_part *
part_named(struct str name)
{
	for (size_t i = 0; i < DIFFERENCE_PARTS; i++)
		if (str_is(name, parts[i].name))
			return &parts[i];
	return NULL;
}

static int
step_over(struct difference_reader *r, struct err *e)
{
	struct str ignored;

	if (jscan_value(&r->s, &ignored) != 0)
		return wrong(r, "malformed", e);
	give_back(r);
	return 0;
}

/* At the value of a member: gives it, steps over it, or goes into its list. */
static int
enter(struct difference_reader *r, struct str name, struct arena *a, struct difference_element *ret, struct err *e)
{
	const struct file_part *p = part_named(name);
	int64_t version;

	if (str_is(name, "ekaci_difference")) {
		if (jscan_int(&r->s, &version) != 0 || version != VERSION)
			return fail(e, ERR_INPUT, "%s: not a difference of version %d", r->path, VERSION);
		r->versioned = true;
		return 0;
	}
	if (p == NULL)
		return step_over(r, e);
	unsigned bit = 1u << (p - parts);
	if (!r->versioned)
		return fail(e, ERR_INPUT, "%s: not a difference of version %d", r->path, VERSION);
	if (r->seen & bit)
		return fail(e, ERR_INPUT, "%s: %s stands there twice", r->path, p->name);
	r->seen |= bit;
	(void)jscan_peek(&r->s);
	r->begin[p - parts] = r->s.at;
	if (!p->list) {
		int rc = r->wanted & bit ? give(r, p, a, ret, e) : step_over(r, e);
		r->end[p - parts] = r->s.at;
		return rc;
	}
	r->elements = 0;
	r->in = p;
	return jscan_open(&r->s, '[') == 0 ? 0 : wrong(r, "no list", e);
}

/* Behind the last member. */
static int
at_end(struct difference_reader *r, struct err *e)
{
	unsigned needed = 1u << DIFFERENCE_COUNTS | 1u << DIFFERENCE_ATTRIBUTES;

	if (jscan_end(&r->s) != 0)
		return wrong(r, "something behind the object", e);
	return (r->seen & needed) == needed ? 0 : fail(e, ERR_INPUT, "%s: no attributes or no counts", r->path);
}

/* 1 when an element was given, 0 when there may be another, 2 at the end. */
static int
next_member(struct difference_reader *r, struct arena *a, struct difference_element *ret, struct err *e)
{
	struct str name;
	bool escaped;
	int more = jscan_more(&r->s, '}', &r->members);

	if (more == 0)
		return at_end(r, e) == 0 ? 2 : -1;
	if (more < 0 || jscan_raw_string(&r->s, &name, &escaped) != 0 || jscan_colon(&r->s) != 0)
		return wrong(r, "malformed", e);
	return enter(r, name, a, ret, e);
}

static int
next_element(struct difference_reader *r, struct arena *a, struct difference_element *ret, struct err *e)
{
	int more = jscan_more(&r->s, ']', &r->elements);

	if (more == 1)
		return r->wanted & 1u << (r->in - parts) ? give(r, r->in, a, ret, e) : step_over(r, e);
	r->end[r->in - parts] = r->s.at;
	r->in = NULL;
	return more == 0 ? 0 : wrong(r, "malformed", e);
}

int
difference_next(struct difference_reader *r, struct arena *a, struct difference_element *ret, struct err *e)
{
	int rc = r->ended ? 2 : 0;

	if (!r->begun && jscan_open(&r->s, '{') != 0)
		return fail(e, ERR_INPUT, "%s: no JSON object", r->path);
	r->begun = true;
	while (rc == 0)
		rc = r->in != NULL ? next_element(r, a, ret, e) : next_member(r, a, ret, e);
	r->ended = rc != 1;
	return rc == 2 ? 0 : rc;
}

struct str
difference_text(const struct difference_reader *r, enum difference_part part)
{
	size_t begin = r->begin[part], end = r->end[part];

	return end > 0 ? (struct str){(const char *)r->map + begin, end - begin} : (struct str){0};
}

int
difference_read_counts(struct arena *a, const char *path, struct difference_counts *ret, struct err *e)
{
	AUTO(difference_close) struct difference_reader *r = NULL;
	struct difference_element one;

	if (difference_open(path, 1u << DIFFERENCE_COUNTS, &r, e) != 0)
		return -1;
	int rc = difference_next(r, a, &one, e);
	if (rc == 1)
		*ret = *one.counts;
	return rc == 0 ? fail(e, ERR_INPUT, "%s: no counts", path) : rc < 0 ? -1 : 0;
}

void
difference_begin(struct difference_writer *w, struct buf *out)
{
	*w = (struct difference_writer){.out = out, .part = DIFFERENCE_COUNTS};
	buf_printf(out, "{\"ekaci_difference\":%d,\n\"%s\":", VERSION, parts[w->part].name);
}

/* Ends the part that w is in and begins the next one. */
static int
next_part(struct difference_writer *w, struct err *e)
{
	if (!parts[w->part].list && w->n != 1)
		return fail(e, ERR_BUG, "difference: %s were not given", parts[w->part].name);
	if (parts[w->part].list)
		buf_putc(w->out, ']');
	w->part++;
	w->n = 0;
	if (w->part < DIFFERENCE_PARTS)
		buf_printf(w->out, ",\n\"%s\":%s", parts[w->part].name, parts[w->part].list ? "[" : "");
	return 0;
}

int
difference_put(struct difference_writer *w, enum difference_part part, const void *one, struct err *e)
{
	while (w->part < part)
		if (next_part(w, e) != 0)
			return -1;
	if (w->part != part || (!parts[part].list && w->n > 0))
		return fail(e, ERR_BUG, "difference: %s out of their order", parts[part].name);
	if (parts[part].list)
		buf_puts(w->out, w->n == 0 ? "\n" : ",\n");
	w->n++;
	return fields_write_as(parts[part].of, one, FIELDS_NUMBERED, w->out, e);
}

int
difference_end(struct difference_writer *w, struct err *e)
{
	while (w->part < DIFFERENCE_PARTS)
		if (next_part(w, e) != 0)
			return -1;
	buf_puts(w->out, "}\n");
	return w->out->over ? fail(e, ERR_LIMIT, "difference: larger than %zu bytes", w->out->max) : 0;
}
