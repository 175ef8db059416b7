/*
 * evalconf - how Nix is told to behave in an evaluation.
 *
 * The bot's evaluations see nothing of the machine's nix.conf; what the operator set for them ([evaluate] nix_options and
 * experimental_features) is one text of that form. It is handed over as a file or in the environment, never among the
 * arguments of a program, where everybody on the machine could read a token.
 *
 * `ekaci diff` is somebody's own: there everything is as that user's Nix has it (cli/ownnix.h).
 */
#ifndef EKACI_EVALUATE_EVALCONF_H
#define EKACI_EVALUATE_EVALCONF_H

#include "support/text/json.h"

/* Whether an option of Nix opens doors: tokens, passwords. They decide what can be fetched, and nothing of what comes out. */
bool evalconf_is_secret(const char *name);
/* options (name -> text, or NULL) without those; with without_doors besides lines that undo what the machine's own nix.conf
 * may have of them. */
enum evalconf_doors { EVALCONF_AS_IT_IS, EVALCONF_WITHOUT_DOORS };
json_t *evalconf_without_secrets(const json_t *options, enum evalconf_doors doors);

/* The lines, in a. features: an array of names, or NULL. A flake's own nixConfig is refused unless options accept it. */
const char *evalconf_text(struct arena *a, const json_t *options, const json_t *features);

#endif
