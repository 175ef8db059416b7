/* bubblewrap's command line. */
#include "evaluate/sandbox.h"

#include "nix/access.h"
#include "support/os/child.h"
#include "support/os/files.h"

#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MAX_HOPS = 8 }; /* from one symbolic link to the next */

typedef VEC(const char *) words;

static void
add(words *w, const char *a, const char *b, const char *c)
{
	vec_push(w, a);
	if (b != NULL)
		vec_push(w, b);
	if (c != NULL)
		vec_push(w, c);
}

int
sandbox_mode_of(const char *word, enum sandbox_mode *ret, struct err *e)
{
	static const char *const names[] = {"require", "auto", "off"};

	for (size_t i = 0; i < COUNT(names); i++)
		if (strcmp(word, names[i]) == 0) {
			*ret = (enum sandbox_mode)i;
			return 0;
		}
	return fail(e, ERR_INPUT, "sandbox: \"require\", \"auto\" or \"off\", not \"%.40s\"", word);
}

static const char *const system_dirs[] = {"/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/run/current-system",
    "/run/wrappers"};

/* The system's own folders: bound where they are folders, linked where the host has links (merged /usr). */
static void
add_system(struct arena *a, words *w)
{
	struct stat st;
	char target[512];

	for (size_t i = 0; i < COUNT(system_dirs); i++) {
		if (lstat(system_dirs[i], &st) != 0)
			continue;
		ssize_t n = S_ISLNK(st.st_mode) ? readlink(system_dirs[i], target, sizeof(target) - 1) : -1;
		if (n > 0)
			add(w, "--symlink", arena_strn(a, target, (size_t)n), system_dirs[i]);
		else if (S_ISDIR(st.st_mode))
			add(w, "--ro-bind", system_dirs[i], system_dirs[i]);
	}
}

static bool
shows(const char *path)
{
	for (size_t i = 0; i < COUNT(system_dirs); i++)
		if (str_starts(str_of(path), str_of(system_dirs[i])) && path[strlen(system_dirs[i])] == '/')
			return true;
	return str_starts(str_of(path), STR("/nix/store/"));
}

const char *
sandbox_lacks(struct arena *a, const char *path)
{
	char target[PATH_MAX];

	for (int hops = 0; hops < MAX_HOPS; hops++) {
		if (!shows(path))
			return path;
		ssize_t n = readlink(path, target, sizeof(target) - 1);
		if (n <= 0)
			return NULL;
		target[n] = '\0';
		path = target[0] == '/' ? arena_strdup(a, target)
		                        : arena_printf(a, "%.*s/%s", (int)(strrchr(path, '/') - path), path, target);
	}
	return NULL;
}

/* The names that are no folder of the machine in it, or are there already. */
static bool
is_made_here(const char *name)
{
	static const char *const made[] = {".", "..", "proc", "dev", "sys", "tmp", "nix", "usr", "bin", "sbin", "lib", "lib32",
	    "lib64", "libx32", "build"};

	for (size_t i = 0; i < COUNT(made); i++)
		if (strcmp(name, made[i]) == 0)
			return true;
	return false;
}

/* What lies in folder, each by itself: the folder is one of ours, in which something else is to be mounted, too. */
static void
add_all_of(struct arena *a, const char *folder, const char *but, words *w)
{
	DIR *d = opendir(folder);
	struct dirent *one;
	char target[512];
	struct stat st;

	while (d != NULL && (one = readdir(d)) != NULL) {
		bool top = folder[1] == '\0';
		if (top ? is_made_here(one->d_name) : one->d_name[0] == '.' || strcmp(one->d_name, but) == 0)
			continue;
		const char *path = arena_printf(a, "%s/%s", top ? "" : folder, one->d_name);
		ssize_t n = lstat(path, &st) == 0 && S_ISLNK(st.st_mode) ? readlink(path, target, sizeof(target) - 1) : -1;
		if (n > 0)
			add(w, "--symlink", arena_strn(a, target, (size_t)n), path);
		else
			add(w, "--ro-bind-try", path, path);
	}
	if (d != NULL)
		closedir(d);
}

