/*
 * hosts - whose an id is.
 *
 * Installations and repositories have the numbers that their host gave them, and two hosts (or two Apps of one) give the same ones.
 * Each has a number of its own here, for ever, by the name in the settings; it stands above the host's 44 bits in every such id, so
 * that ids of the first, which is 0, are the host's own, and no id is beyond what a JSON number holds. Pull requests, comments and
 * checks are told apart by their repository.
 */
#ifndef EKACI_STORE_HOSTS_H
#define EKACI_STORE_HOSTS_H

#include "store/store.h"

enum { HOST_BITS = 44, HOST_MOST = 511 };

/* 1 to 2^44 - 1, else no id of a host can be made of it. */
bool host_may_be(int64_t theirs);
int64_t host_id(int64_t number, int64_t theirs); /* 0, none, stays 0 */
int64_t host_of(int64_t id);
int64_t host_theirs(int64_t id);

struct store_host {
	const char *name, *api; /* name: "" for the first */
	int64_t number;         /* told */
};
/* Those that the settings name; new ones get a number. Of others nobody tells us anything from now on. */
must_check int store_hosts_name(struct store *s, struct store_host *all, size_t n, struct err *e);

#endif
