/*
 * walker - the Nix side of the built-in evaluator: one expression, fed to `nix repl`.
 *
 * It is a function of an attribute set:
 *   mark    a word nobody can guess: what it prints begins with it, so evaluated code cannot forge a line
 *   root    what to walk; args what functions are called with, as --arg and --argstr do
 *   force, meta   flags; apply null or a function; constituents whether those of aggregates are wanted
 *   depth   how deep sets may be nested
 * It gives a function of a list of questions. A path is a list of indices into the sorted attribute names at each level
 * (names may be any bytes; numbers are safe on a command line). A question is a list: the first index, how many, and
 * the path of their set; or 0, 0 and a path for that path itself. For each attribute, in order, it prints with
 * builtins.trace
 *   MARK r JSON   a derivation: the members of nix-eval-jobs' row but attr and attrPath; an
 *                 aggregate's constituents stand in hydraAggregate; drvPath is the first member
 *   MARK d JSON   the same where meta is wanted, without it, and then, when it evaluates, MARK m JSON, the meta: what is wrong
 *                 with that is not the derivation's fault
 *   MARK k JSON   a set to enter: its attribute names
 *   MARK s JSON   the same of a set with the names of one above it, and then, when that evaluates, MARK l JSON: how far down
 *                 those stand, the nearest first, that it may be: the way from there to it can be gone to the end of depth
 *   MARK n        nothing to report here
 * and for a question { path; inputs = { DRV = [ OUTPUT ]; }; }, an aggregate that is to depend on these too,
 *   MARK w JSON   its new drvPath and outputs
 * or it fails, with Nix's own message, and the attributes after the failing one are not visited; after d or s alone, all
 * that is missing is what the second line would have said. What was evaluated stays
 * evaluated: nodes are kept in lazy lists. It holds no tab, no comment and nothing but ASCII.
 *
 * Nix reads it from a file of the name WALKER_FILE (nix/saying.h) in the store, by which it is known in traces.
 */
#ifndef EKACI_EVALUATE_BUILTIN_WALKER_H
#define EKACI_EVALUATE_BUILTIN_WALKER_H

extern const char walker_text[];

#endif
