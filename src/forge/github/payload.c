/* Readers of GitHub's JSON: each names the member that it found wrong. */
#include "forge/github/payload.h"

#include "forge/github/needs.h"

#include "support/base/clock.h"
#include "support/text/json.h"

#include <string.h>

/* What a parse works on; path names the member that is being read, for errors. */
struct parse {
	struct arena *a;
	const json_t *root;
	struct event *ev;
	struct err *e;
};

static int
wrong(struct parse *p, const char *at, const char *key, const char *what)
{
	return fail(p->e, ERR_INPUT, "%s%s%s: %s", at, *at != '\0' ? "." : "", key, what);
}

/* Validators: what the text may look like, and the words for when it does not. */
typedef const char *validator(struct str s);

static bool
is_alnum(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

static const char *
valid_sha(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (!((s.p[i] >= '0' && s.p[i] <= '9') || (s.p[i] >= 'a' && s.p[i] <= 'f')))
			return "not an object id of 40 hex digits";
	return s.n == 40 ? NULL : "not an object id of 40 hex digits";
}

static const char *
valid_name(struct str s)
{
	if (s.n == 0 || s.n > EVENT_MAX_NAME || str_is(s, ".") || str_is(s, ".."))
		return "not the name of an account or repository";
	for (size_t i = 0; i < s.n; i++)
		if (!is_alnum(s.p[i]) && s.p[i] != '-' && s.p[i] != '_' && s.p[i] != '.')
			return "not the name of an account or repository";
	return NULL;
}

/* A login is a name; those of apps end in "[bot]". */
static const char *
valid_login(struct str s)
{
	if (str_ends(s, STR("[bot]")))
		s.n -= 5;
	return valid_name(s);
}

/* What git check-ref-format allows, and not "-" at the beginning, so that it can stand as an argument. */
static const char *
valid_ref(struct str s)
{
	static const char *bad = "not the name of a branch";

	if (s.n == 0 || s.n > EVENT_MAX_REF || !str_utf8_ok(s) || s.p[0] == '-' || s.p[0] == '/' || s.p[s.n - 1] == '/' ||
	    s.p[s.n - 1] == '.' || str_is(s, "@") || str_ends(s, STR(".lock")))
		return bad;
	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];
		char next = i + 1 < s.n ? s.p[i + 1] : '\0';
		if (c <= ' ' || c == 0x7f || strchr("~^:?*[\\", c) != NULL || (c == '.' && next == '.') ||
		    (c == '@' && next == '{') || (c == '/' && (next == '/' || next == '.')))
			return bad;
		if (c == '/' && i >= 5 && memcmp(s.p + i - 5, ".lock", 5) == 0)
			return bad;
	}
	return s.p[0] == '.' ? bad : NULL;
}

static const char *
valid_url(struct str s)
{
	if (s.n > EVENT_MAX_URL || (!str_starts(s, STR("https://")) && !str_starts(s, STR("http://"))))
		return "not an http address";
	for (size_t i = 0; i < s.n; i++)
		if ((unsigned char)s.p[i] <= ' ' || (unsigned char)s.p[i] >= 0x7f || strchr("\"'`\\<>@", s.p[i]) != NULL)
			return "not an http address";
	return NULL;
}

/* An upper-case word such as an association, or a lower-case one such as a reason. */
static const char *
valid_word(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (!is_alnum(s.p[i]) && s.p[i] != '_' && s.p[i] != '-')
			return "not a word";
	return s.n > 0 && s.n <= 64 ? NULL : "not a word";
}

/* Getters. at is the dotted path of obj, for errors. */
enum need { OPTIONAL, REQUIRED };

static int
get_text(struct parse *p, const json_t *obj, const char *at, const char *key, enum need need, validator *valid,
    const char **ret)
{
	const json_t *v = json_object_get(obj, key);

	if (v == NULL || json_is_null(v))
		return need == OPTIONAL ? 0 : wrong(p, at, key, "missing");
	if (!json_is_string(v))
		return wrong(p, at, key, "not a string");
	struct str s = {json_string_value(v), json_string_length(v)};
	if (memchr(s.p, '\0', s.n) != NULL)
		return wrong(p, at, key, "holds a NUL byte");
	const char *bad = valid(s);
	if (bad != NULL)
		return wrong(p, at, key, bad);
	*ret = str_dup(p->a, s);
	return 0;
}

