/* One table describes each key; everything else here reads it. */
#include "config/config.h"

#include "config/allowed.h"
#include "records/list.h"
#include "records/plan.h"
#include "support/base/log.h"
#include "support/os/files.h"
#include "support/text/toml.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MAX_FILE_BYTES = 1024 * 1024 };

/* How a row is written: the section is the member of struct settings, the name is the member of that. */
#define AT(section, name) #section, #name
#define IN(section, name) .offset = offsetof(struct settings, section.name)
#define KEY_NUMBER(section, name, otherwise, least, most)                                                                 \
	{                                                                                                                 \
		AT(section, name), CONFIG_NUMBER, .number = (otherwise), .min = (least), .max = (most), IN(section, name) \
	}
#define KEY_FLAG(section, name, otherwise)                                               \
	{                                                                                \
		AT(section, name), CONFIG_FLAG, .number = (otherwise), IN(section, name) \
	}
#define KEY_TEXT(section, name, text, how)                                                             \
	{                                                                                              \
		AT(section, name), CONFIG_TEXT, .otherwise = (text), .check = (how), IN(section, name) \
	}
#define KEY_TEXTS(section, name, how)                                              \
	{                                                                          \
		AT(section, name), CONFIG_TEXTS, .check = (how), IN(section, name) \
	}
/* Of names at a host. */
#define KEY_NAMES(section, name, how)                                                               \
	{                                                                                           \
		AT(section, name), CONFIG_TEXTS, .check = (how), .of_host = true, IN(section, name) \
	}

