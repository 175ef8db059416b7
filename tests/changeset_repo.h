/*
 * changeset_repo - small real repositories for tests, made with git, and stages run in this process.
 *
 * A struct repo is a clone in a folder of its own below TMPDIR; git sees no configuration of the machine.
 */
#ifndef TESTS_CHANGESET_REPO_H
#define TESTS_CHANGESET_REPO_H

#include "changeset/changeset.h"
#include "support/os/child.h"
#include "support/os/files.h"
#include "support/text/json.h"
#include "walk/table.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

struct repo {
	struct arena a;
	char dir[64];    /* holds everything */
	const char *src; /* the clone */
};

static inline void
must(int rc, const struct err *e)
{
	if (rc != 0) {
		fprintf(stderr, "the test's set-up failed: %s\n", e->msg);
		abort();
	}
}

/* Runs git in the clone; gives its output without the newline. */
static inline const char *
repo_git(struct repo *r, const char *const *args)
{
	const char *argv[24] = {"git", "-C", r->src};
	struct err e = {0};
	struct buf out;

	for (size_t i = 0; args[i] != NULL; i++)
		argv[3 + i] = args[i];
	buf_init(&out, 1024 * 1024);
	must(child_output(argv, &out, &e), &e);
	const char *text = str_dup(&r->a, str_trim(buf_get(&out)));
	buf_release(&out);
	return text;
}
#define GIT(r, ...) repo_git((r), (const char *const[]){__VA_ARGS__, NULL})

static inline void
repo_init(struct repo *r)
{
	struct err e = {0};

	setenv("GIT_CONFIG_NOSYSTEM", "1", 1);
	setenv("GIT_CONFIG_GLOBAL", "/dev/null", 1);
	setenv("GIT_AUTHOR_NAME", "test", 1);
	setenv("GIT_AUTHOR_EMAIL", "test@localhost", 1);
	setenv("GIT_COMMITTER_NAME", "test", 1);
	setenv("GIT_COMMITTER_EMAIL", "test@localhost", 1);
	*r = (struct repo){0};
	snprintf(r->dir, sizeof(r->dir), "/tmp/ekaci-changeset-XXXXXX");
	if (mkdtemp(r->dir) == NULL)
		abort();
	r->src = arena_printf(&r->a, "%s/src", r->dir);
	must(files_mkdirs(r->src, 0700, &e), &e);
	GIT(r, "init", "--quiet", "-b", "main");
	/* What GitHub allows as well. */
	GIT(r, "config", "uploadpack.allowAnySHA1InWant", "true");
}

static inline void
repo_release(struct repo *r)
{
	struct err e = {0};

	must(files_remove_tree(r->dir, &e), &e);
	arena_release(&r->a);
}

static inline void
repo_write(struct repo *r, const char *path, const char *text)
{
	char *full = arena_printf(&r->a, "%s/%s", r->src, path), *slash = strrchr(full, '/');
	struct err e = {0};

	*slash = '\0';
	must(files_mkdirs(full, 0700, &e), &e);
	*slash = '/';
	must(files_write(full, str_of(text), 0644, FILES_NO_SYNC, &e), &e);
}

/* Everything as it stands becomes a commit; gives its id. */
static inline const char *
repo_commit(struct repo *r)
{
	GIT(r, "add", "--all");
	GIT(r, "commit", "--quiet", "--allow-empty", "-m", "test");
	return GIT(r, "rev-parse", "HEAD");
}

/* Runs a stage on a job, which is dropped; *ret_record is its record of the given type (to be dropped), NULL when there is
 * none. */
static inline int
run_stage(const char *name, json_t *job, const char *type, json_t **ret_record, struct err *e)
{
	const struct stage *stage = pipeline_stage(name);
	struct record_out out = {.fd = memfd_create("records", 0)};
	AUTO(buf_release) struct buf text;
	struct arena a = {0};
	void *read_job = arena_alloc(&a, stage->job->size);
	char chunk[65536];
	ssize_t n;

	*ret_record = NULL;
	int rc = fields_read(stage->job, &a, str_of(json_line(&a, job)), "job", read_job, e);
	if (rc == 0)
		rc = stage->run(&a, read_job, &out, e);
	arena_release(&a);
	json_decref(job);
	buf_init(&text, 64 * 1024 * 1024);
	lseek(out.fd, 0, SEEK_SET);
	while ((n = read(out.fd, chunk, sizeof(chunk))) > 0)
		buf_add(&text, chunk, (size_t)n);
	close(out.fd);
	for (struct str rest = buf_get(&text); rest.p != NULL && rest.n > 0;) {
		struct str line = str_cut(rest, '\n', &rest);
		struct err bad = {0};
		json_t *rec = NULL;
		must(json_read(line, "record", &rec, &bad), &bad);
		if (*ret_record == NULL && strcmp(json_str(rec, "type", ""), type) == 0)
			*ret_record = rec;
		else
			json_decref(rec);
	}
	return rc;
}

#endif
