/* Where a tree is evaluated. */
#include "evaluate/evaluating.h"

const char *
evaluating_source(struct arena *a, const struct evaluating *r)
{
	return r->sandbox ? EVALUATING_INSIDE : arena_printf(a, "%s/source", r->checkout_dir);
}
