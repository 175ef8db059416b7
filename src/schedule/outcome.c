/* Reading the end of a log. */
#include "schedule/outcome.h"

#include <string.h>

/* Exit codes of nix-store: 100 a build failed, with bits for how. Anything else failed before or beside the build. */
enum { EXIT_BUILD_FAILED = 100, EXIT_TIMED_OUT = 101, EXIT_HASH_MISMATCH = 102, EXIT_NOT_DETERMINISTIC = 104 };

static struct outcome
said(const char *state, const char *reason)
{
	return (struct outcome){.state = state, .reason = reason};
}

static const struct outcome not_deterministic = {.state = "failed", .reason = "it is not deterministic", .differs = true};

static const char no_space[] = "no space was left on the disk it was built on";

static ptrdiff_t
find_last(struct str s, struct str what)
{
	ptrdiff_t at = -1;

	for (size_t from = 0; from < s.n;) {
		ptrdiff_t next = str_find(str_from(s, from), what);
		if (next < 0)
			break;
		at = (ptrdiff_t)from + next;
		from = (size_t)at + 1;
	}
	return at;
}

static bool
has(struct str s, const char *what)
{
	return str_find(s, str_of(what)) >= 0;
}

static const char *
one_line(struct arena *a, struct str text)
{
	struct str rest, line = str_trim(str_cut(text, '\n', &rest));

	return str_dup(a, str_utf8_head(line, 300));
}

/* Nix looks at the disks when a builder fails, before it tidies up. */
static bool
was_full(struct str words)
{
	return has(words, "\nnote: build failure may have been caused by lack of free disk space");
}

static struct outcome
build_failed(int code, struct str tail)
{
	ptrdiff_t end = find_last(tail, STR("error: builder for '")); /* Nix' own words, after all the builder's */

	if (code & 1 && has(tail, "seconds of silence"))
		return said("silent", "nothing was printed for too long");
	if (code == EXIT_TIMED_OUT)
		return said("timed_out", "it took longer than allowed");
	if (code == EXIT_HASH_MISMATCH)
		return said("failed", "the output does not have the hash it promises");
	if (code == EXIT_NOT_DETERMINISTIC)
		return not_deterministic;
	if (end >= 0 && was_full(str_from(tail, (size_t)end)))
		return said("infrastructure", no_space);
	return said("failed", "the builder failed");
}

/* Older Nix tells every end of a remote build with one exit code; the words after the last "build of DRV on URI failed:"
 * are the machine's. */
static struct outcome
remote_end(struct arena *a, const struct outcome_end *end, struct str tail)
{
	const char *begun = arena_printf(a, "building '%s' on '%s'", end->drv, end->uri);
	const char *failed = arena_printf(a, "error: build of '%s' on '%s' failed: ", end->drv, end->uri);
	ptrdiff_t at = find_last(tail, str_of(failed));

	if (!has(tail, begun) && (has(tail, "cannot build on '") || has(tail, "Failed to find a machine for remote build"))) {
		ptrdiff_t why = str_find(tail, STR("cannot build on '"));
		const char *reason = why >= 0 ? one_line(a, str_from(tail, (size_t)why))
		                              : arena_printf(a, "Nix finds no machine; %s was to build it", end->uri);
		return (struct outcome){.state = "infrastructure", .reason = reason, .absent = true};
	}
	if (at < 0)
		return said("infrastructure", arena_printf(a, "the builder %s was lost", end->uri));
	struct str words = str_from(tail, (size_t)at + strlen(failed));
	ptrdiff_t ours = find_last(words, STR("\nerror: builder for '")); /* this side's summary, the same for every end */
	if (ours >= 0)
		words.n = (size_t)ours;
	if (has(words, "is required to build"))
		return said("unsupported", arena_printf(a, "the builder %s refused it: %s", end->uri, one_line(a, words)));
	if (has(words, "seconds of silence"))
		return said("silent", "nothing was printed for too long");
	if (has(words, "timed out after"))
		return said("timed_out", "it took longer than allowed");
	if (has(words, "hash mismatch"))
		return said("failed", "the output does not have the hash it promises");
	if (was_full(words))
		return said("infrastructure", arena_printf(a, "the builder %s had no space left", end->uri));
	if (has(words, "may not be deterministic"))
		return not_deterministic;
	if (has(words, "failed with exit code") || has(words, "failed due to signal") || has(words, "failed to produce output"))
		return said("failed", "the builder failed");
	return said("infrastructure", one_line(a, words));
}

