/*
 * quote - text from outside as Nix text, so that nothing of it can become code.
 *
 * What is appended to out is one line of printable ASCII, good for a repl's input and for --expr: there is no newline and no
 * tab in it. Both give -1 and ERR_INPUT for bytes that are no UTF-8.
 */
#ifndef EKACI_NIX_QUOTE_H
#define EKACI_NIX_QUOTE_H

#include "support/base/err.h"
#include "support/base/str.h"

/* Printable ASCII only, and newlines when there may be several lines. */
bool nix_is_plain(struct str s, bool lines);
/* A string. */
must_check int nix_quote(struct str s, struct buf *out, struct err *e);
/* The fragment of a flake reference, a.b."c.d", as a list of strings; a quote that is not closed is ERR_INPUT, too. */
must_check int nix_quote_fragment(struct str path, struct buf *out, struct err *e);

#endif
