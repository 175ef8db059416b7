/* Nix' worker protocol, the client's side, as much as a build needs. */
#include "nix/session.h"

#include "nix/access.h"
#include "nix/machines.h"
#include "nix/settings.h"
#include "nix/wire.h"
#include "support/base/clock.h"
#include "support/base/log.h"
#include "support/os/child.h"
#include "support/text/json.h"

#include <fcntl.h>
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
	MAX_TRACES = 10000,  /* of an error */
	MAX_OUTPUTS = 10000, /* of a derivation */
	MAX_PHASE = 64,
	MAX_MACHINE = 512,
	SLACK_BYTES = 1 << 20, /* what a message may be longer than all of the log */
	OPEN_MS = 30 * 1000,   /* for a greeting, or a setting */
	LATER_S = 60           /* our limits come after Nix' own */
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
	struct wire wire;
	struct buf options;                                          /* the request that set the settings in force */
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

/* --- what is said while it works ----------------------------------------------------------------------------------- */

void
session_plain(struct buf *out, struct str text)
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
	session_plain(&b, text);
	return str_dup(a, buf_get(&b));
}

/* What the listener's answer means here. */
static int
heard(struct session *s, int rc)
{
	if (rc > 0)
		return wire_fail(&s->wire, WIRE_TOO_LONG);
	return rc < 0 ? -2 : 0;
}

static int
say(struct session *s, const char *before, struct str text, const char *after, struct err *e)
{
	AUTO(buf_release) struct buf line = {0};

	if (s->job == NULL)
		return 0;
	while (text.n > 0 && text.p[text.n - 1] == '\n')
		text.n--;
	buf_init(&line, s->wire.max_text + 64);
	buf_puts(&line, before);
	buf_str(&line, text);
	buf_puts(&line, after);
	return heard(s, s->job->on_log(s->job->ctx, buf_get(&line), e));
}

static int
take_phase(struct session *s, struct str name, struct err *e)
{
	snprintf(s->phase, sizeof(s->phase), STR_FMT, STR_ARG(name));
	return s->job != NULL ? heard(s, s->job->on_phase(s->job->ctx, s->phase, e)) : 0;
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
		return take_phase(s, text, e);
	}
	return 0;
}

static int
take_fields(struct session *s, bool activity, uint64_t type, struct err *e)
{
	uint64_t n, kind, number;
	struct str text;
	int rc = wire_number(&s->wire, &n);

	/* Nix sends five at most, a builder in its own words as many as it likes. None is kept, and the clock ends them all. */
	for (uint64_t i = 0; rc == 0 && i < n; i++) {
		if (wire_number(&s->wire, &kind) != 0)
			return -1;
		if (kind == 0)
			rc = wire_number(&s->wire, &number);
		else if (kind != 1)
			rc = wire_fail(&s->wire, WIRE_DIED);
		else if ((rc = wire_text(&s->wire, &text)) == 0)
			rc = take_field(s, activity, type, i, text, e);
	}
	return rc;
}

static int
take_error(struct session *s, struct arena *a, char **ret)
{
	uint64_t v, n;
	struct str text;

	if (wire_text(&s->wire, &text) != 0 || wire_number(&s->wire, &v) != 0 || wire_text(&s->wire, &text) != 0 ||
	    wire_text(&s->wire, &text) != 0)
		return -1;
	*ret = plain(a, text);
	if (wire_number(&s->wire, &v) != 0 || wire_number(&s->wire, &n) != 0)
		return -1;
	if (n > MAX_TRACES)
		return wire_fail(&s->wire, WIRE_DIED);
	for (; n > 0; n--)
		if (wire_number(&s->wire, &v) != 0 || wire_text(&s->wire, &text) != 0)
			return -1;
	return 0;
}

static int
take_start(struct session *s, struct err *e)
{
	uint64_t id, level, type, parent;
	struct str text;

	if (wire_number(&s->wire, &id) != 0 || wire_number(&s->wire, &level) != 0 || wire_number(&s->wire, &type) != 0 ||
	    wire_text(&s->wire, &text) != 0)
		return -1;
	int rc = text.n > 0 && level <= LEVEL_INFO ? say(s, "", text, "...\n", e) : 0;
	if (rc == 0)
		rc = take_fields(s, true, type, e);
	return rc == 0 ? wire_number(&s->wire, &parent) : rc;
}

/* Follows an operation: 0 when it is through, 1 when Nix refused it (its words in *ret_error), -1 when the session is
 * over (s->wire.end), -2 with e. */
