/*
 * forges - the forges there are, and which one the settings are about. A second one is a folder beside github/, its section in
 * config/config.c and its line in forges.c.
 */
#ifndef EKACI_FORGE_FORGES_H
#define EKACI_FORGE_FORGES_H

#include "forge/forge.h"

/* Never NULL: the first whose settings are there, else the first. */
const struct forge *forge_of(const struct settings *settings);

#endif
