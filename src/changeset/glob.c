/* Patterns become alternatives without braces, alternatives become segments, segments become tokens. */
#include "changeset/glob.h"

#include <string.h>

enum { MAX_SEGMENTS = 2048 }; /* of a path; as many as 4096 bytes can have */

enum token_type { TOKEN_BYTE, TOKEN_ANY, TOKEN_STAR, TOKEN_SET };

struct glob_token {
	enum token_type type;
	unsigned char byte;
	const uint64_t *set; /* four words, a bit a byte */
};

struct segment {
	bool globstar;
	struct str literal; /* when it holds nothing but bytes; else p is NULL */
	struct glob_token *tokens;
	size_t n;
};

/* Fixed bytes at an end of the path, as an integer: (first or last eight bytes & mask) == value. */
struct probe {
	uint64_t value, mask;
};

struct glob_alternative {
	struct probe head, tail;
	size_t min_bytes;
	struct segment *segments;
	size_t n;
	size_t id;
};

/* Past a bracket expression at s.p[i] == '['; 0 when it does not end. */
static size_t
skip_set(struct str s, size_t i)
{
	i++;
	if (i < s.n && (s.p[i] == '!' || s.p[i] == '^'))
		i++;
	for (bool first = true; i < s.n; i++, first = false) {
		if (s.p[i] == ']' && !first)
			return i + 1;
		if (s.p[i] == '\\')
			i++;
	}
	return 0;
}

/* Past the next unit of a pattern: an escape, a set, or a byte. */
static int
skip_unit(struct str s, size_t *i, struct err *e)
{
	if (s.p[*i] == '\\') {
		if (*i + 1 >= s.n)
			return fail(e, ERR_INPUT, "it ends in \"\\\", which escapes nothing");
		*i += 2;
		return 0;
	}
	if (s.p[*i] == '[') {
		*i = skip_set(s, *i);
		return *i != 0 ? 0 : fail(e, ERR_INPUT, "\"[\" without \"]\" (write \"\\[\" for the byte itself)");
	}
	*i += 1;
	return 0;
}

/* A brace group of s: open and close are the offsets of its brackets. 1 when there is none. */
static int
find_group(struct str s, size_t *ret_open, size_t *ret_close, struct err *e)
{
	size_t open = 0, depth = 0;

	for (size_t i = 0; i < s.n;) {
		if (s.p[i] == '{') {
			if (depth == 0)
				open = i;
			if (++depth > GLOB_MAX_DEPTH)
				return fail(e, ERR_INPUT, "braces nested more than %d deep", GLOB_MAX_DEPTH);
		} else if (s.p[i] == '}') {
			if (depth == 0)
				return fail(e, ERR_INPUT, "\"}\" without \"{\" (write \"\\}\" for the byte itself)");
			if (--depth == 0) {
				*ret_open = open;
				*ret_close = i;
				return 0;
			}
		}
		if (skip_unit(s, &i, e) != 0)
			return -1;
	}
	if (depth != 0)
		return fail(e, ERR_INPUT, "\"{\" without \"}\" (write \"\\{\" for the byte itself)");
	return 1;
}

typedef VEC(struct str) str_list;

static int
expand(struct arena *a, struct str s, str_list *out, struct err *e)
{
	size_t open = 0, close = 0, depth = 0;
	int rc = find_group(s, &open, &close, e);

	if (rc < 0)
		return -1;
	if (rc > 0) {
		if (out->n == GLOB_MAX_ALTERNATIVES)
			return fail(e, ERR_INPUT, "its braces make more than %d alternatives", GLOB_MAX_ALTERNATIVES);
		vec_push(out, s);
		return 0;
	}
	struct str rest = str_from(s, close + 1);
	for (size_t i = open + 1, from = i; i <= close;) {
		if (i == close || (s.p[i] == ',' && depth == 0)) {
			size_t n = i - from;
			char *one = arena_alloc(a, open + n + rest.n + 1);
			memcpy(one, s.p, open);
			memcpy(one + open, s.p + from, n);
			memcpy(one + open + n, rest.p, rest.n);
			if (expand(a, (struct str){one, open + n + rest.n}, out, e) != 0)
				return -1;
			from = ++i;
			continue;
		}
		depth += s.p[i] == '{';
		depth -= s.p[i] == '}';
		if (skip_unit(s, &i, e) != 0)
			return -1;
	}
	return 0;
}

