/*
 * class - what became of an attribute between base and head: the one list of classes, and their words in every output.
 *
 * graph/graph.h says what each class means. A class is one line here; the compiler then names every switch that must know of it,
 * and tests/unit/records.c holds that each has its words. The order is that of the counts in a difference file.
 */
#ifndef EKACI_RECORDS_CLASS_H
#define EKACI_RECORDS_CLASS_H

/*
 * X(name, word, column, one, many, figure, figures, label, sentence); see struct class_words. An empty text where an output never
 * says it.
 */
#define CLASSES_LIST(X)                                                                                                        \
	X(ADDED, "added", "Added", "added", "added", "added", "added", "added", "added")                                       \
	X(REMOVED, "removed", "Removed", "removed", "removed", "removed", "removed", "removed", "removed")                     \
	X(REBUILD, "rebuild", "Rebuilds", "rebuild", "rebuilds", "rebuild", "rebuilds", "rebuild", "must be rebuilt")          \
	X(DERIVATION_ONLY, "derivation_only", "Same output", "with the same output", "with the same output",                   \
	    "with the same output", "with the same output", "same output",                                                     \
	    "another derivation, the same outputs: nothing to build")                                                          \
	X(SWITCHED, "switched", "Switched", "switched to what the base has", "switched to what the base has",                  \
	    "switched to what the base has", "switched to what the base has", "switched to what the base has",                 \
	    "another package than before, which the base had already: nothing to build")                                       \
	X(UNCHANGED, "unchanged", "", "unchanged", "unchanged", "unchanged", "unchanged", "", "unchanged")                     \
	X(NEWLY_FAILING, "newly_failing", "New errors", "new error", "new errors", "evaluation newly failing",                 \
	    "evaluations newly failing", "newly failing to evaluate", "newly fails to evaluate")                               \
	X(FIXED, "fixed", "Fixed errors", "fixed error", "fixed errors", "evaluation fixed", "evaluations fixed", "fixed",     \
	    "evaluates again")                                                                                                 \
	X(STILL_FAILING, "still_failing", "", "still failing", "still failing", "evaluation still failing",                    \
	    "evaluations still failing", "still failing to evaluate", "fails to evaluate on both sides, with other words")     \
	X(ADDED_FAILING, "added_failing", "New and failing", "new and failing", "new and failing",                             \
	    "new and fails to evaluate", "new and fail to evaluate", "new and failing to evaluate",                            \
	    "new, and fails to evaluate")                                                                                      \
	X(REMOVED_FAILING, "removed_failing", "Errors gone", "error gone", "errors gone", "failing evaluation gone",           \
	    "failing evaluations gone", "failing evaluation gone", "gone; at the base it failed to evaluate")                  \
	X(UNTOLD, "untold", "Not told", "not told", "not told", "could not be told", "could not be told", "could not be told", \
	    "could not be told: it cannot be evaluated here, on one side at least")

#define CLASSES_CONSTANT(name, ...) CLASS_##name,
enum attr_class { CLASSES_LIST(CLASSES_CONSTANT) CLASSES };
#undef CLASSES_CONSTANT

struct class_words {
	const char *word;             /* in files: "newly_failing" */
	const char *column;           /* above a column of a report's table: "New errors"; empty: in no table */
	const char *one, *many;       /* with a number, in a sentence of a report: "new error" */
	const char *figure, *figures; /* with a number, on the page of a run: "evaluation newly failing" */
	const char *label;            /* beside one attribute: "newly failing to evaluate" */
	const char *sentence;         /* what became of one attribute, for `ekaci explain`: "newly fails to evaluate" */
};
extern const struct class_words class_words[CLASSES];

/* The words in files by class, NULL at the end, as tables of fields want them. */
extern const char *const class_names[];

#endif
