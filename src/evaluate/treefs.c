/* The FUSE server: a thread, over libfuse's low-level interface and libgit2. */
#define FUSE_USE_VERSION 34
#include "evaluate/treefs.h"

#include "changeset/repository.h"

#include <errno.h>
#include <fcntl.h>
#include <fuse_lowlevel.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

enum {
	FOREVER_S = 1000000000 /* the kernel need not ask again: a tree does not change */
};

/* A path that somebody asked for. Number i of the list is inode i + 1; the first is the top. */
struct inode {
	struct str path;
	git_oid id;
	git_filemode_t mode;
	git_tree *tree; /* of a folder, once it was looked into */
	size_t size;
	bool knows_size;
};

struct treefs {
	struct arena a;
	char *dir;
	git_repository *repo;
	git_odb *odb;
	VEC(struct inode) inodes;
	struct map by_path; /* value: place in inodes */
	struct reads reads;
	git_odb_object *last; /* the file that was read last */
	git_oid last_id;
	struct err wrong; /* the first thing that could not be given; kind 0: none */
	struct fuse_session *session;
	bool mounted, started;
	pthread_t thread;
};

/* --- the tree --- */

static mode_t
mode_of(git_filemode_t mode)
{
	switch ((int)mode) {
	case GIT_FILEMODE_BLOB_EXECUTABLE: return S_IFREG | 0755;
	case GIT_FILEMODE_LINK: return S_IFLNK | 0777;
	case GIT_FILEMODE_TREE:
	case GIT_FILEMODE_COMMIT: return S_IFDIR | 0755; /* of a submodule an empty one, as in a checkout without them */
	default: return S_IFREG | 0644;
	}
}

static void
note(struct treefs *t, const char *what, struct str path)
{
	if (t->wrong.kind != ERR_NONE)
		return;
	(void)fail_git(&t->wrong, -1, "%s of " STR_FMT, what, STR_ARG(path));
	(void)repository_is_partial(t->repo, &t->wrong);
}

/* The tree of a folder; NULL for a submodule's, which is empty, and, noted, when it cannot be read. */
static const git_tree *
tree_of(struct treefs *t, size_t i)
{
	struct inode *n = &t->inodes.p[i];

	if (n->tree == NULL && n->mode == GIT_FILEMODE_TREE && git_tree_lookup(&n->tree, t->repo, &n->id) != 0)
		note(t, "folder", n->path);
	return n->tree;
}

/* As in a checkout, where a folder is there only for what is in it. */
static const git_tree_entry *
unless_hollow(const struct treefs *t, const git_tree_entry *entry)
{
	return entry == NULL || repository_is_hollow(t->repo, entry) ? NULL : entry;
}

static size_t
add_inode(struct treefs *t, struct str path, const git_tree_entry *entry)
{
	bool added;
	struct map_entry *at = map_get(&t->by_path, path);

	if (at != NULL)
		return at->value;
	struct inode one = {.path = {arena_strn(&t->a, path.p, path.n), path.n},
	    .id = *git_tree_entry_id(entry),
	    .mode = git_tree_entry_filemode(entry)};
	at = map_add(&t->by_path, one.path, &added);
	at->value = t->inodes.n;
	vec_push(&t->inodes, one);
	return at->value;
}

static bool
size_of(struct treefs *t, struct inode *n)
{
	git_object_t type;

	if (!n->knows_size && (n->mode == GIT_FILEMODE_TREE || n->mode == GIT_FILEMODE_COMMIT))
		n->knows_size = true;
	if (!n->knows_size) {
		n->knows_size = git_odb_read_header(&n->size, &type, t->odb, &n->id) == 0;
		if (!n->knows_size)
			note(t, "size", n->path);
	}
	return n->knows_size;
}

static bool
stat_of(struct treefs *t, size_t i, struct stat *ret)
{
	struct inode *n = &t->inodes.p[i];

	if (!size_of(t, n))
		return false;
	*ret = (struct stat){.st_ino = i + 1,
	    .st_mode = mode_of(n->mode),
	    .st_nlink = 1,
	    .st_uid = geteuid(),
	    .st_gid = getegid(),
	    .st_size = (off_t)n->size,
	    .st_mtime = 1, /* as in the Nix store: no time that differs from one evaluation to the next */
	    .st_ctime = 1,
	    .st_atime = 1};
	return true;
}

static git_odb_object *
content_of(struct treefs *t, const struct inode *n)
{
	if (t->last != NULL && git_oid_equal(&t->last_id, &n->id))
		return t->last;
	git_odb_object_free(t->last);
	t->last = NULL;
	t->last_id = n->id;
	if (git_odb_read(&t->last, t->odb, &n->id) != 0)
		note(t, "content", n->path);
	return t->last;
}

static struct str
bytes_of(git_odb_object *content)
{
	return (struct str){git_odb_object_data(content), git_odb_object_size(content)};
}

/* --- what the kernel asks --- */

static struct treefs *
treefs_of(fuse_req_t req)
{
	return fuse_req_userdata(req);
}