static int
parse_set(struct arena *a, struct str s, size_t *i, struct glob_token *t, struct err *e)
{
	uint64_t *set = arena_alloc(a, 4 * sizeof(*set));
	size_t end = skip_set(s, *i), k = *i + 1;
	bool negated = s.p[k] == '!' || s.p[k] == '^';

	if (end == 0)
		return fail(e, ERR_INPUT, "\"[\" without \"]\" (write \"\\[\" for the byte itself)");
	k += negated;
	while (k < end - 1) {
		if (s.p[k] == '\\')
			k++;
		unsigned char from = (unsigned char)s.p[k++], to = from;
		if (k + 1 < end - 1 && s.p[k] == '-') {
			k += s.p[k + 1] == '\\' ? 2 : 1;
			to = (unsigned char)s.p[k++];
		}
		if (from > 127 || to > 127)
			return fail(e, ERR_INPUT, "a set in brackets with a character outside ASCII");
		if (to < from)
			return fail(e, ERR_INPUT, "the range %c-%c in brackets is empty", from, to);
		for (unsigned c = from; c <= to; c++)
			set[c / 64] |= UINT64_C(1) << (c % 64);
	}
	for (int w = 0; w < 4 && negated; w++)
		set[w] = ~set[w];
	set['/' / 64] &= ~(UINT64_C(1) << ('/' % 64));
	*t = (struct glob_token){.type = TOKEN_SET, .set = set};
	*i = end;
	return 0;
}

static int
parse_segment(struct arena *a, struct str s, struct segment *seg, struct err *e)
{
	size_t n_bytes = 0;

	if (s.n == 0)
		return fail(e, ERR_INPUT, "an empty segment (\"//\")");
	if (str_is(s, ".") || str_is(s, ".."))
		return fail(e, ERR_INPUT, "a segment \"" STR_FMT "\", which no path of a repository has", STR_ARG(s));
	*seg = (struct segment){.globstar = str_is(s, "**")};
	if (seg->globstar)
		return 0;
	seg->tokens = arena_alloc(a, s.n * sizeof(*seg->tokens));
	for (size_t i = 0; i < s.n;) {
		struct glob_token t = {.type = TOKEN_BYTE, .byte = (unsigned char)s.p[i]};
		if (s.p[i] == '[') {
			if (parse_set(a, s, &i, &t, e) != 0)
				return -1;
		} else if (s.p[i] == '\\') {
			if (i + 1 >= s.n)
				return fail(e, ERR_INPUT, "\"\\\" before \"/\" or the end, where it escapes nothing");
			t.byte = (unsigned char)s.p[i + 1];
			i += 2;
		} else {
			t.type = s.p[i] == '*' ? TOKEN_STAR : s.p[i] == '?' ? TOKEN_ANY : TOKEN_BYTE;
			i++;
		}
		n_bytes += t.type == TOKEN_BYTE;
		if (t.type == TOKEN_STAR && seg->n > 0 && seg->tokens[seg->n - 1].type == TOKEN_STAR)
			continue;
		seg->tokens[seg->n++] = t;
	}
	if (n_bytes == seg->n) {
		char *bytes = arena_alloc(a, seg->n + 1);
		for (size_t i = 0; i < seg->n; i++)
			bytes[i] = (char)seg->tokens[i].byte;
		seg->literal = (struct str){bytes, seg->n};
	}
	return 0;
}

/* Up to eight fixed bytes; at the head the first ones, at the tail the last ones. */
struct fixed {
	unsigned char bytes[8];
	size_t n;
	bool done;
};

static void
fix(struct fixed *f, const struct glob_token *t)
{
	if (t->type != TOKEN_BYTE)
		f->done = true;
	if (f->done || f->n == sizeof(f->bytes))
		return;
	f->bytes[f->n++] = t->byte;
}

static struct probe
probe_of(const struct fixed *f, bool at_tail)
{
	unsigned char value[8] = {0}, mask[8] = {0};
	struct probe p;

	for (size_t i = 0; i < f->n; i++) {
		size_t at = at_tail ? 7 - i : i;
		value[at] = f->bytes[i];
		mask[at] = 0xff;
	}
	memcpy(&p.value, value, 8);
	memcpy(&p.mask, mask, 8);
	return p;
}

