/* The tables of first.h. */
#include "records/first.h"

#define OF struct first_job
static const struct field first_job_members[] = {
    {RECORD(evaluate, evaluate_job, evaluate_job_fields), .required = true, .about = "of the head"},
    {RECORD(base, evaluation, evaluation_fields), .required = true},
    {FLAG(always), .left_out = true, .about = "also where the whole answer is there as fast"},
    {TEXT(graph_dir), .left_out = true, .about = "of graph files"},
    {TEXT(list), .required = true, .about = "the file that gets what is thought to be built: derivations, a line each"},
};
const struct fields first_job_fields = FIELDS("first job", NULL, struct first_job, first_job_members);
#undef OF

#define OF struct first_answer
static const struct field first_answer_members[] = {
    {TEXT(job), .required = true},
    {FLAG(known), .about = "there is an answer; it is never final"},
    {FLAG(needless), .left_out = true, .about = "there is none, because the whole answer is there as fast"},
    {TEXT(reason), .left_out = true, .about = "why there is none"},
    {TEXT(what), .left_out = true, .about = "for people: what differs by itself"},
    {INT(evaluated), .about = "attributes, each derivation once"},
    {INT(edited), .about = "derivations that differ by themselves"},
    {INT(rebuilds), .about = "attributes that are rebuilt or new, each derivation once: about so many"},
    {INT(wall_ms)},
    {TEXT(list), .left_out = true, .about = "file of the derivations that are thought to be built, a line each"},
};
const struct fields first_answer_fields = FIELDS("first answer", "first_answer", struct first_answer, first_answer_members);
#undef OF
