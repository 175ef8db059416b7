/* The git program: its environment, and what its words mean. */
#include "changeset/gitcmd.h"

#include "support/base/clock.h"
#include "support/os/child.h"

#include <string.h>
#include <unistd.h>

enum { MAX_WORDS = 8192, MAX_ENV = 96 };

bool
gitcmd_is_local(const char *url)
{
	return url[0] == '/' || strncmp(url, "file://", 7) == 0;
}

int
gitcmd_url_check(const char *url, struct err *e)
{
	struct str s = str_of(url), rest;

	for (size_t i = 0; i < s.n; i++)
		if ((unsigned char)s.p[i] <= ' ' || s.p[i] == 0x7f)
			return fail(e, ERR_INPUT, "the repository's address holds spaces or control characters");
	if (gitcmd_is_local(url))
		return 0;
	if (!str_starts(s, STR("http://")) && !str_starts(s, STR("https://")))
		return fail(e, ERR_INPUT, "the repository's address must be http, https or a folder");
	struct str host = str_cut(str_from(s, (size_t)str_find(s, STR("//")) + 2), '/', &rest);
	if (host.n == 0 || memchr(host.p, '@', host.n) != NULL || memchr(host.p, '\\', host.n) != NULL)
		return fail(e, ERR_INPUT, "the repository's address must have a host and no user");
	return 0;
}

/* "https://host:port/" of an address. */
static const char *
origin_of(struct arena *a, const char *url)
{
	const char *host = strstr(url, "://") + 3;

	return arena_printf(a, "%.*s/", (int)(host - url + (ptrdiff_t)strcspn(host, "/")), url);
}

bool
gitcmd_same_origin(const char *a, const char *b)
{
	struct arena arena = {0};
	bool same = false;

	if (strncmp(a, "http", 4) == 0 && strncmp(b, "http", 4) == 0 && strstr(a, "://") != NULL && strstr(b, "://") != NULL)
		same = strcmp(origin_of(&arena, a), origin_of(&arena, b)) == 0;
	arena_release(&arena);
	return same;
}

struct env {
	struct arena *a;
	const char *p[MAX_ENV];
	size_t n;
	size_t configs;
};

static void
set(struct env *env, const char *entry)
{
	if (env->n + 1 < MAX_ENV)
		env->p[env->n++] = entry;
}

static void
set_config(struct env *env, const char *key, const char *value)
{
	set(env, arena_printf(env->a, "GIT_CONFIG_KEY_%zu=%s", env->configs, key));
	set(env, arena_printf(env->a, "GIT_CONFIG_VALUE_%zu=%s", env->configs, value));
	env->configs++;
}

/* What git and the libraries below it need of ours, and what they need to be somebody's own. */
static const char *const needed[] = {"PATH=", "TMPDIR=", "http_proxy=", "https_proxy=", "HTTPS_PROXY=", "all_proxy=",
    "ALL_PROXY=", "no_proxy=", "NO_PROXY=", "SSL_CERT_FILE=", "SSL_CERT_DIR=", "NIX_SSL_CERT_FILE=", "GIT_SSL_CAINFO=",
    "GIT_SSL_CAPATH=", "GIT_EXEC_PATH=", "LD_LIBRARY_PATH=", "LOCALE_ARCHIVE=", NULL};
static const char *const personal[] = {"HOME=", "USER=", "LOGNAME=", "XDG_CONFIG_HOME=", "XDG_RUNTIME_DIR=",
    "DBUS_SESSION_BUS_ADDRESS=", "SSH_AUTH_SOCK=", "GIT_SSH=", "GIT_SSH_COMMAND=", "GIT_CONFIG_GLOBAL=", "GIT_CONFIG_SYSTEM=",
    "GIT_CONFIG_NOSYSTEM=", NULL};

static void
set_inherited(struct env *env, const char *const *wanted)
{
	for (char **p = environ; *p != NULL; p++)
		for (size_t i = 0; wanted[i] != NULL; i++)
			if (strncmp(*p, wanted[i], strlen(wanted[i])) == 0)
				set(env, *p);
}

