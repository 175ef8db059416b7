/* What is known of each state of a build. */
#include "records/build_state.h"

#include <stddef.h>
#include <string.h>

enum state_group { GROUP_NONE, GROUP_OPEN, GROUP_GOOD, GROUP_FAILED_ITSELF, GROUP_FAILED_BELOW, GROUP_NO_ANSWER };

#define NAME(symbol, name, words, tone, rank) [BUILD_##symbol] = name,
const char *const build_state_names[] = {[BUILD_NONE] = "", BUILD_STATE_LIST(NAME)[BUILD_STATES] = NULL};

#define OPEN(symbol, name, words, tone, rank)          [BUILD_##symbol] = {GROUP_OPEN, words, tone},
#define GOOD(symbol, name, words, tone, rank)          [BUILD_##symbol] = {GROUP_GOOD, words, tone},
#define FAILED_ITSELF(symbol, name, words, tone, rank) [BUILD_##symbol] = {GROUP_FAILED_ITSELF, words, tone},
#define FAILED_BELOW(symbol, name, words, tone, rank)  [BUILD_##symbol] = {GROUP_FAILED_BELOW, words, tone},
#define NO_ANSWER(symbol, name, words, tone, rank)     [BUILD_##symbol] = {GROUP_NO_ANSWER, words, tone},
static const struct {
	enum state_group group;
	const char *words, *tone;
} states[BUILD_STATES] = {
    [BUILD_NONE] = {GROUP_NONE, "not built", "calm"},
    /* clang-format off */
    BUILD_WAITING_LIST(OPEN, OPEN)
    BUILD_QUEUED_LIST(OPEN, OPEN)
    BUILD_AT_WORK_LIST(OPEN, OPEN)
    BUILD_GOOD_LIST(GOOD, GOOD)
    BUILD_FAILED_ITSELF_LIST(FAILED_ITSELF, FAILED_ITSELF)
    BUILD_FAILED_BELOW_LIST(FAILED_BELOW, FAILED_BELOW)
    BUILD_NO_ANSWER_LIST(NO_ANSWER, NO_ANSWER)
    /* clang-format on */
};

const char *
build_state_name(enum build_state s)
{
	return build_state_names[s];
}

const char *
build_state_words(enum build_state s)
{
	return states[s].words;
}

const char *
build_state_tone(enum build_state s)
{
	return states[s].tone;
}

enum build_state
build_state_of(const char *name)
{
	for (int i = BUILD_NONE + 1; name != NULL && i < BUILD_STATES; i++)
		if (strcmp(build_state_names[i], name) == 0)
			return (enum build_state)i;
	return BUILD_INFRASTRUCTURE;
}

bool
build_state_is_open(enum build_state s)
{
	return states[s].group == GROUP_OPEN;
}

bool
build_state_is_good(enum build_state s)
{
	return states[s].group == GROUP_GOOD;
}

bool
build_state_has_failed(enum build_state s)
{
	return states[s].group == GROUP_FAILED_ITSELF || states[s].group == GROUP_FAILED_BELOW;
}

bool
build_state_has_failed_itself(enum build_state s)
{
	return states[s].group == GROUP_FAILED_ITSELF;
}

bool
build_state_has_ended(enum build_state s)
{
	return s != BUILD_NONE && !build_state_is_open(s);
}
