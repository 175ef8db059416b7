/* Files that were not used for long are removed, and then those used longest ago until the rest is small enough. */
#include "walk/sweep.h"

#include "records/array.h"
#include "records/evaluation.h"
#include "records/list.h"
#include "support/base/log.h"
#include "support/os/child.h"
#include "support/os/files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { DAY_MS = 86400 * 1000, HOUR_MS = 3600 * 1000 };

struct sweeping {
	int64_t before_ms;
	int64_t removed, kept, bytes;
};

static int
sweep_entry(struct sweeping *s, int dir_fd, const char *folder, const char *name, struct err *e)
{
	struct arena a = {0};
	struct stat st;
	int rc = 0;

	if (fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) != 0)
		return 0; /* somebody was faster */
	/* gcroots/builds stands in both lists and is never an entry itself. */
	if ((int64_t)st.st_mtim.tv_sec * 1000 >= s->before_ms || strcmp(name, "builds") == 0) {
		s->kept++;
		return 0;
	}
	rc = files_remove_tree(arena_printf(&a, "%s/%s", folder, name), e);
	arena_release(&a);
	s->removed++;
	s->bytes += S_ISREG(st.st_mode) ? st.st_size : 0;
	return rc;
}

static int
sweep_folder(struct sweeping *s, const char *folder, struct err *e)
{
	DIR *dir = opendir(folder);
	struct dirent *d;
	int rc = 0;

	if (dir == NULL)
		return errno == ENOENT ? 0 : fail_sys(e, "cannot read %s", folder);
	while (rc == 0 && !child_cancelled() && (d = readdir(dir)) != NULL)
		if (strcmp(d->d_name, ".") != 0 && strcmp(d->d_name, "..") != 0)
			rc = sweep_entry(s, dirfd(dir), folder, d->d_name, e);
	closedir(dir);
	return rc;
}

struct file {
	char *path;
	int64_t used_ns, bytes;
};

struct pile {
	struct arena a;
	VEC(struct file) all;
	int64_t bytes;
};

static int64_t
used_ns(const struct stat *st)
{
	return (int64_t)st->st_mtim.tv_sec * 1000000000 + st->st_mtim.tv_nsec;
}

static int
pile_up(struct pile *pile, const char *folder, struct err *e)
{
	DIR *dir = opendir(folder);
	struct dirent *d;
	struct stat st;

	if (dir == NULL)
		return errno == ENOENT ? 0 : fail_sys(e, "cannot read %s", folder);
	while ((d = readdir(dir)) != NULL) {
		if (fstatat(dirfd(dir), d->d_name, &st, AT_SYMLINK_NOFOLLOW) != 0 || !S_ISREG(st.st_mode))
			continue;
		struct file one = {arena_printf(&pile->a, "%s/%s", folder, d->d_name), used_ns(&st), st.st_size};
		pile->bytes += one.bytes;
		vec_push(&pile->all, one);
	}
	closedir(dir);
	return 0;
}

static int
longest_ago_first(const void *a, const void *b)
{
	const struct file *x = a, *y = b;

	if (x->used_ns != y->used_ns)
		return x->used_ns < y->used_ns ? -1 : 1;
	return strcmp(x->path, y->path);
}

static void
shrink(struct sweeping *s, struct pile *pile, int64_t max_bytes, int64_t young_ms, const struct texts *needed)
{
	struct stat st;

	if (pile->all.n > 1)
		qsort(pile->all.p, pile->all.n, sizeof(*pile->all.p), longest_ago_first);
	for (size_t i = 0; i < pile->all.n && pile->bytes > max_bytes && !child_cancelled(); i++) {
		const struct file *one = &pile->all.p[i];
		/* Looked at again: somebody may have used it since. Empty ones are locks, which go by their age. */
		if (one->bytes == 0 || one->used_ns / 1000000 >= young_ms || texts_have(needed, strrchr(one->path, '/') + 1) ||
		    lstat(one->path, &st) != 0 || used_ns(&st) != one->used_ns || unlink(one->path) != 0)
			continue;
		pile->bytes -= one->bytes;
		s->bytes += one->bytes;
		s->removed++;
		s->kept--;
	}
	if (pile->bytes > max_bytes)
		log_warn("stored evaluations take %lld MiB, more than max_evals_mb: all that is left is in use",
		    (long long)(pile->bytes >> 20));
}

static int
sweep_sizes(struct sweeping *s, const struct sweep_job *job, struct err *e)
{
	struct pile pile = {0};
	int rc = 0;

	if (job->max_bytes <= 0)
		return 0;
	for (size_t i = 0; rc == 0 && i < job->sized.n; i++)
		rc = pile_up(&pile, job->sized.p[i], e);
	if (rc == 0)
		shrink(s, &pile, job->max_bytes, job->young_ms, &job->needed);
	vec_release(&pile.all);
	arena_release(&pile.a);
	return rc;
}

int
sweep_stage(struct arena *a, const void *told, struct record_out *out, struct err *e)
{
	const struct sweep_job *job = told;
	struct sweeping s = {.before_ms = job->before_ms};

	(void)a;
	/* One folder that cannot be swept does not keep the others. */
	for (size_t i = 0; i < job->folders.n; i++)
		if (sweep_folder(&s, job->folders.p[i], e) != 0)
			log_err(LOG_WARN, "sweep", e);
	if (sweep_sizes(&s, job, e) != 0)
		log_err(LOG_WARN, "sweep", e);
	const struct swept swept = {s.removed, s.kept, s.bytes};
	return record_put(out, &swept_fields, &swept, e);
}

struct sweep_job
sweep_job(struct arena *a, const struct settings *c, int64_t now_ms, const struct texts *needed)
{
	static const char *const names[] = {"evals", "graphs", "logs", "runs", "gcroots", "gcroots/builds", "fetches"};
	enum { SIZED = 2 }; /* the first ones */
	const char **folders = arena_alloc(a, sizeof(names));

	for (size_t i = 0; i < COUNT(names); i++)
		folders[i] = arena_printf(a, "%s/%s", c->state.dir, names[i]);
	return (struct sweep_job){.folders = {folders, COUNT(names)},
	    .before_ms = now_ms - c->state.keep_days * DAY_MS,
	    .sized = {folders, SIZED},
	    .max_bytes = c->state.max_evals_mb << 20,
	    .needed = *needed,
	    .young_ms = now_ms - HOUR_MS};
}

void
sweep_needs(struct arena *a, const char *evaluations, struct texts *needed)
{
	struct evaluations all = {0};
	struct err e;

	if (evaluations == NULL || array_read_records(&evaluation_fields, a, evaluations, "evaluations", &all, &e) != 0)
		return;
	for (size_t i = 0; i < all.n; i++) {
		const char *file = all.p[i].file, *slash = file != NULL ? strrchr(file, '/') : NULL;
		if (file != NULL)
			list_add(a, needed, slash != NULL ? slash + 1 : file);
	}
}
