/* Reading the end of a log. */
#include "build/outcome.h"

#include "nix/build_words.h"

#include <string.h>

/* Exit codes of nix-store: 100 a build failed, with bits for how. Anything else failed before or beside the build. */
enum { EXIT_BUILD_FAILED = 100, EXIT_TIMED_OUT = 101, EXIT_HASH_MISMATCH = 102, EXIT_NOT_DETERMINISTIC = 104 };
enum { CLOCK_SLACK_MS = 1000 }; /* Nix counts its limits in seconds, and from a little earlier or later than we */

static struct build_outcome
said(enum build_state state, const char *reason)
{
	return (struct build_outcome){.state = state, .reason = reason};
}

static const struct build_outcome not_deterministic = {.state = BUILD_FAILED,
    .reason = "it is not deterministic",
    .differs = true};

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

/* Several lines as one. */
static const char *
joined(struct arena *a, struct str text)
{
	AUTO(buf_release) struct buf b;

	buf_init(&b, 1000);
	for (struct str rest = str_trim(text); rest.n != 0 && b.n < 300;) {
		struct str line = str_trim(str_cut(rest, '\n', &rest));
		buf_printf(&b, "%s" STR_FMT, b.n > 0 ? " " : "", STR_ARG(str_utf8_head(line, 300)));
	}
	return str_dup(a, buf_get(&b));
}

static ptrdiff_t
last_summary(struct str tail)
{
	ptrdiff_t at = -1;

	for (struct str rest = tail; rest.n != 0;) {
		struct str line = str_cut(rest, '\n', &rest);
		if (nixwords_begin(line, NIXWORD_SUMMARY))
			at = line.p - tail.p;
	}
	return at;
}

static struct build_outcome
builder_failed(struct str words)
{
	if (nixwords_say(words, NIXWORD_DISK_FULL)) /* Nix looks at the disks when a builder fails, before it tidies up */
		return said(BUILD_INFRASTRUCTURE, no_space);
	return said(BUILD_FAILED, "the builder failed");
}

static struct build_outcome
timed_out(const struct outcome_end *end, struct str words)
{
	/* Nix has two limits and one status for both. Which it was the clock tells; where there was none, the words. */
	bool silent = end->building_ms > 0 && end->wall_s > 0 ? end->building_ms + CLOCK_SLACK_MS < end->wall_s * 1000
	                                                      : has(words, "seconds of silence");

	return silent ? said(BUILD_SILENT, "nothing was printed for too long")
	              : said(BUILD_TIMED_OUT, "it took longer than allowed");
}

/* Nix reads lines that begin with "@nix ", and gives up the build and who asked for it with one that it cannot read. Only a builder can
 * have printed it, so it is that builder's failure; a daemon at fault says other words. */
static bool
printed_bad_line(struct str words, struct build_outcome *ret)
{
	if (!nixwords_begin(words, NIXWORD_BAD_LINE))
		return false;
	*ret = said(BUILD_FAILED, "it printed a line that begins with @nix and that Nix cannot read");
	return true;
}

/* A derivation that this machine was never to build: nobody's failure. */
static struct build_outcome
not_here(struct arena *a, struct str words)
{
	return said(BUILD_UNSUPPORTED, arena_printf(a, "Nix does not build it on this machine: %s", joined(a, words)));
}

static struct build_outcome
build_failed(int code, struct str tail)
{
	ptrdiff_t end = last_summary(tail); /* Nix' own words, after all the builder's */

	if (code & 1)
		return timed_out(&(struct outcome_end){0}, tail);
	if (code == EXIT_HASH_MISMATCH)
		return said(BUILD_FAILED, "the output does not have the hash it promises");
	if (code == EXIT_NOT_DETERMINISTIC)
		return not_deterministic;
	return builder_failed(end >= 0 ? str_from(tail, (size_t)end) : STR(""));
}

/* Nothing was begun anywhere, though another machine was to do it. */
static struct build_outcome
unreachable(struct arena *a, const struct outcome_end *end, struct str tail)
{
	ptrdiff_t why = nixwords_find(tail, NIXWORD_UNREACHABLE);
	struct str words = why >= 0 ? str_from(tail, (size_t)why) : STR("");
	const char *reason = str_starts(words, STR("cannot "))
	                         ? one_line(a, words)
	                         : arena_printf(a, "Nix finds no machine; %s was to build it", end->uri);

	return (struct build_outcome){.state = BUILD_INFRASTRUCTURE, .reason = reason, .absent = true};
}

/* Nix has one status for every end of a build on another machine; the words after the last "build of DRV on URI failed:" are
 * that machine's own. */