static const struct config_key keys[] = {
    KEY_TEXT(web, listen, "127.0.0.1:3030", check_listen),
    KEY_TEXT(web, url, NULL, check_url),
    {AT(state, dir), CONFIG_PATH, .otherwise = "/var/lib/ekaci", IN(state, dir)},
    KEY_NUMBER(state, keep_days, 30, 1, 36500),
    KEY_NUMBER(state, max_evals_mb, 20480, 0, INT64_C(1) << 40),
    KEY_NUMBER(state, min_free_mb, 1024, 0, INT64_C(1) << 40),
    KEY_TEXT(github, name, "", check_host_name),
    KEY_TEXT(github, api_url, "https://api.github.com", check_url),
    {AT(github, app_id), CONFIG_TEXT, .required = true, .check = check_word, IN(github, app_id)},
    {AT(github, private_key_file), CONFIG_SECRET, .required = true, IN(github, private_key_file)},
    {AT(github, webhook_secret_file), CONFIG_SECRET, .required = true, IN(github, webhook_secret_file)},
    {AT(github, previous_webhook_secret_file), CONFIG_SECRET, IN(github, previous_webhook_secret_file)},
    KEY_TEXT(network, proxy, NULL, check_proxy),
    KEY_TEXTS(network, no_proxy, check_word),
    {AT(network, ca_file), CONFIG_PATH, IN(network, ca_file)},
    KEY_TEXT(pull_requests, drafts, "wait", check_drafts),
    KEY_TEXTS(pull_requests, branches, check_glob),
    KEY_TEXT(pull_requests, rerun_label, "", check_own_label),
    KEY_TEXT(pull_requests, approve_label, "", check_own_label),
    KEY_TEXT(pull_requests, skip_label, "", check_own_label),
    KEY_TEXT(pull_requests, label_approvers, "write", check_label_approvers),
    KEY_FLAG(pull_requests, skip_words, true),
    KEY_NAMES(repositories, only, check_repositories),
    KEY_NAMES(repositories, except, check_repositories),
    KEY_NUMBER(rebuild, max_rebuild_count, 20000, 0, INT32_MAX),
    KEY_TEXTS(rebuild, skip_paths, check_glob),
    KEY_TEXT(evaluate, evaluator, "auto", check_evaluator),
    KEY_NUMBER(evaluate, workers, 0, 0, 1024),
    KEY_NUMBER(evaluate, max_memory_mb, 4096, 128, 16 * 1024 * 1024),
    KEY_NUMBER(evaluate, timeout_s, 3600, 1, 7 * 24 * 3600),
    KEY_TEXT(evaluate, sandbox, "auto", check_sandbox),
    KEY_FLAG(evaluate, allow_import_from_derivation, false),
    KEY_FLAG(evaluate, allow_network, false),
    KEY_FLAG(evaluate, proof, true),
    KEY_NUMBER(evaluate, first_answer_from, 2000, 0, INT32_MAX),
    KEY_FLAG(evaluate, fetch_trusted, true),
    KEY_TEXTS(evaluate, allowed_uris, check_word),
    KEY_TEXTS(evaluate, experimental_features, check_word),
    {AT(evaluate, nix_options), CONFIG_OPTIONS, IN(evaluate, nix_options)},
    KEY_TEXTS(evaluate, systems, check_system),
    KEY_NUMBER(evaluate, max_rows, 1000000, 1000, 100000000),
    KEY_NUMBER(evaluate, max_depth, 16, 1, 64),
    KEY_FLAG(build, enabled, true),
    KEY_FLAG(build, branches, true),
    KEY_NUMBER(build, slots, 2, 1, 1024),
    KEY_TEXTS(build, systems, check_system),
    KEY_TEXTS(build, features, check_word),
    KEY_TEXT(build, builders, "", NULL),
    KEY_FLAG(build, builders_use_substitutes, false),
    KEY_NUMBER(build, max_unsupported_s, 3600, 0, 30 * 24 * 3600),
    KEY_NUMBER(build, max_silent_s, 3600, 1, 7 * 24 * 3600),
    KEY_NUMBER(build, timeout_s, 36000, 1, 30 * 24 * 3600),
    KEY_NUMBER(build, max_log_mb, 64, 1, 1024 * 1024),
    KEY_NUMBER(build, min_store_free_mb, 512, 0, 1024 * 1024 * 1024),
    KEY_NUMBER(build, retries, 5, 0, 100),
    KEY_NUMBER(build, failure_cache_h, 24, 0, 24 * 3650),
    {AT(build, nix_options), CONFIG_OPTIONS, IN(build, nix_options)},
    KEY_TEXTS(cache, push, check_cache),
    KEY_TEXT(cache, refs, "branches", check_refs),
    KEY_TEXT(report, comment, "always", check_comment),
    KEY_FLAG(report, statuses, false),
    KEY_FLAG(report, labels, false),
    KEY_TEXT(report, label_prefix, "10.rebuild-", check_label),
    KEY_TEXT(report, label_has_prefix, "8.has: ", check_label),
    KEY_NUMBER(report, max_packages_listed, 100, 1, 100000),
    KEY_NUMBER(report, review_requests, 0, 0, REPORT_MAX_REVIEW_REQUESTS),
    KEY_NUMBER(report, review_max_roots, 10, 1, 1000),
    KEY_NUMBER(report, attribute_checks, 0, 0, REPORT_MAX_ATTRIBUTE_CHECKS),
    {AT(report, repositories_decide), CONFIG_TEXTS, .otherwise = "comment labels review_requests attribute_checks budget",
        .check = check_decide, IN(report, repositories_decide)},
    KEY_TEXT(trust, approval, "outside", check_approval),
    KEY_TEXT(trust, forks, "evaluate", check_forks),
    KEY_NAMES(trust, authors, check_word),
    KEY_NAMES(trust, teams, check_team),
    KEY_NAMES(trust, bots, check_bot),
    KEY_NUMBER(trust, commands_an_hour, 9, 0, 100000),
    KEY_TEXT(log, format, "logfmt", check_format),
    KEY_TEXT(log, level, "info", check_level),
};

const struct config_key *
config_key_at(size_t i)
{
	return i < COUNT(keys) ? &keys[i] : NULL;
}

