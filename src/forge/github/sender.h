/*
 * sender - desired state becomes GitHub API calls, once.
 *
 * The sender reads rows of store/desired.h and makes GitHub look like them. Per installation one request is under way
 * at a time, with a pause between writes; it waits as long as GitHub's headers say, and with growing delay where they
 * do not. What GitHub cannot do now is tried again for as long as it takes. What it refuses (403, 404, 410, 422) it may take a
 * moment later, since its machines lag behind each other, or when somebody has given a permission: it is tried again with
 * growing delay, some two minutes, and then parked. What is parked is taken up when something changes there, and hourly.
 *
 * Nothing is posted twice: before anything is created the row says so durably, and a creation whose answer is not
 * recorded (the process was killed, the connection broke, GitHub answered 5xx) is looked for at GitHub first - check
 * runs by name, head and external_id, comments by their marker among those of our App.
 *
 * What the functions promise stands in forge/forge.h; every struct sender here is one that github_start made.
 *
 * From below: http.h one request, token.h its credentials, answer.h what came of it, lane.h one installation's requests at GitHub's
 * pace, task.h one row as a chain of them (task_check.h, task_talk.h), and sender.c, which has the lanes and asks questions.
 */
#ifndef EKACI_FORGE_GITHUB_SENDER_H
#define EKACI_FORGE_GITHUB_SENDER_H

#include "forge/github/client.h"

/* Reads the key. settings->github must outlive the sender. */
must_check int github_start(struct loop *l, struct store *s, const struct settings *settings, struct sender **ret,
    struct err *e);
void github_stop(struct sender *s);
void github_kick(struct sender *s);
void github_pull(struct sender *s, int64_t installation, int64_t repository, const char *owner, const char *repo,
    int64_t number, send_pull_fn *fn, void *ctx);
void github_permission(struct sender *s, int64_t installation, int64_t repository, const char *owner, const char *repo,
    const char *login, send_text_fn *fn, void *ctx);
void github_team(struct sender *s, int64_t installation, const char *team, const char *login, send_text_fn *fn, void *ctx);
void github_git_authorization(struct sender *s, int64_t installation, int64_t repository, send_text_fn *fn, void *ctx);
void github_git_refused(struct sender *s, int64_t installation, int64_t repository);
void github_changed(struct sender *s, int64_t installation);
bool github_was_away(struct sender *s);
void github_look(struct sender *s);
void github_troubles(struct sender *s, struct buf *out);
void github_metrics(struct sender *s, struct buf *out);
int64_t github_room(struct sender *s, int64_t installation);

/* For tests; github_start sets GitHub's. */
void send_set_delays(struct sender *s, const struct send_delays *d);
must_check int send_figures(struct sender *s, struct send_figures *ret, struct err *e);

#endif
