/* A word in between. */
#include "report/first_told.h"

#include "report/words.h"
#include "support/os/files.h"
#include "support/text/escape.h"

#include <string.h>

enum { MAX_LIST_BYTES = 1 << 30 };

static const char to_be_sure[] = "; evaluating everything to be sure";

static bool
has_answer(const struct first_answers *all)
{
	for (size_t i = 0; i < all->n; i++)
		if (all->p[i].known)
			return true;
	return false;
}

/* Of jobs that name the same package what differs is said once. */
const char *
first_words(struct arena *a, const struct first_answers *all)
{
	const char *what = NULL, *reason = NULL;
	int64_t rebuilds = 0;

	for (size_t i = 0; i < all->n; i++) {
		const struct first_answer *one = &all->p[i];
		rebuilds += one->known ? one->rebuilds : 0;
		if (one->known && (what == NULL || strcmp(what, one->what) == 0))
			what = one->what;
		else if (one->known)
			what = arena_printf(a, "%s; %s", what, one->what);
		if (one->reason != NULL && reason == NULL)
			reason = one->reason;
	}
	if (what != NULL)
		return arena_printf(a, "first answer: %s, about %s", what, words_count(a, rebuilds, "rebuild", "rebuilds"));
	return reason != NULL ? arena_printf(a, "no first answer: %s", reason) : NULL;
}

const char *
first_title(struct model *m)
{
	if (!has_answer(&m->facts.first))
		return NULL;
	return arena_printf(&m->a, "%s%s", escape_dup(&m->a, ESCAPE_TERMINAL, str_of(first_words(&m->a, &m->facts.first))),
	    to_be_sure);
}

/* What was really rebuilt or new. */
static void
note_truth(const struct model *m, struct map *ret)
{
	for (size_t i = 0; i < m->n_attrs; i++) {
		const struct changed_attr *at = &m->attrs[i];
		const struct difference_side *side = at->class == CLASS_REBUILD ? at->is->base
		                                     : at->class == CLASS_ADDED ? at->is->head
		                                                                : NULL;
		if (!at->alias && side != NULL && side->drv != NULL)
			map_add(ret, str_of(side->drv), NULL);
	}
}

static bool
count_list(struct model *m, const char *file, const struct map *truth, struct first_check *ret)
{
	struct err ignored;
	struct str text, line;

	if (files_read(&m->a, file, MAX_LIST_BYTES, &text, &ignored) != 0)
		return false;
	while (text.n > 0) {
		line = str_cut(text, '\n', &text);
		ret->said++;
		ret->right += map_get(truth, line) != NULL;
	}
	return true;
}

bool
first_checked(struct model *m, struct first_check *ret)
{
	const struct first_answers *all = &m->facts.first;
	struct map truth = {0};
	bool whole = m->outcome == OUTCOME_COMPARED && m->untold == 0 && has_answer(all);

	*ret = (struct first_check){0};
	for (size_t i = 0; i < all->n; i++)
		whole = whole && all->p[i].known;
	if (whole)
		note_truth(m, &truth);
	for (size_t i = 0; whole && i < all->n; i++)
		whole = count_list(m, all->p[i].list, &truth, ret);
	ret->truth = (int64_t)truth.n;
	map_release(&truth);
	return whole;
}

/* "Confirmed", or what was otherwise. */
static const char *
judge(struct model *m, const struct first_check *c)
{
	struct arena *a = &m->a;
	int64_t wrong = c->said - c->right, missed = c->truth - c->right;

	if (wrong == 0 && missed == 0)
		return "Confirmed";
	return arena_printf(a, "Corrected to %s: %s%s%s", words_count(a, c->truth, "rebuild", "rebuilds"),
	    missed > 0 ? arena_printf(a, "%s had not been thought of", words_number(a, missed)) : "",
	    missed > 0 && wrong > 0 ? ", " : "",
	    wrong > 0 ? arena_printf(a, "%s %s none", words_number(a, wrong), wrong == 1 ? "is" : "are") : "");
}

static int64_t
took_ms(const struct first_answers *all)
{
	int64_t ms = 0;

	for (size_t i = 0; i < all->n; i++)
		ms += all->p[i].wall_ms;
	return ms;
}

const char *
first_sentence(struct model *m)
{
	const struct first_answers *all = &m->facts.first;
	const char *words = first_words(&m->a, all);
	struct first_check check;

	if (words == NULL || (m->outcome == OUTCOME_RUNNING && has_answer(all)))
		return NULL;
	char *said = escape_dup(&m->a, ESCAPE_TERMINAL, str_of(words));
	said[0] = said[0] == 'f' ? 'F' : 'N';
	if (m->outcome == OUTCOME_RUNNING)
		return arena_printf(&m->a, "%s%s", said, to_be_sure);
	if (!first_checked(m, &check))
		return m->outcome == OUTCOME_COMPARED ? said : NULL;
	return arena_printf(&m->a, "%s, after %s of looking. %s", said, words_duration(&m->a, took_ms(all)), judge(m, &check));
}