static void
on_lookup(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	struct treefs *t = treefs_of(req);
	struct fuse_entry_param ret = {.attr_timeout = FOREVER_S, .entry_timeout = FOREVER_S};
	AUTO(buf_release) struct buf path;
	struct str above = t->inodes.p[parent - 1].path;
	const git_tree *tree = tree_of(t, parent - 1);
	const git_tree_entry *entry = tree != NULL ? unless_hollow(t, git_tree_entry_byname(tree, name)) : NULL;

	buf_init(&path, 1 << 20);
	buf_str(&path, above);
	buf_puts(&path, above.n != 0 ? "/" : "");
	buf_puts(&path, name);
	reads_add(&t->reads, buf_get(&path), READS_LOOKED);
	if (entry != NULL) {
		size_t i = add_inode(t, buf_get(&path), entry);
		ret.ino = i + 1;
		if (!stat_of(t, i, &ret.attr)) {
			fuse_reply_err(req, EIO);
			return;
		}
	}
	fuse_reply_entry(req, &ret); /* number 0: it is not there, and need not be asked for again */
}

static void
on_getattr(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	struct treefs *t = treefs_of(req);
	struct stat st;
	(void)fi;

	if (stat_of(t, ino - 1, &st))
		fuse_reply_attr(req, &st, FOREVER_S);
	else
		fuse_reply_err(req, EIO);
}

static void
on_readlink(fuse_req_t req, fuse_ino_t ino)
{
	struct treefs *t = treefs_of(req);
	const struct inode *n = &t->inodes.p[ino - 1];
	struct arena a = {0};
	git_odb_object *content = content_of(t, n);

	if (content != NULL) {
		struct str target = bytes_of(content);
		reads_add_link(&t->reads, n->path, target);
		fuse_reply_readlink(req, arena_strn(&a, target.p, target.n));
	} else {
		fuse_reply_err(req, EIO);
	}
	arena_release(&a);
}

static void
on_open(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	struct treefs *t = treefs_of(req);
	const struct inode *n = &t->inodes.p[ino - 1];
	git_odb_object *content = content_of(t, n);

	if (content == NULL) {
		fuse_reply_err(req, EIO);
		return;
	}
	/* Not only when it is read: of an empty file the reader knows from its size that there is nothing to read. */
	reads_add_file(&t->reads, n->path, bytes_of(content));
	fi->keep_cache = 1;
	fuse_reply_open(req, fi);
}

static void
on_read(fuse_req_t req, fuse_ino_t ino, size_t size, off_t off, struct fuse_file_info *fi)
{
	struct treefs *t = treefs_of(req);
	const struct inode *n = &t->inodes.p[ino - 1];
	git_odb_object *content = content_of(t, n);
	(void)fi;

	if (content == NULL) {
		fuse_reply_err(req, EIO);
		return;
	}
	struct str all = bytes_of(content);
	size_t from = off < 0 || (size_t)off > all.n ? all.n : (size_t)off;
	fuse_reply_buf(req, all.p + from, all.n - from < size ? all.n - from : size);
}

static void
on_opendir(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	struct treefs *t = treefs_of(req);

	reads_add(&t->reads, t->inodes.p[ino - 1].path, READS_LISTED);
	fi->keep_cache = 1;
	fi->cache_readdir = 1;
	fuse_reply_open(req, fi);
}

static void
on_readdir(fuse_req_t req, fuse_ino_t ino, size_t size, off_t off, struct fuse_file_info *fi)
{
	struct treefs *t = treefs_of(req);
	const git_tree *tree = tree_of(t, ino - 1);
	size_t entries = tree != NULL ? git_tree_entrycount(tree) : 0, used = 0;
	AUTO(mem_free) char *out = mem_alloc(size);
	(void)fi;

	if (tree == NULL && t->inodes.p[ino - 1].mode == GIT_FILEMODE_TREE) {
		fuse_reply_err(req, EIO);
		return;
	}
	for (size_t i = (size_t)off; i < entries + 2; i++) {
		const git_tree_entry *entry = i < 2 ? NULL : unless_hollow(t, git_tree_entry_byindex(tree, i - 2));
		const struct stat st = {.st_mode = entry != NULL ? mode_of(git_tree_entry_filemode(entry)) : S_IFDIR,
		    .st_ino = i + 1};
		const char *name = entry != NULL ? git_tree_entry_name(entry) : i == 0 ? "." : "..";
		if (i >= 2 && entry == NULL)
			continue;
		size_t more = fuse_add_direntry(req, out + used, size - used, name, &st, (off_t)i + 1);
		if (more > size - used)
			break;
		used += more;
	}
	fuse_reply_buf(req, out, used);
}

static const struct fuse_lowlevel_ops operations = {
    .lookup = on_lookup,
    .getattr = on_getattr,
    .readlink = on_readlink,
    .open = on_open,
    .read = on_read,
    .opendir = on_opendir,
    .readdir = on_readdir,
};

/* --- begin and end --- */

