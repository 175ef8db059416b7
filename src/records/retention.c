/* The tables of retention.h. */
#include "records/retention.h"

#define OF struct sweep_job
static const struct field sweep_job_members[] = {
    {TEXTS(folders), .required = true, .about = "absolute: entries that were last used before before_ms go"},
    {INT(before_ms), .required = true, .about = "since 1970"},
    {TEXTS(sized), .about = "folders of those"},
    {INT(max_bytes), .about = "of these together; 0: no limit"},
    {TEXTS(needed), .about = "names of files that stay"},
    {INT(young_ms), .required = true, .about = "since 1970: what was used later stays"},
    {TEXTS(gone), .left_out = true, .about = "absolute: folders that go whole, of repositories that are gone"},
};
const struct fields sweep_job_fields = FIELDS("sweep job", NULL, struct sweep_job, sweep_job_members);
#undef OF

#define OF struct swept
static const struct field swept_members[] = {
    {INT(removed)},
    {INT(kept)},
    {INT(bytes)},
};
const struct fields swept_fields = FIELDS("swept", "swept", struct swept, swept_members);
#undef OF