/* Text for people: cut where it is too long, otherwise as it is. NUL cannot come: jansson refuses it. */
static const char *
get_words(struct parse *p, const json_t *obj, const char *key, size_t max)
{
	const json_t *v = json_object_get(obj, key);

	if (!json_is_string(v))
		return NULL;
	return str_dup(p->a, str_utf8_head((struct str){json_string_value(v), json_string_length(v)}, max));
}

static int
get_id(struct parse *p, const json_t *obj, const char *at, const char *key, int64_t *ret)
{
	const json_t *v = json_object_get(obj, key);

	if (v == NULL || json_is_null(v))
		return wrong(p, at, key, "missing");
	if (!json_is_integer(v) || json_integer_value(v) <= 0)
		return wrong(p, at, key, "not a positive whole number");
	*ret = json_integer_value(v);
	return 0;
}

static int
get_object(struct parse *p, const json_t *obj, const char *at, const char *key, const json_t **ret)
{
	const json_t *v = json_object_get(obj, key);

	if (!json_is_object(v))
		return wrong(p, at, key, v == NULL || json_is_null(v) ? "missing" : "not an object");
	*ret = v;
	return 0;
}

static int
get_login(struct parse *p, const json_t *obj, const char *at, const char *key, const char **ret)
{
	const json_t *user = json_object_get(obj, key);

	if (!json_is_object(user))
		return 0; /* the account is gone */
	return get_text(p, user, at, "login", OPTIONAL, valid_login, ret);
}

/* Apps have the type Bot; a login of theirs ends in "[bot]", which no person's can. */
static bool
is_bot(const json_t *obj, const char *key)
{
	const json_t *user = json_object_get(obj, key);

	return strcmp(json_str(user, "type", ""), "Bot") == 0 || str_ends(json_text(user, "login"), STR("[bot]"));
}

/* GitHub writes it as text or, in some events of installations, as seconds. */
static int64_t
updated_of(const json_t *obj)
{
	return json_is_integer(json_object_get(obj, "updated_at")) ? json_int(obj, "updated_at", 0) * 1000
	                                                           : clock_of_text(json_str(obj, "updated_at", NULL));
}

static int
read_repository(struct parse *p, const json_t *obj, struct event_repository *r)
{
	const json_t *owner;
	const char *at = "repository";

	if (get_id(p, obj, at, "id", &r->id) != 0 || get_text(p, obj, at, "name", REQUIRED, valid_name, &r->name) != 0 ||
	    get_object(p, obj, at, "owner", &owner) != 0)
		return -1;
	/* push events of old carry owner.name instead of owner.login */
	if (get_text(p, owner, "repository.owner", "login", OPTIONAL, valid_name, &r->owner) != 0)
		return -1;
	if (r->owner == NULL && get_text(p, owner, "repository.owner", "name", REQUIRED, valid_name, &r->owner) != 0)
		return -1;
	r->private = json_flag(obj, "private", true); /* unknown is private */
	r->archived = json_flag(obj, "archived", false);
	r->updated_ms = updated_of(obj);
	return get_text(p, obj, at, "clone_url", REQUIRED, valid_url, &r->clone_url) != 0 ||
	               get_text(p, obj, at, "default_branch", REQUIRED, valid_ref, &r->default_branch) != 0
	           ? -1
	           : 0;
}

static int
get_repository(struct parse *p)
{
	const json_t *obj;

	return get_object(p, p->root, "", "repository", &obj) != 0 ? -1 : read_repository(p, obj, &p->ev->repository);
}

