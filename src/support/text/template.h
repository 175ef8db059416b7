/*
 * template - mustache templates over values.
 *
 * Templates are the files of templates/, compiled into the program, found by name ("run.html", "report/comment.md").
 * Their type, which decides how {{x}} is escaped, follows the ending: .html HTML, .md Markdown, .txt a terminal line.
 * {{{x}}} and {{&x}} give x as it is: only for what escape.h or another template made, and by convention only for
 * members whose name ends in _html or _md. {{> part.html}} is the template of that name.
 *
 * {{#x}}...{{/x}} is shown when x is true, once for each element of a list, and {{^x}}...{{/x}} when it is not. Flags that
 * are off, empty texts and empty lists are false; everything else, 0 too, is true. Inside of a section names are looked up
 * in its value first, then further out; {{.}} is the value itself, a.b a member of a member. A name that is not there is
 * empty, and so are flags, lists and groups where a text is wanted. No lambdas, no other delimiters. Values are never
 * read as templates.
 *
 * A section, partial or comment tag alone on its line leaves no empty line.
 */
#ifndef EKACI_SUPPORT_TEXT_TEMPLATE_H
#define EKACI_SUPPORT_TEXT_TEMPLATE_H

#include "support/base/err.h"
#include "support/text/escape.h"
#include "support/text/values.h"

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
must_check int template_render(const char *name, const struct values *data, struct buf *out, struct err *e);
/* Renders text, with partials from load (NULL: from the compiled-in files). */
must_check int template_render_text(struct str text, const struct values *data, enum escape kind, template_loader *load,
    void *ctx, struct buf *out, struct err *e);
/* The file of that name as it is (a style sheet, say); .p is NULL when there is none. */
struct str template_find(const char *name);

#endif
