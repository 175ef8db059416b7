/* An archive of the state, while the bot runs or not; and a state from an archive. */
#include "cli/backup.h"

#include "cli/place.h"
#include "support/base/clock.h"
#include "support/os/files.h"
#include "support/os/tar.h"
#include "support/text/json.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

enum { VERSION = 1, MAX_ABOUT = 64 * 1024, MAX_DEPTH = 8 };
static const char about_name[] = "ekaci-backup", db_name[] = "ekaci.db";

struct backup {
	struct arena a;
	struct bot_place place;
	struct tar_out *out;
	const char *file, *config;
	bool force, no_logs;
	int64_t files;
};

/* --- what is asked for --------------------------------------------------------------------------------------------- */

/* Everything that begins with "-" is an option, but for "-" alone. */
static int
read_words(struct backup *b, const char *verb, bool restores, int argc, char **argv)
{
	const char *wrong = NULL;

	for (int i = 1; i < argc && wrong == NULL; i++) {
		const char *w = argv[i];
		if (strcmp(w, "--config") == 0 && i + 1 < argc)
			b->config = argv[++i];
		else if (!restores && strcmp(w, "--force") == 0)
			b->force = true;
		else if (!restores && strcmp(w, "--no-logs") == 0)
			b->no_logs = true;
		else if (w[0] == '-' && w[1] != '\0')
			wrong = strcmp(w, "--config") == 0 ? "wants a value" : "is no option here";
		else if (b->file != NULL)
			wrong = "is one file too many";
		else
			b->file = w;
		if (wrong != NULL)
			fprintf(stderr, "ekaci %s: %s %s\n", verb, w, wrong);
	}
	if (wrong == NULL && b->file == NULL)
		fprintf(stderr, "ekaci %s: which file?\n", verb);
	if (wrong == NULL && b->file != NULL)
		return 0;
	fprintf(stderr, "see ekaci %s --help\n", verb);
	return -1;
}

/* --- backup -------------------------------------------------------------------------------------------------------- */

static int
add_folder(struct backup *b, const char *name, int depth, struct err *e)
{
	const char *path = arena_printf(&b->a, "%s/%s", b->place.c.state.dir, name);
	DIR *d = opendir(path);
	struct dirent *entry;
	int rc = 0;

	if (d == NULL)
		return errno == ENOENT ? 0 : fail_sys(e, "cannot read %s", path);
	while (rc == 0 && (entry = readdir(d)) != NULL) {
		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		const char *below = arena_printf(&b->a, "%s/%s", name, entry->d_name);
		const char *file = arena_printf(&b->a, "%s/%s", b->place.c.state.dir, below);
		struct stat st;
		if (lstat(file, &st) != 0 || S_ISLNK(st.st_mode) || strlen(below) > TAR_MAX_NAME)
			continue;
		if (S_ISDIR(st.st_mode)) {
			rc = depth < MAX_DEPTH ? add_folder(b, below, depth + 1, e) : 0;
			continue;
		}
		rc = tar_out_file(b->out, below, file, e);
		b->files += rc == 0;
		if (rc > 0) /* gone since */
			rc = 0;
	}
	closedir(d);
	return rc;
}

static int
add_about(struct backup *b, struct err *e)
{
	AUTO(json_drop)
	json_t *about = json_pack("{si sI ss sb}", "ekaci_backup", VERSION, "made_ms", (json_int_t)clock_now_ms(), "state_dir",
	    b->place.c.state.dir, "logs", !b->no_logs);

	if (about == NULL)
		return fail(e, ERR_INPUT, "[state] dir is no UTF-8");
	return tar_out_text(b->out, about_name, str_of(arena_printf(&b->a, "%s\n", json_line(&b->a, about))), e);
}

/* The copy of the database is made first and written last: whatever it names was there before it. */
static int
write_archive(struct backup *b, struct err *e)
{
	const char *copy = arena_printf(&b->a, "%s/backup-%ld.db", b->place.c.state.dir, (long)getpid());
	struct store *s = NULL;

	unlink(copy);
	int rc = store_open_beside(b->place.db, &s, e);
	if (rc == 0)
		rc = store_backup(s, copy, e);
	store_close(s);
	if (rc == 0)
		rc = tar_out_new(STDOUT_FILENO, &b->out, e);
	if (rc == 0)
		rc = add_about(b, e);
	if (rc == 0)
		rc = add_folder(b, "runs", 0, e);
	if (rc == 0 && !b->no_logs)
		rc = add_folder(b, "logs", 0, e);
	if (rc == 0 && tar_out_file(b->out, db_name, copy, e) != 0)
		rc = -1;
	if (rc == 0)
		rc = tar_out_end(b->out, e);
	unlink(copy);
	if (rc == 0)
		fprintf(stderr, "%" PRId64 " file%s and the database, %.1f MiB before they were packed\n", b->files,
		    b->files == 1 ? "" : "s", (double)tar_out_bytes(b->out) / 1048576);
	tar_out_free(b->out);
	return rc;
}

