/*
 * execute - one evaluation from the command line to rows, and whether they are all.
 *
 * A complete one may be partial: of some of its attributes it could not be told here what they are (doubts.h), and these rows
 * are marked.
 *
 * nix-eval-jobs with --meta makes an error of each derivation whose meta does not evaluate. So its errors are asked for once
 * more, without: what evaluates then is a row like any other, with metaError.
 */
#ifndef EKACI_EVALUATE_EXECUTE_H
#define EKACI_EVALUATE_EXECUTE_H

#include "evaluate/evaluating.h"

/* Checks the tree out, evaluates, fills rows (sorted). An incomplete evaluation is 0 with rows->incomplete. -1: it could
 * not even begin, or was cancelled (ERR_BUSY). */
must_check int execute_evaluation(struct evaluating *r, struct eval_rows *rows, struct err *e);

#endif
