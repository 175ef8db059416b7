/* Errors that are not the repository's. */
#include "evaluate/doubts.h"

#include "nix/saying.h"
#include "records/list.h"

#include <stdio.h>

enum {
	SHOWN_NAMES = 5,  /* of attributes that could not be told, */
	NAME_BYTES = 1000 /* each cut here */
};

static void
add_row_name(struct str key, size_t depth, struct buf *out)
{
	for (size_t i = 0; i < depth; i++) {
		struct str part = str_cut(key, '\0', &key);
		bool quote = part.n == 0 || memchr(part.p, '.', part.n) != NULL;
		buf_printf(out, "%s%s" STR_FMT "%s", i > 0 ? "." : "", quote ? "\"" : "", STR_ARG(str_utf8_head(part, 100)),
		    quote ? "\"" : "");
	}
}

/* A fork's evaluation has no network. What base fetches it would have. */
static bool
base_would_have(const struct evaluating *r, const struct unknown *u)
{
	return r->fetches != NULL && r->fetch == FETCH_NEVER && (u->kind == UNKNOWN_FETCH || u->kind == UNKNOWN_STORE);
}

static void
put_advice(const struct evaluating *r, const struct unknown *u, struct buf *out)
{
	if (base_would_have(r, u))
		buf_puts(out, "the base branch has not fetched it, and only an approved change may");
	else
		unknown_advice(u, r->own != NULL ? UNKNOWN_FOR_USER : UNKNOWN_FOR_BOT, out);
}

/* What text says, when it is something that may not or cannot be had here. */
static bool
is_unknown(const struct gitlinks *g, struct str text, bool pure, struct unknown *ret)
{
	if (unknown_of(text, ret) && unknown_counts(ret, pure))
		return true;
	const char *path = gitlinks_in(g, text);
	if (path == NULL)
		return false;
	struct str words = saying_last(text), rest;
	*ret = (struct unknown){.kind = UNKNOWN_SUBMODULE};
	snprintf(ret->name, sizeof(ret->name), "%.150s", path);
	snprintf(ret->words, sizeof(ret->words), STR_FMT, STR_ARG(str_utf8_head(str_trim(str_cut(words, '\n', &rest)), 400)));
	return true;
}

/* Where the root itself cannot be had nothing is known: incomplete, whatever was said before. */
static bool
judge_root(struct evaluating *r, const struct gitlinks *g, bool pure, struct eval_rows *rows)
{
	AUTO(buf_release) struct buf advice = {0};
	struct unknown *u = &rows->root;

	if (!unknown_counts(u, pure) && !is_unknown(g, str_of(rows->reason), pure, u))
		return false;
	buf_init(&advice, 1024);
	put_advice(r, u, &advice);
	r->unknown = true;
	rows->incomplete = false;
	eval_rows_incomplete(rows, "the root does not evaluate: %s\n" STR_FMT, u->words, STR_ARG(buf_get(&advice)));
	return base_would_have(r, u);
}

struct error_row {
	const char *error;
};
#define OF struct error_row
static const struct field error_row_members[] = {{TEXT(error)}};
#undef OF
static const struct fields error_row_fields = FIELDS("row", NULL, struct error_row, error_row_members);

/* The words of a row. */
static struct str
error_of(struct eval_rows *rows, const struct eval_row *one)
{
	struct error_row row = {0};
	struct err ignored;

	return fields_read(&error_row_fields, &rows->a, one->line, "row", &row, &ignored) == 0 ? str_of(row.error) : STR("");
}

/* Rows of which it could not be told here what they are: marked, counted, and the first one's words kept. */
static bool
judge_rows(struct evaluating *r, const struct gitlinks *g, bool pure, struct eval_rows *rows)
{
	AUTO(buf_release) struct buf advice = {0};
	struct untold_attrs *untold = arena_alloc(&rows->a, sizeof(*untold));
	struct unknown u, first = {.kind = UNKNOWN_NOT};
	bool missed = false;
	size_t n = 0;

	for (size_t i = 0; i < rows->all.n; i++) {
		const struct eval_row *one = &rows->all.p[i];
		AUTO(buf_release) struct buf name = {0};
		/* The line as it stands is cheap to look through. */
		if (!one->error || !is_unknown(g, one->line, pure, &u) || !is_unknown(g, error_of(rows, one), pure, &u))
			continue;
		if (n++ == 0)
			first = u;
		missed = missed || base_would_have(r, &u);
		eval_rows_mark_unknown(rows, i);
		if (n > SHOWN_NAMES)
			continue;
		buf_init(&name, NAME_BYTES);
		add_row_name(one->key, one->depth, &name);
		list_add(&rows->a, &untold->names, fields_clean(&rows->a, buf_get(&name)));
	}
	if (n == 0)
		return false;
	buf_init(&advice, 1024);
	put_advice(r, &first, &advice);
	untold->count = (int64_t)n;
	untold->words = fields_clean(&rows->a, str_of(first.words));
	untold->advice = fields_clean(&rows->a, buf_get(&advice));
	r->untold = untold;
	return missed;
}

/* What may not or cannot be had here is unknown, and no failure of the attribute. */
void
doubts_judge(struct evaluating *r, const struct gitlinks *g, struct eval_rows *rows)
{
	bool pure = r->job.job->flake != NULL;
	bool missed = rows->incomplete ? judge_root(r, g, pure, rows) : judge_rows(r, g, pure, rows);

	if (missed)
		fetches_forget(r->fetches);
}
