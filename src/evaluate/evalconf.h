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

#include "records/fields.h"

/* Whether an option of Nix opens doors: tokens, passwords. They decide what can be fetched, and nothing of what comes out. */
bool evalconf_is_secret(const char *name);
/* options without those, in a; EVALCONF_WITHOUT_DOORS: with lines that undo what the machine's own nix.conf may have of them. */
enum evalconf_doors { EVALCONF_AS_IT_IS, EVALCONF_WITHOUT_DOORS };
struct named_texts evalconf_without_secrets(struct arena *a, const struct named_texts *options, enum evalconf_doors doors);

/* The lines, in a. features: experimental ones. A flake's own nixConfig is refused unless options accept it. */
const char *evalconf_text(struct arena *a, const struct named_texts *options, const struct texts *features);

#endif
