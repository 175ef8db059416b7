/* Nix' worker protocol, the client's side, as much as a build needs. */
#include "nix/session.h"

#include "nix/access.h"
#include "nix/machines.h"
#include "nix/settings.h"
#include "support/base/clock.h"
#include "support/base/log.h"
#include "support/os/child.h"
#include "support/text/json.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
	VERSION = 1 << 8 | 34,
	OP_ADD_INDIRECT_ROOT = 12,
	OP_SET_OPTIONS = 19,
	OP_BUILD_WITH_RESULTS = 46,
	MODE_NORMAL = 0,
	MODE_CHECK = 2, /* 1 repairs */
	ACTIVITY_BUILD = 105,
	RESULT_BUILD_LINE = 101,
	RESULT_PHASE = 104,
	RESULT_POST_BUILD_LINE = 107,
	LEVEL_INFO = 3,
	MAX_FIELDS = 64,     /* of a result; Nix sends five at most */
	MAX_TRACES = 10000,  /* of an error */
	MAX_OUTPUTS = 10000, /* of a derivation */
	MAX_PHASE = 64,
	MAX_MACHINE = 512,
	SLACK_BYTES = 1 << 20, /* what a message may be longer than all of the log */
	OPEN_MS = 30 * 1000,   /* for a greeting, or a setting */
	LATER_S = 60,          /* our limits come after Nix' own */
	LOOK_MS = 500          /* between two looks at the clock */
};
#define HELLO_OURS   0x6e697863u
#define HELLO_THEIRS 0x6478696fu
#define SAID_NEXT    0x6f6c6d67u
#define SAID_LAST    0x616c7473u
#define SAID_ERROR   0x63787470u
#define SAID_START   0x53545254u
#define SAID_STOP    0x53544f50u
#define SAID_RESULT  0x52534c54u

struct session {
	struct child_talk talk;
	struct buf in;
	size_t at;            /* of `in`, read already */
	struct buf options;   /* the request that set the settings in force */
	enum session_end end; /* SESSION_ANSWERED while it lives */
	int64_t wall_at, silence_ms, heard_ms;
	size_t max_text;
	uint64_t cores, max_jobs, substitute, fallback, keep_failed; /* Nix' own configuration */
	bool has_builders;                                           /* in that configuration */
	bool is_daemon;                                              /* at the other end, of all the machine */
	struct arena a;
	struct named_texts own;        /* settings for a daemon, which has read a configuration of its own; in a */
	const struct session_job *job; /* whose log the messages are, or NULL */
	char phase[MAX_PHASE];
	/* Builders that were started for it: its own, where and when; and one of a dependency. */
	bool begun, dependency_begun;
	char machine[MAX_MACHINE];
	int64_t begun_ms;
};

/* --- bytes --------------------------------------------------------------------------------------------------------- */

static int
gone(struct session *s, enum session_end end)
{
	s->end = end;
	return -1;
}

/* Waits for the peer; 0 when something may have come. */
static int
wait_for(struct session *s, short out_events)
{
	struct pollfd p[3] = {{.fd = s->talk.out, .events = POLLIN}, {.fd = s->talk.err, .events = POLLIN},
	    {.fd = out_events != 0 ? s->talk.in : -1, .events = out_events}};
	char chunk[4096];

	if (child_cancelled())
		return gone(s, SESSION_CANCELLED);
	int n = poll(p, COUNT(p), LOOK_MS);
	if (n < 0 && errno != EINTR)
		return gone(s, SESSION_DIED);
	int64_t now = clock_mono_ms();
	if (n > 0 && p[1].revents != 0) { /* beside the protocol: for the operator */
		ssize_t got = read(s->talk.err, chunk, sizeof(chunk));
		if (got > 0 && write(2, chunk, (size_t)got) < 0)
			return gone(s, SESSION_DIED);
		if (got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR))
			fd_close(&s->talk.err);
	}
	if (n > 0 && p[0].revents != 0)
		s->heard_ms = now;
	if (now > s->wall_at)
		return gone(s, SESSION_TIMED_OUT);
	if (now - s->heard_ms > s->silence_ms)
		return gone(s, SESSION_SILENT);
	return 0;
}

