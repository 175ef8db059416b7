/* A line with the name of a webhook's event, then its body; the body is read as a form's, too. */
#include "forge/github/accept.h"
#include "fuzz/fuzz.h"

static void
check_repository(const struct event_repository *r)
{
	if (r->id == 0)
		return;
	FUZZ_CHECK(strchr(r->owner, '/') == NULL && strchr(r->name, '/') == NULL);
	FUZZ_CHECK(strcmp(r->name, "..") != 0 && strcmp(r->owner, "..") != 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct str text = {(const char *)data, n};
	struct arena a = {0};
	struct event event = {0};
	struct err e = {0};
	struct str payload;
	const char *name = str_dup(&a, fuzz_line(&text));
	char *form = arena_strn(&a, text.p, text.n);

	if (accept_parse(&a, name, text, &event, &e) == 0) {
		check_repository(&event.repository);
		for (size_t i = 0; i < event.n_repositories; i++)
			check_repository(&event.repositories[i]);
	} else {
		FUZZ_CHECK(e.kind == ERR_INPUT);
	}
	if (accept_form(form, text.n, &payload))
		FUZZ_CHECK(payload.p >= form && payload.p + payload.n <= form + text.n);
	arena_release(&a);
	return 0;
}