/* The repository lists of installation events: id, name, full_name, private. */
static int
get_repositories(struct parse *p, const char *key, const struct event_repository **ret, size_t *ret_n)
{
	const json_t *list = json_object_get(p->root, key), *item;
	struct event_repository *all;
	size_t i, n = json_array_size(list);

	if (n > EVENT_MAX_REPOSITORIES)
		return wrong(p, "", key, "more repositories than we take");
	all = arena_alloc(p->a, n * sizeof(*all) + 1);
	json_array_foreach(list, i, item) {
		const char *at = arena_printf(p->a, "%s[%zu]", key, i);
		struct str name, owner = str_cut(json_text(item, "full_name"), '/', &name);

		if (get_id(p, item, at, "id", &all[i].id) != 0)
			return -1;
		if (valid_name(owner) != NULL || valid_name(name) != NULL)
			return wrong(p, at, "full_name", "not OWNER/NAME");
		all[i].owner = str_dup(p->a, owner);
		all[i].name = str_dup(p->a, name);
		all[i].private = json_flag(item, "private", true);
	}
	*ret = all;
	*ret_n = n;
	return 0;
}

static int
get_installation(struct parse *p)
{
	const json_t *obj = json_object_get(p->root, "installation");

	if (!json_is_object(obj))
		return 0; /* a push; for the other events payload_event has looked */
	if (get_id(p, obj, "installation", "id", &p->ev->installation.id) != 0)
		return -1;
	p->ev->installation.updated_ms = updated_of(obj);
	return get_login(p, obj, "installation.account", "account", &p->ev->installation.account);
}

/* The later of updated_at and the last push to the head's repository. */
static int64_t
pushed_of(const json_t *pull)
{
	int64_t updated = clock_of_text(json_str(pull, "updated_at", NULL));
	int64_t pushed = clock_of_text(json_str_at(pull, "head.repo.pushed_at", NULL));

	return pushed > updated ? pushed : updated;
}

/* Names of labels are texts for people; what is longer than GitHub allows is no label that anybody asked for. */
static struct event_labels
labels_of(struct parse *p, const json_t *pull)
{
	const json_t *list = json_object_get(pull, "labels"), *one;
	const char **names = arena_alloc(p->a, EVENT_MAX_LABELS * sizeof(*names));
	size_t i, n = 0;

	json_array_foreach(list, i, one) {
		const char *name = n < EVENT_MAX_LABELS ? get_words(p, one, "name", EVENT_MAX_LABEL) : NULL;
		if (name != NULL)
			names[n++] = name;
	}
	return (struct event_labels){names, n};
}

/* repository: the id of the one it is a pull request of. */
static int
get_pull(struct parse *p, const json_t *pr, int64_t repository, struct event_pull *ret)
{
	const json_t *head, *base;
	const char *at = "pull_request";

	if (get_id(p, pr, at, "number", &ret->number) != 0 || get_object(p, pr, at, "head", &head) != 0 ||
	    get_object(p, pr, at, "base", &base) != 0 ||
	    get_text(p, head, "pull_request.head", "sha", REQUIRED, valid_sha, &ret->head) != 0 ||
	    get_text(p, base, "pull_request.base", "sha", REQUIRED, valid_sha, &ret->base) != 0 ||
	    get_text(p, base, "pull_request.base", "ref", REQUIRED, valid_ref, &ret->base_ref) != 0 ||
	    get_login(p, pr, "pull_request.user", "user", &ret->author) != 0 ||
	    get_text(p, pr, at, "author_association", OPTIONAL, valid_word, &ret->association) != 0)
		return -1;
	/* Only shown: the head is fetched by its number, so a strange name of a fork's branch is no reason to stop. */
	ret->head_ref = get_words(p, head, "ref", EVENT_MAX_REF);
	ret->title = get_words(p, pr, "title", EVENT_MAX_TITLE);
	if (ret->title == NULL)
		ret->title = "";
	ret->fork = json_int(json_object_get(head, "repo"), "id", 0) != repository;
	ret->labels = labels_of(p, pr);
	if (json_is_object(json_object_get(head, "repo")) &&
	    get_login(p, json_object_get(head, "repo"), "pull_request.head.repo.owner", "owner", &ret->head_owner) != 0)
		return -1;
	ret->draft = json_flag(pr, "draft", false);
	const json_t *merges = json_object_get(pr, "mergeable");
	ret->merges = json_is_boolean(merges) ? (json_is_true(merges) ? MERGES : MERGES_NOT) : MERGES_UNKNOWN;
	ret->updated_ms = clock_of_text(json_str(pr, "updated_at", NULL));
	ret->pushed_ms = pushed_of(pr);
	ret->open = strcmp(json_str(pr, "state", "open"), "open") == 0;
	return 0;
}

