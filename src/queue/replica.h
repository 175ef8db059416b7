/* replica - the queue in memory, filled from the database, which stays the truth. */
#ifndef EKACI_QUEUE_REPLICA_H
#define EKACI_QUEUE_REPLICA_H

#include "queue/queue.h"
#include "store/open.h"

/* Everything that is open, and the shares used of late. */
must_check int replica_load(struct queue *q, struct store *s, int64_t now, struct err *e);
/* What has changed since; positive when something had. */
must_check int replica_follow(struct queue *q, struct store *s, int64_t now, struct err *e);

#endif
