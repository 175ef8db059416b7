/* One function a thing that may be wrong. */
#include "cli/check.h"

#include "changeset/changeset.h"
#include "cli/place.h"
#include "evaluate/evaluate.h"
#include "evaluate/sandbox.h"
#include "forge/forges.h"
#include "forge/github/online.h"
#include "nix/access.h"
#include "nix/settings.h"
#include "nix/trusted.h"
#include "queue/capacity.h"
#include "support/os/cgroup.h"
#include "support/os/child.h"
#include "support/os/files.h"
#include "support/text/escape.h"
#include "support/text/json.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <netdb.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MAX_SECRET = 64 * 1024, MAX_LINE = 64 };

enum check_finding { FOUND_FACT, FOUND_WARNING, FOUND_STOP, FOUND_WRONG, FINDINGS };

struct checking {
	struct arena a;
	struct settings s;
	size_t stops;
	bool json;
	json_t *found[FINDINGS]; /* lists of texts, of JSON */
};

/* For people at once, lines of both streams in the order in which they were found; for programs all of it at the end. */
static void
found(struct checking *k, enum check_finding what, const char *text)
{
	static const char *const before[FINDINGS] = {"", "warning: ", "stops ekaci: ", "wrong: "};
	FILE *to = what == FOUND_FACT ? stdout : stderr;

	k->stops += what == FOUND_STOP || what == FOUND_WRONG;
	if (k->json)
		json_array_append_new(k->found[what == FOUND_WRONG ? FOUND_STOP : what], json_any_string(str_of(text)));
	else
		fprintf(to, "%s%s\n", before[what], text);
}

#define FINDS(name, what)                                                                                \
	__attribute__((format(printf, 2, 3))) static void name(struct checking *k, const char *fmt, ...) \
	{                                                                                                \
		char text[4096];                                                                         \
		va_list ap;                                                                              \
                                                                                                         \
		va_start(ap, fmt);                                                                       \
		vsnprintf(text, sizeof(text), fmt, ap);                                                  \
		va_end(ap);                                                                              \
		found(k, what, text);                                                                    \
	}
FINDS(tells, FOUND_FACT)
FINDS(warns, FOUND_WARNING)
FINDS(stops, FOUND_STOP) /* what would stop the bot */

/* --- secrets ------------------------------------------------------------------------------------------------------- */

static void
check_secret(struct checking *k, const char *section, const char *key, const char *path, bool is_key)
{
	struct str text;
	struct stat st;
	struct err e;

	if (path == NULL)
		return;
	if (path[0] == '$') {
		tells(k, "credential: systemd hands %s to the service (LoadCredential=), and was not asked for it here", path);
		return;
	}
	if (files_read(&k->a, path, MAX_SECRET, &text, &e) != 0) {
		stops(k,
		    "[%s] %s: %s. It must be there, and readable for the user that ekaci runs as: chown ekaci %s; chmod 0400 %s, or a "
		    "credential of systemd, \"$NAME\"",
		    section, key, e.msg, path, path);
		return;
	}
	text = str_trim(text);
	if (text.n == 0)
		stops(k, "[%s] %s: %s is empty", section, key, path);
	else if (is_key && str_find(text, STR("PRIVATE KEY-----")) < 0)
		stops(k, "[%s] %s: %s holds no private key (PEM): download one on the App's page, \"Generate a private key\"",
		    section, key, path);
	if (stat(path, &st) == 0 && (st.st_mode & 0077) != 0 && (st.st_mode & 0007) != 0)
		warns(k, "[%s] %s: everybody on this machine may read %s: chmod 0400 %s", section, key, path, path);
}

static void
check_secrets(struct checking *k)
{
	for (size_t i = 0; i < k->s.githubs.n; i++) {
		const struct settings one = config_of_host(&k->s, i);
		const struct forge_secrets of = forge_of(&one)->secrets(&one);
		check_secret(k, of.section, "private_key_file", of.key_file, true);
		check_secret(k, of.section, "webhook_secret_file", of.webhook_file, false);
		check_secret(k, of.section, "previous_webhook_secret_file", of.previous_webhook_file, false);
	}
}