static void *
serve(void *arg)
{
	struct treefs *t = arg;

	(void)fuse_session_loop(t->session);
	return NULL;
}

/* One write, as files of /proc want it. */
static int
put(const char *file, const char *line, struct err *e)
{
	AUTO(fd_close) int fd = open(file, O_WRONLY | O_CLOEXEC);
	size_t n = strlen(line);

	return fd >= 0 && write(fd, line, n) == (ssize_t)n ? 0 : fail_sys(e, "%s", file);
}

static int
write_map(const char *file, unsigned id, struct err *e)
{
	char line[64];

	snprintf(line, sizeof(line), "%u %u 1", id, id);
	return put(file, line, e);
}

/* A mount namespace of our own, once in a process. */
static int
go_apart(struct err *e)
{
	static bool done;
	uid_t uid = geteuid();
	gid_t gid = getegid();

	if (done)
		return 0;
	if (access("/dev/fuse", R_OK | W_OK) != 0)
		return fail_sys(e, "/dev/fuse");
	if (unshare(CLONE_NEWNS | (uid != 0 ? CLONE_NEWUSER : 0)) != 0)
		return fail_sys(e, "a mount namespace");
	if (uid != 0 && (put("/proc/self/setgroups", "deny", e) != 0 || write_map("/proc/self/uid_map", uid, e) != 0 ||
	                    write_map("/proc/self/gid_map", gid, e) != 0))
		return -1;
	if (mount(NULL, "/", NULL, MS_REC | MS_SLAVE, NULL) != 0)
		return fail_sys(e, "the mounts of a namespace");
	done = true;
	return 0;
}

static int
read_top(struct treefs *t, const char *git_dir, const char *tree, struct err *e)
{
	struct inode top = {.path = STR(""), .mode = GIT_FILEMODE_TREE};

	if (repository_open(git_dir, &t->repo, e) != 0 || repository_tree(t->repo, tree, &top.tree, e) != 0)
		return -1;
	if (git_repository_odb(&t->odb, t->repo) != 0)
		return fail_git(e, -1, "objects");
	top.id = *git_tree_id(top.tree);
	vec_push(&t->inodes, top);
	map_add(&t->by_path, top.path, NULL)->value = 0;
	reads_add(&t->reads, STR(".gitmodules"), READS_LOOKED); /* by whoever judges what the evaluator said (gitlinks.h) */
	return 0;
}

/* libfuse says what is wrong on standard error; that it is wrong is enough for us. */
static void
say_nothing(enum fuse_log_level level, const char *words, va_list list)
{
	(void)level;
	(void)words;
	(void)list;
}

static int
start(struct treefs *t, struct err *e)
{
	char *argv[] = {"ekaci", "-o", "ro,default_permissions,nosuid,nodev,fsname=ekaci", NULL};
	struct fuse_args args = FUSE_ARGS_INIT(3, argv);
	sigset_t all, before;

	fuse_set_log_func(say_nothing);
	t->session = fuse_session_new(&args, &operations, sizeof(operations), t);
	fuse_opt_free_args(&args);
	if (t->session == NULL || fuse_session_mount(t->session, t->dir) != 0)
		return fail(e, ERR_DENIED, "a file system of our own cannot be mounted on %s", t->dir);
	t->mounted = true;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	t->started = pthread_create(&t->thread, NULL, serve, t) == 0;
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return t->started ? 0 : fail(e, ERR_SYSTEM, "a thread cannot be started");
}

static void
release(struct treefs *t)
{
	if (t->session != NULL) {
		fuse_session_exit(t->session);
		if (t->mounted)
			fuse_session_unmount(t->session); /* which ends the thread's waiting */
		if (t->started)
			pthread_join(t->thread, NULL);
		fuse_session_destroy(t->session);
	}
	git_odb_object_free(t->last);
	for (size_t i = 0; i < t->inodes.n; i++)
		git_tree_free(t->inodes.p[i].tree);
	git_odb_free(t->odb);
	git_repository_free(t->repo);
	vec_release(&t->inodes);
	map_release(&t->by_path);
	arena_release(&t->a);
}

int
treefs_mount(const char *git_dir, const char *tree, const char *dir, struct treefs **ret, struct err *e)
{
	struct treefs *t = mem_alloc(sizeof(*t));

	*t = (struct treefs){.dir = NULL};
	t->dir = arena_strdup(&t->a, dir);
	if (go_apart(e) == 0 && read_top(t, git_dir, tree, e) == 0 && start(t, e) == 0) {
		*ret = t;
		return 0;
	}
	release(t);
	reads_release(&t->reads);
	mem_free(&t);
	return -1;
}

int
treefs_end(struct treefs **at, struct reads *ret, struct err *e)
{
	struct treefs *t = *at;

	*ret = (struct reads){0};
	if (t == NULL)
		return 0;
	release(t);
	*ret = t->reads;
	*e = t->wrong;
	int rc = t->wrong.kind == ERR_NONE ? 0 : -1;
	mem_free(at);
	return rc;
}
