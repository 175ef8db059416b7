/* github - GitHub, and GitHub Enterprise, as a forge. */
#ifndef EKACI_FORGE_GITHUB_GITHUB_H
#define EKACI_FORGE_GITHUB_GITHUB_H

#include "forge/forge.h"

extern const struct forge github;

#endif
