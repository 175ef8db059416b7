/* The tables of run_told.h. */
#include "records/run_told.h"

#define OF struct run_told
static const struct field told_members[] = {
    {INT(id)},
    {TEXT(url)},
    {TEXT(base_url)},
    {TEXT(repo)},
    {INT(number)},
    {TEXT(head)},
    {TEXT(base)},
    {TEXT(title)},
    {FLAG(conflict)},
    {TEXT(reason)},
    {TEXT(state)},
    {TEXT(base_ref)},
    {INT(superseded_by)},
    {INT(created)},
    {INT(ended)},
    {RAW(conflicts), .left_out = true},
};
const struct fields run_told_fields = FIELDS("run", NULL, struct run_told, told_members);

static const struct field local_members[] = {
    {INT(id)},
    {TEXT(url)},
    {TEXT(repo)},
    {INT(number)},
    {TEXT(head)},
    {TEXT(base)},
    {TEXT(title)},
    {TEXT(state)},
    {FLAG(conflict)},
    {RAW(conflicts), .left_out = true},
};
const struct fields run_told_local_fields = FIELDS("run of ekaci diff", NULL, struct run_told, local_members);
#undef OF
