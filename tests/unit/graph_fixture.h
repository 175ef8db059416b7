/*
 * A store of made-up derivations and evaluations of them, for tests and figures; no Nix needed.
 *
 * Paths are hashes of content as in a real store: equal content, equal path; the outputs follow from what the inputs'
 * outputs are, so a fixed output stops the change. The folder is a temporary one and is removed by fixture_end.
 */
#ifndef EKACI_TESTS_GRAPH_FIXTURE_H
#define EKACI_TESTS_GRAPH_FIXTURE_H

#include "graph/graph.h"
#include "nix/drv.h"
#include "records/difference.h"
#include "support/os/files.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zstd.h>

#define FX_STORE "/nix/store"

struct fixture {
	struct arena a;
	char dir[64];   /* the folder */
	char store[80]; /* where the .drv files are */
};

struct fx_env {
	const char *name, *value;
};

struct fx_drv {
	/* Set by the test. */
	const char *name;
	const char *system;                      /* NULL: x86_64-linux */
	const char *fixed;                       /* content of a fixed output, or NULL */
	const char *builder;                     /* NULL: /bin/sh */
	const struct fx_env *env;                /* ends with a NULL name */
	const struct fx_drv *inputs[8];          /* each is wanted as the env variable inputN and its "out" */
	const struct fx_drv *const *more_inputs; /* beyond eight; ends with NULL */
	const char *source;                      /* a store path among the sources, or NULL */
	bool floating;
	bool dev; /* also an output "dev" */
	/* Set by fx_make. */
	char *drv, *out, *out_dev;
};

static inline uint64_t
fx_mix(uint64_t h, const void *p, size_t n)
{
	const unsigned char *b = p;

	for (size_t i = 0; i < n; i++)
		h = (h ^ b[i]) * 0x100000001b3u;
	return h ^ h >> 29;
}

/* /nix/store/HASH-NAME with a hash that follows from the text. */
static inline char *
fx_path(struct arena *a, const char *text, size_t n, const char *name)
{
	static const char digits[] = "0123456789abcdfghijklmnpqrsvwxyz";
	char hash[33] = {0};
	uint64_t h = fx_mix(0xcbf29ce484222325u, name, strlen(name));

	for (int i = 0; i < 32; i++) {
		h = i % 8 == 0 ? fx_mix(h + (uint64_t)i, text, n) : h * 0x9e3779b97f4a7c15u + 1;
		hash[i] = digits[h >> 59];
	}
	return arena_printf(a, "%s/%s-%s", FX_STORE, hash, name);
}

static inline void
fx_quote(struct buf *b, const char *s)
{
	buf_putc(b, '"');
	for (; *s != '\0'; s++) {
		if (*s == '"' || *s == '\\')
			buf_putc(b, '\\');
		if (*s == '\n')
			buf_puts(b, "\\n");
		else
			buf_putc(b, *s);
	}
	buf_putc(b, '"');
}

struct fx_sorted {
	const char *p[4096];
	size_t n;
};

