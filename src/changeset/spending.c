/* Steps of machine hours, each with a branch. */
#include "changeset/spending.h"

#include <string.h>

static const char *const foreign[] = {NULL};

/* A name that git takes for a branch, as far as it can be told without git. */
static bool
is_branch(struct str s)
{
	if (!reader_plain(s) || s.p[0] == '-' || s.p[0] == '/' || s.p[s.n - 1] == '/' || s.p[s.n - 1] == '.')
		return false;
	for (size_t i = 0; i < s.n; i++)
		if (strchr(" ~^:?*[\\", s.p[i]) != NULL || (s.p[i] == '.' && i + 1 < s.n && s.p[i + 1] == '.'))
			return false;
	return true;
}

static const char *
read_branch(struct reader *r, const json_t *obj, const char *key)
{
	const json_t *v = reader_open(r, obj, key);
	const char *ret = "";

	if (v == NULL) {
		reader_wrong(r, AT_VALUE, "must have \"%s\", the name of a branch", key);
		return ret;
	}
	if (json_is_string(v) && is_branch((struct str){json_string_value(v), json_string_length(v)}))
		ret = arena_strdup(r->a, json_string_value(v));
	else
		reader_wrong(r, AT_VALUE, "must be the name of a branch, of at most %d bytes", READER_MAX_NAME);
	reader_leave(r);
	return ret;
}

/* In milliseconds; more than before. */
static int64_t
read_hours(struct reader *r, const json_t *obj, int64_t before)
{
	const json_t *v = reader_open(r, obj, "machine_hours");
	int64_t ms = before;

	if (v == NULL) {
		reader_wrong(r, AT_VALUE, "must have \"machine_hours\", a number");
		return ms;
	}
	double hours = json_is_number(v) ? json_number_value(v) : -1;
	if (!json_is_number(v))
		reader_wrong(r, AT_VALUE, "must be a number, not %s", reader_type_name(v));
	else if (!(hours > 0 && hours <= SPENDING_MAX_HOURS) || hours * 3600 * 1000 < 1)
		reader_wrong(r, AT_VALUE, "must be more than 0 and at most %d", SPENDING_MAX_HOURS);
	else if ((ms = (int64_t)(hours * 3600 * 1000)) <= before)
		reader_wrong(r, AT_VALUE, "must be more than the machine_hours before it");
	reader_leave(r);
	return ms;
}

static void
read_step(struct reader *r, json_t *v, void *ctx)
{
	static const char *const known[] = {"machine_hours", "branch", NULL};
	struct branch_budget *b = ctx;

	if (b->up_to.n == SPENDING_MAX_STEPS) {
		reader_wrong(r, AT_VALUE, "is one more than the %d steps that there may be", SPENDING_MAX_STEPS);
		return;
	}
	if (!json_is_object(v)) {
		reader_wrong(r, AT_VALUE, "must be an object, not %s", reader_type_name(v));
		return;
	}
	reader_unknown(r, v, known, foreign);
	int64_t before = b->up_to.n > 0 ? b->up_to.p[b->up_to.n - 1].ms : 0;
	b->up_to.p[b->up_to.n++] = (struct budget_step){read_hours(r, v, before), read_branch(r, v, "branch")};
}

struct branch_budget *
spending_read(struct reader *r, const json_t *doc)
{
	static const char *const known[] = {"up_to", "above", NULL};
	const json_t *v = reader_open(r, doc, "budget");
	struct branch_budget b = {.up_to.p = arena_alloc(r->a, SPENDING_MAX_STEPS * sizeof(*b.up_to.p))};

	if (v == NULL)
		return NULL;
	if (json_is_object(v)) {
		reader_unknown(r, v, known, foreign);
		reader_list(r, v, "up_to", read_step, &b);
		const json_t *steps = json_object_get(v, "up_to");
		if (steps == NULL || (json_is_array(steps) && json_array_size(steps) == 0))
			reader_wrong(r, AT_VALUE,
			    "must have at least one step in \"up_to\": {\"machine_hours\": 2, \"branch\": \"main\"}");
		b.above = read_branch(r, v, "above");
	} else {
		reader_wrong(r, AT_VALUE, "must be an object, not %s", reader_type_name(v));
	}
	reader_leave(r);
	return b.up_to.n > 0 ? arena_dup(r->a, &b, sizeof(b)) : NULL;
}

bool
spending_same(const struct branch_budget *a, const struct branch_budget *b)
{
	if (a == NULL || b == NULL)
		return a == b;
	bool same = a->up_to.n == b->up_to.n && strcmp(a->above, b->above) == 0;
	for (size_t i = 0; same && i < a->up_to.n; i++)
		same = a->up_to.p[i].ms == b->up_to.p[i].ms && strcmp(a->up_to.p[i].branch, b->up_to.p[i].branch) == 0;
	return same;
}