struct outcome
outcome_of(struct arena *a, const struct outcome_end *end, struct str tail)
{
	if (end->log_limit)
		return said("log_limit", "the log passed its limit");
	if (end->our_silence)
		return said("silent", "nothing was printed for too long");
	if (end->our_wall)
		return said("timed_out", "it took longer than allowed");
	if (!end->exited)
		return said("infrastructure", "Nix was killed");
	if (end->code == 0)
		return said("built", NULL);
	if (end->code >= EXIT_BUILD_FAILED && end->code < EXIT_BUILD_FAILED + 16)
		return build_failed(end->code, tail);
	if (end->uri != NULL)
		return remote_end(a, end, tail);
	ptrdiff_t at = find_last(tail, STR("error: "));
	return said("infrastructure", at >= 0 ? arena_printf(a, "Nix failed outside the build: %s",
	                                            one_line(a, str_from(tail, (size_t)at + strlen("error: "))))
	                                      : "Nix failed outside the build");
}

struct outcome
outcome_of_status(struct arena *a, const struct outcome_end *end, enum nix_status status, const char *message, struct str tail)
{
	struct str words = str_of(message != NULL ? message : "");

	if (end->log_limit)
		return said("log_limit", "the log passed its limit");
	switch (status) {
	case NIX_BUILT:
	case NIX_SUBSTITUTED:
	case NIX_ALREADY_VALID:
	case NIX_RESOLVES_TO_ALREADY_VALID:
		return said("built", NULL);
	case NIX_PERMANENT_FAILURE:
	case NIX_CACHED_FAILURE:
		return said("failed", "the builder failed");
	case NIX_INPUT_REJECTED:
		return said("failed", "Nix refused an input of it");
	case NIX_OUTPUT_REJECTED:
		return said("failed", str_starts(words, STR("hash mismatch")) ? "the output does not have the hash it promises"
		                                                              : "Nix refused its output");
	case NIX_TIMED_OUT:
		return has(words, "seconds of silence") ? said("silent", "nothing was printed for too long")
		                                        : said("timed_out", "it took longer than allowed");
	case NIX_LOG_LIMIT_EXCEEDED:
		return said("log_limit", "the log passed its limit");
	case NIX_NOT_DETERMINISTIC:
		return not_deterministic;
	case NIX_TRANSIENT_FAILURE:
	case NIX_MISC_FAILURE:
	case NIX_DEPENDENCY_FAILED:
	case NIX_NO_SUBSTITUTERS:
		break;
	}
	if (end->uri != NULL)
		return remote_end(a, end, tail);
	if (was_full(words))
		return said("infrastructure", no_space);
	return said("infrastructure", arena_printf(a, "Nix failed outside the build: %s", one_line(a, words)));
}

/* --- phases -------------------------------------------------------------------------------------------------------- */

