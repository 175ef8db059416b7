/* start - `ekaci serve`: the bot. */
#ifndef EKACI_CLI_START_H
#define EKACI_CLI_START_H

int start_main(int argc, char **argv);

#endif
