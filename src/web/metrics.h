/* metrics - /metrics, Prometheus' text format: the loop, the server, the database, and what the hooks add. */
#ifndef EKACI_WEB_METRICS_H
#define EKACI_WEB_METRICS_H

#include "web/page.h"

page_fn page_metrics;

#endif
