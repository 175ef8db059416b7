/*
 * check - `ekaci check-config`: mistakes in a file of settings or rules; of settings also what would stop `ekaci serve` on this machine,
 * and what people would miss, each with what to do about it.
 */
#ifndef EKACI_CLI_CHECK_H
#define EKACI_CLI_CHECK_H

int check_main(int argc, char **argv);

#endif
