/* Request bodies within GitHub's limits. */
#include "forge/github/shape.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

enum {
	MAX_ACTIONS = 3,
	MAX_ACTION_LABEL = 20,
	MAX_ACTION_DESCRIPTION = 40,
	MAX_ACTION_IDENTIFIER = 20,
	MAX_ANNOTATION_TITLE = 255,
	MAX_ANNOTATION_BYTES = 64 * 1024, /* message, raw_details */
	MAX_TITLE_BYTES = 1024
};

/* How many bytes of s are within both limits, at a character's border. */
static size_t
fitting(struct str s, size_t max_bytes, size_t max_units)
{
	size_t units = 0, i = 0;

	while (i < s.n) {
		unsigned char c = (unsigned char)s.p[i];
		size_t n = c < 0x80 ? 1 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4;
		size_t u = n == 4 ? 2 : 1;
		if (i + n > s.n || i + n > max_bytes || units + u > max_units)
			break;
		i += n;
		units += u;
	}
	return i;
}

static bool
in_fence(struct str s)
{
	bool open = false;

	while (s.p != NULL && s.n > 0) {
		struct str line = str_cut(s, '\n', &s);
		if (str_starts(str_trim(line), STR("```")))
			open = !open;
	}
	return open;
}

struct str
shape_cut(struct arena *a, struct str text, size_t max_bytes, size_t max_units)
{
	static const char words[] = "\n\n*The rest is left out here: it is more than GitHub takes.*\n";
	enum { ROOM = sizeof(words) + sizeof("\n```\n") };
	size_t n = fitting(text, max_bytes, max_units);

	if (n == text.n)
		return text;
	n = fitting(text, max_bytes - ROOM, max_units - ROOM);
	for (size_t back = 0; back < 4000 && back < n; back++) {
		if (text.p[n - back - 1] == '\n') {
			n -= back;
			break;
		}
	}
	const char *close = in_fence((struct str){text.p, n}) ? "\n```" : "";
	const char *cut = arena_printf(a, "%.*s%s%s", (int)n, text.p, close, words);
	return str_of(cut);
}

static void
set(json_t *to, const char *key, json_t *value)
{
	if (value != NULL)
		json_object_set_new(to, key, value);
}

/* NULL where there is none. */
static json_t *
cut_string(const char *text, size_t max_bytes, size_t max_units)
{
	struct arena a = {0};

	if (text == NULL || *text == '\0')
		return NULL;
	json_t *ret = json_any_string(shape_cut(&a, str_of(text), max_bytes, max_units));
	arena_release(&a);
	return ret;
}

/* Short texts are cut without words. */
static json_t *
short_string(const char *text, size_t max_units)
{
	struct str s = str_of(text != NULL ? text : "");

	return s.n == 0 ? NULL : json_any_string((struct str){s.p, fitting(s, SIZE_MAX, max_units)});
}

static json_t *
string(const char *text)
{
	return text != NULL && *text != '\0' ? json_string(text) : NULL;
}

/* Milliseconds as ISO 8601. */
static json_t *
time_of(int64_t ms)
{
	time_t s = (time_t)(ms / 1000);
	char text[32];
	struct tm tm;

	if (ms == 0 || gmtime_r(&s, &tm) == NULL || strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &tm) == 0)
		return NULL;
	return json_string(text);
}

static json_t *
actions_of(const struct wish_check *wanted)
{
	const struct wish_action *from = wanted->actions.p;
	json_t *to = json_array();

	for (size_t i = 0; from != NULL && i < wanted->actions.n && json_array_size(to) < MAX_ACTIONS; i++, from++) {
		json_t *label = short_string(from->label, MAX_ACTION_LABEL);
		json_t *description = short_string(from->description, MAX_ACTION_DESCRIPTION);
		json_t *identifier = string(from->identifier);
		/* An identifier that was cut would come back as another one. */
		if (label == NULL || description == NULL || identifier == NULL ||
		    json_string_length(identifier) > MAX_ACTION_IDENTIFIER) {
			json_decref(label);
			json_decref(description);
			json_decref(identifier);
			continue;
		}
		json_array_append_new(to,
		    json_pack("{s:o,s:o,s:o}", "label", label, "description", description, "identifier", identifier));
	}
	return to;
}

static json_t *
output_of(const struct wish_check *wanted, const json_t *annotations)
{
	json_t *output = json_object();
	json_t *title = short_string(wanted->title, MAX_TITLE_BYTES);
	json_t *summary = cut_string(wanted->summary, SHAPE_MAX_OUTPUT_BYTES, SHAPE_MAX_OUTPUT_BYTES);

	/* GitHub wants both or neither. */
	if (title == NULL)
		title = short_string(wanted->name, MAX_TITLE_BYTES);
	set(output, "title", title);
	set(output, "summary", summary != NULL ? summary : json_incref(title));
	set(output, "text", cut_string(wanted->text, SHAPE_MAX_OUTPUT_BYTES, SHAPE_MAX_OUTPUT_BYTES));
	if (json_array_size(annotations) > 0)
		set(output, "annotations", json_incref((json_t *)(uintptr_t)annotations));
	return output;
}