static inline int
fx_compare(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static inline const struct fx_drv *
fx_input(const struct fx_drv *d, size_t i)
{
	for (size_t k = 0; k < 8; k++)
		if (d->inputs[k] != NULL && i-- == 0)
			return d->inputs[k];
	if (d->more_inputs == NULL)
		return NULL;
	for (size_t k = 0; d->more_inputs[k] != NULL; k++)
		if (i-- == 0)
			return d->more_inputs[k];
	return NULL;
}

static inline void
fx_env_text(struct buf *b, const struct fx_drv *d)
{
	bool first = true;

	buf_putc(b, '[');
	for (const struct fx_env *v = d->env; v != NULL && v->name != NULL; v++) {
		buf_puts(b, first ? "(" : ",(");
		fx_quote(b, v->name);
		buf_putc(b, ',');
		fx_quote(b, v->value);
		buf_putc(b, ')');
		first = false;
	}
	const struct fx_drv *in;
	for (size_t i = 0; (in = fx_input(d, i)) != NULL; i++) {
		buf_printf(b, "%s(\"input%zu\",\"%s\")", first ? "" : ",", i, in->floating ? "" : in->out);
		first = false;
	}
	buf_printf(b, "%s(\"name\",\"%s\")", first ? "" : ",", d->name);
	if (!d->floating)
		buf_printf(b, ",(\"out\",\"%s\")", d->out != NULL ? d->out : "");
	buf_putc(b, ']');
}

/* Computes the paths and writes the file. */
static inline struct fx_drv *
fx_make(struct fixture *f, struct fx_drv *d)
{
	struct buf b;
	struct fx_sorted in = {.n = 0};
	struct err e = {0};
	const struct fx_drv *one;
	const char *system = d->system != NULL ? d->system : "x86_64-linux";
	const char *builder = d->builder != NULL ? d->builder : "/bin/sh";

	for (size_t i = 0; (one = fx_input(d, i)) != NULL && in.n < 4096; i++)
		in.p[in.n++] = one->drv;
	qsort(in.p, in.n, sizeof(*in.p), fx_compare);
	/* The output follows from the content, in which inputs stand by their outputs. */
	buf_init(&b, SIZE_MAX / 4);
	if (d->fixed != NULL)
		buf_puts(&b, d->fixed);
	else {
		buf_printf(&b, "%s %s ", system, builder);
		fx_env_text(&b, d);
	}
	d->out = d->floating ? NULL : fx_path(&f->a, b.p, b.n, d->name);
	d->out_dev = d->dev ? fx_path(&f->a, b.p, b.n, arena_printf(&f->a, "%s-dev", d->name)) : NULL;
	buf_drop(&b, b.n);
	buf_puts(&b, "Derive([");
	if (d->dev)
		buf_printf(&b, "(\"dev\",\"%s\",\"\",\"\"),", d->out_dev);
	buf_printf(&b, "(\"out\",\"%s\",\"%s\",\"%s\")],[", d->floating ? "" : d->out,
	    d->fixed != NULL || d->floating ? "sha256" : "", d->fixed != NULL ? "00ff" : "");
	for (size_t i = 0, n = 0; i < in.n; i++)
		if (i == 0 || strcmp(in.p[i], in.p[i - 1]) != 0)
			buf_printf(&b, "%s(\"%s\",[\"out\"])", n++ != 0 ? "," : "", in.p[i]);
	buf_printf(&b, "],[%s%s%s],\"%s\",\"%s\",[\"-e\"],", d->source != NULL ? "\"" : "", d->source != NULL ? d->source : "",
	    d->source != NULL ? "\"" : "", system, builder);
	fx_env_text(&b, d);
	buf_putc(&b, ')');
	d->drv = fx_path(&f->a, b.p, b.n, arena_printf(&f->a, "%s.drv", d->name));
	if (files_write(arena_printf(&f->a, "%s/%s", f->store, strrchr(d->drv, '/') + 1), buf_get(&b), 0644, FILES_NO_SYNC,
	        &e) != 0) {
		fprintf(stderr, "%s\n", e.msg);
		abort();
	}
	buf_release(&b);
	return d;
}

static inline void
fixture_begin(struct fixture *f)
{
	struct err e = {0};

	*f = (struct fixture){.dir = "/tmp/ekaci-graph-XXXXXX"};
	if (mkdtemp(f->dir) == NULL)
		abort();
	snprintf(f->store, sizeof(f->store), "%s/store", f->dir);
	if (files_mkdirs(f->store, 0755, &e) != 0)
		abort();
}

static inline void
fixture_end(struct fixture *f)
{
	struct err e = {0};

	if (files_remove_tree(f->dir, &e) != 0)
		fprintf(stderr, "%s\n", e.msg);
	arena_release(&f->a);
}

/* Writes text as a zstd file with checksum in the fixture's folder; gives its path. */
static inline char *
fixture_zstd(struct fixture *f, const char *name, struct str text)
{
	char *path = arena_printf(&f->a, "%s/%s", f->dir, name);
	size_t cap = ZSTD_compressBound(text.n);
	char *packed = mem_alloc(cap);
	ZSTD_CCtx *c = ZSTD_createCCtx();
	struct err e = {0};

	ZSTD_CCtx_setParameter(c, ZSTD_c_checksumFlag, 1);
	ZSTD_CCtx_setParameter(c, ZSTD_c_compressionLevel, 1);
	size_t n = ZSTD_compress2(c, packed, cap, text.p, text.n);
	ZSTD_freeCCtx(c);
	if (ZSTD_isError(n) || files_write(path, (struct str){packed, n}, 0644, FILES_NO_SYNC, &e) != 0)
		abort();
	free(packed);
	return path;
}

/* An evaluation being written: rows must be added in order. */
struct fx_evaluation {
	struct buf text;
	size_t n;
};

static inline void
fx_evaluation_begin(struct fx_evaluation *v)
{
	buf_init(&v->text, SIZE_MAX / 4);
	v->n = 0;
	buf_puts(&v->text, "{\"ekaci_evaluation\":1,\"key\":\"k\",\"tree\":\"t\",\"job\":{},\"evaluator\":\"test\","
	                   "\"version\":\"1\",\"complete\":true}\n");
}

/* path_json is the attribute path as JSON, meta may be NULL. */
static inline void
fx_row(struct fx_evaluation *v, const char *path_json, const struct fx_drv *d, const char *meta)
{
	buf_printf(&v->text,
	    "{\"attrPath\":%s,\"system\":\"%s\",\"name\":\"%s\",\"drvPath\":\"%s\",\"outputs\":{\"out\":", path_json,
	    d->system != NULL ? d->system : "x86_64-linux", d->name, d->drv);
	if (d->floating)
		buf_puts(&v->text, "null}");
	else
		buf_printf(&v->text, "\"%s\"}", d->out);
	if (meta != NULL)
		buf_printf(&v->text, ",\"meta\":%s", meta);
	buf_puts(&v->text, "}\n");
	v->n++;
}

static inline void
fx_error(struct fx_evaluation *v, const char *path_json, const char *error)
{
	buf_printf(&v->text, "{\"attrPath\":%s,\"error\":\"%s\"}\n", path_json, error);
	v->n++;
}

/* An error that says nothing about the repository. */
static inline void
fx_unknown(struct fx_evaluation *v, const char *path_json)
{
	buf_printf(&v->text, "{\"unknown\":true,\"attrPath\":%s,\"error\":\"error: it cannot be had\"}\n", path_json);
	v->n++;
}

/* Ends and writes it; gives the file's path. */
static inline char *
fx_evaluation_end(struct fixture *f, struct fx_evaluation *v, const char *name)
{
	buf_printf(&v->text, "{\"end\":%zu}\n", v->n);
	char *path = fixture_zstd(f, name, buf_get(&v->text));
	buf_release(&v->text);
	return path;
}

/* The stage, with its job as JSON: what the worker does. */
static inline int
fx_stage_diff(const json_t *json, struct record_out *out, struct err *e)
{
	struct arena a = {0};
	struct diff_job job;
	int rc = fields_read(&diff_job_fields, &a, str_of(json_line(&a, json)), "job", &job, e);

	if (rc == 0)
		rc = graph_stage_diff(&a, &job, out, e);
	arena_release(&a);
	return rc;
}

#endif
