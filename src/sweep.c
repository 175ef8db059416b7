/* Old files go. */
#include "sweep.h"

#include "support/base/log.h"
#include "support/os/child.h"
#include "support/os/files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

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
	record_emit(out, json_pack("{s:s,s:I,s:I,s:I}", "type", "swept", "removed", (json_int_t)s.removed, "kept",
	                     (json_int_t)s.kept, "bytes", (json_int_t)s.bytes));
	return 0;
}

json_t *
sweep_job(const struct settings *c, int64_t before_ms)
{
	static const char *const names[] = {"evals", "graphs", "logs", "runs", "gcroots", "gcroots/builds", "fetches"};
	json_t *folders = json_array();

	for (size_t i = 0; i < COUNT(names); i++)
		json_array_append_new(folders, json_sprintf("%s/%s", c->state.dir, names[i]));
	return json_pack("{s:o,s:I}", "folders", folders, "before_ms", (json_int_t)before_ms);
}
