/* The table of a run: written from its rows, mapped for pages. */
#include "formats/table_file.h"

#include "support/base/map.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

const char *const table_columns[] = {"name", "system", "class", "version", "cause", "radius", "state", NULL};
static const char magic[8] = "EKTABLE1";

/* --- what is known of a row -------------------------------------------------------------------------------------- */

/* Of what nobody wants built, instead of a blame. */
enum { NO_BUILD, NEW_ERROR, OLD_ERROR, UNTOLD };

uint8_t
table_state(enum attr_class class, enum build_state state, enum blame blame)
{
	if (state != BUILD_NONE)
		return (uint8_t)((int)state * 4 + (int)blame);
	if (class == CLASS_NEWLY_FAILING || class == CLASS_ADDED_FAILING)
		return NEW_ERROR;
	return class == CLASS_STILL_FAILING ? OLD_ERROR : class == CLASS_UNTOLD ? UNTOLD : NO_BUILD;
}

static int
rank_of(enum build_state s)
{
	if (build_state_has_failed(s))
		return build_state_has_failed_itself(s) ? 1 : 2;
	if (build_state_is_good(s))
		return 7;
	if (build_state_has_ended(s))
		return 3;
	return s == BUILD_BUILDING ? 4 : s == BUILD_QUEUED ? 5 : 6;
}

struct table_outcome
table_outcome(struct arena *a, uint8_t code)
{
	static const struct table_outcome unbuilt[] = {{"", "", "calm", 8, false},
	    {"error-newly", "does not evaluate, newly", "bad", 0, true},
	    {"error-before", "does not evaluate, as on the base", "calm", 2, false},
	    {"untold", "could not be told", "warn", 3, true}};
	static const char *const ends[] = {"", "-newly", "-before", "-unknown"};
	static const char *const said[] = {"", ", newly", ", as on the base", ""};
	enum build_state s = (enum build_state)(code / 4 < BUILD_STATES ? code / 4 : 0);
	int blame = code % 4;

	if (s == BUILD_NONE)
		return unbuilt[blame];
	bool unsure = s == BUILD_INFRASTRUCTURE || blame == BLAME_UNKNOWN, newly = blame == BLAME_NEWLY;
	return (struct table_outcome){.key = arena_printf(a, "%s%s", build_state_name(s), ends[blame]),
	    .words = arena_printf(a, "%s%s", build_state_words(s), said[blame]),
	    .tone = blame == BLAME_STILL ? "calm" : build_state_tone(s),
	    .rank = newly ? 0 : rank_of(s),
	    .attention = newly || unsure};
}

/* --- order ------------------------------------------------------------------------------------------------------- */

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static int
small(char c)
{
	return (unsigned char)(c >= 'A' && c <= 'Z' ? c + 32 : c);
}

/* Two runs of digits; *a and *b then stand behind them. */
static int
compare_numbers(const char **a, const char **b)
{
	const char *x = *a, *y = *b;

	while (*x == '0')
		x++;
	while (*y == '0')
		y++;
	size_t n = 0, m = 0;
	while (is_digit(x[n]))
		n++;
	while (is_digit(y[m]))
		m++;
	*a = x + n;
	*b = y + m;
	return n != m ? (n < m ? -1 : 1) : memcmp(x, y, n);
}

int
table_compare(const char *a, const char *b)
{
	const char *x = a, *y = b;

	while (*x != '\0' && *y != '\0') {
		if (is_digit(*x) && is_digit(*y)) {
			int c = compare_numbers(&x, &y);
			if (c != 0)
				return c;
		} else if (small(*x) != small(*y)) {
			return small(*x) < small(*y) ? -1 : 1;
		} else {
			x++;
			y++;
		}
	}
	return *x != '\0' ? 1 : *y != '\0' ? -1 : strcmp(a, b);
}

/* --- writing ----------------------------------------------------------------------------------------------------- */

struct table_writer {
	struct map texts, systems;
	struct arena a;
	struct buf text;
	const char *const *causes;
	size_t n_causes;
	VEC(struct table_row) rows;
	VEC(uint32_t) places;
};

/* The place of a text, which stands there once; the empty one is at 0. */
static uint32_t
text_place(struct table_writer *w, const char *s)
{
	bool added = false;

	if (s == NULL || *s == '\0')
		return 0;
	struct map_entry *at = map_get(&w->texts, str_of(s));
	if (at != NULL)
		return (uint32_t)at->value;
	at = map_add(&w->texts, str_of(arena_strdup(&w->a, s)), &added);
	at->value = w->text.n;
	buf_add(&w->text, s, strlen(s) + 1);
	return (uint32_t)at->value;
}

struct table_writer *
table_begin(const char *const *causes, size_t n)
{
	struct table_writer *w = mem_alloc(sizeof(*w));

	*w = (struct table_writer){.causes = causes, .n_causes = n};
	buf_init(&w->text, TABLE_MAX_BYTES / 2);
	buf_add(&w->text, "", 1);
	return w;
}

