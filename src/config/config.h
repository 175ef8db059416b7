/*
 * config - ekaci.toml becomes one struct of settings.
 *
 * The file is TOML 1.0 and trusted. An unknown key, a wrong type or a value out of range is an error with line and
 * column; nothing is guessed. Defaults stand beside each key in deploy/ekaci.toml.example, which is tested against
 * this struct. Paths are taken relative to the file's folder. Secrets come from files; a name that begins with "$"
 * looks in systemd's credentials folder instead. The files that secrets stand in are not opened here.
 */
#ifndef EKACI_CONFIG_CONFIG_H
#define EKACI_CONFIG_CONFIG_H

#include "records/fields.h"
#include "support/base/err.h"
#include "support/base/str.h"
#include "support/text/mistakes.h"

/* An App at a host: one [[github]]. */
struct config_github {
	const char *name;    /* "": the first, which needs none */
	const char *api_url; /* https://api.github.com, or https://HOST/api/v3 */
	const char *app_id;  /* client ID or number, sent as iss */
	const char *private_key_file;
	const char *webhook_secret_file;
	const char *previous_webhook_secret_file; /* NULL; accepted while secrets are being changed */
	int64_t number; /* in the store (store/hosts.h), 0 the first's; no key: -1 until the daemon sets it */
};

struct settings {
	struct {
		const char *listen; /* "127.0.0.1:3030"; port 0 takes a free one */
		const char *url;    /* as seen from outside, without a final slash; NULL: http://LISTEN */
	} web;
	struct {
		const char *dir;
		int64_t keep_days;    /* runs, logs and evaluations that nothing shows any more */
		int64_t max_evals_mb; /* of stored evaluations and graphs; 0: no limit */
		int64_t min_free_mb;  /* below this no new work is begun */
	} state;
	struct config_github github; /* the first */
	struct {
		struct config_github *p;
		size_t n;
	} githubs; /* all, in the file's order; empty where no file was read */
	struct {
		const char *proxy;     /* NULL: what the environment says */
		struct texts no_proxy; /* hosts, domains, networks */
		const char *ca_file;   /* PEM, beside the system's; NULL */
	} network;
	struct {
		const char *drafts;    /* "wait": until somebody says that it is ready, or "report" */
		struct texts branches; /* globs: only pull requests onto these are looked at unasked; empty: all */
		const char *rerun_label, *approve_label, *skip_label; /* "": none */
		const char *label_approvers;                          /* "write", or "triage": whose approve_label counts */
		bool skip_words; /* "[skip ci]" and its like in the head's message or the title are obeyed */
	} pull_requests;
	struct {
		struct texts only, except; /* globs of OWNER/NAME, in any case; only empty: all */
	} repositories;
	struct {
		int64_t max_rebuild_count; /* more attributes than this: wide, nothing is built unasked */
		struct texts skip_paths;   /* globs */
	} rebuild;
	struct {
		const char *evaluator; /* "auto", "nix-eval-jobs", "built-in", or a path */
		int64_t workers;       /* 0: one a core */
		int64_t max_memory_mb; /* per worker */
		int64_t timeout_s;
		const char *sandbox; /* "require", "auto", "off" */
		bool allow_import_from_derivation;
		bool allow_network;
		bool fetch_trusted;        /* base and trusted heads may fetch from allowed_uris; forks use what base fetched */
		struct texts allowed_uris; /* prefixes */
		struct texts experimental_features; /* of Nix, besides nix-command and flakes */
		bool proof;                         /* evaluate/reads.h */
		int64_t first_answer_from;          /* attributes; 0: never */
		struct named_texts nix_options;     /* lines of an evaluation's nix.conf (evaluate/evalconf.h) */
		struct texts systems;               /* empty: what the repository says */
		int64_t max_rows;
		int64_t max_depth;
		/* No key: only `ekaci diff` sets it, to the user's own cache, so that what Nix has fetched for the user need not
		 * be fetched again. The bot's evaluations share nothing writable. */
		const char *fetch_cache_dir;
	} evaluate;
	struct {
		bool enabled;
		bool branches;                 /* what a push to the default branch changes is built, too */
		int64_t slots;                 /* builds at once on this machine, per system */
		struct texts systems;          /* empty: what Nix says */
		struct texts features;         /* what this machine offers; empty: what Nix says */
		const char *builders;          /* Nix' builders setting: "", "@/etc/nix/machines", or machine lines */
		bool builders_use_substitutes; /* builders fetch what they can by themselves */
		int64_t max_unsupported_s;     /* how long a builder that cannot be reached is waited for */
		int64_t max_silent_s;
		int64_t timeout_s;
		int64_t max_log_mb;
		int64_t min_store_free_mb;      /* below this in the store no build is begun */
		int64_t retries;                /* of infrastructure failures */
		int64_t failure_cache_h;        /* how long a failed derivation is not tried again unasked */
		struct named_texts nix_options; /* passed as --option; numbers and booleans became text */
	} build;
	struct {
		struct texts push; /* store URLs that Nix copies to */
		const char *refs;  /* whose builds: "branches" (the merge queue, too), "members": also their pull requests */
	} cache;
	struct {
		const char *comment; /* "always", "changes", "failures", "never" */
		bool statuses;       /* commit statuses beside the checks */
		bool labels;
		const char *label_prefix, *label_has_prefix;
		int64_t max_packages_listed;
		int64_t review_requests;          /* maintainers asked for a review of one pull request, at most; 0: none */
		int64_t attribute_checks;         /* a check for each attribute where at most so many are built; 0: none */
		struct texts repositories_decide; /* which of these .ekaci/config.json may say */
		int64_t review_max_roots;         /* nobody is asked about a change of more */
	} report;
	struct {
		const char *approval; /* who needs it: "outside", "first-time", "never" */
		const char *forks;    /* "approve": wait for /ekaci approve; "evaluate": build waits; "build": all at once */
		struct texts authors; /* logins trusted like members */
		struct texts teams;   /* ORG/TEAM whose members are */
		struct texts bots;    /* Apps' logins, "name[bot]", that are obeyed like somebody with write access */
		int64_t commands_an_hour; /* of one person that are answered, 0: all */
	} trust;
	struct {
		const char *format; /* "logfmt" or "text" */
		const char *level;  /* "debug", "info", "warning", "error": the least that is written */
	} log;
};

