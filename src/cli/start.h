/* start - `ekaci serve`: the bot. */
#ifndef EKACI_CLI_START_H
#define EKACI_CLI_START_H

extern const char start_usage[];
int start_main(int argc, char **argv);

#endif
