/*
 * needs - what the GitHub App must be for the bot to work: the manifest, and what GitHub says the App is, compared with it.
 *
 * The manifest is app-manifest.json, in the program: what this version asks for is what this version needs.
 */
#ifndef EKACI_FORGE_GITHUB_NEEDS_H
#define EKACI_FORGE_GITHUB_NEEDS_H

#include "records/list.h"

#include <jansson.h>

/* The manifest, to be dropped by the caller. */
json_t *needs_manifest(void);
/* Of what is needed, what granted (an object, permission to level) does not give: "checks: write, contents: read"; NULL: nothing. What
 * the manifest asks for and only a setting needs is not among it: an App from before goes on. In a. */
const char *needs_permissions(struct arena *a, const json_t *granted);
/* The same of events, an array: "push, merge_group". */
const char *needs_events(struct arena *a, const json_t *subscribed);
/* Adds what is wrong with a webhook's configuration (url, content_type, insecure_ssl), a sentence each, to wrong, and what is only
 * worth a word to notes. url: where it should send, or NULL when that is not known. */
void needs_hook(struct arena *a, const json_t *config, const char *url, struct texts *wrong, struct texts *notes);
/* Where deliveries of a host should go, by its name in the settings (NULL, "": the first) and the address in [web] url; NULL: not known.
 * In a. */
const char *needs_hook_url(struct arena *a, const char *web_url, const char *host);

#endif
