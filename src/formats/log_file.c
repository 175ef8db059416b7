/* A build's log and its index. */
#include "formats/log_file.h"

#include "support/os/files.h"
#include "support/os/packed.h"
#include "support/text/escape.h"
#include "support/text/json.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

enum { CHUNK = 32 * 1024, HEAD = 512 /* of a line, to see what it is */, SAME_TROUBLE = 30 /* lines between errors */ };

struct log_block {
	int64_t newlines; /* before it */
	int64_t at;       /* in the file as it is kept */
};

/* --- writing --- */

struct log_writer {
	char *path;
	int fd, index;
	int64_t bytes, newlines;
	VEC(int64_t) blocks; /* newlines before each */
	VEC(struct log_phase) phases;
	bool (*is_error)(struct str line);
	int64_t error, last_error;
	bool sums_up, open_line;
	char head[HEAD];
	size_t n_head;
	VEC(int64_t) packed_at;
};

static int
put(int fd, struct str bytes, struct err *e)
{
	return files_put(fd, bytes) == 0 ? 0 : fail_sys(e, "cannot write the log");
}

static int
create(const char *path, int *ret, struct err *e)
{
	*ret = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0640);
	return *ret >= 0 ? 0 : fail_sys(e, "cannot create the log %s", path);
}

static const char *
index_of(struct arena *a, const char *path, bool packed)
{
	return arena_printf(a, "%s%s.index", path, packed ? ".zst" : "");
}

void
log_file_remove(const char *path)
{
	struct arena a = {0};

	packed_remove(path);
	(void)unlink(index_of(&a, path, false));
	(void)unlink(index_of(&a, path, true));
	arena_release(&a);
}

int
log_writer_new(const char *path, bool (*is_error)(struct str line), struct log_writer **ret, struct err *e)
{
	struct log_writer *w = mem_alloc(sizeof(*w));
	struct arena a = {0};

	*w = (struct log_writer){.path = mem_strdup(path), .fd = -1, .index = -1, .is_error = is_error};
	log_file_remove(path);
	int rc = create(path, &w->fd, e);
	if (rc == 0)
		rc = create(index_of(&a, path, false), &w->index, e);
	arena_release(&a);
	vec_push(&w->blocks, 0);
	if (rc != 0)
		log_writer_free(&w);
	else
		*ret = w;
	return rc;
}

void
log_writer_free(struct log_writer **at)
{
	struct log_writer *w = *at;

	if (w == NULL)
		return;
	fd_close(&w->fd);
	fd_close(&w->index);
	vec_release(&w->blocks);
	vec_release(&w->phases);
	vec_release(&w->packed_at);
	mem_free(&w->path);
	mem_free(&w);
	*at = NULL;
}

int64_t
log_writer_bytes(const struct log_writer *w)
{
	return w->bytes;
}

void
log_writer_sums_up(struct log_writer *w)
{
	w->sums_up = true;
}

