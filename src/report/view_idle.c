/* Commits of the change that touch nothing of what was evaluated. */
#include "report/view_part.h"

#include "report/words.h"

#include <string.h>

static bool
has(const struct texts *list, const char *id)
{
	for (size_t i = 0; i < list->n; i++)
		if (strcmp(list->p[i], id) == 0)
			return true;
	return false;
}

/* Of every job's head it must have been found. */
static bool
is_idle(const struct evaluations *all, const char *id)
{
	bool found = false;

	for (size_t i = 0; i < all->n; i++) {
		if (all->p[i].side != SIDE_HEAD)
			continue;
		if (!has(&all->p[i].idle, id))
			return false;
		found = true;
	}
	return found;
}

void
view_idle(const struct view *v, struct values *obj)
{
	enum { SHORT = 8, MAX_NAMED = 5 };
	struct model *m = v->m;
	const struct plan *plan = m->facts.plan;
	struct value_list *items = value_list_new(&m->a);
	size_t n = 0;

	if (plan == NULL)
		return;
	for (size_t i = 0; i < plan->commits.n; i++) {
		const struct plan_commit *one = &plan->commits.p[i];
		if (!is_idle(&m->facts.evaluations, one->id) || n++ >= MAX_NAMED)
			continue;
		struct values *item = values_new(&m->a);
		put_code(v, item, "id", arena_strn(&m->a, one->id, strnlen(one->id, SHORT)));
		put_name(v, item, "subject", one->subject);
		values_flag(item, "next", n > 1);
		value_list_group(items, item);
	}
	if (n == 0 || n == plan->commits.n) /* all: then nothing is rebuilt, which is said */
		return;
	put_list(v, obj, "idle", items, n, (int64_t)n);
	values_text(obj, "idle_of", words_count(&m->a, (int64_t)plan->commits.n, "commit", "commits"));
}