bool
config_at_start(const struct config_key *k)
{
	static const char *const sections[] = {"web", "github", "network"};
	static const struct {
		const char *section, *name;
	} some[] = {{"state", "dir"}, {"evaluate", "sandbox"}};

	for (size_t i = 0; i < COUNT(sections); i++)
		if (strcmp(k->section, sections[i]) == 0)
			return true;
	for (size_t i = 0; i < COUNT(some); i++)
		if (strcmp(k->section, some[i].section) == 0 && strcmp(k->name, some[i].name) == 0)
			return true;
	return false;
}

int
config_check_text(const char *section, const char *name, const char *value, struct err *e)
{
	for (size_t i = 0; i < COUNT(keys); i++)
		if (strcmp(keys[i].section, section) == 0 && strcmp(keys[i].name, name) == 0 && keys[i].check != NULL)
			return keys[i].check(str_of(value), e);
	return 0;
}

/* What a file is read with. */
struct load {
	struct arena *a;
	struct settings *s;
	struct mistakes *m;
	struct str folder; /* the file's, with its slash; empty: the current one */
	bool looks_only;   /* for people, perhaps outside the service: credentials need not be there */
};

static void *
member(struct settings *s, const struct config_key *k)
{
	return (char *)s + k->offset;
}

static bool
same_texts(const struct texts *a, const struct texts *b)
{
	for (size_t i = 0; i < a->n && a->n == b->n; i++)
		if (strcmp(a->p[i], b->p[i]) != 0)
			return false;
	return a->n == b->n;
}

static bool
same_options(const struct named_texts *a, const struct named_texts *b)
{
	for (size_t i = 0; i < a->n && a->n == b->n; i++)
		if (strcmp(a->p[i].name, b->p[i].name) != 0 || strcmp(a->p[i].text, b->p[i].text) != 0)
			return false;
	return a->n == b->n;
}

bool
config_same(const struct config_key *k, const struct settings *a, const struct settings *b)
{
	const void *x = (const char *)a + k->offset, *y = (const char *)b + k->offset;

	switch (k->type) {
	case CONFIG_TEXT:
	case CONFIG_PATH:
	case CONFIG_SECRET: return str_same(*(const char *const *)x, *(const char *const *)y);
	case CONFIG_NUMBER: return *(const int64_t *)x == *(const int64_t *)y;
	case CONFIG_FLAG: return *(const bool *)x == *(const bool *)y;
	case CONFIG_TEXTS: return same_texts(x, y);
	case CONFIG_OPTIONS: return same_options(x, y);
	}
	return false;
}

bool
config_same_hosts(const struct settings *a, const struct settings *b)
{
	bool same = a->githubs.n == b->githubs.n;

	for (size_t i = 0; same && i < a->githubs.n; i++) {
		const struct settings x = config_of_host(a, i), y = config_of_host(b, i);
		for (size_t k = 0; k < COUNT(keys); k++)
			same = same && (strcmp(keys[k].section, "github") != 0 || config_same(&keys[k], &x, &y));
	}
	return same;
}

struct settings
config_of_host(const struct settings *s, size_t i)
{
	struct settings ret = *s;

	ret.github = s->githubs.p[i];
	return ret;
}

const char *
config_at_host(const struct settings *s, int64_t number, const char *text)
{
	const char *colon = strchr(text, ':');

	if (colon == NULL || number == 0)
		return colon == NULL && number == 0 ? text : NULL;
	for (size_t i = 0; i < s->githubs.n; i++) {
		const struct config_github *g = &s->githubs.p[i];
		if (g->number == number && str_is((struct str){text, (size_t)(colon - text)}, g->name))
			return colon + 1;
	}
	return NULL;
}

void
config_adopt(const struct config_key *k, struct settings *to, const struct settings *from)
{
	static const size_t sizes[] = {[CONFIG_TEXT] = sizeof(const char *),
	    [CONFIG_PATH] = sizeof(const char *),
	    [CONFIG_SECRET] = sizeof(const char *),
	    [CONFIG_NUMBER] = sizeof(int64_t),
	    [CONFIG_FLAG] = sizeof(bool),
	    [CONFIG_TEXTS] = sizeof(struct texts),
	    [CONFIG_OPTIONS] = sizeof(struct named_texts)};

	memcpy((char *)to + k->offset, (const char *)from + k->offset, sizes[k->type]);
}