/* --- addresses ----------------------------------------------------------------------------------------------------- */

static bool
is_here(struct str host)
{
	return str_is(host, "localhost") || str_starts(host, STR("localhost:")) || str_starts(host, STR("127.")) ||
	       str_starts(host, STR("[::1]"));
}

static void
check_url(struct checking *k)
{
	const char *url = k->s.web.url;
	struct str rest;

	if (url == NULL) {
		warns(k, "[web] url is not given: links in reports lead to this machine's own address, http://%s",
		    k->s.web.listen);
		return;
	}
	struct str from = str_from(str_of(url), strlen("http://"));
	if (str_starts(str_of(url), STR("http://")) && !is_here(str_cut(from, '/', &rest)))
		warns(k,
		    "[web] url = \"%s\" is not https: webhooks and pages of private repositories can be read on their way; "
		    "deploy/nginx.conf shows a proxy with TLS",
		    url);
}

/* Whether somebody else listens where we would. */
static void
check_port(struct checking *k)
{
	const char *listen_on = k->s.web.listen, *colon = strrchr(listen_on, ':');
	struct addrinfo hints = {.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE, .ai_socktype = SOCK_STREAM};
	struct addrinfo *ai = NULL;
	bool brackets = listen_on[0] == '[' && colon[-1] == ']';
	struct str host = {listen_on + brackets, (size_t)(colon - listen_on) - (brackets ? 2 : 0)};
	int one = 1;

	if (getaddrinfo(str_dup(&k->a, host), colon + 1, &hints, &ai) != 0) {
		stops(k, "[web] listen = \"%s\": the address must be given in numbers, such as 127.0.0.1:3030", listen_on);
		return;
	}
	AUTO(fd_close) int fd = socket(ai->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd >= 0)
		setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	bool good = fd >= 0 && bind(fd, ai->ai_addr, ai->ai_addrlen) == 0 && listen(fd, 1) == 0;
	int why = errno;
	freeaddrinfo(ai);
	if (good)
		return;
	if (why == EADDRINUSE && place_holder(k->s.state.dir) != 0)
		tells(k, "port: %s is in use, and the bot runs", listen_on);
	else if (why == EADDRINUSE)
		stops(k,
		    "[web] listen = \"%s\": the port is taken by another program (ss -ltnp names it). It is all right when that is "
		    "systemd with ekaci.socket",
		    listen_on);
	else
		stops(k, "[web] listen = \"%s\": %s", listen_on,
		    why == EADDRNOTAVAIL ? "no interface of this machine has that address" : strerror(why));
}

/* --- state --------------------------------------------------------------------------------------------------------- */

static void
check_state(struct checking *k)
{
	const char *dir = k->s.state.dir, *there = arena_strdup(&k->a, dir);
	int64_t holder = place_holder(dir);
	int64_t left;

	if (holder != 0)
		tells(k, "state: a bot runs on %s (process %" PRId64 ")", dir, holder);
	while (access(there, F_OK) != 0 && errno == ENOENT) {
		const char *slash = strrchr(there, '/');
		if (slash == NULL || slash == there)
			there = "/";
		else
			there = str_dup(&k->a, (struct str){there, (size_t)(slash - there)});
	}
	if (faccessat(AT_FDCWD, there, W_OK | X_OK, AT_EACCESS) != 0)
		stops(k,
		    "[state] dir = \"%s\": this user may not write in %s. install -d -o ekaci -g ekaci -m 0750 %s, or StateDirectory= "
		    "of systemd; check as the user that ekaci runs as: sudo -u ekaci ekaci check-config",
		    dir, there, dir);
	else if ((left = files_free_mb(there)) < k->s.state.min_free_mb)
		stops(k,
		    "[state] dir = \"%s\": %" PRId64 " MiB are free, less than min_free_mb = %" PRId64 ": no work is begun",
		    dir, left, k->s.state.min_free_mb);
	const char *db = arena_printf(&k->a, "%s/ekaci.db", dir);
	if (strlen(dir) + strlen("/control") >= 108)
		warns(k,
		    "[state] dir: its name is too long for a socket in it, so that only root and the bot's user can use ekaci status "
		    "and its like");
	if (access(db, F_OK) == 0 && faccessat(AT_FDCWD, db, R_OK | W_OK, AT_EACCESS) != 0)
		stops(k, "%s belongs to another user: chown -R it to the one that ekaci runs as", db);
	struct stat is;
	if (stat(db, &is) == 0 && is.st_size == 0)
		stops(k,
		    "%s is empty, and was not before: `ekaci restore` puts a backup in its place; to begin with nothing, remove it",
		    db);
}

