/* The stage: spaces are read, compared and told. */
#include "overlap/spaces.h"
#include "support/base/log.h"

enum { MAX_ENTRIES = 8 << 20 }; /* of all together: 400 MB */

int
overlap_stage(struct arena *a, const void *told, struct record_out *out, struct err *e)
{
	const struct overlap_job *job = told;
	size_t n = 0, entries = 0;
	struct space *of = arena_alloc(a, (job->pulls.n + 1) * sizeof(*of));
	struct overlap_pull *pulls = arena_alloc(a, (job->pulls.n + 1) * sizeof(*pulls));
	struct numbers unread = {arena_alloc(a, (job->pulls.n + 1) * sizeof(*unread.p)), 0};
	struct overlap_told *each = arena_alloc(a, (job->pulls.n + 1) * sizeof(*each));
	struct overlaps_told all;

	for (size_t i = 0; i < job->pulls.n; i++) {
		const struct overlap_pull *one = &job->pulls.p[i];
		/* A run's files may be gone, or of a version that cannot be read: the others are compared all the same. */
		if (entries > MAX_ENTRIES || space_read(a, one->space, one->difference, &of[n], e) != 0) {
			if (entries <= MAX_ENTRIES)
				log_err(LOG_WARN, "overlap", e);
			unread.p[unread.n++] = one->number;
			continue;
		}
		entries += of[n].n;
		pulls[n++] = *one;
		record_progress(out, "reading", (int64_t)i, (int64_t)job->pulls.n);
	}
	overlap_compare(a, pulls, of, n, each, &all);
	all.unread = unread;
	for (size_t i = 0; i < n; i++)
		if (record_put(out, &overlap_told_fields, &each[i], e) != 0)
			return -1;
	return record_put(out, &overlaps_told_fields, &all, e);
}
