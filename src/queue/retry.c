/* Ends of builds: which are final, and when the others are tried again. */
#include "queue/retry.h"

#include "store/open.h"

enum {
	RETRY_FIRST_MS = 60 * 1000, /* then three times as long each time, as Hydra does */
	ONCE_MORE_MS = 5 * 1000,    /* before what fetches is tried a second and last time */
	ABSENT_FIRST_MS = 5 * 1000, /* between two looks for a machine; as long as it has been missing, up to */
	ABSENT_MAX_MS = 60 * 1000
};

struct judging {
	struct store *s;
	const struct settings *settings;
	struct arena *a;
	const struct ended *it;
	int64_t now;
};

static bool
has_spoken(const struct ended *it)
{
	return it->worker->kind == ERR_NONE && it->built != NULL;
}

enum build_state
retry_state(const struct ended *it)
{
	return has_spoken(it) ? (enum build_state)it->built->outcome : BUILD_INFRASTRUCTURE;
}

static const char *
reason_of(const struct ended *it)
{
	if (has_spoken(it))
		return it->built->reason;
	return it->worker->kind != ERR_NONE ? it->worker->msg : "the worker said nothing";
}

static int64_t
retry_delay_ms(int64_t attempts)
{
	int64_t ms = RETRY_FIRST_MS;

	for (int64_t i = 1; i < attempts && i < 10; i++)
		ms *= 3;
	return ms;
}

/* No machine could be reached. */
static int
wait_for_machine(const struct judging *w, struct build_end *end, struct err *e)
{
	int64_t since;

	if (store_build_absent(w->s, w->it->id, w->now, &since, e) != 0)
		return -1;
	int64_t missing = w->now - since;
	if (missing >= w->settings->build.max_unsupported_s * 1000) {
		end->state = BUILD_UNSUPPORTED;
		return 0;
	}
	int64_t in = missing < ABSENT_FIRST_MS ? ABSENT_FIRST_MS : missing;
	end->not_before = w->now + (in < ABSENT_MAX_MS ? in : ABSENT_MAX_MS);
	end->state = BUILD_QUEUED;
	end->reason = arena_printf(w->a, "waiting for a machine: %s", end->reason != NULL ? end->reason : "");
	return 0;
}

static int
try_again(const struct judging *w, struct build_end *end, bool *ret_retried, struct err *e)
{
	int64_t attempts;

	if (w->it->built != NULL && w->it->built->absent)
		return wait_for_machine(w, end, e);
	if (store_build_attempts(w->s, w->it->id, &attempts, e) != 0)
		return -1;
	if (attempts <= w->settings->build.retries) {
		end->not_before = w->now + retry_delay_ms(attempts);
		end->state = BUILD_QUEUED;
		*ret_retried = true;
	}
	return 0;
}

/* A builder that may use the network has failed. A server may have been away for a moment, so it is tried once more; that end is
 * a failure like any other: whoever waits for a source that is gone waits for nothing. */
static int
try_once_more(const struct judging *w, struct build_end *end, bool *ret_retried, struct err *e)
{
	int64_t attempts;

	if (!w->it->built->may_pass || w->settings->build.retries == 0)
		return 0;
	if (store_build_attempts(w->s, w->it->id, &attempts, e) != 0)
		return -1;
	if (attempts > 1)
		return 0;
	end->not_before = w->now + ONCE_MORE_MS;
	end->state = BUILD_QUEUED;
	end->reason = "its builder, which may use the network, failed: tried once more";
	*ret_retried = true;
	return 0;
}

static enum build_alike
alike(const struct built *b)
{
	return b->deterministic < 0 ? BUILD_NOT_COMPARED : b->deterministic ? BUILD_ALIKE : BUILD_NOT_ALIKE;
}

int
retry_judge(struct store *s, const struct settings *settings, struct arena *a, const struct ended *it, int64_t now,
    struct build_end *ret, bool *ret_retried, struct err *e)
{
	const struct judging w = {s, settings, a, it, now};
	const struct built *b = it->built;
	struct build_end end = {.state = retry_state(it), .reason = reason_of(it), .alike = BUILD_NOT_COMPARED};
	int rc = 0;

	*ret_retried = false;
	if (b != NULL) {
		end.tail = b->tail;
		end.phase = b->phase;
		end.wall_ms = b->wall_ms;
		end.alike = alike(b);
		end.marked = b->marked;
	}
	if (end.state == BUILD_INFRASTRUCTURE)
		rc = try_again(&w, &end, ret_retried, e);
	else if (end.state == BUILD_FAILED)
		rc = try_once_more(&w, &end, ret_retried, e);
	*ret = end;
	return rc;
}