/* The archive is our standard output from here on, so that the bot can write it for us (place_find hands that over). */
static int
open_file(struct backup *b, struct err *e)
{
	if (strcmp(b->file, "-") == 0)
		return isatty(STDOUT_FILENO) ? fail(e, ERR_INPUT, "an archive is not for a terminal: name a file, or a pipe")
		                             : 0;
	AUTO(fd_close) int fd = open(b->file, O_WRONLY | O_CREAT | O_CLOEXEC | (b->force ? O_TRUNC : O_EXCL), 0600);
	if (fd < 0 && errno == EEXIST)
		return fail(e, ERR_DENIED, "%s is there already, and nothing is written over: another name, or --force",
		    b->file);
	if (fd < 0 || dup2(fd, STDOUT_FILENO) < 0)
		return fail_sys(e, "cannot write %s", b->file);
	return 0;
}

int
backup_main(int argc, char **argv)
{
	struct backup b = {0};
	struct err e = {0};

	if (read_words(&b, "backup", false, argc, argv) != 0)
		return 2;
	int rc = open_file(&b, &e);
	bool made = rc == 0 && strcmp(b.file, "-") != 0;
	char out[] = "-", no_logs[] = "--no-logs";
	char *words[] = {argv[0], out, b.no_logs ? no_logs : NULL, NULL};
	if (rc == 0)
		rc = place_find(&b.a, b.config, words, &b.place, &e);
	if (rc == 0)
		rc = write_archive(&b, &e);
	else if (rc > 0 && b.place.code == 0)
		rc = 0;
	if (rc == 0 && made && fsync(STDOUT_FILENO) != 0)
		rc = fail_sys(&e, "cannot write %s", b.file);
	if (rc < 0)
		fprintf(stderr, "ekaci: %s\n", e.msg);
	if (rc != 0 && made) /* half an archive is none */
		unlink(b.file);
	arena_release(&b.a);
	return rc == 0 ? 0 : 2;
}

/* --- restore ------------------------------------------------------------------------------------------------------- */

struct restore {
	struct arena a;
	const char *dir, *fresh; /* the state's folder, and where it is unpacked */
	const char *from;        /* the folder of the state that was saved */
	struct tar_in *in;
	bool has_db;
	int64_t files;
	int lock;
};

static int
read_about(struct restore *r, const char *name, struct err *e)
{
	AUTO(json_drop) json_t *about = NULL;
	struct str text;

	if (strcmp(name, about_name) != 0)
		return fail(e, ERR_INPUT, "this is no archive that ekaci backup wrote");
	if (tar_in_text(r->in, &r->a, MAX_ABOUT, &text, e) != 0 || json_read(str_trim(text), about_name, &about, e) != 0)
		return -1;
	if (json_int(about, "ekaci_backup", 0) != VERSION)
		return fail(e, ERR_INPUT, "it was written by a newer ekaci");
	r->from = arena_strdup(&r->a, json_str(about, "state_dir", ""));
	return 0;
}

static int
save(struct restore *r, const char *name, struct err *e)
{
	const char *path = arena_printf(&r->a, "%s/%s", r->fresh, name), *slash = strrchr(path, '/');
	bool known =
	    strcmp(name, db_name) == 0 || str_starts(str_of(name), STR("runs/")) || str_starts(str_of(name), STR("logs/"));

	if (!known)
		return fail(e, ERR_INPUT, "it holds a file that is nobody's: %.100s", name);
	r->has_db = r->has_db || strcmp(name, db_name) == 0;
	r->files++;
	if (files_mkdirs(str_dup(&r->a, (struct str){path, (size_t)(slash - path)}), 0750, e) != 0)
		return -1;
	return tar_in_save(r->in, path, e);
}

static int
unpack(struct restore *r, struct err *e)
{
	const char *name;
	int64_t size;
	int rc = tar_in_next(r->in, &name, &size, e);

	if (rc != 0)
		return rc < 0 ? -1 : fail(e, ERR_INPUT, "the archive is empty");
	rc = read_about(r, name, e);
	while (rc == 0 && (rc = tar_in_next(r->in, &name, &size, e)) == 0)
		rc = save(r, name, e);
	if (rc < 0)
		return -1;
	return r->has_db ? 0 : fail(e, ERR_INPUT, "the archive holds no database");
}