static int
parse_pull_request(struct parse *p)
{
	const json_t *pr;
	struct event *ev = p->ev;

	if (get_repository(p) != 0 || get_installation(p) != 0 || get_object(p, p->root, "", "pull_request", &pr) != 0 ||
	    get_pull(p, pr, ev->repository.id, &ev->pr) != 0)
		return -1;
	if (ev->action == ACTION_SYNCHRONIZE && get_text(p, p->root, "", "before", OPTIONAL, valid_sha, &ev->pr.before) != 0)
		return -1;
	if (ev->action == ACTION_LABELED || ev->action == ACTION_UNLABELED)
		ev->label = get_words(p, json_object_get(p->root, "label"), "name", EVENT_MAX_LABEL);
	if (ev->action == ACTION_BASE_CHANGED && json_at(p->root, "changes.base") == NULL) {
		ev->kind = EVENT_IGNORED;
		ev->reason = "edited, but not its base branch";
	}
	return 0;
}

static int
parse_comment(struct parse *p)
{
	const json_t *issue, *comment;
	struct event *ev = p->ev;

	if (get_object(p, p->root, "", "issue", &issue) != 0)
		return -1;
	if (!json_is_object(json_object_get(issue, "pull_request"))) {
		ev->kind = EVENT_IGNORED;
		ev->reason = "a comment on an issue, not on a pull request";
		return 0;
	}
	if (get_repository(p) != 0 || get_installation(p) != 0 || get_id(p, issue, "issue", "number", &ev->pr.number) != 0 ||
	    get_login(p, issue, "issue.user", "user", &ev->pr.author) != 0 ||
	    get_object(p, p->root, "", "comment", &comment) != 0 || get_id(p, comment, "comment", "id", &ev->comment.id) != 0 ||
	    get_login(p, comment, "comment.user", "user", &ev->comment.author) != 0 ||
	    get_text(p, comment, "comment", "author_association", OPTIONAL, valid_word, &ev->comment.association) != 0)
		return -1;
	ev->comment.bot = is_bot(comment, "user");
	ev->pr.open = strcmp(json_str(issue, "state", "open"), "open") == 0;
	ev->comment.created_ms = clock_of_text(json_str(comment, "created_at", NULL));
	ev->comment.body = get_words(p, comment, "body", EVENT_MAX_COMMENT);
	if (ev->comment.body == NULL)
		ev->comment.body = "";
	return 0;
}

static int
parse_installation(struct parse *p)
{
	return get_installation(p) != 0 ||
	               get_repositories(p, "repositories", &p->ev->repositories, &p->ev->n_repositories) != 0
	           ? -1
	           : 0;
}

static int
parse_installation_repositories(struct parse *p)
{
	return get_installation(p) != 0 ||
	               get_repositories(p, "repositories_added", &p->ev->repositories, &p->ev->n_repositories) != 0 ||
	               get_repositories(p, "repositories_removed", &p->ev->removed, &p->ev->n_removed) != 0
	           ? -1
	           : 0;
}