static struct build_outcome
remote_end(struct arena *a, const struct outcome_end *end, struct str tail)
{
	const char *machine = end->machine != NULL ? end->machine : end->uri;
	const char *failed = arena_printf(a, "error: build of '%s' on '%s' failed: ", end->drv, machine);
	ptrdiff_t at = find_last(tail, str_of(failed));

	if (at < 0)
		return said(BUILD_INFRASTRUCTURE, arena_printf(a, "the builder %s was lost", machine));
	struct str words = str_from(tail, (size_t)at + strlen(failed));
	for (struct str rest = words; rest.n != 0;) { /* this side's summary is the same for every end */
		struct str line = str_cut(rest, '\n', &rest);
		if (nixwords_begin(line, NIXWORD_SUMMARY)) {
			words.n = (size_t)(line.p - words.p);
			break;
		}
	}
	words = str_of(nixwords_without_log(a, str_dup(a, words)));
	struct build_outcome o;
	if (printed_bad_line(words, &o))
		return o;
	if (nixwords_say(words, NIXWORD_LACKS))
		return said(BUILD_UNSUPPORTED, arena_printf(a, "the builder %s refused it: %s", machine, joined(a, words)));
	if (nixwords_say(words, NIXWORD_TIMED_OUT))
		return timed_out(end, words);
	if (nixwords_say(words, NIXWORD_HASH_MISMATCH))
		return said(BUILD_FAILED, "the output does not have the hash it promises");
	if (nixwords_say(words, NIXWORD_DISK_FULL))
		return said(BUILD_INFRASTRUCTURE, arena_printf(a, "the builder %s had no space left", machine));
	if (nixwords_say(words, NIXWORD_NOT_SAME))
		return not_deterministic;
	if (nixwords_say(words, NIXWORD_BUILDER_ENDED))
		return said(BUILD_FAILED, "the builder failed");
	return said(BUILD_INFRASTRUCTURE, one_line(a, words));
}

static struct build_outcome
outside(struct arena *a, struct str words)
{
	return said(BUILD_INFRASTRUCTURE, words.n > 0 ? arena_printf(a, "Nix failed outside the build: %s", one_line(a, words))
	                                              : "Nix failed outside the build");
}

/* Limits of ours, and deaths: what needs no words. True when it was one. */
static bool
ended_by_us(const struct outcome_end *end, struct build_outcome *ret)
{
	if (end->log_limit)
		*ret = said(BUILD_LOG_LIMIT, "the log passed its limit");
	else if (end->our_silence)
		*ret = said(BUILD_SILENT, "nothing was printed for too long");
	else if (end->our_wall)
		*ret = said(BUILD_TIMED_OUT, "it took longer than allowed");
	else if (!end->exited)
		*ret = said(BUILD_INFRASTRUCTURE, "Nix was killed");
	else
		return false;
	return true;
}

struct build_outcome
outcome_of(struct arena *a, const struct outcome_end *end, struct str tail)
{
	struct build_outcome o;

	if (ended_by_us(end, &o))
		return o;
	if (end->code == 0)
		return said(BUILD_BUILT, NULL);
	if (end->code >= EXIT_BUILD_FAILED && end->code < EXIT_BUILD_FAILED + 16)
		return build_failed(end->code, tail);
	const char *begun = arena_printf(a, "building '%s' on '%s'", end->drv, end->uri != NULL ? end->uri : "");
	if (end->uri != NULL)
		return !has(tail, begun) && nixwords_say(tail, NIXWORD_UNREACHABLE) ? unreachable(a, end, tail)
		                                                                    : remote_end(a, end, tail);
	ptrdiff_t at = find_last(tail, STR("error: "));
	struct str words = at >= 0 ? str_from(tail, (size_t)at) : STR("");
	/* A fixed-output derivation whose builder fails, without a code of its own. */
	if (nixwords_begin(words, NIXWORD_SUMMARY) && nixwords_say(words, NIXWORD_BUILDER_ENDED) &&
	    !nixwords_say(words, NIXWORD_DISK_FULL))
		return (struct build_outcome){.state = BUILD_FAILED, .reason = "the builder failed", .may_pass = true};
	words = words.n > 0 ? str_from(words, strlen("error: ")) : words;
	if (printed_bad_line(words, &o))
		return o;
	if (nixwords_say(words, NIXWORD_DISK_FULL))
		return said(BUILD_INFRASTRUCTURE, no_space);
	if (nixwords_say(words, NIXWORD_NOT_SAME)) /* a daemon gives no codes but 100 */
		return not_deterministic;
	if (nixwords_say(words, NIXWORD_HASH_MISMATCH))
		return said(BUILD_FAILED, "the output does not have the hash it promises");
	return nixwords_say(words, NIXWORD_LACKS) || nixwords_say(words, NIXWORD_NOT_ALLOWED) ? not_here(a, words)
	                                                                                      : outside(a, words);
}

/* Nix calls "transient" what a builder did that could reach the network, and what a cache promised and did not keep. */
static struct build_outcome
transient(struct arena *a, const struct outcome_end *end, struct str words)
{
	struct build_outcome o = end->begun ? builder_failed(words) : outside(a, words);

	o.may_pass = o.state == BUILD_FAILED;
	return o;
}

struct build_outcome
outcome_of_refusal(struct arena *a, const struct outcome_end *end, const char *message, struct str tail)
{
	struct str words = str_of(message != NULL ? message : "");
	struct build_outcome o;

	if ((end->begun || end->dependency_begun) && printed_bad_line(words, &o))
		return o;
	if (end->uri != NULL && !end->begun)
		return unreachable(a, end, tail);
	if (end->uri != NULL || end->machine != NULL)
		return remote_end(a, end, tail);
	return nixwords_say(words, NIXWORD_LACKS) || nixwords_say(words, NIXWORD_NOT_ALLOWED) ? not_here(a, words)
	                                                                                      : outside(a, words);
}

