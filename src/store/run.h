/*
 * run - pull requests and the runs of their heads, as rows.
 *
 * A run is one head of a pull request on its way. Its state changes only by store_run_move: one compare-and-swap
 * update, its history row and whatever the caller joins, in one transaction. records/run_state.c lists the moves there are.
 */
#ifndef EKACI_STORE_RUN_H
#define EKACI_STORE_RUN_H

#include "records/run_state.h"
#include "store/installation.h"
#include "store/store.h"

/* In place of a pull request's number: a branch by itself, compared with where it was. Pull request N in the merge queue is
 * number -N. Neither has a comment or labels, only checks of its commit. */
enum { RUN_OF_BRANCH = 0 };

struct pull_request {
	int64_t repository, number;
	bool open, fork, draft;
	const char *head, *base_ref, *title;
	const char *author, *association; /* NULL when the account is gone */
	const char *head_owner;           /* whose the head's repository is, or was; NULL: not known */
	bool in_team;         /* the author was in a trusted team when that was last asked; not written by store_pull_put */
	bool skipped;         /* it has the label of [pull_requests] skip_label */
	const char *approved; /* head that somebody approved, or NULL */
	int64_t head_since;   /* when head was pushed, GitHub's clock; 0: the pull request came with it */
	const char *before;   /* the head that it replaced, or NULL */
	int64_t changed;      /* updated_at of the newest event that counted; 0: not known */
};

/* JSON texts are NULL until their stage has ended. */
struct run {
	int64_t id, repository, number;
	const char *head, *base_ref, *reason;
	const char *base;     /* the commit to compare with as it is; NULL: merged into the tip of base_ref */
	const char *head_ref; /* where a merge group's head is fetched, or NULL */
	const char *asked;    /* attributes that a command named (JSON array), or NULL: all */
	enum run_state state;
	int64_t attempt, not_before; /* attempts of the present state that were begun, those that died with us among them */
	int64_t refusals, failures;  /* of them that the forge refused, in a row; that failed otherwise */
	bool force, ignore_rules, approved, wide;
	bool again;          /* targets are built once more and compared */
	const char *held;    /* why it does not go on until somebody approves, or NULL */
	const char *waiting; /* why its present state is tried again at not_before, or NULL */
	const char *mirrored, *plan, *evaluations, *difference, *counts, *query, *failure, *verdict, *title;
	const char *first; /* struct first_answers as an array: what was said before all was evaluated */
	int64_t superseded_by, created, updated, ended; /* 0: not yet */
	int64_t changes, reported, outside_ms;
	bool stopped; /* it ended because nothing may be done for its repository */
	enum run_nix { RUN_NIX_UNKNOWN = -1, RUN_NIX_NONE, RUN_NIX } nix; /* whether base or head has anything that is Nix */
};

/* head_since and before are taken with a head that is new; changed never goes back; approved is not written. */
must_check int store_pull_put(struct store *s, const struct pull_request *p, struct err *e);
must_check int store_pull_get(struct store *s, struct arena *a, int64_t repository, int64_t number, struct pull_request *ret,
    struct err *e);
/* What the forge said of the author's teams. */
must_check int store_pull_in_team(struct store *s, int64_t repository, int64_t number, bool in_team, struct err *e);
/* A base branch has moved: open pull requests onto it whose newest run was in conflict with it are to be looked at at `at`, the newest first,
 * at most max. */
must_check int store_conflicts_moved(struct store *s, int64_t repository, const char *base_ref, int64_t at, int64_t max,
    struct err *e);
