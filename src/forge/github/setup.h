/*
 * setup - `ekaci setup`: the GitHub App, its key and ekaci.toml in one go.
 *
 * GitHub makes an App from a manifest: a form takes the operator's browser to GitHub, who sends it back here with a code,
 * and the code is exchanged for the App's number, key and webhook secret, once, within the hour. For that a page is
 * served on the loopback, until it is done. Nothing is written before that, and nothing is ever overwritten.
 *
 * https://docs.github.com/en/apps/sharing-github-apps/registering-a-github-app-from-a-manifest
 */
#ifndef EKACI_FORGE_GITHUB_SETUP_H
#define EKACI_FORGE_GITHUB_SETUP_H

#include "support/text/usage.h"

extern const struct usage_option setup_options[];
int setup_main(int argc, char **argv);

#endif