/* At least n bytes unread in s->in. */
static int
need(struct session *s, size_t n)
{
	char chunk[65536];

	if (s->at > 0 && s->in.n == s->at) {
		buf_drop(&s->in, s->at);
		s->at = 0;
	}
	while (s->in.n - s->at < n) {
		ssize_t got = read(s->talk.out, chunk, sizeof(chunk));
		if (got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR))
			return gone(s, SESSION_DIED);
		if (got < 0) {
			if (wait_for(s, 0) != 0)
				return -1;
			continue;
		}
		if (s->at > sizeof(chunk)) {
			buf_drop(&s->in, s->at);
			s->at = 0;
		}
		buf_add(&s->in, chunk, (size_t)got);
	}
	/* A flood that keeps us from waiting does not keep us from the clock. */
	s->heard_ms = clock_mono_ms();
	if (child_cancelled())
		return gone(s, SESSION_CANCELLED);
	return s->heard_ms > s->wall_at ? gone(s, SESSION_TIMED_OUT) : 0;
}

static int
get_number(struct session *s, uint64_t *ret)
{
	uint64_t v = 0;

	if (need(s, 8) != 0)
		return -1;
	for (size_t i = 8; i-- > 0;)
		v = v << 8 | (unsigned char)s->in.p[s->at + i];
	s->at += 8;
	*ret = v;
	return 0;
}

/* The text lives until the next read. */
static int
get_text(struct session *s, struct str *ret)
{
	uint64_t n;

	if (get_number(s, &n) != 0)
		return -1;
	if (n > s->max_text)
		return gone(s, s->job != NULL ? SESSION_LOG_LIMIT : SESSION_DIED);
	if (need(s, (size_t)(n + 7) / 8 * 8) != 0)
		return -1;
	*ret = (struct str){s->in.p + s->at, (size_t)n};
	s->at += (size_t)(n + 7) / 8 * 8;
	return 0;
}

static void
put_number(struct buf *b, uint64_t v)
{
	for (int i = 0; i < 8; i++, v >>= 8)
		buf_putc(b, (char)(v & 0xff));
}

static void
put_text(struct buf *b, const char *text)
{
	size_t n = strlen(text);

	put_number(b, n);
	buf_puts(b, text);
	for (; n % 8 != 0; n++)
		buf_putc(b, '\0');
}

static int
flush(struct session *s, const struct buf *b)
{
	for (size_t done = 0; done < b->n;) {
		ssize_t n = write(s->talk.in, b->p + done, b->n - done);
		if (n > 0)
			done += (size_t)n;
		else if (errno != EAGAIN && errno != EINTR)
			return gone(s, SESSION_DIED);
		else if (wait_for(s, POLLOUT) != 0)
			return -1;
	}
	return 0;
}

/* --- what is said while it works ----------------------------------------------------------------------------------- */

/* text without its escape sequences and carriage returns, as Nix prints to anything that is no terminal. */
static void
add_plain(struct buf *out, struct str text)
{
	for (size_t i = 0; i < text.n; i++) {
		char c = text.p[i];
		if (c == '\x1b') {
			if (i + 1 < text.n && text.p[i + 1] == '[')
				for (i += 2; i < text.n && !(text.p[i] >= '@' && text.p[i] <= '~');)
					i++;
			else
				i++;
		} else if (c != '\r' && c != '\a') {
			buf_putc(out, c);
		}
	}
}

static char *
plain(struct arena *a, struct str text)
{
	AUTO(buf_release) struct buf b;

	buf_init(&b, text.n + 1);
	add_plain(&b, text);
	return str_dup(a, buf_get(&b));
}

static int
say(struct session *s, const char *before, struct str text, const char *after, struct err *e)
{
	AUTO(buf_release) struct buf line = {0};

	if (s->job == NULL)
		return 0;
	while (text.n > 0 && text.p[text.n - 1] == '\n')
		text.n--;
	buf_init(&line, s->max_text + 64);
	buf_puts(&line, before);
	add_plain(&line, text);
	buf_puts(&line, after);
	int rc = s->job->on_log(s->job->ctx, buf_get(&line), e);
	if (rc > 0)
		return gone(s, SESSION_LOG_LIMIT);
	return rc < 0 ? -2 : 0;
}

/* Whether two derivations differ in their hashes at most: of one with content-addressed inputs Nix builds another, resolved one. */
static bool
same_name(struct str drv, const char *other)
{
	const char *slash = strrchr(other, '/');
	const char *name = slash != NULL ? strchr(slash, '-') : NULL;

	return str_is(drv, other) || (name != NULL && str_ends(drv, str_of(name)));
}

