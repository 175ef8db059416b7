/*
 * texts - lists of the settings as the structs that jobs have.
 */
#ifndef EKACI_CONFIG_TEXTS_H
#define EKACI_CONFIG_TEXTS_H

#include "records/fields.h"

#include <jansson.h>

/* A list, or an object of texts, of the settings as a struct, in a; its texts are the settings' own. */
struct texts config_texts(struct arena *a, const json_t *list);
struct named_texts config_named(struct arena *a, const json_t *object);

#endif
