/*
 * allowed - what values of ekaci.toml must look like: 0, or ERR_INPUT with words that follow on the value ("must be ..."). For the table
 * in config.c alone.
 */
#ifndef EKACI_CONFIG_ALLOWED_H
#define EKACI_CONFIG_ALLOWED_H

#include "support/base/err.h"
#include "support/base/str.h"

must_check int check_sandbox(struct str value, struct err *e);
must_check int check_drafts(struct str value, struct err *e);
must_check int check_comment(struct str value, struct err *e);
must_check int check_decide(struct str value, struct err *e);
must_check int check_forks(struct str value, struct err *e);
must_check int check_approval(struct str value, struct err *e);
must_check int check_team(struct str value, struct err *e);
must_check int check_evaluator(struct str value, struct err *e);
must_check int check_listen(struct str value, struct err *e);
must_check int check_url(struct str value, struct err *e);
must_check int check_proxy(struct str value, struct err *e);
must_check int check_glob(struct str value, struct err *e);
must_check int check_repositories(struct str value, struct err *e);
must_check int check_word(struct str value, struct err *e);
must_check int check_cache(struct str value, struct err *e);
must_check int check_refs(struct str value, struct err *e);
must_check int check_bot(struct str value, struct err *e);
must_check int check_format(struct str value, struct err *e);
must_check int check_level(struct str value, struct err *e);
must_check int check_label(struct str value, struct err *e);
must_check int check_own_label(struct str value, struct err *e);
must_check int check_label_approvers(struct str value, struct err *e);
must_check int check_system(struct str value, struct err *e);
must_check int check_host_name(struct str value, struct err *e);

#endif