static int note(int fd, struct err *e, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
static int
note(int fd, struct err *e, const char *fmt, ...)
{
	char line[LOG_PHASE_NAME + 96];
	va_list ap;

	va_start(ap, fmt);
	int n = vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	return put(fd, (struct str){line, n > 0 ? (size_t)n : 0}, e);
}

/* The name of the phase that a line announces; .p is NULL when it does not. A line of another shape is a line like any other. */
static struct str
phase_of(struct arena *a, struct str line)
{
	static const struct str running = {"Running phase: ", 15}, nix = {"@nix ", 5};
	AUTO(json_drop) json_t *said = NULL;
	struct str name = {0};
	struct err e;

	if (str_starts(line, running)) {
		name = str_trim(str_from(line, running.n));
	} else if (str_starts(line, nix) && json_read(str_from(line, nix.n), "@nix", &said, &e) == 0) {
		const char *phase = json_str(said, "phase", NULL);
		if (phase != NULL && strcmp(json_str(said, "action", ""), "setPhase") == 0)
			name = str_of(arena_strdup(a, phase));
	}
	if (name.n == 0 || name.n >= LOG_PHASE_NAME)
		return (struct str){0};
	for (size_t i = 0; i < name.n; i++)
		if (name.p[i] <= ' ' || name.p[i] >= 0x7f)
			return (struct str){0};
	return name;
}

static int
note_phase(struct log_writer *w, struct str name, int64_t line, struct err *e)
{
	const struct log_phase *last = w->phases.n > 0 ? &w->phases.p[w->phases.n - 1] : NULL;
	struct log_phase one = {.line = line};

	/* stdenv tells Nix, and then prints the same. */
	if (w->phases.n >= LOG_MAX_PHASES || (last != NULL && str_is(name, last->name) && line - last->line <= 2))
		return 0;
	memcpy(one.name, name.p, name.n);
	vec_reserve(&w->phases, w->phases.n + 1);
	if (w->phases.p != NULL) /* it is not, which analyzers do not see */
		w->phases.p[w->phases.n++] = one;
	return note(w->index, e, "phase %" PRId64 " %s\n", line, one.name);
}

/* The first of a run of errors is the cause; the last run is the one that counts. */
static void
look_for_error(struct log_writer *w, struct str line, int64_t number)
{
	if (w->sums_up || !w->is_error(line))
		return;
	if (w->error == 0 || number - w->last_error > SAME_TROUBLE)
		w->error = number;
	w->last_error = number;
}

static int
end_of_line(struct log_writer *w, struct err *e)
{
	struct arena a = {0};
	AUTO(buf_release) struct buf plain;
	int64_t number = ++w->newlines;

	buf_init(&plain, 4 * HEAD);
	escape_plain(&plain, (struct str){w->head, w->n_head});
	struct str line = buf_get(&plain), name = phase_of(&a, line);
	look_for_error(w, line, number);
	w->n_head = 0;
	int rc = name.p != NULL ? note_phase(w, name, number, e) : 0;
	arena_release(&a);
	return rc;
}

/* Bytes that are of one block. */
static int
take(struct log_writer *w, struct str bytes, struct err *e)
{
	int rc = 0;

	while (bytes.n > 0 && rc == 0) {
		const char *end = memchr(bytes.p, '\n', bytes.n);
		size_t n = end != NULL ? (size_t)(end - bytes.p) : bytes.n;
		size_t kept = n < HEAD - w->n_head ? n : HEAD - w->n_head;
		memcpy(w->head + w->n_head, bytes.p, kept);
		w->n_head += kept;
		w->open_line = end == NULL;
		if (end != NULL)
			rc = end_of_line(w, e);
		bytes = str_from(bytes, n + (end != NULL ? 1 : 0));
	}
	return rc;
}

int
log_writer_add(struct log_writer *w, struct str bytes, struct err *e)
{
	int rc = put(w->fd, bytes, e);

	while (bytes.n > 0 && rc == 0) {
		size_t left = LOG_BLOCK - (size_t)(w->bytes % LOG_BLOCK), n = bytes.n < left ? bytes.n : left;
		rc = take(w, (struct str){bytes.p, n}, e);
		w->bytes += (int64_t)n;
		bytes = str_from(bytes, n);
		if (n == left && rc == 0) {
			vec_push(&w->blocks, w->newlines);
			rc = note(w->index, e, "block %" PRId64 "\n", w->newlines);
		}
	}
	return rc;
}

int
log_writer_phase(struct log_writer *w, const char *name, struct err *e)
{
	AUTO(buf_release) struct buf line;

	buf_init(&line, 1024);
	buf_puts(&line,
	    w->open_line ? "\n@nix {\"action\":\"setPhase\",\"phase\":" : "@nix {\"action\":\"setPhase\",\"phase\":");
	json_quote(str_of(name), &line);
	buf_puts(&line, "}\n");
	return log_writer_add(w, buf_get(&line), e);
}

static int64_t
lines_of(const struct log_writer *w)
{
	return w->newlines + w->open_line;
}

static int
note_end(int fd, const struct log_writer *w, bool failed, struct err *e)
{
	if (failed && w->error != 0 && note(fd, e, "error %" PRId64 "\n", w->error) != 0)
		return -1;
	return note(fd, e, "end %" PRId64 " %" PRId64 "\n", lines_of(w), w->bytes);
}

static void
on_block(void *ctx, int64_t at)
{
	struct log_writer *w = ctx;

	vec_push(&w->packed_at, at);
}

/* The index of the compressed file stands before that does. */
static int
on_whole(void *ctx, struct err *e)
{
	struct log_writer *w = ctx;
	struct arena a = {0};
	AUTO(fd_close) int fd = -1;
	int rc = create(index_of(&a, w->path, true), &fd, e);

	for (size_t i = 0; rc == 0 && i < w->blocks.n && i < w->packed_at.n; i++)
		rc = note(fd, e, "block %" PRId64 " %" PRId64 "\n", w->blocks.p[i], w->packed_at.p[i]);
	for (size_t i = 0; rc == 0 && i < w->phases.n; i++)
		rc = note(fd, e, "phase %" PRId64 " %s\n", w->phases.p[i].line, w->phases.p[i].name);
	arena_release(&a);
	return rc == 0 ? note_end(fd, w, true, e) : rc;
}

int
log_writer_end(struct log_writer *w, bool failed, struct err *e)
{
	const struct packed_blocks how = {LOG_BLOCK, on_block, on_whole, w};
	struct arena a = {0};

	if (!failed)
		w->error = 0;
	if (note_end(w->index, w, failed, e) != 0)
		return -1;
	if (w->bytes <= LOG_PACKED)
		return 0;
	int rc = packed_pack_blocks(w->path, &how, e);
	(void)unlink(index_of(&a, w->path, rc != 0));
	arena_release(&a);
	return rc;
}

/* --- reading --- */

struct index_reading {
	VEC(struct log_block) blocks;
	VEC(struct log_phase) phases;
	bool packed;
};

/* The next number of a line of the index; -1 when there is none. */
static int64_t
number(struct str *rest)
{
	int64_t n;

	return rest->p != NULL && str_to_i64(str_cut(*rest, ' ', rest), &n) == 0 && n >= 0 ? n : -1;
}

static void
read_line(struct log_file *f, struct index_reading *r, struct str line)
{
	struct str rest, what = str_cut(line, ' ', &rest);
	int64_t n = number(&rest);

	if (n < 0)
		return;
	if (str_is(what, "block")) {
		/* The first block of a plain log is told by nobody. */
		int64_t at = r->packed ? number(&rest) : (int64_t)r->blocks.n * LOG_BLOCK;
		int64_t before = r->blocks.n > 0 ? r->blocks.p[r->blocks.n - 1].newlines : 0;
		if (at >= 0 && n >= before)
			vec_push(&r->blocks, ((struct log_block){n, at}));
	} else if (str_is(what, "phase") && rest.p != NULL && rest.n < LOG_PHASE_NAME && r->phases.n < LOG_MAX_PHASES) {
		struct log_phase one = {.line = n};
		memcpy(one.name, rest.p, rest.n);
		vec_push(&r->phases, one);
	} else if (str_is(what, "error")) {
		f->error = n;
	} else if (str_is(what, "end")) {
		f->lines = n;
		f->bytes = number(&rest);
		f->ended = true;
	}
}

static int
read_index(struct arena *a, const char *path, struct log_file *f)
{
	struct index_reading r = {.packed = packed_is_compressed(f->packed)};
	struct str text = {0}, line;
	struct err e;

	if (!r.packed)
		vec_push(&r.blocks, ((struct log_block){0, 0}));
	/* A line that is not whole is being written. */
	if (files_read(a, index_of(a, path, r.packed), LOG_INDEX_BYTES, &text, &e) == 0)
		while (line = str_cut(text, '\n', &text), text.p != NULL)
			read_line(f, &r, line);
	if (r.blocks.n == 0)
		vec_push(&r.blocks, ((struct log_block){0, 0}));
	f->blocks = arena_dup(a, r.blocks.p, r.blocks.n * sizeof(*r.blocks.p));
	f->n_blocks = r.blocks.n;
	f->phases = arena_dup(a, r.phases.p, r.phases.n * sizeof(*r.phases.p));
	f->n_phases = r.phases.n;
	vec_release(&r.blocks);
	vec_release(&r.phases);
	return 0;
}

/* The lines behind the last block that is known of. */
static int
count_rest(struct log_file *f, struct err *e)
{
	const struct log_block *last = &f->blocks[f->n_blocks - 1];
	int64_t left = LOG_UNINDEXED;
	char chunk[CHUNK], end = '\n';
	ssize_t n = 0;

	f->lines = last->newlines;
	if (packed_seek(f->packed, last->at, e) != 0)
		return -1;
	while (left > 0 && (n = packed_read(f->packed, chunk, sizeof(chunk))) > 0) {
		for (const char *at = chunk; (at = memchr(at, '\n', (size_t)(chunk + n - at))) != NULL; at++)
			f->lines++;
		end = chunk[n - 1];
		left -= n;
	}
	f->more = left <= 0;
	if (n < 0)
		return fail(e, ERR_SYSTEM, "the log is damaged");
	f->lines += end != '\n';
	return 0;
}

int
log_file_open(struct arena *a, const char *path, struct log_file *ret, struct err *e)
{
	struct log_file f = {.bytes = -1};
	struct stat st;

	if (packed_open(path, &f.packed, e) != 0)
		return -1;
	int rc = read_index(a, path, &f);
	if (rc == 0 && !f.ended) {
		if (!packed_is_compressed(f.packed) && fstat(packed_fd(f.packed), &st) == 0)
			f.bytes = st.st_size;
		rc = count_rest(&f, e);
	}
	if (rc != 0)
		log_file_close(&f);
	else
		*ret = f;
	return rc;
}

void
log_file_close(struct log_file *f)
{
	packed_close(&f->packed);
}

struct cursor {
	struct log_file *f;
	size_t block;   /* where reading began */
	int64_t passed; /* bytes read since */
	int64_t read;   /* in all */
	int64_t line;   /* that is read next */
	char chunk[CHUNK];
	size_t at, n;
	char text[LOG_LINE];
};

/* The last block before which fewer newlines stand than `newline`, so that one, counted from 1, is in it. */
static size_t
block_with(const struct log_file *f, int64_t newline)
{
	size_t low = 0, high = f->n_blocks;

	while (high - low > 1) {
		size_t mid = low + (high - low) / 2;
		if (f->blocks[mid].newlines < newline)
			low = mid;
		else
			high = mid;
	}
	return low;
}

static int
go_to(struct cursor *c, size_t block, struct err *e)
{
	c->block = block;
	c->passed = 0;
	c->at = c->n = 0;
	return packed_seek(c->f->packed, c->f->blocks[block].at, e);
}

/* Nothing of a line is shown any more, and it goes on for long: to the block in which it ends. */
static int
skip_far(struct cursor *c, struct err *e)
{
	size_t to = block_with(c->f, c->line);

	return to > c->block + (size_t)(c->passed / LOG_BLOCK) ? go_to(c, to, e) : 0;
}

/* 1 with a line, 0 at the end. */
static int
next_line(struct cursor *c, struct log_line *ret, struct err *e)
{
	size_t n = 0, over = 0;
	bool any = false;

	for (;;) {
		if (c->at == c->n) {
			if (over > 2 * LOG_BLOCK && skip_far(c, e) != 0)
				return -1;
			over = over > 2 * LOG_BLOCK ? 1 : over;
			ssize_t got = packed_read(c->f->packed, c->chunk, sizeof(c->chunk));
			if (got < 0)
				return fail(e, ERR_SYSTEM, "the log is damaged");
			if (got == 0 && !any)
				return 0;
			if (got == 0)
				break;
			c->at = 0;
			c->n = (size_t)got;
			c->passed += got;
			c->read += got;
		}
		const char *from = c->chunk + c->at, *end = memchr(from, '\n', c->n - c->at);
		size_t have = end != NULL ? (size_t)(end - from) : c->n - c->at,
		       kept = have < LOG_LINE - n ? have : LOG_LINE - n;
		memcpy(c->text + n, from, kept);
		n += kept;
		over += have - kept;
		any = true;
		c->at += have + (end != NULL ? 1 : 0);
		if (end != NULL)
			break;
	}
	*ret = (struct log_line){.number = c->line++, .text = {c->text, n}, .cut = over > 0};
	return 1;
}

int
log_file_lines(struct log_file *f, int64_t from, int64_t max_bytes, int (*fn)(void *ctx, const struct log_line *l), void *ctx,
    int64_t *ret_next, struct err *e)
{
	struct cursor *c = mem_alloc(sizeof(*c));
	struct log_line l;
	int64_t shown_at = -1;
	int rc, stop = 0;

	c->f = f;
	size_t block = block_with(f, from > 1 ? from - 1 : 0);
	c->line = f->blocks[block].newlines + 1;
	c->read = 0;
	rc = go_to(c, block, e) == 0 ? 1 : -1;
	/* A block begins amid a line: what is left of that one is not shown, it is one before `from`, unless it is the first. */
	while (rc > 0 && stop == 0 && (rc = next_line(c, &l, e)) > 0) {
		l.shown = l.number >= from;
		if (l.shown && shown_at < 0)
			shown_at = c->read;
		stop = fn(ctx, &l);
		if (stop == 0 && l.shown && c->read - shown_at >= max_bytes)
			stop = 1;
		if (shown_at < 0 && c->read > LOG_UNINDEXED) /* no index leads there */
			stop = 1;
	}
	*ret_next = rc > 0 && (c->line <= f->lines || f->more) && shown_at >= 0 ? c->line : 0;
	mem_free(&c);
	return rc < 0 ? -1 : 0;
}

int
log_file_seek(struct log_file *f, int64_t byte, struct err *e)
{
	size_t block = (size_t)(byte / LOG_BLOCK);
	char chunk[CHUNK];

	if (!packed_is_compressed(f->packed))
		return packed_seek(f->packed, byte, e);
	if (block >= f->n_blocks)
		block = f->n_blocks - 1;
	if (packed_seek(f->packed, f->blocks[block].at, e) != 0)
		return -1;
	for (int64_t left = byte - (int64_t)block * LOG_BLOCK; left > 0;) {
		ssize_t n = packed_read(f->packed, chunk, left < CHUNK ? (size_t)left : CHUNK);
		if (n <= 0)
			return fail(e, ERR_SYSTEM, "the log is damaged");
		left -= n;
	}
	return 0;
}