/* Words with blanks between them. */
static void
set_default_texts(struct arena *a, struct texts *place, const char *otherwise)
{
	struct str rest = str_of(otherwise);

	list_clear(a, place);
	while (rest.n > 0)
		list_add(a, place, str_dup(a, str_cut(rest, ' ', &rest)));
}

static void
set_default(struct arena *a, struct settings *s, const struct config_key *k)
{
	switch (k->type) {
	case CONFIG_TEXT:
	case CONFIG_PATH:
	case CONFIG_SECRET: *(const char **)member(s, k) = k->otherwise != NULL ? arena_strdup(a, k->otherwise) : NULL; return;
	case CONFIG_NUMBER: *(int64_t *)member(s, k) = k->number; return;
	case CONFIG_FLAG: *(bool *)member(s, k) = k->number != 0; return;
	case CONFIG_TEXTS: set_default_texts(a, member(s, k), k->otherwise); return;
	case CONFIG_OPTIONS: list_clear(a, (struct named_texts *)member(s, k)); return;
	}
}

void
config_defaults(struct arena *a, struct settings *s)
{
	*s = (struct settings){0};
	for (size_t i = 0; i < COUNT(keys); i++)
		set_default(a, s, &keys[i]);
}

#define WRONG(l, n, k, fmt, ...) \
	mistakes_add((l)->m, (n)->value_line, (n)->value_column, "[%s] %s " fmt, (k)->section, (k)->name, ##__VA_ARGS__)

static bool
is_type(struct load *l, const struct config_key *k, const struct toml_node *n, enum toml_type type)
{
	if (n->type == type)
		return true;
	WRONG(l, n, k, "must be %s, not %s", toml_type_name(type), toml_type_name(n->type));
	return false;
}

/* Takes "NAME:" off; empty: there is none. */
static struct str
host_before(struct str *text)
{
	const char *colon = text->n > 0 ? memchr(text->p, ':', text->n) : NULL;
	size_t n = colon != NULL ? (size_t)(colon - text->p) : 0;
	struct str ret = {text->p, n};

	if (colon != NULL)
		*text = str_from(*text, n + 1);
	return ret;
}

static bool
is_good_text(struct load *l, const struct config_key *k, const struct toml_node *n)
{
	struct err e = {0};

	if (!is_type(l, k, n, TOML_TEXT))
		return false;
	if (memchr(n->text.p, '\0', n->text.n) != NULL) {
		WRONG(l, n, k, "must not hold a NUL character");
		return false;
	}
	struct str text = n->text;
	if (k->of_host)
		(void)host_before(&text);
	if (k->check != NULL && k->check(text, &e) != 0) {
		WRONG(l, n, k, "\"" STR_FMT "\" %s", STR_ARG(str_utf8_head(n->text, 200)), e.msg);
		return false;
	}
	return true;
}

static const char *
whole_path(struct load *l, const char *path)
{
	return path[0] == '/' ? path : arena_printf(l->a, STR_FMT "%s", STR_ARG(l->folder), path);
}

static void
set_path(struct load *l, const struct config_key *k, const struct toml_node *n)
{
	const char **place = member(l->s, k), *path = str_dup(l->a, n->text);

	if (path[0] == '\0') {
		WRONG(l, n, k, "must not be empty");
	} else if (k->type == CONFIG_SECRET && path[0] == '$') {
		const char *dir = getenv("CREDENTIALS_DIRECTORY");
		if (path[1] == '\0' || strchr(path, '/') != NULL)
			WRONG(l, n, k, "\"%s\" must name one credential after the \"$\"", path);
		else if (dir == NULL && l->looks_only)
			*place = path;
		else if (dir == NULL)
			WRONG(l, n, k, "\"%s\" is a systemd credential, but CREDENTIALS_DIRECTORY is not set", path);
		else
			*place = arena_printf(l->a, "%s/%s", dir, path + 1);
	} else {
		*place = whole_path(l, path);
	}
}

static void
set_text(struct load *l, const struct config_key *k, const struct toml_node *n)
{
	const char **place = member(l->s, k);
	struct str text = n->text;

	if (k->check == check_url)
		while (text.n > 0 && text.p[text.n - 1] == '/')
			text.n--;
	*place = str_dup(l->a, text);
	if (k->check == check_evaluator && memchr(text.p, '/', text.n) != NULL)
		*place = whole_path(l, *place);
}

/* A flag that has become words: what it was is still understood. */
static bool
was_flag(struct load *l, const struct config_key *k, const struct toml_node *n)
{
	if (k->check != check_comment || n->type != TOML_BOOLEAN)
		return false;
	*(const char **)member(l->s, k) = n->boolean ? "always" : "never";
	return true;
}

static void
set_texts(struct load *l, const struct config_key *k, const struct toml_node *n)
{
	struct texts *place = member(l->s, k);

	list_clear(l->a, place);
	for (const struct toml_node *c = n->first; c != NULL; c = c->next)
		if (is_good_text(l, k, c))
			list_add(l->a, place, str_dup(l->a, c->text));
}

/* What may stand behind the equals sign of a line of nix.conf. */
static bool
is_one_line(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if ((unsigned char)s.p[i] < ' ' && s.p[i] != '\t')
			return false;
	return true;
}

/* Nix takes text: true, 4, and "a b" for a list. */
static void
set_options(struct load *l, const struct config_key *k, const struct toml_node *n)
{
	struct named_texts *place = member(l->s, k);

	for (const struct toml_node *c = n->first; c != NULL; c = c->next) {
		const char *name = str_dup(l->a, c->key), *value = NULL;
		if (c->type == TOML_BOOLEAN)
			value = c->boolean ? "true" : "false";
		else if (c->type == TOML_INTEGER)
			value = arena_printf(l->a, "%lld", (long long)c->integer);
		else if (c->type == TOML_TEXT && is_one_line(c->text))
			value = str_dup(l->a, c->text);
		if (value == NULL || check_word(c->key, &(struct err){0}) != 0)
			mistakes_add(l->m, c->line, c->column,
			    "[%s] %s.%s must be an option of Nix with text, a whole "
			    "number, true or false",
			    k->section, k->name, name);
		else
			named_set(l->a, place, name, value);
	}
}

static void
set_key(struct load *l, const struct config_key *k, const struct toml_node *n)
{
	switch (k->type) {
	case CONFIG_TEXT:
		if (!was_flag(l, k, n) && is_good_text(l, k, n))
			set_text(l, k, n);
		return;
	case CONFIG_PATH:
	case CONFIG_SECRET:
		if (is_good_text(l, k, n))
			set_path(l, k, n);
		return;
	case CONFIG_NUMBER:
		if (!is_type(l, k, n, TOML_INTEGER))
			return;
		if (n->integer < k->min || n->integer > k->max)
			WRONG(l, n, k, "must be from %lld to %lld, not %lld", (long long)k->min, (long long)k->max,
			    (long long)n->integer);
		else
			*(int64_t *)member(l->s, k) = n->integer;
		return;
	case CONFIG_FLAG:
		if (is_type(l, k, n, TOML_BOOLEAN))
			*(bool *)member(l->s, k) = n->boolean;
		return;
	case CONFIG_TEXTS:
		if (is_type(l, k, n, TOML_ARRAY))
			set_texts(l, k, n);
		return;
	case CONFIG_OPTIONS:
		if (is_type(l, k, n, TOML_TABLE))
			set_options(l, k, n);
		return;
	}
}

static const struct config_key *
find_key(struct str section, struct str name)
{
	for (size_t i = 0; i < COUNT(keys); i++)
		if (str_is(section, keys[i].section) && str_is(name, keys[i].name))
			return &keys[i];
	return NULL;
}

static void
unknown_key(struct load *l, struct str section, const struct toml_node *n)
{
	struct near near = {.word = n->key};
	const char *elsewhere = NULL;

	for (size_t i = 0; i < COUNT(keys); i++) {
		if (str_is(section, keys[i].section))
			near_try(&near, keys[i].name);
		else if (str_is(n->key, keys[i].name))
			elsewhere = keys[i].section;
	}
	mistakes_add(l->m, n->line, n->column, "unknown key [" STR_FMT "] " STR_FMT "%s", STR_ARG(section),
	    STR_ARG(str_utf8_head(n->key, 200)),
	    near.best == NULL && elsewhere != NULL ? arena_printf(l->a, " (it belongs in [%s])", elsewhere)
	                                           : near_hint(l->a, &near));
}

static void
unknown_section(struct load *l, const struct toml_node *n)
{
	struct near near = {.word = n->key};
	const char *home = NULL;

	for (size_t i = 0; i < COUNT(keys); i++) {
		near_try(&near, keys[i].section);
		if (str_is(n->key, keys[i].name))
			home = keys[i].section;
	}
	struct str name = str_utf8_head(n->key, 200);
	if (n->type != TOML_TABLE)
		mistakes_add(l->m, n->line, n->column, "unknown key " STR_FMT " outside of a section%s", STR_ARG(name),
		    home != NULL ? arena_printf(l->a, " (it belongs in [%s])", home) : "");
	else
		mistakes_add(l->m, n->line, n->column, "unknown section [" STR_FMT "]%s", STR_ARG(name),
		    near.best != NULL ? arena_printf(l->a, " (did you mean [%s]?)", near.best) : "");
}

static bool
is_section(struct str name)
{
	for (size_t i = 0; i < COUNT(keys); i++)
		if (str_is(name, keys[i].section))
			return true;
	return false;
}

static void
take_keys(struct load *l, struct str section, const struct toml_node *table)
{
	for (const struct toml_node *n = table->first; n != NULL; n = n->next) {
		const struct config_key *k = find_key(section, n->key);
		if (k != NULL)
			set_key(l, k, n);
		else
			unknown_key(l, section, n);
	}
}

/* Of one section, which is not there when table is NULL. */
static void
find_missing(struct load *l, const char *section, const struct toml_node *table)
{
	for (size_t i = 0; i < COUNT(keys); i++)
		if (strcmp(keys[i].section, section) == 0 && keys[i].required && toml_get(table, keys[i].name) == NULL)
			mistakes_add(l->m, table != NULL ? table->line : 1, table != NULL ? table->column : 1,
			    "[%s] %s is missing and has no default", section, keys[i].name);
}

/* --- [github], or [[github]] for each of several --- */

static void
add_host(struct load *l, const struct toml_node *table)
{
	struct settings *s = l->s;
	struct config_github *all = arena_alloc(l->a, (s->githubs.n + 1) * sizeof(*all)), *is = &s->github;

	is->number = s->githubs.n == 0 ? 0 : -1;
	const struct toml_node *name = toml_get(table, "name");
	if (s->githubs.n > 0 && (name == NULL || name->text.n == 0))
		mistakes_add(l->m, table->line, table->column, "[[github]] name is missing: only the first may be without");
	if (s->githubs.n == 0 && is->name[0] != '\0')
		mistakes_add(l->m, table->line, table->column,
		    "[[github]] name: the first has none, for what is written without a host is its");
	for (size_t i = 0; i < s->githubs.n; i++) {
		const struct config_github *other = &s->githubs.p[i];
		all[i] = *other;
		if (is->name[0] != '\0' && strcmp(is->name, other->name) == 0)
			mistakes_add(l->m, table->line, table->column, "[[github]] name \"%s\" is another one's already",
			    is->name);
		if (str_same(is->api_url, other->api_url) && str_same(is->app_id, other->app_id))
			mistakes_add(l->m, table->line, table->column,
			    "[[github]] app_id \"%s\" at %s is another one's already: everything would be said twice",
			    is->app_id, is->api_url);
	}
	all[s->githubs.n] = *is;
	s->githubs.p = all;
	s->githubs.n++;
}

static void
set_host_defaults(struct load *l)
{
	for (size_t i = 0; i < COUNT(keys); i++)
		if (strcmp(keys[i].section, "github") == 0)
			set_default(l->a, l->s, &keys[i]);
}

static void
take_hosts(struct load *l, const struct toml_node *section)
{
	bool many = section->type == TOML_ARRAY;

	for (const struct toml_node *t = many ? section->first : section; t != NULL; t = many ? t->next : NULL) {
		if (t->type != TOML_TABLE) {
			mistakes_add(l->m, t->line, t->column, "[[github]] must be tables, not %s", toml_type_name(t->type));
			return;
		}
		set_host_defaults(l);
		take_keys(l, STR("github"), t);
		find_missing(l, "github", t);
		add_host(l, t);
	}
	if (l->s->githubs.n > 0)
		l->s->github = l->s->githubs.p[0];
}

static bool
is_host(const struct settings *s, struct str name)
{
	for (size_t i = 0; i < s->githubs.n; i++)
		if (str_is(name, s->githubs.p[i].name))
			return true;
	return false;
}

/* A name at a host that nobody knows would count for nobody, in silence. */
static void
check_hosts_named(struct load *l, const struct config_key *k, const struct toml_node *list)
{
	for (const struct toml_node *n = list->first; n != NULL; n = n->next) {
		struct str text = n->text, host = n->type == TOML_TEXT ? host_before(&text) : STR("");
		if (n->type == TOML_TEXT && text.n < n->text.n && (host.n == 0 || !is_host(l->s, host)))
			WRONG(l, n, k, "\"" STR_FMT "\" names a host, and no [[github]] has the name \"" STR_FMT "\"",
			    STR_ARG(str_utf8_head(n->text, 200)), STR_ARG(str_utf8_head(host, 60)));
	}
}

static void
take(struct load *l, const struct toml_node *top)
{
	for (const struct toml_node *section = top->first; section != NULL; section = section->next) {
		bool hosts = str_is(section->key, "github");
		if (!is_section(section->key))
			unknown_section(l, section);
		else if (hosts && (section->type == TOML_TABLE || section->type == TOML_ARRAY))
			take_hosts(l, section);
		else if (section->type != TOML_TABLE)
			mistakes_add(l->m, section->line, section->column, "[" STR_FMT "] must be a table, not %s",
			    STR_ARG(section->key), toml_type_name(section->type));
		else
			take_keys(l, section->key, section);
	}
	if (l->s->githubs.n == 0)
		find_missing(l, "github", NULL);
	for (size_t i = 0; i < COUNT(keys); i++) {
		const struct toml_node *n = keys[i].of_host ? toml_get(toml_get(top, keys[i].section), keys[i].name) : NULL;
		if (n != NULL && n->type == TOML_ARRAY)
			check_hosts_named(l, &keys[i], n);
	}
}

/* Reads the file into s, which is always to be released afterwards, and every mistake into m. */
static int
read_file(struct arena *a, const char *path, bool looks_only, struct settings *s, struct mistakes *m, struct err *e)
{
	const char *slash = strrchr(path, '/');
	struct load l = {.a = a,
	    .s = s,
	    .m = m,
	    .looks_only = looks_only,
	    .folder = {path, slash != NULL ? (size_t)(slash - path) + 1 : 0}};
	struct toml_node *top;
	struct str text;

	config_defaults(a, s);
	mistakes_init(m, a, path);
	if (files_read(a, path, MAX_FILE_BYTES, &text, e) != 0)
		return -1;
	if (toml_read(a, text, path, &top, e) != 0) {
		if (e->kind != ERR_INPUT)
			return -1;
		mistakes_add(m, 0, 0, "%s", e->msg);
		return 0;
	}
	take(&l, top);
	mistakes_sort(m);
	return 0;
}

static int
read_good(struct arena *a, const char *path, bool looks_only, struct settings *s, struct err *e)
{
	struct mistakes *m = arena_alloc(a, sizeof(*m));
	struct settings read;

	if (read_file(a, path, looks_only, &read, m, e) != 0 || mistakes_none(m, e) != 0)
		return -1;
	*s = read;
	return 0;
}

int
config_load(struct arena *a, const char *path, struct settings *s, struct err *e)
{
	return read_good(a, path, false, s, e);
}

int
config_look(struct arena *a, const char *path, struct settings *s, struct err *e)
{
	return read_good(a, path, true, s, e);
}

const char *
config_find(struct arena *a, const char *given)
{
	const char *named = getenv("EKACI_CONFIG");

	if (given != NULL)
		return given;
	if (named != NULL && named[0] != '\0')
		return arena_strdup(a, named);
	return access(CONFIG_SYSTEM, F_OK) == 0 || errno == EACCES ? CONFIG_SYSTEM : "ekaci.toml";
}

void
config_none(const char *given, struct err *e)
{
	const char *named = getenv("EKACI_CONFIG");

	if (given != NULL || (named != NULL && named[0] != '\0') || access(CONFIG_SYSTEM, F_OK) == 0 || errno != ENOENT ||
	    access("ekaci.toml", F_OK) == 0 || errno != ENOENT)
		return;
	(void)fail(e, ERR_ABSENT,
	    "there is no ekaci.toml and no " CONFIG_SYSTEM ": no bot is set up here. --config FILE or EKACI_CONFIG names its "
	    "settings, `ekaci setup` makes them");
}

int
config_check(struct arena *a, const char *path, struct settings *s, struct mistakes *ret, struct err *e)
{
	return read_file(a, path, true, s, ret, e);
}

static void
put_all(const char *const *names, const char *value)
{
	for (size_t i = 0; names[i] != NULL; i++)
		(void)setenv(names[i], value, 1);
}

void
config_use_network(const struct settings *s)
{
	/* http_proxy has no capitals: a request's header Proxy would come to stand in HTTP_PROXY of a CGI program. */
	static const char *const proxy[] = {"http_proxy", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY", NULL};
	static const char *const no_proxy[] = {"no_proxy", "NO_PROXY", NULL};
	static const char *const ca_file[] = {"GIT_SSL_CAINFO", NULL};
	AUTO(buf_release) struct buf hosts;

	if (s->network.proxy != NULL)
		put_all(proxy, s->network.proxy);
	if (s->network.ca_file != NULL)
		put_all(ca_file, s->network.ca_file);
	buf_init(&hosts, 65536);
	for (size_t i = 0; i < s->network.no_proxy.n; i++)
		buf_printf(&hosts, "%s%s", i > 0 ? "," : "", s->network.no_proxy.p[i]);
	if (hosts.n > 0)
		put_all(no_proxy, hosts.p);
}

bool
config_smart_terminal(void)
{
	const char *term = getenv("TERM");

	return term != NULL && *term != '\0' && strcmp(term, "dumb") != 0;
}

bool
config_wants_colour(void)
{
	const char *no = getenv("NO_COLOR");

	return (no == NULL || *no == '\0') && config_smart_terminal();
}

bool
config_in_journal(void)
{
	/* Set by systemd, and inherited by whatever is started from there: the stream must be our standard error. */
	const char *stream = getenv("JOURNAL_STREAM");
	struct stat st;
	struct str inode, device = str_cut(str_of(stream), ':', &inode);
	int64_t dev, ino;

	return stream != NULL && fstat(2, &st) == 0 && str_to_i64(device, &dev) == 0 && str_to_i64(inode, &ino) == 0 &&
	       (int64_t)st.st_dev == dev && (int64_t)st.st_ino == ino;
}

const char *
config_user_cache_dir(struct arena *a)
{
	const char *cache = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");

	if (cache != NULL && cache[0] == '/')
		return arena_strdup(a, cache);
	return arena_printf(a, "%s/.cache", home != NULL ? home : "/tmp");
}

const char *
config_cache_dir(struct arena *a)
{
	return arena_printf(a, "%s/ekaci", config_user_cache_dir(a));
}
