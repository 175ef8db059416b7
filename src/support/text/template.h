/*
 * template - mustache templates over JSON.
 *
 * Templates are the files of templates/, compiled into the program, found by name ("run.html", "report/comment.md").
 * Their type, which decides how {{x}} is escaped, follows the ending: .html HTML, .md Markdown, .txt a terminal line.
 * {{{x}}} and {{&x}} give x as it is: only for what escape.h or another template made, and by convention only for
 * members whose name ends in _html or _md. {{> part.html}} is the template of that name.
 *
 * Data: strings; numbers (integers as written, reals as %g); arrays and objects as in mustache. null, false, "" and []
 * are false in a section {{#x}}; everything else, 0 too, is true. {{.}} is the element of an array of strings, a.b walks
 * into objects. A name that is not there is empty. No lambdas. Values are never read as templates.
 *
 * A section, partial or comment tag alone on its line leaves no empty line. A partial alone on its line is read once;
 * one inside a line each time it is reached: keep that out of loops over thousands.
 */
#ifndef EKACI_SUPPORT_TEXT_TEMPLATE_H
#define EKACI_SUPPORT_TEXT_TEMPLATE_H

#include "support/base/err.h"
#include "support/base/str.h"
#include "support/text/escape.h"

#include <jansson.h>

/* A file of templates/; the array is made by the Makefile. */
struct template_file {
	const char *name;
	struct str text;
};
extern const struct template_file template_files[];
extern const size_t template_count;

/* Gives a partial's text, NULL in .p when there is none. */
typedef struct str template_loader(void *ctx, const char *name);

/* Renders the template of that name. ERR_BUG: no such template or a broken one; ERR_LIMIT: out is over its ceiling. */
must_check int template_render(const char *name, const json_t *data, struct buf *out, struct err *e);
/* Renders text, with partials from load (NULL: from the compiled-in files). */
must_check int template_render_text(struct str text, const json_t *data, enum escape kind, template_loader *load, void *ctx,
    struct buf *out, struct err *e);
/* The file of that name as it is (a style sheet, say); .p is NULL when there is none. */
struct str template_find(const char *name);

#endif