/* --- Nix ----------------------------------------------------------------------------------------------------------- */

static void
check_programs(struct checking *k)
{
	static const struct {
		const char *name, *what;
	} programs[] = {{"git", "install git"},
	    {"nix-store",
	        "install Nix, or put its folder on PATH (/nix/var/nix/profiles/default/bin, /run/current-system/sw/bin)"},
	    {"nix-instantiate", "install Nix, or put its folder on PATH"}};

	for (size_t i = 0; i < COUNT(programs); i++)
		if (child_find(&k->a, programs[i].name) == NULL)
			stops(k, "there is no %s on PATH: %s", programs[i].name, programs[i].what);
}

static void
check_store(struct checking *k)
{
	struct nix_settings of = {0};
	struct err e;
	const char *way = nixstore_access(&e), *sandbox;

	if (way != NULL)
		tells(k, "store: %s", way);
	else
		stops(k, "the Nix store is out of reach: %s", e.msg);
	if (child_find(&k->a, "nix-store") == NULL)
		return;
	if (nixsettings_read(&k->a, NULL, &of, &e) != 0) {
		warns(k, "Nix does not tell its settings: %s", e.msg);
		return;
	}
	sandbox = nixsettings_text(&of, "sandbox", NULL);
	bool open = sandbox != NULL ? strcmp(sandbox, "false") == 0 : nixsettings_number(&of, "sandbox", 1) == 0;
	if (open && k->s.build.enabled)
		warns(k,
		    "sandbox = false in Nix' settings: what builds on this machine sees its files and network, builds of pull requests "
		    "included. Say sandbox = true in /etc/nix/nix.conf and restart nix-daemon, or [build] enabled = false");
}

/* The key by which a builder is reached, and its program. Nix' daemon, where there is one, goes there as root. */
static void
check_way_to(struct checking *k, const struct machine *m)
{
	bool daemons = nixstore_is_the_daemons(), looked = geteuid() == 0 || !daemons;
	struct stat st;

	if (str_starts(str_of(m->uri), STR("ssh")) && !daemons && child_find(&k->a, "ssh") == NULL)
		warns(k, "%s cannot be reached: there is no ssh on PATH: install openssh-client", m->uri);
	if (m->key == NULL)
		return;
	const char *owner = daemons ? "root" : nixtrust_user(&k->a, &(struct texts){0});
	if (stat(m->key, &st) != 0 && errno == ENOENT)
		warns(k,
		    "the key of %s, %s, is not there: ssh-keygen -t ed25519 -N '' -f %s as %s, and %s.pub goes into authorized_keys of "
		    "that machine",
		    m->uri, m->key, m->key, owner, m->key);
	else if (looked && access(m->key, R_OK) != 0)
		warns(k, "the key of %s, %s, cannot be read: %s. It must be %s's alone: chown %s %s; chmod 0600 %s", m->uri,
		    m->key, strerror(errno), owner, owner, m->key, m->key);
	else if (stat(m->key, &st) == 0 && (st.st_mode & 0077) != 0)
		warns(k, "the key of %s, %s, is open to others, and ssh does not use such a key: chmod 0600 %s", m->uri, m->key,
		    m->key);
	else if (!looked)
		tells(k, "key: Nix' daemon reads %s as root, which this user cannot look at: sudo ekaci check-config does",
		    m->key);
}