/* A text among the fields of an activity that begins, or of a result. */
static int
take_field(struct session *s, bool activity, uint64_t type, uint64_t at, struct str text, struct err *e)
{
	if (activity && type == ACTIVITY_BUILD && s->job != NULL) {
		bool own = at == 0 ? same_name(text, s->job->drv) : s->begun;
		if (at == 0 && own) {
			s->begun = true;
			s->begun_ms = clock_mono_ms();
		} else if (at == 0) {
			s->dependency_begun = true;
		} else if (at == 1 && own && text.n > 0 && text.n < MAX_MACHINE &&
		           str_utf8_ok(text)) { /* a machine's own message has none */
			snprintf(s->machine, sizeof(s->machine), STR_FMT, STR_ARG(text));
		}
	} else if (!activity && at == 0 && (type == RESULT_BUILD_LINE || type == RESULT_POST_BUILD_LINE)) {
		return say(s, "", text, "\n", e);
	} else if (!activity && at == 0 && type == RESULT_PHASE && text.n < MAX_PHASE && str_utf8_ok(text)) {
		snprintf(s->phase, sizeof(s->phase), STR_FMT, STR_ARG(text));
	}
	return 0;
}

static int
take_fields(struct session *s, bool activity, uint64_t type, struct err *e)
{
	uint64_t n, kind, number;
	struct str text;
	int rc = get_number(s, &n);

	if (rc == 0 && n > MAX_FIELDS)
		rc = gone(s, SESSION_DIED);
	for (uint64_t i = 0; rc == 0 && i < n; i++) {
		if (get_number(s, &kind) != 0)
			return -1;
		if (kind == 0)
			rc = get_number(s, &number);
		else if (kind != 1)
			rc = gone(s, SESSION_DIED);
		else if ((rc = get_text(s, &text)) == 0)
			rc = take_field(s, activity, type, i, text, e);
	}
	return rc;
}

static int
take_error(struct session *s, struct arena *a, char **ret)
{
	uint64_t v, n;
	struct str text;

	if (get_text(s, &text) != 0 || get_number(s, &v) != 0 || get_text(s, &text) != 0 || get_text(s, &text) != 0)
		return -1;
	*ret = plain(a, text);
	if (get_number(s, &v) != 0 || get_number(s, &n) != 0)
		return -1;
	if (n > MAX_TRACES)
		return gone(s, SESSION_DIED);
	for (; n > 0; n--)
		if (get_number(s, &v) != 0 || get_text(s, &text) != 0)
			return -1;
	return 0;
}

static int
take_start(struct session *s, struct err *e)
{
	uint64_t id, level, type, parent;
	struct str text;

	if (get_number(s, &id) != 0 || get_number(s, &level) != 0 || get_number(s, &type) != 0 || get_text(s, &text) != 0)
		return -1;
	int rc = text.n > 0 && level <= LEVEL_INFO ? say(s, "", text, "...\n", e) : 0;
	if (rc == 0)
		rc = take_fields(s, true, type, e);
	return rc == 0 ? get_number(s, &parent) : rc;
}

/* Follows an operation: 0 when it is through, 1 when Nix refused it (its words in *ret_error), -1 when the session is
 * over (s->end), -2 with e. */
static int
follow(struct session *s, struct arena *a, char **ret_error, struct err *e)
{
	for (;;) {
		uint64_t what, id, type;
		struct str text;
		int rc = get_number(s, &what);
		if (rc != 0)
			return rc;
		switch (what) {
		case SAID_LAST: return 0;
		case SAID_ERROR: rc = take_error(s, a, ret_error); return rc == 0 ? 1 : rc;
		case SAID_NEXT:
			rc = get_text(s, &text);
			if (rc == 0)
				rc = say(s, "", text, "\n", e);
			break;
		case SAID_START: rc = take_start(s, e); break;
		case SAID_STOP: rc = get_number(s, &id); break;
		case SAID_RESULT:
			rc = get_number(s, &id);
			if (rc == 0)
				rc = get_number(s, &type);
			if (rc == 0)
				rc = take_fields(s, false, type, e);
			break;
		default: /* it may not ask us for data: nothing we request has any */ rc = gone(s, SESSION_DIED);
		}
		if (rc != 0)
			return rc;
	}
}

static void
set_limits(struct session *s, int64_t wall_ms, int64_t silence_ms, size_t max_text)
{
	s->heard_ms = clock_mono_ms();
	s->wall_at = s->heard_ms + wall_ms;
	s->silence_ms = silence_ms;
	s->max_text = max_text;
}

/* --- opening ------------------------------------------------------------------------------------------------------- */

