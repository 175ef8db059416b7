/* What decides an evaluation, as it is hashed. */
#include "evaluate/key.h"

#include "evaluate/stored.h"

#define OF struct key_job
static const struct field key_job_members[] = {
    {TEXT(file)},
    {TEXT(flake)},
    {TEXT(expr)},
    {PATH(attr_path)},
    {PATHS(scope)},
    {MAYBE_FLAG(may_be_absent)},
};
static const struct fields key_job_fields = FIELDS("key of a job", NULL, struct key_job, key_job_members);
#undef OF

#define OF struct key_nix
static const struct field key_nix_members[] = {
    {FLAG(restricted)},
    {TEXTS(features)},
    {OPTIONS(options)},
    {OPTIONS(env), .left_out = true},
    {TEXT(settings), .left_out = true},
    {TEXT(search), .left_out = true},
    {TEXT(reads), .left_out = true},
};
static const struct fields key_nix_fields = FIELDS("key of Nix", NULL, struct key_nix, key_nix_members);
#undef OF

#define OF struct evaluation_key
static const struct field evaluation_key_members[] = {
    {INT(format)},
    {INT(meaning)},
    {TEXT(tree)},
    {RECORD(job, key_job, key_job_fields)},
    {TEXT(commit)},
    {TEXT(evaluator)},
    {TEXT(version)},
    {TEXT(build)},
    {TEXT(source)},
    {RECORD(nix, key_nix, key_nix_fields)},
    {FLAG(ifd)},
    {FLAG(network)},
    {FLAG(unproved), .left_out = true},
    {INT(max_depth)},
    {TEXTS(uris)},
    {TEXTS(systems)},
};
static const struct fields evaluation_key_fields = FIELDS("key", NULL, struct evaluation_key, evaluation_key_members);
#undef OF

int
evaluation_key_hash(const struct evaluation_key *key, char ret[65], struct err *e)
{
	AUTO(buf_release) struct buf text;

	buf_init(&text, SIZE_MAX / 4);
	if (fields_write(&evaluation_key_fields, key, &text, e) != 0)
		return -1;
	stored_key(buf_get(&text), ret);
	return 0;
}
