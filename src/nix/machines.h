/*
 * machines - who builds: this machine, and those of Nix' builders setting.
 *
 * A line is what Nix takes: `URI SYSTEMS KEY MAX-JOBS SPEED FEATURES MANDATORY HOST-KEY`, fields apart by blanks, lists
 * by commas, "-" or nothing at the end for a default (SYSTEMS: ours, MAX-JOBS 1, SPEED 1). Lines are apart by newline or
 * ";", "#" begins a comment, "@/path" stands for the lines of a file; a file that is not there has none (so that
 * "@/etc/nix/machines" is right on any machine). A URI without a scheme is ssh://. The host key is base64, or nothing.
 *
 * A derivation fits when the machine builds its system, all features it requires are among the machine's features and
 * mandatory features, and it requires all the mandatory ones. The system "builtin" is built by this machine alone.
 *
 * Memory: everything lives in the arena given.
 */
#ifndef EKACI_NIX_MACHINES_H
#define EKACI_NIX_MACHINES_H

#include "records/fields.h"

enum {
	MACHINES_MAX = 256, /* lines; more is a mistake */
	MACHINES_MAX_JOBS = 10000,
	MACHINES_MAX_FILE = 1024 * 1024
};

struct machine {
	const char *uri;                                                 /* NULL: this machine */
	const char *const *systems, *const *features, *const *mandatory; /* NULL-terminated */
	const char *key, *host_key;                                      /* NULL: none */
	int64_t max_jobs;
	double speed;
	const char *line; /* all eight fields, for --builders; NULL for this machine */
};

/* The builders setting; ERR_INPUT names the line that cannot be read. */
must_check int machines_parse(struct arena *a, const char *builders, const char *own_system, const struct machine **ret,
    size_t *ret_n, struct err *e);
/* What is said of this machine, and which others there are. */
struct machines_said {
	struct texts systems, features; /* empty: Nix' own: system and extra-platforms; system-features (nix/settings.h) */
	int64_t slots;                  /* builds at once, of each system */
	const char *builders;           /* as machines_parse takes it */
};
/* This machine (one entry a system, as slots are counted by system), then its builders. The first call runs a program. */
must_check int machines_load(struct arena *a, const struct machines_said *said, const struct machine **ret, size_t *ret_n,
    struct err *e);
/* What Nix' settings are, as nixsettings_read has them on one line, so that no program is run for them here. NULL: what Nix builds here is
 * a guess until they are known: what this kernel runs, with the features that machines usually have. */
void machines_know(const char *settings);
/* Whether two lists say the same. */
bool machines_same(const struct machine *a, size_t n_a, const struct machine *b, size_t n_b);
/* features: NULL-terminated. */
bool machine_fits(const struct machine *m, const char *system, const char *const *features);
/* How many builds of the system the machine makes at once; 0 when it does not build for it. */
int64_t machine_slots(const struct machine *m, const char *system);
/* Why none of n machines fits, for people; NULL when one does. */
const char *machines_why_not(struct arena *a, const struct machine *m, size_t n, const char *system,
    const char *const *features);
/* "x86_64-linux" of this machine, as Nix has it. */
const char *machines_own_system(void);

#endif
