/* Sizes, and who may see. */
#include "web/show.h"

#include "web/page_data.h"

#include <inttypes.h>
#include <stdio.h>

enum { MAX_REVOKED = 32 /* revocations that are looked back on */ };

const char *
show_bytes(struct arena *a, int64_t n)
{
	static const char *const units[] = {"kB", "MB", "GB"};
	double v = (double)n / 1000;
	size_t i = 0;

	if (n < 1000)
		return arena_printf(a, "%" PRId64 " byte%s", n, n == 1 ? "" : "s");
	for (; v >= 1000 && i + 1 < COUNT(units); i++)
		v /= 1000;
	return arena_printf(a, v < 10 ? "%.1f %s" : "%.0f %s", v, units[i]);
}

const char *
show_number(struct arena *a, int64_t n)
{
	char digits[24], out[32];
	int len = snprintf(digits, sizeof(digits), "%" PRId64, n), k = 0;

	for (int i = 0; i < len; i++) {
		if (i > (n < 0) && (len - i) % 3 == 0)
			out[k++] = ',';
		out[k++] = digits[i];
	}
	return arena_strn(a, out, (size_t)k);
}

const char *
show_clean(struct arena *a, const char *text)
{
	return text != NULL ? fields_clean(a, str_of(text)) : NULL;
}

bool
show_was_revoked(struct page *p, const struct view_repository *repo, int64_t number)
{
	struct link_of of = {repo->id, repo->links, number};

	if (p->key == NULL || repo->gone)
		return false;
	for (int i = 0; i < MAX_REVOKED && of.revoked > 0; i++) {
		of.revoked--;
		if (link_ok(p->w->links, &of, p->key))
			return true;
	}
	return false;
}

const char *
show_path(struct page *p, const struct view_run *r, const char *path)
{
	return arena_printf(p->a, "%s%s", path, page_suffix(p, &r->repository, r->number));
}
