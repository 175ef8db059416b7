/*
 * build_sets - sets of states of a build, as SQL names them: constant text, made from the list of records/build_state.h.
 * Private to this folder.
 *
 * BUILD_SQL_OPEN and BUILD_SQL_READY must stay word for word what the partial indexes build_open and build_ready were made with,
 * else SQLite does not use them: tests/unit/store.c looks at the plans.
 */
#ifndef EKACI_STORE_BUILD_SETS_H
#define EKACI_STORE_BUILD_SETS_H

#include "records/build_state.h"

#define BUILD_SQL_FIRST(symbol, name, words, tone, rank) "'" name "'"
#define BUILD_SQL_NEXT(symbol, name, words, tone, rank)  ", '" name "'"
#define BUILD_SQL_RANK(symbol, name, words, tone, rank)  " WHEN '" name "' THEN " #rank

#define BUILD_SQL_NOT_BEGUN \
	"(" BUILD_WAITING_LIST(BUILD_SQL_FIRST, BUILD_SQL_NEXT) BUILD_QUEUED_LIST(BUILD_SQL_NEXT, BUILD_SQL_NEXT) ")"
/* May start, or at work. */
#define BUILD_SQL_READY \
	"(" BUILD_QUEUED_LIST(BUILD_SQL_FIRST, BUILD_SQL_NEXT) BUILD_AT_WORK_LIST(BUILD_SQL_NEXT, BUILD_SQL_NEXT) ")"
#define BUILD_SQL_OPEN                                                                                            \
	"(" BUILD_WAITING_LIST(BUILD_SQL_FIRST, BUILD_SQL_NEXT) BUILD_QUEUED_LIST(BUILD_SQL_NEXT, BUILD_SQL_NEXT) \
	    BUILD_AT_WORK_LIST(BUILD_SQL_NEXT, BUILD_SQL_NEXT) ")"
#define BUILD_SQL_GOOD          "(" BUILD_GOOD_LIST(BUILD_SQL_FIRST, BUILD_SQL_NEXT) ")"
#define BUILD_SQL_FAILED_ITSELF "(" BUILD_FAILED_ITSELF_LIST(BUILD_SQL_FIRST, BUILD_SQL_NEXT) ")"
#define BUILD_SQL_FAILED                                              \
	"(" BUILD_FAILED_ITSELF_LIST(BUILD_SQL_FIRST, BUILD_SQL_NEXT) \
	    BUILD_FAILED_BELOW_LIST(BUILD_SQL_NEXT, BUILD_SQL_NEXT) ")"
/* A number to sort by: what is wrong first. */
#define BUILD_SQL_RANKED(state) "CASE " state BUILD_STATE_LIST(BUILD_SQL_RANK) " END"

#endif
