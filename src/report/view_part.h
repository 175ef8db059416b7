/* view_part - what the view's files share; private to them. Functions that take name add one member to obj. */
#ifndef EKACI_REPORT_VIEW_PART_H
#define EKACI_REPORT_VIEW_PART_H

#include "report/limits.h"
#include "support/text/values.h"

struct view {
	struct model *m;
	const struct limits *limits;
};

/* "a, b" of texts from outside. */
const char *joined_text(struct model *m, const struct texts *list, size_t max_bytes);
/* From outside: cut to the limit of names. */
void put_name(const struct view *v, struct values *obj, const char *key, const char *s);
/* The text cut to the limit of names, and the same as a code span in KEY_md. */
void put_code(const struct view *v, struct values *obj, const char *key, const char *s);
/* Paths of an array from first on, as one text: "a, b and 3 more", and the same as code spans in KEY_md; nothing when there are none. */
void put_names(const struct view *v, struct values *obj, const char *key, struct paths paths, size_t first);
/* The system of an attribute, where there is more than one in the whole. */
void put_system(const struct view *v, struct values *obj, const char *system);
/* A block of lines, and the same fenced in KEY_md; indented two spaces for a list item. */
void put_block(const struct view *v, struct values *obj, const char *key, const char *s);
/* KEY_url, and the Markdown link with our words in KEY_md; nothing, and false, when url is not one that may stand there. */
bool put_link(const struct view *v, struct values *obj, const char *key, const char *words, const char *url);
void put_number(const struct view *v, struct values *obj, const char *key, int64_t n);
/* Two numbers as a group: {done: of what there is, KEY2: all}. */
void put_done(const struct view *v, struct values *obj, const char *key, int64_t done, const char *all_key, int64_t all);
/* {count, items, more}, where total items exist and count is what people call their number; NULL where there is none. */
struct values *put_list(const struct view *v, struct values *obj, const char *key, struct value_list *items, size_t total,
    int64_t count);

/* What stands behind addresses of the run's pages: "key=..." of a private repository, or "". */
/* Whether there are pages of the run to lead to: not of one on somebody's own clone. */
bool view_has_pages(const struct model *m);
const char *view_key(struct model *m);
/* The page of a row of the run's table, or of a derivation by its path; nothing where there are no pages. */
void put_page(const struct view *v, struct values *obj, const char *key, const struct changed_attr *at);
void put_drv_page(const struct view *v, struct values *obj, const char *key, const char *drv);

/* The parts; each adds its members to the view. */
void view_roots(const struct view *v, struct values *obj);     /* view_roots.c: roots, picture_md */
void view_idle(const struct view *v, struct values *obj);      /* view_idle.c: idle, idle_of */
void view_packages(const struct view *v, struct values *obj);  /* view_packages.c: versions, added, removed, rebuilt */
void view_meta(const struct view *v, struct values *obj);      /* view_meta.c: marks, licences, maintainers */
void view_sizes(const struct view *v, struct values *obj);     /* view_sizes.c: sizes, metrics, products */
void view_distances(const struct view *v, struct values *obj); /* view_distance.c: where */
void view_work(const struct view *v, struct values *obj);      /* view_cost.c: work, advice */
void view_failures(const struct view *v, struct values *obj);  /* view_failures.c: broke, broken_evaluations, ... */
void view_rules(const struct view *v, struct values *obj);     /* view_rules.c: rules, evaluations, conflict, ... */
void view_evalcosts(const struct view *v, struct values *obj); /* view_evalcost.c: costs, new_warnings */

/* What differs by itself. The same on several systems is one for people. */
struct view_root {
	const struct difference_root *first;
	const char *name, *what;
	const char *systems; /* "x86_64-linux, aarch64-linux" */
	struct paths others; /* attributes with other names that are the same source's */
	int64_t attributes, derivations;
	int64_t alone; /* rebuilt attributes that only this one reaches; -1: not known */
	int64_t own;   /* its own attributes, each once */
	size_t order;
};
/* `commit` or `commits`, names of those a root comes from, where there are several and its file is known. */
void view_commits(const struct view *v, struct values *item, const struct difference_root *root);
/* All of them, widest first; the array lives in the arena. */
size_t view_collect_roots(struct model *m, struct view_root **ret);
/* What people call a root: its first attribute, or its derivation's name. */
const char *view_root_name(struct model *m, const struct difference_root *root);
/* Whether all that follows follows one root, which then need not be named each time. */
bool view_one_cause(const struct model *m);
/* The root cause entries of an attribute, as code spans: "`curl`, `zlib` and 3 more"; NULL when it has none. */
const char *view_because(const struct view *v, const struct changed_attr *at, bool markdown);

#endif