/* Some settings have places of their own in the protocol, so the ones in force must be known to be sent. */
static void
read_settings(struct session *s)
{
	AUTO(json_drop) json_t *conf = NULL;
	struct arena a = {0};
	const struct machine *machines;
	size_t n;
	struct err e;

	if (nixsettings_read(NULL, &conf, &e) != 0)
		log_warn("%s", e.msg);
	s->cores = nixsettings_number(conf, "cores", 0);
	s->max_jobs = nixsettings_number(conf, "max-jobs", 1);
	s->substitute = nixsettings_number(conf, "substitute", 1);
	s->fallback = nixsettings_number(conf, "fallback", 0);
	s->keep_failed = nixsettings_number(conf, "keep-failed", 0);
	if (s->is_daemon)
		s->own = nixsettings_changed(&s->a, conf);
	const char *builders = nixsettings_text(conf, "builders", NULL);
	s->has_builders = builders == NULL || machines_parse(&a, builders, "builtin", &machines, &n, &e) != 0 || n > 0;
	arena_release(&a);
}

static int
greet(struct session *s, struct arena *a)
{
	AUTO(buf_release) struct buf b = {0};
	uint64_t hello, version;
	struct str text;
	char *error;
	struct err e;

	buf_init(&b, 64);
	put_number(&b, HELLO_OURS);
	put_number(&b, VERSION);
	put_number(&b, 0); /* no processor wanted */
	put_number(&b, 0); /* no space reserved */
	if (flush(s, &b) != 0 || get_number(s, &hello) != 0 || get_number(s, &version) != 0)
		return -1;
	if (hello != HELLO_THEIRS || version >> 8 != VERSION >> 8 || version < VERSION)
		return -1;
	return get_text(s, &text) != 0 || follow(s, a, &error, &e) != 0 ? -1 : 0;
}

static int
call_daemon(struct session *s, struct err *e)
{
	s->talk.in = nixstore_connect();
	s->talk.out = s->talk.in >= 0 ? fcntl(s->talk.in, F_DUPFD_CLOEXEC, 3) : -1;
	return s->talk.out >= 0 ? 0 : fail_sys(e, "Nix' daemon does not answer");
}

int
session_open(struct session **ret, struct err *e)
{
	static const char *const argv[] = {"nix-daemon", "--stdio", NULL};
	struct session *s = mem_alloc(sizeof(*s));
	struct arena a = {0};

	*s = (struct session){.talk = {.in = -1, .out = -1, .err = -1}};
	buf_init(&s->in, SIZE_MAX / 4); /* get_text bounds what is asked for */
	buf_init(&s->options, SIZE_MAX / 4);
	s->is_daemon = nixstore_is_the_daemons();
	read_settings(s);
	int rc = s->is_daemon ? call_daemon(s, e) : child_talk_start(argv, &s->talk, e);
	if (rc == 0) {
		set_limits(s, OPEN_MS, OPEN_MS, SLACK_BYTES);
		rc = greet(s, &a);
		if (rc != 0)
			rc = s->end == SESSION_CANCELLED ? fail(e, ERR_BUSY, "cancelled")
			                                 : fail(e, ERR_ABSENT, "nix-daemon does not speak protocol 1.34");
	}
	arena_release(&a);
	if (rc != 0)
		session_close(&s);
	else
		*ret = s;
	return rc;
}

void
session_close(struct session **at)
{
	struct session *s = *at;

	if (s == NULL)
		return;
	fd_close(&s->talk.in);
	fd_close(&s->talk.out);
	fd_close(&s->talk.err);
	child_kill_descendants();
	buf_release(&s->in);
	buf_release(&s->options);
	arena_release(&s->a);
	mem_free(&s);
	*at = NULL;
}

/* --- a build ------------------------------------------------------------------------------------------------------- */

/*
 * Nix asks its build hook whether another machine should build, and starts it for each build: twenty milliseconds.
 * Where no other machine is known, a hook that says no at once does as well.
 */
static bool
wants_hook(const struct session *s, const struct session_job *job)
{
	bool chosen = false; /* by the operator */

	for (size_t i = 0; i < job->options->n; i++)
		chosen = chosen || strcmp(job->options->p[i].name, "builders") == 0;
	return job->local_hook == NULL || access(job->local_hook, X_OK) != 0 || chosen ||
	       (job->builders != NULL ? job->builders[0] != '\0' : s->has_builders);
}

struct settings_sent {
	VEC(struct named_text) v;
};

