/* Old files go. */
#include "walk/sweep.h"

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

static bool
is_needed(const json_t *needed, const char *path)
{
	const json_t *one;
	size_t i;

	json_array_foreach(needed, i, one)
		if (json_is_string(one) && strcmp(json_string_value(one), strrchr(path, '/') + 1) == 0)
			return true;
	return false;
}

static void
shrink(struct sweeping *s, struct pile *pile, int64_t max_bytes, int64_t young_ms, const json_t *needed)
{
	struct stat st;

	if (pile->all.n > 1)
		qsort(pile->all.p, pile->all.n, sizeof(*pile->all.p), longest_ago_first);
	for (size_t i = 0; i < pile->all.n && pile->bytes > max_bytes && !child_cancelled(); i++) {
		const struct file *one = &pile->all.p[i];
		/* Looked at again: somebody may have used it since. Empty ones are locks, which go by their age. */
		if (one->bytes == 0 || one->used_ns / 1000000 >= young_ms || is_needed(needed, one->path) ||
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
sweep_sizes(struct sweeping *s, const json_t *job, struct err *e)
{
	int64_t max_bytes = json_int(job, "max_bytes", 0), young_ms = 0;
	struct pile pile = {0};
	const json_t *folder;
	size_t i;
	int rc = 0;

	if (max_bytes <= 0)
		return 0;
	if (json_need_int(job, "young_ms", &young_ms, e) != 0)
		return -1;
	json_array_foreach(json_object_get(job, "sized"), i, folder)
		rc = rc == 0 ? pile_up(&pile, json_string_value(folder), e) : rc;
	if (rc == 0)
		shrink(s, &pile, max_bytes, young_ms, json_object_get(job, "needed"));
	vec_release(&pile.all);
	arena_release(&pile.a);
	return rc;
}

int
sweep_stage(const json_t *job, struct record_out *out, struct err *e)
{
	struct sweeping s = {0};
	const json_t *folder;
	size_t i;

	if (json_need_int(job, "before_ms", &s.before_ms, e) != 0)
		return -1;
	json_array_foreach(json_object_get(job, "folders"), i, folder) {
		/* One folder that cannot be swept does not keep the others. */
		if (sweep_folder(&s, json_string_value(folder), e) != 0)
			log_err(LOG_WARN, "sweep", e);
	}
	if (sweep_sizes(&s, job, e) != 0)
		log_err(LOG_WARN, "sweep", e);
	record_emit(out, json_pack("{s:s,s:I,s:I,s:I}", "type", "swept", "removed", (json_int_t)s.removed, "kept",
	                     (json_int_t)s.kept, "bytes", (json_int_t)s.bytes));
	return 0;
}

json_t *
sweep_job(const struct settings *c, int64_t now_ms, json_t *needed)
{
	static const char *const names[] = {"evals", "graphs", "logs", "runs", "gcroots", "gcroots/builds", "fetches"};
	int64_t before_ms = now_ms - c->state.keep_days * DAY_MS;
	json_t *folders = json_array(), *sized = json_array();

	for (size_t i = 0; i < COUNT(names); i++)
		json_array_append_new(folders, json_sprintf("%s/%s", c->state.dir, names[i]));
	for (size_t i = 0; i < 2; i++)
		json_array_append(sized, json_array_get(folders, i));
	return json_pack("{s:o,s:I,s:o,s:I,s:o,s:I}", "folders", folders, "before_ms", (json_int_t)before_ms, "sized", sized,
	    "max_bytes", (json_int_t)c->state.max_evals_mb << 20, "needed", needed, "young_ms", (json_int_t)(now_ms - HOUR_MS));
}

void
sweep_needs(const char *evaluations, json_t *needed)
{
	AUTO(json_drop) json_t *records = NULL;
	const json_t *one;
	struct err e;
	size_t i;

	if (json_read_maybe(evaluations, &records, &e) != 0)
		return;
	json_array_foreach(records, i, one) {
		const char *file = json_str(one, "file", NULL);
		if (file != NULL)
			json_array_append_new(needed, json_string(strrchr(file, '/') != NULL ? strrchr(file, '/') + 1 : file));
	}
}
