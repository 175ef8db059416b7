/* Machines, as Nix' builders setting describes them. */
#include "nix/machines.h"

#include "nix/access.h"
#include "nix/settings.h"
#include "support/base/log.h"
#include "support/os/files.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

enum { FIELDS = 8, MAX_NESTING = 4 };

static const char *const nothing[] = {NULL};

struct machine_lines {
	struct arena *a;
	const char *own_system;
	VEC(struct machine) v;
	struct err *e;
};

/* Nix' settings here; asked for once, before this process has other children. */
static struct {
	struct nix_settings all;
	struct arena a;
	bool asked;
} own;

void
machines_know(const char *settings)
{
	struct err e;

	own.asked = true;
	if (settings != NULL && nixsettings_parse(&own.a, str_of(settings), &own.all, &e) != 0)
		log_err(LOG_WARN, "what Nix builds here is a guess", &e);
}

static const struct nix_settings *
settings_of_nix(void)
{
	struct err e;

	if (!own.asked && nixsettings_read(&own.a, NULL, &own.all, &e) != 0)
		log_err(LOG_WARN, "what Nix builds here is a guess", &e);
	own.asked = true;
	return &own.all;
}

const char *
machines_own_system(void)
{
	static char system[128];
	struct utsname u;

	if (system[0] == '\0' && uname(&u) == 0)
		snprintf(system, sizeof(system), "%s-linux", u.machine);
	return nixsettings_text(settings_of_nix(), "system", system);
}

/* "a,b" as a NULL-terminated list. */
static const char *const *
list_of(struct arena *a, struct str text)
{
	VEC(const char *) v = {0};
	struct str rest = text;

	while (rest.p != NULL) {
		struct str one = str_cut(rest, ',', &rest);
		if (one.n > 0)
			vec_push(&v, str_dup(a, one));
	}
	vec_push(&v, NULL);
	const char *const *list = arena_dup(a, v.p, v.n * sizeof(*v.p));
	vec_release(&v);
	return list;
}

static bool
is_base64(struct str s)
{
	if (s.n == 0 || s.n % 4 != 0)
		return false;
	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];
		bool fill = c == '=' && (i == s.n - 1 || (i == s.n - 2 && s.p[s.n - 1] == '='));
		if (!fill && !(c >= 'A' && c <= 'Z') && !(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') && c != '+' &&
		    c != '/')
			return false;
	}
	return true;
}

static int
speed_of(struct str s, double *ret)
{
	char text[32], *end;

	if (s.n == 0 || s.n >= sizeof(text) || s.p[0] == '-' || s.p[0] == '+')
		return -1;
	memcpy(text, s.p, s.n);
	text[s.n] = '\0';
	double v = strtod(text, &end);
	if (*end != '\0' || !(v > 0) || v > 1e6)
		return -1;
	*ret = v;
	return 0;
}