/* Nobody's home, nobody's configuration. */
static void
set_alone(struct env *env, const struct gitcmd *g)
{
	set(env, arena_printf(env->a, "HOME=%s", g->dir));
	set(env, arena_printf(env->a, "XDG_CONFIG_HOME=%s", g->dir));
	set(env, "GIT_CONFIG_NOSYSTEM=1");
	set(env, "GIT_CONFIG_GLOBAL=/dev/null");
	set_config(env, "credential.helper", "");
}

static void
set_protocols(struct env *env, const struct gitcmd *g)
{
	static const char *const theirs[] = {"protocol.https.allow", "protocol.http.allow", "protocol.ssh.allow"};

	set_config(env, "protocol.allow", "never");
	if (g->url == NULL)
		return;
	if (gitcmd_is_local(g->url)) {
		set_config(env, "protocol.file.allow", "always");
		return;
	}
	if (g->of_user)
		for (size_t i = 0; i < COUNT(theirs); i++)
			set_config(env, theirs[i], "always");
	else
		set_config(env, strncmp(g->url, "https:", 6) == 0 ? "protocol.https.allow" : "protocol.http.allow", "always");
	set_config(env, "http.lowSpeedLimit", arena_printf(env->a, "%d", GITCMD_LOW_SPEED_BYTES));
	set_config(env, "http.lowSpeedTime", arena_printf(env->a, "%d", GITCMD_LOW_SPEED_S));
	if (g->authorization != NULL)
		set_config(env, arena_printf(env->a, "http.%s.extraHeader", origin_of(env->a, g->url)),
		    arena_printf(env->a, "Authorization: %s", g->authorization));
}

static void
fill_env(struct env *env, const struct gitcmd *g)
{
	set_inherited(env, needed);
	if (g->of_user)
		set_inherited(env, personal);
	else
		set_alone(env, g);
	set(env, "LC_ALL=C");
	set(env, "GIT_TERMINAL_PROMPT=0");
	set(env, "GIT_OPTIONAL_LOCKS=0");
	set_config(env, "gc.auto", "0");
	set_config(env, "gc.autoDetach", "false");
	set_config(env, "maintenance.auto", "false");
	/* Every fetch a pack, which maintenance rolls up; never thousands of loose files. */
	set_config(env, "fetch.unpackLimit", "1");
	set_config(env, "core.hooksPath", "/dev/null");
	/* Commits of the repository beside (objects/info/alternates) are not told to the servers of its submodules. */
	set_config(env, "core.alternateRefsPrefixes", "refs/ekaci/none");
	/* Whoever owns the folder, nothing in it is run. */
	set_config(env, "safe.directory", "*");
	set_protocols(env, g);
	set(env, arena_printf(env->a, "GIT_CONFIG_COUNT=%zu", env->configs));
	env->p[env->n] = NULL;
}