/* An empty machine: no state, and no bot that makes one meanwhile. */
static int
prepare(struct restore *r, struct err *e)
{
	const char *db = arena_printf(&r->a, "%s/%s", r->dir, db_name), *lock = arena_printf(&r->a, "%s/lock", r->dir);

	if (files_exist(db))
		return fail(e, ERR_DENIED, "%s is there already, and nothing is written over: move %s away first", db, r->dir);
	if (files_mkdirs(r->dir, 0750, e) != 0)
		return -1;
	r->lock = open(lock, O_RDWR | O_CREAT | O_CLOEXEC, 0640);
	if (r->lock < 0)
		return fail_sys(e, "cannot open %s", lock);
	if (flock(r->lock, LOCK_EX | LOCK_NB) != 0)
		return fail(e, ERR_BUSY, "an ekaci uses %s: systemctl stop ekaci", r->dir);
	return files_remove_tree(r->fresh, e) != 0 || files_mkdirs(r->fresh, 0750, e) != 0 ? -1 : 0;
}

/* Root unpacks for the user whose folder it is. A folder that root had to make is given to its user by systemd (StateDirectory=). */
static int
give_to(struct restore *r, const char *path, int depth, struct err *e)
{
	struct stat owner, st;

	if (geteuid() != 0)
		return 0;
	if (stat(r->dir, &owner) != 0 || lstat(path, &st) != 0 || lchown(path, owner.st_uid, owner.st_gid) != 0)
		return fail_sys(e, "cannot give %s to its user", path);
	if (!S_ISDIR(st.st_mode) || depth == MAX_DEPTH)
		return 0;
	DIR *d = opendir(path);
	struct dirent *entry;
	int rc = d != NULL ? 0 : fail_sys(e, "cannot read %s", path);
	while (rc == 0 && (entry = readdir(d)) != NULL)
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
			rc = give_to(r, arena_printf(&r->a, "%s/%s", path, entry->d_name), depth + 1, e);
	if (d != NULL)
		closedir(d);
	return rc;
}

/* The database comes last: what is without it is no state, and restoring can begin again. */
static int
put_in_place(struct restore *r, struct err *e)
{
	static const char *const names[] = {"runs", "logs", "ekaci.db"};

	if (give_to(r, r->fresh, 0, e) != 0 || give_to(r, arena_printf(&r->a, "%s/lock", r->dir), 0, e) != 0)
		return -1;
	for (size_t i = 0; i < COUNT(names); i++) {
		const char *from = arena_printf(&r->a, "%s/%s", r->fresh, names[i]),
		           *to = arena_printf(&r->a, "%s/%s", r->dir, names[i]);
		if (!files_exist(from))
			continue;
		if (files_remove_tree(to, e) != 0)
			return -1;
		if (rename(from, to) != 0)
			return fail_sys(e, "cannot rename %s", from);
	}
	return files_remove_tree(r->fresh, e);
}

static int
restore(struct restore *r, int fd, struct store_moved *ret, struct err *e)
{
	struct store *s = NULL;

	if (prepare(r, e) != 0 || tar_in_new(fd, &r->in, e) != 0 || unpack(r, e) != 0)
		return -1;
	/* With its log merged, so that one file is the database. */
	int rc = store_open(arena_printf(&r->a, "%s/%s", r->fresh, db_name), &s, e);
	if (rc == 0)
		rc = store_moved(s, r->from, r->dir, ret, e);
	store_close(s);
	return rc == 0 ? put_in_place(r, e) : -1;
}

int
restore_main(int argc, char **argv)
{
	struct restore r = {.lock = -1};
	struct store_moved moved = {0};
	struct backup words = {0};
	struct settings c;
	struct err e = {0};

	if (read_words(&words, "restore", true, argc, argv) != 0)
		return 2;
	int rc = config_look(&r.a, config_find(&r.a, words.config), &c, &e);
	AUTO(fd_close) int fd = strcmp(words.file, "-") == 0 ? dup(STDIN_FILENO) : open(words.file, O_RDONLY | O_CLOEXEC);
	if (rc == 0 && fd < 0)
		rc = fail_sys(&e, "cannot read %s", words.file);
	if (rc == 0) {
		AUTO(mem_free) char *whole = realpath(c.state.dir, NULL);
		r.dir = arena_strdup(&r.a, whole != NULL ? whole : c.state.dir);
		r.fresh = arena_printf(&r.a, "%s/restore.new", r.dir);
		rc = restore(&r, fd, &moved, &e);
		struct err ignored;
		if (rc != 0 && r.lock >= 0 && files_remove_tree(r.fresh, &ignored) != 0)
			fprintf(stderr, "ekaci: %s\n", ignored.msg);
	}
	if (rc != 0)
		fprintf(stderr, "ekaci: %s\n", e.msg);
	else
		printf("%" PRId64 " file%s in %s: %" PRId64 " run%s, of which %" PRId64
		       " %s under way and begin%s again when the bot starts.\n",
		    r.files, r.files == 1 ? " is" : "s are", r.dir, moved.runs, moved.runs == 1 ? "" : "s", moved.again,
		    moved.again == 1 ? "was" : "were", moved.again == 1 ? "s" : "");
	tar_in_free(r.in);
	fd_close(&r.lock);
	arena_release(&r.a);
	return rc == 0 ? 0 : 2;
}
