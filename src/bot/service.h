/*
 * service - the bot as systemd knows it: that it is ready, reloads, stops, lives; and settings that change while it runs.
 *
 * SIGHUP has the settings read again. A file with a mistake is refused, with its place in the log and in systemctl's status, and
 * everything goes on as it was. What is used only at the start (config_at_start) stays, and the log says that it waits for the next start.
 */
#ifndef EKACI_BOT_SERVICE_H
#define EKACI_BOT_SERVICE_H

#include "config/config.h"
#include "support/os/loop.h"

struct service;

struct service_parts {
	struct loop *loop;
	struct settings *live; /* the ones that everybody reads; changed in place, between callbacks */
	const char *config;    /* their file */
	/* The settings have changed. */
	void (*changed)(void *ctx);
	/* What is going on, for people, in a: "2 runs under way, 3 builds at work". */
	const char *(*doing)(void *ctx, struct arena *a);
	void *ctx;
};

struct service *service_new(const struct service_parts *parts);
/* It listens: systemd is told, and from now on that it lives. */
void service_ready(struct service *s);
void service_stopping(void);
/* Before loop_free; what others may still read of the settings goes with the loop. NULL is fine. */
void service_free(struct service *s);

#endif
