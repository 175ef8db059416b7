/* The table of failure.h. */
#include "records/failure.h"

#define OF struct run_failure
static const struct field run_failure_members[] = {
    {TEXT(stage), .required = true},
    {TEXT(kind), .required = true, .about = "of support/base/err.h, or \"incomplete\""},
    {TEXT(message), .required = true},
};
const struct fields run_failure_fields = FIELDS("failure", NULL, struct run_failure, run_failure_members);
#undef OF
