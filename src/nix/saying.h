/*
 * saying - what Nix says when something does not evaluate, made fit to be shown.
 *
 * Two forms are read, as `nix repl` prints them on standard error. Until Nix 2.18 and in Lix's oldest: "error: WORDS", where it
 * is, and, when asked for, a trace from the inside out. Since 2.20: "error:", the trace from the outside in, and last
 * "error: WORDS" and where that is; all but the first line stands seven blanks to the right. In both, lines of code begin
 * with their number and a bar, so that an "error:" in somebody's source is not taken for one that is said.
 *
 * Nothing of the walker's own text is shown, neither its frames nor its code: it lies in a file of its name, and what the
 * repl is told is what Nix calls «string».
 */
#ifndef EKACI_NIX_SAYING_H
#define EKACI_NIX_SAYING_H

#include "support/base/str.h"

/* Files of the store that our own Nix text lies in when Nix has traces, by whose names it is known in them: the walker of the
 * built-in evaluator, and what reads flakes for it. */
#define WALKER_FILE "ekaci-walker.nix"
#define FLAKE_FILE  "ekaci-flake.nix"

/* Where the words of the last error in text begin; text itself where no line says "error:". Bytes are not changed. */
struct str saying_last(struct str text);

/* Whether said names the walker's own text. */
bool saying_is_ours(struct str said);

/* All that Nix said from the last line that begins with "error:" on, less what is ours; of the trace only the innermost
 * frames, as the words stand last (Nix's own form, which nix-eval-jobs prints). Appended to out. */
void saying_show(struct str said, struct buf *out);

#endif