static uint32_t
search_place(struct table_writer *w, const struct table_entry *one)
{
	const char *parts[] = {one->name, one->also, one->system, class_words[one->class].label, one->old, one->new,
	    one->because};
	size_t at = w->text.n;

	for (size_t i = 0; i < COUNT(parts); i++) {
		if (parts[i] == NULL || *parts[i] == '\0')
			continue;
		if (w->text.n > at)
			buf_putc(&w->text, '\n');
		buf_puts(&w->text, parts[i]);
	}
	for (size_t i = at; i < w->text.n; i++)
		w->text.p[i] = (char)small(w->text.p[i]);
	buf_add(&w->text, "", 1);
	return (uint32_t)at;
}

static int32_t
bounded(int64_t n)
{
	return n < 0 ? -1 : n > INT32_MAX ? INT32_MAX : (int32_t)n;
}

void
table_add(struct table_writer *w, const struct table_entry *one)
{
	struct map_entry *system = map_get(&w->systems, str_of(one->system != NULL ? one->system : ""));

	if (system == NULL && w->systems.n < TABLE_MAX_SYSTEMS)
		system = map_add(&w->systems, str_of(arena_strdup(&w->a, one->system != NULL ? one->system : "")), NULL);
	const struct table_row row = {.name = text_place(w, one->name),
	    .also = text_place(w, one->also),
	    .job = text_place(w, one->job),
	    .old = text_place(w, one->old),
	    .new = text_place(w, one->new),
	    .because = text_place(w, one->because),
	    .chain = text_place(w, one->chain),
	    .drv = text_place(w, one->drv),
	    .base_drv = text_place(w, one->base_drv),
	    .words = text_place(w, one->words),
	    .search = search_place(w, one),
	    .causes = (uint32_t)w->places.n,
	    .attributes = bounded(one->attributes),
	    .derivations = bounded(one->derivations),
	    .n_causes = (uint16_t)(one->n_causes < UINT16_MAX ? one->n_causes : UINT16_MAX),
	    .class = (uint8_t)one->class,
	    .system = (uint8_t)(system != NULL ? system - w->systems.p : 0),
	    .state = one->state};
	for (size_t i = 0; i < row.n_causes; i++)
		vec_push(&w->places, one->causes[i]);
	vec_push(&w->rows, row);
}

/* Rows in the order of a column: what is compared, and their places. */
struct ordered {
	const char *text;
	int64_t number;
	uint32_t row;
};

static int
by_order(const void *a, const void *b)
{
	const struct ordered *x = a, *y = b;
	int c = x->text != NULL ? table_compare(x->text, y->text) : (x->number > y->number) - (x->number < y->number);

	return c != 0 ? c : x->row < y->row ? -1 : 1;
}

static struct ordered
ordered_by(struct table_writer *w, enum table_column column, const int *ranks, uint32_t i)
{
	const struct table_row *r = &w->rows.p[i];
	struct ordered o = {.row = i};

	switch (column) {
	case TABLE_NAME: o.text = w->text.p + r->name; break;
	case TABLE_SYSTEM: o.text = w->systems.p[r->system].key.p; break;
	case TABLE_CLASS: o.text = class_words[r->class].label; break;
	case TABLE_VERSION: o.text = w->text.p + r->new; break;
	case TABLE_CAUSE: o.text = w->text.p + r->because; break;
	case TABLE_RADIUS: o.number = r->attributes; break;
	case TABLE_STATE:
	case TABLE_COLUMNS: o.number = ranks[r->state]; break;
	}
	return o;
}

static void
write_orders(struct table_writer *w, struct buf *out)
{
	struct ordered *order = mem_alloc((w->rows.n + 1) * sizeof(*order));
	struct arena a = {0};
	int ranks[256];

	for (int i = 0; i < 256; i++)
		ranks[i] = table_outcome(&a, (uint8_t)i).rank;
	for (int column = 0; column < TABLE_COLUMNS; column++) {
		for (uint32_t i = 0; i < w->rows.n; i++)
			order[i] = ordered_by(w, (enum table_column)column, ranks, i);
		qsort(order, w->rows.n, sizeof(*order), by_order);
		for (size_t i = 0; i < w->rows.n; i++)
			buf_add(out, &order[i].row, sizeof(order[i].row));
	}
	arena_release(&a);
	mem_free(&order);
}

/* Names what does not change while builds go on: FNV-1a over rows without their state, and texts. */
static uint64_t
fnv(uint64_t h, const void *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		h = (h ^ ((const unsigned char *)p)[i]) * 0x100000001b3ULL;
	return h;
}