static void
add_whole(struct arena *a, words *w)
{
	add_all_of(a, "/", "", w);
	add_all_of(a, "/build", "source", w); /* where evaluations see their tree */
	add(w, "--bind", "/tmp", "/tmp");
	add(w, nixstore_daemon_listens() ? "--ro-bind-try" : "--bind-try", "/nix", "/nix");
}

static void
add_fresh(words *w, bool network)
{
	add(w, "--unshare-user-try", "--unshare-ipc", "--unshare-pid");
	add(w, "--unshare-uts", "--unshare-cgroup-try", network ? NULL : "--unshare-net");
	add(w, "--hostname", "ekaci", "--die-with-parent");
	add(w, "--new-session", NULL, NULL);
	add(w, "--proc", "/proc", NULL);
	add(w, "--dev", "/dev", NULL);
	add(w, "--tmpfs", "/tmp", NULL);
	add(w, "--dir", SANDBOX_HOME, NULL);
}

static int known; /* 0: not tried, 1: yes, -1: no */

void
sandbox_trust(void)
{
	known = 1;
}

bool
sandbox_works(const char **why)
{
	static char reason[400];
	struct arena a = {0};

	if (known == 0) {
		words w = {0};
		AUTO(buf_release) struct buf out = {0};
		struct err e = {0};
		vec_push(&w, "bwrap");
		add_system(&a, &w);
		add_fresh(&w, false);
		add(&w, "--", "/bin/sh", "-c");
		add(&w, "exit 0", NULL, NULL);
		vec_push(&w, NULL);
		buf_init(&out, 4096);
		known = child_output(w.p, &out, &e) == 0 ? 1 : -1;
		snprintf(reason, sizeof(reason), "%.390s", e.msg);
		vec_release(&w);
		arena_release(&a);
	}
	if (why != NULL)
		*why = reason;
	return known > 0;
}

int
sandbox_decide(enum sandbox_mode mode, struct err *e)
{
	const char *why;

	if (mode == SANDBOX_OFF)
		return 0;
	if (sandbox_works(&why))
		return 1;
	if (mode == SANDBOX_AUTO)
		return 0;
	return fail(e, ERR_DENIED, "the sandbox is required and cannot be had: %s", why);
}

/* An /etc for somebody who is nobody: who we are, and how Nix is to behave. Nothing of the machine's own. */
static int
write_etc(struct arena *a, const struct sandbox *s, const char *etc, struct err *e)
{
	char *passwd = arena_printf(a, "user:x:%u:%u::" SANDBOX_HOME ":/bin/sh\n", geteuid(), getegid());
	char *group = arena_printf(a, "user:x:%u:\n", getegid());
	char *nix = arena_printf(a, "build-users-group =\nexperimental-features = nix-command flakes\nsandbox = false\n%s",
	    s->nix_conf != NULL ? s->nix_conf : "");

	if (files_mkdirs(arena_printf(a, "%s/nix", etc), 0755, e) != 0 ||
	    files_write(arena_printf(a, "%s/passwd", etc), str_of(passwd), 0644, FILES_NO_SYNC, e) != 0 ||
	    files_write(arena_printf(a, "%s/group", etc), str_of(group), 0644, FILES_NO_SYNC, e) != 0)
		return -1;
	return s->nix ? files_write(arena_printf(a, "%s/nix/nix.conf", etc), str_of(nix), 0600, FILES_NO_SYNC, e) : 0;
}

static void
add_etc(const struct sandbox *s, const char *etc, struct arena *a, words *w)
{
	static const char *const for_network[] = {"resolv.conf", "hosts", "nsswitch.conf", "ssl", "pki"};

	add(w, "--ro-bind", arena_printf(a, "%s/passwd", etc), "/etc/passwd");
	add(w, "--ro-bind", arena_printf(a, "%s/group", etc), "/etc/group");
	/* Where libraries are that no system folder holds by itself; it names nothing that the folders do not show. */
	add(w, "--ro-bind-try", "/etc/ld.so.cache", "/etc/ld.so.cache");
	if (s->nix)
		add(w, "--ro-bind", arena_printf(a, "%s/nix", etc), "/etc/nix");
	for (size_t i = 0; s->network && i < COUNT(for_network); i++) {
		const char *path = arena_printf(a, "/etc/%s", for_network[i]);
		add(w, "--ro-bind-try", path, path);
	}
}