/* In this order: the first row whose words appear decides. */
static const struct {
	const char *words;
	enum err_kind kind;
	enum gitcmd_trouble trouble;
} meanings[] = {
    {"No space left on device", ERR_SYSTEM, GITCMD_OTHER}, {"Disk quota exceeded", ERR_SYSTEM, GITCMD_OTHER},
    {"Authentication failed", ERR_DENIED, GITCMD_OTHER}, {"could not read Username", ERR_DENIED, GITCMD_OTHER},
    {"could not read Password", ERR_DENIED, GITCMD_OTHER}, {"returned error: 401", ERR_DENIED, GITCMD_OTHER},
    {"returned error: 403", ERR_DENIED, GITCMD_OTHER}, {"not allowed", ERR_DENIED, GITCMD_OTHER},
    {"couldn't find remote ref", ERR_ABSENT, GITCMD_NO_REF}, {"not our ref", ERR_ABSENT, GITCMD_NO_REF},
    {"unadvertised object", ERR_ABSENT, GITCMD_NO_REF}, {"returned error: 404", ERR_ABSENT, GITCMD_OTHER},
    {"Repository not found", ERR_ABSENT, GITCMD_OTHER}, {"' not found", ERR_ABSENT, GITCMD_OTHER},
    {"does not appear to be a git repository", ERR_ABSENT, GITCMD_OTHER},
    {"Could not read from remote", ERR_BUSY, GITCMD_OTHER}, {"too slow", ERR_BUSY, GITCMD_OTHER},
    {"RPC failed", ERR_BUSY, GITCMD_OTHER}, {"early EOF", ERR_BUSY, GITCMD_OTHER},
    {".lock': File exists", ERR_SYSTEM, GITCMD_LOCKED}, {"cannot lock ref", ERR_SYSTEM, GITCMD_LOCKED},
    {"not a git repository", ERR_SYSTEM, GITCMD_CORRUPT}, {"bad object", ERR_SYSTEM, GITCMD_CORRUPT},
    {"is corrupt", ERR_SYSTEM, GITCMD_CORRUPT}, {"bad config", ERR_SYSTEM, GITCMD_CORRUPT},
    {"loose object", ERR_SYSTEM, GITCMD_CORRUPT}, {"inflate: data stream error", ERR_SYSTEM, GITCMD_CORRUPT},
    {"does not match index", ERR_SYSTEM, GITCMD_CORRUPT}, {"index file", ERR_SYSTEM, GITCMD_CORRUPT},
    {"packfile", ERR_SYSTEM, GITCMD_CORRUPT}, {"did not send all necessary objects", ERR_SYSTEM, GITCMD_CORRUPT},
    {"unresolved deltas", ERR_SYSTEM, GITCMD_CORRUPT}, {"Could not read", ERR_SYSTEM, GITCMD_CORRUPT},
    {"unable to read", ERR_SYSTEM, GITCMD_CORRUPT}, {"missing blob", ERR_SYSTEM, GITCMD_CORRUPT},
    {"missing tree", ERR_SYSTEM, GITCMD_CORRUPT}, {"missing commit", ERR_SYSTEM, GITCMD_CORRUPT},
    {"unable to parse", ERR_SYSTEM, GITCMD_CORRUPT}, {"Could not resolve host", ERR_BUSY, GITCMD_OTHER},
    {"Failed to connect", ERR_BUSY, GITCMD_OTHER}, {"onnection re", ERR_BUSY, GITCMD_OTHER}, /* refused, reset */
    {"imed out", ERR_BUSY, GITCMD_OTHER}, {"hung up", ERR_BUSY, GITCMD_OTHER}, {"returned error: 429", ERR_BUSY, GITCMD_OTHER},
    {"returned error: 5", ERR_BUSY, GITCMD_OTHER},
    {"unable to access", ERR_BUSY, GITCMD_OTHER}, /* every other trouble of the transport: TLS, protocol */
};

enum err_kind
gitcmd_classify(struct str words, enum gitcmd_trouble *ret_trouble)
{
	for (size_t i = 0; i < COUNT(meanings); i++)
		if (str_find(words, str_of(meanings[i].words)) >= 0) {
			*ret_trouble = meanings[i].trouble;
			return meanings[i].kind;
		}
	*ret_trouble = GITCMD_OTHER;
	return ERR_SYSTEM;
}

struct git_output {
	struct buf words; /* the end of standard error */
	struct buf *out;  /* standard output, or NULL */
};

static int
keep(void *ctx, int fd, struct str bytes, struct err *e)
{
	struct git_output *h = ctx;

	(void)e;
	if (fd != 2) {
		if (h->out != NULL)
			buf_str(h->out, bytes);
		return 0;
	}
	if (bytes.n > MAX_WORDS / 2)
		bytes = str_from(bytes, bytes.n - MAX_WORDS / 2);
	if (h->words.n + bytes.n > MAX_WORDS)
		buf_drop(&h->words, h->words.n + bytes.n - MAX_WORDS);
	buf_str(&h->words, bytes);
	return 0;
}

