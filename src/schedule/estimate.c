/* Sums and chains of recorded durations. */
#include "schedule/estimate.h"

#include "schedule/queue.h"
#include "store/duration.h"
#include "support/base/map.h"
#include "support/text/json.h"

static json_t *
system_of(json_t *all, const char *system)
{
	json_t *one = json_object_get(all, system);

	if (one == NULL) {
		one = json_pack("{s:i,s:i,s:i,s:i,s:i}", "builds", 0, "total_ms", 0, "critical_path_ms", 0, "known", 0, "unknown", 0);
		json_object_set_new(all, system, one);
	}
	return one;
}

static void
add(json_t *one, const char *key, int64_t n)
{
	json_object_set_new(one, key, json_integer(json_int(one, key, 0) + n));
}

/* The expected duration, asked of the database once a name and system; *ret_known tells whether it is more than a guess. */
static int
expected(struct store *s, struct arena *a, struct map *seen, const struct build_want *w, int64_t *ret_ms, bool *ret_known,
    struct err *e)
{
	struct str pname = duration_name(str_of(w->name));
	struct str key = str_of(arena_printf(a, STR_FMT " %s", STR_ARG(pname), w->system));
	int64_t median, spread;
	bool added;
	struct map_entry *at = map_add(seen, key, &added);

	if (added) {
		int rc = duration_get(s, pname, w->system, &median, &spread, e);
		if (rc < 0)
			return -1;
		at->value = rc == 0 ? (size_t)median + 1 : 0;
	}
	*ret_known = at->value > 0;
	*ret_ms = at->value > 0 ? (int64_t)at->value - 1 : QUEUE_UNKNOWN_MS;
	return 0;
}

static int64_t
longest_below(const struct map *ids, const int64_t *path, const json_t *inputs)
{
	const json_t *input;
	int64_t longest = 0;
	size_t i;

	json_array_foreach(inputs, i, input) {
		const struct map_entry *at = map_get(ids, str_of(json_string_value(input)));
		if (at != NULL && path[at->value] > longest)
			longest = path[at->value];
	}
	return longest;
}

int
schedule_estimate(struct store *s, const struct build_want *wants, size_t n, json_t **ret, struct err *e)
{
	AUTO(json_drop) json_t *all = json_object();
	struct map ids = {0}, seen = {0};
	struct arena a = {0};
	int64_t *path = arena_alloc(&a, (n + 1) * sizeof(*path));
	int rc = 0;

	for (size_t i = 0; i < n && rc == 0; i++) {
		int64_t ms;
		bool known;
		if (wants[i].cached)
			continue;
		rc = expected(s, &a, &seen, &wants[i], &ms, &known, e);
		if (rc != 0)
			break;
		json_t *one = system_of(all, wants[i].system);
		path[i] = ms + longest_below(&ids, path, wants[i].inputs);
		map_add(&ids, str_of(wants[i].drv), NULL)->value = i;
		add(one, "builds", 1);
		add(one, "total_ms", ms);
		add(one, known ? "known" : "unknown", 1);
		if (path[i] > json_int(one, "critical_path_ms", 0))
			json_object_set_new(one, "critical_path_ms", json_integer(path[i]));
	}
	if (rc == 0)
		*ret = json_incref(all);
	map_release(&ids);
	map_release(&seen);
	arena_release(&a);
	return rc;
}
