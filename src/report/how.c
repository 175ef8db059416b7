/* Whose word counts. */
#include "report/how.h"

#include <string.h>

static bool
is_asked(const struct model *m, const char *member)
{
	const struct texts *decide = &m->job->settings.repositories_decide;

	for (size_t i = 0; i < decide->n; i++)
		if (strcmp(decide->p[i], member) == 0)
			return true;
	return false;
}

/* What the repository says of the member; NULL where it says nothing, or is not asked. */
static const struct report_said *
said_of(const struct model *m, const char *member)
{
	return is_asked(m, member) ? m->wishes.said : NULL;
}

static int64_t
number(int64_t said, int64_t otherwise, int64_t max)
{
	return said < 0 ? otherwise : said < max ? said : max;
}

struct report_how
how_of(const struct model *m)
{
	const struct report_settings *s = &m->job->settings;
	const struct report_said *comment = said_of(m, "comment"), *labels = said_of(m, "labels"),
	                         *reviews = said_of(m, "review_requests");

	return (struct report_how){.comment = comment != NULL && comment->comment != NULL ? comment->comment
	                                      : s->comment != NULL                        ? s->comment
	                                                                                  : "always",
	    .labels = labels != NULL && labels->labels >= 0 ? labels->labels != 0 : s->labels,
	    .review_requests =
	        number(reviews != NULL ? reviews->review_requests : -1, s->review_requests, REPORT_MAX_REVIEW_REQUESTS)};
}

int64_t
how_attribute_checks(const struct model *m)
{
	const struct report_said *said = said_of(m, "attribute_checks");

	if (m->facts.run.number <= 0)
		return 0;
	return number(said != NULL ? said->attribute_checks : -1, m->job->settings.attribute_checks,
	    REPORT_MAX_ATTRIBUTE_CHECKS);
}

const struct branch_budget *
how_budget(const struct model *m)
{
	return is_asked(m, "budget") ? m->wishes.budget : NULL;
}