static int
parse_check(struct parse *p)
{
	struct event *ev = p->ev;
	const char *key = ev->kind == EVENT_CHECK_RUN ? "check_run" : "check_suite";
	const json_t *check;

	if (get_repository(p) != 0 || get_installation(p) != 0 || get_object(p, p->root, "", key, &check) != 0 ||
	    get_id(p, check, key, "id", &ev->check.id) != 0 ||
	    get_text(p, check, key, "head_sha", REQUIRED, valid_sha, &ev->check.head) != 0)
		return -1;
	ev->check.name = get_words(p, check, "name", EVENT_MAX_REF);
	if (ev->action == ACTION_REQUESTED)
		ev->check.requested = get_words(p, json_object_get(p->root, "requested_action"), "identifier", 64);
	return 0;
}

static int
parse_push(struct parse *p)
{
	struct event *ev = p->ev;

	return get_repository(p) != 0 || get_installation(p) != 0 ||
	               get_text(p, p->root, "", "ref", REQUIRED, valid_ref, &ev->push.ref) != 0 ||
	               get_text(p, p->root, "", "before", REQUIRED, valid_sha, &ev->push.before) != 0 ||
	               get_text(p, p->root, "", "after", REQUIRED, valid_sha, &ev->push.after) != 0
	           ? -1
	           : 0;
}

/* "gh-readonly-queue/main/pr-123-..." is of pull request 123, with those queued before it. */
static int64_t
queued_number(const char *ref)
{
	const char *slash = strrchr(ref, '/');
	struct str rest;
	int64_t number;

	if (slash == NULL || strncmp(slash, "/pr-", 4) != 0 ||
	    str_to_i64(str_cut(str_of(slash + 4), '-', &rest), &number) != 0 || number < 0)
		return 0;
	return number;
}

static int
parse_merge_group(struct parse *p)
{
	struct event *ev = p->ev;
	const json_t *group;
	const char *at = "merge_group";

	if (get_repository(p) != 0 || get_installation(p) != 0 || get_object(p, p->root, "", at, &group) != 0 ||
	    get_text(p, group, at, "head_sha", REQUIRED, valid_sha, &ev->push.after) != 0 ||
	    get_text(p, group, at, "head_ref", REQUIRED, valid_ref, &ev->push.ref) != 0 ||
	    get_text(p, group, at, "base_sha", REQUIRED, valid_sha, &ev->push.base) != 0 ||
	    get_text(p, group, at, "base_ref", REQUIRED, valid_ref, &ev->push.base_ref) != 0 ||
	    get_text(p, p->root, "", "reason", OPTIONAL, valid_word, &ev->push.reason) != 0)
		return -1;
	ev->push.queued = queued_number(ev->push.ref);
	return 0;
}

static int
parse_repository(struct parse *p)
{
	return get_repository(p) != 0 || get_installation(p) != 0 ? -1 : 0;
}

static int
parse_ping(struct parse *p)
{
	const json_t *hook = json_object_get(p->root, "hook");
	struct texts wrong = {0}, notes = {0};
	const char *unheard = needs_events(p->a, json_object_get(hook, "events"));

	p->ev->hook.id = json_int(p->root, "hook_id", 0);
	if (strcmp(json_str(hook, "type", ""), "App") != 0) {
		p->ev->hook.wrong = "it is no App's webhook: nothing else that it sends is for us";
		return 0;
	}
	if (json_is_false(json_object_get(hook, "active")))
		list_add(p->a, &wrong, "it is not active");
	if (unheard != NULL)
		list_add(p->a, &wrong, arena_printf(p->a, "the App is not subscribed to %s", unheard));
	needs_hook(p->a, json_object_get(hook, "config"), NULL, &wrong, &notes);
	for (size_t i = 0; i < notes.n; i++)
		list_add(p->a, &wrong, notes.p[i]);
	p->ev->hook.wrong = wrong.n > 0 ? texts_join(p->a, &wrong, "; ") : NULL;
	return 0;
}