/* The lines that say what went wrong, without "hint:" and progress, on one line. */
static const char *
last_words(struct arena *a, struct str words)
{
	AUTO(buf_release) struct buf b;
	struct str rest = words;

	buf_init(&b, 400);
	while (rest.p != NULL) {
		struct str line = str_trim(str_cut(rest, '\n', &rest));
		if (str_starts(line, STR("error: ")) || str_starts(line, STR("fatal: ")) || str_starts(line, STR("remote: ")))
			buf_printf(&b, "%s" STR_FMT, b.n > 0 ? "; " : "", STR_ARG(line));
	}
	struct str all = b.n > 0 ? buf_get(&b) : str_trim(words);
	return str_dup(a, str_utf8_head(all, 400));
}

/* How it ended, as an error. */
static int
judge(const struct gitcmd *g, const char *verb, const struct child_result *r, struct str words,
    enum gitcmd_trouble *ret_trouble, struct err *e)
{
	if (r->end == CHILD_EXITED && r->code == 0)
		return 0;
	if (r->end == CHILD_CANCELLED)
		return fail(e, ERR_BUSY, "cancelled");
	if (r->end == CHILD_TIMED_OUT)
		return fail(e, ERR_BUSY, "git %s was stopped after %lld s", verb, (long long)(r->wall_ms / 1000));
	if (r->end != CHILD_EXITED)
		return fail(e, ERR_SYSTEM, "git %s ended with signal %d", verb, r->code);
	enum err_kind kind = gitcmd_classify(words, ret_trouble);
	return err_set(e, kind, 0, ERR_AT, "git %s: %s", verb, last_words(g->a, words));
}

static int
run(const struct gitcmd *g, const char *const *args, struct buf *out, enum gitcmd_trouble *ret_trouble, struct err *e)
{
	struct git_output h = {.out = out};
	struct env env = {.a = g->a};
	const char *argv[24] = {"git", arena_printf(g->a, "--git-dir=%s", g->dir)};
	struct child_result r;
	size_t n = 2;

	*ret_trouble = GITCMD_OTHER;
	for (size_t i = 0; args[i] != NULL; i++) {
		if (n + 1 == COUNT(argv))
			return fail(e, ERR_BUG, "too many arguments for git");
		argv[n++] = args[i];
	}
	int64_t left = g->deadline_ms != 0 ? g->deadline_ms - clock_mono_ms() : 0;
	if (g->deadline_ms != 0 && left <= 0)
		return fail(e, ERR_BUSY, "no time was left for git %s", args[0]);
	fill_env(&env, g);
	buf_init(&h.words, MAX_WORDS + 1);
	struct child c = {.argv = argv, .env = env.p, .env_clear = true, .wall_ms = left, .on_bytes = keep, .ctx = &h};
	int rc = child_run(&c, &r, e);
	if (rc == 0)
		rc = judge(g, args[0], &r, buf_get(&h.words), ret_trouble, e);
	buf_release(&h.words);
	return rc;
}

int
gitcmd_run(const struct gitcmd *g, const char *const *args, enum gitcmd_trouble *ret_trouble, struct err *e)
{
	enum gitcmd_trouble trouble;

	return run(g, args, NULL, ret_trouble != NULL ? ret_trouble : &trouble, e);
}

int
gitcmd_read(const struct gitcmd *g, const char *const *args, size_t max_bytes, struct str *ret, struct err *e)
{
	AUTO(buf_release) struct buf out;
	enum gitcmd_trouble trouble;

	buf_init(&out, max_bytes);
	if (run(g, args, &out, &trouble, e) != 0)
		return -1;
	if (out.over)
		return fail(e, ERR_LIMIT, "git %s printed more than %zu bytes", args[0], max_bytes);
	*ret = (struct str){arena_strn(g->a, out.p, out.n), out.n};
	return 0;
}
