/* The words of class.h. */
#include "records/class.h"

#include <stddef.h>

#define CLASSES_WORDS(name, ...) [CLASS_##name] = {__VA_ARGS__},
const struct class_words class_words[CLASSES] = {CLASSES_LIST(CLASSES_WORDS)};

#define CLASSES_NAME(name, word, ...) [CLASS_##name] = word,
const char *const class_names[] = {CLASSES_LIST(CLASSES_NAME) NULL};
