/* The table of a run, a page of it. */
#include "web/filter.h"

#include "support/text/escape.h"

#include <stdio.h>

struct table_asked
table_asked(struct page *p)
{
	struct table_asked ret = {.q = page_argument(p, "q"),
	    .class = page_argument(p, "class"),
	    .system = page_argument(p, "system"),
	    .cause = page_argument(p, "cause"),
	    .state = page_argument(p, "state"),
	    .attention = strcmp(page_argument(p, "attention"), "1") == 0,
	    .sort = -1,
	    .page = 1};
	const char *sort = page_argument(p, "sort");
	int64_t page;

	ret.q = str_dup(p->a, str_trim(str_utf8_head(str_of(ret.q), TABLE_MAX_QUERY_BYTES)));
	ret.down = *sort == '-';
	for (int i = 0; i < TABLE_COLUMNS; i++)
		if (strcmp(sort + ret.down, table_columns[i]) == 0)
			ret.sort = i;
	if (str_to_i64(str_of(page_argument(p, "page")), &page) == 0 && page > 0 && page < 10 * 1000 * 1000)
		ret.page = (size_t)page;
	return ret;
}

/* --- finding ------------------------------------------------------------------------------------------------------ */

struct sieve {
	const struct table_map *t;
	struct str words[TABLE_MAX_WORDS];
	char text[TABLE_MAX_QUERY_BYTES + 1];
	size_t n_words;
	bool classes[256], systems[256], states[256]; /* that pass */
	uint32_t cause;
	bool any_cause;
};

static void
sieve_words(struct sieve *s, const char *q)
{
	struct str rest;

	snprintf(s->text, sizeof(s->text), "%s", q);
	for (char *c = s->text; *c != '\0'; c++)
		*c = *c >= 'A' && *c <= 'Z' ? (char)(*c + 32) : *c == '\t' || *c == '\n' ? ' ' : *c;
	for (rest = str_of(s->text); rest.n > 0 && s->n_words < TABLE_MAX_WORDS;) {
		struct str word = str_cut(rest, ' ', &rest);
		if (word.n > 0)
			s->words[s->n_words++] = word;
	}
}

static void
sieve_init(struct sieve *s, const struct table_map *t, const struct table_asked *asked)
{
	AUTO(arena_release) struct arena a = {0};

	*s = (struct sieve){.t = t, .cause = UINT32_MAX, .any_cause = *asked->cause == '\0'};
	sieve_words(s, asked->q);
	for (int i = 0; i < 256; i++) {
		const struct table_outcome o = table_outcome(&a, (uint8_t)i);
		s->classes[i] = *asked->class == '\0' || (i < CLASSES && strcmp(class_words[i].word, asked->class) == 0);
		s->systems[i] = *asked->system == '\0' ||
		                ((uint32_t)i < t->head->n_systems && strcmp(table_text(t, t->systems[i]), asked->system) == 0);
		s->states[i] =
		    (*asked->state == '\0' || strcmp(o.key, asked->state) == 0) && (!asked->attention || o.attention);
	}
	for (uint32_t i = 0; i < t->head->n_causes && !s->any_cause; i++)
		if (strcmp(table_text(t, t->causes[i]), asked->cause) == 0)
			s->cause = i;
}

static bool
has_cause(const struct sieve *s, const struct table_row *r)
{
	for (uint32_t i = 0; i < r->n_causes; i++) {
		size_t place = (size_t)r->causes + i;
		if (place < s->t->head->n_places && s->t->places[place] == s->cause)
			return true;
	}
	return false;
}

static bool
passes(const struct sieve *s, const struct table_row *r)
{
	if (!s->classes[r->class] || !s->systems[r->system] || !s->states[r->state] || (!s->any_cause && !has_cause(s, r)))
		return false;
	if (s->n_words == 0)
		return true;
	const struct str text = str_of(table_text(s->t, r->search));
	for (size_t i = 0; i < s->n_words; i++)
		if (memmem(text.p, text.n, s->words[i].p, s->words[i].n) == NULL)
			return false;
	return true;
}

