/*
 * graph - what changed between two evaluations, why, and what that rebuilds.
 *
 * The stage `diff` reads the stored evaluations of base and head (rows.h), the derivations they name and all that those
 * need (closure.h), and writes the difference file described in ARCHITECTURE.md:
 *
 *   rows     -> attrs    every attribute gets its class; what did not change is dropped at once
 *   .drv     -> closure  base's closure, then what head adds to it
 *   closure  -> spread   what must be rebuilt, by output paths; the blast radius of each
 *   .drv     -> cause    roots differ by themselves, followers only through what they need
 *   roots    -> alone    what is rebuilt only because of one source of the change (alone.h)
 *   all      -> write    the file: same inputs, same bytes
 *
 * What becomes of an attribute, by what base (down) and head (across) say of it; a failing row is no package:
 *
 *              derivation                       failing row       nothing
 *   derivation unchanged, rebuild, switched,    newly_failing     removed
 *              derivation_only
 *   failing    fixed                            still_failing     removed_failing
 *   nothing    added                            added_failing     -
 *
 * An attribute that is unknown on either side (nix/unknown.h) is untold, whatever the other side says of it: no class of
 * the table, and in no count but `untold`. Its derivation at head, where there is one, is no root, target or rebuild either.
 *
 * Of two different derivations: rebuild, when head's has an output that base's closure had not; derivation_only, when the
 * outputs are the same; switched, when they are others that base had all the same, under another name or inside: another
 * package, often another version, and nothing to build. added_failing is "new and fails": a check fails for it and the exit
 * code is 1, as for newly_failing, because it came with the change and does not work, but nothing was broken by it.
 * removed_failing is said and never judged. Sets that fail as a whole: attrs.h.
 *
 * Every changed attribute is an entry. Aliases (the same job, system, class, derivations and, of failures, words) are counted
 * once, under the one with the shortest path, which lists the others in `aliases`; theirs say `alias_of`, and `aliases` in the counts
 * is their number. So a count and those of its class with alias_of make the number of names. Fixed attributes are
 * targets like added ones: nobody knows yet whether they build; but one whose outputs base had, under another name, is base's
 * to build and no target. rebuild_derivations is the number of distinct derivations of head's
 * closure that must be rebuilt, whether an attribute or not; changed_drv_paths that of derivations head has and base
 * has not.
 *
 * Counts add up: total is the sum of systems and of `other`, where attributes are whose system nobody knows (failing rows,
 * mostly). "builtin" is no system: such a derivation counts where it is needed. carry_commit, in the total, is how many
 * attributes of head carry the commit's own id and so rebuild with every commit; it is missing where that is not known.
 *
 * Beside what ARCHITECTURE.md lists, the file has: of an attribute `alias_of` (path or null), `hidden_by` (path of the set
 * that fails as a whole on the other side, or null; see attrs.h) and, in its cause, `roots_total` (`roots` names at most 16,
 * the widest, a root itself first); in the counts `aliases`; in a root's radius `systems` maps a system to {attributes,
 * derivations}. With the job's member `commit` ({rev, time} of the commit that a flake was evaluated as) the counts have
 * `carry_commit`: how many of head's derivations are rebuilt with every commit because they carry its name (carry.h). radius is null where nothing must be rebuilt. A root that is no attribute has no attributes; its used_by (path, else null) is the
 * attribute that needs it with the fewest derivations between. A source (an
 * input with a fixed output) that changed is a difference of what is made from it ("src"), not a root of its own. An
 * evaluator's words are cut at 16 KB.
 *
 * meta_changed lists the unchanged attributes whose license, broken, insecure or unfree differs: {path, job, system, name,
 * base:{meta}, head:{meta}, aliases: paths of the same derivation of which the same is said}. They are in no count.
 *
 * meta_errors says of how many attributes of head the meta does not evaluate, though their derivation does: {new, before, fixed,
 * list}, list being at most 100 of the new ones, {path, job, system, error}. They are in no count either, and change no class;
 * a side of an attribute says `meta_error` then, and its meta is null.
 *
 * costs: of each job what evaluating it allocated on both sides, where the difference is, and new warnings (costs.h).
 *
 * graph_dir keeps closures as files (cache.h): base's, and head's for when it is base.
 *
 * The other headers of the folder are private.
 */
#ifndef EKACI_GRAPH_GRAPH_H
#define EKACI_GRAPH_GRAPH_H

#include "records/record.h"

/* The stage: a struct diff_job in, the file and a struct difference_record out. */
int graph_stage_diff(struct arena *a, const void *job, struct record_out *out, struct err *e);

/*
 * What differs between two derivations of the store, nested inputs followed: as text on standard output, or, with json, as
 * an array appended there ({base, head, kind, same_outputs, differences, inputs} each, from the two asked about downwards).
 */
must_check int graph_explain(const char *base, const char *head, struct buf *json, bool *ret_differs, struct err *e);

/* `ekaci explain A.drv B.drv [--json]`: what differs between two derivations, nested inputs followed. 0 nothing differs,
 * 1 something does, 2 could not tell. */
int graph_command_explain(int argc, char **argv);
/* `ekaci graph DRV... [--json]`: nodes, edges and blast radius of a closure. */
int graph_command_graph(int argc, char **argv);

#endif
