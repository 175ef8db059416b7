/* Orders as JSON. */
#include "records/operator_order.h"

#define OF struct order_body
static const struct field body_members[] = {{TEXT(head), .about = "of approve: the commit, or 7 digits of it"}};
#undef OF
const struct fields order_body_fields = FIELDS("order of an operator", NULL, struct order_body, body_members);

#define OF struct order_given
static const struct field order_given_members[] = {
    {TEXT(verb), .required = true, .about = "rebuild, cancel or approve"},
    {TEXT(repository), .required = true, .about = "OWNER/NAME"},
    {INT(number), .about = "of the pull request; 0: a branch; less: of one in the merge queue"},
    {TEXT(head), .about = "the commit that is approved"},
    {FLAG(told), .about = "the bot has it; else it obeys when it starts"},
};
#undef OF
const struct fields order_given_fields = FIELDS("order that was given", NULL, struct order_given, order_given_members);