/* Reads path into s; everything in s lives in a. ERR_INPUT names the first mistake, "ekaci.toml:LINE:COLUMN: text", and
 * how many more there are. */
must_check int config_load(struct arena *a, const char *path, struct settings *s, struct err *e);
/* The same for a command beside the bot, which needs no secret: a systemd credential, which only the service has, stands as it is
 * written, "$NAME". */
must_check int config_look(struct arena *a, const char *path, struct settings *s, struct err *e);
/*
 * Which file the settings of the bot on this machine stand in: `given` when it is not NULL, else $EKACI_CONFIG, else
 * CONFIG_SYSTEM when there is one (or this user may not look), else ekaci.toml in the current folder. That one comes last: what
 * lies in a folder must not decide for an operator which database is opened. Never NULL; in a, or static.
 */
#define CONFIG_SYSTEM "/etc/ekaci/ekaci.toml"
const char *config_find(struct arena *a, const char *given);
/* Where e says that the file is not there, and nobody named one: that no bot is set up here, and what sets one up. */
void config_none(const char *given, struct err *e);
/* All mistakes of the file, in its order, for people. -1 only when it cannot be read. s is good for a look
 * when there are none: a systemd credential that is not there stands as it is written, "$NAME". */
must_check int config_check(struct arena *a, const char *path, struct settings *s, struct mistakes *ret, struct err *e);
/* The same with no file: the defaults, for the command line. What a file must give ([github]) is NULL. */
void config_defaults(struct arena *a, struct settings *s);
/* Puts [network] where libcurl, git and Nix look for it when we start them: into our own environment. */
void config_use_network(const struct settings *s);
/* $XDG_CACHE_HOME/ekaci, or ~/.cache/ekaci: where `ekaci diff` keeps evaluations. */
const char *config_cache_dir(struct arena *a);
/* Where a bot elsewhere is, for commands that ask one: EKACI_URL, EKACI_TOKEN, and SSL_CERT_FILE, certificates in PEM that are trusted
 * instead of the system's. NULL: not given. */
struct config_remote_environment {
	const char *url, *token, *ca_file;
};
struct config_remote_environment config_remote_environment(void);
/* Whether a terminal wants colours (NO_COLOR, TERM), and whether it can write over a line. */
bool config_wants_colour(void);
bool config_smart_terminal(void);
/* What GitHub's own tools read: GITHUB_SERVER_URL (https://github.com), GITHUB_API_URL (NULL), GITHUB_TOKEN or GH_TOKEN (NULL). */
struct config_forge_environment {
	const char *server, *api, *token;
};
struct config_forge_environment config_forge_environment(void);
/* $SHELL, or sh; $PATH and $XDG_DATA_DIRS with these folders before them, as NAME=VALUE. */
const char *config_shell(void);
const char *config_path_before(struct arena *a, const char *folders);
const char *config_data_before(struct arena *a, const char *folders);
/* $XDG_CACHE_HOME, or ~/.cache. */
const char *config_user_cache_dir(struct arena *a);

/* The table of keys, for the test of deploy/ekaci.toml.example. */
enum config_type { CONFIG_TEXT, CONFIG_PATH, CONFIG_SECRET, CONFIG_NUMBER, CONFIG_FLAG, CONFIG_TEXTS, CONFIG_OPTIONS };
struct config_key {
	const char *section, *name;
	enum config_type type;
	bool required;
	bool of_host;          /* names, before which a host may stand (config_at_host) */
	const char *otherwise; /* the default of a text or path; of TEXTS words with blanks between */
	int64_t number;        /* the default of a number or flag */
	int64_t min, max;
	size_t offset;                                 /* in struct settings */
	int (*check)(struct str value, struct err *e); /* of a text, or of each of TEXTS; NULL: anything */
};
/* What the key's own check says of a value that does not stand in a file. */
must_check int config_check_text(const char *section, const char *name, const char *value, struct err *e);
/* Row i, or NULL behind the last. */
const struct config_key *config_key_at(size_t i);

/* Whether the bot uses it when it starts and not again: a change waits for the next start. */
bool config_at_start(const struct config_key *k);
/* Whether two settings have the same value for a key; and the value of one for the other, which shares its memory. */
bool config_same(const struct config_key *k, const struct settings *a, const struct settings *b);
void config_adopt(const struct config_key *k, struct settings *to, const struct settings *from);
/* The same of all of [[github]]. */
bool config_same_hosts(const struct settings *a, const struct settings *b);
/* The settings of one host alone: the same, with githubs.p[i] for `github`. */
struct settings config_of_host(const struct settings *s, size_t i);
/* What a name in the settings (a login, a team, a repository) says of the host of that number: "NAME:REST" is REST at the host NAME, and
 * what has no host before it is of the first. NULL: it is about another host. */
const char *config_at_host(const struct settings *s, int64_t number, const char *text);
/* Whether standard error is the journal's (JOURNAL_STREAM). */
bool config_in_journal(void);

#endif