const char *
outcome_phase(struct arena *a, struct str tail)
{
	/* What stdenv prints as it enters a phase; since 2023 "Running phase: NAME". */
	static const struct {
		const char *line, *phase;
	} words[] = {
	    {"unpacking sources", "unpackPhase"},       {"patching sources", "patchPhase"},
	    {"updateAutotoolsGnuConfigScriptsPhase", "updateAutotoolsGnuConfigScriptsPhase"},
	    {"configuring", "configurePhase"},          {"building", "buildPhase"},
	    {"running tests", "checkPhase"},            {"installing", "installPhase"},
	    {"post-installation fixup", "fixupPhase"},  {"running install tests", "installCheckPhase"},
	};
	const char *found = NULL;

	for (struct str rest = tail; rest.p != NULL;) {
		struct str line = str_trim(str_cut(rest, '\n', &rest));
		if (str_starts(line, STR("@nix ")))
			continue;
		if (str_starts(line, STR("Running phase: "))) {
			struct str name = str_from(line, strlen("Running phase: ")), after;
			name = str_cut(name, ' ', &after);
			if (name.n > 0 && name.n < 64 && str_utf8_ok(name))
				found = str_dup(a, name);
			continue;
		}
		for (size_t i = 0; i < COUNT(words); i++)
			if (str_is(line, words[i].line))
				found = words[i].phase;
	}
	return found;
}

/* --- lines --------------------------------------------------------------------------------------------------------- */

static bool
is_error(struct str line)
{
	static const char *const marks[] = {"error:", "Error:", "ERROR", "FAILED", "FAIL:", "fatal:", "Traceback (most recent",
	    "undefined reference", "panicked at", "Assertion", "assertion failed", "No such file or directory",
	    "command not found", "Segmentation fault", ": *** ", "not ok "};

	/* Summaries of Nix and of build tools name no cause. */
	if (str_starts(line, STR("error: builder for")) || str_starts(line, STR("error: build of")))
		return false;
	for (size_t i = 0; i < COUNT(marks); i++)
		if (has(line, marks[i]))
			return true;
	return false;
}

/* Lines from..to, and no more than max bytes of them (the last). */
static void
add_lines(struct buf *out, const struct str *lines, size_t from, size_t to, size_t max)
{
	size_t bytes = 0, first = to;

	while (first > from && bytes + lines[first - 1].n + 1 <= max)
		bytes += lines[--first].n + 1;
	for (size_t i = first; i < to; i++) {
		for (size_t k = 0; k < lines[i].n; k++) {
			unsigned char c = (unsigned char)lines[i].p[k];
			if (c >= ' ' || c == '\t' || c == '\r' || c == 0x1b) /* colours are the page's affair; NUL is nobody's */
				buf_putc(out, (char)c);
		}
		buf_putc(out, '\n');
	}
}

struct str
outcome_lines(struct arena *a, struct str tail, bool whole, size_t max_lines, size_t max_bytes)
{
	VEC(struct str) lines = {0};
	struct buf out;
	size_t error = SIZE_MAX;

	for (struct str rest = tail; rest.p != NULL;) {
		struct str line = str_cut(rest, '\n', &rest);
		if (rest.p != NULL || line.n > 0)
			vec_push(&lines, line);
	}
	size_t from = !whole && lines.n > 1 ? 1 : 0;
	for (size_t i = lines.n; i-- > from && error == SIZE_MAX;)
		if (is_error(lines.p[i]))
			error = i;
	/* The first of a run of errors is the cause. */
	for (size_t i = error; error != SIZE_MAX && i > from && i + 30 > error; i--)
		if (is_error(lines.p[i - 1]))
			error = i - 1;
	buf_init(&out, max_bytes + 64);
	if (error == SIZE_MAX || error + max_lines >= lines.n + 4) {
		add_lines(&out, lines.p, lines.n - from > max_lines ? lines.n - max_lines : from, lines.n, max_bytes);
	} else {
		size_t before = error - from > 4 ? error - 4 : from, half = max_lines / 2;
		size_t to = before + half < lines.n - half ? before + half : lines.n - half;
		add_lines(&out, lines.p, before, to, max_bytes / 2);
		buf_puts(&out, "[...]\n");
		add_lines(&out, lines.p, lines.n - half + 1, lines.n, max_bytes / 2);
	}
	struct str text = {str_dup(a, buf_get(&out)), out.n};
	buf_release(&out);
	vec_release(&lines);
	return text;
}