struct table_found
table_find(const struct table_map *t, const struct table_asked *asked)
{
	struct table_found ret = {.first = (asked->page - 1) * TABLE_PAGE};
	uint32_t n = t->head->n_rows;
	struct sieve s;

	sieve_init(&s, t, asked);
	for (uint32_t i = 0; i < n; i++) {
		uint32_t place = asked->down ? n - 1 - i : i, row = asked->sort >= 0 ? t->order[asked->sort][place] : place;
		if (row >= n || !passes(&s, &t->rows[row]))
			continue;
		if (ret.total >= ret.first && ret.n < TABLE_PAGE)
			ret.rows[ret.n++] = row;
		ret.total++;
	}
	return ret;
}

/* --- addresses ---------------------------------------------------------------------------------------------------- */

static void
add_argument(struct buf *b, const char *name, const char *value)
{
	if (value == NULL || *value == '\0')
		return;
	buf_printf(b, "%c%s=", b->n > 0 && memchr(b->p, '?', b->n) != NULL ? '&' : '?', name);
	escape_add(b, ESCAPE_URL, str_of(value));
}

static const char *
address(struct page *p, int64_t run, const struct table_asked *asked)
{
	AUTO(buf_release) struct buf b;
	const char *sort =
	    asked->sort >= 0 ? arena_printf(p->a, "%s%s", asked->down ? "-" : "", table_columns[asked->sort]) : "";

	buf_init(&b, 1 << 16);
	buf_printf(&b, "/run/%lld", (long long)run);
	add_argument(&b, "key", p->key);
	add_argument(&b, "q", asked->q);
	add_argument(&b, "class", asked->class);
	add_argument(&b, "system", asked->system);
	add_argument(&b, "cause", asked->cause);
	add_argument(&b, "state", asked->state);
	add_argument(&b, "attention", asked->attention ? "1" : "");
	add_argument(&b, "sort", sort);
	add_argument(&b, "page", asked->page > 1 ? arena_printf(p->a, "%zu", asked->page) : "");
	buf_puts(&b, "#table");
	return str_dup(p->a, buf_get(&b));
}

static const char *
number(struct arena *a, int64_t n)
{
	char digits[32];
	AUTO(buf_release) struct buf b;

	buf_init(&b, 64);
	int len = snprintf(digits, sizeof(digits), "%lld", (long long)n);
	for (int i = 0; i < len; i++) {
		buf_putc(&b, digits[i]);
		if (digits[i] != '-' && i + 1 < len && (len - i - 1) % 3 == 0)
			buf_putc(&b, ',');
	}
	return str_dup(a, buf_get(&b));
}

/* --- data ---------------------------------------------------------------------------------------------------------- */

static void
put(struct values *o, const char *key, const char *value)
{
	values_text(o, key, value != NULL ? value : "");
}

static struct values *
row_data(struct page *p, const struct table_map *t, uint32_t row, int64_t run)
{
	const struct table_row *r = &t->rows[row];
	const struct table_outcome outcome = table_outcome(p->a, r->state);
	struct values *o = values_new(p->a);
	const char *key = p->key != NULL ? arena_printf(p->a, "?key=%s", escape_dup(p->a, ESCAPE_URL, str_of(p->key))) : "";

	put(o, "row_page", arena_printf(p->a, "/run/%lld/row/%u%s", (long long)run, row, key));
	put(o, "name", table_text(t, r->name));
	put(o, "also", table_text(t, r->also));
	put(o, "system", r->system < t->head->n_systems ? table_text(t, t->systems[r->system]) : "");
	put(o, "class", r->class < CLASSES ? class_words[r->class].label : "");
	put(o, "old", table_text(t, r->old));
	put(o, "new", table_text(t, r->new));
	put(o, "because", table_text(t, r->because));
	put(o, "radius", r->attributes >= 0 ? number(p->a, r->attributes) : "");
	put(o, "outcome", outcome.words);
	put(o, "outcome_tone", outcome.tone);
	return o;
}

