/* log_html - a line of a build log as HTML: colours become classes, and nothing else that a terminal would obey is obeyed. */
#ifndef EKACI_WEB_LOG_HTML_H
#define EKACI_WEB_LOG_HTML_H

#include "support/base/str.h"

/* What SGR sequences have set; zeros at the beginning. Colours from 1 (black) to 16 (bright white), 0: none. */
struct log_colour {
	unsigned char fore, back;
	bool bold, dim, italic, underline;
};

/* Appends the line's text as HTML: what stands behind its last carriage return, as a terminal would leave it. Colours go on in *c.
 * Bytes that hide or turn text are shown as what they are (escape.h). out NULL: only *c goes on. */
void log_html_line(struct log_colour *c, struct str line, struct buf *out);

#endif
