/*
 * capacity - what ekaci.toml and this machine have for builds: machines, and room on the disks.
 */
#ifndef EKACI_QUEUE_CAPACITY_H
#define EKACI_QUEUE_CAPACITY_H

#include "config/config.h"
#include "nix/machines.h"

/* This machine and its builders, by [build] slots, systems, features and builders. The first call runs a program. */
must_check int capacity_machines(struct arena *a, const struct settings *settings, const struct machine **ret, size_t *ret_n,
    struct err *e);
/* Why no build may be begun for want of space (NULL: there is some), for people; in a. */
const char *capacity_no_room(struct arena *a, const struct settings *settings);

#endif
