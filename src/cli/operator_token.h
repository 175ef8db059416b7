/*
 * operator_token - `ekaci token add NAME | list | revoke NAME`: tokens by which operators elsewhere ask and tell the bot (formats/token_file.h,
 * web/tokens.h). A running bot sees each change with the next request.
 */
#ifndef EKACI_CLI_OPERATOR_TOKEN_H
#define EKACI_CLI_OPERATOR_TOKEN_H

int token_main(int argc, char **argv);

#endif
