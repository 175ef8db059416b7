/* Two values beside each other. */
#include "web/beside.h"

#include <inttypes.h>
#include <string.h>

enum {
	MAX_CELLS = 250000, /* of tokens compared with each other: a millisecond */
	KEPT_LINES = 3,     /* of what is alike, before and behind what differs */
	KEPT_WORDS = 12,
	LONG_BYTES = 1200, /* what is longer than this, or has more lines, is folded */
	LONG_LINES = 16
};

/* Lines with their newline, or words with the blanks behind them. */
typedef VEC(struct str) tokens_t;

struct column {
	struct value_list *list;
	struct str text; /* what is not put yet; grows while what comes is of its kind */
	bool marked;
	size_t n, lines; /* that are shown: bytes, and ends of lines */
};

struct comparing {
	struct arena *a;
	struct column of[2];
	bool by_lines;
};

static void
split(struct str s, bool by_lines, tokens_t *ret)
{
	for (size_t at = 0, end; at < s.n; at = end) {
		end = at;
		while (end < s.n && (by_lines ? s.p[end] != '\n' : s.p[end] != ' '))
			end++;
		while (end < s.n && (by_lines ? end == at || s.p[end - 1] != '\n' : s.p[end] == ' '))
			end++;
		vec_push(ret, ((struct str){s.p + at, end - at}));
	}
}

static void
flush(struct comparing *c, struct column *s, const char *skipped)
{
	if (s->text.n > 0) {
		struct values *o = values_new(c->a);
		values_text(o, "part", str_dup(c->a, s->text));
		values_flag(o, "marked", s->marked);
		values_text(o, "skipped", "");
		value_list_group(s->list, o);
	}
	s->text = (struct str){0};
	if (skipped != NULL) {
		struct values *o = values_new(c->a);
		values_text(o, "part", "");
		values_flag(o, "marked", false);
		values_text(o, "skipped", skipped);
		value_list_group(s->list, o);
	}
}

/* text follows what was put before in the same value, unless something was left away. */
static void
put(struct comparing *c, struct column *s, struct str text, bool marked)
{
	if (text.n == 0)
		return;
	if (s->marked != marked || s->text.n == 0 || s->text.p + s->text.n != text.p)
		flush(c, s, NULL);
	s->text = s->text.n > 0 ? (struct str){s->text.p, s->text.n + text.n} : text;
	s->marked = marked;
	s->n += text.n;
	for (size_t i = 0; i < text.n; i++)
		s->lines += text.p[i] == '\n';
}

static bool
within_character(char c)
{
	return ((unsigned char)c & 0xc0) == 0x80;
}

/* Two that stand for each other: only what lies between a beginning and an end that are alike is marked. */
static void
put_pair(struct comparing *c, struct str base, struct str head)
{
	size_t least = base.n < head.n ? base.n : head.n, front = 0, back = 0;

	while (front < least && base.p[front] == head.p[front])
		front++;
	while (front > 0 &&
	       ((front < base.n && within_character(base.p[front])) || (front < head.n && within_character(head.p[front]))))
		front--;
	while (back < least - front && base.p[base.n - 1 - back] == head.p[head.n - 1 - back])
		back++;
	while (back > 0 && (within_character(base.p[base.n - back]) || within_character(head.p[head.n - back])))
		back--;
	for (int i = 0; i < 2; i++) {
		struct str s = i == 0 ? base : head;
		put(c, &c->of[i], (struct str){s.p, front}, false);
		put(c, &c->of[i], (struct str){s.p + front, s.n - front - back}, true);
		put(c, &c->of[i], (struct str){s.p + s.n - back, back}, false);
	}
}

/* What only the two sides have between what both have. */
static void
put_changed(struct comparing *c, const struct str *base, size_t n_base, const struct str *head, size_t n_head)
{
	size_t both = n_base == n_head ? n_base : 0;

	for (size_t i = 0; i < both; i++)
		put_pair(c, base[i], head[i]);
	for (size_t i = both; i < n_base; i++)
		put(c, &c->of[0], base[i], true);
	for (size_t i = both; i < n_head; i++)
		put(c, &c->of[1], head[i], true);
}