/* The daemon takes from trusted users only where a build goes. */
static void
check_trust(struct checking *k)
{
	struct nix_settings of = {0};
	struct texts groups;
	struct err e;

	if (!nixstore_is_the_daemons() || nixsettings_read(&k->a, NULL, &of, &e) != 0)
		return;
	const char *user = nixtrust_user(&k->a, &groups);
	struct texts trusted = nixsettings_list(&of, "trusted-users");
	if (nixtrust_has(&trusted, user, &groups))
		tells(k, "trust: %s is a trusted user of Nix, so the daemon sends builds where ekaci says", user);
	else
		warns(k,
		    "[build] builders: Nix' daemon takes from trusted users only where a build goes, and %s is none, so nothing would be "
		    "built on a builder. Say extra-trusted-users = %s in /etc/nix/nix.conf and restart nix-daemon; for Nix that is as "
		    "good as root, so nothing else may run as that user",
		    user, user);
}

static void
check_builders(struct checking *k)
{
	const struct machine *machines;
	const char *said = k->s.build.builders;
	bool others = false;
	struct err e;
	size_t n;

	if (said[0] == '@' && access(said + 1, R_OK) != 0)
		warns(k, "[build] builders = \"%s\": %s, so there are no builders. %s", said, strerror(errno),
		    errno == EACCES
		        ? arena_printf(&k->a, "The user that ekaci runs as must read it: chmod a+r %s", said + 1)
		        : "A line each, as deploy/machines has two: URI SYSTEMS KEY MAX-JOBS SPEED FEATURES MANDATORY HOST-KEY");
	if (child_find(&k->a, "nix-store") == NULL)
		return;
	if (capacity_machines(&k->a, &k->s, &machines, &n, &e) != 0) {
		stops(k, "[build] builders: %s", e.msg);
		return;
	}
	for (size_t i = 0; i < n; i++) {
		const struct machine *m = &machines[i];
		AUTO(buf_release) struct buf systems;
		buf_init(&systems, 4096);
		for (size_t j = 0; m->systems[j] != NULL; j++)
			buf_printf(&systems, "%s%s", j > 0 ? ", " : "", m->systems[j]);
		tells(k, "builder: %s for %s, %" PRId64 " at once", m->uri != NULL ? m->uri : "this machine", systems.p,
		    m->max_jobs);
		if (m->uri != NULL)
			check_way_to(k, m);
		others = others || m->uri != NULL;
	}
	if (others)
		check_trust(k);
}

/* --- sandbox, limits, evaluator ----------------------------------------------------------------------------------- */

/* What keeps user namespaces from us, where the kernel says so. */
static const char *
mend_namespaces(struct checking *k)
{
	static const struct {
		const char *file, *bad, *what;
	} switches[] = {
	    {"/proc/sys/user/max_user_namespaces", "0", "sysctl -w user.max_user_namespaces=10000"},
	    {"/proc/sys/kernel/unprivileged_userns_clone", "0", "sysctl -w kernel.unprivileged_userns_clone=1"},
	    {"/proc/sys/kernel/apparmor_restrict_unprivileged_userns", "1",
	        "sysctl -w kernel.apparmor_restrict_unprivileged_userns=0, or an AppArmor profile for bwrap"},
	};
	struct str text;
	struct err e;

	if (child_find(&k->a, "bwrap") == NULL)
		return "install bubblewrap";
	for (size_t i = 0; i < COUNT(switches); i++)
		if (files_read(&k->a, switches[i].file, MAX_LINE, &text, &e) == 0 && str_is(str_trim(text), switches[i].bad))
			return switches[i].what;
	return "in a container it must be allowed by the container's owner";
}

