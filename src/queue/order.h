/*
 * order - which ready build is the first, and on which machine: heaps of builds a pull request, heaps of pull requests a class.
 * The rules are queue.h's.
 */
#ifndef EKACI_QUEUE_ORDER_H
#define EKACI_QUEUE_ORDER_H

#include "queue/items.h"

void order_push(struct queue *q, struct item *it, struct pull *g); /* a ready build into the lane of a pull request */
void order_ready(struct queue *q, struct item *it);                /* into the lanes of all its pull requests */
void order_pull_changed(struct queue *q, struct pull *g);
void order_postpone(struct queue *q, struct item *it);
/* The lane of the build that is first now, *ret; NULL when none may start. Marks it as chosen by the lane's pull request. */
struct queue_lane *order_choose(struct queue *q, int64_t now, size_t *ret_machine, struct item **ret);
void order_charge(struct queue *q, struct pull *g, double ms, int64_t at);
void order_charge_item(struct queue *q, struct item *it, int64_t ms, int64_t at);
/* Which of the rules decides between the first of two lanes: "" when a and b are one. a goes first. */
const char *order_reason(const struct queue_lane *a, const struct queue_lane *b);

#endif
