/* A delivery as GitHub sends it: headers, signature, and what a body of the other content type holds. */
#include "forge/github/webhook.h"

#include <openssl/crypto.h>

#include <string.h>
#include <strings.h>

/* Copies a header's value when it is there, fits and holds nothing but letters, digits, "-", "_", and "=". */
static bool
take_header(forge_header_fn *header, void *ctx, const char *name, char *ret, size_t size)
{
	const char *v = header(ctx, name);
	size_t n = v != NULL ? strlen(v) : 0;

	if (n == 0 || n >= size)
		return false;
	for (size_t i = 0; i < n; i++)
		if (!((v[i] >= 'a' && v[i] <= 'z') || (v[i] >= 'A' && v[i] <= 'Z') || (v[i] >= '0' && v[i] <= '9') ||
		        v[i] == '-' || v[i] == '_' || v[i] == '='))
			return false;
	memcpy(ret, v, n + 1);
	return true;
}

/* GitHub sends JSON, or a form where the webhook is set to that; what else stands there is taken for JSON. */
static bool
is_form(const char *content_type)
{
	struct str form = STR("application/x-www-form-urlencoded"), rest;
	struct str type = str_trim(str_cut(str_of(content_type), ';', &rest));

	return type.n == form.n && strncasecmp(type.p, form.p, form.n) == 0;
}

enum forge_fault
webhook_begin(struct forge_delivery *d, forge_header_fn *header, void *ctx)
{
	enum { SHORTEST_GUID = 8 };

	if (!take_header(header, ctx, "X-Hub-Signature-256", d->signature, sizeof(d->signature)))
		return FORGE_UNSIGNED;
	if (!take_header(header, ctx, "X-GitHub-Delivery", d->guid, sizeof(d->guid)) || strlen(d->guid) < SHORTEST_GUID ||
	    !take_header(header, ctx, "X-GitHub-Event", d->event, sizeof(d->event)))
		return FORGE_HEADERS;
	d->form = is_form(header(ctx, "Content-Type"));
	return FORGE_GOOD;
}

/* "sha256=" and 64 hex digits; false when it is not of that form. The form is no secret. */
static bool
read_signature(struct str text, unsigned char ret[SIGNATURE_BYTES])
{
	struct str prefix = STR("sha256=");

	if (text.n != prefix.n + 2 * SIGNATURE_BYTES || !str_starts(text, prefix))
		return false;
	for (size_t i = 0; i < SIGNATURE_BYTES; i++) {
		int hi = OPENSSL_hexchar2int((unsigned char)text.p[prefix.n + 2 * i]);
		int lo = OPENSSL_hexchar2int((unsigned char)text.p[prefix.n + 2 * i + 1]);
		if (hi < 0 || lo < 0)
			return false;
		ret[i] = (unsigned char)(hi << 4 | lo);
	}
	return true;
}

/* Decodes field in place; false when a "%" is not followed by two hex digits. */
static bool
decode(char *field, size_t n, size_t *ret_n)
{
	size_t out = 0;

	for (size_t i = 0; i < n; i++) {
		char c = field[i] == '+' ? ' ' : field[i];
		if (c == '%') {
			int hi = i + 2 < n ? OPENSSL_hexchar2int((unsigned char)field[i + 1]) : -1;
			int lo = i + 2 < n ? OPENSSL_hexchar2int((unsigned char)field[i + 2]) : -1;
			if (hi < 0 || lo < 0)
				return false;
			c = (char)(hi << 4 | lo);
			i += 2;
		}
		field[out++] = c;
	}
	*ret_n = out;
	return true;
}

/* The field payload of a form, decoded in place. */
static bool
read_form(char *body, size_t n, struct str *ret)
{
	struct str rest = {body, n}, name = STR("payload=");

	while (rest.p != NULL) {
		struct str field = str_cut(rest, '&', &rest);
		if (!str_starts(field, name))
			continue;
		char *value = body + (field.p - body) + name.n;
		ret->p = value;
		return decode(value, field.n - name.n, &ret->n);
	}
	return false;
}

enum forge_fault
webhook_end(const struct forge_delivery *d, struct signature_check *check, char *body, size_t n, struct str *ret)
{
	unsigned char digest[SIGNATURE_BYTES];

	if (!read_signature(str_of(d->signature), digest) || !signature_check_is(check, digest))
		return FORGE_UNSIGNED;
	*ret = (struct str){body, n};
	return d->form && !read_form(body, n, ret) ? FORGE_FORM : FORGE_GOOD;
}