static void
add_option(struct value_list *list, const char *value, const char *label, const char *chosen, size_t n)
{
	struct values *o = values_new(list->a);

	put(o, "value", value);
	put(o, "label", label);
	put(o, "n", number(list->a, (int64_t)n));
	values_flag(o, "chosen", strcmp(value, chosen) == 0);
	value_list_group(list, o);
}

enum { MAX_OFFERED = 40 };

static void
put_options(struct page *p, const struct table_map *t, const struct table_asked *asked, struct values *data)
{
	struct value_list *classes = value_list_new(p->a), *systems = value_list_new(p->a), *states = value_list_new(p->a),
	                  *causes = value_list_new(p->a);
	size_t n_class[256] = {0}, n_system[256] = {0}, n_state[256] = {0};
	size_t *n_cause = arena_alloc(p->a, (t->head->n_causes + 1) * sizeof(*n_cause)), attention = 0;

	for (uint32_t i = 0; i < t->head->n_rows; i++) {
		n_class[t->rows[i].class]++;
		n_system[t->rows[i].system]++;
		n_state[t->rows[i].state]++;
	}
	for (uint32_t i = 0; i < t->head->n_places; i++)
		if (t->places[i] < t->head->n_causes)
			n_cause[t->places[i]]++;
	for (int i = 0; i < CLASSES; i++)
		if (n_class[i] > 0)
			add_option(classes, class_words[i].word, class_words[i].label, asked->class, n_class[i]);
	for (uint32_t i = 0; i < t->head->n_systems && i < 256; i++)
		if (n_system[i] > 0 && *table_text(t, t->systems[i]) != '\0')
			add_option(systems, table_text(t, t->systems[i]), table_text(t, t->systems[i]), asked->system,
			    n_system[i]);
	for (int i = 0; i < 256; i++) {
		const struct table_outcome o = table_outcome(p->a, (uint8_t)i);
		attention += o.attention ? n_state[i] : 0;
		if (n_state[i] > 0 && *o.key != '\0')
			add_option(states, o.key, o.words, asked->state, n_state[i]);
	}
	for (uint32_t i = 0; i < t->head->n_causes; i++)
		if (causes->n < MAX_OFFERED || strcmp(table_text(t, t->causes[i]), asked->cause) == 0)
			add_option(causes, table_text(t, t->causes[i]), table_text(t, t->causes[i]), asked->cause, n_cause[i]);
	values_list(data, "classes", classes);
	values_list(data, "systems", systems);
	values_list(data, "states", states);
	values_list(data, "causes", causes);
	put(data, "attention_n", attention > 0 ? number(p->a, (int64_t)attention) : "");
}

static void
put_heads(struct page *p, const struct table_asked *asked, int64_t run, struct values *data)
{
	static const char *const labels[] = {"Attribute", "System", "Class", "Version", "Because of", "Also rebuilds", "State"};
	struct value_list *heads = value_list_new(p->a);

	for (int i = 0; i < TABLE_COLUMNS; i++) {
		struct values *o = values_new(p->a);
		struct table_asked other = *asked;
		bool here = asked->sort == i;
		other.page = 1;
		other.sort = i;
		other.down = here ? !asked->down : i == TABLE_RADIUS;
		put(o, "label", labels[i]);
		put(o, "column", table_columns[i]);
		put(o, "sort_path", address(p, run, &other));
		put(o, "sorted", !here ? "" : asked->down ? "descending" : "ascending");
		values_flag(o, "numbers", i == TABLE_RADIUS);
		value_list_group(heads, o);
	}
	values_list(data, "heads", heads);
}

