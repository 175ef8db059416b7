/* Nix' words about builds, by version. */
#include "nix/build_words.h"

#include <string.h>

const struct nixword_row nixword_rows[] = {
    {NIXWORD_DISK_FULL, "2.8", "2.34", "\nnote: build failure may have been caused by lack of free disk space"},
    {NIXWORD_LACKS, "2.8", "2.26", "is required to build '"},
    {NIXWORD_LACKS, "2.34", "2.34", "\nReason: missing system features"},
    {NIXWORD_LACKS, "2.34", "2.34", "\nReason: platform mismatch"},
    {NIXWORD_LACKS, "2.34", "2.34", "\n       Reason: missing system features"}, /* another machine's, in the log */
    {NIXWORD_NOT_ALLOWED, "2.8", "2.34", "' has '__noChroot' set, but that's not allowed"},
    {NIXWORD_HASH_MISMATCH, "2.8", "2.34", "hash mismatch in fixed-output derivation '"},
    {NIXWORD_TIMED_OUT, "2.8", "2.34", "timed out after "}, /* until 2.26 with "of silence", when it was that */
    {NIXWORD_NOT_SAME, "2.8", "2.34", "may not be deterministic: output "},
    {NIXWORD_BUILDER_ENDED, "2.8", "2.34", "failed with exit code "},
    {NIXWORD_BUILDER_ENDED, "2.8", "2.34", "failed due to signal "},
    {NIXWORD_BUILDER_ENDED, "2.8", "2.34", "failed to produce output path "},
    {NIXWORD_UNREACHABLE, "2.8", "2.34", "cannot build on '"},
    {NIXWORD_UNREACHABLE, "2.8", "2.34", "Failed to find a machine for remote build"},
    {NIXWORD_WILL_BUILD, "2.8", "2.34", " will be built"}, {NIXWORD_WILL_FETCH, "2.8", "2.34", " will be fetched"},
    {NIXWORD_BAD_LINE, "2.8", "2.34", "[json.exception."}, {NIXWORD_BAD_LINE, "2.8", "2.34", "unsupported JSON type "},
    {NIXWORD_SUMMARY, "2.8", "2.34", "error: builder for '"}, {NIXWORD_SUMMARY, "2.34", "2.34", "error: Cannot build '"},
    {NIXWORD_SUMMARY, "2.8", "2.34", "error: build of '"}, /* on another machine */
};
const size_t nixword_count = COUNT(nixword_rows);

ptrdiff_t
nixwords_find(struct str text, enum nixword what)
{
	ptrdiff_t first = -1;

	for (size_t i = 0; i < nixword_count; i++) {
		ptrdiff_t at = nixword_rows[i].what == what ? str_find(text, str_of(nixword_rows[i].words)) : -1;
		if (at >= 0 && (first < 0 || at < first))
			first = at;
	}
	return first;
}

bool
nixwords_say(struct str text, enum nixword what)
{
	return nixwords_find(text, what) >= 0;
}

bool
nixwords_begin(struct str text, enum nixword what)
{
	for (size_t i = 0; i < nixword_count; i++)
		if (nixword_rows[i].what == what && str_starts(text, str_of(nixword_rows[i].words)))
			return true;
	return false;
}

/* "last 25 log lines:" (2.34: "Last"), each of them behind "> "; "For full logs, run 'nix log X'." (from 2.26 the command is a
 * line of its own). */
bool
nixwords_repeats(struct str line)
{
	line = str_trim(line);
	return str_is(line, ">") || str_starts(line, STR("> ")) || str_starts(line, STR("For full logs, run")) ||
	       str_starts(line, STR("nix log /")) || str_starts(line, STR("nix-store -l /")) ||
	       ((str_starts(line, STR("last ")) || str_starts(line, STR("Last "))) && str_ends(line, STR(" log lines:")));
}

char *
nixwords_without_log(struct arena *a, const char *message)
{
	AUTO(buf_release) struct buf b;
	bool cut = false;

	buf_init(&b, strlen(message) + 2);
	for (struct str rest = str_of(message); rest.n != 0;) {
		struct str line = str_cut(rest, '\n', &rest);
		if (nixwords_repeats(line)) {
			cut = true;
			continue;
		}
		if (b.n > 0)
			buf_putc(&b, '\n');
		buf_str(&b, line);
	}
	/* "failed with exit code 1;" went on before. */
	for (size_t i = 0; cut && i < b.n; i++)
		if (b.p[i] == ';' && (i + 1 == b.n || b.p[i + 1] == '\n'))
			return arena_printf(a, "%.*s%s", (int)i, b.p, b.p + i + 1);
	return str_dup(a, buf_get(&b));
}