static void
set_probes(struct glob_alternative *alt)
{
	static const struct glob_token slash = {.type = TOKEN_BYTE, .byte = '/'};
	struct fixed head = {.n = 0}, tail = {.n = 0};

	for (size_t i = 0; i < alt->n && !head.done; i++) {
		const struct segment *s = &alt->segments[i];
		head.done = s->globstar;
		for (size_t k = 0; k < s->n && !head.done; k++)
			fix(&head, &s->tokens[k]);
		if (i + 1 < alt->n)
			fix(&head, &slash);
	}
	for (size_t i = alt->n; i-- > 0 && !tail.done;) {
		const struct segment *s = &alt->segments[i];
		for (size_t k = s->n; k-- > 0 && !tail.done;)
			fix(&tail, &s->tokens[k]);
		/* Before "**" followed by x there may be nothing, not even the slash. */
		tail.done = tail.done || s->globstar || i == 0 || alt->segments[i - 1].globstar;
		fix(&tail, &slash);
	}
	alt->head = probe_of(&head, false);
	alt->tail = probe_of(&tail, true);
	alt->min_bytes = 0;
	for (size_t i = 0; i < alt->n; i++) {
		const struct segment *s = &alt->segments[i];
		for (size_t k = 0; k < s->n; k++)
			alt->min_bytes += s->tokens[k].type != TOKEN_STAR;
		alt->min_bytes += i + 1 < alt->n && !s->globstar; /* its slash */
	}
}

/* The offset of the next "/" of a pattern that is not escaped or in a set, or s.n. */
static int
next_slash(struct str s, size_t *i, struct err *e)
{
	while (*i < s.n && s.p[*i] != '/')
		if (skip_unit(s, i, e) != 0)
			return -1;
	return 0;
}

static int
parse_alternative(struct arena *a, struct str s, struct glob_alternative *alt, struct err *e)
{
	size_t most = 1;

	if (s.n > 0 && s.p[0] == '/')
		s = str_from(s, 1);
	if (s.n == 0)
		return fail(e, ERR_INPUT, "an alternative that is empty");
	if (s.p[s.n - 1] == '/')
		return fail(e, ERR_INPUT, "it ends in \"/\" (write \"" STR_FMT "**\" for everything below)", STR_ARG(s));
	for (size_t i = 0; i < s.n; i++)
		most += s.p[i] == '/';
	alt->segments = arena_alloc(a, most * sizeof(*alt->segments));
	for (size_t from = 0, i = 0; from <= s.n; from = ++i) {
		if (next_slash(s, &i, e) != 0)
			return -1;
		struct segment *seg = &alt->segments[alt->n];
		if (parse_segment(a, (struct str){s.p + from, i - from}, seg, e) != 0)
			return -1;
		/* Two "**" in a row say no more than one. */
		if (!seg->globstar || alt->n == 0 || !alt->segments[alt->n - 1].globstar)
			alt->n++;
	}
	set_probes(alt);
	return 0;
}

static int
compile(struct arena *a, struct str pattern, struct glob_alternative **ret, size_t *ret_n, struct err *e)
{
	str_list list = {0};
	int rc = 0;

	if (pattern.n == 0)
		return fail(e, ERR_INPUT, "it is empty");
	if (pattern.n > GLOB_MAX_BYTES)
		return fail(e, ERR_INPUT, "it has more than %d bytes", GLOB_MAX_BYTES);
	if (pattern.p[0] == '!')
		return fail(e, ERR_INPUT,
		    "it begins with \"!\": patterns cannot be negated, the first rule that matches a path decides; put "
		    "a "
		    "rule for the exception before this one (or write \"\\!\" for the byte itself)");
	if (memchr(pattern.p, '\0', pattern.n) != NULL)
		return fail(e, ERR_INPUT, "it holds a NUL byte");
	rc = expand(a, pattern, &list, e);
	struct glob_alternative *alts = arena_alloc(a, (list.n + 1) * sizeof(*alts));
	for (size_t i = 0; i < list.n && rc == 0; i++)
		rc = parse_alternative(a, list.p[i], &alts[i], e);
	if (rc == 0) {
		*ret = alts;
		*ret_n = list.n;
	}
	vec_release(&list);
	return rc;
}

