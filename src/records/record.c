/* Records of a stage, written whole, and read by their type. */
#include "records/record.h"

#include "support/base/clock.h"

#include <errno.h>
#include <unistd.h>

enum { MAX_AT = 512 }; /* bytes of an attribute's path that somebody is shown for a moment */

#define OF struct progress
static const struct field progress_members[] = {
    {TEXT(what), .required = true},
    {INT(done)},
    {INT(total), .otherwise = -1, .left_out = true},
    {TEXT(at), .left_out = true, .about = "what came last"},
};
const struct fields progress_fields = FIELDS("progress", "progress", struct progress, progress_members);
#undef OF

struct progress *
progress_copy(struct arena *a, const struct progress *of)
{
	struct progress *ret = arena_dup(a, of, sizeof(*of));

	_Static_assert(sizeof(*of) == 2 * sizeof(char *) + 2 * sizeof(int64_t), "a new text is copied here, too");
	ret->what = arena_strdup(a, of->what);
	ret->at = of->at != NULL ? arena_strdup(a, of->at) : NULL;
	return ret;
}

#define OF struct stage_end
static const struct field stage_end_members[] = {
    {INT(outside_ms), .about = "wall clock spent in programs that the stage ran"},
};
const struct fields stage_end_fields = FIELDS("end", "end", struct stage_end, stage_end_members);
#undef OF

#define OF struct stage_error
static const struct field stage_error_members[] = {
    {TEXT(kind), .required = true, .about = "of support/base/err.h"},
    {TEXT(message), .required = true},
    {TEXT(at), .about = "file and line of ours"},
};
const struct fields stage_error_fields = FIELDS("error", "error", struct stage_error, stage_error_members);
#undef OF

static void
write_line(struct record_out *out, struct buf *line)
{
	buf_putc(line, '\n');
	for (size_t done = 0; done < line->n && !out->broken;) {
		ssize_t n = write(out->fd, line->p + done, line->n - done);
		if (n < 0 && errno != EINTR)
			out->broken = true;
		if (n > 0)
			done += (size_t)n;
	}
}

int
record_put(struct record_out *out, const struct fields *of, const void *rec, struct err *e)
{
	AUTO(buf_release) struct buf line;

	buf_init(&line, SIZE_MAX / 4);
	if (fields_write(of, rec, &line, e) != 0)
		return -1;
	write_line(out, &line);
	return 0;
}

void
record_progress_at(struct record_out *out, const char *what, int64_t done, int64_t total, struct str names)
{
	struct progress rec = {what, done, total, NULL};
	int64_t now = clock_mono_ms();
	AUTO(buf_release) struct buf at = {0};
	struct arena a = {0};
	struct str name, rest;
	struct err ignored;

	if (out->progress_ms != 0 && now - out->progress_ms < 100)
		return;
	out->progress_ms = now;
	buf_init(&at, MAX_AT);
	for (name = str_cut(names, '\0', &rest); rest.p != NULL; name = str_cut(rest, '\0', &rest)) {
		buf_puts(&at, at.n > 0 ? "." : "");
		buf_str(&at, name);
	}
	if (at.n > 0)
		rec.at = fields_clean(&a, buf_get(&at));
	(void)!record_put(out, &progress_fields, &rec, &ignored);
	arena_release(&a);
}

void
record_progress(struct record_out *out, const char *what, int64_t done, int64_t total)
{
	record_progress_at(out, what, done, total, (struct str){0});
}

const void *
record_next(const struct records *all, const struct fields *of, size_t *at)
{
	while (*at < all->n)
		if (all->p[(*at)++].of == of)
			return all->p[*at - 1].is;
	return NULL;
}

const void *
record_find(const struct records *all, const struct fields *of)
{
	size_t at = 0;

	return record_next(all, of, &at);
}