/* What GitHub says, what we call it, who reads it. An event without actions has NULL. */
static const struct {
	const char *event, *action;
	enum event_kind kind;
	enum event_action means;
	int (*parse)(struct parse *p);
} table[] = {
    {"ping", NULL, EVENT_PING, ACTION_NONE, parse_ping},
    {"push", NULL, EVENT_PUSH, ACTION_NONE, parse_push},
    {"pull_request", "opened", EVENT_PULL_REQUEST, ACTION_OPENED, parse_pull_request},
    {"pull_request", "synchronize", EVENT_PULL_REQUEST, ACTION_SYNCHRONIZE, parse_pull_request},
    {"pull_request", "reopened", EVENT_PULL_REQUEST, ACTION_REOPENED, parse_pull_request},
    {"pull_request", "ready_for_review", EVENT_PULL_REQUEST, ACTION_READY_FOR_REVIEW, parse_pull_request},
    {"pull_request", "converted_to_draft", EVENT_PULL_REQUEST, ACTION_CONVERTED_TO_DRAFT, parse_pull_request},
    {"pull_request", "closed", EVENT_PULL_REQUEST, ACTION_CLOSED, parse_pull_request},
    {"pull_request", "edited", EVENT_PULL_REQUEST, ACTION_BASE_CHANGED, parse_pull_request},
    {"pull_request", "labeled", EVENT_PULL_REQUEST, ACTION_LABELED, parse_pull_request},
    {"pull_request", "unlabeled", EVENT_PULL_REQUEST, ACTION_UNLABELED, parse_pull_request},
    {"pull_request", "enqueued", EVENT_PULL_REQUEST, ACTION_ENQUEUED, parse_pull_request},
    {"pull_request", "dequeued", EVENT_PULL_REQUEST, ACTION_DEQUEUED, parse_pull_request},
    {"issue_comment", "created", EVENT_COMMENT, ACTION_CREATED, parse_comment},
    {"installation", "created", EVENT_INSTALLATION, ACTION_CREATED, parse_installation},
    {"installation", "deleted", EVENT_INSTALLATION, ACTION_DELETED, parse_installation},
    {"installation", "suspend", EVENT_INSTALLATION, ACTION_SUSPEND, parse_installation},
    {"installation", "unsuspend", EVENT_INSTALLATION, ACTION_UNSUSPEND, parse_installation},
    {"installation", "new_permissions_accepted", EVENT_INSTALLATION, ACTION_NEW_PERMISSIONS, parse_installation},
    {"installation_repositories", "added", EVENT_INSTALLATION_REPOSITORIES, ACTION_ADDED, parse_installation_repositories},
    {"installation_repositories", "removed", EVENT_INSTALLATION_REPOSITORIES, ACTION_REMOVED, parse_installation_repositories},
    {"check_run", "rerequested", EVENT_CHECK_RUN, ACTION_REREQUESTED, parse_check},
    {"check_run", "requested_action", EVENT_CHECK_RUN, ACTION_REQUESTED, parse_check},
    {"check_suite", "requested", EVENT_CHECK_SUITE, ACTION_SUITE_REQUESTED, parse_check},
    {"check_suite", "rerequested", EVENT_CHECK_SUITE, ACTION_REREQUESTED, parse_check},
    {"merge_group", "checks_requested", EVENT_MERGE_GROUP, ACTION_CHECKS_REQUESTED, parse_merge_group},
    {"merge_group", "destroyed", EVENT_MERGE_GROUP, ACTION_DESTROYED, parse_merge_group},
    {"repository", "privatized", EVENT_REPOSITORY, ACTION_CHANGED, parse_repository},
    {"repository", "publicized", EVENT_REPOSITORY, ACTION_LIFTED, parse_repository},
    {"repository", "renamed", EVENT_REPOSITORY, ACTION_CHANGED, parse_repository},
    {"repository", "transferred", EVENT_REPOSITORY, ACTION_CHANGED, parse_repository},
    {"repository", "archived", EVENT_REPOSITORY, ACTION_CHANGED, parse_repository},
    {"repository", "unarchived", EVENT_REPOSITORY, ACTION_LIFTED, parse_repository},
    {"repository", "edited", EVENT_REPOSITORY, ACTION_CHANGED, parse_repository},
    {"repository", "deleted", EVENT_REPOSITORY, ACTION_DELETED, parse_repository},
};