static int
parse_machine(struct machine_lines *p, struct str line)
{
	struct str field[FIELDS] = {{0}};
	size_t n = 0;

	for (size_t i = 0; i < line.n;) {
		size_t from = i;
		while (i < line.n && line.p[i] != ' ' && line.p[i] != '\t' && line.p[i] != '\r')
			i++;
		if (i > from && n == FIELDS)
			return fail(p->e, ERR_INPUT, "builders: more than %d fields: " STR_FMT, FIELDS, STR_ARG(line));
		if (i > from)
			field[n++] = (struct str){line.p + from, i - from};
		i += i < line.n;
	}
	for (size_t i = 0; i < FIELDS; i++)
		if (str_is(field[i], "-"))
			field[i] = (struct str){NULL, 0};
	struct machine m = {.max_jobs = 1, .speed = 1, .features = nothing, .mandatory = nothing};
	if (field[0].n == 0)
		return fail(p->e, ERR_INPUT, "builders: no machine in: " STR_FMT, STR_ARG(line));
	if (field[3].n > 0 && (str_to_i64(field[3], &m.max_jobs) != 0 || m.max_jobs < 0 || m.max_jobs > MACHINES_MAX_JOBS))
		return fail(p->e, ERR_INPUT, "builders: " STR_FMT " is no number of jobs: " STR_FMT, STR_ARG(field[3]),
		    STR_ARG(line));
	if (field[4].n > 0 && speed_of(field[4], &m.speed) != 0)
		return fail(p->e, ERR_INPUT, "builders: " STR_FMT " is no speed factor: " STR_FMT, STR_ARG(field[4]),
		    STR_ARG(line));
	if (field[7].n > 0 && !is_base64(field[7]))
		return fail(p->e, ERR_INPUT, "builders: the host key is not base64: " STR_FMT, STR_ARG(line));
	m.uri = str_find(field[0], STR("://")) >= 0 ? str_dup(p->a, field[0])
	                                            : arena_printf(p->a, "ssh://" STR_FMT, STR_ARG(field[0]));
	m.systems = list_of(p->a, field[1].n > 0 ? field[1] : str_of(p->own_system));
	m.key = field[2].n > 0 ? str_dup(p->a, field[2]) : NULL;
	if (field[5].n > 0)
		m.features = list_of(p->a, field[5]);
	if (field[6].n > 0)
		m.mandatory = list_of(p->a, field[6]);
	m.host_key = field[7].n > 0 ? str_dup(p->a, field[7]) : NULL;
	const char *word[FIELDS];
	for (size_t i = 0; i < FIELDS; i++)
		word[i] = field[i].n > 0 ? str_dup(p->a, field[i]) : "-";
	m.line = arena_printf(p->a, "%s %s %s %s %s %s %s %s", m.uri, field[1].n > 0 ? word[1] : p->own_system, word[2],
	    word[3], word[4], word[5], word[6], word[7]);
	if (p->v.n == MACHINES_MAX)
		return fail(p->e, ERR_LIMIT, "builders: more than %d machines", MACHINES_MAX);
	vec_push(&p->v, m);
	return 0;
}

static int
parse_lines(struct machine_lines *p, struct str text, int nesting)
{
	while (text.n > 0) {
		size_t n = 0;
		while (n < text.n && text.p[n] != '\n' && text.p[n] != ';')
			n++;
		struct str line = {text.p, n}, rest, file;
		text = str_from(text, n < text.n ? n + 1 : n);
		line = str_trim(str_cut(line, '#', &rest));
		if (line.n == 0)
			continue;
		if (line.p[0] != '@') {
			if (parse_machine(p, line) != 0)
				return -1;
			continue;
		}
		const char *path = str_dup(p->a, str_trim(str_from(line, 1)));
		if (nesting == MAX_NESTING)
			return fail(p->e, ERR_INPUT, "builders: files name each other: %s", path);
		if (!files_exist(path))
			continue;
		if (files_read(p->a, path, MACHINES_MAX_FILE, &file, p->e) != 0)
			return fail_in(p->e, "builders");
		if (parse_lines(p, file, nesting + 1) != 0)
			return -1;
	}
	return 0;
}

static int
finish(struct machine_lines *p, int rc, const struct machine **ret, size_t *ret_n)
{
	if (rc == 0) {
		*ret = arena_dup(p->a, p->v.p, p->v.n * sizeof(*p->v.p));
		*ret_n = p->v.n;
	}
	vec_release(&p->v);
	return rc;
}

int
machines_parse(struct arena *a, const char *builders, const char *own_system, const struct machine **ret, size_t *ret_n,
    struct err *e)
{
	struct machine_lines p = {.a = a, .own_system = own_system, .e = e};

	return finish(&p, parse_lines(&p, str_of(builders), 0), ret, ret_n);
}

/* Texts of a list, and one more, as a NULL-terminated list. */
static const char *const *
list_of_texts(struct arena *a, const struct texts *texts, const char *more)
{
	const char **list = arena_alloc(a, (texts->n + 2) * sizeof(*list));
	size_t n = 0;

	for (; n < texts->n; n++)
		list[n] = arena_strdup(a, texts->p[n]);
	if (more != NULL)
		list[n++] = more;
	list[n] = NULL;
	return list;
}

