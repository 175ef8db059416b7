/* status - `ekaci status`: what the bot is doing, for whom and since when, what waits and why; or why one build has not started.
 * Reads only, the database as it is. */
#ifndef EKACI_CLI_STATUS_H
#define EKACI_CLI_STATUS_H

int status_main(int argc, char **argv);

#endif