/* The row for the event, or COUNT(table) with ev->reason filled. */
static size_t
find(struct parse *p, const char *action)
{
	bool known = false;

	for (size_t i = 0; i < COUNT(table); i++) {
		if (strcmp(table[i].event, p->ev->name) != 0)
			continue;
		known = true;
		if (table[i].action == NULL || strcmp(table[i].action, action) == 0)
			return i;
	}
	p->ev->reason = known ? "an action of this event that is not for us" : "an event that is not for us";
	return COUNT(table);
}

int
payload_event(struct arena *a, const char *event_name, struct str body, struct event *ret, struct err *e)
{
	AUTO(json_drop) json_t *root = NULL;
	struct event ev = {.kind = EVENT_IGNORED, .name = arena_strdup(a, event_name)};

	if (json_read(body, "body", &root, e) != 0)
		return -1;
	if (!json_is_object(root))
		return fail(e, ERR_INPUT, "body: not an object");
	struct parse p = {a, root, &ev, e};
	size_t row = find(&p, json_str(root, "action", ""));
	if (row < COUNT(table) && table[row].action != NULL && !json_is_object(json_object_get(root, "installation"))) {
		ev.reason = "it names no installation: sent by a webhook of the repository itself, not by the App's";
	} else if (row < COUNT(table)) {
		ev.kind = table[row].kind;
		ev.action = table[row].means;
		ev.sender_bot = is_bot(root, "sender");
		if (get_login(&p, root, "sender", "sender", &ev.sender) != 0 || table[row].parse(&p) != 0)
			return -1;
	}
	*ret = ev;
	return 0;
}

int
payload_pull(struct arena *a, const json_t *pull, struct event_pull *ret, struct err *e)
{
	struct parse p = {a, pull, NULL, e};
	struct event_pull pr = {0};

	if (!json_is_object(pull))
		return fail(e, ERR_INPUT, "GitHub's answer is no pull request");
	if (get_pull(&p, pull, json_int(json_object_get(json_object_get(pull, "base"), "repo"), "id", 0), &pr) != 0)
		return -1;
	*ret = pr;
	return 0;
}

int
payload_repository(struct arena *a, const json_t *repository, struct event_repository *ret, struct err *e)
{
	struct parse p = {a, repository, NULL, e};

	*ret = (struct event_repository){0};
	return read_repository(&p, repository, ret);
}

int
payload_branch(struct arena *a, const json_t *branch, const char **ret, struct err *e)
{
	struct parse p = {a, branch, NULL, e};
	const json_t *commit;

	return get_object(&p, branch, "", "commit", &commit) != 0 ||
	               get_text(&p, commit, "commit", "sha", REQUIRED, valid_sha, ret) != 0
	           ? -1
	           : 0;
}

/* refs/heads/gh-readonly-queue/BASE/pr-N-COMMIT, where COMMIT is what it is built on. */
bool
payload_queued(struct arena *a, const json_t *item, struct forge_group *ret)
{
	static const char prefix[] = "refs/heads/gh-readonly-queue/";
	struct err ignored;
	struct parse p = {a, item, NULL, &ignored};
	const json_t *object;
	struct forge_group g = {0};

	if (get_text(&p, item, "", "ref", REQUIRED, valid_ref, &g.ref) != 0 ||
	    get_object(&p, item, "", "object", &object) != 0 ||
	    get_text(&p, object, "object", "sha", REQUIRED, valid_sha, &g.head) != 0 ||
	    strncmp(g.ref, prefix, sizeof(prefix) - 1) != 0)
		return false;
	const char *base_ref = g.ref + sizeof(prefix) - 1, *slash = strrchr(base_ref, '/'), *dash = strrchr(g.ref, '-');
	if (slash == NULL || dash < slash || valid_sha(str_of(dash + 1)) != NULL)
		return false;
	g.base = arena_strdup(a, dash + 1);
	g.base_ref = arena_strn(a, base_ref, (size_t)(slash - base_ref));
	g.queued = queued_number(g.ref);
	*ret = g;
	return true;
}