struct build_outcome
outcome_of_status(struct arena *a, const struct outcome_end *end, enum nix_status status, const char *message, struct str tail)
{
	struct str words = str_of(message != NULL ? message : "");
	bool remote = end->uri != NULL || end->machine != NULL;
	struct build_outcome o;

	if (ended_by_us(end, &o))
		return o;
	switch (status) {
	case NIX_BUILT:
	case NIX_SUBSTITUTED:
	case NIX_ALREADY_VALID:
	case NIX_RESOLVES_TO_ALREADY_VALID: return said(BUILD_BUILT, NULL);
	case NIX_PERMANENT_FAILURE:
	case NIX_CACHED_FAILURE: return said(BUILD_FAILED, "the builder failed");
	case NIX_INPUT_REJECTED: /* until 2.26 of what is wrong with the derivation; since then also of what is not for this machine */
		if (end->uri != NULL && !end->begun)
			return unreachable(a, end, tail);
		if (nixwords_say(words, NIXWORD_LACKS))
			return not_here(a, words);
		return said(BUILD_FAILED, arena_printf(a, "Nix refused it: %s", one_line(a, words)));
	case NIX_OUTPUT_REJECTED:
		if (nixwords_say(words, NIXWORD_HASH_MISMATCH))
			return said(BUILD_FAILED, "the output does not have the hash it promises");
		return said(BUILD_FAILED, arena_printf(a, "Nix refused its output: %s", one_line(a, words)));
	case NIX_TIMED_OUT: return timed_out(end, words);
	case NIX_LOG_LIMIT_EXCEEDED: return said(BUILD_LOG_LIMIT, "the log passed its limit");
	case NIX_NOT_DETERMINISTIC: return not_deterministic;
	case NIX_TRANSIENT_FAILURE: return remote ? remote_end(a, end, tail) : transient(a, end, words);
	case NIX_DEPENDENCY_FAILED: /* the store had it when we asked, and has it no more: Nix tried to build it */
		return end->dependency_begun
		           ? said(BUILD_FAILED, "something it needs was not in the store any more, and failed to build")
		           : outside(a, words);
	case NIX_MISC_FAILURE:
	case NIX_NO_SUBSTITUTERS: break;
	}
	return remote && end->begun ? remote_end(a, end, tail)
	       : end->uri != NULL   ? unreachable(a, end, tail)
	                            : outside(a, words);
}

/* --- phases -------------------------------------------------------------------------------------------------------- */

const char *
outcome_phase(struct arena *a, struct str tail)
{
	/* What stdenv prints as it enters a phase; since 2023 "Running phase: NAME". */
	static const struct {
		const char *line, *phase;
	} words[] = {
	    {"unpacking sources", "unpackPhase"},
	    {"patching sources", "patchPhase"},
	    {"updateAutotoolsGnuConfigScriptsPhase", "updateAutotoolsGnuConfigScriptsPhase"},
	    {"configuring", "configurePhase"},
	    {"building", "buildPhase"},
	    {"running tests", "checkPhase"},
	    {"installing", "installPhase"},
	    {"post-installation fixup", "fixupPhase"},
	    {"running install tests", "installCheckPhase"},
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

bool
outcome_is_error(struct str line)
{
	static const char *const marks[] = {"error:", "Error:", "ERROR", "FAILED", "FAIL:", "fatal:", "Traceback (most recent",
	    "undefined reference", "panicked at", "Assertion", "assertion failed", "No such file or directory",
	    "command not found", "Segmentation fault", ": *** ", "not ok "};

	if (nixwords_begin(line, NIXWORD_SUMMARY)) /* it names no cause */
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
			if (c >= ' ' || c == '\t' || c == '\r' ||
			    c == 0x1b) /* colours are the page's affair; NUL is nobody's */
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
	bool summed_up = false;

	for (struct str rest = tail; rest.p != NULL;) {
		struct str line = str_cut(rest, '\n', &rest);
		if (summed_up && nixwords_repeats(line)) {
			if (lines.n > 0 && str_ends(lines.p[lines.n - 1], STR(";"))) /* "failed with exit code 1;" went on */
				lines.p[lines.n - 1].n--;
			continue;
		}
		summed_up = summed_up || nixwords_begin(line, NIXWORD_SUMMARY);
		if (rest.p != NULL || line.n > 0)
			vec_push(&lines, line);
	}
	size_t from = !whole && lines.n > 1 ? 1 : 0;
	for (size_t i = lines.n; i-- > from && error == SIZE_MAX;)
		if (outcome_is_error(lines.p[i]))
			error = i;
	/* The first of a run of errors is the cause. */
	for (size_t i = error; error != SIZE_MAX && i > from && i + 30 > error; i--)
		if (outcome_is_error(lines.p[i - 1]))
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