static void
set(struct settings_sent *all, const char *name, const char *text)
{
	struct named_text one = {name, text};

	for (size_t i = 0; i < all->v.n; i++)
		if (strcmp(all->v.p[i].name, name) == 0) {
			all->v.p[i] = one;
			return;
		}
	vec_push(&all->v, one);
}

static void
set_all(struct settings_sent *all, const struct named_texts *these)
{
	for (size_t i = 0; i < these->n; i++)
		set(all, these->p[i].name, these->p[i].text);
}

/* The settings that have no places of their own in the request; what the operator says comes last and counts. */
static void
overrides(const struct session *s, struct arena *a, const struct session_job *job, struct settings_sent *all)
{
	set_all(all, &s->own);
	set(all, "timeout", arena_printf(a, "%lld", (long long)job->wall_s));
	set(all, "max-build-log-size", arena_printf(a, "%zu", job->max_log_bytes));
	if (job->builders != NULL)
		set(all, "builders", job->builders);
	/* What is valid is looked up each time: others build, and collect garbage, meanwhile. */
	set(all, "narinfo-cache-negative-ttl", "0");
	set(all, "narinfo-cache-positive-ttl", "0");
	if (!wants_hook(s, job))
		set(all, "build-hook", job->local_hook);
	if (job->elsewhere)
		set(all, "builders-use-substitutes", job->builders_use_substitutes ? "true" : "false");
	set_all(all, job->options);
}

static void
put_options(struct buf *b, const struct session *s, struct arena *a, const struct session_job *job)
{
	struct settings_sent all = {0};

	overrides(s, a, job, &all);
	put_number(b, OP_SET_OPTIONS);
	put_number(b, s->keep_failed);
	put_number(b, 0); /* keep going */
	put_number(b, s->fallback);
	put_number(b, LEVEL_INFO);
	put_number(b, job->elsewhere ? 0 : s->max_jobs);
	put_number(b, (uint64_t)job->silent_s);
	put_number(b, 1); /* three that mean nothing any more, around: builders' output is wanted */
	put_number(b, 0);
	put_number(b, 0);
	put_number(b, 0);
	put_number(b, s->cores);
	put_number(b, s->substitute);
	put_number(b, all.v.n);
	for (size_t i = 0; i < all.v.n; i++) {
		put_text(b, all.v.p[i].name);
		put_text(b, all.v.p[i].text);
	}
	vec_release(&all.v);
}

/* Nix keeps its settings from one build to the next: they are sent when they differ. */
static int
set_options(struct session *s, struct arena *a, const struct session_job *job, struct session_result *r, struct err *e)
{
	AUTO(buf_release) struct buf b = {0};

	buf_init(&b, SIZE_MAX / 4);
	put_options(&b, s, a, job);
	if (b.n == s->options.n && memcmp(b.p, s->options.p, b.n) == 0)
		return 0;
	int rc = flush(s, &b);
	if (rc == 0)
		rc = follow(s, a, &r->message, e);
	if (rc == 0) {
		buf_drop(&s->options, s->options.n);
		buf_str(&s->options, buf_get(&b));
	}
	return rc;
}

struct output {
	const char *name, *path;
};
struct outputs {
	VEC(struct output) v;
};

static int
take_result(struct session *s, struct arena *a, struct session_result *r, struct outputs *outputs)
{
	uint64_t n, status, v;
	struct str text, name;
	struct err e;

	if (get_number(s, &n) != 0 || n != 1 || get_text(s, &text) != 0 || get_number(s, &status) != 0 ||
	    get_text(s, &text) != 0)
		return gone(s, s->end == SESSION_ANSWERED ? SESSION_DIED : s->end);
	r->status = status <= NIX_NO_SUBSTITUTERS ? (enum nix_status)status : NIX_MISC_FAILURE;
	r->message = plain(a, text);
	for (int i = 0; i < 4; i++) /* how often built, whether the same, begin and end */
		if (get_number(s, &v) != 0)
			return -1;
	if (get_number(s, &n) != 0 || n > MAX_OUTPUTS)
		return gone(s, s->end == SESSION_ANSWERED ? SESSION_DIED : s->end);
	for (; n > 0; n--) {
		if (get_text(s, &text) != 0)
			return -1;
		(void)str_cut(text, '!', &name);
		struct output o = {.name = name.p != NULL ? str_dup(a, name) : ""};
		if (get_text(s, &text) != 0)
			return -1;
		AUTO(json_drop) json_t *realisation = NULL;
		if (json_read(text, "realisation", &realisation, &e) == 0 && json_str(realisation, "outPath", NULL) != NULL)
			o.path = arena_strdup(a, json_str(realisation, "outPath", NULL));
		vec_push(&outputs->v, o);
	}
	return 0;
}

