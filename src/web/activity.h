/* activity - what is going on, as whoever knows tells the first page. */
#ifndef EKACI_WEB_ACTIVITY_H
#define EKACI_WEB_ACTIVITY_H

#include <stddef.h>
#include <stdint.h>

/* Machines that build, and builds that wait. */
struct web_machine {
	const char *name, *systems;
	int64_t running, slots, out_ms;
};
struct web_now {
	struct web_machine *machines;
	size_t n_machines;
	int64_t open, ready, building;
	const char *why; /* nothing is begun, or it waits; or NULL */
};

#endif