static void
put_pages(struct page *p, const struct table_asked *asked, const struct table_found *found, int64_t run, struct values *data)
{
	struct table_asked other = *asked;
	size_t pages = (found->total + TABLE_PAGE - 1) / TABLE_PAGE;

	put(data, "page", number(p->a, (int64_t)asked->page));
	put(data, "pages", pages > 1 ? number(p->a, (int64_t)pages) : "");
	other.page = asked->page - 1;
	put(data, "before_path", asked->page > 1 ? address(p, run, &other) : "");
	other.page = asked->page + 1;
	put(data, "next_path", asked->page < pages ? address(p, run, &other) : "");
}

void
table_data(struct page *p, const struct table_map *t, const struct table_asked *asked, int64_t run, struct values *data)
{
	struct value_list *rows = value_list_new(p->a);
	const struct table_found found = table_find(t, asked);
	const struct table_asked all =
	    {.q = "", .class = "", .system = "", .cause = "", .state = "", .sort = asked->sort, .down = asked->down, .page = 1};

	for (size_t i = 0; i < found.n; i++)
		value_list_group(rows, row_data(p, t, found.rows[i], run));
	values_flag(data, "has_table", true);
	values_list(data, "rows", rows);
	put(data, "version", t->head->version);
	put(data, "run_id", arena_printf(p->a, "%lld", (long long)run));
	put(data, "all_n", number(p->a, t->head->n_rows));
	put(data, "found_n", number(p->a, (int64_t)found.total));
	values_flag(data, "filtered", found.total != t->head->n_rows);
	put(data, "q", asked->q);
	put(data, "sort",
	    asked->sort >= 0 ? arena_printf(p->a, "%s%s", asked->down ? "-" : "", table_columns[asked->sort]) : "");
	values_flag(data, "attention", asked->attention);
	put(data, "key", p->key);
	put(data, "all_path", address(p, run, &all));
	put(data, "attention_path",
	    address(p, run,
	        &(struct table_asked){.q = "",
	            .class = "",
	            .system = "",
	            .cause = "",
	            .state = "",
	            .attention = true,
	            .sort = -1,
	            .page = 1}));
	put_options(p, t, asked, data);
	put_heads(p, asked, run, data);
	put_pages(p, asked, &found, run, data);
}

void
table_row_data(struct page *p, const struct table_map *t, uint32_t row, int64_t run, struct values *data)
{
	const struct table_row *r = &t->rows[row];
	struct value_list *causes = value_list_new(p->a);
	AUTO(buf_release) struct buf way;

	values_group(data, "row", row_data(p, t, row, run));
	put(data, "words", table_text(t, r->words));
	put(data, "job", table_text(t, r->job));
	put(data, "base_drv", table_text(t, r->base_drv));
	put(data, "radius_derivations", r->derivations >= 0 ? number(p->a, r->derivations) : "");
	buf_init(&way, 1 << 16);
	for (struct str rest = str_of(table_text(t, r->chain)); rest.n > 0;) {
		buf_puts(&way, way.n > 0 ? " \xe2\x86\x90 " : "");
		buf_str(&way, str_cut(rest, '\n', &rest));
	}
	put(data, "way", way.n > 0 ? str_dup(p->a, buf_get(&way)) : "");
	for (uint32_t i = 0; i < r->n_causes; i++) {
		uint32_t place = r->causes + i < t->head->n_places ? t->places[r->causes + i] : UINT32_MAX;
		struct table_asked of = {.q = "", .class = "", .system = "", .cause = "", .state = "", .sort = -1, .page = 1};
		struct values *o = values_new(p->a);
		if (place >= t->head->n_causes)
			continue;
		of.cause = table_text(t, t->causes[place]);
		put(o, "name", of.cause);
		put(o, "path", address(p, run, &of));
		value_list_group(causes, o);
	}
	values_list(data, "causes", causes);
}