static void
add_nix(words *w, bool whole)
{
	if (nixstore_daemon_listens()) {
		add(w, "--ro-bind", "/nix/store", "/nix/store");
		add(w, "--bind", "/nix/var/nix/daemon-socket", "/nix/var/nix/daemon-socket");
		add(w, "--setenv", "NIX_REMOTE", "daemon"); /* root too must not write the store by itself */
	} else {
		add(w, "--bind-try", "/nix/store", "/nix/store");
		add(w, "--bind-try", "/nix/var/nix", "/nix/var/nix");
		if (!whole)
			add(w, "--tmpfs", "/nix/var/log", NULL); /* of what is built in the middle of an evaluation */
	}
}

static void
add_environment(struct arena *a, const struct sandbox *s, words *w)
{
	add(w, "--clearenv", NULL, NULL);
	add(w, "--setenv", "PATH", "/usr/local/bin:/usr/bin:/bin:/run/current-system/sw/bin");
	add(w, "--setenv", "HOME", SANDBOX_HOME);
	add(w, "--setenv", "TMPDIR", "/tmp");
	add(w, "--setenv", "LANG", "C.UTF-8");
	for (size_t i = 0; s->env != NULL && s->env[i] != NULL; i++) {
		struct str value, name = str_cut(str_of(s->env[i]), '=', &value);
		add(w, "--setenv", str_dup(a, name), str_dup(a, value));
	}
}

int
sandbox_command(struct arena *a, const struct sandbox *s, const char *const *argv, const char *const **ret, struct err *e)
{
	const char *etc = arena_printf(a, "%s/etc", s->work_dir);
	words w = {0};

	if (!s->whole && write_etc(a, s, etc, e) != 0)
		return -1;
	vec_push(&w, "bwrap");
	add_system(a, &w);
	add_fresh(&w, s->network);
	if (s->whole) {
		add_whole(a, &w);
	} else {
		add_environment(a, s, &w); /* before add_nix, which adds to it */
		add_etc(s, etc, a, &w);
	}
	if (s->nix)
		add_nix(&w, s->whole);
	for (size_t i = 0; i < s->n_binds; i++)
		add(&w, s->binds[i].writable ? "--bind" : "--ro-bind", s->binds[i].from,
		    s->binds[i].to != NULL ? s->binds[i].to : s->binds[i].from);
	if (s->dir != NULL)
		add(&w, "--chdir", s->dir, NULL);
	/* The root itself was a writable tmpfs until here. */
	add(&w, "--remount-ro", "/", "--");
	for (size_t i = 0; argv[i] != NULL; i++)
		vec_push(&w, argv[i]);
	vec_push(&w, NULL);
	*ret = arena_dup(a, w.p, w.n * sizeof(*w.p));
	vec_release(&w);
	return 0;
}

const char *const *
sandbox_plain_env(struct arena *a, const char *const *extra)
{
	static const char *const kept[] = {"PATH=", "HOME=", "USER=", "LANG=", "NIX_REMOTE=", "NIX_CONF_DIR=", "NIX_STATE_DIR=",
	    "NIX_STORE_DIR=", "NIX_SSL_CERT_FILE=", "XDG_CACHE_HOME=", "ASAN_OPTIONS=", "UBSAN_OPTIONS="};
	words w = {0};

	for (char **one = environ; *one != NULL; one++)
		for (size_t i = 0; i < COUNT(kept); i++)
			if (str_starts(str_of(*one), str_of(kept[i])))
				vec_push(&w, *one);
	for (size_t i = 0; extra != NULL && extra[i] != NULL; i++)
		if (!str_starts(str_of(extra[i]), STR("PATH="))) /* ours is as good */
			vec_push(&w, extra[i]);
	vec_push(&w, NULL);
	const char *const *ret = arena_dup(a, w.p, w.n * sizeof(*w.p));
	vec_release(&w);
	return ret;
}