/* The one that is due first, when, and how often it was asked for already; 1: there is none. Its next look, 0: none. */
struct store_conflict {
	int64_t repository, number, at, tries;
};
must_check int store_conflict_next(struct store *s, struct store_conflict *ret, struct err *e);
must_check int store_conflict_later(struct store *s, int64_t repository, int64_t number, int64_t at, struct err *e);
/* Keeps a push of the second `changed` whose forerunner has not come; forgets those of seconds before. */
must_check int store_head_early(struct store *s, const struct pull_request *p, struct err *e);
/* Takes the one that followed on a head in that second, 1: there is none. */
must_check int store_head_follows(struct store *s, struct arena *a, const struct pull_request *p, const char **ret,
    struct err *e);
/* 1 when its head is another one: nothing happened. */
must_check int store_pull_approve(struct store *s, int64_t repository, int64_t number, const char *head, struct err *e);
/* Raises its builds above other pull requests' (1), lowers them (-1), or neither (0). */
must_check int store_pull_priority(struct store *s, int64_t repository, int64_t number, int64_t priority, struct err *e);

/* Open pull requests with this head, at most max. */
must_check int store_pulls_of_head(struct store *s, int64_t repository, const char *head, int64_t *numbers, size_t max,
    size_t *ret_n, struct err *e);
/* The same, of those that had this head and have another one now. */
must_check int store_pulls_once_of_head(struct store *s, int64_t repository, const char *head, int64_t *numbers, size_t max,
    size_t *ret_n, struct err *e);

/* The head that the newest finished run of a branch was of; NULL when there is none. */
must_check int store_branch_done(struct store *s, struct arena *a, int64_t repository, const char *branch, const char **ret,
    struct err *e);
/* Whether a branch ever had a run of this head, or was there before one: the first that we see of it has no run. */
must_check int store_branch_had(struct store *s, int64_t repository, const char *branch, const char *head, bool *ret,
    struct err *e);
/* A merge group's commit that is not in the queue any more; whether it is one, ever. */
must_check int store_group_gone(struct store *s, int64_t repository, const char *head, struct err *e);
must_check int store_group_is_gone(struct store *s, int64_t repository, const char *head, bool *ret, struct err *e);
/* A new run in RUN_ACCEPTED. */
must_check int store_run_add(struct store *s, const struct run *r, int64_t *ret_id, struct err *e);
must_check int store_run_get(struct store *s, struct arena *a, int64_t id, struct run *ret, struct err *e);
/* The newest run of a pull request; live_only: that has not ended. 1 when there is none. */
must_check int store_run_of(struct store *s, struct arena *a, int64_t repository, int64_t number, bool live_only,
    struct run *ret, struct err *e);
/* The newest run of a commit of no pull request: a branch's, or one in the merge queue. 1 when there is none. */
must_check int store_run_of_commit(struct store *s, struct arena *a, int64_t repository, const char *head, struct run *ret,
    struct err *e);
/* Ids of runs that have not ended, in the order they go on: the merge queue, people's pull requests, those of bots, branches, each oldest
 * first; ids of those with something unreported. At most max. */
must_check int store_runs_live(struct store *s, int64_t *ids, size_t max, size_t *ret_n, struct err *e);
must_check int store_runs_unreported(struct store *s, int64_t *ids, size_t max, size_t *ret_n, struct err *e);
/* Live runs of a pull request other than except. */
must_check int store_runs_live_of(struct store *s, int64_t repository, int64_t number, int64_t except, int64_t *ids, size_t max,
    size_t *ret_n, struct err *e);

/* from -> to with a reason for the history; attempts, held and waiting start anew, changes is raised. 1 when the run was not
 * in from (somebody was faster): nothing happened. ERR_BUG when the list of states has no such move. */
must_check int store_run_move(struct store *s, int64_t id, enum run_state from, enum run_state to, const char *why,
    struct err *e);
/* A state of several pieces has finished one: attempts begin anew, changes is raised. */
must_check int store_run_piece(struct store *s, int64_t id, struct err *e);
/* Counts an attempt of the present state: it begins. */
must_check int store_run_attempt(struct store *s, int64_t id, struct err *e);
/* It failed, and another follows; refused: the forge said no. */
must_check int store_run_later(struct store *s, int64_t id, bool refused, int64_t not_before, const char *why, struct err *e);
/* One text column: "mirrored", "plan", "evaluations", "difference", "counts", "query", "failure", "held",
 * "verdict", "title". */