static void
check_sandbox(struct checking *k)
{
	enum sandbox_mode mode;
	const char *why;
	struct err e;

	if (sandbox_mode_of(k->s.evaluate.sandbox, &mode, &e) != 0) {
		stops(k, "%s", e.msg);
	} else if (mode == SANDBOX_OFF) {
		tells(k, "evaluations: without a sandbox, as [evaluate] sandbox says, also those of forks");
	} else if (sandbox_works(&why)) {
		tells(k, "evaluations: in a sandbox (bubblewrap)");
	} else {
		tells(k, "evaluations: no sandbox can be had, so %s: %s",
		    mode == SANDBOX_AUTO ? "those of forks are refused until somebody approves" : "all are refused", why);
		const char *mend = mend_namespaces(k);
		if (mode == SANDBOX_AUTO)
			warns(k, "user namespaces are needed for the sandbox of evaluations: %s", mend);
		else
			stops(k, "user namespaces are needed for the sandbox that [evaluate] sandbox requires: %s", mend);
	}
}

static void
tell_limits(struct checking *k)
{
	const char *group;
	struct err e;

	if (cgroup_find(&k->a, CGROUP_ROOT, CGROUP_SELF, &group, &e) == 0)
		tells(k, "limits: the kernel holds an evaluation's memory and processes in a control group below %s", group);
	else
		tells(k,
		    "limits: ekaci looks at an evaluation's memory and processes twice a second, and memory's end takes it first; "
		    "no control group, as started here: %s",
		    e.msg);
}

/* Which evaluator there will be, and whether it evaluates. */
static void
check_evaluator(struct checking *k)
{
	enum sandbox_mode mode;
	const char *name;
	struct err e;

	if (sandbox_mode_of(k->s.evaluate.sandbox, &mode, &e) == 0 &&
	    evaluate_try(&k->a, k->s.evaluate.evaluator, mode, &name, &e) == 0)
		tells(k, "evaluator: %s", name);
	else
		stops(k, "[evaluate] evaluator = \"%s\": nothing can be evaluated: %s", k->s.evaluate.evaluator, e.msg);
}

/* What the settings come to on this machine, for this user. */
static void
check_machine(struct checking *k)
{
	check_sandbox(k);
	tell_limits(k);
	check_secrets(k);
	check_url(k);
	check_state(k);
	check_port(k);
	check_programs(k);
	check_store(k);
	check_builders(k);
	check_evaluator(k);
	if (geteuid() == 0 && k->stops == 0)
		tells(k, "user: looked at as root; for the service's own user: sudo -u ekaci ekaci check-config");
}

/* Asks one host, too. */
static void
check_host(struct checking *k, const struct settings *c, const char *folder)
{
	const char *name = c->github.name, *who = *name != '\0' ? arena_printf(&k->a, "GitHub at \"%s\"", name) : "GitHub";
	struct online is;
	struct err e;

	if (online_check(&k->a, c, folder, &is, &e) != 0) {
		stops(k, "%s: %s", who, e.msg);
		return;
	}
	const char *where = *name != '\0' ? arena_printf(&k->a, "%s: ", name) : "";
	if (is.app != NULL)
		tells(k, "%s: the App is %s", who, escape_dup(&k->a, ESCAPE_TERMINAL, str_of(is.app)));
	for (size_t i = 0; i < is.notes.n; i++)
		found(k, FOUND_WARNING,
		    arena_printf(&k->a, "%s%s", where, escape_dup(&k->a, ESCAPE_TERMINAL, str_of(is.notes.p[i]))));
	for (size_t i = 0; i < is.wrong.n; i++)
		found(k, FOUND_WRONG,
		    arena_printf(&k->a, "%s%s", where, escape_dup(&k->a, ESCAPE_TERMINAL, str_of(is.wrong.p[i]))));
	if (is.wrong.n == 0)
		tells(k, "%s: key, permissions, events, webhook and installations are as they should be", who);
}

