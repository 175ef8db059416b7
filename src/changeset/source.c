/* A tree beside a folder on disk, and the lines of a file. */
#include "changeset/source.h"

#include "changeset/repository.h"

#include <dirent.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
	MAX_BYTES = 1024 * 1024 * 1024, /* of all files of a folder that is compared */
	MAX_DEPTH = 200,                /* folders within folders; the path has 4096 bytes at most */
	MAX_FILE = 16 * 1024 * 1024     /* of a file whose lines are counted */
};

struct source {
	git_repository *repo;
	git_tree *tree;
};

struct folder_check {
	struct source *s;
	char path[PATH_MAX]; /* on disk */
	size_t bytes;
	int depth;
};

/* How many names the folder has; SIZE_MAX when it is none. */
static size_t
names_in(const char *path)
{
	DIR *d = opendir(path);
	struct dirent *one;
	size_t n = 0;

	if (d == NULL)
		return SIZE_MAX;
	while ((one = readdir(d)) != NULL)
		n += strcmp(one->d_name, ".") != 0 && strcmp(one->d_name, "..") != 0;
	closedir(d);
	return n;
}

static bool
same_link(const char *path, const git_oid *id)
{
	char to[PATH_MAX];
	ssize_t n = readlink(path, to, sizeof(to));
	git_oid found;

	return n >= 0 && (size_t)n < sizeof(to) && git_odb_hash(&found, to, (size_t)n, GIT_OBJECT_BLOB) == 0 &&
	       git_oid_equal(&found, id);
}

static bool same_tree(struct folder_check *c, const git_oid *id);

static bool
same_entry(struct folder_check *c, const git_tree_entry *entry)
{
	const git_oid *id = git_tree_entry_id(entry);
	git_filemode_t mode = git_tree_entry_filemode(entry);
	struct stat st;
	git_oid found;

	if (lstat(c->path, &st) != 0)
		return false;
	if (S_ISDIR(st.st_mode))
		return mode == GIT_FILEMODE_TREE ? same_tree(c, id) : mode == GIT_FILEMODE_COMMIT;
	if (S_ISLNK(st.st_mode))
		return mode == GIT_FILEMODE_LINK && same_link(c->path, id);
	if (!S_ISREG(st.st_mode) || mode != ((st.st_mode & S_IXUSR) != 0 ? GIT_FILEMODE_BLOB_EXECUTABLE : GIT_FILEMODE_BLOB))
		return false;
	c->bytes += (size_t)st.st_size;
	return c->bytes <= MAX_BYTES && git_odb_hashfile(&found, c->path, GIT_OBJECT_BLOB) == 0 && git_oid_equal(&found, id);
}

static bool
same_tree(struct folder_check *c, const git_oid *id)
{
	AUTO(tree_free) git_tree *tree = NULL;
	size_t n = strlen(c->path), i = 0, count;

	if (c->depth == MAX_DEPTH || git_tree_lookup(&tree, c->s->repo, id) != 0)
		return false;
	count = git_tree_entrycount(tree);
	if (names_in(c->path) != count)
		return false;
	c->depth++;
	for (; i < count; i++) {
		const git_tree_entry *entry = git_tree_entry_byindex(tree, i);
		size_t name = strlen(git_tree_entry_name(entry));
		if (n + name + 2 > sizeof(c->path))
			break;
		c->path[n] = '/';
		memcpy(c->path + n + 1, git_tree_entry_name(entry), name + 1);
		if (!same_entry(c, entry))
			break;
	}
	c->path[n] = '\0';
	c->depth--;
	return i == count;
}

bool
source_is_copy(struct source *s, const char *folder, const char *dir)
{
	AUTO(entry_free) git_tree_entry *entry = NULL;
	struct folder_check c = {.s = s};
	size_t n = strlen(dir);

	if (n >= sizeof(c.path) || (folder[0] != '\0' && (git_tree_entry_bypath(&entry, s->tree, folder) != 0 ||
	                                                     git_tree_entry_filemode(entry) != GIT_FILEMODE_TREE)))
		return false;
	memcpy(c.path, dir, n + 1);
	return same_tree(&c, entry != NULL ? git_tree_entry_id(entry) : git_tree_id(s->tree));
}

int
source_open(const char *git_dir, const char *tree, struct source **ret, struct err *e)
{
	struct source *s = mem_alloc(sizeof(*s));

	*s = (struct source){0};
	if (repository_open(git_dir, &s->repo, e) != 0 || repository_tree(s->repo, tree, &s->tree, e) != 0) {
		source_close(s);
		return -1;
	}
	*ret = s;
	return 0;
}

void
source_close(struct source *s)
{
	if (s == NULL)
		return;
	git_tree_free(s->tree);
	git_repository_free(s->repo);
	mem_free(&s);
}

int64_t
source_lines(struct source *s, const char *path)
{
	struct arena a = {0};
	struct str text;
	struct err ignored;
	int64_t lines = 0;

	if (repository_file(&a, s->repo, s->tree, path, MAX_FILE, &text, &ignored) == 0) {
		for (size_t i = 0; i < text.n; i++)
			lines += text.p[i] == '\n';
		lines += text.n > 0 && text.p[text.n - 1] != '\n';
	}
	arena_release(&a);
	return lines;
}