static int
follow(struct session *s, struct arena *a, char **ret_error, struct err *e)
{
	for (;;) {
		uint64_t what, id, type;
		struct str text;
		int rc = wire_number(&s->wire, &what);
		if (rc != 0)
			return rc;
		switch (what) {
		case SAID_LAST: return 0;
		case SAID_ERROR: rc = take_error(s, a, ret_error); return rc == 0 ? 1 : rc;
		case SAID_NEXT:
			rc = wire_text(&s->wire, &text);
			if (rc == 0)
				rc = say(s, "", text, "\n", e);
			break;
		case SAID_START: rc = take_start(s, e); break;
		case SAID_STOP: rc = wire_number(&s->wire, &id); break;
		case SAID_RESULT:
			rc = wire_number(&s->wire, &id);
			if (rc == 0)
				rc = wire_number(&s->wire, &type);
			if (rc == 0)
				rc = take_fields(s, false, type, e);
			break;
		default: /* it may not ask us for data: nothing we request has any */ rc = wire_fail(&s->wire, WIRE_DIED);
		}
		if (rc != 0)
			return rc;
	}
}

/* --- opening ------------------------------------------------------------------------------------------------------- */

/* Some settings have places of their own in the protocol, so the ones in force must be known to be sent. */
static void
read_settings(struct session *s)
{
	struct nix_settings conf = {0};
	struct arena a = {0};
	const struct machine *machines;
	size_t n;
	struct err e;

	if (nixsettings_read(&s->a, NULL, &conf, &e) != 0)
		log_warn("%s", e.msg);
	s->cores = nixsettings_number(&conf, "cores", 0);
	s->max_jobs = nixsettings_number(&conf, "max-jobs", 1);
	s->substitute = nixsettings_number(&conf, "substitute", 1);
	s->fallback = nixsettings_number(&conf, "fallback", 0);
	s->keep_failed = nixsettings_number(&conf, "keep-failed", 0);
	if (s->is_daemon)
		s->own = nixsettings_changed(&s->a, &conf);
	const char *builders = nixsettings_text(&conf, "builders", NULL);
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
	wire_put_number(&b, HELLO_OURS);
	wire_put_number(&b, VERSION);
	wire_put_number(&b, 0); /* no processor wanted */
	wire_put_number(&b, 0); /* no space reserved */
	if (wire_send(&s->wire, &b) != 0 || wire_number(&s->wire, &hello) != 0 || wire_number(&s->wire, &version) != 0)
		return -1;
	if (hello != HELLO_THEIRS || version >> 8 != VERSION >> 8 || version < VERSION)
		return -1;
	return wire_text(&s->wire, &text) != 0 || follow(s, a, &error, &e) != 0 ? -1 : 0;
}

static int
call_daemon(struct session *s, struct err *e)
{
	s->wire.talk.in = nixstore_connect();
	s->wire.talk.out = s->wire.talk.in >= 0 ? fcntl(s->wire.talk.in, F_DUPFD_CLOEXEC, 3) : -1;
	return s->wire.talk.out >= 0 ? 0 : fail_sys(e, "Nix' daemon does not answer");
}

