/* The tables of overlap.h. */
#include "records/overlap.h"

#define OF struct overlap_pull
static const struct field overlap_pull_members[] = {
    {INT(number), .required = true},
    {INT(run), .required = true},
    {FLAG(green), .about = "its verdict is success"},
    {TEXT(difference), .required = true, .about = "the file of the run"},
    {TEXT(space), .required = true, .about = "what is kept of it for the next time"},
};
static const struct fields overlap_pull_fields =
    FIELDS("compared pull request", NULL, struct overlap_pull, overlap_pull_members);
#undef OF

#define OF struct overlap_job
static const struct field overlap_job_members[] = {
    {LIST_OF(pulls, overlap_pull, overlap_pull_fields), .required = true},
};
const struct fields overlap_job_fields = FIELDS("overlap job", NULL, struct overlap_job, overlap_job_members);
#undef OF

#define OF struct overlap_with
static const struct field overlap_with_members[] = {
    {INT(number), .required = true, .about = "of the other pull request"},
    {INT(shared), .about = "attributes that both rebuild"},
    {INT(same), .about = "of them: the derivation is even the same in both heads, so it is built once anyway"},
    {INT(together), .about = "what both rebuild when they are merged together"},
    {INT(apart), .about = "derivations of the two as they are, each once"},
    {TEXTS(roots), .about = "that differ by themselves in both; the first three"},
    {INT(roots_total)},
};
static const struct fields overlap_with_fields =
    FIELDS("overlap with another", NULL, struct overlap_with, overlap_with_members);
#undef OF

#define OF struct overlap_told
static const struct field overlap_told_members[] = {
    {INT(number), .required = true},
    {INT(run), .about = "that was compared"},
    {INT(rebuilds), .about = "as its report counts them: attributes, aliases once"},
    {INT(shared), .about = "of them: another open pull request rebuilds the attribute, too"},
    {INT(others), .about = "open pull requests that rebuild some of the same"},
    {LIST_OF(with, overlap_with, overlap_with_fields), .about = "who shares most first; at most 8"},
};
const struct fields overlap_told_fields =
    FIELDS("overlap of a pull request", "overlap", struct overlap_told, overlap_told_members);
#undef OF

#define OF struct overlap_group
static const struct field overlap_group_members[] = {
    {INTS(pulls), .about = "each rebuilds something that another one of them rebuilds or takes away"},
    {INT(together), .about = "what they rebuild when all are merged together"},
    {INT(apart), .about = "derivations of all as they are, each once"},
    {INT(first), .about = "green, so built already: to be merged first; 0: none of them is"},
    {INT(again), .about = "rebuilds of that one that are made again when the others go before it"},
};
static const struct fields overlap_group_fields = FIELDS("overlapping ones", NULL, struct overlap_group, overlap_group_members);
#undef OF

#define OF struct overlaps_told
static const struct field overlaps_told_members[] = {
    {LIST_OF(groups, overlap_group, overlap_group_fields), .about = "what saves most first"},
    {INTS(alone), .about = "those that share no rebuild with another: in any order"},
    {INTS(unread), .about = "those that could not be compared with the others"},
};
const struct fields overlaps_told_fields =
    FIELDS("pull requests beside each other", "overlaps", struct overlaps_told, overlaps_told_members);
#undef OF
