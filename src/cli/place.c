/* The settings, the database or the socket, and words for those who may use neither. */
#include "cli/place.h"

#include "support/os/files.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

/* The bot holds the lock and has its number in there; without the lock the number is nobody's. */
int64_t
place_holder(const char *state_dir)
{
	struct arena a = {0};
	const char *path = arena_printf(&a, "%s/lock", state_dir);
	AUTO(fd_close) int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct str text;
	struct err e;
	int64_t pid = 0;

	if (fd >= 0 && flock(fd, LOCK_SH | LOCK_NB) != 0 &&
	    (files_read(&a, path, 64, &text, &e) != 0 || str_to_i64(str_trim(text), &pid) != 0 || pid <= 1))
		pid = 0;
	arena_release(&a);
	return pid;
}

bool
place_wake(const struct bot_place *p)
{
	int64_t pid = place_holder(p->c.state.dir);

	return pid != 0 && kill((pid_t)pid, SIGUSR1) == 0;
}

/* "root, the user ekaci and the group ekaci": whose the folder is. */
static const char *
who_may(struct arena *a, const char *dir)
{
	struct stat st;

	if (stat(dir, &st) != 0)
		return "root";
	const struct passwd *pw = getpwuid(st.st_uid);
	const char *user = pw != NULL ? arena_strdup(a, pw->pw_name) : arena_printf(a, "%ld", (long)st.st_uid);
	const struct group *gr = getgrgid(st.st_gid);
	const char *group = gr != NULL ? arena_strdup(a, gr->gr_name) : arena_printf(a, "%ld", (long)st.st_gid);
	return st.st_uid == 0 ? arena_printf(a, "root and the group %s", group)
	                      : arena_printf(a, "root, the user %s and the group %s", user, group);
}

/* Says the words to the bot, with our standard output and error. 1 when it has run them. */
static int
ask_bot(struct arena *a, const char *path, char *const *words, int *ret_code, struct err *e)
{
	AUTO(fd_close) int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	AUTO(buf_release) struct buf text = {0};
	struct sockaddr_un at = {.sun_family = AF_UNIX};
	union {
		char bytes[CMSG_SPACE(2 * sizeof(int))];
		struct cmsghdr align;
	} more = {0};
	const int out[] = {1, 2};
	char answer[512];
	int64_t code;

	if (strlen(path) >= sizeof(at.sun_path))
		return fail(e, ERR_ABSENT, "%s is too long a name for a socket", path);
	memcpy(at.sun_path, path, strlen(path));
	if (fd < 0 || connect(fd, (const struct sockaddr *)&at, sizeof(at)) != 0)
		return fail_sys(e, "%s", path);
	buf_init(&text, 64 * 1024);
	for (size_t i = 0; words[i] != NULL; i++) {
		if (strcmp(words[i], "--config") == 0 && words[i + 1] != NULL) {
			i++;
			continue;
		}
		buf_puts(&text, words[i]);
		buf_putc(&text, '\0');
	}
	struct iovec iov = {text.p, text.n};
	struct msghdr m = {.msg_iov = &iov, .msg_iovlen = 1, .msg_control = more.bytes, .msg_controllen = sizeof(more.bytes)};
	struct cmsghdr *h = CMSG_FIRSTHDR(&m);
	h->cmsg_level = SOL_SOCKET;
	h->cmsg_type = SCM_RIGHTS;
	h->cmsg_len = CMSG_LEN(sizeof(out));
	memcpy(CMSG_DATA(h), out, sizeof(out));
	if (sendmsg(fd, &m, MSG_NOSIGNAL) < 0)
		return fail_sys(e, "%s", path);
	ssize_t n;
	while ((n = recv(fd, answer, sizeof(answer), 0)) < 0 && errno == EINTR)
		;
	if (n <= 0)
		return fail(e, ERR_BUSY, "the bot ended before it answered");
	struct str rest, word = str_cut((struct str){answer, (size_t)n}, ' ', &rest);
	if (str_to_i64(word, &code) != 0)
		return fail(e, ERR_BUG, "the bot's answer is not to be understood");
	if (rest.p != NULL)
		return fail(e, ERR_INPUT, "the bot says: %s", str_dup(a, rest));
	*ret_code = (int)code;
	return 1;
}

/* This user may not open the database. */
static int
by_the_bot(struct arena *a, char *const *words, struct bot_place *p, struct err *e)
{
	const char *dir = p->c.state.dir;
	struct err asked;
	int rc = ask_bot(a, arena_printf(a, "%s/control", dir), words, &p->code, &asked);

	if (rc > 0)
		return 1;
	if (asked.kind == ERR_DENIED)
		return fail(e, ERR_DENIED,
		    "this user may neither read the bot's database in %s nor ask the bot: %s may. As one of them: sudo ekaci %s",
		    dir, who_may(a, dir), words[0]);
	if (asked.sys == ENOENT || asked.sys == ECONNREFUSED || asked.sys == ENOTDIR)
		return fail(e, ERR_DENIED,
		    "the bot does not run, and this user may not read its database in %s: %s may, now, too. As one of them: sudo "
		    "ekaci %s",
		    dir, who_may(a, dir), words[0]);
	*e = asked;
	return -1;
}

int
place_find(struct arena *a, const char *given, char *const *words, struct bot_place *ret, struct err *e)
{
	struct bot_place p = {.file = config_find(a, given)};

	if (config_look(a, p.file, &p.c, e) != 0) {
		config_none(given, e);
		/* Settings that this user may not read: perhaps the bot answers, where it usually is. */
		if (e->kind != ERR_DENIED || given != NULL)
			return -1;
		config_defaults(a, &p.c);
	}
	p.db = arena_printf(a, "%s/ekaci.db", p.c.state.dir);
	if (faccessat(AT_FDCWD, p.db, R_OK | W_OK, AT_EACCESS) != 0) {
		if (errno == ENOENT)
			return fail(e, ERR_ABSENT, "%s is not there: the bot has not run yet (its settings are %s)", p.db,
			    p.file);
		int rc = by_the_bot(a, words, &p, e);
		*ret = p;
		return rc;
	}
	p.runs = place_holder(p.c.state.dir) != 0;
	*ret = p;
	return 0;
}