int
session_open(struct session **ret, struct err *e)
{
	static const char *const argv[] = {"nix-daemon", "--stdio", NULL};
	struct session *s = mem_alloc(sizeof(*s));
	struct arena a = {0};

	*s = (struct session){0};
	wire_init(&s->wire);
	buf_init(&s->options, SIZE_MAX / 4);
	s->is_daemon = nixstore_is_the_daemons();
	read_settings(s);
	int rc = s->is_daemon ? call_daemon(s, e) : child_talk_start(argv, &s->wire.talk, e);
	if (rc == 0) {
		wire_limits(&s->wire, OPEN_MS, OPEN_MS, SLACK_BYTES);
		rc = greet(s, &a);
		if (rc != 0)
			rc = s->wire.end == WIRE_CANCELLED ? fail(e, ERR_BUSY, "cancelled")
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
	wire_close(&s->wire);
	child_kill_descendants();
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
	wire_put_number(b, OP_SET_OPTIONS);
	wire_put_number(b, s->keep_failed);
	wire_put_number(b, 0); /* keep going */
	wire_put_number(b, s->fallback);
	wire_put_number(b, LEVEL_INFO);
	wire_put_number(b, job->elsewhere ? 0 : s->max_jobs);
	wire_put_number(b, (uint64_t)job->silent_s);
	wire_put_number(b, 1); /* three that mean nothing any more, around: builders' output is wanted */
	wire_put_number(b, 0);
	wire_put_number(b, 0);
	wire_put_number(b, 0);
	wire_put_number(b, s->cores);
	wire_put_number(b, s->substitute);
	wire_put_number(b, all.v.n);
	for (size_t i = 0; i < all.v.n; i++) {
		wire_put_text(b, all.v.p[i].name);
		wire_put_text(b, all.v.p[i].text);
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
	int rc = wire_send(&s->wire, &b);
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
struct built_outputs {
	VEC(struct output) v;
};

static int
take_result(struct session *s, struct arena *a, struct session_result *r, struct built_outputs *outputs)
{
	uint64_t n, status, v;
	struct str text, name;
	struct err e;

	if (wire_number(&s->wire, &n) != 0 || n != 1 || wire_text(&s->wire, &text) != 0 ||
	    wire_number(&s->wire, &status) != 0 || wire_text(&s->wire, &text) != 0)
		return wire_fail(&s->wire, WIRE_DIED);
	r->status = status <= NIX_NO_SUBSTITUTERS ? (enum nix_status)status : NIX_MISC_FAILURE;
	r->message = plain(a, text);
	for (int i = 0; i < 4; i++) /* how often built, whether the same, begin and end */
		if (wire_number(&s->wire, &v) != 0)
			return -1;
	if (wire_number(&s->wire, &n) != 0 || n > MAX_OUTPUTS)
		return wire_fail(&s->wire, WIRE_DIED);
	for (; n > 0; n--) {
		if (wire_text(&s->wire, &text) != 0)
			return -1;
		(void)str_cut(text, '!', &name);
		struct output o = {.name = name.p != NULL ? str_dup(a, name) : ""};
		if (wire_text(&s->wire, &text) != 0)
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
		return wire_fail(&s->wire, WIRE_DIED);
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
	wire_put_number(&b, OP_ADD_INDIRECT_ROOT);
	wire_put_text(&b, root);
	int rc = wire_send(&s->wire, &b);
	if (rc == 0)
		rc = follow(s, a, &r->message, e);
	return rc == 0 ? wire_number(&s->wire, &one) : rc;
}

static int
ask(struct session *s, struct arena *a, const struct session_job *job, struct session_result *r, struct built_outputs *outputs,
    struct err *e)
{
	AUTO(buf_release) struct buf b = {0};
	int rc = set_options(s, a, job, r, e);

	if (rc != 0)
		return rc;
	s->job = job; /* not before: which settings a daemon does not let us have is nothing for a log */
	buf_init(&b, SIZE_MAX / 4);
	wire_put_number(&b, OP_BUILD_WITH_RESULTS);
	wire_put_number(&b, 1);
	wire_put_text(&b, arena_printf(a, "%s!*", job->drv));
	wire_put_number(&b, job->again ? MODE_CHECK : MODE_NORMAL);
	rc = wire_send(&s->wire, &b);
	if (rc == 0)
		rc = follow(s, a, &r->message, e);
	if (rc == 0)
		rc = take_result(s, a, r, outputs);
	for (size_t i = 0; rc == 0 && job->root != NULL && !job->again && i < outputs->v.n; i++)
		rc = make_root(s, a, job, &outputs->v.p[i], r, e);
	return rc;
}

static const char *const *
output_paths(struct arena *a, const struct session_job *job, const struct built_outputs *outputs)
{
	const char **paths = arena_alloc(a, (outputs->v.n + 1) * sizeof(*paths)), *slash = strrchr(job->drv, '/');
	size_t n = 0;

	for (size_t i = 0; slash != NULL && i < outputs->v.n; i++)
		if (outputs->v.p[i].path != NULL)
			paths[n++] = arena_printf(a, "%.*s/%s", (int)(slash - job->drv), job->drv, outputs->v.p[i].path);
	paths[n] = NULL;
	return paths;
}

/* Only after a build was asked for is a text that is too long one of its log. */
static enum session_end
how_it_ended(enum wire_end end, bool asked)
{
	switch (end) {
	case WIRE_OPEN: break;
	case WIRE_DIED: return SESSION_DIED;
	case WIRE_SILENT: return SESSION_SILENT;
	case WIRE_TIMED_OUT: return SESSION_TIMED_OUT;
	case WIRE_TOO_LONG: return asked ? SESSION_LOG_LIMIT : SESSION_DIED;
	case WIRE_CANCELLED: return SESSION_CANCELLED;
	}
	return SESSION_ANSWERED;
}

int
session_build(struct session *s, struct arena *a, const struct session_job *job, struct session_result *ret, struct err *e)
{
	struct session_result r = {0};
	struct built_outputs outputs = {0};

	s->phase[0] = s->machine[0] = '\0';
	s->begun = s->dependency_begun = false;
	wire_limits(&s->wire, (job->wall_s + LATER_S) * 1000, (job->silent_s + LATER_S) * 1000,
	    job->max_log_bytes + SLACK_BYTES);
	int rc = ask(s, a, job, &r, &outputs, e);
	r.outputs = output_paths(a, job, &outputs);
	vec_release(&outputs.v);
	bool asked = s->job != NULL;
	s->job = NULL;
	if (rc == -2)
		return -1;
	r.end = rc == 1 ? SESSION_REFUSED : how_it_ended(s->wire.end, asked);
	r.phase = s->phase[0] != '\0' ? arena_strdup(a, s->phase) : NULL;
	r.begun = s->begun;
	r.dependency_begun = s->dependency_begun;
	r.building_ms = s->begun ? clock_mono_ms() - s->begun_ms : 0;
	r.machine = s->machine[0] != '\0' ? arena_strdup(a, s->machine) : NULL;
	*ret = r;
	return 0;
}