must_check int store_run_set(struct store *s, int64_t id, const char *column, const char *text, struct err *e);
must_check int store_run_flags(struct store *s, int64_t id, bool wide, bool approved, bool force, struct err *e);
must_check int store_run_supersede(struct store *s, int64_t id, int64_t by, struct err *e);
must_check int store_run_spent(struct store *s, int64_t id, int64_t outside_ms, struct err *e);
must_check int store_run_nix(struct store *s, int64_t id, bool nix, struct err *e);
/* Whether a run onto this branch ever found something that is Nix. */
must_check int store_branch_is_nix(struct store *s, int64_t repository, const char *base_ref, bool *ret, struct err *e);
/* It ended because nothing may be done for its repository, and is to be made again when something may. */
must_check int store_run_stopped(struct store *s, int64_t id, struct err *e);
/* Live runs of a repository; those that were stopped and are still wanted: the newest of their open pull request, with its
 * head, of the branch, or of their merge group. None is called stopped then, and those that are not wanted have it reported
 * that they ended. In a. */
must_check int store_runs_live_in(struct store *s, struct arena *a, int64_t repository, struct ids *ret, struct err *e);
must_check int store_runs_stopped_in(struct store *s, struct arena *a, int64_t repository, struct ids *ret, struct err *e);
/* Commands that wait, of a repository for which nothing may be done, are done. */
must_check int store_commands_drop(struct store *s, int64_t repository, const char *outcome, struct err *e);
/* The newest runs of its open pull requests, at most max, are reported anew: their pages have other addresses. */
must_check int store_runs_readdress(struct store *s, int64_t repository, int64_t max, struct err *e);
/* Something a report should show has changed; what a report showed. */
must_check int store_run_changed(struct store *s, int64_t id, struct err *e);
must_check int store_run_reported(struct store *s, int64_t id, int64_t change, struct err *e);

struct store_command {
	int64_t id, repository, number, comment; /* comment 0: a button, or the operator */
	bool operator;                           /* given on the machine itself: nobody is asked for permission */
	const char *login, *verb, *words;
	const char *head;  /* that a button stood on, had a label, or the operator was shown; NULL for a comment */
	const char *label; /* that asked for it, or NULL */
	int64_t said;      /* when the comment was written, GitHub's clock; 0: not known */
	int64_t attempts, received;
	int64_t thread; /* the comment after which its reply is named, see store/people.h; 0: its own */
};
/* 1 when the comment's commands were taken before, whenever that was. */
must_check int store_comment_take(struct store *s, int64_t repository, int64_t comment, struct err *e);
/* A label was set at a time, the forge's clock; 1 when that, or a later one, was taken before. */
must_check int store_label_take(struct store *s, int64_t repository, int64_t number, const char *label, int64_t at,
    struct err *e);
must_check int store_command_add(struct store *s, const struct store_command *c, struct err *e);
/* The oldest one due; 1 when there is none. busy: installations that are being asked already, a JSON array: of those only what needs
 * no answer of theirs. */
must_check int store_command_next(struct store *s, struct arena *a, int64_t now, const char *busy, struct store_command *ret,
    struct err *e);
/* When the next one is due, INT64_MAX: there is none. */
must_check int store_command_due(struct store *s, const char *busy, int64_t *ret, struct err *e);
must_check int store_command_later(struct store *s, int64_t id, int64_t not_before, struct err *e);
/* Refused commands on a pull request since a time. */
must_check int store_commands_refused(struct store *s, int64_t repository, int64_t number, int64_t since, int64_t *ret,
    struct err *e);
must_check int store_command_done(struct store *s, int64_t id, const char *outcome, struct err *e);

#endif
