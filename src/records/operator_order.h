/*
 * operator_order - what an operator tells the bot to do, on its machine (cli/operate.c) or over the network (web/orders.h), and what came of it.
 * walk/giving.h gives it.
 */
#ifndef EKACI_RECORDS_OPERATOR_ORDER_H
#define EKACI_RECORDS_OPERATOR_ORDER_H

#include "records/fields.h"

struct order {
	const char *verb, *words; /* as in a comment: "rebuild", a JSON array of what follows it */
	int64_t run;              /* whose pull request or branch it is about; 0: the pull request below */
	const char *owner, *repository;
	int64_t number;
	const char *head; /* of approve: what is approved, or NULL: the head that it has now */
};

/* The body of a request, all of whose members may be left out. */
struct order_body {
	const char *head;
};
extern const struct fields order_body_fields;

struct order_given {
	const char *verb, *repository; /* OWNER/NAME */
	int64_t number;
	const char *head; /* that is approved, or NULL */
	bool told;        /* the bot has it; else it will, when it starts */
};
extern const struct fields order_given_fields;

#endif
