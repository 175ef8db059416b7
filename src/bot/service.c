/* Ready, alive, settings read again. */
#include "bot/service.h"

#include "support/base/clock.h"
#include "support/base/log.h"
#include "support/os/notify.h"

#include <string.h>

enum { STATUS_MS = 10 * 1000 };

struct service {
	struct service_parts p;
	struct loop_timer *alive;
	struct arena a; /* of all settings read so far: whoever took a text of older ones still has it */
	char said[256];
};

/* systemctl status shows it. */
static void
say_doing(struct service *s)
{
	struct arena a = {0};
	const char *doing = s->p.doing(s->p.ctx, &a);

	if (strncmp(doing, s->said, sizeof(s->said) - 1) != 0) {
		struct str head = str_utf8_head(str_of(doing), sizeof(s->said) - 1);
		memcpy(s->said, head.p, head.n);
		s->said[head.n] = '\0';
		notify_say("STATUS=%s", s->said);
	}
	arena_release(&a);
}

/* From a timer of the loop: a loop that hangs does not say it. */
static void
on_alive(void *ctx)
{
	struct service *s = ctx;
	int64_t wanted = notify_watchdog_ms();

	if (wanted > 0)
		notify_say("WATCHDOG=1");
	say_doing(s);
	loop_timer_set(s->alive, wanted > 0 && wanted < STATUS_MS ? wanted : STATUS_MS);
}

static void
adopt(struct service *s, const struct settings *fresh)
{
	size_t changed = 0, waiting = 0;
	const struct config_key *k;

	for (size_t i = 0; (k = config_key_at(i)) != NULL; i++) {
		if (config_same(k, s->p.live, fresh))
			continue;
		if (config_at_start(k)) {
			waiting++;
			log_warn("[%s] %s has changed, which takes effect when ekaci is started again", k->section, k->name);
			continue;
		}
		changed++;
		config_adopt(k, s->p.live, fresh);
		log_info("[%s] %s has changed", k->section, k->name);
	}
	if (waiting == 0 && !config_same_hosts(s->p.live, fresh)) {
		waiting++;
		log_warn("[[github]] has changed, which takes effect when ekaci is started again");
	}
	log_event(LOG_INFO, "settings read again", LOG_TEXT("file", s->p.config), LOG_NUMBER("changed", (int64_t)changed),
	    LOG_NUMBER("wait_for_restart", (int64_t)waiting));
	s->p.changed(s->p.ctx);
}

static void
on_hangup(void *ctx)
{
	struct service *s = ctx;
	struct settings fresh;
	struct err e;

	notify_reloading();
	if (config_load(&s->a, s->p.config, &fresh, &e) == 0) {
		adopt(s, &fresh);
		s->said[0] = '\0';
		notify_say("READY=1");
		say_doing(s);
		return;
	}
	log_error("the settings stay as they are: %s", e.msg);
	s->said[0] = '\0';
	notify_say("READY=1\nSTATUS=The settings were not read again: %s", e.msg);
}

struct service *
service_new(const struct service_parts *parts)
{
	struct service *s = mem_alloc(sizeof(*s));

	s->p = *parts;
	s->alive = loop_timer_new(parts->loop, "alive", on_alive, s);
	loop_on_hangup(parts->loop, on_hangup, s);
	return s;
}

void
service_ready(struct service *s)
{
	notify_say("READY=1");
	on_alive(s);
}

void
service_stopping(void)
{
	notify_say("STOPPING=1\nSTATUS=Stopping");
}

static void
release(void *ctx)
{
	struct service *s = ctx;

	arena_release(&s->a);
	mem_free(&s);
}

void
service_free(struct service *s)
{
	if (s == NULL)
		return;
	loop_timer_free(s->alive);
	loop_put_off(s->p.loop, release, s);
}
