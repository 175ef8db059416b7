/* The tables of means_told.h. */
#include "records/means_told.h"

#define OF struct means_job
static const struct field means_job_members[] = {
    {FLAG(sandbox), .required = true, .about = "whether a sandbox of evaluations is tried"},
};
const struct fields means_job_fields = FIELDS("means job", NULL, struct means_job, means_job_members);
#undef OF

#define OF struct means_told
static const struct field means_members[] = {
    {TEXT(settings), .about = "Nix' own, its document on one line; null: it did not say"},
    {TEXT(settings_why), .left_out = true, .about = "what it said instead"},
    {FLAG(sandbox_works)},
    {TEXT(sandbox_why), .left_out = true, .about = "why not"},
};
const struct fields means_fields = FIELDS("means", "means", struct means_told, means_members);
#undef OF