static void
version_of(const struct table_writer *w, char ret[17])
{
	uint64_t h = 0xcbf29ce484222325ULL;
	unsigned char bytes[8];

	for (size_t i = 0; i < w->rows.n; i++) {
		struct table_row row = w->rows.p[i];
		row.state = 0;
		h = fnv(h, &row, sizeof(row));
	}
	h = fnv(h, w->text.p, w->text.n);
	for (int i = 0; i < 8; i++)
		bytes[i] = (unsigned char)(h >> (8 * i));
	str_hex(bytes, sizeof(bytes), ret);
}

int
table_end(struct table_writer *w, struct buf *out, char ret_version[17], struct err *e)
{
	struct table_head head = {.n_rows = (uint32_t)w->rows.n, .row_bytes = sizeof(struct table_row)};

	version_of(w, ret_version);
	memcpy(head.magic, magic, sizeof(magic));
	memcpy(head.version, ret_version, 17);
	head.n_systems = (uint32_t)w->systems.n;
	head.n_causes = (uint32_t)w->n_causes;
	head.n_places = (uint32_t)w->places.n;
	VEC(uint32_t) names = {0};
	for (size_t i = 0; i < w->systems.n; i++)
		vec_push(&names, text_place(w, w->systems.p[i].key.p));
	for (size_t i = 0; i < w->n_causes; i++)
		vec_push(&names, text_place(w, w->causes[i]));
	head.text_bytes = (uint32_t)w->text.n;
	buf_add(out, &head, sizeof(head));
	buf_add(out, w->rows.p, w->rows.n * sizeof(*w->rows.p));
	write_orders(w, out);
	buf_add(out, names.p, names.n * sizeof(*names.p));
	buf_add(out, w->places.p, w->places.n * sizeof(*w->places.p));
	buf_add(out, w->text.p, w->text.n);
	vec_release(&names);
	return out->over || w->text.over ? fail(e, ERR_LIMIT, "the table of the run is too large") : 0;
}

void
table_drop(struct table_writer **w)
{
	if (*w == NULL)
		return;
	map_release(&(*w)->texts);
	map_release(&(*w)->systems);
	arena_release(&(*w)->a);
	buf_release(&(*w)->text);
	vec_release(&(*w)->rows);
	vec_release(&(*w)->places);
	mem_free(w);
}

/* --- reading ----------------------------------------------------------------------------------------------------- */

const char *
table_text(const struct table_map *t, uint32_t place)
{
	return place < t->head->text_bytes ? t->text + place : "";
}

void
table_close(struct table_map *t)
{
	if (t->map != NULL)
		munmap(t->map, t->bytes);
	t->map = NULL;
}

/* Where everything is, when it is all there. */
static int
lay_out(struct table_map *t, const char *path, struct err *e)
{
	const struct table_head *h = t->map;
	const char *p = (const char *)t->map + sizeof(*h);

	if (t->bytes < sizeof(*h) || memcmp(h->magic, magic, sizeof(magic)) != 0 || h->row_bytes != sizeof(struct table_row) ||
	    h->version[16] != '\0')
		return fail(e, ERR_INPUT, "%s: made by another version", path);
	size_t want = sizeof(*h) + (size_t)h->n_rows * (sizeof(struct table_row) + TABLE_COLUMNS * sizeof(uint32_t)) +
	              ((size_t)h->n_systems + h->n_causes + h->n_places) * sizeof(uint32_t) + h->text_bytes;
	if (t->bytes != want || h->text_bytes == 0 || ((const char *)t->map)[want - 1] != '\0')
		return fail(e, ERR_INPUT, "%s: cut short", path);
	t->head = h;
	t->rows = (const void *)p;
	p += h->n_rows * sizeof(struct table_row);
	for (int i = 0; i < TABLE_COLUMNS; i++, p += h->n_rows * sizeof(uint32_t))
		t->order[i] = (const void *)p;
	t->systems = (const void *)p;
	t->causes = t->systems + h->n_systems;
	t->places = t->causes + h->n_causes;
	t->text = (const char *)(t->places + h->n_places);
	return 0;
}

int
table_open(const char *path, struct table_map *ret, struct err *e)
{
	AUTO(fd_close) int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct table_map t = {0};
	struct stat st;

	if (fd < 0)
		return errno == ENOENT ? fail(e, ERR_ABSENT, "%s: not there", path) : fail_sys(e, "%s", path);
	if (fstat(fd, &st) != 0 || st.st_size < (off_t)sizeof(struct table_head) || st.st_size > TABLE_MAX_BYTES)
		return fail(e, ERR_INPUT, "%s: no table", path);
	t.bytes = (size_t)st.st_size;
	t.map = mmap(NULL, t.bytes, PROT_READ, MAP_PRIVATE, fd, 0);
	if (t.map == MAP_FAILED)
		return fail_sys(e, "%s", path);
	if (lay_out(&t, path, e) != 0) {
		table_close(&t);
		return -1;
	}
	*ret = t;
	return 0;
}
