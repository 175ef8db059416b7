/* Waking and waiting. */
#include "forge/github/client.h"

#include "support/base/clock.h"
#include "support/base/map.h"

int64_t
client_backoff(int64_t first_ms, int64_t longest_ms, int64_t attempts)
{
	int64_t ms = clock_backoff_ms(first_ms, longest_ms, attempts);

	/* Up to a fifth more. */
	int64_t now = clock_mono_ns();
	return ms + (int64_t)(map_hash(&now, sizeof(now)) % (uint64_t)(ms / 5 + 1));
}

void
client_wake(struct client *c)
{
	if (c->stopping)
		return;
	c->woken = true;
	loop_timer_set(c->timer, 0);
}