/* A symbolic link under our own folder, then Nix is told of it; until then the session itself holds the output. */
static int
make_root(struct session *s, struct arena *a, const struct session_job *job, const struct output *o, struct session_result *r,
    struct err *e)
{
	AUTO(buf_release) struct buf b = {0};
	const char *slash = strrchr(job->drv, '/'), *own = strrchr(job->root, '/');
	uint64_t one;

	if (o->path == NULL || strchr(o->path, '/') != NULL || strchr(o->name, '/') != NULL || slash == NULL || own == NULL)
		return gone(s, SESSION_DIED);
	bool out = strcmp(o->name, "out") == 0;
	const char *root = arena_printf(a, "%s%s%s", job->root, out ? "" : "-", out ? "" : o->name);
	const char *aside = arena_printf(a, "%.*s/.%ld.new", (int)(own - job->root), job->root, (long)getpid());
	const char *target = arena_printf(a, "%.*s/%s", (int)(slash - job->drv), job->drv, o->path);
	(void)unlink(aside);
	if (symlink(target, aside) != 0 || rename(aside, root) != 0) {
		(void)fail_sys(e, "cannot make the GC root %s", root);
		return -2;
	}
	buf_init(&b, SIZE_MAX / 4);
	put_number(&b, OP_ADD_INDIRECT_ROOT);
	put_text(&b, root);
	int rc = flush(s, &b);
	if (rc == 0)
		rc = follow(s, a, &r->message, e);
	return rc == 0 ? get_number(s, &one) : rc;
}

static int
ask(struct session *s, struct arena *a, const struct session_job *job, struct session_result *r, struct outputs *outputs,
    struct err *e)
{
	AUTO(buf_release) struct buf b = {0};
	s->job = NULL; /* which settings a daemon does not let us have is nothing for a log */
	int rc = set_options(s, a, job, r, e);

	s->job = job;
	if (rc != 0)
		return rc;
	buf_init(&b, SIZE_MAX / 4);
	put_number(&b, OP_BUILD_WITH_RESULTS);
	put_number(&b, 1);
	put_text(&b, arena_printf(a, "%s!*", job->drv));
	put_number(&b, job->again ? MODE_CHECK : MODE_NORMAL);
	rc = flush(s, &b);
	if (rc == 0)
		rc = follow(s, a, &r->message, e);
	if (rc == 0)
		rc = take_result(s, a, r, outputs);
	for (size_t i = 0; rc == 0 && job->root != NULL && !job->again && i < outputs->v.n; i++)
		rc = make_root(s, a, job, &outputs->v.p[i], r, e);
	return rc;
}

static const char *const *
output_paths(struct arena *a, const struct session_job *job, const struct outputs *outputs)
{
	const char **paths = arena_alloc(a, (outputs->v.n + 1) * sizeof(*paths)), *slash = strrchr(job->drv, '/');
	size_t n = 0;

	for (size_t i = 0; slash != NULL && i < outputs->v.n; i++)
		if (outputs->v.p[i].path != NULL)
			paths[n++] = arena_printf(a, "%.*s/%s", (int)(slash - job->drv), job->drv, outputs->v.p[i].path);
	paths[n] = NULL;
	return paths;
}

int
session_build(struct session *s, struct arena *a, const struct session_job *job, struct session_result *ret, struct err *e)
{
	struct session_result r = {0};
	struct outputs outputs = {0};

	s->job = job;
	s->phase[0] = s->machine[0] = '\0';
	s->begun = s->dependency_begun = false;
	set_limits(s, (job->wall_s + LATER_S) * 1000, (job->silent_s + LATER_S) * 1000, job->max_log_bytes + SLACK_BYTES);
	int rc = ask(s, a, job, &r, &outputs, e);
	r.outputs = output_paths(a, job, &outputs);
	vec_release(&outputs.v);
	s->job = NULL;
	if (rc == -2)
		return -1;
	r.end = rc == 1 && s->end == SESSION_ANSWERED ? SESSION_REFUSED : s->end;
	r.phase = s->phase[0] != '\0' ? arena_strdup(a, s->phase) : NULL;
	r.begun = s->begun;
	r.dependency_begun = s->dependency_begun;
	r.building_ms = s->begun ? clock_mono_ms() - s->begun_ms : 0;
	r.machine = s->machine[0] != '\0' ? arena_strdup(a, s->machine) : NULL;
	*ret = r;
	return 0;
}
