/* Asking Nix, and trying a sandbox. */
#include "walk/means.h"

#include "evaluate/sandbox.h"
#include "nix/settings.h"

int
means_stage(struct arena *a, const void *told, struct record_out *out, struct err *e)
{
	const struct means_job *job = told;
	struct nix_settings settings = {0};
	struct means_told m = {0};
	struct err why;

	if (nixsettings_read(a, NULL, &settings, &why) == 0)
		m.settings = settings.line;
	else
		m.settings_why = arena_strdup(a, why.msg);
	if (job->sandbox) {
		const char *reason = NULL;
		m.sandbox_works = sandbox_works(&reason);
		m.sandbox_why = m.sandbox_works ? NULL : reason;
	}
	return record_put(out, &means_fields, &m, e);
}