/* What both have, without its middle. first, last: nothing that differs stands before it, or behind. */
static void
put_alike(struct comparing *c, const struct str *base, const struct str *head, size_t n, bool first, bool last)
{
	size_t kept = c->by_lines ? KEPT_LINES : KEPT_WORDS, front = first ? 0 : kept, back = last ? 0 : kept;
	bool whole = n <= front + back + 2;

	for (size_t i = 0; i < n; i++) {
		if (whole || i < front || i >= n - back) {
			put(c, &c->of[0], base[i], false);
			put(c, &c->of[1], head[i], false);
		} else if (i == front) {
			const char *skipped =
			    arena_printf(c->a, "%zu %s alike", n - front - back, c->by_lines ? "lines" : "words");
			flush(c, &c->of[0], skipped);
			flush(c, &c->of[1], skipped);
		}
	}
}

/* Lengths of the longest common parts from each place on; NULL when there are too many places. */
static uint16_t *
common_lengths(struct arena *a, const struct str *base, size_t n_base, const struct str *head, size_t n_head)
{
	size_t wide = n_head + 1;

	if (n_base == 0 || n_head == 0 || n_base > UINT16_MAX || n_head > UINT16_MAX || (n_base + 1) * wide > MAX_CELLS)
		return NULL;
	uint16_t *length = arena_alloc(a, (n_base + 1) * wide * sizeof(*length));
	memset(length, 0, (n_base + 1) * wide * sizeof(*length));
	for (size_t i = n_base; i-- > 0;)
		for (size_t k = n_head; k-- > 0;) {
			uint16_t down = length[(i + 1) * wide + k], right = length[i * wide + k + 1];
			length[i * wide + k] = str_eq(base[i], head[k]) ? (uint16_t)(length[(i + 1) * wide + k + 1] + 1)
			                       : down > right           ? down
			                                                : right;
		}
	return length;
}

/* The middle, which begins and ends with something that differs. */
static void
put_middle(struct comparing *c, const struct str *base, size_t n_base, const struct str *head, size_t n_head)
{
	struct arena a = {0};
	const uint16_t *length = common_lengths(&a, base, n_base, head, n_head);
	size_t i = 0, k = 0, wide = n_head + 1;

	while (length != NULL && length[i * wide + k] > 0) {
		size_t i0 = i, k0 = k, n = 0;
		while (!str_eq(base[i], head[k]))
			length[(i + 1) * wide + k] >= length[i * wide + k + 1] ? i++ : k++;
		put_changed(c, base + i0, i - i0, head + k0, k - k0);
		while (i + n < n_base && k + n < n_head && str_eq(base[i + n], head[k + n]))
			n++;
		put_alike(c, base + i, head + k, n, false, false);
		i += n;
		k += n;
	}
	put_changed(c, base + i, n_base - i, head + k, n_head - k);
	arena_release(&a);
}

static void
compare(struct comparing *c, const tokens_t *base, const tokens_t *head)
{
	size_t front = 0, back = 0, least = base->n < head->n ? base->n : head->n;

	while (front < least && str_eq(base->p[front], head->p[front]))
		front++;
	while (back < least - front && str_eq(base->p[base->n - 1 - back], head->p[head->n - 1 - back]))
		back++;
	put_alike(c, base->p, head->p, front, true, false);
	put_middle(c, base->p + front, base->n - front - back, head->p + front, head->n - front - back);
	put_alike(c, base->p + base->n - back, head->p + head->n - back, back, false, true);
}

void
beside_put(struct arena *a, const char *base, const char *head, struct values *to)
{
	struct comparing c = {.a = a, .of = {{.list = value_list_new(a)}, {.list = value_list_new(a)}}};
	tokens_t tokens[2] = {{0}, {0}};

	c.by_lines = (base != NULL && strchr(base, '\n') != NULL) || (head != NULL && strchr(head, '\n') != NULL);
	split(str_of(base != NULL ? base : ""), c.by_lines, &tokens[0]);
	split(str_of(head != NULL ? head : ""), c.by_lines, &tokens[1]);
	compare(&c, &tokens[0], &tokens[1]);
	for (int i = 0; i < 2; i++) {
		flush(&c, &c.of[i], NULL);
		vec_release(&tokens[i]);
	}
	values_list(to, "base", c.of[0].list);
	values_list(to, "head", c.of[1].list);
	values_flag(to, "has_base", base != NULL);
	values_flag(to, "has_head", head != NULL);
	values_flag(to, "long",
	    c.of[0].n > LONG_BYTES || c.of[1].n > LONG_BYTES || c.of[0].lines > LONG_LINES || c.of[1].lines > LONG_LINES);
}
