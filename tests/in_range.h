/*
 * in_range - assert_uint_in_range for every cmocka, included after it.
 *
 * cmocka 2 has it and calls assert_in_range deprecated; cmocka 1 knows only the latter, for the same numbers.
 */
#ifndef EKACI_TESTS_IN_RANGE_H
#define EKACI_TESTS_IN_RANGE_H

#ifndef assert_uint_in_range
#define assert_uint_in_range assert_in_range
#endif

#endif
