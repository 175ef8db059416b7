/* One line that moves, or a few that stay. */
#include "cli/progress.h"

#include "nix/drv.h"
#include "support/base/clock.h"
#include "support/text/escape.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum {
	SAY_FIRST_MS = 10 * 1000, /* without a terminal: until builds are mentioned for the first time */
	SAY_MS = 60 * 1000,       /* and then between two lines */
	BAR = 20,                 /* columns */
	COLUMNS = 79              /* more would begin a second line, which cannot be taken back */
};

static void
show(struct progress_line *p, const char *text)
{
	size_t n = strlen(text);

	if (!p->terminal)
		return;
	fprintf(stderr, "\r%s%*s", text, n < p->shown ? (int)(p->shown - n) : 0, "");
	fflush(stderr);
	p->shown = n;
}

void
progress_doing(struct progress_line *p, const char *doing)
{
	p->doing = doing;
	p->begun_ms = clock_mono_ms();
	show(p, doing);
}

void
progress_show(struct progress_line *p, const struct progress *is)
{
	int64_t ms = clock_mono_ms() - p->begun_ms;
	double rate = ms > 0 ? (double)is->done * 1000.0 / (double)ms : 0;
	struct arena a = {0};
	char bar[BAR + 1];
	const char *line;

	if (is->total > 0 && is->done <= is->total) {
		size_t full = (size_t)(is->done * BAR / is->total);
		for (size_t i = 0; i < BAR; i++)
			bar[i] = i < full ? '#' : '.';
		bar[BAR] = '\0';
		line = arena_printf(&a, "%s [%s] %" PRId64 " of %" PRId64 ", %.0f/s, %.0f s left", p->doing, bar, is->done,
		    is->total, rate, rate > 0 ? (double)(is->total - is->done) / rate : 0.0);
	} else if (is->done > 0) {
		line = arena_printf(&a, "%s: %" PRId64 ", %.0f/s", p->doing, is->done, rate);
	} else {
		line = p->doing;
	}
	if (is->at != NULL)
		line = arena_printf(&a, "%s, %s", line, escape_dup(&a, ESCAPE_TERMINAL, str_of(is->at)));
	show(p, str_dup(&a, str_utf8_head(str_of(line), COLUMNS)));
	arena_release(&a);
}

/* A line that stays, above the one that moves. */
static void
say(struct progress_line *p, const char *text)
{
	progress_clear(p);
	fprintf(stderr, "ekaci: %s\n", text);
	p->said_ms = clock_mono_ms();
}

void
progress_building(struct progress_line *p, const char *doing)
{
	p->doing = doing;
	p->begun_ms = clock_mono_ms();
	p->said_ms = clock_mono_ms() - SAY_MS + SAY_FIRST_MS;
}

static const char *
span(struct arena *a, int64_t ms)
{
	return ms < 60 * 1000 ? arena_printf(a, "%" PRId64 " s", (ms + 999) / 1000)
	                      : arena_printf(a, "%" PRId64 " min", ms / 60000);
}

/* Why something waits is said once, in a line of its own. */
static void
say_why(struct progress_line *p, struct arena *a, const struct schedule_now *now)
{
	if (now->waiting == 0 || now->why == NULL || (p->why != NULL && strcmp(p->why, now->why) == 0))
		return;
	mem_free(&p->why);
	p->why = mem_strdup(now->why);
	say(p, arena_printf(a, "%zu %s: %s", now->waiting, now->waiting == 1 ? "build waits" : "builds wait", now->why));
}

void
progress_builds(struct progress_line *p, const struct schedule *q, int64_t open, int64_t total)
{
	struct arena a = {0};
	struct schedule_now now = schedule_now(q, &a);
	int64_t ms = clock_mono_ms() - p->begun_ms, done = total - open;
	const char *line = arena_printf(&a, "%s: %" PRId64 " of %" PRId64 " to go", p->doing, open, total);

	if (done > 0 && open > 0)
		line = arena_printf(&a, "%s, %.1f/min", line, (double)done * 60000.0 / (double)(ms > 0 ? ms : 1));
	say_why(p, &a, &now);
	if (now.waiting > 0)
		line = arena_printf(&a, "%s, %zu waiting for another %s", line, now.waiting, span(&a, now.wait_ms));
	if (now.building > 1)
		line = arena_printf(&a, "%s, %zu at work", line, now.building);
	if (now.longest != NULL && (p->terminal || now.longest_ms >= SAY_FIRST_MS))
		line = arena_printf(&a, "%s, " STR_FMT " for %s", line, STR_ARG(drv_name(str_of(now.longest))),
		    span(&a, now.longest_ms));
	if (p->terminal)
		show(p, str_dup(&a, str_utf8_head(str_of(line), COLUMNS)));
	else if (clock_mono_ms() - p->said_ms >= SAY_MS)
		say(p, line);
	arena_release(&a);
}

void
progress_clear(struct progress_line *p)
{
	show(p, "");
	if (p->terminal)
		fputc('\r', stderr);
}

void
progress_release(struct progress_line *p)
{
	mem_free(&p->why);
}
