/* How pages say things. */
#include "web/show.h"

#include "records/fields.h"
#include "store/run.h"
#include "support/text/escape.h"

#include <inttypes.h>
#include <string.h>
#include <time.h>

enum { MAX_REVOKED = 32 /* revocations that are looked back on */ };

const char *
show_utc(struct arena *a, int64_t ms)
{
	time_t t = (time_t)(ms / 1000);
	struct tm tm;
	char text[64];

	if (ms <= 0 || gmtime_r(&t, &tm) == NULL || strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S UTC", &tm) == 0)
		return "";
	return arena_strdup(a, text);
}

const char *
show_duration(struct arena *a, int64_t ms)
{
	int64_t s = ms / 1000;

	if (ms <= 0)
		return "";
	if (s < 60)
		return arena_printf(a, "%" PRId64 ".%" PRId64 " s", s, ms % 1000 / 100);
	if (s < 3600)
		return arena_printf(a, "%" PRId64 " min %" PRId64 " s", s / 60, s % 60);
	return arena_printf(a, "%" PRId64 " h %" PRId64 " min", s / 3600, s % 3600 / 60);
}

const char *
show_bytes(struct arena *a, int64_t n)
{
	static const char *const units[] = {"kB", "MB", "GB"};
	double v = (double)n / 1000;
	size_t i = 0;

	if (n < 1000)
		return arena_printf(a, "%" PRId64 " byte%s", n, n == 1 ? "" : "s");
	for (; v >= 1000 && i + 1 < COUNT(units); i++)
		v /= 1000;
	return arena_printf(a, v < 10 ? "%.1f %s" : "%.0f %s", v, units[i]);
}

const char *
show_words(struct arena *a, const char *s)
{
	char *t = arena_strdup(a, s != NULL ? s : "");

	for (char *c = t; *c != '\0'; c++)
		*c = *c == '_' ? ' ' : *c >= 'A' && *c <= 'Z' ? (char)(*c + 32) : *c;
	return t;
}

const char *
show_tone(const char *word)
{
	static const struct {
		const char *word, *tone;
	} tones[] = {{"success", "good"}, {"failure", "bad"}, {"FAILED", "bad"}, {"action_required", "warn"},
	    {"SUPERSEDED", "calm"}, {"CANCELLED", "calm"}, {"cancelled", "calm"}, {"neutral", "calm"}, {"skipped", "calm"},
	    {"DONE", "calm"}};

	for (size_t i = 0; word != NULL && i < COUNT(tones); i++)
		if (strcmp(tones[i].word, word) == 0)
			return tones[i].tone;
	return word != NULL ? "busy" : "calm";
}

void
show_text(struct values *o, const char *key, const char *value)
{
	values_text(o, key, value != NULL ? fields_clean(o->a, str_of(value)) : "");
}

const char *
show_clean(struct arena *a, const char *text)
{
	return text != NULL ? fields_clean(a, str_of(text)) : NULL;
}

bool
show_may_see(struct page *p, const struct view_repository *repo, int64_t number)
{
	const struct link_of of = {repo->id, repo->links, number};

	return !repo->gone && (!repo->private || link_ok(p->w->links, &of, p->key));
}

bool
show_was_revoked(struct page *p, const struct view_repository *repo, int64_t number)
{
	struct link_of of = {repo->id, repo->links, number};

	if (p->key == NULL || repo->gone)
		return false;
	for (int i = 0; i < MAX_REVOKED && of.revoked > 0; i++) {
		of.revoked--;
		if (link_ok(p->w->links, &of, p->key))
			return true;
	}
	return false;
}

const char *
show_suffix(struct page *p, const struct view_repository *repo, int64_t number)
{
	const struct link_of of = {repo->id, repo->links, number};

	return repo->private ? link_suffix(p->a, p->w->links, &of) : "";
}

const char *
show_path(struct page *p, const struct view_run *r, const char *path)
{
	return arena_printf(p->a, "%s%s", path, show_suffix(p, &r->repository, r->number));
}

const char *
show_of(struct arena *a, const struct view_run *r)
{
	if (r->number == RUN_OF_BRANCH)
		return r->base_ref;
	return r->number > 0 ? arena_printf(a, "#%" PRId64, r->number)
	                     : arena_printf(a, "#%" PRId64 " in the merge queue", -r->number);
}

const char *
show_stem(struct arena *a, const char *drv)
{
	const char *slash = strrchr(drv, '/');
	struct str s = str_of(slash != NULL ? slash + 1 : drv);

	if (str_ends(s, STR(".drv")))
		s.n -= 4;
	return str_dup(a, s);
}