/* What the settings say, or else what Nix says of itself. */
static const char *const *
own_features(struct arena *a, const struct machines_said *said)
{
	static const char *const usual[] = {"benchmark", "big-parallel", "nixos-test", NULL};
	struct texts theirs = nixsettings_list(settings_of_nix(), "system-features");

	if (said->features.n > 0)
		return list_of_texts(a, &said->features, NULL);
	if (theirs.p == NULL)
		return usual;
	/* That is how Nix is set for us. Where its daemon builds, and nobody has set it otherwise, the daemon may use /dev/kvm though
	 * we may not; if it may not either it refuses the build, which is then unsupported, too. */
	bool daemons = nixsettings_is_default(settings_of_nix(), "system-features") && nixstore_is_the_daemons();
	return list_of_texts(a, &theirs, daemons && files_exist("/dev/kvm") ? "kvm" : NULL);
}

static void
add_local(struct machine_lines *p, const struct machines_said *said, const char *system)
{
	const char **systems = arena_alloc(p->a, 3 * sizeof(*systems));

	for (size_t i = 0; i < p->v.n; i++)
		if (strcmp(p->v.p[i].systems[0], system) == 0)
			return;
	systems[0] = arena_strdup(p->a, system);
	systems[1] = p->v.n == 0 ? "builtin" : NULL;
	struct machine m = {.systems = systems,
	    .features = own_features(p->a, said),
	    .mandatory = nothing,
	    .max_jobs = said->slots,
	    .speed = 1};
	vec_push(&p->v, m);
}

int
machines_load(struct arena *a, const struct machines_said *said, const struct machine **ret, size_t *ret_n, struct err *e)
{
	struct machine_lines p = {.a = a, .own_system = machines_own_system(), .e = e};

	for (size_t i = 0; i < said->systems.n; i++)
		add_local(&p, said, said->systems.p[i]);
	if (p.v.n == 0) {
		struct texts more = nixsettings_list(settings_of_nix(), "extra-platforms");
		add_local(&p, said, p.own_system);
		for (size_t i = 0; i < more.n; i++)
			add_local(&p, said, more.p[i]);
	}
	return finish(&p, parse_lines(&p, str_of(said->builders), 0), ret, ret_n);
}

bool
machines_same(const struct machine *a, size_t n_a, const struct machine *b, size_t n_b)
{
	/* This machine's own come from the settings, which do not change; the others' lines say all. */
	for (size_t i = 0; i < n_a && n_a == n_b; i++)
		if ((a[i].line == NULL) != (b[i].line == NULL) || (a[i].line != NULL && strcmp(a[i].line, b[i].line) != 0))
			return false;
	return n_a == n_b;
}

static bool
in_list(const char *const *list, const char *word)
{
	for (; *list != NULL; list++)
		if (strcmp(*list, word) == 0)
			return true;
	return false;
}

int64_t
machine_slots(const struct machine *m, const char *system)
{
	return in_list(m->systems, system) ? m->max_jobs : 0;
}

bool
machine_fits(const struct machine *m, const char *system, const char *const *features)
{
	if (!in_list(m->systems, system) || m->max_jobs == 0)
		return false;
	if (strcmp(system, "builtin") == 0)
		return m->uri == NULL;
	for (size_t i = 0; features[i] != NULL; i++)
		if (!in_list(m->features, features[i]) && !in_list(m->mandatory, features[i]))
			return false;
	for (size_t i = 0; m->mandatory[i] != NULL; i++)
		if (!in_list(features, m->mandatory[i]))
			return false;
	return true;
}

const char *
machines_why_not(struct arena *a, const struct machine *m, size_t n, const char *system, const char *const *features)
{
	bool builds_system = false;

	for (size_t i = 0; i < n; i++) {
		if (machine_fits(&m[i], system, features))
			return NULL;
		builds_system = builds_system || (in_list(m[i].systems, system) && m[i].max_jobs > 0);
	}
	if (!builds_system)
		return arena_printf(a, "no machine for %s", system);
	for (size_t k = 0; features[k] != NULL; k++) {
		bool offered = false;
		for (size_t i = 0; i < n; i++)
			offered = offered || (in_list(m[i].systems, system) &&
			                         (in_list(m[i].features, features[k]) || in_list(m[i].mandatory, features[k])));
		if (!offered)
			return arena_printf(a, "no machine for %s offers the feature %s", system, features[k]);
	}
	return features[0] == NULL
	           ? arena_printf(a, "every machine for %s is kept for derivations that require its features", system)
	           : arena_printf(a, "no machine for %s offers all the features together", system);
}
