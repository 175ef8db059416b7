/* How much a view holds. */
#include "report/limits.h"

static size_t
at_least_0(int64_t n)
{
	return n > 0 ? (size_t)n : 0;
}

struct limits
limits_asked(const struct model *m)
{
	return (struct limits){
	    .listed = at_least_0(m->wishes.package_change_summary.max_packages_listed),
	    .roots = at_least_0(m->wishes.rebuild_impact.max_top_blast_radius),
	    LIMITS_SHOWN,
	};
}

struct limits
limits_none(void)
{
	return (struct limits){.listed = SIZE_MAX,
	    .roots = SIZE_MAX,
	    .failures = SIZE_MAX,
	    .folded = SIZE_MAX,
	    .tail_lines = 200,
	    .error_bytes = 20000,
	    .name_bytes = 4096,
	    .nodes = 16,
	    .rules = SIZE_MAX,
	    .followers = true};
}