int
glob_set_add(struct glob_set *set, struct str pattern, struct err *e)
{
	struct glob_alternative *alts;
	size_t n;

	if (compile(set->a, pattern, &alts, &n, e) != 0)
		return -1;
	if (set->n + n > set->cap) {
		size_t cap = (set->n + n) * 2;
		struct glob_alternative *more = arena_alloc(set->a, cap * sizeof(*more));
		if (set->n != 0)
			memcpy(more, set->alternatives, set->n * sizeof(*more));
		set->alternatives = more;
		set->cap = cap;
	}
	for (size_t i = 0; i < n; i++) {
		alts[i].id = set->patterns;
		set->alternatives[set->n++] = alts[i];
	}
	set->patterns++;
	return 0;
}

int
glob_check(struct str pattern, struct err *e)
{
	struct arena a = {0};
	struct glob_alternative *alts;
	size_t n;
	int rc = compile(&a, pattern, &alts, &n, e);

	arena_release(&a);
	return rc;
}

static bool
token_matches(const struct glob_token *t, unsigned char c)
{
	switch (t->type) {
	case TOKEN_BYTE: return t->byte == c;
	case TOKEN_ANY: return true;
	case TOKEN_SET: return (t->set[c / 64] >> (c % 64) & 1) != 0;
	case TOKEN_STAR: break;
	}
	return false;
}

static bool
segment_matches(const struct segment *seg, struct str s)
{
	size_t t = 0, i = 0, star = SIZE_MAX, mark = 0;

	if (seg->literal.p != NULL)
		return str_eq(seg->literal, s);
	while (i < s.n) {
		if (t < seg->n && seg->tokens[t].type == TOKEN_STAR) {
			star = t++;
			mark = i;
		} else if (t < seg->n && token_matches(&seg->tokens[t], (unsigned char)s.p[i])) {
			t++;
			i++;
		} else if (star != SIZE_MAX) {
			t = star + 1;
			i = ++mark;
		} else {
			return false;
		}
	}
	while (t < seg->n && seg->tokens[t].type == TOKEN_STAR)
		t++;
	return t == seg->n;
}

/* The segments of a path; returns how many, MAX_SEGMENTS + 1 when it has more. */
static size_t
split(struct str path, struct str *segments)
{
	struct str rest = path;
	size_t n = 0;

	while (rest.p != NULL) {
		if (n == MAX_SEGMENTS)
			return n + 1;
		segments[n++] = str_cut(rest, '/', &rest);
	}
	return n;
}

/* p..p_n are the path's segments. */
static bool
alternative_matches(const struct glob_alternative *alt, const struct str *p, size_t p_n)
{
	size_t k = 0, i = 0, star = SIZE_MAX, mark = 0;

	while (i < p_n) {
		if (k < alt->n && alt->segments[k].globstar) {
			if (k + 1 == alt->n)
				return true;
			star = k++;
			mark = i;
		} else if (k < alt->n && segment_matches(&alt->segments[k], p[i])) {
			k++;
			i++;
		} else if (star != SIZE_MAX) {
			k = star + 1;
			i = ++mark;
		} else {
			return false;
		}
	}
	return k == alt->n;
}

ptrdiff_t
glob_set_first(const struct glob_set *set, struct str path)
{
	unsigned char head[8] = {0}, tail[8] = {0};
	size_t some = path.n < 8 ? path.n : 8, n = 0;
	struct str segments[MAX_SEGMENTS];
	uint64_t h, t;

	if (path.n == 0)
		return GLOB_NONE;
	memcpy(head, path.p, some);
	memcpy(tail + 8 - some, path.p + path.n - some, some);
	memcpy(&h, head, 8);
	memcpy(&t, tail, 8);
	for (size_t i = 0; i < set->n; i++) {
		const struct glob_alternative *alt = &set->alternatives[i];
		if (((h ^ alt->head.value) & alt->head.mask) | ((t ^ alt->tail.value) & alt->tail.mask))
			continue;
		if (path.n < alt->min_bytes)
			continue;
		if (n == 0 && (n = split(path, segments)) > MAX_SEGMENTS)
			return GLOB_NONE;
		if (alternative_matches(alt, segments, n))
			return (ptrdiff_t)alt->id;
	}
	return GLOB_NONE;
}