json_t *
shape_check(const struct wish_check *wanted, const json_t *annotations, enum shape_for what)
{
	struct str url = str_of(wanted->details_url != NULL ? wanted->details_url : "");
	json_t *body = json_object();

	if (str_starts(url, STR("https://")) || str_starts(url, STR("http://"))) /* GitHub takes no other scheme */
		set(body, "details_url", json_string(url.p));
	set(body, "name", string(wanted->name));
	set(body, "external_id", string(wanted->external_id));
	if (what == SHAPE_CREATE)
		set(body, "head_sha", string(wanted->head));
	const char *status = wanted->status != NULL ? wanted->status : "queued";
	set(body, "status", json_string(wanted->conclusion != NULL ? "completed" : status));
	set(body, "started_at", time_of(wanted->started_at));
	if (wanted->conclusion != NULL) {
		set(body, "conclusion", json_string(wanted->conclusion));
		set(body, "completed_at", time_of(wanted->completed_at));
	}
	set(body, "output", output_of(wanted, annotations));
	/* An update without them would leave the buttons of before. */
	if (wanted->actions.p != NULL || what == SHAPE_UPDATE)
		set(body, "actions", actions_of(wanted));
	return body;
}

json_t *
shape_status(const struct wish_status *wanted)
{
	struct str url = str_of(wanted->target_url != NULL ? wanted->target_url : "");
	json_t *body = json_object();

	if (str_starts(url, STR("https://")) || str_starts(url, STR("http://")))
		set(body, "target_url", json_string(url.p));
	set(body, "context", string(wanted->context));
	set(body, "state", string(wanted->state));
	set(body, "description", short_string(wanted->description, SHAPE_MAX_DESCRIPTION));
	return body;
}

json_t *
shape_comment(const struct wish_comment *wanted)
{
	struct str body = str_of(wanted->body), marker = str_of(wanted->marker);
	struct arena a = {0};
	struct str cut = shape_cut(&a, body, SIZE_MAX, SHAPE_MAX_BODY_UNITS);

	if (str_find(cut, marker) < 0) {
		/* The marker goes first, where no cut reaches it. */
		cut = shape_cut(&a, body, SIZE_MAX, SHAPE_MAX_BODY_UNITS - marker.n - 1);
		cut = str_of(arena_printf(&a, STR_FMT "\n" STR_FMT, STR_ARG(marker), STR_ARG(cut)));
	}
	json_t *ret = json_pack("{s:o}", "body", json_any_string(cut));
	arena_release(&a);
	return ret;
}

/* --- annotations --- */

static const char *
level_of(const struct wish_annotation *from)
{
	static const char *const levels[] = {"notice", "warning", "failure"};

	for (size_t i = 0; from->annotation_level != NULL && i < COUNT(levels); i++)
		if (strcmp(from->annotation_level, levels[i]) == 0)
			return levels[i];
	return "notice";
}

static int64_t
line_of(int64_t line, int64_t least)
{
	return line < least ? least : line > INT32_MAX ? INT32_MAX : line;
}

/* NULL for one that GitHub would refuse. */
static json_t *
annotation(const struct wish_annotation *from)
{
	int64_t start = line_of(from->start_line, 1), end = line_of(from->end_line, start);
	json_t *path = string(from->path), *message = cut_string(from->message, MAX_ANNOTATION_BYTES, SIZE_MAX / 2);

	if (path == NULL || message == NULL) {
		json_decref(path);
		json_decref(message);
		return NULL;
	}
	json_t *to = json_object();
	set(to, "path", path);
	set(to, "start_line", json_integer(start));
	set(to, "end_line", json_integer(end));
	set(to, "annotation_level", json_string(level_of(from)));
	set(to, "message", message);
	set(to, "title", short_string(from->title, MAX_ANNOTATION_TITLE));
	set(to, "raw_details", cut_string(from->raw_details, MAX_ANNOTATION_BYTES, SIZE_MAX / 2));
	if (start == end && from->start_column > 0 && from->end_column >= from->start_column) {
		set(to, "start_column", json_integer(from->start_column));
		set(to, "end_column", json_integer(from->end_column));
	}
	return to;
}

static void
hash_of(const json_t *annotation, char out[SHAPE_HASH])
{
	struct arena a = {0};
	const char *text = json_line(&a, annotation);
	unsigned char digest[EVP_MAX_MD_SIZE];

	EVP_Digest(text, strlen(text), digest, NULL, EVP_sha256(), NULL);
	str_hex(digest, 8, out);
	arena_release(&a);
}

json_t *
shape_annotations(const struct wish_check *wanted, json_t **hashes)
{
	json_t *to = json_array();
	AUTO(json_drop) json_t *seen = json_object();

	*hashes = json_array();
	for (size_t i = 0; i < wanted->annotations.n && json_array_size(to) < SHAPE_MAX_ANNOTATIONS_ALL; i++) {
		char hash[SHAPE_HASH];
		json_t *one = annotation(&wanted->annotations.p[i]);
		if (one == NULL)
			continue;
		hash_of(one, hash);
		if (json_object_get(seen, hash) != NULL) {
			json_decref(one);
			continue;
		}
		json_object_set_new(seen, hash, json_true());
		json_array_append_new(to, one);
		json_array_append_new(*hashes, json_string(hash));
	}
	return to;
}

char *
shape_url(struct arena *a, const char *segment)
{
	char *out = arena_alloc(a, strlen(segment) * 3 + 1), *to = out;

	bool dots = strcmp(segment, ".") == 0 || strcmp(segment, "..") == 0;

	for (const unsigned char *c = (const unsigned char *)segment; *c != '\0'; c++) {
		if (!dots && ((*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z') || (*c >= '0' && *c <= '9') ||
		                 strchr("-._~", *c) != NULL))
			*to++ = (char)*c;
		else
			to += snprintf(to, 4, "%%%02X", *c);
	}
	*to = '\0';
	return out;
}