static void
check_online(struct checking *k, const char *file)
{
	const char *slash = strrchr(file, '/'), *folder = slash != NULL ? arena_strn(&k->a, file, (size_t)(slash - file)) : ".";

	/* Without a store any numbers do. */
	for (size_t i = 0; i < k->s.githubs.n; i++)
		k->s.githubs.p[i].number = (int64_t)i;
	for (size_t i = 0; i < k->s.githubs.n; i++) {
		const struct settings one = config_of_host(&k->s, i);
		check_host(k, &one, folder);
	}
}

/* Which of the two files it is, its name says. */
static int
check_file(struct checking *k, const char *given, bool online, struct mistakes *m)
{
	const char *file = config_find(&k->a, given);
	bool of_repository = str_ends(str_of(file), STR(".json"));
	struct texts warnings = {0};
	struct err e = {0};
	int rc =
	    of_repository ? changeset_check_config(&k->a, file, m, &warnings, &e) : config_check(&k->a, file, &k->s, m, &e);

	if (rc != 0) {
		config_none(given, &e);
		fprintf(stderr, "ekaci: %s\n", e.msg);
		return 2;
	}
	for (size_t i = 0; i < m->n && !k->json; i++)
		fprintf(stderr, "%s\n", mistakes_text(m, i));
	if (m->more > 0 && !k->json)
		fprintf(stderr, "%s: %zu more mistakes\n", file, m->more);
	for (size_t i = 0; i < warnings.n; i++)
		found(k, FOUND_WARNING, warnings.p[i]);
	if (m->n > 0)
		return 1;
	if (!k->json)
		printf("%s: ok\n", file);
	if (!of_repository)
		check_machine(k);
	if (online)
		check_online(k, file);
	return k->stops == 0 ? 0 : 1;
}

static void
print_json(struct checking *k, const char *file, const struct mistakes *m, bool good)
{
	json_t *list = json_array();
	AUTO(json_drop)
	json_t *all = json_pack("{so sb so sI so so so}", "file", json_any_string(str_of(file)), "ok", good, "mistakes", list,
	    "more_mistakes", (json_int_t)m->more, "stops", k->found[FOUND_STOP], "warnings", k->found[FOUND_WARNING], "facts",
	    k->found[FOUND_FACT]);

	for (size_t i = 0; i < m->n; i++)
		json_array_append_new(list, json_pack("{sI sI so}", "line", (json_int_t)m->p[i].line, "column",
		                                (json_int_t)m->p[i].column, "text", json_any_string(str_of(m->p[i].text))));
	puts(json_line(&k->a, all));
}

int
check_main(int argc, char **argv)
{
	struct checking k = {0};
	const char *given = NULL;
	bool online = false, usage = false;

	for (int i = 1; i < argc; i++) {
		usage = usage || (argv[i][0] != '-' && given != NULL);
		online = online || strcmp(argv[i], "--online") == 0;
		k.json = k.json || strcmp(argv[i], "--json") == 0;
		given = argv[i][0] == '-' ? given : argv[i];
	}
	if (usage || (online && given != NULL && str_ends(str_of(given), STR(".json")))) {
		fputs("ekaci check-config: one file, and with --online that of the bot\nsee ekaci check-config --help\n",
		    stderr);
		return 2;
	}
	for (int i = 0; i < FOUND_WRONG && k.json; i++)
		k.found[i] = json_array();
	/* Lines of both streams in the order in which they were found. */
	setvbuf(stdout, NULL, _IOLBF, 0);
	struct mistakes *m = arena_alloc(&k.a, sizeof(*m));
	*m = (struct mistakes){.n = 0};
	const char *file = config_find(&k.a, given);
	int code = check_file(&k, given, online, m);
	if (k.json && code != 2)
		print_json(&k, file, m, code == 0);
	arena_release(&k.a);
	return code;
}
