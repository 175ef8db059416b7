/*
 * picture - roots and what follows them, as a Mermaid flow chart.
 *
 * Bounded by max_nodes: the widest roots, and of each the followers with the widest radius of their own, joined by the
 * shortest chain the difference names; a last node a root says how many more there are. Names stand only inside quoted
 * labels, reduced to characters that are no syntax; ids are numbers of ours.
 */
#ifndef EKACI_REPORT_PICTURE_H
#define EKACI_REPORT_PICTURE_H

#include "report/model.h"

/* A whole fenced block in m->a, or NULL when nothing follows anything. */
char *picture_mermaid(struct model *m, size_t max_nodes);

#endif
